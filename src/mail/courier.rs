//! The worker that carries letters from the outbox to the transport: at least once, the same Message-ID each time.
//!
//! It has no more letters in hand than conversations, and opens their bodies one by one, so its memory is the same
//! however many wait. A domain has few of the places: one that is slow keeps nobody else waiting.

mod bell;
mod carry;
mod hands;
#[cfg(test)]
mod tests;
mod turn;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

pub use bell::{CourierBell, CourierHealth};
use hands::Hands;

use super::Mailroom;
use super::carrier::Transport;
use super::dkim::Signer;
use crate::clock::{Chance, Clock};
use crate::metrics::{AttemptLabels, Metrics};
use crate::model::attempt::AttemptOutcome;
use crate::model::time::Millis;
use crate::store::letters::{self, lanes, lanes::Claim, lanes::Claimed};
use crate::store::{Store, Tx, Unavailable};

/// How long one conversation with a mail server may take until the message is written. Its answer has
/// [`LAST_WORD`](super::conversation::LAST_WORD) beside.
pub const CONVERSATION: Duration = Duration::from_secs(60);
/// How long a letter is in one courier's hand. Longer than the conversations of all that a transport takes in hand at
/// once, one after another where it has few places: eight at a relay, each for a conversation and its last word, which
/// makes 48 minutes. A start takes letters back earlier; this is for the rest.
const LEASE: Duration = Duration::from_secs(60 * 60);
/// The courier looks into the outbox at least this often: letters of the command line do not wake it.
const LOOK: Duration = Duration::from_secs(5);

/// Carries letters. Run it with [`Courier::run`].
pub struct Courier {
    pub store: Store,
    pub mailroom: Arc<Mailroom>,
    pub transport: Transport,
    /// Signs what leaves the house, when the operator has a DKIM key.
    pub signer: Option<Signer>,
    pub clock: Clock,
    pub chance: Chance,
    pub metrics: Metrics,
    pub bell: CourierBell,
    pub health: Arc<Mutex<CourierHealth>>,
}

impl Courier {
    /// Carries letters until `stop` turns true, then finishes the conversations it is in, and gives the other letters back.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut hands = Hands::new(self.transport.places());
        let mut run = None;
        while !*stop.borrow() {
            hands.let_go();
            let failed = match self.fill(&mut hands, &mut run).await {
                Ok(()) => false,
                Err(error) => {
                    tracing::error!("the courier cannot read the outbox and tries again: {error}");
                    true
                }
            };
            self.rest(&mut hands, &mut stop, failed).await;
        }
        if let Transport::Carrier(carrier) = &self.transport {
            carrier.close();
        }
        while hands.one_ends().await.is_some() {}
        self.put_up_feet().await;
    }

    /// Takes as many letters in hand as there are places for. `run` names this run from its first success on.
    async fn fill(self: &Arc<Self>, hands: &mut Hands, run: &mut Option<String>) -> Result<(), Unavailable> {
        let run = match run {
            Some(run) => run.clone(),
            None => run.insert(self.begin().await?).clone(),
        };
        let now = self.clock.now();
        let free = hands.free(self.clock.monotonic());
        if free == 0 || self.store.read(lanes::next_due)?.is_none_or(|due| due > now) {
            return Ok(());
        }
        let (per_lane, probes) = (hands.per_domain(), hands.probes());
        let claim = Claim { run, now, until: now + LEASE, free, per_lane, probes };
        let to_mailbox = matches!(self.transport, Transport::Mailbox);
        let claimed = self.store.write(move |tx| {
            let kept = if to_mailbox { letters::keep_due(tx, now)? } else { 0 };
            Ok::<_, Unavailable>((kept, lanes::claim(tx, &claim)?))
        });
        let (kept, claimed) = claimed.await?;
        if kept > 0 {
            self.bell.announce();
            self.count(AttemptOutcome::Delivered, kept);
            tracing::info!("letters kept in the mailbox: {kept}");
        }
        for Claimed { letter, probe } in claimed {
            let courier = Arc::clone(self);
            hands.start((probe, self.clock.monotonic()), async move { courier.carry_in_turn(letter).await });
        }
        Ok(())
    }

    /// Begins a run: gives it a name, and takes back what a courier before it had in hand when it ended.
    async fn begin(&self) -> Result<String, Unavailable> {
        let now = self.clock.now();
        let taken: Result<_, Unavailable> = self.store.write(move |tx| begin(tx, now)).await;
        let taken = taken?;
        if taken > 0 {
            self.count(AttemptOutcome::CutOff, taken as u64);
            tracing::warn!("letters that were in hand when the server ended go out again: {taken}");
        }
        let name: [u8; 8] = self.chance.bytes();
        Ok(format!("{:016x}", u64::from_be_bytes(name)))
    }

    fn count(&self, outcome: AttemptOutcome, times: u64) {
        let labels = AttemptLabels { outcome: outcome.as_str(), transport: self.transport.name() };
        self.metrics.letter_attempts.get_or_create(&labels).inc_by(times);
    }

    /// Waits until there may be something to do: a conversation is over, a letter is due, the bell rings, or the end.
    async fn rest(&self, hands: &mut Hands, stop: &mut watch::Receiver<bool>, failed: bool) {
        let now = self.clock.now();
        let next = self.store.read(lanes::next_due).ok().flatten();
        let span = match next {
            // Due already: there was no free place, or more letters than places.
            Some(due) if due <= now && hands.free(self.clock.monotonic()) > 0 && !failed => {
                return tokio::task::yield_now().await;
            }
            Some(due) if due > now => due.since(now).min(LOOK),
            _ => LOOK,
        };
        if hands.are_empty() {
            self.put_up_feet().await;
        }
        tokio::select! {
            Some(()) = hands.one_ends() => {}
            () = self.bell.rung() => {}
            () = tokio::time::sleep(span) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    /// No connection is kept open for letters that may come.
    async fn put_up_feet(&self) {
        if let Transport::Carrier(carrier) = &self.transport {
            carrier.rest().await;
        }
    }
}

fn begin(tx: &Tx<'_>, now: Millis) -> Result<usize, Unavailable> {
    let taken = lanes::take_back(tx, now)?;
    lanes::bring_near(tx, now)?;
    Ok(taken)
}

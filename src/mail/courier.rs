//! The worker that carries letters from the outbox to the transport: at least once, the same Message-ID each time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::Mailroom;
use super::relay::{Relay, Verdict};
use crate::clock::{Chance, Clock};
use crate::metrics::{LetterLabels, Metrics};
use crate::model::letter::{Letter, LetterState};
use crate::model::time::{HOUR, Millis, SECOND};
use crate::store::letters::{self, Outcome};
use crate::store::{Store, Unavailable};

/// How long one conversation with the relay may take in all.
pub const CONVERSATION: Duration = Duration::from_secs(60);
/// How long a letter is in one courier's hand. Longer than a conversation, so that no other takes it meanwhile.
const LEASE: Duration = Duration::from_secs(90);
/// Conversations at a time, and so letters in hand.
const CONVERSATIONS: usize = 8;
/// The courier looks into the outbox at least this often: letters of the command line do not wake it.
const LOOK: Duration = Duration::from_secs(5);

/// Where letters go.
pub enum Transport {
    /// Nowhere: they are kept and can be read at `/mailbox`.
    Mailbox,
    /// To an SMTP server.
    Relay(Relay),
}

/// How the courier is doing, for `/health`.
#[derive(Debug, Clone, Default)]
pub struct CourierHealth {
    /// What the operator has to mend, in the transport's words; none after a delivery.
    pub fault: Option<String>,
    /// Why the last letter was put off, when it was: the server cannot be reached, or said "later".
    pub delay: Option<String>,
}

/// Tells the courier that there is something to carry, and others that it has carried something. Clones speak of the
/// same courier.
#[derive(Clone)]
pub struct CourierBell {
    wake: Arc<Notify>,
    settled: watch::Sender<()>,
}

impl Default for CourierBell {
    fn default() -> CourierBell {
        CourierBell { wake: Arc::default(), settled: watch::Sender::new(()) }
    }
}

impl CourierBell {
    /// Wakes the courier, or keeps it from falling asleep.
    pub fn ring(&self) {
        self.wake.notify_one();
    }

    /// Tells of every letter that has left or come back.
    pub fn settled(&self) -> watch::Receiver<()> {
        self.settled.subscribe()
    }

    fn announce(&self) {
        self.settled.send_replace(());
    }
}

/// Carries letters. Run it with [`Courier::run`].
pub struct Courier {
    pub store: Store,
    pub mailroom: Arc<Mailroom>,
    pub transport: Transport,
    pub clock: Clock,
    pub chance: Chance,
    pub metrics: Metrics,
    pub bell: CourierBell,
    pub health: Arc<Mutex<CourierHealth>>,
}

impl Courier {
    /// Carries letters until `stop` turns true, then finishes the conversations it is in.
    pub async fn run(self: Arc<Self>, mut stop: watch::Receiver<bool>) {
        let mut conversations = JoinSet::new();
        while !*stop.borrow() {
            let free = CONVERSATIONS - conversations.len();
            let claimed = self.claim(free).await;
            let failed = claimed.is_err();
            match claimed {
                Ok(letters) => {
                    for letter in letters {
                        let courier = Arc::clone(&self);
                        conversations.spawn(async move { courier.carry(letter).await });
                    }
                }
                Err(error) => tracing::error!("the courier cannot read the outbox and tries again: {error}"),
            }
            self.rest(&mut conversations, &mut stop, failed).await;
        }
        while let Some(done) = conversations.join_next().await {
            report_panic(done);
        }
    }

    /// Takes at most `free` letters in hand. A slow conversation holds its own place and nobody else's.
    async fn claim(&self, free: usize) -> Result<Vec<Letter>, Unavailable> {
        let now = self.clock.now();
        if free == 0 || self.store.read(letters::next_due)?.is_none_or(|due| due > now) {
            return Ok(Vec::new());
        }
        let to_mailbox = matches!(self.transport, Transport::Mailbox);
        let (kept, claimed) = self
            .store
            .write(move |tx| {
                let kept = if to_mailbox { letters::keep_due(tx, now)? } else { 0 };
                Ok::<_, Unavailable>((kept, letters::claim_due(tx, now, now + LEASE, free as i64)?))
            })
            .await?;
        if kept > 0 {
            self.bell.announce();
            let delivered = LetterLabels { state: LetterState::Delivered.as_str() };
            self.metrics.letter_attempts.get_or_create(&delivered).inc_by(kept);
            tracing::info!("letters kept in the mailbox: {kept}");
        }
        Ok(claimed)
    }

    /// Waits until there may be something to do: a conversation is over, a letter is due, the bell rings, or the end.
    async fn rest(&self, conversations: &mut JoinSet<()>, stop: &mut watch::Receiver<bool>, failed: bool) {
        let now = self.clock.now();
        let next = self.store.read(letters::next_due).ok().flatten();
        let span = match next {
            // Due already: there was no free place, or more letters than places.
            Some(due) if due <= now && conversations.len() < CONVERSATIONS && !failed => {
                return tokio::task::yield_now().await;
            }
            Some(due) if due > now => due.since(now).min(LOOK),
            _ => LOOK,
        };
        tokio::select! {
            Some(done) = conversations.join_next() => report_panic(done),
            () = self.bell.wake.notified() => {}
            () = tokio::time::sleep(span) => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }

    async fn carry(&self, letter: Letter) {
        let now = self.clock.now();
        let (state, verdict) = if now >= letter.expires_at {
            (LetterState::Expired, "not sent in time: what it leads to is no longer good".to_owned())
        } else {
            self.attempt(&letter).await
        };
        let keep = match (&self.transport, state) {
            (_, LetterState::Waiting) | (Transport::Mailbox, LetterState::Delivered) => true,
            (Transport::Relay(_), LetterState::Delivered) => false,
            // The operator may mend the cause and retry until the letter's life is over.
            (_, LetterState::Failed) => true,
            (_, LetterState::Expired) => false,
        };
        self.metrics.letter_attempts.get_or_create(&LetterLabels { state: state.as_str() }).inc();
        let (id, attempts) = (letter.id, letter.attempts);
        let now = self.clock.now();
        let next_attempt_at = now + self.delay(attempts);
        log_outcome(&letter, state, &verdict, next_attempt_at);
        let settled = self.store.write(move |tx| {
            let outcome = Outcome { state, erase: !keep, verdict: &verdict, next_attempt_at, now };
            letters::settle(tx, id, &outcome)
        });
        if let Err(error) = settled.await {
            let error: Unavailable = error;
            tracing::error!(
                "letter {id} was carried but that could not be noted; it may go out twice: {error}"
            );
        }
        self.bell.announce();
    }

    async fn attempt(&self, letter: &Letter) -> (LetterState, String) {
        let Ok(body) = self.mailroom.open(letter) else {
            return (LetterState::Failed, "sealed with another secret key".to_owned());
        };
        let relay = match &self.transport {
            Transport::Mailbox => return (LetterState::Delivered, "kept in the mailbox".to_owned()),
            Transport::Relay(relay) => relay,
        };
        let message = match self.mailroom.message(letter, body) {
            Ok(message) => message,
            Err(error) => return (LetterState::Failed, error.to_string()),
        };
        let sender = self.mailroom.letterhead().from.as_str();
        self.judge(relay.send(sender, &letter.to, &message).await)
    }

    fn judge(&self, verdict: Verdict) -> (LetterState, String) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match verdict {
            Verdict::Delivered { reply } => {
                *health = CourierHealth::default();
                (LetterState::Delivered, reply)
            }
            Verdict::Rejected { reply } => (LetterState::Failed, reply),
            Verdict::Deferred { reason } => {
                health.delay = Some(reason.clone());
                (LetterState::Waiting, reason)
            }
            Verdict::Misconfigured { reason } => {
                health.fault = Some(reason.clone());
                (LetterState::Waiting, reason)
            }
        }
    }

    /// From 5 s, four times as long each time, to an hour; a fifth of it by chance, so that letters that failed
    /// together do not all come back together.
    fn delay(&self, attempts: i64) -> Duration {
        let base = (5 * SECOND)
            .saturating_mul(4_u32.saturating_pow(u32::try_from(attempts).unwrap_or(u32::MAX).min(8)));
        let base = base.min(HOUR);
        base.mul_f64(0.9 + self.chance.below(200) as f64 / 1000.0)
    }
}

fn log_outcome(letter: &Letter, state: LetterState, verdict: &str, next: Millis) {
    let (id, kind) = (letter.id, &letter.kind);
    match state {
        LetterState::Delivered => tracing::info!("letter {id} ({kind}) delivered: {verdict}"),
        LetterState::Waiting => tracing::warn!("letter {id} ({kind}) waits until {next}: {verdict}"),
        LetterState::Failed => tracing::error!("letter {id} ({kind}) failed for good: {verdict}"),
        LetterState::Expired => tracing::warn!("letter {id} ({kind}) dropped: {verdict}"),
    }
}

fn report_panic(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!("carrying a letter panicked; its lease will run out: {error}");
    }
}

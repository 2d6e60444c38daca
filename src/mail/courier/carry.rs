//! One letter's way: opened, handed over, and what came of it noted.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Courier, CourierHealth};
use crate::mail::carrier::{Envelope, Handover, Transport};
use crate::mail::conversation::Verdict;
use crate::metrics::AttemptLabels;
use crate::model::attempt::{Attempt, AttemptOutcome};
use crate::model::letter::{Letter, LetterState};
use crate::model::time::{HOUR, Millis, SECOND};
use crate::store::letters::{self, Outcome, lanes};
use crate::store::{Tx, Unavailable};

/// The first pause between two attempts; each is four times as long as the one before.
const FIRST_PAUSE: Duration = SECOND.saturating_mul(5);

impl Courier {
    /// Carries a letter as far as it goes today.
    pub(super) async fn carry(&self, letter: Letter) {
        let handover = if self.clock.now() >= letter.expires_at {
            unsent(AttemptOutcome::Expired, "not sent in time: what it leads to is no longer good")
        } else {
            self.attempt(&letter).await
        };
        let labels = AttemptLabels { outcome: handover.outcome.as_str(), transport: self.transport.name() };
        self.metrics.letter_attempts.get_or_create(&labels).inc();
        self.settle(letter, handover).await;
        self.bell.announce();
    }

    async fn attempt(&self, letter: &Letter) -> Told {
        let Ok(body) = self.mailroom.open(letter) else {
            return unsent(AttemptOutcome::Unsendable, "sealed with another secret key");
        };
        let Transport::Carrier(carrier) = &self.transport else {
            return unsent(AttemptOutcome::Delivered, "kept in the mailbox");
        };
        let message = match self.mailroom.message(letter, body) {
            Ok(message) => message,
            Err(error) => return unsent(AttemptOutcome::Unsendable, &error.to_string()),
        };
        let message = match &self.signer {
            Some(signer) => signer.sign(&message, letter.created_at),
            None => message,
        };
        let sender = self.mailroom.letterhead().from.as_str();
        let envelope = Envelope { from: sender, to: &letter.to, message: &message };
        self.judge(&letter.domain, carrier.hand_over(envelope).await)
    }

    fn judge(&self, domain: &str, handover: Handover) -> Told {
        let Handover { verdict, server, tls } = handover;
        // Where each domain has a server of its own, one that turns us away may be at fault itself.
        let alone = self.transport.places().probes.is_some();
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let (outcome, words) = match verdict {
            Verdict::Delivered { reply } => {
                *health = CourierHealth::default();
                (AttemptOutcome::Delivered, reply)
            }
            Verdict::Rejected { reply } => {
                // It found fault with the letter, and with nothing before it.
                if !server.is_empty() {
                    *health = CourierHealth::default();
                }
                (AttemptOutcome::Rejected, reply)
            }
            Verdict::Deferred { reason } => {
                health.delay = Some(reason.clone());
                (AttemptOutcome::Deferred, reason)
            }
            Verdict::Unreachable { reason } => {
                health.delay = Some(reason.clone());
                (AttemptOutcome::Unreachable, reason)
            }
            Verdict::Misconfigured { reason } => {
                health.turned_away(alone.then_some(domain), &reason);
                (AttemptOutcome::Misconfigured, reason)
            }
        };
        Told { outcome, words, server, tls }
    }

    async fn settle(&self, letter: Letter, told: Told) {
        let state = state_after(told.outcome);
        let keep = match state {
            LetterState::Waiting => true,
            LetterState::Delivered => matches!(self.transport, Transport::Mailbox),
            // The operator may mend the cause and retry until the letter's life is over.
            LetterState::Failed => true,
            LetterState::Expired => false,
        };
        let now = self.clock.now();
        let jitter = self.chance.below(200);
        let next_attempt_at = now + pause(letter.attempts, jitter);
        log_outcome(&letter, state, &told.words, next_attempt_at);
        let Told { outcome, words, server, tls } = told;
        let attempt = Attempt { number: 0, at: now, outcome, words, server, tls };
        let (id, domain) = (letter.id, letter.domain);
        let spares = self.transport.places().probes.is_some();
        let settled = self.store.write(move |tx| {
            letters::settle(tx, id, &Outcome { state, erase: !keep, next_attempt_at, attempt: &attempt })?;
            settle_lane(tx, &domain, if spares { Some(outcome) } else { None }, (now, jitter))
        });
        if let Err(error) = settled.await {
            let error: Unavailable = error;
            tracing::error!(
                "letter {id} was carried but that could not be noted; it may go out twice: {error}"
            );
        }
    }
}

/// What came of an attempt, in the words of whoever told.
struct Told {
    outcome: AttemptOutcome,
    words: String,
    server: String,
    tls: String,
}

fn unsent(outcome: AttemptOutcome, words: &str) -> Told {
    Told { outcome, words: words.to_owned(), server: String::new(), tls: String::new() }
}

fn state_after(outcome: AttemptOutcome) -> LetterState {
    match outcome {
        AttemptOutcome::Delivered => LetterState::Delivered,
        AttemptOutcome::Rejected | AttemptOutcome::Unsendable => LetterState::Failed,
        AttemptOutcome::Expired => LetterState::Expired,
        AttemptOutcome::Deferred
        | AttemptOutcome::Unreachable
        | AttemptOutcome::Misconfigured
        | AttemptOutcome::CutOff => LetterState::Waiting,
    }
}

/// Where each domain has a server of its own, `told` is what that said; else the lane learns nothing of it.
fn settle_lane(
    tx: &Tx<'_>,
    domain: &str,
    told: Option<AttemptOutcome>,
    (now, jitter): (Millis, u64),
) -> Result<(), Unavailable> {
    match told {
        Some(AttemptOutcome::Unreachable | AttemptOutcome::Misconfigured) => {
            let times = lanes::missed(tx, domain)?;
            lanes::hold(tx, domain, now + pause(times - 1, jitter))
        }
        Some(AttemptOutcome::Delivered | AttemptOutcome::Deferred | AttemptOutcome::Rejected) => {
            lanes::answered(tx, domain, now)
        }
        Some(AttemptOutcome::Expired | AttemptOutcome::Unsendable | AttemptOutcome::CutOff) | None => {
            lanes::look_again(tx, domain, now)
        }
    }
}

/// From 5 s, four times as long each time, to an hour; a fifth of it by chance (`jitter` is below 200), so that letters
/// that failed together do not all come back together.
fn pause(before: i64, jitter: u64) -> Duration {
    let times = u32::try_from(before).unwrap_or(u32::MAX).min(8);
    let base = FIRST_PAUSE.saturating_mul(4_u32.saturating_pow(times)).min(HOUR);
    base.mul_f64(0.9 + jitter as f64 / 1000.0)
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

//! The outbox, as the operator sees it.

use crate::model::attempt::{Attempt, AttemptOutcome};
use crate::model::domain::Host;
use crate::model::email::EmailAddress;
use crate::model::id::LetterId;
use crate::model::language::Language;
use crate::model::letter::{Letter, LetterBody, LetterState};
use crate::model::time::{DAY, HOUR, MINUTE};
use crate::store::letters::{self, Outcome, history};
use crate::store::{Tx, Unavailable};

use super::Service;

/// Spans by which waiting letters are told apart, with their names; the last has no bound.
const AGES: [(&str, Option<std::time::Duration>); 6] = [
    ("1m", Some(MINUTE)),
    ("10m", Some(MINUTE.saturating_mul(10))),
    ("1h", Some(HOUR)),
    ("6h", Some(HOUR.saturating_mul(6))),
    ("24h", Some(DAY)),
    ("longer", None),
];

/// The kind of the letters that the operator tries the way with. No template has it.
const TRIAL: &str = "test";

/// What waits in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// How many letters have waited for up to each span, and longer than the one before.
    pub by_age: Vec<(&'static str, i64)>,
    /// For how many seconds the oldest has; 0 when none waits.
    pub oldest_seconds: i64,
}

/// Which letters are to be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retry {
    /// All that failed.
    Failed,
    /// All to a domain, whether they wait or failed.
    Domain(Host),
}

impl Service {
    /// The latest letters, newest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_letters(&self, state: Option<LetterState>, limit: i64) -> Result<Vec<Letter>, Unavailable> {
        self.store.read(|tx| letters::list(tx, state, None, limit))
    }

    /// The latest letters to a domain, newest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_letters_to(
        &self,
        domain: &Host,
        state: Option<LetterState>,
        limit: i64,
    ) -> Result<Vec<Letter>, Unavailable> {
        self.store.read(|tx| letters::list(tx, state, Some(domain.as_str()), limit))
    }

    /// The letter of an id.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn find_letter(&self, id: LetterId) -> Result<Option<Letter>, Unavailable> {
        self.store.read(|tx| letters::find(tx, id))
    }

    /// What came of each attempt to hand a letter over, oldest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn letter_history(&self, id: LetterId) -> Result<Vec<Attempt>, Unavailable> {
        self.store.read(|tx| history::of_letter(tx, id))
    }

    /// Makes a letter due at once. False when it was delivered, dropped, is being carried, or is no longer good for
    /// anything.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn retry_letter(&self, id: LetterId) -> Result<bool, Unavailable> {
        let now = self.clock.now();
        self.store.write(move |tx| letters::retry(tx, id, now)).await
    }

    /// Puts a letter of the operator's own into the mailbox at once: no courier sends it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn keep_trial(
        &self,
        to: &EmailAddress,
        language: Language,
        body: &LetterBody,
    ) -> Result<(), Unavailable> {
        let letter = self.mailroom.enclose((to, language), TRIAL, body);
        let attempt = Attempt {
            number: 0,
            at: letter.created_at,
            outcome: AttemptOutcome::Delivered,
            words: "kept in the mailbox".to_owned(),
            server: String::new(),
            tls: String::new(),
        };
        let kept = self.store.write(move |tx| {
            letters::insert(tx, &letter, None)?;
            let state = LetterState::Delivered;
            let next_attempt_at = letter.next_attempt_at;
            let outcome = Outcome { state, erase: false, next_attempt_at, attempt: &attempt };
            letters::settle(tx, letter.id, &outcome)
        });
        kept.await.map(drop)
    }

    /// Makes many letters due at once, those aside that are being carried or no longer good for anything. Tells how
    /// many.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn retry_letters(&self, which: Retry) -> Result<u64, Unavailable> {
        let now = self.clock.now();
        let retry = move |tx: &Tx<'_>| match which {
            Retry::Failed => letters::retry_failed(tx, now),
            Retry::Domain(domain) => letters::retry_domain(tx, domain.as_str(), now),
        };
        self.store.write(retry).await
    }

    /// What waits. Reads all that does, on a thread of its own.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn backlog(&self) -> Result<Backlog, Unavailable> {
        let now = self.clock.now();
        let look = move |tx: &Tx<'_>| {
            let mut by_age = Vec::with_capacity(AGES.len());
            let mut younger = None;
            for (name, span) in AGES {
                let since = span.map(|span| now - span);
                by_age.push((name, letters::waiting_between(tx, younger, since)?));
                younger = since;
            }
            let oldest = letters::oldest_waiting(tx)?;
            let oldest_seconds =
                oldest.map_or(0, |made| now.since(made).as_secs().try_into().unwrap_or(i64::MAX));
            Ok(Backlog { by_age, oldest_seconds })
        };
        self.store.scan(look).await
    }
}

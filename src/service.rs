//! The use cases, a file a verb. They speak in values and meanings: nothing here knows a wire format.

pub mod access_tokens;
pub mod address;
mod admission;
pub mod api_keys;
mod arrival;
pub mod audit;
pub mod authenticate;
pub mod card;
pub mod client_devices;
pub mod devices;
pub mod directory;
mod handover;
pub mod invitation;
pub mod invite;
pub mod invite_codes;
pub mod keys;
pub mod leaving;
pub mod ledger;
pub mod login;
pub mod magic_link;
pub mod mailbox;
mod mailed_link;
pub mod metering;
pub mod notifications;
mod opening;
pub mod operator;
pub mod outbox;
pub mod password;
pub mod personal;
pub mod policy;
pub mod privacy;
pub mod profile;
pub mod proving;
pub mod quota;
mod reclaim;
pub mod referral;
pub mod refresh;
pub mod register;
pub mod resend;
pub mod reset;
pub mod roster;
pub mod sessions;
pub mod settings;
pub mod standing;
pub mod subscription;
pub mod team;
pub mod throttle;
pub mod two_factor;
pub mod verify;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::captcha::Captcha;
use crate::clock::{Chance, Clock};
use crate::hashing::{Hashing, HashingError, RETRY_AFTER};
use crate::mail::Mailroom;
use crate::mail::courier::CourierBell;
use crate::metrics::Metrics;
use crate::model::account::Member;
use crate::model::id::ProofId;
use crate::model::letter::LetterState;
use crate::model::time::Millis;
use crate::secrets::{Secrets, Use};
use crate::store::{Store, letters};

pub use crate::store::Unavailable;
use crate::tokens::Ring;

/// Everything the use cases work with. One per process, shared by all who call.
pub struct Service {
    pub store: Store,
    pub hashing: Hashing,
    pub ring: Ring,
    pub mailroom: Arc<Mailroom>,
    pub bell: CourierBell,
    pub captcha: Arc<Captcha>,
    pub secrets: Arc<Secrets>,
    pub clock: Clock,
    pub chance: Chance,
    pub metrics: Metrics,
    /// The `iss` of tokens: the public URL when one is set, else `latchkey`.
    pub issuer: String,
    /// Whether addresses have mail budgets and networks login locks.
    pub limits: bool,
    /// Whether a login may tell an unknown address from a wrong password.
    pub reveal_accounts: bool,
    /// Ledger tokens for who brought in somebody that subscribes; 0 is none.
    pub referral_reward: i64,
    pub(crate) key_reload: keys::ReloadGate,
    pub(crate) key_use: metering::KeyUse,
    pub(crate) last_sweep: Mutex<Option<Sweep>>,
}

/// A round of housekeeping that went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sweep {
    pub at: Millis,
    /// Rows that went.
    pub removed: u64,
}

/// Somebody who has just come in.
#[derive(Debug, Clone)]
pub struct Entered {
    pub member: Member,
    pub tokens: sessions::Tokens,
    /// The open proof of the address, while it is unverified.
    pub pending_proof: Option<ProofId>,
}

/// What can go wrong in any use case that has to wait for something scarce.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Setback {
    /// Come back after this span.
    #[error("the server is busy")]
    Busy(Duration),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<HashingError> for Setback {
    fn from(error: HashingError) -> Setback {
        match error {
            HashingError::Busy => Setback::Busy(RETRY_AFTER),
            HashingError::Failed => Setback::Unavailable(Unavailable::because(error)),
        }
    }
}

impl Service {
    /// Letters that wait.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn waiting_letters(&self) -> Result<i64, Unavailable> {
        self.store.read(letters::waiting)
    }

    /// Letters by state. Reads the whole outbox, on a thread of its own.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn letter_counts(&self) -> Result<Vec<(LetterState, i64)>, Unavailable> {
        self.store.scan(letters::counts).await
    }

    /// Remembers a round of housekeeping.
    pub fn note_sweep(&self, removed: u64) {
        let sweep = Sweep { at: self.clock.now(), removed };
        *self.last_sweep.lock().unwrap_or_else(PoisonError::into_inner) = Some(sweep);
    }

    /// The last round of housekeeping since the start.
    pub fn last_sweep(&self) -> Option<Sweep> {
        *self.last_sweep.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Why the last write failed, if it did: a full disk, say. None once one has gone through again.
    pub fn write_fault(&self) -> Option<String> {
        self.store.write_fault()
    }

    /// Under what an address is counted: a keyed digest, so that the file tells nobody which strangers' addresses were
    /// typed.
    fn subject(&self, email_key: &str) -> String {
        self.secrets.digest(Use::Throttle, email_key)
    }

    /// By what an address or a domain is remembered as having had a trial.
    fn trial_identity(&self, text: &str) -> String {
        self.secrets.digest(Use::EmailIdentity, text)
    }
}

/// The span until `at`, at least a second: what a refused caller is told to wait.
fn wait_until(at: Millis, now: Millis) -> Duration {
    at.since(now).max(Duration::from_secs(1))
}

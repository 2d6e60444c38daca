//! Proofs: one-time secrets that show somebody reads a mailbox.

use std::time::Duration;

use super::id::{AccountId, ProofId};
use super::time::{DAY, HOUR, Millis};

/// What a proof is good for. A secret made for one purpose is nothing anywhere else (THREATS E4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Shows that the registered address is the registrant's.
    Verify,
    /// Lets the reader of the mailbox choose a new password.
    Reset,
}

impl Purpose {
    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::Reset => "reset",
        }
    }

    /// The purpose of a database name.
    pub fn of_name(name: &str) -> Option<Purpose> {
        [Purpose::Verify, Purpose::Reset].into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// How long a mailed secret is good (seed: a verification 24 hours).
    pub fn life(self) -> Duration {
        match self {
            Purpose::Verify => DAY,
            Purpose::Reset => HOUR,
        }
    }
}

/// How long the secret of an invitation is good.
pub const INVITATION_LIFE: Duration = Duration::from_secs(7 * DAY.as_secs());

/// Wrong or right codes that may be tried per account and purpose within [`CODE_WINDOW`], resends included (E1).
pub const CODE_TRIES: i64 = 5;
/// The span in which [`CODE_TRIES`] are counted.
pub const CODE_WINDOW: Duration = DAY;

/// A proof that a secret or code was found to belong to.
#[derive(Debug, Clone)]
pub struct Proof {
    pub id: ProofId,
    pub account: AccountId,
    pub purpose: Purpose,
    pub created_at: Millis,
    pub used_at: Option<Millis>,
    /// When its youngest secret stops being good.
    pub expires_at: Millis,
}

impl Proof {
    /// Whether it can still be used.
    pub fn is_open(&self, now: Millis) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }
}

//! Proofs: one-time secrets that show somebody reads a mailbox.

use std::time::Duration;

use super::email::EmailAddress;
use super::id::{AccountId, ProofId, SessionId};
use super::time::{DAY, HOUR, Millis};

/// What a proof is good for. A secret made for one purpose is nothing anywhere else (THREATS E4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Shows that the registered address is the registrant's.
    Verify,
    /// Lets the reader of the mailbox choose a new password.
    Reset,
    /// Shows that the address an account wants is its owner's (THREATS A5).
    ChangeAddress,
    /// Gives an account its former address back. It outlives changes of the password and further changes of the
    /// address, for whoever took the account over can make both.
    UndoChange,
    /// Stands for a login whose password was right and whose second factor is lacking; the code in its letter passes it.
    SecondFactor,
    /// Shows that codes mailed to an account arrive, before it relies on them.
    EnrolMail,
    /// Lets the reader of the mailbox in without a password, though not without the second factor (THREATS D4).
    MagicLink,
}

impl Purpose {
    const ALL: [Purpose; 7] = [
        Purpose::Verify,
        Purpose::Reset,
        Purpose::ChangeAddress,
        Purpose::UndoChange,
        Purpose::SecondFactor,
        Purpose::EnrolMail,
        Purpose::MagicLink,
    ];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::Reset => "reset",
            Purpose::ChangeAddress => "change-address",
            Purpose::UndoChange => "undo-change",
            Purpose::SecondFactor => "second-factor",
            Purpose::EnrolMail => "enrol-mail",
            Purpose::MagicLink => "magic-link",
        }
    }

    /// The purpose of a database name.
    pub fn of_name(name: &str) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }

    /// How long a mailed secret is good (seed: a verification 24 hours).
    pub fn life(self) -> Duration {
        match self {
            Purpose::Verify | Purpose::ChangeAddress => DAY,
            Purpose::Reset => HOUR,
            Purpose::UndoChange => UNDO_LIFE,
            Purpose::SecondFactor | Purpose::EnrolMail => CODE_LIFE,
            Purpose::MagicLink => MAGIC_LINK_LIFE,
        }
    }
}

/// How long a change of address can be undone. As long is the former address kept from everybody else.
pub const UNDO_LIFE: Duration = Duration::from_secs(7 * DAY.as_secs());

/// How long a mailed code for the second factor is good, and the login that it belongs to.
pub const CODE_LIFE: Duration = Duration::from_secs(600);

/// How long a mailed link lets its reader in (contracts/orbai.md section 2).
pub const MAGIC_LINK_LIFE: Duration = Duration::from_secs(15 * 60);

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
    /// The address that the account gets by it; none for the other purposes.
    pub address: Option<EmailAddress>,
    /// The session that a change of address was asked from.
    pub session: Option<SessionId>,
}

impl Proof {
    /// Whether it can still be used.
    pub fn is_open(&self, now: Millis) -> bool {
        self.used_at.is_none() && now < self.expires_at
    }

    /// When its youngest secret was made, for a secret with the usual life: not that of an invitation.
    pub fn mailed_at(&self) -> Millis {
        self.expires_at - self.purpose.life()
    }
}

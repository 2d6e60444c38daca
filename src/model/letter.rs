//! Letters: the mails that the service owes somebody.

use serde::{Deserialize, Serialize};

use super::id::LetterId;
use super::time::Millis;

/// The kinds of letters; each has a template in every language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LetterKind {
    Verify,
    Reset,
    PasswordChanged,
    Invitation,
    Welcome,
    /// To the address that an account wants: prove it.
    ChangeAddress,
    /// To the address that an account has: another was asked for.
    ChangeAsked,
    /// To the address that an account had: it can be brought back.
    AddressChanged,
    /// To the address that an account wants and another has.
    AddressTaken,
    /// Somebody logged in on a device not seen before.
    NewDevice,
    /// The code that a login asks for beside the password.
    LoginCode,
    /// A second factor was turned on.
    FactorOn,
    /// A second factor was turned off.
    FactorOff,
    /// A link that lets its reader in.
    MagicLink,
}

impl LetterKind {
    /// All of them.
    pub const ALL: [LetterKind; 14] = [
        LetterKind::Verify,
        LetterKind::Reset,
        LetterKind::PasswordChanged,
        LetterKind::Invitation,
        LetterKind::Welcome,
        LetterKind::ChangeAddress,
        LetterKind::ChangeAsked,
        LetterKind::AddressChanged,
        LetterKind::AddressTaken,
        LetterKind::NewDevice,
        LetterKind::LoginCode,
        LetterKind::FactorOn,
        LetterKind::FactorOff,
        LetterKind::MagicLink,
    ];

    /// The name in the database, of the template and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            LetterKind::Verify => "verify",
            LetterKind::Reset => "reset",
            LetterKind::PasswordChanged => "password-changed",
            LetterKind::Invitation => "invitation",
            LetterKind::Welcome => "welcome",
            LetterKind::ChangeAddress => "change-address",
            LetterKind::ChangeAsked => "change-asked",
            LetterKind::AddressChanged => "address-changed",
            LetterKind::AddressTaken => "address-taken",
            LetterKind::NewDevice => "new-device",
            LetterKind::LoginCode => "login-code",
            LetterKind::FactorOn => "factor-on",
            LetterKind::FactorOff => "factor-off",
            LetterKind::MagicLink => "magic-link",
        }
    }
}

/// What a letter says: kept encrypted while it waits, because its link opens an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterBody {
    pub subject: String,
    pub text: String,
    pub html: String,
    pub links: Vec<String>,
    pub code: Option<String>,
}

/// Where a letter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LetterState {
    /// To be sent at its next attempt.
    Waiting,
    /// Taken by the transport; its body is erased, or kept where the transport is the mailbox.
    Delivered,
    /// Refused for good.
    Failed,
    /// Dropped because its link was no longer good, or its life was over.
    Expired,
}

impl LetterState {
    /// All of them.
    pub const ALL: [LetterState; 4] =
        [LetterState::Waiting, LetterState::Delivered, LetterState::Failed, LetterState::Expired];

    /// The name in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            LetterState::Waiting => "waiting",
            LetterState::Delivered => "delivered",
            LetterState::Failed => "failed",
            LetterState::Expired => "expired",
        }
    }

    /// The state of a database name.
    pub fn of_name(name: &str) -> Option<LetterState> {
        LetterState::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// A letter as the outbox holds it, its body still sealed.
#[derive(Debug, Clone)]
pub struct Letter {
    pub id: LetterId,
    pub kind: String,
    pub to: String,
    /// The recipient's domain, in lower-case ASCII.
    pub domain: String,
    pub language: String,
    /// Without angle brackets; the same at every attempt (I2).
    pub message_id: String,
    /// Sealed [`LetterBody`]; empty once erased.
    pub sealed: String,
    pub state: LetterState,
    pub attempts: i64,
    pub created_at: Millis,
    pub next_attempt_at: Millis,
    /// From when on it is not worth sending.
    pub expires_at: Millis,
    pub delivered_at: Option<Millis>,
    /// The transport's last words.
    pub verdict: String,
}

//! Letters: composed from templates, kept in the outbox, carried by the courier.

pub mod carrier;
pub mod conversation;
pub mod courier;
pub mod direct;
pub mod dkim;
pub mod doctor;
pub mod message;
pub mod relay;
pub mod templates;
mod turn;

#[cfg(test)]
#[path = "../tests/api/dns_stand_in.rs"]
mod dns_stand_in;
#[cfg(test)]
#[path = "../tests/api/smtp_sink.rs"]
mod smtp_sink;

use std::net::IpAddr;
use std::sync::Arc;

use crate::clock::{Chance, Clock};
use crate::model::device::Description;
use crate::model::email::EmailAddress;
use crate::model::id::LetterId;
use crate::model::language::Language;
use crate::model::letter::{Letter, LetterBody, LetterKind, LetterState};
use crate::model::time::{DAY, Millis};
use crate::secrets::{Secrets, Unsealable, Use};
use message::{Mailbox, Outgoing, Unwritable, rfc5322};
use templates::Templates;

/// How long a letter is tried before it is given up.
const LIFE: std::time::Duration = DAY;

/// What a letter tells its reader.
#[derive(Debug, Clone, Copy)]
pub enum Contents<'a> {
    /// "Prove your address": the link's secret, the code, and until when both are good.
    Verify {
        secret: &'a str,
        code: &'a str,
        expires: Millis,
    },
    /// "Choose a new password".
    Reset {
        secret: &'a str,
        code: &'a str,
        expires: Millis,
    },
    /// "Your password was changed".
    PasswordChanged,
    /// "You were invited": the secret proves the address as that of [`Contents::Verify`] does. With a code there is an
    /// account that waits for it; without, one is made by following the link.
    Invitation {
        secret: &'a str,
        code: Option<&'a str>,
        expires: Millis,
        organization: &'a str,
    },
    /// "Welcome": the account's first API key, and how to call with it.
    Welcome {
        api_key: &'a str,
    },
    /// "Prove your new address", to that address.
    ChangeAddress {
        secret: &'a str,
        code: &'a str,
        expires: Millis,
    },
    /// "Another address was asked for", to the address in force. Neither this letter nor the next names the other
    /// address: it is a stranger's text (C5), and none of the business of who has the old mailbox.
    ChangeAsked,
    /// "Your address was changed", to the former address: the link's secret undoes it.
    AddressChanged {
        secret: &'a str,
        expires: Millis,
    },
    /// "You have an account already", to the owner of an address that another account wants.
    AddressTaken,
    /// "Somebody logged in on a device not seen before": which, when, and from which network address.
    NewDevice {
        device: &'a Description,
        at: Millis,
        from: IpAddr,
    },
    /// "Your code": what a login asks for beside the password.
    LoginCode {
        code: &'a str,
        expires: Millis,
    },
    /// "Two-factor authentication was turned on", or off.
    FactorOn,
    FactorOff,
    /// "Sign in": the link's secret lets its reader in, and no code goes with it.
    MagicLink {
        secret: &'a str,
        expires: Millis,
    },
}

impl Contents<'_> {
    fn kind(&self) -> LetterKind {
        match self {
            Contents::Verify { .. } => LetterKind::Verify,
            Contents::Reset { .. } => LetterKind::Reset,
            Contents::PasswordChanged => LetterKind::PasswordChanged,
            Contents::Invitation { .. } => LetterKind::Invitation,
            Contents::Welcome { .. } => LetterKind::Welcome,
            Contents::ChangeAddress { .. } => LetterKind::ChangeAddress,
            Contents::ChangeAsked => LetterKind::ChangeAsked,
            Contents::AddressChanged { .. } => LetterKind::AddressChanged,
            Contents::AddressTaken => LetterKind::AddressTaken,
            Contents::NewDevice { .. } => LetterKind::NewDevice,
            Contents::LoginCode { .. } => LetterKind::LoginCode,
            Contents::FactorOn => LetterKind::FactorOn,
            Contents::FactorOff => LetterKind::FactorOff,
            Contents::MagicLink { .. } => LetterKind::MagicLink,
        }
    }
}

/// Who a letter goes to.
#[derive(Debug, Clone, Copy)]
pub struct Recipient<'a> {
    /// The stored address, never the submitted text (A3).
    pub address: &'a EmailAddress,
    pub first_name: &'a str,
    pub language: Language,
}

/// What every letter of this installation has in common.
#[derive(Debug, Clone)]
pub struct Letterhead {
    pub app_name: String,
    /// The only source of links (C1). Without a trailing slash.
    pub public_url: String,
    /// Where the product itself is, if it said so.
    pub app_url: Option<String>,
    /// The sender's address.
    pub from: EmailAddress,
    /// The sender's name; the app's when none is set.
    pub from_name: Option<String>,
}

/// Composes letters and opens them again for the courier and the mailbox.
pub struct Mailroom {
    head: Letterhead,
    templates: Templates,
    secrets: Arc<Secrets>,
    clock: Clock,
    chance: Chance,
}

impl Mailroom {
    /// A mailroom with its words.
    pub fn new(
        head: Letterhead,
        templates: Templates,
        secrets: Arc<Secrets>,
        clock: Clock,
        chance: Chance,
    ) -> Mailroom {
        Mailroom { head, templates, secrets, clock, chance }
    }

    /// Writes a letter, sealed and ready for the outbox.
    pub fn compose(&self, to: Recipient<'_>, contents: Contents<'_>) -> Letter {
        let now = self.clock.now();
        let body = self.templates.render(&self.head, to, contents);
        let useless_from = match contents {
            Contents::Verify { expires, .. }
            | Contents::Reset { expires, .. }
            | Contents::Invitation { expires, .. }
            | Contents::ChangeAddress { expires, .. }
            | Contents::AddressChanged { expires, .. }
            | Contents::LoginCode { expires, .. }
            | Contents::MagicLink { expires, .. } => expires,
            Contents::PasswordChanged
            | Contents::Welcome { .. }
            | Contents::ChangeAsked
            | Contents::AddressTaken
            | Contents::NewDevice { .. }
            | Contents::FactorOn
            | Contents::FactorOff => now + LIFE,
        };
        let letter = self.enclose((to.address, to.language), contents.kind().as_str(), &body);
        Letter { expires_at: useless_from.min(now + LIFE), ..letter }
    }

    /// A letter whose words are there already, sealed and ready for the outbox.
    pub fn enclose(
        &self,
        (to, language): (&EmailAddress, Language),
        kind: &str,
        body: &LetterBody,
    ) -> Letter {
        let now = self.clock.now();
        let id: LetterId = self.chance.id(now);
        let plain = serde_json::to_vec(body).expect("texts serialize");
        Letter {
            id,
            kind: kind.to_owned(),
            to: to.as_str().to_owned(),
            domain: to.domain().as_str().to_owned(),
            language: language.code().to_owned(),
            message_id: format!("{id}@{}", self.head.from.domain().as_str()),
            sealed: self.secrets.seal(Use::Letter, &plain),
            state: LetterState::Waiting,
            attempts: 0,
            created_at: now,
            next_attempt_at: now,
            expires_at: now + LIFE,
            delivered_at: None,
            verdict: String::new(),
        }
    }

    /// Opens a letter of the outbox.
    ///
    /// # Errors
    /// [`Unsealable`] when it was erased, or sealed with another secret key.
    pub fn open(&self, letter: &Letter) -> Result<LetterBody, Unsealable> {
        let plain = self.secrets.open(Use::Letter, &letter.sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Unsealable)
    }

    /// The message that a letter of the outbox travels as: the same bytes each time.
    ///
    /// # Errors
    /// [`Unwritable`].
    pub fn message(&self, letter: &Letter, body: LetterBody) -> Result<Vec<u8>, Unwritable> {
        let head = &self.head;
        rfc5322(&Outgoing {
            message_id: letter.message_id.clone(),
            from: Mailbox {
                name: Some(head.from_name.clone().unwrap_or_else(|| head.app_name.clone())),
                address: head.from.as_str().to_owned(),
            },
            to: letter.to.clone(),
            subject: body.subject,
            text: body.text,
            html: body.html,
            date_ms: letter.created_at.0,
            language: letter.language.clone(),
        })
    }

    /// What every letter has in common.
    pub fn letterhead(&self) -> &Letterhead {
        &self.head
    }
}

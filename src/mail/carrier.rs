//! What carries letters away: the part of a transport that the courier knows.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::conversation::Verdict;
use super::direct::Direct;
use super::relay::{CONVERSATIONS, Relay};
use super::turn::turn_away;

/// A letter on its way, and whom it is from and for.
#[derive(Debug, Clone, Copy)]
pub struct Envelope<'a> {
    /// The envelope's sender.
    pub from: &'a str,
    /// The envelope's recipient.
    pub to: &'a str,
    /// The message (RFC 5322), in whatever line ends.
    pub message: &'a [u8],
}

/// What became of a letter, and who said so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    pub verdict: Verdict,
    /// The server that was asked, as `host:port`; empty when none was found.
    pub server: String,
    /// How the conversation was encrypted, as in `TLS 1.3`; empty when it was not.
    pub tls: String,
}

/// How many letters a carrier takes at a time.
#[derive(Debug, Clone, Copy)]
pub struct Places {
    /// In all.
    pub total: usize,
    /// About letters to one domain.
    pub per_domain: usize,
    /// How many of the total may be with domains whose server was not to be had the last time, one with each. Such a
    /// domain is left alone for a while, all its letters together. None where one server takes the letters to all
    /// domains.
    pub probes: Option<usize>,
}

/// The work of [`Carrier::hand_over`].
pub type Handing<'a> = Pin<Box<dyn Future<Output = Handover> + Send + 'a>>;

/// The work of [`Carrier::rest`].
pub type Resting<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Carries letters away. A conversation ends within [`CONVERSATION`](super::courier::CONVERSATION) and, after the message,
/// [`LAST_WORD`](super::conversation::LAST_WORD).
pub trait Carrier: Send + Sync {
    /// The transport's name, by which attempts are counted.
    fn name(&self) -> &'static str;

    /// How much it carries at a time.
    fn places(&self) -> Places;

    /// Hands one letter over. Dropping the future ends the conversation.
    fn hand_over<'a>(&'a self, envelope: Envelope<'a>) -> Handing<'a>;

    /// No further letter begins, those under way go on. A letter whose turn has not come is left without a word.
    fn close(&self);

    /// Nothing is left to carry: connections kept open for the next letter may go.
    fn rest(&self) -> Resting<'_>;
}

/// Where letters go.
pub enum Transport {
    /// Nowhere: they are kept and can be read at `/mailbox`.
    Mailbox,
    /// Away.
    Carrier(Box<dyn Carrier>),
}

impl Transport {
    /// Its name, by which attempts are counted.
    pub fn name(&self) -> &'static str {
        match self {
            Transport::Mailbox => "mailbox",
            Transport::Carrier(carrier) => carrier.name(),
        }
    }

    /// How much it carries at a time.
    pub fn places(&self) -> Places {
        match self {
            // Only letters that are no longer good take a place here.
            Transport::Mailbox => Places { total: 8, per_domain: 8, probes: None },
            Transport::Carrier(carrier) => carrier.places(),
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Carrier for Relay {
    fn name(&self) -> &'static str {
        "relay"
    }

    /// More letters than conversations: noting what came of a letter holds up no conversation. One domain has not all
    /// of these, since a relay that looks into its recipients may be slow about one.
    fn places(&self) -> Places {
        Places { total: 8 * CONVERSATIONS, per_domain: CONVERSATIONS - 2, probes: None }
    }

    fn hand_over<'a>(&'a self, envelope: Envelope<'a>) -> Handing<'a> {
        Box::pin(async move {
            match self.place().await {
                Some(_place) => self.deliver(envelope).await,
                None => turn_away().await,
            }
        })
    }

    fn close(&self) {
        Relay::close(self);
    }

    fn rest(&self) -> Resting<'_> {
        Box::pin(self.hang_up())
    }
}

impl Carrier for Direct {
    fn name(&self) -> &'static str {
        "direct"
    }

    /// So many that ten domains which say nothing leave most of them free, and half of them whatever the number of
    /// domains that have said nothing before.
    fn places(&self) -> Places {
        Places { total: 64, per_domain: 2, probes: Some(32) }
    }

    fn hand_over<'a>(&'a self, envelope: Envelope<'a>) -> Handing<'a> {
        Box::pin(self.deliver(envelope))
    }

    fn close(&self) {
        Direct::close(self);
    }

    /// Its connections wait a little for a domain's next letter and part by themselves.
    fn rest(&self) -> Resting<'_> {
        Box::pin(std::future::ready(()))
    }
}

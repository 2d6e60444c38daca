//! Direct delivery: a letter goes to the mail servers of its recipient's domain, with no relay between (RFC 5321
//! section 5).
//!
//! Whoever signs up names a domain, and its DNS names addresses: so those that are not public are not connected to, and
//! a name is looked up once, for the connection itself goes to the address that was judged.

mod attempt;
mod bounds;
pub(super) mod connection;
mod lanes;
pub(super) mod names;
pub(super) mod records;
pub(super) mod targets;

#[cfg(test)]
mod tests;

pub use bounds::Bounds;

use super::carrier::{Envelope, Handover};
use super::conversation::verdict::{self, Step, Verdict};
use super::conversation::{self, EhloName, NotAName, Parcel, Progress, tls};
use crate::clock::Chance;
use attempt::Attempt;
use connection::{Connection, Dialer, Target};
use hickory_resolver::proto::rr::Name;
use lanes::{Lanes, Place};
use mail_send::Error;
use names::Names;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use targets::Targets;
use tokio::time::timeout;

/// The port of mail servers (RFC 5321 section 4.5.4.2).
pub const MAIL_PORT: u16 = 25;
/// The most mail servers of a domain that one attempt tries.
const MOST_HOSTS: usize = 5;
/// The most addresses of one mail server that an attempt tries.
const MOST_ADDRESSES: usize = 4;

/// What direct delivery has to be told.
#[derive(Debug, Clone)]
pub struct DirectSetUp {
    /// This server's own host name, or an IP address, which is sent as a literal (RFC 5321 section 4.1.3).
    pub ehlo_name: String,
    /// The DNS servers to ask; none of them means those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Whether addresses that are not public are connected to.
    pub allow_private: bool,
    /// [`MAIL_PORT`], except in tests.
    pub port: u16,
    /// Where this server itself listens: no letter goes there.
    pub own: SocketAddr,
}

/// Why direct delivery, or a walk along its way, could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    #[error(transparent)]
    EhloName(#[from] NotAName),
    #[error("TLS for mail servers could not be set up")]
    Tls(#[source] rustls::Error),
    #[error(
        "the DNS servers of this system could not be read ({0}); name some in LATCHKEY_MAIL_RESOLVER, such as 9.9.9.9"
    )]
    Names(#[source] hickory_resolver::net::NetError),
}

/// Delivery without a relay.
pub struct Direct {
    names: Names,
    dialer: Dialer,
    targets: Targets,
    lanes: Arc<Lanes>,
    port: u16,
    whole: Duration,
    /// How long a connection that has waited may take to show that it still lives.
    reset: Duration,
}

impl Direct {
    /// Reads the DNS servers of the system, unless others are named. Asks nothing yet.
    ///
    /// # Errors
    /// An EHLO name that is neither name nor address; DNS servers that cannot be read; no TLS version to speak.
    pub fn new(set_up: &DirectSetUp, bounds: Bounds, chance: Chance) -> Result<Direct, DirectError> {
        let names = Names::new(&set_up.resolvers, bounds.look_up, chance).map_err(DirectError::Names)?;
        let dialer = Dialer {
            ehlo_name: EhloName::new(&set_up.ehlo_name)?,
            tls: tls::believing().map_err(DirectError::Tls)?,
            bounds,
        };
        Ok(Direct {
            names,
            dialer,
            targets: Targets { allow_private: set_up.allow_private, own: set_up.own },
            lanes: Lanes::new(bounds.idle),
            port: set_up.port,
            whole: bounds.whole,
            reset: bounds.connect,
        })
    }

    /// Hands one letter to a mail server of the recipient's domain: those that its MX records name, the preferred ones
    /// first, else the domain's own address; at most five of them, within one bound on the time until the message is written,
    /// and one on the server's word on it. At most two letters of
    /// a domain are under way at once; others wait for them.
    ///
    /// `Delivered` means that a server has said so; a connection lost between the message and its reply is `Deferred`,
    /// so a letter may arrive twice, with the same Message-ID, but is never lost (threat I2). The words name the server
    /// and how the way to it was protected. Dropping the future ends the conversation.
    pub async fn send(&self, envelope_from: &str, envelope_to: &str, message: &[u8]) -> Verdict {
        self.deliver(Envelope { from: envelope_from, to: envelope_to, message }).await.verdict
    }

    /// [`Direct::send`], telling which server had the last word, and how the letter travelled.
    pub async fn deliver(&self, envelope: Envelope<'_>) -> Handover {
        let domain = envelope.to.rsplit('@').next().unwrap_or_default().to_ascii_lowercase();
        let mut attempt = Attempt::of(&domain, self.dialer.bounds.last_word);
        let verdict = match Parcel::new(envelope.from, envelope.to, envelope.message) {
            Err(verdict) => verdict,
            Ok(parcel) => {
                let written = attempt.progress.written.clone();
                let work = self.carry(&domain, &parcel, &mut attempt);
                let ended = conversation::until_written(self.whole, written, work).await;
                ended.unwrap_or_else(|| attempt.out_of_time(self.whole))
            }
        };
        Handover { verdict, server: attempt.server(), tls: attempt.progress.tls }
    }

    async fn carry(&self, domain: &str, parcel: &Parcel<'_>, attempt: &mut Attempt) -> Verdict {
        let place = self.lanes.enter(domain).await;
        if let Some(connection) = place.take_idle()
            && let Some(verdict) = self.carry_on(connection, &place, parcel, attempt).await
        {
            return verdict;
        }
        attempt.looks_up(domain);
        let hosts = match self.names.mail_hosts(domain).await {
            Ok(hosts) => hosts,
            Err(verdict) => return verdict,
        };
        let most = hosts.len().min(MOST_HOSTS);
        for (before, host) in hosts.iter().take(most).enumerate() {
            let is_last = before + 1 == most;
            if let Some(verdict) = self.try_host(host, is_last, &place, parcel, attempt).await {
                return verdict;
            }
        }
        attempt.sum_up()
    }

    /// One more letter on a connection that is open already. None: it is of no use any more, and nothing was sent.
    async fn carry_on(
        &self,
        mut connection: Connection,
        place: &Place,
        parcel: &Parcel<'_>,
        attempt: &mut Attempt,
    ) -> Option<Verdict> {
        attempt.begins(&connection.host);
        attempt.progress.tls.clone_from(&connection.tls);
        timeout(self.reset, connection.client.rset()).await.ok()?.ok()?;
        match conversation::hand_over(&mut connection.client, parcel, &mut attempt.progress).await {
            // The server may only be tired of this connection: a new one tells.
            Err(error) if !is_final(attempt.progress.step, &error) || says_goodbye(&error) => {
                attempt.progress.begin_anew();
                None
            }
            ended => Some(settle(ended, connection, place, attempt.progress.step)),
        }
    }

    /// All addresses of a host until one of them decides the letter.
    async fn try_host(
        &self,
        host: &Name,
        is_last: bool,
        place: &Place,
        parcel: &Parcel<'_>,
        attempt: &mut Attempt,
    ) -> Option<Verdict> {
        let name = names::plain(host);
        attempt.looks_up(&name);
        let addresses = match self.names.addresses(host).await {
            Ok(addresses) => addresses,
            Err(verdict) => {
                attempt.note(verdict);
                return None;
            }
        };
        let most = addresses.len().min(MOST_ADDRESSES);
        for (before, address) in addresses.into_iter().take(most).enumerate() {
            let is_last = is_last && before + 1 == most;
            let target = Target { host: &name, address: SocketAddr::new(address, self.port) };
            if let Some(reply) = self.targets.refusal(&target) {
                attempt.note(Verdict::Rejected { reply });
                continue;
            }
            if let Some(verdict) = self.try_target(&target, is_last, place, parcel, attempt).await {
                return Some(verdict);
            }
        }
        None
    }

    async fn try_target(
        &self,
        target: &Target<'_>,
        is_last: bool,
        place: &Place,
        parcel: &Parcel<'_>,
        attempt: &mut Attempt,
    ) -> Option<Verdict> {
        attempt.begins(target.host);
        let bounds = self.dialer.bounds;
        let limit = if is_last { bounds.whole } else { bounds.open };
        let opened = timeout(limit, self.dialer.open(target, &mut attempt.progress)).await;
        let mut connection = match opened.unwrap_or(Err(Error::Timeout)) {
            Ok(connection) => connection,
            Err(error) => {
                attempt.note(failed(target.host, attempt.progress.step, &error));
                return None;
            }
        };
        match conversation::hand_over(&mut connection.client, parcel, &mut attempt.progress).await {
            Err(error) if !is_final(attempt.progress.step, &error) => {
                attempt.note(failed(target.host, attempt.progress.step, &error));
                connection.part();
                None
            }
            ended => Some(settle(ended, connection, place, attempt.progress.step)),
        }
    }
}

/// Whether a fault of the mail transaction decides this attempt. After the message, it may have been taken; a reply on
/// the recipient holds for every server of the domain, and so does a lasting one on the sender.
fn is_final(step: Step, error: &Error) -> bool {
    match (step, error) {
        (Step::EndOfData, _) => true,
        (Step::RcptTo | Step::Data, Error::UnexpectedReply(_)) => true,
        (Step::MailFrom, Error::UnexpectedReply(reply)) => reply.code >= 500,
        _ => false,
    }
}

/// 421: the server closes the connection (RFC 5321 section 3.8). After the message, it is a word on the message.
fn says_goodbye(error: &Error) -> bool {
    matches!(error, Error::UnexpectedReply(reply) if reply.code == 421)
}

/// The verdict on a letter whose mail transaction has ended. A server that answered in order keeps its connection.
fn settle(
    ended: Result<smtp_proto::Response<String>, Error>,
    connection: Connection,
    place: &Place,
    step: Step,
) -> Verdict {
    match ended {
        Ok(reply) => {
            let Verdict::Delivered { reply } = verdict::delivered(&reply, None) else {
                unreachable!("a positive completion is a delivery")
            };
            let reply =
                verdict::one_line(&format!("{}, {}: {reply}", connection.host, connection.protection));
            place.park(connection);
            Verdict::Delivered { reply }
        }
        Err(error) => {
            let verdict = failed(&connection.host, step, &error);
            match error {
                Error::UnexpectedReply(reply) if reply.code != 421 => place.park(connection),
                _ => drop(connection),
            }
            verdict
        }
    }
}

/// What a fault at one server means, with the server's name before it.
fn failed(host: &str, step: Step, error: &Error) -> Verdict {
    let at = |words: String| verdict::one_line(&format!("{host}: {words}"));
    match verdict::failed(step, error, None) {
        Verdict::Delivered { reply } => Verdict::Delivered { reply: at(reply) },
        Verdict::Deferred { reason } => Verdict::Deferred { reason: at(reason) },
        Verdict::Unreachable { reason } => Verdict::Unreachable { reason: at(reason) },
        Verdict::Rejected { reply } => Verdict::Rejected { reply: at(reply) },
        Verdict::Misconfigured { reason } => Verdict::Misconfigured { reason: at(reason) },
    }
}

//! Whether mail can leave, step by step: what DNS says of the sender's domain, and a conversation with the server that
//! letters are handed to, each step with what came of it and what to do.
//!
//! It goes the ways that letters go: the same look-ups, the same rule on addresses, the same TLS, the same words on what
//! a server says.

mod advice;
mod certificate;
mod conversation;
mod encryption;
mod letter;
mod machine;
mod relay;
mod report;
mod sender;
mod spf;
mod street;

#[cfg(test)]
mod tests;

pub use report::{Outcome, Report, Step};

use super::conversation::{EhloName, tls};
use super::direct::DirectError;
use super::direct::names::Names;
use super::direct::targets::Targets;
use super::dkim::Signer;
use super::message::{Mailbox, Outgoing, rfc5322};
use super::relay::RelayUrl;
use crate::clock::{Chance, Clock};
use crate::model::email::EmailAddress;
use crate::model::id::LetterId;
use crate::model::language::Language;
use crate::model::letter::LetterBody;
use rustls::ClientConfig;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// How letters leave.
#[derive(Debug, Clone)]
pub enum Way {
    /// Not at all.
    Mailbox,
    /// By the operator's mail server.
    Relay(RelayUrl),
    /// To the mail servers of their recipients.
    Direct,
}

/// How long the steps may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// One step of a conversation. A question to DNS may take half of it.
    pub step: Duration,
    /// All of them.
    pub whole: Duration,
}

impl Default for Limits {
    /// Patient enough for a greeting that is held back on purpose; over within a minute.
    fn default() -> Limits {
        Limits { step: Duration::from_secs(12), whole: Duration::from_secs(55) }
    }
}

/// What the doctor has to be told.
pub struct SetUp {
    pub way: Way,
    pub from: Mailbox,
    /// The sender's address, of which `from` shows the text.
    pub sender: EmailAddress,
    pub app_name: String,
    /// What this server calls itself to mail servers.
    pub ehlo_name: String,
    /// The DNS servers to ask; none of them means those of the system.
    pub resolvers: Vec<SocketAddr>,
    /// Whether addresses that are not public are connected to.
    pub allow_private: bool,
    /// Where this server itself listens.
    pub own: SocketAddr,
    /// The port of the mail servers of strangers.
    pub port: u16,
    /// The addresses from which letters reach the Internet; none of them means what the routing table says.
    pub outgoing: Vec<IpAddr>,
    pub signer: Option<Signer>,
    pub limits: Limits,
    pub clock: Clock,
    pub chance: Chance,
}

/// A letter to try the way with.
#[derive(Debug, Clone, Copy)]
pub struct Trial<'x> {
    pub to: &'x EmailAddress,
    pub language: Language,
    /// Whether the letter is sent; else the conversation ends before it.
    pub send: bool,
}

/// Looks at the way that letters take.
pub struct Doctor {
    set_up: SetUp,
    names: Names,
    ehlo_name: EhloName,
    targets: Targets,
    believing: Arc<ClientConfig>,
    verifying: Arc<ClientConfig>,
}

impl Doctor {
    /// Reads the DNS servers and the certificate authorities of the system. Asks nothing yet.
    ///
    /// # Errors
    /// [`DirectError`].
    pub fn new(set_up: SetUp) -> Result<Doctor, DirectError> {
        let names = Names::new(&set_up.resolvers, set_up.limits.step / 2, set_up.chance.clone());
        Ok(Doctor {
            names: names.map_err(DirectError::Names)?,
            ehlo_name: EhloName::new(&set_up.ehlo_name)?,
            targets: Targets { allow_private: set_up.allow_private, own: set_up.own },
            believing: tls::believing().map_err(DirectError::Tls)?,
            verifying: tls::verifying(tls::system_roots()).map_err(DirectError::Tls)?,
            set_up,
        })
    }

    /// Walks the way of one letter up to the first step that fails. A transport that sends nothing says so.
    pub async fn test(&self, trial: Trial<'_>) -> Report {
        let mut report = Report::default();
        self.settings(&mut report);
        self.within_limit(&mut report, async |report| self.walk(Some(trial), report).await).await;
        report
    }

    /// Looks at the sender's domain, at this machine, and at the way to the mail server; then as [`Doctor::test`], if
    /// there is a letter to try it with.
    pub async fn examine(&self, trial: Option<Trial<'_>>) -> Report {
        let mut report = Report::default();
        self.settings(&mut report);
        self.within_limit(&mut report, async |report| {
            let ports = async {
                match &self.set_up.way {
                    Way::Relay(url) => self.other_ports(url).await,
                    Way::Mailbox | Way::Direct => Report::default(),
                }
            };
            let (sender, ports) = tokio::join!(self.sender(), ports);
            report.append(sender);
            report.append(ports);
            self.walk(trial, report).await;
        })
        .await;
        report
    }

    /// What a letter to try the way with says.
    pub fn words(&self, language: Language) -> LetterBody {
        letter::body(&self.set_up.app_name, language)
    }

    fn settings(&self, report: &mut Report) {
        let way = match &self.set_up.way {
            Way::Mailbox => {
                return report.warning(
                    "settings",
                    "no mail server is set, so letters stay in the mailbox and nothing is sent",
                    "set LATCHKEY_SMTP_URL to your mail server, such as smtp://user:password@mail.example.com, or to direct:",
                );
            }
            Way::Relay(url) => format!("letters leave by {url}"),
            Way::Direct => "letters leave for the mail servers of their recipients".to_owned(),
        };
        let signed = match &self.set_up.signer {
            Some(signer) => format!("signed by DKIM ({signer})"),
            None => "not signed by DKIM".to_owned(),
        };
        let words = format!("{way}, from {}, {signed}", self.set_up.from.address);
        if sender::is_nowhere(&self.set_up.sender) {
            let advice = "set LATCHKEY_MAIL_FROM: no domain ends in .invalid, and most mail servers refuse such a sender";
            report.warning("settings", words, advice);
        } else {
            report.ok("settings", words);
        }
    }

    async fn walk(&self, trial: Option<Trial<'_>>, report: &mut Report) {
        match &self.set_up.way {
            Way::Mailbox => report.skipped("conversation", "there is no mail server to talk to"),
            Way::Relay(url) => self.walk_to_relay(url, trial, report).await,
            Way::Direct => self.walk_to_street(trial, report).await,
        }
    }

    async fn within_limit(&self, report: &mut Report, steps: impl AsyncFnOnce(&mut Report)) {
        let limit = self.set_up.limits.whole;
        if timeout(limit, steps(report)).await.is_err() {
            report.fault(
                "time",
                format!(
                    "not done within {} ms; what comes after the steps above was not looked at",
                    limit.as_millis()
                ),
                "servers that take this long are as good as away: see which of the steps above is the last",
            );
        }
    }

    /// The message that goes over the wire. None: an address that no header takes, which the settings exclude.
    fn message(&self, trial: Trial<'_>) -> Option<Vec<u8>> {
        let now = self.set_up.clock.now();
        let id: LetterId = self.set_up.chance.id(now);
        let LetterBody { subject, text, html, .. } = self.words(trial.language);
        let outgoing = Outgoing {
            message_id: format!("{id}@{}", self.set_up.sender.domain().as_str()),
            from: self.set_up.from.clone(),
            to: trial.to.as_str().to_owned(),
            subject,
            text,
            html,
            date_ms: now.0,
            language: trial.language.code().to_owned(),
        };
        let message = rfc5322(&outgoing).ok()?;
        Some(match &self.set_up.signer {
            Some(signer) => signer.sign(&message, now),
            None => message,
        })
    }
}

//! One conversation with a mail server, each step noted as it is taken.

use super::report::Report;
use super::{Doctor, Trial, advice};
use crate::mail::conversation::verdict::{self, Step};
use crate::mail::conversation::{self, Parcel, Progress, bounded};
use crate::mail::direct::connection::Stream;
use crate::mail::relay::Security;
use mail_send::smtp::AssertReply;
use mail_send::{Credentials, Error, SmtpClient};
use rustls::ClientConfig;
use smtp_proto::{EXT_START_TLS, EhloResponse};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Whom a server is believed to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belief {
    /// Whom its certificate says, if somebody trusted vouches for it.
    Verified,
    /// On this machine, whatever its certificate.
    OnThisMachine,
    /// A stranger's server, which DNS alone names.
    Stranger,
}

/// A server to talk to.
#[derive(Clone)]
pub(super) struct Door {
    pub host: String,
    pub address: SocketAddr,
    pub security: Security,
    pub belief: Belief,
    pub tls: Arc<ClientConfig>,
    pub login: Option<Credentials<String>>,
}

/// Why a conversation was not opened. The report says it already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closed {
    /// A step has failed.
    Failed,
    /// TLS with a stranger has failed: letters would go in clear text.
    WithoutTls,
}

/// A server that waits for a letter.
pub(super) type Client = SmtpClient<Box<dyn Stream>>;

impl Doctor {
    /// Connects.
    pub(super) async fn connect(&self, door: &Door, report: &mut Report) -> Option<TcpStream> {
        let address = door.address;
        match self.in_time(async { Ok(TcpStream::connect(address).await?) }).await {
            Ok(stream) => {
                report.ok("connection", format!("{} answers at {address}", door.host));
                Some(stream)
            }
            Err(error) => {
                self.failed(door, "connection", (Step::Connect, &error), report);
                None
            }
        }
    }

    /// Greeting, EHLO, TLS as far as the door asks for it, and login.
    pub(super) async fn open(
        &self,
        door: &Door,
        stream: TcpStream,
        report: &mut Report,
    ) -> Result<Client, Closed> {
        let mut client = bounded(SmtpClient { stream, timeout: self.set_up.limits.step });
        if door.security == Security::Implicit {
            let mut client = self.encrypt(door, client, report).await?;
            self.greet(door, &mut client, report).await?;
            let offered = self.say_ehlo(door, &mut client, report).await?;
            return self.log_in(door, client, &offered, report).await;
        }
        self.greet(door, &mut client, report).await?;
        let offered = self.say_ehlo(door, &mut client, report).await?;
        match (door.security, offered.has_capability(EXT_START_TLS)) {
            // After TLS with a stranger has failed, which is told already.
            (Security::Plain, _) if door.belief == Belief::Stranger => {}
            (Security::Plain, _) => {
                report.warning(
                    "TLS",
                    "?tls=off: letters go in clear text",
                    "leave ?tls=off out where the server offers STARTTLS",
                );
            }
            (Security::Opportunistic, false) if door.belief == Belief::OnThisMachine => {
                report.ok("TLS", "not offered, and on this machine not needed");
            }
            (Security::Opportunistic, false) => {
                report.warning(
                    "TLS",
                    "not offered: letters go there in clear text",
                    "nothing here can change that",
                );
            }
            (_, false) => {
                self.failed(door, "TLS", (Step::StartTls, &Error::MissingStartTls), report);
                return Err(Closed::Failed);
            }
            (_, true) => {
                let started =
                    self.in_time(async { client.cmd(b"STARTTLS\r\n").await?.assert_positive_completion() });
                if let Err(error) = started.await {
                    return Err(self.tls_failed(door, (Step::StartTls, &error), report));
                }
                let mut client = self.encrypt(door, client, report).await?;
                // What was offered in clear text may have been forged (RFC 3207 section 4.2).
                let offered = self.say_ehlo(door, &mut client, report).await?;
                return self.log_in(door, client, &offered, report).await;
            }
        }
        let SmtpClient { stream, timeout } = client;
        let client = SmtpClient { stream: Box::new(stream) as Box<dyn Stream>, timeout };
        self.log_in(door, client, &offered, report).await
    }

    async fn greet<S: Stream>(
        &self,
        door: &Door,
        client: &mut SmtpClient<S>,
        report: &mut Report,
    ) -> Result<(), Closed> {
        let greeted = self.in_time(async {
            let reply = client.read().await?;
            if reply.is_positive_completion() { Ok(reply) } else { Err(Error::UnexpectedReply(reply)) }
        });
        match greeted.await {
            Ok(reply) => {
                report.ok("greeting", format!("{} {}", reply.code, reply.message));
                Ok(())
            }
            Err(error) => Err(self.failed(door, "greeting", (Step::Greeting, &error), report)),
        }
    }

    async fn say_ehlo<S: Stream>(
        &self,
        door: &Door,
        client: &mut SmtpClient<S>,
        report: &mut Report,
    ) -> Result<EhloResponse<String>, Closed> {
        let name = self.ehlo_name.as_str();
        match self.in_time(client.ehlo(name)).await {
            Ok(offered) => {
                let words = format!("{} takes EHLO {name}", offered.hostname);
                // A second one after TLS says nothing new.
                if !report.steps().iter().any(|step| step.name == "EHLO") {
                    report.ok("EHLO", words);
                }
                Ok(offered)
            }
            Err(error) => Err(self.failed(door, "EHLO", (Step::Ehlo, &error), report)),
        }
    }

    async fn log_in(
        &self,
        door: &Door,
        mut client: Client,
        offered: &EhloResponse<String>,
        report: &mut Report,
    ) -> Result<Client, Closed> {
        let Some(login) = &door.login else {
            report.skipped("login", "none is set, and none is made");
            return Ok(client);
        };
        match self.in_time(client.authenticate(login, offered)).await {
            Ok(_) => {
                report.ok("login", "taken");
                Ok(client)
            }
            Err(error) => Err(self.failed(door, "login", (Step::Login, &error), report)),
        }
    }

    /// The letter, if one is to be sent, and the end of the conversation.
    pub(super) async fn hand_over(
        &self,
        door: &Door,
        mut client: Client,
        trial: Option<Trial<'_>>,
        report: &mut Report,
    ) {
        match trial {
            Some(trial) if trial.send => self.send(door, &mut client, trial, report).await,
            Some(_) => report.skipped("letter", "not sent, as asked; all before it went well"),
            None => {}
        }
        // The server may hear the farewell or not: all is said.
        let _ = self.in_time(async { Ok(client.stream.write_all(b"QUIT\r\n").await?) }).await;
    }

    async fn send(&self, door: &Door, client: &mut Client, trial: Trial<'_>, report: &mut Report) {
        let (from, to) = (self.set_up.from.address.as_str(), trial.to.as_str());
        let message = self.message(trial);
        let parcel = message.as_deref().and_then(|message| Parcel::new(from, to, message).ok());
        let Some(parcel) = parcel else {
            return report.fault(
                "letter",
                "an address is none that SMTP carries",
                "see LATCHKEY_MAIL_FROM and the address given",
            );
        };
        let mut progress = Progress::default();
        let ended =
            timeout(self.set_up.limits.step * 2, conversation::hand_over(client, &parcel, &mut progress));
        let ended = ended.await.unwrap_or(Err(Error::Timeout));
        let names = [(Step::MailFrom, "sender", from), (Step::RcptTo, "recipient", to)];
        for (step, name, address) in names {
            if progress.step == step {
                break;
            }
            report.ok(name, format!("{address} is taken"));
        }
        let name = match progress.step {
            Step::MailFrom => "sender",
            Step::RcptTo => "recipient",
            _ => "letter",
        };
        match ended {
            Ok(reply) => {
                let words = verdict::delivered(&reply, door.login.as_ref());
                report.ok("letter", format!("taken by {}: {}", door.host, words.words()));
            }
            Err(error) => {
                self.failed(door, name, (progress.step, &error), report);
            }
        }
    }

    /// Every step has a limit of its own.
    pub(super) async fn in_time<T>(&self, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        timeout(self.set_up.limits.step, step).await.unwrap_or(Err(Error::Timeout))
    }

    pub(super) fn failed(
        &self,
        door: &Door,
        name: &'static str,
        (step, error): (Step, &Error),
        report: &mut Report,
    ) -> Closed {
        let words = verdict::failed(step, error, door.login.as_ref());
        report.fault(name, format!("{}: {}", door.host, words.words()), advice::on(step, error, door.belief));
        Closed::Failed
    }
}

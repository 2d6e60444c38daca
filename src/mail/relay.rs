//! The relay transport: a letter is handed to the operator's mail server, one SMTP conversation per attempt.
//!
//! The conversation is driven step by step, because the meaning of a 5xx depends on the step it answers
//! (DESIGN section 8), and lies inside two time limits, one up to the message and one for the answer to it, which are
//! all that a hanging server can cost.

mod line;
mod url;

#[cfg(test)]
mod tests;

pub use url::{RelayUrl, RelayUrlError, Security};

use super::carrier::{Envelope, Handover};
use super::conversation::verdict::{self, Step, Verdict};
use super::conversation::{self, Bounded, EhloName, LAST_WORD, Parcel, Progress, bounded, tls, unbounded};
use line::Line;
use mail_send::smtp::AssertReply;
use mail_send::{Error, SmtpClient};
use rustls::ClientConfig;
use smtp_proto::{EXT_START_TLS, EhloResponse};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{fmt, io};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How long one address of the server may take to answer, so that a dead one leaves time for the next.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Conversations at a time: a relay is one place, and the operator's own.
pub const CONVERSATIONS: usize = 8;

/// The operator's mail server. Cheap to share; a connection is kept for the next letter until [`Relay::hang_up`].
pub struct Relay {
    url: RelayUrl,
    ehlo_name: EhloName,
    tls: Arc<ClientConfig>,
    timeout: Duration,
    /// How long it may take to answer a message, after that.
    last_word: Duration,
    places: Semaphore,
    /// Lines that wait for a letter, at most one a place.
    idle: Mutex<Vec<Line>>,
}

/// Why a relay could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error(transparent)]
    EhloName(#[from] conversation::NotAName),
    #[error("TLS for the mail server could not be set up")]
    Tls(#[source] rustls::Error),
}

impl Relay {
    /// `ehlo_name` is this server's own host name, or an IP address, which is sent as a literal (RFC 5321
    /// section 4.1.3). `timeout` limits a whole conversation, name look-up included, until the message is written; its answer
    /// has [`LAST_WORD`]. Reads the certificate
    /// authorities of the system once, unless the host is this machine, whose certificate is not verified.
    ///
    /// # Errors
    ///
    /// An EHLO name that is neither name nor address; no TLS version to speak.
    pub fn new(url: &RelayUrl, ehlo_name: &str, timeout: Duration) -> Result<Relay, RelayError> {
        let tls = if url.is_loopback() { tls::believing() } else { tls::verifying(tls::system_roots()) };
        Ok(Relay {
            url: url.clone(),
            ehlo_name: EhloName::new(ehlo_name)?,
            tls: tls.map_err(RelayError::Tls)?,
            timeout,
            last_word: LAST_WORD,
            places: Semaphore::new(CONVERSATIONS),
            idle: Mutex::default(),
        })
    }

    /// Gives no further place away.
    pub fn close(&self) {
        self.places.close();
    }

    /// Waits for a place to hold a conversation in; none once it is closed.
    pub async fn place(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok()
    }

    /// Hands one letter over. `envelope_from` may be empty (no bounces, RFC 5321 section 4.5.5). Line ends of
    /// `message` become CRLF, whatever they were: neither a bare LF nor a bare CR leaves here (threat I1).
    ///
    /// `Delivered` means that the server has said so; a connection lost between the message and its reply is
    /// `Deferred`, so a letter may arrive twice, with the same Message-ID, but is never lost (threat I2).
    /// Dropping the future ends the conversation.
    pub async fn send(&self, envelope_from: &str, envelope_to: &str, message: &[u8]) -> Verdict {
        self.deliver(Envelope { from: envelope_from, to: envelope_to, message }).await.verdict
    }

    /// [`Relay::send`], telling how the letter travelled.
    pub async fn deliver(&self, envelope: Envelope<'_>) -> Handover {
        let mut progress = Progress::within(self.last_word);
        let verdict = match Parcel::new(envelope.from, envelope.to, envelope.message) {
            Err(verdict) => verdict,
            Ok(parcel) => {
                let written = progress.written.clone();
                let work = self.converse(&parcel, &mut progress);
                let ended = conversation::until_written(self.timeout, written, work).await;
                match (progress.verdict, ended) {
                    (Some(verdict), _) => verdict,
                    (None, Some(Err(error))) => {
                        verdict::failed(progress.step, &error, self.url.login.as_ref())
                    }
                    (None, Some(Ok(())) | None) => verdict::out_of_time(progress.step, self.timeout),
                }
            }
        };
        Handover { verdict, server: self.server(), tls: progress.tls }
    }

    /// Takes leave on every line that waits for a letter.
    pub async fn hang_up(&self) {
        while let Some(line) = self.take_idle() {
            line.quit().await;
        }
    }

    fn take_idle(&self) -> Option<Line> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Where it is, as `host:port`.
    pub fn server(&self) -> String {
        format!("{}:{}", self.url.host, self.url.port)
    }

    async fn converse(&self, parcel: &Parcel<'_>, at: &mut Progress) -> Result<(), Error> {
        let mut line = self.line(at).await?;
        let ended = line.hand_over(parcel, self.url.login.as_ref(), at).await;
        if line.is_good_after(&ended) {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(line);
        } else {
            line.quit().await;
        }
        ended
    }

    /// A line that waits, if one still lives, else a new one.
    async fn line(&self, at: &mut Progress) -> Result<Line, Error> {
        while let Some(mut line) = self.take_idle() {
            if line.is_ready(CONNECT_LIMIT.min(self.timeout / 3)).await {
                return Ok(line);
            }
        }
        self.dial(at).await
    }

    async fn dial(&self, at: &mut Progress) -> Result<Line, Error> {
        // The outer limit is the one that counts; the client's own, per command, must not come before it.
        let timeout = self.timeout.saturating_mul(2);
        let mut client = bounded(SmtpClient { stream: self.connect().await?, timeout });
        if self.url.security == Security::Implicit {
            let (mut client, tls) = self.encrypt(client, at).await?;
            let offered = conversation::greet(&mut client, &self.ehlo_name, at).await?;
            return self.log_in(client, &offered, tls, at).await;
        }

        let offered = conversation::greet(&mut client, &self.ehlo_name, at).await?;
        if self.url.security == Security::StartTls || self.may_encrypt(&offered) {
            at.step = Step::StartTls;
            if !offered.has_capability(EXT_START_TLS) {
                return Err(Error::MissingStartTls);
            }
            client.cmd(b"STARTTLS\r\n").await?.assert_positive_completion()?;
            let (mut client, tls) = self.encrypt(client, at).await?;
            // What was offered in clear text may have been forged (RFC 3207 section 4.2): ask again.
            at.step = Step::Ehlo;
            let offered = client.ehlo(self.ehlo_name.as_str()).await?;
            return self.log_in(client, &offered, tls, at).await;
        }
        self.log_in(client, &offered, String::new(), at).await
    }

    fn may_encrypt(&self, offered: &EhloResponse<String>) -> bool {
        self.url.security == Security::Opportunistic && offered.has_capability(EXT_START_TLS)
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let limit = CONNECT_LIMIT.min(self.timeout / 3);
        let mut fault = io::Error::new(io::ErrorKind::NotFound, "the host name has no address");
        for address in lookup_host((self.url.host.as_str(), self.url.port)).await? {
            // A loopback host is spared certificate and STARTTLS because it cannot be elsewhere.
            if self.url.loopback && !address.ip().to_canonical().is_loopback() {
                fault = io::Error::other("the name localhost leads to another machine");
                continue;
            }
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Ok(Err(error)) => fault = error,
                Err(_) => fault = io::ErrorKind::TimedOut.into(),
            }
        }
        Err(fault)
    }

    async fn encrypt(
        &self,
        client: SmtpClient<Bounded<TcpStream>>,
        at: &mut Progress,
    ) -> Result<(SmtpClient<impl line::Wire + use<>>, String), Error> {
        at.step = Step::Tls;
        let client = unbounded(client).into_tls(&self.tls.clone().into(), &self.url.host).await?;
        let version = match client.tls_connection().protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
            Some(rustls::ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS",
        };
        Ok((bounded(client), version.to_owned()))
    }

    async fn log_in<S: line::Wire + 'static>(
        &self,
        mut client: SmtpClient<S>,
        offered: &EhloResponse<String>,
        tls: String,
        at: &mut Progress,
    ) -> Result<Line, Error> {
        at.tls.clone_from(&tls);
        if let Some(login) = self.url.login.as_ref() {
            at.step = Step::Login;
            client.authenticate(login, offered).await?;
        }
        Ok(Line::new(client, tls))
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({})", self.url)
    }
}

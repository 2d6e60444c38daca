//! The relay transport: a letter is handed to the operator's mail server, one SMTP conversation per attempt.
//!
//! The conversation is driven step by step, because the meaning of a 5xx depends on the step it answers
//! (DESIGN section 8), and lies as a whole inside one time limit, which is all that a hanging server can cost.

pub mod tls;
mod url;
mod verdict;

#[cfg(test)]
mod tests;

pub use url::{RelayUrl, RelayUrlError, Security};
pub use verdict::Verdict;

use super::message::is_bare_address;
use mail_send::smtp::AssertReply;
use mail_send::smtp::message::Parameters;
use mail_send::{Error, SmtpClient};
use rustls::ClientConfig;
use smtp_proto::{EXT_START_TLS, EhloResponse};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use verdict::Step;

/// How long one address of the server may take to answer, so that a dead one leaves time for the next.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// The operator's mail server. Cheap to share; opens a connection per letter and keeps none.
pub struct Relay {
    url: RelayUrl,
    ehlo_name: String,
    tls: Arc<ClientConfig>,
    timeout: Duration,
}

/// Why a relay could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error("the name for EHLO must be a host name in ASCII or an IP address")]
    EhloName,
    #[error("TLS for the mail server could not be set up")]
    Tls(#[source] rustls::Error),
}

/// A letter in the form that goes over the wire.
struct Parcel<'x> {
    from: &'x str,
    to: &'x str,
    data: Vec<u8>,
}

/// What outlives a conversation that is cut off by the time limit.
struct Progress {
    step: Step,
    verdict: Option<Verdict>,
}

impl Relay {
    /// `ehlo_name` is this server's own host name, or an IP address, which is sent as a literal (RFC 5321
    /// section 4.1.3). `timeout` limits a whole conversation, name look-up included. Reads the certificate
    /// authorities of the system once, unless the host is this machine, whose certificate is not verified.
    ///
    /// # Errors
    ///
    /// An EHLO name that is neither name nor address; no TLS version to speak.
    pub fn new(url: &RelayUrl, ehlo_name: &str, timeout: Duration) -> Result<Relay, RelayError> {
        let tls = if url.is_loopback() { tls::believing() } else { tls::verifying(tls::system_roots()) };
        Ok(Relay {
            url: url.clone(),
            ehlo_name: ehlo_argument(ehlo_name)?,
            tls: tls.map_err(RelayError::Tls)?,
            timeout,
        })
    }

    /// Hands one letter over. `envelope_from` may be empty (no bounces, RFC 5321 section 4.5.5). Line ends of
    /// `message` become CRLF, whatever they were: neither a bare LF nor a bare CR leaves here (threat I1).
    ///
    /// `Delivered` means that the server has said so; a connection lost between the message and its reply is
    /// `Deferred`, so a letter may arrive twice, with the same Message-ID, but is never lost (threat I2).
    /// Dropping the future ends the conversation.
    pub async fn send(&self, envelope_from: &str, envelope_to: &str, message: &[u8]) -> Verdict {
        if !envelope_from.is_empty() && !is_bare_address(envelope_from) {
            return Verdict::Misconfigured {
                reason: "the sender's address is not one that SMTP carries".into(),
            };
        }
        if !is_bare_address(envelope_to) {
            return Verdict::Rejected {
                reply: "the recipient's address is not one that SMTP carries".into(),
            };
        }

        let parcel = Parcel { from: envelope_from, to: envelope_to, data: wire_form(message) };
        let mut progress = Progress { step: Step::Connect, verdict: None };
        let ended = timeout(self.timeout, self.converse(&parcel, &mut progress)).await;
        let Progress { step, verdict } = progress;
        match (verdict, ended) {
            (Some(verdict), _) => verdict,
            (None, Ok(Err(error))) => verdict::failed(step, &error, self.url.login.as_ref()),
            (None, Ok(Ok(())) | Err(_)) => verdict::out_of_time(step, self.timeout),
        }
    }

    async fn converse(&self, parcel: &Parcel<'_>, at: &mut Progress) -> Result<(), Error> {
        // The outer limit is the one that counts; the client's own, per command, must not come before it.
        let timeout = self.timeout.saturating_mul(2);
        let mut client = SmtpClient { stream: self.connect().await?, timeout };
        if self.url.security == Security::Implicit {
            let mut client = self.encrypt(client, at).await?;
            let offered = self.greet(&mut client, at).await?;
            return self.hand_over(client, offered, parcel, at).await;
        }

        let offered = self.greet(&mut client, at).await?;
        if self.url.security == Security::StartTls || self.may_encrypt(&offered) {
            at.step = Step::StartTls;
            if !offered.has_capability(EXT_START_TLS) {
                return Err(Error::MissingStartTls);
            }
            client.cmd(b"STARTTLS\r\n").await?.assert_positive_completion()?;
            let mut client = self.encrypt(client, at).await?;
            // What was offered in clear text may have been forged (RFC 3207 section 4.2): ask again.
            at.step = Step::Ehlo;
            let offered = client.ehlo(&self.ehlo_name).await?;
            return self.hand_over(client, offered, parcel, at).await;
        }
        self.hand_over(client, offered, parcel, at).await
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
        client: SmtpClient<TcpStream>,
        at: &mut Progress,
    ) -> Result<SmtpClient<impl AsyncRead + AsyncWrite + Unpin + use<>>, Error> {
        at.step = Step::Tls;
        client.into_tls(&self.tls.clone().into(), &self.url.host).await
    }

    async fn greet<S>(
        &self,
        client: &mut SmtpClient<S>,
        at: &mut Progress,
    ) -> Result<EhloResponse<String>, Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        at.step = Step::Greeting;
        client.read().await?.assert_positive_completion()?;
        at.step = Step::Ehlo;
        client.ehlo(&self.ehlo_name).await
    }

    /// Login and mail transaction, then QUIT. Its reply is not awaited: the verdict stands already.
    async fn hand_over<S>(
        &self,
        mut client: SmtpClient<S>,
        offered: EhloResponse<String>,
        parcel: &Parcel<'_>,
        at: &mut Progress,
    ) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let result = self.transact(&mut client, &offered, parcel, at).await;
        // A fault here changes nothing: the letter has been taken, or `result` says why not.
        let _ = client.stream.write_all(b"QUIT\r\n").await;
        let _ = client.stream.flush().await;
        result
    }

    async fn transact<S>(
        &self,
        client: &mut SmtpClient<S>,
        offered: &EhloResponse<String>,
        parcel: &Parcel<'_>,
        at: &mut Progress,
    ) -> Result<(), Error>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let login = self.url.login.as_ref();
        if let Some(login) = login {
            at.step = Step::Login;
            client.authenticate(login, offered).await?;
        }
        at.step = Step::MailFrom;
        client.mail_from(parcel.from, &Parameters::new()).await?;
        at.step = Step::RcptTo;
        client.rcpt_to(parcel.to, &Parameters::new()).await?;
        at.step = Step::Data;
        client.cmd(b"DATA\r\n").await?.assert_code(354)?;
        at.step = Step::EndOfData;
        client.write_message(&parcel.data).await?;
        let reply = client.read().await?.into_positive_completion()?;
        at.verdict = Some(verdict::delivered(&reply, login));
        Ok(())
    }
}

impl fmt::Debug for Relay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Relay({})", self.url)
    }
}

/// A host name as it is, an address as a literal. The check keeps line breaks out of the command.
fn ehlo_argument(name: &str) -> Result<String, RelayError> {
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    match bare.parse() {
        Ok(IpAddr::V4(address)) => Ok(format!("[{address}]")),
        Ok(IpAddr::V6(address)) => Ok(format!("[IPv6:{address}]")),
        Err(_) => match rustls::pki_types::ServerName::try_from(name) {
            Ok(_) => Ok(name.to_owned()),
            Err(_) => Err(RelayError::EhloName),
        },
    }
}

/// CRLF only, in the form that `write_message` completes: it doubles a dot after a line end but not at the
/// very beginning, and it adds the last line end itself.
fn wire_form(message: &[u8]) -> Vec<u8> {
    let mut wire = Vec::with_capacity(message.len() + message.len() / 32);
    if message.first() == Some(&b'.') {
        wire.push(b'.');
    }
    let mut after_cr = false;
    for &byte in message {
        match byte {
            b'\n' if after_cr => {}
            b'\r' | b'\n' => wire.extend_from_slice(b"\r\n"),
            other => wire.push(other),
        }
        after_cr = byte == b'\r';
    }
    if wire.ends_with(b"\r\n") {
        wire.truncate(wire.len() - 2);
    }
    wire
}

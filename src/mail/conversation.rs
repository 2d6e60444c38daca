//! One SMTP conversation, step by step: what the relay and direct delivery have in common.
//!
//! It is driven step by step because the meaning of a 5xx depends on the step it answers (DESIGN section 8).

mod bounded;
mod deadline;
pub mod tls;
pub(super) mod verdict;

pub(super) use bounded::{Bounded, bounded, unbounded};
pub(super) use deadline::{Written, until_written};
pub use verdict::Verdict;

use super::message::is_bare_address;
use mail_send::smtp::AssertReply;
use mail_send::smtp::message::Parameters;
use mail_send::{Error, SmtpClient};
use smtp_proto::{EhloResponse, Response};
use std::net::IpAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout;
use verdict::Step;

/// How long a server may take to answer the end of a message, which it may scan first. RFC 5321 section 4.5.3.2.6 asks for
/// ten minutes; whoever gives up sooner makes a second copy of a letter that was about to be taken.
pub const LAST_WORD: Duration = Duration::from_secs(5 * 60);

/// A letter in the form that goes over the wire.
pub(super) struct Parcel<'x> {
    from: &'x str,
    to: &'x str,
    data: Vec<u8>,
}

impl<'x> Parcel<'x> {
    /// Line ends of `message` become CRLF, whatever they were: neither a bare LF nor a bare CR leaves here (threat I1).
    /// `from` may be empty (no bounces, RFC 5321 section 4.5.5).
    ///
    /// # Errors
    /// The verdict on a letter with an address that could become more than one.
    pub(super) fn new(from: &'x str, to: &'x str, message: &[u8]) -> Result<Parcel<'x>, Verdict> {
        if !from.is_empty() && !is_bare_address(from) {
            return Err(Verdict::Misconfigured {
                reason: "the sender's address is not one that SMTP carries".into(),
            });
        }
        if !is_bare_address(to) {
            return Err(Verdict::Rejected {
                reply: "the recipient's address is not one that SMTP carries".into(),
            });
        }
        Ok(Parcel { from, to, data: wire_form(message) })
    }
}

/// What outlives a conversation that is cut off by a time limit.
pub(super) struct Progress {
    pub step: Step,
    pub verdict: Option<Verdict>,
    /// How it is encrypted, as in `TLS 1.3`; empty while it is not.
    pub tls: String,
    /// Whether the message is written, where the limit on all before ends.
    pub written: Written,
    /// How long its answer may take.
    last_word: Duration,
}

impl Default for Progress {
    fn default() -> Progress {
        Progress::within(LAST_WORD)
    }
}

impl Progress {
    /// A conversation that waits so long for the answer to the message.
    pub(super) fn within(last_word: Duration) -> Progress {
        let (tls, written) = Default::default();
        Progress { step: Step::Connect, verdict: None, tls, written, last_word }
    }

    /// Another conversation begins within the same limit.
    pub(super) fn begin_anew(&mut self) {
        self.written.set(false);
        (self.step, self.verdict, self.tls) = (Step::Connect, None, String::new());
    }
}

/// This server's own name as the argument of EHLO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct EhloName(String);

/// Why a text cannot be a server's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the name for EHLO must be a host name in ASCII or an IP address")]
pub struct NotAName;

impl EhloName {
    /// A host name as it is, an address as a literal (RFC 5321 section 4.1.3). The check keeps line breaks out of the
    /// command.
    ///
    /// # Errors
    /// [`NotAName`] for neither.
    pub(super) fn new(name: &str) -> Result<EhloName, NotAName> {
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(IpAddr::V4(address)) => Ok(EhloName(format!("[{address}]"))),
            Ok(IpAddr::V6(address)) => Ok(EhloName(format!("[IPv6:{address}]"))),
            Err(_) => match rustls::pki_types::ServerName::try_from(name) {
                Ok(_) => Ok(EhloName(name.to_owned())),
                Err(_) => Err(NotAName),
            },
        }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Reads the greeting, says EHLO, and returns what the server offers.
pub(super) async fn greet<S>(
    client: &mut SmtpClient<S>,
    name: &EhloName,
    at: &mut Progress,
) -> Result<EhloResponse<String>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    at.step = Step::Greeting;
    client.read().await?.assert_positive_completion()?;
    at.step = Step::Ehlo;
    client.ehlo(name.as_str()).await
}

/// The mail transaction, up to the server's word that it has the letter.
pub(super) async fn hand_over<S>(
    client: &mut SmtpClient<S>,
    parcel: &Parcel<'_>,
    at: &mut Progress,
) -> Result<Response<String>, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    at.written.set(false);
    at.step = Step::MailFrom;
    client.mail_from(parcel.from, &Parameters::new()).await?;
    at.step = Step::RcptTo;
    client.rcpt_to(parcel.to, &Parameters::new()).await?;
    at.step = Step::Data;
    client.cmd(b"DATA\r\n").await?.assert_code(354)?;
    at.step = Step::EndOfData;
    client.write_message(&parcel.data).await?;
    at.written.set(true);
    let last_word = timeout(at.last_word, client.read()).await;
    last_word.map_err(|_| Error::Timeout)??.into_positive_completion()
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

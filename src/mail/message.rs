//! A letter as the bytes that travel: RFC 5322 with a text and an HTML alternative (RFC 2046).
//!
//! The same `Outgoing` always gives the same bytes, so that a letter sent twice is recognizably one letter.
//! Threat I1: nothing a person typed (names, subjects) can add a header or a line.

use mail_send::mail_builder::MessageBuilder;
use mail_send::mail_builder::headers::address::Address;
use mail_send::mail_builder::headers::content_type::ContentType;
use mail_send::mail_builder::headers::date::Date;
use mail_send::mail_builder::headers::text::Text;
use mail_send::mail_builder::mime::MimePart;
use thiserror::Error;

/// The longest address that SMTP carries, in octets (RFC 5321 section 4.5.3.1.3 without the angle brackets).
const ADDRESS_LIMIT: usize = 254;

/// Who a letter comes from: an address and the name shown beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: String,
}

/// A rendered letter, ready to be written as a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// Without the angle brackets, for example `5f3c…@example.com`; the same at each attempt.
    pub message_id: String,
    pub from: Mailbox,
    /// One bare address.
    pub to: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// Milliseconds since the epoch, UTC; the header shows whole seconds.
    pub date_ms: i64,
    /// A language tag (RFC 5646) such as `en`.
    pub language: String,
}

/// Why a letter cannot be written as a message. Names the field, never its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unwritable {
    #[error(
        "the sender's address must be a bare ASCII address of at most 254 characters without spaces or angle brackets"
    )]
    From,
    #[error(
        "the recipient's address must be a bare ASCII address of at most 254 characters without spaces or angle brackets"
    )]
    To,
    #[error(
        "the Message-ID must be ASCII of the form left@right, at most 254 characters, without spaces or angle brackets"
    )]
    MessageId,
}

/// Whether an address can stand between angle brackets in a header and in an SMTP command without changing
/// the meaning of what surrounds it: visible ASCII, one or more `@`, at most 254 octets, no angle brackets.
///
/// This is the last line of defense, not the parser of addresses: `model` decides what is an e-mail address.
pub fn is_bare_address(address: &str) -> bool {
    address.len() <= ADDRESS_LIMIT
        && address.contains('@')
        && address.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>'))
}

/// Writes the message: 7-bit, CRLF only, no line over 998 octets (RFC 5321 section 4.5.3.1.6), header text
/// outside ASCII as encoded words (RFC 2047), `Auto-Submitted` so that no vacation notice answers (RFC 3834).
///
/// Line breaks and control characters in header values become spaces.
///
/// # Errors
///
/// An address or Message-ID that is not a bare ASCII one: it cannot be mended without changing who is meant.
pub fn rfc5322(letter: &Outgoing) -> Result<Vec<u8>, Unwritable> {
    if !is_bare_address(&letter.from.address) {
        return Err(Unwritable::From);
    }
    if !is_bare_address(&letter.to) {
        return Err(Unwritable::To);
    }
    if !is_bare_address(&letter.message_id) {
        return Err(Unwritable::MessageId);
    }

    let text = body(&letter.text);
    let html = body(&letter.html);
    let alternatives = ContentType::new("multipart/alternative")
        .attribute("boundary", boundary(&letter.message_id, &text, &html));
    let parts = vec![MimePart::new("text/plain", text), MimePart::new("text/html", html)];
    let sender = letter.from.name.as_deref().map(header_text).filter(|name| !name.is_empty());

    let mut message = Vec::new();
    MessageBuilder::new()
        .date(Date::new(letter.date_ms.div_euclid(1000)))
        .message_id(letter.message_id.as_str())
        .from(Address::new_address(sender, letter.from.address.as_str()))
        .to(letter.to.as_str())
        .subject(header_text(&letter.subject))
        .header("Auto-Submitted", Text::new("auto-generated"))
        .header("Content-Language", Text::new(header_text(&letter.language)))
        .body(MimePart::new(alternatives, parts))
        .serialize(&mut message);
    Ok(message)
}

/// One line of header text. `=?` is parted because it would start an encoded word, and a reader that decodes
/// it would show, or a gateway would write anew, what the control-character rule has just removed.
fn header_text(value: &str) -> String {
    let line: String = value.chars().map(|c| if breaks_a_line(c) { ' ' } else { c }).collect();
    line.replace("=?", "= ?").trim().to_owned()
}

/// Controls include CR, LF, NUL and U+0085; the Unicode separators are line breaks to some readers.
fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Body text with LF line ends, which the builder turns into CRLF, without controls that 7-bit mail lacks.
fn body(value: &str) -> String {
    value
        .replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .map(|c| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c })
        .collect()
}

/// A boundary that depends on the letter alone and occurs in neither part (RFC 2046 section 5.1.1).
/// It starts with `=_`, which quoted-printable and base64 never produce.
fn boundary(message_id: &str, text: &str, html: &str) -> String {
    let stem: String = message_id.chars().filter(char::is_ascii_alphanumeric).take(40).collect();
    (0_u64..)
        .map(|n| format!("=_{stem}_{n}"))
        .find(|candidate| !text.contains(candidate.as_str()) && !html.contains(candidate.as_str()))
        .expect("a finite body cannot contain every number")
}

#[cfg(test)]
mod tests;

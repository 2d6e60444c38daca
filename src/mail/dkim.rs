//! DKIM (RFC 6376, RFC 8463): a letter is signed with a key whose public half is in the DNS of the sender's domain.
//!
//! Signed on the very bytes that travel; the same letter at the same moment of writing always gets the same signature,
//! so that a letter sent twice is recognizably one letter.

mod canonical;
mod key;

#[cfg(test)]
mod tests;

pub use key::{Algorithm, Key, KeyError, Made, record_lines};

use crate::model::time::Millis;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;

/// The headers that are signed, each once more than it occurs: so none can be changed, taken out or added (RFC 6376
/// section 5.4.2).
const SIGNED: &[&str] = &[
    "From",
    "To",
    "Cc",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Auto-Submitted",
];
/// The longest line of a signature, so that no gateway folds it anew.
const LINE: usize = 72;

/// Signs letters for one domain, once with each key.
pub struct Signer {
    domain: String,
    keys: Vec<(String, Key)>,
}

impl Signer {
    /// `domain` in ASCII is the signing domain; each key has the selector under which DNS shows its public half.
    pub fn new(domain: &str, keys: Vec<(String, Key)>) -> Signer {
        Signer { domain: domain.to_owned(), keys }
    }

    /// The names in DNS under which receivers look for the keys, and what has to be there.
    pub fn records(&self) -> impl Iterator<Item = (String, String)> {
        self.keys.iter().map(|(selector, key)| (record_name(selector, &self.domain), key.record()))
    }

    /// The domain that answers for the letters.
    pub fn domain(&self) -> &str {
        &self.domain
    }

    /// The message with a signature of each key before it. `written` is when the letter was.
    pub fn sign(&self, message: &[u8], written: Millis) -> Vec<u8> {
        let (head, body) = split(message);
        let body_hash = STANDARD.encode(digest(&SHA256, &canonical::body(body)));
        let fields = canonical::fields(head);
        let mut signed = Vec::with_capacity(message.len() + 1024 * self.keys.len());
        for (selector, key) in &self.keys {
            let (names, mut input) = chosen(&fields);
            let unsigned = format!(
                "DKIM-Signature: v=1; a={}; c=relaxed/relaxed; d={};\r\n s={selector}; t={};\r\n{};\r\n bh={body_hash};\r\n b=",
                key.algorithm().as_str(),
                self.domain,
                written.seconds(),
                folded_names(&names),
            );
            let own = canonical::fields(unsigned.as_bytes());
            input.extend_from_slice(own.first().expect("it is a header").relaxed().as_bytes());
            let signature = STANDARD.encode(key.sign(&input));
            signed.extend_from_slice(unsigned.as_bytes());
            signed.extend_from_slice(folded(&signature).as_bytes());
            signed.extend_from_slice(b"\r\n");
        }
        signed.extend_from_slice(message);
        signed
    }
}

/// The names in DNS under which receivers look for the keys, and how each signs.
impl fmt::Display for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (selector, key)) in self.keys.iter().enumerate() {
            let separator = if place > 0 { ", " } else { "" };
            write!(f, "{separator}{} {}", record_name(selector, &self.domain), key.algorithm().as_str())?;
        }
        Ok(())
    }
}

/// The name in DNS of the key that a domain shows under a selector (RFC 6376 section 3.6.2.1).
pub fn record_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// The header section with its last line end, and the body.
fn split(message: &[u8]) -> (&[u8], &[u8]) {
    match message.windows(4).position(|window| window == b"\r\n\r\n") {
        Some(end) => (&message[..end + 2], &message[end + 4..]),
        None => (message, &[]),
    }
}

/// The names for `h=` and the headers in that order, canonical: of several of one name the last is taken first (RFC 6376
/// section 5.4.2), and one that is not there adds nothing but its name.
fn chosen(fields: &[canonical::Field<'_>]) -> (Vec<&'static str>, Vec<u8>) {
    let (mut names, mut input) = (Vec::new(), Vec::new());
    for &name in SIGNED {
        for field in fields.iter().rev().filter(|field| field.is(name)) {
            names.push(name);
            input.extend_from_slice(field.relaxed().as_bytes());
            input.extend_from_slice(b"\r\n");
        }
        names.push(name);
    }
    (names, input)
}

fn folded_names(names: &[&str]) -> String {
    let mut lines = " h=".to_owned();
    let mut length = lines.len();
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            lines.push(':');
            length += 1;
        }
        if length + name.len() >= LINE {
            lines.push_str("\r\n ");
            length = 1;
        }
        lines.push_str(name);
        length += name.len();
    }
    lines
}

fn folded(base64: &str) -> String {
    let mut lines = String::with_capacity(base64.len() + base64.len() / 20);
    for (place, digit) in base64.chars().enumerate() {
        if place > 0 && place % LINE == 0 {
            lines.push_str("\r\n ");
        }
        lines.push(digit);
    }
    lines
}

//! E-mail addresses: one parser for every field that takes one (THREATS A3, A4).

use super::domain::Host;
use super::fault::Rule;

/// An address that can be stored, compared and mailed to.
///
/// Accepted: a dot-atom local part in ASCII (RFC 5321 section 4.1.2, at most 64 octets) and a domain with at least two
/// labels, converted to ASCII by IDNA (UTS 46). At most 254 octets in all (RFC 5321 section 4.5.3.1.3). Refused:
/// quoted local parts, display names, lists, comments, address literals, control characters, white space inside.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EmailAddress {
    text: String,
    at: usize,
}

impl EmailAddress {
    /// Parses an address. Surrounding ASCII spaces are dropped; everything else must be right.
    ///
    /// # Errors
    /// [`Rule::Email`] for all that is not one address.
    pub fn parse(text: &str) -> Result<EmailAddress, Rule> {
        let text = text.trim_matches(' ');
        let (local, domain) = text.rsplit_once('@').ok_or(Rule::Email)?;
        if local.len() > 64 || !is_dot_atom(local) {
            return Err(Rule::Email);
        }
        let host = Host::parse(domain).map_err(|_| Rule::Email)?;
        let text = format!("{local}@{}", host.as_str());
        if text.len() > 254 {
            return Err(Rule::Email);
        }
        Ok(EmailAddress { at: local.len(), text })
    }

    /// Takes back an address that [`EmailAddress::parse`] once made and the database kept.
    pub fn stored(text: String) -> Option<EmailAddress> {
        text.rfind('@').map(|at| EmailAddress { at, text })
    }

    /// The address as stored and mailed to: the local part as typed, the domain in lower-case ASCII.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The unique key: the whole address in lower case, because no provider of note tells `Ann@` from `ann@`.
    pub fn key(&self) -> String {
        self.text.to_ascii_lowercase()
    }

    /// The address with its local part in lower case too, for a contract that keeps it so (contracts/finradar.md section 1).
    pub fn lowercased(self) -> EmailAddress {
        EmailAddress { text: self.key(), at: self.at }
    }

    /// The mailbox behind the address: the key without a plus-tag. One trial is given per identity (THREATS G5).
    pub fn identity(&self) -> String {
        let key = self.key();
        let (local, domain) = key.split_at(self.at);
        let base = local.split('+').next().filter(|base| !base.is_empty()).unwrap_or(local);
        format!("{base}{domain}")
    }

    /// The domain, in lower-case ASCII.
    pub fn domain(&self) -> Host {
        Host::trusted(self.text[self.at + 1..].to_owned())
    }

    /// The part before the `@`, as typed.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }
}

fn is_dot_atom(local: &str) -> bool {
    let atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(atext))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_typed_and_compared_in_lower_case() {
        let rows = [
            ("plain", "john.doe@company.com", "john.doe@company.com", "john.doe@company.com"),
            ("case", "John.Doe@Company.COM", "John.Doe@company.com", "john.doe@company.com"),
            ("plus-tag", "ann+shop@x.org", "ann+shop@x.org", "ann@x.org"),
            ("only a plus-tag", "+shop@x.org", "+shop@x.org", "+shop@x.org"),
            ("IDN domain", "ann@bücher.example", "ann@xn--bcher-kva.example", "ann@xn--bcher-kva.example"),
            ("spaces around", " ann@x.org ", "ann@x.org", "ann@x.org"),
        ];
        for (what, typed, stored, identity) in rows {
            let email = EmailAddress::parse(typed).expect(what);
            assert_eq!(email.as_str(), stored, "{what}");
            assert_eq!(email.identity(), identity, "{what}");
        }
    }

    // A3, A4
    #[test]
    fn whatever_is_not_one_plain_address_is_refused() {
        let long_local = format!("{}@x.org", "a".repeat(65));
        let long_all = format!("{}@{}.org", "a".repeat(64), vec!["b".repeat(60); 4].join("."));
        let rows = [
            ("empty", ""),
            ("no at", "ann.x.org"),
            ("no local part", "@x.org"),
            ("no domain", "ann@"),
            ("bare host", "ann@localhost"),
            ("list by comma", "a@x.org,b@y.org"),
            ("list by semicolon", "a@x.org;b@y.org"),
            ("list by newline", "a@x.org\nb@y.org"),
            ("header injection", "a@x.org\r\nBcc: b@y.org"),
            ("NUL", "a\0@x.org"),
            ("display name", "\"Ann\" <a@x.org>"),
            ("angle brackets", "<a@x.org>"),
            ("quoted local part", "\"a b\"@x.org"),
            ("quoted second address", "\"a@x.org\"@y.org"),
            ("comment", "a(b)@x.org"),
            ("dotless i look-alike", "m\u{131}ke@x.org"),
            ("sharp s", "stra\u{df}e@x.org"),
            ("kelvin sign", "\u{212a}im@x.org"),
            ("inner space", "a b@x.org"),
            ("double dot", "a..b@x.org"),
            ("leading dot", ".a@x.org"),
            ("trailing dot", "a@x.org."),
            ("address literal", "a@[127.0.0.1]"),
            ("IP as domain", "a@127.0.0.1"),
            ("percent hack with at", "a@x.org@y.org"),
            ("line separator", "a@x.org\u{2028}"),
            ("no-break space", "\u{a0}a@x.org"),
            ("long local part", &long_local),
            ("longer than 254", &long_all),
        ];
        for (what, typed) in rows {
            assert_eq!(EmailAddress::parse(typed), Err(Rule::Email), "{what}");
        }
    }
}

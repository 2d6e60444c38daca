//! Host names, registrable domains and websites.

use super::fault::Rule;

/// A host name in lower-case ASCII with at least two labels, at most 253 octets (RFC 1035 section 2.3.4). Never an IP
/// address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Host(String);

impl Host {
    /// Parses a host name, converting an internationalized one to ASCII (UTS 46, transitional processing off).
    ///
    /// # Errors
    /// [`Rule::Website`] when it is none.
    pub fn parse(text: &str) -> Result<Host, Rule> {
        let ascii = idna::domain_to_ascii_cow(text.as_bytes(), idna::AsciiDenyList::URL)
            .map_err(|_| Rule::Website)?;
        let labels: Vec<&str> = ascii.split('.').collect();
        let numeric_end = labels.last().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
        if labels.len() < 2 || numeric_end || ascii.len() > 253 || !labels.iter().all(|label| is_label(label))
        {
            return Err(Rule::Website);
        }
        Ok(Host(ascii.into_owned()))
    }

    /// Wraps text that an earlier [`Host::parse`] made.
    pub(super) fn trusted(ascii: String) -> Host {
        Host(ascii)
    }

    /// The name in lower-case ASCII.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The registrable domain by the public suffix list (`shop.acme.co.uk` → `acme.co.uk`), none for a public suffix
    /// itself. Names under a suffix that the list does not know count by its `*` rule.
    pub fn registrable(&self) -> Option<Host> {
        psl::domain_str(&self.0).map(|domain| Host(domain.to_owned()))
    }

    /// This name and each parent with at least two labels: where a ban on a domain is looked up, subdomains included.
    pub fn with_parents(&self) -> Vec<String> {
        let mut names = vec![self.0.clone()];
        let mut rest = self.0.as_str();
        while let Some((_, parent)) = rest.split_once('.') {
            if !parent.contains('.') {
                break;
            }
            names.push(parent.to_owned());
            rest = parent;
        }
        names
    }

    /// Whether mailboxes here belong to the public at large, so that the domain names no company.
    pub fn is_free_mail(&self) -> bool {
        FREE_MAIL.contains(&self.0.as_str())
    }
}

fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A company's website as typed: an http(s) URL, or a bare host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Website {
    text: String,
    host: Host,
}

impl Website {
    /// Parses `https://acme.com/about`, `acme.com` or `acme.com:8443/x`.
    ///
    /// # Errors
    /// [`Rule::Website`] for other schemes, user information, IP addresses and single labels;
    /// [`Rule::MaxChars`] past 255.
    pub fn parse(text: &str) -> Result<Website, Rule> {
        let text = text.trim_matches(' ');
        if text.chars().count() > 255 {
            return Err(Rule::MaxChars(255));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Rule::Website);
        }
        let rest = strip_scheme(text)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = match authority.split_once(':') {
            Some((host, port)) if port.parse::<u16>().is_ok() => host,
            Some(_) => return Err(Rule::Website),
            None => authority,
        };
        Ok(Website { host: Host::parse(host)?, text: text.to_owned() })
    }

    /// The website as typed.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host.
    pub fn host(&self) -> &Host {
        &self.host
    }
}

fn strip_scheme(text: &str) -> Result<&str, Rule> {
    match text.split_once("://") {
        Some((scheme, rest))
            if scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http") =>
        {
            Ok(rest)
        }
        Some(_) => Err(Rule::Website),
        None => Ok(text),
    }
}

/// Providers that hand mailboxes to anybody. Chosen by public market-share lists; extend freely.
const FREE_MAIL: &[&str] = &[
    "126.com",
    "163.com",
    "aol.com",
    "bluewin.ch",
    "duck.com",
    "fastmail.com",
    "free.fr",
    "freenet.de",
    "gmail.com",
    "gmx.at",
    "gmx.ch",
    "gmx.com",
    "gmx.de",
    "gmx.net",
    "googlemail.com",
    "hotmail.co.uk",
    "hotmail.com",
    "hotmail.de",
    "hotmail.fr",
    "icloud.com",
    "laposte.net",
    "libero.it",
    "live.com",
    "mac.com",
    "mail.com",
    "mail.ru",
    "mailbox.org",
    "me.com",
    "msn.com",
    "orange.fr",
    "outlook.com",
    "outlook.de",
    "pm.me",
    "posteo.de",
    "proton.me",
    "protonmail.com",
    "qq.com",
    "rediffmail.com",
    "seznam.cz",
    "t-online.de",
    "tutanota.com",
    "web.de",
    "wp.pl",
    "yahoo.co.uk",
    "yahoo.com",
    "yahoo.de",
    "yahoo.fr",
    "yandex.com",
    "yandex.ru",
    "zoho.com",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn websites_are_urls_or_bare_hosts() {
        let rows = [
            ("https://acme.com", Some("acme.com")),
            ("HTTP://Shop.Acme.co.uk/about?x=1#y", Some("acme.co.uk")),
            ("acme.com", Some("acme.com")),
            ("acme.com:8443/x", Some("acme.com")),
            ("https://bücher.example", Some("xn--bcher-kva.example")),
            ("ftp://acme.com", None),
            ("javascript://acme.com", None),
            ("https://user@acme.com", None),
            ("https://127.0.0.1", None),
            ("https://[::1]/", None),
            ("acme", None),
            ("acme .com", None),
            ("", None),
            ("https://", None),
            ("acme.com:port", None),
        ];
        for (typed, expected) in rows {
            let domain = Website::parse(typed).ok().and_then(|site| site.host().registrable());
            assert_eq!(domain.as_ref().map(Host::as_str), expected, "{typed}");
        }
    }

    #[test]
    fn a_ban_is_looked_up_at_the_name_and_its_parents() {
        let host = Host::parse("mail.shop.acme.com").expect("a host");
        assert_eq!(host.with_parents(), ["mail.shop.acme.com", "shop.acme.com", "acme.com"]);
    }

    #[test]
    fn a_public_suffix_is_nobodys_domain() {
        assert_eq!(Host::parse("co.uk").expect("a host").registrable(), None);
    }
}

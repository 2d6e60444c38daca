//! `LATCHKEY_SMTP_URL`, parsed once: where mail is handed over, how the way there is protected, who logs in.

use mail_send::Credentials;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use thiserror::Error;

/// The port of message submission (RFC 6409), for `smtp://`.
const SUBMISSION_PORT: u16 = 587;
/// The port of message submission over TLS (RFC 8314), for `smtps://`.
const SUBMISSIONS_PORT: u16 = 465;

/// How the conversation is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte: `smtps://`.
    Implicit,
    /// `smtp://`: a server that does not offer STARTTLS gets neither login nor letter.
    StartTls,
    /// `smtp://` to a loopback host: STARTTLS where offered, else plain.
    Opportunistic,
    /// `?tls=off`: never TLS.
    Plain,
}

/// Where mail is handed over. Neither `Debug` nor `Display` shows the login: some providers use one token as
/// both user name and password.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayUrl {
    pub(in crate::mail) host: String,
    pub(in crate::mail) port: u16,
    pub(in crate::mail) security: Security,
    pub(in crate::mail) login: Option<Credentials<String>>,
    pub(in crate::mail) loopback: bool,
}

/// Why a text is not a relay URL: a sentence that repeats nothing of the login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RelayUrlError {
    #[error("the SMTP URL must start with smtp:// or smtps://")]
    Scheme,
    #[error(
        "the SMTP URL must name a host, as a domain name in ASCII, an IPv4 address or an IPv6 address in brackets"
    )]
    Host,
    #[error("the port in the SMTP URL must be a number from 1 to 65535")]
    Port,
    #[error("the login in the SMTP URL must have both parts, user:password@host, neither of them empty")]
    Login,
    #[error("the characters / ? # % in the login of the SMTP URL must be written as %2F %3F %23 %25")]
    LoginEncoding,
    #[error("the login in the SMTP URL must be UTF-8 without control characters")]
    LoginCharacters,
    #[error("the SMTP URL must end after host and port, or with ?tls=off; no other path or option is known")]
    Option,
    #[error(
        "smtps:// is TLS from the start and cannot have ?tls=off; write smtp:// for a server without TLS"
    )]
    Contradiction,
    #[error(
        "?tls=off would send the password in clear text over the network; drop the login, drop ?tls=off, or use a relay on this machine"
    )]
    ClearTextLogin,
}

impl RelayUrl {
    /// The name or address of the server; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The given port, else 587 for `smtp://` and 465 for `smtps://`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How the conversation is protected.
    pub fn security(&self) -> Security {
        self.security
    }

    /// Whether the server asks for a user name and password.
    pub fn has_login(&self) -> bool {
        self.login.is_some()
    }

    /// Whether the host is this machine (`localhost`, 127/8, `::1`): there no certificate is verified.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }
}

/// `smtp://[user:password@]host[:port][?tls=off]` or `smtps://[user:password@]host[:port]`, the login
/// percent-encoded (RFC 3986). Rules: DESIGN section 8.
impl FromStr for RelayUrl {
    type Err = RelayUrlError;

    fn from_str(text: &str) -> Result<Self, RelayUrlError> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(RelayUrlError::Scheme)?;
        let implicit = match scheme.to_ascii_lowercase().as_str() {
            "smtp" => false,
            "smtps" => true,
            _ => return Err(RelayUrlError::Scheme),
        };

        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if tail.contains('@') {
            return Err(RelayUrlError::LoginEncoding);
        }
        let tls_off = match tail.strip_prefix('/').unwrap_or(tail) {
            "" | "?" => false,
            "?tls=off" => true,
            _ => return Err(RelayUrlError::Option),
        };

        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(parse_login(login)?), place),
            None => (None, authority),
        };
        let (host, port) = parse_place(place)?;
        let loopback = is_loopback(&host);

        let security = match (implicit, tls_off) {
            (true, true) => return Err(RelayUrlError::Contradiction),
            (true, false) => Security::Implicit,
            (false, true) if login.is_some() && !loopback => return Err(RelayUrlError::ClearTextLogin),
            (false, true) => Security::Plain,
            (false, false) if loopback => Security::Opportunistic,
            (false, false) => Security::StartTls,
        };
        let port = port.unwrap_or(if implicit { SUBMISSIONS_PORT } else { SUBMISSION_PORT });
        Ok(RelayUrl { host, port, security, login, loopback })
    }
}

fn parse_login(login: &str) -> Result<Credentials<String>, RelayUrlError> {
    let (user, password) = login.split_once(':').ok_or(RelayUrlError::Login)?;
    let (user, password) = (percent_decode(user)?, percent_decode(password)?);
    if user.is_empty() || password.is_empty() {
        return Err(RelayUrlError::Login);
    }
    // AUTH PLAIN separates its fields by NUL (RFC 4616).
    if user.chars().chain(password.chars()).any(char::is_control) {
        return Err(RelayUrlError::LoginCharacters);
    }
    Ok(Credentials::new(user, password))
}

/// Strict: a `%` that starts no escape is more likely an unescaped password than meant literally.
fn percent_decode(text: &str) -> Result<String, RelayUrlError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            bytes.next().and_then(|digit| (digit as char).to_digit(16)).ok_or(RelayUrlError::LoginEncoding)
        };
        let value = digit()? * 16 + digit()?;
        decoded.push(u8::try_from(value).expect("two hexadecimal digits fit in an octet"));
    }
    String::from_utf8(decoded).map_err(|_| RelayUrlError::LoginCharacters)
}

fn parse_place(place: &str) -> Result<(String, Option<u16>), RelayUrlError> {
    let (host, port) = match place.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']').ok_or(RelayUrlError::Host)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| RelayUrlError::Host)?;
            (address, port)
        }
        None => place.split_at(place.find(':').unwrap_or(place.len())),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    // The check of the TLS library, which will be asked for this very name.
    rustls::pki_types::ServerName::try_from(host.as_str()).map_err(|_| RelayUrlError::Host)?;

    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            let number = digits.parse::<u16>().map_err(|_| RelayUrlError::Port)?;
            if number == 0 {
                return Err(RelayUrlError::Port);
            }
            Some(number)
        }
        None if port.is_empty() => None,
        _ => return Err(RelayUrlError::Port),
    };
    Ok((host, port))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.security == Security::Implicit { "smtps" } else { "smtp" };
        let login = if self.login.is_some() { "***@" } else { "" };
        let option = if self.security == Security::Plain { "?tls=off" } else { "" };
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{scheme}://{login}{open}{}{close}:{}{option}", self.host, self.port)
    }
}

impl fmt::Debug for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RelayUrl({self})")
    }
}

#[cfg(test)]
mod tests;

//! Web addresses of settings: the public URL, the app's URL, origins of CORS.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::reading::{items, quoted};
use crate::model::domain::Host;

/// The scheme, host and port of a URL (RFC 6454), in the spelling that browsers send: lower case, an internationalized
/// host in ASCII, no default port.
struct Origin {
    scheme: String,
    /// An IPv6 address stands without brackets.
    host: String,
    port: Option<u16>,
}

impl Origin {
    /// Splits a URL into its origin and what follows.
    fn split(url: &str) -> Result<(Origin, &str), String> {
        let (scheme, rest) =
            url.split_once("://").ok_or("must be a whole URL, such as https://accounts.example.com")?;
        let starts_well = scheme.starts_with(|c: char| c.is_ascii_alphabetic());
        if !starts_well || !scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b)) {
            return Err("must start with a scheme, such as https://".to_owned());
        }
        let (authority, tail) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
        // The offending text is not repeated: it may hold a password.
        if authority.contains('@') {
            return Err("must not hold a user name or password".to_owned());
        }
        let (host, port) = split_authority(authority)?;
        Ok((Origin { scheme: scheme.to_ascii_lowercase(), host, port }, tail))
    }

    fn is_web(&self) -> bool {
        matches!(self.scheme.as_str(), "http" | "https")
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (open, close) = if self.host.contains(':') { ("[", "]") } else { ("", "") };
        write!(f, "{}://{open}{}{close}", self.scheme, self.host)?;
        match (self.scheme.as_str(), self.port) {
            (_, None) | ("http", Some(80)) | ("https", Some(443)) => Ok(()),
            (_, Some(port)) => write!(f, ":{port}"),
        }
    }
}

fn split_authority(authority: &str) -> Result<(String, Option<u16>), String> {
    let no_host =
        || "must name a host: a domain name, an IPv4 address, or an IPv6 address in brackets".to_owned();
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (address, port) = bracketed.split_once(']').ok_or_else(no_host)?;
            (address.parse::<Ipv6Addr>().map_err(|_| no_host())?.to_string(), port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            (host_name(host).ok_or_else(no_host)?, port)
        }
    };
    if host.parse::<IpAddr>().is_ok_and(|address| address.is_unspecified()) {
        return Err(format!("must name a host that can be reached, and {host} is every address and none"));
    }
    let no_port = || "must have a port from 1 to 65535, or none".to_owned();
    let port = match port.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => {
            Some(digits.parse().ok().filter(|&number: &u16| number != 0).ok_or_else(no_port)?)
        }
        None if port.is_empty() => None,
        _ => return Err(no_port()),
    };
    Ok((host, port))
}

/// A host in lower-case ASCII: an IPv4 address, a domain name, or a single label as in an intranet.
pub(super) fn host_name(text: &str) -> Option<String> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Some(address.to_string());
    }
    let is_label = (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
        // Browsers read a lone number as an IPv4 address.
        && !text.bytes().all(|b| b.is_ascii_digit());
    if is_label {
        return Some(text.to_ascii_lowercase());
    }
    Host::parse(text).ok().map(|host| host.as_str().to_owned())
}

/// Whether a host is this machine: `localhost` and the names under it (RFC 6761 section 6.3), 127/8, `::1`.
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Where people reach this server: `http(s)://host[:port]`, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    text: String,
    host: String,
}

impl PublicUrl {
    pub(super) fn parse(text: &str) -> Result<PublicUrl, String> {
        let (origin, tail) = Origin::split(text)?;
        if !origin.is_web() {
            return Err("must start with https:// or http://".to_owned());
        }
        if !matches!(tail, "" | "/") {
            return Err(
                "must end after host and port, because Latchkey is served at the root of its host".to_owned()
            );
        }
        Ok(PublicUrl { text: origin.to_string(), host: origin.host })
    }

    /// The URL that a server bound to `ip` and `port` has by itself. An address that means every address is shown as
    /// `localhost`, since no link can lead to it.
    pub(super) fn of_bound(ip: IpAddr, port: u16) -> PublicUrl {
        let host = if ip.is_unspecified() { "localhost".to_owned() } else { ip.to_string() };
        let origin = Origin { scheme: "http".to_owned(), host, port: Some(port) };
        PublicUrl { text: origin.to_string(), host: origin.host }
    }

    /// The URL, to which a path that starts with a slash can be appended.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Its host in lower-case ASCII; an IPv6 address stands without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether it is reached over TLS.
    pub fn is_https(&self) -> bool {
        self.text.starts_with("https:")
    }

    /// Whether its host is this machine: `localhost`, `*.localhost`, 127/8, `::1`.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.host)
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The app's URL, as typed: http(s), since a page offers it as a link, at most 2000 characters.
pub(super) fn app_url(text: &str) -> Result<String, String> {
    let (origin, tail) = Origin::split(text)?;
    if !origin.is_web() {
        return Err("must start with https:// or http://".to_owned());
    }
    if tail.contains('\\') || tail.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err("must not hold spaces, backslashes or control characters".to_owned());
    }
    if text.chars().count() > 2000 {
        return Err("must be at most 2000 characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The URL of a service that is asked with a secret, as typed: https, or http on this machine.
pub(super) fn service_url(text: &str) -> Result<String, String> {
    let (origin, _) = Origin::split(text)?;
    let plain = origin.scheme == "http" && is_loopback(&origin.host);
    if origin.scheme != "https" && !plain {
        return Err("must start with https://; http:// is for a host on this machine alone".to_owned());
    }
    if text.contains('#') {
        return Err("must not hold a #".to_owned());
    }
    app_url(text)
}

/// The origins of CORS, in the spelling that browsers send. Other schemes than http(s) are those of app shells, such as
/// `capacitor://localhost`.
pub(super) fn cors_origins(text: &str) -> Result<Vec<String>, String> {
    let mut origins = Vec::new();
    for item in items(text) {
        if item == "*" {
            return Err(
                "must not be *, which would let every website call this server from its visitors' browsers; \
                        name the origins of your own pages, such as https://app.example.com"
                    .to_owned(),
            );
        }
        let faulty = |wrong: &str| {
            let shown = if item.contains('@') { "an item that".to_owned() } else { quoted(item) + ", which" };
            format!("holds {shown} {wrong}")
        };
        let (origin, tail) = Origin::split(item).map_err(|wrong| faulty(&wrong))?;
        if !matches!(tail, "" | "/") {
            return Err(faulty("must end after host and port"));
        }
        let origin = origin.to_string();
        if !origins.contains(&origin) {
            origins.push(origin);
        }
    }
    Ok(origins)
}

//! Routes that are not for everybody: the mailbox gives away every account, the metrics tell how a server is doing.

use std::net::IpAddr;

use poem::Request;
use poem::http::{Version, header};

use crate::config::Access;

/// Who may see the mailbox and the metrics.
#[derive(Debug, Clone, Copy)]
pub struct Gates {
    pub mailbox: Access,
    pub metrics: Access,
    /// Whether the public URL is of this machine.
    pub public_url_is_local: bool,
}

impl Gates {
    /// Whether the request may pass. `peer` is the other end of the connection, whatever headers say.
    pub fn let_pass(&self, request: &Request, peer: IpAddr) -> bool {
        let path = request.uri().path();
        let access = if path == "/mailbox" || path.starts_with("/mailbox/") {
            self.mailbox
        } else if path == "/metrics" {
            // A scraper on this machine may name any host.
            return match self.metrics {
                Access::Public => true,
                Access::Local => is_of_this_machine(request, peer),
                Access::Off => false,
            };
        } else {
            return true;
        };
        match access {
            Access::Public => true,
            Access::Local => self.public_url_is_local && is_local(request, peer),
            Access::Off => false,
        }
    }
}

/// Peer and Host are of this machine and nobody forwards. The Host matters because a page anywhere can make a browser
/// here ask its own name that resolves to loopback.
fn is_local(request: &Request, peer: IpAddr) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next(), request.uri().host()) {
        (Some(host), None, None) => host.to_str().unwrap_or_default(),
        // HTTP/2 names its authority in the URI.
        (None, None, Some(host)) => host,
        _ => return false,
    };
    is_local_name(host) && is_of_this_machine(request, peer)
}

/// Whether a request was made on this machine, as far as can be told: the peer is, and nothing speaks of a proxy. One
/// that adds no header at all gives itself away by HTTP/1.0, which no browser or client of today speaks.
pub fn is_of_this_machine(request: &Request, peer: IpAddr) -> bool {
    let names_a_sender = |name: &str| {
        name.starts_with("x-forwarded-")
            || ["x-real-ip", "forwarded", "via", "x-client-ip", "true-client-ip", "cf-connecting-ip"]
                .contains(&name)
    };
    peer.to_canonical().is_loopback()
        && request.version() >= Version::HTTP_11
        && !request.headers().keys().any(|name| names_a_sender(name.as_str()))
}

fn is_local_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(v6) => v6.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name == "localhost"
        || name.ends_with(".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_names_are_told_from_others() {
        for local in
            ["localhost", "localhost:8080", "LOCALHOST.", "a.localhost:1", "127.0.0.1:8080", "[::1]:80"]
        {
            assert!(is_local_name(local), "{local}");
        }
        for other in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "10.0.0.1",
            "[::2]",
            "",
            "notlocalhost",
        ] {
            assert!(!is_local_name(other), "{other}");
        }
    }
}

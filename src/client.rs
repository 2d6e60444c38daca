//! What a request tells of its sender: address, device, language.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use ipnet::IpNet;
use poem::http::{HeaderMap, header};
use poem::{FromRequest, Request, RequestBody, Result};

use crate::model::language::Language;
use crate::model::session::Origin;

/// The proxies whose `X-Forwarded-For` is believed.
#[derive(Debug, Default)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    hinted: AtomicBool,
}

impl TrustedProxies {
    /// Believes peers in these networks, and nobody else.
    pub fn new(networks: Vec<IpNet>) -> TrustedProxies {
        TrustedProxies { networks, hinted: AtomicBool::new(false) }
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }

    /// The sender's address: the peer's, unless the peer is trusted; then the rightmost entry of `X-Forwarded-For`
    /// that is not. No other header counts, and what a stranger writes into this one does not either (H1).
    pub fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let peer = peer.to_canonical();
        if !self.trusts(peer) {
            self.hint(peer, headers);
            return peer;
        }
        let lines = headers.get_all(FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok());
        let entries: Vec<&str> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        let mut sender = peer;
        for entry in entries.into_iter().rev() {
            // An entry that is no address was not written by a proxy of ours: what it says ends the chain.
            let Ok(address) = entry.parse::<IpAddr>() else { break };
            sender = address.to_canonical();
            if !self.trusts(sender) {
                break;
            }
        }
        sender
    }

    /// Tells the operator once that a proxy on this machine seems to be forgotten in the settings.
    fn hint(&self, peer: IpAddr, headers: &HeaderMap) {
        if peer.is_loopback()
            && headers.contains_key(FORWARDED_FOR)
            && !self.hinted.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "a peer at {peer} sends X-Forwarded-For but is not trusted: all its users share one limit; if it is \
                 your proxy, set LATCHKEY_TRUSTED_PROXIES={peer}"
            );
        }
    }
}

const FORWARDED_FOR: &str = "x-forwarded-for";

/// The sender's address, put beside the request by the outermost layer.
#[derive(Debug, Clone, Copy)]
pub struct Sender(pub IpAddr);

impl Sender {
    /// The sender of a request. Without the outermost layer nobody can be told apart; such requests share one limit.
    pub fn of(request: &Request) -> IpAddr {
        let sender = request.extensions().get::<Sender>().map(|sender| sender.0);
        sender.unwrap_or(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED))
    }
}

/// What a request tells of its sender.
#[derive(Debug, Clone)]
pub struct Client {
    pub address: IpAddr,
    /// The `User-Agent`, or nothing.
    pub user_agent: String,
    /// The best of `Accept-Language`.
    pub language: Language,
}

impl Client {
    /// Where a session is opened from. `device` is what the client calls itself, if it did.
    pub fn origin(&self, device: Option<&str>) -> Origin {
        let device = device.filter(|name| !name.is_empty()).unwrap_or(&self.user_agent);
        Origin { address: self.address, device: device.to_owned(), told: None, report: None }
    }
}

impl<'a> FromRequest<'a> for Client {
    async fn from_request(request: &'a Request, _body: &mut RequestBody) -> Result<Client> {
        let text =
            |name| request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        Ok(Client {
            address: Sender::of(request),
            user_agent: text(header::USER_AGENT).to_owned(),
            language: Language::of_accept_language(text(header::ACCEPT_LANGUAGE)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // H1
    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted = || TrustedProxies::new(vec!["10.0.0.0/8".parse().expect("a network")]);
        let rows = [
            ("a stranger's header", "192.0.2.1", vec!["203.0.113.9"], "192.0.2.1"),
            ("one proxy", "10.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            ("forged first entry", "10.0.0.1", vec!["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
            ("two proxies", "10.0.0.1", vec!["203.0.113.9, 10.0.0.2"], "203.0.113.9"),
            ("two lines", "10.0.0.1", vec!["1.1.1.1", "203.0.113.9"], "203.0.113.9"),
            ("no header", "10.0.0.1", vec![], "10.0.0.1"),
            ("garbage nearest", "10.0.0.1", vec!["203.0.113.9, unknown"], "10.0.0.1"),
            ("mapped peer", "::ffff:10.0.0.1", vec!["203.0.113.9"], "203.0.113.9"),
            ("mapped entry", "10.0.0.1", vec!["::ffff:203.0.113.9"], "203.0.113.9"),
        ];
        for (what, peer, lines, sender) in rows {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().expect("a header"));
            }
            headers.insert("x-real-ip", "8.8.8.8".parse().expect("a header"));
            headers.insert("forwarded", "for=8.8.8.8".parse().expect("a header"));
            let peer = peer.parse().expect("an address");
            assert_eq!(trusted().sender(peer, &headers).to_string(), sender, "{what}");
        }
    }
}

//! Which addresses a letter may be taken to: DNS is in strangers' hands, and this machine's own network is not theirs.

use super::connection::Target;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The rule on addresses.
pub(in crate::mail) struct Targets {
    pub allow_private: bool,
    /// Where this server itself listens.
    pub own: SocketAddr,
}

impl Targets {
    /// Why a letter does not go to an address; none when it may.
    pub fn refusal(&self, target: &Target<'_>) -> Option<String> {
        let (host, ip) = (target.host, target.address.ip().to_canonical());
        if self.is_own(SocketAddr::new(ip, target.address.port())) {
            return Some(format!("{host} leads to {ip}, where this very server listens"));
        }
        match (self.allow_private, what_else(ip)) {
            (true, _) | (_, None) => None,
            (false, Some(what)) => Some(format!(
                "{host} leads to {ip}, which is {what} and not on the Internet; LATCHKEY_MAIL_ALLOW_PRIVATE=on permits it"
            )),
        }
    }

    fn is_own(&self, address: SocketAddr) -> bool {
        let own = self.own.ip().to_canonical();
        address.port() == self.own.port()
            && (address.ip() == own || (own.is_unspecified() && address.ip().is_loopback()))
    }
}

/// What an address is when it is none of the Internet's (the registries of RFC 6890).
pub(in crate::mail) fn what_else(address: IpAddr) -> Option<&'static str> {
    match address.to_canonical() {
        IpAddr::V4(address) => what_else_v4(address),
        IpAddr::V6(address) => what_else_v6(address),
    }
}

fn what_else_v4(address: Ipv4Addr) -> Option<&'static str> {
    match address.octets() {
        [0, ..] => Some("unspecified"),
        [127, ..] => Some("loopback"),
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => Some("private"),
        [100, 64..=127, ..] => Some("of a carrier's own network"),
        [169, 254, ..] => Some("link-local"),
        [192, 0, 0 | 2, _] | [198, 51, 100, _] | [203, 0, 113, _] | [198, 18 | 19, ..] | [192, 88, 99, _] => {
            Some("reserved")
        }
        [224..=239, ..] => Some("multicast"),
        [240..=255, ..] => Some("reserved"),
        _ => None,
    }
}

fn what_else_v6(address: Ipv6Addr) -> Option<&'static str> {
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        what_else_v4(Ipv4Addr::new(a, b, c, d))
    };
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => Some("unspecified"),
        [0, 0, 0, 0, 0, 0, 0, 1] => Some("loopback"),
        // NAT64 (RFC 6052) and 6to4 (RFC 3056) lead to the IPv4 address within.
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => embedded(high, low),
        [0xfc00..=0xfdff, ..] => Some("private"),
        [0xfe80..=0xfeff, ..] => Some("link-local"),
        [0xff00..=0xffff, ..] => Some("multicast"),
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Some("reserved"),
        [0x2000..=0x3fff, ..] => None,
        _ => Some("reserved"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // I4
    #[test]
    fn only_addresses_of_the_internet_are_public() {
        let rows = [
            ("1.1.1.1", None),
            ("172.15.0.1", None),
            ("172.32.0.1", None),
            ("100.128.0.1", None),
            ("2606:4700::1111", None),
            ("64:ff9b::101:101", None),
            ("2002:101:101::1", None),
            ("0.0.0.0", Some("unspecified")),
            ("0.1.2.3", Some("unspecified")),
            ("127.0.0.1", Some("loopback")),
            ("127.8.8.8", Some("loopback")),
            ("10.1.2.3", Some("private")),
            ("172.16.0.1", Some("private")),
            ("172.31.255.255", Some("private")),
            ("192.168.1.1", Some("private")),
            ("100.64.0.1", Some("of a carrier's own network")),
            ("169.254.169.254", Some("link-local")),
            ("192.0.0.8", Some("reserved")),
            ("192.0.2.1", Some("reserved")),
            ("198.18.0.1", Some("reserved")),
            ("224.0.0.1", Some("multicast")),
            ("255.255.255.255", Some("reserved")),
            ("::", Some("unspecified")),
            ("::1", Some("loopback")),
            ("::ffff:127.0.0.1", Some("loopback")),
            ("::ffff:10.0.0.1", Some("private")),
            ("::7f00:1", Some("reserved")),
            ("64:ff9b::7f00:1", Some("loopback")),
            ("64:ff9b:1::a00:1", Some("reserved")),
            ("2002:a00:1::1", Some("private")),
            ("2001::1", Some("reserved")),
            ("2001:db8::1", Some("reserved")),
            ("fd00::1", Some("private")),
            ("fe80::1", Some("link-local")),
            ("fec0::1", Some("link-local")),
            ("ff02::1", Some("multicast")),
        ];
        for (address, expected) in rows {
            assert_eq!(what_else(address.parse().expect("an address")), expected, "{address}");
        }
    }

    // I4
    #[test]
    fn this_servers_own_address_takes_no_letter_even_where_private_ones_do() {
        let rows = [
            ("127.0.0.1:25", "127.0.0.1:25", true),
            ("127.0.0.1:25", "[::ffff:127.0.0.1]:25", true),
            ("0.0.0.0:25", "127.0.0.1:25", true),
            ("127.0.0.1:8080", "127.0.0.1:25", false),
            ("127.0.0.1:25", "127.0.0.2:25", false),
        ];
        for (own, address, refused) in rows {
            let targets = Targets { allow_private: true, own: own.parse().expect("an address") };
            let target = Target { host: "mx.example", address: address.parse().expect("an address") };
            assert_eq!(targets.refusal(&target).is_some(), refused, "{own} {address}");
        }
    }
}

//! Where the server listens and whose word on the caller's address it takes.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use ipnet::IpNet;

use super::reading::{items, quoted};

/// Loopback, so that a first start exposes nothing.
pub(super) const DEFAULT_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// An IP address and a port. Of names only `localhost` is taken, as 127.0.0.1: others would need a look-up, whose
/// answer can change from start to start.
pub(super) fn listen(text: &str) -> Result<SocketAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let Some((host, port)) = text.rsplit_once(':') else {
        return Err(format!(
            "is {}, but must be an address and a port, such as 127.0.0.1:8080",
            quoted(text)
        ));
    };
    let unsigned = port.bytes().all(|b| b.is_ascii_digit());
    let port = port.parse::<u16>().ok().filter(|_| unsigned);
    match (host, port) {
        (_, None) => Err(format!("is {}, but its port must be from 0 to 65535", quoted(text))),
        ("", Some(port)) => Err(format!(
            "names no address; write 127.0.0.1:{port} to be reached from this machine only, or 0.0.0.0:{port} to be \
             reached from everywhere"
        )),
        (host, Some(port)) if host.eq_ignore_ascii_case("localhost") => {
            Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        }
        (_, Some(port)) => Err(format!(
            "is {}, but must have an IPv4 address, an IPv6 address in brackets, or localhost before the port, such \
             as 127.0.0.1:{port}",
            quoted(text)
        )),
    }
}

/// Networks in CIDR notation (RFC 4632) and single addresses.
pub(super) fn trusted_proxies(text: &str) -> Result<Vec<IpNet>, String> {
    items(text)
        .map(|item| match item.parse::<IpAddr>() {
            Ok(address) => Ok(IpNet::from(address.to_canonical())),
            Err(_) => item.parse::<IpNet>().map(|network| network.trunc()).map_err(|_| {
                format!(
                    "holds {}, but each item must be an address or a network, such as 10.0.0.0/8",
                    quoted(item)
                )
            }),
        })
        .collect()
}

//! This machine as others see it: where its letters come from, what that address is called, and what it calls itself.

use super::report::Report;
use super::{Doctor, Way};
use crate::mail::conversation::verdict::one_line;
use crate::mail::direct::names::Silence;
use crate::mail::direct::records::reverse;
use crate::mail::direct::targets::what_else;
use std::net::{IpAddr, SocketAddr, UdpSocket};

/// Addresses far away, those of the root of DNS: nothing is sent to them.
const FAR_AWAY: [(&str, &str); 2] = [("0.0.0.0:0", "198.41.0.4:53"), ("[::]:0", "[2001:503:ba3e::2:30]:53")];

/// The addresses from which this machine would reach the Internet, by its routing table.
pub(super) fn routed() -> Vec<IpAddr> {
    let from = |(here, there): (&str, &str)| {
        let socket = UdpSocket::bind(here).ok()?;
        // Connecting UDP asks the routing table and sends no packet.
        socket.connect(there).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    FAR_AWAY.into_iter().filter_map(from).collect()
}

impl Doctor {
    /// The addresses that letters come from, as far as they are known. Noted for direct delivery only: behind a relay,
    /// it is the relay's that count.
    pub(super) fn outgoing(&self, report: &mut Report) -> Vec<IpAddr> {
        if !matches!(self.set_up.way, Way::Direct) {
            return Vec::new();
        }
        if !self.set_up.outgoing.is_empty() {
            report.ok("outgoing address", format!("{}, as given", list(&self.set_up.outgoing)));
            return self.set_up.outgoing.clone();
        }
        let routed = routed();
        let public: Vec<IpAddr> =
            routed.iter().copied().filter(|address| what_else(*address).is_none()).collect();
        if !public.is_empty() {
            report.ok("outgoing address", format!("{}, by the routing table", list(&public)));
        } else if routed.is_empty() {
            report.fault(
                "outgoing address",
                "the routing table leads nowhere: this machine is not on the Internet",
                "connect it; letters wait for 24 hours",
            );
        } else {
            report.warning(
                "outgoing address",
                format!("{} is not on the Internet, so letters come from another address, that of a gateway", list(&routed)),
                "look the machine's public address up and name it with --outgoing ADDRESS: then SPF and PTR can be judged",
            );
        }
        public
    }

    /// What the EHLO name leads to.
    pub(super) async fn ehlo(&self, outgoing: &[IpAddr]) -> Report {
        let mut report = Report::default();
        let name = self.set_up.ehlo_name.as_str();
        let is_direct = matches!(self.set_up.way, Way::Direct);
        let set =
            "set LATCHKEY_MAIL_EHLO_NAME to a name of this machine that DNS knows, such as mail.example.com";
        match &self.set_up.way {
            Way::Mailbox => {
                report.skipped("EHLO name", "nobody hears it while letters stay in the mailbox");
                return report;
            }
            Way::Relay(url) if url.loopback => {
                report.skipped("EHLO name", "the mail server is on this machine");
                return report;
            }
            Way::Relay(_) | Way::Direct => {}
        }
        if name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok() {
            report.warning("EHLO name", format!("{name} is an address; many servers want a name"), set);
            return report;
        }
        let is_here_alone = name == "localhost" || name.ends_with(".localhost");
        let found = if is_here_alone { Err(Silence::NoName) } else { self.names.ips(name).await };
        match found {
            Ok(ips) if !outgoing.is_empty() && !outgoing.iter().any(|address| ips.contains(address)) => {
                let first = outgoing[0];
                report.warning(
                    "EHLO name",
                    format!("{name} is at {}, and letters come from {}", list(&ips), list(outgoing)),
                    format!("put into DNS: {}", address_record(name, first)),
                );
            }
            Ok(ips) => report.ok("EHLO name", format!("{name} is at {}", list(&ips))),
            Err(Silence::Later(why)) => {
                report.warning("EHLO name", format!("{name} cannot be looked up: {why}"), ask_again());
            }
            Err(_) if is_direct => {
                let record = outgoing.first().map_or(String::new(), |address| {
                    format!(", or put into DNS: {}", address_record(name, *address))
                });
                report.fault(
                    "EHLO name",
                    format!("DNS knows no address of {name}, and many servers turn such away"),
                    format!("{set}{record}"),
                );
            }
            Err(_) => {
                report.warning(
                    "EHLO name",
                    format!("DNS knows no address of {name}; most relays do not mind"),
                    set,
                );
            }
        }
        report
    }

    /// What the outgoing addresses are called, and whether the names lead back.
    pub(super) async fn reverse_names(&self, outgoing: &[IpAddr]) -> Report {
        let mut report = Report::default();
        if outgoing.is_empty() {
            let why = match self.set_up.way {
                Way::Direct => "the address that letters come from is not known",
                Way::Relay(_) => "letters come from the mail server's address, not from this machine's",
                Way::Mailbox => "no letter leaves",
            };
            report.skipped("PTR", why);
        }
        for address in outgoing {
            self.reverse_name(*address, &mut report).await;
        }
        report
    }

    async fn reverse_name(&self, address: IpAddr, report: &mut Report) {
        let ehlo_name = self.set_up.ehlo_name.as_str();
        let advice = format!(
            "ask the hoster of this machine (often a form in its console) for: {}. IN PTR {ehlo_name}.",
            reverse(address)
        );
        let names = match self.names.names_of(address).await {
            Ok(names) => names,
            Err(Silence::Later(why)) => {
                return report.warning("PTR", format!("{address} cannot be looked up: {why}"), ask_again());
            }
            Err(_) => {
                let words =
                    format!("{address} has no name, and the large mail servers take no letter from such");
                return report.fault("PTR", words, advice);
            }
        };
        let mut confirmed = Vec::new();
        for name in names.iter().take(10) {
            if self.names.ips(name).await.is_ok_and(|ips| ips.contains(&address)) {
                confirmed.push(name.as_str());
            }
        }
        let found = one_line(&names.join(" "));
        if confirmed.is_empty() {
            let back = format!("put into DNS: {}; or {advice}", address_record(&names[0], address));
            report.fault(
                "PTR",
                format!("{address} is called {found}, but that name does not lead back to it"),
                back,
            );
        } else if confirmed.iter().any(|name| name.eq_ignore_ascii_case(ehlo_name)) {
            report.ok("PTR", format!("{address} is called {found}, which leads back to it"));
        } else {
            report.warning(
                "PTR",
                format!("{address} is called {found}, but this server calls itself {ehlo_name}"),
                format!("set LATCHKEY_MAIL_EHLO_NAME={}", confirmed[0]),
            );
        }
    }
}

fn address_record(name: &str, address: IpAddr) -> String {
    match SocketAddr::new(address, 0) {
        SocketAddr::V4(v4) => format!("{name}. IN A {}", v4.ip()),
        SocketAddr::V6(v6) => format!("{name}. IN AAAA {}", v6.ip()),
    }
}

fn list(addresses: &[IpAddr]) -> String {
    let addresses: Vec<String> = addresses.iter().take(8).map(ToString::to_string).collect();
    addresses.join(" ")
}

/// What to do when DNS does not answer.
pub(super) fn ask_again() -> &'static str {
    "try again; if it stays so, the DNS servers of that domain are at fault, or those that this machine asks (LATCHKEY_MAIL_RESOLVER)"
}

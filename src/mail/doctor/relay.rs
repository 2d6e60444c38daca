//! The way to the operator's mail server.

use super::conversation::{Belief, Door};
use super::report::Report;
use super::{Doctor, Trial};
use crate::mail::relay::RelayUrl;
use mail_send::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::{TcpStream, lookup_host};

/// The ports at which mail servers take letters from who may send by them (RFC 6409, RFC 8314).
const PORTS: [u16; 2] = [587, 465];
/// The most addresses of the server that are tried.
const MOST_ADDRESSES: usize = 4;

impl Doctor {
    /// Name, port, and conversation.
    pub(super) async fn walk_to_relay(&self, url: &RelayUrl, trial: Option<Trial<'_>>, report: &mut Report) {
        let Some(addresses) = self.relay_addresses(url, report).await else { return };
        let belief = if url.loopback { Belief::OnThisMachine } else { Belief::Verified };
        let tls = if url.loopback { &self.believing } else { &self.verifying };
        let mut misses = Report::default();
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            let door = Door {
                host: url.host.clone(),
                address,
                security: url.security,
                belief,
                tls: Arc::clone(tls),
                login: url.login.clone(),
            };
            // What one address does not answer is nothing to mend when another does.
            let mut tried = Report::default();
            let Some(stream) = self.connect(&door, &mut tried).await else {
                misses.append(tried);
                continue;
            };
            report.append(tried);
            if let Ok(client) = self.open(&door, stream, report).await {
                self.hand_over(&door, client, trial, report).await;
            }
            return;
        }
        report.append(misses);
    }

    /// Asked as it is asked for letters: by the system, whose own table of hosts counts.
    async fn relay_addresses(&self, url: &RelayUrl, report: &mut Report) -> Option<Vec<SocketAddr>> {
        let found =
            self.in_time(async { Ok(lookup_host((url.host.as_str(), url.port)).await?.collect::<Vec<_>>()) });
        let words = match found.await {
            Ok(addresses)
                if url.loopback
                    && addresses.iter().any(|address| !address.ip().to_canonical().is_loopback()) =>
            {
                format!("{} leads to another machine", url.host)
            }
            Ok(addresses) if !addresses.is_empty() => {
                let ips: Vec<String> = addresses.iter().map(|address| address.ip().to_string()).collect();
                report.ok("name", format!("{} is at {}", url.host, ips.join(" ")));
                return Some(addresses);
            }
            Ok(_) => format!("{} has no address", url.host),
            Err(Error::Timeout) => format!("no DNS server tells in time where {} is", url.host),
            Err(_) => format!("this system finds no address for {}", url.host),
        };
        report.fault(
            "name",
            words,
            "see that the host in LATCHKEY_SMTP_URL is spelled right, and that this machine can ask DNS",
        );
        None
    }

    /// Whether the server answers at the usual ports that are not set: if the set one is closed, that is the hint.
    pub(super) async fn other_ports(&self, url: &RelayUrl) -> Report {
        let mut report = Report::default();
        if url.loopback {
            report.skipped("ports", "the mail server is on this machine");
            return report;
        }
        let try_port = async |port: u16| {
            let connected = self.in_time(async { Ok(TcpStream::connect((url.host.as_str(), port)).await?) });
            connected.await.is_ok()
        };
        let (first, second) = tokio::join!(try_port(PORTS[0]), try_port(PORTS[1]));
        let answer = |open: bool| if open { "answers" } else { "does not answer" };
        let words = format!("port 587 {}, port 465 {}; set is {}", answer(first), answer(second), url.port);
        match (url.port, first, second) {
            (587, false, true) => report.fault("ports", words, format!("write smtps://{}:465", url.host)),
            (465, true, false) => report.fault("ports", words, format!("write smtp://{}:587", url.host)),
            (587, false, false) | (465, false, false) => report.fault(
                "ports",
                words,
                "see that the host is right and that the hoster of this machine does not close these ports outward",
            ),
            _ => report.ok("ports", words),
        }
        report
    }
}

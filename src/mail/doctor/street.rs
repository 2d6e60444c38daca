//! The way to the mail servers of a recipient's domain.

use super::conversation::{Belief, Closed, Door};
use super::report::Report;
use super::{Doctor, Trial};
use crate::mail::direct::connection::Target;
use crate::mail::direct::names::Silence;
use crate::mail::relay::Security;
use std::net::SocketAddr;
use std::sync::Arc;

/// The most servers that are tried, and the most addresses of each: those of delivery.
const MOST_HOSTS: usize = 5;
const MOST_ADDRESSES: usize = 4;

impl Doctor {
    /// MX, addresses, and the conversation with the first server that answers. Without a letter, the servers are those
    /// of the sender's own domain.
    pub(super) async fn walk_to_street(&self, trial: Option<Trial<'_>>, report: &mut Report) {
        let domain = match trial {
            Some(trial) => trial.to.domain(),
            None => self.set_up.sender.domain(),
        };
        let domain = domain.as_str();
        let Some(hosts) = self.mail_hosts(domain, trial.is_some(), report).await else { return };
        let mut misses = Report::default();
        for host in hosts.into_iter().take(MOST_HOSTS) {
            for address in self.public_addresses(&host, report).await {
                let door = Door {
                    host: host.clone(),
                    address,
                    security: Security::Opportunistic,
                    belief: Belief::Stranger,
                    tls: Arc::clone(&self.believing),
                    login: None,
                };
                let mut tried = Report::default();
                let Some(stream) = self.connect(&door, &mut tried).await else {
                    misses.append(tried);
                    continue;
                };
                report.append(tried);
                return self.talk(door, stream, trial, report).await;
            }
        }
        if misses.steps().is_empty() && report.faults().next().is_none() {
            misses.fault(
                "connection",
                format!("no server of {domain} can be connected to"),
                "see the steps above",
            );
        }
        report.append(misses);
    }

    async fn talk(
        &self,
        mut door: Door,
        stream: tokio::net::TcpStream,
        trial: Option<Trial<'_>>,
        report: &mut Report,
    ) {
        let client = match self.open(&door, stream, report).await {
            Err(Closed::WithoutTls) => {
                door.security = Security::Plain;
                let mut again = Report::default();
                let Some(stream) = self.connect(&door, &mut again).await else { return report.append(again) };
                let opened = self.open(&door, stream, &mut again).await;
                if opened.is_err() {
                    report.append(again);
                }
                opened
            }
            opened => opened,
        };
        if let Ok(client) = client {
            self.hand_over(&door, client, trial, report).await;
        }
    }

    async fn mail_hosts(&self, domain: &str, is_trial: bool, report: &mut Report) -> Option<Vec<String>> {
        // The sender's own domain need not take mail: then there is nobody to try port 25 with.
        let mut refused = |words: String, advice: &str| {
            if is_trial {
                report.fault("mail servers", words, advice);
            } else {
                report.skipped(
                    "mail servers",
                    format!("{words}; to try port 25, name somebody with --address"),
                );
            }
        };
        let spelled = "see that the address is spelled right";
        match self.names.exchangers(domain).await {
            Ok(hosts) => {
                let list: Vec<String> = hosts.iter().map(|(rank, host)| format!("{rank} {host}")).collect();
                let real: Vec<String> =
                    hosts.into_iter().map(|(_, host)| host).filter(|host| !host.is_empty()).collect();
                if real.is_empty() {
                    refused(format!("{domain} takes no mail, as its null MX record says"), spelled);
                    return None;
                }
                report.ok("mail servers", format!("of {domain}: {}", list.join(", ")));
                Some(real)
            }
            Err(Silence::NoRecord) => {
                report.ok("mail servers", format!("{domain} has no MX record, so its own address counts"));
                Some(vec![domain.to_owned()])
            }
            Err(Silence::NoName) => {
                refused(format!("the domain {domain} does not exist"), spelled);
                None
            }
            Err(Silence::Later(why)) => {
                refused(
                    format!("those of {domain} cannot be looked up: {why}"),
                    "see that this machine can ask DNS, or name other servers in LATCHKEY_MAIL_RESOLVER",
                );
                None
            }
        }
    }

    /// The addresses of a server that letters may go to.
    async fn public_addresses(&self, host: &str, report: &mut Report) -> Vec<SocketAddr> {
        let addresses = match self.names.ips(host).await {
            Ok(addresses) => addresses,
            Err(silence) => {
                let why = match silence {
                    Silence::Later(why) => format!("{host} cannot be looked up: {why}"),
                    Silence::NoName | Silence::NoRecord => format!("{host} has no address"),
                };
                report.warning("address", why, "the operator of that domain has to mend its DNS");
                return Vec::new();
            }
        };
        let all: Vec<String> = addresses.iter().map(ToString::to_string).collect();
        let mut public = Vec::new();
        let mut refused = Vec::new();
        for address in addresses.into_iter().take(MOST_ADDRESSES) {
            let address = SocketAddr::new(address, self.set_up.port);
            match self.targets.refusal(&Target { host, address }) {
                Some(words) => refused.push(words),
                None => public.push(address),
            }
        }
        if refused.is_empty() {
            report.ok("address", format!("{host} is at {}", all.join(" ")));
        }
        for words in refused {
            report.warning("address", words, "no letter goes there; a mail server on this machine or network is better set as relay: smtp://HOST");
        }
        public
    }
}

//! What DNS says of the sender's domain, as receivers read it before they believe a letter.

pub(super) mod keys;
pub(super) mod policy;

use super::machine::ask_again;
use super::report::Report;
use super::spf::{self, Check, Mute, Record, Word};
use super::{Doctor, Way};
use crate::mail::conversation::verdict::one_line;
use crate::mail::direct::names::Silence;
use crate::mail::relay::RelayUrl;
use crate::model::email::EmailAddress;
use std::net::IpAddr;

/// The domain of the sender that stands in where none is set (RFC 6761 section 6.4).
const NOWHERE: &str = ".invalid";

/// Relays whose customers include their record: the end of the host, and the name to include.
const RELAYS: &[(&str, &str)] = &[
    ("gmail.com", "_spf.google.com"),
    ("amazonaws.com", "amazonses.com"),
    ("sendgrid.net", "sendgrid.net"),
    ("mailgun.org", "mailgun.org"),
    ("office365.com", "spf.protection.outlook.com"),
    ("postmarkapp.com", "spf.mtasv.net"),
    ("mailjet.com", "spf.mailjet.com"),
    ("fastmail.com", "spf.messagingengine.com"),
];

impl Doctor {
    /// The sender's domain, and this machine where it counts.
    pub(super) async fn sender(&self) -> Report {
        let mut report = Report::default();
        let domain = self.set_up.sender.domain();
        if is_nowhere(&self.set_up.sender) {
            let words = format!(
                "letters would come from {}, a domain that cannot exist",
                self.set_up.sender.as_str()
            );
            let advice = "set LATCHKEY_MAIL_FROM to an address of yours, such as Shop <no-reply@example.com>";
            match self.set_up.way {
                Way::Mailbox => report.warning("sender", words, advice),
                Way::Relay(_) | Way::Direct => report.fault("sender", words, advice),
            }
            report.skipped("DNS of the sender", "there is no domain to look at");
            return report;
        }
        let outgoing = self.outgoing(&mut report);
        let (mx, spf, keys, policy, ehlo, ptr) = tokio::join!(
            self.replies(domain.as_str()),
            self.permission(domain.as_str(), &outgoing),
            self.keys(),
            self.policy(&domain),
            self.ehlo(&outgoing),
            self.reverse_names(&outgoing),
        );
        for part in [mx, spf, keys, policy, ehlo, ptr] {
            report.append(part);
        }
        report
    }

    /// Whether replies and bounces have a place to go.
    async fn replies(&self, domain: &str) -> Report {
        let mut report = Report::default();
        let none = "letters can go out, but replies and bounces are lost, and some servers take no letter from a domain that takes none";
        let advice =
            format!("if the domain is to take mail, put into DNS: {domain}. IN MX 10 mail.{domain}.");
        match self.names.exchangers(domain).await {
            Ok(hosts) if hosts.iter().all(|(_, host)| host.is_empty()) => {
                report.warning("MX", format!("{domain} says by a null MX record that it takes no mail: {none}"), advice);
            }
            Ok(hosts) => {
                let hosts: Vec<String> = hosts.iter().map(|(rank, host)| format!("{rank} {host}")).collect();
                report.ok("MX", format!("replies and bounces go to {}", hosts.join(", ")));
            }
            Err(Silence::NoName) => report.fault(
                "MX",
                format!("the domain {domain} does not exist, and nobody takes letters from such"),
                "set LATCHKEY_MAIL_FROM to an address of a domain of yours, or see that the domain's registration has not lapsed",
            ),
            Err(Silence::Later(why)) => {
                report.warning("MX", format!("{domain} cannot be looked up: {why}"), ask_again());
            }
            Err(Silence::NoRecord) => match self.names.ips(domain).await {
                Ok(_) => report.warning("MX", format!("{domain} has no MX record: replies and bounces go to its own address"), advice),
                Err(_) => report.warning("MX", format!("{domain} has neither MX record nor address: {none}"), advice),
            },
        }
        report
    }

    /// SPF: whether the domain permits who sends.
    async fn permission(&self, domain: &str, outgoing: &[IpAddr]) -> Report {
        let mut report = Report::default();
        let texts = match self.names.texts(domain).await {
            Ok(texts) => texts,
            Err(Silence::NoName | Silence::NoRecord) => Vec::new(),
            Err(Silence::Later(why)) => {
                report.warning("SPF", format!("{domain} cannot be looked up: {why}"), ask_again());
                return report;
            }
        };
        let records: Vec<&str> =
            texts.iter().map(String::as_str).filter(|text| spf::is_record(text)).collect();
        let put = |record: &str| format!("put into DNS: {domain}. IN TXT \"{record}\"");
        match records.as_slice() {
            [] => {
                let words = format!("{domain} says nowhere who may send in its name");
                report.fault("SPF", words, put(&self.fresh_record(outgoing)));
            }
            [record] => self.judge(domain, record, outgoing, &mut report).await,
            _ => report.fault(
                "SPF",
                format!("{domain} has {} records, and receivers then heed none", records.len()),
                format!("make one of them: {}", one_line(&records.join(" | "))),
            ),
        }
        report
    }

    async fn judge(&self, domain: &str, text: &str, outgoing: &[IpAddr], report: &mut Report) {
        let put = |record: &str| format!("put in its place: {domain}. IN TXT \"{record}\"");
        let shown = one_line(text);
        let record = match Record::parse(text) {
            Err(why) => {
                return report.fault("SPF", format!("{shown}: {why}"), put(&self.fresh_record(outgoing)));
            }
            Ok(record) if record.admits_all() => {
                let words =
                    format!("{shown}: its +all lets everybody in the world send in the name of {domain}");
                return report.fault("SPF", words, put(&self.fresh_record(outgoing)));
            }
            Ok(record) => record,
        };
        match &self.set_up.way {
            Way::Relay(url) => match relay_record(url) {
                Some(include) if !record.includes(include) => {
                    let words = format!(
                        "{shown}: it does not include {include}, which names the servers of {}",
                        url.host
                    );
                    report.warning("SPF", words, put(&spf::with_term(text, &format!("include:{include}"))));
                }
                Some(_) => report.ok("SPF", shown),
                None => {
                    report.ok("SPF", format!("{shown}; whether it covers {} its operator knows", url.host));
                }
            },
            Way::Mailbox => report.ok("SPF", shown),
            Way::Direct if outgoing.is_empty() => {
                report.skipped("SPF", format!("{shown}; whether it covers this machine cannot be told"));
            }
            Way::Direct => {
                for machine in outgoing {
                    self.judge_machine(domain, text, *machine, report).await;
                }
            }
        }
    }

    async fn judge_machine(&self, domain: &str, text: &str, machine: IpAddr, report: &mut Report) {
        let shown = one_line(text);
        let term = ip_term(machine);
        let put = || format!("put in its place: {domain}. IN TXT \"{}\"", spf::with_term(text, &term));
        match Check::of(&self.names, machine, domain).await {
            Ok(Word::Pass) => report.ok("SPF", format!("{shown} covers {machine}")),
            Ok(_) => report.fault(
                "SPF",
                format!("{shown} does not cover {machine}, from where letters come"),
                put(),
            ),
            Err(Mute::Unclear(part)) => {
                let words = format!(
                    "{shown}: whether it covers {machine} depends on {part:?}, which is not followed here"
                );
                report.warning("SPF", words, format!("to be sure, {}", put()));
            }
            Err(Mute::Later(why)) => report.warning("SPF", format!("{shown}: {why}"), ask_again()),
            Err(Mute::Broken(why)) => {
                report.fault(
                    "SPF",
                    format!("{shown}: {why}, so receivers heed it not"),
                    "take out what is not needed, or name addresses with ip4: and ip6: instead",
                );
            }
            Err(Mute::Missing) => {
                report.warning("SPF", format!("{domain} answers differently each time"), ask_again());
            }
        }
    }

    /// A record that permits what is set, and nobody else.
    fn fresh_record(&self, outgoing: &[IpAddr]) -> String {
        match &self.set_up.way {
            Way::Relay(url) => match relay_record(url) {
                Some(include) => format!("v=spf1 include:{include} ~all"),
                None if url.loopback || url.host.parse::<IpAddr>().is_ok() => "v=spf1 a mx ~all".to_owned(),
                None => format!("v=spf1 a:{} ~all", url.host),
            },
            Way::Direct if !outgoing.is_empty() => {
                let terms: Vec<String> = outgoing.iter().map(|address| ip_term(*address)).collect();
                format!("v=spf1 {} -all", terms.join(" "))
            }
            Way::Direct => format!("v=spf1 a:{} -all", self.set_up.ehlo_name),
            Way::Mailbox => "v=spf1 a mx ~all".to_owned(),
        }
    }
}

/// Whether no sender is set.
pub(super) fn is_nowhere(sender: &EmailAddress) -> bool {
    sender.domain().as_str().ends_with(NOWHERE)
}

fn relay_record(url: &RelayUrl) -> Option<&'static str> {
    let known =
        |end: &str| url.host.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    RELAYS.iter().find(|(end, _)| known(end)).map(|(_, include)| *include)
}

fn ip_term(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => format!("ip4:{address}"),
        IpAddr::V6(address) => format!("ip6:{address}"),
    }
}

//! SPF (RFC 7208): which machines may send in the name of a domain, as its DNS says.

use crate::mail::direct::names::{Names, Silence};
use ipnet::IpNet;
use std::net::IpAddr;

/// The most terms that ask DNS, all records together (RFC 7208 section 4.6.4).
const MOST_LOOK_UPS: u32 = 10;

/// What a record says of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    Pass,
    Neutral,
    SoftFail,
    Fail,
}

/// Why a record says nothing of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mute {
    /// There is no record.
    Missing,
    /// Receivers must take the record for broken (RFC 7208 section 2.6.7), in words.
    Broken(String),
    /// DNS does not answer, in words.
    Later(String),
    /// The record depends on more than the machine's address, in words.
    Unclear(String),
}

/// A record, parsed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    terms: Vec<(Word, Mechanism)>,
    redirect: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Mechanism {
    All,
    Ip(IpNet),
    A(Place),
    Mx(Place),
    Include(String),
    /// `exists`, `ptr`, or a name with macros.
    Unclear(String),
}

/// A host, none for the domain itself, and how much of an address counts, for IPv4 and IPv6.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    host: Option<String>,
    prefixes: (u8, u8),
}

/// Whether a text of DNS is an SPF record.
pub(super) fn is_record(text: &str) -> bool {
    text.split(' ').next().is_some_and(|version| version.eq_ignore_ascii_case("v=spf1"))
}

impl Record {
    /// Parses a record.
    ///
    /// # Errors
    /// The term that no receiver understands, in words.
    pub fn parse(text: &str) -> Result<Record, String> {
        let mut record = Record { terms: Vec::new(), redirect: None };
        for term in text.split_ascii_whitespace().skip(1) {
            if let Some((name, value)) = term.split_once('=').filter(|(name, _)| is_modifier(name)) {
                if name.eq_ignore_ascii_case("redirect") {
                    record.redirect = Some(value.to_owned());
                }
                continue;
            }
            let (word, rest) = match term.split_at_checked(1) {
                Some(("+", rest)) => (Word::Pass, rest),
                Some(("-", rest)) => (Word::Fail, rest),
                Some(("~", rest)) => (Word::SoftFail, rest),
                Some(("?", rest)) => (Word::Neutral, rest),
                _ => (Word::Pass, term),
            };
            let mechanism = mechanism(rest).ok_or_else(|| format!("nobody understands its part {term:?}"))?;
            record.terms.push((word, mechanism));
        }
        Ok(record)
    }

    /// Whether every machine in the world may send.
    pub fn admits_all(&self) -> bool {
        self.terms.contains(&(Word::Pass, Mechanism::All))
    }

    /// Whether it names another domain's record.
    pub fn includes(&self, domain: &str) -> bool {
        let named = |mechanism: &Mechanism| matches!(mechanism, Mechanism::Include(name) if name == domain);
        self.redirect.as_deref() == Some(domain) || self.terms.iter().any(|(_, term)| named(term))
    }
}

/// A record that has one more term, in front of what it says of all others.
pub(super) fn with_term(record: &str, term: &str) -> String {
    let mut terms: Vec<&str> = record.split_ascii_whitespace().collect();
    let is_last = |text: &&str| {
        let lower = text.to_ascii_lowercase();
        lower.trim_start_matches(['+', '-', '~', '?']) == "all" || lower.starts_with("redirect=")
    };
    let place = terms.iter().position(is_last).unwrap_or(terms.len());
    terms.insert(place, term);
    terms.join(" ")
}

fn is_modifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn mechanism(text: &str) -> Option<Mechanism> {
    let end = text.find([':', '/']).unwrap_or(text.len());
    let (name, argument) = text.split_at(end);
    let value = argument.strip_prefix(':');
    let unclear = || Mechanism::Unclear(text.to_owned());
    match name.to_ascii_lowercase().as_str() {
        "all" if argument.is_empty() => Some(Mechanism::All),
        "ip4" | "ip6" => {
            let text = value?;
            let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
            let net = text.parse::<IpNet>().ok().or_else(alone)?;
            (net.addr().is_ipv4() == name.eq_ignore_ascii_case("ip4")).then_some(Mechanism::Ip(net))
        }
        "a" | "mx" if argument.contains('%') => Some(unclear()),
        "a" => place(argument).map(Mechanism::A),
        "mx" => place(argument).map(Mechanism::Mx),
        "include" => match value? {
            "" => None,
            macros if macros.contains('%') => Some(unclear()),
            domain => Some(Mechanism::Include(domain.trim_end_matches('.').to_ascii_lowercase())),
        },
        "exists" | "ptr" => Some(unclear()),
        _ => None,
    }
}

/// `[:host][/v4][//v6]`.
fn place(argument: &str) -> Option<Place> {
    let (host, lengths) = argument.split_at(argument.find('/').unwrap_or(argument.len()));
    let host = match host.strip_prefix(':') {
        Some("") => return None,
        Some(host) => Some(host.trim_end_matches('.').to_ascii_lowercase()),
        None => None,
    };
    let (v4, v6) = match lengths.split_once("//") {
        Some((v4, v6)) => (v4, Some(v6)),
        None => (lengths, None),
    };
    let length = |text: Option<&str>, most: u8| match text {
        None | Some("") => Some(most),
        Some(digits) => digits.parse().ok().filter(|length| *length <= most),
    };
    Some(Place { host, prefixes: (length(v4.strip_prefix('/'), 32)?, length(v6, 128)?) })
}

/// One evaluation (RFC 7208 section 4).
pub(super) struct Check<'x> {
    names: &'x Names,
    machine: IpAddr,
    look_ups: u32,
    /// A term that was passed over because what it asks depends on more than the address.
    unclear: Option<String>,
}

impl Check<'_> {
    /// What the record of a domain says of a machine.
    ///
    /// # Errors
    /// [`Mute`].
    pub async fn of(names: &Names, machine: IpAddr, domain: &str) -> Result<Word, Mute> {
        let mut check = Check { names, machine: machine.to_canonical(), look_ups: 0, unclear: None };
        match check.evaluate(domain.to_owned()).await? {
            Word::Pass => Ok(Word::Pass),
            word => check.unclear.map_or(Ok(word), |term| Err(Mute::Unclear(term))),
        }
    }

    async fn evaluate(&mut self, domain: String) -> Result<Word, Mute> {
        let texts = self.names.texts(&domain).await;
        let texts = texts.or_else(|silence| empty_unless_later(silence, &domain))?;
        let records: Vec<&String> = texts.iter().filter(|text| is_record(text)).collect();
        let record = match records.as_slice() {
            [] => return Err(Mute::Missing),
            [record] => Record::parse(record)
                .map_err(|why| Mute::Broken(format!("in the record of {domain}, {why}")))?,
            _ => return Err(Mute::Broken(format!("{domain} has more than one record"))),
        };
        for (word, mechanism) in &record.terms {
            if self.matches(mechanism, &domain).await? {
                return Ok(*word);
            }
        }
        match record.redirect {
            Some(to) if !record.terms.iter().any(|(_, term)| *term == Mechanism::All) => {
                self.counts()?;
                match Box::pin(self.evaluate(to.clone())).await {
                    Err(Mute::Missing) => {
                        Err(Mute::Broken(format!("{to}, to which it leads on, has no record")))
                    }
                    said => said,
                }
            }
            _ => Ok(Word::Neutral),
        }
    }

    async fn matches(&mut self, mechanism: &Mechanism, domain: &str) -> Result<bool, Mute> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip(net) => Ok(net.contains(&self.machine)),
            Mechanism::A(place) => {
                self.counts()?;
                let host = place.host.as_deref().unwrap_or(domain).to_owned();
                self.is_at(&host, place).await
            }
            Mechanism::Mx(place) => {
                self.counts()?;
                let host = place.host.as_deref().unwrap_or(domain);
                let hosts = self.names.exchangers(host).await;
                for (_, host) in
                    hosts.or_else(|silence| empty_unless_later(silence, host))?.into_iter().take(10)
                {
                    if self.is_at(&host, place).await? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Mechanism::Include(other) => {
                self.counts()?;
                match Box::pin(self.evaluate(other.clone())).await {
                    Ok(word) => Ok(word == Word::Pass),
                    Err(Mute::Missing) => {
                        Err(Mute::Broken(format!("{other}, which it includes, has no record")))
                    }
                    Err(mute) => Err(mute),
                }
            }
            Mechanism::Unclear(term) => {
                self.counts()?;
                self.unclear.get_or_insert_with(|| term.clone());
                Ok(false)
            }
        }
    }

    async fn is_at(&self, host: &str, place: &Place) -> Result<bool, Mute> {
        let addresses = self.names.ips(host).await.or_else(|silence| empty_unless_later(silence, host))?;
        let (v4, v6) = place.prefixes;
        Ok(addresses.into_iter().any(|address| {
            let length = if address.is_ipv4() { v4 } else { v6 };
            IpNet::new(address, length).is_ok_and(|net| net.contains(&self.machine))
        }))
    }

    fn counts(&mut self) -> Result<(), Mute> {
        self.look_ups += 1;
        match self.look_ups {
            0..=MOST_LOOK_UPS => Ok(()),
            _ => Err(Mute::Broken(format!(
                "it takes more than {MOST_LOOK_UPS} look-ups in DNS, includes and all"
            ))),
        }
    }
}

fn empty_unless_later<T>(silence: Silence, name: &str) -> Result<Vec<T>, Mute> {
    match silence {
        Silence::NoName | Silence::NoRecord => Ok(Vec::new()),
        Silence::Later(why) => Err(Mute::Later(format!("{name} cannot be looked up: {why}"))),
    }
}

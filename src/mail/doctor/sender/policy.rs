//! DMARC: what receivers shall do with letters that neither SPF nor DKIM vouches for (RFC 7489).

use super::super::Doctor;
use super::super::machine::ask_again;
use super::super::report::Report;
use crate::mail::conversation::verdict::one_line;
use crate::mail::direct::names::Silence;
use crate::mail::dkim::Signer;
use crate::model::domain::Host;

/// What a domain asks of receivers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::mail::doctor) struct Policy {
    pub domain: String,
    pub subdomains: Option<String>,
    /// Whether the domain of a signature must be the sender's own, not merely of the same organization.
    pub strict_keys: bool,
}

impl Policy {
    /// Parses a record.
    ///
    /// # Errors
    /// Why receivers do not heed it, as the end of a sentence.
    pub fn parse(text: &str) -> Result<Policy, &'static str> {
        let tag = |name: &str| {
            let mut tags = text.split(';').filter_map(|tag| tag.split_once('='));
            tags.find(|(found, _)| found.trim().eq_ignore_ascii_case(name))
                .map(|(_, value)| value.trim().to_ascii_lowercase())
        };
        let known = |policy: &String| matches!(policy.as_str(), "none" | "quarantine" | "reject");
        let domain = tag("p").ok_or("asks for nothing: p= is missing")?;
        if !known(&domain) {
            return Err("asks for what nobody knows: p= must be none, quarantine or reject");
        }
        let subdomains = tag("sp");
        if subdomains.as_ref().is_some_and(|policy| !known(policy)) {
            return Err("asks for what nobody knows: sp= must be none, quarantine or reject");
        }
        Ok(Policy { domain, subdomains, strict_keys: tag("adkim").as_deref() == Some("s") })
    }
}

impl Doctor {
    /// The record of the sender's domain, else of its organization.
    pub(super) async fn policy(&self, domain: &Host) -> Report {
        let mut report = Report::default();
        let organization = domain.registrable().unwrap_or_else(|| domain.clone());
        let mut places = vec![domain.as_str()];
        if organization != *domain {
            places.push(organization.as_str());
        }
        for place in places {
            let name = format!("_dmarc.{place}");
            let texts = match self.names.texts(&name).await {
                Ok(texts) => texts,
                Err(Silence::NoName | Silence::NoRecord) => continue,
                Err(Silence::Later(why)) => {
                    report.warning("DMARC", format!("{name} cannot be looked up: {why}"), ask_again());
                    return report;
                }
            };
            let records: Vec<&String> = texts.iter().filter(|text| is_record(text)).collect();
            match records.as_slice() {
                [] => continue,
                [record] => self.weigh(domain, &name, record, &mut report),
                _ => report.fault(
                    "DMARC",
                    format!("{name} has {} records, and receivers then heed none", records.len()),
                    "leave one of them",
                ),
            }
            return report;
        }
        let organization = organization.as_str();
        report.warning(
            "DMARC",
            format!("{organization} does not say what is to become of letters that are not its own; large receivers expect it"),
            format!("put into DNS: _dmarc.{organization}. IN TXT \"v=DMARC1; p=none\"; when all your mail passes, p=reject keeps forgers out"),
        );
        report
    }

    fn weigh(&self, domain: &Host, name: &str, text: &str, report: &mut Report) {
        let shown = one_line(text);
        let policy = match Policy::parse(text) {
            Ok(policy) => policy,
            Err(why) => {
                return report.fault(
                    "DMARC",
                    format!("{name}: {shown} {why}"),
                    format!("put in its place: {name}. IN TXT \"v=DMARC1; p=none\""),
                );
            }
        };
        let is_below = name != format!("_dmarc.{}", domain.as_str());
        let asked = match &policy.subdomains {
            Some(subdomains) if is_below => subdomains,
            _ => &policy.domain,
        };
        let signed = self.set_up.signer.as_ref().map(Signer::domain);
        match signed {
            Some(signed) if policy.strict_keys && signed != domain.as_str() => report.warning(
                "DMARC",
                format!("{shown}: adkim=s wants signatures of {}, and letters are signed by {signed}", domain.as_str()),
                format!("set LATCHKEY_DKIM_DOMAIN={}, or take adkim=s out of {name}", domain.as_str()),
            ),
            Some(_) => report.ok("DMARC", format!("{shown}: asks for {asked}, and the signature is the sender's own")),
            None if asked == "none" => report.ok("DMARC", format!("{shown}: asks for none")),
            None => report.warning(
                "DMARC",
                format!("{shown}: asks for {asked}, and with no signature from here all hangs on SPF, which forwarding breaks"),
                "sign letters: see the step on DKIM",
            ),
        }
    }
}

fn is_record(text: &str) -> bool {
    let version = text.split(';').next().unwrap_or_default();
    version.split_once('=').is_some_and(|(tag, value)| tag.trim() == "v" && value.trim() == "DMARC1")
}

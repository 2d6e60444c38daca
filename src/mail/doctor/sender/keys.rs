//! DKIM: whether receivers find the keys that letters are signed with (RFC 6376 section 3.6.1).

use super::super::machine::ask_again;
use super::super::report::Report;
use super::super::{Doctor, Way};
use crate::mail::direct::names::Silence;
use crate::mail::dkim::record_lines;

impl Doctor {
    /// The record of each key.
    pub(super) async fn keys(&self) -> Report {
        let mut report = Report::default();
        let Some(signer) = &self.set_up.signer else {
            let domain = self.set_up.sender.domain();
            let words = match self.set_up.way {
                Way::Relay(_) => {
                    "letters are not signed here; perhaps the mail server signs them, which its operator knows"
                }
                Way::Direct | Way::Mailbox => {
                    "letters are not signed, and the large mail servers trust such little"
                }
            };
            let advice = format!(
                "make a key: latchkey mail dkim --domain {} --rsa --out dkim.pem, and do what it says",
                domain.as_str()
            );
            report.warning("DKIM", words, advice);
            return report;
        };
        for (name, record) in signer.records() {
            self.key(&name, &record, &mut report).await;
        }
        if signer.records().all(|(_, record)| tag(&record, "k").as_deref() == Some("ed25519")) {
            report.warning(
                "DKIM",
                "all keys are Ed25519, which not every receiver checks",
                format!("make an RSA key too: latchkey mail dkim --domain {} --selector rsa --rsa --out dkim-rsa.pem", signer.domain()),
            );
        }
        report
    }

    async fn key(&self, name: &str, expected: &str, report: &mut Report) {
        let put = format!("put into DNS: {name}. IN TXT ( {} )", record_lines(expected));
        let texts = match self.names.texts(name).await {
            Ok(texts) => texts,
            Err(Silence::Later(why)) => {
                return report.warning("DKIM", format!("{name} cannot be looked up: {why}"), ask_again());
            }
            Err(_) => {
                return report.fault(
                    "DKIM",
                    format!("there is no key at {name}, so the signatures count as broken"),
                    put,
                );
            }
        };
        match judge(&texts, expected) {
            Ok(None) => report.ok("DKIM", format!("the key at {name} is the one that signs")),
            Ok(Some(reservation)) => report.warning("DKIM", format!("the key at {name} {reservation}"), put),
            Err(fault) => {
                report.fault("DKIM", format!("{name} {fault}, so the signatures count as broken"), put);
            }
        }
    }
}

/// What texts of DNS are worth beside the record that should be there: nothing to add, or a reservation.
///
/// # Errors
/// Why receivers cannot check a signature with them.
pub(in crate::mail::doctor) fn judge(
    texts: &[String],
    expected: &str,
) -> Result<Option<&'static str>, &'static str> {
    let [text] = texts else { return Err("has several records, where there must be one") };
    if let Some(version) = tag(text, "v")
        && (version != "DKIM1" || !text.trim_start().starts_with('v'))
    {
        return Err("has a record that is none of DKIM: it must begin with v=DKIM1");
    }
    let Some(key) = tag(text, "p") else { return Err("has a record without a key (p=)") };
    if key.is_empty() {
        return Err("has an empty key, which revokes it");
    }
    let kind = tag(text, "k").unwrap_or_else(|| "rsa".to_owned());
    if Some(kind) != tag(expected, "k") {
        return Err("has a key of another kind than the one that signs");
    }
    if Some(key) != tag(expected, "p") {
        return Err("has another key than the one that signs");
    }
    if tag(text, "h").is_some_and(|hashes| !hashes.split(':').any(|hash| hash == "sha256")) {
        return Err("has a record that forbids SHA-256 (h=)");
    }
    if tag(text, "s").is_some_and(|uses| !uses.split(':').any(|way| way == "*" || way == "email")) {
        return Err("has a key that is not for mail (s=)");
    }
    let flags = tag(text, "t").unwrap_or_default();
    Ok(flags
        .split(':')
        .any(|flag| flag == "y")
        .then_some("is marked as a test (t=y): receivers may treat letters as unsigned"))
}

/// The value of a tag, without the white space that strings and folding leave in it.
fn tag(record: &str, name: &str) -> Option<String> {
    let mut tags = record.split(';').filter_map(|tag| tag.split_once('='));
    tags.find(|(found, _)| found.trim() == name).map(|(_, value)| value.split_whitespace().collect())
}

//! How letters are signed: the domain, and the keys that its DNS shows.

use std::path::PathBuf;

use super::arguments::Arguments;
use super::mail::Sender;
use super::reading::{Reading, items, named, quoted};
use crate::model::domain::Host;

/// The settings of DKIM. Those that belong together.
const ALL: [&str; 3] = ["LATCHKEY_DKIM_DOMAIN", "LATCHKEY_DKIM_SELECTOR", "LATCHKEY_DKIM_KEY_FILE"];

/// In whose name letters are signed, and with what.
#[derive(Debug, Clone)]
pub struct DkimSettings {
    /// The sender's domain or one above it.
    pub domain: Host,
    /// Selectors and the files of their keys; at least one.
    pub keys: Vec<(String, PathBuf)>,
}

/// Reads the settings of DKIM: all of them or none.
pub(super) fn read(reading: &mut Reading, arguments: &Arguments, from: &Sender) -> Option<DkimSettings> {
    let [domain, selector, key_file] = ALL;
    let domain = reading.value(domain, &arguments.dkim_domain, parse_domain);
    let selectors = reading.value(selector, &arguments.dkim_selector, selectors);
    let files = reading.value(key_file, &arguments.dkim_key_file, key_files);
    let given = [domain.is_some(), selectors.is_some(), files.is_some()];
    reading.check(&ALL, incomplete(given));
    let (domain, selectors, files) = (domain?, selectors?, files?);
    reading.check(&ALL, uneven(selectors.len(), files.len()));
    reading.check(&[ALL[0], "LATCHKEY_MAIL_FROM", "LATCHKEY_PUBLIC_URL"], unaligned(&domain, from));
    Some(DkimSettings { domain, keys: selectors.into_iter().zip(files).collect() })
}

fn parse_domain(text: &str) -> Result<Host, String> {
    Host::parse(text)
        .map_err(|_| format!("is {}, but must be a domain name, such as example.com", quoted(text)))
}

/// Selectors are labels of a host name, with dots between them (RFC 6376 section 3.1).
fn selectors(text: &str) -> Result<Vec<String>, String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let selector = |item: &str| match item.split('.').all(is_label) && item.len() <= 100 {
        true => Ok(item.to_ascii_lowercase()),
        false => Err(format!(
            "holds {}, but a selector must have letters, digits and hyphens only, such as latchkey",
            quoted(item)
        )),
    };
    some(items(text).map(selector).collect::<Result<_, _>>()?)
}

fn key_files(text: &str) -> Result<Vec<PathBuf>, String> {
    some(items(text).map(PathBuf::from).collect())
}

fn some<T>(found: Vec<T>) -> Result<Vec<T>, String> {
    match found.is_empty() {
        true => Err("must not be empty".to_owned()),
        false => Ok(found),
    }
}

fn incomplete(given: [bool; 3]) -> Option<String> {
    let part = |wanted: bool| {
        let names = ALL.into_iter().zip(given).filter(|(_, is)| *is == wanted);
        names.map(|(name, _)| named(name)).collect::<Vec<_>>().join(" and ")
    };
    let count = given.iter().filter(|given| **given).count();
    matches!(count, 1 | 2).then(|| {
        format!(
            "{} must be set as well as {}: letters are signed with all three or not at all",
            part(false),
            part(true)
        )
    })
}

fn uneven(selectors: usize, files: usize) -> Option<String> {
    (selectors != files).then(|| {
        format!(
            "{} names {selectors} and {} names {files}: each key needs a selector of its own",
            named(ALL[1]),
            named(ALL[2])
        )
    })
}

/// Receivers count a signature for the sender only when it is of the sender's domain or one above (RFC 7489 section
/// 3.1.1).
fn unaligned(domain: &Host, from: &Sender) -> Option<String> {
    let sender = from.address.domain();
    let (own, below) = (sender.as_str() == domain.as_str(), format!(".{}", domain.as_str()));
    (!own && !sender.as_str().ends_with(&below)).then(|| {
        format!(
            "{} is {}, but letters come from {}: the signature must be of the sender's domain or one above it",
            named(ALL[0]),
            domain.as_str(),
            from.address.as_str()
        )
    })
}

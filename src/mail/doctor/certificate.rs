//! What a server's certificate says of itself: who vouches for it, for which names, and until when (RFC 5280).
//!
//! For the operator's eyes alone: whether a certificate is believed, rustls decides.

use crate::model::time::{DAY, Millis};

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const UTC_TIME: u8 = 0x17;
/// `id-at-commonName` and `id-at-organizationName`.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];
/// `id-ce-subjectAltName`.
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];

/// What is worth telling of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub issuer: String,
    pub names: Vec<String>,
    pub ends: Millis,
}

impl Certificate {
    /// Reads a certificate in DER; none when it is none.
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (outer, _) = expect(der, SEQUENCE)?;
        let (mut rest, _) = expect(outer, SEQUENCE)?;
        if rest.first() == Some(&VERSION) {
            rest = element(rest)?.rest;
        }
        // Serial number and algorithm.
        rest = element(element(rest)?.rest)?.rest;
        let (issuer, rest) = expect(rest, SEQUENCE)?;
        let (validity, mut rest) = expect(rest, SEQUENCE)?;
        let end = element(element(validity)?.rest)?;
        let mut names = Vec::new();
        while let Some(part) = element(rest) {
            if part.tag == EXTENSIONS {
                names = alternative_names(part.content);
            }
            rest = part.rest;
        }
        Some(Certificate { issuer: issuer_name(issuer)?, names, ends: moment(&end)? })
    }

    /// Whole days until it ends; negative when it has.
    pub fn days_left(&self, now: Millis) -> i64 {
        (self.ends.0 - now.0).div_euclid(DAY.as_millis() as i64)
    }
}

struct Element<'x> {
    tag: u8,
    content: &'x [u8],
    rest: &'x [u8],
}

/// The first element of a text in DER.
fn element(der: &[u8]) -> Option<Element<'_>> {
    let (&tag, rest) = der.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some(Element { tag, content, rest })
}

fn expect(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|found| found.tag == tag).map(|found| (found.content, found.rest))
}

fn elements(der: &[u8]) -> impl Iterator<Item = Element<'_>> {
    let mut rest = der;
    std::iter::from_fn(move || {
        let found = element(rest)?;
        rest = found.rest;
        Some(found)
    })
}

/// The organization of a name, else its common name.
fn issuer_name(name: &[u8]) -> Option<String> {
    let attribute = |wanted: &[u8]| {
        elements(name).flat_map(|set| elements(set.content)).find_map(|pair| {
            let kind = element(pair.content)?;
            let value = element(kind.rest)?;
            (kind.content == wanted).then(|| String::from_utf8_lossy(value.content).into_owned())
        })
    };
    Some(
        attribute(ORGANIZATION)
            .or_else(|| attribute(COMMON_NAME))
            .unwrap_or_else(|| "nobody by name".to_owned()),
    )
}

fn alternative_names(extensions: &[u8]) -> Vec<String> {
    let list = element(extensions).map_or(&[][..], |list| list.content);
    let wanted = elements(list).find_map(|extension| {
        let kind = element(extension.content)?;
        let value = elements(kind.rest).last()?;
        (kind.content == ALTERNATIVE_NAMES).then_some(value.content)
    });
    let names = wanted.and_then(element).map_or(&[][..], |names| names.content);
    elements(names)
        .filter(|name| name.tag == DNS_NAME)
        .map(|name| String::from_utf8_lossy(name.content).into_owned())
        .collect()
}

/// `YYMMDDhhmmssZ` or `YYYYMMDDhhmmssZ` (RFC 5280 section 4.1.2.5).
fn moment(time: &Element<'_>) -> Option<Millis> {
    let text = std::str::from_utf8(time.content).ok()?.strip_suffix('Z')?;
    let full = match (time.tag, text.get(..2)?.parse::<u8>().ok()?) {
        (UTC_TIME, 50..) => format!("19{text}"),
        (UTC_TIME, _) => format!("20{text}"),
        _ => text.to_owned(),
    };
    let when = jiff::civil::DateTime::strptime("%Y%m%d%H%M%S", &full).ok()?;
    Some(Millis(when.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_millisecond()))
}

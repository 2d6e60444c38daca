//! What the templates of a letter are filled with: nothing of a stranger's that a mail program could make a link of.

use std::collections::BTreeMap;

use minijinja::{Value, context};

use crate::mail::{Contents, Letterhead, Recipient};
use crate::model::device::Description;
use crate::model::name::is_forbidden;
use crate::model::proof::{CODE_LIFE, INVITATION_LIFE, MAGIC_LINK_LIFE, Purpose, UNDO_LIFE};
use crate::model::time::{DAY, HOUR, Millis};

/// The values of one letter.
pub struct Values {
    /// By the names that templates know them by. A kind of letter has no others.
    pub named: BTreeMap<&'static str, Value>,
    pub link: Option<String>,
    pub code: Option<String>,
    /// What the reader has from this letter alone, by the names of the variables: both parts have to hold it.
    pub vital: Vec<(&'static str, String)>,
}

impl Values {
    /// The values of a letter.
    pub fn of(head: &Letterhead, to: Recipient<'_>, contents: Contents<'_>) -> Values {
        let (link, code) = link_and_code(head, contents);
        let mut named = common(head, to);
        let mut vital = Vec::new();
        if let Some(link) = &link {
            named.insert("link", link.into());
            vital.push(("link", link.clone()));
        }
        if let Some(code) = code {
            named.insert("code", code.into());
            vital.push(("code", code.to_owned()));
        }
        match contents {
            Contents::Invitation { organization, code, expires, .. } => {
                named.insert("organization", harmless(organization).into());
                named.insert("code", code.into());
                named.insert("until", code.is_none().then(|| minute(expires)).into());
            }
            Contents::Welcome { api_key } => {
                named.insert("api_key", api_key.into());
                vital.push(("api_key", api_key.to_owned()));
            }
            Contents::NewDevice { device, at, from } => {
                let login = context! {
                    device => device_words(device),
                    at => minute(at),
                    from => from.to_string(),
                };
                named.insert("login", login);
            }
            Contents::Verify { .. }
            | Contents::Reset { .. }
            | Contents::ChangeAddress { .. }
            | Contents::AddressChanged { .. }
            | Contents::MagicLink { .. }
            | Contents::LoginCode { .. }
            | Contents::PasswordChanged
            | Contents::ChangeAsked
            | Contents::AddressTaken
            | Contents::FactorOn
            | Contents::FactorOff => {}
        }
        Values { named, link, code: code.map(str::to_owned), vital }
    }
}

/// What every letter can speak of.
fn common(head: &Letterhead, to: Recipient<'_>) -> BTreeMap<&'static str, Value> {
    let number = |count| Value::from(to.language.number(count));
    BTreeMap::from([
        ("dir", Value::from(to.language.direction())),
        ("app", Value::from(&head.app_name)),
        ("name", Value::from(harmless(to.first_name))),
        ("undo_days", number(UNDO_LIFE.as_secs() / DAY.as_secs())),
        ("days", number(INVITATION_LIFE.as_secs() / DAY.as_secs())),
        ("public_url", Value::from(&head.public_url)),
        ("hours", number(Purpose::Verify.life().as_secs() / HOUR.as_secs())),
        ("minutes", number(Purpose::Reset.life().as_secs() / 60)),
        ("magic_minutes", number(MAGIC_LINK_LIFE.as_secs() / 60)),
        ("code_minutes", number(CODE_LIFE.as_secs() / 60)),
        ("page_host", Value::from(host_of(&head.public_url))),
        ("login_url", Value::from(head.app_url.clone())),
    ])
}

fn link_and_code<'a>(head: &Letterhead, contents: Contents<'a>) -> (Option<String>, Option<&'a str>) {
    match contents {
        Contents::Verify { secret, code, .. } => (Some(link(head, "/verify-email", secret)), Some(code)),
        Contents::Reset { secret, code, .. } => (Some(link(head, "/reset-password", secret)), Some(code)),
        Contents::Invitation { secret, code, .. } => {
            let path = if code.is_some() { "/verify-email" } else { "/invitation" };
            (Some(link(head, path, secret)), code)
        }
        Contents::ChangeAddress { secret, code, .. } => {
            (Some(link(head, "/change-email", secret)), Some(code))
        }
        Contents::AddressChanged { secret, .. } => (Some(link(head, "/undo-change-email", secret)), None),
        Contents::MagicLink { secret, .. } => (Some(link(head, "/magic-link", secret)), None),
        Contents::LoginCode { code, .. } => (None, Some(code)),
        Contents::PasswordChanged
        | Contents::Welcome { .. }
        | Contents::ChangeAsked
        | Contents::AddressTaken
        | Contents::NewDevice { .. }
        | Contents::FactorOn
        | Contents::FactorOff => (None, None),
    }
}

fn link(head: &Letterhead, path: &str, secret: &str) -> String {
    format!("{}{path}?token={secret}", head.public_url)
}

fn host_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url)
}

/// What a client tells of its device, as far as it may stand in a letter: any client can tell anything.
fn device_words(told: &Description) -> String {
    let parts = [&told.name, &told.browser, &told.os, &told.kind].map(|part| harmless(part));
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// A moment to the minute, in UTC: nothing is known of the reader's clock.
fn minute(at: Millis) -> String {
    let text = at.rfc3339();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", time.get(..5).unwrap_or_default())
}

/// A name as it may stand in a letter; nothing when a mail program could make a link of it, because the letter
/// goes to whomever the typist of the name likes (C5).
fn harmless(name: &str) -> &str {
    let dotted = name.split('.').skip(1).any(|rest| rest.starts_with(char::is_alphanumeric));
    let suspicious =
        dotted || name.contains(['/', '\\', '@', ':', '<', '>', '[', ']']) || name.chars().any(is_forbidden);
    if suspicious || name.chars().count() > 40 { "" } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    // C5
    #[test]
    fn what_strangers_typed_stands_in_a_letter_only_where_no_link_can_be_made_of_it() {
        let device = Description::told("evil.example", "mobile", "https://evil.example", "Firefox 128.0");
        assert_eq!(device_words(&device.expect("a device")), "mobile");
        assert_eq!(harmless("Dr. Ann J. Lee"), "Dr. Ann J. Lee");
        assert_eq!(harmless("O'Neil-Müller"), "O'Neil-Müller");
    }
}

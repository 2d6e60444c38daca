//! The words of letters, from templates embedded in the binary.

use minijinja::{Environment, context};

use super::{Contents, Letterhead, Recipient};
use crate::model::device::Description;
use crate::model::language::Language;
use crate::model::letter::LetterBody;
use crate::model::name::is_forbidden;
use crate::model::proof::{CODE_LIFE, INVITATION_LIFE, MAGIC_LINK_LIFE, Purpose, UNDO_LIFE};
use crate::model::time::{DAY, HOUR, Millis};

/// Every template, parsed.
pub(super) struct Templates(Environment<'static>);

macro_rules! embedded {
    ($($name:literal)*) => {
        [$((concat!("mail/", $name), include_str!(concat!("templates/", $name)))),*]
    };
}

const EMBEDDED: [(&str, &str); 171] = embedded! {
    "layout.html" "button.html" "code.html"
    "en/verify.subject" "en/verify.txt" "en/verify.html"
    "en/reset.subject" "en/reset.txt" "en/reset.html"
    "en/password-changed.subject" "en/password-changed.txt" "en/password-changed.html"
    "en/invitation.subject" "en/invitation.txt" "en/invitation.html"
    "en/welcome.subject" "en/welcome.txt" "en/welcome.html"
    "en/change-address.subject" "en/change-address.txt" "en/change-address.html"
    "en/change-asked.subject" "en/change-asked.txt" "en/change-asked.html"
    "en/address-changed.subject" "en/address-changed.txt" "en/address-changed.html"
    "en/address-taken.subject" "en/address-taken.txt" "en/address-taken.html"
    "en/new-device.subject" "en/new-device.txt" "en/new-device.html"
    "en/login-code.subject" "en/login-code.txt" "en/login-code.html"
    "en/factor-on.subject" "en/factor-on.txt" "en/factor-on.html"
    "en/factor-off.subject" "en/factor-off.txt" "en/factor-off.html"
    "en/magic-link.subject" "en/magic-link.txt" "en/magic-link.html"
    "de/verify.subject" "de/verify.txt" "de/verify.html"
    "de/reset.subject" "de/reset.txt" "de/reset.html"
    "de/password-changed.subject" "de/password-changed.txt" "de/password-changed.html"
    "de/invitation.subject" "de/invitation.txt" "de/invitation.html"
    "de/welcome.subject" "de/welcome.txt" "de/welcome.html"
    "de/change-address.subject" "de/change-address.txt" "de/change-address.html"
    "de/change-asked.subject" "de/change-asked.txt" "de/change-asked.html"
    "de/address-changed.subject" "de/address-changed.txt" "de/address-changed.html"
    "de/address-taken.subject" "de/address-taken.txt" "de/address-taken.html"
    "de/new-device.subject" "de/new-device.txt" "de/new-device.html"
    "de/login-code.subject" "de/login-code.txt" "de/login-code.html"
    "de/factor-on.subject" "de/factor-on.txt" "de/factor-on.html"
    "de/factor-off.subject" "de/factor-off.txt" "de/factor-off.html"
    "de/magic-link.subject" "de/magic-link.txt" "de/magic-link.html"
    "fa/verify.subject" "fa/verify.txt" "fa/verify.html"
    "fa/reset.subject" "fa/reset.txt" "fa/reset.html"
    "fa/password-changed.subject" "fa/password-changed.txt" "fa/password-changed.html"
    "fa/invitation.subject" "fa/invitation.txt" "fa/invitation.html"
    "fa/welcome.subject" "fa/welcome.txt" "fa/welcome.html"
    "fa/change-address.subject" "fa/change-address.txt" "fa/change-address.html"
    "fa/change-asked.subject" "fa/change-asked.txt" "fa/change-asked.html"
    "fa/address-changed.subject" "fa/address-changed.txt" "fa/address-changed.html"
    "fa/address-taken.subject" "fa/address-taken.txt" "fa/address-taken.html"
    "fa/new-device.subject" "fa/new-device.txt" "fa/new-device.html"
    "fa/login-code.subject" "fa/login-code.txt" "fa/login-code.html"
    "fa/factor-on.subject" "fa/factor-on.txt" "fa/factor-on.html"
    "fa/factor-off.subject" "fa/factor-off.txt" "fa/factor-off.html"
    "fa/magic-link.subject" "fa/magic-link.txt" "fa/magic-link.html"
    "fr/verify.subject" "fr/verify.txt" "fr/verify.html"
    "fr/reset.subject" "fr/reset.txt" "fr/reset.html"
    "fr/password-changed.subject" "fr/password-changed.txt" "fr/password-changed.html"
    "fr/invitation.subject" "fr/invitation.txt" "fr/invitation.html"
    "fr/welcome.subject" "fr/welcome.txt" "fr/welcome.html"
    "fr/change-address.subject" "fr/change-address.txt" "fr/change-address.html"
    "fr/change-asked.subject" "fr/change-asked.txt" "fr/change-asked.html"
    "fr/address-changed.subject" "fr/address-changed.txt" "fr/address-changed.html"
    "fr/address-taken.subject" "fr/address-taken.txt" "fr/address-taken.html"
    "fr/new-device.subject" "fr/new-device.txt" "fr/new-device.html"
    "fr/login-code.subject" "fr/login-code.txt" "fr/login-code.html"
    "fr/factor-on.subject" "fr/factor-on.txt" "fr/factor-on.html"
    "fr/factor-off.subject" "fr/factor-off.txt" "fr/factor-off.html"
    "fr/magic-link.subject" "fr/magic-link.txt" "fr/magic-link.html"
};

impl Templates {
    /// The templates of this build.
    pub fn embedded() -> Templates {
        let mut environment = Environment::new();
        environment.add_filter("isolate", isolate);
        for (name, source) in EMBEDDED {
            environment.add_template(name, source).expect("embedded templates parse, as a test shows");
        }
        Templates(environment)
    }

    /// Fills in the three parts of a letter.
    pub fn render(&self, head: &Letterhead, to: Recipient<'_>, contents: Contents<'_>) -> LetterBody {
        let kind = contents.kind().as_str();
        let (link, code) = match contents {
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
            Contents::PasswordChanged
            | Contents::Welcome { .. }
            | Contents::ChangeAsked
            | Contents::AddressTaken
            | Contents::NewDevice { .. }
            | Contents::FactorOn
            | Contents::FactorOff => (None, None),
            Contents::LoginCode { code, .. } => (None, Some(code)),
        };
        let organization = match contents {
            Contents::Invitation { organization, .. } => harmless(organization),
            _ => "",
        };
        let until = match contents {
            Contents::Invitation { code: None, expires, .. } => Some(minute(expires)),
            _ => None,
        };
        let api_key = match contents {
            Contents::Welcome { api_key } => Some(api_key),
            _ => None,
        };
        let login = match contents {
            Contents::NewDevice { device, at, from } => {
                context! { device => device_words(device), at => minute(at), from => from.to_string() }
            }
            _ => context! {},
        };
        let number = |count| to.language.number(count);
        let context = context! {
            dir => to.language.direction(),
            login => login,
            app => &head.app_name,
            name => harmless(to.first_name),
            organization => organization,
            until => until,
            undo_days => number(UNDO_LIFE.as_secs() / DAY.as_secs()),
            days => number(INVITATION_LIFE.as_secs() / DAY.as_secs()),
            link => &link,
            code => code,
            api_key => api_key,
            public_url => &head.public_url,
            hours => number(Purpose::Verify.life().as_secs() / HOUR.as_secs()),
            minutes => number(Purpose::Reset.life().as_secs() / 60),
            magic_minutes => number(MAGIC_LINK_LIFE.as_secs() / 60),
            code_minutes => number(CODE_LIFE.as_secs() / 60),
            page_host => host_of(&head.public_url),
            login_url => &head.app_url,
        };
        let part = |ending: &str| self.part(to.language, kind, ending, &context);
        LetterBody {
            subject: one_line(&part("subject")),
            text: part("txt"),
            html: part("html"),
            links: link.into_iter().collect(),
            code: code.map(str::to_owned),
        }
    }

    fn part(&self, language: Language, kind: &str, ending: &str, context: &minijinja::Value) -> String {
        self.0
            .get_template(&format!("mail/{language}/{kind}.{ending}"))
            .and_then(|template| template.render(context))
            .expect("every kind has every part in every language, as a test shows")
    }
}

fn link(head: &Letterhead, path: &str, secret: &str) -> String {
    format!("{}{path}?token={secret}", head.public_url)
}

fn host_of(url: &str) -> &str {
    url.split_once("://").map_or(url, |(_, rest)| rest).split('/').next().unwrap_or(url)
}

/// A value in a sentence of plain text that is written the other way: between U+2068 and U+2069 it keeps its own
/// direction and leaves that of its neighbors alone (UAX #9, section 2.3). HTML has `bdi` for this.
fn isolate(value: &str) -> String {
    format!("\u{2068}{value}\u{2069}")
}

fn one_line(text: &str) -> String {
    text.split(|c: char| is_forbidden(c) || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
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
    use crate::model::email::EmailAddress;

    fn head() -> Letterhead {
        Letterhead {
            app_name: "Acme <Shop>".to_owned(),
            public_url: "https://id.acme.com".to_owned(),
            app_url: Some("https://acme.com".to_owned()),
            from: EmailAddress::parse("no-reply@acme.com").expect("an address"),
            from_name: None,
        }
    }

    #[test]
    fn every_kind_has_every_part_in_every_language() {
        let templates = Templates::embedded();
        let address = EmailAddress::parse("ann@x.org").expect("an address");
        let device = Description::told("Pixel 8", "", "", "").expect("a device");
        for language in Language::ALL {
            let to = Recipient { address: &address, first_name: "Ann", language };
            let invitation = |code| Contents::Invitation {
                secret: "SECRET",
                code,
                expires: Millis(0),
                organization: "Acme & Sons",
            };
            let kinds = [
                Contents::Verify { secret: "SECRET", code: "12345678", expires: Millis(0) },
                Contents::Reset { secret: "SECRET", code: "12345678", expires: Millis(0) },
                Contents::PasswordChanged,
                invitation(Some("12345678")),
                invitation(None),
                Contents::Welcome { api_key: "lk_KEY" },
                Contents::ChangeAddress { secret: "SECRET", code: "12345678", expires: Millis(0) },
                Contents::ChangeAsked,
                Contents::AddressChanged { secret: "SECRET", expires: Millis(0) },
                Contents::AddressTaken,
                Contents::NewDevice { device: &device, at: Millis(0), from: [192, 0, 2, 1].into() },
                Contents::LoginCode { code: "12345678", expires: Millis(0) },
                Contents::FactorOn,
                Contents::FactorOff,
                Contents::MagicLink { secret: "SECRET", expires: Millis(0) },
            ];
            for contents in kinds {
                let letter = templates.render(&head(), to, contents);
                assert!(!letter.subject.is_empty() && !letter.subject.contains('\n'));
                assert!(letter.text.contains("Ann") && letter.html.contains("Ann"), "{language}");
                let opening = format!("<html lang=\"{language}\" dir=\"{}\">", language.direction());
                assert!(letter.html.contains(&opening), "{}", letter.html);
                assert!(!letter.html.contains("<Shop>"), "the app's name is escaped");
                for link in &letter.links {
                    assert!(
                        letter.text.lines().any(|line| line == link),
                        "the bare link has a line of its own"
                    );
                }
                let code = letter.code.as_deref().unwrap_or_default();
                assert!(letter.text.contains(code) && letter.html.contains(code), "both have the code");
            }
        }
    }

    // C5
    #[test]
    fn a_name_puts_neither_markup_nor_a_link_into_a_letter() {
        let templates = Templates::embedded();
        let address = EmailAddress::parse("ann@x.org").expect("an address");
        for name in
            ["<b>Ann</b>", "https://evil.example", "evil.example", "x@evil.example", "www.evil.example/x"]
        {
            let to = Recipient { address: &address, first_name: name, language: Language::English };
            let letter = templates.render(&head(), to, Contents::PasswordChanged);
            assert!(!letter.text.contains(name) && !letter.html.contains(name), "{name}");
        }
        let device = Description::told("evil.example", "mobile", "https://evil.example", "Firefox 128.0");
        assert_eq!(device_words(&device.expect("a device")), "mobile");
        assert_eq!(harmless("Dr. Ann J. Lee"), "Dr. Ann J. Lee");
        assert_eq!(harmless("O'Neil-Müller"), "O'Neil-Müller");
    }
}

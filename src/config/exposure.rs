//! Rules across settings: what they lay open together.

use super::mail::{NO_DOMAIN, Transport};
use super::origin::is_loopback;
use super::reading::named;
use super::switch::Access;
use super::{PublicUrl, Settings};
use crate::model::domain::Host;

/// The settings that [`refusal`] weighs against one another.
pub(super) const WEIGHED: &[&str] =
    &["LATCHKEY_LISTEN", "LATCHKEY_PUBLIC_URL", "LATCHKEY_SMTP_URL", "LATCHKEY_MAILBOX"];

/// Why the server must not start: others reach it, and nobody but this machine could read its letters, or everybody
/// could without the operator having said so (DESIGN section 8).
pub(super) fn refusal(settings: &Settings) -> Option<String> {
    let sends = !matches!(settings.mail.transport, Transport::Mailbox);
    if sends || settings.mailbox == Access::Public {
        return None;
    }
    let reason = match &settings.public_url {
        _ if !listens_on_loopback(settings) => {
            format!("{} is {}, which others can reach", named("LATCHKEY_LISTEN"), settings.listen)
        }
        Some(url) if !url.is_loopback() => {
            format!("{} is {url}, which is not this machine", named("LATCHKEY_PUBLIC_URL"))
        }
        _ => return None,
    };
    Some(format!(
        "{reason}, but no mail server is set to send letters: set {}, or keep the listening address and the public URL \
         on loopback, such as 127.0.0.1:8080, or set {} to public to accept that everybody can read every letter",
        named("LATCHKEY_SMTP_URL"),
        named("LATCHKEY_MAILBOX"),
    ))
}

/// What is allowed and yet seldom meant.
pub(super) fn warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    let exposed =
        !listens_on_loopback(settings) || settings.public_url.as_ref().is_some_and(|url| !url.is_loopback());
    let sends = !matches!(settings.mail.transport, Transport::Mailbox);
    match &settings.public_url {
        Some(url) if !url.is_https() && !url.is_loopback() => warnings.push(format!(
            "{} is {url}: without https, passwords and tokens can be read on the way",
            named("LATCHKEY_PUBLIC_URL")
        )),
        None if exposed || sends => warnings.push(format!(
            "{} is not set: the links in letters lead to {}, which is of use on this machine or network only",
            named("LATCHKEY_PUBLIC_URL"),
            PublicUrl::of_bound(settings.listen.ip(), settings.listen.port())
        )),
        _ => {}
    }
    warnings.extend(mail_warnings(settings));
    if !settings.rate_limits && exposed {
        warnings.push(format!(
            "{} is off: passwords can be guessed without limit",
            named("LATCHKEY_RATE_LIMITS")
        ));
    }
    if settings.trusted_proxies.iter().any(|network| network.prefix_len() == 0) {
        warnings.push(format!(
            "{} holds a network of all addresses: every caller can pretend to call from elsewhere",
            named("LATCHKEY_TRUSTED_PROXIES")
        ));
    }
    warnings
}

fn mail_warnings(settings: &Settings) -> Vec<String> {
    let mut warnings = Vec::new();
    if settings.mailbox == Access::Public {
        warnings.push(format!(
            "{} is public: whoever reaches this server can read its letters and so take over accounts",
            named("LATCHKEY_MAILBOX")
        ));
    }
    if settings.mailbox_clear && !matches!(settings.mail.transport, Transport::Mailbox) {
        warnings.push(format!(
            "{} has no effect: letters are sent, and those that wait stay",
            named("LATCHKEY_MAILBOX_CLEAR")
        ));
    }
    match &settings.mail.transport {
        Transport::Mailbox if settings.mailbox == Access::Off => warnings.push(format!(
            "{} is off and {} is not set: nobody can read the letters",
            named("LATCHKEY_MAILBOX"),
            named("LATCHKEY_SMTP_URL")
        )),
        Transport::Relay(relay) if relay.is_loopback() => {}
        Transport::Relay(_) => warnings.extend(sender_warning(settings)),
        Transport::Direct => {
            warnings.extend(sender_warning(settings));
            warnings.extend(ehlo_warning(settings));
        }
        Transport::Mailbox => {}
    }
    warnings
}

fn sender_warning(settings: &Settings) -> Option<String> {
    let sender = &settings.mail.from.address;
    (sender.domain().as_str() == NO_DOMAIN).then(|| {
        format!(
            "{} is not set and the public URL has no domain name: letters leave as {}, which most mail servers refuse",
            named("LATCHKEY_MAIL_FROM"),
            sender.as_str()
        )
    })
}

fn ehlo_warning(settings: &Settings) -> Option<String> {
    let name = &settings.mail.ehlo_name;
    (Host::parse(name).is_err() || is_loopback(name)).then(|| {
        format!(
            "this server calls itself {name} to mail servers, and most refuse that: set {} to the host name that the \
             DNS has for its address",
            named("LATCHKEY_MAIL_EHLO_NAME")
        )
    })
}

fn listens_on_loopback(settings: &Settings) -> bool {
    settings.listen.ip().to_canonical().is_loopback()
}

//! How letters leave, and in whose name.

use std::net::IpAddr;
use std::path::PathBuf;

use super::arguments::Arguments;
use super::origin::{PublicUrl, host_name};
use super::reading::Reading;
use crate::mail::relay::RelayUrl;
use crate::model::domain::Host;
use crate::model::email::EmailAddress;
use crate::model::name::Name;

/// How letters leave, and in whose name.
#[derive(Debug, Clone)]
pub struct MailSettings {
    pub transport: Transport,
    pub from: Sender,
    /// What the server calls itself to mail servers: a host name or an IP address (RFC 5321 section 4.1.1.1).
    pub ehlo_name: String,
    /// The folder of the operator's own words, if there is one.
    pub templates: Option<PathBuf>,
}

/// Where letters go.
#[derive(Debug, Clone)]
pub enum Transport {
    /// They stay here and are read at `/mailbox`.
    Mailbox,
    /// To the operator's mail server. Shown without its login.
    Relay(RelayUrl),
}

/// Who letters come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub address: EmailAddress,
    /// The name beside the address, when the setting gives one.
    pub name: Option<String>,
}

/// The domain of the default sender when the public host has none: it never exists (RFC 6761 section 6.4).
pub(super) const NO_DOMAIN: &str = "latchkey.invalid";

impl Sender {
    /// An address, or `NAME <ADDRESS>` with or without quotation marks around the name.
    pub(super) fn parse(text: &str) -> Result<Sender, String> {
        let (name, address) = match text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<')) {
            Some((name, address)) => (name.trim(), address),
            None => ("", text),
        };
        let name = name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(name);
        let address = EmailAddress::parse(address).map_err(|rule| {
            format!("{rule}, alone or as NAME <ADDRESS>, such as Shop <no-reply@example.com>")
        })?;
        if name.contains(['<', '>', '"', '\\']) {
            return Err("must have a name without angle brackets, quotation marks and backslashes".to_owned());
        }
        let name = match name {
            "" => None,
            name => {
                let name = Name::<100>::parse(name).map_err(|rule| format!("has a name that {rule}"))?;
                Some(name.as_str().to_owned())
            }
        };
        Ok(Sender { address, name })
    }

    fn of_host(host: Option<&str>) -> Sender {
        let domain = host.filter(|host| Host::parse(host).is_ok() && !super::origin::is_loopback(host));
        let address = EmailAddress::parse(&format!("no-reply@{}", domain.unwrap_or(NO_DOMAIN)))
            .or_else(|_| EmailAddress::parse(&format!("no-reply@{NO_DOMAIN}")))
            .expect("the fallback is an address");
        Sender { address, name: None }
    }
}

/// Reads the settings of mail; what is unset follows from the public host.
pub(super) fn read(
    reading: &mut Reading,
    arguments: &Arguments,
    public_url: Option<&PublicUrl>,
) -> MailSettings {
    let host = public_url.map(PublicUrl::host);
    let relay = reading.value("LATCHKEY_SMTP_URL", &arguments.smtp_url, relay_url);
    let from = reading.value("LATCHKEY_MAIL_FROM", &arguments.mail_from, Sender::parse);
    let ehlo_name = reading.value("LATCHKEY_MAIL_EHLO_NAME", &arguments.mail_ehlo_name, ehlo_name);
    let templates = reading.value("LATCHKEY_MAIL_TEMPLATES", &arguments.mail_templates, folder);
    MailSettings {
        transport: relay.map_or(Transport::Mailbox, Transport::Relay),
        from: from.unwrap_or_else(|| Sender::of_host(host)),
        ehlo_name: ehlo_name.unwrap_or_else(|| host.unwrap_or("localhost").to_owned()),
        templates,
    }
}

fn relay_url(text: &str) -> Result<RelayUrl, String> {
    if text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("direct:")) {
        return Err(
            "asks for direct delivery, which is not in this version; name a mail server as smtp://host or \
                    smtps://host"
                .to_owned(),
        );
    }
    text.parse::<RelayUrl>().map_err(|fault| format!("cannot be used: {fault}"))
}

fn folder(text: &str) -> Result<PathBuf, String> {
    if text.contains("://") {
        return Err("must be the path of a folder, such as letters".to_owned());
    }
    Ok(PathBuf::from(text))
}

fn ehlo_name(text: &str) -> Result<String, String> {
    let address = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address
        .ok()
        .map(|address| address.to_string())
        .or_else(|| host_name(text))
        .ok_or_else(|| "must be a host name, such as mail.example.com, or an IP address".to_owned())
}

//! How letters leave, and in whose name.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use super::arguments::Arguments;
use super::dkim::{self, DkimSettings};
use super::origin::{PublicUrl, host_name};
use super::reading::{Reading, items, quoted};
use super::switch::on_or_off;
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
    /// The DNS servers that direct delivery asks; none of them means the system's.
    pub resolver: Vec<SocketAddr>,
    /// Whether direct delivery goes to addresses that are not public.
    pub allow_private: bool,
    /// How letters are signed, if they are.
    pub dkim: Option<DkimSettings>,
}

/// Where letters go.
#[derive(Debug, Clone)]
pub enum Transport {
    /// They stay here and are read at `/mailbox`.
    Mailbox,
    /// To the operator's mail server. Shown without its login.
    Relay(RelayUrl),
    /// To the mail servers of each recipient's domain: `direct:`.
    Direct,
}

/// Who letters come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sender {
    pub address: EmailAddress,
    /// The name beside the address, when the setting gives one.
    pub name: Option<String>,
}

/// The port of DNS servers (RFC 1035 section 4.2).
const DNS_PORT: u16 = 53;
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
    let transport = reading.value("LATCHKEY_SMTP_URL", &arguments.smtp_url, transport);
    let from = reading.value("LATCHKEY_MAIL_FROM", &arguments.mail_from, Sender::parse);
    let ehlo_name = reading.value("LATCHKEY_MAIL_EHLO_NAME", &arguments.mail_ehlo_name, ehlo_name);
    let templates = reading.value("LATCHKEY_MAIL_TEMPLATES", &arguments.mail_templates, folder);
    let resolver = reading.value("LATCHKEY_MAIL_RESOLVER", &arguments.mail_resolver, resolver);
    let allow_private =
        reading.value("LATCHKEY_MAIL_ALLOW_PRIVATE", &arguments.mail_allow_private, on_or_off);
    let from = from.unwrap_or_else(|| Sender::of_host(host));
    MailSettings {
        transport: transport.unwrap_or(Transport::Mailbox),
        dkim: dkim::read(reading, arguments, &from),
        from,
        ehlo_name: ehlo_name.unwrap_or_else(|| host.unwrap_or("localhost").to_owned()),
        templates,
        resolver: resolver.unwrap_or_default(),
        allow_private: allow_private.unwrap_or(false),
    }
}

fn transport(text: &str) -> Result<Transport, String> {
    match text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("direct:")) {
        Some(_) if text.len() == 7 => Ok(Transport::Direct),
        Some(_) => Err("must be direct: and nothing more for delivery without a mail server".to_owned()),
        None => text
            .parse()
            .map(Transport::Relay)
            .map_err(|fault| format!("cannot be used: {fault}; direct: delivers without a mail server")),
    }
}

/// DNS servers by their addresses, on port 53 unless another is named.
fn resolver(text: &str) -> Result<Vec<SocketAddr>, String> {
    let server = |item: &str| {
        let bare = || item.parse::<IpAddr>().map(|address| SocketAddr::new(address, DNS_PORT));
        item.parse().or_else(|_| bare()).map_err(|_| {
            format!(
                "holds {}, but each item must be the address of a DNS server, alone or with a port, such as 9.9.9.9 or \
                 127.0.0.1:5353",
                quoted(item)
            )
        })
    };
    items(text).map(server).collect()
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

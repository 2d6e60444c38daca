//! How letters leave: the transport and the signature that the settings ask for.

use std::net::SocketAddr;

use super::StartError;
use crate::clock::Chance;
use crate::config::{self, Settings};
use crate::mail::carrier::Transport;
use crate::mail::courier::CONVERSATION;
use crate::mail::direct::{Bounds, Direct, DirectSetUp, MAIL_PORT};
use crate::mail::dkim::{Key, Signer};
use crate::mail::relay::Relay;

/// The transport of the settings. `own` is where this server listens, `port` where the servers of strangers do.
///
/// # Errors
/// [`StartError`].
pub fn transport(settings: &Settings, own: SocketAddr, port: u16) -> Result<Transport, StartError> {
    let ehlo_name = &settings.mail.ehlo_name;
    match &settings.mail.transport {
        config::Transport::Mailbox => Ok(Transport::Mailbox),
        config::Transport::Relay(url) => Relay::new(url, ehlo_name, CONVERSATION)
            .map(|relay| Transport::Carrier(Box::new(relay)))
            .map_err(|error| StartError(format!("LATCHKEY_SMTP_URL: {error}"))),
        config::Transport::Direct => {
            let set_up = DirectSetUp {
                ehlo_name: ehlo_name.clone(),
                resolvers: settings.mail.resolver.clone(),
                allow_private: settings.mail.allow_private,
                port,
                own,
            };
            Direct::new(&set_up, Bounds::within(CONVERSATION), Chance::system())
                .map(|direct| Transport::Carrier(Box::new(direct)))
                .map_err(|error| StartError(format!("LATCHKEY_SMTP_URL: {error}")))
        }
    }
}

/// The signer of the settings, with its keys read; none when letters are not signed.
///
/// # Errors
/// [`StartError`] for a key file that cannot be used.
pub fn signer(settings: &Settings) -> Result<Option<Signer>, StartError> {
    let Some(dkim) = &settings.mail.dkim else { return Ok(None) };
    let load = |(selector, path): &(String, std::path::PathBuf)| match Key::load(path) {
        Ok(key) => Ok((selector.clone(), key)),
        Err(error) => Err(StartError(format!("LATCHKEY_DKIM_KEY_FILE: the file {} {error}", path.display()))),
    };
    let keys = dkim.keys.iter().map(load).collect::<Result<_, StartError>>()?;
    Ok(Some(Signer::new(dkim.domain.as_str(), keys)))
}

/// How letters would leave, as a part of a sentence, after trying whether they could.
///
/// # Errors
/// [`StartError`].
pub fn describe(settings: &Settings) -> Result<String, StartError> {
    transport(settings, settings.listen, MAIL_PORT)?;
    let signer = signer(settings)?;
    let way = match &settings.mail.transport {
        config::Transport::Mailbox => return Ok("letters stay in the mailbox".to_owned()),
        config::Transport::Relay(url) => format!("letters leave by {url}"),
        config::Transport::Direct => {
            format!("letters leave for the mail servers of their recipients, as {}", settings.mail.ehlo_name)
        }
    };
    let signature = signer
        .map_or_else(|| ", not signed by DKIM".to_owned(), |signer| format!(", signed by DKIM ({signer})"));
    Ok(way + &signature)
}

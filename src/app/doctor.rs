//! The doctor for mail, told what the settings say.

use std::net::IpAddr;

use super::{Ambience, StartError, outgoing};
use crate::config::{self, Settings};
use crate::mail::doctor::{Doctor, Limits, SetUp, Way};
use crate::mail::message::Mailbox;

/// A doctor who looks at the way that letters take by these settings. Needs neither database nor server. `outgoing` are
/// the addresses that letters come from, where the operator knows better than the routing table.
///
/// # Errors
/// [`StartError`] for a key file that cannot be used, and DNS servers of the system that cannot be read.
pub fn doctor(settings: &Settings, ambience: &Ambience, outgoing: Vec<IpAddr>) -> Result<Doctor, StartError> {
    let mail = &settings.mail;
    let set_up = SetUp {
        way: match &mail.transport {
            config::Transport::Mailbox => Way::Mailbox,
            config::Transport::Relay(url) => Way::Relay(url.clone()),
            config::Transport::Direct => Way::Direct,
        },
        from: Mailbox {
            name: Some(mail.from.name.clone().unwrap_or_else(|| settings.app_name.clone())),
            address: mail.from.address.as_str().to_owned(),
        },
        sender: mail.from.address.clone(),
        app_name: settings.app_name.clone(),
        ehlo_name: mail.ehlo_name.clone(),
        resolvers: mail.resolver.clone(),
        allow_private: mail.allow_private,
        own: settings.listen,
        port: ambience.mail_port,
        outgoing,
        signer: outgoing::signer(settings)?,
        limits: Limits::default(),
        clock: ambience.clock.clone(),
        chance: ambience.chance.clone(),
    };
    Doctor::new(set_up).map_err(StartError::because)
}

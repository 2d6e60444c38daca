//! The names by which the server is called for a contract (DESIGN 2, the front door).

use super::origin::host_name;
use super::reading::{items, named, quoted};
use super::{Settings, served};
use crate::model::contract::Contract;

/// The settings that [`refusal`] weighs against one another.
pub(super) const WEIGHED: &[&str] = &["LATCHKEY_HOSTS", "LATCHKEY_CONTRACTS"];

/// Names, each with the contract it stands for.
pub(super) fn hosts(text: &str) -> Result<Vec<(String, Contract)>, String> {
    let mut hosts: Vec<(String, Contract)> = Vec::new();
    for item in items(text) {
        let Some((host, contract)) = item.split_once('=') else {
            return Err(format!(
                "holds {}, but each item must be a name and a contract, such as api.example.com=finradar",
                quoted(item)
            ));
        };
        let (host, contract) = (host.trim(), served(contract.trim())?);
        let Some(name) = host_name(host.strip_suffix('.').unwrap_or(host)) else {
            return Err(format!(
                "holds {}, but before the = must stand a host name without scheme, port and path, such as \
                 api.example.com",
                quoted(host)
            ));
        };
        match hosts.iter().find(|(known, _)| *known == name) {
            Some((_, other)) if *other != contract => {
                return Err(format!("gives {name} to {other} and to {contract}, but a name stands for one"));
            }
            Some(_) => {}
            None => hosts.push((name, contract)),
        }
    }
    Ok(hosts)
}

/// Why the server must not start: a name stands for a contract that is left out.
pub(super) fn refusal(settings: &Settings) -> Option<String> {
    let left_out = settings.hosts.iter().find(|(_, contract)| !settings.contracts.contains(contract));
    left_out.map(|(name, contract)| {
        format!(
            "{} gives {name} to {contract}, which {} leaves out",
            named("LATCHKEY_HOSTS"),
            named("LATCHKEY_CONTRACTS")
        )
    })
}

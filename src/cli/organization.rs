//! `latchkey organization …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Refusal;
use super::output::{Output, Record};
use crate::model::domain::Host;
use crate::model::organization::Organization;
use crate::service::Service;
use crate::service::operator::BanTarget;

#[derive(Subcommand)]
pub enum OrganizationCommand {
    /// List organizations, the oldest first.
    List {
        /// Start after this id.
        #[arg(long, default_value = "")]
        after: String,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
        /// List the domains that are banned by name instead.
        #[arg(long)]
        banned_domains: bool,
    },
    /// Show one organization.
    Show {
        /// The organization's id.
        organization: String,
    },
    /// Ban an organization, with the domain that it has claimed, or a domain with all its subdomains.
    Ban(Target),
    /// Lift a ban.
    Unban(Target),
}

#[derive(Args)]
pub struct Target {
    /// An organization's id, or a domain such as acme.com.
    target: String,
}

/// Carries out a command.
pub async fn run(service: &Service, command: OrganizationCommand, output: Output) -> Result<(), Refusal> {
    match command {
        OrganizationCommand::List { banned_domains: true, .. } => {
            let domains = service.banned_domains()?;
            let row = |(domain, at): (String, crate::model::time::Millis)| {
                vec![("domain", json!(domain)), ("banned", json!(at.rfc3339()))]
            };
            output.list(domains.into_iter().map(row).collect())
        }
        OrganizationCommand::List { after, limit, .. } => {
            let found = service.list_organizations(&after, limit)?;
            output.list(found.iter().map(row).collect())
        }
        OrganizationCommand::Show { organization } => {
            let id = organization.parse().map_err(Refusal::because)?;
            let (found, members) = service
                .find_organization(id)?
                .ok_or_else(|| Refusal::because(format_args!("there is no organization {id}")))?;
            let mut record = row(&found);
            record.extend([("website", json!(found.website)), ("members", json!(members))]);
            output.one(record)
        }
        OrganizationCommand::Ban(target) => ban(service, &target.target, true, output).await,
        OrganizationCommand::Unban(target) => ban(service, &target.target, false, output).await,
    }
}

async fn ban(service: &Service, text: &str, banned: bool, output: Output) -> Result<(), Refusal> {
    let target = match (text.parse(), Host::parse(text)) {
        (Ok(id), _) => BanTarget::Organization(id),
        (Err(_), Ok(domain)) => BanTarget::Domain(domain),
        (Err(_), Err(_)) => {
            return Err(Refusal::because(format_args!(
                "{text:?} is neither an id (24 hexadecimal digits) nor a domain such as acme.com"
            )));
        }
    };
    let by_name = matches!(target, BanTarget::Domain(_));
    let sentence = match (service.ban(target, banned).await?, banned) {
        (None, _) => return Err(Refusal::because(format_args!("there is no organization {text}"))),
        (Some(true), true) if by_name => format!(
            "{text} is banned: nobody can sign up from it or its subdomains; to lock out an organization that is \
             there already, ban it by its id"
        ),
        (Some(true), true) => format!("{text} is banned; its members are out"),
        (Some(false), true) => format!("{text} was banned already"),
        (Some(true), false) => format!("{text} is no longer banned"),
        (Some(false), false) => format!("{text} was not banned"),
    };
    output.done(&sentence)
}

fn row(organization: &Organization) -> Record {
    vec![
        ("id", json!(organization.id.to_string())),
        ("name", json!(organization.name)),
        ("business", json!(organization.is_business)),
        ("domain", json!(organization.domain)),
        ("claimed", json!(organization.claimed_domain)),
        ("created", json!(organization.created_at.rfc3339())),
        ("banned", json!(organization.banned_at.map(super::super::model::time::Millis::rfc3339))),
    ]
}

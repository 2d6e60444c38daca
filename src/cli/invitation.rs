//! `latchkey invitation …`.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Refusal;
use super::output::{Output, Record};
use crate::config::{Settings, Transport};
use crate::model::email::EmailAddress;
use crate::model::id::{InvitationId, OrganizationId};
use crate::model::invitation::{Invitation, LONGEST_LIFE};
use crate::model::language::Language;
use crate::model::name::CompanyName;
use crate::model::organization::Role;
use crate::model::time::{DAY, Millis, parse_span};
use crate::service::Service;
use crate::service::invitation::InvitationWish;
use crate::service::invitation::operator::OrganizationName;

#[derive(Subcommand)]
pub enum InvitationCommand {
    /// Mail somebody a link to register in an organization.
    Create(NewInvitation),
    /// List invitations, newest first.
    List {
        /// Those into one organization, by its id.
        #[arg(long)]
        organization: Option<String>,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// End an invitation: its link is good for nothing any more.
    Revoke {
        /// The invitation's id.
        invitation: String,
    },
}

#[derive(Args)]
pub struct NewInvitation {
    /// An organization's id or name. A name that none has makes one, whose first invitation must be for the role OWNER.
    #[arg(long, value_name = "ID|NAME")]
    organization: String,
    #[arg(long)]
    email: String,
    /// OWNER, ADMINISTRATORS, WORKSPACES, BILLING or USER.
    #[arg(long, default_value = "USER")]
    role: String,
    /// For how long it is good, such as 7d or 12h; at most 30d.
    #[arg(long, value_name = "SPAN", default_value = "7d")]
    expires: String,
    /// Language of the letter: en, de, fa or fr.
    #[arg(long, default_value = "en")]
    language: String,
}

/// Carries out a command.
pub async fn run(
    (service, settings): (&Service, &Settings),
    command: InvitationCommand,
    output: Output,
) -> Result<(), Refusal> {
    let now = service.clock.now();
    match command {
        InvitationCommand::Create(new) => create((service, settings), new, output).await,
        InvitationCommand::List { organization, limit } => {
            let parse = |text: String| text.parse::<OrganizationId>().map_err(Refusal::because);
            let found = service.list_invitations(organization.map(parse).transpose()?, limit)?;
            output.list(found.iter().map(|invitation| row(invitation, now)).collect())
        }
        InvitationCommand::Revoke { invitation } => {
            let id: InvitationId = invitation.parse().map_err(Refusal::because)?;
            service.revoke_any_invitation(id).await.map_err(Refusal::because)?;
            output.done(&format!("invitation {id} is revoked"))
        }
    }
}

async fn create(
    (service, settings): (&Service, &Settings),
    new: NewInvitation,
    output: Output,
) -> Result<(), Refusal> {
    let now = service.clock.now();
    let name = organization(&new.organization)?;
    let made = service.create_invitation_as_operator(name, wish(&new, now)?).await;
    let made = made.map_err(Refusal::because)?;
    let mut record = row(&made, now);
    record.push(("letter", json!(whereabouts(service, settings))));
    output.one(record)
}

/// Where the letter is, which alone has the link.
fn whereabouts(service: &Service, settings: &Settings) -> String {
    if matches!(settings.mail.transport, Transport::Mailbox) {
        return format!("read it at {}/mailbox", service.mailroom.letterhead().public_url);
    }
    "the running server sends it; `latchkey letters list` tells how it fares".to_owned()
}

fn organization(text: &str) -> Result<OrganizationName, Refusal> {
    match (text.parse(), CompanyName::parse(text)) {
        (Ok(id), _) => Ok(OrganizationName::Id(id)),
        (Err(_), Ok(name)) => Ok(OrganizationName::Name(name)),
        (Err(_), Err(rule)) => Err(Refusal::because(format_args!("--organization {rule}"))),
    }
}

/// What is wished, or all that is wrong with it.
fn wish(new: &NewInvitation, now: Millis) -> Result<InvitationWish, Refusal> {
    let email = EmailAddress::parse(&new.email).map_err(|rule| format!("--email {rule}"));
    let role = Role::ALL.into_iter().find(|role| role.name().eq_ignore_ascii_case(&new.role));
    let role = role.ok_or_else(|| format!("--role must be one of {}", Role::ALL.map(Role::name).join(", ")));
    let life = parse_span(&new.expires).filter(|life: &Duration| *life <= LONGEST_LIFE);
    let days = LONGEST_LIFE.as_secs() / DAY.as_secs();
    let life = life.ok_or_else(|| format!("--expires must be a span such as 7d or 12h, at most {days}d"));
    let language =
        Language::of_tag(&new.language).ok_or_else(|| "--language must be en, de, fa or fr".to_owned());
    match (email, role, life, language) {
        (Ok(email), Ok(role), Ok(life), Ok(language)) => {
            Ok(InvitationWish { email, role, expires_at: now + life, language })
        }
        (email, role, life, language) => {
            let faults = [email.err(), role.err(), life.err(), language.err()];
            Err(Refusal(faults.into_iter().flatten().collect()))
        }
    }
}

fn row(invitation: &Invitation, now: Millis) -> Record {
    vec![
        ("id", json!(invitation.id.to_string())),
        ("email", json!(invitation.email.as_str())),
        ("organization", json!(invitation.organization.to_string())),
        ("role", json!(invitation.role.name())),
        ("state", json!(invitation.state(now).as_str())),
        ("expires", json!(invitation.expires_at.rfc3339())),
        ("created", json!(invitation.created_at.rfc3339())),
    ]
}

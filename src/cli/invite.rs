//! `latchkey invite …`.

use clap::{Args, Subcommand};
use serde_json::json;

use super::Refusal;
use super::output::{Output, Record};
use crate::model::email::EmailAddress;
use crate::model::invite_code::{Invite, InviteCode, MOST_USES};
use crate::model::name::is_forbidden;
use crate::model::time::{Millis, parse_span};
use crate::service::Service;

/// Characters of a note.
const MOST_NOTE: usize = 200;

#[derive(Subcommand)]
pub enum InviteCommand {
    /// Make a code; it is printed now and never again.
    Create(NewInvite),
    /// List codes, newest first.
    List {
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Show one code, and who used it.
    Show(Named),
    /// End a code; whoever holds a token for it is not let in either.
    Revoke(Named),
}

#[derive(Args)]
pub struct NewInvite {
    /// How many may sign up with it.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..=MOST_USES))]
    uses: i64,
    /// For how long it is good, such as 30d, 12h or 45m; until it is used up or revoked when absent.
    #[arg(long, value_name = "SPAN")]
    expires: Option<String>,
    /// What you want to remember of it.
    #[arg(long, default_value = "")]
    note: String,
}

#[derive(Args)]
pub struct Named {
    /// The id that the list shows, or the code itself.
    invite: String,
}

/// Carries out a command.
pub async fn run(service: &Service, command: InviteCommand, output: Output) -> Result<(), Refusal> {
    match command {
        InviteCommand::Create(new) => create(service, new, output).await,
        InviteCommand::List { limit } => {
            let now = service.clock.now();
            output.list(service.list_invites(limit)?.iter().map(|invite| row(invite, now)).collect())
        }
        InviteCommand::Show(named) => show(service, &named, output),
        InviteCommand::Revoke(named) => {
            let id = find(service, &named.invite)?.id;
            let done = if service.revoke_invite(id).await? { "is revoked" } else { "was revoked already" };
            output.done(&format!("invite code {id} {done}"))
        }
    }
}

async fn create(service: &Service, new: NewInvite, output: Output) -> Result<(), Refusal> {
    let note = new.note.trim();
    if note.chars().count() > MOST_NOTE || note.chars().any(is_forbidden) {
        return Err(Refusal::because(format_args!(
            "--note must be at most {MOST_NOTE} characters without control characters"
        )));
    }
    let wrong = || Refusal::because("--expires must be a span such as 30d, 12h or 45m");
    let life = new.expires.map(|text| parse_span(&text).ok_or_else(wrong)).transpose()?;
    let (invite, code) = service.create_invite(new.uses, life, note).await?;
    let mut record: Record = vec![("code", json!(code.to_string()))];
    record.extend(row(&invite, service.clock.now()));
    output.one(record)
}

fn show(service: &Service, named: &Named, output: Output) -> Result<(), Refusal> {
    let id = find(service, &named.invite)?.id;
    let Some((invite, uses)) = service.find_invite(id)? else {
        return Err(Refusal::because(format_args!("there is no invite code {id}")));
    };
    if output.json {
        let mut record = row(&invite, service.clock.now());
        let uses: Vec<_> = uses
            .iter()
            .map(|one| {
                json!({
                    "account": one.account.to_string(),
                    "email": one.email.as_ref().map(EmailAddress::as_str),
                    "at": one.used_at.rfc3339(),
                })
            })
            .collect();
        record.push(("used_by", json!(uses)));
        return output.one(record);
    }
    output.one(row(&invite, service.clock.now()))?;
    let rows = uses.iter().map(|one| {
        vec![
            ("account", json!(one.account.to_string())),
            ("email", json!(one.email.as_ref().map(EmailAddress::as_str))),
            ("used", json!(one.used_at.rfc3339())),
        ]
    });
    output.list(rows.collect())
}

fn find(service: &Service, text: &str) -> Result<Invite, Refusal> {
    let found = match text.parse() {
        Ok(id) => service.find_invite(id)?.map(|(invite, _)| invite),
        Err(_) => InviteCode::parse(text).map_or(Ok(None), |code| service.invite_of_code(&code))?,
    };
    found.ok_or_else(|| Refusal::because(format_args!("there is no invite code {text:?}")))
}

fn row(invite: &Invite, now: Millis) -> Record {
    vec![
        ("id", json!(invite.id.to_string())),
        ("begins", json!(invite.hint)),
        ("state", json!(invite.state(now).as_str())),
        ("uses", json!(format!("{}/{}", invite.uses, invite.uses_allowed))),
        ("expires", json!(invite.expires_at.map(Millis::rfc3339))),
        ("created", json!(invite.created_at.rfc3339())),
        ("note", json!(invite.note)),
    ]
}

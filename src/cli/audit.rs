//! `latchkey audit …`.

use clap::Args;
use serde_json::json;

use super::Refusal;
use super::account::{find, named};
use super::output::{Output, Record};
use crate::model::audit::Recorded;
use crate::service::Service;
use crate::service::operator::AccountName;

#[derive(Args)]
pub struct AuditQuery {
    /// Only what was done to this account or by it: an id, also of one that was erased, or an e-mail address.
    #[arg(long)]
    account: Option<String>,
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
    limit: i64,
}

/// Prints the log, newest first.
pub fn run(service: &Service, query: &AuditQuery, output: Output) -> Result<(), Refusal> {
    let account = match query.account.as_deref() {
        None => None,
        // Entries outlive their account, so an id need not lead anywhere.
        Some(text) => Some(match named(text)? {
            AccountName::Id(id) => id,
            AccountName::Email(_) => find(service, text)?.account.id,
        }),
    };
    let entries = service.audit(account, query.limit)?;
    output.list(entries.iter().map(record).collect())
}

fn record(entry: &Recorded) -> Record {
    vec![
        ("at", json!(entry.at.rfc3339())),
        ("action", json!(entry.action)),
        ("by", json!(entry.actor_kind)),
        ("actor", json!(entry.actor.map(|id| id.to_string()))),
        ("account", json!(entry.account.map(|id| id.to_string()))),
        ("organization", json!(entry.organization.map(|id| id.to_string()))),
        ("address", json!((!entry.address.is_empty()).then_some(&entry.address))),
        ("detail", json!((!entry.detail.is_empty()).then_some(&entry.detail))),
    ]
}

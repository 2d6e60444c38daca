//! `latchkey account credit …`.

use clap::Args;
use serde_json::json;

use super::Refusal;
use super::account::{Named, find};
use super::output::Output;
use crate::model::ledger::MOST_CREDIT;
use crate::model::name::is_forbidden;
use crate::service::Service;
use crate::service::ledger::CreditError;

/// Characters of a reason.
const MOST_REASON: usize = 200;

#[derive(Args)]
pub struct Credit {
    #[command(flatten)]
    account: Named,
    /// How many tokens.
    #[arg(value_parser = clap::value_parser!(i64).range(1..=MOST_CREDIT))]
    amount: i64,
    /// Why: its owner reads this in the list of transactions.
    #[arg(long)]
    reason: String,
}

/// Gives an account's organization tokens.
pub async fn credit(service: &Service, credit: Credit, output: Output) -> Result<(), Refusal> {
    let reason = credit.reason.trim();
    if reason.is_empty() || reason.chars().count() > MOST_REASON || reason.chars().any(is_forbidden) {
        return Err(Refusal::because(format_args!(
            "--reason must be 1 to {MOST_REASON} characters without control characters"
        )));
    }
    let member = find(service, &credit.account.account)?;
    let ledger = service.credit(&member, credit.amount, reason).await?;
    output.one(vec![
        ("organization", json!(ledger.organization.to_string())),
        ("credited", json!(credit.amount)),
        ("balance", json!(ledger.balance())),
    ])
}

impl From<CreditError> for Refusal {
    fn from(error: CreditError) -> Refusal {
        Refusal::because(error)
    }
}

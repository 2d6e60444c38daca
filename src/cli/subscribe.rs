//! `latchkey account subscribe …`.

use clap::Args;
use serde_json::json;

use super::Refusal;
use super::account::{Named, find};
use super::output::Output;
use crate::model::time::Millis;
use crate::service::Service;
use crate::service::subscription::AssignError;

#[derive(Args)]
pub struct Assignment {
    #[command(flatten)]
    account: Named,
    /// The plan: free, trial or paid.
    plan: String,
    /// When it ends: a moment in RFC 3339, or a date, on whose first moment (UTC) it is over. Without one it runs until
    /// it is canceled, and a trial for 14 days.
    #[arg(long, value_name = "DATE")]
    until: Option<String>,
}

/// Gives an account's organization a plan.
pub async fn subscribe(service: &Service, assignment: Assignment, output: Output) -> Result<(), Refusal> {
    let wrong = || Refusal::because("--until must be a date such as 2027-01-31, or a moment in RFC 3339");
    let until = assignment.until.map(|text| Millis::parse_date(&text).ok_or_else(wrong)).transpose()?;
    let member = find(service, &assignment.account.account)?;
    let started = service.assign_plan(&member, &assignment.plan, until).await?;
    let (subscription, now) = (started.subscription, service.clock.now());
    output.one(vec![
        ("organization", json!(member.organization.map(|place| place.organization.to_string()))),
        ("plan", json!(started.plan.id)),
        ("period", json!(started.period.kind.as_str())),
        ("state", json!(subscription.state(now).as_str())),
        ("from", json!(subscription.starts_at.rfc3339())),
        ("until", json!(subscription.ends_at.map(Millis::rfc3339))),
    ])
}

impl From<AssignError> for Refusal {
    fn from(error: AssignError) -> Refusal {
        Refusal::because(error)
    }
}

//! Subscriptions and the memory of trials, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{OrganizationId, SubscriptionId};
use crate::model::subscription::{SeededPlan, Subscription};
use crate::model::time::Millis;

/// Subscribes an organization to a plan.
pub fn insert(
    tx: &Tx<'_>,
    id: SubscriptionId,
    organization: OrganizationId,
    plan: SeededPlan,
    dates: (Millis, Option<Millis>),
) -> Result<(), Unavailable> {
    let sql = "insert into subscriptions (id, organization_id, plan_id, starts_at, ends_at)
        values (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![id, organization, plan.as_str(), dates.0, dates.1])?;
    Ok(())
}

/// The subscription that was started last.
pub fn latest(tx: &Tx<'_>, organization: OrganizationId) -> Result<Option<Subscription>, Unavailable> {
    let sql = "select id, plan_id, starts_at, ends_at, canceled_at from subscriptions
        where organization_id = ?1 order by starts_at desc, id desc limit 1";
    tx.row(sql, params![organization], |row: &mut Row| {
        Ok(Subscription {
            id: row.take()?,
            plan: row.take()?,
            starts_at: row.take()?,
            ends_at: row.take()?,
            canceled_at: row.take()?,
        })
    })
}

/// Turns an organization's trial into the free plan: somebody else has had the trial.
pub fn trial_to_free(tx: &Tx<'_>, organization: OrganizationId) -> Result<(), Unavailable> {
    let sql = "update subscriptions set plan_id = 'free', ends_at = null
        where organization_id = ?1 and plan_id = 'trial'";
    tx.execute(sql, params![organization])?;
    Ok(())
}

/// Whether an identity has had its trial.
pub fn trial_was_given(tx: &Tx<'_>, identity: &str) -> Result<bool, Unavailable> {
    Ok(tx.value::<i64>("select 1 from trials where identity = ?1", params![identity])?.is_some())
}

/// Remembers that an identity has had its trial. False when it had one before.
pub fn give_trial(tx: &Tx<'_>, identity: &str, now: Millis) -> Result<bool, Unavailable> {
    let sql = "insert into trials (identity, given_at) values (?1, ?2) on conflict (identity) do nothing";
    Ok(tx.execute(sql, params![identity, now])? == 1)
}

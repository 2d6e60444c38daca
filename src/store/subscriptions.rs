//! Subscriptions and the memory of trials, as rows.

use super::{Row, Tx, Unavailable, params, plans};
use crate::model::id::{OrganizationId, SubscriptionId};
use crate::model::plan::{Period, PeriodType};
use crate::model::subscription::{SeededPlan, Subscription};
use crate::model::time::Millis;

/// Subscribes an organization to a plan, for the first of its periods.
pub fn insert(
    tx: &Tx<'_>,
    id: SubscriptionId,
    organization: OrganizationId,
    plan: SeededPlan,
    dates: (Millis, Option<Millis>),
) -> Result<(), Unavailable> {
    let missing = || Unavailable::because("a seeded plan is not there");
    let period = plans::periods(tx, plan.as_str())?.into_iter().next().ok_or_else(missing)?;
    start(tx, id, organization, &period, dates)
}

/// Subscribes an organization to a plan, for a period of it. What is not bound to end renews itself, unless it is one
/// endless period.
pub fn start(
    tx: &Tx<'_>,
    id: SubscriptionId,
    organization: OrganizationId,
    period: &Period,
    dates: (Millis, Option<Millis>),
) -> Result<(), Unavailable> {
    let sql =
        "insert into subscriptions (id, organization_id, plan_id, starts_at, ends_at, period_id, auto_renew)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let renews = dates.1.is_none() && period.kind != PeriodType::AllTime;
    tx.execute(sql, params![id, organization, period.plan, dates.0, dates.1, period.id, renews])?;
    Ok(())
}

/// The subscription that was started last.
pub fn latest(tx: &Tx<'_>, organization: OrganizationId) -> Result<Option<Subscription>, Unavailable> {
    let sql = "select s.id, s.plan_id, s.starts_at, s.ends_at, s.canceled_at, s.period_id, p.period_type, s.auto_renew
        from subscriptions s join plan_periods p on p.id = s.period_id
        where s.organization_id = ?1 order by s.starts_at desc, s.id desc limit 1";
    tx.row(sql, params![organization], |row: &mut Row| {
        Ok(Subscription {
            id: row.take()?,
            plan: row.take()?,
            starts_at: row.take()?,
            ends_at: row.take()?,
            canceled_at: row.take()?,
            period: row.take()?,
            period_type: row.take()?,
            auto_renew: row.take()?,
        })
    })
}

/// Cancels a subscription: from `end` on it is over. False when it was canceled already.
pub fn cancel(tx: &Tx<'_>, id: SubscriptionId, end: Millis, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update subscriptions set canceled_at = ?3, ends_at = ?2, auto_renew = 0
        where id = ?1 and canceled_at is null";
    Ok(tx.execute(sql, params![id, end, now])? == 1)
}

/// Ends a subscription because another takes its place, unless it is over by then.
pub fn supersede(tx: &Tx<'_>, id: SubscriptionId, end: Millis) -> Result<(), Unavailable> {
    let sql = "update subscriptions set ends_at = ?2, auto_renew = 0
        where id = ?1 and (ends_at is null or ends_at > ?2)";
    tx.execute(sql, params![id, end])?;
    Ok(())
}

/// Turns an organization's trial into the free plan: somebody else has had the trial. One that was canceled, or that
/// another subscription has followed, stays as it was.
pub fn trial_to_free(tx: &Tx<'_>, organization: OrganizationId) -> Result<(), Unavailable> {
    let sql = "update subscriptions set plan_id = 'free', ends_at = null,
            period_id = (select id from plan_periods where plan_id = 'free' and position = 1)
        where organization_id = ?1 and plan_id = 'trial' and canceled_at is null and not exists (
            select 1 from subscriptions later
            where later.organization_id = ?1 and later.starts_at > subscriptions.starts_at)";
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

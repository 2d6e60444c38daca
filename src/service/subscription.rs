//! Plans and an organization's subscription to one: reading, starting, canceling.

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed};
use crate::model::id::{OrganizationId, PeriodId, SubscriptionId};
use crate::model::permission::Action;
use crate::model::plan::{Period, Plan};
use crate::model::subscription::{SeededPlan, Subscription, TRIAL};
use crate::model::time::{Millis, SECOND};
use crate::store::{Tx, Unavailable, audit, plans, subscriptions};

use super::Service;
use super::authenticate::Caller;
use super::ledger;
use super::standing::{StandingError, place_for};

/// A subscription with its plan and the period of it.
#[derive(Debug, Clone)]
pub struct Subscribed {
    pub subscription: Subscription,
    pub plan: Plan,
    pub period: Period,
}

/// Why a plan was not started.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubscribeError {
    #[error("there is no such period")]
    UnknownPeriod,
    #[error("no payment provider is set up")]
    PaymentNeeded,
    /// A trial begins with a sign-up, or by the operator's command (G5).
    #[error("a trial cannot be started")]
    TrialNotForSale,
    #[error("the plan is in force already")]
    AlreadySubscribed,
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl From<Unavailable> for SubscribeError {
    fn from(error: Unavailable) -> SubscribeError {
        SubscribeError::Standing(error.into())
    }
}

/// Why a subscription was not canceled.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CancelError {
    #[error("there is none in force")]
    NotSubscribed,
    #[error("it was canceled already")]
    AlreadyCanceled,
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl From<Unavailable> for CancelError {
    fn from(error: Unavailable) -> CancelError {
        CancelError::Standing(error.into())
    }
}

/// Why the operator's subscription was not started. Sentences for the operator.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AssignError {
    #[error("there is no plan {asked:?}: the plans are {known}")]
    UnknownPlan { asked: String, known: String },
    #[error("the account has no organization to subscribe")]
    NoOrganization,
    #[error("--until must be a moment to come")]
    Past,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Service {
    /// All plans.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn plans(&self) -> Result<Vec<Plan>, Unavailable> {
        self.store.read(plans::list)
    }

    /// The latest subscription of a caller's organization, in force or not.
    ///
    /// # Errors
    /// [`StandingError::NoOrganization`] or [`Unavailable`].
    pub fn subscription(&self, caller: &Caller) -> Result<Option<Subscribed>, StandingError> {
        let place = caller.member.organization.as_ref().ok_or(StandingError::NoOrganization)?;
        self.store.read(|tx| Ok(subscribed(tx, place.organization)?))
    }

    /// Starts a period of a free plan at once, in the place of the one in force. One that costs something waits for a
    /// payment provider.
    ///
    /// # Errors
    /// [`SubscribeError`]; nothing has changed then.
    pub async fn subscribe(&self, caller: &Caller, period: PeriodId) -> Result<(), SubscribeError> {
        let (session, now) = (caller.session, self.clock.now());
        let id = self.chance.id(now);
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::SubscriptionStarted);
        self.store
            .write(move |tx: &Tx<'_>| {
                let place = place_for(tx, session, Action::Subscribe, now)?;
                let period = plans::period(tx, period)?.ok_or(SubscribeError::UnknownPeriod)?;
                if period.plan == SeededPlan::Trial.as_str() {
                    return Err(SubscribeError::TrialNotForSale);
                }
                let present = subscriptions::latest(tx, place.organization)?;
                if present.is_some_and(|it| it.period == period.id && goes_on(&it, now)) {
                    return Err(SubscribeError::AlreadySubscribed);
                }
                if period.price_cents > 0 {
                    return Err(SubscribeError::PaymentNeeded);
                }
                audit::note(tx, &entry.detailed(&period.plan))?;
                Ok(begin(tx, id, place.organization, &period, (now, None))?)
            })
            .await
    }

    /// Cancels the subscription of a caller's organization: it runs to the end of its period and renews no more. One
    /// without end is over at once.
    ///
    /// # Errors
    /// [`CancelError`]; nothing has changed then.
    pub async fn cancel_subscription(&self, caller: &Caller) -> Result<Millis, CancelError> {
        let (session, now) = (caller.session, self.clock.now());
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::SubscriptionCanceled);
        self.store
            .write(move |tx: &Tx<'_>| {
                let place = place_for(tx, session, Action::Subscribe, now)?;
                let present =
                    subscriptions::latest(tx, place.organization)?.ok_or(CancelError::NotSubscribed)?;
                if present.canceled_at.is_some() {
                    return Err(CancelError::AlreadyCanceled);
                }
                if !present.state(now).is_in_force() {
                    return Err(CancelError::NotSubscribed);
                }
                let end = present.end_when_canceled(now);
                let done = subscriptions::cancel(tx, present.id, end, now)?;
                if !done {
                    return Err(CancelError::AlreadyCanceled);
                }
                audit::note(tx, &entry.detailed(&present.plan))?;
                Ok(end)
            })
            .await
    }

    /// Subscribes a member's organization to a plan by the operator's command, whatever it costs: until a moment, or
    /// until it is canceled; a trial for as long as trials are. The first with a price rewards who brought them in.
    ///
    /// # Errors
    /// [`AssignError`]; nothing has changed then.
    pub async fn assign_plan(
        &self,
        member: &Member,
        plan: &str,
        until: Option<Millis>,
    ) -> Result<Subscribed, AssignError> {
        let now = self.clock.now();
        if until.is_some_and(|end| end <= now) {
            return Err(AssignError::Past);
        }
        let place = member.organization.as_ref().ok_or(AssignError::NoOrganization)?;
        let is_trial = plan == SeededPlan::Trial.as_str();
        let end = until.or_else(|| is_trial.then(|| now + TRIAL));
        let (organization, plan, id) = (place.organization, plan.to_owned(), self.chance.id(now));
        let entry = self.entry_about(member, Actor::Operator, Deed::SubscriptionStarted);
        let reward = self.reward();
        self.store
            .write(move |tx: &Tx<'_>| {
                let Some(period) = plans::periods(tx, &plan)?.into_iter().next() else {
                    let known: Vec<String> = plans::list(tx)?.into_iter().map(|plan| plan.id).collect();
                    return Err(AssignError::UnknownPlan { asked: plan, known: known.join(", ") });
                };
                begin(tx, id, organization, &period, (now, end))?;
                audit::note(tx, &entry.detailed(&plan))?;
                if period.price_cents > 0 {
                    reward.settle(tx, organization)?;
                }
                let missing = || Unavailable::because("a subscription just started is not there");
                Ok(subscribed(tx, organization)?.ok_or_else(missing)?)
            })
            .await
    }
}

/// The latest subscription of an organization, with its plan.
pub(super) fn subscribed(
    tx: &Tx<'_>,
    organization: OrganizationId,
) -> Result<Option<Subscribed>, Unavailable> {
    let Some(subscription) = subscriptions::latest(tx, organization)? else { return Ok(None) };
    let missing = || Unavailable::because("a subscription's plan is not there");
    let plan = plans::find(tx, &subscription.plan)?.ok_or_else(missing)?;
    let period = plan.periods.iter().find(|period| period.id == subscription.period).cloned();
    Ok(Some(Subscribed { subscription, plan, period: period.ok_or_else(missing)? }))
}

fn goes_on(subscription: &Subscription, now: Millis) -> bool {
    subscription.canceled_at.is_none() && subscription.state(now).is_in_force()
}

/// Starts a subscription where another may be running.
fn begin(
    tx: &Tx<'_>,
    id: SubscriptionId,
    organization: OrganizationId,
    period: &Period,
    (now, end): (Millis, Option<Millis>),
) -> Result<(), Unavailable> {
    // What is left of the month is settled by the plan before, however much later somebody looks.
    ledger::settle(tx, organization, now)?;
    let mut start = now;
    if let Some(present) = subscriptions::latest(tx, organization)? {
        // The latest start is the one that counts, so two in one moment must not tie.
        start = now.max(present.starts_at + SECOND / 1000);
        subscriptions::supersede(tx, present.id, now)?;
    }
    subscriptions::start(tx, id, organization, period, (start, end))
}

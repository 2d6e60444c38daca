//! Plans and what an organization's subscription to one amounts to at a moment.

use std::time::Duration;

use super::id::{PeriodId, SubscriptionId};
use super::plan::PeriodType;
use super::time::{DAY, Millis};

/// The length of a trial (contracts/flashback.md section 1).
pub const TRIAL: Duration = Duration::from_secs(14 * DAY.as_secs());

/// The plans every database starts with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeededPlan {
    Free,
    Trial,
    Paid,
}

impl SeededPlan {
    /// The plan's key in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            SeededPlan::Free => "free",
            SeededPlan::Trial => "trial",
            SeededPlan::Paid => "paid",
        }
    }
}

/// An organization's subscription, as the database holds it.
#[derive(Debug, Clone)]
pub struct Subscription {
    pub id: SubscriptionId,
    pub plan: String,
    pub starts_at: Millis,
    /// None runs until canceled.
    pub ends_at: Option<Millis>,
    pub canceled_at: Option<Millis>,
    pub period: PeriodId,
    pub period_type: PeriodType,
    /// Whether a period that ends is followed by another.
    pub auto_renew: bool,
}

/// What a subscription amounts to at a moment. Computed, never stored, so nothing nightly keeps it true.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubscriptionState {
    Trialing,
    Active,
    Canceled,
    Expired,
}

impl Subscription {
    /// The state at `now`. The end is exclusive: at `ends_at` it is over.
    pub fn state(&self, now: Millis) -> SubscriptionState {
        if self.ends_at.is_some_and(|end| now >= end) {
            SubscriptionState::Expired
        } else if self.canceled_at.is_some() {
            SubscriptionState::Canceled
        } else if self.plan == SeededPlan::Trial.as_str() {
            SubscriptionState::Trialing
        } else {
            SubscriptionState::Active
        }
    }

    /// When the period that `now` is in ends; none for one without end. Periods follow one another from the start on,
    /// so this too is computed.
    pub fn period_end(&self, now: Millis) -> Option<Millis> {
        self.ends_at.or_else(|| self.period_type.end_after(self.starts_at, now))
    }

    /// When it is over if it is canceled at `now`. One without end has no period to run out and is over at once.
    pub fn end_when_canceled(&self, now: Millis) -> Millis {
        self.period_end(now).unwrap_or(now)
    }
}

impl SubscriptionState {
    /// Whether the plan's capabilities are to be had.
    pub fn is_in_force(self) -> bool {
        match self {
            SubscriptionState::Trialing | SubscriptionState::Active | SubscriptionState::Canceled => true,
            SubscriptionState::Expired => false,
        }
    }

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            SubscriptionState::Trialing => "TRIALING",
            SubscriptionState::Active => "ACTIVE",
            SubscriptionState::Canceled => "CANCELED",
            SubscriptionState::Expired => "EXPIRED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::RawId;

    #[test]
    fn the_state_follows_from_the_dates() {
        let start = Millis(1_000_000);
        let trial = Subscription {
            id: SubscriptionId(RawId::new(1, [0; 8])),
            plan: "trial".into(),
            starts_at: start,
            ends_at: Some(start + TRIAL),
            canceled_at: None,
            period: PeriodId(RawId::new(1, [0; 8])),
            period_type: PeriodType::AllTime,
            auto_renew: false,
        };
        assert_eq!(trial.state(start), SubscriptionState::Trialing);
        assert_eq!(trial.state(start + TRIAL - Duration::from_millis(1)), SubscriptionState::Trialing);
        assert_eq!(trial.state(start + TRIAL), SubscriptionState::Expired);
        let canceled = Subscription { canceled_at: Some(start), ..trial.clone() };
        assert_eq!(canceled.state(start + TRIAL - Duration::from_millis(1)), SubscriptionState::Canceled);
        assert_eq!(canceled.state(start + TRIAL), SubscriptionState::Expired);
        assert_eq!(trial.end_when_canceled(start), start + TRIAL);
        let free = Subscription { plan: "free".into(), ends_at: None, ..trial };
        assert_eq!(free.state(start + TRIAL), SubscriptionState::Active);
        assert_eq!((free.period_end(start), free.end_when_canceled(start + DAY)), (None, start + DAY));
        let weekly = Subscription { plan: "paid".into(), period_type: PeriodType::Weekly, ..free };
        let week = Duration::from_secs(7 * DAY.as_secs());
        assert_eq!(weekly.end_when_canceled(start + week - Duration::from_millis(1)), start + week);
        assert_eq!(weekly.end_when_canceled(start + week), start + week + week);
    }
}

//! Plans and what an organization's subscription to one amounts to at a moment.

use std::time::Duration;

use super::id::SubscriptionId;
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
}

impl SubscriptionState {
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
        };
        assert_eq!(trial.state(start), SubscriptionState::Trialing);
        assert_eq!(trial.state(start + TRIAL - Duration::from_millis(1)), SubscriptionState::Trialing);
        assert_eq!(trial.state(start + TRIAL), SubscriptionState::Expired);
        let free = Subscription { plan: "free".into(), ends_at: None, ..trial };
        assert_eq!(free.state(start + TRIAL), SubscriptionState::Active);
    }
}

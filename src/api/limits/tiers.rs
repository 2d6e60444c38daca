//! How often somebody may call where they are told what remains: an organization as often as its plan says over all
//! its keys, and whoever a contract publishes a rate for.

use std::collections::HashMap;
use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use super::{CLEAN_UP_EVERY, LimitClock};
use crate::clock::Clock;
use crate::model::id::OrganizationId;

/// What a caller is told of the rate: the three `X-RateLimit-*` headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowance {
    /// Calls a minute.
    pub limit: u32,
    /// How many of them may come at once now.
    pub remaining: u32,
    /// How long until all of them may.
    pub full_in: Duration,
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, LimitClock, StateInformationMiddleware>;

/// The budgets of all who are counted: one limiter a rate, and there are as many rates as plans. Of organizations only
/// who has a good key is counted, so there are no more budgets than organizations, and those unused for a minute go.
pub struct Tiers<K: Clone + Eq + Hash = OrganizationId> {
    limiters: RwLock<HashMap<NonZeroU32, Arc<Limiter<K>>>>,
    clock: LimitClock,
    calls: AtomicU64,
    enabled: bool,
}

impl<K: Clone + Eq + Hash> Tiers<K> {
    /// Full budgets for everybody; without limits when `enabled` is false.
    pub fn new(clock: Clock, enabled: bool) -> Tiers<K> {
        Tiers { limiters: RwLock::default(), clock: LimitClock(clock), calls: AtomicU64::new(0), enabled }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// The span to wait before the next is allowed, beside what the caller is told.
    pub fn count(&self, who: K, calls_a_minute: i64) -> Result<Allowance, (Allowance, Duration)> {
        let rate = rate(calls_a_minute);
        let allowance = |remaining: u32| Allowance {
            limit: rate.get(),
            remaining,
            full_in: Duration::from_secs(60) * (rate.get() - remaining.min(rate.get())) / rate.get(),
        };
        if !self.enabled {
            return Ok(allowance(rate.get()));
        }
        let limiter = self.limiter(rate);
        if self.calls.fetch_add(1, Ordering::Relaxed) % CLEAN_UP_EVERY == CLEAN_UP_EVERY - 1 {
            limiter.retain_recent();
        }
        match limiter.check_key(&who) {
            Ok(state) => Ok(allowance(state.remaining_burst_capacity())),
            Err(refusal) => {
                let wait = refusal.wait_time_from(governor::clock::Clock::now(&self.clock));
                Err((allowance(0), wait.max(Duration::from_secs(1))))
            }
        }
    }

    /// How many are counted at a rate.
    pub fn len(&self, calls_a_minute: u32) -> usize {
        let limiters = self.limiters.read().unwrap_or_else(PoisonError::into_inner);
        limiters.get(&rate(i64::from(calls_a_minute))).map_or(0, |limiter| limiter.len())
    }

    fn limiter(&self, rate: NonZeroU32) -> Arc<Limiter<K>> {
        if let Some(limiter) = self.limiters.read().unwrap_or_else(PoisonError::into_inner).get(&rate) {
            return Arc::clone(limiter);
        }
        let fresh = || {
            let store = DashMapStateStore::default();
            Arc::new(Limiter::new(Quota::per_minute(rate), store, self.clock.clone()))
        };
        let mut limiters = self.limiters.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(limiters.entry(rate).or_insert_with(fresh))
    }
}

/// At least one call a minute.
fn rate(calls_a_minute: i64) -> NonZeroU32 {
    let rate = u32::try_from(calls_a_minute.max(1)).ok().and_then(NonZeroU32::new);
    rate.unwrap_or(NonZeroU32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::RawId;
    use crate::model::time::Millis;

    #[test]
    fn a_plan_allows_so_many_calls_a_minute_over_all_keys() {
        let clock = Clock::fixed(Millis(0));
        let tiers = Tiers::new(clock.clone(), true);
        let organization = |number| OrganizationId(RawId::new(1, [number; 8]));
        let first = tiers.count(organization(1), 60).expect("the first call");
        assert_eq!((first.limit, first.remaining, first.full_in), (60, 59, Duration::from_secs(1)));
        let passed = (0..100).filter(|_| tiers.count(organization(1), 60).is_ok()).count();
        assert_eq!(passed, 59);
        let (allowance, wait) = tiers.count(organization(1), 60).expect_err("used up");
        assert_eq!((allowance.remaining, wait), (0, Duration::from_secs(1)));
        assert!(tiers.count(organization(2), 60).is_ok(), "another organization has a budget of its own");
        assert!(tiers.count(organization(1), 600).is_ok(), "a greater plan counts at once");
        clock.advance(Duration::from_secs(1));
        assert!(tiers.count(organization(1), 60).is_ok());
    }
}

//! Budgets that a contract publishes. They stand beside those of the classes, and every answer of the contract tells of
//! the strictest (contracts/orbai.md section 5).

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::tiers::{Allowance, Tiers};
use super::{Key, NETWORKS};
use crate::clock::Clock;
use crate::model::contract::Contract;
use crate::model::id::AccountId;
use crate::model::network::Network;
use crate::model::time::MINUTE;

/// What a contract publishes, in calls a minute.
#[derive(Debug, Clone, Copy)]
pub struct Published {
    pub contract: Contract,
    /// Of one network.
    pub all: u32,
    /// Of one network, on routes that have a class of their own.
    pub costly: u32,
    /// Of one account, on routes behind a token.
    pub of_account: u32,
}

/// Whose calls are counted together, and which.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Counted {
    All(Contract, Key),
    Costly(Contract, Key),
    OfAccount(Contract, AccountId),
}

/// The budgets of everybody.
pub struct PublishedBudgets {
    tiers: Tiers<Counted>,
    hasher: RandomState,
}

impl PublishedBudgets {
    /// Full budgets for everybody; without limits when `enabled` is false.
    pub fn new(clock: Clock, enabled: bool) -> PublishedBudgets {
        PublishedBudgets { tiers: Tiers::new(clock, enabled), hasher: RandomState::new() }
    }

    /// Counts a call from a network, before anything is known of who calls.
    ///
    /// # Errors
    /// The span to wait before the next is allowed.
    pub fn count_network(
        &self,
        published: &Published,
        network: Network,
        is_costly: bool,
        tally: &Tally,
    ) -> Result<(), Duration> {
        let key = |rate| match self.tiers.len(rate) {
            // Past that, calls are counted for one of 65,536 shared buckets (H6).
            NETWORKS.. => Key::Bucket(self.hasher.hash_one(network) as u16),
            _ => Key::Network(network),
        };
        let Published { contract, all, costly, .. } = *published;
        self.count(Counted::All(contract, key(all)), all, tally)?;
        if is_costly { self.count(Counted::Costly(contract, key(costly)), costly, tally) } else { Ok(()) }
    }

    /// Counts a call of an account.
    ///
    /// # Errors
    /// The span to wait before the next is allowed.
    pub fn count_account(
        &self,
        published: &Published,
        account: AccountId,
        tally: &Tally,
    ) -> Result<(), Duration> {
        self.count(Counted::OfAccount(published.contract, account), published.of_account, tally)
    }

    fn count(&self, counted: Counted, rate: u32, tally: &Tally) -> Result<(), Duration> {
        match self.tiers.count(counted, i64::from(rate)) {
            Ok(allowance) => {
                tally.note(allowance);
                Ok(())
            }
            Err((allowance, wait)) => {
                tally.note(allowance);
                Err(wait)
            }
        }
    }
}

/// What the answer to a request is going to tell of its rate: put beside the request by the outermost layer, noted by
/// whoever counts.
#[derive(Debug, Clone, Default)]
pub struct Tally(Arc<Mutex<Option<Allowance>>>);

impl Tally {
    /// Notes an allowance; the strictest counts.
    pub fn note(&self, allowance: Allowance) {
        let mut strictest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stricter =
            |before: Allowance| (allowance.remaining, allowance.limit) < (before.remaining, before.limit);
        if strictest.is_none_or(stricter) {
            *strictest = Some(allowance);
        }
    }

    /// Notes that a budget of so many calls a minute is used up.
    pub fn note_exhausted(&self, limit: u32) {
        self.note(Allowance { limit, remaining: 0, full_in: MINUTE });
    }

    /// The strictest of what was noted.
    pub fn strictest(&self) -> Option<Allowance> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::RawId;
    use crate::model::time::Millis;
    use std::net::{IpAddr, Ipv4Addr};

    const RATES: Published = Published { contract: Contract::OrbAi, all: 100, costly: 10, of_account: 300 };

    fn network(number: u32) -> Network {
        Network::from(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn the_strictest_budget_is_told() {
        let budgets = PublishedBudgets::new(Clock::fixed(Millis(0)), true);
        let told = |is_costly| {
            let tally = Tally::default();
            let counted = budgets.count_network(&RATES, network(1), is_costly, &tally);
            let allowance = tally.strictest().expect("something was counted");
            (counted.is_ok(), allowance.limit, allowance.remaining)
        };
        assert_eq!(told(false), (true, 100, 99));
        assert_eq!(told(true), (true, 10, 9));
        for _ in 0..9 {
            told(true);
        }
        assert_eq!(told(true), (false, 10, 0), "and what is used up is told too");
        for _ in 0..87 {
            told(false);
        }
        assert_eq!(told(false), (true, 100, 0));
        assert_eq!(told(false), (false, 100, 0));
    }

    #[test]
    fn an_account_has_its_budget_wherever_it_calls_from() {
        let budgets = PublishedBudgets::new(Clock::fixed(Millis(0)), true);
        let (ann, ben) = (AccountId(RawId::new(1, [1; 8])), AccountId(RawId::new(1, [2; 8])));
        let allowed =
            |who| (0..400).filter(|_| budgets.count_account(&RATES, who, &Tally::default()).is_ok()).count();
        assert_eq!((allowed(ann), allowed(ben)), (300, 300));
    }

    // H6
    #[test]
    fn memory_is_bounded_under_many_networks() {
        let budgets = PublishedBudgets::new(Clock::fixed(Millis(0)), true);
        for number in 0..300_000 {
            let _ = budgets.count_network(&RATES, network(number), true, &Tally::default());
        }
        for rate in [RATES.all, RATES.costly] {
            assert!(budgets.tiers.len(rate) <= NETWORKS + usize::from(u16::MAX) + 1);
        }
    }

    #[test]
    fn without_limits_the_full_budget_is_told() {
        let budgets = PublishedBudgets::new(Clock::fixed(Millis(0)), false);
        for _ in 0..20 {
            let tally = Tally::default();
            assert_eq!(budgets.count_network(&RATES, network(1), true, &tally), Ok(()));
            assert_eq!(tally.strictest().map(|told| (told.limit, told.remaining)), Some((10, 10)));
        }
    }
}

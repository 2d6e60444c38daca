//! What one may do how often, as far as it must survive a restart: failed logins, and the mail an address causes.

use std::time::Duration;

use crate::model::network::Network;
use crate::model::time::{DAY, HOUR, MINUTE, Millis};
use crate::store::throttles::{self, Failures};
use crate::store::{Tx, Unavailable};

/// Letters that an address may cause at once, and the span in which one more is allowed (6 an hour).
pub const MAIL_BUDGET: (u32, Duration) = (3, Duration::from_secs(600));

/// Failures in a row, and for how long they lock one address for one network.
const LOCKS: [(i64, Duration); 3] = [(5, MINUTE), (10, Duration::from_secs(300)), (20, HOUR)];
/// A failure this old no longer counts.
pub const FAILURE_LIFE: Duration = DAY;
/// Failures on one address, over all networks that failed within the hour, past which answers are slowed down.
const PRESSURE: i64 = 100;
/// By how much. A delay, never a lock: nobody can lock somebody else out.
pub const PRESSURE_DELAY: Duration = Duration::from_secs(2);

/// Failed logins of one typed address from one network, whether or not there is such an account.
pub(super) struct LoginGate<'a> {
    pub subject: &'a str,
    pub network: Network,
    pub enabled: bool,
}

impl LoginGate<'_> {
    /// Until when the address is locked for this network.
    pub fn locked_until(&self, tx: &Tx<'_>, now: Millis) -> Result<Option<Millis>, Unavailable> {
        if !self.enabled {
            return Ok(None);
        }
        let failures = throttles::failures(tx, self.subject, &self.network.to_string())?;
        Ok(failures.map(|failures| failures.locked_until).filter(|until| *until > now))
    }

    /// Whether the address is under such pressure that answers are slowed down.
    pub fn is_under_pressure(&self, tx: &Tx<'_>, now: Millis) -> Result<bool, Unavailable> {
        Ok(self.enabled && throttles::failures_since(tx, self.subject, now - HOUR)? >= PRESSURE)
    }

    /// Counts a failure.
    pub fn fail(&self, tx: &Tx<'_>, now: Millis) -> Result<(), Unavailable> {
        let network = self.network.to_string();
        let before = throttles::failures(tx, self.subject, &network)?
            .filter(|failures| now.since(failures.last_at) < FAILURE_LIFE)
            .map_or(0, |failures| failures.in_a_row);
        let failures =
            Failures { in_a_row: before + 1, last_at: now, locked_until: lock_after(before + 1, now) };
        throttles::set_failures(tx, self.subject, &network, failures)
    }

    /// Forgets the failures from this network.
    pub fn succeed(&self, tx: &Tx<'_>) -> Result<(), Unavailable> {
        throttles::clear_failures(tx, self.subject, Some(&self.network.to_string()))
    }
}

fn lock_after(in_a_row: i64, now: Millis) -> Millis {
    let (last_step, longest) = LOCKS[LOCKS.len() - 1];
    let span = if in_a_row > last_step {
        Some(longest)
    } else {
        LOCKS.into_iter().find(|(failures, _)| *failures == in_a_row).map(|(_, span)| span)
    };
    span.map_or(Millis(0), |span| now + span)
}

/// Takes a letter from an address's budget. `Some` is when the next may be caused; nothing was taken then (H5).
pub(super) fn spend_mail(
    tx: &Tx<'_>,
    subject: &str,
    enabled: bool,
    now: Millis,
) -> Result<Option<Millis>, Unavailable> {
    if enabled { throttles::spend_mail(tx, subject, MAIL_BUDGET, now) } else { Ok(None) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_grow_with_the_failures() {
        let now = Millis(0);
        let spans: Vec<(i64, i64)> = (1..=22).map(|n| (n, lock_after(n, now).0 / 1000)).collect();
        let locked: Vec<(i64, i64)> = spans.into_iter().filter(|(_, seconds)| *seconds > 0).collect();
        assert_eq!(locked, [(5, 60), (10, 300), (20, 3600), (21, 3600), (22, 3600)]);
    }
}

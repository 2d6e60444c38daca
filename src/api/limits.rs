//! How often one network may call what: every route in one table, on by default, bounded in memory (H2, H6).

pub mod published;
pub mod tiers;

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::Reference;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::clock::Clock;
use crate::model::network::Network;

use published::PublishedBudgets;

/// A class of calls that share a budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Making accounts.
    SignUp,
    /// Trying passwords, and whatever else costs a hash.
    Login,
    /// Causing mail.
    Mail,
    /// Trying mailed secrets and codes.
    Proof,
    /// What gateways ask at every call of theirs. Slow hashes and letters are out of reach here, and who shows wrong keys
    /// meets [`Class::WrongKey`].
    Gateway,
    /// Showing API keys or personal access tokens that are not good; counted beside the route's own class.
    WrongKey,
    /// Asking for a captcha's challenge. Only a form or a sign-up is worth one.
    Challenge,
    /// Everything else.
    General,
}

/// The routes with a class of their own; all others are [`Class::General`].
const CLASSES: &[(&str, &str, Class)] = &[
    ("POST", "/user/register", Class::SignUp),
    ("POST", "/user/login", Class::Login),
    ("POST", "/finradar/api/v1/auth/redeem-invite", Class::Proof),
    ("POST", "/finradar/api/v1/auth/register", Class::SignUp),
    ("POST", "/finradar/api/v1/auth/login", Class::Login),
    ("PUT", "/finradar/api/v1/auth/newpassword", Class::Login),
    ("POST", "/finradar/api/v1/auth/resend-verification", Class::Mail),
    ("POST", "/finradar/api/v1/auth/forgetpassword", Class::Mail),
    ("GET", "/finradar/api/v1/auth/verifyEmail", Class::Proof),
    ("POST", "/orbai/api/v1/auth/register", Class::SignUp),
    ("POST", "/orbai/api/v1/auth/login", Class::Login),
    ("POST", "/orbai/api/v1/auth/refresh", Class::Proof),
    ("POST", "/orbai/api/v1/auth/forgot-password", Class::Mail),
    ("POST", "/orbai/api/v1/auth/reset-password", Class::Login),
    ("POST", "/orbai/api/v1/auth/magic-link/request", Class::Mail),
    ("POST", "/orbai/api/v1/auth/magic-link/verify", Class::Proof),
    ("POST", "/orbai/api/v1/auth/change-password", Class::Login),
    ("POST", "/appmaker/api/v1/auth/login", Class::Login),
    ("POST", "/appmaker/api/v1/auth/refresh-token", Class::Proof),
    ("POST", "/appmaker/api/v1/auth/generate-reset-token", Class::Mail),
    ("POST", "/appmaker/api/v1/auth/change-password", Class::Login),
    ("POST", "/appmaker/api/v1/me", Class::Login),
    ("POST", "/appmaker/api/v1/auth/register/{token}", Class::SignUp),
    ("POST", "/appmaker/api/v1/organizations/{id}/invitations", Class::Mail),
    ("GET", "/invitation", Class::Proof),
    ("POST", "/invitation", Class::SignUp),
    ("POST", "/user/request-reset-password", Class::Mail),
    ("POST", "/user/resend-verification/{verificationTokenId}", Class::Mail),
    ("POST", "/organization/users", Class::Mail),
    ("POST", "/organization/users/{id}/resend-invitation", Class::Mail),
    ("POST", "/user/pre-verify-email", Class::Proof),
    ("POST", "/user/verify-email", Class::Proof),
    ("POST", "/user/reset-password", Class::Login),
    ("POST", "/user/refresh", Class::Proof),
    ("POST", "/mfa/setup", Class::Mail),
    ("POST", "/mfa/verify-setup", Class::Proof),
    ("POST", "/mfa/verify-login", Class::Proof),
    ("POST", "/mfa/disable", Class::Proof),
    ("POST", "/mfa/reset", Class::Proof),
    ("POST", "/orbai/api/v1/security/totp/enable", Class::Proof),
    ("POST", "/orbai/api/v1/security/totp/disable", Class::Proof),
    ("POST", "/orbai/api/v1/security/totp/recovery-codes", Class::Proof),
    ("POST", "/keys/verify", Class::Gateway),
    ("GET", "/forward-auth", Class::Gateway),
    ("POST", "/forward-auth", Class::Gateway),
    ("GET", "/captcha/challenge", Class::Challenge),
    ("POST", "/mailbox/clear", Class::Proof),
    ("GET", "/verify-email", Class::Proof),
    ("POST", "/verify-email", Class::Proof),
    ("POST", "/verify-email/not-me", Class::Proof),
    ("GET", "/reset-password", Class::Proof),
    ("POST", "/reset-password", Class::Login),
    ("POST", "/user/change-email", Class::Login),
    ("POST", "/user/confirm-email", Class::Proof),
    ("GET", "/magic-link", Class::Proof),
    ("GET", "/change-email", Class::Proof),
    ("POST", "/change-email", Class::Proof),
    ("GET", "/undo-change-email", Class::Proof),
    ("POST", "/undo-change-email", Class::Proof),
];

impl Class {
    const ALL: [Class; 8] = [
        Class::SignUp,
        Class::Login,
        Class::Mail,
        Class::Proof,
        Class::Gateway,
        Class::WrongKey,
        Class::Challenge,
        Class::General,
    ];

    /// The class of a route, by its pattern.
    pub fn of(method: &str, pattern: &str) -> Class {
        // A HEAD does what its GET does.
        let method = if method == "HEAD" { "GET" } else { method };
        let row = CLASSES.iter().find(|(m, p, _)| *m == method && *p == pattern);
        row.map_or(Class::General, |(_, _, class)| *class)
    }

    /// Calls a minute and network, all of which may come at once.
    pub fn per_minute(self) -> NonZeroU32 {
        const fn calls(n: u32) -> NonZeroU32 {
            match NonZeroU32::new(n) {
                Some(n) => n,
                None => NonZeroU32::MIN,
            }
        }
        match self {
            Class::SignUp | Class::Login | Class::Mail => const { calls(10) },
            Class::Proof | Class::WrongKey | Class::Challenge => const { calls(60) },
            Class::Gateway => const { calls(600_000) },
            Class::General => const { calls(1200) },
        }
    }
}

/// Networks that are counted one by one, a class each. Past that, calls are counted for one of 65,536 shared buckets.
const NETWORKS: usize = 100_000;
/// Calls of a class between two clean-ups of its budgets.
const CLEAN_UP_EVERY: u64 = 4_096;

/// Whom a call is counted for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Network(Network),
    Bucket(u16),
}

type Limiter = RateLimiter<Key, DashMapStateStore<Key>, LimitClock, NoOpMiddleware<Moment>>;

/// The budgets of one class.
struct Budgets {
    class: Class,
    limiter: Limiter,
    calls: AtomicU64,
}

/// The budgets of all networks.
pub struct Limits {
    budgets: Vec<Budgets>,
    clock: LimitClock,
    hasher: RandomState,
    enabled: bool,
    /// What contracts publish, beside the classes.
    pub published: PublishedBudgets,
}

impl Limits {
    /// Full budgets for everybody; without limits when `enabled` is false.
    pub fn new(clock: Clock, enabled: bool) -> Limits {
        let published = PublishedBudgets::new(clock.clone(), enabled);
        let clock = LimitClock(clock);
        let budgets = |class: Class| {
            let quota = Quota::per_minute(class.per_minute());
            let limiter = RateLimiter::new(quota, DashMapStateStore::default(), clock.clone());
            Budgets { class, limiter, calls: AtomicU64::new(0) }
        };
        let budgets = Class::ALL.map(budgets).into();
        Limits { budgets, clock, hasher: RandomState::new(), enabled, published }
    }

    /// Counts a call.
    ///
    /// # Errors
    /// The span to wait before the next is allowed.
    pub fn count(&self, class: Class, network: Network) -> Result<(), Duration> {
        if !self.enabled {
            return Ok(());
        }
        let Budgets { limiter, calls, .. } = self.budgets(class);
        if calls.fetch_add(1, Ordering::Relaxed) % CLEAN_UP_EVERY == CLEAN_UP_EVERY - 1 {
            limiter.retain_recent();
        }
        let key = if limiter.len() < NETWORKS { Key::Network(network) } else { self.bucket(network) };
        limiter.check_key(&key).map_err(|refusal| {
            refusal.wait_time_from(governor::clock::Clock::now(&self.clock)).max(Duration::from_secs(1))
        })
    }

    fn budgets(&self, class: Class) -> &Budgets {
        self.budgets.iter().find(|budgets| budgets.class == class).expect("every class has its budgets")
    }

    fn bucket(&self, network: Network) -> Key {
        Key::Bucket(self.hasher.hash_one(network) as u16)
    }
}

/// Our clock as governor reads it.
#[derive(Debug, Clone)]
struct LimitClock(Clock);

/// Nanoseconds since the clock's own start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(Duration);

impl Reference for Moment {
    fn duration_since(&self, earlier: Moment) -> Nanos {
        Nanos::from(self.0.saturating_sub(earlier.0))
    }

    fn saturating_sub(&self, span: Nanos) -> Moment {
        Moment(self.0.saturating_sub(span.into()))
    }
}

impl std::ops::Add<Nanos> for Moment {
    type Output = Moment;
    fn add(self, span: Nanos) -> Moment {
        Moment(self.0 + Duration::from(span))
    }
}

impl governor::clock::Clock for LimitClock {
    type Instant = Moment;
    fn now(&self) -> Moment {
        Moment(self.0.monotonic())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::Millis;
    use std::net::{IpAddr, Ipv4Addr};

    fn network(number: u32) -> Network {
        Network::from(IpAddr::V4(Ipv4Addr::from_bits(number)))
    }

    #[test]
    fn ten_sign_ups_a_minute_and_network() {
        let clock = Clock::fixed(Millis(1_000_000));
        let limits = Limits::new(clock.clone(), true);
        let allowed = |who| (0..20).filter(|_| limits.count(Class::SignUp, network(who)).is_ok()).count();
        assert_eq!(allowed(1), 10);
        assert_eq!(allowed(2), 10, "another network has a budget of its own");
        assert_eq!(limits.count(Class::Login, network(1)), Ok(()), "and so has another class");
        clock.advance(Duration::from_secs(6));
        assert_eq!(allowed(1), 1, "a tenth of it is back after six seconds");
        assert!(limits.count(Class::SignUp, network(1)).is_err_and(|wait| wait <= Duration::from_secs(6)));
    }

    // H6
    #[test]
    fn memory_is_bounded_under_a_million_networks() {
        let limits = Limits::new(Clock::fixed(Millis(0)), true);
        for number in 0..1_000_000 {
            let _ = limits.count(Class::SignUp, network(number));
        }
        assert!(limits.budgets(Class::SignUp).limiter.len() <= NETWORKS + usize::from(u16::MAX) + 1);
    }
}

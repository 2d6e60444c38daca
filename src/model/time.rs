//! Moments and spans as the database and the wire know them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

/// A moment: milliseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

/// One second.
pub const SECOND: Duration = Duration::from_secs(1);
/// One minute.
pub const MINUTE: Duration = Duration::from_secs(60);
/// One hour.
pub const HOUR: Duration = Duration::from_secs(3600);
/// One day of 24 hours.
pub const DAY: Duration = Duration::from_secs(86_400);

impl Millis {
    /// Whole seconds since the epoch, rounded down: the unit of JWT claims (RFC 7519 section 2).
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The span from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Millis) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// RFC 3339 in UTC with whole seconds, as in `2026-02-09T12:00:00Z`.
    pub fn rfc3339(self) -> String {
        jiff::Timestamp::from_second(self.seconds())
            .map_or_else(|_| String::from("out of range"), |t| t.to_string())
    }
}

impl Add<Duration> for Millis {
    type Output = Millis;
    fn add(self, span: Duration) -> Millis {
        Millis(self.0.saturating_add(span_ms(span)))
    }
}

impl Sub<Duration> for Millis {
    type Output = Millis;
    fn sub(self, span: Duration) -> Millis {
        Millis(self.0.saturating_sub(span_ms(span)))
    }
}

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// A span in milliseconds, saturating.
pub fn span_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

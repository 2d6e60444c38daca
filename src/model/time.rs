//! Moments and spans as the database and the wire know them.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, SpanRelativeTo, Timestamp, Zoned};

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
        Timestamp::from_second(self.seconds())
            .map_or_else(|_| String::from("out of range"), |t| t.to_string())
    }

    /// Reads a moment as RFC 3339 writes it, or a bare date, which is its first moment in UTC.
    pub fn parse_date(text: &str) -> Option<Millis> {
        // The calendar's parser of dates would overlook a time behind one.
        let moment = match text.len() {
            10 => text.parse::<Date>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
            _ => text.parse::<Timestamp>().ok()?,
        };
        Some(Millis(moment.as_millisecond()))
    }

    /// The moment so many calendar months later, in UTC; the last day of the month where it has no such day. None past
    /// the end of the calendar.
    pub fn plus_months(self, months: i64) -> Option<Millis> {
        let span = Span::new().try_months(months).ok()?;
        let later = self.in_utc()?.checked_add(span).ok()?;
        Some(Millis(later.timestamp().as_millisecond()))
    }

    /// From the month of `self` to that of `later`, in UTC. None past the end of the calendar.
    pub fn months_until(self, later: Millis) -> Option<i64> {
        let (from, to) = (self.in_utc()?, later.in_utc()?);
        Some(i64::from(to.year() - from.year()) * 12 + i64::from(to.month() - from.month()))
    }

    fn in_utc(self) -> Option<Zoned> {
        Some(Timestamp::from_millisecond(self.0).ok()?.to_zoned(TimeZone::UTC))
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

/// Reads a span such as `30d`, `12h` or `1d 12h`: more than nothing and at most a hundred years, days of 24 hours.
pub fn parse_span(text: &str) -> Option<Duration> {
    let span = text.trim().parse::<Span>().ok()?.to_duration(SpanRelativeTo::days_are_24_hours()).ok()?;
    let span = Duration::try_from(span).ok()?;
    (!span.is_zero() && span <= DAY * 36_525).then_some(span)
}

/// A span in milliseconds, saturating.
pub fn span_ms(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_in_days_and_less() {
        for (text, span) in [
            ("30d", Some(30 * DAY)),
            ("12h", Some(12 * HOUR)),
            ("45m", Some(45 * MINUTE)),
            ("1d 12h", Some(36 * HOUR)),
        ] {
            assert_eq!(parse_span(text), span, "{text}");
        }
        for text in ["", "0d", "-1d", "30", "soon", "1mo", "999999d"] {
            assert_eq!(parse_span(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_is_read_as_a_day_or_a_moment() {
        let rows = [
            ("1970-01-02", Some(86_400_000)),
            ("1970-01-01T01:00:00Z", Some(3_600_000)),
            ("1970-01-01T01:00:00+01:00", Some(0)),
            ("1970-13-01", None),
            ("1970-02-30", None),
            ("1970-01-01T01:00:00", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, moment) in rows {
            assert_eq!(Millis::parse_date(text), moment.map(Millis), "{text}");
        }
    }
}

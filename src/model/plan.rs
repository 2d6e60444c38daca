//! Plans: for how long they can be had, at what price, and what they allow.

use std::time::Duration;

use super::id::{CapabilityId, PeriodId};
use super::time::{DAY, Millis};

/// How long a period is, by its published name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeriodType {
    AllTime,
    Daily,
    Weekly,
    Monthly,
    Yearly,
}

impl PeriodType {
    /// All of them.
    pub const ALL: [PeriodType; 5] =
        [PeriodType::AllTime, PeriodType::Daily, PeriodType::Weekly, PeriodType::Monthly, PeriodType::Yearly];

    /// The published name.
    pub fn as_str(self) -> &'static str {
        match self {
            PeriodType::AllTime => "ALL_TIME",
            PeriodType::Daily => "DAILY",
            PeriodType::Weekly => "WEEKLY",
            PeriodType::Monthly => "MONTHLY",
            PeriodType::Yearly => "YEARLY",
        }
    }

    /// The type of a name.
    pub fn of_name(name: &str) -> Option<PeriodType> {
        PeriodType::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// When the period that `now` is in ends, of periods that follow one another from `start` on. Ends are exclusive: at
    /// the end of one the next has begun. Months are counted from the start, so one that began on the 31st is on the
    /// 31st again wherever a month has one.
    pub fn end_after(self, start: Millis, now: Millis) -> Option<Millis> {
        match self {
            PeriodType::AllTime => None,
            PeriodType::Daily => Some(whole_spans(start, now, DAY)),
            PeriodType::Weekly => Some(whole_spans(start, now, 7 * DAY)),
            PeriodType::Monthly => whole_months(start, now, 1),
            PeriodType::Yearly => whole_months(start, now, 12),
        }
    }
}

fn whole_spans(start: Millis, now: Millis, span: Duration) -> Millis {
    let spans = now.since(start).as_millis() / span.as_millis() + 1;
    start + span.saturating_mul(u32::try_from(spans).unwrap_or(u32::MAX))
}

/// None past the end of the calendar.
fn whole_months(start: Millis, now: Millis, step: i64) -> Option<Millis> {
    // The end lies in the month of `now` or in the first step after it.
    let steps = (start.months_until(now)? / step).max(1);
    let ends = [steps, steps + 1].map(|steps| start.plus_months(steps * step));
    ends.into_iter().flatten().find(|end| *end > now)
}

/// A period of a plan.
#[derive(Debug, Clone)]
pub struct Period {
    pub id: PeriodId,
    /// The plan's key.
    pub plan: String,
    pub kind: PeriodType,
    pub price_cents: i64,
    /// Ledger tokens granted with each period.
    pub credits_granted: Option<i64>,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CapabilityCode {
    /// Users of the organization.
    Users,
    /// Live sessions of one user.
    Sessions,
    ApiKeys,
    /// Ledger tokens.
    Tokens,
}

impl CapabilityCode {
    /// All of them.
    pub const ALL: [CapabilityCode; 4] =
        [CapabilityCode::Users, CapabilityCode::Sessions, CapabilityCode::ApiKeys, CapabilityCode::Tokens];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            CapabilityCode::Users => "USERS",
            CapabilityCode::Sessions => "SESSIONS",
            CapabilityCode::ApiKeys => "API_KEYS",
            CapabilityCode::Tokens => "TOKENS",
        }
    }

    /// The code of a name.
    pub fn of_name(name: &str) -> Option<CapabilityCode> {
        CapabilityCode::ALL.into_iter().find(|code| code.as_str() == name)
    }
}

/// What a plan allows of one thing.
#[derive(Debug, Clone)]
pub struct Capability {
    pub id: CapabilityId,
    pub code: CapabilityCode,
    pub description: String,
    /// `LIMIT` (so many at once) or `ALLOWANCE` (so many in a period).
    pub kind: String,
    pub price_cents: i64,
    pub period: PeriodType,
    pub value: i64,
}

/// A plan with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Its key: `free`, `trial`, `paid`.
    pub id: String,
    pub name: String,
    pub description: String,
    pub periods: Vec<Period>,
    pub capabilities: Vec<Capability>,
}

/// How much of a capability is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Usage {
    pub current: i64,
    pub max: i64,
}

impl Usage {
    /// Rounded down, so that 100 means used up; above 100 where a smaller plan followed a larger one.
    pub fn percentage(self) -> i64 {
        match (self.current, self.max) {
            (0, _) => 0,
            (_, ..=0) => 100,
            (current, max) => current.saturating_mul(100) / max,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        Millis::parse_date(text).expect("a date")
    }

    // G6: clock boundaries
    #[test]
    fn periods_follow_one_another_without_gap_or_overlap() {
        let rows = [
            (PeriodType::Daily, "2026-03-01", "2026-03-01", "2026-03-02"),
            (PeriodType::Daily, "2026-03-01", "2026-03-02", "2026-03-03"),
            (PeriodType::Weekly, "2026-03-01", "2026-03-07T23:59:59.999Z", "2026-03-08"),
            (PeriodType::Weekly, "2026-03-01", "2026-03-08", "2026-03-15"),
            (PeriodType::Monthly, "2026-01-31", "2026-01-31", "2026-02-28"),
            (PeriodType::Monthly, "2026-01-31", "2026-02-27T23:59:59.999Z", "2026-02-28"),
            (PeriodType::Monthly, "2026-01-31", "2026-02-28", "2026-03-31"),
            (PeriodType::Monthly, "2026-01-31", "2026-03-30", "2026-03-31"),
            (PeriodType::Monthly, "2026-01-15", "2027-01-14T23:59:59.999Z", "2027-01-15"),
            (PeriodType::Monthly, "2026-01-15", "2027-01-15", "2027-02-15"),
            (PeriodType::Yearly, "2024-02-29", "2024-02-29", "2025-02-28"),
            (PeriodType::Yearly, "2024-02-29", "2027-12-31", "2028-02-29"),
            (PeriodType::Yearly, "2024-02-29", "2028-02-29", "2029-02-28"),
            (PeriodType::Monthly, "2026-03-01", "2026-02-01", "2026-04-01"),
        ];
        for (kind, start, now, end) in rows {
            assert_eq!(kind.end_after(at(start), at(now)), Some(at(end)), "{kind:?} from {start} at {now}");
        }
        assert_eq!(PeriodType::AllTime.end_after(at("2026-03-01"), at("2036-03-01")), None);
        assert_eq!(PeriodType::Monthly.end_after(Millis(0), Millis(i64::MAX)), None, "past the calendar");
    }

    #[test]
    fn a_share_is_rounded_down_and_nothing_of_nothing_is_none() {
        let rows = [(0, 0, 0), (1, 0, 100), (0, 5, 0), (1, 3, 33), (5, 5, 100), (7, 5, 140)];
        for (current, max, share) in rows {
            assert_eq!(Usage { current, max }.percentage(), share, "{current} of {max}");
        }
    }
}

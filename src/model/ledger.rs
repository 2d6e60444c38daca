//! The ledger of an organization: tokens granted each month, credited by hand, and debited by calls. "Tokens" here are
//! what a call costs, never the signed ones.

use super::api_key::Endpoint;
use super::fault::Rule;
use super::id::{ApiKeyId, OrganizationId, SubscriptionId};
use super::plan::PeriodType;
use super::time::Millis;

/// The most that one call may cost.
pub const MOST_COST: i64 = 1_000_000_000;
/// The most that may be credited at once, and that an organization may hold in credits.
pub const MOST_CREDIT: i64 = 1_000_000_000_000;

/// What a call costs: 0 to [`MOST_COST`] tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cost(i64);

impl Cost {
    /// What a call costs that says nothing of it.
    pub const ONE: Cost = Cost(1);

    /// Nothing below 0 and nothing above [`MOST_COST`] (G6).
    pub fn of(tokens: i64) -> Option<Cost> {
        (0..=MOST_COST).contains(&tokens).then_some(Cost(tokens))
    }

    /// In tokens.
    pub fn tokens(self) -> i64 {
        self.0
    }
}

/// A caller's own name for a debit, so that asking for it again debits nothing again: 1 to 255 characters, none of which is
/// a control character (PostgreSQL keeps no U+0000 in a text).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// Parses a key. Nothing is trimmed: what differs in a space is another.
    ///
    /// # Errors
    /// [`Rule::MinChars`], [`Rule::MaxChars`], [`Rule::ControlCharacters`].
    pub fn parse(text: &str) -> Result<IdempotencyKey, Rule> {
        match text.chars().count() {
            0 => Err(Rule::MinChars(1)),
            256.. => Err(Rule::MaxChars(255)),
            _ if text.chars().any(char::is_control) => Err(Rule::ControlCharacters),
            _ => Ok(IdempotencyKey(text.to_owned())),
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an organization's plan says of tokens, as it stands.
#[derive(Debug, Clone)]
pub struct Terms {
    pub subscription: SubscriptionId,
    /// The plan's key.
    pub plan: String,
    pub period_type: PeriodType,
    pub starts_at: Millis,
    /// None runs until canceled.
    pub ends_at: Option<Millis>,
    pub tokens_a_month: i64,
    /// Rate of metered calls.
    pub calls_a_minute: i64,
    /// Whether the plan costs something.
    pub priced: bool,
}

impl Terms {
    /// Whether the plan is in force. The end is exclusive.
    pub fn in_force(&self, now: Millis) -> bool {
        self.ends_at.is_none_or(|end| now < end)
    }

    /// The month that `now` is in, of months that follow one another from the start on, so that one begun on the 31st is
    /// on the 31st again wherever a month has one.
    fn month(&self, now: Millis) -> (Millis, Millis) {
        let end = PeriodType::Monthly.end_after(self.starts_at, now).unwrap_or(Millis(i64::MAX));
        let months = self.starts_at.months_until(now).unwrap_or(0).max(0);
        let begun = [months, months - 1].into_iter().filter_map(|months| self.starts_at.plus_months(months));
        let begin = begun.filter(|begin| *begin <= now).max().unwrap_or(self.starts_at);
        (begin, end)
    }
}

/// What an organization has, as the database holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    pub organization: OrganizationId,
    /// Left of the month's grant; void at the next.
    pub monthly: i64,
    /// Credited by hand or earned; stays.
    pub credits: i64,
    /// What a month of the plan has: what is not left of it is spent.
    pub granted: i64,
    /// Entries written so far: the number of the latest.
    pub entries: i64,
    /// The subscription that the month is of.
    pub subscription: Option<SubscriptionId>,
    /// When the month is over.
    pub refill_at: Millis,
    /// When the month began for which a plan without a price last granted its tokens.
    pub unpriced_from: Option<Millis>,
}

impl Ledger {
    /// An organization's ledger before its first month.
    pub fn new(organization: OrganizationId) -> Ledger {
        Ledger {
            organization,
            monthly: 0,
            credits: 0,
            granted: 0,
            entries: 0,
            subscription: None,
            refill_at: Millis(0),
            unpriced_from: None,
        }
    }

    /// What can be spent: never negative, and the sum of all entries.
    pub fn balance(&self) -> i64 {
        self.monthly + self.credits
    }

    /// The ledger as it has to be at `now`, when it is not so already: a month is over, or another subscription is in
    /// force. What is left of the month before is void; a plan that costs something grants its tokens whenever it is
    /// started, one that does not at most once in a month, so that starting it again and again gains nothing.
    pub fn due(&self, terms: Option<&Terms>, now: Millis) -> Option<Due> {
        let Some(terms) = terms.filter(|terms| terms.in_force(now)) else {
            let ledger =
                Ledger { monthly: 0, granted: 0, subscription: None, refill_at: Millis(0), ..self.clone() };
            return (ledger != *self).then_some(Due { ledger, void: self.monthly, grant: 0 });
        };
        let same = self.subscription == Some(terms.subscription);
        if same && now < self.refill_at {
            return None;
        }
        let (begin, end) = terms.month(now);
        let granted_lately = |from: Millis| from.plus_months(1).is_none_or(|next| now < next);
        let month = Ledger { subscription: Some(terms.subscription), refill_at: end, ..self.clone() };
        Some(if !same && !terms.priced && self.unpriced_from.is_some_and(granted_lately) {
            let kept = self.monthly.min(terms.tokens_a_month);
            // What a month of this plan has, or its quota would be shown against the plan's before.
            let granted = terms.tokens_a_month;
            Due { ledger: Ledger { monthly: kept, granted, ..month }, void: self.monthly - kept, grant: 0 }
        } else {
            let grant = terms.tokens_a_month;
            let unpriced_from = if terms.priced { self.unpriced_from } else { Some(begin) };
            let ledger = Ledger { monthly: grant, granted: grant, unpriced_from, ..month };
            Due { ledger, void: self.monthly, grant }
        })
    }
}

/// What has to happen to a ledger before it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The ledger afterwards, but for the numbers of the entries.
    pub ledger: Ledger,
    /// Tokens of the month before that are void.
    pub void: i64,
    /// Tokens of the month that begins.
    pub grant: i64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// The tokens of a month.
    Grant,
    /// What was left of a month and is void.
    Expiry,
    /// By the operator, or a reward.
    Credit,
    /// A call.
    Debit,
}

impl EntryKind {
    const ALL: [EntryKind; 4] = [EntryKind::Grant, EntryKind::Expiry, EntryKind::Credit, EntryKind::Debit];

    /// The word in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            EntryKind::Grant => "grant",
            EntryKind::Expiry => "expiry",
            EntryKind::Credit => "credit",
            EntryKind::Debit => "debit",
        }
    }

    /// The kind of a word.
    pub fn of_word(word: &str) -> Option<EntryKind> {
        EntryKind::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A line of the ledger. Lines are only ever added; they name no person.
#[derive(Debug, Clone)]
pub struct LedgerEntry {
    pub organization: OrganizationId,
    /// From 1 on, without gaps.
    pub number: i64,
    pub at: Millis,
    pub kind: EntryKind,
    /// Negative for debits and expiries.
    pub delta: i64,
    /// What can be spent after it.
    pub balance: i64,
    pub endpoint: Option<Endpoint>,
    pub key: Option<ApiKeyId>,
    /// The id of the request that caused it, as `X-Request-Id` told it; or the reason of a credit.
    pub detail: String,
}

#[cfg(test)]
mod tests;

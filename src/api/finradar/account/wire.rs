//! What travels when a ledger is shown. Moments are RFC 3339 in UTC.

use poem_openapi::Object;

use crate::model::ledger::{EntryKind, LedgerEntry};
use crate::model::time::{DAY, Millis};
use crate::service::ledger::Use;
use crate::service::metering::Payer;

/// What can be spent.
#[derive(Object)]
#[oai(rename = "FinRadarBalance")]
pub struct BalanceBody {
    /// In ledger tokens; never negative.
    current_balance: i64,
    /// `free` or `paid`.
    plan: String,
    /// Ledger tokens granted each month; 0 while no plan is in force.
    monthly_quota: i64,
    /// Days until the month's tokens come, rounded up; null while no plan is in force.
    #[oai(nullable)]
    days_until_refill: Option<i64>,
    /// Whether no plan is in force, so that no tokens come.
    suspended: bool,
    /// When the month ends; null while no plan is in force.
    #[oai(nullable)]
    billing_cycle_end: Option<String>,
}

impl BalanceBody {
    /// What a payer can spend.
    pub fn new(payer: &Payer, now: Millis) -> BalanceBody {
        let (ledger, terms) = (&payer.standing.ledger, payer.standing.terms.as_ref());
        let refill = terms.map(|_| ledger.refill_at);
        BalanceBody {
            current_balance: ledger.balance(),
            plan: if terms.is_some_and(|terms| terms.priced) { "paid" } else { "free" }.to_owned(),
            monthly_quota: terms.map_or(0, |terms| terms.tokens_a_month),
            days_until_refill: refill.map(|at| days_until(at, now)),
            suspended: terms.is_none(),
            billing_cycle_end: refill.map(Millis::rfc3339),
        }
    }
}

fn days_until(at: Millis, now: Millis) -> i64 {
    i64::try_from(at.since(now).as_millis().div_ceil(DAY.as_millis())).unwrap_or(i64::MAX)
}

/// Changes of the balance, newest first.
#[derive(Object)]
#[oai(rename = "FinRadarTransactions")]
pub struct TransactionsBody {
    pub transactions: Vec<TransactionBody>,
}

/// One change of the balance.
#[derive(Object)]
#[oai(rename = "FinRadarTransaction")]
pub struct TransactionBody {
    created_at: String,
    /// In ledger tokens; negative for debits and expiries.
    delta: i64,
    /// What a call was for; empty where it was not said, and for all that is no call.
    endpoint: String,
    metadata: MetadataBody,
}

/// More about a change of the balance.
#[derive(Object)]
#[oai(rename = "FinRadarTransactionMetadata", skip_serializing_if_is_none)]
pub struct MetadataBody {
    /// `X-Request-Id` of the check that debited it.
    request_id: Option<String>,
    /// `grant`, `expiry`, `credit` or `debit`.
    kind: String,
    /// After it.
    balance: i64,
    /// Id of the API key that paid.
    api_key_id: Option<String>,
    /// Why it was credited.
    reason: Option<String>,
}

impl From<LedgerEntry> for TransactionBody {
    fn from(entry: LedgerEntry) -> TransactionBody {
        let detail = Some(entry.detail).filter(|detail| !detail.is_empty());
        let (request_id, reason) = match entry.kind {
            EntryKind::Debit => (detail, None),
            EntryKind::Grant | EntryKind::Expiry | EntryKind::Credit => (None, detail),
        };
        TransactionBody {
            created_at: entry.at.rfc3339(),
            delta: entry.delta,
            endpoint: entry.endpoint.map(|endpoint| endpoint.as_str().to_owned()).unwrap_or_default(),
            metadata: MetadataBody {
                request_id,
                kind: entry.kind.as_str().to_owned(),
                balance: entry.balance,
                api_key_id: entry.key.map(|key| key.to_string()),
                reason,
            },
        }
    }
}

/// What calls cost.
#[derive(Object)]
#[oai(rename = "FinRadarUsage")]
pub struct UsageBody {
    window_days: i64,
    /// The oldest day first; days without calls are left out.
    daily: Vec<DayBody>,
    /// The endpoints that cost most, at most ten.
    top_endpoints: Vec<EndpointBody>,
}

/// A day's calls.
#[derive(Object)]
#[oai(rename = "FinRadarUsageDay")]
pub struct DayBody {
    /// As in `2026-03-01` (UTC).
    day: String,
    calls: i64,
    tokens: i64,
}

/// An endpoint's calls.
#[derive(Object)]
#[oai(rename = "FinRadarUsageEndpoint")]
pub struct EndpointBody {
    /// Empty for calls that named none.
    endpoint: String,
    calls: i64,
    tokens: i64,
}

impl UsageBody {
    /// What calls cost within so many days.
    pub fn new(days: i64, usage: Use) -> UsageBody {
        let day =
            |number: i64| Millis(number.saturating_mul(86_400_000)).rfc3339().chars().take(10).collect();
        let daily = usage.daily.into_iter();
        let top = usage.top.into_iter();
        UsageBody {
            window_days: days,
            daily: daily
                .map(|spent| DayBody { day: day(spent.by), calls: spent.calls, tokens: spent.tokens })
                .collect(),
            top_endpoints: top
                .map(|spent| EndpointBody { endpoint: spent.by, calls: spent.calls, tokens: spent.tokens })
                .collect(),
        }
    }
}

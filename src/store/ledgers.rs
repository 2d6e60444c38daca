//! What organizations have to spend, and every change of it, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::api_key::Endpoint;
use crate::model::id::OrganizationId;
use crate::model::ledger::{Cost, Ledger, LedgerEntry, Terms};
use crate::model::time::Millis;

/// What an organization's latest subscription says of tokens.
pub fn terms(tx: &Tx<'_>, organization: OrganizationId) -> Result<Option<Terms>, Unavailable> {
    let sql =
        "select s.id, s.plan_id, p.period_type, s.starts_at, s.ends_at, l.tokens_a_month, l.calls_a_minute,
            p.price_cents > 0
        from subscriptions s
        join plan_periods p on p.id = s.period_id
        join plans l on l.id = s.plan_id
        where s.organization_id = ?1 order by s.starts_at desc, s.id desc limit 1";
    tx.row(sql, params![organization], |row: &mut Row| {
        Ok(Terms {
            subscription: row.take()?,
            plan: row.take()?,
            period_type: row.take()?,
            starts_at: row.take()?,
            ends_at: row.take()?,
            tokens_a_month: row.take()?,
            calls_a_minute: row.take()?,
            priced: row.take()?,
        })
    })
}

/// An organization's ledger, if it has one yet.
pub fn find(tx: &Tx<'_>, organization: OrganizationId) -> Result<Option<Ledger>, Unavailable> {
    let sql = "select organization_id, monthly, credits, granted, entries, subscription_id, refill_at, unpriced_from
        from ledgers where organization_id = ?1";
    tx.row(sql, params![organization], |row: &mut Row| {
        Ok(Ledger {
            organization: row.take()?,
            monthly: row.take()?,
            credits: row.take()?,
            granted: row.take()?,
            entries: row.take()?,
            subscription: row.take()?,
            refill_at: row.take()?,
            unpriced_from: row.take()?,
        })
    })
}

/// Puts a ledger in the place of the one before, if there was one.
pub fn put(tx: &Tx<'_>, ledger: &Ledger) -> Result<(), Unavailable> {
    let sql = "insert into ledgers (organization_id, monthly, credits, granted, entries, subscription_id, refill_at,
            unpriced_from)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        on conflict (organization_id) do update set monthly = excluded.monthly, credits = excluded.credits,
            granted = excluded.granted, entries = excluded.entries, subscription_id = excluded.subscription_id,
            refill_at = excluded.refill_at, unpriced_from = excluded.unpriced_from";
    let Ledger { organization, monthly, credits, granted, entries, subscription, refill_at, unpriced_from } =
        *ledger;
    tx.execute(
        sql,
        params![organization, monthly, credits, granted, entries, subscription, refill_at, unpriced_from],
    )?;
    Ok(())
}

/// Takes a cost from what can be spent, the month's tokens first. The balance after it and the number of its entry;
/// `None` when there is too little: nothing has changed then (G2).
pub fn debit(
    tx: &Tx<'_>,
    organization: OrganizationId,
    cost: Cost,
) -> Result<Option<(i64, i64)>, Unavailable> {
    let sql = "update ledgers set
            monthly = case when monthly >= ?2 then monthly - ?2 else 0 end,
            credits = case when monthly >= ?2 then credits else credits - (?2 - monthly) end,
            entries = entries + 1
        where organization_id = ?1 and monthly + credits >= ?2
        returning monthly + credits, entries";
    tx.row(sql, params![organization, cost.tokens()], |row| Ok((row.take()?, row.take()?)))
}

/// Writes a line.
pub fn note(tx: &Tx<'_>, entry: &LedgerEntry) -> Result<(), Unavailable> {
    let sql = "insert into ledger_entries (organization_id, number, at, kind, delta, balance, endpoint, key_id, detail)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let LedgerEntry { organization, number, at, kind, delta, balance, endpoint, key, detail } = entry;
    let endpoint = endpoint.as_ref().map(Endpoint::as_str);
    let values =
        params![*organization, *number, *at, kind.as_str(), *delta, *balance, endpoint, *key, *detail];
    tx.execute(sql, values)?;
    Ok(())
}

/// The latest lines, newest first.
pub fn latest(
    tx: &Tx<'_>,
    organization: OrganizationId,
    limit: i64,
) -> Result<Vec<LedgerEntry>, Unavailable> {
    let sql = "select organization_id, number, at, kind, delta, balance, endpoint, key_id, detail
        from ledger_entries where organization_id = ?1 order by number desc limit ?2";
    tx.rows(sql, params![organization, limit], |row: &mut Row| {
        Ok(LedgerEntry {
            organization: row.take()?,
            number: row.take()?,
            at: row.take()?,
            kind: row.take()?,
            delta: row.take()?,
            balance: row.take()?,
            endpoint: row.take()?,
            key: row.take()?,
            detail: row.take()?,
        })
    })
}

/// Calls and what they cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spent<T> {
    /// The day, as its number since the epoch, or the endpoint.
    pub by: T,
    pub calls: i64,
    pub tokens: i64,
}

/// What calls cost day by day (UTC) since a moment, the oldest day first. Days without calls are left out. May read
/// many rows: for a thread of its own.
pub fn by_day(
    tx: &Tx<'_>,
    organization: OrganizationId,
    since: Millis,
) -> Result<Vec<Spent<i64>>, Unavailable> {
    let sql = "select at / 86400000, count(*), -sum(delta) from ledger_entries
        where organization_id = ?1 and at >= ?2 and kind = 'debit' group by at / 86400000 order by 1";
    tx.rows(sql, params![organization, since], |row| {
        Ok(Spent { by: row.take()?, calls: row.take()?, tokens: row.take()? })
    })
}

/// The endpoints that cost most since a moment. May read many rows: for a thread of its own.
pub fn by_endpoint(
    tx: &Tx<'_>,
    organization: OrganizationId,
    since: Millis,
    limit: i64,
) -> Result<Vec<Spent<String>>, Unavailable> {
    let sql = "select coalesce(endpoint, ''), count(*), -sum(delta) from ledger_entries
        where organization_id = ?1 and at >= ?2 and kind = 'debit'
        group by coalesce(endpoint, '') order by 3 desc, 1 limit ?3";
    tx.rows(sql, params![organization, since, limit], |row| {
        Ok(Spent { by: row.take()?, calls: row.take()?, tokens: row.take()? })
    })
}

/// What an idempotency key was used for.
#[derive(Debug, Clone)]
pub struct Remembered {
    pub request_digest: String,
    /// The balance that was answered.
    pub balance: i64,
}

/// What this organization used an idempotency key for.
pub fn remembered(
    tx: &Tx<'_>,
    organization: OrganizationId,
    key: &str,
) -> Result<Option<Remembered>, Unavailable> {
    let sql = "select request_digest, balance from idempotency_keys
        where organization_id = ?1 and idempotency_key = ?2";
    tx.row(sql, params![organization, key], |row| {
        Ok(Remembered { request_digest: row.take()?, balance: row.take()? })
    })
}

/// Remembers what an idempotency key was used for.
pub fn remember(
    tx: &Tx<'_>,
    organization: OrganizationId,
    key: &str,
    what: &Remembered,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql =
        "insert into idempotency_keys (organization_id, idempotency_key, request_digest, balance, used_at)
        values (?1, ?2, ?3, ?4, ?5)";
    tx.execute(sql, params![organization, key, what.request_digest, what.balance, now])?;
    Ok(())
}

/// Forgets idempotency keys used before `before`, at most `limit`.
pub fn forget(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from idempotency_keys where (organization_id, idempotency_key) in (
        select organization_id, idempotency_key from idempotency_keys where used_at < ?1 limit ?2)";
    tx.execute(sql, params![before, limit])
}

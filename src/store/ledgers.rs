//! What organizations have to spend, and every change of it, as rows.

use std::sync::LazyLock;

use super::{Row, Tx, Unavailable, params};
use crate::model::api_key::Endpoint;
use crate::model::id::{ApiKeyId, OrganizationId};
use crate::model::ledger::{Cost, IdempotencyKey, Ledger, LedgerEntry, Terms};
use crate::model::time::Millis;

/// What an organization's ledger says, and what its latest subscription says of tokens.
#[derive(Debug, Clone)]
pub struct Books {
    /// None before its first entry.
    pub ledger: Option<Ledger>,
    /// None where nothing was ever subscribed to.
    pub terms: Option<Terms>,
}

/// The columns that [`read_books`] reads, in its order.
pub(super) const BOOKS_COLUMNS: &str =
    "p.id is not null, s.id, s.plan_id, p.period_type, s.starts_at, s.ends_at,
    l.tokens_a_month, l.calls_a_minute, p.price_cents > 0, g.organization_id, g.monthly, g.credits, g.granted,
    g.entries, g.subscription_id, g.refill_at, g.unpriced_from";

/// What they come from, beside `organizations o`.
pub(super) const BOOKS_FROM: &str = "left join ledgers g on g.organization_id = o.id
    left join subscriptions s on s.organization_id = o.id
    left join plan_periods p on p.id = s.period_id
    left join plans l on l.id = s.plan_id";

/// What makes it one row: nothing else that is joined has more than one.
pub(super) const BOOKS_LATEST: &str = "order by s.starts_at desc, s.id desc limit 1";

/// Reads the columns of [`BOOKS_COLUMNS`].
pub(super) fn read_books(row: &mut Row) -> Result<Books, Unavailable> {
    let terms = if row.take()? {
        Some(Terms {
            subscription: row.take()?,
            plan: row.take()?,
            period_type: row.take()?,
            starts_at: row.take()?,
            ends_at: row.take()?,
            tokens_a_month: row.take()?,
            calls_a_minute: row.take()?,
            priced: row.take()?,
        })
    } else {
        // An outer join that finds nothing leaves its columns null.
        row.skip(8);
        None
    };
    Ok(Books { terms, ledger: read_ledger(row)? })
}

/// The columns of a ledger; `None` when they are of an outer join that found nothing.
fn read_ledger(row: &mut Row) -> Result<Option<Ledger>, Unavailable> {
    let Some(organization) = row.take()? else { return Ok(None) };
    Ok(Some(Ledger {
        organization,
        monthly: row.take()?,
        credits: row.take()?,
        granted: row.take()?,
        entries: row.take()?,
        subscription: row.take()?,
        refill_at: row.take()?,
        unpriced_from: row.take()?,
    }))
}

static BOOKS: LazyLock<String> = LazyLock::new(|| {
    format!("select {BOOKS_COLUMNS} from organizations o {BOOKS_FROM} where o.id = ?1 {BOOKS_LATEST}")
});

/// An organization's ledger and terms.
pub fn books(tx: &Tx<'_>, organization: OrganizationId) -> Result<Books, Unavailable> {
    let found = tx.row(&BOOKS, params![organization], read_books)?;
    Ok(found.unwrap_or(Books { ledger: None, terms: None }))
}

/// An organization's ledger, if it has one yet.
pub fn find(tx: &Tx<'_>, organization: OrganizationId) -> Result<Option<Ledger>, Unavailable> {
    Ok(books(tx, organization)?.ledger)
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

/// What a debit left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Debited {
    pub balance: i64,
    /// The number of its entry.
    pub entry: i64,
}

/// Takes the cost from the month's tokens first.
const TAKE: &str = "update ledgers set
        monthly = case when monthly >= ?2 then monthly - ?2 else 0 end,
        credits = case when monthly >= ?2 then credits else credits - (?2 - monthly) end,
        entries = entries + 1
    where organization_id = ?1 and monthly + credits >= ?2";
const LEFT: &str = "returning monthly + credits, entries";

/// The month of the ledger is not over at `?3`, and what was subscribed to for it is in force. Whoever starts another
/// subscription ends the one before, so this is the latest.
static TAKE_IF_SETTLED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{TAKE} and refill_at > ?3 and exists (select 1 from subscriptions s
            where s.id = ledgers.subscription_id and (s.ends_at is null or s.ends_at > ?3)) {LEFT}"
    )
});
static TAKE_OF_SETTLED: LazyLock<String> = LazyLock::new(|| format!("{TAKE} {LEFT}"));

/// Takes a cost from a ledger that has nothing to be settled at `now`, as nearly every call finds it. `None` when there
/// is something, or may be, or too little is left (G2): nothing has changed then.
pub fn debit_if_settled(
    tx: &Tx<'_>,
    organization: OrganizationId,
    cost: Cost,
    now: Millis,
) -> Result<Option<Debited>, Unavailable> {
    tx.row(&TAKE_IF_SETTLED, params![organization, cost.tokens(), now], read_debited)
}

/// Takes a cost from a ledger that was settled in this transaction. `None` when there is too little: nothing has changed
/// then (G2).
pub fn debit_settled(
    tx: &Tx<'_>,
    organization: OrganizationId,
    cost: Cost,
) -> Result<Option<Debited>, Unavailable> {
    tx.row(&TAKE_OF_SETTLED, params![organization, cost.tokens()], read_debited)
}

fn read_debited(row: &mut Row) -> Result<Debited, Unavailable> {
    Ok(Debited { balance: row.take()?, entry: row.take()? })
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
    let sql = "select at / 86400000, count(*), cast(-sum(delta) as bigint) from ledger_entries
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
    let sql = "select coalesce(endpoint, ''), count(*), cast(-sum(delta) as bigint) from ledger_entries
        where organization_id = ?1 and at >= ?2 and kind = 'debit'
        group by coalesce(endpoint, '') order by 3 desc, 1 limit ?3";
    tx.rows(sql, params![organization, since, limit], |row| {
        Ok(Spent { by: row.take()?, calls: row.take()?, tokens: row.take()? })
    })
}

/// A debit that may be asked for again without being made again.
#[derive(Debug, Clone, Copy)]
pub struct Repeatable<'a> {
    /// The API key that pays: each has idempotency keys of its own.
    pub payer: ApiKeyId,
    pub key: &'a IdempotencyKey,
    /// SHA-256 of what is asked for.
    pub request_digest: &'a str,
}

/// What an idempotency key was used for before.
#[derive(Debug, Clone)]
pub struct Remembered {
    pub request_digest: String,
    /// The balance that was answered.
    pub balance: i64,
}

/// Takes an idempotency key for a debit of this transaction, whose balance [`remember`] adds. Of many at once one gets
/// `None`, which is to debit; the others get what it was used for.
pub fn claim(tx: &Tx<'_>, debit: Repeatable<'_>, now: Millis) -> Result<Option<Remembered>, Unavailable> {
    let Repeatable { payer, key, request_digest } = debit;
    let sql = "insert into idempotent_debits (api_key_id, idempotency_key, request_digest, balance, used_at)
        values (?1, ?2, ?3, 0, ?4) on conflict (api_key_id, idempotency_key) do nothing";
    if tx.execute(sql, params![payer, key.as_str(), request_digest, now])? == 1 {
        return Ok(None);
    }
    let sql = "select request_digest, balance from idempotent_debits
        where api_key_id = ?1 and idempotency_key = ?2";
    let found = tx.row(sql, params![payer, key.as_str()], |row| {
        Ok(Remembered { request_digest: row.take()?, balance: row.take()? })
    })?;
    found
        .map(Some)
        .ok_or_else(|| Unavailable::because("an idempotency key was forgotten while it was asked for"))
}

/// Remembers the balance after the debit that an idempotency key was claimed for.
pub fn remember(tx: &Tx<'_>, payer: ApiKeyId, key: &IdempotencyKey, balance: i64) -> Result<(), Unavailable> {
    let sql = "update idempotent_debits set balance = ?3 where api_key_id = ?1 and idempotency_key = ?2";
    tx.execute(sql, params![payer, key.as_str(), balance])?;
    Ok(())
}

/// Forgets idempotency keys used before `before`, at most `limit`.
pub fn forget(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from idempotent_debits where (api_key_id, idempotency_key) in (
        select api_key_id, idempotency_key from idempotent_debits where used_at < ?1 limit ?2)";
    tx.execute(sql, params![before, limit])
}

//! What is counted against abuse and survives a restart: failed logins and the mail an address causes, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::time::{Millis, span_ms};
use std::time::Duration;

/// Failed logins of one address from one network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    pub in_a_row: i64,
    pub last_at: Millis,
    pub locked_until: Millis,
}

/// The failures counted so far.
pub fn failures(tx: &Tx<'_>, subject: &str, network: &str) -> Result<Option<Failures>, Unavailable> {
    let sql =
        "select failures, last_at, locked_until from login_failures where subject = ?1 and network = ?2";
    tx.row(sql, params![subject, network], |row: &mut Row| {
        Ok(Failures { in_a_row: row.take()?, last_at: row.take()?, locked_until: row.take()? })
    })
}

/// Notes failures.
pub fn set_failures(
    tx: &Tx<'_>,
    subject: &str,
    network: &str,
    failures: Failures,
) -> Result<(), Unavailable> {
    let sql = "insert into login_failures (subject, network, failures, last_at, locked_until)
        values (?1, ?2, ?3, ?4, ?5)
        on conflict (subject, network) do update set failures = ?3, last_at = ?4, locked_until = ?5";
    let Failures { in_a_row, last_at, locked_until } = failures;
    tx.execute(sql, params![subject, network, in_a_row, last_at, locked_until])?;
    Ok(())
}

/// Forgets the failures of an address: from one network after a login, from all after a reset.
pub fn clear_failures(tx: &Tx<'_>, subject: &str, network: Option<&str>) -> Result<(), Unavailable> {
    let sql = "delete from login_failures where subject = ?1 and network = coalesce(?2, network)";
    tx.execute(sql, params![subject, network])?;
    Ok(())
}

/// Failures of an address from all networks that were last counted after `after`.
pub fn failures_since(tx: &Tx<'_>, subject: &str, after: Millis) -> Result<i64, Unavailable> {
    // The cast keeps the sum a bigint where another engine would widen it.
    let sql = "select cast(coalesce(sum(failures), 0) as bigint) from login_failures
        where subject = ?1 and last_at > ?2";
    Ok(tx.value(sql, params![subject, after])?.unwrap_or(0))
}

/// Takes one letter from an address's budget, a bucket of `burst` letters that refills one an `interval`. When it is
/// empty, nothing is taken, and the answer tells when the next is there.
pub fn spend_mail(
    tx: &Tx<'_>,
    subject: &str,
    (burst, interval): (u32, Duration),
    now: Millis,
) -> Result<Option<Millis>, Unavailable> {
    let step = span_ms(interval);
    let latest_full = now.0 + step * (i64::from(burst) - 1);
    let sql = "insert into mail_budgets (subject, full_at) values (?1, ?2 + ?3)
        on conflict (subject) do update set
            full_at = (case when mail_budgets.full_at > ?2 then mail_budgets.full_at else ?2 end) + ?3
            where mail_budgets.full_at <= ?4
        returning full_at";
    if tx.value::<i64>(sql, params![subject, now, step, latest_full])?.is_some() {
        return Ok(None);
    }
    let full_at: Option<i64> =
        tx.value("select full_at from mail_budgets where subject = ?1", params![subject])?;
    Ok(Some(Millis(full_at.unwrap_or(now.0) - step * (i64::from(burst) - 1))))
}

/// Removes what no longer counts, at most `limit` rows of each.
pub fn delete_stale(tx: &Tx<'_>, before: Millis, now: Millis, limit: i64) -> Result<u64, Unavailable> {
    let failures = "delete from login_failures where (subject, network) in (
        select subject, network from login_failures where last_at < ?1 and locked_until < ?2 limit ?3)";
    let budgets = "delete from mail_budgets where subject in (
        select subject from mail_budgets where full_at < ?1 limit ?2)";
    Ok(tx.execute(failures, params![before, now, limit])? + tx.execute(budgets, params![now, limit])?)
}

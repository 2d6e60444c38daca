//! Second factors, their secrets and what was answered wrong, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{AccountId, OrganizationId, SessionId};
use crate::model::time::Millis;
use crate::model::two_factor::{ANSWER_WINDOW, Factors, Method};

/// What an account has turned on, the longest first.
pub fn factors(tx: &Tx<'_>, account: AccountId) -> Result<Factors, Unavailable> {
    let sql =
        "select method, is_primary from second_factors where account_id = ?1 order by enabled_at, method";
    let rows = tx.rows(sql, params![account], |row: &mut Row| Ok((row.take()?, row.take()?)))?;
    let rows: Vec<(Method, bool)> = rows;
    Ok(Factors {
        primary: rows.iter().find(|(_, primary)| *primary).or(rows.first()).map(|(method, _)| *method),
        enabled: rows.into_iter().map(|(method, _)| method).collect(),
    })
}

/// Turns a method on; the first is the primary one.
pub fn enable(tx: &Tx<'_>, account: AccountId, method: Method, now: Millis) -> Result<(), Unavailable> {
    let sql = "insert into second_factors (account_id, method, enabled_at, is_primary)
        values (?1, ?2, ?3, 
            (select case when count(*) = 0 then 1 else 0 end from second_factors where account_id = ?1))
        on conflict (account_id, method) do nothing";
    tx.execute(sql, params![account, method, now])?;
    mark(tx, account, now)
}

/// Turns a method off. False when it was not on.
pub fn disable(tx: &Tx<'_>, account: AccountId, method: Method, now: Millis) -> Result<bool, Unavailable> {
    let sql = "delete from second_factors where account_id = ?1 and method = ?2";
    let was_on = tx.execute(sql, params![account, method])? == 1;
    if method == Method::Totp {
        tx.execute("delete from totp_secrets where account_id = ?1", params![account])?;
    }
    mark(tx, account, now)?;
    Ok(was_on)
}

/// Turns everything off, and forgets secrets and codes.
pub fn remove_all(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<u64, Unavailable> {
    let removed = tx.execute("delete from second_factors where account_id = ?1", params![account])?;
    for table in ["totp_secrets", "recovery_codes", "second_factor_failures"] {
        tx.execute(&format!("delete from {table} where account_id = ?1"), params![account])?;
    }
    mark(tx, account, now)?;
    Ok(removed)
}

/// Makes a method the primary one. False when it is not on.
pub fn set_primary(tx: &Tx<'_>, account: AccountId, method: Method) -> Result<bool, Unavailable> {
    let on = "select 1 from second_factors where account_id = ?1 and method = ?2";
    if tx.value::<i64>(on, params![account, method])?.is_none() {
        return Ok(false);
    }
    let sql = "update second_factors set is_primary = case when method = ?2 then 1 else 0 end where account_id = ?1";
    tx.execute(sql, params![account, method])?;
    Ok(true)
}

/// Keeps the account's own note of whether it has a second factor, which every request reads.
fn mark(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(), Unavailable> {
    let sql = "update accounts set second_factor_at =
            case when exists (select 1 from second_factors where account_id = ?1)
                then coalesce(second_factor_at, ?2) else null end
        where id = ?1";
    tx.execute(sql, params![account, now])?;
    Ok(())
}

/// Puts a sealed secret, and the digests of the recovery codes shown with it, in the place of those before. They gate
/// and open nothing until the method is turned on (E5).
pub fn put_totp(
    tx: &Tx<'_>,
    account: AccountId,
    sealed: &str,
    codes: &[String],
    now: Millis,
) -> Result<(), Unavailable> {
    let sql = "insert into totp_secrets (account_id, sealed, created_at, last_step, pending_codes)
        values (?1, ?2, ?3, 0, ?4)
        on conflict (account_id) do update set sealed = excluded.sealed, created_at = excluded.created_at,
            last_step = 0, pending_codes = excluded.pending_codes";
    tx.execute(sql, params![account, sealed, now, codes.join(" ")])?;
    Ok(())
}

/// Makes the recovery codes good that were shown with the secret, in the place of those before.
pub fn adopt_pending_codes(tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
    let sql = "select pending_codes from totp_secrets where account_id = ?1";
    let pending: String = tx.value(sql, params![account])?.unwrap_or_default();
    let digests: Vec<String> = pending.split_whitespace().map(str::to_owned).collect();
    put_recovery_codes(tx, account, &digests)?;
    tx.execute("update totp_secrets set pending_codes = '' where account_id = ?1", params![account])?;
    Ok(())
}

/// Turns everything off if anything was turned on since. False when nothing was.
pub fn remove_if_newer(
    tx: &Tx<'_>,
    account: AccountId,
    since: Millis,
    now: Millis,
) -> Result<bool, Unavailable> {
    let sql = "select 1 from second_factors where account_id = ?1 and enabled_at >= ?2 limit 1";
    if tx.value::<i64>(sql, params![account, since])?.is_none() {
        return Ok(false);
    }
    remove_all(tx, account, now)?;
    Ok(true)
}

/// The sealed secret.
pub fn totp(tx: &Tx<'_>, account: AccountId) -> Result<Option<String>, Unavailable> {
    tx.value("select sealed from totp_secrets where account_id = ?1", params![account])
}

/// Uses a step of the clock up. False when it, or a later one, was used before: also of many at once one comes through
/// (E3).
pub fn use_step(tx: &Tx<'_>, account: AccountId, step: i64) -> Result<bool, Unavailable> {
    let sql = "update totp_secrets set last_step = ?2 where account_id = ?1 and last_step < ?2";
    Ok(tx.execute(sql, params![account, step])? == 1)
}

/// Puts a set of recovery codes in the place of the one before.
pub fn put_recovery_codes(tx: &Tx<'_>, account: AccountId, digests: &[String]) -> Result<(), Unavailable> {
    tx.execute("delete from recovery_codes where account_id = ?1", params![account])?;
    for digest in digests {
        let sql = "insert into recovery_codes (account_id, code_digest) values (?1, ?2)";
        tx.execute(sql, params![account, *digest])?;
    }
    Ok(())
}

/// Uses a recovery code up. False when there is no such unused one.
pub fn use_recovery_code(
    tx: &Tx<'_>,
    account: AccountId,
    digest: &str,
    now: Millis,
) -> Result<bool, Unavailable> {
    let sql = "update recovery_codes set used_at = ?3 where account_id = ?1 and code_digest = ?2 and used_at is null";
    Ok(tx.execute(sql, params![account, digest, now])? == 1)
}

/// How many wrong answers an account has given in the window, and when that ends.
pub fn failures(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(i64, Millis), Unavailable> {
    let sql = "select failures, window_started_at from second_factor_failures
        where account_id = ?1 and window_started_at > ?2";
    let found = tx.row(sql, params![account, now - ANSWER_WINDOW], |row: &mut Row| {
        Ok((row.take()?, row.take::<Millis>()? + ANSWER_WINDOW))
    })?;
    Ok(found.unwrap_or((0, now)))
}

/// Counts a wrong answer.
pub fn fail(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(), Unavailable> {
    let sql =
        "insert into second_factor_failures (account_id, window_started_at, failures) values (?1, ?2, 1)
        on conflict (account_id) do update set
            failures = case when second_factor_failures.window_started_at <= ?3 then 1
                else second_factor_failures.failures + 1 end,
            window_started_at = case when second_factor_failures.window_started_at <= ?3 then ?2
                else second_factor_failures.window_started_at end";
    tx.execute(sql, params![account, now, now - ANSWER_WINDOW])?;
    Ok(())
}

/// Notes that a session has passed the second factor.
pub fn stamp_session(tx: &Tx<'_>, session: SessionId, now: Millis) -> Result<(), Unavailable> {
    tx.execute("update sessions set second_factor_at = ?2 where id = ?1", params![session, now])?;
    Ok(())
}

/// When a session last passed the second factor.
pub fn stamp_of(tx: &Tx<'_>, session: SessionId) -> Result<Option<Millis>, Unavailable> {
    let sql = "select second_factor_at from sessions where id = ?1";
    Ok(tx.value::<Option<Millis>>(sql, params![session])?.flatten())
}

/// Sets whether members must have a second factor. False when that is so already.
pub fn enforce(
    tx: &Tx<'_>,
    organization: OrganizationId,
    enforced: bool,
    now: Millis,
) -> Result<bool, Unavailable> {
    let sql =
        "update organizations set mfa_enforced = ?2, updated_at = ?3 where id = ?1 and mfa_enforced <> ?2";
    Ok(tx.execute(sql, params![organization, enforced, now])? == 1)
}

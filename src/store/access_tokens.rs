//! Personal access tokens, as rows.

use std::sync::LazyLock;

use super::accounts::{MEMBER_COLUMNS, MEMBER_PLACE, read_member};
use super::{Row, Tx, Unavailable, params};
use crate::model::access_token::AccessToken;
use crate::model::account::Member;
use crate::model::id::{AccessTokenId, AccountId};
use crate::model::time::Millis;

const COLUMNS: &str =
    "t.id, t.account_id, t.organization_id, t.name, t.head, t.tail, t.privileges, t.created_at,
    t.expires_at, t.revoked_at, t.last_used_at";

fn read(row: &mut Row) -> Result<AccessToken, Unavailable> {
    Ok(AccessToken {
        id: row.take()?,
        account: row.take()?,
        organization: row.take()?,
        name: row.take()?,
        head: row.take()?,
        tail: row.take()?,
        privileges: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
        last_used_at: row.take()?,
    })
}

/// Makes a token good. `hash` is what it is found by.
pub fn insert(tx: &Tx<'_>, token: &AccessToken, hash: &str) -> Result<(), Unavailable> {
    let sql = "insert into access_tokens (id, token_hash, account_id, organization_id, name, head, tail, privileges,
            created_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    tx.execute(
        sql,
        params![
            token.id,
            hash,
            token.account,
            token.organization,
            token.name,
            token.head,
            token.tail,
            token.privileges,
            token.created_at,
            token.expires_at
        ],
    )?;
    Ok(())
}

/// The live tokens of an account, the oldest first.
pub fn live(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<Vec<AccessToken>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from access_tokens t
        where t.account_id = ?1 and t.revoked_at is null and t.expires_at > ?2 order by t.created_at, t.id"
    );
    tx.rows(&sql, params![account, now], read)
}

/// All tokens of an account that are on record, ended ones too, the oldest first.
pub fn of_account(tx: &Tx<'_>, account: AccountId) -> Result<Vec<AccessToken>, Unavailable> {
    let sql =
        format!("select {COLUMNS} from access_tokens t where t.account_id = ?1 order by t.created_at, t.id");
    tx.rows(&sql, params![account], read)
}

/// How many live tokens an account has.
pub fn count(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<i64, Unavailable> {
    let sql = "select count(*) from access_tokens
        where account_id = ?1 and revoked_at is null and expires_at > ?2";
    Ok(tx.value(sql, params![account, now])?.unwrap_or(0))
}

/// Put together once: it is asked at every call with a token.
static BY_HASH: LazyLock<String> = LazyLock::new(|| with_owner("t.token_hash = ?1"));

fn with_owner(condition: &str) -> String {
    format!(
        "select {COLUMNS}, {MEMBER_COLUMNS}
        from access_tokens t
        join accounts a on a.id = t.account_id
        {MEMBER_PLACE}
        where {condition}"
    )
}

/// The token of a hash, live or not, and whose it is.
pub fn by_hash(tx: &Tx<'_>, hash: &str) -> Result<Option<(AccessToken, Member)>, Unavailable> {
    tx.row(&BY_HASH, params![hash], |row| Ok((read(row)?, read_member(row)?)))
}

/// The token of an id, live or not, and whose it is.
pub fn find(tx: &Tx<'_>, id: AccessTokenId) -> Result<Option<(AccessToken, Member)>, Unavailable> {
    tx.row(&with_owner("t.id = ?1"), params![id], |row| Ok((read(row)?, read_member(row)?)))
}

/// Ends a token of this account. False when the account has no such live token.
pub fn revoke(tx: &Tx<'_>, account: AccountId, id: AccessTokenId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update access_tokens set revoked_at = ?3
        where id = ?1 and account_id = ?2 and revoked_at is null and expires_at > ?3";
    Ok(tx.execute(sql, params![id, account, now])? == 1)
}

/// Ends the tokens of an account that were made at `since` or later. Tells how many were live.
pub fn revoke_since(tx: &Tx<'_>, account: AccountId, since: Millis, now: Millis) -> Result<u64, Unavailable> {
    let sql = "update access_tokens set revoked_at = ?3
        where account_id = ?1 and created_at >= ?2 and revoked_at is null and expires_at > ?3";
    tx.execute(sql, params![account, since, now])
}

/// Ends every token of an account. Tells how many were live.
pub fn revoke_all(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<u64, Unavailable> {
    revoke_since(tx, account, Millis(0), now)
}

/// Notes when a token was used.
pub fn touch(tx: &Tx<'_>, id: AccessTokenId, at: Millis) -> Result<(), Unavailable> {
    let sql = "update access_tokens set last_used_at = ?2 where id = ?1 and coalesce(last_used_at, 0) < ?2";
    tx.execute(sql, params![id, at])?;
    Ok(())
}

/// Removes tokens that ended before `before`, at most `limit` a way of ending.
pub fn delete_ended(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    // Two statements, an index each.
    let expired =
        "delete from access_tokens where id in (select id from access_tokens where expires_at < ?1 limit ?2)";
    let revoked = "delete from access_tokens where id in (
        select id from access_tokens where revoked_at is not null and revoked_at < ?1 limit ?2)";
    Ok(tx.execute(expired, params![before, limit])? + tx.execute(revoked, params![before, limit])?)
}

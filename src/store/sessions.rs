//! Sessions, as rows.

use std::sync::LazyLock;

use super::accounts::{MEMBER_COLUMNS, MEMBER_PLACE, read_member};
use super::{Row, Tx, Unavailable, client_devices, params};
use crate::model::account::Member;
use crate::model::id::{AccountId, SessionId};
use crate::model::session::Session;
use crate::model::time::Millis;

const COLUMNS: &str = "s.id, s.account_id, s.contract, s.device, s.created_at, s.last_used_at, s.expires_at,
    s.revoked_at, s.generation, s.rotated_at, s.second_factor_at";

fn read(row: &mut Row) -> Result<Session, Unavailable> {
    Ok(Session {
        id: row.take()?,
        account: row.take()?,
        contract: row.take()?,
        device: row.take()?,
        created_at: row.take()?,
        last_used_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
        generation: row.take()?,
        rotated_at: row.take()?,
        second_factor_at: row.take()?,
    })
}

/// Opens a session.
pub fn insert(tx: &Tx<'_>, session: &Session, address: &str) -> Result<(), Unavailable> {
    let sql = "insert into sessions (id, account_id, contract, device, address, created_at, last_used_at, expires_at,
            generation, rotated_at, second_factor_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?6, ?9)";
    tx.execute(
        sql,
        params![
            session.id,
            session.account,
            session.contract,
            session.device,
            address,
            session.created_at,
            session.expires_at,
            session.generation,
            session.second_factor_at
        ],
    )?;
    Ok(())
}

/// The session of an id.
pub fn find(tx: &Tx<'_>, id: SessionId) -> Result<Option<Session>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from sessions s where s.id = ?1"), params![id], read)
}

/// Put together once: it is asked at every request.
static WITH_MEMBER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select {COLUMNS}, {MEMBER_COLUMNS}
        from sessions s
        join accounts a on a.id = s.account_id
        {MEMBER_PLACE}
        where s.id = ?1"
    )
});

/// The session of an id together with whose it is: what every request with a token asks.
pub fn with_member(tx: &Tx<'_>, id: SessionId) -> Result<Option<(Session, Member)>, Unavailable> {
    tx.row(&WITH_MEMBER, params![id], |row| Ok((read(row)?, read_member(row)?)))
}

/// The live sessions of an account, the latest used first.
pub fn live(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<Vec<Session>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from sessions s where s.account_id = ?1 and s.revoked_at is null and s.expires_at > ?2
        order by s.last_used_at desc, s.id desc"
    );
    tx.rows(&sql, params![account, now], read)
}

/// Moves a session on to the next generation. False when `generation` is no longer the one in force.
pub fn rotate(
    tx: &Tx<'_>,
    id: SessionId,
    generation: i64,
    now: Millis,
    expires: Millis,
) -> Result<bool, Unavailable> {
    let sql =
        "update sessions set generation = generation + 1, rotated_at = ?3, last_used_at = ?3, expires_at = ?4
        where id = ?1 and generation = ?2 and revoked_at is null and expires_at > ?3";
    Ok(tx.execute(sql, params![id, generation, now, expires])? == 1)
}

/// Notes that a session was used.
pub fn touch(tx: &Tx<'_>, id: SessionId, now: Millis) -> Result<(), Unavailable> {
    tx.execute(
        "update sessions set last_used_at = ?2 where id = ?1 and last_used_at < ?2",
        params![id, now],
    )?;
    Ok(())
}

/// Ends a session. False when it had ended.
pub fn revoke(tx: &Tx<'_>, id: SessionId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update sessions set revoked_at = ?2 where id = ?1 and revoked_at is null returning account_id";
    let ended: Option<AccountId> = tx.value(sql, params![id, now])?;
    ended.map_or(Ok(()), |account| client_devices::forget_push_tokens(tx, account))?;
    Ok(ended.is_some())
}

/// Ends every session of an account but `except`.
pub fn revoke_all(
    tx: &Tx<'_>,
    account: AccountId,
    except: Option<SessionId>,
    now: Millis,
) -> Result<u64, Unavailable> {
    let sql = "update sessions set revoked_at = ?3
        where account_id = ?1 and revoked_at is null and id <> coalesce(?2, '')";
    let ended = tx.execute(sql, params![account, except, now])?;
    client_devices::forget_push_tokens(tx, account)?;
    Ok(ended)
}

/// Which sessions stay when one more is opened than there may be.
#[derive(Debug, Clone, Copy)]
pub enum Keep {
    /// So many of those opened last.
    Youngest(i64),
    /// So many of those used last.
    LatestUsed(i64),
}

/// Ends the live sessions of the same account and contract as `newcomer`, but those to keep. Tells how many.
pub fn evict(tx: &Tx<'_>, newcomer: &Session, keep: Keep, now: Millis) -> Result<u64, Unavailable> {
    let (order, keep) = match keep {
        Keep::Youngest(keep) => ("created_at desc", keep),
        Keep::LatestUsed(keep) => ("last_used_at desc, created_at desc", keep),
    };
    let sql = format!(
        "update sessions set revoked_at = ?3
        where account_id = ?1 and contract = ?2 and revoked_at is null and expires_at > ?3 and id not in (
            select id from sessions
            where account_id = ?1 and contract = ?2 and revoked_at is null and expires_at > ?3
            order by {order}, id desc limit ?4)"
    );
    let ended = tx.execute(&sql, params![newcomer.account, newcomer.contract, now, keep])?;
    client_devices::forget_push_tokens(tx, newcomer.account)?;
    Ok(ended)
}

/// Removes sessions that ended before `before`, at most `limit`.
pub fn delete_ended(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    // Two statements, an index each.
    let expired = "delete from sessions where id in (select id from sessions where expires_at < ?1 limit ?2)";
    let revoked = "delete from sessions where id in (
        select id from sessions where revoked_at is not null and revoked_at < ?1 limit ?2)";
    Ok(tx.execute(expired, params![before, limit])? + tx.execute(revoked, params![before, limit])?)
}

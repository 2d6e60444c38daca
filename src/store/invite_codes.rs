//! Invite codes and who used them, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, InviteCodeId};
use crate::model::invite_code::Invite;
use crate::model::time::Millis;

const COLUMNS: &str = "id, hint, note, uses_allowed, uses, created_at, expires_at, revoked_at";

fn read(row: &mut Row) -> Result<Invite, Unavailable> {
    Ok(Invite {
        id: row.take()?,
        hint: row.take()?,
        note: row.take()?,
        uses_allowed: row.take()?,
        uses: row.take()?,
        created_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
    })
}

/// Makes a code good. `digest` is what it is found by.
pub fn insert(tx: &Tx<'_>, invite: &Invite, digest: &str) -> Result<(), Unavailable> {
    let sql =
        "insert into invite_codes (id, code_digest, hint, note, uses_allowed, uses, created_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, 0, ?6, ?7)";
    let Invite { id, hint, note, uses_allowed, created_at, expires_at, .. } = invite;
    tx.execute(sql, params![*id, digest, *hint, *note, *uses_allowed, *created_at, *expires_at])?;
    Ok(())
}

/// The invite of an id.
pub fn find(tx: &Tx<'_>, id: InviteCodeId) -> Result<Option<Invite>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from invite_codes where id = ?1"), params![id], read)
}

/// The invite of a code.
pub fn by_digest(tx: &Tx<'_>, digest: &str) -> Result<Option<Invite>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from invite_codes where code_digest = ?1"), params![digest], read)
}

/// The latest invites, newest first.
pub fn list(tx: &Tx<'_>, limit: i64) -> Result<Vec<Invite>, Unavailable> {
    let sql = format!("select {COLUMNS} from invite_codes order by created_at desc, id desc limit ?1");
    tx.rows(&sql, params![limit], read)
}

/// Takes one use of a code for an account. False when there is none left, or the code is no longer good: of many at
/// once exactly as many come through as there are uses (B1).
pub fn consume(tx: &Tx<'_>, id: InviteCodeId, account: AccountId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update invite_codes set uses = uses + 1
        where id = ?1 and uses < uses_allowed and revoked_at is null and (expires_at is null or expires_at > ?2)";
    if tx.execute(sql, params![id, now])? != 1 {
        return Ok(false);
    }
    let sql = "insert into invite_uses (invite_id, account_id, used_at) values (?1, ?2, ?3)";
    tx.execute(sql, params![id, account, now])?;
    Ok(true)
}

/// Ends a code. False when it had been ended.
pub fn revoke(tx: &Tx<'_>, id: InviteCodeId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update invite_codes set revoked_at = ?2 where id = ?1 and revoked_at is null";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// A use of a code.
#[derive(Debug, Clone)]
pub struct InviteUse {
    pub account: AccountId,
    /// None once the account is gone.
    pub email: Option<EmailAddress>,
    pub used_at: Millis,
}

/// Who used a code, in the order of use.
pub fn uses(tx: &Tx<'_>, id: InviteCodeId) -> Result<Vec<InviteUse>, Unavailable> {
    let sql = "select u.account_id, a.email, u.used_at
        from invite_uses u left join accounts a on a.id = u.account_id
        where u.invite_id = ?1 order by u.used_at, u.account_id";
    tx.rows(sql, params![id], |row| {
        Ok(InviteUse { account: row.take()?, email: row.take()?, used_at: row.take()? })
    })
}

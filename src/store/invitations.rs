//! Invitations into organizations, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{AccountId, InvitationId, LetterId, OrganizationId};
use crate::model::invitation::{Invitation, InvitationField, InvitationOrder};
use crate::model::paging::{Paged, Paging};
use crate::model::time::Millis;

const COLUMNS: &str = "id, organization_id, email, role, inviter_id, account_id, expires_at, registered_at,
    revoked_at, created_at, updated_at";

fn read(row: &mut Row) -> Result<Invitation, Unavailable> {
    Ok(Invitation {
        id: row.take()?,
        organization: row.take()?,
        email: row.take()?,
        role: row.take()?,
        inviter: row.take()?,
        account: row.take()?,
        expires_at: row.take()?,
        registered_at: row.take()?,
        revoked_at: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
    })
}

/// The link of an invitation, where it has one of its own.
pub struct Link<'a> {
    /// By what its secret is found.
    pub secret_hash: &'a str,
    /// The letter that brings it.
    pub letter: LetterId,
}

/// Makes an invitation good.
pub fn insert(tx: &Tx<'_>, new: &Invitation, link: Option<Link<'_>>) -> Result<(), Unavailable> {
    let sql = "insert into invitations (id, organization_id, email, email_key, role, inviter_id, account_id,
            secret_hash, letter_id, expires_at, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11)";
    tx.execute(
        sql,
        params![
            new.id,
            new.organization,
            new.email,
            new.email.key(),
            new.role,
            new.inviter,
            new.account,
            link.as_ref().map(|link| link.secret_hash),
            link.as_ref().map(|link| link.letter),
            new.expires_at,
            new.created_at
        ],
    )?;
    Ok(())
}

/// The invitation of an id.
pub fn find(tx: &Tx<'_>, id: InvitationId) -> Result<Option<Invitation>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from invitations where id = ?1"), params![id], read)
}

/// The invitation of a link's secret, whatever has become of it.
pub fn by_secret(tx: &Tx<'_>, secret_hash: &str) -> Result<Option<Invitation>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from invitations where secret_hash = ?1"), params![secret_hash], read)
}

/// The invitation that an account came of, or that it waits by.
pub fn of_account(tx: &Tx<'_>, account: AccountId) -> Result<Option<Invitation>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from invitations where account_id = ?1"), params![account], read)
}

/// Whether an address has an invitation into the organization that can still be accepted.
pub fn is_open(
    tx: &Tx<'_>,
    organization: OrganizationId,
    email_key: &str,
    now: Millis,
) -> Result<bool, Unavailable> {
    let sql = "select 1 from invitations where email_key = ?2 and organization_id = ?1
        and registered_at is null and revoked_at is null and expires_at > ?3 limit 1";
    Ok(tx.value::<i64>(sql, params![organization, email_key, now])?.is_some())
}

/// Whether somebody has been asked to become the owner of an organization and can still accept.
pub fn awaits_owner(tx: &Tx<'_>, organization: OrganizationId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "select 1 from invitations where organization_id = ?1 and role = 255
        and registered_at is null and revoked_at is null and expires_at > ?2 limit 1";
    Ok(tx.value::<i64>(sql, params![organization, now])?.is_some())
}

/// Lets an account come of an invitation. True for exactly one caller, and for nobody once it is revoked or has ended
/// (B3).
pub fn accept(tx: &Tx<'_>, id: InvitationId, account: AccountId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update invitations set registered_at = ?3, account_id = ?2, updated_at = ?3
        where id = ?1 and registered_at is null and revoked_at is null and expires_at > ?3";
    if tx.execute(sql, params![id, account, now])? != 1 {
        return Ok(false);
    }
    // So that it goes with the account.
    let sql =
        "update letters set account_id = ?2 where id = (select letter_id from invitations where id = ?1)";
    tx.execute(sql, params![id, account])?;
    Ok(true)
}

/// Ends an invitation that nobody has accepted. False when it was accepted or ended before.
pub fn revoke(tx: &Tx<'_>, id: InvitationId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update invitations set revoked_at = ?2, updated_at = ?2
        where id = ?1 and registered_at is null and revoked_at is null";
    if tx.execute(sql, params![id, now])? != 1 {
        return Ok(false);
    }
    // What a courier has in hand goes out, and its link is void.
    let sql = "update letters set state = 'expired', sealed = '', verdict = 'its link became void'
        where id = (select letter_id from invitations where id = ?1) and state = 'waiting' and claimed_until <= ?2";
    tx.execute(sql, params![id, now])?;
    Ok(true)
}

/// Notes that an account which waited for the proof of its address has proved it.
pub fn settle(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(), Unavailable> {
    let sql = "update invitations set registered_at = ?2, updated_at = ?2
        where account_id = ?1 and registered_at is null";
    tx.execute(sql, params![account, now])?;
    Ok(())
}

/// Lets the invitation of an account that waits be good until then.
pub fn extend(tx: &Tx<'_>, account: AccountId, expires: Millis, now: Millis) -> Result<(), Unavailable> {
    let sql = "update invitations set expires_at = ?2, updated_at = ?3
        where account_id = ?1 and registered_at is null";
    tx.execute(sql, params![account, expires, now])?;
    Ok(())
}

/// Ends the invitation of an account that waits or, with `None`, makes it good again: it goes with its account.
pub fn set_revoked_of(
    tx: &Tx<'_>,
    account: AccountId,
    at: Option<Millis>,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql = "update invitations set revoked_at = ?2, updated_at = ?3
        where account_id = ?1 and registered_at is null and (revoked_at is null) = (?2 is not null)";
    tx.execute(sql, params![account, at, now])?;
    Ok(())
}

/// A page of an organization's invitations.
pub fn page(
    tx: &Tx<'_>,
    organization: OrganizationId,
    order: InvitationOrder,
    paging: Paging,
) -> Result<Paged<Invitation>, Unavailable> {
    let column = match order.by {
        InvitationField::Id => "id",
        InvitationField::Email => "email_key",
        InvitationField::ExpiresAt => "expires_at",
        InvitationField::CreatedAt => "created_at",
        InvitationField::UpdatedAt => "updated_at",
    };
    let direction = if order.descending { "desc" } else { "asc" };
    let sql = format!(
        "select {COLUMNS} from invitations where organization_id = ?1
        order by {column} {direction}, id {direction} limit ?2 offset ?3"
    );
    let items = tx.rows(&sql, params![organization, paging.limit, paging.offset()], read)?;
    let total = "select count(*) from invitations where organization_id = ?1";
    Ok(Paged { items, total: tx.value(total, params![organization])?.unwrap_or(0), paging })
}

/// The latest invitations, newest first, of one organization or all.
pub fn list(
    tx: &Tx<'_>,
    organization: Option<OrganizationId>,
    limit: i64,
) -> Result<Vec<Invitation>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from invitations where organization_id = coalesce(?1, organization_id)
        order by created_at desc, id desc limit ?2"
    );
    tx.rows(&sql, params![organization, limit], read)
}

/// Removes all that were sent to an address and accepted by nobody, with their letters.
pub fn forget_address(tx: &Tx<'_>, email_key: &str) -> Result<(), Unavailable> {
    let sql = "delete from letters where id in (
        select letter_id from invitations where email_key = ?1 and registered_at is null)";
    tx.execute(sql, params![email_key])?;
    tx.execute("delete from invitations where email_key = ?1 and registered_at is null", params![email_key])?;
    Ok(())
}

/// Removes all that an account has sent and nobody has accepted, with their letters: without the inviter they would pass
/// for the operator's. Accounts that wait are members already, and stay.
pub fn forget_inviter(tx: &Tx<'_>, inviter: AccountId) -> Result<(), Unavailable> {
    let sql = "delete from letters where id in (select letter_id from invitations
        where inviter_id = ?1 and registered_at is null and account_id is null)";
    tx.execute(sql, params![inviter])?;
    let sql =
        "delete from invitations where inviter_id = ?1 and registered_at is null and account_id is null";
    tx.execute(sql, params![inviter])?;
    Ok(())
}

/// Removes invitations that ended before `before` without having been accepted, at most `limit`.
pub fn delete_ended(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from invitations where id in (
        select id from invitations
        where registered_at is null and expires_at < ?1 and (revoked_at is null or revoked_at < ?1) limit ?2)";
    tx.execute(sql, params![before, limit])
}

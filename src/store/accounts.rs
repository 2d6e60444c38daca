//! Accounts and their memberships, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::account::{Account, Member, Membership};
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, OrganizationId};
use crate::model::language::Language;
use crate::model::organization::Role;
use crate::model::time::Millis;

/// An account about to be made.
pub struct NewAccount<'a> {
    pub id: AccountId,
    pub email: &'a EmailAddress,
    pub email_identity: &'a str,
    pub password_hash: Option<&'a str>,
    pub first_name: &'a str,
    pub last_name: &'a str,
    pub language: Language,
    pub contract: Contract,
    pub now: Millis,
}

/// Inserts an account and gives it the next running number. `None` means that its address is taken, or kept for
/// another account that may yet want it back.
pub fn insert(tx: &Tx<'_>, new: &NewAccount<'_>) -> Result<Option<i64>, Unavailable> {
    let sql = "insert into accounts (id, number, email, email_key, email_identity, password_hash, first_name,
            last_name, language, contract, created_at, updated_at)
        select ?1, (select value + 1 from counters where name = 'account'), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10
        where not exists (select 1 from proofs where address_key = ?3 and purpose = 'undo-change'
            and used_at is null and expires_at > ?10)
        on conflict (email_key) do nothing returning number";
    let number: Option<i64> = tx.value(
        sql,
        params![
            new.id,
            *new.email,
            new.email.key(),
            new.email_identity,
            new.password_hash,
            new.first_name,
            new.last_name,
            new.language,
            new.contract,
            new.now
        ],
    )?;
    if let Some(number) = number {
        tx.execute("update counters set value = ?1 where name = 'account'", params![number])?;
    }
    Ok(number)
}

/// The columns that [`read_member`] reads, in its order.
pub(super) const MEMBER_COLUMNS: &str = "a.id, a.number, a.email, a.password_hash, a.first_name, a.last_name,
    a.language, a.contract, a.created_at, a.updated_at, a.last_login_at, a.verified_at, a.deactivated_at, a.banned_at,
    a.removed_at, a.second_factor_at, m.organization_id, m.role, o.banned_at is not null, o.is_business, o.mfa_enforced";

/// What the last of them come from.
pub(super) const MEMBER_PLACE: &str = "left join memberships m on m.account_id = a.id
    left join organizations o on o.id = m.organization_id";

pub(super) fn select_member(condition: &str) -> String {
    format!("select {MEMBER_COLUMNS} from accounts a {MEMBER_PLACE} where {condition}")
}

/// Reads the columns of [`MEMBER_COLUMNS`].
pub(super) fn read_member(row: &mut Row) -> Result<Member, Unavailable> {
    let account = Account {
        id: row.take()?,
        number: row.take()?,
        email: row.take()?,
        password_hash: row.take()?,
        first_name: row.take()?,
        last_name: row.take()?,
        language: row.take()?,
        contract: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        last_login_at: row.take()?,
        verified_at: row.take()?,
        deactivated_at: row.take()?,
        banned_at: row.take()?,
        removed_at: row.take()?,
        second_factor_at: row.take()?,
    };
    let organization: Option<OrganizationId> = row.take()?;
    let role: Option<Role> = row.take()?;
    // The ban of an absent organization reads as "is not null" of null, which is 0 on every engine.
    let organization_banned = row.take::<Option<bool>>()?.unwrap_or(false);
    let is_business = row.take::<Option<bool>>()?.unwrap_or(false);
    let mfa_enforced = row.take::<Option<bool>>()?.unwrap_or(false);
    let organization = organization.zip(role).map(|(organization, role)| Membership {
        organization,
        role,
        organization_banned,
        is_business,
        mfa_enforced,
    });
    Ok(Member { account, organization })
}

/// The account of an id, with its place.
pub fn member(tx: &Tx<'_>, id: AccountId) -> Result<Option<Member>, Unavailable> {
    tx.row(&select_member("a.id = ?1"), params![id], read_member)
}

/// The account of an address key, with its place.
pub fn member_by_email(tx: &Tx<'_>, email_key: &str) -> Result<Option<Member>, Unavailable> {
    tx.row(&select_member("a.email_key = ?1"), params![email_key], read_member)
}

/// Accounts for the operator's list: those after `after`, in order of their number.
pub fn list(tx: &Tx<'_>, after: i64, limit: i64) -> Result<Vec<Member>, Unavailable> {
    tx.rows(&select_member("a.number > ?1 order by a.number limit ?2"), params![after, limit], read_member)
}

/// Marks the address as proved. False when it was already.
pub fn set_verified(tx: &Tx<'_>, id: AccountId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update accounts set verified_at = ?2, updated_at = ?2 where id = ?1 and verified_at is null";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Replaces the password.
pub fn set_password(tx: &Tx<'_>, id: AccountId, hash: &str, now: Millis) -> Result<(), Unavailable> {
    tx.execute(
        "update accounts set password_hash = ?2, updated_at = ?3 where id = ?1",
        params![id, hash, now],
    )?;
    Ok(())
}

/// Takes the password away: nobody logs in before another is chosen.
pub fn clear_password(tx: &Tx<'_>, id: AccountId, now: Millis) -> Result<(), Unavailable> {
    tx.execute("update accounts set password_hash = null, updated_at = ?2 where id = ?1", params![id, now])?;
    Ok(())
}

/// Replaces a hash by one of the same password at the present cost, unless the password was changed meanwhile.
pub fn upgrade_hash(tx: &Tx<'_>, id: AccountId, old: &str, new: &str) -> Result<(), Unavailable> {
    let sql = "update accounts set password_hash = ?3 where id = ?1 and password_hash = ?2";
    tx.execute(sql, params![id, old, new])?;
    Ok(())
}

/// Notes a login.
pub fn set_logged_in(tx: &Tx<'_>, id: AccountId, now: Millis) -> Result<(), Unavailable> {
    tx.execute("update accounts set last_login_at = ?2 where id = ?1", params![id, now])?;
    Ok(())
}

/// Replaces the names that are given.
pub fn set_names(
    tx: &Tx<'_>,
    id: AccountId,
    first: Option<&str>,
    last: Option<&str>,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql =
        "update accounts set first_name = coalesce(?2, first_name), last_name = coalesce(?3, last_name),
        updated_at = ?4 where id = ?1";
    tx.execute(sql, params![id, first, last, now])?;
    Ok(())
}

/// Chooses the language of letters.
pub fn set_language(tx: &Tx<'_>, id: AccountId, language: Language) -> Result<(), Unavailable> {
    tx.execute("update accounts set language = ?2 where id = ?1", params![id, language])?;
    Ok(())
}

/// Deactivates or, with `None`, reactivates. False when nothing changed.
pub fn set_deactivated(
    tx: &Tx<'_>,
    id: AccountId,
    at: Option<Millis>,
    now: Millis,
) -> Result<bool, Unavailable> {
    let sql = "update accounts set deactivated_at = ?2, updated_at = ?3
        where id = ?1 and (deactivated_at is null) = (?2 is not null)";
    Ok(tx.execute(sql, params![id, at, now])? == 1)
}

/// Bans or, with `None`, lifts the ban. False when nothing changed.
pub fn set_banned(tx: &Tx<'_>, id: AccountId, at: Option<Millis>, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update accounts set banned_at = ?2, updated_at = ?3
        where id = ?1 and (banned_at is null) = (?2 is not null)";
    Ok(tx.execute(sql, params![id, at, now])? == 1)
}

/// Takes an account out of its organization or, with `None`, back in. False when nothing changed.
pub fn set_removed(tx: &Tx<'_>, id: AccountId, at: Option<Millis>, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update accounts set removed_at = ?2, updated_at = ?3
        where id = ?1 and (removed_at is null) = (?2 is not null)";
    Ok(tx.execute(sql, params![id, at, now])? == 1)
}

/// Removes an account and all that hangs on it.
pub fn delete(tx: &Tx<'_>, id: AccountId) -> Result<bool, Unavailable> {
    let organization: Option<OrganizationId> =
        tx.value("select organization_id from memberships where account_id = ?1", params![id])?;
    let removed = tx.execute("delete from accounts where id = ?1", params![id])? == 1;
    if let Some(organization) = organization {
        let sql = "delete from letters where id in (
                select letter_id from invitations where organization_id = ?1 and registered_at is null)
            and not exists (select 1 from memberships where organization_id = ?1)";
        tx.execute(sql, params![organization])?;
        let sql = "delete from organizations where id = ?1
            and not exists (select 1 from memberships where organization_id = ?1)";
        tx.execute(sql, params![organization])?;
    }
    Ok(removed)
}

/// Unverified accounts made before `before` through a contract of `contract`'s name that never had a paid plan of their
/// own and hold no open invitation.
pub fn never_verified(
    tx: &Tx<'_>,
    contract: Contract,
    before: Millis,
    now: Millis,
    limit: i64,
) -> Result<Vec<AccountId>, Unavailable> {
    let sql = "select a.id from accounts a
        where a.verified_at is null and a.created_at < ?2 and a.contract = ?1 and a.banned_at is null
        and (exists (select 1 from invitations w where w.account_id = a.id and w.registered_at is null)
            or not exists (select 1 from memberships m
                join subscriptions s on s.organization_id = m.organization_id
                where m.account_id = a.id and s.plan_id not in ('free', 'trial')))
        and not exists (select 1 from invitations i
            where i.account_id = a.id and i.revoked_at is null and i.expires_at > ?4)
        order by a.created_at limit ?3";
    tx.rows(sql, params![contract, before, limit, now], Row::take)
}

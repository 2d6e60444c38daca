//! The members of an organization, as rows.

use super::accounts::{read_member, select_member};
use super::{Tx, Unavailable, params};
use crate::model::account::Member;
use crate::model::id::{AccountId, OrganizationId};
use crate::model::organization::Role;

/// A page of members, those after `after` in order of their id. An index holds them in that order, so that a page costs
/// the same wherever it stands.
pub fn page(
    tx: &Tx<'_>,
    organization: OrganizationId,
    after: &str,
    limit: i64,
) -> Result<Vec<Member>, Unavailable> {
    let sql = select_member("m.organization_id = ?1 and m.account_id > ?2 order by m.account_id limit ?3");
    tx.rows(&sql, params![organization, after, limit], read_member)
}

/// Gives a member another role.
pub fn set_role(tx: &Tx<'_>, account: AccountId, role: Role) -> Result<(), Unavailable> {
    tx.execute("update memberships set role = ?2 where account_id = ?1", params![account, role])?;
    Ok(())
}

/// How many users an organization has; those taken out of it are none.
pub fn user_count(tx: &Tx<'_>, organization: OrganizationId) -> Result<i64, Unavailable> {
    let sql = "select count(*) from memberships m join accounts a on a.id = m.account_id
        where m.organization_id = ?1 and a.removed_at is null";
    Ok(tx.value(sql, params![organization])?.unwrap_or(0))
}

/// Whether somebody beside this account could still act as the organization's owner.
pub fn has_other_owner(
    tx: &Tx<'_>,
    organization: OrganizationId,
    account: AccountId,
) -> Result<bool, Unavailable> {
    let sql = "select 1 from memberships m join accounts a on a.id = m.account_id
        where m.organization_id = ?1 and m.role = ?3 and a.id <> ?2
        and a.removed_at is null and a.deactivated_at is null and a.banned_at is null limit 1";
    Ok(tx.value::<i64>(sql, params![organization, account, Role::Owner])?.is_some())
}

/// Whether the account was there before every other member: the one whose sign-up made the organization.
pub fn is_founder(
    tx: &Tx<'_>,
    organization: OrganizationId,
    account: AccountId,
) -> Result<bool, Unavailable> {
    let sql =
        "select 1 from memberships own join memberships other on other.organization_id = own.organization_id
        where own.account_id = ?2 and own.organization_id = ?1 and other.account_id <> ?2
        and (other.created_at < own.created_at
            or (other.created_at = own.created_at and other.account_id < own.account_id)) limit 1";
    Ok(tx.value::<i64>(sql, params![organization, account])?.is_none())
}

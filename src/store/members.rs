//! The members of an organization, as rows.

use super::accounts::{MEMBER_PLACE, read_member, select_member};
use super::{Tx, Unavailable, params};
use crate::model::account::Member;
use crate::model::directory::{UserField, UserFilter, UserOrder};
use crate::model::id::{AccountId, OrganizationId};
use crate::model::organization::Role;
use crate::model::paging::{Paged, Paging};

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

/// The users of an organization that pass a filter, those taken out of it too: a page of them, and how many there are.
/// Sorts what passes, so that it belongs on a thread of its own.
pub fn search(
    tx: &Tx<'_>,
    organization: OrganizationId,
    filter: &UserFilter,
    order: UserOrder,
    paging: Paging,
) -> Result<Paged<Member>, Unavailable> {
    let condition = format!(
        "m.organization_id = ?1 and a.email_key like ?2 escape '\\' and m.role between ?3 and ?4
        and {ACTIVE} between ?5 and ?6"
    );
    let (least, most) = match filter.role {
        Some(role) => (role, role),
        None => (Role::User, Role::Owner),
    };
    let (off, on) = (filter.active.unwrap_or(false), filter.active.unwrap_or(true));
    let username = like(filter.username.as_deref().unwrap_or_default());
    let mut wanted = params![organization, username, least, most, off, on].to_vec();
    let count = format!("select count(*) from accounts a {MEMBER_PLACE} where {condition}");
    let total = tx.value(&count, &wanted)?.unwrap_or(0);
    let (column, direction) = (column(order.by), if order.descending { "desc" } else { "asc" });
    let page = format!("{condition} order by {column} {direction}, a.id {direction} limit ?7 offset ?8");
    wanted.extend_from_slice(params![paging.limit, paging.offset()]);
    Ok(Paged { items: tx.rows(&select_member(&page), &wanted, read_member)?, total, paging })
}

/// Whether an account is active, as `AccountState` has it.
const ACTIVE: &str =
    "case when a.verified_at is not null and a.deactivated_at is null and a.banned_at is null
    and a.removed_at is null then 1 else 0 end";

fn column(field: UserField) -> &'static str {
    match field {
        UserField::Id => "a.id",
        UserField::Username => "a.email_key",
        UserField::FirstName => "a.first_name",
        UserField::LastName => "a.last_name",
        UserField::Status => ACTIVE,
        UserField::Role => "m.role",
        UserField::LastLoginAt => "coalesce(a.last_login_at, a.created_at)",
        UserField::CreatedAt => "a.created_at",
        UserField::UpdatedAt => "a.updated_at",
    }
}

/// A pattern for whatever has this text in it, where nothing in the text stands for anything but itself.
fn like(part: &str) -> String {
    let mut pattern = String::from("%");
    for c in part.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
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

/// Whether somebody beside this account could still act as the organization's owner: who has yet to prove the address
/// may never do so.
pub fn has_other_owner(
    tx: &Tx<'_>,
    organization: OrganizationId,
    account: AccountId,
) -> Result<bool, Unavailable> {
    let sql = "select 1 from memberships m join accounts a on a.id = m.account_id
        where m.organization_id = ?1 and m.role = ?3 and a.id <> ?2
        and a.verified_at is not null and a.removed_at is null and a.deactivated_at is null
        and a.banned_at is null limit 1";
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

//! What is kept of one person beyond account, sessions and devices, as rows.

use super::{Row, Tx, Unavailable, organizations, params};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, OrganizationId, SubscriptionId};
use crate::model::organization::{Organization, Role};
use crate::model::time::Millis;

/// A person's organization with all that its members have told of it, and their place in it.
#[derive(Debug, Clone)]
pub struct Place {
    pub organization: Organization,
    pub role: Role,
    pub since: Millis,
}

/// The place of an account.
pub fn place(tx: &Tx<'_>, account: AccountId) -> Result<Option<Place>, Unavailable> {
    let sql = "select organization_id, role, created_at from memberships where account_id = ?1";
    let read = |row: &mut Row| Ok((row.take()?, row.take()?, row.take()?));
    let Some((id, role, since)) = tx.row(sql, params![account], read)? else { return Ok(None) };
    Ok(organizations::find(tx, id)?.map(|organization| Place { organization, role, since }))
}

/// A plan that an organization has or had.
#[derive(Debug, Clone)]
pub struct HeldPlan {
    pub subscription: SubscriptionId,
    pub plan: String,
    pub starts_at: Millis,
    pub ends_at: Option<Millis>,
    pub canceled_at: Option<Millis>,
}

/// The plans that an organization has or had, the latest first.
pub fn plans(tx: &Tx<'_>, organization: OrganizationId) -> Result<Vec<HeldPlan>, Unavailable> {
    let sql = "select id, plan_id, starts_at, ends_at, canceled_at from subscriptions
        where organization_id = ?1 order by starts_at desc, id desc";
    tx.rows(sql, params![organization], |row: &mut Row| {
        Ok(HeldPlan {
            subscription: row.take()?,
            plan: row.take()?,
            starts_at: row.take()?,
            ends_at: row.take()?,
            canceled_at: row.take()?,
        })
    })
}

/// Takes an address out of the name of an organization that was called by it, for want of another name.
pub fn unname(tx: &Tx<'_>, organization: OrganizationId, email: &EmailAddress) -> Result<(), Unavailable> {
    let sql = "update organizations set name = 'Organization' where id = ?1 and name = ?2";
    tx.execute(sql, params![organization, email.as_str()])?;
    Ok(())
}

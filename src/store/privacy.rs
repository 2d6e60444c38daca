//! What is kept of one person beyond account, sessions and devices, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{AccountId, OrganizationId, SubscriptionId};
use crate::model::organization::{Contact, Role};
use crate::model::time::Millis;

/// A person's organization with all that its members have told of it, and their place in it.
#[derive(Debug, Clone)]
pub struct Place {
    pub organization: OrganizationId,
    pub name: String,
    pub website: Option<String>,
    pub domain: Option<String>,
    pub is_business: bool,
    pub contact: Contact,
    pub role: Role,
    pub since: Millis,
}

/// The place of an account.
pub fn place(tx: &Tx<'_>, account: AccountId) -> Result<Option<Place>, Unavailable> {
    let sql =
        "select o.id, o.name, o.website, o.domain, o.is_business, o.phone, o.address1, o.address2, o.city,
            o.state, o.zipcode, o.country, m.role, m.created_at
        from memberships m join organizations o on o.id = m.organization_id where m.account_id = ?1";
    tx.row(sql, params![account], |row: &mut Row| {
        Ok(Place {
            organization: row.take()?,
            name: row.take()?,
            website: row.take()?,
            domain: row.take()?,
            is_business: row.take()?,
            contact: Contact {
                phone: row.take()?,
                address1: row.take()?,
                address2: row.take()?,
                city: row.take()?,
                state: row.take()?,
                zipcode: row.take()?,
                country: row.take()?,
            },
            role: row.take()?,
            since: row.take()?,
        })
    })
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

//! Organizations and memberships, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{AccountId, OrganizationId};
use crate::model::organization::{Contact, Organization, Role};
use crate::model::time::Millis;

/// An organization about to be made.
pub struct NewOrganization<'a> {
    pub id: OrganizationId,
    pub name: &'a str,
    pub website: Option<&'a str>,
    pub domain: Option<&'a str>,
    pub is_business: bool,
    pub contact: &'a Contact,
    pub now: Millis,
}

/// Inserts an organization.
pub fn insert(tx: &Tx<'_>, new: &NewOrganization<'_>) -> Result<(), Unavailable> {
    let sql =
        "insert into organizations (id, name, website, domain, is_business, phone, address1, address2, city,
            state, zipcode, country, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13)";
    let contact = new.contact;
    tx.execute(
        sql,
        params![
            new.id,
            new.name,
            new.website,
            new.domain,
            new.is_business,
            contact.phone,
            contact.address1,
            contact.address2,
            contact.city,
            contact.state,
            contact.zipcode,
            contact.country,
            new.now
        ],
    )?;
    Ok(())
}

/// Gives an account its place. An account has at most one; a second is refused by the primary key.
pub fn join(
    tx: &Tx<'_>,
    account: AccountId,
    organization: OrganizationId,
    role: Role,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql =
        "insert into memberships (account_id, organization_id, role, created_at) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![account, organization, role, now])?;
    Ok(())
}

const ORGANIZATION: &str =
    "select id, name, website, domain, claimed_domain, is_business, phone, address1, address2,
        city, state, zipcode, country, mfa_enforced, created_at, banned_at
    from organizations";

fn read(row: &mut Row) -> Result<Organization, Unavailable> {
    Ok(Organization {
        id: row.take()?,
        name: row.take()?,
        website: row.take()?,
        domain: row.take()?,
        claimed_domain: row.take()?,
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
        mfa_enforced: row.take()?,
        created_at: row.take()?,
        banned_at: row.take()?,
    })
}

/// The organization of an id.
pub fn find(tx: &Tx<'_>, id: OrganizationId) -> Result<Option<Organization>, Unavailable> {
    tx.row(&format!("{ORGANIZATION} where id = ?1"), params![id], read)
}

/// Organizations of a name, the oldest first, at most `limit`.
pub fn by_name(tx: &Tx<'_>, name: &str, limit: i64) -> Result<Vec<Organization>, Unavailable> {
    tx.rows(&format!("{ORGANIZATION} where name = ?1 order by id limit ?2"), params![name, limit], read)
}

/// Organizations for the operator's list: those after `after`, in order of their id.
pub fn list(tx: &Tx<'_>, after: &str, limit: i64) -> Result<Vec<Organization>, Unavailable> {
    tx.rows(&format!("{ORGANIZATION} where id > ?1 order by id limit ?2"), params![after, limit], read)
}

/// What is to change about an organization; none stays, an empty text clears.
#[derive(Debug, Clone, Default)]
pub struct OrganizationChange {
    pub name: Option<String>,
    pub website: Option<String>,
    pub is_business: Option<bool>,
    pub mfa_enforced: Option<bool>,
    pub contact: Contact,
}

/// Changes an organization.
pub fn update(
    tx: &Tx<'_>,
    id: OrganizationId,
    change: &OrganizationChange,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql = "update organizations set name = coalesce(?2, name), is_business = coalesce(?3, is_business),
            mfa_enforced = coalesce(?4, mfa_enforced), website = nullif(coalesce(?5, website), ''),
            phone = nullif(coalesce(?6, phone), ''), address1 = nullif(coalesce(?7, address1), ''),
            address2 = nullif(coalesce(?8, address2), ''), city = nullif(coalesce(?9, city), ''),
            state = nullif(coalesce(?10, state), ''), zipcode = nullif(coalesce(?11, zipcode), ''),
            country = nullif(coalesce(?12, country), ''), updated_at = ?13
        where id = ?1";
    let OrganizationChange { name, website, is_business, mfa_enforced, contact } = change;
    let Contact { phone, address1, address2, city, state, zipcode, country } = contact;
    tx.execute(
        sql,
        params![
            id,
            *name,
            *is_business,
            *mfa_enforced,
            *website,
            *phone,
            *address1,
            *address2,
            *city,
            *state,
            *zipcode,
            *country,
            now
        ],
    )?;
    Ok(())
}

/// Gives an organization the domain that it says it has, unless another holds it. True when it now holds it.
pub fn claim_domain(tx: &Tx<'_>, id: OrganizationId, domain: &str) -> Result<bool, Unavailable> {
    let sql = "update organizations set claimed_domain = ?2
        where id = ?1 and domain = ?2 and claimed_domain is null
        and not exists (select 1 from organizations where claimed_domain = ?2)";
    Ok(tx.execute(sql, params![id, domain])? == 1)
}

/// Whether any organization holds the domain.
pub fn domain_is_claimed(tx: &Tx<'_>, domain: &str) -> Result<bool, Unavailable> {
    Ok(tx.value::<i64>("select 1 from organizations where claimed_domain = ?1", params![domain])?.is_some())
}

/// Whether the domain that an organization says it has is held by another.
pub fn domain_is_anothers(tx: &Tx<'_>, id: OrganizationId) -> Result<bool, Unavailable> {
    let sql = "select 1 from organizations own
        join organizations other on other.claimed_domain = own.domain and other.id <> own.id
        where own.id = ?1";
    Ok(tx.value::<i64>(sql, params![id])?.is_some())
}

/// Bans or, with `None`, lifts the ban. False when nothing changed.
pub fn set_banned(
    tx: &Tx<'_>,
    id: OrganizationId,
    at: Option<Millis>,
    now: Millis,
) -> Result<bool, Unavailable> {
    let sql = "update organizations set banned_at = ?2, updated_at = ?3
        where id = ?1 and (banned_at is null) = (?2 is not null)";
    Ok(tx.execute(sql, params![id, at, now])? == 1)
}

/// How many members an organization has.
pub fn member_count(tx: &Tx<'_>, id: OrganizationId) -> Result<i64, Unavailable> {
    let sql = "select count(*) from memberships where organization_id = ?1";
    Ok(tx.value(sql, params![id])?.unwrap_or(0))
}

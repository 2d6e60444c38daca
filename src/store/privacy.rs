//! What is kept of one person beyond account, sessions and devices, as rows. No secret is among it.

use super::{Row, Tx, Unavailable, organizations, params};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, OrganizationId, SubscriptionId};
use crate::model::organization::{Organization, Role};
use crate::model::time::Millis;
use crate::model::two_factor::Method;

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

/// A second factor that is on.
#[derive(Debug, Clone)]
pub struct HeldFactor {
    pub method: Method,
    pub enabled_at: Millis,
    /// Whether a login asks for it first.
    pub primary: bool,
}

/// The second factors of an account, the longest on first.
pub fn factors(tx: &Tx<'_>, account: AccountId) -> Result<Vec<HeldFactor>, Unavailable> {
    let sql = "select method, enabled_at, is_primary from second_factors
        where account_id = ?1 order by enabled_at, method";
    tx.rows(sql, params![account], |row: &mut Row| {
        Ok(HeldFactor { method: row.take()?, enabled_at: row.take()?, primary: row.take()? })
    })
}

/// The invite code that an account came by.
#[derive(Debug, Clone)]
pub struct UsedInvite {
    /// The part of the code that lists show.
    pub hint: String,
    pub used_at: Millis,
}

/// The invite codes that an account has used.
pub fn invites(tx: &Tx<'_>, account: AccountId) -> Result<Vec<UsedInvite>, Unavailable> {
    let sql = "select c.hint, u.used_at from invite_uses u join invite_codes c on c.id = u.invite_id
        where u.account_id = ?1 order by u.used_at, c.id";
    tx.rows(sql, params![account], |row: &mut Row| Ok(UsedInvite { hint: row.take()?, used_at: row.take()? }))
}

/// A device that a client has named itself.
#[derive(Debug, Clone)]
pub struct NamedDevice {
    /// The client's identity for it.
    pub device_id: String,
    pub name: Option<String>,
    pub platform: Option<String>,
    pub app_version: Option<String>,
    /// Whether a token for writing to the app on it is kept.
    pub has_push_token: bool,
    pub login_at: Millis,
}

/// The devices of an account that clients have named, the latest login first.
pub fn named_devices(tx: &Tx<'_>, account: AccountId) -> Result<Vec<NamedDevice>, Unavailable> {
    let sql = "select device_id, name, platform, app_version,
            case when push_token_sealed is null then 0 else 1 end, login_at
        from client_devices where account_id = ?1 order by login_at desc, id desc";
    tx.rows(sql, params![account], |row: &mut Row| {
        Ok(NamedDevice {
            device_id: row.take()?,
            name: row.take()?,
            platform: row.take()?,
            app_version: row.take()?,
            has_push_token: row.take()?,
            login_at: row.take()?,
        })
    })
}

/// An account's part in referrals.
#[derive(Debug, Clone)]
pub struct HeldReferral {
    /// The account's own code.
    pub code: String,
    /// Whether it came by another's code. Whose is that person's affair.
    pub came_by_code: bool,
    /// When its coming was rewarded.
    pub rewarded_at: Option<Millis>,
}

/// An account's referral code, if it has one.
pub fn referral(tx: &Tx<'_>, account: AccountId) -> Result<Option<HeldReferral>, Unavailable> {
    let sql = "select code, case when referred_by is null then 0 else 1 end, rewarded_at
        from referrals where account_id = ?1";
    tx.row(sql, params![account], |row: &mut Row| {
        Ok(HeldReferral { code: row.take()?, came_by_code: row.take()?, rewarded_at: row.take()? })
    })
}

/// Takes an address out of the name of an organization that was called by it, for want of another name.
pub fn unname(tx: &Tx<'_>, organization: OrganizationId, email: &EmailAddress) -> Result<(), Unavailable> {
    let sql = "update organizations set name = 'Organization' where id = ?1 and name = ?2";
    tx.execute(sql, params![organization, email.as_str()])?;
    Ok(())
}

//! What the operator does at the command line, on the file, beside a running server.

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::domain::Host;
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, OrganizationId};
use crate::model::organization::Organization;
use crate::model::time::Millis;
use crate::store::{Unavailable, accounts, audit, bans, members, organizations};

use super::Service;
use super::profile::cut_off;
use super::proving::settle_verified;

/// How the operator names an account.
#[derive(Debug, Clone)]
pub enum AccountName {
    Id(AccountId),
    Email(EmailAddress),
}

/// What the operator does to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountAction {
    Verify,
    Activate,
    Deactivate,
    Ban,
    Unban,
}

impl AccountAction {
    fn deed(self) -> Deed {
        match self {
            AccountAction::Verify => Deed::AddressVerified,
            AccountAction::Activate => Deed::AccountActivated,
            AccountAction::Deactivate => Deed::AccountDeactivated,
            AccountAction::Ban => Deed::AccountBanned,
            AccountAction::Unban => Deed::AccountUnbanned,
        }
    }
}

/// What the operator bans or unbans.
#[derive(Debug, Clone)]
pub enum BanTarget {
    Organization(OrganizationId),
    Domain(Host),
}

impl Service {
    /// The account of a name.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn find_account(&self, name: &AccountName) -> Result<Option<Member>, Unavailable> {
        self.store.read(|tx| match name {
            AccountName::Id(id) => accounts::member(tx, *id),
            AccountName::Email(email) => accounts::member_by_email(tx, &email.key()),
        })
    }

    /// A page of accounts in order of their number, those after `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_accounts(&self, after: i64, limit: i64) -> Result<Vec<Member>, Unavailable> {
        self.store.read(|tx| accounts::list(tx, after, limit))
    }

    /// Carries out an action. False when the account was in that state already.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn act_on_account(&self, member: &Member, action: AccountAction) -> Result<bool, Unavailable> {
        let (member, now) = (member.clone(), self.clock.now());
        let (id, identities) = (member.account.id, self.identities(&member.account.email));
        let entry = self.entry_about(&member, Actor::Operator, action.deed());
        self.store
            .write(move |tx| {
                let changed = match action {
                    AccountAction::Verify => {
                        let there = accounts::member(tx, id)?;
                        let unverified = there.is_some_and(|it| it.account.verified_at.is_none());
                        settle_verified(tx, &member, &identities, now)?;
                        unverified
                    }
                    AccountAction::Activate => accounts::set_deactivated(tx, id, None, now)?,
                    AccountAction::Unban => accounts::set_banned(tx, id, None, now)?,
                    AccountAction::Deactivate => {
                        cut_off(tx, id, now)?;
                        accounts::set_deactivated(tx, id, Some(now), now)?
                    }
                    AccountAction::Ban => {
                        cut_off(tx, id, now)?;
                        accounts::set_banned(tx, id, Some(now), now)?
                    }
                };
                if changed {
                    audit::note(tx, &entry)?;
                }
                Ok(changed)
            })
            .await
    }

    /// The organization of an id, with the number of its members.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn find_organization(&self, id: OrganizationId) -> Result<Option<(Organization, i64)>, Unavailable> {
        self.store.read(|tx| {
            let found = organizations::find(tx, id)?;
            found.map(|found| Ok((found, members::user_count(tx, id)?))).transpose()
        })
    }

    /// A page of organizations in order of their id, those after `after`.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_organizations(&self, after: &str, limit: i64) -> Result<Vec<Organization>, Unavailable> {
        self.store.read(|tx| organizations::list(tx, after, limit))
    }

    /// The domains banned by name, with the moment.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn banned_domains(&self) -> Result<Vec<(String, Millis)>, Unavailable> {
        self.store.read(bans::list)
    }

    /// Bans an organization by id, with the domain that it has claimed and no other, or a domain by name. Its members
    /// are out at their next request. `None` when there is no such organization, false when it was banned already.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn ban(&self, target: BanTarget, banned: bool) -> Result<Option<bool>, Unavailable> {
        let (now, entry) = (self.clock.now(), self.ban_entry(&target, banned));
        self.store
            .write(move |tx| {
                let changed = match target {
                    BanTarget::Domain(domain) if banned => bans::insert(tx, &domain, now)?,
                    BanTarget::Domain(domain) => bans::delete(tx, &domain)?,
                    BanTarget::Organization(id) => {
                        if organizations::find(tx, id)?.is_none() {
                            return Ok(None);
                        }
                        organizations::set_banned(tx, id, banned.then_some(now), now)?
                    }
                };
                if changed {
                    audit::note(tx, &entry)?;
                }
                Ok(Some(changed))
            })
            .await
    }

    fn ban_entry(&self, target: &BanTarget, banned: bool) -> Entry {
        let (deed, organization, domain) = match (target, banned) {
            (BanTarget::Organization(id), true) => (Deed::OrganizationBanned, Some(*id), ""),
            (BanTarget::Organization(id), false) => (Deed::OrganizationUnbanned, Some(*id), ""),
            (BanTarget::Domain(domain), true) => (Deed::DomainBanned, None, domain.as_str()),
            (BanTarget::Domain(domain), false) => (Deed::DomainUnbanned, None, domain.as_str()),
        };
        Entry { organization, ..self.entry(Actor::Operator, deed).detailed(domain) }
    }
}

//! Everything a sign-up writes, and the one transaction that writes it.

use crate::model::account::{AccountState, Member};
use crate::model::audit::Entry;
use crate::model::domain::{Host, Website};
use crate::model::id::{AccountId, OrganizationId, SubscriptionId};
use crate::model::invite_code::InviteState;
use crate::model::name::CompanyName;
use crate::model::organization::Role;
use crate::model::proof::Purpose;
use crate::model::referral::ReferralCode;
use crate::model::subscription::{SeededPlan, TRIAL};
use crate::model::time::Millis;
use crate::service::api_keys::Welcome;
use crate::service::opening::Opening;
use crate::service::policy::{Gate, Policy};
use crate::service::proving::{Identities, Mailing, settle_verified};
use crate::store::accounts::{self, NewAccount};
use crate::store::organizations::{self, NewOrganization};
use crate::store::referrals::Newcomer;
use crate::store::{Tx, Unavailable, audit, bans, invite_codes, proofs, subscriptions};

use super::introduction::Introduction;
use super::{RegisterError, RegisterOrder};

/// Everything a sign-up writes, made before the transaction so that the transaction is short.
pub(super) struct Draft {
    pub order: RegisterOrder,
    pub policy: Policy,
    pub password_hash: Option<String>,
    pub account: AccountId,
    pub organization: OrganizationId,
    pub subscription: SubscriptionId,
    pub opening: Option<Opening>,
    /// The account's own, where the contract has such.
    pub referral_code: ReferralCode,
    /// The first API key, and the letter that brings it.
    pub welcome: Option<Welcome>,
    /// Whether the address is taken as proved.
    pub verified: bool,
    pub mailing: Mailing,
    pub identities: Identities,
    pub domain_identity: Option<(Host, String)>,
    /// What the audit log says; the operator did it, unless somebody calls.
    pub entry: Entry,
    pub now: Millis,
}

/// The refusals that need no more than a look: the invite first, so that a stranger without one learns nothing about
/// addresses (contracts/finradar.md section 1), then the address, then the bans (contracts/flashback.md section 1).
pub(super) fn refuse(
    tx: &Tx<'_>,
    policy: &Policy,
    order: &RegisterOrder,
    now: Millis,
) -> Result<(), RegisterError> {
    if policy.gate == Gate::InviteCode {
        let invite = order.invite.map_or(Ok(None), |id| invite_codes::find(tx, id))?;
        match invite.ok_or(RegisterError::InviteUnknown)?.state(now) {
            InviteState::Redeemable => {}
            over => return Err(RegisterError::InviteOver(over)),
        }
    }
    if let Some(member) = accounts::member_by_email(tx, &order.email.key())? {
        return Err(RegisterError::EmailTaken { active: member.account.state() == AccountState::Active });
    }
    for host in order.hosts() {
        if bans::covers(tx, &host)? {
            return Err(RegisterError::DomainBanned);
        }
    }
    Ok(())
}

impl Draft {
    /// Writes it all.
    pub fn commit(&self, tx: &Tx<'_>) -> Result<Member, RegisterError> {
        refuse(tx, &self.policy, &self.order, self.now)?;
        if let Some(invite) = self.order.invite
            && !invite_codes::consume(tx, invite, self.account, self.now)?
        {
            return Err(RegisterError::InviteOver(InviteState::Used));
        }
        self.insert_account(tx)?;
        self.insert_organization(tx)?;
        audit::note(tx, &self.entry)?;
        let missing = || Unavailable::because("an account just inserted is not there");
        let member = accounts::member(tx, self.account)?.ok_or_else(missing)?;
        if self.policy.profiles {
            self.introduction().commit(tx, &member)?;
        }
        if let Some(opening) = &self.opening {
            opening.commit(tx, &member, false)?;
        }
        if self.verified {
            settle_verified(tx, &member, &self.identities, self.now)?;
            return Ok(accounts::member(tx, self.account)?.ok_or_else(missing)?);
        }
        proofs::insert(tx, self.mailing.proof, self.account, Purpose::Verify, self.now)?;
        self.mailing.post(tx, self.account)?;
        if let Some(welcome) = &self.welcome {
            welcome.post(tx, self.account)?;
        }
        Ok(member)
    }

    fn introduction(&self) -> Introduction<'_> {
        let device_id = self.opening.as_ref().and_then(Opening::device_id);
        Introduction {
            details: &self.order.personal,
            code: &self.referral_code,
            newcomer: Newcomer { identity: &self.identities.mailbox, device_id },
            now: self.now,
        }
    }

    fn insert_account(&self, tx: &Tx<'_>) -> Result<(), RegisterError> {
        let new = NewAccount {
            id: self.account,
            email: &self.order.email,
            email_identity: &self.identities.mailbox,
            password_hash: self.password_hash.as_deref(),
            first_name: self.order.first_name(),
            last_name: self.order.last_name(),
            language: self.order.language,
            contract: self.policy.contract,
            now: self.now,
        };
        // `refuse` has looked, inside this very transaction; where transactions may overlap the key still decides. A
        // former address that its account may yet want back is refused here alone.
        accounts::insert(tx, &new)?.map(drop).ok_or(RegisterError::EmailTaken { active: false })
    }

    fn insert_organization(&self, tx: &Tx<'_>) -> Result<(), Unavailable> {
        let order = &self.order;
        let new = NewOrganization {
            id: self.organization,
            name: order.company_name.as_ref().map_or(order.email.as_str(), CompanyName::as_str),
            website: order.company_website.as_ref().map(Website::as_str),
            domain: self.domain_identity.as_ref().map(|(domain, _)| domain.as_str()),
            is_business: order.is_business,
            contact: &order.contact,
            now: self.now,
        };
        organizations::insert(tx, &new)?;
        organizations::join(tx, self.account, self.organization, Role::Owner, self.now)?;
        let plan = if self.had_trial(tx)? { SeededPlan::Free } else { self.policy.first_plan };
        let ends_at = (plan == SeededPlan::Trial).then(|| self.now + TRIAL);
        subscriptions::insert(tx, self.subscription, self.organization, plan, (self.now, ends_at))
    }

    /// Whether the mailbox, its domain, or the domain that the company says it has, is on record. The record is made when an
    /// address is proved, so that a stranger who types somebody's address cannot use up their trial.
    fn had_trial(&self, tx: &Tx<'_>) -> Result<bool, Unavailable> {
        if subscriptions::trial_was_given(tx, &self.identities.mailbox)? {
            return Ok(true);
        }
        let said = self.domain_identity.as_ref().map(|(domain, identity)| (domain.as_str(), identity));
        let own = self.identities.domain.as_ref().map(|(domain, identity)| (domain.as_str(), identity));
        for (domain, identity) in said.into_iter().chain(own) {
            if organizations::domain_is_claimed(tx, domain)? || subscriptions::trial_was_given(tx, identity)?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

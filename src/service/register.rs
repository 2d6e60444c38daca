//! Signing up: one pipeline for every contract. What differs between them is the [`Policy`] they hand in.

use crate::mail::Recipient;
use crate::model::account::{AccountState, Member};
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::contract::Contract;
use crate::model::domain::{Host, Website};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, OrganizationId, SubscriptionId};
use crate::model::language::Language;
use crate::model::letter::LetterKind;
use crate::model::name::{CompanyName, PersonName};
use crate::model::organization::{Contact, Role};
use crate::model::password::{Password, PasswordRule};
use crate::model::proof::Purpose;
use crate::model::session::{Origin, Session};
use crate::model::subscription::{SeededPlan, TRIAL};
use crate::model::time::Millis;
use crate::store::accounts::{self, NewAccount};
use crate::store::organizations::{self, NewOrganization};
use crate::store::{Tx, Unavailable, audit, bans, letters, proofs, sessions, subscriptions};

use super::proving::{Identities, Mailing, settle_verified};
use super::{Entered, Service, Setback};

/// What a contract has decided about sign-ups.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub contract: Contract,
    /// What a chosen password must be like, at sign-up and ever after.
    pub password_rule: PasswordRule,
    /// The plan of an organization that has not had it before; later ones start on the free plan.
    pub first_plan: SeededPlan,
}

/// A sign-up whose values cannot be wrong.
#[derive(Debug, Clone)]
pub struct RegisterOrder {
    pub email: EmailAddress,
    /// None only by the operator's command: the mailed page then asks for one.
    pub password: Option<Password>,
    pub first_name: PersonName,
    pub last_name: PersonName,
    pub company_name: CompanyName,
    pub company_website: Option<Website>,
    pub is_business: bool,
    pub contact: Contact,
    pub language: Language,
}

impl RegisterOrder {
    /// The domain the company says it has: of the website, else of a business's address. Personal accounts have none,
    /// and a provider of mailboxes for anybody is nobody's company.
    fn company_domain(&self) -> Option<Host> {
        if !self.is_business {
            return None;
        }
        let email = self.email.domain();
        let host = self.company_website.as_ref().map_or(&email, Website::host);
        host.registrable().filter(|domain| !domain.is_free_mail())
    }

    /// The company's name, nothing where it is the person's own.
    fn company(&self) -> &str {
        let person = format!("{} {}", self.first_name.as_str(), self.last_name.as_str());
        Some(self.company_name.as_str()).filter(|company| *company != person).unwrap_or_default()
    }

    fn hosts(&self) -> impl Iterator<Item = Host> {
        let website = self.company_website.as_ref().map(|site| site.host().clone());
        website.into_iter().chain([self.email.domain()])
    }
}

/// Why nobody was signed up. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegisterError {
    #[error("the address belongs to an account")]
    EmailTaken { active: bool },
    #[error("the domain is banned")]
    DomainBanned,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for RegisterError {
    fn from(error: Unavailable) -> RegisterError {
        RegisterError::Setback(error.into())
    }
}

/// Everything a sign-up writes, made before the transaction so that the transaction is short.
struct Draft {
    order: RegisterOrder,
    policy: Policy,
    password_hash: Option<String>,
    account: AccountId,
    organization: OrganizationId,
    subscription: SubscriptionId,
    /// The session to open, and the address it is opened from.
    session: Option<(Session, String)>,
    /// Whether the address is taken as proved.
    verified: bool,
    mailing: Mailing,
    identities: Identities,
    domain_identity: Option<(Host, String)>,
    /// What the audit log says; the operator did it, unless somebody calls.
    entry: Entry,
    now: Millis,
}

impl Service {
    /// Signs somebody up: account, organization, trial, session, proof and letter in one transaction.
    ///
    /// # Errors
    /// [`RegisterError`]; nothing has changed then.
    pub async fn register(
        &self,
        policy: &Policy,
        order: RegisterOrder,
        origin: &Origin,
    ) -> Result<Entered, RegisterError> {
        let mut draft = self.draft(policy, order).await?;
        draft.entry.actor = Actor::Person(draft.account, origin.address);
        let session = self.new_session(draft.account, policy.contract, origin);
        draft.session = Some((session.clone(), origin.address.to_string()));
        let proof = draft.mailing.proof;
        let member = self.store.write(move |tx| draft.commit(tx)).await?;
        self.bell.ring();
        let tokens = self.tokens(&session, &member);
        Ok(Entered { member, tokens, pending_proof: Some(proof) })
    }

    /// Makes an account by the operator's command: without a session, and without a letter where the operator takes
    /// the address as proved.
    ///
    /// # Errors
    /// [`RegisterError`]; nothing has changed then.
    pub async fn create_account(
        &self,
        policy: &Policy,
        order: RegisterOrder,
        verified: bool,
    ) -> Result<Member, RegisterError> {
        let mut draft = self.draft(policy, order).await?;
        draft.verified = verified;
        if verified {
            draft.entry = draft.entry.detailed("address taken as proved");
        }
        // Who did not sign up is invited, not asked to confirm a sign-up.
        let order = &draft.order;
        let to = Recipient {
            address: &order.email,
            first_name: order.first_name.as_str(),
            language: order.language,
        };
        let mailer = self.mailer(draft.now);
        draft.mailing = mailer.prepare_invitation(draft.mailing.proof, to, order.company());
        let member = self.store.write(move |tx| draft.commit(tx)).await?;
        self.bell.ring();
        Ok(member)
    }

    async fn draft(&self, policy: &Policy, order: RegisterOrder) -> Result<Draft, RegisterError> {
        // Cheap refusals come before the costly hash; the transaction asks again, because two may race.
        self.store.read(|tx| refuse(tx, &order))?;
        let password_hash = match order.password.clone() {
            Some(password) => Some(self.hashing.hash(password).await.map_err(Setback::from)?),
            None => None,
        };
        let now = self.clock.now();
        let to = Recipient {
            address: &order.email,
            first_name: order.first_name.as_str(),
            language: order.language,
        };
        let (account, organization) = (self.chance.id(now), self.chance.id(now));
        let entry = self.entry(Actor::Operator, Deed::AccountCreated);
        Ok(Draft {
            account,
            organization,
            entry: Entry { account: Some(account), organization: Some(organization), ..entry },
            subscription: self.chance.id(now),
            mailing: self.mailer(now).prepare(self.chance.id(now), Purpose::Verify, to),
            identities: self.identities(&order.email),
            domain_identity: order.company_domain().map(|domain| {
                let identity = self.trial_identity(domain.as_str());
                (domain, identity)
            }),
            session: None,
            verified: false,
            policy: *policy,
            password_hash,
            order,
            now,
        })
    }
}

/// The refusals that need no more than a look: the address first, then the bans (contracts/flashback.md section 1).
fn refuse(tx: &Tx<'_>, order: &RegisterOrder) -> Result<(), RegisterError> {
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
    fn commit(&self, tx: &Tx<'_>) -> Result<Member, RegisterError> {
        refuse(tx, &self.order)?;
        self.insert_account(tx)?;
        self.insert_organization(tx)?;
        audit::note(tx, &self.entry)?;
        if let Some((session, address)) = &self.session {
            sessions::insert(tx, session, address)?;
        }
        let missing = || Unavailable::because("an account just inserted is not there");
        let member = accounts::member(tx, self.account)?.ok_or_else(missing)?;
        if self.verified {
            settle_verified(tx, &member, &self.identities, self.now)?;
            return Ok(accounts::member(tx, self.account)?.ok_or_else(missing)?);
        }
        proofs::insert(tx, self.mailing.proof, self.account, Purpose::Verify, self.now)?;
        self.mailing.post(tx, self.account)?;
        Ok(member)
    }

    fn insert_account(&self, tx: &Tx<'_>) -> Result<(), RegisterError> {
        let new = NewAccount {
            id: self.account,
            email: &self.order.email,
            email_identity: &self.identities.mailbox,
            password_hash: self.password_hash.as_deref(),
            first_name: self.order.first_name.as_str(),
            last_name: self.order.last_name.as_str(),
            language: self.order.language,
            contract: self.policy.contract,
            now: self.now,
        };
        // `refuse` has looked, inside this very transaction; where transactions may overlap the key still decides.
        accounts::insert(tx, &new)?.map(drop).ok_or(RegisterError::EmailTaken { active: false })
    }

    fn insert_organization(&self, tx: &Tx<'_>) -> Result<(), Unavailable> {
        let order = &self.order;
        let new = NewOrganization {
            id: self.organization,
            name: order.company_name.as_str(),
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

/// Drops the letters of a proof that came to nothing.
pub(super) fn silence(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(), Unavailable> {
    for kind in [LetterKind::Verify, LetterKind::Invitation, LetterKind::Reset] {
        letters::drop_waiting(tx, account, kind.as_str(), now)?;
    }
    Ok(())
}

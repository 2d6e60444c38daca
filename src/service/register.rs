//! Signing up: one pipeline for every contract. What differs between them is the [`Policy`] they hand in.

mod draft;
mod introduction;

use crate::mail::Recipient;
use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::domain::{Host, Website};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, InviteCodeId};
use crate::model::invite_code::InviteState;
use crate::model::language::Language;
use crate::model::letter::LetterKind;
use crate::model::name::{CompanyName, PersonName};
use crate::model::organization::Contact;
use crate::model::password::Password;
use crate::model::personal::PersonalDetails;
use crate::model::proof::Purpose;
use crate::model::referral::ReferralCode;
use crate::model::session::Origin;
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, letters};

use super::policy::Policy;
use super::{Entered, Service, Setback};
use draft::{Draft, refuse};

/// A sign-up whose values cannot be wrong.
#[derive(Debug, Clone)]
pub struct RegisterOrder {
    pub email: EmailAddress,
    /// None only by the operator's command: the mailed page then asks for one.
    pub password: Option<Password>,
    /// None where the contract asks for no names.
    pub first_name: Option<PersonName>,
    /// As the first name.
    pub last_name: Option<PersonName>,
    /// None where the contract asks for no organization: it is called by the address.
    pub company_name: Option<CompanyName>,
    pub company_website: Option<Website>,
    pub is_business: bool,
    pub contact: Contact,
    pub language: Language,
    /// Kept where the contract has profiles.
    pub personal: PersonalDetails,
    /// The invite code that a good invite token speaks of, where the contract asks for one.
    pub invite: Option<InviteCodeId>,
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

    pub(super) fn first_name(&self) -> &str {
        self.first_name.as_ref().map_or("", PersonName::as_str)
    }

    pub(super) fn last_name(&self) -> &str {
        self.last_name.as_ref().map_or("", PersonName::as_str)
    }

    /// The company's name, nothing where it is the person's own.
    fn company(&self) -> &str {
        let person = format!("{} {}", self.first_name(), self.last_name());
        let company = self.company_name.as_ref().map(CompanyName::as_str);
        company.filter(|company| *company != person).unwrap_or_default()
    }

    pub(super) fn recipient(&self) -> Recipient<'_> {
        Recipient { address: &self.email, first_name: self.first_name(), language: self.language }
    }

    fn hosts(&self) -> impl Iterator<Item = Host> {
        let website = self.company_website.as_ref().map(|site| site.host().clone());
        website.into_iter().chain([self.email.domain()])
    }
}

/// Why nobody was signed up. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegisterError {
    /// The contract asks for an invite code, and there is none such.
    #[error("there is no such invite code")]
    InviteUnknown,
    /// The code was good once: used up, expired or revoked.
    #[error("the invite code is not good any more")]
    InviteOver(InviteState),
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

/// Somebody who has signed up and is yet to come in.
#[derive(Debug, Clone)]
pub struct Registered {
    pub member: Member,
    /// Whether the verification letter was handed over in time. It is tried again all the same.
    pub handed_over: bool,
}

impl Service {
    /// Signs somebody up and opens a session: account, organization, trial, session, proof and letter in one
    /// transaction.
    ///
    /// # Errors
    /// [`RegisterError`]; nothing has changed then.
    pub async fn register_and_enter(
        &self,
        policy: &Policy,
        order: RegisterOrder,
        origin: &Origin,
    ) -> Result<Entered, RegisterError> {
        let mut draft = self.draft(policy, order).await?;
        draft.entry.actor = Actor::Person(draft.account, origin.address);
        let opening = self.opening(policy, draft.account, origin);
        let session = opening.session.clone();
        draft.opening = Some(opening);
        let proof = draft.mailing.proof;
        let member = self.store.write(move |tx| draft.commit(tx)).await?;
        self.bell.ring();
        let tokens = self.tokens(&session, &member);
        Ok(Entered { member, tokens, pending_proof: Some(proof) })
    }

    /// Signs somebody up without letting them in: account, organization, subscription, proof, letters and, where the
    /// policy has it so, an API key in one transaction. Waits for the verification letter as long as the policy says.
    ///
    /// # Errors
    /// [`RegisterError`]; nothing has changed then.
    pub async fn register(
        &self,
        policy: &Policy,
        order: RegisterOrder,
        origin: &Origin,
    ) -> Result<Registered, RegisterError> {
        let mut draft = self.draft(policy, order).await?;
        draft.entry.actor = Actor::Person(draft.account, origin.address);
        draft.welcome = policy.welcome_key.then(|| self.welcome(draft.account, &draft.order));
        let letter = draft.mailing.letter.id;
        let member = self.store.write(move |tx| draft.commit(tx)).await?;
        self.bell.ring();
        let handed_over = match policy.hand_over {
            Some(bound) => self.is_handed_over(letter, bound).await,
            None => true,
        };
        Ok(Registered { member, handed_over })
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
        let mailer = self.mailer(draft.now);
        draft.mailing = mailer.prepare_invitation(draft.mailing.proof, order.recipient(), order.company());
        let member = self.store.write(move |tx| draft.commit(tx)).await?;
        self.bell.ring();
        Ok(member)
    }

    async fn draft(&self, policy: &Policy, order: RegisterOrder) -> Result<Draft, RegisterError> {
        // Cheap refusals come before the costly hash; the transaction asks again, because two may race.
        let now = self.clock.now();
        self.store.read(|tx| refuse(tx, policy, &order, now))?;
        let password_hash = match order.password.clone() {
            Some(password) => Some(self.hashing.hash(password).await.map_err(Setback::from)?),
            None => None,
        };
        let now = self.clock.now();
        let (account, organization) = (self.chance.id(now), self.chance.id(now));
        let entry = self.entry(Actor::Operator, Deed::AccountCreated);
        Ok(Draft {
            account,
            organization,
            entry: Entry { account: Some(account), organization: Some(organization), ..entry },
            subscription: self.chance.id(now),
            mailing: self.mailer(now).prepare(self.chance.id(now), Purpose::Verify, order.recipient()),
            identities: self.identities(&order.email),
            domain_identity: order.company_domain().map(|domain| {
                let identity = self.trial_identity(domain.as_str());
                (domain, identity)
            }),
            opening: None,
            referral_code: ReferralCode::of_bits(self.chance.below(u64::MAX)),
            welcome: None,
            verified: false,
            policy: *policy,
            password_hash,
            order,
            now,
        })
    }
}

/// Drops the letters of a proof that came to nothing.
pub(super) fn silence(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(), Unavailable> {
    let kinds = [LetterKind::Verify, LetterKind::Invitation, LetterKind::Reset, LetterKind::ChangeAddress];
    for kind in kinds.into_iter().chain([LetterKind::LoginCode, LetterKind::MagicLink]) {
        letters::drop_waiting(tx, account, kind.as_str(), now)?;
    }
    Ok(())
}

//! Proving an address: by the mailed link or code, and "this was not me".

use std::net::IpAddr;
use std::time::Duration;

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::model::session::{Origin, Session};
use crate::model::time::Millis;
use crate::secrets::{Secrets, sha256};
use crate::store::{Tx, Unavailable, accounts, audit, proofs, sessions};

use super::proving::{Evidence, Identities, account_of, examine, settle_verified};
use super::{Entered, Service, Setback};

/// What a mailed page has to know before its button is pressed.
#[derive(Debug, Clone)]
pub struct OpenProof {
    pub member: Member,
    /// The address that it is about: the account's, or the one that the account gets by it.
    pub address: EmailAddress,
    /// The account has no password yet: proving the address takes choosing one.
    pub needs_password: bool,
}

/// Why an address was not proved.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VerifyError {
    /// Unknown, used, expired, for something else, or too many codes were tried.
    #[error("the link or code is not good")]
    InvalidEvidence,
    #[error("a password has to be chosen")]
    PasswordNeeded,
    /// The address is proved, and coming in takes a login.
    #[error("the address is proved; log in with the second factor")]
    SecondFactorNeeded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for VerifyError {
    fn from(error: Unavailable) -> VerifyError {
        VerifyError::Setback(error.into())
    }
}

/// Why no letter was sent again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MailingError {
    #[error("the address has been sent too many letters")]
    TooManyLetters(Duration),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Service {
    /// What the secret of a mailed link leads to. Consumes nothing, so scanners and previews do no harm (C3).
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn inspect_proof(&self, secret: &str, purpose: Purpose) -> Result<Option<OpenProof>, Unavailable> {
        let (hash, now) = (sha256(secret), self.clock.now());
        let found = self.store.read(|tx| {
            let Some(proof) = proofs::by_secret(tx, &hash, purpose, now)? else { return Ok(None) };
            Ok::<_, Unavailable>(accounts::member(tx, proof.account)?.map(|member| (proof, member)))
        })?;
        // Undoing a change lets nobody in, and so is open whoever may enter.
        let open = found.filter(|(_, member)| purpose == Purpose::UndoChange || member.may_enter());
        Ok(open.map(|(proof, member)| OpenProof {
            needs_password: member.account.password_hash.is_none(),
            address: proof.address.unwrap_or_else(|| member.account.email.clone()),
            member,
        }))
    }

    /// Whether a mailed link has done its work already: whoever follows it again is not to be alarmed.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn was_followed(&self, secret: &str, purpose: Purpose) -> Result<bool, Unavailable> {
        self.store.read(|tx| proofs::was_followed(tx, &sha256(secret), purpose))
    }

    /// Proves an address, without letting anybody in: what the mailed page's button does.
    ///
    /// # Errors
    /// [`VerifyError`]; only the count of tried codes has changed then.
    pub async fn verify_address(
        &self,
        evidence: Evidence,
        password: Option<Password>,
        address: IpAddr,
    ) -> Result<Member, VerifyError> {
        Ok(self.verify(evidence, password, address, None).await?.0)
    }

    /// Proves an address and opens a session.
    ///
    /// # Errors
    /// [`VerifyError`]; only the count of tried codes has changed then.
    pub async fn verify_and_enter(
        &self,
        evidence: Evidence,
        password: Option<Password>,
        contract: Contract,
        origin: &Origin,
    ) -> Result<Entered, VerifyError> {
        let (member, session) =
            self.verify(evidence, password, origin.address, Some((contract, origin))).await?;
        let session = session.ok_or(VerifyError::SecondFactorNeeded)?;
        let tokens = self.tokens(&session, &member);
        Ok(Entered { member, tokens, pending_proof: None })
    }

    async fn verify(
        &self,
        evidence: Evidence,
        password: Option<Password>,
        address: IpAddr,
        enter: Option<(Contract, &Origin)>,
    ) -> Result<(Member, Option<Session>), VerifyError> {
        let now = self.clock.now();
        let found = self.store.read(|tx| account_of(tx, &evidence, Purpose::Verify, now))?;
        let member = found.ok_or(VerifyError::InvalidEvidence)?;
        let actor = Actor::Person(member.account.id, address);
        let verification = Verification {
            verified: self.entry_about(&member, actor, Deed::AddressVerified),
            chosen: self.entry_about(&member, actor, Deed::PasswordChosen),
            evidence,
            first_hash: self.first_hash(&member, password).await?,
            identities: self.identities(&member.account.email),
            // Proving an address is no way around the second factor.
            session: enter.filter(|_| member.account.second_factor_at.is_none()).map(|(contract, origin)| {
                let session = self.new_session(member.account.id, contract, origin);
                (session, origin.address.to_string())
            }),
            now,
        };
        let (secrets, session) = (self.secrets.clone(), verification.session.clone().map(|(row, _)| row));
        // A wrong code must leave its mark, so a refusal is part of the `Ok`.
        let verdict: Result<Option<Member>, Unavailable> =
            self.store.write(move |tx| verification.commit(tx, &secrets)).await;
        Ok((verdict?.ok_or(VerifyError::InvalidEvidence)?, session))
    }

    /// Hashes the password that an account without one gets with its proof; an account that has one keeps it.
    async fn first_hash(
        &self,
        member: &Member,
        password: Option<Password>,
    ) -> Result<Option<String>, VerifyError> {
        match (&member.account.password_hash, password) {
            (Some(_), _) => Ok(None),
            (None, None) => Err(VerifyError::PasswordNeeded),
            (None, Some(password)) => Ok(Some(self.hashing.hash(password).await.map_err(Setback::from)?)),
        }
    }

    /// "This was not me": removes the unverified account that a link was mailed for. False when the link is not good
    /// or the account is past that.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn disown(&self, secret: &str, address: IpAddr) -> Result<bool, Unavailable> {
        let (hash, now) = (sha256(secret), self.clock.now());
        let entry = self.entry(Actor::System, Deed::AccountDisowned);
        self.store
            .write(move |tx| {
                let Some(proof) = proofs::by_secret(tx, &hash, Purpose::Verify, now)? else {
                    return Ok(false);
                };
                let unverified = accounts::member(tx, proof.account)?
                    .filter(|member| member.account.verified_at.is_none() && member.may_enter());
                let Some(member) = unverified else { return Ok(false) };
                let actor = Actor::Person(proof.account, address);
                audit::note(tx, &Entry { actor, ..entry.about(&member) })?;
                audit::forget_person(tx, proof.account)?;
                accounts::delete(tx, proof.account)
            })
            .await
    }
}

struct Verification {
    evidence: Evidence,
    first_hash: Option<String>,
    identities: Identities,
    session: Option<(Session, String)>,
    /// What the audit log says.
    verified: Entry,
    /// What it says of a first password.
    chosen: Entry,
    now: Millis,
}

impl Verification {
    fn commit(&self, tx: &Tx<'_>, secrets: &Secrets) -> Result<Option<Member>, Unavailable> {
        let now = self.now;
        let Some(proof) = examine(tx, &self.evidence, Purpose::Verify, secrets, now)? else {
            return Ok(None);
        };
        let Some(member) = accounts::member(tx, proof.account)?.filter(Member::may_enter) else {
            return Ok(None);
        };
        let needs_password = member.account.password_hash.is_none();
        if (needs_password && self.first_hash.is_none()) || !proofs::consume(tx, proof.id, now)? {
            return Ok(None);
        }
        if let Some(hash) = self.first_hash.as_ref().filter(|_| needs_password) {
            accounts::set_password(tx, proof.account, hash, now)?;
            audit::note(tx, &self.chosen)?;
        }
        audit::note(tx, &self.verified)?;
        settle_verified(tx, &member, &self.identities, now)?;
        if let Some((session, address)) = &self.session
            && member.account.second_factor_at.is_none()
        {
            accounts::set_logged_in(tx, proof.account, now)?;
            sessions::insert(tx, session, address)?;
        }
        accounts::member(tx, proof.account)
    }
}

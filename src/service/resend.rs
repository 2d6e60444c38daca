//! Mailing a verification letter again: for the id of a proof, for an address, and for who logs in before the address
//! is proved. Links mailed before stay good.

use crate::mail::Recipient;
use crate::model::account::Member;
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, ProofId};
use crate::model::language::Language;
use crate::model::proof::{Proof, Purpose};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, accounts, proofs};

use super::proving::Mailing;
use super::throttle::spend_mail;
use super::verify::MailingError;
use super::{Service, wait_until};

impl Service {
    /// Sends the verification letter of an open proof again. Answers alike whether or not there is such a proof (H3).
    ///
    /// # Errors
    /// [`MailingError`].
    pub async fn resend_verification(&self, id: ProofId) -> Result<(), MailingError> {
        let now = self.clock.now();
        let pending = self.store.read(|tx| pending(tx, id))?;
        // An unknown id has a budget of its own, so that it runs out like a known one.
        let subject = match &pending {
            Some((member, _)) => self.subject(&member.account.email.key()),
            None => self.subject(&format!("proof {id}")),
        };
        let mailing = pending
            .as_ref()
            .map(|(member, proof)| self.mailer(now).prepare(proof.id, Purpose::Verify, recipient(member)));
        let limits = self.limits;
        self.store
            .write(move |tx| {
                if let Some(at) = spend_mail(tx, &subject, limits, now)? {
                    return Err(MailingError::TooManyLetters(wait_until(at, now)));
                }
                if let (Some((member, _)), Some(mailing)) = (&pending, &mailing)
                    && self::pending(tx, id)?.is_some()
                {
                    mailing.post(tx, member.account.id)?;
                }
                Ok(())
            })
            .await?;
        self.bell.ring();
        Ok(())
    }

    /// Sends a verification letter to the account of an address that waits for it, if there is one. A known and an
    /// unknown address do the same work: one letter written, one transaction (H3).
    ///
    /// # Errors
    /// [`MailingError`].
    pub async fn resend_verification_to(&self, email: &EmailAddress) -> Result<(), MailingError> {
        let (key, now) = (email.key(), self.clock.now());
        let member = self.store.read(|tx| accounts::member_by_email(tx, &key))?.filter(waits_for_proof);
        let reminder = match &member {
            Some(member) => Some(self.reminder(member)?),
            None => {
                let to = Recipient { address: email, first_name: "", language: Language::default() };
                let _unsent = self.mailer(now).prepare(self.chance.id(now), Purpose::Verify, to);
                None
            }
        };
        let (subject, limits) = (self.subject(&key), self.limits);
        self.store
            .write(move |tx| {
                if let Some(at) = spend_mail(tx, &subject, limits, now)? {
                    return Err(MailingError::TooManyLetters(wait_until(at, now)));
                }
                let still = accounts::member_by_email(tx, &key)?.filter(waits_for_proof);
                match (&reminder, still) {
                    (Some(reminder), Some(member)) => Ok(reminder.post(tx, member.account.id)?),
                    _ => Ok(()),
                }
            })
            .await?;
        self.bell.ring();
        Ok(())
    }

    /// A further verification letter for a member, to be posted in a transaction that finds the address still unproved.
    pub(super) fn reminder(&self, member: &Member) -> Result<Reminder, Unavailable> {
        let now = self.clock.now();
        let open = self.store.read(|tx| proofs::latest_open(tx, member.account.id, Purpose::Verify))?;
        let proof = open.map_or_else(|| self.chance.id(now), |proof| proof.id);
        Ok(Reminder { mailing: self.mailer(now).prepare(proof, Purpose::Verify, recipient(member)), now })
    }
}

/// A further verification letter.
pub(super) struct Reminder {
    mailing: Mailing,
    now: Millis,
}

impl Reminder {
    /// Puts it into the outbox, unless its proof was used in between.
    pub fn post(&self, tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
        match proofs::find(tx, self.mailing.proof)? {
            None => proofs::insert(tx, self.mailing.proof, account, Purpose::Verify, self.now)?,
            Some(proof) if proof.used_at.is_some() => return Ok(()),
            Some(_) => {}
        }
        self.mailing.post(tx, account)
    }
}

fn recipient(member: &Member) -> Recipient<'_> {
    let account = &member.account;
    Recipient { address: &account.email, first_name: &account.first_name, language: account.language }
}

/// Whether somebody signed up and has yet to prove the address. Who was invited is invited again by whoever did it.
fn waits_for_proof(member: &Member) -> bool {
    member.account.verified_at.is_none() && member.account.password_hash.is_some() && member.may_enter()
}

/// The unverified account whose verification proof this is.
fn pending(tx: &Tx<'_>, id: ProofId) -> Result<Option<(Member, Proof)>, Unavailable> {
    let proof = proofs::find(tx, id)?.filter(|p| p.purpose == Purpose::Verify && p.used_at.is_none());
    let Some(proof) = proof else { return Ok(None) };
    let member = accounts::member(tx, proof.account)?;
    Ok(member
        .filter(|member| member.account.verified_at.is_none() && member.may_enter())
        .map(|member| (member, proof)))
}

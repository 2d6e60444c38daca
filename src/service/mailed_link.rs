//! Asking for a mailed link by typing an address: a reset's, or one that lets its reader in.

use crate::mail::Recipient;
use crate::model::account::Member;
use crate::model::email::EmailAddress;
use crate::model::language::Language;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::store::{accounts, proofs};

use super::policy::Policy;
use super::throttle::spend_mail;
use super::verify::MailingError;
use super::{Service, wait_until};

impl Service {
    /// Mails a reset link to the account of an address, if there is one that may enter.
    ///
    /// # Errors
    /// [`MailingError`].
    pub async fn request_reset(&self, policy: &Policy, email: &EmailAddress) -> Result<(), MailingError> {
        self.request_link(policy, Purpose::Reset, email).await
    }

    /// Mails a link that lets its reader in to the account of an address, if there is one that may enter. Tells until
    /// when a link mailed now is good.
    ///
    /// # Errors
    /// [`MailingError`].
    pub async fn request_magic_link(
        &self,
        policy: &Policy,
        email: &EmailAddress,
    ) -> Result<Millis, MailingError> {
        let ends = self.clock.now() + Purpose::MagicLink.life();
        self.request_link(policy, Purpose::MagicLink, email).await?;
        Ok(ends)
    }

    /// A known and an unknown address do the same work: one letter written, one transaction (H3).
    async fn request_link(
        &self,
        policy: &Policy,
        purpose: Purpose,
        email: &EmailAddress,
    ) -> Result<(), MailingError> {
        let (key, now) = (email.key(), self.clock.now());
        let member = self.store.read(|tx| accounts::member_by_email(tx, &key))?.filter(Member::may_enter);
        let (address, first_name, language) = match &member {
            Some(Member { account, .. }) => (&account.email, account.first_name.as_str(), account.language),
            None => (email, "", Language::default()),
        };
        let to = Recipient { address, first_name, language };
        // Letters asked for in a row belong to one proof, so that a stranger's request voids nobody's code.
        let open = member
            .as_ref()
            .map(|member| self.store.read(|tx| proofs::latest_open(tx, member.account.id, purpose)));
        let open = open.transpose()?.flatten().filter(|proof| proof.is_open(now));
        let proof = open.map_or_else(|| self.chance.id(now), |proof| proof.id);
        let mailing = self.mailer(now).prepare(proof, purpose, to);
        let (subject, limits, spacing) = (self.subject(&key), self.limits, policy.reset_spacing);
        self.store
            .write(move |tx| {
                if let Some(at) = spend_mail(tx, &subject, limits, now)? {
                    return Err(MailingError::TooManyLetters(wait_until(at, now)));
                }
                let still = accounts::member_by_email(tx, &key)?.filter(Member::may_enter);
                if let (Some(_), Some(member)) = (&member, still) {
                    let id = member.account.id;
                    // The budget is spent either way, so that it runs out alike for an address that nobody has (H3).
                    let before = proofs::latest_open(tx, id, purpose)?;
                    if before.is_some_and(|proof| now.since(proof.mailed_at()) < spacing) {
                        return Ok(());
                    }
                    match proofs::find(tx, mailing.proof)? {
                        None => proofs::insert(tx, mailing.proof, id, purpose, now)?,
                        // Used a moment ago: what the letter is for has just been done, and its link would be void.
                        Some(proof) if proof.used_at.is_some() => return Ok(()),
                        Some(_) => {}
                    }
                    mailing.post(tx, id)?;
                }
                Ok(())
            })
            .await?;
        self.bell.ring();
        Ok(())
    }
}

//! Forgotten passwords: asking for a letter, and choosing a new password with it.

use std::net::IpAddr;
use std::time::Duration;

use crate::mail::{Contents, Recipient};
use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::email::EmailAddress;
use crate::model::language::Language;
use crate::model::letter::Letter;
use crate::model::network::Network;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::store::{
    Tx, Unavailable, access_tokens, accounts, api_keys, audit, devices, letters, proofs, sessions, throttles,
    two_factor,
};

use super::policy::Policy;
use super::proving::{Evidence, Identities, account_of, examine, settle_verified};
use super::register::silence;
use super::throttle::{LoginGate, spend_mail};
use super::verify::MailingError;
use super::{Service, Setback, wait_until};

/// Why the password was not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ResetError {
    /// Unknown, used, expired, for something else, or too many codes were tried.
    #[error("the link or code is not good")]
    InvalidEvidence,
    #[error("too many failures")]
    Locked(Duration),
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for ResetError {
    fn from(error: Unavailable) -> ResetError {
        ResetError::Setback(error.into())
    }
}

impl Service {
    /// Mails a reset link to the account of an address, if there is one that may enter. A known and an unknown address
    /// do the same work: one letter written, one transaction (H3).
    ///
    /// # Errors
    /// [`MailingError`].
    pub async fn request_reset(&self, policy: &Policy, email: &EmailAddress) -> Result<(), MailingError> {
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
            .map(|member| self.store.read(|tx| proofs::latest_open(tx, member.account.id, Purpose::Reset)));
        let open = open.transpose()?.flatten().filter(|proof| proof.is_open(now));
        let proof = open.map_or_else(|| self.chance.id(now), |proof| proof.id);
        let mailing = self.mailer(now).prepare(proof, Purpose::Reset, to);
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
                    let before = proofs::latest_open(tx, id, Purpose::Reset)?;
                    if before.is_some_and(|proof| now.since(proof.mailed_at()) < spacing) {
                        return Ok(());
                    }
                    match proofs::find(tx, mailing.proof)? {
                        None => proofs::insert(tx, mailing.proof, id, Purpose::Reset, now)?,
                        // Used a moment ago: the password has just been changed, and this letter would be void.
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

    /// Chooses a new password with a mailed link or code. Every session, pending link and failure count of the account
    /// ends, the address counts as proved, and a letter says what happened (A1, D1, D2).
    ///
    /// # Errors
    /// [`ResetError`]; only the counts of tried codes and failures have changed then.
    pub async fn reset_password(
        &self,
        evidence: Evidence,
        password: Password,
        address: IpAddr,
    ) -> Result<Member, ResetError> {
        let (now, network) = (self.clock.now(), Network::from(address));
        let typed = match &evidence {
            Evidence::CodeOfAddress { email_key, .. } => Some(self.subject(email_key)),
            Evidence::Link(_) | Evidence::CodeOfProof { .. } => None,
        };
        let found = self.store.read(|tx| {
            let gate = typed.as_ref().map(|subject| LoginGate { subject, network, enabled: self.limits });
            match gate.map_or(Ok(None), |gate| gate.locked_until(tx, now))? {
                Some(until) => Err(ResetError::Locked(wait_until(until, now))),
                None => Ok(account_of(tx, &evidence, Purpose::Reset, now)?),
            }
        })?;
        // A link that is no good costs no hash. An address with a code does, known or not: else its time would tell.
        if found.is_none() && typed.is_none() {
            return Err(ResetError::InvalidEvidence);
        }
        let change = Change {
            hash: self.hashing.hash(password).await.map_err(Setback::from)?,
            account: found.as_ref().map(|member| AccountChange {
                notice: self.password_changed_letter(member),
                identities: self.identities(&member.account.email),
                subject: self.subject(&member.account.email.key()),
                entry: self.entry_about(
                    member,
                    Actor::Person(member.account.id, address),
                    Deed::PasswordReset,
                ),
                keys_entry: self.keys_revoked_entry(member, Actor::Person(member.account.id, address)),
                tokens_entry: self.tokens_revoked_entry(
                    member,
                    Actor::Person(member.account.id, address),
                    "all",
                ),
            }),
            evidence,
            typed,
            network,
            limits: self.limits,
            now,
        };
        let secrets = self.secrets.clone();
        // What is counted of a refusal must stay, so only a fault of the database undoes the transaction.
        let verdict = self.store.write(move |tx| match change.commit(tx, &secrets) {
            Err(ResetError::Setback(fault)) => Err(fault),
            verdict => Ok(verdict),
        });
        let member = verdict.await??;
        self.bell.ring();
        Ok(member)
    }

    pub(super) fn password_changed_letter(&self, member: &Member) -> Letter {
        let account = &member.account;
        let to = Recipient {
            address: &account.email,
            first_name: &account.first_name,
            language: account.language,
        };
        self.mailroom.compose(to, Contents::PasswordChanged)
    }
}

struct AccountChange {
    notice: Letter,
    identities: Identities,
    subject: String,
    entry: Entry,
    /// What the audit log says if keys end with it.
    keys_entry: Entry,
    /// And if access tokens do.
    tokens_entry: Entry,
}

struct Change {
    evidence: Evidence,
    hash: String,
    /// What follows for the account, when there is one.
    account: Option<AccountChange>,
    /// Under what a typed address is counted; none when the evidence names no address.
    typed: Option<String>,
    network: Network,
    limits: bool,
    now: Millis,
}

impl Change {
    fn commit(&self, tx: &Tx<'_>, secrets: &Secrets) -> Result<Member, ResetError> {
        let gate = self.typed.as_ref().map(|subject| LoginGate {
            subject,
            network: self.network,
            enabled: self.limits,
        });
        if let Some(gate) = &gate
            && let Some(until) = gate.locked_until(tx, self.now)?
        {
            return Err(ResetError::Locked(wait_until(until, self.now)));
        }
        let proof = examine(tx, &self.evidence, Purpose::Reset, secrets, self.now)?;
        let member = proof.as_ref().map_or(Ok(None), |proof| accounts::member(tx, proof.account))?;
        let good = proof.zip(self.account.as_ref()).zip(member.filter(Member::may_enter));
        let Some(((proof, account), member)) = good else {
            // Known or not, a guess leaves the same mark at the same cost (H3).
            gate.map_or(Ok(()), |gate| gate.fail(tx, self.now))?;
            return Err(ResetError::InvalidEvidence);
        };
        if !proofs::consume(tx, proof.id, self.now)? {
            return Err(ResetError::InvalidEvidence);
        }
        self.apply(tx, account, &member)?;
        let changed = accounts::member(tx, member.account.id)?;
        changed.ok_or(ResetError::InvalidEvidence)
    }

    fn apply(&self, tx: &Tx<'_>, account: &AccountChange, member: &Member) -> Result<(), Unavailable> {
        let (id, now) = (member.account.id, self.now);
        accounts::set_password(tx, id, &self.hash, now)?;
        settle_verified(tx, member, &account.identities, now)?;
        proofs::void_all_but_undoing(tx, id, now)?;
        proofs::clear_tries(tx, id, Purpose::Reset)?;
        silence(tx, id, now)?;
        sessions::revoke_all(tx, id, None, now)?;
        // Whoever typed the address before it was proved may hold keys and tokens (A1); those of an account that was in use stay.
        if member.account.verified_at.is_none() {
            if api_keys::revoke_all(tx, id, now)? > 0 {
                audit::note(tx, &account.keys_entry)?;
            }
            if access_tokens::revoke_all(tx, id, now)? > 0 {
                audit::note(tx, &account.tokens_entry)?;
            }
            // So is a second factor that they turned on; one of an account in use is not skipped (D4).
            two_factor::remove_all(tx, id, now)?;
        }
        // Whoever was in before may have made a device of theirs a trusted one (A1).
        devices::remove_all(tx, id)?;
        audit::note(tx, &account.entry)?;
        throttles::clear_failures(tx, &account.subject, None)?;
        letters::insert(tx, &account.notice, Some(id))
    }
}

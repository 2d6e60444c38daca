//! Forgotten passwords: choosing a new one with a mailed secret.

use std::net::IpAddr;
use std::time::Duration;

use crate::mail::{Contents, Recipient};
use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::letter::Letter;
use crate::model::network::Network;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::store::{Tx, Unavailable, accounts, audit, letters, proofs, throttles};

use super::proving::{Evidence, account_of, examine};
use super::reclaim::Reclaim;
use super::throttle::LoginGate;
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
        let consequences = |member: &Member| {
            let actor = Actor::Person(member.account.id, address);
            AccountChange {
                notice: self.password_changed_letter(member),
                reclaim: self.reclaim(member, actor),
                subject: self.subject(&member.account.email.key()),
                entry: self.entry_about(member, actor, Deed::PasswordReset),
            }
        };
        let change = Change {
            hash: self.hashing.hash(password).await.map_err(Setback::from)?,
            account: found.as_ref().map(consequences),
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
    reclaim: Reclaim,
    subject: String,
    entry: Entry,
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
        account.reclaim.commit(tx, member, now)?;
        proofs::clear_tries(tx, id, Purpose::Reset)?;
        audit::note(tx, &account.entry)?;
        throttles::clear_failures(tx, &account.subject, None)?;
        letters::insert(tx, &account.notice, Some(id))
    }
}

//! Asking for another address.

use std::time::Duration;

use crate::mail::Contents;
use crate::model::account::{Account, Member};
use crate::model::audit::{Deed, Entry};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, ProofId, SessionId};
use crate::model::letter::Letter;
use crate::model::network::Network;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::service::authenticate::Caller;
use crate::service::profile::still_in;
use crate::service::proving::Mailing;
use crate::service::throttle::{LoginGate, PRESSURE_DELAY, spend_mail};
use crate::service::two_factor::change::is_fresh;
use crate::service::{Service, Setback, wait_until};
use crate::store::addresses::{self, NewAddressProof};
use crate::store::{Tx, Unavailable, accounts, audit, bans, letters};

use super::{from_to, recipient, withdraw};

/// A wish for another address whose values cannot be wrong.
#[derive(Debug, Clone)]
pub struct AddressOrder {
    pub email: EmailAddress,
    /// The account's own. None when what was typed is longer than any password may be: it matches nothing, at the usual
    /// cost.
    pub password: Option<Password>,
}

/// Why no change was asked for. That the address is taken or banned is not among it: who is signed in must not learn
/// by it who else is (H3).
#[derive(Debug, Clone, thiserror::Error)]
pub enum AddressError {
    #[error("the account has this address")]
    Unchanged,
    #[error("the password is wrong")]
    WrongPassword,
    /// The account has a second factor, and this session has not passed it lately.
    #[error("the second factor has to be passed first")]
    SecondFactorNeeded,
    #[error("too many failures")]
    Locked(Duration),
    #[error("too many letters")]
    TooManyLetters(Duration),
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for AddressError {
    fn from(error: Unavailable) -> AddressError {
        AddressError::Setback(error.into())
    }
}

impl Service {
    /// Asks for another address for the caller, whose present one is proved. The address in force is told; the wanted
    /// one gets a link and a code, or, where it is another account's, word of that. An earlier wish is void. Gives the
    /// id that the mailed code goes with, also where no code was mailed.
    ///
    /// # Errors
    /// [`AddressError`]; only the count of failures has changed then.
    pub async fn request_address(
        &self,
        caller: &Caller,
        order: AddressOrder,
    ) -> Result<ProofId, AddressError> {
        // The hash may be renewed by a login beside this call; then it is compared once more.
        match self.request_address_once(caller, &order).await? {
            Some(proof) => Ok(proof),
            None => self.request_address_once(caller, &order).await?.ok_or(AddressError::WrongPassword),
        }
    }

    async fn request_address_once(
        &self,
        caller: &Caller,
        order: &AddressOrder,
    ) -> Result<Option<ProofId>, AddressError> {
        let now = self.clock.now();
        let (member, holder) = self.store.read(|tx| {
            let member = still_in(tx, caller.session, now)?.ok_or(AddressError::SessionEnded)?;
            let holder = addresses::holder(tx, &order.email.key(), now)?;
            let holder = holder.map_or(Ok(None), |id| accounts::member(tx, id))?;
            Ok::<_, AddressError>((member, holder))
        })?;
        if order.email.key() == member.account.email.key() {
            return Err(AddressError::Unchanged);
        }
        let subject = self.subject(&member.account.email.key());
        let network = Network::from(caller.address);
        self.wait_for_gate(&LoginGate { subject: &subject, network, enabled: self.limits }, now).await?;
        let typed = order.password.clone().unwrap_or_else(Password::stand_in);
        let hash = member.account.password_hash.clone();
        let found = self.hashing.compare(typed, hash.as_deref()).await.map_err(Setback::from)?;
        let proof = self.chance.id(now);
        let request = Request {
            session: caller.session,
            matches: found.matches && order.password.is_some(),
            hash,
            subject,
            network,
            limits: self.limits,
            budgets: [format!("change of {}", member.account.id), order.email.key()]
                .map(|text| self.subject(&text)),
            letter: self.to_wanted(&order.email, holder.as_ref(), &member, proof),
            notice: self
                .mailroom
                .compose(recipient(&member.account, &member.account.email), Contents::ChangeAsked),
            entry: self
                .entry_about(&member, caller.actor(), Deed::AddressRequested)
                .detailed(from_to(&member.account.email, &order.email)),
            address: order.email.clone(),
            proof,
            now: self.clock.now(),
        };
        // What is counted of a wrong password must stay; nothing else of a refusal.
        let verdict = self.store.write(move |tx| match request.commit(tx) {
            Err(refusal @ (AddressError::WrongPassword | AddressError::Locked(_))) => Ok(Err(refusal)),
            Err(other) => Err(other),
            Ok(proof) => Ok(Ok(proof)),
        });
        let proof = verdict.await??;
        self.bell.ring();
        Ok(proof)
    }

    /// One letter whatever the address is, so that it takes the same time.
    fn to_wanted(
        &self,
        wanted: &EmailAddress,
        holder: Option<&Member>,
        member: &Member,
        proof: ProofId,
    ) -> ToWanted {
        if let Some(owner) = owner_of(wanted, holder, member) {
            let letter = self.mailroom.compose(recipient(owner, &owner.email), Contents::AddressTaken);
            return ToWanted::Owner(owner.id, letter);
        }
        let to = recipient(&member.account, wanted);
        ToWanted::Proof(self.mailer(self.clock.now()).prepare(proof, Purpose::ChangeAddress, to))
    }

    async fn wait_for_gate(&self, gate: &LoginGate<'_>, now: Millis) -> Result<(), AddressError> {
        let (locked, pressed) = self.store.read(|tx| {
            Ok::<_, Unavailable>((gate.locked_until(tx, now)?, gate.is_under_pressure(tx, now)?))
        })?;
        if let Some(until) = locked {
            return Err(AddressError::Locked(wait_until(until, now)));
        }
        if pressed {
            tokio::time::sleep(PRESSURE_DELAY).await;
        }
        Ok(())
    }
}

/// Whose the wanted address is, where it is another's. One that is only kept for somebody is nobody's to write to.
fn owner_of<'a>(wanted: &EmailAddress, holder: Option<&'a Member>, member: &Member) -> Option<&'a Account> {
    let holder = holder.map(|holder| &holder.account);
    holder.filter(|owner| owner.id != member.account.id && owner.email.key() == wanted.key())
}

/// What the wanted address gets.
enum ToWanted {
    /// Link and code.
    Proof(Mailing),
    /// Its owner's letter: there is an account already.
    Owner(AccountId, Letter),
}

struct Request {
    session: SessionId,
    address: EmailAddress,
    matches: bool,
    /// With what the password was compared.
    hash: Option<String>,
    /// Under what failures are counted.
    subject: String,
    network: Network,
    limits: bool,
    /// Letters are paid for twice: by the account, for the notices to itself, and by the wanted address.
    budgets: [String; 2],
    letter: ToWanted,
    notice: Letter,
    entry: Entry,
    proof: ProofId,
    now: Millis,
}

impl Request {
    /// `None` when the hash has changed since it was compared.
    fn commit(&self, tx: &Tx<'_>) -> Result<Option<ProofId>, AddressError> {
        let now = self.now;
        let member = still_in(tx, self.session, now)?.ok_or(AddressError::SessionEnded)?;
        let gate = LoginGate { subject: &self.subject, network: self.network, enabled: self.limits };
        if let Some(until) = gate.locked_until(tx, now)? {
            return Err(AddressError::Locked(wait_until(until, now)));
        }
        if member.account.password_hash != self.hash {
            return Ok(None);
        }
        if !self.matches {
            gate.fail(tx, now)?;
            return Err(AddressError::WrongPassword);
        }
        gate.succeed(tx)?;
        if member.account.second_factor_at.is_some() && !is_fresh(tx, self.session, now)? {
            return Err(AddressError::SecondFactorNeeded);
        }
        for budget in &self.budgets {
            if let Some(at) = spend_mail(tx, budget, self.limits, now)? {
                return Err(AddressError::TooManyLetters(wait_until(at, now)));
            }
        }
        let id = member.account.id;
        withdraw(tx, id, now)?;
        let proof = NewAddressProof {
            id: self.proof,
            account: id,
            purpose: Purpose::ChangeAddress,
            address: &self.address,
            session: Some(self.session),
            now,
        };
        addresses::open(tx, &proof)?;
        self.post(tx, id)?;
        letters::insert(tx, &self.notice, Some(id))?;
        audit::note(tx, &self.entry)?;
        Ok(Some(self.proof))
    }

    /// Writes to the wanted address what is true of it now. Where that is not what was prepared, it has just changed
    /// hands: nobody is written to.
    fn post(&self, tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
        let holder = addresses::holder(tx, &self.address.key(), self.now)?.filter(|id| *id != account);
        match (&self.letter, holder) {
            (ToWanted::Owner(owner, letter), Some(holder)) if *owner == holder => {
                letters::insert(tx, letter, Some(holder))
            }
            (ToWanted::Proof(mailing), None) if !bans::covers(tx, &self.address.domain())? => {
                mailing.post(tx, account)
            }
            _ => Ok(()),
        }
    }
}

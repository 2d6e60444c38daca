//! Letting somebody in who has shown all that is asked for: the session, its device, and room for both.

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::id::ProofId;
use crate::model::proof::Purpose;
use crate::model::session::{Origin, Session};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, accounts, audit, proofs, sessions};

use super::arrival::Arrival;
use super::policy::Policy;
use super::{Entered, Service};

/// A session about to be opened, made before the transaction.
pub(super) struct Admission {
    policy: Policy,
    session: Session,
    address: String,
    /// The device it is opened on, where the client tells of one.
    arrival: Option<Arrival>,
    /// What is noted should an older session have to make room.
    evicted: Option<Entry>,
    now: Millis,
}

/// Somebody who was let in.
pub(super) struct Admitted {
    member: Member,
    session: Session,
    /// The open proof of the address, while it is unverified.
    pending_proof: Option<ProofId>,
}

impl Service {
    /// Prepares to let a member in through a contract.
    pub(super) fn admission(
        &self,
        policy: &Policy,
        member: &Member,
        origin: &Origin,
    ) -> Result<Admission, Unavailable> {
        let actor = Actor::Person(member.account.id, origin.address);
        Ok(Admission {
            policy: *policy,
            session: self.new_session(member.account.id, policy.contract, origin),
            address: origin.address.to_string(),
            arrival: self.arrival(member, origin)?,
            evicted: policy.device_limit.map(|_| self.entry_about(member, actor, Deed::SessionEvicted)),
            now: self.clock.now(),
        })
    }

    /// The tokens of somebody who was let in.
    pub(super) fn entered(&self, admitted: Admitted) -> Entered {
        let Admitted { member, session, pending_proof } = admitted;
        let tokens = self.tokens(&session, &member);
        Entered { member, tokens, pending_proof }
    }
}

impl Admission {
    /// Whether letting in may put a letter into the outbox.
    pub fn may_write(&self) -> bool {
        self.arrival.as_ref().is_some_and(Arrival::may_write)
    }

    /// Opens the session. `passed` tells whether the second factor was passed on the way.
    pub fn admit(&self, tx: &Tx<'_>, member: Member, passed: bool) -> Result<Admitted, Unavailable> {
        let session = Session { second_factor_at: passed.then_some(self.now), ..self.session.clone() };
        accounts::set_logged_in(tx, member.account.id, self.now)?;
        self.make_room(tx)?;
        sessions::insert(tx, &session, &self.address)?;
        if let Some(arrival) = &self.arrival {
            arrival.note(tx, session.id)?;
        }
        let pending_proof = match member.account.verified_at {
            None => proofs::latest_open(tx, member.account.id, Purpose::Verify)?.map(|proof| proof.id),
            Some(_) => None,
        };
        Ok(Admitted { member, session, pending_proof })
    }

    /// Ends the oldest sessions of the contract until there is room for one more.
    fn make_room(&self, tx: &Tx<'_>) -> Result<(), Unavailable> {
        let Some(limit) = self.policy.device_limit else { return Ok(()) };
        let ended = sessions::evict(tx, &self.session, limit - 1, self.now)?;
        match &self.evicted {
            Some(entry) if ended > 0 => audit::note(tx, entry),
            _ => Ok(()),
        }
    }
}

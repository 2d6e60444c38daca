//! Letting somebody in who has shown all that is asked for: the session, its device, and room for both.

use crate::model::account::Member;
use crate::model::id::ProofId;
use crate::model::proof::Purpose;
use crate::model::session::{Origin, Session};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, accounts, proofs};

use super::arrival::Arrival;
use super::opening::Opening;
use super::policy::Policy;
use super::{Entered, Service};

/// A session about to be opened, made before the transaction.
pub(super) struct Admission {
    opening: Opening,
    /// The device it is opened on, where the client tells of one.
    arrival: Option<Arrival>,
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
        Ok(Admission {
            opening: self.opening(policy, member.account.id, origin),
            arrival: self.arrival(member, origin)?,
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
        accounts::set_logged_in(tx, member.account.id, self.now)?;
        let session = self.opening.commit(tx, &member, passed)?;
        if let Some(arrival) = &self.arrival {
            arrival.note(tx, session.id)?;
        }
        let pending_proof = match member.account.verified_at {
            None => proofs::latest_open(tx, member.account.id, Purpose::Verify)?.map(|proof| proof.id),
            Some(_) => None,
        };
        Ok(Admitted { member, session, pending_proof })
    }
}

//! Coming in by a mailed link instead of a password.

use std::sync::Arc;

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::proof::Purpose;
use crate::model::session::Origin;
use crate::model::time::Millis;
use crate::model::two_factor::Answer;
use crate::secrets::{Secrets, sha256};
use crate::store::{Tx, Unavailable, accounts, audit, proofs};

use super::admission::{Admission, Admitted};
use super::login::LoginError;
use super::policy::Policy;
use super::proving::{Evidence, examine};
use super::reclaim::Reclaim;
use super::two_factor::login::{Checkpoint, Missed};
use super::{Entered, Service};

/// A mailed link followed, with the answer for the second factor where one is given.
#[derive(Clone)]
pub struct LinkOrder {
    /// The secret of the mailed link.
    pub secret: String,
    pub origin: Origin,
    pub second_factor: Option<Answer>,
}

impl Service {
    /// Opens a session for the reader of a mailed link, which is used up with it. Where the account has a second factor
    /// it is asked for, and the link stays good until the answer is right (D4). An address not proved before counts as
    /// proved, and whatever was set up before, the password too, ends (A1).
    ///
    /// # Errors
    /// [`LoginError::TicketEnded`] for a link that is unknown, used, expired or for something else; or as a login.
    pub async fn enter_by_link(&self, policy: &Policy, order: LinkOrder) -> Result<Entered, LoginError> {
        let (hash, now) = (sha256(&order.secret), self.clock.now());
        let member = self.store.read(|tx| {
            let proof = proofs::by_secret(tx, &hash, Purpose::MagicLink, now)?;
            proof.map_or(Ok(None), |proof| accounts::member(tx, proof.account))
        })?;
        let member = member.filter(Member::may_enter).ok_or(LoginError::TicketEnded)?;
        let following = self.following(policy, order, &member)?;
        let verdict = self.store.write(move |tx| following.settle(tx)).await?;
        // A first proof of the address and a mailed code for the second factor both put letters into the outbox.
        self.bell.ring();
        match verdict {
            Followed::In(admitted) => Ok(self.entered(*admitted)),
            Followed::Ended => Err(LoginError::TicketEnded),
            Followed::Missed(missed) => Err(self.missed(policy, missed)),
        }
    }

    fn following(
        &self,
        policy: &Policy,
        order: LinkOrder,
        member: &Member,
    ) -> Result<Following, Unavailable> {
        let actor = Actor::Person(member.account.id, order.origin.address);
        // Whoever turned a second factor on before the address was proved is not asked: theirs ends.
        let proved = member.account.verified_at.is_some();
        let checkpoint = match proved {
            true => self.checkpoint(member, order.second_factor.as_ref())?,
            false => None,
        };
        Ok(Following {
            admission: self.admission(policy, member, &order.origin)?,
            checkpoint,
            reclaim: self.reclaim(member, actor),
            proving: self.entry_about(member, actor, Deed::AddressVerified),
            evidence: Evidence::Link(order.secret),
            secrets: Arc::clone(&self.secrets),
            proved,
            now: self.clock.now(),
        })
    }
}

/// A link about to be followed, made before the transaction.
struct Following {
    evidence: Evidence,
    admission: Admission,
    /// Where the account has a second factor.
    checkpoint: Option<Checkpoint>,
    reclaim: Reclaim,
    /// What the audit log says if this proves the address.
    proving: Entry,
    secrets: Arc<Secrets>,
    /// Whether the address was proved when this was made.
    proved: bool,
    now: Millis,
}

/// What came of following a link.
enum Followed {
    In(Box<Admitted>),
    Ended,
    Missed(Missed),
}

impl Following {
    fn settle(self, tx: &Tx<'_>) -> Result<Followed, Unavailable> {
        let now = self.now;
        let Some(proof) = examine(tx, &self.evidence, Purpose::MagicLink, &self.secrets, now)? else {
            return Ok(Followed::Ended);
        };
        let Some(member) = accounts::member(tx, proof.account)?.filter(Member::may_enter) else {
            return Ok(Followed::Ended);
        };
        // Something happened to the account since this was made. The link stays good for another try.
        let same = member.account.verified_at.is_some() == self.proved
            && (!self.proved || member.account.second_factor_at.is_some() == self.checkpoint.is_some());
        if !same {
            return Ok(Followed::Ended);
        }
        if let Some(checkpoint) = &self.checkpoint
            && let Err(missed) = checkpoint.pass(tx, &member)?
        {
            return Ok(Followed::Missed(missed));
        }
        if !proofs::consume(tx, proof.id, now)? {
            return Ok(Followed::Ended);
        }
        let member = if self.proved { member } else { self.take_over(tx, &member)? };
        let admitted = self.admission.admit(tx, member, self.checkpoint.is_some())?;
        Ok(Followed::In(Box::new(admitted)))
    }

    fn take_over(&self, tx: &Tx<'_>, member: &Member) -> Result<Member, Unavailable> {
        let id = member.account.id;
        accounts::clear_password(tx, id, self.now)?;
        self.reclaim.commit(tx, member, self.now)?;
        audit::note(tx, &self.proving)?;
        accounts::member(tx, id)?.ok_or_else(|| Unavailable::because("an account vanished in a transaction"))
    }
}

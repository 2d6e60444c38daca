//! What somebody does with second factors that are on. Taking one away asks for one (E5).

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed};
use crate::model::permission::Action;
use crate::model::two_factor::{Answer, Method};
use crate::service::authenticate::Caller;
use crate::service::standing::{self, StandingError, place_for};
use crate::service::{Service, Unavailable};
use crate::store::{audit, letters, two_factor};

use super::change::FactorError;

/// What is to be taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removal {
    One(Method),
    All,
}

impl Service {
    /// Turns second factors off, for who passes one: by an answer, or by a session that did so lately.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn turn_off(
        &self,
        caller: &Caller,
        removal: Removal,
        answer: Option<Answer>,
    ) -> Result<(), FactorError> {
        let change = self.change(caller, Deed::SecondFactorOff, false);
        let secrets = self.secrets.clone();
        self.commit(move |tx| {
            let member = standing::member(tx, change.asked.session, change.asked.now)?;
            let id = member.account.id;
            let on = two_factor::factors(tx, id)?.enabled;
            let is_on = match removal {
                Removal::One(method) => on.contains(&method),
                Removal::All => !on.is_empty(),
            };
            if !is_on {
                return Ok(Err(FactorError::NotOn));
            }
            if let Err(error) = change.asked.ask(tx, &secrets, &member, answer.as_ref())? {
                return Ok(Err(error));
            }
            match removal {
                Removal::One(method) if on.len() > 1 => {
                    two_factor::disable(tx, id, method, change.asked.now)?;
                }
                // With the last one go the recovery codes.
                Removal::One(_) | Removal::All => {
                    two_factor::remove_all(tx, id, change.asked.now)?;
                }
            }
            change.note(tx, &member).map(Ok)
        })
        .await
    }

    /// Puts a new set of recovery codes in the place of the one before.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn new_recovery_codes(
        &self,
        caller: &Caller,
        answer: Option<Answer>,
    ) -> Result<Vec<String>, FactorError> {
        let change = self.change(caller, Deed::RecoveryCodesMade, true);
        let codes = self.fresh_codes();
        let digests = self.digests(caller.member.account.id, &codes);
        let secrets = self.secrets.clone();
        self.commit(move |tx| {
            let member = standing::member(tx, change.asked.session, change.asked.now)?;
            if two_factor::factors(tx, member.account.id)?.enabled.is_empty() {
                return Ok(Err(FactorError::NotOn));
            }
            if let Err(error) = change.asked.ask(tx, &secrets, &member, answer.as_ref())? {
                return Ok(Err(error));
            }
            two_factor::put_recovery_codes(tx, member.account.id, &digests)?;
            audit::note(tx, &change.entry)?;
            Ok(Ok(()))
        })
        .await?;
        Ok(codes)
    }

    /// Passes the second factor again in a session, so that it may change it for a while.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn pass_again(&self, caller: &Caller, answer: Answer) -> Result<(), FactorError> {
        let asked = self.asked(caller);
        let secrets = self.secrets.clone();
        self.commit(move |tx| {
            let member = standing::member(tx, asked.session, asked.now)?;
            if two_factor::factors(tx, member.account.id)?.enabled.is_empty() {
                return Ok(Err(FactorError::NotOn));
            }
            asked.judge(tx, &secrets, &member, &answer)
        })
        .await
    }

    /// Makes a method the one that a login asks for first.
    ///
    /// # Errors
    /// [`FactorError::NotOn`] or [`FactorError::Standing`].
    pub async fn set_primary_factor(&self, caller: &Caller, method: Method) -> Result<(), FactorError> {
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let id = standing::member(tx, session, now)?.account.id;
                if two_factor::set_primary(tx, id, method)? { Ok(()) } else { Err(FactorError::NotOn) }
            })
            .await
    }

    /// Sets whether every member of the caller's organization must have a second factor. Who has none can do nothing but
    /// set one up.
    ///
    /// # Errors
    /// [`StandingError`]; nothing has changed then.
    pub async fn enforce_second_factor(&self, caller: &Caller, enforced: bool) -> Result<(), StandingError> {
        let (session, now) = (caller.session, self.clock.now());
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::SecondFactorEnforced);
        let entry = entry.detailed(if enforced { "on" } else { "off" });
        self.store
            .write(move |tx| {
                let place = place_for(tx, session, Action::ChangeOrganization, now)?;
                if two_factor::enforce(tx, place.organization, enforced, now)? {
                    audit::note(tx, &entry)?;
                }
                Ok(())
            })
            .await
    }

    /// Takes all second factors from an account by the operator's command: for who has lost them. False when there were
    /// none.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn remove_second_factors(&self, member: &Member) -> Result<bool, Unavailable> {
        let (id, now) = (member.account.id, self.clock.now());
        let entry = self.entry_about(member, Actor::Operator, Deed::SecondFactorOff).detailed("all");
        let notice = self.factor_notice(member, false);
        let removed = self
            .store
            .write(move |tx| {
                let removed = two_factor::remove_all(tx, id, now)? > 0;
                if removed {
                    audit::note(tx, &entry)?;
                    letters::insert(tx, &notice, Some(id))?;
                }
                Ok::<_, Unavailable>(removed)
            })
            .await?;
        self.bell.ring();
        Ok(removed)
    }
}

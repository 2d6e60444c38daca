//! Logging in with a password.

use std::time::Duration;

use crate::model::account::Member;
use crate::model::email::EmailAddress;
use crate::model::network::Network;
use crate::model::password::Password;
use crate::model::session::Origin;
use crate::model::time::Millis;
use crate::model::two_factor::Answer;
use crate::store::{Tx, Unavailable, accounts};

use super::admission::{Admission, Admitted};
use super::policy::{Policy, UnverifiedMay};
use super::resend::Reminder;
use super::throttle::{LoginGate, PRESSURE_DELAY, spend_mail};
use super::two_factor::Challenge;
use super::two_factor::login::{Checkpoint, Missed};
use super::{Entered, Service, Setback, wait_until};

/// A login whose values cannot be wrong.
#[derive(Debug, Clone)]
pub struct LoginOrder {
    pub email: EmailAddress,
    /// None when what was typed is longer than any password may be: it matches nothing, at the usual cost.
    pub password: Option<Password>,
    pub origin: Origin,
    /// The answer for the second factor, where one is given with the password.
    pub second_factor: Option<Answer>,
}

/// Why nobody came in. The first two cost the same; telling them apart is the contract's choice (H3).
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoginError {
    #[error("there is no such account")]
    UnknownAddress,
    #[error("the password is wrong")]
    WrongPassword,
    #[error("the account has no password")]
    NoPassword,
    /// Told only to who knows the password.
    #[error("the account or its organization may not enter")]
    Inactive,
    /// Told only to who knows the password, where the contract lets nobody in before the address is proved.
    #[error("the address is not verified")]
    Unverified,
    #[error("too many failures")]
    Locked(Duration),
    /// Told only to who knows the password.
    #[error("the second factor is lacking")]
    SecondFactorNeeded(Box<Challenge>),
    #[error("the answer for the second factor is wrong")]
    SecondFactorWrong,
    #[error("too many wrong answers for the second factor")]
    SecondFactorLocked(Duration),
    /// What stood for a login without its second factor is used up, expired, or ended with the password.
    #[error("the login has to begin anew")]
    TicketEnded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for LoginError {
    fn from(error: Unavailable) -> LoginError {
        LoginError::Setback(error.into())
    }
}

impl Service {
    /// Compares the password and opens a session.
    ///
    /// # Errors
    /// [`LoginError`]; only the count of failures has changed then.
    pub async fn log_in(&self, policy: &Policy, order: LoginOrder) -> Result<Entered, LoginError> {
        // The hash may be renewed by a login beside this one; then it is compared once more.
        match self.log_in_once(policy, &order).await? {
            Verdict::Admitted(entered) => Ok(*entered),
            Verdict::HashChanged => match self.log_in_once(policy, &order).await? {
                Verdict::Admitted(entered) => Ok(*entered),
                Verdict::HashChanged => Err(LoginError::WrongPassword),
            },
        }
    }

    async fn log_in_once(&self, policy: &Policy, order: &LoginOrder) -> Result<Verdict, LoginError> {
        let key = order.email.key();
        let (subject, network) = (self.subject(&key), Network::from(order.origin.address));
        let (gate_enabled, now) = (self.limits, self.clock.now());
        let gate = LoginGate { subject: &subject, network, enabled: gate_enabled };
        let (locked, pressed, member) = self.store.read(|tx| {
            let locked = gate.locked_until(tx, now)?;
            let pressed = gate.is_under_pressure(tx, now)?;
            Ok::<_, Unavailable>((locked, pressed, accounts::member_by_email(tx, &key)?))
        })?;
        if let Some(until) = locked {
            return Err(LoginError::Locked(wait_until(until, now)));
        }
        if pressed {
            tokio::time::sleep(PRESSURE_DELAY).await;
        }
        let matched = self.compare(order.password.clone(), member.as_ref()).await?;
        let failure = failure(member.as_ref(), matched.matches);
        let admitted = member.as_ref().filter(|_| failure.is_none());
        let admission = admitted.map(|member| self.admission(policy, member, &order.origin)).transpose()?;
        let answer = order.second_factor.as_ref();
        let checkpoint = admitted.map_or(Ok(None), |member| self.checkpoint(member, answer))?;
        let may_write = admission.as_ref().is_some_and(Admission::may_write);
        let attempt = Attempt {
            policy: *policy,
            subject,
            network,
            gate_enabled,
            admission,
            checkpoint,
            upgrade: matched.upgrade,
            failure,
            reminder: match &member {
                Some(member) if matched.matches && is_shut_out(policy, member) => {
                    Some(self.reminder(member)?)
                }
                _ => None,
            },
            member,
            now: self.clock.now(),
        };
        // A failure that must be remembered is part of the `Ok`; only a fault of the database undoes it.
        let verdict = self.store.write(move |tx| match attempt.settle(tx) {
            Err(LoginError::Setback(fault)) => Err(fault),
            verdict => Ok(verdict),
        });
        match verdict.await? {
            Ok(Settled::In(admitted)) => {
                if may_write {
                    self.bell.ring();
                }
                Ok(Verdict::Admitted(Box::new(self.entered(*admitted))))
            }
            Ok(Settled::HashChanged) => Ok(Verdict::HashChanged),
            Ok(Settled::Missed(missed)) => {
                self.bell.ring();
                Err(self.missed(policy, missed))
            }
            Err(error) => {
                if matches!(error, LoginError::Unverified) {
                    self.bell.ring();
                }
                Err(error)
            }
        }
    }

    /// What somebody is told whom the second factor kept out.
    pub(super) fn missed(&self, policy: &Policy, missed: Missed) -> LoginError {
        match missed {
            Missed::Unanswered(ticket) => {
                LoginError::SecondFactorNeeded(Box::new(self.challenge(policy, *ticket)))
            }
            Missed::Wrong => LoginError::SecondFactorWrong,
            Missed::Locked(wait) => LoginError::SecondFactorLocked(wait),
        }
    }

    async fn compare(&self, password: Option<Password>, member: Option<&Member>) -> Result<Match, Setback> {
        let hash = member.and_then(|member| member.account.password_hash.as_deref());
        let typed = password.clone().unwrap_or_else(Password::stand_in);
        let found = self.hashing.compare(typed, hash).await?;
        let matches = found.matches && password.is_some();
        let upgrade = match (matches && found.outdated, hash, password) {
            (true, Some(old), Some(password)) => Some((old.to_owned(), self.hashing.hash(password).await?)),
            _ => None,
        };
        Ok(Match { matches, upgrade })
    }
}

enum Verdict {
    Admitted(Box<Entered>),
    /// The stored hash is no longer the one that the password was compared with.
    HashChanged,
}

struct Match {
    matches: bool,
    /// The old hash and one of the same password at the present cost.
    upgrade: Option<(String, String)>,
}

fn failure(member: Option<&Member>, matches: bool) -> Option<LoginError> {
    match member {
        None => Some(LoginError::UnknownAddress),
        Some(member) if member.account.password_hash.is_none() => Some(LoginError::NoPassword),
        Some(_) if !matches => Some(LoginError::WrongPassword),
        Some(member) if !member.may_enter() => Some(LoginError::Inactive),
        Some(_) => None,
    }
}

/// Whether the contract lets a member do nothing yet.
fn is_shut_out(policy: &Policy, member: &Member) -> bool {
    member.account.verified_at.is_none() && policy.unverified_may == UnverifiedMay::DoNothing
}

struct Attempt {
    policy: Policy,
    subject: String,
    network: Network,
    gate_enabled: bool,
    member: Option<Member>,
    admission: Option<Admission>,
    /// Where the account has a second factor.
    checkpoint: Option<Checkpoint>,
    upgrade: Option<(String, String)>,
    failure: Option<LoginError>,
    /// The letter for who knows the password and may not come in before the address is proved.
    reminder: Option<Reminder>,
    now: Millis,
}

/// What came of an attempt that did not fail.
enum Settled {
    In(Box<Admitted>),
    Missed(Missed),
    /// What was compared with before the transaction is not so any more.
    HashChanged,
}

impl Attempt {
    /// Settles the attempt where all attempts are in one line: whoever comes after the failure that locks is refused,
    /// also with the right password, so guesses in parallel gain nothing (E1).
    fn settle(self, tx: &Tx<'_>) -> Result<Settled, LoginError> {
        let gate = LoginGate { subject: &self.subject, network: self.network, enabled: self.gate_enabled };
        if let Some(until) = gate.locked_until(tx, self.now)? {
            return Err(LoginError::Locked(wait_until(until, self.now)));
        }
        let (Some(before), Some(admission), None) = (&self.member, &self.admission, &self.failure) else {
            let failure = self.failure.unwrap_or(LoginError::UnknownAddress);
            if !matches!(failure, LoginError::Inactive) {
                gate.fail(tx, self.now)?;
            }
            return Err(failure);
        };
        let now_there = accounts::member(tx, before.account.id)?;
        // The account may have been cut off, or its password changed, while the hash was being compared.
        let unchanged = |member: &Member| member.account.password_hash == before.account.password_hash;
        let Some(member) = now_there.filter(unchanged) else { return Ok(Settled::HashChanged) };
        if !member.may_enter() {
            return Err(LoginError::Inactive);
        }
        if is_shut_out(&self.policy, &member) {
            // Silent when the address's budget is spent: the refusal is the same.
            if let Some(reminder) = &self.reminder
                && spend_mail(tx, &self.subject, self.gate_enabled, self.now)?.is_none()
            {
                reminder.post(tx, member.account.id)?;
            }
            return Err(LoginError::Unverified);
        }
        if member.account.second_factor_at.is_some() != self.checkpoint.is_some() {
            return Ok(Settled::HashChanged);
        }
        // The password was right, whatever comes of the second factor: that has a budget of its own.
        gate.succeed(tx)?;
        if let Some((old, new)) = &self.upgrade {
            accounts::upgrade_hash(tx, member.account.id, old, new)?;
        }
        if let Some(checkpoint) = &self.checkpoint
            && let Err(missed) = checkpoint.pass(tx, &member)?
        {
            return Ok(Settled::Missed(missed));
        }
        Ok(Settled::In(Box::new(admission.admit(tx, member, self.checkpoint.is_some())?)))
    }
}

//! Changing a password with the present one.

use std::time::Duration;

use crate::model::network::Network;
use crate::model::password::Password;
use crate::store::Unavailable;

use super::authenticate::Caller;
use super::profile::{ProfileChange, ProfileError};
use super::throttle::{LoginGate, PRESSURE_DELAY};
use super::{Service, Setback, wait_until};

/// Why the password was not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PasswordError {
    #[error("the present password is wrong")]
    WrongPassword,
    #[error("too many failures")]
    Locked(Duration),
    /// The account has a second factor, and this session has not passed it lately (E5).
    #[error("the second factor has to be passed first")]
    SecondFactorNeeded,
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for PasswordError {
    fn from(error: Unavailable) -> PasswordError {
        PasswordError::Setback(error.into())
    }
}

impl Service {
    /// Changes the caller's password. `current` is none when what was typed is longer than any password may be. Who found
    /// a session open guesses the password no faster here than at a login: wrong ones count as failed logins. What
    /// else follows is as for [`Service::change_profile`].
    ///
    /// # Errors
    /// [`PasswordError`]; only the count of failures has changed then.
    pub async fn change_password(
        &self,
        caller: &Caller,
        current: Option<Password>,
        new: Password,
    ) -> Result<(), PasswordError> {
        self.prove_password(caller, current).await?;
        let change = ProfileChange { password: Some(new), ..ProfileChange::default() };
        let changed = self.change_profile(caller, caller.member.account.id, change).await;
        changed.map_err(|error| match error {
            ProfileError::Setback(setback) => PasswordError::Setback(setback),
            ProfileError::SecondFactorNeeded => PasswordError::SecondFactorNeeded,
            // It is the caller's own, so nothing else can be in the way.
            ProfileError::SessionEnded
            | ProfileError::Unknown
            | ProfileError::Forbidden
            | ProfileError::PasswordOfAnother => PasswordError::SessionEnded,
        })
    }

    async fn prove_password(&self, caller: &Caller, current: Option<Password>) -> Result<(), PasswordError> {
        let account = &caller.member.account;
        let (subject, network) = (self.subject(&account.email.key()), Network::from(caller.address));
        let (limits, now) = (self.limits, self.clock.now());
        let gate = LoginGate { subject: &subject, network, enabled: limits };
        let (locked, pressed) = self.store.read(|tx| {
            Ok::<_, Unavailable>((gate.locked_until(tx, now)?, gate.is_under_pressure(tx, now)?))
        })?;
        if let Some(until) = locked {
            return Err(PasswordError::Locked(wait_until(until, now)));
        }
        if pressed {
            tokio::time::sleep(PRESSURE_DELAY).await;
        }
        let typed = current.clone().unwrap_or_else(Password::stand_in);
        let found = self.hashing.compare(typed, account.password_hash.as_deref()).await;
        let matches = found.map_err(Setback::from)?.matches && current.is_some();
        let now = self.clock.now();
        // A failure that must be remembered is part of the `Ok`. Whoever comes after the one that locks is refused, also
        // with the right password, so guesses in parallel gain nothing (E1).
        let verdict: Result<Result<(), PasswordError>, Unavailable> = self
            .store
            .write(move |tx| {
                let gate = LoginGate { subject: &subject, network, enabled: limits };
                if let Some(until) = gate.locked_until(tx, now)? {
                    return Ok(Err(PasswordError::Locked(wait_until(until, now))));
                }
                if !matches {
                    gate.fail(tx, now)?;
                    return Ok(Err(PasswordError::WrongPassword));
                }
                gate.succeed(tx)?;
                Ok(Ok(()))
            })
            .await;
        verdict?
    }
}

//! A member's own data: reading and changing it.

use crate::model::account::{Account, Member};
use crate::model::audit::Deed;
use crate::model::id::{AccountId, SessionId};
use crate::model::letter::LetterKind;
use crate::model::name::PersonName;
use crate::model::password::Password;
use crate::model::permission::Action;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, access_tokens, accounts, audit, letters, proofs, sessions};

use super::authenticate::Caller;
use super::register::silence;
use super::two_factor::change::is_fresh;
use super::{Service, Setback};

/// A change of a profile; what is none stays.
#[derive(Debug, Clone, Default)]
pub struct ProfileChange {
    pub first_name: Option<PersonName>,
    pub last_name: Option<PersonName>,
    pub password: Option<Password>,
}

/// Why a profile was not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ProfileError {
    /// Unknown, or of another organization, which is the same to the caller (B6).
    #[error("there is no such member")]
    Unknown,
    #[error("the role does not suffice")]
    Forbidden,
    #[error("only one's own password can be changed")]
    PasswordOfAnother,
    /// The account has a second factor, and this session has not passed it lately.
    #[error("the second factor has to be passed first")]
    SecondFactorNeeded,
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for ProfileError {
    fn from(error: Unavailable) -> ProfileError {
        ProfileError::Setback(error.into())
    }
}

impl Service {
    /// Changes a member's names, or the caller's own password. A new password ends the caller's other sessions and
    /// every pending reset or change of address, and a letter says so.
    ///
    /// # Errors
    /// [`ProfileError`]; nothing has changed then.
    pub async fn change_profile(
        &self,
        caller: &Caller,
        target: AccountId,
        change: ProfileChange,
    ) -> Result<(), ProfileError> {
        let member = self.store.read(|tx| accounts::member(tx, target))?;
        let target = permit(&caller.member, member.as_ref(), &change)?.clone();
        let new_hash = match change.password.clone() {
            Some(password) => Some(self.hashing.hash(password).await.map_err(Setback::from)?),
            None => None,
        };
        let notice = new_hash.as_ref().map(|_| self.password_changed_letter(&caller.member));
        let posted = notice.is_some();
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::PasswordChanged);
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                // A reset, a ban or another role may have come while the password was being hashed: whoever it threw
                // out must not have the last word.
                let caller = still_in(tx, session, now)?.ok_or(ProfileError::SessionEnded)?;
                let again = accounts::member(tx, target.id)?;
                permit(&caller, again.as_ref(), &change)?;
                let (first, last) = (change.first_name.as_ref(), change.last_name.as_ref());
                let (first, last) = (first.map(PersonName::as_str), last.map(PersonName::as_str));
                if let (Some(hash), Some(notice)) = (&new_hash, &notice) {
                    // A token found lying around must not be enough.
                    if caller.account.second_factor_at.is_some() && !is_fresh(tx, session, now)? {
                        return Err(ProfileError::SecondFactorNeeded);
                    }
                    accounts::set_password(tx, target.id, hash, now)?;
                    sessions::revoke_all(tx, target.id, Some(session), now)?;
                    void_requests(tx, target.id, now)?;
                    letters::insert(tx, notice, Some(target.id))?;
                    audit::note(tx, &entry)?;
                }
                accounts::set_names(tx, target.id, first, last, now)?;
                Ok::<(), ProfileError>(())
            })
            .await?;
        if posted {
            self.bell.ring();
        }
        Ok(())
    }

    /// Deactivates the caller's own account: it is inactive from the next request on. False when the caller's session
    /// has ended meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn deactivate(&self, caller: &Caller) -> Result<bool, Unavailable> {
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::AccountDeactivated);
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let Some(member) = still_in(tx, session, now)? else { return Ok(false) };
                accounts::set_deactivated(tx, member.account.id, Some(now), now)?;
                cut_off(tx, member.account.id, now)?;
                audit::note(tx, &entry)?;
                Ok(true)
            })
            .await
    }
}

/// The owner of a session that is still honored.
pub(super) fn still_in(tx: &Tx<'_>, session: SessionId, now: Millis) -> Result<Option<Member>, Unavailable> {
    let found = sessions::with_member(tx, session)?;
    Ok(found.filter(|(session, member)| session.is_live(now) && member.may_enter()).map(|(_, member)| member))
}

/// Ends what was asked for and not yet done: a new password, another address, coming in by mail.
pub(super) fn void_requests(tx: &Tx<'_>, id: AccountId, now: Millis) -> Result<(), Unavailable> {
    for (purpose, letter) in [
        (Purpose::Reset, LetterKind::Reset),
        (Purpose::ChangeAddress, LetterKind::ChangeAddress),
        (Purpose::MagicLink, LetterKind::MagicLink),
        // Logins that the old password began.
        (Purpose::SecondFactor, LetterKind::LoginCode),
        (Purpose::EnrolMail, LetterKind::LoginCode),
    ] {
        proofs::void(tx, id, purpose, now)?;
        letters::drop_waiting(tx, id, letter.as_str(), now)?;
    }
    Ok(())
}

/// Ends everything by which an account could still be entered (D2). The proof of an unverified address stays open: it
/// opens nothing while the account may not enter, and without it the address could never be proved afterward. So does
/// the proof that undoes a change of address: it opens nothing either, and who took the account over may deactivate it.
pub(super) fn cut_off(tx: &Tx<'_>, id: AccountId, now: Millis) -> Result<(), Unavailable> {
    sessions::revoke_all(tx, id, None, now)?;
    access_tokens::revoke_all(tx, id, now)?;
    void_requests(tx, id, now)?;
    silence(tx, id, now)
}

fn permit<'a>(
    caller: &Member,
    target: Option<&'a Member>,
    change: &ProfileChange,
) -> Result<&'a Account, ProfileError> {
    let target = target.ok_or(ProfileError::Unknown)?;
    if target.account.id == caller.account.id {
        return Ok(&target.account);
    }
    let (Some(own), Some(theirs)) = (&caller.organization, &target.organization) else {
        return Err(ProfileError::Unknown);
    };
    if own.organization != theirs.organization {
        return Err(ProfileError::Unknown);
    }
    if !own.role.may(Action::ChangeUser(theirs.role)) {
        return Err(ProfileError::Forbidden);
    }
    if change.password.is_some() {
        return Err(ProfileError::PasswordOfAnother);
    }
    Ok(&target.account)
}

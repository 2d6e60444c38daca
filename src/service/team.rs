//! The users of an organization: bringing them in, changing them, taking them out. Everything about another
//! organization answers like something that does not exist (B6); `Role::may` decides the rest (B5).

use std::time::Duration;

use crate::mail::Recipient;
use crate::model::account::{Member, Membership};
use crate::model::audit::Deed;
use crate::model::id::{AccountId, OrganizationId};
use crate::model::name::PersonName;
use crate::model::organization::{Organization, Role};
use crate::model::permission::Action;
use crate::model::time::Millis;
use crate::store::organizations;
use crate::store::{Tx, Unavailable, accounts, audit, invitations, members};

use super::authenticate::Caller;
use super::profile::cut_off;
use super::standing::still_acting;
use super::{Service, Setback};

pub use crate::store::organizations::OrganizationChange;

/// What is to change about a user; none stays.
#[derive(Debug, Clone, Default)]
pub struct MemberChange {
    pub first_name: Option<PersonName>,
    pub last_name: Option<PersonName>,
    pub role: Option<Role>,
}

/// Why nothing was done. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TeamError {
    /// The caller belongs to no organization.
    #[error("the caller has no organization")]
    NoOrganization,
    /// Unknown, or of another organization.
    #[error("there is no such user")]
    Unknown,
    #[error("the role does not suffice")]
    Forbidden,
    #[error("the last owner keeps the role")]
    LastOwner,
    #[error("nobody takes out themselves")]
    Oneself,
    #[error("the user was not taken out")]
    NotRemoved,
    #[error("the user has proved the address")]
    AlreadyVerified,
    #[error("the address belongs to an account")]
    AddressTaken,
    #[error("the address has an open invitation into the organization")]
    AlreadyInvited,
    #[error("the domain is banned")]
    DomainBanned,
    #[error("the address has been sent too many letters")]
    TooManyLetters(Duration),
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for TeamError {
    fn from(error: Unavailable) -> TeamError {
        TeamError::Setback(error.into())
    }
}

/// The caller's place, or the refusal of somebody without one.
pub(super) fn place_of(member: &Member) -> Result<&Membership, TeamError> {
    member.organization.as_ref().ok_or(TeamError::NoOrganization)
}

/// Lets pass who may do it.
pub(super) fn permit(place: &Membership, action: Action) -> Result<(), TeamError> {
    if place.role.may(action) { Ok(()) } else { Err(TeamError::Forbidden) }
}

/// A user of the organization, with the role.
pub(super) fn user_of(
    tx: &Tx<'_>,
    organization: OrganizationId,
    id: AccountId,
) -> Result<(Member, Role), TeamError> {
    let member = accounts::member(tx, id)?.ok_or(TeamError::Unknown)?;
    match &member.organization {
        Some(place) if place.organization == organization => {
            let role = place.role;
            Ok((member, role))
        }
        _ => Err(TeamError::Unknown),
    }
}

/// The caller as of now, inside the transaction that acts for them: sessions, roles and places may have changed since
/// the request was let in.
pub(super) fn caller_now(
    tx: &Tx<'_>,
    caller: &Caller,
    now: Millis,
) -> Result<(Member, Membership), TeamError> {
    let member = still_acting(tx, caller, now)?.ok_or(TeamError::SessionEnded)?;
    let place = place_of(&member)?.clone();
    Ok((member, place))
}

impl Service {
    /// The organization of an id, if it is the caller's.
    ///
    /// # Errors
    /// [`TeamError::Forbidden`] for any other id, known or not.
    pub fn organization(&self, caller: &Caller, id: OrganizationId) -> Result<Organization, TeamError> {
        if place_of(&caller.member).is_ok_and(|place| place.organization == id) {
            let found = self.store.read(|tx| organizations::find(tx, id))?;
            return found.ok_or(TeamError::Forbidden);
        }
        Err(TeamError::Forbidden)
    }

    /// Changes the caller's organization.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn change_organization(
        &self,
        caller: &Caller,
        id: OrganizationId,
        change: OrganizationChange,
    ) -> Result<Organization, TeamError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        self.store
            .write(move |tx| {
                let (_, place) = caller_now(tx, &caller, now)?;
                if place.organization != id {
                    return Err(TeamError::Forbidden);
                }
                permit(&place, Action::ChangeOrganization)?;
                organizations::update(tx, id, &change, now)?;
                organizations::find(tx, id)?.ok_or(TeamError::Unknown)
            })
            .await
    }

    /// One user of the caller's organization. Whoever does not see users sees themselves and what role others have.
    ///
    /// # Errors
    /// [`TeamError`].
    pub fn find_user(&self, caller: &Caller, id: AccountId, in_full: bool) -> Result<Member, TeamError> {
        let place = place_of(&caller.member)?;
        if in_full {
            permit(place, Action::SeeUsers)?;
        }
        self.store.read(|tx| user_of(tx, place.organization, id)).map(|(member, _)| member)
    }

    /// Changes a user's names and role. Tells the user as it was and as it is.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn change_user(
        &self,
        caller: &Caller,
        id: AccountId,
        change: MemberChange,
    ) -> Result<(Role, Member), TeamError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let entry = self.entry(caller.actor(), Deed::RoleChanged);
        self.store
            .write(move |tx| {
                let (_, place) = caller_now(tx, &caller, now)?;
                // Who may change nobody learns nothing about who is there.
                permit(&place, Action::ChangeUser(Role::User))?;
                let (member, role) = user_of(tx, place.organization, id)?;
                permit(&place, Action::ChangeUser(role))?;
                let (first, last) = (change.first_name.as_ref(), change.last_name.as_ref());
                let (first, last) = (first.map(PersonName::as_str), last.map(PersonName::as_str));
                accounts::set_names(tx, id, first, last, now)?;
                if let Some(wanted) = change.role.filter(|wanted| *wanted != role) {
                    permit(&place, Action::ChangeRole(role, wanted))?;
                    keep_an_owner(tx, &place, id, role)?;
                    members::set_role(tx, id, wanted)?;
                    let change = format_args!("{} to {}", role.name(), wanted.name());
                    audit::note(tx, &entry.about(&member).detailed(change))?;
                }
                Ok((role, user_of(tx, place.organization, id)?.0))
            })
            .await
    }

    /// Takes a user out of the organization: sessions, links and the way in end at once. The account stays, so that
    /// it can be taken back in.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn remove_user(&self, caller: &Caller, id: AccountId) -> Result<Member, TeamError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let entry = self.entry(caller.actor(), Deed::MemberRemoved);
        self.store
            .write(move |tx| {
                let (own, place) = caller_now(tx, &caller, now)?;
                permit(&place, Action::RemoveUser(Role::User))?;
                let (member, role) = user_of(tx, place.organization, id)?;
                if own.account.id == id {
                    return Err(TeamError::Oneself);
                }
                permit(&place, Action::RemoveUser(role))?;
                keep_an_owner(tx, &place, id, role)?;
                if accounts::set_removed(tx, id, Some(now), now)? {
                    audit::note(tx, &entry.about(&member))?;
                }
                invitations::set_revoked_of(tx, id, Some(now), now)?;
                cut_off(tx, id, now)?;
                Ok(user_of(tx, place.organization, id)?.0)
            })
            .await
    }

    /// Takes a user back in.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn restore_user(&self, caller: &Caller, id: AccountId) -> Result<Member, TeamError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let entry = self.entry(caller.actor(), Deed::MemberRestored);
        self.store
            .write(move |tx| {
                let (_, place) = caller_now(tx, &caller, now)?;
                permit(&place, Action::RemoveUser(Role::User))?;
                let (member, role) = user_of(tx, place.organization, id)?;
                permit(&place, Action::RemoveUser(role))?;
                if !accounts::set_removed(tx, id, None, now)? {
                    return Err(TeamError::NotRemoved);
                }
                invitations::set_revoked_of(tx, id, None, now)?;
                audit::note(tx, &entry.about(&member))?;
                Ok(user_of(tx, place.organization, id)?.0)
            })
            .await
    }
}

/// Refuses what would leave an organization without an owner.
fn keep_an_owner(tx: &Tx<'_>, place: &Membership, id: AccountId, role: Role) -> Result<(), TeamError> {
    if role == Role::Owner && !members::has_other_owner(tx, place.organization, id)? {
        return Err(TeamError::LastOwner);
    }
    Ok(())
}

/// Whom a letter about an organization goes to.
pub(super) fn recipient(member: &Member) -> Recipient<'_> {
    let account = &member.account;
    Recipient { address: &account.email, first_name: &account.first_name, language: account.language }
}

//! Invitations into organizations: made by who may, listed, revoked; accepted by who reads the invited mailbox.
//! Whatever contract one comes from, the refusals, the budget of letters, the audit's deed and the list are the same.

pub mod accept;
mod listing;
pub mod operator;

use std::time::Duration;

use crate::mail::{Contents, Recipient};
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, OrganizationId};
use crate::model::invitation::Invitation;
use crate::model::language::Language;
use crate::model::letter::Letter;
use crate::model::organization::Role;
use crate::model::permission::Action;
use crate::model::time::Millis;
use crate::secrets::{link_secret, sha256};
use crate::store::invitations::{self, Link};
use crate::store::{Tx, Unavailable, accounts, audit, bans, letters, organizations};

use super::authenticate::Caller;
use super::standing::still_acting;
use super::team::TeamError;
use super::throttle::spend_mail;
use super::{Service, Setback, wait_until};

/// Somebody to invite. Whoever has the values has checked that the end is to come and not too far off.
#[derive(Debug, Clone)]
pub struct InvitationWish {
    pub email: EmailAddress,
    pub role: Role,
    pub expires_at: Millis,
    /// Of the letter, and of the page that its link leads to.
    pub language: Language,
}

/// Why nothing was done. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InvitationError {
    /// Also when the organization is another's, or there is none such (B6).
    #[error("the role does not suffice")]
    Forbidden,
    /// Unknown, or of another organization.
    #[error("there is no such invitation")]
    Unknown,
    #[error("the invitation was accepted or revoked before")]
    Over,
    #[error(transparent)]
    Refused(#[from] InvitationRefusal),
    #[error("the address has been sent too many letters")]
    TooManyLetters(Duration),
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for InvitationError {
    fn from(error: Unavailable) -> InvitationError {
        InvitationError::Setback(error.into())
    }
}

/// Why nobody is invited at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationRefusal {
    #[error("the address belongs to an account")]
    AddressTaken,
    #[error("the address has an open invitation into the organization")]
    AlreadyInvited,
    #[error("the domain is banned")]
    DomainBanned,
}

impl From<InvitationRefusal> for TeamError {
    fn from(refusal: InvitationRefusal) -> TeamError {
        match refusal {
            InvitationRefusal::AddressTaken => TeamError::AddressTaken,
            InvitationRefusal::AlreadyInvited => TeamError::AlreadyInvited,
            InvitationRefusal::DomainBanned => TeamError::DomainBanned,
        }
    }
}

/// Refuses to invite where there is an account or an invitation already, or nobody may come from. What other
/// organizations have asked of the address is none of this one's business: whoever is accepted first has it.
pub(super) fn refuse<E>(
    tx: &Tx<'_>,
    organization: OrganizationId,
    email: &EmailAddress,
    now: Millis,
) -> Result<(), E>
where
    E: From<Unavailable> + From<InvitationRefusal>,
{
    let key = email.key();
    if accounts::member_by_email(tx, &key)?.is_some() {
        return Err(InvitationRefusal::AddressTaken.into());
    }
    if invitations::is_open(tx, organization, &key, now)? {
        return Err(InvitationRefusal::AlreadyInvited.into());
    }
    if bans::covers(tx, &email.domain())? {
        return Err(InvitationRefusal::DomainBanned.into());
    }
    Ok(())
}

/// Lets pass a caller who may do this with the invitations of the organization, as of now: sessions, roles and places
/// may have changed since the request was let in (B5).
fn permit(
    tx: &Tx<'_>,
    caller: &Caller,
    organization: OrganizationId,
    action: Option<Action>,
    now: Millis,
) -> Result<(), InvitationError> {
    let member = still_acting(tx, caller, now)?.ok_or(InvitationError::SessionEnded)?;
    let place = member.organization.filter(|place| place.organization == organization);
    let role = place.ok_or(InvitationError::Forbidden)?.role;
    let may = role.may(Action::ManageInvitations) && action.is_none_or(|action| role.may(action));
    if may { Ok(()) } else { Err(InvitationError::Forbidden) }
}

/// Everything that an invitation writes, made before the transaction so that the transaction is short.
struct Draft {
    invitation: Invitation,
    secret_hash: String,
    letter: Letter,
    /// Under what the address's letters are counted, and whether they are.
    budget: (String, bool),
    entry: Entry,
}

impl Draft {
    fn commit(&self, tx: &Tx<'_>) -> Result<(), InvitationError> {
        let (invitation, now) = (&self.invitation, self.invitation.created_at);
        refuse::<InvitationError>(tx, invitation.organization, &invitation.email, now)?;
        let (subject, limits) = &self.budget;
        if let Some(at) = spend_mail(tx, subject, *limits, now)? {
            return Err(InvitationError::TooManyLetters(wait_until(at, now)));
        }
        let link = Link { secret_hash: &self.secret_hash, letter: self.letter.id };
        invitations::insert(tx, invitation, Some(link))?;
        letters::insert(tx, &self.letter, None)?;
        Ok(audit::note(tx, &self.entry)?)
    }
}

impl Service {
    /// Invites somebody into the caller's organization: the letter goes out, and the account is made when its link is
    /// followed.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub async fn create_invitation(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        wish: InvitationWish,
    ) -> Result<Invitation, InvitationError> {
        let now = self.clock.now();
        let grants = Some(Action::Invite(wish.role));
        let name = self.store.read(|tx| {
            permit(tx, caller, organization, grants, now)?;
            refuse::<InvitationError>(tx, organization, &wish.email, now)?;
            Ok::<_, InvitationError>(organizations::find(tx, organization)?.map(|found| found.name))
        })?;
        let place = (organization, name.as_deref().unwrap_or_default());
        let draft = self.draft_invitation(wish, place, Some(caller.member.account.id), caller.actor());
        let (made, caller) = (draft.invitation.clone(), caller.clone());
        self.store
            .write(move |tx| {
                permit(tx, &caller, organization, grants, now)?;
                draft.commit(tx)
            })
            .await?;
        self.bell.ring();
        Ok(made)
    }

    fn draft_invitation(
        &self,
        wish: InvitationWish,
        (organization, name): (OrganizationId, &str),
        inviter: Option<AccountId>,
        actor: Actor,
    ) -> Draft {
        let (now, secret) = (self.clock.now(), link_secret(&self.chance));
        let InvitationWish { email, role, expires_at, language } = wish;
        let to = Recipient { address: &email, first_name: "", language };
        let contents =
            Contents::Invitation { secret: &secret, code: None, expires: expires_at, organization: name };
        let entry = self.entry(actor, Deed::MemberInvited).detailed(role.name());
        Draft {
            letter: self.mailroom.compose(to, contents),
            secret_hash: sha256(&secret),
            budget: (self.subject(&email.key()), self.limits),
            entry: Entry { organization: Some(organization), ..entry },
            invitation: Invitation {
                id: self.chance.id(now),
                organization,
                email,
                role,
                inviter,
                account: None,
                expires_at,
                registered_at: None,
                revoked_at: None,
                created_at: now,
                updated_at: now,
            },
        }
    }
}

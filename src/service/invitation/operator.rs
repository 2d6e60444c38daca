//! Inviting by the operator's command: where no contract makes an organization, this is how the first one and its owner
//! come about.

use crate::model::audit::{Actor, Entry};
use crate::model::id::OrganizationId;
use crate::model::invitation::Invitation;
use crate::model::name::CompanyName;
use crate::model::organization::{Contact, Organization, Role};
use crate::model::subscription::SeededPlan;
use crate::service::Service;
use crate::store::organizations::{self, NewOrganization};
use crate::store::{Tx, Unavailable, invitations, subscriptions};

use super::{InvitationError, InvitationRefusal, InvitationWish, refuse};

/// How the operator names an organization.
#[derive(Debug, Clone)]
pub enum OrganizationName {
    Id(OrganizationId),
    /// One that nobody has makes an organization.
    Name(CompanyName),
}

/// Why the operator's invitation was not made. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum OperatorInvitationError {
    #[error("there is no organization of that id")]
    NoOrganization,
    #[error(
        "several organizations have that name: name one by its id, which `latchkey organization list` tells"
    )]
    Ambiguous,
    #[error("the organization is banned: lift the ban first")]
    Banned,
    #[error("the organization has no members yet: its first invitation must be for the role OWNER")]
    OwnerFirst,
    /// Anybody can call an organization by any name.
    #[error(
        "there is an organization of that name, with members: name it by its id {0} if it is the one you mean"
    )]
    Inhabited(OrganizationId),
    #[error(transparent)]
    Invitation(#[from] InvitationError),
}

impl From<Unavailable> for OperatorInvitationError {
    fn from(error: Unavailable) -> OperatorInvitationError {
        OperatorInvitationError::Invitation(error.into())
    }
}

impl From<InvitationRefusal> for OperatorInvitationError {
    fn from(refusal: InvitationRefusal) -> OperatorInvitationError {
        OperatorInvitationError::Invitation(refusal.into())
    }
}

/// The organization of a name, if there is one.
fn named(tx: &Tx<'_>, name: &OrganizationName) -> Result<Option<Organization>, OperatorInvitationError> {
    match name {
        OrganizationName::Id(id) => {
            organizations::find(tx, *id)?.map(Some).ok_or(OperatorInvitationError::NoOrganization)
        }
        OrganizationName::Name(name) => {
            let mut found = organizations::by_name(tx, name.as_str(), 2)?;
            match found.len() {
                0 | 1 => Ok(found.pop()),
                _ => Err(OperatorInvitationError::Ambiguous),
            }
        }
    }
}

impl Service {
    /// Invites somebody by the operator's command.
    ///
    /// # Errors
    /// [`OperatorInvitationError`].
    pub async fn create_invitation_as_operator(
        &self,
        name: OrganizationName,
        wish: InvitationWish,
    ) -> Result<Invitation, OperatorInvitationError> {
        let now = self.clock.now();
        let (fresh, subscription): (OrganizationId, _) = (self.chance.id(now), self.chance.id(now));
        let called = match (&name, self.store.read(|tx| named(tx, &name))?) {
            (_, Some(found)) => found.name,
            (OrganizationName::Name(name), None) => name.as_str().to_owned(),
            (OrganizationName::Id(_), None) => return Err(OperatorInvitationError::NoOrganization),
        };
        let mut draft = self.draft_invitation(wish, (fresh, &called), None, Actor::Operator);
        let made = self
            .store
            .write(move |tx| {
                let found = named(tx, &name)?;
                let organization = found.as_ref().map_or(fresh, |found| found.id);
                if found.is_some_and(|found| found.banned_at.is_some()) {
                    return Err(OperatorInvitationError::Banned);
                }
                let members = organizations::member_count(tx, organization)?;
                if matches!(name, OrganizationName::Name(_))
                    && draft.invitation.role == Role::Owner
                    && members > 0
                {
                    return Err(OperatorInvitationError::Inhabited(organization));
                }
                refuse::<OperatorInvitationError>(tx, organization, &draft.invitation.email, now)?;
                if draft.invitation.role != Role::Owner
                    && members == 0
                    && !invitations::awaits_owner(tx, organization, now)?
                {
                    return Err(OperatorInvitationError::OwnerFirst);
                }
                if organization == fresh {
                    let contact = Contact::default();
                    let new = NewOrganization {
                        id: fresh,
                        name: &called,
                        website: None,
                        domain: None,
                        is_business: true,
                        contact: &contact,
                        now,
                    };
                    organizations::insert(tx, &new)?;
                    subscriptions::insert(tx, subscription, fresh, SeededPlan::Free, (now, None))?;
                }
                draft.invitation.organization = organization;
                draft.entry = Entry { organization: Some(organization), ..draft.entry };
                draft.commit(tx)?;
                Ok(draft.invitation)
            })
            .await?;
        self.bell.ring();
        Ok(made)
    }
}

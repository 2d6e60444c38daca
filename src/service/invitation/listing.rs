//! The list of an organization's invitations, and ending one.

use crate::model::audit::{Actor, Deed, Entry};
use crate::model::id::{InvitationId, OrganizationId};
use crate::model::invitation::{Invitation, InvitationOrder};
use crate::model::paging::{Paged, Paging};
use crate::model::permission::Action;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::service::Service;
use crate::service::authenticate::Caller;
use crate::service::profile::cut_off;
use crate::store::{Tx, Unavailable, accounts, audit, invitations, proofs};

use super::{InvitationError, permit};

impl Service {
    /// A page of the invitations of the caller's organization, by whatever contract they were made.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub async fn search_invitations(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        order: InvitationOrder,
        paging: Paging,
    ) -> Result<Paged<Invitation>, InvitationError> {
        let now = self.clock.now();
        self.store.read(|tx| permit(tx, caller, organization, None, now))?;
        Ok(self.store.scan(move |tx| invitations::page(tx, organization, order, paging)).await?)
    }

    /// Ends an invitation of the caller's organization. An account that waits for its address to be proved is taken out
    /// with it.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub async fn revoke_invitation(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<(), InvitationError> {
        let (caller, now) = (caller.clone(), self.clock.now());
        let revocation = self.revocation(caller.actor());
        self.store
            .write(move |tx| {
                permit(tx, &caller, organization, None, now)?;
                let found = invitations::find(tx, id)?.filter(|found| found.organization == organization);
                let found = found.ok_or(InvitationError::Unknown)?;
                permit(tx, &caller, organization, Some(Action::Invite(found.role)), now)?;
                // The role of an account that waits may have changed since it was invited (B5).
                let waiting = found.account.map_or(Ok(None), |id| accounts::member(tx, id))?;
                if let Some(place) = waiting.and_then(|member| member.organization) {
                    permit(tx, &caller, organization, Some(Action::RemoveUser(place.role)), now)?;
                }
                revocation.commit(tx, &found, now)
            })
            .await
    }

    /// Ends an invitation by the operator's command.
    ///
    /// # Errors
    /// [`InvitationError`].
    pub async fn revoke_any_invitation(&self, id: InvitationId) -> Result<(), InvitationError> {
        let (revocation, now) = (self.revocation(Actor::Operator), self.clock.now());
        self.store
            .write(move |tx| {
                let found = invitations::find(tx, id)?.ok_or(InvitationError::Unknown)?;
                revocation.commit(tx, &found, now)
            })
            .await
    }

    /// The latest invitations, newest first, of one organization or all.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_invitations(
        &self,
        organization: Option<OrganizationId>,
        limit: i64,
    ) -> Result<Vec<Invitation>, Unavailable> {
        self.store.read(|tx| invitations::list(tx, organization, limit))
    }

    fn revocation(&self, actor: Actor) -> Revocation {
        Revocation {
            revoked: self.entry(actor, Deed::InvitationRevoked),
            removed: self.entry(actor, Deed::MemberRemoved),
        }
    }
}

/// What the audit log says of a revocation.
struct Revocation {
    revoked: Entry,
    /// Of an account that waited, if there is one.
    removed: Entry,
}

impl Revocation {
    fn commit(&self, tx: &Tx<'_>, found: &Invitation, now: Millis) -> Result<(), InvitationError> {
        if !invitations::revoke(tx, found.id, now)? {
            return Err(InvitationError::Over);
        }
        let revoked = self.revoked.clone().detailed(found.id);
        audit::note(tx, &Entry { organization: Some(found.organization), ..revoked })?;
        if let Some(waiting) = found.account
            && let Some(member) = accounts::member(tx, waiting)?
        {
            if accounts::set_removed(tx, waiting, Some(now), now)? {
                audit::note(tx, &self.removed.clone().about(&member))?;
            }
            cut_off(tx, waiting, now)?;
            // Also should the account be taken back in, its link is good for nothing: another has to be mailed.
            proofs::void(tx, waiting, Purpose::Verify, now)?;
        }
        Ok(())
    }
}

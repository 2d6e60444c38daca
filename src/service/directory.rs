//! Who is in an organization and what roles there are, for its administrators.

use crate::model::account::Member;
use crate::model::directory::{UserFilter, UserOrder};
use crate::model::id::OrganizationId;
use crate::model::organization::Role;
use crate::model::paging::{Paged, Paging};
use crate::model::permission::Action;
use crate::store::members;

use super::Service;
use super::authenticate::Caller;
use super::team::{TeamError, permit, place_of};

/// Which users are wanted, and how.
#[derive(Debug, Clone)]
pub struct Search {
    pub filter: UserFilter,
    pub order: UserOrder,
    pub paging: Paging,
}

impl Service {
    /// A page of the users of the caller's organization, those taken out of it too.
    ///
    /// # Errors
    /// [`TeamError::Unknown`] for any other organization, known or not (B6); [`TeamError`].
    pub async fn search_users(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        search: Search,
    ) -> Result<Paged<Member>, TeamError> {
        may_list(caller, organization)?;
        let Search { filter, order, paging } = search;
        let found = self.store.scan(move |tx| members::search(tx, organization, &filter, order, paging));
        Ok(found.await?)
    }

    /// A page of the roles of the caller's organization, the least first.
    ///
    /// # Errors
    /// As for [`Service::search_users`].
    pub fn list_roles(
        &self,
        caller: &Caller,
        organization: OrganizationId,
        paging: Paging,
    ) -> Result<Paged<Role>, TeamError> {
        may_list(caller, organization)?;
        let before = usize::try_from(paging.offset()).unwrap_or(usize::MAX);
        let most = usize::try_from(paging.limit).unwrap_or(0);
        let items = Role::ALL.into_iter().skip(before).take(most).collect();
        Ok(Paged { items, total: Role::ALL.len() as i64, paging })
    }
}

fn may_list(caller: &Caller, organization: OrganizationId) -> Result<(), TeamError> {
    let place = place_of(&caller.member)?;
    if place.organization != organization {
        return Err(TeamError::Unknown);
    }
    permit(place, Action::ListUsers)
}

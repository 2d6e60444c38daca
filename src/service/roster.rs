//! Every user of an organization, read page by page: however many they are, one page is in memory.

use crate::model::account::Member;
use crate::model::id::OrganizationId;
use crate::model::permission::Action;
use crate::store::{Store, Unavailable, members};

use super::Service;
use super::authenticate::Caller;
use super::team::{TeamError, permit, place_of};

/// Users read in one go, so that nobody waits behind a long list.
const PAGE: i64 = 100;

/// The users of an organization, those taken out too, in order of their id. Each page is of its own moment.
pub struct Roster {
    store: Store,
    organization: OrganizationId,
    after: String,
    ended: bool,
}

impl Roster {
    /// The next page; none once all have been read.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn next(&mut self) -> Result<Option<Vec<Member>>, Unavailable> {
        if self.ended {
            return Ok(None);
        }
        let (organization, after) = (self.organization, self.after.clone());
        let page = self.store.scan(move |tx| members::page(tx, organization, &after, PAGE)).await?;
        self.ended = (page.len() as i64) < PAGE;
        if let Some(last) = page.last() {
            self.after = last.account.id.to_string();
        }
        Ok(Some(page))
    }

    /// Whether the page read last was the last of all.
    pub fn has_ended(&self) -> bool {
        self.ended
    }
}

impl Service {
    /// Every user of the caller's organization.
    ///
    /// # Errors
    /// [`TeamError`].
    pub fn roster(&self, caller: &Caller) -> Result<Roster, TeamError> {
        let place = place_of(&caller.member)?;
        permit(place, Action::SeeUsers)?;
        let store = self.store.clone();
        Ok(Roster { store, organization: place.organization, after: String::new(), ended: false })
    }
}

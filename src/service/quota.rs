//! What a caller's plan allows, and how much of it is used.

use crate::model::account::Member;
use crate::model::id::OrganizationId;
use crate::model::plan::{Capability, CapabilityCode, Usage};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, api_keys, members, sessions};

use super::Service;
use super::authenticate::Caller;
use super::ledger::account;
use super::subscription::{Subscribed, subscribed};

/// The plan in force, and the use of each of its capabilities.
#[derive(Debug, Clone)]
pub struct Quota {
    pub subscribed: Subscribed,
    pub usage: Vec<(Capability, Usage)>,
}

impl Service {
    /// The quota of a caller; `None` where no subscription is in force.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn quota(&self, caller: &Caller) -> Result<Option<Quota>, Unavailable> {
        let Some(place) = &caller.member.organization else { return Ok(None) };
        let now = self.clock.now();
        self.store.read(|tx| {
            let found = subscribed(tx, place.organization)?;
            let Some(found) = found.filter(|it| it.subscription.state(now).is_in_force()) else {
                return Ok(None);
            };
            let usage = found.plan.capabilities.iter().map(|capability| {
                let current = used(tx, capability.code, &caller.member, place.organization, now)?;
                Ok((capability.clone(), Usage { current, max: capability.value }))
            });
            let usage = usage.collect::<Result<_, Unavailable>>()?;
            Ok(Some(Quota { subscribed: found, usage }))
        })
    }
}

fn used(
    tx: &Tx<'_>,
    code: CapabilityCode,
    member: &Member,
    organization: OrganizationId,
    now: Millis,
) -> Result<i64, Unavailable> {
    match code {
        CapabilityCode::Users => members::user_count(tx, organization),
        CapabilityCode::Sessions => Ok(sessions::live(tx, member.account.id, now)?.len() as i64),
        CapabilityCode::ApiKeys => api_keys::count(tx, organization, now),
        CapabilityCode::Tokens => {
            let ledger = account(tx, organization, now)?.ledger;
            Ok(ledger.granted - ledger.monthly)
        }
    }
}

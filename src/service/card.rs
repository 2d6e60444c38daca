//! What a contract with usernames shows of somebody beside the account itself.

use crate::model::account::Member;
use crate::model::subscription::Subscription;
use crate::model::time::Millis;
use crate::model::username;
use crate::store::{Tx, Unavailable, plans, subscriptions, usernames};

use super::Service;
use super::opening::devices_of_plan;

/// Somebody's name and plan.
#[derive(Debug, Clone)]
pub struct Card {
    pub username: String,
    /// None without an organization.
    pub held: Option<Held>,
}

/// A subscription and the name of its plan.
#[derive(Debug, Clone)]
pub struct Held {
    pub plan_name: String,
    /// On how many devices the plan in force lets one be signed in.
    pub device_limit: i64,
    pub subscription: Subscription,
}

impl Service {
    /// Somebody's card. An account that was made where there are no usernames gets one now.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn card(&self, member: &Member) -> Result<Card, Unavailable> {
        let now = self.clock.now();
        let (username, held) = self.store.read(|tx| {
            Ok::<_, Unavailable>((usernames::find(tx, member.account.id)?, held(tx, member, now)?))
        })?;
        let username = match username {
            Some(username) => username,
            None => {
                let member = member.clone();
                self.store.write(move |tx| name(tx, &member)).await?
            }
        };
        Ok(Card { username, held })
    }
}

/// The username of an account, which gets one now if it has none.
pub(super) fn name(tx: &Tx<'_>, member: &Member) -> Result<String, Unavailable> {
    let account = &member.account;
    if let Some(username) = usernames::find(tx, account.id)? {
        return Ok(username);
    }
    let names = [account.first_name.as_str(), account.last_name.as_str()];
    for candidate in username::candidates(names, &account.email, account.number) {
        if usernames::claim(tx, account.id, &candidate)? {
            return Ok(candidate);
        }
    }
    Err(Unavailable::because("every username that was thought of for an account is taken"))
}

fn held(tx: &Tx<'_>, member: &Member, now: Millis) -> Result<Option<Held>, Unavailable> {
    let Some(place) = &member.organization else { return Ok(None) };
    let Some(subscription) = subscriptions::latest(tx, place.organization)? else { return Ok(None) };
    let Some(plan) = plans::find(tx, &subscription.plan)? else { return Ok(None) };
    Ok(Some(Held { plan_name: plan.name, device_limit: devices_of_plan(tx, member, now)?, subscription }))
}

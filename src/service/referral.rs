//! Referrals: what came of somebody's code, and the reward for who brought in somebody that subscribes.

use crate::clock::Chance;
use crate::model::account::Member;
use crate::model::audit::{Actor, Deed};
use crate::model::id::OrganizationId;
use crate::model::referral::{ReferralCode, Tally};
use crate::model::time::Millis;
use crate::store::referrals::{self, Referral};
use crate::store::{Tx, Unavailable, accounts, audit};

use super::authenticate::Caller;
use super::profile::still_in;
use super::{Service, audit as log, ledger};

/// What the ledger says of a reward.
const REASON: &str = "referral reward";

/// What is given for somebody brought in, made before the transaction so that the transaction is short.
pub(super) struct Reward {
    /// Ledger tokens; 0 gives nothing.
    tokens: i64,
    chance: Chance,
    now: Millis,
}

impl Service {
    /// The reward of this moment.
    pub(super) fn reward(&self) -> Reward {
        Reward { tokens: self.referral_reward, chance: self.chance.clone(), now: self.clock.now() }
    }

    /// What came of the caller's code. An account that was made where there are no codes gets one now. `None` when the
    /// caller's session has ended meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn referrals(&self, caller: &Caller) -> Result<Option<Tally>, Unavailable> {
        let id = caller.member.account.id;
        if let Some(tally) = self.store.read(|tx| referrals::tally(tx, id))? {
            return Ok(Some(tally));
        }
        let code = ReferralCode::of_bits(self.chance.below(u64::MAX));
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                if still_in(tx, session, now)?.is_none() {
                    return Ok(None);
                }
                if referrals::tally(tx, id)?.is_none() && !referrals::insert(tx, id, &code, None)? {
                    return Err(Unavailable::because("50 random bits came up for a second time: ask again"));
                }
                referrals::tally(tx, id)
            })
            .await
    }
}

impl Reward {
    /// Settles the referrals of an organization whose first subscription with a price starts in this transaction: once
    /// and for all, whether they earn anything or not (contracts/orbai.md section 4).
    pub fn settle(&self, tx: &Tx<'_>, organization: OrganizationId) -> Result<(), Unavailable> {
        for referral in referrals::settle(tx, organization, self.now)? {
            self.give(tx, referral, organization)?;
        }
        Ok(())
    }

    fn give(&self, tx: &Tx<'_>, referral: Referral, subscriber: OrganizationId) -> Result<(), Unavailable> {
        let referrer = accounts::member(tx, referral.referrer)?.filter(Member::may_enter);
        let Some(referrer) = referrer.filter(|_| self.tokens > 0) else { return Ok(()) };
        // Nobody earns from their own organization: it would be a discount on its own subscription (G5).
        let place = referrer.organization.as_ref().filter(|place| place.organization != subscriber);
        let Some(place) = place else { return Ok(()) };
        if !referrals::is_between_two(tx, referral)?
            || !referrals::give_once(tx, referral.referred, self.now)?
        {
            return Ok(());
        }
        if ledger::credit(tx, place.organization, self.tokens, REASON, self.now)?.is_none() {
            return Ok(());
        }
        referrals::count_reward(tx, referral.referrer, self.tokens)?;
        let entry =
            log::entry(&self.chance, self.now, Actor::System, Deed::ReferralRewarded).about(&referrer);
        audit::note(tx, &entry.detailed(format_args!("{} tokens", self.tokens)))
    }
}

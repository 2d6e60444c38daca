//! What a sign-up leaves beside the account where the contract has profiles: username, profile, referral code, and who
//! brought the newcomer in.

use crate::model::account::Member;
use crate::model::personal::PersonalDetails;
use crate::model::referral::ReferralCode;
use crate::model::time::Millis;
use crate::service::card;
use crate::store::referrals::{self, Newcomer};
use crate::store::{Tx, Unavailable, profiles};

/// What is written of somebody.
pub(super) struct Introduction<'a> {
    pub details: &'a PersonalDetails,
    /// The code that the account gets.
    pub code: &'a ReferralCode,
    /// By what the newcomer is told from the referrer.
    pub newcomer: Newcomer<'a>,
    pub now: Millis,
}

impl Introduction<'_> {
    /// Writes it. A code that nobody has never costs a sign-up (contracts/orbai.md section 1).
    pub fn commit(&self, tx: &Tx<'_>, member: &Member) -> Result<(), Unavailable> {
        let id = member.account.id;
        card::name(tx, member)?;
        profiles::insert(tx, id, self.details, self.now)?;
        let typed = self.details.referral.as_ref();
        let referrer = typed.map_or(Ok(None), |code| referrals::referrer(tx, code, self.newcomer))?;
        match referrals::insert(tx, id, self.code, referrer)? {
            true => Ok(()),
            false => Err(Unavailable::because("50 random bits came up for a second time: sign up again")),
        }
    }
}

//! `GET /api/v1/referrals/me`.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::wire::Envelope;
use super::{Area, Known};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_TOKEN, outcomes};
use crate::model::referral::Tally;
use crate::service::Service;

/// What came of the caller's code.
#[derive(Object)]
#[oai(rename = "OrbAiReferrals")]
pub struct ReferralsBody {
    /// What others sign up with as `referral_code`.
    code: String,
    /// Accounts made by it.
    usage_count: i64,
    /// How many of them earned a reward.
    rewarded_count: i64,
    /// Ledger tokens earned by them.
    total_rewards: i64,
}

impl From<Tally> for ReferralsBody {
    fn from(tally: Tally) -> ReferralsBody {
        ReferralsBody {
            code: tally.code,
            usage_count: tally.brought_in,
            rewarded_count: tally.rewarded,
            total_rewards: tally.tokens,
        }
    }
}

outcomes!(ReferralsReply = ReferralsOutcomes: Enveloped, 200 "The code, and what came of it." => Envelope<ReferralsBody>,
    [ALWAYS, WITH_TOKEN]);

#[derive(Clone)]
pub struct Referrals;

#[OpenApi]
impl Referrals {
    /// Read one's referrals
    ///
    /// Whoever brings somebody in is rewarded once, when that account's first subscription with a price starts. The same
    /// mailbox or the same device earns nothing.
    #[oai(path = "/api/v1/referrals/me", method = "get", tag = "Area::User", operation_id = "orbaiReferrals")]
    async fn read(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ReferralsReply {
        match service.referrals(&caller).await {
            Ok(Some(tally)) => ReferralsReply::Done(Envelope(tally.into())),
            Ok(None) => ReferralsReply::Failed(Problem::unauthorized()),
            Err(cause) => ReferralsReply::Failed(cause.into()),
        }
    }
}

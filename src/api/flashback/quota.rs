//! What the plan in force allows, and how much of it is used.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyOfQuota;
use super::subscription::not_subscribed;
use super::{Area, Known};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_TOKEN, outcomes};
use crate::model::plan::{Capability, Usage};
use crate::service::Service;
use crate::service::quota::Quota;

/// What the plan in force allows, and how much of it is used.
#[derive(Object)]
#[oai(rename = "FlashbackQuotaAnswer", rename_all = "camelCase")]
pub struct QuotaAnswer {
    /// Always true.
    success: bool,
    subscription: QuotaPlan,
    quota_usage: Vec<QuotaItem>,
}

/// The plan in force.
#[derive(Object)]
#[oai(rename = "FlashbackQuotaPlan")]
pub struct QuotaPlan {
    id: String,
    name: String,
    description: String,
}

/// One capability and its use.
#[derive(Object)]
#[oai(rename = "FlashbackQuotaItem")]
pub struct QuotaItem {
    capability: QuotaCapability,
    usage: UsageBody,
}

/// What is counted.
#[derive(Object)]
#[oai(rename = "FlashbackQuotaCapability", rename_all = "camelCase")]
pub struct QuotaCapability {
    id: String,
    /// `USERS`, `SESSIONS`, `API_KEYS` or `TOKENS`.
    code: String,
    description: String,
    /// `LIMIT`: so many at once. `ALLOWANCE`: so many in a period.
    #[oai(rename = "type")]
    kind: String,
    /// Over which it is counted.
    period_type: String,
}

/// How much is used.
#[derive(Object)]
#[oai(rename = "FlashbackUsage")]
pub struct UsageBody {
    current: i64,
    max: i64,
    /// Rounded down; above 100 where a smaller plan has followed a larger one.
    percentage: i64,
}

outcomes!(QuotaReply = QuotaOutcomes: FamilyOfQuota, 200 "The use of every capability." => QuotaAnswer, [ALWAYS, WITH_TOKEN, &[
    (401, "`NO_AUTH_USER`: no access token, or one that is expired, revoked, or of an account that may not enter."),
    (404, "`NO_ACTIVE_SUBSCRIPTION`: none, or none in force."),
]]);

#[derive(Clone)]
pub struct QuotaArea;

#[OpenApi]
impl QuotaArea {
    /// Read what is used of the plan
    #[oai(path = "/user/quota", method = "get", tag = "Area::Subscription", operation_id = "flashbackQuota")]
    async fn quota(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> QuotaReply {
        let found = service.quota(&caller).map_err(Problem::from);
        found.and_then(|quota| quota.map(usage).ok_or_else(not_subscribed)).into()
    }
}

fn usage(quota: Quota) -> QuotaAnswer {
    let plan = quota.subscribed.plan;
    let item = |(capability, usage): (Capability, Usage)| QuotaItem {
        capability: QuotaCapability {
            id: capability.id.to_string(),
            code: capability.code.as_str().to_owned(),
            description: capability.description,
            kind: capability.kind,
            period_type: capability.period.as_str().to_owned(),
        },
        usage: UsageBody { current: usage.current, max: usage.max, percentage: usage.percentage() },
    };
    QuotaAnswer {
        success: true,
        subscription: QuotaPlan { id: plan.id, name: plan.name, description: plan.description },
        quota_usage: quota.usage.into_iter().map(item).collect(),
    }
}

//! The plans, as the wire lists them.

use poem_openapi::Object;

use crate::model::plan::{Capability, Period, Plan};

/// All plans.
#[derive(Object)]
#[oai(rename = "FlashbackPlans")]
pub struct CatalogAnswer {
    /// Always true.
    success: bool,
    data: Vec<PlanBody>,
}

/// A plan.
#[derive(Object)]
#[oai(rename = "FlashbackPlan")]
pub struct PlanBody {
    id: String,
    name: String,
    description: String,
    /// For how long it can be had, and at what price.
    periods: Vec<PeriodBody>,
    capabilities: Vec<CapabilityBody>,
}

/// A period of a plan.
#[derive(Object)]
#[oai(rename = "FlashbackPeriod", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct PeriodBody {
    /// The `subscriptionPeriodId` of `/subscriptions/buy`.
    id: String,
    /// The plan.
    subscription_id: String,
    /// `ALL_TIME`, `DAILY`, `WEEKLY`, `MONTHLY` or `YEARLY`.
    period_type: String,
    /// Cents a period.
    price: i64,
    /// Tokens granted with each period.
    credits_granted: Option<i64>,
}

/// What a plan allows of one thing.
#[derive(Object)]
#[oai(rename = "FlashbackCapability", rename_all = "camelCase")]
pub struct CapabilityBody {
    id: String,
    /// `USERS`, `SESSIONS`, `API_KEYS` or `TOKENS`.
    code: String,
    description: String,
    /// `LIMIT`: so many at once. `ALLOWANCE`: so many in a period.
    #[oai(rename = "type")]
    kind: String,
    /// Cents beside the plan's own price.
    price: i64,
    /// Over which it is counted.
    period_type: String,
    /// How many.
    value: i64,
}

impl From<Period> for PeriodBody {
    fn from(period: Period) -> PeriodBody {
        PeriodBody {
            id: period.id.to_string(),
            subscription_id: period.plan,
            period_type: period.kind.as_str().to_owned(),
            price: period.price_cents,
            credits_granted: period.credits_granted,
        }
    }
}

impl From<Capability> for CapabilityBody {
    fn from(capability: Capability) -> CapabilityBody {
        CapabilityBody {
            id: capability.id.to_string(),
            code: capability.code.as_str().to_owned(),
            description: capability.description,
            kind: capability.kind,
            price: capability.price_cents,
            period_type: capability.period.as_str().to_owned(),
            value: capability.value,
        }
    }
}

/// The answer that lists these plans.
pub fn catalog(plans: Vec<Plan>) -> CatalogAnswer {
    let body = |plan: Plan| PlanBody {
        id: plan.id,
        name: plan.name,
        description: plan.description,
        periods: plan.periods.into_iter().map(PeriodBody::from).collect(),
        capabilities: plan.capabilities.into_iter().map(CapabilityBody::from).collect(),
    };
    CatalogAnswer { success: true, data: plans.into_iter().map(body).collect() }
}

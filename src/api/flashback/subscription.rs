//! Plans, and the organization's subscription to one.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::catalog::{CatalogAnswer, catalog};
use super::failure::FamilyA;
use super::wire::{MessageBody, message};
use super::{Area, Known, Proven};
use crate::api::body::Body;
use crate::api::problem::{Family, Problem};
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_TOKEN, outcomes};
use crate::api::shapes::OrNull;
use crate::model::time::Millis;
use crate::service::Service;
use crate::service::standing::StandingError;
use crate::service::subscription::{CancelError, SubscribeError, Subscribed};

/// The organization's subscription, if it ever had one.
#[derive(Object)]
#[oai(rename = "FlashbackSubscriptionAnswer", skip_serializing_if_is_none)]
pub struct SubscriptionAnswer {
    /// Always true.
    success: bool,
    /// Null where there never was one.
    data: OrNull<SubscriptionBody>,
    /// `No subscription found`, where there never was one.
    message: Option<String>,
}

/// The subscription that was started last, in force or not.
#[derive(Object)]
#[oai(rename = "FlashbackSubscription", rename_all = "camelCase")]
pub struct SubscriptionBody {
    /// The plan, as in `/subscriptions`.
    id: String,
    name: String,
    description: String,
    period_id: String,
    /// `ALL_TIME`, `DAILY`, `WEEKLY`, `MONTHLY` or `YEARLY`.
    period_type: String,
    /// Cents a period.
    price: i64,
    /// RFC 3339 in UTC.
    date_from: String,
    /// When the present period ends: the first moment past it. Null for one without end.
    #[oai(nullable)]
    date_to: Option<String>,
    /// `TRIALING`, `ACTIVE`, `CANCELED` (to its end still in force) or `EXPIRED`.
    status: String,
    /// Whether another period follows the present one.
    auto_renew: bool,
}

/// What to subscribe to.
#[derive(Object)]
#[oai(rename = "FlashbackPurchase", rename_all = "camelCase", example)]
pub struct BuyRequest {
    /// `data[].periods[].id` of `/subscriptions`.
    #[oai(validator(max_length = 100))]
    subscription_period_id: String,
}

impl Example for BuyRequest {
    fn example() -> BuyRequest {
        BuyRequest { subscription_period_id: "000000000000000000000101".to_owned() }
    }
}

outcomes!(ListReply = ListOutcomes: FamilyA, 200 "All plans." => CatalogAnswer, [ALWAYS, WITH_TOKEN]);
outcomes!(MineReply = MineOutcomes: FamilyA, 200 "The subscription, or null." => SubscriptionAnswer,
    [ALWAYS, WITH_TOKEN, &[(400, "`NO_ORGANIZATION`.")]]);
outcomes!(BuyReply = BuyOutcomes: FamilyA, 200 "Started." => MessageBody, [ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "`INVALID_INPUT`, `NO_ORGANIZATION`, `ALREADY_SUBSCRIBED`, `TRIAL_NOT_FOR_SALE`, or `PAYMENT_NOT_CONFIGURED` for a plan with a price."),
    (403, "`EMAIL_NOT_VERIFIED` until the address is proved; `INSUFFICIENT_PERMISSIONS` below the role BILLING."),
    (404, "`SUBSCRIPTION_PERIOD_NOT_FOUND`."),
]]);
outcomes!(CancelReply = CancelOutcomes: FamilyA, 200 "Canceled." => MessageBody, [ALWAYS, WITH_TOKEN, &[
    (400, "`ALREADY_CANCELED`, or `NO_ORGANIZATION`."),
    (403, "`EMAIL_NOT_VERIFIED` until the address is proved; `INSUFFICIENT_PERMISSIONS` below the role BILLING."),
    (404, "`NO_ACTIVE_SUBSCRIPTION`."),
]]);
#[derive(Clone)]
pub struct Subscriptions;

#[OpenApi]
impl Subscriptions {
    /// List the plans
    ///
    /// With the periods they can be had for, and what they allow.
    #[oai(
        path = "/subscriptions",
        method = "get",
        tag = "Area::Subscription",
        operation_id = "flashbackPlans"
    )]
    async fn list(&self, service: Data<&Arc<Service>>, Known(_caller): Known) -> ListReply {
        service.plans().map(catalog).map_err(Problem::from).into()
    }

    /// Read the organization's subscription
    ///
    /// The one started last, also when it is over.
    #[oai(
        path = "/subscriptions/my",
        method = "get",
        tag = "Area::Subscription",
        operation_id = "flashbackSubscription"
    )]
    async fn mine(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> MineReply {
        let now = service.clock.now();
        service.subscription(&caller).map(|found| mine(found, now)).map_err(Problem::from).into()
    }

    /// Subscribe to a plan
    ///
    /// Takes the role BILLING. A free plan starts at once, in the place of the one in force; one with a price waits for a
    /// payment provider. Blocked until the address is proved.
    #[oai(
        path = "/subscriptions/buy",
        method = "post",
        tag = "Area::Subscription",
        operation_id = "flashbackSubscribe"
    )]
    async fn buy(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<BuyRequest>,
    ) -> BuyReply {
        let started = match body.0.subscription_period_id.parse() {
            Ok(period) => service.subscribe(&caller, period).await,
            Err(_) => Err(SubscribeError::UnknownPeriod),
        };
        started.map(|()| message("Subscription started successfully")).map_err(Problem::from).into()
    }

    /// Cancel the organization's subscription
    ///
    /// Takes the role BILLING and no body. It runs to the end of its period and renews no more; one without end, as the
    /// free plan, is over at once. Blocked until the address is proved.
    #[oai(
        path = "/subscriptions/cancel",
        method = "post",
        tag = "Area::Subscription",
        operation_id = "flashbackCancelSubscription"
    )]
    async fn cancel(&self, service: Data<&Arc<Service>>, Proven(caller): Proven) -> CancelReply {
        let canceled = service.cancel_subscription(&caller).await;
        let sentence = |end: Millis| message(format!("Subscription canceled: it ends at {end}"));
        canceled.map(sentence).map_err(Problem::from).into()
    }
}

fn mine(found: Option<Subscribed>, now: Millis) -> SubscriptionAnswer {
    let message = found.is_none().then(|| "No subscription found".to_owned());
    let data = found.map(|Subscribed { subscription, plan, period }| SubscriptionBody {
        id: plan.id,
        name: plan.name,
        description: plan.description,
        period_id: period.id.to_string(),
        period_type: period.kind.as_str().to_owned(),
        price: period.price_cents,
        date_from: subscription.starts_at.rfc3339(),
        date_to: subscription.period_end(now).map(Millis::rfc3339),
        status: subscription.state(now).as_str().to_owned(),
        auto_renew: subscription.auto_renew,
    });
    SubscriptionAnswer { success: true, data: OrNull(data), message }
}

/// 404: nothing in force.
pub(super) fn not_subscribed<F: Family>() -> Problem<F> {
    Problem::new(StatusCode::NOT_FOUND, "NO_ACTIVE_SUBSCRIPTION", "There is no subscription in force.")
}

fn refused(code: &'static str, sentence: &str) -> Problem<FamilyA> {
    Problem::new(StatusCode::BAD_REQUEST, code, sentence)
}

impl From<StandingError> for Problem<FamilyA> {
    fn from(error: StandingError) -> Problem<FamilyA> {
        match error {
            StandingError::SessionEnded => Problem::unauthorized(),
            StandingError::NoOrganization => {
                refused("NO_ORGANIZATION", "This account belongs to no organization.")
            }
            StandingError::Forbidden => Problem::new(
                StatusCode::FORBIDDEN,
                "INSUFFICIENT_PERMISSIONS",
                "Insufficient permissions: this takes the role BILLING or a higher one.",
            ),
            StandingError::Unavailable(cause) => Problem::unavailable(&cause),
        }
    }
}

impl From<SubscribeError> for Problem<FamilyA> {
    fn from(error: SubscribeError) -> Problem<FamilyA> {
        match error {
            SubscribeError::UnknownPeriod => Problem::new(
                StatusCode::NOT_FOUND,
                "SUBSCRIPTION_PERIOD_NOT_FOUND",
                "There is no such period: /subscriptions lists them.",
            ),
            SubscribeError::PaymentNeeded => {
                refused("PAYMENT_NOT_CONFIGURED", "This plan has a price, and no payment provider is set up.")
            }
            SubscribeError::TrialNotForSale => {
                refused("TRIAL_NOT_FOR_SALE", "A trial begins with a sign-up and cannot be started again.")
            }
            SubscribeError::AlreadySubscribed => {
                refused("ALREADY_SUBSCRIBED", "The organization has this plan already.")
            }
            SubscribeError::Standing(error) => Problem::from(error),
        }
    }
}

impl From<CancelError> for Problem<FamilyA> {
    fn from(error: CancelError) -> Problem<FamilyA> {
        match error {
            CancelError::NotSubscribed => not_subscribed(),
            CancelError::AlreadyCanceled => {
                refused("ALREADY_CANCELED", "The subscription was canceled already.")
            }
            CancelError::Standing(error) => Problem::from(error),
        }
    }
}

//! `GET` and `PUT /api/v1/users/me`, `DELETE /api/v1/users/me/account`, `GET /api/v1/users/me/subscription`.

mod wire;

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::OpenApi;

use super::failure::Enveloped;
use super::wire::Envelope;
use super::{Area, Known};
use crate::api::body::Body;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_TOKEN, outcomes};
use crate::api::shapes::OrNull;
use crate::service::Service;
use crate::service::privacy::EraseError;
use wire::{ErasedBody, HeldBody, MeBody, OwnSubscriptionBody, UpdateRequest};

outcomes!(ReadReply = ReadOutcomes: Enveloped, 200 "The caller." => Envelope<MeBody>, [ALWAYS, WITH_TOKEN]);
outcomes!(UpdateReply = UpdateOutcomes: Enveloped, 200 "The caller, as changed." => Envelope<MeBody>,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (422, "`VALIDATION_ERROR`; `details` names every failing field. Nothing has changed."),
]]);
outcomes!(EraseReply = EraseOutcomes: Enveloped, 200 "The account is gone." => ErasedBody,
[ALWAYS, WITH_TOKEN, &[
    (409, "`LAST_OWNER`: of an organization with other members. Nothing has changed."),
]]);
outcomes!(SubscriptionReply = SubscriptionOutcomes: Enveloped, 200 "The subscription." => Envelope<HeldBody>,
    [ALWAYS, WITH_TOKEN]);

#[derive(Clone)]
pub struct User;

#[OpenApi]
impl User {
    /// Read oneself
    ///
    /// Account, profile and subscription.
    #[oai(path = "/api/v1/users/me", method = "get", tag = "Area::User", operation_id = "orbaiMe")]
    async fn read(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ReadReply {
        let portrait = service.portrait(caller.member).await;
        let body = |portrait| Envelope(MeBody::new(portrait, service.clock.now()));
        portrait.map(body).map_err(Problem::from).into()
    }

    /// Change one's profile
    ///
    /// What is absent or null stays; an empty text takes a field back. A `language` in which there are letters is the one
    /// of letters from then on.
    #[oai(path = "/api/v1/users/me", method = "put", tag = "Area::User", operation_id = "orbaiUpdateMe")]
    async fn update(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        body: Body<UpdateRequest>,
    ) -> UpdateReply {
        match service.describe(&caller, body.0.change()).await {
            Ok(Some(portrait)) => UpdateReply::Done(Envelope(MeBody::new(portrait, service.clock.now()))),
            Ok(None) => UpdateReply::Failed(Problem::unauthorized()),
            Err(cause) => UpdateReply::Failed(cause.into()),
        }
    }

    /// Delete one's account
    ///
    /// Erases all that is kept of the caller at once: sessions, devices and API keys are dead from the next request on. The
    /// ledger's entries stay and name nobody.
    #[oai(
        path = "/api/v1/users/me/account",
        method = "delete",
        tag = "Area::User",
        operation_id = "orbaiDeleteAccount"
    )]
    async fn erase(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> EraseReply {
        match service.erase_own(&caller).await {
            Ok(()) => EraseReply::Done(ErasedBody::done()),
            Err(error) => EraseReply::Failed(error.into()),
        }
    }

    /// Read one's subscription
    ///
    /// The latest one of the caller's organization, in force or not.
    #[oai(
        path = "/api/v1/users/me/subscription",
        method = "get",
        tag = "Area::User",
        operation_id = "orbaiMySubscription"
    )]
    async fn subscription(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> SubscriptionReply {
        let card = service.card(&caller.member).await;
        let now = service.clock.now();
        card.map(|card| {
            Envelope(HeldBody {
                has_subscription: card
                    .held
                    .as_ref()
                    .is_some_and(|held| held.subscription.state(now).is_in_force()),
                subscription: OrNull(card.held.map(|held| OwnSubscriptionBody::new(&held, now))),
            })
        })
        .map_err(Problem::from)
        .into()
    }
}

impl From<EraseError> for Problem<Enveloped> {
    fn from(error: EraseError) -> Problem<Enveloped> {
        match error {
            // An account in use is no obstacle to who uses it.
            EraseError::Unknown | EraseError::Active => Problem::unauthorized(),
            EraseError::LastOwner => Problem::new(
                StatusCode::CONFLICT,
                "LAST_OWNER",
                "You are the last owner of an organization with other members: make one of them an owner first.",
            ),
            EraseError::Unavailable(cause) => cause.into(),
        }
    }
}

//! `POST /api/v1/auth/magic-link/request`, `/auth/magic-link/verify`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::values::Address;
use super::wire::{DeviceFields, EnteredBody, Envelope};
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::proof::MAGIC_LINK_LIFE;
use crate::model::two_factor::Answer;
use crate::service::Service;
use crate::service::login::LoginError;
use crate::service::magic_link::LinkOrder;

/// Who wants a link.
#[derive(Object)]
#[oai(rename = "OrbAiMagicLinkRequest")]
pub struct LinkRequest {
    email: Text<Address>,
}

/// Said of every address.
#[derive(Object)]
#[oai(rename = "OrbAiMagicLink")]
pub struct LinkBody {
    /// The address as it was read.
    email: String,
    /// Until when a link mailed now is good.
    expires_at: String,
    /// Always false: no account is made.
    is_new_user: bool,
    /// Always 15.
    expires_in_minutes: u64,
}

/// A mailed link followed.
#[derive(Object)]
#[oai(rename = "OrbAiMagicLinkVerifyRequest", example, skip_serializing_if_is_none)]
pub struct VerifyRequest {
    /// What follows `?token=` in the mailed link.
    token: String,
    /// Where the account has a second factor: six digits of the app, eight of a mailed code, or a recovery code.
    #[oai(validator(max_length = 100))]
    totp_code: Option<String>,
    #[oai(flatten)]
    device: DeviceFields,
}

impl Example for VerifyRequest {
    fn example() -> VerifyRequest {
        let device = DeviceFields {
            device_id: None,
            platform: None,
            device_name: None,
            app_version: None,
            fcm_token: None,
        };
        VerifyRequest { token: "hEc0vIb6zS3lJf0n3KQyqX1o8uYw2tR5".to_owned(), totp_code: None, device }
    }
}

const INVALID: Status = (422, "`VALIDATION_ERROR`; `details` names every failing field.");

outcomes!(RequestReply = RequestOutcomes: Enveloped, 200 "Said of every address." => Envelope<LinkBody>,
    [ALWAYS, WITH_BODY, &[INVALID]]);
outcomes!(VerifyReply = VerifyOutcomes: Enveloped,
    200 "Logged in; or the link is good, and `requires_2fa` asks for the same call with `totp_code`." => Envelope<EnteredBody>,
    [ALWAYS, WITH_BODY, &[INVALID, (401, "`INVALID_TOKEN`: unknown, used or expired. `INVALID_TOTP_CODE`: the link stays \
        good.")]]);

#[derive(Clone)]
pub struct MagicLinks;

#[OpenApi]
impl MagicLinks {
    /// Ask for a link that logs in
    ///
    /// Mails it to the account of the address, if there is one, and answers alike for known and unknown addresses. The
    /// link's page uses nothing up. An address may cause 3 letters at once and 6 an hour, all routes together.
    #[oai(
        path = "/api/v1/auth/magic-link/request",
        method = "post",
        tag = "Area::Entry",
        operation_id = "orbaiRequestMagicLink"
    )]
    async fn request(&self, service: Data<&Arc<Service>>, body: Body<LinkRequest>) -> RequestReply {
        let email = body.0.email.0.0;
        let asked = service.request_magic_link(&POLICY, &email).await;
        let told = asked.map(|ends| LinkBody {
            email: email.as_str().to_owned(),
            expires_at: ends.rfc3339(),
            is_new_user: false,
            expires_in_minutes: MAGIC_LINK_LIFE.as_secs() / 60,
        });
        told.map(Envelope).map_err(Problem::from).into()
    }

    /// Log in with a mailed link
    ///
    /// Uses the link up and opens a session, as a login does. Where the account has a second factor, the link stays good
    /// until the code is right. An address that was not proved before counts as proved from then on, and what was set up
    /// before the proof ends: the password, sessions, API keys.
    #[oai(
        path = "/api/v1/auth/magic-link/verify",
        method = "post",
        tag = "Area::Entry",
        operation_id = "orbaiVerifyMagicLink"
    )]
    async fn verify(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<VerifyRequest>,
        client: Client,
    ) -> VerifyReply {
        let VerifyRequest { token, totp_code, device } = body.0;
        let order = LinkOrder {
            secret: token,
            origin: device.origin(&client),
            second_factor: totp_code.as_deref().map(Answer::of),
        };
        let (member, tokens) = match service.enter_by_link(&POLICY, order).await {
            Ok(entered) => (entered.member, Some(entered.tokens)),
            Err(LoginError::SecondFactorNeeded(challenge)) => (challenge.member, None),
            Err(LoginError::TicketEnded) => {
                let code = "INVALID_TOKEN";
                return VerifyReply::Failed(Problem::new(
                    StatusCode::UNAUTHORIZED,
                    code,
                    "Invalid or expired token.",
                ));
            }
            Err(error) => return VerifyReply::Failed(error.into()),
        };
        EnteredBody::of(&service, &member, tokens).await.map(Envelope).map_err(Problem::from).into()
    }
}

//! Lost passwords, and leaving.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyA;
use super::register::choose_password;
use super::verification::invalid_token;
use super::wire::{DoneBody, MessageBody, done, message};
use super::{Area, POLICY, Proven};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::email::EmailAddress;
use crate::model::fault::{Fault, Rule};
use crate::service::Service;
use crate::service::proving::Evidence;
use crate::service::reset::ResetError;

/// Whose password is lost.
#[derive(Object)]
#[oai(rename = "FlashbackResetLetterRequest")]
pub struct ResetLetterRequest {
    email: Text<EmailAddress>,
}

/// A mailed secret and the new password: the link's token, or the address together with the code.
#[derive(Object)]
#[oai(rename = "FlashbackResetRequest", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ResetRequest {
    /// What follows `?token=` in the mailed link.
    token: Option<String>,
    /// The address that the code was mailed to.
    email: Option<Text<EmailAddress>>,
    /// The 8 digits in the mail.
    code: Option<String>,
    /// At least 8 characters, with an upper-case letter, a lower-case letter and a digit.
    new_password: String,
}

outcomes!(RequestReply = RequestOutcomes: FamilyA,
    200 "If the address belongs to an account, a letter goes out." => MessageBody,
    [ALWAYS, WITH_BODY, &[(400, "`INVALID_INPUT`; `message` names every faulty field.")]]);
outcomes!(ResetReply = ResetOutcomes: FamilyA, 200 "The password is changed." => MessageBody,
    [ALWAYS, WITH_BODY, &[(400, "`INVALID_TOKEN`: unknown, used, expired, or too many codes were tried; \
        `WEAK_PASSWORD`; `INVALID_INPUT`.")]]);
outcomes!(DeactivateReply = DeactivateOutcomes: FamilyA, 200 "The account is inactive." => DoneBody,
    [ALWAYS, WITH_TOKEN, &[(403, "`EMAIL_NOT_VERIFIED`: writes wait for the address to be proved.")]]);

#[derive(Clone)]
pub struct Recovery;

#[OpenApi]
impl Recovery {
    /// Ask for a reset letter
    ///
    /// Answers alike for known and unknown addresses. An address may cause 3 letters at once and 6 an hour, all routes
    /// together.
    #[oai(
        path = "/user/request-reset-password",
        method = "post",
        tag = "Area::Proof",
        operation_id = "flashbackRequestReset"
    )]
    async fn request(&self, service: Data<&Arc<Service>>, body: Body<ResetLetterRequest>) -> RequestReply {
        let sent = service.request_reset(&POLICY, &body.0.email.0).await;
        let text = "If the address belongs to an account, a letter with a link is on its way.";
        sent.map(|()| message(text)).map_err(Problem::from).into()
    }

    /// Choose a new password
    ///
    /// With the token of the mailed link, or with the address and the mailed code (5 tries in 24 hours). Ends every
    /// session, refresh token and pending link of the account, proves the address, and mails a notice.
    #[oai(
        path = "/user/reset-password",
        method = "post",
        tag = "Area::Proof",
        operation_id = "flashbackReset"
    )]
    async fn reset(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<ResetRequest>,
        client: Client,
    ) -> ResetReply {
        let (evidence, password) = match split(body.0) {
            Ok(parts) => parts,
            Err(problem) => return ResetReply::Failed(problem),
        };
        let changed = service.reset_password(evidence, password, client.address).await;
        let text = "The password is changed and all sessions have ended. Log in with the new one.";
        changed.map(|_| message(text)).map_err(Problem::from).into()
    }

    /// Deactivate the account
    ///
    /// The caller's own, at once: every session ends, and no new one can be opened.
    #[oai(
        path = "/user/deactivate",
        method = "post",
        tag = "Area::Entry",
        operation_id = "flashbackDeactivate"
    )]
    async fn deactivate(&self, service: Data<&Arc<Service>>, Proven(caller): Proven) -> DeactivateReply {
        match service.deactivate(&caller).await {
            Ok(true) => DeactivateReply::Done(done()),
            Ok(false) => DeactivateReply::Failed(Problem::unauthorized()),
            Err(cause) => DeactivateReply::Failed(cause.into()),
        }
    }
}

fn split(request: ResetRequest) -> Result<(Evidence, crate::model::password::Password), Problem<FamilyA>> {
    let evidence = match (request.token, request.email, request.code) {
        (Some(token), _, _) => Evidence::Link(token),
        (None, Some(email), Some(code)) => Evidence::CodeOfAddress { email_key: email.0.key(), code },
        (None, Some(_), None) => return Err(Problem::invalid_input(&[Fault::new("code", Rule::Required)])),
        (None, None, Some(_)) => return Err(Problem::invalid_input(&[Fault::new("email", Rule::Required)])),
        (None, None, None) => return Err(Problem::invalid_input(&[Fault::new("token", Rule::Required)])),
    };
    Ok((evidence, choose_password("newPassword", &request.new_password)?))
}

impl From<ResetError> for Problem<FamilyA> {
    fn from(error: ResetError) -> Problem<FamilyA> {
        match error {
            ResetError::InvalidEvidence => invalid_token(),
            ResetError::Locked(wait) => Problem::locked(wait),
            ResetError::Setback(setback) => Problem::from(setback),
        }
    }
}

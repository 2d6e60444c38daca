//! `POST /api/v1/auth/forgot-password`, `/auth/reset-password`, `/auth/change-password`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::register::choose_password;
use super::values::Address;
use super::wire::{Envelope, MessageBody, message};
use super::{Area, Known, POLICY};
use crate::api::body::{Body, Text};
use crate::api::contracts::policy_of;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::password::{Password, PasswordRule};
use crate::model::proof::Purpose;
use crate::service::password::PasswordError;
use crate::service::proving::Evidence;
use crate::service::reset::ResetError;
use crate::service::verify::MailingError;
use crate::service::{Service, Unavailable};

/// Whose password is lost.
#[derive(Object)]
#[oai(rename = "OrbAiForgotRequest")]
pub struct ForgotRequest {
    email: Text<Address>,
}

/// A mailed secret and the new password.
#[derive(Object)]
#[oai(rename = "OrbAiResetRequest")]
pub struct ResetRequest {
    /// What follows `?token=` in the mailed link.
    token: String,
    /// 8 to 100 characters, and by the rule of the contract that the account was made through.
    #[oai(validator(min_length = 8, max_length = 100))]
    password: String,
}

/// The present password and the new one.
#[derive(Object)]
#[oai(rename = "OrbAiChangePasswordRequest")]
pub struct ChangeRequest {
    current_password: String,
    /// 8 to 100 characters, and by the rule of the contract that the account was made through.
    #[oai(validator(min_length = 8, max_length = 100))]
    new_password: String,
}

const INVALID: Status = (422, "`VALIDATION_ERROR`; `details` names every failing field.");

outcomes!(ForgotReply = ForgotOutcomes: Enveloped, 200 "Said of every address." => Envelope<MessageBody>,
    [ALWAYS, WITH_BODY, &[INVALID]]);
outcomes!(ResetReply = ResetOutcomes: Enveloped, 200 "The password is changed." => Envelope<MessageBody>,
    [ALWAYS, WITH_BODY, &[INVALID, (400, "`INVALID_TOKEN`: unknown, used or expired.")]]);
outcomes!(ChangeReply = ChangeOutcomes: Enveloped, 200 "The password is changed." => Envelope<MessageBody>,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[INVALID, (401, "`UNAUTHORIZED`: no good access token. `INVALID_CREDENTIALS`: the \
        present password is wrong."), (403, "`MFA_REQUIRED`: this session has not passed the second factor lately. \
        `MFA_SETUP_REQUIRED`: the organization asks for one.")]]);

#[derive(Clone)]
pub struct Passwords;

#[OpenApi]
impl Passwords {
    /// Ask for a reset letter
    ///
    /// Answers alike for known and unknown addresses. An address may cause 3 letters at once and 6 an hour, all routes
    /// together.
    #[oai(
        path = "/api/v1/auth/forgot-password",
        method = "post",
        tag = "Area::Entry",
        operation_id = "orbaiForgotPassword"
    )]
    async fn forgot(&self, service: Data<&Arc<Service>>, body: Body<ForgotRequest>) -> ForgotReply {
        let sent = service.request_reset(&POLICY, &body.0.email.0.0).await;
        let text = "If an account with that email exists, a password reset link has been sent.";
        sent.map(|()| message(text)).map_err(Problem::from).into()
    }

    /// Choose a new password
    ///
    /// With the token of the mailed link, which is used up with the change. Ends every session and pending link of the
    /// account, proves the address, and mails a notice.
    #[oai(
        path = "/api/v1/auth/reset-password",
        method = "post",
        tag = "Area::Entry",
        operation_id = "orbaiResetPassword"
    )]
    async fn reset(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<ResetRequest>,
        client: Client,
    ) -> ResetReply {
        let rule = match rule_of(&service, &body.0.token) {
            Ok(rule) => rule,
            Err(cause) => return ResetReply::Failed(Problem::unavailable(&cause)),
        };
        let password = match choose_password("password", &body.0.password, rule) {
            Ok(password) => password,
            Err(problem) => return ResetReply::Failed(problem),
        };
        let changed = service.reset_password(Evidence::Link(body.0.token), password, client.address).await;
        let text = "Your password has been reset. Please log in with the new one.";
        changed.map(|_| message(text)).map_err(Problem::from).into()
    }

    /// Change the password
    ///
    /// Ends all other sessions and pending resets of the account, and mails a notice. Wrong passwords count as failed
    /// logins do.
    #[oai(
        path = "/api/v1/auth/change-password",
        method = "post",
        tag = "Area::Entry",
        operation_id = "orbaiChangePassword"
    )]
    async fn change(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        body: Body<ChangeRequest>,
    ) -> ChangeReply {
        let rule = &policy_of(caller.member.account.contract).password_rule;
        let new = match choose_password("new_password", &body.0.new_password, rule) {
            Ok(password) => password,
            Err(problem) => return ChangeReply::Failed(problem),
        };
        let current = Password::given(&body.0.current_password);
        let changed = service.change_password(&caller, current, new).await;
        changed.map(|()| message("Your password has been changed.")).map_err(Problem::from).into()
    }
}

/// The rule of the contract that the account of a mailed secret was made through, as its page asks for it too: an account
/// is let in by all contracts.
fn rule_of(service: &Service, token: &str) -> Result<&'static PasswordRule, Unavailable> {
    let open = service.inspect_proof(token, Purpose::Reset)?;
    Ok(&open.map_or(&POLICY, |open| policy_of(open.member.account.contract)).password_rule)
}

impl From<MailingError> for Problem<Enveloped> {
    fn from(error: MailingError) -> Problem<Enveloped> {
        match error {
            MailingError::TooManyLetters(wait) => Problem::rate_limited(wait),
            MailingError::Unavailable(cause) => Problem::unavailable(&cause),
        }
    }
}

impl From<ResetError> for Problem<Enveloped> {
    fn from(error: ResetError) -> Problem<Enveloped> {
        match error {
            ResetError::InvalidEvidence => {
                Problem::new(StatusCode::BAD_REQUEST, "INVALID_TOKEN", "Invalid or expired token.")
            }
            ResetError::Locked(wait) => Problem::locked(wait),
            ResetError::Setback(setback) => Problem::from(setback),
        }
    }
}

impl From<PasswordError> for Problem<Enveloped> {
    fn from(error: PasswordError) -> Problem<Enveloped> {
        match error {
            PasswordError::WrongPassword => Problem::new(
                StatusCode::UNAUTHORIZED,
                "INVALID_CREDENTIALS",
                "The current password is wrong.",
            ),
            PasswordError::Locked(wait) => Problem::locked(wait),
            PasswordError::SecondFactorNeeded => Problem::new(
                StatusCode::FORBIDDEN,
                "MFA_REQUIRED",
                "Log in again with your second factor first.",
            ),
            PasswordError::SessionEnded => Problem::unauthorized(),
            PasswordError::Setback(setback) => Problem::from(setback),
        }
    }
}

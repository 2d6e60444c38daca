//! `POST /auth/generate-reset-token` and `/auth/change-password`.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::Sentences;
use super::session::unauthorized;
use super::wire::UserBody;
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::contracts::policy_of;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Nothing, Status, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::fault::Fault;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::service::Service;
use crate::service::proving::Evidence;
use crate::service::reset::ResetError;
use crate::service::verify::MailingError;

/// Whose password is lost.
#[derive(Object)]
#[oai(rename = "AppMakerResetTokenRequest")]
pub struct ResetTokenRequest {
    /// The user's email address.
    username: Text<EmailAddress>,
}

/// A mailed secret and the new password.
#[derive(Object)]
#[oai(rename = "AppMakerChangePasswordRequest")]
pub struct ChangePasswordRequest {
    /// At least 8 characters, and what else the contract asks for that the account was made through.
    password: String,
    /// The reset token: what follows `?token=` in the mailed link.
    token: String,
}

const FAULTY: Status = (400, "Which fields are wrong.");

outcomes!(empty ForgetReply = ForgetOutcomes: Sentences, 201 "Said of every address.", [ALWAYS, WITH_BODY, &[FAULTY]]);
outcomes!(ResetReply = ResetOutcomes: Sentences, 200 "The password is changed." => UserBody,
    [ALWAYS, WITH_BODY, &[FAULTY, (401, "The token is unknown, used or expired.")]]);

#[derive(Clone)]
pub struct Passwords;

#[OpenApi]
impl Passwords {
    /// Ask for a reset token
    ///
    /// It is mailed. Answers alike for known and unknown addresses. An address may cause 3 letters at once and 6 an
    /// hour, all routes together.
    #[oai(
        path = "/auth/generate-reset-token",
        method = "post",
        tag = "Area::Entry",
        operation_id = "appmakerGenerateResetToken"
    )]
    async fn forget(&self, service: Data<&Arc<Service>>, body: Body<ResetTokenRequest>) -> ForgetReply {
        let sent = service.request_reset(&POLICY, &body.0.username.0).await;
        sent.map(|()| Nothing).map_err(Problem::from).into()
    }

    /// Choose a new password
    ///
    /// With the mailed reset token, which is used up with the change. Ends every session and pending link of the account,
    /// proves the address, and mails a notice.
    #[oai(
        path = "/auth/change-password",
        method = "post",
        tag = "Area::Entry",
        operation_id = "appmakerChangePassword"
    )]
    async fn reset(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<ChangePasswordRequest>,
        client: Client,
    ) -> ResetReply {
        let ChangePasswordRequest { password, token } = body.0;
        let open = match service.inspect_proof(&token, Purpose::Reset) {
            Ok(open) => open,
            Err(cause) => return ResetReply::Failed(cause.into()),
        };
        let contract = open.map_or(POLICY.contract, |open| open.member.account.contract);
        let password = match chosen(contract, "password", &password) {
            Ok(password) => password,
            Err(problem) => return ResetReply::Failed(problem),
        };
        let changed = service.reset_password(Evidence::Link(token), password, client.address).await;
        changed.map(|member| UserBody::from(&member)).map_err(Problem::from).into()
    }
}

/// A new password by the rule of the contract that the account was made through, as its page asks for it too: an account
/// is let in by all of them.
pub fn chosen(contract: Contract, field: &'static str, text: &str) -> Result<Password, Problem<Sentences>> {
    Password::chosen(text, &policy_of(contract).password_rule).map_err(|broken| {
        let faults: Vec<Fault> = broken.into_iter().map(|rule| Fault::new(field, rule)).collect();
        Problem::invalid_input(&faults)
    })
}

impl From<MailingError> for Problem<Sentences> {
    fn from(error: MailingError) -> Problem<Sentences> {
        match error {
            MailingError::TooManyLetters(wait) => Problem::rate_limited(wait),
            MailingError::Unavailable(cause) => Problem::unavailable(&cause),
        }
    }
}

impl From<ResetError> for Problem<Sentences> {
    fn from(error: ResetError) -> Problem<Sentences> {
        match error {
            ResetError::InvalidEvidence => unauthorized("Invalid or expired token"),
            ResetError::Locked(wait) => Problem::locked(wait),
            ResetError::Setback(setback) => Problem::from(setback),
        }
    }
}

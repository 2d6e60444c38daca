//! Lost letters and lost passwords.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyMessage;
use super::wire::{MessageBody, message};
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::contracts::policy_of;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::email::EmailAddress;
use crate::model::fault::Fault;
use crate::model::password::Password;
use crate::model::proof::Purpose;
use crate::service::Service;
use crate::service::proving::Evidence;
use crate::service::reset::ResetError;
use crate::service::verify::MailingError;

/// Whose letter is asked for.
#[derive(Object)]
#[oai(rename = "FinRadarLetterRequest")]
pub struct LetterRequest {
    email: Text<EmailAddress>,
}

/// A mailed secret and the new password.
#[derive(Object)]
#[oai(rename = "FinRadarNewPasswordRequest")]
pub struct NewPasswordRequest {
    /// What follows `?token=` in the mailed link.
    token: String,
    /// At least 8 characters, and what else the contract asks for that the account was made through.
    newpassword: String,
}

/// Told for known and unknown addresses alike (H3).
const VERIFICATION_SENT: &str =
    "If this address waits to be verified, a new verification link is on its way.";
/// Told for known and unknown addresses alike (H3).
const RESET_SENT: &str =
    "If this address belongs to an account, a link to choose a new password is on its way.";

const MALFORMED: Status = (400, "The address is missing or malformed.");

outcomes!(ResendReply = ResendOutcomes: FamilyMessage, 200 "Said of every address." => MessageBody,
    [ALWAYS, WITH_BODY, &[MALFORMED]]);
outcomes!(ForgetReply = ForgetOutcomes: FamilyMessage, 200 "Said of every address." => MessageBody,
    [ALWAYS, WITH_BODY, &[MALFORMED]]);
outcomes!(NewPasswordReply = NewPasswordOutcomes: FamilyMessage, 200 "The password is changed." => MessageBody,
    [ALWAYS, WITH_BODY, &[(400, "The token is unknown, used or expired, or the password breaks the rule of the account's contract.")]]);

#[derive(Clone)]
pub struct Recovery;

#[OpenApi]
impl Recovery {
    /// Mail the verification link again
    ///
    /// Answers alike for known and unknown addresses. Links mailed before stay good. An address may cause 3 letters at
    /// once and 6 an hour, all routes together.
    #[oai(
        path = "/api/v1/auth/resend-verification",
        method = "post",
        tag = "Area::Authentication",
        operation_id = "finradarResendVerification"
    )]
    async fn resend(&self, service: Data<&Arc<Service>>, body: Body<LetterRequest>) -> ResendReply {
        let sent = service.resend_verification_to(&body.0.email.0).await;
        sent.map(|()| message(VERIFICATION_SENT)).map_err(Problem::from).into()
    }

    /// Ask for a reset link
    ///
    /// Answers alike for known and unknown addresses. Within 60 seconds of one letter no other goes out; an address may
    /// cause 3 letters at once and 6 an hour, all routes together.
    #[oai(
        path = "/api/v1/auth/forgetpassword",
        method = "post",
        tag = "Area::Authentication",
        operation_id = "finradarForgetPassword"
    )]
    async fn forget(&self, service: Data<&Arc<Service>>, body: Body<LetterRequest>) -> ForgetReply {
        let sent = service.request_reset(&POLICY, &body.0.email.0).await;
        sent.map(|()| message(RESET_SENT)).map_err(Problem::from).into()
    }

    /// Choose a new password
    ///
    /// With the token of the mailed link, which is used up with the change. Ends every session and pending link of the
    /// account, proves the address, and mails a notice.
    #[oai(
        path = "/api/v1/auth/newpassword",
        method = "put",
        tag = "Area::Authentication",
        operation_id = "finradarNewPassword"
    )]
    async fn new_password(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<NewPasswordRequest>,
        client: Client,
    ) -> NewPasswordReply {
        let NewPasswordRequest { token, newpassword } = body.0;
        let password = match chosen(&service, &token, &newpassword) {
            Ok(password) => password,
            Err(problem) => return NewPasswordReply::Failed(problem),
        };
        let changed = service.reset_password(Evidence::Link(token), password, client.address).await;
        let text = "Password changed. Log in with the new one.";
        changed.map(|_| message(text)).map_err(Problem::from).into()
    }
}

/// A new password by the rule of the contract that the account was made through, as its page asks for it too: an account
/// is let in by all of them.
fn chosen(service: &Service, token: &str, password: &str) -> Result<Password, Problem<FamilyMessage>> {
    let open = service.inspect_proof(token, Purpose::Reset)?;
    let policy = open.map_or(&POLICY, |open| policy_of(open.member.account.contract));
    Password::chosen(password, &policy.password_rule).map_err(|broken| {
        let faults: Vec<Fault> = broken.into_iter().map(|rule| Fault::new("newpassword", rule)).collect();
        Problem::invalid_input(&faults)
    })
}

impl From<MailingError> for Problem<FamilyMessage> {
    fn from(error: MailingError) -> Problem<FamilyMessage> {
        match error {
            MailingError::TooManyLetters(wait) => Problem::rate_limited(wait),
            MailingError::Unavailable(cause) => Problem::unavailable(&cause),
        }
    }
}

impl From<ResetError> for Problem<FamilyMessage> {
    fn from(error: ResetError) -> Problem<FamilyMessage> {
        match error {
            ResetError::InvalidEvidence => {
                Problem::new(StatusCode::BAD_REQUEST, "INVALID_TOKEN", "Invalid or expired token")
            }
            ResetError::Locked(wait) => Problem::locked(wait),
            ResetError::Setback(setback) => Problem::from(setback),
        }
    }
}

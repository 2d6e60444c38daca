//! `POST /api/v1/auth/login`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyMessage;
use super::user::UserBody;
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::email::EmailAddress;
use crate::model::password::Password;
use crate::model::two_factor::Answer;
use crate::service::login::{LoginError, LoginOrder};
use crate::service::{Entered, Service, Unavailable};

/// A login.
#[derive(Object)]
#[oai(rename = "FinRadarLoginRequest", example, skip_serializing_if_is_none)]
pub struct LoginRequest {
    email: Text<EmailAddress>,
    password: String,
    /// The code of an authenticator app, a mailed one, or a recovery code, where the account has a second factor.
    #[oai(validator(max_length = 100))]
    totp_code: Option<String>,
}

impl Example for LoginRequest {
    fn example() -> LoginRequest {
        LoginRequest {
            email: Text(EmailAddress::parse("user@example.com").expect("the example obeys its own rules")),
            password: "a long password".to_owned(),
            totp_code: None,
        }
    }
}

/// Somebody who has just come in.
#[derive(Object)]
#[oai(rename = "FinRadarLogin")]
pub struct LoginBody {
    message: String,
    /// JWT for `Authorization: Bearer`, good for 24 hours.
    token: String,
    user: UserBody,
}

impl LoginBody {
    fn new(service: &Service, Entered { member, tokens, .. }: Entered) -> Result<LoginBody, Unavailable> {
        let user = UserBody::of(service, &member)?;
        Ok(LoginBody { message: "Login successful".to_owned(), token: tokens.access, user })
    }
}

outcomes!(LoginReply = LoginOutcomes: FamilyMessage, 200 "Logged in." => LoginBody, [ALWAYS, WITH_BODY, &[
    (400, "The address is not proved yet, told to who knows the password alone; or which fields are wrong."),
    (401, "`Invalid email or password`: for an unknown address, a wrong password, and an account that may not enter. \
        After the right password, where the account has a second factor: `Two-factor code required`, or \
        `Invalid two-factor code`."),
]]);

#[derive(Clone)]
pub struct Session;

#[OpenApi]
impl Session {
    /// Log in
    ///
    /// Two sessions may be open at a time: a third login ends the oldest. After 5 failures in a row the address is
    /// locked for the caller's network for a minute, after 10 for five minutes, after 20 for an hour (429).
    #[oai(
        path = "/api/v1/auth/login",
        method = "post",
        tag = "Area::Authentication",
        operation_id = "finradarLogin"
    )]
    async fn login(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<LoginRequest>,
        client: Client,
    ) -> LoginReply {
        let LoginRequest { email, password, totp_code } = body.0;
        let order = LoginOrder {
            email: email.0,
            password: Password::given(&password),
            origin: client.origin(None),
            second_factor: totp_code.as_deref().map(Answer::of),
        };
        let entered = service.log_in(&POLICY, order).await.map_err(Problem::from);
        entered.and_then(|entered| Ok(LoginBody::new(&service, entered)?)).into()
    }
}

impl From<LoginError> for Problem<FamilyMessage> {
    fn from(error: LoginError) -> Problem<FamilyMessage> {
        match error {
            // One sentence for all that a stranger may not tell apart; that an account was shut is its owner's affair.
            LoginError::UnknownAddress
            | LoginError::NoPassword
            | LoginError::WrongPassword
            | LoginError::Inactive => {
                Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Invalid email or password")
            }
            LoginError::Unverified => Problem::new(
                StatusCode::BAD_REQUEST,
                "EMAIL_NOT_VERIFIED",
                "Please verify your email first: follow the link in the letter.",
            ),
            LoginError::SecondFactorNeeded(_) => {
                Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Two-factor code required")
            }
            LoginError::SecondFactorWrong | LoginError::TicketEnded => {
                Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Invalid two-factor code")
            }
            LoginError::SecondFactorLocked(wait) => Problem::rate_limited(wait),
            LoginError::Locked(wait) => Problem::locked(wait),
            LoginError::Setback(setback) => Problem::from(setback),
        }
    }
}

//! `POST /auth/login`, `/auth/refresh-token`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::Sentences;
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::password::Password;
use crate::model::two_factor::Answer;
use crate::service::Service;
use crate::service::login::{LoginError, LoginOrder};
use crate::service::sessions::Tokens;

/// A login.
#[derive(Object)]
#[oai(rename = "AppMakerLoginRequest", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct LoginRequest {
    /// The user's email address.
    username: Text<EmailAddress>,
    password: String,
    /// Where the account has a second factor: six digits of the app, eight of a mailed code, or a recovery code.
    #[oai(validator(max_length = 100))]
    totp_code: Option<String>,
}

impl Example for LoginRequest {
    fn example() -> LoginRequest {
        LoginRequest {
            username: Text(EmailAddress::parse("john@example.com").expect("the example obeys its own rules")),
            password: "a long password".to_owned(),
            totp_code: None,
        }
    }
}

/// A refresh token.
#[derive(Object)]
#[oai(rename = "AppMakerRefreshRequest", rename_all = "camelCase")]
pub struct RefreshRequest {
    refresh_token: String,
}

/// The tokens of a session.
#[derive(Object)]
#[oai(rename = "AppMakerTokens", rename_all = "camelCase")]
pub struct TokensBody {
    /// JWT for `Authorization: Bearer`, good for an hour.
    access_token: String,
    /// JWT for `/auth/refresh-token`, good for 30 days and for one use.
    refresh_token: String,
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> TokensBody {
        TokensBody { access_token: tokens.access, refresh_token: tokens.refresh }
    }
}

const FAULTY: Status = (400, "Which fields are wrong.");

outcomes!(LoginReply = LoginOutcomes: Sentences, 200 "Logged in." => TokensBody, [ALWAYS, WITH_BODY, &[FAULTY,
    (401, "`Invalid username or password`: for an unknown address, a wrong password, and an account that may not enter. \
        After the right password, where the account has a second factor: `Two-factor code required`, or \
        `Invalid two-factor code`."),
]]);
outcomes!(RefreshReply = RefreshOutcomes: Sentences, 201 "New tokens; the old refresh token is used up." => TokensBody,
    [ALWAYS, WITH_BODY, &[FAULTY, (401, "Expired, revoked or used before. Using an old one more than 10 seconds after \
        its successor was made ends the session.")]]);

#[derive(Clone)]
pub struct Session;

#[OpenApi]
impl Session {
    /// Log in
    ///
    /// After 5 failures in a row the address is locked for the caller's network for a minute, after 10 for five minutes,
    /// after 20 for an hour (429).
    #[oai(path = "/auth/login", method = "post", tag = "Area::Entry", operation_id = "appmakerLogin")]
    async fn login(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<LoginRequest>,
        client: Client,
    ) -> LoginReply {
        let LoginRequest { username, password, totp_code } = body.0;
        let order = LoginOrder {
            email: username.0,
            password: Password::given(&password),
            origin: client.origin(None),
            second_factor: totp_code.as_deref().map(Answer::of),
        };
        let entered = service.log_in(&POLICY, order).await;
        entered.map(|entered| TokensBody::from(entered.tokens)).map_err(Problem::from).into()
    }

    /// Refresh
    ///
    /// Exchanges a refresh token for new tokens.
    #[oai(
        path = "/auth/refresh-token",
        method = "post",
        tag = "Area::Entry",
        operation_id = "appmakerRefresh"
    )]
    async fn refresh(&self, service: Data<&Arc<Service>>, body: Body<RefreshRequest>) -> RefreshReply {
        match service.refresh(&body.0.refresh_token, Contract::AppMaker).await {
            Ok(Some(entered)) => RefreshReply::Done(entered.tokens.into()),
            Ok(None) => RefreshReply::Failed(unauthorized("Invalid or expired refresh token")),
            Err(cause) => RefreshReply::Failed(cause.into()),
        }
    }
}

/// 401 with a sentence of its own.
pub fn unauthorized(sentence: &str) -> Problem<Sentences> {
    Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", sentence)
}

impl From<LoginError> for Problem<Sentences> {
    fn from(error: LoginError) -> Problem<Sentences> {
        match error {
            // One sentence for all that a stranger may not tell apart (H3); that an account was shut is its owner's affair.
            LoginError::UnknownAddress
            | LoginError::NoPassword
            | LoginError::WrongPassword
            | LoginError::Inactive
            | LoginError::Unverified => unauthorized("Invalid username or password"),
            LoginError::SecondFactorNeeded(_) => unauthorized("Two-factor code required"),
            LoginError::SecondFactorWrong | LoginError::TicketEnded => {
                unauthorized("Invalid two-factor code")
            }
            LoginError::SecondFactorLocked(wait) => Problem::rate_limited(wait),
            LoginError::Locked(wait) => Problem::locked(wait),
            LoginError::Setback(setback) => Problem::from(setback),
        }
    }
}

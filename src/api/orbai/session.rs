//! `POST /api/v1/auth/login`, `/auth/refresh`, `/auth/logout`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::register::line;
use super::values::Address;
use super::wire::{DeviceFields, EnteredBody, Envelope, TokensBody};
use super::{Area, Known, POLICY};
use crate::api::body::{Body, OptionalBody, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::password::Password;
use crate::model::two_factor::Answer;
use crate::service::Service;
use crate::service::leaving::Leaving;
use crate::service::login::{LoginError, LoginOrder};

/// A login.
#[derive(Object)]
#[oai(rename = "OrbAiLoginRequest", example, skip_serializing_if_is_none)]
pub struct LoginRequest {
    email: Text<Address>,
    password: String,
    /// Where the account has a second factor: six digits of the app, eight of a mailed code, or a recovery code.
    #[oai(validator(max_length = 100))]
    totp_code: Option<String>,
    #[oai(flatten)]
    device: DeviceFields,
}

impl Example for LoginRequest {
    fn example() -> LoginRequest {
        LoginRequest {
            email: line("newuser@example.com"),
            password: "secureP@ssw0rd".to_owned(),
            totp_code: None,
            device: DeviceFields {
                device_id: Some(line("550e8400-e29b-41d4-a716-446655440000")),
                platform: None,
                device_name: None,
                app_version: None,
                fcm_token: None,
            },
        }
    }
}

/// A refresh token.
#[derive(Object)]
#[oai(rename = "OrbAiRefreshRequest")]
pub struct RefreshRequest {
    refresh_token: String,
}

/// New tokens for the old.
#[derive(Object)]
#[oai(rename = "OrbAiRefreshed")]
pub struct RefreshedBody {
    tokens: TokensBody,
}

/// Which sessions to end; without any of these the caller's.
#[derive(Object, Default)]
#[oai(rename = "OrbAiLogoutRequest", skip_serializing_if_is_none)]
pub struct LogoutRequest {
    /// The session of this token of the caller's; one that is not good counts as none.
    refresh_token: Option<String>,
    /// All sessions of the account, through whichever contract.
    all_devices: Option<bool>,
    /// All but the caller's; says so also without `all_devices`.
    except_current: Option<bool>,
}

/// Logged out.
#[derive(Object)]
#[oai(rename = "OrbAiLoggedOut")]
pub struct LoggedOutBody {
    /// Always true.
    success: bool,
    message: String,
    /// How many sessions were live until now.
    revoked_sessions: u64,
}

const INVALID: Status = (422, "`VALIDATION_ERROR`; `details` names every failing field.");

outcomes!(LoginReply = LoginOutcomes: Enveloped, 200 "Logged in; or the password is right, and `requires_2fa` asks for the same call with `totp_code`." => Envelope<EnteredBody>,
    [ALWAYS, WITH_BODY, &[INVALID, (401, "`INVALID_CREDENTIALS`: for an unknown address, a wrong password, and an \
        account that may not enter. `INVALID_TOTP_CODE`.")]]);
outcomes!(RefreshReply = RefreshOutcomes: Enveloped,
    200 "New tokens; the old refresh token is used up." => Envelope<RefreshedBody>,
    [ALWAYS, WITH_BODY, &[INVALID, (401, "`UNAUTHORIZED`: expired, revoked or used before. Using an old one more than \
        10 seconds after its successor was made ends the session.")]]);
outcomes!(LogoutReply = LogoutOutcomes: Enveloped, 200 "Logged out." => Envelope<LoggedOutBody>,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[INVALID]]);

#[derive(Clone)]
pub struct Session;

#[OpenApi]
impl Session {
    /// Log in
    ///
    /// Opens a session on the device; one that was open there ends. Where the plan allows no further device, the one
    /// least recently used is signed out. After 5 failures in a row the address is locked for the caller's network for a
    /// minute, after 10 for five minutes, after 20 for an hour (429).
    #[oai(path = "/api/v1/auth/login", method = "post", tag = "Area::Entry", operation_id = "orbaiLogin")]
    async fn login(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<LoginRequest>,
        client: Client,
    ) -> LoginReply {
        let LoginRequest { email, password, totp_code, device } = body.0;
        let order = LoginOrder {
            email: email.0.0,
            password: Password::given(&password),
            origin: device.origin(&client),
            second_factor: totp_code.as_deref().map(Answer::of),
        };
        let (member, tokens) = match service.log_in(&POLICY, order).await {
            Ok(entered) => (entered.member, Some(entered.tokens)),
            Err(LoginError::SecondFactorNeeded(challenge)) => (challenge.member, None),
            Err(error) => return LoginReply::Failed(error.into()),
        };
        EnteredBody::of(&service, &member, tokens).await.map(Envelope).map_err(Problem::from).into()
    }

    /// Refresh
    ///
    /// Exchanges a refresh token for new tokens.
    #[oai(path = "/api/v1/auth/refresh", method = "post", tag = "Area::Entry", operation_id = "orbaiRefresh")]
    async fn refresh(&self, service: Data<&Arc<Service>>, body: Body<RefreshRequest>) -> RefreshReply {
        match service.refresh(&body.0.refresh_token, Contract::OrbAi).await {
            Ok(Some(entered)) => {
                RefreshReply::Done(Envelope(RefreshedBody { tokens: entered.tokens.into() }))
            }
            Ok(None) => RefreshReply::Failed(Problem::new(
                StatusCode::UNAUTHORIZED,
                "UNAUTHORIZED",
                "Invalid or expired refresh token.",
            )),
            Err(cause) => RefreshReply::Failed(cause.into()),
        }
    }

    /// Log out
    ///
    /// Ends the caller's session, that of a refresh token, or all of the account's. Access tokens are refused from the
    /// next request on, and no push messages go to the devices.
    #[oai(path = "/api/v1/auth/logout", method = "post", tag = "Area::Entry", operation_id = "orbaiLogout")]
    async fn logout(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        body: OptionalBody<LogoutRequest>,
    ) -> LogoutReply {
        let leaving = match body.0.unwrap_or_default() {
            LogoutRequest { except_current: Some(true), .. } => Leaving::Others,
            LogoutRequest { all_devices: Some(true), .. } => Leaving::All,
            LogoutRequest { refresh_token: Some(token), .. } => Leaving::Of(Contract::OrbAi, token),
            LogoutRequest { .. } => Leaving::Caller,
        };
        match service.leave(&caller, leaving).await {
            Ok(Some(revoked_sessions)) => LogoutReply::Done(Envelope(LoggedOutBody {
                success: true,
                message: "Successfully logged out.".to_owned(),
                revoked_sessions,
            })),
            Ok(None) => LogoutReply::Failed(Problem::unauthorized()),
            Err(cause) => LogoutReply::Failed(cause.into()),
        }
    }
}

impl From<LoginError> for Problem<Enveloped> {
    fn from(error: LoginError) -> Problem<Enveloped> {
        let refused = |code, message: &str| Problem::new(StatusCode::UNAUTHORIZED, code, message);
        match error {
            // One sentence for all that a stranger may not tell apart (H3).
            LoginError::UnknownAddress
            | LoginError::NoPassword
            | LoginError::WrongPassword
            | LoginError::Inactive
            | LoginError::Unverified => refused("INVALID_CREDENTIALS", "Invalid email or password."),
            // A login that lacks it is answered with 200, and there are no tickets here.
            LoginError::SecondFactorWrong | LoginError::SecondFactorNeeded(_) | LoginError::TicketEnded => {
                refused("INVALID_TOTP_CODE", "Invalid two-factor code.")
            }
            LoginError::SecondFactorLocked(wait) => Problem::rate_limited(wait),
            LoginError::Locked(wait) => Problem::locked(wait),
            LoginError::Setback(setback) => Problem::from(setback),
        }
    }
}

//! Login, refresh, logout.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyA;
use super::wire::{DoneBody, EnteredBody, done};
use super::{Area, POLICY, Perhaps};
use crate::api::body::{Body, OptionalBody, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::device::Description;
use crate::model::email::EmailAddress;
use crate::model::fault::{Fault, Rule};
use crate::model::password::Password;
use crate::model::session::Origin;
use crate::service::login::{LoginError, LoginOrder};
use crate::service::{Entered, Service};

/// A login.
#[derive(Object)]
#[oai(rename = "FlashbackLoginRequest", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct LoginRequest {
    email: Text<EmailAddress>,
    password: String,
    /// How the session is shown in `GET /token`, the `User-Agent` when absent; becomes a device in `GET /devices`.
    device_info: Option<DeviceInfo>,
}

/// What a client calls its device.
#[derive(Object)]
#[oai(rename = "FlashbackDeviceInfo", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct DeviceInfo {
    /// As in "Pixel 8" or "Firefox on Linux".
    #[oai(validator(max_length = 200))]
    device_name: Option<String>,
    /// As in "mobile" or "desktop".
    #[oai(validator(max_length = 100))]
    device_type: Option<String>,
    #[oai(validator(max_length = 100))]
    os: Option<String>,
    #[oai(validator(max_length = 100))]
    browser: Option<String>,
}

impl DeviceInfo {
    fn name(&self) -> String {
        let parts = [&self.device_name, &self.browser, &self.os, &self.device_type];
        parts.into_iter().flatten().map(String::as_str).collect::<Vec<_>>().join(", ")
    }

    fn told(&self) -> Option<Description> {
        let part = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        Description::told(
            &part(&self.device_name),
            &part(&self.device_type),
            &part(&self.os),
            &part(&self.browser),
        )
    }
}

impl Example for LoginRequest {
    fn example() -> LoginRequest {
        LoginRequest {
            email: Text(
                EmailAddress::parse("john.doe@company.com").expect("the example obeys its own rules"),
            ),
            password: "SecurePass123".to_owned(),
            device_info: None,
        }
    }
}

/// A refresh token, under either of the two names that clients use.
#[derive(Object)]
#[oai(rename = "FlashbackRefreshRequest", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct RefreshRequest {
    /// `refreshToken` of the answer to `/user/login` or `/user/register`.
    refresh_token: Option<String>,
    /// The same under its other name.
    #[oai(rename = "refresh_token")]
    refresh_token_snake: Option<String>,
}

impl RefreshRequest {
    fn token(self) -> Option<String> {
        self.refresh_token.or(self.refresh_token_snake)
    }
}

/// New tokens for the old.
#[derive(Object)]
#[oai(rename = "FlashbackRefreshed", rename_all = "camelCase")]
pub struct RefreshedBody {
    /// Always true.
    success: bool,
    /// The same as `accessToken`.
    token: String,
    /// JWT for `Authorization: Bearer`, good for an hour.
    access_token: String,
    /// JWT for the next refresh.
    refresh_token: String,
    /// When the access token ends, in seconds since the epoch.
    expires_at: i64,
}

impl From<Entered> for RefreshedBody {
    fn from(Entered { tokens, .. }: Entered) -> RefreshedBody {
        RefreshedBody {
            success: true,
            token: tokens.access.clone(),
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            expires_at: tokens.access_expires_at.seconds(),
        }
    }
}

const MALFORMED: (u16, &str) = (400, "`INVALID_INPUT`; `message` names every faulty field.");

outcomes!(LoginReply = LoginOutcomes: FamilyA, 200 "Logged in." => EnteredBody,
    [ALWAYS, WITH_BODY, &[MALFORMED, (401, "`INVALID_PASSWORD` for a wrong password and, unless the operator reveals \
        accounts, an unknown address; `USER_INACTIVE` for who knows the password of an account that may not enter; \
        `USER_NOT_FOUND` and `NO_PASSWORD_SET` only where accounts are revealed.")]]);
outcomes!(RefreshReply = RefreshOutcomes: FamilyA, 200 "New tokens; the old refresh token is used up." => RefreshedBody,
    [ALWAYS, WITH_BODY, &[MALFORMED, (401, "`INVALID_REFRESH_TOKEN`: expired, revoked or used before. Using an old \
        one more than 10 seconds after its successor was made ends the session.")]]);
outcomes!(LogoutReply = LogoutOutcomes: FamilyA, 200 "Logged out; an unknown token is fine too." => DoneBody,
    [ALWAYS, WITH_BODY, &[MALFORMED]]);
#[derive(Clone)]
pub struct Session;

#[OpenApi]
impl Session {
    /// Log in
    ///
    /// Opens a session with an address and a password. After 5 failures in a row the address is locked for the
    /// caller's network for a minute, after 10 for five minutes, after 20 for an hour (429).
    #[oai(path = "/user/login", method = "post", tag = "Area::Entry", operation_id = "flashbackLogin")]
    async fn login(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<LoginRequest>,
        client: Client,
    ) -> LoginReply {
        let LoginRequest { email, password, device_info } = body.0;
        let device = device_info.as_ref().map(DeviceInfo::name);
        let order = LoginOrder {
            email: email.0,
            password: Password::given(&password),
            second_factor: None,
            origin: Origin {
                told: device_info.as_ref().and_then(DeviceInfo::told),
                ..client.origin(device.as_deref())
            },
        };
        let entered = service.log_in(&POLICY, order).await;
        match entered {
            Ok(entered) => LoginReply::Done(entered.into()),
            Err(LoginError::SecondFactorNeeded(challenge)) => LoginReply::Done((*challenge).into()),
            Err(error) => LoginReply::Failed(login_problem(error, service.reveal_accounts)),
        }
    }

    /// Refresh
    ///
    /// Exchanges a refresh token (of `/user/login`, `/user/register` or an earlier refresh) for new tokens.
    #[oai(path = "/user/refresh", method = "post", tag = "Area::Entry", operation_id = "flashbackRefresh")]
    async fn refresh(&self, service: Data<&Arc<Service>>, body: Body<RefreshRequest>) -> RefreshReply {
        let Some(token) = body.0.token() else {
            return RefreshReply::Failed(Problem::invalid_input(&[Fault::new(
                "refreshToken",
                Rule::Required,
            )]));
        };
        match service.refresh(&token, Contract::Flashback).await {
            Ok(Some(entered)) => RefreshReply::Done(entered.into()),
            Ok(None) => RefreshReply::Failed(Problem::new(
                StatusCode::UNAUTHORIZED,
                "INVALID_REFRESH_TOKEN",
                "The refresh token is expired, revoked or was used before. Log in again.",
            )),
            Err(cause) => RefreshReply::Failed(cause.into()),
        }
    }

    /// Log out
    ///
    /// Ends the session of the refresh token in the body or, without one, of the bearer token. Its access token is
    /// refused from the next request on.
    #[oai(path = "/user/logout", method = "post", tag = "Area::Entry", operation_id = "flashbackLogout")]
    async fn logout(
        &self,
        service: Data<&Arc<Service>>,
        caller: Perhaps,
        body: OptionalBody<RefreshRequest>,
    ) -> LogoutReply {
        let ended = match (body.0.and_then(RefreshRequest::token), caller) {
            (Some(token), _) => service.log_out(&token, Contract::Flashback).await,
            (None, Perhaps(Some(caller))) => service.end_session(&caller, caller.session).await.map(drop),
            (None, Perhaps(None)) => Ok(()),
        };
        ended.map(|()| done()).map_err(Problem::from).into()
    }
}

/// Whether an unknown address may be told from a wrong password is the operator's choice (H3).
fn login_problem(error: LoginError, reveal_accounts: bool) -> Problem<FamilyA> {
    let refused = |code, message: &str| Problem::new(StatusCode::UNAUTHORIZED, code, message);
    let concealed = || refused("INVALID_PASSWORD", "Email address or password is wrong.");
    match error {
        LoginError::UnknownAddress if reveal_accounts => {
            refused("USER_NOT_FOUND", "There is no account with this email address.")
        }
        LoginError::NoPassword if reveal_accounts => {
            refused("NO_PASSWORD_SET", "This account has no password yet. Follow the link in the mail.")
        }
        LoginError::UnknownAddress | LoginError::NoPassword | LoginError::WrongPassword => concealed(),
        // Flashback lets the unverified in to read.
        LoginError::Unverified => refused("EMAIL_NOT_VERIFIED", "Verify your email address first."),
        LoginError::Inactive => refused("USER_INACTIVE", "This account is not active."),
        // Here the answer is a call of its own.
        LoginError::SecondFactorNeeded(_) | LoginError::SecondFactorWrong | LoginError::TicketEnded => {
            concealed()
        }
        LoginError::SecondFactorLocked(wait) => Problem::rate_limited(wait),
        LoginError::Locked(wait) => Problem::locked(wait),
        LoginError::Setback(setback) => Problem::from(setback),
    }
}

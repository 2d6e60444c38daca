//! `POST /api/v1/auth/redeem-invite` and `POST /api/v1/auth/register` (seed).

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyMessage;
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::fault::Fault;
use crate::model::invite_code::{InviteCode, InviteState};
use crate::model::organization::Contact;
use crate::model::password::Password;
use crate::model::personal::PersonalDetails;
use crate::service::Service;
use crate::service::invite_codes::RedeemError;
use crate::service::register::{RegisterError, RegisterOrder, Registered};

/// An invite code.
#[derive(Object)]
#[oai(rename = "FinRadarRedeemRequest", example)]
pub struct RedeemRequest {
    /// As the operator gave it; dashes, spaces and case do not count.
    #[oai(validator(max_length = 100))]
    code: String,
}

impl Example for RedeemRequest {
    fn example() -> RedeemRequest {
        RedeemRequest { code: "7K2M-9QWX-4RTD-VC3N".to_owned() }
    }
}

/// What a code was exchanged for.
#[derive(Object)]
#[oai(rename = "FinRadarRedeemed")]
pub struct RedeemedBody {
    /// JWT for `invite_token` of the sign-up.
    invite_token: String,
    /// For how long it is good, in seconds.
    expires_in: u64,
}

/// A sign-up. Keys that are not listed are ignored.
#[derive(Object)]
#[oai(rename = "FinRadarRegisterRequest", example)]
pub struct RegisterRequest {
    /// Unique; where the verification mail goes. Kept in lower case.
    email: Text<EmailAddress>,
    /// At least 8 characters.
    #[oai(validator(min_length = 8, max_length = 256))]
    password: String,
    /// `invite_token` of `redeem-invite`.
    #[oai(validator(max_length = 4096))]
    invite_token: String,
}

impl Example for RegisterRequest {
    fn example() -> RegisterRequest {
        RegisterRequest {
            email: Text(EmailAddress::parse("user@example.com").expect("the example obeys its own rules")),
            password: "a long password".to_owned(),
            invite_token: "eyJhbGciOiJFUzI1NiJ9.…".to_owned(),
        }
    }
}

/// Somebody has signed up.
#[derive(Object)]
#[oai(rename = "FinRadarRegistered", rename_all = "camelCase")]
pub struct RegisteredBody {
    message: String,
    link_msg: String,
}

const OVER: Status =
    (410, "`Invite code is used and cannot be used`; `expired` or `revoked` in place of `used` for those.");

outcomes!(RedeemReply = RedeemOutcomes: FamilyMessage, 200 "The token is good for 15 minutes; the code is not used up." => RedeemedBody,
    [ALWAYS, WITH_BODY, &[(400, "`Invalid invite code`, or which fields are wrong."), OVER]]);
outcomes!(RegisterReply = RegisterOutcomes: FamilyMessage,
200 "Signed up, and the verification mail was handed over. Nobody logs in before it is answered." => RegisteredBody,
[WITH_BODY, &[
    (400, "Which fields are wrong; `Invalid or expired invite token`; `Email already exists`. Checked in this order."),
    OVER,
    (429, "Too many requests: wait as long as `Retry-After` says."),
    (500, "The account was made, but the verification mail could not be handed over within 10 seconds: ask for it \
        again by `resend-verification`. Or a fault of the server; `message` tells which."),
    (503, "The server is busy or cannot reach its database: wait as long as `Retry-After` says."),
]]);

#[derive(Clone)]
pub struct Register;

#[OpenApi]
impl Register {
    /// Redeem an invite code
    ///
    /// Exchanges a code for a short-lived token to sign up with. The code itself is used up by the sign-up.
    #[oai(
        path = "/api/v1/auth/redeem-invite",
        method = "post",
        tag = "Area::Authentication",
        operation_id = "finradarRedeemInvite"
    )]
    async fn redeem(&self, service: Data<&Arc<Service>>, body: Body<RedeemRequest>) -> RedeemReply {
        let redeemed = service.redeem_invite(Contract::FinRadar, InviteCode::parse(&body.0.code).as_ref());
        let body = |(token, life): (String, std::time::Duration)| RedeemedBody {
            invite_token: token,
            expires_in: life.as_secs(),
        };
        redeemed.map(body).map_err(Problem::from).into()
    }

    /// Sign up
    ///
    /// Makes an account on the free tier with 2,000 ledger tokens a month and an API key, which a letter of welcome
    /// brings. The code behind the token is looked up again and used up. Costs nothing.
    #[oai(
        path = "/api/v1/auth/register",
        method = "post",
        tag = "Area::Authentication",
        operation_id = "finradarRegister"
    )]
    async fn register(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<RegisterRequest>,
        client: Client,
    ) -> RegisterReply {
        register(&service, body.0, &client).await.into()
    }
}

async fn register(
    service: &Service,
    request: RegisterRequest,
    client: &Client,
) -> Result<RegisteredBody, Problem<FamilyMessage>> {
    let password = Password::chosen(&request.password, &POLICY.password_rule).map_err(|rules| {
        let faults: Vec<Fault> = rules.into_iter().map(|rule| Fault::new("password", rule)).collect();
        Problem::invalid_input(&faults)
    })?;
    let invite = service.invite_of_token(Contract::FinRadar, &request.invite_token)?;
    let order = RegisterOrder {
        email: request.email.0.lowercased(),
        password: Some(password),
        first_name: None,
        last_name: None,
        company_name: None,
        company_website: None,
        is_business: false,
        contact: Contact::default(),
        language: client.language,
        invite,
        personal: PersonalDetails::default(),
    };
    let Registered { handed_over, .. } = service.register(&POLICY, order, &client.origin(None)).await?;
    if !handed_over {
        return Err(Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "MAIL_NOT_SENT",
            "Account created, but the verification email could not be sent. Request a new one at \
             /auth/resend-verification.",
        ));
    }
    Ok(RegisteredBody {
        message: "Register user successful".to_owned(),
        link_msg: "Please verify the email, I have send verification link.".to_owned(),
    })
}

fn refused(message: &str) -> Problem<FamilyMessage> {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", message)
}

fn over(state: InviteState) -> Problem<FamilyMessage> {
    let word = match state {
        InviteState::Redeemable | InviteState::Used => "used",
        InviteState::Expired => "expired",
        InviteState::Revoked => "revoked",
    };
    let message = format!("Invite code is {word} and cannot be used");
    Problem::new(StatusCode::GONE, "INVITE_OVER", message)
}

impl From<RedeemError> for Problem<FamilyMessage> {
    fn from(error: RedeemError) -> Problem<FamilyMessage> {
        match error {
            RedeemError::Unknown => refused("Invalid invite code"),
            RedeemError::Over(state) => over(state),
            RedeemError::Unavailable(cause) => cause.into(),
        }
    }
}

impl From<RegisterError> for Problem<FamilyMessage> {
    fn from(error: RegisterError) -> Problem<FamilyMessage> {
        match error {
            RegisterError::InviteUnknown => refused("Invalid or expired invite token"),
            RegisterError::InviteOver(state) => over(state),
            RegisterError::EmailTaken { .. } => refused("Email already exists"),
            RegisterError::DomainBanned => refused("Registration is not open to this email domain"),
            RegisterError::Setback(setback) => setback.into(),
        }
    }
}

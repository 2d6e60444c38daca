//! `POST /api/v1/auth/register` (seed).

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::values::{Address, Line, Platform};
use super::wire::{DeviceFields, EnteredBody, Envelope};
use super::{Area, POLICY};
use crate::api::body::{Body, Text, TextValue};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::fault::Fault;
use crate::model::language::Language;
use crate::model::organization::Contact;
use crate::model::password::{Password, PasswordRule};
use crate::model::personal::PersonalDetails;
use crate::model::referral::ReferralCode;
use crate::service::Service;
use crate::service::register::{RegisterError, RegisterOrder};

/// A sign-up. Keys that are not listed are ignored.
#[derive(Object)]
#[oai(rename = "OrbAiRegisterRequest", example, skip_serializing_if_is_none)]
pub struct RegisterRequest {
    /// Unique; where mail goes.
    email: Text<Address>,
    /// 8 to 100 characters.
    #[oai(validator(min_length = 8, max_length = 100))]
    password: String,
    first_name: Option<Text<Line<100>>>,
    last_name: Option<Text<Line<100>>>,
    /// Of residence.
    country: Option<Text<Line<100>>>,
    /// A code such as `en`, `fa`, `de`. Mail is written in it where there are letters in it.
    language: Option<Text<Line<10>>>,
    /// Of somebody who brought the newcomer in; one that nobody has is ignored.
    referral_code: Option<Text<Line<20>>>,
    #[oai(flatten)]
    device: DeviceFields,
}

impl Example for RegisterRequest {
    fn example() -> RegisterRequest {
        RegisterRequest {
            email: line("newuser@example.com"),
            password: "secureP@ssw0rd".to_owned(),
            first_name: Some(line("Jane")),
            last_name: Some(line("Doe")),
            country: Some(line("Germany")),
            language: Some(line("de")),
            referral_code: Some(line("REF_ABC123")),
            device: DeviceFields {
                device_id: Some(line("550e8400-e29b-41d4-a716-446655440000")),
                platform: Some(Platform::Android),
                device_name: Some(line("Pixel 8 Pro")),
                app_version: None,
                fcm_token: Some(line("eyJhbGciOiJIUzI1NiIs...")),
            },
        }
    }
}

/// A field of an example.
pub fn line<V: TextValue>(text: &str) -> Text<V> {
    Text(V::parse(text).unwrap_or_else(|_| panic!("the examples obey their own rules: {text}")))
}

const INVALID: Status = (422, "`VALIDATION_ERROR`; `details` names every failing field. Nothing was done.");

outcomes!(RegisterReply = RegisterOutcomes: Enveloped,
    200 "Signed up and signed in. The verification mail is on its way." => Envelope<EnteredBody>,
    [ALWAYS, WITH_BODY, &[
        INVALID,
        (403, "`DOMAIN_NOT_ALLOWED`: the operator keeps the address's domain out."),
        (409, "`EMAIL_ALREADY_EXISTS`."),
    ]]
);

#[derive(Clone)]
pub struct Register;

#[OpenApi]
impl Register {
    /// Sign up
    ///
    /// Makes an account on the free plan, usable at once, and opens a session on the device. A verification letter goes
    /// out all the same, in the language asked for, else in that of `Accept-Language`, else in English.
    #[oai(
        path = "/api/v1/auth/register",
        method = "post",
        tag = "Area::Entry",
        operation_id = "orbaiRegister"
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
) -> Result<Envelope<EnteredBody>, Problem<Enveloped>> {
    let password = choose_password("password", &request.password, &POLICY.password_rule)?;
    let language = request.language.and_then(|line| line.0.filled());
    let order = RegisterOrder {
        email: request.email.0.0,
        password: Some(password),
        first_name: request.first_name.and_then(|line| line.0.0),
        last_name: request.last_name.and_then(|line| line.0.0),
        company_name: None,
        company_website: None,
        is_business: false,
        contact: Contact::default(),
        language: language.as_deref().and_then(Language::of_tag).unwrap_or(client.language),
        personal: PersonalDetails {
            country: request.country.and_then(|line| line.0.filled()),
            language,
            referral: request.referral_code.and_then(|line| ReferralCode::typed(line.as_ref())),
        },
        invite: None,
    };
    let entered = service.register_and_enter(&POLICY, order, &request.device.origin(client)).await?;
    Ok(Envelope(EnteredBody::of(service, &entered.member, Some(entered.tokens)).await?))
}

/// A password that somebody chooses, or every rule that it breaks.
pub fn choose_password(
    field: &'static str,
    text: &str,
    rule: &PasswordRule,
) -> Result<Password, Problem<Enveloped>> {
    Password::chosen(text, rule).map_err(|rules| {
        let faults: Vec<Fault> = rules.into_iter().map(|rule| Fault::new(field, rule)).collect();
        Problem::invalid_input(&faults)
    })
}

impl From<RegisterError> for Problem<Enveloped> {
    fn from(error: RegisterError) -> Problem<Enveloped> {
        match error {
            RegisterError::EmailTaken { .. } => Problem::new(
                StatusCode::CONFLICT,
                "EMAIL_ALREADY_EXISTS",
                "An account with this email address already exists. Please log in or use a different email.",
            ),
            // This contract asks for no invite code.
            RegisterError::DomainBanned | RegisterError::InviteUnknown | RegisterError::InviteOver(_) => {
                Problem::new(
                    StatusCode::FORBIDDEN,
                    "DOMAIN_NOT_ALLOWED",
                    "Registration is not open to this email domain.",
                )
            }
            RegisterError::Setback(setback) => setback.into(),
        }
    }
}

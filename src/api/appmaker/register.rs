//! `POST /auth/register/{token}` (seed).

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::{Failure, body, refused};
use super::wire::UserBody;
use super::{Area, POLICY};
use crate::api::body::{Body, Text, TextValue};
use crate::api::problem::{Family, Problem};
use crate::api::reply::{ALWAYS, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::email::EmailAddress;
use crate::model::fault::{Fault, Rule};
use crate::model::invitation::InvitationSecret;
use crate::model::name::LongName;
use crate::model::password::Password;
use crate::service::Service;
use crate::service::invitation::accept::{AcceptError, Acceptance, CaptchaAnswer};

impl TextValue for LongName {
    const NAME: &'static str = "longName";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = Some(1);
    const MAX: Option<usize> = Some(255);
    fn parse(text: &str) -> Result<LongName, Rule> {
        LongName::parse(text)
    }
    fn as_str(&self) -> &str {
        LongName::as_str(self)
    }
}

/// A registration by invitation. Keys that are not listed are ignored.
#[derive(Object)]
#[oai(rename = "AppMakerRegisterRequest", rename_all = "camelCase", example)]
pub struct RegisterRequest {
    /// The invited email address.
    username: Text<EmailAddress>,
    /// 8 to 255 characters.
    #[oai(validator(min_length = 8, max_length = 255))]
    password: String,
    first_name: Text<LongName>,
    last_name: Text<LongName>,
    /// The answer to the captcha; where the server asks none, any text that is not empty. What is wrong with it is told
    /// as `captcha`.
    #[oai(validator(max_length = 8192))]
    token: String,
}

impl Example for RegisterRequest {
    fn example() -> RegisterRequest {
        let fits = "the example obeys its own rules";
        RegisterRequest {
            username: Text(EmailAddress::parse("jane.doe@example.com").expect(fits)),
            password: "a long password".to_owned(),
            first_name: Text(LongName::parse("Jane").expect(fits)),
            last_name: Text(LongName::parse("Doe").expect(fits)),
            token: "03AGdBq25".to_owned(),
        }
    }
}

/// The shapes of refusals where the body's `token` is told of as `captcha`: `token` is the invitation.
pub enum CaptchaNamed {}

impl Family for CaptchaNamed {
    type Body = Failure;

    fn body(problem: &Problem<CaptchaNamed>) -> Failure {
        body(problem, |field| if field == "token" { "captcha" } else { field })
    }
}

outcomes!(RegisterReply = RegisterOutcomes: CaptchaNamed,
201 "Registered; the address counts as proved. Signing in is another call." => UserBody,
[ALWAYS, WITH_BODY, &[
    (400, "Which fields are wrong. `token` is the invitation: unknown, used, expired or revoked; `captcha` is the \
        body's `token`. Nothing was done."),
]]);

#[derive(Clone)]
pub struct Register;

#[OpenApi]
impl Register {
    /// Register by invitation
    ///
    /// Makes the account of who was invited, in the inviting organization and with the role that was given. The
    /// invitation is used up. Two things are called `token`: the one in the path is the invitation, as the mailed link
    /// holds it, the one in the body is the answer to the captcha.
    #[oai(
        path = "/auth/register/:token",
        method = "post",
        tag = "Area::Entry",
        operation_id = "appmakerRegister"
    )]
    async fn register(
        &self,
        service: Data<&Arc<Service>>,
        /// The invitation: what follows `?token=` in the mailed link.
        token: Path<String>,
        body: Body<RegisterRequest>,
        client: Client,
    ) -> RegisterReply {
        register(&service, InvitationSecret::shown(&token.0), body.0, &client).await.into()
    }
}

async fn register(
    service: &Service,
    secret: InvitationSecret,
    request: RegisterRequest,
    client: &Client,
) -> Result<UserBody, Problem<CaptchaNamed>> {
    let password = Password::chosen(&request.password, &POLICY.password_rule).map_err(|rules| {
        let faults: Vec<Fault> = rules.into_iter().map(|rule| Fault::new("password", rule)).collect();
        Problem::invalid_input(&faults)
    })?;
    let order = Acceptance {
        secret,
        email: Some(request.username.0),
        password,
        first_name: request.first_name.0,
        last_name: request.last_name.0,
        language: client.language,
    };
    let captcha = CaptchaAnswer::Client(request.token);
    let member = service.accept_invitation(order, captcha, client.address).await?;
    Ok(UserBody::from(&member))
}

impl From<AcceptError> for Problem<CaptchaNamed> {
    fn from(error: AcceptError) -> Problem<CaptchaNamed> {
        match error {
            AcceptError::NotOpen => refused("token", "Invalid or expired invitation"),
            AcceptError::OtherAddress => refused("username", "The invitation is for another address"),
            AcceptError::AddressTaken => refused("username", "Already registered"),
            AcceptError::DomainBanned => refused("username", "The domain of this address is banned"),
            AcceptError::CaptchaRefused => refused("captcha", "Missing or failed"),
            AcceptError::Setback(setback) => setback.into(),
        }
    }
}

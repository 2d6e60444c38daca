//! `POST /user/register` (seed).

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyA;
use super::wire::{EnteredBody, WebsiteLine};
use super::{Area, POLICY};
use crate::api::body::{Body, Text};
use crate::api::problem::{Family, Problem};
use crate::api::reply::{ALWAYS, WITH_BODY, outcomes};
use crate::client::Client;
use crate::model::domain::Website;
use crate::model::email::EmailAddress;
use crate::model::fault::{Fault, sentence};
use crate::model::name::{CompanyName, ContactLine, PersonName};
use crate::model::organization::Contact;
use crate::model::password::Password;
use crate::model::personal::PersonalDetails;
use crate::service::Service;
use crate::service::register::{RegisterError, RegisterOrder};

/// A sign-up. Keys that are not listed are ignored.
#[derive(Object)]
#[oai(rename = "FlashbackRegisterRequest", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct RegisterRequest {
    /// Unique; where the verification mail goes.
    email: Text<EmailAddress>,
    /// At least 8 characters, with an upper-case letter, a lower-case letter and a digit.
    password: String,
    first_name: Text<PersonName>,
    last_name: Text<PersonName>,
    /// Personal accounts name one too.
    company_name: Text<CompanyName>,
    /// A URL or a bare host; a business's domain is taken from it.
    company_website: Option<Text<WebsiteLine>>,
    /// Whether this is a business account.
    is_business: bool,
    /// The same as `companyWebsite`, where that is absent.
    website: Option<Text<WebsiteLine>>,
    /// Kept with the organization.
    phone: Option<Text<ContactLine>>,
    /// Kept with the organization.
    address1: Option<Text<ContactLine>>,
    /// Kept with the organization.
    address2: Option<Text<ContactLine>>,
    /// Kept with the organization.
    city: Option<Text<ContactLine>>,
    /// Kept with the organization.
    state: Option<Text<ContactLine>>,
    /// Kept with the organization.
    zipcode: Option<Text<ContactLine>>,
    /// Kept with the organization.
    country: Option<Text<ContactLine>>,
}

impl Example for RegisterRequest {
    fn example() -> RegisterRequest {
        let fits = "the example obeys its own rules";
        RegisterRequest {
            email: Text(EmailAddress::parse("john.doe@company.com").expect(fits)),
            password: "SecurePass123".to_owned(),
            first_name: Text(PersonName::parse("John").expect(fits)),
            last_name: Text(PersonName::parse("Doe").expect(fits)),
            company_name: Text(CompanyName::parse("Acme Corporation").expect(fits)),
            company_website: Some(Text(WebsiteLine(Website::parse("https://acme.com").ok()))),
            is_business: true,
            website: None,
            phone: None,
            address1: None,
            address2: None,
            city: None,
            state: None,
            zipcode: None,
            country: None,
        }
    }
}

outcomes!(RegisterReply = RegisterOutcomes: FamilyA,
    201 "Signed up. The verification mail is on its way; until it is answered the account can only read."
        => EnteredBody,
    [ALWAYS, WITH_BODY, &[(400, "Nobody was signed up: `INVALID_INPUT` names every faulty field, `WEAK_PASSWORD` \
        the broken rules; `EMAIL_EXISTS_ACTIVE`, `EMAIL_EXISTS_INACTIVE` or `ORG_BANNED`. Checked in this order.")]]
);

#[derive(Clone)]
pub struct Register;

#[OpenApi]
impl Register {
    /// Sign up
    ///
    /// Makes an account and an organization of its own, starts a free trial of 14 days, mails a verification link and
    /// code (good for 24 hours), and opens a session. No token is asked for; a stale one is ignored.
    #[oai(path = "/user/register", method = "post", tag = "Area::Entry", operation_id = "flashbackRegister")]
    async fn register(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<RegisterRequest>,
        client: Client,
    ) -> RegisterReply {
        let order = match order(body.0, &client) {
            Ok(order) => order,
            Err(problem) => return RegisterReply::Failed(problem),
        };
        let entered = service.register_and_enter(&POLICY, order, &client.origin(None)).await;
        entered.map(EnteredBody::from).map_err(Problem::from).into()
    }
}

fn order(request: RegisterRequest, client: &Client) -> Result<RegisterOrder, Problem<FamilyA>> {
    let filled_site = |site: Option<Text<WebsiteLine>>| site.and_then(|site| site.0.0);
    let filled = |line: Option<Text<ContactLine>>| line.and_then(|line| line.0.into_filled());
    Ok(RegisterOrder {
        password: Some(choose_password("password", &request.password)?),
        email: request.email.0,
        first_name: Some(request.first_name.0),
        last_name: Some(request.last_name.0),
        company_name: Some(request.company_name.0),
        company_website: filled_site(request.company_website).or_else(|| filled_site(request.website)),
        is_business: request.is_business,
        contact: Contact {
            phone: filled(request.phone),
            address1: filled(request.address1),
            address2: filled(request.address2),
            city: filled(request.city),
            state: filled(request.state),
            zipcode: filled(request.zipcode),
            country: filled(request.country),
        },
        language: client.language,
        invite: None,
        personal: PersonalDetails::default(),
    })
}

/// A password that somebody chooses, or `WEAK_PASSWORD` with every broken rule.
pub fn choose_password<F: Family>(field: &'static str, text: &str) -> Result<Password, Problem<F>> {
    Password::chosen(text, &POLICY.password_rule).map_err(|rules| {
        let faults: Vec<Fault> = rules.into_iter().map(|rule| Fault::new(field, rule)).collect();
        Problem::new(StatusCode::BAD_REQUEST, "WEAK_PASSWORD", format!("{}.", sentence(&faults)))
    })
}

impl From<RegisterError> for Problem<FamilyA> {
    fn from(error: RegisterError) -> Problem<FamilyA> {
        let refused = |code, message: &str| Problem::new(StatusCode::BAD_REQUEST, code, message);
        match error {
            RegisterError::EmailTaken { active: true } => {
                refused("EMAIL_EXISTS_ACTIVE", "An account with this email address exists. Log in instead.")
            }
            RegisterError::EmailTaken { active: false } => refused(
                "EMAIL_EXISTS_INACTIVE",
                "An account with this email address exists but is not active. If it was never verified, verify the \
                 address or reset the password; if it was closed, ask the operator.",
            ),
            RegisterError::DomainBanned => {
                refused("ORG_BANNED", "Registration is not open to this organization's domain.")
            }
            // This contract asks for no code.
            RegisterError::InviteUnknown | RegisterError::InviteOver(_) => {
                refused("INVALID_INPUT", "The invite code is not good.")
            }
            RegisterError::Setback(setback) => Problem::from(setback),
        }
    }
}

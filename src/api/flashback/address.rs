//! Another address for one's account. Latchkey's own addition to the contract.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyA;
use super::verification::invalid_token;
use super::wire::{MessageBody, message};
use super::{Area, Proven};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::email::EmailAddress;
use crate::model::fault::{Fault, Rule};
use crate::model::id::ProofId;
use crate::model::password::Password;
use crate::service::Service;
use crate::service::address::{AddressError, AddressOrder};
use crate::service::proving::Evidence;

/// The address that is wanted, and the account's password.
#[derive(Object)]
#[oai(rename = "FlashbackAddressRequest", rename_all = "camelCase", example)]
pub struct AddressRequest {
    new_email: Text<EmailAddress>,
    password: String,
}

impl Example for AddressRequest {
    fn example() -> AddressRequest {
        AddressRequest {
            new_email: Text(
                EmailAddress::parse("john@company.com").expect("the example obeys its own rules"),
            ),
            password: "SecurePass123".to_owned(),
        }
    }
}

/// Asked for.
#[derive(Object)]
#[oai(rename = "FlashbackAddressRequested", rename_all = "camelCase")]
pub struct AddressRequested {
    /// Always true.
    success: bool,
    message: String,
    /// For `/user/confirm-email`, together with the mailed code.
    verification_token_id: String,
}

/// A mailed secret: the link's token, or the code together with the id of the request.
#[derive(Object)]
#[oai(rename = "FlashbackConfirmRequest", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ConfirmRequest {
    /// What follows `?token=` in the mailed link.
    token: Option<String>,
    /// `verificationTokenId` of the answer to `/user/change-email`.
    verification_token_id: Option<String>,
    /// The 8 digits in the mail.
    code: Option<String>,
}

// A wrong password is no 401 here: clients take that for the end of the session.
outcomes!(RequestReply = RequestOutcomes: FamilyA,
200 "Asked for. The same whether or not the address can be had." => AddressRequested,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "`INVALID_INPUT`; `EMAIL_UNCHANGED`: the account has this address; `INVALID_PASSWORD`."),
    (403, "`EMAIL_NOT_VERIFIED`: the present address has to be proved first."),
]]);
outcomes!(ConfirmReply = ConfirmOutcomes: FamilyA, 200 "The address is changed." => MessageBody,
    [ALWAYS, WITH_BODY, &[(400, "`INVALID_TOKEN`: unknown, used, void, expired, too many codes were tried, or \
        somebody else has the address by now; `INVALID_INPUT`.")]]);

#[derive(Clone)]
pub struct Addresses;

#[OpenApi]
impl Addresses {
    /// Ask for another address
    ///
    /// Mails a link and a code to the new address, good for 24 hours, and word of it to the present one, which stays in
    /// force until the new one is proved. Where the new address is somebody else's, the answer is the same, and its
    /// owner is told instead. A wrong password counts as a failed login. An account may ask 3 times at once and 6 times
    /// an hour, and an address is sent as many letters, all routes together. A newer request, a new password and a
    /// deactivation make it void.
    #[oai(
        path = "/user/change-email",
        method = "post",
        tag = "Area::Profile",
        operation_id = "flashbackChangeEmail"
    )]
    async fn request(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<AddressRequest>,
    ) -> RequestReply {
        let AddressRequest { new_email, password } = body.0;
        let order = AddressOrder { email: new_email.0, password: Password::given(&password) };
        let asked = service.request_address(&caller, order).await;
        asked.map(AddressRequested::from).map_err(Problem::from).into()
    }

    /// Confirm the new address
    ///
    /// With the token of the mailed link, or with `verificationTokenId` and the mailed code (5 tries in 24 hours). The
    /// session that asked goes on, all others end; access tokens name the new address from the next refresh on. The
    /// former address gets a link that undoes the change for 7 days and is kept for this account as long.
    #[oai(
        path = "/user/confirm-email",
        method = "post",
        tag = "Area::Proof",
        operation_id = "flashbackConfirmEmail"
    )]
    async fn confirm(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<ConfirmRequest>,
        client: Client,
    ) -> ConfirmReply {
        let evidence = match evidence(body.0) {
            Ok(evidence) => evidence,
            Err(problem) => return ConfirmReply::Failed(problem),
        };
        match service.confirm_address(evidence, client.address).await {
            Ok(Some(_)) => ConfirmReply::Done(message("The address is changed. Log in with the new one.")),
            Ok(None) => ConfirmReply::Failed(invalid_token()),
            Err(cause) => ConfirmReply::Failed(cause.into()),
        }
    }
}

impl From<ProofId> for AddressRequested {
    fn from(proof: ProofId) -> AddressRequested {
        AddressRequested {
            success: true,
            message: "If the address can be used, a letter with a link is on its way to it.".to_owned(),
            verification_token_id: proof.to_string(),
        }
    }
}

fn evidence(request: ConfirmRequest) -> Result<Evidence, Problem<FamilyA>> {
    match (request.token, request.verification_token_id, request.code) {
        (Some(token), _, _) => Ok(Evidence::Link(token)),
        (None, Some(id), Some(code)) => Ok(Evidence::CodeOfProof { proof: ProofId::named(&id), code }),
        (None, Some(_), None) => Err(Problem::invalid_input(&[Fault::new("code", Rule::Required)])),
        (None, None, Some(_)) => {
            Err(Problem::invalid_input(&[Fault::new("verificationTokenId", Rule::Required)]))
        }
        (None, None, None) => Err(Problem::invalid_input(&[Fault::new("token", Rule::Required)])),
    }
}

impl From<AddressError> for Problem<FamilyA> {
    fn from(error: AddressError) -> Problem<FamilyA> {
        let refused = |code, message: &str| Problem::new(StatusCode::BAD_REQUEST, code, message);
        match error {
            AddressError::Unchanged => refused("EMAIL_UNCHANGED", "The account has this address already."),
            AddressError::WrongPassword => refused("INVALID_PASSWORD", "The password is wrong."),
            AddressError::Locked(wait) => Problem::locked(wait),
            AddressError::TooManyLetters(wait) => Problem::rate_limited(wait),
            AddressError::SecondFactorNeeded => Problem::new(
                StatusCode::FORBIDDEN,
                "MFA_REQUIRED",
                "Pass the second factor first: POST /mfa/verify-login with a code.",
            ),
            AddressError::SessionEnded => Problem::unauthorized(),
            AddressError::Setback(setback) => Problem::from(setback),
        }
    }
}

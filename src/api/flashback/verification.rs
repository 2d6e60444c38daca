//! Proving an address over the API.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::Area;
use super::failure::FamilyA;
use super::register::choose_password;
use super::wire::{DoneBody, EnteredBody, done};
use crate::api::body::Body;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_PATH, outcomes};
use crate::client::Client;
use crate::model::contract::Contract;
use crate::model::fault::{Fault, Rule};
use crate::model::id::ProofId;
use crate::model::proof::Purpose;
use crate::service::Service;
use crate::service::proving::Evidence;
use crate::service::verify::{MailingError, VerifyError};

/// The secret of a mailed link.
#[derive(Object)]
#[oai(rename = "FlashbackPreVerifyRequest")]
pub struct PreVerifyRequest {
    /// What follows `?token=` in the mailed link.
    token: String,
}

/// What proving the address will take.
#[derive(Object)]
#[oai(rename = "FlashbackPreVerified", rename_all = "camelCase")]
pub struct PreVerifiedBody {
    /// Always true.
    success: bool,
    message: String,
    /// Always `LOCAL`: a password kept here.
    auth_method: String,
    /// False: `/user/verify-email` needs a `password` too.
    has_password: bool,
}

/// A mailed secret: the link's token, or the code together with the id of its verification.
#[derive(Object)]
#[oai(rename = "FlashbackVerifyRequest", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct VerifyRequest {
    /// What follows `?token=` in the mailed link.
    token: Option<String>,
    /// `verificationTokenId` of the answer to `/user/register`.
    verification_token_id: Option<String>,
    /// The 8 digits in the mail.
    code: Option<String>,
    /// For somebody who was invited and has none yet.
    password: Option<String>,
}

const NOT_GOOD: (u16, &str) = (
    400,
    "`INVALID_TOKEN`: unknown, used, expired, or too many codes were tried; \
    `INVALID_INPUT`; `WEAK_PASSWORD`.",
);

outcomes!(PreVerifyReply = PreVerifyOutcomes: FamilyA, 200 "The link is good; nothing was used up." => PreVerifiedBody,
    [ALWAYS, WITH_BODY, &[NOT_GOOD]]);
outcomes!(VerifyReply = VerifyOutcomes: FamilyA, 200 "The address is proved; a new session." => EnteredBody,
    [ALWAYS, WITH_BODY, &[NOT_GOOD, (403, "`MFA_REQUIRED`: the address is proved; coming in takes a login with the second factor.")]]);
outcomes!(ResendReply = ResendOutcomes: FamilyA, 200 "If there is such a verification, its letter goes out again." => DoneBody,
    [ALWAYS, WITH_PATH]);

#[derive(Clone)]
pub struct Verification;

#[OpenApi]
impl Verification {
    /// Look at a mailed link
    ///
    /// Tells whether the link of a verification mail is good and whether a password has to be chosen. Uses nothing up.
    #[oai(
        path = "/user/pre-verify-email",
        method = "post",
        tag = "Area::Proof",
        operation_id = "flashbackPreVerify"
    )]
    async fn pre_verify(&self, service: Data<&Arc<Service>>, body: Body<PreVerifyRequest>) -> PreVerifyReply {
        match service.inspect_proof(&body.0.token, Purpose::Verify) {
            Ok(Some(open)) => PreVerifyReply::Done(PreVerifiedBody {
                success: true,
                message: "The link is good.".to_owned(),
                auth_method: "LOCAL".to_owned(),
                has_password: !open.needs_password,
            }),
            Ok(None) => PreVerifyReply::Failed(invalid_token()),
            Err(cause) => PreVerifyReply::Failed(cause.into()),
        }
    }

    /// Prove the address
    ///
    /// With the token of the mailed link, or with `verificationTokenId` and the mailed code (5 tries in 24 hours).
    /// Opens a new session and unlocks writes.
    #[oai(
        path = "/user/verify-email",
        method = "post",
        tag = "Area::Proof",
        operation_id = "flashbackVerify"
    )]
    async fn verify(
        &self,
        service: Data<&Arc<Service>>,
        body: Body<VerifyRequest>,
        client: Client,
    ) -> VerifyReply {
        let request = body.0;
        let password = match request.password.as_deref().map(|text| choose_password("password", text)) {
            Some(Ok(password)) => Some(password),
            Some(Err(problem)) => return VerifyReply::Failed(problem),
            None => None,
        };
        let evidence = match evidence(request) {
            Ok(evidence) => evidence,
            Err(problem) => return VerifyReply::Failed(problem),
        };
        let origin = client.origin(None);
        let entered = service.verify_and_enter(evidence, password, Contract::Flashback, &origin).await;
        entered.map(EnteredBody::from).map_err(Problem::from).into()
    }

    /// Mail the link again
    ///
    /// Answers alike whether or not the id exists. Links mailed before stay good. An address may cause 3 letters at
    /// once and 6 an hour, all routes together.
    #[oai(
        path = "/user/resend-verification/:verificationTokenId",
        method = "post",
        tag = "Area::Proof",
        operation_id = "flashbackResendVerification"
    )]
    async fn resend(
        &self,
        service: Data<&Arc<Service>>,
        /// `verificationTokenId` of the answer to `/user/register` or `/user/login`.
        #[oai(name = "verificationTokenId")]
        id: Path<String>,
    ) -> ResendReply {
        let sent = service.resend_verification(ProofId::named(&id.0)).await;
        sent.map(|()| done()).map_err(Problem::from).into()
    }
}

fn evidence(request: VerifyRequest) -> Result<Evidence, Problem<FamilyA>> {
    match (request.token, request.verification_token_id, request.code) {
        (Some(token), _, _) => Ok(Evidence::Link(token)),
        (None, Some(id), Some(code)) => {
            let proof = id.parse().map_err(|_| invalid_token())?;
            Ok(Evidence::CodeOfProof { proof, code })
        }
        (None, Some(_), None) => Err(Problem::invalid_input(&[Fault::new("code", Rule::Required)])),
        (None, None, Some(_)) => {
            Err(Problem::invalid_input(&[Fault::new("verificationTokenId", Rule::Required)]))
        }
        (None, None, None) => Err(Problem::invalid_input(&[Fault::new("token", Rule::Required)])),
    }
}

/// 400 for a mailed secret that is not good.
pub fn invalid_token() -> Problem<FamilyA> {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "INVALID_TOKEN",
        "The link or code is not good: it is unknown, was used before, or has expired.",
    )
}

impl From<VerifyError> for Problem<FamilyA> {
    fn from(error: VerifyError) -> Problem<FamilyA> {
        match error {
            VerifyError::InvalidEvidence => invalid_token(),
            VerifyError::PasswordNeeded => Problem::invalid_input(&[Fault::new("password", Rule::Required)]),
            VerifyError::SecondFactorNeeded => Problem::new(
                StatusCode::FORBIDDEN,
                "MFA_REQUIRED",
                "Your email address is verified. Log in with your second factor.",
            ),
            VerifyError::Setback(setback) => Problem::from(setback),
        }
    }
}

impl From<MailingError> for Problem<FamilyA> {
    fn from(error: MailingError) -> Problem<FamilyA> {
        match error {
            MailingError::TooManyLetters(wait) => Problem::rate_limited(wait),
            MailingError::Unavailable(cause) => Problem::unavailable(&cause),
        }
    }
}

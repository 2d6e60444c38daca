//! The second factor: an authenticator app (contracts/orbai.md section 3).

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::wire::Envelope;
use super::{Area, Enrolling};
use crate::api::body::Body;
use crate::api::guard::GuardError;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_TOKEN, outcomes};
use crate::model::two_factor::{Answer, Method};
use crate::service::Service;
use crate::service::standing::StandingError;
use crate::service::two_factor::PassError;
use crate::service::two_factor::change::FactorError;
use crate::service::two_factor::enrolment::Enrolment;
use crate::service::two_factor::removal::Removal;

/// What an authenticator app needs.
#[derive(Object)]
#[oai(rename = "OrbAiTotpSetup")]
pub struct SetupBody {
    /// In base 32, to be typed.
    secret: String,
    /// An `otpauth:` URI, to be shown as a picture.
    qr_code_url: String,
    /// Told here and never again; each is good once.
    recovery_codes: Vec<String>,
}

impl From<Enrolment> for SetupBody {
    fn from(enrolment: Enrolment) -> SetupBody {
        SetupBody {
            secret: enrolment.secret,
            qr_code_url: enrolment.uri,
            recovery_codes: enrolment.recovery_codes,
        }
    }
}

/// A code of the app, or a recovery code.
#[derive(Object)]
#[oai(rename = "OrbAiTotpCode")]
pub struct CodeRequest {
    #[oai(validator(max_length = 100))]
    code: String,
}

/// Whether the second factor is on.
#[derive(Object)]
#[oai(rename = "OrbAiTotpState")]
pub struct StateBody {
    enabled: bool,
    message: String,
}

/// A new set of recovery codes.
#[derive(Object)]
#[oai(rename = "OrbAiRecoveryCodes")]
pub struct RecoveryCodesBody {
    /// Told here and never again; each is good once. Those of before are dead.
    recovery_codes: Vec<String>,
}

const INVALID: Status = (422, "`VALIDATION_ERROR`; `details` names every failing field.");
const WRONG: Status = (400, "`INVALID_TOTP_CODE`: the code is wrong, too old, or was used before.");
const NOT_YET: Status = (
    403,
    "`EMAIL_NOT_VERIFIED`; or `TWO_FACTOR_REQUIRED`: another second factor is on and was not passed lately.",
);
const ON_ALREADY: Status = (409, "`TOTP_ALREADY_ENABLED`.");
const NOT_ON: Status = (409, "`TOTP_NOT_ENABLED`.");

outcomes!(SetupReply = SetupOutcomes: Enveloped, 200 "Begun; a code of the app turns it on." => Envelope<SetupBody>,
    [ALWAYS, WITH_TOKEN, &[NOT_YET, ON_ALREADY]]);
outcomes!(EnableReply = EnableOutcomes: Enveloped, 200 "Every login asks for a code from now on." => Envelope<StateBody>,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[INVALID, WRONG, NOT_YET, ON_ALREADY]]);
outcomes!(DisableReply = DisableOutcomes: Enveloped, 200 "Logins ask for the password alone." => Envelope<StateBody>,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[INVALID, WRONG, NOT_ON]]);
outcomes!(CodesReply = CodesOutcomes: Enveloped, 200 "The old set is dead." => Envelope<RecoveryCodesBody>,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[INVALID, WRONG, NOT_ON]]);

#[derive(Clone)]
pub struct Security;

#[OpenApi]
impl Security {
    /// Begin to set up an authenticator app
    ///
    /// Asking again replaces what was begun. Nothing is on before `enable`.
    #[oai(
        path = "/api/v1/security/totp/setup",
        method = "post",
        tag = "Area::Security",
        operation_id = "orbaiTotpSetup"
    )]
    async fn setup(&self, service: Data<&Arc<Service>>, Enrolling(caller): Enrolling) -> SetupReply {
        let begun = service.begin_totp(&caller).await;
        begun.map(|enrolment| Envelope(enrolment.into())).map_err(Problem::from).into()
    }

    /// Turn it on
    ///
    /// With a code that the app shows.
    #[oai(
        path = "/api/v1/security/totp/enable",
        method = "post",
        tag = "Area::Security",
        operation_id = "orbaiTotpEnable"
    )]
    async fn enable(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<CodeRequest>,
    ) -> EnableReply {
        let on = service.confirm_totp(&caller, Answer::of(&body.0.code)).await;
        on.map(|()| state(true)).map_err(Problem::from).into()
    }

    /// Turn it off
    ///
    /// With a code that the app shows, or a recovery code.
    #[oai(
        path = "/api/v1/security/totp/disable",
        method = "post",
        tag = "Area::Security",
        operation_id = "orbaiTotpDisable"
    )]
    async fn disable(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<CodeRequest>,
    ) -> DisableReply {
        let answer = Some(Answer::of(&body.0.code));
        let off = service.turn_off(&caller, Removal::One(Method::Totp), answer).await;
        off.map(|()| state(false)).map_err(Problem::from).into()
    }

    /// Make new recovery codes
    ///
    /// With a code that the app shows, or a recovery code.
    #[oai(
        path = "/api/v1/security/totp/recovery-codes",
        method = "post",
        tag = "Area::Security",
        operation_id = "orbaiRecoveryCodes"
    )]
    async fn recovery_codes(
        &self,
        service: Data<&Arc<Service>>,
        Enrolling(caller): Enrolling,
        body: Body<CodeRequest>,
    ) -> CodesReply {
        let codes = service.new_recovery_codes(&caller, Some(Answer::of(&body.0.code))).await;
        codes
            .map(|recovery_codes| Envelope(RecoveryCodesBody { recovery_codes }))
            .map_err(Problem::from)
            .into()
    }
}

fn state(enabled: bool) -> Envelope<StateBody> {
    let word = if enabled { "enabled" } else { "disabled" };
    Envelope(StateBody { enabled, message: format!("Two-factor authentication {word}.") })
}

impl From<FactorError> for Problem<Enveloped> {
    fn from(error: FactorError) -> Problem<Enveloped> {
        let refused = Problem::new;
        match error {
            FactorError::AlreadyOn => refused(
                StatusCode::CONFLICT,
                "TOTP_ALREADY_ENABLED",
                "Two-factor authentication is enabled already.",
            ),
            FactorError::NotOn => {
                refused(StatusCode::CONFLICT, "TOTP_NOT_ENABLED", "Two-factor authentication is not enabled.")
            }
            FactorError::NotPassed => refused(
                StatusCode::FORBIDDEN,
                "TWO_FACTOR_REQUIRED",
                "Log in again with a two-factor code first.",
            ),
            FactorError::WrongCode | FactorError::Pass(PassError::Wrong) => {
                refused(StatusCode::BAD_REQUEST, "INVALID_TOTP_CODE", "Invalid two-factor code.")
            }
            FactorError::Unverified => Problem::of_guard(&GuardError::Unverified),
            FactorError::Pass(PassError::Locked(wait)) | FactorError::TooManyLetters(wait) => {
                Problem::rate_limited(wait)
            }
            FactorError::Pass(PassError::Unavailable(cause)) => cause.into(),
            FactorError::Standing(StandingError::Unavailable(cause)) => cause.into(),
            // Nothing here asks for a role.
            FactorError::Standing(
                StandingError::SessionEnded | StandingError::NoOrganization | StandingError::Forbidden,
            ) => Problem::unauthorized(),
        }
    }
}

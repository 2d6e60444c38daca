//! What travels when second factors are set up and passed.

use poem_openapi::{Enum, Object};

use crate::model::two_factor::{Factors, Method};
use crate::service::authenticate::Caller;
use crate::service::sessions::Tokens;
use crate::service::two_factor::enrolment::Enrolment;

/// A way to pass the second factor, by its published name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[oai(rename = "FlashbackMfaType")]
pub enum MfaType {
    /// A code of six digits from an authenticator app.
    #[oai(rename = "GOOGLE_AUTH")]
    GoogleAuth,
    /// A code of eight digits, mailed.
    #[oai(rename = "MAGIC_LINK")]
    MagicLink,
    /// Not available on this server.
    #[oai(rename = "PASSKEY")]
    Passkey,
}

impl From<Method> for MfaType {
    fn from(method: Method) -> MfaType {
        match method {
            Method::Totp => MfaType::GoogleAuth,
            Method::Mail => MfaType::MagicLink,
        }
    }
}

impl MfaType {
    /// The method, if this server has it.
    pub fn method(self) -> Option<Method> {
        match self {
            MfaType::GoogleAuth => Some(Method::Totp),
            MfaType::MagicLink => Some(Method::Mail),
            MfaType::Passkey => None,
        }
    }
}

/// Which way to pass is meant.
#[derive(Object)]
#[oai(rename = "FlashbackMfaRequest", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct MfaRequest {
    mfa_type: MfaType,
    /// A code of six digits, a mailed one of eight, or a recovery code of ten. Needed to turn something off, unless this
    /// session passed the second factor within 15 minutes.
    #[oai(validator(max_length = 100))]
    code: Option<String>,
}

impl MfaRequest {
    pub fn parts(self) -> (MfaType, Option<String>) {
        (self.mfa_type, self.code)
    }
}

/// A code.
#[derive(Object)]
#[oai(rename = "FlashbackMfaCode", rename_all = "camelCase")]
pub struct CodeRequest {
    mfa_type: MfaType,
    #[oai(validator(max_length = 100))]
    code: String,
}

impl CodeRequest {
    pub fn parts(self) -> (MfaType, String) {
        (self.mfa_type, self.code)
    }
}

/// A code, where one is needed.
#[derive(Object)]
#[oai(rename = "FlashbackMfaReset", skip_serializing_if_is_none)]
pub struct ResetRequest {
    /// Needed unless this session passed the second factor within 15 minutes.
    #[oai(validator(max_length = 100))]
    pub code: Option<String>,
}

/// Whether members must have a second factor.
#[derive(Object)]
#[oai(rename = "FlashbackMfaEnforcement")]
pub struct EnforceRequest {
    pub enforced: bool,
}

/// The caller's second factors.
#[derive(Object)]
#[oai(rename = "FlashbackMfaStatus")]
pub struct StatusAnswer {
    /// Always true.
    success: bool,
    data: StatusBody,
}

/// The caller's second factors.
#[derive(Object)]
#[oai(rename = "FlashbackMfaStatusData", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct StatusBody {
    /// Whether a login asks for one.
    is_enabled: bool,
    /// Whether the caller must have one: because it is on, or the organization asks for it.
    is_required: bool,
    /// Whether the organization asks for it.
    is_enforced: bool,
    enabled_methods: Vec<MfaType>,
    // No description: beside a reference to an enum, generators of clients stumble over it.
    primary_method: Option<MfaType>,
    /// Whether this session has passed one.
    session_verified: bool,
}

impl StatusAnswer {
    pub fn new(caller: &Caller, factors: &Factors) -> StatusAnswer {
        let is_enforced = caller.member.organization.as_ref().is_some_and(|place| place.mfa_enforced);
        let is_enabled = !factors.enabled.is_empty();
        let data = StatusBody {
            is_enabled,
            is_required: is_enabled || is_enforced,
            is_enforced,
            enabled_methods: factors.enabled.iter().map(|method| MfaType::from(*method)).collect(),
            primary_method: factors.primary.map(MfaType::from),
            session_verified: caller.passed_at.is_some(),
        };
        StatusAnswer { success: true, data }
    }
}

/// The ways to pass that this server has.
#[derive(Object)]
#[oai(rename = "FlashbackMfaMethods")]
pub struct MethodsAnswer {
    /// Always true.
    success: bool,
    data: Vec<MethodBody>,
}

/// One way to pass.
#[derive(Object)]
#[oai(rename = "FlashbackMfaMethod", rename_all = "camelCase")]
pub struct MethodBody {
    mfa_type: MfaType,
    is_enabled: bool,
    is_primary: bool,
}

impl From<&Factors> for MethodsAnswer {
    fn from(factors: &Factors) -> MethodsAnswer {
        let body = |method: Method| MethodBody {
            mfa_type: method.into(),
            is_enabled: factors.enabled.contains(&method),
            is_primary: factors.primary == Some(method),
        };
        MethodsAnswer { success: true, data: Method::ALL.into_iter().map(body).collect() }
    }
}

/// A setup that was begun.
#[derive(Object)]
#[oai(rename = "FlashbackMfaSetup")]
pub struct SetupAnswer {
    /// Always true.
    success: bool,
    data: SetupBody,
}

/// What an authenticator app needs; nothing of it for mailed codes.
#[derive(Object)]
#[oai(rename = "FlashbackMfaSetupData", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SetupBody {
    /// In base 32, to be typed.
    secret: Option<String>,
    /// A picture to be read, as a `data:` URL.
    qr_code: Option<String>,
    /// Told here and never again; each is good once.
    backup_codes: Option<Vec<String>>,
    /// What to do next.
    message: String,
}

impl SetupAnswer {
    pub fn of_app(enrolment: Enrolment) -> SetupAnswer {
        let data = SetupBody {
            qr_code: crate::api::qr::data_url(&enrolment.uri),
            secret: Some(enrolment.secret),
            backup_codes: Some(enrolment.recovery_codes),
            message: "Scan the picture with an authenticator app, then verify the setup with a code of it."
                .to_owned(),
        };
        SetupAnswer { success: true, data }
    }

    pub fn of_mail() -> SetupAnswer {
        let message = "A code is on its way to your mailbox: verify the setup with it.".to_owned();
        let data = SetupBody { secret: None, qr_code: None, backup_codes: None, message };
        SetupAnswer { success: true, data }
    }
}

/// The second factor is passed.
#[derive(Object)]
#[oai(rename = "FlashbackMfaPassed", rename_all = "camelCase")]
pub struct PassedBody {
    /// Always true.
    success: bool,
    message: String,
    /// JWT for `Authorization: Bearer`, good for an hour.
    full_access_token: String,
    /// JWT for the next refresh.
    refresh_token: String,
}

impl From<Tokens> for PassedBody {
    fn from(tokens: Tokens) -> PassedBody {
        PassedBody {
            success: true,
            message: "MFA verification successful".to_owned(),
            full_access_token: tokens.access,
            refresh_token: tokens.refresh,
        }
    }
}

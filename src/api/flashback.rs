//! The Flashback contract: JSON in camelCase at the root (contracts/flashback.md).

mod address;
mod catalog;
mod devices;
pub mod failure;
mod mfa;
mod organization;
pub mod outside;
mod privacy;
mod profile;
mod quota;
mod recovery;
mod register;
mod role;
mod session;
mod sessions;
mod settings;
mod subscription;
mod tokens;
mod users;
mod verification;
mod wire;

use std::time::Duration;

use poem::{Request, RequestBody};
use poem_openapi::auth::Bearer;
use poem_openapi::registry::Registry;
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions, OpenApi, SecurityScheme, Tags};

use super::guard::{self, GuardError};
use super::mounted::Mount;
use crate::model::contract::Contract;
use crate::model::password::{MAX_PASSWORD_CHARS, PasswordRule};
use crate::model::subscription::SeededPlan;
use crate::service::authenticate::Caller;
use crate::service::policy::{DeviceLimit, Gate, Policy, UnverifiedMay};

/// What Flashback has decided (seed).
pub const POLICY: Policy = Policy {
    contract: Contract::Flashback,
    gate: Gate::Open,
    password_rule: PasswordRule { min: 8, max: MAX_PASSWORD_CHARS, mixed: true },
    first_plan: SeededPlan::Trial,
    welcome_key: false,
    hand_over: None,
    unverified_may: UnverifiedMay::Read,
    reset_spacing: Duration::ZERO,
    device_limit: DeviceLimit::None,
    profiles: false,
};

/// The areas of the contract, as the documentation groups them.
#[derive(Tags)]
enum Area {
    /// Signing up, in and out.
    #[oai(rename = "Flashback 1: sign-up and sessions")]
    Entry,
    /// Proving an address, and choosing a new password when the old one is lost.
    #[oai(rename = "Flashback 2: verification and reset")]
    Proof,
    /// Reading and changing an account's own data.
    #[oai(rename = "Flashback 3: profile")]
    Profile,
    /// The organization, its users and their roles.
    #[oai(rename = "Flashback 4: organization")]
    Organization,
    /// Plans, the organization's subscription, and what is used of it.
    #[oai(rename = "Flashback 5: subscriptions")]
    Subscription,
    /// What clients keep for a user or an organization.
    #[oai(rename = "Flashback 6: settings")]
    Settings,
    /// A code beside the password.
    #[oai(rename = "Flashback 8: second factor")]
    Mfa,
    /// Where one is signed in, and on what.
    #[oai(rename = "Flashback 7: devices and sessions")]
    Devices,
}

/// An access token of a live session, as `accessToken` of `/user/login` or `/user/register` gives it.
#[derive(SecurityScheme)]
#[oai(rename = "FlashbackBearer", ty = "bearer", bearer_format = "JWT", checker = "known")]
pub struct Known(pub Caller);

async fn known(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::admit(request, &bearer.token, Some(Contract::Flashback))?)
}

/// An access token of a live session, also where the organization asks for a second factor that the account has yet to
/// set up.
#[derive(SecurityScheme)]
#[oai(rename = "FlashbackBearer", ty = "bearer", bearer_format = "JWT", checker = "enrolling")]
pub struct Enrolling(pub Caller);

async fn enrolling(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::admit_to_enrol(request, &bearer.token, Some(Contract::Flashback))?)
}

/// An access token of a live session whose account has proved its address: what writes ask for.
#[derive(SecurityScheme)]
#[oai(rename = "FlashbackBearer", ty = "bearer", bearer_format = "JWT", checker = "proven")]
pub struct Proven(pub Caller);

async fn proven(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::verified(guard::admit(request, &bearer.token, Some(Contract::Flashback))?)?)
}

/// An access token where one is welcome but not asked for. A stale one counts as none; that the database could not be
/// asked does not.
pub struct Perhaps(pub Option<Caller>);

impl<'a> ApiExtractor<'a> for Perhaps {
    const TYPES: &'static [ApiExtractorType] = Known::TYPES;

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        Known::register(registry);
    }

    fn security_schemes() -> Vec<&'static str> {
        Known::security_schemes()
    }

    fn has_security_fallback() -> bool {
        true
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _options: ExtractParamOptions<()>,
    ) -> poem::Result<Perhaps> {
        match Enrolling::from_request(request, body, ExtractParamOptions::default()).await {
            Ok(Enrolling(caller)) => Ok(Perhaps(Some(caller))),
            Err(error) if matches!(error.downcast_ref(), Some(GuardError::Unavailable(_))) => Err(error),
            Err(_) => Ok(Perhaps(None)),
        }
    }
}

/// The contract.
pub struct Flashback;

impl Mount for Flashback {
    const CONTRACT: Contract = Contract::Flashback;
    const TITLE: &'static str = "Flashback";
    const INTRODUCTION: &'static str = include_str!("flashback/introduction.md");
    const SLASHED: &'static [&'static str] = &[];

    fn operations() -> impl OpenApi {
        let entry = (register::Register, session::Session, tokens::Tokens);
        let proof = (verification::Verification, recovery::Recovery);
        let team = (profile::Profile, role::Roles, organization::Organizations, users::Users);
        let plans = (subscription::Subscriptions, quota::QuotaArea, settings::SettingsArea);
        let own = (privacy::Privacy, address::Addresses, sessions::Sessions, devices::Devices, mfa::Mfa);
        (entry, proof, team, plans, own)
    }
}

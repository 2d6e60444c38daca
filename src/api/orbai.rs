//! The OrbAI contract: enveloped JSON in snake_case, published under `/api/v1` (contracts/orbai.md).

mod devices;
pub mod failure;
mod magic_link;
pub mod outside;
mod password;
mod referral;
mod register;
mod security;
mod session;
mod user;
mod values;
mod wire;

use std::time::Duration;

use poem::Request;
use poem_openapi::auth::Bearer;
use poem_openapi::{OpenApi, SecurityScheme, Tags};

use super::guard;
use super::limits::published::Published;
use super::mounted::Mount;
use crate::model::contract::Contract;
use crate::model::password::PasswordRule;
use crate::model::subscription::SeededPlan;
use crate::service::authenticate::Caller;
use crate::service::policy::{DeviceLimit, Gate, Policy, UnverifiedMay};

/// What OrbAI has decided (contracts/orbai.md, sections 1 and 4).
pub const POLICY: Policy = Policy {
    contract: Contract::OrbAi,
    gate: Gate::Open,
    password_rule: PasswordRule { min: 8, max: 100, mixed: false },
    first_plan: SeededPlan::Free,
    welcome_key: false,
    hand_over: None,
    unverified_may: UnverifiedMay::DoEverything,
    device_limit: DeviceLimit::OfPlan,
    profiles: true,
    reset_spacing: Duration::ZERO,
};

/// What OrbAI publishes of rates (contracts/orbai.md section 5).
pub const PUBLISHED: Published =
    Published { contract: Contract::OrbAi, all: 100, costly: 10, of_account: 300 };

/// The areas of the contract, as the documentation groups them.
#[derive(Tags)]
enum Area {
    /// Signing up, in and out, and choosing a new password.
    #[oai(rename = "OrbAI 1: sign-up and sessions")]
    Entry,
    /// A code beside the password.
    #[oai(rename = "OrbAI 2: security")]
    Security,
    /// What a user sees of themselves.
    #[oai(rename = "OrbAI 3: user, devices and referrals")]
    User,
}

/// `access_token` of a live session.
#[derive(SecurityScheme)]
#[oai(rename = "OrbAiBearer", ty = "bearer", bearer_format = "JWT", checker = "known")]
pub struct Known(pub Caller);

async fn known(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    let caller = guard::admit(request, &bearer.token, Some(Contract::OrbAi))?;
    Ok(guard::within(request, caller, &PUBLISHED)?)
}

/// The same, also where the organization asks for a second factor that the account has yet to set up.
#[derive(SecurityScheme)]
#[oai(rename = "OrbAiBearer", ty = "bearer", bearer_format = "JWT", checker = "enrolling")]
pub struct Enrolling(pub Caller);

async fn enrolling(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    let caller = guard::admit_to_enrol(request, &bearer.token, Some(Contract::OrbAi))?;
    Ok(guard::within(request, caller, &PUBLISHED)?)
}

/// The contract.
pub struct OrbAi;

impl Mount for OrbAi {
    const CONTRACT: Contract = Contract::OrbAi;
    const TITLE: &'static str = "OrbAI";
    const INTRODUCTION: &'static str = include_str!("orbai/introduction.md");
    const SLASHED: &'static [&'static str] = &[];

    fn operations() -> impl OpenApi {
        (
            register::Register,
            session::Session,
            magic_link::MagicLinks,
            password::Passwords,
            security::Security,
            devices::Devices,
            user::User,
            referral::Referrals,
        )
    }
}

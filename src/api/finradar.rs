//! The FinRadar contract: flat JSON with `message`, published under `/api/v1` (contracts/finradar.md).

mod account;
pub mod failure;
mod links;
pub mod outside;
mod recovery;
mod register;
mod session;
mod user;
mod wire;

use std::time::Duration;

use poem::Request;
use poem_openapi::auth::Bearer;
use poem_openapi::{OpenApi, SecurityScheme, Tags};

use super::guard;
use super::mounted::Mount;
use crate::model::contract::Contract;
use crate::model::password::{MAX_PASSWORD_CHARS, PasswordRule};
use crate::model::subscription::SeededPlan;
use crate::service::authenticate::Caller;
use crate::service::policy::{DeviceLimit, Gate, Policy, UnverifiedMay};

/// What FinRadar has decided (contracts/finradar.md, sections 1 and 2).
pub const POLICY: Policy = Policy {
    contract: Contract::FinRadar,
    gate: Gate::InviteCode,
    password_rule: PasswordRule { min: 8, max: MAX_PASSWORD_CHARS, mixed: false },
    first_plan: SeededPlan::Free,
    welcome_key: true,
    hand_over: Some(Duration::from_secs(10)),
    unverified_may: UnverifiedMay::DoNothing,
    reset_spacing: Duration::from_secs(60),
    device_limit: DeviceLimit::Fixed(2),
    profiles: false,
};

/// The areas of the contract, as the documentation groups them.
#[derive(Tags)]
enum Area {
    /// Signing up and in, proving an address, choosing a new password.
    #[oai(rename = "FinRadar 1: authentication")]
    Authentication,
    /// One's own data.
    #[oai(rename = "FinRadar 2: user")]
    User,
    /// What can be spent, and what it was spent on.
    #[oai(rename = "FinRadar 3: account")]
    Account,
}

/// The `token` of a login: of a live session, whose account has proved its address, for no other gets one.
#[derive(SecurityScheme)]
#[oai(rename = "FinRadarBearer", ty = "bearer", bearer_format = "JWT", checker = "known")]
pub struct Known(pub Caller);

async fn known(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::admit(request, &bearer.token, Some(Contract::FinRadar))?)
}

/// The contract.
pub struct FinRadar;

impl Mount for FinRadar {
    const CONTRACT: Contract = Contract::FinRadar;
    const TITLE: &'static str = "FinRadar";
    const INTRODUCTION: &'static str = include_str!("finradar/introduction.md");
    const SLASHED: &'static [&'static str] = &["/api/v1/user"];

    fn operations() -> impl OpenApi {
        let authentication = (register::Register, session::Session, recovery::Recovery, links::Links);
        (authentication, user::User, account::Account)
    }
}

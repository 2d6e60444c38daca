//! The AppMaker contract: bare JSON in camelCase, published under `/api/v1` with paths relative to it
//! (contracts/appmaker.md).

mod access;
mod directory;
pub mod failure;
mod invitations;
mod me;
pub mod outside;
mod page;
mod password;
mod register;
mod session;
mod tokens;
mod wire;

use std::time::Duration;

use poem::Request;
use poem_openapi::auth::Bearer;
use poem_openapi::{OpenApi, SecurityScheme, Tags};

use super::guard;
use super::mounted::Mount;
use crate::model::contract::Contract;
use crate::model::password::PasswordRule;
use crate::model::subscription::SeededPlan;
use crate::service::authenticate::Caller;
use crate::service::policy::{DeviceLimit, Gate, Policy, UnverifiedMay};

/// What AppMaker has decided (contracts/appmaker.md section 1).
pub const POLICY: Policy = Policy {
    contract: Contract::AppMaker,
    gate: Gate::Invitation,
    password_rule: PasswordRule { min: 8, max: 255, mixed: false },
    first_plan: SeededPlan::Free,
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
    /// Registering by invitation, signing in, and choosing a new password.
    #[oai(rename = "AppMaker 1: sessions")]
    Entry,
    /// What one sees of oneself, and the access tokens of one's programs.
    #[oai(rename = "AppMaker 2: me")]
    Me,
    /// Who is in an organization and who is invited, for its administrators.
    #[oai(rename = "AppMaker 3: organization")]
    Organization,
}

/// An access token of a live session.
#[derive(SecurityScheme)]
#[oai(rename = "AppMakerBearer", ty = "bearer", bearer_format = "JWT", checker = "known")]
pub struct Known(pub Caller);

async fn known(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::admit(request, &bearer.token, Some(Contract::AppMaker))?)
}

/// The contract.
pub struct AppMaker;

impl Mount for AppMaker {
    const CONTRACT: Contract = Contract::AppMaker;
    const TITLE: &'static str = "AppMaker";
    const INTRODUCTION: &'static str = include_str!("appmaker/introduction.md");
    const SLASHED: &'static [&'static str] = &[];

    fn operations() -> impl OpenApi {
        let entry = (register::Register, session::Session, password::Passwords);
        let team = (directory::Directory, invitations::Invitations);
        (entry, me::Me, tokens::Tokens, team)
    }
}

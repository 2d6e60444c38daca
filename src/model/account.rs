//! Accounts: who somebody is and whether they may come in.

use super::contract::Contract;
use super::email::EmailAddress;
use super::id::{AccountId, OrganizationId};
use super::language::Language;
use super::organization::Role;
use super::time::{DAY, Millis};
use std::time::Duration;

/// How long an account may stay unverified before it is removed, where its contract gates on verification.
pub const UNVERIFIED_LIFE: Duration = Duration::from_secs(7 * DAY.as_secs());

/// A person's account, as the database holds it.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: AccountId,
    /// Running number, never given twice.
    pub number: i64,
    pub email: EmailAddress,
    /// Argon2id PHC string; none for somebody who has yet to choose a password.
    pub password_hash: Option<String>,
    pub first_name: String,
    pub last_name: String,
    pub language: Language,
    /// The contract it was made through.
    pub contract: Contract,
    pub created_at: Millis,
    pub updated_at: Millis,
    pub last_login_at: Option<Millis>,
    pub verified_at: Option<Millis>,
    pub deactivated_at: Option<Millis>,
    pub banned_at: Option<Millis>,
    /// When it was taken out of its organization.
    pub removed_at: Option<Millis>,
    /// Since when it has a second factor; none where it has none.
    pub second_factor_at: Option<Millis>,
}

/// What an account may do, computed from its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountState {
    Unverified,
    Active,
    Deactivated,
    /// Taken out of its organization by somebody who may.
    Removed,
    Banned,
}

impl AccountState {
    /// The name shown to operators.
    pub fn as_str(self) -> &'static str {
        match self {
            AccountState::Unverified => "unverified",
            AccountState::Active => "active",
            AccountState::Deactivated => "deactivated",
            AccountState::Removed => "removed",
            AccountState::Banned => "banned",
        }
    }

    /// Whether somebody may log in and use sessions.
    pub fn may_enter(self) -> bool {
        match self {
            AccountState::Unverified | AccountState::Active => true,
            AccountState::Deactivated | AccountState::Removed | AccountState::Banned => false,
        }
    }
}

/// The dates that an account's state follows from.
#[derive(Debug, Clone, Copy)]
pub struct Milestones {
    pub verified_at: Option<Millis>,
    pub deactivated_at: Option<Millis>,
    pub banned_at: Option<Millis>,
    pub removed_at: Option<Millis>,
}

impl Milestones {
    /// The state; a ban outweighs a removal, which outweighs a deactivation, which outweighs the rest.
    pub fn state(self) -> AccountState {
        match (self.banned_at, self.removed_at, self.deactivated_at, self.verified_at) {
            (Some(_), _, _, _) => AccountState::Banned,
            (None, Some(_), _, _) => AccountState::Removed,
            (None, None, Some(_), _) => AccountState::Deactivated,
            (None, None, None, None) => AccountState::Unverified,
            (None, None, None, Some(_)) => AccountState::Active,
        }
    }
}

impl Account {
    /// What it may do.
    pub fn state(&self) -> AccountState {
        let Account { verified_at, deactivated_at, banned_at, removed_at, .. } = *self;
        Milestones { verified_at, deactivated_at, banned_at, removed_at }.state()
    }

    /// First and last name, joined.
    pub fn full_name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name).trim().to_owned()
    }
}

/// An account together with its place in an organization.
#[derive(Debug, Clone)]
pub struct Member {
    pub account: Account,
    pub organization: Option<Membership>,
}

/// A place in an organization.
#[derive(Debug, Clone)]
pub struct Membership {
    pub organization: OrganizationId,
    pub role: Role,
    pub organization_banned: bool,
    pub is_business: bool,
    /// Whether its members must have a second factor.
    pub mfa_enforced: bool,
}

impl Member {
    /// Whether the organization asks for a second factor that the account does not have yet.
    pub fn must_enrol(&self) -> bool {
        self.account.second_factor_at.is_none()
            && self.organization.as_ref().is_some_and(|place| place.mfa_enforced)
    }

    /// Whether account and organization both let this member in.
    pub fn may_enter(&self) -> bool {
        self.account.state().may_enter()
            && !self.organization.as_ref().is_some_and(|place| place.organization_banned)
    }
}

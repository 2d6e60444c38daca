//! What differs between the contracts, as data: the use cases are the same for all of them.

use std::time::Duration;

use crate::model::contract::Contract;
use crate::model::password::PasswordRule;
use crate::model::subscription::SeededPlan;

/// What a contract has decided.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    pub contract: Contract,
    /// Who may sign up.
    pub gate: Gate,
    /// What a chosen password must be like, at sign-up and ever after.
    pub password_rule: PasswordRule,
    /// The plan of an organization that has not had it before; later ones start on the free plan.
    pub first_plan: SeededPlan,
    /// Whether a sign-up makes an API key, which a letter of welcome brings.
    pub welcome_key: bool,
    /// How long an answer waits for the verification letter to be handed over; none where it does not wait.
    pub hand_over: Option<Duration>,
    /// What an account may do before its address is proved.
    pub unverified_may: UnverifiedMay,
    /// How long after a reset letter no other is mailed to the account. Zero: no longer than the address's budget says.
    pub reset_spacing: Duration,
    /// Sessions that an account may have open through the contract.
    pub device_limit: DeviceLimit,
    /// Whether a sign-up gives the account a username, a profile and a referral code.
    pub profiles: bool,
}

/// Who may sign up through a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gate {
    Open,
    /// Whoever has a code of the operator's.
    InviteCode,
    /// Whoever was invited into an organization.
    Invitation,
}

/// What an account may do before its address is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnverifiedMay {
    /// Log in, and read.
    Read,
    /// Nothing: a login mails the verification letter again and is refused.
    DoNothing,
    /// Everything.
    DoEverything,
}

/// How many sessions an account may have open through a contract, and which make room for one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceLimit {
    /// Any number.
    None,
    /// So many; the oldest makes room.
    Fixed(i64),
    /// As many as the plan in force has devices; the least recently used makes room.
    OfPlan,
}

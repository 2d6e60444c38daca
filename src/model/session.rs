//! Sessions and the two tokens that stand for one.

use std::net::IpAddr;
use std::time::Duration;

use super::client_device::DeviceReport;
use super::contract::Contract;
use super::device::Description;
use super::id::{AccountId, SessionId};
use super::time::{DAY, HOUR, Millis};

/// How long the refresh token of the generation before is still answered with its successor, for answers that got
/// lost and tabs that refresh in parallel (F2).
pub const REFRESH_GRACE: Duration = Duration::from_secs(10);

/// How long the tokens of a contract live.
#[derive(Debug, Clone, Copy)]
pub struct TokenLives {
    pub access: Duration,
    pub refresh: Duration,
}

impl Contract {
    /// The lives of tokens handed out through this contract.
    pub fn token_lives(self) -> TokenLives {
        match self {
            Contract::Flashback | Contract::AppMaker => {
                TokenLives { access: HOUR, refresh: Duration::from_secs(30 * DAY.as_secs()) }
            }
            Contract::FinRadar => {
                TokenLives { access: DAY, refresh: Duration::from_secs(30 * DAY.as_secs()) }
            }
            Contract::OrbAi => TokenLives { access: DAY, refresh: Duration::from_secs(28 * DAY.as_secs()) },
        }
    }
}

/// A session, as the database holds it.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: SessionId,
    pub account: AccountId,
    pub contract: Contract,
    /// What the client calls its device, cut to 200 characters.
    pub device: String,
    pub created_at: Millis,
    pub last_used_at: Millis,
    pub expires_at: Millis,
    pub revoked_at: Option<Millis>,
    /// How often it was refreshed; the refresh token in force names this number.
    pub generation: i64,
    pub rotated_at: Millis,
    /// When it last passed the second factor.
    pub second_factor_at: Option<Millis>,
}

impl Session {
    /// Whether tokens of it are honored.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Where a call comes from, as far as sessions and limits want to know.
#[derive(Debug, Clone)]
pub struct Origin {
    pub address: IpAddr,
    /// The client's name for its device, or its `User-Agent`.
    pub device: String,
    /// What it tells of its machine, where it does.
    pub told: Option<Description>,
    /// What it reports of a device that it names itself, where the contract has such.
    pub report: Option<DeviceReport>,
}

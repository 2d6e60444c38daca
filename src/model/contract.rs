//! The four published wire contracts.

use std::fmt;
use std::str::FromStr;

/// A contract. It is the audience (`aud`) of the tokens given out through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Contract {
    Flashback,
    FinRadar,
    OrbAi,
    AppMaker,
}

impl Contract {
    /// All of them, in the order of the documentation.
    pub const ALL: [Contract; 4] =
        [Contract::Flashback, Contract::FinRadar, Contract::OrbAi, Contract::AppMaker];

    /// The name in settings, tokens and the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Contract::Flashback => "flashback",
            Contract::FinRadar => "finradar",
            Contract::OrbAi => "orbai",
            Contract::AppMaker => "appmaker",
        }
    }

    /// Whether an account made through it is of no use until its address is proved: such an account is removed when
    /// that never happens.
    pub fn gates_on_verification(self) -> bool {
        match self {
            Contract::Flashback | Contract::FinRadar => true,
            Contract::OrbAi | Contract::AppMaker => false,
        }
    }
}

impl fmt::Display for Contract {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A name that is none of the four.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a contract is one of flashback, finradar, orbai, appmaker")]
pub struct UnknownContract;

impl FromStr for Contract {
    type Err = UnknownContract;
    fn from_str(text: &str) -> Result<Contract, UnknownContract> {
        Contract::ALL.into_iter().find(|contract| contract.as_str() == text).ok_or(UnknownContract)
    }
}

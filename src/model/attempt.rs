//! Attempts to hand a letter over: its history.

use super::time::Millis;

/// What came of an attempt. Also what attempts are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AttemptOutcome {
    /// Taken by the transport.
    Delivered,
    /// Put off by the server, or cut off in the middle.
    Deferred,
    /// The server was away, silent, or took no letter at all.
    Unreachable,
    /// Refused for good.
    Rejected,
    /// Refused for what the operator has to mend.
    Misconfigured,
    /// Not sent: what it leads to was no longer good.
    Expired,
    /// Not sent: it could not be opened or written down as a mail.
    Unsendable,
    /// The process ended while the letter was in hand, so it may have arrived.
    CutOff,
}

impl AttemptOutcome {
    /// All of them.
    pub const ALL: [AttemptOutcome; 8] = [
        AttemptOutcome::Delivered,
        AttemptOutcome::Deferred,
        AttemptOutcome::Unreachable,
        AttemptOutcome::Rejected,
        AttemptOutcome::Misconfigured,
        AttemptOutcome::Expired,
        AttemptOutcome::Unsendable,
        AttemptOutcome::CutOff,
    ];

    /// The name in the database, in metrics and at the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            AttemptOutcome::Delivered => "delivered",
            AttemptOutcome::Deferred => "deferred",
            AttemptOutcome::Unreachable => "unreachable",
            AttemptOutcome::Rejected => "rejected",
            AttemptOutcome::Misconfigured => "misconfigured",
            AttemptOutcome::Expired => "expired",
            AttemptOutcome::Unsendable => "unsendable",
            AttemptOutcome::CutOff => "cut-off",
        }
    }

    /// The outcome of a database name.
    pub fn of_name(name: &str) -> Option<AttemptOutcome> {
        AttemptOutcome::ALL.into_iter().find(|outcome| outcome.as_str() == name)
    }
}

/// A line of a letter's history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Counts from 1; the oldest of very many are forgotten.
    pub number: i64,
    pub at: Millis,
    pub outcome: AttemptOutcome,
    /// One line of at most 300 characters, most often the server's.
    pub words: String,
    /// Who said so; empty where nobody was asked.
    pub server: String,
    /// How the conversation was encrypted; empty where it was not, or there was none.
    pub tls: String,
}

//! The shapes in which Flashback tells what went wrong (contracts/flashback.md, the three families).

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::problem::{Family, Problem};

/// Family A: register, login, tokens, verification, reset.
pub enum FamilyA {}

/// What went wrong, with a code for programs and a sentence for people.
#[derive(Object)]
#[oai(rename = "FlashbackFailure", example)]
pub struct FailureA {
    /// Always false.
    success: bool,
    /// A fixed word for programs.
    error_code: String,
    /// A sentence for people.
    message: String,
}

impl Example for FailureA {
    fn example() -> FailureA {
        let message = "email must be a valid email address.".to_owned();
        FailureA { success: false, error_code: "INVALID_INPUT".to_owned(), message }
    }
}

impl Family for FamilyA {
    type Body = FailureA;

    fn body(problem: &Problem<FamilyA>) -> FailureA {
        FailureA { success: false, error_code: problem.code.to_owned(), message: problem.message.clone() }
    }
}

/// Family A where the contract calls a missing token by a name of its own: the quota.
pub enum FamilyOfQuota {}

impl Family for FamilyOfQuota {
    type Body = FailureA;

    fn body(problem: &Problem<FamilyOfQuota>) -> FailureA {
        let code = if problem.code == "UNAUTHORIZED" { "NO_AUTH_USER" } else { problem.code };
        FailureA { success: false, error_code: code.to_owned(), message: problem.message.clone() }
    }
}

/// Family B: profile, roles, organization, settings.
pub enum FamilyB {}

/// What went wrong, in a sentence. The code is there where Latchkey itself refuses: no token, unverified address, too
/// many requests.
#[derive(Object)]
#[oai(rename = "FlashbackRefusal", example)]
pub struct FailureB {
    /// Always false.
    success: bool,
    /// A sentence for people.
    message: String,
    /// A fixed word for programs.
    #[oai(skip_serializing_if_is_none)]
    error_code: Option<String>,
}

impl Example for FailureB {
    fn example() -> FailureB {
        FailureB { success: false, message: "User not found".to_owned(), error_code: None }
    }
}

/// The code of problems whose sentence alone is the contract's.
pub const SENTENCE_ONLY: &str = "";

impl Family for FamilyB {
    type Body = FailureB;

    fn body(problem: &Problem<FamilyB>) -> FailureB {
        FailureB {
            success: false,
            message: problem.message.clone(),
            error_code: (problem.code != SENTENCE_ONLY).then(|| problem.code.to_owned()),
        }
    }
}

/// Family C: second factor, devices, sessions.
pub enum FamilyC {}

/// What went wrong, in a sentence.
#[derive(Object)]
#[oai(rename = "FlashbackError", example)]
pub struct FailureC {
    /// Always false.
    success: bool,
    /// A sentence for people.
    error: String,
}

impl Example for FailureC {
    fn example() -> FailureC {
        FailureC { success: false, error: "Session not found".to_owned() }
    }
}

impl Family for FamilyC {
    type Body = FailureC;

    fn body(problem: &Problem<FamilyC>) -> FailureC {
        FailureC { success: false, error: problem.message.clone() }
    }
}

//! The one shape in which FinRadar tells what went wrong.

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::problem::{Family, Problem};

/// A sentence, and nothing else.
pub enum FamilyMessage {}

/// What went wrong, in a sentence.
#[derive(Object)]
#[oai(rename = "FinRadarFailure", example)]
pub struct Failure {
    message: String,
}

impl Example for Failure {
    fn example() -> Failure {
        Failure { message: "Invalid email or password".to_owned() }
    }
}

impl Family for FamilyMessage {
    type Body = Failure;

    fn body(problem: &Problem<FamilyMessage>) -> Failure {
        Failure { message: problem.message.clone() }
    }
}

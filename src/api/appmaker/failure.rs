//! The two shapes in which AppMaker tells what went wrong (contracts/appmaker.md).

use std::collections::BTreeMap;

use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::problem::{Details, Family, Problem};
use crate::model::fault::{Fault, Rule};

/// A sentence a field with status 400, a list of sentences with any other.
pub enum Sentences {}

/// What went wrong: one of the two.
#[derive(Object)]
#[oai(rename = "AppMakerFailure", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct Failure {
    /// Every faulty field with what is wrong with it; `body` is the body as a whole. Always there with status 400.
    validation_error: Option<BTreeMap<String, String>>,
    /// Sentences for people. Always there with any other status.
    api_error: Option<Vec<String>>,
}

impl Example for Failure {
    fn example() -> Failure {
        failure_of([("username", "Must be a valid email address")])
    }
}

impl Family for Sentences {
    type Body = Failure;

    fn body(problem: &Problem<Sentences>) -> Failure {
        body(problem, |field| field)
    }
}

/// The same where a field of the body has another name in what is told of it.
pub fn body<F>(problem: &Problem<F>, name: impl Fn(&str) -> &str) -> Failure {
    match &problem.details {
        Details::Faults(faults) => {
            failure_of(faults.iter().map(|Fault { field, rule }| (name(field), sentence(rule))))
        }
        Details::Field(field) => failure_of([(*field, problem.message.trim_end_matches('.'))]),
        Details::NoToken => told(NO_TOKEN),
        Details::None | Details::Shortfall(_) if problem.status == StatusCode::BAD_REQUEST => {
            failure_of([("request", problem.message.trim_end_matches('.'))])
        }
        Details::None | Details::Shortfall(_) => told(&problem.message),
    }
}

const NO_TOKEN: &str = "A valid access token is required: send Authorization: Bearer <token>, or x-access-token: <token> where personal \
    ones are taken.";

fn told(sentence: &str) -> Failure {
    Failure { validation_error: None, api_error: Some(vec![sentence.to_owned()]) }
}

/// A sentence a field; of several faults of one field the first.
fn failure_of<N: Into<String>, S: Into<String>>(faults: impl IntoIterator<Item = (N, S)>) -> Failure {
    let mut sentences = BTreeMap::new();
    for (field, sentence) in faults {
        sentences.entry(field.into()).or_insert_with(|| sentence.into());
    }
    Failure { validation_error: Some(sentences), api_error: None }
}

/// `Must be a valid email address`.
fn sentence(rule: &Rule) -> String {
    let mut sentence = rule.to_string();
    // Rules are written in ASCII.
    if let Some(first) = sentence.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    sentence
}

/// 400 for one field, in a sentence without a full stop.
pub fn refused<F: Family>(field: &'static str, sentence: &str) -> Problem<F> {
    Problem::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", sentence).with(Details::Field(field))
}

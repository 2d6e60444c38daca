//! The shape in which OrbAI tells what went wrong, and its sentences for faulty fields (contracts/orbai.md section 1).

use std::collections::BTreeMap;

use poem::http::StatusCode;
use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::problem::{Details, Family, Problem, whole_seconds};
use crate::model::fault::{Fault, Kind, Rule};

/// Everything in an envelope.
pub enum Enveloped {}

/// What went wrong, in its envelope.
#[derive(Object)]
#[oai(rename = "OrbAiFailure", example)]
pub struct Failure {
    /// Always false.
    success: bool,
    error: FailureError,
}

/// What went wrong.
#[derive(Object)]
#[oai(rename = "OrbAiError", skip_serializing_if_is_none)]
pub struct FailureError {
    /// A fixed word for programs.
    code: String,
    /// A sentence for people.
    message: String,
    /// Every failing field with what is wrong with it; `body` is the body as a whole. Only with `VALIDATION_ERROR`.
    details: Option<BTreeMap<String, String>>,
    /// Seconds to wait before trying again, as in `Retry-After`.
    retry_after: Option<u64>,
}

impl Example for Failure {
    fn example() -> Failure {
        let details =
            [("email", "Must be a valid email address."), ("password", "Must be at least 8 characters.")];
        let details = details.map(|(field, sentence)| (field.to_owned(), sentence.to_owned()));
        Failure {
            success: false,
            error: FailureError {
                code: "VALIDATION_ERROR".to_owned(),
                message: "Validation failed.".to_owned(),
                details: Some(details.into()),
                retry_after: None,
            },
        }
    }
}

impl Family for Enveloped {
    type Body = Failure;

    const HEADERS: &'static [(&'static str, &'static str)] = &[
        ("X-RateLimit-Limit", "Calls a minute of the strictest budget that the call counted for."),
        ("X-RateLimit-Remaining", "How many of them may come at once now."),
        ("X-RateLimit-Reset", "When all of them may again, in seconds since the epoch."),
    ];

    fn body(problem: &Problem<Enveloped>) -> Failure {
        let (code, message, details) = match &problem.details {
            Details::Faults(faults) => ("VALIDATION_ERROR", "Validation failed.", Some(map(faults))),
            Details::NoToken => ("UNAUTHORIZED", "Invalid or expired access token.", None),
            Details::None | Details::Field(_) | Details::Shortfall(_) => {
                (problem.code, problem.message.as_str(), None)
            }
        };
        let retry_after = problem.retry_after.map(whole_seconds);
        let error = FailureError { code: code.to_owned(), message: message.to_owned(), details, retry_after };
        Failure { success: false, error }
    }

    fn status(problem: &Problem<Enveloped>) -> StatusCode {
        match problem.details {
            Details::Faults(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Details::None | Details::Field(_) | Details::NoToken | Details::Shortfall(_) => problem.status,
        }
    }
}

/// A sentence a field; of several faults of one field the first.
fn map(faults: &[Fault]) -> BTreeMap<String, String> {
    let mut sentences = BTreeMap::new();
    for Fault { field, rule } in faults {
        sentences.entry(field.clone().into_owned()).or_insert_with(|| sentence(rule));
    }
    sentences
}

fn sentence(rule: &Rule) -> String {
    match rule {
        Rule::Required => "Is required.".to_owned(),
        Rule::Type(kind) => format!("Must be {}.", with_article(*kind)),
        Rule::NotJson => "Must be a JSON object.".to_owned(),
        Rule::NotUtf8 => "Must be valid UTF-8.".to_owned(),
        Rule::TooDeep { levels } => format!("Must not nest deeper than {levels} levels."),
        Rule::DuplicateKey => "Must appear only once.".to_owned(),
        Rule::MinChars(1) => "Must not be empty.".to_owned(),
        Rule::MinChars(least) => format!("Must be at least {least} characters."),
        Rule::MaxChars(most) => format!("Must be at most {most} characters."),
        Rule::Minimum(least) => format!("Must be at least {least}."),
        Rule::Maximum(most) => format!("Must be at most {most}."),
        Rule::OneOf(values) => format!("Must be one of {}.", values.join(", ")),
        Rule::Email => "Must be a valid email address.".to_owned(),
        Rule::Website => "Must be a web address.".to_owned(),
        Rule::ControlCharacters => "Must not contain control characters.".to_owned(),
        Rule::Moment => "Must be a date or a moment such as 2027-01-31T12:00:00Z.".to_owned(),
        Rule::Future => "Must be a moment to come.".to_owned(),
        Rule::WithinDays(days) => format!("Must be at most {days} days ahead."),
        Rule::Date => "Must be a date such as 1990-01-31.".to_owned(),
        Rule::NeedsUpperCase => "Must contain an upper-case letter.".to_owned(),
        Rule::NeedsLowerCase => "Must contain a lower-case letter.".to_owned(),
        Rule::NeedsDigit => "Must contain a digit.".to_owned(),
        Rule::Malformed => "Is malformed.".to_owned(),
    }
}

fn with_article(kind: Kind) -> &'static str {
    match kind {
        Kind::String => "a string",
        Kind::Boolean => "a boolean",
        Kind::Integer => "an integer",
        Kind::Number => "a number",
        Kind::Array => "an array",
        Kind::Object => "an object",
    }
}

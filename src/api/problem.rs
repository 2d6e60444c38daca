//! What went wrong, on its way to the wire: a status, a code, a sentence. A contract's family gives it its shape.

use std::marker::PhantomData;
use std::time::Duration;

use poem::http::StatusCode;
use poem_openapi::error::{AuthorizationError, ParseParamError, ParsePathError};
use poem_openapi::types::{ToJSON, Type};

use super::body::BodyError;
use super::guard::GuardError;
use crate::model::fault::{Fault, sentence};
use crate::model::time::Millis;
use crate::service::Setback;
use crate::service::Unavailable;

/// The shape in which a contract tells what went wrong.
pub trait Family: Sized + Send + Sync + 'static {
    /// The headers of all its answers beside those that every answer has, each a number: name and meaning.
    const HEADERS: &'static [(&'static str, &'static str)] = &[];

    /// The wire object.
    type Body: Type + ToJSON + Send;

    /// The wire object of a problem.
    fn body(problem: &Problem<Self>) -> Self::Body;

    /// The status of a problem, where the contract has another for it.
    fn status(problem: &Problem<Self>) -> StatusCode {
        problem.status
    }
}

/// What went wrong. It holds no cause: that was logged, and the body names the request instead.
#[derive(Debug)]
pub struct Problem<F> {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub retry_after: Option<Duration>,
    pub details: Details,
    family: PhantomData<fn() -> F>,
}

/// What a family may tell beyond the sentence.
#[derive(Debug)]
pub enum Details {
    None,
    /// Everything that is wrong with the input.
    Faults(Vec<Fault>),
    /// The one field or parameter that the sentence is about.
    Field(&'static str),
    /// The caller showed no good access token.
    NoToken,
    /// What is missing to pay for a call.
    Shortfall(Box<Shortfall>),
}

/// What is missing to pay for a call.
#[derive(Debug, Clone)]
pub struct Shortfall {
    pub balance: i64,
    pub cost: i64,
    /// None while no plan is in force.
    pub next_refill_at: Option<Millis>,
    pub plan: String,
    pub upgrade_url: Option<String>,
}

/// No contract's shape yet: what the layers around the contracts make of a request.
#[derive(Debug)]
pub enum Unshaped {}

impl<F> Problem<F> {
    /// A problem of this status, code and sentence.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Problem<F> {
        let message = message.into();
        Problem { status, code, message, retry_after: None, details: Details::None, family: PhantomData }
    }

    /// The same problem with what its family tells beyond the sentence.
    pub fn with(self, details: Details) -> Problem<F> {
        Problem { details, ..self }
    }

    /// The same problem in the shape of another family.
    pub fn reshaped<G>(self) -> Problem<G> {
        let Problem { status, code, message, retry_after, details, family: _ } = self;
        Problem { status, code, message, retry_after, details, family: PhantomData }
    }

    /// 400 for faulty input.
    pub fn invalid_input(faults: &[Fault]) -> Problem<F> {
        Problem::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", format!("{}.", sentence(faults)))
            .with(Details::Faults(faults.to_vec()))
    }

    /// 401: no token, or none that is good.
    pub fn unauthorized() -> Problem<F> {
        let message = "A valid access token is required: send it as Authorization: Bearer <token>.";
        Problem::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", message).with(Details::NoToken)
    }

    /// 429: to be tried again after `wait`.
    pub fn rate_limited(wait: Duration) -> Problem<F> {
        let message = format!("Too many requests. Try again in {}.", in_words(wait));
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message);
        Problem { retry_after: Some(wait), ..problem }
    }

    /// 429: locked after too many wrong passwords or codes.
    pub fn locked(wait: Duration) -> Problem<F> {
        let message = format!(
            "Too many wrong attempts at this address from your network. Try again in {}, or follow the link of a reset \
             letter.",
            in_words(wait)
        );
        Problem { message, ..Problem::rate_limited(wait) }
    }

    /// 503: busy, to be tried again after `wait`.
    pub fn busy(wait: Duration) -> Problem<F> {
        let message = format!("The server is busy. Try again in {}.", in_words(wait));
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
        Problem { retry_after: Some(wait), ..problem }
    }

    /// 503 for a fault of ours. The cause goes to the log, once, beside the request's id.
    pub fn unavailable(cause: &Unavailable) -> Problem<F> {
        tracing::error!("{cause}");
        let message = "The server cannot answer at the moment. Its log tells why, under this request's id.";
        let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message);
        Problem { retry_after: Some(Duration::from_secs(5)), ..problem }
    }

    /// What became of an error that no operation handled, or that an extractor met before the operation ran.
    pub fn of_error(error: &poem::Error) -> Problem<F> {
        if let Some(body) = error.downcast_ref::<BodyError>() {
            return Problem::of_body(body);
        }
        if let Some(guard) = error.downcast_ref::<GuardError>() {
            return Problem::of_guard(guard);
        }
        if error.is::<AuthorizationError>() {
            return Problem::unauthorized();
        }
        // Their own words may echo what was sent.
        if let Some(fault) = error.downcast_ref::<ParseParamError>() {
            let message = format!("The parameter {} is malformed or out of bounds.", fault.name);
            return Problem::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", message)
                .with(Details::Field(fault.name));
        }
        if error.is::<ParsePathError>() {
            return Problem::new(StatusCode::BAD_REQUEST, "INVALID_INPUT", "A parameter is malformed.");
        }
        Problem::of_status(error.status())
    }

    /// The problem of a bare status.
    pub fn of_status(status: StatusCode) -> Problem<F> {
        let (code, message) = match status {
            StatusCode::NOT_FOUND => {
                ("NOT_FOUND", "There is nothing at this path. See /docs for what there is.")
            }
            StatusCode::METHOD_NOT_ALLOWED => ("METHOD_NOT_ALLOWED", "This path does not take this method."),
            StatusCode::PAYLOAD_TOO_LARGE => ("PAYLOAD_TOO_LARGE", "The body must be at most 64 KiB."),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                ("UNSUPPORTED_MEDIA_TYPE", "The body must be sent as application/json.")
            }
            StatusCode::REQUEST_TIMEOUT => ("REQUEST_TIMEOUT", "The body took too long to arrive."),
            StatusCode::UNAUTHORIZED => return Problem::unauthorized(),
            status if status.is_client_error() => ("INVALID_INPUT", "The request is malformed."),
            _ => return Problem::internal(),
        };
        Problem::new(status, code, message)
    }

    fn internal() -> Problem<F> {
        let message = "Something went wrong on our side. The log tells what, under this request's id.";
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", message)
    }

    fn of_body(error: &BodyError) -> Problem<F> {
        match error {
            BodyError::Faults(faults) => Problem::invalid_input(faults),
            BodyError::TooLarge => Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE),
            BodyError::UnsupportedMediaType => Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            BodyError::TooSlow => Problem::of_status(StatusCode::REQUEST_TIMEOUT),
        }
    }

    /// The problem of a caller who is not let in.
    pub fn of_guard(error: &GuardError) -> Problem<F> {
        match error {
            GuardError::Unauthorized => Problem::unauthorized(),
            GuardError::Unverified => Problem::new(
                StatusCode::FORBIDDEN,
                "EMAIL_NOT_VERIFIED",
                "Verify your email address first: this account can only read until then.",
            ),
            GuardError::MustEnrol => Problem::new(
                StatusCode::FORBIDDEN,
                "MFA_SETUP_REQUIRED",
                "Your organization asks for a second factor: set one up first.",
            ),
            GuardError::Lacking => Problem::new(
                StatusCode::FORBIDDEN,
                "FORBIDDEN",
                "This access token was not made for that, or its owner may not do it any more.",
            ),
            GuardError::TooManyCalls(wait) => Problem::rate_limited(*wait),
            GuardError::Unavailable(cause) => Problem::unavailable(cause),
        }
    }
}

impl<F: Family> From<Unavailable> for Problem<F> {
    fn from(cause: Unavailable) -> Problem<F> {
        Problem::unavailable(&cause)
    }
}

impl<F: Family> From<Setback> for Problem<F> {
    fn from(setback: Setback) -> Problem<F> {
        match setback {
            Setback::Busy(wait) => Problem::busy(wait),
            Setback::Unavailable(cause) => Problem::unavailable(&cause),
        }
    }
}

/// A span in whole seconds, rounded up: what `Retry-After` holds (RFC 9110 section 10.2.3).
pub fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

fn in_words(wait: Duration) -> String {
    match whole_seconds(wait) {
        1 => "a second".to_owned(),
        seconds if seconds < 120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds.div_ceil(60)),
    }
}

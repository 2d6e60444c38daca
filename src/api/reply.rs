//! One answer type for every operation: its success, or a problem in its contract's shape. The statuses an operation
//! can send stand beside it as data, so that the document tells them all, and tests hold them to it.

use std::borrow::Cow;

use poem::http::header::{CONTENT_TYPE, RETRY_AFTER};
use poem::http::{HeaderValue, StatusCode};
use poem::{Body, IntoResponse, Response};
use poem_openapi::ApiResponse;
use poem_openapi::registry::{
    MetaHeader, MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry,
};
use poem_openapi::types::{ToJSON, Type};

use super::problem::{Family, Problem, whole_seconds};

/// A status and what it means there.
pub type Status = (u16, &'static str);

/// What every operation may answer.
pub const ALWAYS: &[Status] = &[
    (429, "Too many requests: wait as long as `Retry-After` says."),
    (500, "A fault of the server; its log tells more under the id in `X-Request-Id`."),
    (503, "The server is busy or cannot reach its database: wait as long as `Retry-After` says."),
];

/// What every operation with a JSON body may answer.
pub const WITH_BODY: &[Status] = &[
    (408, "The body took longer than 10 seconds to arrive."),
    (413, "The body is longer than 64 KiB."),
    (415, "The body was not sent as `application/json`."),
];

/// What every operation with a parameter in its path may answer.
pub const WITH_PATH: &[Status] = &[(400, "`INVALID_INPUT`: a parameter in the path is malformed.")];

/// What every operation behind a token may answer.
pub const WITH_TOKEN: &[Status] = &[
    (401, "No access token, or one that is expired, revoked, or of an account that may not enter."),
    (
        403,
        "`MFA_SETUP_REQUIRED`: the organization asks for a second factor that the account has yet to set up.",
    ),
];

/// What an operation can answer.
pub trait Outcomes: Send + Sync + 'static {
    type Family: Family;
    type Success: Type + ToJSON + Send;
    /// The status of success.
    const SUCCESS: Status;
    /// All others, in groups.
    const FAILURES: &'static [&'static [Status]];
}

/// Declares an operation's outcomes and names its reply:
/// `outcomes!(RegisterReply = Register: FamilyA, 201 "made" => Entered, [ALWAYS, &[(400, "refused")]])`. With `streamed`
/// before it, the reply is one whose success comes as a stream; with `empty` and no type, one whose success has no body.
macro_rules! outcomes {
    (streamed $reply:ident = $name:ident: $($rest:tt)*) => {
        $crate::api::reply::outcomes!(@of $name: $($rest)*);
        pub type $reply = $crate::api::reply::Streamed<$name>;
    };
    (empty $reply:ident = $name:ident: $family:ty, $status:literal $text:literal, [$($failures:expr),* $(,)?]) => {
        $crate::api::reply::outcomes!(@of $name: $family, $status $text => $crate::api::reply::Nothing,
            [$($failures),*]);
        pub type $reply = $crate::api::reply::Reply<$name>;
    };
    (@of $name:ident: $family:ty, $status:literal $text:literal => $success:ty, [$($failures:expr),* $(,)?]) => {
        pub struct $name;

        impl $crate::api::reply::Outcomes for $name {
            type Family = $family;
            type Success = $success;
            const SUCCESS: $crate::api::reply::Status = ($status, $text);
            const FAILURES: &'static [&'static [$crate::api::reply::Status]] = &[$($failures),*];
        }
    };
    ($reply:ident = $name:ident: $($rest:tt)*) => {
        $crate::api::reply::outcomes!(@of $name: $($rest)*);
        pub type $reply = $crate::api::reply::Reply<$name>;
    };
}
pub(crate) use outcomes;

/// A success that has no body.
pub struct Nothing;

impl Type for Nothing {
    /// By this the document knows that there is nothing to describe.
    const IS_REQUIRED: bool = false;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Borrowed("nothing")
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::ANY))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        None
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::empty())
    }
}

impl ToJSON for Nothing {
    fn to_json(&self) -> Option<serde_json::Value> {
        None
    }
}

/// An operation's answer.
pub enum Reply<O: Outcomes> {
    Done(O::Success),
    Failed(Problem<O::Family>),
}

impl<O: Outcomes> From<Result<O::Success, Problem<O::Family>>> for Reply<O> {
    fn from(result: Result<O::Success, Problem<O::Family>>) -> Reply<O> {
        match result {
            Ok(success) => Reply::Done(success),
            Err(problem) => Reply::Failed(problem),
        }
    }
}

impl<O: Outcomes> IntoResponse for Reply<O> {
    fn into_response(self) -> Response {
        match self {
            Reply::Done(success) => match success.to_json() {
                Some(json) => response::<O>(json.to_string().into()),
                None => StatusCode::from_u16(O::SUCCESS.0).unwrap_or(StatusCode::NO_CONTENT).into_response(),
            },
            Reply::Failed(problem) => problem_response(&problem),
        }
    }
}

/// An operation's answer whose success is too long to be held as a whole: the document tells it as any other, and the
/// text comes as a stream.
pub enum Streamed<O: Outcomes> {
    Done(Body),
    Failed(Problem<O::Family>),
}

impl<O: Outcomes> From<Result<Body, Problem<O::Family>>> for Streamed<O> {
    fn from(result: Result<Body, Problem<O::Family>>) -> Streamed<O> {
        match result {
            Ok(body) => Streamed::Done(body),
            Err(problem) => Streamed::Failed(problem),
        }
    }
}

impl<O: Outcomes> IntoResponse for Streamed<O> {
    fn into_response(self) -> Response {
        match self {
            Streamed::Done(body) => response::<O>(body),
            Streamed::Failed(problem) => problem_response(&problem),
        }
    }
}

/// The answer that a problem becomes.
pub fn problem_response<F: Family>(problem: &Problem<F>) -> Response {
    let mut response = json(F::status(problem), F::body(problem).to_json_string().into());
    if let Some(wait) = problem.retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(whole_seconds(wait)));
    }
    response
}

fn response<O: Outcomes>(body: Body) -> Response {
    json(StatusCode::from_u16(O::SUCCESS.0).unwrap_or(StatusCode::OK), body)
}

fn json(status: StatusCode, body: Body) -> Response {
    let mut response = Response::from(body);
    response.set_status(status);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

impl<O: Outcomes> ApiResponse for Reply<O> {
    const BAD_REQUEST_HANDLER: bool = true;

    fn meta() -> MetaResponses {
        let headers = <O::Family as Family>::HEADERS;
        let success = meta::<O::Success>(O::SUCCESS, headers);
        let mut failures: Vec<Status> = O::FAILURES.iter().flat_map(|group| group.iter().copied()).collect();
        failures.sort_by_key(|(status, _)| *status);
        // What an operation says itself of a status stands behind what a group says, and goes before it.
        let failures = failures.iter().zip(failures.iter().skip(1).map(Some).chain([None]));
        let failures =
            failures.filter(|(one, next)| next.is_none_or(|next| next.0 != one.0)).map(|(one, _)| *one);
        let failures = failures.map(|status| meta::<<O::Family as Family>::Body>(status, headers));
        MetaResponses { responses: [success].into_iter().chain(failures).collect() }
    }

    fn register(registry: &mut Registry) {
        O::Success::register(registry);
        <O::Family as Family>::Body::register(registry);
    }

    fn from_parse_request_error(error: poem::Error) -> Reply<O> {
        Reply::Failed(Problem::of_error(&error))
    }
}

impl<O: Outcomes> ApiResponse for Streamed<O> {
    const BAD_REQUEST_HANDLER: bool = true;

    fn meta() -> MetaResponses {
        Reply::<O>::meta()
    }

    fn register(registry: &mut Registry) {
        Reply::<O>::register(registry);
    }

    fn from_parse_request_error(error: poem::Error) -> Streamed<O> {
        Streamed::Failed(Problem::of_error(&error))
    }
}

/// How the document tells a failure in a family's shape.
pub(super) fn failure<F: Family>(status: Status) -> MetaResponse {
    meta::<F::Body>(status, F::HEADERS)
}

fn meta<T: Type>((status, description): Status, more: &[(&str, &str)]) -> MetaResponse {
    let content = MetaMediaType { content_type: "application/json", schema: T::schema_ref() };
    let content = if T::IS_REQUIRED { vec![content] } else { Vec::new() };
    let mut headers = vec![header("X-Request-Id", "string", "Names this request in the server's log.")];
    if matches!(status, 429 | 503) {
        headers.push(header("Retry-After", "integer", "Seconds to wait before trying again."));
    }
    headers.extend(more.iter().map(|(name, meaning)| header(name, "integer", meaning)));
    MetaResponse { description, status: Some(status), status_range: None, content, headers }
}

fn header(name: &str, kind: &'static str, description: &str) -> MetaHeader {
    MetaHeader {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        required: false,
        deprecated: false,
        schema: MetaSchemaRef::Inline(Box::new(MetaSchema::new(kind))),
    }
}

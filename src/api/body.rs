//! The JSON payload of every contract: bounded, strict, and with all faults reported at once.
//!
//! poem-openapi's own `Json<T>` has no limit, stops at the first fault, turns numbers into strings, lets the
//! last of two equal keys win, and echoes the offending value in its message, passwords included. `Body<T>`
//! reads at most [`MAX_BODY`] bytes, walks the schema that `T` publishes, so that the document is what is
//! enforced, and only then lets `T` parse.

mod json;
mod schema;
mod text;
mod trail;

#[cfg(test)]
mod tests;

use std::time::Duration;

use poem::error::{ReadBodyError, ResponseError};
use poem::http::{StatusCode, header};
use poem::{IntoResponse, Request, RequestBody, Response};
use poem_openapi::payload::Payload;
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

use crate::model::fault::{Fault, Rule, sentence};

pub use text::{Text, TextValue};

/// The largest request body that is read, in bytes: 64 KiB.
pub const MAX_BODY: usize = 65_536;

/// How long a whole request body may take to arrive (threat row J2: slow bodies).
const TIME_TO_ARRIVE: Duration = Duration::from_secs(10);

/// No charset parameter: RFC 8259, section 11 defines none, and client generators trip over one.
const JSON: &str = "application/json";

/// Why a request body was refused. A `bad_request_handler` finds it by `poem::Error::downcast`.
///
/// Neither the faults nor the text carry a submitted value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// 400: not a JSON object, or fields of it break their rules. Never empty, at most 50 faults.
    #[error("{}", sentence(.0))]
    Faults(Vec<Fault>),
    /// 413: longer than [`MAX_BODY`].
    #[error("the body must be at most {MAX_BODY} bytes")]
    TooLarge,
    /// 415: something was sent, but not as `application/json`.
    #[error("the body must be sent as application/json")]
    UnsupportedMediaType,
    /// 408: the body did not arrive within 10 seconds.
    #[error("the body took too long to arrive")]
    TooSlow,
}

impl ResponseError for BodyError {
    fn status(&self) -> StatusCode {
        match self {
            BodyError::Faults(_) => StatusCode::BAD_REQUEST,
            BodyError::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            BodyError::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            BodyError::TooSlow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

impl BodyError {
    fn of_body(rule: Rule) -> BodyError {
        BodyError::Faults(vec![Fault::of_body(rule)])
    }
}

/// A JSON body: required in a request, `application/json` in an answer.
///
/// As an argument of an operation it fails with [`BodyError`]; as a response it serializes `T`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body<T>(pub T);

/// A JSON body that a request may leave out.
///
/// An empty body is `None`, whatever the `Content-Type`: clients post without either (contracts/flashback.md,
/// section 5). Anything else is held to the rules of [`Body`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionalBody<T>(pub Option<T>);

impl<'a, T: ParseFromJSON + 'static> ApiExtractor<'a> for Body<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>(true))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body, TIME_TO_ARRIVE).await?;
        let bytes = bytes.ok_or_else(|| BodyError::of_body(Rule::Required))?;
        Ok(Body(parse(&bytes)?))
    }
}

impl<'a, T: ParseFromJSON + 'static> ApiExtractor<'a> for OptionalBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];

    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        T::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        Some(request_meta::<T>(false))
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<()>,
    ) -> poem::Result<Self> {
        let bytes = read(request, body, TIME_TO_ARRIVE).await?;
        Ok(OptionalBody(bytes.map(|bytes| parse(&bytes)).transpose()?))
    }
}

impl<T: Type> Payload for Body<T> {
    const CONTENT_TYPE: &'static str = JSON;

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ToJSON> IntoResponse for Body<T> {
    fn into_response(self) -> Response {
        Response::builder().content_type(JSON).body(self.0.to_json_string())
    }
}

fn request_meta<T: Type>(required: bool) -> MetaRequest {
    let content = vec![MetaMediaType { content_type: JSON, schema: T::schema_ref() }];
    MetaRequest { description: None, content, required }
}

/// Reads the whole body; `None` is an empty one, whose `Content-Type` does not matter.
async fn read(
    request: &Request,
    body: &mut RequestBody,
    time_limit: Duration,
) -> Result<Option<Vec<u8>>, BodyError> {
    let announced = request.header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > MAX_BODY as u64) {
        return Err(BodyError::TooLarge);
    }
    let body = body.take().expect("an operation has one body argument, so nobody took it before");
    let bytes = match tokio::time::timeout(time_limit, body.into_bytes_limit(MAX_BODY)).await {
        Err(_) => return Err(BodyError::TooSlow),
        Ok(Err(ReadBodyError::PayloadTooLarge)) => return Err(BodyError::TooLarge),
        // The connection broke or its framing is wrong: what came is not a document.
        Ok(Err(_)) => return Err(BodyError::of_body(Rule::NotJson)),
        Ok(Ok(bytes)) => bytes,
    };
    if bytes.is_empty() {
        return Ok(None);
    }
    if !request.content_type().is_some_and(is_json) {
        return Err(BodyError::UnsupportedMediaType);
    }
    Ok(Some(bytes.into()))
}

/// Parameters are ignored: JSON between systems is UTF-8 whatever they say (RFC 8259, section 8.1).
fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|essence| essence.trim().eq_ignore_ascii_case(JSON))
}

fn parse<T: ParseFromJSON + 'static>(bytes: &[u8]) -> Result<T, BodyError> {
    let text = std::str::from_utf8(bytes).map_err(|_| BodyError::of_body(Rule::NotUtf8))?;
    let document = json::parse(text).map_err(BodyError::of_body)?;
    let mut object = Value::Object(document.object);
    let mut faults = document.duplicates;
    faults.extend(schema::of::<T>().faults_of(&mut object));
    if !faults.is_empty() {
        faults.truncate(trail::MAX_FAULTS);
        return Err(BodyError::Faults(faults));
    }
    // The parser's own message quotes the value, so it goes no further than this line.
    T::parse_from_json(Some(object)).map_err(|_| BodyError::of_body(Rule::Malformed))
}

//! A small API that answers with what its bodies were refused for; the tests proper are below it.

mod fields;
mod transport;

use std::collections::HashMap;

use poem::http::{Method, StatusCode, header};
use poem::{Body as HttpBody, Endpoint, IntoEndpoint, Request};
use poem_openapi::auth::Bearer;
use poem_openapi::error::{AuthorizationError, ParseParamError, ParsePathError};
use poem_openapi::param::{Path, Query};
use poem_openapi::types::{Example, MaybeUndefined};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi, OpenApiService, SecurityScheme};
use serde_json::{Value, json};

use super::*;

#[derive(Debug, Clone)]
struct Address(String);

impl TextValue for Address {
    const NAME: &'static str = "test_address";
    const FORMAT: &'static str = "email";
    const MIN: Option<usize> = Some(3);
    const MAX: Option<usize> = Some(20);

    fn parse(text: &str) -> Result<Self, Rule> {
        if text.contains('@') { Ok(Address(text.to_owned())) } else { Err(Rule::Email) }
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

/// Shares its format with `Address`, and has another rule.
#[derive(Debug, Clone)]
struct CompanyAddress(String);

impl TextValue for CompanyAddress {
    const NAME: &'static str = "test_company_address";
    const FORMAT: &'static str = "email";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = None;

    fn parse(text: &str) -> Result<Self, Rule> {
        if text.ends_with("@acme.example") {
            Ok(CompanyAddress(text.to_owned()))
        } else {
            Err(Rule::Malformed)
        }
    }

    fn as_str(&self) -> &str {
        &self.0
    }
}

#[derive(Debug, Enum)]
#[oai(rename_all = "UPPERCASE")]
enum SecondFactor {
    Totp,
    Link,
}

/// The device one signs in from.
#[derive(Debug, Object)]
#[oai(rename_all = "camelCase")]
struct DeviceInfo {
    #[oai(validator(max_length = 5))]
    name: String,
    build: Option<i32>,
}

#[derive(Debug, Object)]
#[oai(rename = "TestRegisterRequest", rename_all = "camelCase", example)]
struct RegisterRequest {
    /// Where the verification goes.
    email: Text<Address>,
    #[oai(validator(min_length = 8, max_length = 10))]
    password: String,
    first_name: String,
    is_business: bool,
    /// The device, if known.
    device_info: Option<DeviceInfo>,
    billing: Option<Text<CompanyAddress>>,
    #[oai(validator(max_items = 2))]
    keys: Option<Vec<String>>,
    role: Option<u8>,
    #[oai(validator(minimum(value = "1"), maximum(value = "9")))]
    level: Option<i64>,
    method: Option<SecondFactor>,
    #[oai(nullable)]
    phone: MaybeUndefined<String>,
    #[oai(nullable)]
    backup: MaybeUndefined<DeviceInfo>,
    limits: Option<HashMap<String, i32>>,
    extra: Option<Value>,
    #[oai(read_only, default)]
    plan: Option<String>,
}

impl Example for RegisterRequest {
    fn example() -> Self {
        RegisterRequest {
            email: Text(Address("ada@example.org".into())),
            password: "Str0ngPass".into(),
            first_name: "Ada".into(),
            is_business: false,
            device_info: None,
            billing: None,
            keys: None,
            role: None,
            level: None,
            method: None,
            phone: MaybeUndefined::Undefined,
            backup: MaybeUndefined::Undefined,
            limits: None,
            extra: None,
            plan: None,
        }
    }
}

#[derive(Debug, Object)]
#[oai(rename = "TestAnswer")]
struct Answer {
    text: String,
    #[oai(skip_serializing_if_is_none)]
    left_out: Option<String>,
    #[oai(nullable)]
    present: Option<DeviceInfo>,
}

#[derive(ApiResponse)]
#[oai(bad_request_handler = "refused", header(name = "X-Request-Id", ty = "String"))]
enum Reply {
    /// It worked.
    #[oai(status = 201)]
    Done(Body<Answer>),
    /// It did not.
    #[oai(status = 400)]
    Refused(Body<Answer>, #[oai(header = "Retry-After")] Option<u64>),
}

fn answer(text: impl Into<String>) -> Body<Answer> {
    Body(Answer { text: text.into(), left_out: None, present: None })
}

/// Shows what arrived, so that the tests pin which type comes with which failure.
fn refused(error: poem::Error) -> Reply {
    let kind = if error.is::<BodyError>() {
        "BodyError"
    } else if error.is::<SessionEnded>() {
        "SessionEnded"
    } else if error.is::<AuthorizationError>() {
        "AuthorizationError"
    } else if error.is::<ParsePathError>() {
        "ParsePathError"
    } else if error.is::<ParseParamError>() {
        "ParseParamError"
    } else {
        "unknown"
    };
    Reply::Refused(answer(format!("{kind} {}: {error}", error.status().as_u16())), Some(7))
}

#[derive(Debug, thiserror::Error)]
#[error("the session ended")]
struct SessionEnded;

impl ResponseError for SessionEnded {
    fn status(&self) -> StatusCode {
        StatusCode::UNAUTHORIZED
    }
}

#[derive(SecurityScheme)]
#[oai(ty = "bearer", checker = "check_result")]
struct Strict(#[expect(dead_code, reason = "it is only ever parsed")] String);

async fn check_result(_: &Request, bearer: Bearer) -> poem::Result<String> {
    if bearer.token == "good" { Ok(bearer.token) } else { Err(SessionEnded.into()) }
}

#[derive(SecurityScheme)]
#[oai(ty = "bearer", checker = "check_option")]
struct Silent(#[expect(dead_code, reason = "it is only ever parsed")] String);

async fn check_option(_: &Request, bearer: Bearer) -> Option<String> {
    (bearer.token == "good").then_some(bearer.token)
}

#[derive(SecurityScheme)]
enum Anybody {
    #[expect(dead_code, reason = "it is only ever parsed")]
    Known(Strict),
    #[oai(fallback)]
    Unknown,
}

struct Api;

#[OpenApi]
impl Api {
    /// Signs up
    ///
    /// A description.
    #[oai(path = "/register", method = "post")]
    async fn register(&self, Body(order): Body<RegisterRequest>) -> Reply {
        Reply::Done(answer(format!("{order:?}")))
    }

    #[oai(path = "/logout", method = "post")]
    async fn logout(&self, caller: Anybody, body: OptionalBody<DeviceInfo>) -> Reply {
        let caller = matches!(caller, Anybody::Known(_));
        Reply::Done(answer(format!("{caller} {}", body.0.map_or("none".to_owned(), |device| device.name))))
    }

    #[oai(path = "/strict/:id", method = "post")]
    async fn strict(&self, _caller: Strict, id: Path<u32>, page: Query<u32>) -> Reply {
        Reply::Done(answer(format!("{} {}", id.0, page.0)))
    }

    #[oai(path = "/silent", method = "post")]
    async fn silent(&self, _caller: Silent, _body: Body<DeviceInfo>) -> Reply {
        Reply::Done(answer("in"))
    }
}

fn request(path: &str, body: impl Into<HttpBody>) -> Request {
    let builder = Request::builder().method(Method::POST).uri(path.parse().unwrap());
    builder.content_type("application/json").body(body)
}

/// The status and the text of the answer.
async fn call(request: Request) -> (u16, String) {
    let response = OpenApiService::new(Api, "test", "1").into_endpoint().get_response(request).await;
    let status = response.status().as_u16();
    assert_eq!(response.content_type(), Some("application/json"));
    let body: Value = serde_json::from_str(&response.into_body().into_string().await.unwrap()).unwrap();
    (status, body["text"].as_str().unwrap().to_owned())
}

fn valid() -> Value {
    json!({"email": "a@b.example", "password": "Str0ngPass", "firstName": "Ada", "isBusiness": true})
}

/// The valid order with some fields replaced.
fn with(changes: Value) -> String {
    let mut order = valid();
    order.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    order.to_string()
}

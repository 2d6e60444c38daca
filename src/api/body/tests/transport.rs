//! How a document may arrive, what else can fail, and what the OpenAPI document says about it.

use serde_json::json;

use super::*;

#[tokio::test]
async fn content_types_are_judged_only_when_something_was_sent() {
    let rows = [
        (Some("application/json"), true, 201),
        (Some("Application/JSON ; charset=iso-8859-1"), true, 201),
        (Some("application/json;charset=utf-8"), true, 201),
        (Some("application/problem+json"), true, 415),
        (Some("application/jsonx"), true, 415),
        (Some("text/plain"), true, 415),
        (Some("multipart/form-data; boundary=x"), true, 415),
        (None, true, 415),
        (None, false, 400),
        (Some("text/plain"), false, 400),
    ];
    for (content_type, sent, expected) in rows {
        let mut request = request("/register", if sent { with(json!({})) } else { String::new() });
        request.headers_mut().remove(header::CONTENT_TYPE);
        if let Some(content_type) = content_type {
            request.headers_mut().insert(header::CONTENT_TYPE, content_type.parse().unwrap());
        }
        let (status, text) = call(request).await;
        let arrived = if status == 201 { "201".to_owned() } else { text[10..13].to_owned() };
        assert_eq!(arrived, expected.to_string(), "{content_type:?}, sent: {sent}");
    }
}

#[tokio::test]
async fn an_optional_body_may_be_missing() {
    let bare = || Request::builder().method(Method::POST).uri("/logout".parse().unwrap());
    let rows = [
        ("no body, no headers", bare().finish(), 201, "false none"),
        ("length 0", bare().header("content-length", "0").finish(), 201, "false none"),
        ("empty JSON", bare().content_type("application/json").finish(), 201, "false none"),
        ("empty form", bare().content_type("text/plain").finish(), 201, "false none"),
        ("a stale token", bare().header("authorization", "Bearer stale").finish(), 201, "false none"),
        ("a good token", bare().header("authorization", "Bearer good").finish(), 201, "true none"),
        ("a body", bare().content_type("application/json").body("{\"name\":\"x\"}"), 201, "false x"),
        ("no type", bare().body("{}"), 400, "BodyError 415: the body must be sent as application/json"),
        ("a bad body", request("/logout", "{}"), 400, "BodyError 400: name is required"),
        ("null", request("/logout", "null"), 400, "BodyError 400: body must be a JSON object"),
    ];
    for (description, request, status, text) in rows {
        assert_eq!(call(request).await, (status, text.to_owned()), "{description}");
    }
}

#[tokio::test]
async fn a_body_is_bounded_in_length_and_time() {
    let padding = MAX_BODY - with(json!({"x": ""})).len();
    let full = with(json!({"x": "x".repeat(padding)}));
    assert_eq!(call(request("/register", full)).await.0, 201, "64 KiB pass");

    let too_large = "BodyError 413: the body must be at most 65536 bytes";
    let streamed = with(json!({"x": "x".repeat(padding + 1)}));
    assert_eq!(call(request("/register", streamed)).await.1, too_large);

    // Refused by the announcement alone: this body never ends.
    let (_kept_open, endless) = tokio::io::duplex(16);
    let mut announced = request("/register", HttpBody::from_async_read(endless));
    announced.headers_mut().insert(header::CONTENT_LENGTH, "65537".parse().unwrap());
    assert_eq!(call(announced).await.1, too_large);

    let (_kept_open, endless) = tokio::io::duplex(16);
    let slow = request("/register", HttpBody::from_async_read(endless));
    let (slow, mut body) = slow.split();
    assert_eq!(read(&slow, &mut body, Duration::from_millis(1)).await, Err(BodyError::TooSlow));
    assert_eq!(BodyError::TooSlow.status(), StatusCode::REQUEST_TIMEOUT);
}

#[tokio::test]
async fn other_failures_arrive_with_types_of_their_own() {
    let build = |path: &str, token: &str| {
        let mut request = request(path, "{}");
        if !token.is_empty() {
            request.headers_mut().insert(header::AUTHORIZATION, token.parse().unwrap());
        }
        request
    };
    let rows = [
        ("/strict/1?page=1", "", "AuthorizationError 401: authorization error"),
        ("/strict/1?page=1", "Basic eDp5", "AuthorizationError 401: authorization error"),
        ("/strict/1?page=1", "Bearer bad", "SessionEnded 401: the session ended"),
        ("/silent", "Bearer bad", "AuthorizationError 401: authorization error"),
        ("/silent", "Bearer good", "BodyError 400: name is required"),
        (
            "/strict/x?page=1",
            "Bearer good",
            "ParsePathError 400: failed to parse path `param0`: failed to parse \"integer(uint32)\": \
             invalid digit found in string",
        ),
        (
            "/strict/1?page=x",
            "Bearer good",
            "ParseParamError 400: failed to parse parameter `page`: failed to parse \"integer(uint32)\": \
             invalid digit found in string",
        ),
        (
            "/strict/1",
            "Bearer good",
            "ParseParamError 400: failed to parse parameter `page`: Type \"integer(uint32)\" expects an \
             input value.",
        ),
    ];
    for (path, token, expected) in rows {
        assert_eq!(call(build(path, token)).await, (400, expected.to_owned()), "{path} {token}");
    }
}

#[test]
fn the_document_says_what_is_enforced() {
    let spec = OpenApiService::new(Api, "test", "1").spec();
    let spec: Value = serde_json::from_str(&spec).unwrap();
    let register = &spec["paths"]["/register"]["post"];
    let schema = json!({"$ref": "#/components/schemas/TestRegisterRequest"});
    let body = json!({"content": {"application/json": {"schema": schema}}, "required": true});
    assert_eq!(register["requestBody"], body);
    assert_eq!(spec["paths"]["/logout"]["post"]["requestBody"]["required"], false);
    let answers = register["responses"]["201"]["content"].as_object().unwrap();
    assert_eq!(answers.keys().collect::<Vec<_>>(), ["application/json"]);
    let properties = &spec["components"]["schemas"]["TestRegisterRequest"]["properties"];
    let email = json!({"type": "string", "format": "email", "minLength": 3, "maxLength": 20,
        "description": "Where the verification goes."});
    assert_eq!(properties["email"], email);
    assert_eq!(properties["password"], json!({"type": "string", "minLength": 8, "maxLength": 10}));
}

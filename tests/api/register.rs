//! `POST /user/register`: what it answers, and what it refuses (contracts/flashback.md section 1).

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, START, registration};
use crate::jwt;

/// Stands in everything that is submitted and may come back in nothing.
const CANARY: &str = "canary";

/// A faultless sign-up with the canary in every text, changed as told.
fn changed(changes: Value) -> Vec<u8> {
    let mut body = json!({
        "email": "canary@canary.example", "password": "Canary-1234", "firstName": "canary", "lastName": "canary",
        "companyName": "canary", "companyWebsite": "https://canary.example", "isBusiness": true
    });
    let fields = body.as_object_mut().expect("an object");
    for (key, value) in changes.as_object().expect("changes by field") {
        fields.insert(key.clone(), value.clone());
    }
    body.to_string().into_bytes()
}

/// The fields that a message names, in its order.
fn named(message: &str) -> Vec<&str> {
    message.trim_end_matches('.').split("; ").filter_map(|fault| fault.split(' ').next()).collect()
}

fn nobody_is_there(app: &App) {
    assert!(app.service.list_accounts(0, 10).expect("accounts").is_empty(), "somebody was stored");
    assert!(app.service.list_letters(None, 10).expect("letters").is_empty(), "a letter was written");
}

fn is_id(text: &str) -> bool {
    text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[tokio::test]
async fn a_sign_up_answers_to_the_letter() {
    let app = App::start().await;
    let answer = app.register("john.doe@company.com").await;
    assert_eq!((answer.status, answer.header("content-type")), (201, "application/json"));
    let body = answer.json();
    let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
    let expected =
        ["success", "accessToken", "refreshToken", "tokenId", "expiresAt", "verificationTokenId", "user"];
    assert_eq!(keys, expected);
    let keys: Vec<&String> = body["user"].as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["id", "email", "name", "orgId", "orgRole", "image_url"]);
    assert_eq!((&body["success"], &body["expiresAt"]), (&json!(true), &json!(START.seconds() + 3600)));
    let user = &body["user"];
    assert_eq!((&user["email"], &user["name"]), (&json!("john.doe@company.com"), &json!("John Doe")));
    assert_eq!((&user["orgRole"], &user["image_url"]), (&json!(255), &json!("")));
    for id in [&body["tokenId"], &body["verificationTokenId"], &user["id"], &user["orgId"]] {
        assert!(is_id(id.as_str().expect("text")), "{id}");
    }
    let access = jwt::claims(&answer.field("accessToken"));
    assert_eq!((&access["userId"], &access["orgId"]), (&user["id"], &user["orgId"]));
    assert_eq!((&access["email"], &access["type"]), (&user["email"], &json!("access")));
    assert_eq!((&access["iat"], &access["exp"]), (&json!(START.seconds()), &body["expiresAt"]));
    let refresh = jwt::claims(&answer.field("refreshToken"));
    let month = START.seconds() + 30 * 86_400;
    assert_eq!((&refresh["type"], &refresh["exp"]), (&json!("refresh"), &json!(month)));
    assert!(!answer.text.contains(PASSWORD));
    app.finish().await;
}

fn faulty_fields() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let wrong_types = json!({
        "email": 1, "password": true, "firstName": ["canary"], "lastName": {"canary": 1}, "companyName": 3.5,
        "companyWebsite": 7, "isBusiness": "true", "phone": 5
    });
    let nothing = json!({
        "email": null, "password": null, "firstName": null, "lastName": null, "companyName": null, "isBusiness": null
    });
    let long = |count| "canary ".repeat(count);
    let required: &[&str] = &["email", "password", "firstName", "lastName", "companyName", "isBusiness"];
    vec![
        ("an empty object", b"{}".to_vec(), required),
        ("null everywhere", changed(nothing), required),
        (
            "a wrong type everywhere",
            changed(wrong_types),
            &[
                "email",
                "password",
                "firstName",
                "lastName",
                "companyName",
                "companyWebsite",
                "isBusiness",
                "phone",
            ],
        ),
        ("a boolean as text", changed(json!({"isBusiness": "true"})), &["isBusiness"]),
        ("a boolean as number", changed(json!({"isBusiness": 1})), &["isBusiness"]),
        ("a number for a name", changed(json!({"firstName": 12345})), &["firstName"]),
        ("an array of addresses", changed(json!({"email": ["canary@x.org", "b@y.org"]})), &["email"]),
        ("an object for an address", changed(json!({"email": {"canary": "canary@x.org"}})), &["email"]),
        ("a list of addresses", changed(json!({"email": "canary@x.org,b@y.org"})), &["email"]),
        ("addresses by line", changed(json!({"email": "canary@x.org\nb@y.org"})), &["email"]),
        ("an address with a name", changed(json!({"email": "\"canary\" <canary@x.org>"})), &["email"]),
        ("no address", changed(json!({"email": "canary"})), &["email"]),
        ("blank names", changed(json!({"firstName": "", "lastName": "  "})), &["firstName", "lastName"]),
        ("a name of a hundred and more", changed(json!({"firstName": long(15)})), &["firstName"]),
        ("a company of two hundred and more", changed(json!({"companyName": long(29)})), &["companyName"]),
        ("a line break in a name", changed(json!({"lastName": "canary\r\nBcc: b@y.org"})), &["lastName"]),
        ("an extra field too long", changed(json!({"address2": long(29)})), &["address2"]),
        ("a line break in an extra field", changed(json!({"city": "canary\nx"})), &["city"]),
        (
            "that, and no address",
            changed(json!({"city": "canary\nx", "email": "canary"})),
            &["email", "city"],
        ),
        (
            "a website and an address",
            changed(json!({"companyWebsite": "canary", "email": ""})),
            &["email", "companyWebsite"],
        ),
    ]
}

fn no_documents() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let twice = |extra: &str| {
        let body = String::from_utf8(changed(json!({}))).expect("text");
        body.replacen('{', &format!("{{{extra},"), 1).into_bytes()
    };
    let mut broken = changed(json!({}));
    let place = broken.iter().position(|byte| *byte == b'@').expect("an address");
    broken[place] = 0xff;
    let mut trailing = changed(json!({}));
    trailing.extend(b"{\"canary\":1}");
    vec![
        ("nothing", vec![], &["body"]),
        ("white space", b"  ".to_vec(), &["body"]),
        ("no JSON", b"email=canary@x.org".to_vec(), &["body"]),
        ("an unfinished object", b"{\"email\":\"canary@x.org\"".to_vec(), &["body"]),
        ("an array", b"[\"canary\"]".to_vec(), &["body"]),
        ("a text", b"\"canary\"".to_vec(), &["body"]),
        ("two documents", trailing, &["body"]),
        ("invalid UTF-8", broken, &["body"]),
        ("a lone surrogate", twice("\"x\":\"\\ud800canary\""), &["body"]),
        ("nesting", twice(&format!("\"x\":{}1{}", "[".repeat(9000), "]".repeat(9000))), &["body"]),
        ("an address twice", twice("\"email\":\"canary@y.org\""), &["email"]),
        (
            "two keys twice",
            twice("\"email\":\"canary@y.org\",\"isBusiness\":false"),
            &["email", "isBusiness"],
        ),
    ]
}

// A4, J2
#[tokio::test]
async fn bad_input_is_refused_by_the_names_of_its_fields_and_leaves_nothing() {
    let app = App::start().await;
    for (what, body, fields) in faulty_fields().into_iter().chain(no_documents()) {
        let answer = app.post_raw("/user/register", body).await;
        assert_eq!(answer.refusal(), (400, "INVALID_INPUT".to_owned()), "{what}: {}", answer.text);
        assert_eq!(named(&answer.field("message")), fields, "{what}: {}", answer.text);
        assert_eq!(answer.json()["success"], json!(false), "{what}");
        assert!(!answer.text.to_lowercase().contains(CANARY), "{what}: {}", answer.text);
        nobody_is_there(&app);
    }
    let good = app.post_raw("/user/register", changed(json!({}))).await;
    assert_eq!(good.status, 201, "what the rows change is faultless: {}", good.text);
    app.finish().await;
}

// J2
#[tokio::test]
async fn bodies_too_long_or_of_another_type_are_refused() {
    let app = App::start().await;
    let long = changed(json!({"password": format!("Canary-1{}", "x".repeat(1_000_000))}));
    let small = || changed(json!({}));
    let json_type = Some("application/json");
    let rows = [
        ("a megabyte", json_type, long.clone(), (413, "PAYLOAD_TOO_LARGE")),
        ("a megabyte of something", Some("text/plain"), long, (413, "PAYLOAD_TOO_LARGE")),
        ("text", Some("text/plain"), small(), (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("a form", Some("application/x-www-form-urlencoded"), small(), (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("a cousin of JSON", Some("application/jsonp"), small(), (415, "UNSUPPORTED_MEDIA_TYPE")),
        ("no type", None, small(), (415, "UNSUPPORTED_MEDIA_TYPE")),
    ];
    for (what, content_type, body, (status, code)) in rows {
        let request = app.request(Method::POST, "/user/register").body(body);
        let request = match content_type {
            Some(text) => request.header("content-type", text),
            None => request,
        };
        let answer = app.send(request).await;
        assert_eq!(answer.refusal(), (status, code.to_owned()), "{what}: {}", answer.text);
        assert!(!answer.text.to_lowercase().contains(CANARY), "{what}");
    }
    nobody_is_there(&app);
    let charset =
        app.request(Method::POST, "/user/register").header("content-type", "Application/JSON; charset=utf-8");
    assert_eq!(app.send(charset.body(small())).await.status, 201);
    app.finish().await;
}

#[tokio::test]
async fn a_weak_password_is_told_which_rules_it_breaks() {
    let app = App::start().await;
    let long = format!("Canary-1{}", "x".repeat(249));
    let rows = [
        ("seven characters", "Canar-1", vec!["at least 8 characters"]),
        ("no upper case", "canary-1234", vec!["upper-case"]),
        ("no lower case", "CANARY-1234", vec!["lower-case"]),
        ("no digit", "Canary-Canary", vec!["digit"]),
        ("a fraction for a digit", "Canary-\u{bd}", vec!["digit"]),
        ("two rules", "canary-canary", vec!["upper-case", "digit"]),
        ("nothing", "", vec!["at least 8 characters", "upper-case", "lower-case", "digit"]),
        ("two hundred and fifty-seven characters", &long, vec!["at most 256 characters"]),
    ];
    for (what, password, rules) in rows {
        let answer = app.post_raw("/user/register", changed(json!({"password": password}))).await;
        assert_eq!(answer.refusal(), (400, "WEAK_PASSWORD".to_owned()), "{what}");
        let message = answer.field("message");
        assert_eq!(message.split("; ").count(), rules.len(), "{what}: {message}");
        assert!(rules.iter().all(|rule| message.contains(rule)), "{what}: {message}");
        assert!(!message.to_lowercase().contains(CANARY), "{what}");
    }
    nobody_is_there(&app);
    app.finish().await;
}

#[tokio::test]
async fn a_stale_token_is_ignored() {
    let app = App::start().await;
    let ann = app.newcomer("ann@one.example").await;
    app.post("/user/logout", &json!({"refreshToken": ann.refresh})).await;
    let rows = [
        ("of an ended session", format!("Bearer {}", ann.access)),
        ("garbage", "Bearer garbage".to_owned()),
        ("without a token", "Bearer".to_owned()),
        ("of another scheme", "Basic YTpi".to_owned()),
        ("of no scheme", "\u{1f511}".to_owned()),
    ];
    for (row, (what, authorization)) in rows.into_iter().enumerate() {
        let request =
            app.request(Method::POST, "/user/register").header("authorization", authorization.as_bytes());
        let answer = app.send(request.json(&registration(&format!("bob{row}@two.example")))).await;
        assert_eq!(answer.status, 201, "{what}: {}", answer.text);
    }
    app.finish().await;
}

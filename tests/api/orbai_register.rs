//! OrbAI's sign-up: the seed to the letter, every faulty field by its name, and what becomes of what was told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use latchkey::store::{FromValue, Value as Column};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::crowd::crowd;
use crate::orbai::{LOGIN, PASSWORD, Pass, REGISTER, example, refusal, sign_up};

/// One column of one row; none where there is no row.
fn cell<T: FromValue>(app: &App, sql: &str, parameters: &[&str]) -> Option<T> {
    let parameters: Vec<Column> = parameters.iter().map(|text| Column::Text((*text).to_owned())).collect();
    app.service.store.read(|tx| tx.value(sql, &parameters)).expect("the store")
}

fn accounts(app: &App) -> i64 {
    cell(app, "select count(*) from accounts", &[]).expect("a count")
}

fn faults(answer: &Answer) -> BTreeMap<String, String> {
    assert_eq!(refusal(answer), (422, "VALIDATION_ERROR".to_owned()), "{}", answer.text);
    assert_eq!(answer.json()["error"]["message"], json!("Validation failed."));
    let details = answer.json()["error"]["details"].as_object().cloned().unwrap_or_default();
    details.into_iter().map(|(field, text)| (field, text.as_str().unwrap_or_default().to_owned())).collect()
}

fn of(email: &str) -> Value {
    json!({"email": email, "password": PASSWORD})
}

#[tokio::test]
async fn the_published_example_runs_as_it_stands() {
    let app = App::start().await;
    let answer = app.post(REGISTER, &example()).await;
    let pass = Pass::of(&answer);
    let mut body = answer.json();
    let uuid = body["data"]["user"]["uuid"].as_str().unwrap_or_default().to_owned();
    assert!(uuid.starts_with("usr_") && uuid.len() == 28, "{uuid}");
    body["data"]["user"]["uuid"] = json!("UUID");
    let expected = json!({
        "success": true,
        "data": {
            "user": {"id": 1, "uuid": "UUID", "username": "jane_doe", "email": "newuser@example.com", "role": "USER",
                "active": true},
            "tokens": {"access_token": pass.access, "refresh_token": pass.refresh,
                "access_token_expires_at": "2026-03-02T12:00:00Z",
                "refresh_token_expires_at": "2026-03-29T12:00:00Z", "token_type": "Bearer"},
            "subscription": {"plan_name": "Free", "status": "active", "expires_at": null},
            "requires_2fa": false
        }
    });
    assert_eq!(body, expected);
    let keys = |value: &Value| value.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>());
    assert_eq!(
        keys(&body["data"]),
        Some(["user", "tokens", "subscription", "requires_2fa"].map(str::to_owned).into())
    );
    // The letter asks to prove the address all the same, in the language that was asked for.
    let letter = app.letter("newuser@example.com", "verify").await;
    assert!(letter.0["text"].as_str().unwrap_or_default().contains("Guten Tag Jane"), "{}", letter.0["text"]);
    let country = cell::<String>(&app, "select country from profiles", &[]);
    let language = cell::<String>(&app, "select language from profiles", &[]);
    assert_eq!((country.as_deref(), language.as_deref()), (Some("Germany"), Some("de")));
    app.finish().await;
}

#[tokio::test]
async fn a_second_sign_up_of_an_address_is_refused_in_the_published_words() {
    let app = App::start().await;
    sign_up(&app, "ann@acme.example").await;
    let again = app.post(REGISTER, &of("Ann@ACME.example")).await;
    let expected = json!({"success": false, "error": {"code": "EMAIL_ALREADY_EXISTS",
        "message": "An account with this email address already exists. Please log in or use a different email."}});
    assert_eq!((again.status, again.json()), (409, expected));
    // One of another contract is in the way too.
    app.newcomer("ben@acme.example").await;
    assert_eq!(refusal(&app.post(REGISTER, &of("ben@acme.example")).await).0, 409);
    app.finish().await;
}

#[tokio::test]
async fn the_published_faults_come_in_the_published_words() {
    let app = App::start().await;
    let answer = app.post(REGISTER, &json!({"email": "nobody", "password": "short"})).await;
    let expected = json!({"success": false, "error": {"code": "VALIDATION_ERROR", "message": "Validation failed.",
        "details": {"email": "Must be a valid email address.", "password": "Must be at least 8 characters."}}});
    assert_eq!((answer.status, answer.json()), (422, expected));
    app.finish().await;
}

/// Every field with values that are wrong for it, and the sentence for each.
fn wrong() -> Vec<(&'static str, Value, String)> {
    let most = |most: usize| format!("Must be at most {most} characters.");
    let text = "Must be a string.".to_owned();
    let mut rows = vec![
        ("email", json!(null), "Is required.".to_owned()),
        ("email", json!("nobody"), "Must be a valid email address.".to_owned()),
        ("email", json!(format!("{}@x.org", "a".repeat(249))), "Must be a valid email address.".to_owned()),
        ("email", json!(format!("{}@x.org", "a".repeat(250))), most(255)),
        ("password", json!(null), "Is required.".to_owned()),
        ("password", json!("1234567"), "Must be at least 8 characters.".to_owned()),
        ("password", json!("x".repeat(101)), most(100)),
        ("platform", json!("beos"), "Must be one of ios, android, windows, macos, linux, web.".to_owned()),
        ("first_name", json!("A\nB"), "Must not contain control characters.".to_owned()),
    ];
    for (field, longest) in [
        ("first_name", 100),
        ("last_name", 100),
        ("country", 100),
        ("language", 10),
        ("referral_code", 20),
        ("device_id", 100),
        ("device_name", 100),
        ("app_version", 100),
        ("fcm_token", 4096),
    ] {
        rows.push((field, json!("x".repeat(longest + 1)), most(longest)));
    }
    let fields = example();
    for field in fields.as_object().expect("fields").keys() {
        let field = *FIELDS.iter().find(|known| *known == field).expect("a known field");
        for value in [json!(7), json!(true), json!(["x"]), json!({"x": "y"})] {
            rows.push((field, value, text.clone()));
        }
    }
    rows
}

const FIELDS: [&str; 11] = [
    "email",
    "password",
    "first_name",
    "last_name",
    "country",
    "language",
    "referral_code",
    "device_id",
    "platform",
    "device_name",
    "fcm_token",
];

#[tokio::test]
async fn each_faulty_field_is_named_alone_and_with_all_others() {
    let app = App::start().await;
    let rows = wrong();
    for (field, value, sentence) in &rows {
        let mut body = example();
        body[*field] = value.clone();
        let answer = app.post(REGISTER, &body).await;
        let expected = BTreeMap::from([((*field).to_owned(), sentence.clone())]);
        assert_eq!(faults(&answer), expected, "{field}: {value}");
    }
    // Several at once: for each pick one wrong value of every field, and the map names all of them.
    for pick in 0..4 {
        let mut body = example();
        let mut expected = BTreeMap::new();
        for field in FIELDS {
            let of_field: Vec<_> = rows.iter().filter(|(name, ..)| *name == field).collect();
            let (_, value, sentence) = of_field[pick % of_field.len()];
            body[field] = value.clone();
            expected.insert(field.to_owned(), sentence.clone());
        }
        assert_eq!(faults(&app.post(REGISTER, &body).await), expected, "{body}");
    }
    let nothing = faults(&app.post(REGISTER, &json!({})).await);
    let required = ["email", "password"].map(|field| (field.to_owned(), "Is required.".to_owned()));
    assert_eq!(nothing, BTreeMap::from(required), "everything else is optional");
    assert_eq!(accounts(&app), 0);
    app.finish().await;
}

#[tokio::test]
async fn the_longest_values_and_empty_ones_pass() {
    let app = App::start().await;
    let mut longest = example();
    for (field, length) in [("password", 100), ("first_name", 100), ("last_name", 100), ("country", 100)] {
        longest[field] = json!("ü".repeat(length));
    }
    for (field, length) in [("language", 10), ("referral_code", 20), ("device_id", 100), ("device_name", 100)]
    {
        longest[field] = json!("x".repeat(length));
    }
    longest["fcm_token"] = json!("x".repeat(4096));
    assert_eq!(app.post(REGISTER, &longest).await.status, 200);
    let mut empty = of("empty@acme.example");
    for field in
        ["first_name", "last_name", "country", "language", "referral_code", "device_id", "device_name"]
    {
        empty[field] = json!("");
    }
    assert_eq!(app.post(REGISTER, &empty).await.status, 200);
    let mut null = of("null@acme.example");
    for field in FIELDS.iter().skip(2) {
        null[*field] = json!(null);
    }
    assert_eq!(app.post(REGISTER, &null).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_json_is_a_fault_of_the_body() {
    let app = App::start().await;
    let deep = format!("{}{}", r#"{"a":"#.repeat(40), "1");
    let rows: [(&str, Vec<u8>, &str); 6] = [
        ("cut off", br#"{"email":"canary@x.org""#.to_vec(), "Must be a JSON object."),
        ("a list", b"[]".to_vec(), "Must be a JSON object."),
        ("text", b"canary".to_vec(), "Must be a JSON object."),
        ("no UTF-8", b"{\"email\":\"\xff\"}".to_vec(), "Must be valid UTF-8."),
        ("too deep", deep.into_bytes(), "Must not nest deeper than 32 levels."),
        ("nothing", Vec::new(), "Is required."),
    ];
    for (what, body, sentence) in rows {
        let answer = app.post_raw(REGISTER, body).await;
        assert_eq!(faults(&answer), BTreeMap::from([("body".to_owned(), sentence.to_owned())]), "{what}");
        assert!(!answer.text.contains("canary"), "{what}: nothing that was sent is repeated");
    }
    let plain = app.request(Method::POST, REGISTER).header("content-type", "text/plain").body("{}");
    assert_eq!(refusal(&app.send(plain).await), (415, "UNSUPPORTED_MEDIA_TYPE".to_owned()));
    let long = app.post_raw(REGISTER, "x".repeat(70_000)).await;
    assert_eq!(refusal(&long), (413, "PAYLOAD_TOO_LARGE".to_owned()));
    let wrong_method = app.send(app.request(Method::PUT, REGISTER)).await;
    assert_eq!(refusal(&wrong_method), (405, "METHOD_NOT_ALLOWED".to_owned()));
    assert_eq!(wrong_method.header("allow"), "POST");
    assert_eq!(refusal(&app.get("/orbai/api/v1/nowhere").await), (404, "NOT_FOUND".to_owned()));
    app.finish().await;
}

// A4
#[tokio::test]
async fn smuggled_addresses_are_refused() {
    let app = App::start().await;
    for path in [REGISTER, LOGIN] {
        for email in ["a@x.org,b@y.org", "a@x.org;b@y.org", "a@x.org\nb@y.org", "\"a\" <b@y.org>"] {
            let expected =
                BTreeMap::from([("email".to_owned(), "Must be a valid email address.".to_owned())]);
            assert_eq!(faults(&app.post(path, &of(email)).await), expected, "{path} {email}");
        }
        let list = app.post(path, &json!({"email": ["a@x.org"], "password": PASSWORD})).await;
        assert_eq!(faults(&list)["email"], "Must be a string.");
        let twice = format!(r#"{{"email":"a@x.org","email":"b@y.org","password":"{PASSWORD}"}}"#);
        assert_eq!(faults(&app.post_raw(path, twice).await)["email"], "Must appear only once.");
    }
    assert_eq!(accounts(&app), 0);
    app.finish().await;
}

#[tokio::test]
async fn usernames_are_unique_also_when_many_come_at_once() {
    let app = App::start().await;
    let (app, answers) = crowd(app, 20, |app, n| async move {
        let body = json!({"email": format!("n{n}@acme.example"), "password": PASSWORD, "first_name": "Zoë",
            "last_name": "Doe"});
        app.post(REGISTER, &body).await
    })
    .await;
    let users: Vec<Value> = answers.iter().map(|answer| answer.json()["data"]["user"].clone()).collect();
    let names: BTreeSet<String> =
        users.iter().map(|user| user["username"].as_str().unwrap_or_default().to_owned()).collect();
    assert_eq!(names.len(), 20);
    assert!(names.contains("zoe_doe"));
    for user in &users {
        let name = user["username"].as_str().unwrap_or_default();
        assert!(name == "zoe_doe" || name == format!("zoe_doe_{}", user["id"]), "{user}");
    }
    let numbers: BTreeSet<i64> = users.iter().filter_map(|user| user["id"].as_i64()).collect();
    assert_eq!(numbers, (1..=20).collect());
    app.finish().await;
}

// 20 sign-ups of one address: one account
#[tokio::test]
async fn of_many_sign_ups_of_one_address_one_succeeds() {
    let app = App::start().await;
    let sign_up = |app: Arc<App>, _| async move { app.post(REGISTER, &of("ann@acme.example")).await };
    let (app, answers) = crowd(app, 20, sign_up).await;
    for (status, count) in [(200, 1), (409, 19)] {
        assert_eq!(answers.iter().filter(|answer| answer.status == status).count(), count, "{status}");
    }
    assert_eq!(accounts(&app), 1);
    app.finish().await;
}

#[tokio::test]
async fn an_unknown_language_is_kept_and_letters_fall_back() {
    let app = App::start().await;
    let mut body = of("ann@acme.example");
    body["language"] = json!("tlh");
    assert_eq!(app.post(REGISTER, &body).await.status, 200);
    let letter = app.letter("ann@acme.example", "verify").await;
    assert!(letter.0["text"].as_str().unwrap_or_default().starts_with("Hello"), "{}", letter.0["text"]);
    assert_eq!(cell::<String>(&app, "select language from profiles", &[]).as_deref(), Some("tlh"));
    app.finish().await;
}

/// The referral code of an account, and who brought it in.
fn referral(app: &App, email: &str) -> (String, Option<String>) {
    let code = "select code from referrals join accounts a on a.id = account_id where a.email = ?1";
    let by = "select b.email from referrals r join accounts a on a.id = r.account_id
        join accounts b on b.id = r.referred_by where a.email = ?1";
    (cell(app, code, &[email]).expect("every account has a code"), cell(app, by, &[email]))
}

#[tokio::test]
async fn a_referral_code_is_remembered_where_it_is_another_persons() {
    let app = App::start().await;
    let mut ann = of("ann@acme.example");
    ann["device_id"] = json!("ann's phone");
    assert_eq!(app.post(REGISTER, &ann).await.status, 200);
    let (code, _) = referral(&app, "ann@acme.example");
    assert!(code.starts_with("REF_") && code.len() <= 20, "{code}");
    let rows = [
        ("her code", "ben@acme.example", code.clone(), "ben's phone", true),
        ("in lower case", "cid@acme.example", format!(" {} ", code.to_lowercase()), "", true),
        ("a code of nobody", "dan@acme.example", "REF_ABC123".to_owned(), "", false),
        ("no code at all", "eve@acme.example", String::new(), "", false),
        // Self-referral
        ("her own, with a plus-tag", "ann+two@acme.example", code.clone(), "", false),
        ("her own, on her device", "anne@other.example", code.clone(), "ann's phone", false),
    ];
    for (what, email, code, device, counts) in rows {
        let body = json!({"email": email, "password": PASSWORD, "referral_code": code, "device_id": device});
        let answer = app.post(REGISTER, &body).await;
        assert_eq!(answer.status, 200, "{what}: it never costs a sign-up: {}", answer.text);
        let by = referral(&app, email).1;
        assert_eq!(by.as_deref(), counts.then_some("ann@acme.example"), "{what}");
    }
    app.finish().await;
}

// D3: what an app is reached by is in the file sealed, and in no answer
#[tokio::test]
async fn the_push_token_is_kept_sealed_and_never_shown() {
    let app = App::start().await;
    let mut body = example();
    body["fcm_token"] = json!("canary-push-token");
    let answer = app.post(REGISTER, &body).await;
    assert!(!answer.text.contains("canary"), "{}", answer.text);
    let sealed: Option<String> = cell(&app, "select push_token_sealed from client_devices", &[]);
    assert!(sealed.is_some_and(|sealed| !sealed.is_empty() && !sealed.contains("canary")));
    let wal = app.database().with_extension("db-wal");
    for file in [app.database(), &wal] {
        let bytes = std::fs::read(file).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == b"canary"), "{}", file.display());
    }
    app.finish().await;
}

#[tokio::test]
async fn the_front_door_leads_here_by_name() {
    let app = App::start().await;
    let request = app.request(Method::POST, "/api/v1/auth/register").header("host", "orbai.localhost");
    let answer = app.send(request.json(&example())).await;
    assert_eq!(answer.json()["data"]["user"]["username"], json!("jane_doe"), "{}", answer.text);
    // One account signs in through every contract, and one made elsewhere has a username from its first login here on.
    assert_eq!(app.login("newuser@example.com", PASSWORD).await.status, 200);
    app.member("john@company.example").await;
    let login = json!({"email": "john@company.example", "password": crate::app::PASSWORD});
    for _ in 0..2 {
        let entered = app.post(LOGIN, &login).await;
        assert_eq!(entered.json()["data"]["user"]["username"], json!("john_doe"), "{}", entered.text);
        assert_eq!(entered.json()["data"]["subscription"]["status"], json!("trialing"));
        assert_eq!(entered.json()["data"]["subscription"]["expires_at"], json!("2026-03-15T12:00:00Z"));
    }
    app.finish().await;
}

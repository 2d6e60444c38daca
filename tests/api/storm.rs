//! Many at once, much too large, and broken on purpose: everybody gets an answer, and the server goes on.

use std::sync::Arc;
use std::time::Duration;

use latchkey::api::inventory::Inventory;
use latchkey::api::limits::Limits;
use latchkey::api::surround::surround;
use latchkey::api::{Around, FrontDoor, Gates};
use latchkey::client::TrustedProxies;
use latchkey::clock::{Chance, Clock};
use latchkey::config::Access;
use latchkey::metrics::Metrics;
use poem::endpoint::make_sync;
use poem::{Endpoint, Request, Route};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::app::{App, PASSWORD, Person, START, registration};
use crate::raw::{exchange, status};

// J1
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_logins_at_once_are_answered_or_put_off_and_health_goes_on() {
    let app = Arc::new(
        App::start_with(|settings| {
            settings.argon2 = Some("m=19456,t=2,p=1".to_owned());
            settings.hash_threads = Some("1".to_owned());
        })
        .await,
    );
    app.newcomer("ann@company.example").await;
    let (done, finished) = watch::channel(false);
    let mut storm = JoinSet::new();
    for number in 0..1000 {
        let app = Arc::clone(&app);
        storm.spawn(async move {
            let password = if number % 2 == 0 { PASSWORD } else { "WrongPass123" };
            app.login("ann@company.example", password).await
        });
    }
    let watching = Arc::clone(&app);
    let health = tokio::spawn(async move {
        let mut answers = 0;
        while !*finished.borrow() {
            let answer = watching.get("/health").await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            answers += 1;
        }
        answers
    });
    let mut counts = [0; 3];
    while let Some(answer) = storm.join_next().await {
        let answer = answer.expect("no panic");
        let place = [200, 401, 503].iter().position(|status| *status == answer.status);
        counts[place.unwrap_or_else(|| panic!("{}: {}", answer.status, answer.text))] += 1;
        if answer.status == 503 {
            assert_eq!(answer.refusal(), (503, "UNAVAILABLE".to_owned()));
            assert_eq!(answer.header("retry-after"), "5");
        }
    }
    let _ = done.send(true);
    assert!(health.await.expect("no panic") > 0);
    assert!(counts[0] > 0 && counts[1] > 0 && counts[2] > 0, "{counts:?}");
    assert_eq!(
        app.login("ann@company.example", PASSWORD).await.status,
        200,
        "the storm leaves nothing behind"
    );
    let Ok(app) = Arc::try_unwrap(app) else { panic!("everybody has let go of it") };
    app.finish().await;
}

/// The layer around every request, around routes of the test's own.
fn surrounded(routes: Route) -> impl Endpoint<Output = poem::Response> {
    let gates = Gates { mailbox: Access::Off, metrics: Access::Off, public_url_is_local: true };
    surround(
        routes,
        Around {
            front_door: FrontDoor::default(),
            inventory: Inventory::new("{}", &[("/broken", &["GET"])]),
            limits: Arc::new(Limits::new(Clock::fixed(START), true)),
            proxies: TrustedProxies::default(),
            gates,
            cors_origins: Vec::new(),
            clock: Clock::fixed(START),
            chance: Chance::seeded(1),
            metrics: Metrics::new(),
        },
    )
}

// J3
#[tokio::test]
async fn a_panic_in_a_handler_is_an_answer_without_its_words() {
    let broken = make_sync(|_| -> &'static str { panic!("the words of the panic") });
    let broken = Arc::new(broken);
    let server = surrounded(
        Route::new()
            .at("/broken", Arc::clone(&broken))
            .at("/finradar/broken", broken)
            .at("/sound", make_sync(|_| "fine")),
    );
    for _ in 0..3 {
        let request = Request::builder().uri_str("/broken").finish();
        let response = server.call(request).await.expect("an answer");
        assert_eq!(response.status(), 500);
        assert!(response.headers().contains_key("x-request-id"));
        let body = response.into_body().into_string().await.expect("text");
        let body: Value = serde_json::from_str(&body).expect("JSON");
        assert_eq!((&body["success"], &body["error_code"]), (&json!(false), &json!("INTERNAL_ERROR")));
        assert!(!body.to_string().contains("words"), "{body}");
        // In the shape of the contract in whose place it happened.
        let request = Request::builder().uri_str("/finradar/broken").finish();
        let response = server.call(request).await.expect("an answer");
        assert_eq!(response.status(), 500);
        let body = response.into_body().into_string().await.expect("text");
        assert!(body.starts_with(r#"{"message":"#) && !body.contains("words"), "{body}");
        let sound = server.call(Request::builder().uri_str("/sound").finish()).await.expect("an answer");
        assert_eq!(sound.status(), 200);
    }
}

/// One round of everything that writes, for one person of many.
async fn write_everything(app: &App, number: usize) {
    let email = format!("n{number}@company{number}.example");
    let answer = app.post("/user/register", &registration(&email)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let person = Person::of(&email, &answer);
    let login = app.login(&email, PASSWORD).await;
    assert_eq!(login.status, 200, "{}", login.text);
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": login.field("refreshToken")})).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let refused =
        app.call(&person, Method::PUT, &format!("/user/{}", person.id), Some(&json!({"name": "N"}))).await;
    assert_eq!(refused.status, 403, "{}", refused.text);
    assert_eq!(app.login(&email, "WrongPass123").await.status, 401);
    let asked = app.post("/user/request-reset-password", &json!({"email": email})).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let out = app.post("/user/logout", &json!({"refreshToken": refreshed.field("refreshToken")})).await;
    assert_eq!(out.status, 200, "{}", out.text);
}

// J4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_writers_at_once_never_meet_a_locked_database() {
    let app = Arc::new(App::start().await);
    let members: Vec<Person> = {
        let mut members = Vec::new();
        for number in 0..4 {
            members.push(app.member(&format!("member{number}@elsewhere{number}.example")).await);
        }
        members
    };
    let mut writers = JoinSet::new();
    for number in 0..200 {
        let (app, member) = (Arc::clone(&app), members[number % members.len()].clone());
        writers.spawn(async move {
            write_everything(&app, number).await;
            let change = json!({"name": format!("Round {number}")});
            let path = format!("/user/{}", member.id);
            let changed = app.call(&member, Method::PUT, &path, Some(&change)).await;
            assert_eq!(changed.status, 200, "{}", changed.text);
        });
    }
    while let Some(writer) = writers.join_next().await {
        writer.expect("every answer was the expected one");
    }
    let accounts = app.service.list_accounts(0, 1000).expect("an answer");
    let numbers: Vec<i64> = accounts.iter().map(|member| member.account.number).collect();
    assert_eq!(numbers, (1..=204).collect::<Vec<i64>>(), "numbers are given once, and none is skipped");
    let Ok(app) = Arc::try_unwrap(app) else { panic!("everybody has let go of it") };
    app.advance(Duration::ZERO);
    app.finish().await;
}

fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}content-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

// J2
#[tokio::test]
async fn what_is_too_large_or_too_deep_or_no_text_is_refused_with_a_sentence() {
    let app = App::start().await;
    let json = "content-type: application/json\r\n";
    let with_password =
        |password: &str| registration("ann@company.example").to_string().replace(PASSWORD, password);
    let deep = format!("{}1{}", "[".repeat(30_000), "]".repeat(30_000));
    let deep_objects = "{\"a\":".repeat(10_000);
    let mut invalid = registration("ann@company.example").to_string().into_bytes();
    let middle = invalid.iter().position(|byte| *byte == b'J').expect("John");
    invalid[middle] = 0xff;
    let rows: [(&str, &str, Vec<u8>, u16); 9] = [
        ("a password of a megabyte", json, with_password(&"Aa1".repeat(350_000)).into_bytes(), 413),
        ("a password of 60 KB", json, with_password(&"Aa1".repeat(20_000)).into_bytes(), 400),
        ("a deep array", json, format!("{{\"email\":{deep}}}").into_bytes(), 400),
        ("deep objects", json, deep_objects.into_bytes(), 400),
        ("invalid UTF-8", json, invalid, 400),
        ("a lone surrogate", json, with_password("Aa1aaaaa\\ud800").into_bytes(), 400),
        ("a byte order mark", json, [b"\xef\xbb\xbf", with_password(PASSWORD).as_bytes()].concat(), 400),
        ("a form", "content-type: application/x-www-form-urlencoded\r\n", b"email=a%40x.org".to_vec(), 415),
        ("nothing", json, Vec::new(), 400),
    ];
    for (what, headers, body, expected) in rows {
        for path in ["/user/register", "/user/login", "/user/reset-password"] {
            let answer = exchange(app.address, post(path, headers, &body)).await;
            let login_takes_long_ones = path == "/user/login" && what == "a password of 60 KB";
            let expected = if login_takes_long_ones { 401 } else { expected };
            assert_eq!(status(&answer), expected, "{what} at {path}: {answer}");
            let (_, sentence) = answer.split_once("\r\n\r\n").expect("a body");
            let body: Value = serde_json::from_str(sentence).expect("JSON");
            assert!(body["message"].is_string() && sentence.len() < 1000, "{what} at {path}: {sentence}");
        }
    }
    assert!(app.service.list_accounts(0, 10).expect("an answer").is_empty(), "nothing was stored");
    app.finish().await;
}

// J2
#[tokio::test]
async fn headers_have_their_bounds() {
    let app = App::start().await;
    let huge = format!("x-huge: {}\r\n", "a".repeat(100_000));
    let many = "x-many: a\r\n".repeat(2_000);
    let long_path = format!("GET /{} HTTP/1.1\r\nhost: localhost\r\n\r\n", "a".repeat(100_000));
    let rows = [
        ("one huge header", format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{huge}\r\n"), [431, 431]),
        ("many headers", format!("GET /health HTTP/1.1\r\nhost: localhost\r\n{many}\r\n"), [431, 431]),
        ("a huge path", long_path, [414, 431]),
        ("no HTTP", "\x16\x03\x01\x02\x00\r\n\r\n".to_owned(), [400, 400]),
        (
            "two lengths",
            "POST /user/login HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}"
                .to_owned(),
            [400, 400],
        ),
    ];
    for (what, request, allowed) in rows {
        let answer = exchange(app.address, request).await;
        assert!(allowed.contains(&status(&answer)), "{what}: {answer:.200}");
        assert_eq!(app.get("/health").await.status, 200, "{what}: the server goes on");
    }
    app.finish().await;
}

//! Budgets of one address: failed logins and letters, for known and unknown addresses alike.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, START};
use crate::limits::proxied;
use latchkey::clock::Clock;

const ANN: &str = "ann@company.example";
const HOME: &str = "203.0.113.1";
const ELSEWHERE: &str = "198.51.100.1";

fn login(app: &App, email: &str, password: &str, from: &str) -> RequestBuilder {
    let body = json!({"email": email, "password": password});
    app.request(Method::POST, "/user/login").header("x-forwarded-for", from).json(&body)
}

/// Fails at logging in `times` times from one network, without running into the network's own budget.
async fn fail(app: &App, email: &str, from: &str, times: usize) {
    for number in 0..times {
        let answer = app.send(login(app, email, "WrongPass123", from)).await;
        assert_eq!(answer.refusal(), (401, "INVALID_PASSWORD".to_owned()), "failure {number} of {email}");
        app.advance(Duration::from_secs(6));
    }
}

/// Status, wait and body: all that one can see of an answer but its id and its time.
pub fn seen(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let differs = ["x-request-id", "date"];
    let headers = answer.headers.iter().filter(|(name, _)| !differs.contains(&name.as_str()));
    let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().expect("text").to_owned()));
    (answer.status, answer.json(), headers.collect())
}

async fn status_of(app: &App, email: &str, password: &str, from: &str) -> u16 {
    app.send(login(app, email, password, from)).await.status
}

// H6
#[tokio::test]
async fn five_failures_lock_one_address_for_one_network_for_a_minute() {
    let app = proxied().await;
    app.member(ANN).await;
    fail(&app, ANN, HOME, 4).await;
    let fifth = app.send(login(&app, ANN, "WrongPass123", HOME)).await;
    assert_eq!(fifth.status, 401);
    let locked = app.send(login(&app, ANN, PASSWORD, HOME)).await;
    assert_eq!(
        locked.refusal(),
        (429, "RATE_LIMITED".to_owned()),
        "the right password is refused while locked"
    );
    assert_eq!(locked.header("retry-after"), "60");
    assert_eq!(status_of(&app, ANN, PASSWORD, ELSEWHERE).await, 200, "another network is not locked");
    assert_eq!(status_of(&app, "ben@company.example", "x", HOME).await, 401, "nor is another address");
    app.advance(Duration::from_secs(59));
    assert_eq!(status_of(&app, ANN, PASSWORD, HOME).await, 429);
    app.advance(Duration::from_secs(1));
    assert_eq!(status_of(&app, ANN, PASSWORD, HOME).await, 200);
    fail(&app, ANN, HOME, 4).await;
    assert_eq!(status_of(&app, ANN, PASSWORD, HOME).await, 200, "a success had forgotten the failures");
    app.finish().await;
}

// H3, H6
#[tokio::test]
async fn a_lock_grows_and_is_the_same_for_an_address_that_nobody_has() {
    let app = proxied().await;
    app.member(ANN).await;
    for (step, wait) in [(5, "60"), (5, "300"), (10, "3600")] {
        let mut views = Vec::new();
        for (email, from) in [(ANN, HOME), ("nobody@company.example", ELSEWHERE)] {
            fail(&app, email, from, step - 1).await;
            let last = app.send(login(&app, email, "WrongPass123", from)).await;
            let locked = app.send(login(&app, email, PASSWORD, from)).await;
            assert_eq!((last.status, locked.status), (401, 429), "{email}");
            assert_eq!(locked.header("retry-after"), wait, "{email}");
            // Attempts while locked do not count.
            let again = app.send(login(&app, email, "WrongPass123", from)).await;
            views.push((seen(&last), seen(&locked), seen(&again)));
            app.advance(Duration::from_secs(3600));
        }
        assert_eq!(views[0], views[1]);
    }
    assert_eq!(status_of(&app, ANN, PASSWORD, HOME).await, 200, "no lock is for good");
    app.finish().await;
}

// H6, E1
#[tokio::test]
async fn a_lock_survives_a_restart_and_a_reset_clears_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("latchkey.db");
    let clock = Clock::fixed(START);
    let settings = |settings: &mut latchkey::config::Arguments| {
        settings.rate_limits = None;
        settings.trusted_proxies = Some("127.0.0.1".to_owned());
    };
    let app = App::start_on(database.clone(), clock.clone(), settings).await;
    app.member(ANN).await;
    fail(&app, ANN, HOME, 4).await;
    assert_eq!(status_of(&app, ANN, "WrongPass123", HOME).await, 401);
    app.finish().await;

    let app = App::start_on(database, clock, settings).await;
    assert_eq!(status_of(&app, ANN, PASSWORD, HOME).await, 429);
    app.post("/user/request-reset-password", &json!({"email": ANN})).await;
    let token = app.letter(ANN, "reset").await.token();
    let reset =
        app.post("/user/reset-password", &json!({"token": token, "newPassword": "OtherPass123"})).await;
    assert_eq!(reset.status, 200, "{}", reset.text);
    assert_eq!(status_of(&app, ANN, "OtherPass123", HOME).await, 200, "the reset has cleared the lock");
    app.finish().await;
}

// H6
#[tokio::test]
async fn strangers_cannot_lock_somebody_out() {
    let app = proxied().await;
    app.member(ANN).await;
    for number in 1..=25 {
        fail(&app, ANN, &format!("198.51.100.{number}"), 4).await;
    }
    assert_eq!(
        status_of(&app, ANN, PASSWORD, HOME).await,
        200,
        "100 failures from elsewhere do not lock home"
    );
    app.finish().await;
}

// H3
#[tokio::test]
async fn known_and_unknown_addresses_cannot_be_told_apart() {
    let app = App::start().await;
    let proof = app.newcomer(ANN).await.proof;
    app.member("ben@company.example").await;
    app.carried().await;
    let commits = || app.service.metrics.commits.get();
    let mut views = Vec::new();
    for email in [ANN, "ben@company.example", "nobody@company.example", "nobody@elsewhere.example"] {
        let before = commits();
        let answer = app.login(email, "WrongPass123").await;
        assert_eq!(commits() - before, 1, "{email}: a failure is one commit, whoever it is");
        views.push(seen(&answer));
    }
    assert_eq!(views[0].0, 401);
    assert!(views.windows(2).all(|pair| pair[0] == pair[1]), "{views:#?}");

    let mut views = Vec::new();
    for email in [ANN, "ben@company.example", "nobody@company.example"] {
        views.push(seen(&app.post("/user/request-reset-password", &json!({"email": email})).await));
        let code = json!({"email": email, "code": "00000000", "newPassword": "OtherPass123"});
        views.push(seen(&app.post("/user/reset-password", &code).await));
    }
    assert!(views.windows(3).all(|three| three[0] == three[2]), "{views:#?}");

    let mut views = Vec::new();
    for id in [proof.as_str(), "0123456789abcdef01234567", "no-id-at-all"] {
        let resend = app.request(Method::POST, &format!("/user/resend-verification/{id}"));
        views.push(seen(&app.send(resend).await));
    }
    assert_eq!(views[0].0, 200);
    assert!(views.windows(2).all(|pair| pair[0] == pair[1]), "{views:#?}");
    app.finish().await;
}

/// Asks for a reset letter from a network of its own, so that only the address's budget counts.
async fn ask(app: &App, email: &str, number: usize) -> Answer {
    let from = format!("192.0.2.{number}");
    let request = app.request(Method::POST, "/user/request-reset-password").header("x-forwarded-for", from);
    app.send(request.json(&json!({"email": email}))).await
}

// H5
#[tokio::test]
async fn resending_and_resetting_share_one_budget_of_letters() {
    let app = proxied().await;
    let ann = app.newcomer(ANN).await;
    let resend = format!("/user/resend-verification/{}", ann.proof);
    assert_eq!(app.send(app.request(Method::POST, &resend)).await.status, 200);
    for number in [1, 2] {
        assert_eq!(ask(&app, ANN, number).await.status, 200);
    }
    for refused in
        [ask(&app, "ANN@Company.Example", 3).await, app.send(app.request(Method::POST, &resend)).await]
    {
        assert_eq!(refused.refusal(), (429, "RATE_LIMITED".to_owned()));
        assert_eq!(refused.header("retry-after"), "600");
    }
    assert_eq!(app.letters().await.len(), 4, "the sign-up's own and three more");
    app.advance(Duration::from_secs(599));
    assert_eq!(ask(&app, ANN, 4).await.status, 429);
    app.advance(Duration::from_secs(1));
    assert_eq!(app.send(app.request(Method::POST, &resend)).await.status, 200);
    assert_eq!(ask(&app, ANN, 5).await.status, 429, "one more letter every ten minutes");
    assert_eq!(app.letters().await.len(), 5);

    let token = app.letter(ANN, "verify").await.token();
    app.submit("/verify-email/not-me", &[("token", &token)]).await;
    assert_eq!(app.register(ANN).await.status, 201);
    assert_eq!(ask(&app, ANN, 6).await.status, 429, "a new account buys no new budget");
    app.finish().await;
}

// H3, H5
#[tokio::test]
async fn the_budget_of_letters_is_the_same_for_an_address_that_nobody_has() {
    let app = proxied().await;
    app.member(ANN).await;
    for number in 1..=5 {
        let (known, unknown) =
            (ask(&app, ANN, number).await, ask(&app, "nobody@company.example", number).await);
        assert_eq!(seen(&known), seen(&unknown));
        assert_eq!(known.status, if number <= 3 { 200 } else { 429 });
    }
    app.advance(Duration::from_secs(600));
    for expected in [200, 429] {
        let (known, unknown) = (ask(&app, ANN, 9).await, ask(&app, "nobody@company.example", 9).await);
        assert_eq!((known.status, unknown.status), (expected, expected));
    }
    app.finish().await;
}

//! FinRadar's login: who comes in, how many times at once, and what a refusal gives away.

use std::time::Duration;

use latchkey::api::finradar::POLICY;
use latchkey::clock::Clock;
use latchkey::model::email::EmailAddress;
use latchkey::model::language::Language;
use latchkey::model::organization::Contact;
use latchkey::model::password::Password;
use latchkey::model::time::{DAY, SECOND};
use latchkey::service::operator::{AccountAction, AccountName};
use latchkey::service::policy::{Gate, Policy};
use latchkey::service::register::RegisterOrder;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, START};
use crate::crowd::crowd;
use crate::limits::proxied;
use crate::locks::seen;

const LOGIN: &str = "/finradar/api/v1/auth/login";
const USER: &str = "/finradar/api/v1/user/";
const WRONG: &str = "Invalid email or password";
/// Fits FinRadar's rule and no other.
pub const PLAIN: &str = "plain words";

/// Logs in through FinRadar.
pub async fn login(app: &App, email: &str, password: &str) -> Answer {
    app.post(LOGIN, &json!({"email": email, "password": password})).await
}

/// Whether FinRadar lets a token in.
pub async fn enters(app: &App, token: &str) -> bool {
    app.send(app.request(Method::GET, USER).bearer_auth(token)).await.status == 200
}

/// Somebody whose account was made through FinRadar, with the password [`PLAIN`] or with none yet.
pub async fn registrant(app: &App, email: &str, password: Option<&str>) {
    let order = RegisterOrder {
        email: EmailAddress::parse(email).expect("an address"),
        password: password.map(|text| Password::chosen(text, &POLICY.password_rule).expect("it fits")),
        first_name: None,
        last_name: None,
        company_name: None,
        company_website: None,
        is_business: false,
        contact: Contact::default(),
        language: Language::English,
        invite: None,
        personal: latchkey::model::personal::PersonalDetails::default(),
    };
    let open = Policy { gate: Gate::Open, ..POLICY };
    app.service.create_account(&open, order, false).await.expect("an account");
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.field("message"))
}

#[tokio::test]
async fn a_login_answers_with_a_token_for_a_day_and_the_user() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let answer = login(&app, "ANN@acme.com", PASSWORD).await;
    let body = answer.json();
    let keys: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!((answer.status, keys), (200, vec!["message", "token", "user"]), "{}", answer.text);
    let token = answer.field("token");
    let read = app.send(app.request(Method::GET, USER).bearer_auth(&token)).await;
    assert_eq!(read.json()["user"], body["user"], "the user is that of GET /user/");
    assert_eq!(body["user"]["uuid"], json!(ann.id));
    assert_eq!(body["user"]["verify_email"], json!(true));
    app.advance(DAY - SECOND);
    assert!(enters(&app, &token).await);
    app.advance(SECOND);
    assert!(!enters(&app, &token).await, "it is good for 24 hours");
    app.finish().await;
}

// H3
#[tokio::test]
async fn one_sentence_refuses_everybody_whom_a_stranger_could_be_asking_about() {
    let app = App::start_with(|settings| settings.reveal_accounts = Some("on".to_owned())).await;
    app.member("ann@acme.com").await;
    app.newcomer("new@acme.com").await;
    registrant(&app, "ivy@acme.com", None).await;
    let carl = app.member("carl@acme.com").await;
    app.call(&carl, Method::POST, "/user/deactivate", None).await;
    app.member("bad@acme.com").await;
    let name = AccountName::Email(EmailAddress::parse("bad@acme.com").expect("an address"));
    let bad = app.service.find_account(&name).expect("the store").expect("an account");
    assert!(app.service.act_on_account(&bad, AccountAction::Ban).await.expect("the store"));
    let long = "x".repeat(257);
    let rows = [
        ("unknown", "nobody@acme.com", PASSWORD),
        ("wrong password", "ann@acme.com", "WrongPass123"),
        ("empty password", "ann@acme.com", ""),
        ("longer than any", "ann@acme.com", long.as_str()),
        ("unverified, wrong password", "new@acme.com", "WrongPass123"),
        ("no password yet", "ivy@acme.com", PASSWORD),
        ("deactivated, right password", "carl@acme.com", PASSWORD),
        ("banned, right password", "bad@acme.com", PASSWORD),
    ];
    let mut views = Vec::new();
    for (what, email, password) in rows {
        let answer = login(&app, email, password).await;
        assert_eq!(refusal(&answer), (401, WRONG.to_owned()), "{what}");
        views.push(seen(&answer));
    }
    views.dedup();
    assert_eq!(views.len(), 1, "{views:?}");
    app.finish().await;
}

#[tokio::test]
async fn faulty_input_is_named_field_by_field_and_not_repeated() {
    let app = App::start().await;
    let rows = [
        (json!({}), vec!["email", "password"]),
        (json!({"email": ["ann@acme.com"], "password": PASSWORD}), vec!["email"]),
        // A4
        (json!({"email": "ann@acme.com,b@y.org", "password": PASSWORD}), vec!["email"]),
        (json!({"email": "ann@acme.com", "password": 12345678}), vec!["password"]),
        (json!([]), vec![]),
    ];
    for (body, fields) in rows {
        let answer = app.post(LOGIN, &body).await;
        let message = answer.field("message");
        assert_eq!(answer.status, 400, "{body}");
        assert!(fields.iter().all(|field| message.contains(field)), "{body}: {message}");
        assert!(!answer.text.contains("ann@acme.com") && !answer.text.contains("12345678"), "{message}");
    }
    app.finish().await;
}

#[tokio::test]
async fn nobody_comes_in_before_the_address_is_proved() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    app.newcomer("ann@acme.com").await;
    let mailed =
        || async { app.letters().await.iter().filter(|letter| letter.0["kind"] == "verify").count() };
    for expected in [2, 3, 4, 4, 4] {
        app.advance(SECOND);
        let answer = login(&app, "ann@acme.com", PASSWORD).await;
        assert_eq!(answer.status, 400, "{}", answer.text);
        assert!(answer.field("message").contains("verify") && answer.json()["token"].is_null());
        assert_eq!(
            mailed().await,
            expected,
            "a fresh letter within the budget of the address, in silence past it"
        );
    }
    // H5: the budget is the one of all routes.
    let body = json!({"email": "ann@acme.com"});
    assert_eq!(app.post("/user/request-reset-password", &body).await.status, 429);
    assert_eq!(login(&app, "ann@acme.com", "WrongPass123").await.status, 401);
    assert_eq!(mailed().await, 4, "a wrong password mails nothing");
    let link = app.letter("ann@acme.com", "verify").await.token();
    assert_eq!(app.submit("/verify-email", &[("token", &link)]).await.status, 200);
    assert_eq!(login(&app, "ann@acme.com", PASSWORD).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_third_login_ends_the_oldest_session_of_this_contract_alone() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let ben = app.member("ben@acme.com").await;
    let mut tokens = Vec::new();
    for number in 0..4 {
        app.advance(SECOND);
        tokens.push(login(&app, &ann.email, PASSWORD).await.field("token"));
        let mut live = Vec::new();
        for token in &tokens {
            live.push(enters(&app, token).await);
        }
        let expected: Vec<bool> = (0..=number).map(|login| login + 2 > number).collect();
        assert_eq!(live, expected, "after login {number}");
    }
    let others = login(&app, &ben.email, PASSWORD).await.field("token");
    assert!(enters(&app, &others).await && enters(&app, &tokens[3]).await, "people do not share it");
    for person in [&ann, &ben] {
        let own = app.call(person, Method::GET, "/user/profile", None).await;
        assert_eq!(own.status, 200, "sessions of another contract are left alone");
    }
    let audit = app.call(&ann, Method::GET, "/user/audit", None).await;
    assert_eq!(audit.text.matches("session.evicted").count(), 2, "{}", audit.text);
    app.finish().await;
}

#[tokio::test]
async fn logins_at_the_same_moment_leave_two_sessions() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let (app, answers) =
        crowd(app, 12, |app, _| async move { login(&app, "ann@acme.com", PASSWORD).await }).await;
    let mut live = 0;
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text);
        live += usize::from(enters(&app, &answer.field("token")).await);
    }
    assert_eq!(live, 2);
    app.finish().await;
}

fn login_from(app: &App, email: &str, password: &str, from: &str) -> RequestBuilder {
    let body = json!({"email": email, "password": password});
    app.request(Method::POST, LOGIN).header("x-forwarded-for", from).json(&body)
}

/// Status, message and wait of a try from a network.
async fn told(app: &App, email: &str, password: &str, from: &str) -> (u16, Value, String) {
    let answer = app.send(login_from(app, email, password, from)).await;
    (answer.status, answer.json(), answer.header("retry-after").to_owned())
}

// H3, H6
#[tokio::test]
async fn locks_grow_alike_for_known_and_unknown_and_refuse_the_right_password_too() {
    let app = proxied().await;
    app.member("ann@acme.com").await;
    for (step, wait) in [(5, "60"), (5, "300"), (10, "3600")] {
        let mut views = Vec::new();
        for (email, from) in [("ann@acme.com", "203.0.113.1"), ("nobody@acme.com", "198.51.100.1")] {
            for number in 0..step {
                let (status, body, _) = told(&app, email, "WrongPass123", from).await;
                assert_eq!((status, &body["message"]), (401, &json!(WRONG)), "failure {number} of {email}");
                app.advance(Duration::from_secs(if number + 1 < step { 6 } else { 0 }));
            }
            let locked = told(&app, email, PASSWORD, from).await;
            assert_eq!((locked.0, locked.2.as_str()), (429, wait), "{email}: {}", locked.1);
            views.push(locked);
            app.advance(Duration::from_secs(3600));
        }
        assert_eq!(views[0], views[1]);
    }
    assert_eq!(told(&app, "ann@acme.com", PASSWORD, "203.0.113.1").await.0, 200, "no lock is for good");
    app.finish().await;
}

// E1, H6: over all contracts, and over a restart.
#[tokio::test]
async fn a_lock_holds_in_every_contract_and_survives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("latchkey.db");
    let with_limits = |settings: &mut latchkey::config::Arguments| settings.rate_limits = None;
    let mut app = App::start_on(database.clone(), Clock::fixed(START), with_limits).await;
    app.member("ann@acme.com").await;
    for number in 0..5 {
        let answer = match number % 2 {
            0 => login(&app, "ann@acme.com", "WrongPass123").await,
            _ => app.login("ann@acme.com", "WrongPass123").await,
        };
        assert_eq!(answer.status, 401, "failure {number}");
    }
    app.carried().await;
    app.stop().await;
    let later = Clock::fixed(START);
    later.advance(Duration::from_secs(59));
    let app = App::start_on(database, later, with_limits).await;
    assert_eq!(login(&app, "ann@acme.com", PASSWORD).await.status, 429);
    assert_eq!(app.login("ann@acme.com", PASSWORD).await.status, 429);
    app.advance(SECOND);
    assert_eq!(login(&app, "ann@acme.com", PASSWORD).await.status, 200);
    app.finish().await;
}

//! Lost and changed passwords: what a reset takes back, and what ends with the old password.

use std::time::Duration;

use latchkey::model::time::{DAY, HOUR, SECOND};
use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, Letter, PASSWORD, Person};
use crate::crowd::{count, crowd};

/// What somebody chooses instead of [`PASSWORD`].
const CHOSEN: &str = "ChosenPass456";

/// Asks for a reset letter, a second after whatever was before, so that the newest letter is known by its time.
async fn ask(app: &App, email: &str) -> Letter {
    app.advance(SECOND);
    let answer = app.post("/user/request-reset-password", &json!({"email": email})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.letter(email, "reset").await
}

async fn by_link(app: &App, token: &str, password: &str) -> Answer {
    app.post("/user/reset-password", &json!({"token": token, "newPassword": password})).await
}

async fn by_code(app: &App, email: &str, code: &str) -> Answer {
    app.post("/user/reset-password", &json!({"email": email, "code": code, "newPassword": CHOSEN})).await
}

async fn log_in(app: &App, email: &str) -> Person {
    let answer = app.login(email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Person::of(email, &answer)
}

async fn enters(app: &App, person: &Person) -> bool {
    app.call(person, Method::GET, "/user/profile", None).await.status == 200
}

fn invalid(answer: &Answer, what: &str) {
    assert_eq!(answer.refusal(), (400, "INVALID_TOKEN".to_owned()), "{what}: {}", answer.text);
}

async fn is_cut_off(app: &App, person: &Person, what: &str) {
    assert!(!enters(app, person).await, "{what}: the access token");
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": person.refresh})).await;
    assert_eq!(refreshed.refusal(), (401, "INVALID_REFRESH_TOKEN".to_owned()), "{what}");
}

fn wrong_codes(right: &str) -> impl Iterator<Item = String> {
    let right: u64 = right.parse().expect("digits");
    (1..).map(move |step| format!("{:08}", (right + step) % 100_000_000))
}

// A1, D2
#[tokio::test]
async fn a_reset_takes_an_account_back_from_whoever_made_it() {
    let app = App::start().await;
    let attacker = app.newcomer("victim@acme.com").await;
    let elsewhere = log_in(&app, "victim@acme.com").await;
    let verify = app.letter("victim@acme.com", "verify").await;
    let older = ask(&app, "victim@acme.com").await;
    let letter = ask(&app, "victim@acme.com").await;
    let answer = by_link(&app, &letter.token(), CHOSEN).await;
    assert_eq!((answer.status, &answer.json()["success"]), (200, &json!(true)), "{}", answer.text);

    is_cut_off(&app, &attacker, "the session of the sign-up").await;
    is_cut_off(&app, &elsewhere, "the session of the login").await;
    let refused = app.login("victim@acme.com", PASSWORD).await;
    assert_eq!(refused.refusal(), (401, "INVALID_PASSWORD".to_owned()));
    let link = app.post("/user/verify-email", &json!({"token": verify.token()})).await;
    invalid(&link, "the link of the sign-up");
    let code = json!({"verificationTokenId": attacker.proof, "code": verify.code()});
    invalid(&app.post("/user/verify-email", &code).await, "the code of the sign-up");
    let removal = app.submit("/verify-email/not-me", &[("token", &verify.token())]).await;
    assert_ne!(removal.status, 200, "the link can no longer remove the account");
    invalid(&by_link(&app, &older.token(), PASSWORD).await, "the reset asked for before");
    app.post(&format!("/user/resend-verification/{}", attacker.proof), &json!({})).await;
    assert_eq!(app.letter("victim@acme.com", "verify").await.token(), verify.token(), "nothing new is sent");

    let owner = Person::of("victim@acme.com", &app.login("victim@acme.com", CHOSEN).await);
    let path = format!("/user/{}", owner.id);
    let write = app.call(&owner, Method::PUT, &path, Some(&json!({"name": "Vic"}))).await;
    assert_eq!(write.status, 200, "a reset proves the address: {}", write.text);
    assert_eq!(app.letter("victim@acme.com", "password-changed").await.to(), "victim@acme.com");
    app.finish().await;
}

#[tokio::test]
async fn a_reset_by_code_needs_the_address_in_any_spelling() {
    let app = App::start().await;
    let ann = app.member("Ann@acme.com").await;
    let letter = ask(&app, "Ann@acme.com").await;
    invalid(&by_code(&app, "bob@acme.com", &letter.code()).await, "an unknown address");
    let answer = by_code(&app, "aNN@ACME.com", &letter.code()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    is_cut_off(&app, &ann, "by code").await;
    assert_eq!(app.login("ann@acme.com", CHOSEN).await.status, 200);
    invalid(&by_code(&app, "ann@acme.com", &letter.code()).await, "a code used");
    invalid(&by_link(&app, &letter.token(), CHOSEN).await, "the link of a code used");
    app.finish().await;
}

// D1
#[tokio::test]
async fn a_reset_link_is_good_once_and_not_after_its_sibling_or_a_new_password() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let (first, second) = (ask(&app, &ann.email).await, ask(&app, &ann.email).await);
    assert_eq!(
        by_link(&app, &first.token(), CHOSEN).await.status,
        200,
        "an older link is good until one is used"
    );
    invalid(&by_link(&app, &first.token(), PASSWORD).await, "a second use");
    invalid(&by_link(&app, &second.token(), PASSWORD).await, "after its sibling");
    invalid(&by_code(&app, &ann.email, &second.code()).await, "the code of its sibling");
    let page = app.submit("/reset-password", &[("token", &second.token()), ("password", PASSWORD)]).await;
    assert_ne!(page.status, 200, "on the page, too");

    let ann = Person::of(&ann.email, &app.login(&ann.email, CHOSEN).await);
    let third = ask(&app, &ann.email).await;
    let path = format!("/user/{}", ann.id);
    let changed = app.call(&ann, Method::PUT, &path, Some(&json!({"password": PASSWORD}))).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    invalid(&by_link(&app, &third.token(), CHOSEN).await, "after a new password");
    invalid(&by_code(&app, &ann.email, &third.code()).await, "its code, after a new password");
    assert_eq!(app.login(&ann.email, PASSWORD).await.status, 200);
    app.finish().await;
}

// D1
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_uses_of_two_reset_links_one_succeeds() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let tokens = [ask(&app, "ann@acme.com").await.token(), ask(&app, "ann@acme.com").await.token()];
    let (app, answers) = crowd(app, 20, move |app, caller| {
        let token = tokens[caller % 2].clone();
        async move { by_link(&app, &token, &format!("ChosenPass{caller}")).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(count(&answers, 400, "INVALID_TOKEN"), 19);
    let winner = answers.iter().position(|answer| answer.status == 200).expect("one");
    let mut doors = 0;
    for caller in 0..20 {
        doors += usize::from(app.login("ann@acme.com", &format!("ChosenPass{caller}")).await.status == 200);
    }
    assert_eq!(doors, 1, "one password is in force");
    assert!(winner < 20);
    app.finish().await;
}

#[tokio::test]
async fn a_weak_password_keeps_the_link_good() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let letter = ask(&app, "ann@acme.com").await;
    for _ in 0..6 {
        let weak = by_link(&app, &letter.token(), "weak").await;
        assert_eq!(weak.refusal(), (400, "WEAK_PASSWORD".to_owned()));
        let code = json!({"email": "ann@acme.com", "code": letter.code(), "newPassword": "weak"});
        let weak = app.post("/user/reset-password", &code).await;
        assert_eq!(weak.refusal(), (400, "WEAK_PASSWORD".to_owned()), "and costs no try of the code");
    }
    let page = app.submit("/reset-password", &[("token", &letter.token()), ("password", "weak")]).await;
    assert_eq!(page.status, 400);
    assert_eq!(by_code(&app, "ann@acme.com", &letter.code()).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_reset_link_and_its_code_end_after_an_hour() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let letter = ask(&app, "ann@acme.com").await;
    app.advance(HOUR);
    invalid(&by_link(&app, &letter.token(), CHOSEN).await, "the link");
    invalid(&by_code(&app, "ann@acme.com", &letter.code()).await, "the code");
    let letter = ask(&app, "ann@acme.com").await;
    app.advance(HOUR - Duration::from_millis(1));
    assert_eq!(by_link(&app, &letter.token(), CHOSEN).await.status, 200, "to its last millisecond");
    app.finish().await;
}

// E1
#[tokio::test]
async fn wrong_reset_codes_run_out_over_all_letters() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let letter = ask(&app, "ann@acme.com").await;
    for code in wrong_codes(&letter.code()).take(5) {
        invalid(&by_code(&app, "ann@acme.com", &code).await, &code);
    }
    invalid(&by_code(&app, "ann@acme.com", &letter.code()).await, "the right code, too late");
    let next = ask(&app, "ann@acme.com").await;
    invalid(&by_code(&app, "ann@acme.com", &next.code()).await, "the code of a new letter");
    assert_eq!(
        by_link(&app, &next.token(), CHOSEN).await.status,
        200,
        "running out kills codes, never links"
    );
    app.advance(DAY);
    let fresh = ask(&app, "ann@acme.com").await;
    assert_eq!(by_code(&app, "ann@acme.com", &fresh.code()).await.status, 200);
    app.finish().await;
}

// H3
#[tokio::test]
async fn asking_for_a_reset_tells_nobody_who_exists() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    let letters = app.letters().await.len();
    let known = app.post("/user/request-reset-password", &json!({"email": "ann@acme.com"})).await;
    let unknown = app.post("/user/request-reset-password", &json!({"email": "bob@acme.com"})).await;
    assert_eq!((known.status, &known.text), (200, &unknown.text));
    assert_eq!(unknown.status, 200);
    assert_eq!(app.letters().await.len(), letters + 1);
    let list = json!({"email": ["ann@acme.com", "eve@evil.example"]});
    let refused = app.post("/user/request-reset-password", &list).await;
    assert_eq!(refused.refusal(), (400, "INVALID_INPUT".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_changed_password_ends_all_sessions_but_ones_own() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let elsewhere = log_in(&app, &ann.email).await;
    let bob = app.member("bob@acme.com").await;
    let path = format!("/user/{}", ann.id);
    let change = json!({"password": CHOSEN});
    let foreign = app.call(&bob, Method::PUT, &path, Some(&change)).await;
    assert_eq!(foreign.status, 404, "another's is as unknown: {}", foreign.text);
    let weak = app.call(&ann, Method::PUT, &path, Some(&json!({"password": "weak"}))).await;
    assert_eq!(weak.status, 400);
    assert!(enters(&app, &elsewhere).await, "nothing has changed yet");

    let changed = app.call(&ann, Method::PUT, &path, Some(&change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    is_cut_off(&app, &elsewhere, "another session").await;
    assert!(enters(&app, &ann).await, "one's own stays");
    assert_eq!(app.post("/user/refresh", &json!({"refreshToken": ann.refresh})).await.status, 200);
    assert!(enters(&app, &bob).await);
    assert_eq!(app.letter(&ann.email, "password-changed").await.to(), ann.email);
    assert_eq!(app.login(&ann.email, PASSWORD).await.status, 401);
    assert_eq!(app.login(&ann.email, CHOSEN).await.status, 200);
    app.finish().await;
}

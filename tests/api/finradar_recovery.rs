//! FinRadar's letters: asked for again, followed, and used for a new password.

use std::time::Duration;

use latchkey::model::time::{HOUR, SECOND};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Letter, PASSWORD};
use crate::crowd::crowd;
use crate::finradar_session::{PLAIN, enters, login, registrant};
use crate::limits::proxied;
use crate::locks::seen;

const RESEND: &str = "/finradar/api/v1/auth/resend-verification";
const FORGET: &str = "/finradar/api/v1/auth/forgetpassword";
const NEW_PASSWORD: &str = "/finradar/api/v1/auth/newpassword";
const VERIFY_LINK: &str = "/finradar/api/v1/auth/verifyEmail";
const RESET_LINK: &str = "/finradar/api/v1/auth/verifyPasswordLink";
const ANN: &str = "ann@acme.com";
/// A new password that every contract takes.
const MIXED: &str = "Another1Word";

async fn ask(app: &App, path: &str, email: &str) -> Answer {
    app.post(path, &json!({"email": email})).await
}

/// Asks for a reset letter after the last one has lost its shadow.
async fn reset_letter(app: &App, email: &str) -> Letter {
    app.advance(Duration::from_secs(60));
    assert_eq!(ask(app, FORGET, email).await.status, 200);
    app.letter(email, "reset").await
}

async fn change(app: &App, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "newpassword": password});
    app.send(app.request(Method::PUT, NEW_PASSWORD).json(&body)).await
}

async fn mailed(app: &App, kind: &str) -> usize {
    app.letters().await.iter().filter(|letter| letter.0["kind"] == kind).count()
}

fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.field("message"))
}

// H3, H5
#[tokio::test]
async fn asking_for_a_letter_is_answered_alike_until_the_budget_is_spent_alike() {
    let app = proxied().await;
    app.newcomer(ANN).await;
    app.member("ben@acme.com").await;
    for path in [RESEND, FORGET] {
        let mut views: Vec<Vec<_>> = Vec::new();
        // Nobody, somebody who waits for the proof, somebody who has proved the address.
        for (from, email) in ["nobody@acme.com", ANN, "ben@acme.com"].into_iter().enumerate() {
            let mut view = Vec::new();
            for _ in 0..5 {
                let request = app.request(Method::POST, path).json(&json!({"email": email}));
                let answer = app.send(request.header("x-forwarded-for", format!("192.0.2.{from}"))).await;
                view.push(seen(&answer));
            }
            views.push(view);
        }
        let statuses: Vec<u16> = views[0].iter().map(|(status, ..)| *status).collect();
        assert_eq!(statuses, [200, 200, 200, 429, 429], "{path}");
        let body: &Value = &views[0][0].1;
        assert!(body["message"].is_string() && !body.to_string().contains("acme"), "{body}");
        assert_eq!(views[0], views[1], "{path}");
        assert_eq!(views[0], views[2], "{path}");
        app.advance(HOUR);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_verification_letter_goes_out_again_to_who_waits_for_one_and_to_nobody_else() {
    let app = App::start().await;
    app.newcomer(ANN).await;
    registrant(&app, "invited@acme.com", None).await;
    app.member("ben@acme.com").await;
    let first = app.letter(ANN, "verify").await;
    let before = app.letters().await.len();
    app.advance(SECOND);
    for email in ["nobody@acme.com", "ben@acme.com", "invited@acme.com", "ANN@acme.com"] {
        assert_eq!(ask(&app, RESEND, email).await.status, 200, "{email}");
    }
    let second = app.letter(ANN, "verify").await;
    assert_eq!(app.letters().await.len(), before + 1);
    assert_ne!(first.token(), second.token());
    let confirmed = app.submit("/verify-email", &[("token", &first.token())]).await;
    assert_eq!(confirmed.status, 200, "links mailed before stay good");
    let used = app.submit("/verify-email", &[("token", &second.token())]).await;
    assert_eq!(used.status, 400, "until one is used");
    app.finish().await;
}

#[tokio::test]
async fn a_second_reset_letter_waits_sixty_seconds() {
    let app = App::start().await;
    app.member(ANN).await;
    app.advance(HOUR);
    for (wait, letters) in [(0, 1), (0, 1), (59, 1), (1, 2), (59, 2), (1, 3)] {
        app.advance(Duration::from_secs(wait));
        let answer = ask(&app, FORGET, ANN).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(mailed(&app, "reset").await, letters, "after {wait} s more");
    }
    app.advance(Duration::from_secs(60));
    let (app, answers) = crowd(app, 10, |app, _| async move { ask(&app, FORGET, ANN).await }).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(mailed(&app, "reset").await, 4, "one for ten who ask at once");
    app.finish().await;
}

// C3
#[tokio::test]
async fn the_published_verification_link_shows_the_page_and_uses_nothing_up() {
    let app = App::start().await;
    app.newcomer(ANN).await;
    let token = app.letter(ANN, "verify").await.token();
    let page = app.get(&format!("/verify-email?token={token}")).await;
    for (host, path) in [("localhost", VERIFY_LINK), ("finradar.localhost", "/api/v1/auth/verifyEmail")] {
        let link = format!("{path}?token={token}");
        let request = |method| app.request(method, &link).header("host", host);
        let head = app.send(request(Method::HEAD)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{host}");
        for _ in 0..2 {
            let shown = app.send(request(Method::GET)).await;
            assert_eq!((shown.status, &shown.text), (200, &page.text), "{host}");
            for name in ["content-security-policy", "referrer-policy", "cache-control"] {
                assert_eq!(shown.header(name), page.header(name), "{name}");
            }
        }
        assert_eq!(app.send(request(Method::POST)).await.status, 405, "its own page takes the answer");
    }
    for link in
        [VERIFY_LINK.to_owned(), format!("{VERIFY_LINK}?token="), format!("{VERIFY_LINK}?token=x&y=z")]
    {
        let answer = app.get(&link).await;
        assert_eq!(
            (answer.status, answer.header("content-type")),
            (400, "text/html; charset=utf-8"),
            "{link}"
        );
    }
    let twice = app.get(&format!("{VERIFY_LINK}?token={token}&token=x")).await;
    assert_eq!(twice.status, 400, "{}", twice.text);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 400, "looking proves nothing");
    let pressed = app.submit("/verify-email", &[("token", &token)]).await;
    assert_eq!(pressed.status, 200, "{}", pressed.text);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 200);
    app.finish().await;
}

// C1, C2, C3
#[tokio::test]
async fn the_published_reset_link_leads_to_our_own_page_whatever_a_caller_says() {
    let app = App::start_with(|settings| {
        settings.public_url = Some("http://id.localhost:1234".to_owned());
        settings.hosts = Some("api.finradar.ai=finradar".to_owned());
    })
    .await;
    app.member(ANN).await;
    let token = reset_letter(&app, ANN).await.token();
    let evil = "next=//evil.example&redirect_uri=https://evil.example&url=https://evil.example";
    for (host, path) in [
        ("localhost", RESET_LINK),
        ("api.finradar.ai", "/api/v1/auth/verifyPasswordLink"),
        ("evil.example", RESET_LINK),
    ] {
        for method in [Method::HEAD, Method::GET, Method::GET] {
            let request = app.request(method, &format!("{path}?token={token}&{evil}"));
            let request = request.header("host", host).header("x-forwarded-host", "evil.example");
            let answer = app.send(request).await;
            let page = format!("http://id.localhost:1234/reset-password?token={token}");
            assert_eq!((answer.status, answer.header("location")), (302, page.as_str()), "{host}");
        }
    }
    let odd = "%0d%0aset-cookie:%20a=b&%2F%2Fevil.example%23";
    let answer = app.get(&format!("{RESET_LINK}?token={odd}")).await;
    let location = answer.header("location");
    assert_eq!(location, "http://id.localhost:1234/reset-password?token=%0D%0Aset-cookie%3A+a%3Db");
    assert!(answer.header("set-cookie").is_empty());
    assert_eq!(
        app.get(RESET_LINK).await.header("location"),
        "http://id.localhost:1234/reset-password?token="
    );
    let changed = change(&app, &token, MIXED).await;
    assert_eq!(changed.status, 200, "it used nothing up: {}", changed.text);
    app.finish().await;
}

// D1, D2
#[tokio::test]
async fn a_new_password_uses_the_link_up_and_ends_every_session() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let token = login(&app, ANN, PASSWORD).await.field("token");
    let (first, second) = (reset_letter(&app, ANN).await, reset_letter(&app, ANN).await);
    for (what, token, password, words) in [
        ("too short", second.token(), "1234567", "newpassword"),
        ("longer than any", second.token(), "x".repeat(257).as_str(), "newpassword"),
        ("unknown", "x".repeat(43), PLAIN, "Invalid or expired token"),
        ("empty", String::new(), PLAIN, "Invalid or expired token"),
    ]
    .map(|(what, token, password, words)| (what, token, password.to_owned(), words))
    {
        let answer = change(&app, &token, &password).await;
        assert_eq!(answer.status, 400, "{what}");
        assert!(answer.field("message").contains(words), "{what}: {}", answer.text);
    }
    assert!(enters(&app, &token).await, "nothing has changed yet");
    let changed = change(&app, &second.token(), MIXED).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert!(!changed.field("message").is_empty());
    assert!(!enters(&app, &token).await, "FinRadar's session");
    let own = app.call(&ann, Method::GET, "/user/profile", None).await;
    assert_eq!(own.status, 401, "and that of any other contract");
    for (what, letter) in [("a second use", &second), ("its sibling", &first)] {
        let again = change(&app, &letter.token(), "Another0ne").await;
        assert_eq!(refusal(&again), (400, "Invalid or expired token".to_owned()), "{what}");
    }
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 401);
    assert_eq!(login(&app, ANN, MIXED).await.status, 200);
    assert_eq!(app.letter(ANN, "password-changed").await.to(), ANN);
    let late = reset_letter(&app, ANN).await;
    app.advance(HOUR);
    assert_eq!(change(&app, &late.token(), MIXED).await.status, 400, "an hour is its life");
    app.finish().await;
}

// A1: a reset proves the address too.
#[tokio::test]
async fn a_new_password_lets_in_who_never_followed_the_verification_link() {
    let app = App::start().await;
    app.newcomer(ANN).await;
    let letter = reset_letter(&app, ANN).await;
    assert_eq!(change(&app, &letter.token(), PASSWORD).await.status, 200);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 200);
    app.finish().await;
}

// D1
#[tokio::test]
async fn a_new_password_obeys_the_contract_that_the_account_was_made_through() {
    let app = App::start().await;
    app.member(ANN).await;
    let letter = reset_letter(&app, ANN).await;
    let plain = change(&app, &letter.token(), PLAIN).await;
    assert_eq!(plain.status, 400, "{}", plain.text);
    assert!(
        plain.field("message").contains("newpassword must contain an upper-case letter"),
        "{}",
        plain.text
    );
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 200, "nothing has changed");
    assert_eq!(change(&app, &letter.token(), MIXED).await.status, 200, "and the link is still good");
    assert_eq!(login(&app, ANN, MIXED).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn a_page_asks_for_the_password_that_the_accounts_own_contract_asks_for() {
    let app = App::start().await;
    registrant(&app, "fin@acme.com", Some("first words")).await;
    app.member(ANN).await;
    for (email, plain) in [("fin@acme.com", 200), (ANN, 400)] {
        let token = reset_letter(&app, email).await.token();
        let asked = app.get(&format!("/reset-password?token={token}")).await.text;
        assert_eq!(asked.contains("upper-case"), plain == 400, "{email}: {asked}");
        let short = app.submit("/reset-password", &[("token", &token), ("password", "1234567")]).await;
        assert_eq!(short.status, 400, "{email}");
        let answer = app.submit("/reset-password", &[("token", &token), ("password", PLAIN)]).await;
        assert_eq!(answer.status, plain, "{email}: {}", answer.text);
    }
    assert_eq!(login(&app, "fin@acme.com", PLAIN).await.status, 200);
    // Who has none yet chooses one with the proof.
    registrant(&app, "ivy@acme.com", None).await;
    let token = app.letter("ivy@acme.com", "invitation").await.token();
    let none = app.submit("/verify-email", &[("token", &token)]).await;
    assert_eq!(none.status, 400);
    let answer = app.submit("/verify-email", &[("token", &token), ("password", PLAIN)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(login(&app, "ivy@acme.com", PLAIN).await.status, 200);
    app.finish().await;
}

//! FinRadar's sign-up beside its invites: the input, the letters, what becomes of the account.

use std::collections::HashSet;

use latchkey::model::letter::LetterState;
use latchkey::model::time::DAY;
use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App};
use crate::invites::{PASSWORD, REGISTER, accounts, bad_token, code, refusal, register, token};
use crate::smtp_sink::{Behavior, Sink, Step};

async fn balance(app: &App, key: &str) -> Answer {
    let path = "/finradar/api/v1/account/balance";
    app.send(app.request(Method::GET, path).header("x-api-key", key)).await
}

// A4
#[tokio::test]
async fn smuggled_addresses_are_refused() {
    let app = App::start().await;
    let (_, code) = code(&app, 5).await;
    let token = token(&app, &code).await;
    for email in
        ["a@x.org,b@y.org", "a@x.org;b@y.org", "a@x.org\nb@y.org", "\"a\" <b@y.org>", "a@x.org b@y.org"]
    {
        let answer = register(&app, email, &token).await;
        assert_eq!(answer.status, 400, "{email}: {}", answer.text);
    }
    let twice = format!(
        r#"{{"email":"a@x.org","email":"b@y.org","password":"{PASSWORD}","invite_token":"{token}"}}"#
    );
    assert_eq!(app.post_raw(REGISTER, twice).await.status, 400);
    let list =
        app.post(REGISTER, &json!({"email": ["a@x.org"], "password": PASSWORD, "invite_token": token})).await;
    assert_eq!(list.status, 400);
    assert_eq!(accounts(&app), 0);
    app.finish().await;
}

// I2, and the contract's promise: the account is kept, its letter tried again
#[tokio::test]
async fn a_letter_that_cannot_be_handed_over_is_told_and_the_account_stays() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    sink.behave(Behavior::RefuseAt(Step::Rcpt, 550, "5.1.1 no such user"));
    let (_, code) = code(&app, 1).await;
    let answer = register(&app, "ann@acme.example", &token(&app, &code).await).await;
    let sentence = "Account created, but the verification email could not be sent. Request a new one at \
        /auth/resend-verification.";
    assert_eq!(refusal(&answer), (500, sentence.to_owned()));
    assert_eq!(accounts(&app), 1);
    app.finish().await;
}

// The letter of welcome is best effort: whatever becomes of it, the answer is 200 (seed).
#[tokio::test]
async fn the_answer_waits_for_the_verification_letter_alone() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    let (_, code) = code(&app, 1).await;
    let answer = register(&app, "ann@acme.example", &token(&app, &code).await).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let delivered = app.service.list_letters(Some(LetterState::Delivered), 10).expect("the outbox");
    assert!(delivered.iter().any(|letter| letter.kind == "verify"), "handed over before the answer");
    app.finish().await;
}

// H1: also through the front door, and an account made here signs in through another contract
#[tokio::test]
async fn an_account_is_the_same_through_every_contract() {
    let app = App::start().await;
    let (_, code) = code(&app, 1).await;
    let token = token(&app, &code).await;
    let body = json!({"email": "ann@acme.example", "password": PASSWORD, "invite_token": token});
    let request = app.request(Method::POST, "/api/v1/auth/register").header("host", "finradar.localhost");
    let answer = app.send(request.json(&body)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let link = app.letter("ann@acme.example", "verify").await.token();
    assert_eq!(app.submit("/verify-email", &[("token", &link)]).await.status, 200);
    assert_eq!(app.login("ann@acme.example", PASSWORD).await.status, 200);
    assert_eq!(app.register("ann@acme.example").await.field("error_code"), "EMAIL_EXISTS_ACTIVE");
    app.finish().await;
}

// A1, A2: accounts that nobody proves go, and their keys with them
#[tokio::test]
async fn an_account_that_is_never_proved_goes_after_a_week() {
    let app = App::start().await;
    let (id, code) = code(&app, 1).await;
    register(&app, "ann@acme.example", &token(&app, &code).await).await;
    app.advance(8 * DAY);
    app.sweep().await;
    assert_eq!(accounts(&app), 0);
    let (invite, uses) = app.service.find_invite(id).expect("the store").expect("an invite");
    assert_eq!((invite.uses, uses[0].email.as_ref()), (1, None), "the use stays used, and names nobody");
    app.finish().await;
}

#[tokio::test]
async fn the_letters_prove_the_address_and_bring_a_key_that_works_then() {
    let app = App::start().await;
    let (_, code) = code(&app, 1).await;
    register(&app, "ann@acme.example", &token(&app, &code).await).await;
    let kinds: HashSet<String> = app
        .letters()
        .await
        .iter()
        .map(|letter| letter.0["kind"].as_str().expect("a kind").to_owned())
        .collect();
    assert_eq!(kinds, HashSet::from(["verify".to_owned(), "welcome".to_owned()]));
    let welcome = app.letter("ann@acme.example", "welcome").await;
    let text = welcome.0["text"].as_str().expect("a text");
    let key = text.split_whitespace().find(|word| word.starts_with("lk_")).expect("a key").to_owned();
    assert!(text.contains(&format!("curl -H \"X-API-Key: {key}\"")), "{text}");
    let balance = format!("http://{}/finradar/api/v1/account/balance", app.address);
    assert!(text.contains(&balance), "{text}");
    let check = async || app.post("/keys/verify", &json!({"key": key, "cost": 0})).await.status;
    assert_eq!(check().await, 401, "before the address is proved");
    let link = app.letter("ann@acme.example", "verify").await.token();
    assert_eq!(app.submit("/verify-email", &[("token", &link)]).await.status, 200);
    assert_eq!(check().await, 200);
    app.finish().await;
}

// A stranger without an invite learns nothing about addresses.
#[tokio::test]
async fn the_input_is_judged_first_then_the_invite_then_the_address() {
    let app = App::start().await;
    let (_, code) = code(&app, 5).await;
    let token = token(&app, &code).await;
    register(&app, "ann@acme.example", &token).await;
    assert_eq!(refusal(&register(&app, "ann@acme.example", "wrong").await), bad_token());
    let faults =
        app.post(REGISTER, &json!({"email": "nobody", "password": "short", "invite_token": 5})).await;
    assert_eq!(faults.status, 400);
    for sentence in ["email must be a valid", "password must be at least 8", "invite_token must be a string"]
    {
        assert!(faults.field("message").contains(sentence), "{}", faults.text);
    }
    assert!(!faults.text.contains("short\""));
    let nothing = app.post(REGISTER, &json!({})).await;
    for field in ["email", "password", "invite_token"] {
        assert!(nothing.field("message").contains(&format!("{field} is required")), "{}", nothing.text);
    }
    app.finish().await;
}

// A1: who typed the address before it was proved keeps nothing
#[tokio::test]
async fn a_reset_that_proves_the_address_ends_the_key_and_a_later_one_does_not() {
    let app = App::start().await;
    let (_, code) = code(&app, 1).await;
    register(&app, "ann@acme.example", &token(&app, &code).await).await;
    let welcome = app.letter("ann@acme.example", "welcome").await;
    let text = welcome.0["text"].as_str().expect("a text");
    let key = text.split_whitespace().find(|word| word.starts_with("lk_")).expect("a key").to_owned();
    let reset = async || {
        app.post("/user/request-reset-password", &json!({"email": "ann@acme.example"})).await;
        let link = app.letter("ann@acme.example", "reset").await.token();
        let done =
            app.post("/user/reset-password", &json!({"token": link, "newPassword": "Another5Word"})).await;
        assert_eq!(done.status, 200, "{}", done.text);
    };
    reset().await;
    assert_eq!(balance(&app, &key).await.status, 401);
    let session = app.login("ann@acme.example", "Another5Word").await;
    let made = app.request(Method::POST, "/user/api-keys").bearer_auth(session.field("accessToken"));
    let key = app.send(made.json(&json!({"name": "hers"}))).await.field("key");
    app.advance(latchkey::model::time::HOUR);
    reset().await;
    assert_eq!(balance(&app, &key).await.status, 200);
    app.finish().await;
}

//! What OrbAI publishes of rates (contract section 5), told in every answer.

use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use serde_json::json;

use crate::app::{Answer, App, START};
use crate::orbai::{LOGIN, LOGOUT, PASSWORD, REFRESH, REGISTER, call, refusal, sign_up};

async fn limited() -> App {
    App::start_with(|settings| settings.rate_limits = None).await
}

/// Limit, remaining and, in seconds from the start of the test, reset.
fn told(answer: &Answer) -> (i64, i64, i64) {
    let number =
        |name: &str| answer.header(name).parse::<i64>().unwrap_or_else(|_| panic!("{name}: {answer:?}"));
    let reset = number("x-ratelimit-reset") - START.seconds();
    (number("x-ratelimit-limit"), number("x-ratelimit-remaining"), reset)
}

fn unknown(app: &App) -> RequestBuilder {
    app.request(Method::GET, "/orbai/api/v1/nowhere")
}

#[tokio::test]
async fn every_answer_tells_the_strictest_budget() {
    let app = limited().await;
    let body = json!({"email": "ann@acme.example", "password": PASSWORD});
    let signed_up = app.post(REGISTER, &body).await;
    assert_eq!((signed_up.status, told(&signed_up)), (200, (10, 9, 6)));
    let faulty = app.post(REGISTER, &json!({})).await;
    assert_eq!((faulty.status, told(&faulty)), (422, (10, 8, 12)));
    let wrong = app.post(LOGIN, &json!({"email": "ann@acme.example", "password": "wrong"})).await;
    assert_eq!((wrong.status, told(&wrong)), (401, (10, 7, 18)), "one budget over all of them");
    let nowhere = app.send(unknown(&app)).await;
    assert_eq!((nowhere.status, told(&nowhere)), (404, (100, 96, 3)));
    let wrong_method = app.send(app.request(Method::GET, LOGIN)).await;
    assert_eq!((wrong_method.status, told(&wrong_method).0), (405, 100));
    let stranger = app.send(app.request(Method::POST, LOGOUT)).await;
    assert_eq!((stranger.status, told(&stranger)), (401, (100, 94, 4)));
    let door = app.request(Method::GET, "/api/v1/nowhere").header("host", "orbai.localhost");
    assert_eq!(told(&app.send(door).await), (100, 93, 5), "through the front door too");
    let elsewhere = app.get("/nowhere").await;
    assert_eq!(elsewhere.header("x-ratelimit-limit"), "", "other contracts publish none");
    app.finish().await;
}

#[tokio::test]
async fn what_is_used_up_says_for_how_long() {
    let app = limited().await;
    for number in 0..10 {
        let answer = app.post(REFRESH, &json!({"refresh_token": "x"})).await;
        assert_eq!((answer.status, told(&answer).1), (401, 9 - number));
    }
    let refused = app.post(REFRESH, &json!({"refresh_token": "x"})).await;
    assert_eq!((refusal(&refused), told(&refused)), ((429, "RATE_LIMITED".to_owned()), (10, 0, 60)));
    assert_eq!(refused.json()["error"]["retry_after"], json!(6));
    assert_eq!(refused.header("retry-after"), "6");
    app.advance(Duration::from_secs(6));
    assert_eq!(app.post(REFRESH, &json!({"refresh_token": "x"})).await.status, 401);
    let mut passed = 0;
    while app.send(unknown(&app)).await.status == 404 {
        passed += 1;
    }
    assert!((85..=100).contains(&passed), "100 a minute of one network, {passed} of them here");
    let refused = app.send(unknown(&app)).await;
    assert_eq!((refusal(&refused).0, told(&refused).0, told(&refused).1), (429, 100, 0));
    assert_eq!(app.get("/nowhere").await.status, 404, "other contracts have budgets of their own");
    app.finish().await;
}

#[tokio::test]
async fn what_another_contract_used_up_is_told_too() {
    let app = limited().await;
    for number in 0..10 {
        app.login(&format!("n{number}@acme.example"), "wrong").await;
    }
    let refused = app.post(LOGIN, &json!({"email": "ann@acme.example", "password": "x"})).await;
    assert_eq!((refused.status, told(&refused)), (429, (10, 0, 60)));
    app.finish().await;
}

#[tokio::test]
async fn an_account_may_make_300_calls_a_minute_wherever_it_calls_from() {
    let app = crate::limits::proxied().await;
    let pass = sign_up(&app, "ann@acme.example").await;
    let faulty = json!({"all_devices": "faulty"});
    let call = async |number: usize| {
        let request = app.request(Method::POST, LOGOUT).bearer_auth(&pass.access).json(&faulty);
        app.send(request.header("x-forwarded-for", format!("203.0.113.{}", number / 50))).await
    };
    for number in 0..300 {
        assert_eq!(call(number).await.status, 422, "call {number}");
    }
    let refused = call(300).await;
    assert_eq!((refusal(&refused), told(&refused).0), ((429, "RATE_LIMITED".to_owned()), 300));
    app.finish().await;
}

#[tokio::test]
async fn without_limits_the_full_budget_is_told() {
    let app = App::start().await;
    let pass = sign_up(&app, "ann@acme.example").await;
    for _ in 0..20 {
        let answer = app.post(REFRESH, &json!({"refresh_token": "x"})).await;
        assert_eq!((answer.status, told(&answer)), (401, (10, 10, 0)));
    }
    let left = call(&app, &pass, LOGOUT, None).await;
    assert_eq!((left.status, told(&left)), (200, (100, 100, 0)));
    app.finish().await;
}

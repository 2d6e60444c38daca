//! A login on a device not seen before is told to the owner of the account.

use std::time::Duration;

use latchkey::model::device::{NOTICE_WINDOW, NOTICES};
use latchkey::model::time::SECOND;
use latchkey::store::{Tx, Unavailable};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Letter, PASSWORD, Person};
use crate::crowd::crowd;

const ANN: &str = "ann@acme.com";

fn named(name: &str) -> Value {
    json!({"deviceName": name, "os": "Linux"})
}

async fn log_in_on(app: &App, info: &Value) -> Answer {
    app.post("/user/login", &json!({"email": ANN, "password": PASSWORD, "deviceInfo": info})).await
}

async fn notices(app: &App) -> Vec<Letter> {
    let letters = app.letters().await;
    letters.into_iter().filter(|letter| letter.0["kind"] == "new-device").collect()
}

#[tokio::test]
async fn every_device_but_the_first_is_told_once() {
    let app = App::start().await;
    app.member(ANN).await;
    app.member("ben@acme.com").await;
    for nothing in [json!({}), json!({"deviceName": " "})] {
        assert_eq!(log_in_on(&app, &nothing).await.status, 200);
    }
    assert_eq!(app.login(ANN, PASSWORD).await.status, 200);
    assert_eq!(log_in_on(&app, &named("Phone")).await.status, 200);
    assert_eq!(notices(&app).await.len(), 0, "neither the sign-up's own session, nor the first device ever");
    let wrong = json!({"email": ANN, "password": "WrongPass123", "deviceInfo": named("Guess")});
    assert_eq!(app.post("/user/login", &wrong).await.status, 401);
    assert_eq!(notices(&app).await.len(), 0, "who does not get in is no news");
    for _ in 0..2 {
        assert_eq!(log_in_on(&app, &named("Desk")).await.status, 200);
        assert_eq!(log_in_on(&app, &named("Phone")).await.status, 200);
    }
    let told = notices(&app).await;
    assert_eq!(told.len(), 1, "each new one once");
    assert_eq!(told[0].to(), ANN);
    let text = told[0].0["text"].as_str().expect("a text");
    for part in ["Device: Desk, Linux", "Time: 2026-03-01 12:00 UTC", "Network address: 127.0.0.1"] {
        assert!(text.contains(part), "{part} in {text}");
    }
    let other = json!({"email": "ben@acme.com", "password": PASSWORD, "deviceInfo": named("Desk")});
    assert_eq!(app.post("/user/login", &other).await.status, 200);
    assert_eq!(notices(&app).await.len(), 1, "another's first device is theirs");
    app.finish().await;
}

#[tokio::test]
async fn forgetting_devices_makes_no_device_the_first_again() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    log_in_on(&app, &named("Phone")).await;
    let devices = app.call(&ann, Method::GET, "/devices", None).await.json();
    let path = format!("/devices/{}", devices["data"][0]["id"].as_str().expect("an id"));
    assert_eq!(app.call(&ann, Method::DELETE, &path, None).await.status, 200);
    log_in_on(&app, &named("Thief")).await;
    assert_eq!(notices(&app).await.len(), 1);
    app.post("/user/request-reset-password", &json!({"email": ANN})).await;
    let token = app.letter(ANN, "reset").await.token();
    app.post("/user/reset-password", &json!({"token": token, "newPassword": PASSWORD})).await;
    log_in_on(&app, &named("Phone")).await;
    assert_eq!(notices(&app).await.len(), 2, "after a reset every device is new");
    app.finish().await;
}

// H5
#[tokio::test]
async fn a_login_loop_under_ever_new_names_says_no_more_after_three_letters_an_hour() {
    let app = App::start().await;
    app.member(ANN).await;
    log_in_on(&app, &named("Phone")).await;
    for number in 0..10 {
        assert_eq!(
            log_in_on(&app, &named(&format!("Loop {number}"))).await.status,
            200,
            "nobody is kept out"
        );
        app.advance(SECOND);
    }
    assert_eq!(notices(&app).await.len() as i64, NOTICES);
    app.advance(NOTICE_WINDOW - 11 * SECOND);
    log_in_on(&app, &named("A second too early")).await;
    assert_eq!(notices(&app).await.len() as i64, NOTICES);
    app.advance(SECOND);
    for number in 0..3 {
        log_in_on(&app, &named(&format!("Later {number}"))).await;
    }
    assert_eq!(notices(&app).await.len() as i64, NOTICES + 1, "an hour after the first, and no burst");
    app.advance(NOTICE_WINDOW);
    let phone = Person::of(ANN, &log_in_on(&app, &named("Phone")).await);
    let devices = app.call(&phone, Method::GET, "/devices", None).await.json();
    assert_eq!(devices["data"].as_array().map(Vec::len), Some(15), "what was not told is in the list");
    app.finish().await;
}

// H5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn logins_at_once_are_told_once_a_device_and_three_times_an_hour() {
    let app = App::start().await;
    app.member(ANN).await;
    log_in_on(&app, &named("Phone")).await;
    let same = |app: std::sync::Arc<App>, _| async move { log_in_on(&app, &named("Desk")).await };
    let (app, answers) = crowd(app, 20, same).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(notices(&app).await.len(), 1);
    let other = |app: std::sync::Arc<App>, n| async move { log_in_on(&app, &named(&format!("N{n}"))).await };
    let (app, answers) = crowd(app, 20, other).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(notices(&app).await.len() as i64, NOTICES);
    app.finish().await;
}

// C5
#[tokio::test]
async fn a_device_puts_neither_markup_nor_links_into_its_notice() {
    let app = App::start().await;
    app.member(ANN).await;
    log_in_on(&app, &named("Phone")).await;
    let names = [
        "<b>Desk</b>",
        "https://evil.example/x",
        "evil.example",
        "Call\u{2028}us",
        "{{ 7 * 7 }}",
        "mail eve@evil.example",
    ];
    for name in names {
        log_in_on(&app, &json!({"deviceName": name, "os": "Linux"})).await;
        let told = notices(&app).await.remove(0);
        for part in ["text", "html", "subject"] {
            let text = told.0[part].as_str().expect("a text");
            assert!(!text.contains("evil") && !text.contains("<b>Desk") && !text.contains("49"), "{text}");
            assert!(!text.contains('\u{2028}'), "{text}");
        }
        assert!(told.0["text"].as_str().is_some_and(|text| text.contains("Linux")), "what is harmless stays");
        app.advance(NOTICE_WINDOW + Duration::from_secs(1));
    }
    log_in_on(&app, &json!({"deviceName": "x/y"})).await;
    let told = notices(&app).await.remove(0);
    assert!(told.0["text"].as_str().is_some_and(|text| text.contains("Device: no name given")));
    app.finish().await;
}

#[tokio::test]
async fn a_login_and_its_notice_stand_or_fall_together() {
    let app = App::start().await;
    app.member(ANN).await;
    log_in_on(&app, &named("Phone")).await;
    app.carried().await;
    let sessions = || {
        let count = app.service.store.read(|tx| tx.value::<i64>("select count(*) from sessions", &[]));
        count.expect("the store")
    };
    let (before, away) = (sessions(), "alter table letters rename to elsewhere");
    let done: Result<(), Unavailable> = app.service.store.write(move |tx: &Tx<'_>| tx.batch(away)).await;
    done.expect("the store");
    assert_eq!(log_in_on(&app, &named("Desk")).await.status, 503);
    assert_eq!(sessions(), before);
    let back = "alter table elsewhere rename to letters";
    let done: Result<(), Unavailable> = app.service.store.write(move |tx: &Tx<'_>| tx.batch(back)).await;
    done.expect("the store");
    assert_eq!(log_in_on(&app, &named("Desk")).await.status, 200);
    assert_eq!(notices(&app).await.len(), 1, "it is still a new one");
    app.finish().await;
}

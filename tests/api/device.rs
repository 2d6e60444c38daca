//! Devices and sessions: where somebody is signed in, and on what.

use std::time::Duration;

use latchkey::model::device::DEVICE_LIFE;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};

async fn log_in_on(app: &App, email: &str, info: Value) -> Person {
    let login = json!({"email": email, "password": PASSWORD, "deviceInfo": info});
    let answer = app.post("/user/login", &login).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Person::of(email, &answer)
}

fn phone() -> Value {
    json!({"deviceName": "Pixel 8", "deviceType": "mobile", "os": "Android 16", "browser": "Firefox"})
}

fn laptop() -> Value {
    json!({"deviceName": "Desk", "os": "Linux"})
}

async fn list(app: &App, person: &Person, path: &str) -> Vec<Value> {
    let answer = app.call(person, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].as_array().expect("a list").clone()
}

async fn post(app: &App, person: &Person, path: &str) -> Answer {
    app.call(person, Method::POST, path, None).await
}

async fn trust(app: &App, person: &Person, device: &str) -> Answer {
    app.call(person, Method::POST, "/devices/trust", Some(&json!({"deviceId": device}))).await
}

async fn enters(app: &App, person: &Person) -> bool {
    app.call(person, Method::GET, "/user/profile", None).await.status == 200
}

fn id(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// Status and the whole body, which in family C is a sentence.
fn refusal(answer: &Answer) -> (u16, Value) {
    (answer.status, answer.json())
}

fn error(status: u16, sentence: &str) -> (u16, Value) {
    (status, json!({"success": false, "error": sentence}))
}

#[tokio::test]
async fn what_a_login_tells_of_its_machine_becomes_a_device() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    assert!(list(&app, &ann, "/devices").await.is_empty(), "nothing was told of one");
    let first_seen = app.clock.now();
    let on_phone = log_in_on(&app, &ann.email, phone()).await;
    app.advance(Duration::from_secs(60));
    log_in_on(&app, &ann.email, laptop()).await;
    app.advance(Duration::from_secs(60));
    let again = log_in_on(&app, &ann.email, phone()).await;
    for nothing in [json!({}), json!({"deviceName": " ", "os": ""})] {
        log_in_on(&app, &ann.email, nothing).await;
    }
    let devices = list(&app, &ann, "/devices").await;
    assert_eq!(devices.len(), 2, "the same again is the same device: {devices:?}");
    let device = &devices[0];
    assert_eq!((&device["deviceName"], &device["browser"]), (&json!("Pixel 8"), &json!("Firefox")));
    assert_eq!((&device["deviceType"], &device["os"]), (&json!("mobile"), &json!("Android 16")));
    assert_eq!(device["firstSeenAt"], json!(first_seen.rfc3339()));
    assert_eq!(device["lastSeenAt"], json!(app.clock.now().rfc3339()));
    assert_eq!((&device["isTrusted"], &device["lastIpAddress"]), (&json!(false), &json!("127.0.0.1")));
    let read = app.call(&ann, Method::GET, &format!("/devices/{}", id(device)), None).await;
    assert_eq!(&read.json()["data"], device);
    let sessions = list(&app, &again, "/sessions").await;
    assert_eq!(sessions.len(), 7);
    let on = |person: &Person| sessions.iter().find(|s| s["id"] == json!(person.session)).expect("a session");
    assert_eq!((&on(&on_phone)["deviceId"], &on(&again)["deviceId"]), (&device["id"], &device["id"]));
    assert!(on(&ann)["deviceId"].is_null());
    assert_eq!((&on(&again)["current"], &on(&on_phone)["current"]), (&json!(true), &json!(false)));
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
    app.finish().await;
}

#[tokio::test]
async fn two_people_on_one_machine_have_a_device_each() {
    let app = App::start().await;
    let (ann, ben) = (app.member("ann@acme.com").await, app.member("ben@acme.com").await);
    log_in_on(&app, &ann.email, phone()).await;
    log_in_on(&app, &ben.email, phone()).await;
    let (hers, his) = (list(&app, &ann, "/devices").await, list(&app, &ben, "/devices").await);
    assert_eq!((hers.len(), his.len()), (1, 1));
    assert_ne!(hers[0]["id"], his[0]["id"]);
    app.finish().await;
}

#[tokio::test]
async fn a_device_is_trusted_until_it_is_not() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    log_in_on(&app, &ann.email, phone()).await;
    let device = id(&list(&app, &ann, "/devices").await[0]);
    for _ in 0..2 {
        assert_eq!(trust(&app, &ann, &device).await.status, 200);
    }
    let trusted = list(&app, &ann, "/devices").await;
    assert_eq!((&trusted[0]["isTrusted"], trusted[0]["trustedAt"].is_string()), (&json!(true), true));
    log_in_on(&app, &ann.email, phone()).await;
    assert_eq!(list(&app, &ann, "/devices").await[0]["isTrusted"], true, "another login changes nothing");
    assert_eq!(post(&app, &ann, &format!("/devices/{device}/untrust")).await.status, 200);
    assert_eq!(list(&app, &ann, "/devices").await[0]["isTrusted"], false);
    let audit = app.service.audit(ann.id.parse().ok(), 100).expect("the store");
    let count = |word: &str| audit.iter().filter(|entry| entry.action == word).count();
    assert_eq!((count("device.trusted"), count("device.untrusted")), (1, 1), "a change, not a call");
    app.finish().await;
}

#[tokio::test]
async fn forgetting_a_device_ends_its_sessions_and_no_others() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let lost = [log_in_on(&app, &ann.email, phone()).await, log_in_on(&app, &ann.email, phone()).await];
    let kept = log_in_on(&app, &ann.email, laptop()).await;
    let devices = list(&app, &ann, "/devices").await;
    let device = id(devices.iter().find(|device| device["deviceName"] == "Pixel 8").expect("the phone"));
    let path = format!("/devices/{device}");
    assert_eq!(app.call(&ann, Method::DELETE, &path, None).await.status, 200);
    for person in &lost {
        assert!(!enters(&app, person).await, "its sessions end at once");
        let refreshed = app.post("/user/refresh", &json!({"refreshToken": person.refresh})).await;
        assert_eq!(refreshed.status, 401);
    }
    assert!(enters(&app, &kept).await && enters(&app, &ann).await);
    assert_eq!(list(&app, &ann, "/devices").await.len(), 1);
    let again = app.call(&ann, Method::DELETE, &path, None).await;
    assert_eq!(refusal(&again), error(404, "Device not found"));
    let own = id(&list(&app, &kept, "/devices").await[0]);
    assert_eq!(app.call(&kept, Method::DELETE, &format!("/devices/{own}"), None).await.status, 200);
    assert!(!enters(&app, &kept).await, "one's own device takes one's own session with it");
    app.finish().await;
}

#[tokio::test]
async fn sessions_are_ended_one_by_one_or_all_but_ones_own() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let others = [log_in_on(&app, &ann.email, phone()).await, log_in_on(&app, &ann.email, laptop()).await];
    let revoke = format!("/sessions/{}/revoke", others[0].session);
    assert_eq!(post(&app, &ann, &revoke).await.status, 200);
    assert!(!enters(&app, &others[0]).await && enters(&app, &others[1]).await);
    assert_eq!(refusal(&post(&app, &ann, &revoke).await), error(404, "Session not found"));
    assert_eq!(post(&app, &ann, "/sessions/revoke-all").await.status, 200);
    assert!(!enters(&app, &others[1]).await && enters(&app, &ann).await);
    let left = list(&app, &ann, "/sessions").await;
    assert_eq!((left.len(), &left[0]["id"]), (1, &json!(ann.session)));
    assert_eq!(post(&app, &ann, &format!("/sessions/{}/revoke", ann.session)).await.status, 200);
    assert!(!enters(&app, &ann).await, "one's own may be named too");
    app.finish().await;
}

#[tokio::test]
async fn a_heartbeat_freshens_a_session_and_makes_it_live_no_longer() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let before = list(&app, &ann, "/sessions").await;
    let of = |sessions: &[Value]| {
        sessions.iter().find(|session| session["current"] == true).expect("the current").clone()
    };
    app.advance(Duration::from_secs(30));
    assert_eq!(post(&app, &ann, &format!("/sessions/{}/heartbeat", ann.session)).await.status, 200);
    let (before, after) = (of(&before), of(&list(&app, &ann, "/sessions").await));
    assert_ne!(before["lastUsedAt"], after["lastUsedAt"]);
    assert_eq!(after["lastUsedAt"], json!(app.clock.now().rfc3339()));
    assert_eq!(before["expiresAt"], after["expiresAt"]);
    app.finish().await;
}

#[tokio::test]
async fn every_refusal_in_this_area_is_of_family_c() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let on_phone = log_in_on(&app, &ann.email, phone()).await;
    let device = id(&list(&app, &on_phone, "/devices").await[0]);
    let unproven = trust(&app, &on_phone, &device).await;
    let sentence = "Verify your email address first: this account can only read until then.";
    assert_eq!(refusal(&unproven), error(403, sentence));
    let proven = app.member("ben@acme.com").await;
    let rows = [
        (401, app.get("/sessions").await),
        (401, app.get(&format!("/devices/{device}")).await),
        (400, app.call(&proven, Method::POST, "/devices/trust", Some(&json!({}))).await),
        (405, app.send(app.request(Method::PUT, "/devices")).await),
        (405, app.send(app.request(Method::PATCH, "/sessions/x/revoke")).await),
    ];
    for (status, answer) in rows {
        let body = answer.json();
        assert_eq!((answer.status, body["success"].clone()), (status, json!(false)), "{}", answer.text);
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["success", "error"], "{status}");
    }
    // Ending a session and forgetting a device stay open, as every log-out does.
    assert_eq!(post(&app, &on_phone, &format!("/devices/{device}/untrust")).await.status, 200);
    assert_eq!(app.call(&on_phone, Method::DELETE, &format!("/devices/{device}"), None).await.status, 200);
    app.finish().await;
}

// A1
#[tokio::test]
async fn a_reset_forgets_every_device() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    log_in_on(&app, &ann.email, phone()).await;
    let device = id(&list(&app, &ann, "/devices").await[0]);
    assert_eq!(trust(&app, &ann, &device).await.status, 200);
    app.post("/user/request-reset-password", &json!({"email": ann.email})).await;
    let token = app.letter(&ann.email, "reset").await.token();
    app.post("/user/reset-password", &json!({"token": token, "newPassword": PASSWORD})).await;
    let ann = log_in_on(&app, &ann.email, phone()).await;
    let devices = list(&app, &ann, "/devices").await;
    assert_eq!((devices.len(), &devices[0]["isTrusted"]), (1, &json!(false)));
    assert_ne!(id(&devices[0]), device);
    app.finish().await;
}

#[tokio::test]
async fn a_device_that_nobody_signs_in_on_is_forgotten() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    log_in_on(&app, &ann.email, phone()).await;
    app.advance(DEVICE_LIFE);
    app.sweep().await;
    let ann = Person::of(&ann.email, &app.login(&ann.email, PASSWORD).await);
    assert_eq!(list(&app, &ann, "/devices").await.len(), 1);
    app.advance(Duration::from_millis(1));
    app.sweep().await;
    assert!(list(&app, &ann, "/devices").await.is_empty());
    app.finish().await;
}

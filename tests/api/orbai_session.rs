//! OrbAI's sessions: login, devices and their limit, refresh, log-out.

use latchkey::model::time::{DAY, HOUR, SECOND};
use latchkey::store::Value as Column;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::App;
use crate::crowd::crowd;
use crate::orbai::{LOGIN, LOGOUT, PASSWORD, Pass, REFRESH, call, is_live, log_in, refusal, sign_up};
use crate::two_factor::enrol;

const ANN: &str = "ann@acme.example";

/// How many devices have a push token on file.
fn push_tokens(app: &App) -> i64 {
    let sql = "select count(*) from client_devices where push_token_sealed is not null";
    app.service.store.read(|tx| tx.value(sql, &[])).expect("the store").expect("a count")
}

async fn refresh(app: &App, token: &str) -> crate::app::Answer {
    app.post(REFRESH, &json!({"refresh_token": token})).await
}

#[tokio::test]
async fn a_login_answers_as_the_sign_up_did() {
    let app = App::start().await;
    let body = json!({"email": ANN, "password": PASSWORD, "first_name": "Ann"});
    let signed_up = app.post(crate::orbai::REGISTER, &body).await.json();
    let logged_in = app.post(LOGIN, &json!({"email": ANN, "password": PASSWORD})).await.json();
    for part in ["user", "subscription", "requires_2fa"] {
        assert_eq!(signed_up["data"][part], logged_in["data"][part], "{part}");
    }
    assert_eq!(signed_up["data"]["tokens"]["access_token_expires_at"], json!("2026-03-02T12:00:00Z"));
    app.finish().await;
}

// H3
#[tokio::test]
async fn a_login_tells_nothing_about_who_has_an_account() {
    let app = App::start().await;
    sign_up(&app, ANN).await;
    let expected = json!({"success": false,
        "error": {"code": "INVALID_CREDENTIALS", "message": "Invalid email or password."}});
    for (email, password) in [(ANN, "wrong password"), ("nobody@acme.example", PASSWORD), (ANN, "")] {
        let answer = app.post(LOGIN, &json!({"email": email, "password": password})).await;
        assert_eq!((answer.status, answer.json()), (401, expected.clone()), "{email}");
    }
    app.finish().await;
}

#[tokio::test]
async fn five_failures_lock_the_address_for_the_network() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    sign_up(&app, ANN).await;
    for _ in 0..5 {
        assert_eq!(app.post(LOGIN, &json!({"email": ANN, "password": "wrong"})).await.status, 401);
    }
    let locked = app.post(LOGIN, &json!({"email": ANN, "password": PASSWORD})).await;
    assert_eq!(refusal(&locked), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(locked.json()["error"]["retry_after"], json!(60));
    assert_eq!(locked.header("retry-after"), "60");
    app.finish().await;
}

// Free: 5 devices (contract section 4); the least recently used makes room.
#[tokio::test]
async fn a_login_past_the_plans_devices_signs_out_the_least_recently_used() {
    let app = App::start().await;
    let first = sign_up(&app, ANN).await;
    let mut passes = vec![first];
    for device in ["a", "b", "c", "d"] {
        app.advance(SECOND);
        passes.push(log_in(&app, ANN, device).await);
    }
    // The very first is used again, so the second is now the one that was longest unused.
    app.advance(HOUR);
    passes[0] = Pass::of(&refresh(&app, &passes[0].refresh).await);
    let sixth = log_in(&app, ANN, "e").await;
    let mut live = Vec::new();
    for pass in &passes {
        live.push(is_live(&app, pass).await);
    }
    assert_eq!(live, [true, false, true, true, true]);
    assert!(is_live(&app, &sixth).await);
    let evicted = "select count(*) from audit_entries where action = 'session.evicted'";
    let noted: Option<i64> = app.service.store.read(|tx| tx.value(evicted, &[])).expect("the store");
    assert_eq!(noted, Some(1));
    app.finish().await;
}

#[tokio::test]
async fn coming_in_again_on_a_device_goes_on_in_place_of_the_session_there() {
    let app = App::start().await;
    let (phone, desk) = (log_in_after_sign_up(&app).await, log_in(&app, ANN, "desk").await);
    let again = log_in(&app, ANN, "phone").await;
    assert_eq!(
        [is_live(&app, &phone).await, is_live(&app, &desk).await, is_live(&app, &again).await],
        [false, true, true]
    );
    // A device of the same name is another account's affair.
    crate::orbai::sign_up(&app, "ben@acme.example").await;
    log_in(&app, "ben@acme.example", "phone").await;
    assert!(is_live(&app, &again).await);
    app.finish().await;
}

async fn log_in_after_sign_up(app: &App) -> Pass {
    sign_up(app, ANN).await;
    log_in(app, ANN, "phone").await
}

// F2
#[tokio::test]
async fn a_refresh_token_is_good_once_and_reuse_ends_the_session() {
    let app = App::start().await;
    let first = sign_up(&app, ANN).await;
    let token = first.refresh.clone();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let token = token.clone();
        async move { refresh(&app, &token).await }
    })
    .await;
    let expiries: std::collections::BTreeSet<String> = answers
        .iter()
        .map(|answer| {
            assert_eq!(answer.status, 200, "nobody is thrown out: {}", answer.text);
            answer.json()["data"]["tokens"]["refresh_token_expires_at"].to_string()
        })
        .collect();
    assert_eq!(expiries.len(), 1, "one family");
    let second = Pass::of(&answers[0]);
    app.advance(11 * SECOND);
    assert_eq!(refusal(&refresh(&app, &first.refresh).await), (401, "UNAUTHORIZED".to_owned()));
    assert!(!is_live(&app, &second).await, "reuse after the grace ends the session");
    assert_eq!(refresh(&app, &second.refresh).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn tokens_live_as_long_as_the_contract_says() {
    let app = App::start().await;
    let pass = sign_up(&app, ANN).await;
    app.advance(DAY - SECOND);
    assert!(is_live(&app, &pass).await);
    app.advance(SECOND);
    assert!(!is_live(&app, &pass).await);
    app.advance(27 * DAY - SECOND);
    assert_eq!(refresh(&app, &pass.refresh).await.status, 200);
    let other = sign_up(&app, "ben@acme.example").await;
    app.advance(28 * DAY);
    assert_eq!(refresh(&app, &other.refresh).await.status, 401);
    app.finish().await;
}

// D4, E4
#[tokio::test]
async fn a_token_is_of_its_kind_and_contract_alone() {
    let app = App::start().await;
    let pass = sign_up(&app, ANN).await;
    let member = app.member("ben@acme.example").await;
    let none = json!({"success": false,
        "error": {"code": "UNAUTHORIZED", "message": "Invalid or expired access token."}});
    for token in [&pass.refresh, &member.access, &member.refresh, &"x".to_owned()] {
        let answer = app.send(app.request(Method::POST, LOGOUT).bearer_auth(token)).await;
        assert_eq!((answer.status, answer.json()), (401, none.clone()));
    }
    let bare = app.send(app.request(Method::POST, LOGOUT)).await;
    assert_eq!((bare.status, bare.json()), (401, none));
    for token in [&pass.access, &member.access, &member.refresh, &String::new()] {
        assert_eq!(refusal(&refresh(&app, token).await), (401, "UNAUTHORIZED".to_owned()));
    }
    assert_eq!(
        app.send(app.request(Method::GET, "/user/profile").bearer_auth(&pass.access)).await.status,
        401
    );
    assert_eq!(refusal(&app.post(REFRESH, &json!({})).await), (422, "VALIDATION_ERROR".to_owned()));
    assert!(is_live(&app, &pass).await);
    app.finish().await;
}

// D4: log-out works at once, for the access token too
#[tokio::test]
async fn each_way_of_logging_out_ends_what_it_says() {
    // What is asked, and of four sessions (the caller's, two others, another contract's) how many live on after it.
    let rows: [(&str, Option<Value>, u64, [bool; 3]); 8] = [
        ("no body", None, 1, [false, true, true]),
        ("an empty body", Some(json!({})), 1, [false, true, true]),
        (
            "false is no wish",
            Some(json!({"all_devices": false, "except_current": false})),
            1,
            [false, true, true],
        ),
        ("another's session by its token", Some(json!({"refresh_token": "SECOND"})), 1, [true, false, true]),
        ("a token that is none", Some(json!({"refresh_token": "x"})), 1, [false, true, true]),
        ("a stranger's token", Some(json!({"refresh_token": "STRANGER"})), 1, [false, true, true]),
        ("all", Some(json!({"all_devices": true})), 4, [false, false, false]),
        ("all others", Some(json!({"all_devices": true, "except_current": true})), 3, [true, false, false]),
    ];
    for (what, body, revoked, left) in rows {
        let app = App::start().await;
        let stranger = sign_up(&app, "ben@acme.example").await;
        let passes = [sign_up(&app, ANN).await, log_in(&app, ANN, "b").await, log_in(&app, ANN, "c").await];
        let elsewhere = app.login(ANN, PASSWORD).await.field("accessToken");
        let body = body.map(|body| {
            let text = body.to_string().replace("SECOND", &passes[1].refresh);
            serde_json::from_str::<Value>(&text.replace("STRANGER", &stranger.refresh)).expect("JSON")
        });
        let answer = call(&app, &passes[0], LOGOUT, body.as_ref()).await;
        let expected = json!({"success": true, "data": {"success": true, "message": "Successfully logged out.",
            "revoked_sessions": revoked}});
        assert_eq!((answer.status, answer.json()), (200, expected), "{what}");
        for (pass, lives) in passes.iter().zip(left) {
            assert_eq!(is_live(&app, pass).await, lives, "{what}");
            let refreshed = refresh(&app, &pass.refresh).await.status;
            assert_eq!(refreshed, if lives { 200 } else { 401 }, "{what}: the refresh token likewise");
        }
        let profile = app.send(app.request(Method::GET, "/user/profile").bearer_auth(&elsewhere)).await;
        assert_eq!(profile.status == 200, revoked < 3, "{what}: all means all contracts");
        assert!(is_live(&app, &stranger).await, "{what}");
        app.finish().await;
    }
}

#[tokio::test]
async fn who_is_signed_out_gets_no_more_push_messages() {
    let app = App::start().await;
    let on =
        |device: &str| json!({"email": ANN, "password": PASSWORD, "device_id": device, "fcm_token": "x"});
    sign_up(&app, ANN).await;
    let phone = Pass::of(&app.post(LOGIN, &on("phone")).await);
    let desk = Pass::of(&app.post(LOGIN, &on("desk")).await);
    assert_eq!(push_tokens(&app), 2);
    call(&app, &phone, LOGOUT, None).await;
    assert_eq!(push_tokens(&app), 1);
    // Rotated: the same device tells another.
    let sealed = |app: &App| {
        let sql = "select push_token_sealed from client_devices where device_id = ?1";
        let desk = [Column::Text("desk".to_owned())];
        app.service.store.read(|tx| tx.value::<Option<String>>(sql, &desk)).expect("the store").flatten()
    };
    let before = sealed(&app);
    let desk_again = Pass::of(&app.post(LOGIN, &on("desk")).await);
    assert!(before.is_some() && sealed(&app).is_some() && sealed(&app) != before);
    assert!(!is_live(&app, &desk).await);
    call(&app, &desk_again, LOGOUT, Some(&json!({"all_devices": true}))).await;
    assert_eq!(push_tokens(&app), 0);
    app.finish().await;
}

// E2, E3
#[tokio::test]
async fn a_second_factor_is_asked_for_in_the_login_itself() {
    let app = App::start().await;
    let careful = enrol(&app, app.member(ANN).await).await;
    let login = async |code: Option<String>| {
        let body = json!({"email": ANN, "password": crate::app::PASSWORD, "totp_code": code});
        app.post(LOGIN, &body).await
    };
    let asked = login(None).await;
    let data = asked.json()["data"].clone();
    assert_eq!((asked.status, &data["requires_2fa"]), (200, &json!(true)), "{}", asked.text);
    assert!(data["tokens"].is_null() && data["user"]["email"] == json!(ANN), "{}", asked.text);
    let wrong = login(Some(crate::totp::wrong(&careful.secret, app.clock.now()))).await;
    assert_eq!(refusal(&wrong), (401, "INVALID_TOTP_CODE".to_owned()));
    let code = careful.code(&app);
    let entered = login(Some(code.clone())).await;
    assert_eq!(entered.json()["data"]["requires_2fa"], json!(false), "{}", entered.text);
    assert!(is_live(&app, &Pass::of(&entered)).await);
    assert_eq!(refusal(&login(Some(code)).await), (401, "INVALID_TOTP_CODE".to_owned()), "each step once");
    // A wrong password learns nothing of the second factor.
    let stranger = app.post(LOGIN, &json!({"email": ANN, "password": "wrong", "totp_code": "000000"})).await;
    assert_eq!(refusal(&stranger), (401, "INVALID_CREDENTIALS".to_owned()));
    app.finish().await;
}

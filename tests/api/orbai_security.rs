//! OrbAI's second factor.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::orbai::{LOGIN, PASSWORD, Pass, sign_up};
use crate::totp;
use crate::two_factor::post;
use latchkey::model::time::{MINUTE, SECOND};

const SETUP: &str = "/orbai/api/v1/security/totp/setup";
const ENABLE: &str = "/orbai/api/v1/security/totp/enable";
const DISABLE: &str = "/orbai/api/v1/security/totp/disable";
const CODES: &str = "/orbai/api/v1/security/totp/recovery-codes";
const EMAIL: &str = "ann@acme.example";

fn code_of(answer: &Answer) -> (u16, String) {
    let error = answer.json()["error"].clone();
    (answer.status, error["code"].as_str().unwrap_or_default().to_owned())
}

/// Somebody whose address is proved.
async fn verified(app: &App) -> Pass {
    let pass = sign_up(app, EMAIL).await;
    let link = app.letter(EMAIL, "verify").await.token();
    assert_eq!(app.submit("/verify-email", &[("token", &link)]).await.status, 200);
    pass
}

async fn setup(app: &App, access: &str) -> Value {
    let answer = app.send(app.request(Method::POST, SETUP).bearer_auth(access)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

/// Turns the app on, and moves on to a step that was not used. Tells the secret and the recovery codes.
async fn enrol(app: &App, access: &str) -> (String, Vec<String>) {
    let data = setup(app, access).await;
    let secret = data["secret"].as_str().expect("a secret").to_owned();
    let on = post(app, access, ENABLE, json!({"code": totp::code(&secret, app.clock.now())})).await;
    assert_eq!((on.status, &on.json()["data"]["enabled"]), (200, &json!(true)), "{}", on.text);
    app.advance(30 * SECOND);
    let codes = data["recovery_codes"].as_array().expect("codes").iter();
    (secret, codes.map(|code| code.as_str().expect("a code").to_owned()).collect())
}

async fn log_in(app: &App, code: Option<&str>) -> Answer {
    let mut body = json!({"email": EMAIL, "password": PASSWORD});
    if let Some(code) = code {
        body["totp_code"] = json!(code);
    }
    app.post(LOGIN, &body).await
}

#[tokio::test]
async fn an_app_is_set_up_and_asked_for() {
    let app = App::start().await;
    let pass = verified(&app).await;
    let data = setup(&app, &pass.access).await;
    let secret = data["secret"].as_str().expect("a secret");
    let uri = data["qr_code_url"].as_str().expect("a URI");
    assert!(uri.starts_with("otpauth://totp/Latchkey:ann%40acme.example?"), "{uri}");
    assert!(uri.contains(&format!("secret={secret}")) && uri.contains("issuer=Latchkey"), "{uri}");
    let codes = data["recovery_codes"].as_array().expect("codes");
    assert!(codes.len() == 8 && codes.iter().all(|code| code.as_str().is_some_and(|code| code.len() == 10)));
    assert_eq!(log_in(&app, None).await.json()["data"]["requires_2fa"], json!(false), "not yet");
    let (secret, codes) = enrol(&app, &pass.access).await;
    let lacking = log_in(&app, None).await;
    let data = lacking.json()["data"].clone();
    assert_eq!((lacking.status, &data["requires_2fa"], data.get("tokens")), (200, &json!(true), None));
    let wrong = totp::wrong(&secret, app.clock.now());
    assert_eq!(code_of(&log_in(&app, Some(&wrong)).await), (401, "INVALID_TOTP_CODE".to_owned()));
    let entered = log_in(&app, Some(&totp::code(&secret, app.clock.now()))).await;
    assert_eq!(entered.json()["data"]["requires_2fa"], json!(false));
    Pass::of(&entered);
    Pass::of(&log_in(&app, Some(&codes[0])).await);
    assert_eq!(log_in(&app, Some(&codes[0])).await.status, 401, "a recovery code is good once");
    app.finish().await;
}

// E5
#[tokio::test]
async fn turning_it_off_takes_a_code() {
    let app = App::start().await;
    let pass = verified(&app).await;
    let refused = post(&app, &pass.access, DISABLE, json!({"code": "123456"})).await;
    assert_eq!(code_of(&refused), (409, "TOTP_NOT_ENABLED".to_owned()));
    let (secret, codes) = enrol(&app, &pass.access).await;
    let again = app.send(app.request(Method::POST, SETUP).bearer_auth(&pass.access)).await;
    assert_eq!(code_of(&again), (409, "TOTP_ALREADY_ENABLED".to_owned()));
    let wrong = totp::wrong(&secret, app.clock.now());
    for code in [wrong.as_str(), "", "nonsense"] {
        let refused = post(&app, &pass.access, DISABLE, json!({"code": code})).await;
        assert_eq!(code_of(&refused), (400, "INVALID_TOTP_CODE".to_owned()), "{code}");
    }
    let faulty = post(&app, &pass.access, DISABLE, json!({"code": 5})).await;
    assert_eq!(
        (faulty.status, &faulty.json()["error"]["details"]["code"]),
        (422, &json!("Must be a string."))
    );
    let off = post(&app, &pass.access, DISABLE, json!({"code": codes[7]})).await;
    assert_eq!((off.status, &off.json()["data"]["enabled"]), (200, &json!(false)), "{}", off.text);
    assert_eq!(log_in(&app, None).await.json()["data"]["requires_2fa"], json!(false));
    app.finish().await;
}

#[tokio::test]
async fn a_new_set_of_recovery_codes_kills_the_old() {
    let app = App::start().await;
    let pass = verified(&app).await;
    let (secret, old) = enrol(&app, &pass.access).await;
    let made = post(&app, &pass.access, CODES, json!({"code": totp::code(&secret, app.clock.now())})).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let new = made.json()["data"]["recovery_codes"][2].as_str().expect("a code").to_owned();
    assert_eq!(log_in(&app, Some(&old[2])).await.status, 401);
    Pass::of(&log_in(&app, Some(&new)).await);
    app.finish().await;
}

// E2: the budget is one over all contracts
#[tokio::test]
async fn wrong_codes_count_together_with_those_of_other_contracts() {
    let app = App::start().await;
    let pass = verified(&app).await;
    let (secret, _) = enrol(&app, &pass.access).await;
    let wrong = totp::wrong(&secret, app.clock.now());
    for _ in 0..5 {
        assert_eq!(log_in(&app, Some(&wrong)).await.status, 401);
        assert_eq!(post(&app, &pass.access, DISABLE, json!({"code": wrong})).await.status, 400);
    }
    let right = totp::code(&secret, app.clock.now());
    let shut = log_in(&app, Some(&right)).await;
    assert_eq!(shut.status, 429, "{}", shut.text);
    assert!(shut.json()["error"]["retry_after"].as_u64().is_some_and(|wait| wait <= 900));
    let body = json!({"email": EMAIL, "password": PASSWORD, "totp_code": right});
    assert_eq!(app.post("/finradar/api/v1/auth/login", &body).await.status, 429);
    app.advance(15 * MINUTE);
    Pass::of(&log_in(&app, Some(&totp::code(&secret, app.clock.now()))).await);
    app.finish().await;
}

// A1: who typed a stranger's address must not lock its owner out
#[tokio::test]
async fn an_address_that_is_not_proved_gets_no_second_factor() {
    let app = App::start().await;
    let pass = sign_up(&app, EMAIL).await;
    let refused = app.send(app.request(Method::POST, SETUP).bearer_auth(&pass.access)).await;
    assert_eq!(code_of(&refused), (403, "EMAIL_NOT_VERIFIED".to_owned()));
    let refused = post(&app, &pass.access, ENABLE, json!({"code": "123456"})).await;
    assert_eq!(code_of(&refused), (403, "EMAIL_NOT_VERIFIED".to_owned()));
    let ann = app.newcomer("bob@acme.example").await;
    for kind in ["GOOGLE_AUTH", "MAGIC_LINK"] {
        let refused = post(&app, &ann.access, "/mfa/setup", json!({"mfaType": kind})).await;
        assert_eq!(refused.status, 403, "{kind}");
    }
    app.finish().await;
}

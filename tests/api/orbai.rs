//! What the tests of the OrbAI contract share.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App};

pub const REGISTER: &str = "/orbai/api/v1/auth/register";
pub const LOGIN: &str = "/orbai/api/v1/auth/login";
pub const REFRESH: &str = "/orbai/api/v1/auth/refresh";
pub const LOGOUT: &str = "/orbai/api/v1/auth/logout";
pub const FORGOT: &str = "/orbai/api/v1/auth/forgot-password";
pub const RESET: &str = "/orbai/api/v1/auth/reset-password";
pub const LINK_REQUEST: &str = "/orbai/api/v1/auth/magic-link/request";
pub const LINK_VERIFY: &str = "/orbai/api/v1/auth/magic-link/verify";
pub const CHANGE: &str = "/orbai/api/v1/auth/change-password";
pub const PASSWORD: &str = "secureP@ssw0rd";

/// The seed's example.
pub fn example() -> Value {
    json!({
        "email": "newuser@example.com",
        "password": PASSWORD,
        "first_name": "Jane",
        "last_name": "Doe",
        "country": "Germany",
        "language": "de",
        "referral_code": "REF_ABC123",
        "device_id": "550e8400-e29b-41d4-a716-446655440000",
        "platform": "android",
        "device_name": "Pixel 8 Pro",
        "fcm_token": "eyJhbGciOiJIUzI1NiIs..."
    })
}

/// The two tokens of somebody who came in.
#[derive(Debug, Clone)]
pub struct Pass {
    pub access: String,
    pub refresh: String,
}

impl Pass {
    /// Those of an answer that let somebody in.
    pub fn of(answer: &Answer) -> Pass {
        assert_eq!(answer.status, 200, "{}", answer.text);
        let tokens = answer.json()["data"]["tokens"].clone();
        let text = |key: &str| tokens[key].as_str().expect("a token").to_owned();
        Pass { access: text("access_token"), refresh: text("refresh_token") }
    }
}

/// Signs somebody up with no more than it takes.
pub async fn sign_up(app: &App, email: &str) -> Pass {
    Pass::of(&app.post(REGISTER, &json!({"email": email, "password": PASSWORD})).await)
}

/// Logs in with the password that accounts of the other contracts have.
pub async fn enter(app: &App, email: &str) -> Pass {
    Pass::of(&app.post(LOGIN, &json!({"email": email, "password": crate::app::PASSWORD})).await)
}

/// Logs in on a device.
pub async fn log_in(app: &App, email: &str, device: &str) -> Pass {
    let body = json!({"email": email, "password": PASSWORD, "device_id": device});
    Pass::of(&app.post(LOGIN, &body).await)
}

/// A call with an access token.
pub async fn call(app: &App, pass: &Pass, path: &str, body: Option<&Value>) -> Answer {
    let request = app.request(Method::POST, path).bearer_auth(&pass.access);
    app.send(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// Status and code of a refusal.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert_eq!(body["success"], json!(false), "{}", answer.text);
    (answer.status, body["error"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Whether an access token is honored. A body that is refused changes nothing, and is looked at after the token.
pub async fn is_live(app: &App, pass: &Pass) -> bool {
    let answer = call(app, pass, LOGOUT, Some(&json!({"all_devices": "faulty"}))).await;
    match answer.status {
        422 => true,
        401 => false,
        _ => panic!("{}", answer.text),
    }
}

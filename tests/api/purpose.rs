//! Every kind of token at every door that takes one: only its own opens it.

use reqwest::Method;
use serde_json::json;

use crate::app::{App, PASSWORD, Person};
use crate::orbai;

/// What is handed to people, in tokens and in letters.
const KINDS: [&str; 9] = [
    "access",
    "refresh",
    "verify link",
    "verify code",
    "reset link",
    "reset code",
    "magic link",
    "orbai access",
    "orbai refresh",
];

/// The doors, and the kind that opens each. Some open to none of these.
const DOORS: [(&str, &str); 28] = [
    ("GET /user/profile", "access"),
    ("GET /token", "access"),
    ("POST /user/refresh", "refresh"),
    ("POST /user/logout", "refresh"),
    ("POST /user/pre-verify-email", "verify link"),
    ("POST /user/verify-email", "verify link"),
    ("POST /user/verify-email by code", "verify code"),
    ("POST /user/reset-password", "reset link"),
    ("POST /user/reset-password by code", "reset code"),
    ("POST /verify-email", "verify link"),
    ("POST /verify-email/not-me", "verify link"),
    ("POST /reset-password", "reset link"),
    ("GET /reset-password", "reset link"),
    ("POST /user/confirm-email", "change link"),
    ("POST /user/confirm-email by code", "change code"),
    ("POST /change-email", "change link"),
    ("POST /undo-change-email", "undo link"),
    ("PUT /finradar/api/v1/auth/newpassword", "reset link"),
    ("GET /finradar/api/v1/auth/verifyEmail", "verify link"),
    ("GET /magic-link", "magic link"),
    ("POST /orbai/api/v1/auth/magic-link/verify", "magic link"),
    ("POST /orbai/api/v1/auth/reset-password", "reset link"),
    ("POST /orbai/api/v1/auth/refresh", "orbai refresh"),
    ("GET /orbai/api/v1/users/me", "orbai access"),
    ("GET /orbai/api/v1/referrals/me", "orbai access"),
    ("GET /finradar/api/v1/user/", "finradar access"),
    ("POST /mfa/verify-login", "mfa ticket"),
    ("POST /keys/verify", "api key"),
];

/// Somebody who holds one of each kind, all of them good.
async fn holder(app: &App, number: usize) -> (Person, [String; 9]) {
    let email = format!("ann{number}@acme.com");
    // The mailbox shows the newest letters alone.
    app.advance(latchkey::model::time::SECOND);
    let person = app.newcomer(&email).await;
    let asked = app.post("/user/request-reset-password", &json!({"email": email})).await;
    assert_eq!(asked.status, 200);
    assert_eq!(app.post(orbai::LINK_REQUEST, &json!({"email": email})).await.status, 200);
    let pass = orbai::enter(app, &email).await;
    let (verify, reset) = (app.letter(&email, "verify").await, app.letter(&email, "reset").await);
    let tokens = [
        person.access.clone(),
        person.refresh.clone(),
        verify.token(),
        verify.code(),
        reset.token(),
        reset.code(),
        app.letter(&email, "magic-link").await.token(),
        pass.access,
        pass.refresh,
    ];
    (person, tokens)
}

/// Whether a door opens to a token.
async fn opens(app: &App, door: &str, person: &Person, token: &str) -> bool {
    let status = match door {
        "GET /user/profile"
        | "GET /token"
        | "GET /orbai/api/v1/users/me"
        | "GET /orbai/api/v1/referrals/me"
        | "GET /finradar/api/v1/user/" => {
            let path = door.trim_start_matches("GET ");
            app.send(app.request(Method::GET, path).bearer_auth(token)).await.status
        }
        "POST /user/refresh" => app.post("/user/refresh", &json!({"refreshToken": token})).await.status,
        "POST /user/logout" => {
            // It always says yes; what counts is whether the session has ended.
            app.post("/user/logout", &json!({"refreshToken": token})).await;
            return app.call(person, Method::GET, "/user/profile", None).await.status == 401;
        }
        "POST /user/confirm-email by code" => {
            let body = json!({"verificationTokenId": person.proof, "code": token});
            app.post("/user/confirm-email", &body).await.status
        }
        "POST /user/pre-verify-email" | "POST /user/verify-email" | "POST /user/confirm-email" => {
            app.post(door.trim_start_matches("POST "), &json!({"token": token})).await.status
        }
        "POST /user/verify-email by code" => {
            let body = json!({"verificationTokenId": person.proof, "code": token});
            app.post("/user/verify-email", &body).await.status
        }
        "POST /user/reset-password" => {
            let body = json!({"token": token, "newPassword": PASSWORD});
            app.post("/user/reset-password", &body).await.status
        }
        "POST /user/reset-password by code" => {
            let body = json!({"email": person.email, "code": token, "newPassword": PASSWORD});
            app.post("/user/reset-password", &body).await.status
        }
        "POST /reset-password" => {
            app.submit("/reset-password", &[("token", token), ("password", PASSWORD)]).await.status
        }
        "PUT /finradar/api/v1/auth/newpassword" => {
            let request = app.request(Method::PUT, door.trim_start_matches("PUT "));
            app.send(request.json(&json!({"token": token, "newpassword": PASSWORD}))).await.status
        }
        "GET /finradar/api/v1/auth/verifyEmail" => {
            app.get(&format!("{}?token={token}", door.trim_start_matches("GET "))).await.status
        }
        "GET /reset-password" | "GET /magic-link" => {
            app.get(&format!("{}?token={token}", door.trim_start_matches("GET "))).await.status
        }
        "POST /keys/verify" => app.post("/keys/verify", &json!({"key": token})).await.status,
        "POST /mfa/verify-login" => {
            let request = app.request(Method::POST, "/mfa/verify-login").bearer_auth(token);
            app.send(request.json(&json!({"mfaType": "GOOGLE_AUTH", "code": "123456"}))).await.status
        }
        "POST /orbai/api/v1/auth/refresh" => {
            app.post(orbai::REFRESH, &json!({"refresh_token": token})).await.status
        }
        "POST /orbai/api/v1/auth/magic-link/verify" | "POST /orbai/api/v1/auth/reset-password" => {
            let mut body = json!({"token": token});
            if door.ends_with("reset-password") {
                body["password"] = json!(PASSWORD);
            }
            app.post(door.trim_start_matches("POST "), &body).await.status
        }
        page => app.submit(page.trim_start_matches("POST "), &[("token", token)]).await.status,
    };
    assert!(matches!(status, 200 | 400 | 401 | 404 | 410), "{door}: {status}");
    status == 200
}

// E4
#[tokio::test]
async fn every_token_opens_the_doors_of_its_kind_alone() {
    for (door, key) in DOORS {
        // One a door, for the mailbox grows with every holder.
        let app = App::start().await;
        for (number, kind) in KINDS.into_iter().enumerate() {
            let (person, tokens) = holder(&app, number).await;
            let opened = opens(&app, door, &person, &tokens[number]).await;
            assert_eq!(opened, kind == key, "{kind} at {door}");
        }
        app.finish().await;
    }
}

// E4
#[tokio::test]
async fn a_code_is_nothing_without_its_account_beside_it() {
    let app = App::start().await;
    let (ann, anns) = holder(&app, 1).await;
    let (bob, bobs) = holder(&app, 2).await;
    let verify = "/user/verify-email";
    let reset = "/user/reset-password";
    let rows = [
        ("a code alone", verify, json!({"code": anns[3]}), "INVALID_INPUT"),
        ("an id alone", verify, json!({"verificationTokenId": ann.proof}), "INVALID_INPUT"),
        ("another's id", verify, json!({"verificationTokenId": bob.proof, "code": anns[3]}), "INVALID_TOKEN"),
        (
            "an id of nobody",
            verify,
            json!({"verificationTokenId": "0".repeat(24), "code": anns[3]}),
            "INVALID_TOKEN",
        ),
        ("an account's id", verify, json!({"verificationTokenId": ann.id, "code": anns[3]}), "INVALID_TOKEN"),
        ("a reset code alone", reset, json!({"code": anns[5], "newPassword": PASSWORD}), "INVALID_INPUT"),
        ("an address alone", reset, json!({"email": ann.email, "newPassword": PASSWORD}), "INVALID_INPUT"),
        (
            "another's address",
            reset,
            json!({"email": bob.email, "code": anns[5], "newPassword": PASSWORD}),
            "INVALID_TOKEN",
        ),
        ("nothing", reset, json!({"newPassword": PASSWORD}), "INVALID_INPUT"),
    ];
    for (what, path, body, code) in rows {
        assert_eq!(app.post(path, &body).await.refusal(), (400, code.to_owned()), "{what}");
    }
    let own = json!({"verificationTokenId": bob.proof, "code": bobs[3]});
    assert_eq!(app.post(verify, &own).await.status, 200);
    app.finish().await;
}

//! OrbAI's passwords: lost, reset by mail, changed with the present one.

use latchkey::model::time::HOUR;
use serde_json::json;

use crate::app::App;
use crate::orbai::{CHANGE, FORGOT, LOGIN, PASSWORD, RESET, call, is_live, log_in, refusal, sign_up};
use crate::two_factor::enrol;

const ANN: &str = "ann@acme.example";
const NEW: &str = "Another1Password";

async fn enters(app: &App, password: &str) -> bool {
    app.post(LOGIN, &json!({"email": ANN, "password": password})).await.status == 200
}

/// The token of a reset letter.
async fn token(app: &App) -> String {
    assert_eq!(app.post(FORGOT, &json!({"email": ANN})).await.status, 200);
    app.letter(ANN, "reset").await.token()
}

// H3
#[tokio::test]
async fn a_known_and_an_unknown_address_are_told_the_same() {
    let app = App::start().await;
    sign_up(&app, ANN).await;
    let expected = json!({"success": true,
        "data": {"message": "If an account with that email exists, a password reset link has been sent."}});
    for email in [ANN, "nobody@acme.example"] {
        let answer = app.post(FORGOT, &json!({"email": email})).await;
        assert_eq!((answer.status, answer.json()), (200, expected.clone()), "{email}");
    }
    let resets = app.letters().await.into_iter().filter(|letter| letter.0["kind"] == "reset");
    assert_eq!(resets.map(|letter| letter.to().to_owned()).collect::<Vec<_>>(), [ANN]);
    assert_eq!(refusal(&app.post(FORGOT, &json!({"email": "nobody"})).await).0, 422);
    app.finish().await;
}

// H5: one budget over all routes that cause mail
#[tokio::test]
async fn an_address_is_sent_no_more_than_its_budget() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    for email in [ANN, "nobody@acme.example"] {
        for _ in 0..2 {
            assert_eq!(app.post(FORGOT, &json!({"email": email})).await.status, 200);
        }
        let other = app.post("/user/request-reset-password", &json!({"email": email})).await;
        assert_eq!(other.status, 200);
        let refused = app.post(FORGOT, &json!({"email": email})).await;
        assert_eq!(refusal(&refused), (429, "RATE_LIMITED".to_owned()), "{email}");
        assert_eq!(refused.json()["error"]["retry_after"], json!(600));
    }
    app.finish().await;
}

// A1, D1, D2
#[tokio::test]
async fn a_reset_ends_every_session_and_its_link_is_good_once() {
    let app = App::start().await;
    let passes = [sign_up(&app, ANN).await, log_in(&app, ANN, "phone").await];
    let (first, second) = (token(&app).await, token(&app).await);
    let weak = app.post(RESET, &json!({"token": first, "password": "short"})).await;
    assert_eq!(weak.json()["error"]["details"], json!({"password": "Must be at least 8 characters."}));
    let done = app.post(RESET, &json!({"token": first, "password": NEW})).await;
    assert_eq!(done.status, 200, "{}", done.text);
    for pass in &passes {
        assert!(!is_live(&app, pass).await);
    }
    assert!(!enters(&app, PASSWORD).await && enters(&app, NEW).await);
    for token in [&first, &second, &"x".to_owned(), &String::new()] {
        let again = app.post(RESET, &json!({"token": token, "password": PASSWORD})).await;
        assert_eq!(refusal(&again), (400, "INVALID_TOKEN".to_owned()));
    }
    let late = token(&app).await;
    app.advance(HOUR);
    let answer = app.post(RESET, &json!({"token": late, "password": PASSWORD})).await;
    assert_eq!(refusal(&answer), (400, "INVALID_TOKEN".to_owned()));
    app.finish().await;
}

// D4: a reset does not lead around the second factor
#[tokio::test]
async fn a_reset_leaves_the_second_factor_in_force() {
    let app = App::start().await;
    let careful = enrol(&app, app.member(ANN).await).await;
    let token = token(&app).await;
    assert_eq!(app.post(RESET, &json!({"token": token, "password": NEW})).await.status, 200);
    let asked = app.post(LOGIN, &json!({"email": ANN, "password": NEW})).await.json();
    assert_eq!(asked["data"]["requires_2fa"], json!(true), "{asked}");
    let login = json!({"email": ANN, "password": NEW, "totp_code": careful.code(&app)});
    assert!(app.post(LOGIN, &login).await.json()["data"]["tokens"].is_object());
    app.finish().await;
}

#[tokio::test]
async fn a_change_asks_for_the_present_password_and_ends_the_other_sessions() {
    let app = App::start().await;
    let (pass, other) = (sign_up(&app, ANN).await, log_in(&app, ANN, "phone").await);
    let pending = token(&app).await;
    let change = |current: &str, new: &str| json!({"current_password": current, "new_password": new});
    let wrong = call(&app, &pass, CHANGE, Some(&change("wrong", NEW))).await;
    assert_eq!(refusal(&wrong), (401, "INVALID_CREDENTIALS".to_owned()));
    let faulty = call(&app, &pass, CHANGE, Some(&json!({"new_password": "x".repeat(101)}))).await;
    assert_eq!(
        faulty.json()["error"]["details"],
        json!({"current_password": "Is required.", "new_password": "Must be at most 100 characters."})
    );
    assert!(is_live(&app, &other).await && enters(&app, PASSWORD).await, "nothing has changed");
    let done = call(&app, &pass, CHANGE, Some(&change(PASSWORD, NEW))).await;
    assert_eq!(done.status, 200, "{}", done.text);
    assert!(is_live(&app, &pass).await && !is_live(&app, &other).await);
    assert!(!enters(&app, PASSWORD).await && enters(&app, NEW).await);
    let reset = app.post(RESET, &json!({"token": pending, "password": PASSWORD})).await;
    assert_eq!(refusal(&reset), (400, "INVALID_TOKEN".to_owned()), "D1: a pending reset is void");
    app.letter(ANN, "password-changed").await;
    let stranger = app.post(CHANGE, &change(NEW, PASSWORD)).await;
    assert_eq!(refusal(&stranger), (401, "UNAUTHORIZED".to_owned()));
    app.finish().await;
}

// E5
#[tokio::test]
async fn a_change_takes_a_session_that_passed_the_second_factor_lately() {
    let app = App::start().await;
    let careful = enrol(&app, app.member(ANN).await).await;
    let login = json!({"email": ANN, "password": crate::app::PASSWORD, "totp_code": careful.code(&app)});
    let pass = crate::orbai::Pass::of(&app.post(LOGIN, &login).await);
    app.advance(HOUR);
    let change = json!({"current_password": crate::app::PASSWORD, "new_password": NEW});
    let refused = call(&app, &pass, CHANGE, Some(&change)).await;
    assert_eq!(refusal(&refused), (403, "MFA_REQUIRED".to_owned()));
    let again = json!({"email": ANN, "password": crate::app::PASSWORD, "totp_code": careful.code(&app)});
    let fresh = crate::orbai::Pass::of(&app.post(LOGIN, &again).await);
    assert_eq!(call(&app, &fresh, CHANGE, Some(&change)).await.status, 200);
    app.finish().await;
}

// E1: who found a session open guesses no faster than at a login
#[tokio::test]
async fn wrong_present_passwords_count_as_failed_logins() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    let pass = sign_up(&app, ANN).await;
    let change = |current: &str| json!({"current_password": current, "new_password": NEW});
    for _ in 0..5 {
        assert_eq!(call(&app, &pass, CHANGE, Some(&change("wrong"))).await.status, 401);
    }
    let locked = call(&app, &pass, CHANGE, Some(&change(PASSWORD))).await;
    assert_eq!(refusal(&locked), (429, "RATE_LIMITED".to_owned()));
    app.finish().await;
}

// An account is let in by every contract, so its password goes by the rule of the one it was made through.
#[tokio::test]
async fn a_password_goes_by_the_rule_of_the_accounts_own_contract() {
    let app = App::start().await;
    app.member(ANN).await;
    let plain = "another password";
    let faults = |answer: &crate::app::Answer| answer.json()["error"]["details"].clone();
    let refused = app.post(RESET, &json!({"token": token(&app).await, "password": plain})).await;
    assert_eq!(faults(&refused), json!({"password": "Must contain an upper-case letter."}));
    let pass = crate::orbai::enter(&app, ANN).await;
    let change = json!({"current_password": crate::app::PASSWORD, "new_password": plain});
    let refused = call(&app, &pass, CHANGE, Some(&change)).await;
    assert_eq!(faults(&refused), json!({"new_password": "Must contain an upper-case letter."}));
    sign_up(&app, "bob@acme.example").await;
    app.post(FORGOT, &json!({"email": "bob@acme.example"})).await;
    let own = app.letter("bob@acme.example", "reset").await.token();
    assert_eq!(app.post(RESET, &json!({"token": own, "password": plain})).await.status, 200);
    app.finish().await;
}

//! AppMaker's sessions and passwords: login, refresh, reset, and the change of a password.

use latchkey::model::time::{HOUR, SECOND};
use latchkey::service::operator::AccountAction;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::appmaker::{faults, refusal};
use crate::change_address::act;
use crate::crowd::crowd;
use crate::finradar_session::{PLAIN, registrant};
use crate::locks::seen;
use crate::two_factor::enrol;

pub const LOGIN: &str = "/appmaker/api/v1/auth/login";
pub const REFRESH: &str = "/appmaker/api/v1/auth/refresh-token";
pub const FORGOT: &str = "/appmaker/api/v1/auth/generate-reset-token";
pub const RESET: &str = "/appmaker/api/v1/auth/change-password";
pub const ME: &str = "/appmaker/api/v1/me";
const ANN: &str = "ann@acme.example";
const NEW: &str = "AnotherPass456";
const WRONG: &str = "Invalid username or password";

pub async fn login(app: &App, username: &str, password: &str) -> Answer {
    app.post(LOGIN, &json!({"username": username, "password": password})).await
}

/// Somebody signed in through AppMaker's own login.
async fn entered(app: &App, person: &Person) -> Person {
    let answer = login(app, &person.email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Person { access: answer.field("accessToken"), refresh: answer.field("refreshToken"), ..person.clone() }
}

async fn is_live(app: &App, person: &Person) -> bool {
    app.call(person, Method::GET, ME, None).await.status == 200
}

async fn reset_token(app: &App, email: &str) -> String {
    let asked = app.post(FORGOT, &json!({"username": email})).await;
    assert_eq!((asked.status, asked.text.as_str()), (201, ""));
    app.letter(email, "reset").await.token()
}

#[tokio::test]
async fn a_login_answers_with_two_tokens_that_keep_to_their_purpose() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let answer = login(&app, "ANN@acme.example", PASSWORD).await;
    let body = answer.json();
    let keys: Vec<&str> = body.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!((answer.status, keys), (200, vec!["accessToken", "refreshToken"]), "{}", answer.text);
    let there = entered(&app, &ann).await;
    let me = app.call(&there, Method::GET, ME, None).await;
    assert_eq!(
        (me.status, &me.json()["_id"], &me.json()["roles"]),
        (200, &json!(ann.id), &json!(["USER", "BILLING", "WORKSPACES", "ADMINISTRATORS", "OWNER"]))
    );
    assert!(me.json().get("password").is_none());
    // E4
    let swapped = Person { access: there.refresh.clone(), ..there.clone() };
    assert_eq!(app.call(&swapped, Method::GET, ME, None).await.status, 401);
    for token in [there.access.as_str(), ann.refresh.as_str(), "nonsense", ""] {
        let refused = app.post(REFRESH, &json!({"refreshToken": token})).await;
        assert_eq!(refusal(&refused), (401, "Invalid or expired refresh token".to_owned()));
    }
    app.advance(HOUR);
    assert!(!is_live(&app, &there).await, "the access token is good for an hour");
    let refreshed = app.post(REFRESH, &json!({"refreshToken": there.refresh})).await;
    assert_eq!(refreshed.status, 201, "{}", refreshed.text);
    assert!(is_live(&app, &Person { access: refreshed.field("accessToken"), ..there }).await);
    app.finish().await;
}

// F2
#[tokio::test]
async fn one_refresh_token_in_parallel_stays_one_session_and_its_late_reuse_ends_it() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let there = entered(&app, &ann).await;
    let token = there.refresh.clone();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let token = token.clone();
        async move { app.post(REFRESH, &json!({"refreshToken": token})).await }
    })
    .await;
    assert!(answers.iter().all(|answer| answer.status == 201));
    let last = Person { access: answers[0].field("accessToken"), ..there.clone() };
    assert!(is_live(&app, &last).await);
    app.advance(11 * SECOND);
    let reused = app.post(REFRESH, &json!({"refreshToken": there.refresh})).await;
    assert_eq!(reused.status, 401);
    assert!(!is_live(&app, &last).await);
    app.finish().await;
}

// H3
#[tokio::test]
async fn one_sentence_refuses_everybody_whom_a_stranger_could_be_asking_about() {
    let app = App::start_with(|settings| settings.reveal_accounts = Some("on".to_owned())).await;
    app.member(ANN).await;
    registrant(&app, "ivy@acme.example", None).await;
    for (email, action) in
        [("dan@acme.example", AccountAction::Deactivate), ("bea@acme.example", AccountAction::Ban)]
    {
        let person = app.member(email).await;
        act(&app, &person, action).await;
    }
    let long = "x".repeat(257);
    let rows = [
        ("unknown", "nobody@acme.example", PASSWORD),
        ("wrong password", ANN, "WrongPass123"),
        ("empty password", ANN, ""),
        ("longer than any", ANN, long.as_str()),
        ("no password yet", "ivy@acme.example", PASSWORD),
        ("deactivated, right password", "dan@acme.example", PASSWORD),
        ("banned, right password", "bea@acme.example", PASSWORD),
    ];
    let mut views = Vec::new();
    for (what, email, password) in rows {
        let answer = login(&app, email, password).await;
        assert_eq!(refusal(&answer), (401, WRONG.to_owned()), "{what}");
        views.push(seen(&answer));
    }
    views.dedup();
    assert_eq!(views.len(), 1, "{views:?}");
    app.finish().await;
}

#[tokio::test]
async fn faulty_input_is_named_field_by_field_and_not_repeated() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let there = entered(&app, &ann).await;
    let required = "Is required";
    let email = "Must be a valid email address";
    let rows = [
        ("login: nothing", LOGIN, json!({}), json!({"username": required, "password": required})),
        // A4
        (
            "an array",
            LOGIN,
            json!({"username": [ANN], "password": "x"}),
            json!({"username": "Must be a string"}),
        ),
        (
            "a list",
            LOGIN,
            json!({"username": "a@b.example,c@d.example", "password": "x"}),
            json!({"username": email}),
        ),
        (
            "a number",
            LOGIN,
            json!({"username": ANN, "password": 12345678}),
            json!({"password": "Must be a string"}),
        ),
        (
            "a long code",
            LOGIN,
            json!({"username": ANN, "password": "x", "totpCode": "1".repeat(101)}),
            json!({"totpCode": "Must be at most 100 characters"}),
        ),
        ("no object", LOGIN, json!([]), json!({"body": "Must be a JSON object"})),
        ("refresh: nothing", REFRESH, json!({}), json!({"refreshToken": required})),
        ("refresh: null", REFRESH, json!({"refreshToken": null}), json!({"refreshToken": required})),
        ("forgot: nothing", FORGOT, json!({}), json!({"username": required})),
        ("forgot: no address", FORGOT, json!({"username": "ann"}), json!({"username": email})),
        ("reset: nothing", RESET, json!({}), json!({"password": required, "token": required})),
        (
            "reset: too short",
            RESET,
            json!({"password": "short", "token": "x"}),
            json!({"password": "Must be at least 8 characters"}),
        ),
        ("me: nothing", ME, json!({}), json!({"password": required, "newPassword": required})),
        (
            "me: too long",
            ME,
            json!({"password": PASSWORD, "newPassword": "Aa1".repeat(100)}),
            json!({"newPassword": "Must be at most 256 characters"}),
        ),
    ];
    for (what, path, body, expected) in rows {
        let answer = app.call(&there, Method::POST, path, Some(&body)).await;
        assert_eq!(faults(&answer), expected, "{what}");
        assert!(!answer.text.contains("12345678") && !answer.text.contains(ANN), "{what}");
    }
    let doubled = format!(r#"{{"username":"{ANN}","username":"eve@evil.example","password":"x"}}"#);
    let answer = app.post_raw(LOGIN, doubled).await;
    assert_eq!(faults(&answer), json!({"username": "Must appear only once"}));
    assert!(app.letters().await.iter().all(|letter| letter.0["kind"] != "reset"), "nothing was mailed");
    assert!(is_live(&app, &there).await && login(&app, ANN, PASSWORD).await.status == 200);
    app.finish().await;
}

// E1, H6
#[tokio::test]
async fn five_failures_lock_the_address_for_the_network_in_every_contract() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    app.member(ANN).await;
    for _ in 0..5 {
        assert_eq!(login(&app, ANN, "WrongPass123").await.status, 401);
    }
    let locked = login(&app, ANN, PASSWORD).await;
    let (status, sentence) = refusal(&locked);
    assert_eq!((status, locked.header("retry-after")), (429, "60"), "{sentence}");
    assert_eq!(app.login(ANN, PASSWORD).await.status, 429);
    app.advance(60 * SECOND);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 200);
    app.finish().await;
}

// D4, E2, E3
#[tokio::test]
async fn an_account_with_a_second_factor_is_asked_for_it_after_the_password() {
    let app = App::start().await;
    let ann = enrol(&app, app.member(ANN).await).await;
    let with = |password: &str, code: &str| json!({"username": ANN, "password": password, "totpCode": code});
    let lacking = login(&app, ANN, PASSWORD).await;
    assert_eq!(refusal(&lacking), (401, "Two-factor code required".to_owned()));
    let code = ann.code(&app);
    let wrong = app.post(LOGIN, &with("WrongPass123", &code)).await;
    assert_eq!(refusal(&wrong), (401, WRONG.to_owned()), "the code tells nobody about the password");
    let bad = app.post(LOGIN, &with(PASSWORD, "000000")).await;
    assert_eq!(refusal(&bad), (401, "Invalid two-factor code".to_owned()));
    assert_eq!(app.post(LOGIN, &with(PASSWORD, &code)).await.status, 200);
    let replayed = app.post(LOGIN, &with(PASSWORD, &code)).await;
    assert_eq!(replayed.status, 401, "a code is good once");
    let recovery = app.post(LOGIN, &with(PASSWORD, &ann.codes[0])).await;
    assert_eq!(recovery.status, 200, "{}", recovery.text);
    let token = reset_token(&app, ANN).await;
    assert_eq!(app.post(RESET, &json!({"password": NEW, "token": token})).await.status, 200);
    assert_eq!(refusal(&login(&app, ANN, NEW).await).1, "Two-factor code required");
    app.finish().await;
}

#[tokio::test]
async fn who_has_yet_to_set_up_the_organizations_second_factor_is_kept_out() {
    let app = App::start().await;
    let owner = enrol(&app, app.member("olga@acme.example").await).await;
    let ben = app.colleague(&owner.person, "ben@acme.example", 254).await;
    let there = entered(&app, &ben).await;
    assert!(is_live(&app, &there).await);
    let enforced = json!({"enforced": true});
    let done = app.call(&owner.person, Method::POST, "/mfa/organization/enforce", Some(&enforced)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let change = json!({"password": PASSWORD, "newPassword": NEW});
    for (method, path, body) in [
        (Method::GET, ME.to_owned(), None),
        (Method::POST, ME.to_owned(), Some(&change)),
        (Method::GET, format!("{ME}/tokens"), None),
        (Method::GET, format!("/appmaker/api/v1/organizations/{}/users", ben.organization), None),
    ] {
        let (status, sentence) = refusal(&app.call(&there, method, &path, body).await);
        assert!(status == 403 && sentence.contains("second factor"), "{path}: {status} {sentence}");
    }
    app.finish().await;
}

// H3, H5
#[tokio::test]
async fn a_reset_token_is_mailed_and_nobody_learns_to_whom() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    app.member(ANN).await;
    for email in [ANN, "nobody@acme.example"] {
        for _ in 0..3 {
            let answer = app.post(FORGOT, &json!({"username": email})).await;
            assert_eq!((answer.status, answer.text.as_str()), (201, ""), "{email}");
            assert_eq!(answer.header("content-type"), "");
        }
        let (status, sentence) = refusal(&app.post(FORGOT, &json!({"username": email})).await);
        assert!(status == 429 && sentence.contains("Too many requests"), "{email}: {sentence}");
    }
    let resets = app.letters().await.into_iter().filter(|letter| letter.0["kind"] == "reset");
    assert_eq!(resets.map(|letter| letter.to().to_owned()).collect::<Vec<_>>(), [ANN; 3]);
    app.finish().await;
}

// D1, D2
#[tokio::test]
async fn a_reset_ends_every_session_and_its_token_is_good_once() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let there = entered(&app, &ann).await;
    let (first, sibling) = (reset_token(&app, ANN).await, reset_token(&app, ANN).await);
    let done = app.post(RESET, &json!({"password": NEW, "token": first})).await;
    assert_eq!(
        (done.status, done.field("_id"), done.field("username")),
        (200, ann.id.clone(), ANN.to_owned())
    );
    assert!(!is_live(&app, &there).await);
    assert_eq!(app.post(REFRESH, &json!({"refreshToken": there.refresh})).await.status, 401);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 401);
    assert_eq!(login(&app, ANN, NEW).await.status, 200);
    for token in [first.as_str(), sibling.as_str(), "x", ""] {
        let again = app.post(RESET, &json!({"password": PASSWORD, "token": token})).await;
        assert_eq!(refusal(&again), (401, "Invalid or expired token".to_owned()));
    }
    let late = reset_token(&app, ANN).await;
    app.advance(HOUR);
    assert_eq!(app.post(RESET, &json!({"password": PASSWORD, "token": late})).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_new_password_obeys_the_contract_that_the_account_was_made_through() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    registrant(&app, "fin@acme.example", Some("other words")).await;
    let strict = reset_token(&app, ANN).await;
    let answer = app.post(RESET, &json!({"password": PLAIN, "token": strict})).await;
    assert_eq!(faults(&answer), json!({"password": "Must contain an upper-case letter"}));
    let there = entered(&app, &ann).await;
    let change = json!({"password": PASSWORD, "newPassword": PLAIN});
    let answer = app.call(&there, Method::POST, ME, Some(&change)).await;
    assert_eq!(faults(&answer), json!({"newPassword": "Must contain an upper-case letter"}));
    let plain = reset_token(&app, "fin@acme.example").await;
    let done = app.post(RESET, &json!({"password": PLAIN, "token": plain})).await;
    assert_eq!(
        (done.status, &done.json()["status"]),
        (200, &json!(1)),
        "the address is proved: {}",
        done.text
    );
    app.finish().await;
}

#[tokio::test]
async fn a_change_asks_for_the_present_password_and_ends_the_other_sessions() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let (there, other) = (entered(&app, &ann).await, entered(&app, &ann).await);
    let pending = reset_token(&app, ANN).await;
    let change = |password: &str| json!({"password": password, "newPassword": NEW});
    let wrong = app.call(&there, Method::POST, ME, Some(&change("WrongPass123"))).await;
    assert_eq!(faults(&wrong), json!({"password": "Must be your present password"}));
    assert!(
        is_live(&app, &other).await && login(&app, ANN, PASSWORD).await.status == 200,
        "nothing has changed"
    );
    let done = app.call(&there, Method::POST, ME, Some(&change(PASSWORD))).await;
    assert_eq!((done.status, done.text.as_str()), (201, ""));
    assert!(is_live(&app, &there).await && !is_live(&app, &other).await);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 401);
    assert_eq!(app.post(RESET, &json!({"password": PASSWORD, "token": pending})).await.status, 401, "D1");
    app.letter(ANN, "password-changed").await;
    assert_eq!(app.post(ME, &change(NEW)).await.status, 401);
    app.finish().await;
}

// E5
#[tokio::test]
async fn a_change_takes_a_session_that_passed_the_second_factor_lately() {
    let app = App::start().await;
    let ann = enrol(&app, app.member(ANN).await).await;
    let enter = || async {
        let body = json!({"username": ANN, "password": PASSWORD, "totpCode": ann.code(&app)});
        Person { access: app.post(LOGIN, &body).await.field("accessToken"), ..ann.person.clone() }
    };
    let there = enter().await;
    app.advance(HOUR - 60 * SECOND);
    let change = json!({"password": PASSWORD, "newPassword": NEW});
    let (status, sentence) = refusal(&app.call(&there, Method::POST, ME, Some(&change)).await);
    assert!(status == 403 && sentence.contains("second factor"), "{sentence}");
    let fresh = enter().await;
    assert_eq!(app.call(&fresh, Method::POST, ME, Some(&change)).await.status, 201);
    app.finish().await;
}

// E1
#[tokio::test]
async fn wrong_present_passwords_count_as_failed_logins() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    let ann = app.member(ANN).await;
    let there = entered(&app, &ann).await;
    let change = |password: &str| json!({"password": password, "newPassword": NEW});
    for _ in 0..5 {
        assert_eq!(app.call(&there, Method::POST, ME, Some(&change("WrongPass123"))).await.status, 400);
    }
    assert_eq!(refusal(&app.call(&there, Method::POST, ME, Some(&change(PASSWORD))).await).0, 429);
    assert_eq!(login(&app, ANN, PASSWORD).await.status, 429);
    app.finish().await;
}

#[tokio::test]
async fn who_has_not_proved_the_address_reads_and_changes_nothing() {
    let app = App::start().await;
    let nina = app.newcomer("nina@acme.example").await;
    let there = entered(&app, &nina).await;
    let me = app.call(&there, Method::GET, ME, None).await;
    assert_eq!((me.status, &me.json()["status"]), (200, &json!(0)));
    let tokens = format!("{ME}/tokens");
    let rows: [(&str, Value); 2] = [
        (ME, json!({"password": PASSWORD, "newPassword": NEW})),
        (&tokens, json!({"name": "Build", "lifetime": "one-day", "privileges": []})),
    ];
    for (path, body) in rows {
        let (status, sentence) = refusal(&app.call(&there, Method::POST, path, Some(&body)).await);
        assert!(status == 403 && sentence.contains("Verify your email address"), "{path}: {sentence}");
    }
    assert_eq!(login(&app, "nina@acme.example", PASSWORD).await.status, 200);
    app.finish().await;
}

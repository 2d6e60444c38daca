//! `POST /user/login`: every outcome, told apart or not as the operator chose.

use latchkey::api::flashback::POLICY;
use latchkey::model::email::EmailAddress;
use latchkey::model::language::Language;
use latchkey::model::name::{CompanyName, PersonName};
use latchkey::model::organization::Contact;
use latchkey::model::personal::PersonalDetails;
use latchkey::service::register::RegisterOrder;
use reqwest::Method;
use serde_json::json;

use crate::app::{App, PASSWORD, Person};

/// Somebody whom the operator made without a password: the mailed link asks for one.
async fn invited(app: &App, email: &str) {
    let order = RegisterOrder {
        email: EmailAddress::parse(email).expect("an address"),
        password: None,
        first_name: Some(PersonName::parse("Ivy").expect("a name")),
        last_name: Some(PersonName::parse("Invited").expect("a name")),
        company_name: Some(CompanyName::parse("Acme").expect("a name")),
        company_website: None,
        is_business: false,
        contact: Contact::default(),
        language: Language::English,
        invite: None,
        personal: PersonalDetails::default(),
    };
    app.service.create_account(&POLICY, order, false).await.expect("an account");
}

/// An active, a deactivated and a passwordless account.
async fn people(app: &App) {
    app.member("ann@acme.com").await;
    let carl = app.member("carl@acme.com").await;
    app.call(&carl, Method::POST, "/user/deactivate", None).await;
    invited(app, "ivy@acme.com").await;
}

// H3
#[tokio::test]
async fn a_refused_login_tells_who_exists_only_where_the_operator_wants_it() {
    let rows = [
        ("unknown", "nobody@acme.com", PASSWORD, "INVALID_PASSWORD", "USER_NOT_FOUND"),
        ("wrong password", "ann@acme.com", "WrongPass123", "INVALID_PASSWORD", "INVALID_PASSWORD"),
        (
            "password of other letters",
            "ann@acme.com",
            "SECUREPASS123",
            "INVALID_PASSWORD",
            "INVALID_PASSWORD",
        ),
        ("empty password", "ann@acme.com", "", "INVALID_PASSWORD", "INVALID_PASSWORD"),
        ("no password set", "ivy@acme.com", PASSWORD, "INVALID_PASSWORD", "NO_PASSWORD_SET"),
        ("no password set, none typed", "ivy@acme.com", "", "INVALID_PASSWORD", "NO_PASSWORD_SET"),
        ("deactivated", "carl@acme.com", PASSWORD, "USER_INACTIVE", "USER_INACTIVE"),
        (
            "deactivated, wrong password",
            "carl@acme.com",
            "WrongPass123",
            "INVALID_PASSWORD",
            "INVALID_PASSWORD",
        ),
    ];
    for reveal in ["off", "on"] {
        let app = App::start_with(|arguments| arguments.reveal_accounts = Some(reveal.to_owned())).await;
        people(&app).await;
        let mut concealed = Vec::new();
        for (what, email, password, hidden, revealed) in rows {
            let answer = app.login(email, password).await;
            let code = if reveal == "on" { revealed } else { hidden };
            assert_eq!(answer.refusal(), (401, code.to_owned()), "{what}, reveal {reveal}");
            concealed.extend((code == "INVALID_PASSWORD").then_some(answer.text));
        }
        concealed.dedup();
        assert_eq!(concealed.len(), 1, "one sentence for all: {concealed:?}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_login_answers_as_a_sign_up_does() {
    let app = App::start().await;
    let newcomer = app.newcomer("ann@acme.com").await;
    let unverified = app.login("ANN@Acme.com", PASSWORD).await;
    assert_eq!(unverified.status, 200, "{}", unverified.text);
    let person = Person::of("ann@acme.com", &unverified);
    assert_eq!((&person.id, &person.organization), (&newcomer.id, &newcomer.organization));
    assert_eq!(person.proof, newcomer.proof, "the open verification is told again");
    assert_ne!(person.session, newcomer.session);
    let token = app.letter("ann@acme.com", "verify").await.token();
    assert_eq!(app.post("/user/verify-email", &json!({"token": token})).await.status, 200);
    let verified = app.login("ann@acme.com", PASSWORD).await.json();
    let keys: Vec<&String> = verified.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["success", "accessToken", "refreshToken", "tokenId", "expiresAt", "user"]);
    assert_eq!(verified["user"]["orgRole"], json!(255));
    app.finish().await;
}

#[tokio::test]
async fn a_login_of_bad_form_is_refused_before_anything_is_compared() {
    let app = App::start().await;
    people(&app).await;
    let long = "x".repeat(257);
    let rows = [
        ("no fields", json!({}), (400, "INVALID_INPUT")),
        (
            "a list of addresses",
            json!({"email": ["ann@acme.com"], "password": PASSWORD}),
            (400, "INVALID_INPUT"),
        ),
        (
            "two addresses",
            json!({"email": "ann@acme.com,b@y.org", "password": PASSWORD}),
            (400, "INVALID_INPUT"),
        ),
        (
            "an operator for a password",
            json!({"email": "ann@acme.com", "password": {"$ne": ""}}),
            (400, "INVALID_INPUT"),
        ),
        (
            "a number for a password",
            json!({"email": "ann@acme.com", "password": 12345678}),
            (400, "INVALID_INPUT"),
        ),
        (
            "a password longer than any",
            json!({"email": "ann@acme.com", "password": long}),
            (401, "INVALID_PASSWORD"),
        ),
    ];
    for (what, body, (status, code)) in rows {
        assert_eq!(app.post("/user/login", &body).await.refusal(), (status, code.to_owned()), "{what}");
    }
    app.finish().await;
}

#[tokio::test]
async fn who_was_made_without_a_password_chooses_one_with_the_proof() {
    let app = App::start().await;
    invited(&app, "ivy@acme.com").await;
    let token = app.letter("ivy@acme.com", "invitation").await.token();
    let look = app.post("/user/pre-verify-email", &json!({"token": token})).await;
    assert_eq!(look.json()["hasPassword"], json!(false));
    let rows = [
        ("none chosen", json!({"token": token}), "INVALID_INPUT"),
        ("a weak one", json!({"token": token, "password": "weak"}), "WEAK_PASSWORD"),
    ];
    for (what, body, code) in rows {
        let answer = app.post("/user/verify-email", &body).await;
        assert_eq!(answer.refusal(), (400, code.to_owned()), "{what}");
        assert!(answer.field("message").contains("password"), "{what}: {}", answer.text);
    }
    let chosen = app.post("/user/verify-email", &json!({"token": token, "password": "ChosenPass1"})).await;
    assert_eq!(chosen.status, 200, "{}", chosen.text);
    assert_eq!(app.login("ivy@acme.com", "ChosenPass1").await.status, 200);
    app.finish().await;
}

// A1
#[tokio::test]
async fn a_password_sent_with_a_proof_does_not_replace_one_that_is_there() {
    let app = App::start().await;
    app.newcomer("ann@acme.com").await;
    let token = app.letter("ann@acme.com", "verify").await.token();
    let body = json!({"token": token, "password": "AnotherPass1"});
    assert_eq!(app.post("/user/verify-email", &body).await.status, 200);
    assert_eq!(app.login("ann@acme.com", "AnotherPass1").await.status, 401);
    assert_eq!(app.login("ann@acme.com", PASSWORD).await.status, 200);
    app.finish().await;
}

//! One account an address: who has it, who gets it in a race, and when it is free again.

use std::time::Duration;

use latchkey::model::time::DAY;
use latchkey::service::operator::{AccountAction, AccountName};
use reqwest::Method;
use serde_json::json;

use crate::app::{App, PASSWORD};
use crate::crowd::{count, crowd};

async fn act(app: &App, email: &str, action: AccountAction) {
    let name = AccountName::Email(latchkey::model::email::EmailAddress::parse(email).expect("an address"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    assert!(app.service.act_on_account(&member, action).await.expect("the store"));
}

// A3
#[tokio::test]
async fn a_taken_address_is_told_active_or_not_in_any_spelling() {
    let app = App::start().await;
    app.member("Ann@acme.com").await;
    app.newcomer("bob@acme.com").await;
    let carl = app.member("carl@acme.com").await;
    assert_eq!(app.call(&carl, Method::POST, "/user/deactivate", None).await.status, 200);
    app.member("dora@acme.com").await;
    act(&app, "dora@acme.com", AccountAction::Ban).await;
    let rows = [
        ("active", "Ann@acme.com", "EMAIL_EXISTS_ACTIVE"),
        ("active, in other letters", "aNN@ACME.com", "EMAIL_EXISTS_ACTIVE"),
        ("active, with spaces around", " ann@acme.com ", "EMAIL_EXISTS_ACTIVE"),
        ("unverified", "bob@acme.com", "EMAIL_EXISTS_INACTIVE"),
        ("unverified, in other letters", "BOB@acme.com", "EMAIL_EXISTS_INACTIVE"),
        ("deactivated", "carl@acme.com", "EMAIL_EXISTS_INACTIVE"),
        ("banned", "dora@acme.com", "EMAIL_EXISTS_INACTIVE"),
    ];
    for (what, email, code) in rows {
        assert_eq!(app.register(email).await.refusal(), (400, code.to_owned()), "{what}");
    }
    act(&app, "carl@acme.com", AccountAction::Activate).await;
    let again = app.register("carl@acme.com").await;
    assert_eq!(again.refusal(), (400, "EMAIL_EXISTS_ACTIVE".to_owned()));
    assert_eq!(app.service.list_accounts(0, 100).expect("accounts").len(), 4);
    app.finish().await;
}

// A2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_sign_ups_of_one_address_one_succeeds() {
    let app = App::start().await;
    let (app, answers) = crowd(app, 20, |app, caller| async move {
        let email = if caller % 2 == 0 { "ann@acme.com" } else { "ANN@acme.com" };
        app.register(email).await
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(count(&answers, 400, "EMAIL_EXISTS_INACTIVE"), 19);
    assert_eq!(app.service.list_accounts(0, 100).expect("accounts").len(), 1);
    assert_eq!(app.service.list_organizations("", 100).expect("organizations").len(), 1);
    assert_eq!(app.letters().await.len(), 1, "one letter for the one account");
    app.finish().await;
}

// A2
#[tokio::test]
async fn an_address_that_nobody_proved_is_free_after_seven_days() {
    let app = App::start().await;
    let squatter = app.newcomer("victim@acme.com").await;
    let member = app.member("ann@acme.com").await;
    app.advance(7 * DAY);
    app.sweep().await;
    let taken = app.register("victim@acme.com").await;
    assert_eq!(taken.refusal(), (400, "EMAIL_EXISTS_INACTIVE".to_owned()), "not before the week is over");
    app.advance(Duration::from_millis(1));
    app.sweep().await;

    let sessions = app.call(&squatter, Method::GET, "/user/profile", None).await;
    assert_eq!(sessions.status, 401, "the squatter's token is dead");
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": squatter.refresh})).await;
    assert_eq!(refreshed.refusal(), (401, "INVALID_REFRESH_TOKEN".to_owned()));
    let organization = squatter.organization.parse().expect("an id");
    assert!(app.service.find_organization(organization).expect("the store").is_none());

    let owner = app.member("victim@acme.com").await;
    assert_ne!(owner.id, squatter.id);
    assert_eq!(app.login(&member.email, PASSWORD).await.status, 200, "who proved the address stays");
    app.finish().await;
}

// A2
#[tokio::test]
async fn an_unproved_account_can_ask_for_another_link_as_long_as_it_lives() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let first = app.letter(&ann.email, "verify").await.token();
    app.advance(6 * DAY);
    app.sweep().await;
    let entered = app.login(&ann.email, PASSWORD).await;
    assert_eq!(entered.field("verificationTokenId"), ann.proof, "the id is told again");
    app.post(&format!("/user/resend-verification/{}", ann.proof), &json!({})).await;
    let again = app.letter(&ann.email, "verify").await.token();
    assert_ne!(first, again);
    assert_eq!(app.post("/user/verify-email", &json!({"token": again})).await.status, 200);
    app.finish().await;
}

// A2
#[tokio::test]
async fn a_ban_outlives_the_removal_of_unproved_accounts() {
    let app = App::start().await;
    app.newcomer("eve@evil.example").await;
    act(&app, "eve@evil.example", AccountAction::Ban).await;
    app.advance(30 * DAY);
    app.sweep().await;
    let again = app.register("eve@evil.example").await;
    assert_eq!(again.refusal(), (400, "EMAIL_EXISTS_INACTIVE".to_owned()));
    app.finish().await;
}

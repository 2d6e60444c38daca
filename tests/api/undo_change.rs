//! Undoing a change of address from the former mailbox, and what is kept until then (THREATS A5).

use latchkey::model::proof::UNDO_LIFE;
use latchkey::model::time::{DAY, SECOND};
use latchkey::service::operator::AccountAction;
use latchkey::store::subscriptions;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

use crate::app::{Answer, App, PASSWORD, Person, registration};
use crate::change_address::{act, ask, asked, changed, confirm, enters, invalid, log_in};
use crate::crowd::crowd;
use crate::keys;

const OLD: &str = "ann@acme.com";
const NEW: &str = "new@other.example";

/// The secret by which the newest change away from an address is undone.
async fn way_back(app: &App, former: &str) -> String {
    app.letter(former, "address-changed").await.token()
}

async fn undo(app: &App, token: &str) -> Answer {
    app.advance(SECOND);
    app.submit("/undo-change-email", &[("token", token)]).await
}

async fn reset_to(app: &App, email: &str, password: &str) {
    let token = app.letter(email, "reset").await.token();
    let reset = json!({"token": token, "newPassword": password});
    let answer = app.post("/user/reset-password", &reset).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn address(app: &App, person: &Person) -> Value {
    let account = app
        .service
        .find_account(&latchkey::service::operator::AccountName::Id(person.id.parse().expect("an id")));
    json!(account.expect("the store").expect("an account").account.email.as_str())
}

async fn export(app: &App, person: &Person) -> Value {
    app.call(person, Method::GET, "/user/export", None).await.json()["data"].clone()
}

fn plan(app: &App, person: &Person) -> String {
    let id = person.organization.parse().expect("an id");
    let found = app.service.store.read(|tx| subscriptions::latest(tx, id)).expect("the store");
    found.expect("a subscription").plan
}

/// Changes the password as somebody who knows it.
async fn choose(app: &App, person: &Person, password: &str) {
    let path = format!("/user/{}", person.id);
    let answer = app.call(person, Method::PUT, &path, Some(&json!({"password": password}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

// A5
#[tokio::test]
async fn the_former_mailbox_takes_the_account_back_from_who_knew_the_password() {
    let app = App::start().await;
    let thief = app.member(OLD).await;
    let info = json!({"email": OLD, "password": PASSWORD, "deviceInfo": {"deviceName": "Theirs"}});
    app.post("/user/login", &info).await;
    changed(&app, &thief, NEW).await;
    let thief = log_in(&app, NEW).await;
    let pending = asked(&app, &thief, "third@x.example").await.token();
    app.post("/user/request-reset-password", &json!({"email": NEW})).await;
    let reset = app.letter(NEW, "reset").await.token();
    let token = way_back(&app, OLD).await;
    let link = format!("/undo-change-email?token={token}");
    for method in [Method::GET, Method::HEAD, Method::GET] {
        assert_eq!(app.send(app.request(method, &link)).await.status, 200, "C3: looking uses nothing up");
    }
    assert!(app.get(&link).await.text.contains(OLD));
    // E4
    for path in ["/change-email", "/verify-email", "/verify-email/not-me", "/reset-password"] {
        let other = app.submit(path, &[("token", &token), ("password", PASSWORD)]).await;
        assert_eq!(other.status, 400, "its own door alone: {path}");
    }
    for path in ["/user/confirm-email", "/user/verify-email", "/user/reset-password"] {
        let other = app.post(path, &json!({"token": token, "newPassword": PASSWORD})).await;
        invalid(&other, path);
    }
    assert_eq!(address(&app, &thief).await, NEW);

    assert_eq!(undo(&app, &token).await.status, 200);
    assert_eq!(address(&app, &thief).await, OLD);
    assert!(!enters(&app, &thief).await, "every session ends");
    let refreshed = app.post("/user/refresh", &json!({"refreshToken": thief.refresh})).await;
    assert_eq!(refreshed.status, 401);
    for email in [OLD, NEW] {
        assert_eq!(app.login(email, PASSWORD).await.refusal(), (401, "INVALID_PASSWORD".to_owned()));
    }
    invalid(&confirm(&app, &pending).await, "what was asked for since");
    let body = json!({"token": reset, "newPassword": "ThiefsPass789"});
    invalid(&app.post("/user/reset-password", &body).await, "a reset mailed to the thief");
    assert_eq!(undo(&app, &token).await.status, 400, "once");
    assert_eq!(app.get(&link).await.status, 200, "no cause for alarm");

    reset_to(&app, OLD, "OwnersPass456").await;
    let owner = Person::of(OLD, &app.login(OLD, "OwnersPass456").await);
    assert_eq!(owner.id, thief.id);
    let devices = app.call(&owner, Method::GET, "/devices", None).await;
    assert_eq!(devices.json()["data"], json!([]), "A1: no device of theirs is left");
    app.finish().await;
}

// A5: neither another password nor another address shakes the former mailbox off
#[tokio::test]
async fn what_a_thief_does_next_leaves_the_way_back_open() {
    let app = App::start().await;
    let thief = app.member(OLD).await;
    changed(&app, &thief, "first@evil.example").await;
    let back = way_back(&app, OLD).await;
    changed(&app, &thief, "second@evil.example").await;
    let false_back = way_back(&app, "first@evil.example").await;
    choose(&app, &thief, "ThiefsPass789").await;
    app.post("/user/request-reset-password", &json!({"email": "second@evil.example"})).await;
    reset_to(&app, "second@evil.example", "ThiefsPass987").await;
    let thief = Person::of(NEW, &app.login("second@evil.example", "ThiefsPass987").await);
    assert_eq!(app.call(&thief, Method::POST, "/user/deactivate", None).await.status, 200);

    assert_eq!(app.get(&format!("/undo-change-email?token={back}")).await.status, 200);
    let resets =
        async || app.letters().await.iter().filter(|l| l.0["kind"] == "reset" && l.to() == OLD).count();
    assert_eq!(undo(&app, &back).await.status, 200);
    assert_eq!(address(&app, &thief).await, OLD);
    assert_eq!(resets().await, 0, "who may not enter chooses no password");
    assert_eq!(undo(&app, &false_back).await.status, 400, "the thief's own way back is closed");
    act(&app, &thief, AccountAction::Activate).await;
    app.post("/user/request-reset-password", &json!({"email": OLD})).await;
    reset_to(&app, OLD, "OwnersPass456").await;
    assert_eq!(app.login(OLD, "OwnersPass456").await.status, 200);
    app.finish().await;
}

// A5, D2
#[tokio::test]
async fn undoing_a_change_ends_the_keys_made_since_and_no_older_ones() {
    let app = App::start().await;
    let thief = app.member(OLD).await;
    let make = async || keys::make(&app, &thief, "/user/api-keys", json!({"name": "test"})).await.0;
    let older = make().await;
    changed(&app, &thief, NEW).await;
    let newer = make().await;
    assert_eq!(undo(&app, &way_back(&app, OLD).await).await.status, 200);
    assert_eq!((keys::check(&app, &older).await.status, keys::check(&app, &newer).await.status), (200, 401));
    let entries = app.service.audit(thief.id.parse().ok(), 2).expect("the store");
    assert!(entries.iter().any(|entry| entry.action == "api-key.revoked"), "{entries:?}");
    app.finish().await;
}

// A5
#[tokio::test]
async fn undoing_the_later_change_leaves_the_earlier_one_to_its_mailbox() {
    let app = App::start().await;
    let thief = app.member(OLD).await;
    changed(&app, &thief, "first@evil.example").await;
    let (back, first) = (way_back(&app, OLD).await, "first@evil.example");
    changed(&app, &thief, "second@evil.example").await;
    assert_eq!(undo(&app, &way_back(&app, first).await).await.status, 200);
    assert_eq!(address(&app, &thief).await, first);
    assert_eq!(undo(&app, &back).await.status, 200, "the former has the better right");
    assert_eq!(address(&app, &thief).await, OLD);
    app.finish().await;
}

// A5
#[tokio::test]
async fn a_change_can_be_undone_for_seven_days_and_the_address_is_kept_as_long() {
    let app = App::start().await;
    let ann = app.member(OLD).await;
    let ben = app.member("ben@acme.com").await;
    changed(&app, &ann, NEW).await;
    let first = way_back(&app, OLD).await;
    let refused = app.register("ANN@acme.com").await;
    assert_eq!(refused.refusal(), (400, "EMAIL_EXISTS_INACTIVE".to_owned()));
    let invitation = json!({"email": OLD, "firstName": "Ann", "lastName": "Lee"});
    let invited = app.call(&ben, Method::POST, "/organization/users", Some(&invitation)).await;
    assert_eq!(invited.status, 400, "{}", invited.text);
    assert_eq!(ask(&app, &ben, OLD).await.status, 200, "which tells nothing");
    assert!(app.letters().await.iter().all(|l| !(l.to() == OLD && l.0["kind"] == "change-address")));
    let ann = log_in(&app, NEW).await;
    let kept = export(&app, &ann).await["formerEmails"].clone();
    assert_eq!(kept.as_array().map(Vec::len), Some(1), "{kept}");
    assert_eq!(kept[0]["email"], OLD);

    app.advance(UNDO_LIFE - 3 * SECOND);
    app.sweep().await;
    assert_eq!(app.register(OLD).await.status, 400, "to the last second");
    assert_eq!(app.get(&format!("/undo-change-email?token={first}")).await.status, 200);
    app.advance(3 * SECOND);
    assert_eq!(app.submit("/undo-change-email", &[("token", &first)]).await.status, 400);
    let other = app.register(OLD).await;
    assert_eq!(other.status, 201, "nobody is locked out for good: {}", other.text);
    assert_eq!(address(&app, &ann).await, NEW);
    let ann = log_in(&app, NEW).await;
    assert_eq!(export(&app, &ann).await["formerEmails"], json!([]));
    app.finish().await;
}

#[tokio::test]
async fn an_undone_change_frees_the_other_address_and_an_erased_account_its_former() {
    let app = App::start().await;
    let ann = app.member(OLD).await;
    changed(&app, &ann, NEW).await;
    assert_eq!(app.register(NEW).await.status, 400, "it is hers");
    undo(&app, &way_back(&app, OLD).await).await;
    assert_eq!(app.register(NEW).await.status, 201);
    let ben = app.member("ben@acme.com").await;
    changed(&app, &ben, "moved@x.example").await;
    act(&app, &ben, AccountAction::Deactivate).await;
    assert_eq!(app.register("ben@acme.com").await.status, 400);
    app.carried().await;
    app.service.erase(ben.id.parse().expect("an id")).await.expect("erased");
    assert_eq!(app.register("ben@acme.com").await.status, 201);
    app.finish().await;
}

#[tokio::test]
async fn whose_address_is_kept_may_go_back_to_it_and_on() {
    let app = App::start().await;
    let ann = app.member(OLD).await;
    changed(&app, &ann, NEW).await;
    let first = way_back(&app, OLD).await;
    changed(&app, &ann, OLD).await;
    assert_eq!(address(&app, &ann).await, OLD);
    assert_eq!(app.register(NEW).await.status, 400, "now the other is kept");
    changed(&app, &ann, "third@x.example").await;
    assert_eq!(undo(&app, &first).await.status, 200);
    assert_eq!(address(&app, &ann).await, OLD);
    assert_eq!(app.register(NEW).await.status, 201, "and what came later is void");
    app.finish().await;
}

// A5
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_twenty_who_undo_at_once_one_does_and_a_change_beside_it_does_not_win() {
    let app = App::start().await;
    let ann = app.member(OLD).await;
    changed(&app, &ann, NEW).await;
    let token = way_back(&app, OLD).await;
    let onward = asked(&app, &ann, "third@x.example").await.token();
    let (app, answers) = crowd(app, 20, move |app, caller| {
        let (token, onward) = (token.clone(), onward.clone());
        async move {
            match caller {
                10 => confirm(&app, &onward).await,
                _ => app.submit("/undo-change-email", &[("token", &token)]).await,
            }
        }
    })
    .await;
    let undone = answers.iter().enumerate().filter(|(caller, answer)| *caller != 10 && answer.status == 200);
    assert_eq!(undone.count(), 1);
    assert_eq!(address(&app, &ann).await, OLD, "whichever came first");
    assert_eq!(app.letters().await.iter().filter(|l| l.0["kind"] == "reset").count(), 1);
    app.finish().await;
}

/// A personal sign-up: no company domain.
async fn single(app: &App, email: &str) -> Person {
    let mut order = registration(email);
    order["isBusiness"] = json!(false);
    let person = Person::of(email, &app.post("/user/register", &order).await);
    let token = app.letter(email, "verify").await.token();
    app.post("/user/verify-email", &json!({"token": token})).await;
    person
}

// G5
#[tokio::test]
async fn no_change_of_address_leads_to_a_second_trial() {
    let app = App::start().await;
    let ann = single(&app, "ann@gmail.com").await;
    assert_eq!(plan(&app, &ann), "trial");
    changed(&app, &ann, "fresh+tag@gmail.com").await;
    assert_eq!(plan(&app, &ann), "trial", "the one that runs goes on");
    app.advance(UNDO_LIFE);
    app.sweep().await;
    let again = single(&app, "ann@gmail.com").await;
    assert_eq!(plan(&app, &again), "free", "the mailbox that has had it");
    let ann = log_in(&app, "fresh+tag@gmail.com").await;
    changed(&app, &ann, "third@gmail.com").await;
    app.advance(UNDO_LIFE);
    app.sweep().await;
    let fresh = single(&app, "fresh@gmail.com").await;
    assert_eq!(plan(&app, &fresh), "free", "and the one that came by a change");
    app.finish().await;
}

// G5
#[tokio::test]
async fn a_proved_new_address_claims_the_organizations_domain_as_a_first_one_does() {
    let app = App::start().await;
    let claimed = |person: &Person| {
        let id = person.organization.parse().expect("an id");
        let found = app.service.find_organization(id).expect("the store").expect("an organization");
        found.0.claimed_domain
    };
    let found_with_site = async |email: &str| {
        let mut order = registration(email);
        order["companyWebsite"] = json!("https://acme.com");
        let person = Person::of(email, &app.post("/user/register", &order).await);
        let token = app.letter(email, "verify").await.token();
        let proved = app.post("/user/verify-email", &json!({"token": token})).await;
        assert_eq!(proved.status, 200, "{}", proved.text);
        assert_eq!(person.organization, Person::of(email, &proved).organization);
        Person::of(email, &proved)
    };
    let (ann, ben) = (found_with_site("ann@gmail.com").await, found_with_site("ben@gmail.com").await);
    assert_eq!((claimed(&ann), plan(&app, &ann), plan(&app, &ben)), (None, "trial".into(), "trial".into()));
    changed(&app, &ann, "ann@acme.com").await;
    assert_eq!((claimed(&ann).as_deref(), plan(&app, &ann)), (Some("acme.com"), "trial".to_owned()));
    changed(&app, &ben, "ben@acme.com").await;
    assert_eq!(claimed(&ben), None, "a claim is exclusive");

    // A domain that has had its trial ends the one of whoever claims it next.
    for person in [&ann] {
        act(&app, person, AccountAction::Deactivate).await;
        app.carried().await;
        app.service.erase(person.id.parse().expect("an id")).await.expect("erased");
    }
    changed(&app, &ben, "ben.lee@acme.com").await;
    assert_eq!((claimed(&ben).as_deref(), plan(&app, &ben)), (Some("acme.com"), "free".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn housekeeping_forgets_what_can_no_longer_be_undone() {
    let app = App::start().await;
    let ann = app.member(OLD).await;
    changed(&app, &ann, NEW).await;
    app.advance(UNDO_LIFE + 2 * DAY + Duration::from_secs(1));
    app.sweep().await;
    let left = app
        .service
        .store
        .read(|tx| tx.value::<i64>("select count(*) from proofs where address is not null", &[]));
    assert_eq!(left.expect("the store"), Some(0));
    app.finish().await;
}

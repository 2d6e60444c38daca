//! The audit log: who did what to whom, and from where.

use std::time::Duration;

use latchkey::model::account::UNVERIFIED_LIFE;
use latchkey::model::audit::{AUDIT_LIFE, Actor, Deed, Entry};
use latchkey::model::id::AccountId;
use latchkey::service::operator::{AccountAction, AccountName, BanTarget};
use latchkey::store::{Unavailable, audit};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person};

/// A person's own entries, the oldest first.
async fn own(app: &App, person: &Person) -> Vec<Value> {
    let answer = app.call(person, Method::GET, "/user/audit", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut entries = answer.json()["data"].as_array().expect("a list").clone();
    entries.reverse();
    entries
}

fn words(entries: &[Value]) -> Vec<&str> {
    entries.iter().map(|entry| entry["action"].as_str().expect("a word")).collect()
}

/// What the operator sees of everybody, the oldest first: who, what.
fn all(app: &App) -> Vec<(String, String)> {
    let entries = app.service.audit(None, 1000).expect("the store").into_iter().rev();
    entries.map(|entry| (entry.actor_kind, entry.action)).collect()
}

fn pair(kind: &str, action: &str) -> (String, String) {
    (kind.to_owned(), action.to_owned())
}

async fn act(app: &App, person: &Person, action: AccountAction) -> bool {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    app.service.act_on_account(&member, action).await.expect("the store")
}

/// Lets a moment pass, by which entries are in order.
fn tick(app: &App) {
    app.advance(Duration::from_secs(1));
}

async fn log_in(app: &App, email: &str) -> Person {
    tick(app);
    Person::of(email, &app.login(email, PASSWORD).await)
}

#[tokio::test]
async fn every_change_of_ones_credentials_and_sessions_leaves_an_entry() {
    let app = App::start().await;
    app.newcomer("ann@acme.com").await;
    tick(&app);
    let token = app.letter("ann@acme.com", "verify").await.token();
    app.post("/user/verify-email", &json!({"token": token})).await;
    let (first, second, third) = (
        log_in(&app, "ann@acme.com").await,
        log_in(&app, "ann@acme.com").await,
        log_in(&app, "ann@acme.com").await,
    );
    tick(&app);
    app.call(&first, Method::DELETE, &format!("/token/{}", second.session), None).await;
    app.call(&third, Method::POST, "/user/logout", None).await;
    tick(&app);
    app.call(&first, Method::POST, "/sessions/revoke-all", None).await;
    tick(&app);
    let change = json!({"password": "AnotherPass123", "name": "Anna"});
    let changed = app.call(&first, Method::PUT, &format!("/user/{}", first.id), Some(&change)).await;
    assert_eq!(changed.status, 200);
    tick(&app);
    app.post("/user/request-reset-password", &json!({"email": "ann@acme.com"})).await;
    let token = app.letter("ann@acme.com", "reset").await.token();
    app.post("/user/reset-password", &json!({"token": token, "newPassword": PASSWORD})).await;

    let ann = log_in(&app, "ann@acme.com").await;
    let entries = own(&app, &ann).await;
    assert_eq!(
        words(&entries),
        [
            "account.created",
            "address.verified",
            "session.ended",
            "sessions.ended",
            "password.changed",
            "password.reset"
        ],
        "logging in and out is no change of credentials"
    );
    for entry in &entries {
        assert_eq!((&entry["by"], &entry["ipAddress"]), (&json!("self"), &json!("127.0.0.1")), "{entry}");
        assert_eq!(entry["orgId"], json!(ann.organization), "{entry}");
    }
    assert_eq!(entries[2]["detail"], json!(format!("session {}", second.session)));
    let text = json!(entries).to_string();
    assert!(!text.contains(&token) && !text.contains("Pass123"), "{text}");
    tick(&app);
    assert_eq!(app.call(&ann, Method::POST, "/user/deactivate", None).await.status, 200);
    assert_eq!(all(&app).last(), Some(&pair("person", "account.deactivated")));
    app.finish().await;
}

#[tokio::test]
async fn what_is_refused_or_changes_nothing_leaves_no_entry() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let before = all(&app);
    tick(&app);
    app.register("ann@acme.com").await;
    app.login("ann@acme.com", "WrongPass123").await;
    app.post("/user/verify-email", &json!({"token": "x"})).await;
    app.post("/user/reset-password", &json!({"token": "x", "newPassword": PASSWORD})).await;
    app.call(&ann, Method::PUT, &format!("/user/{}", ann.id), Some(&json!({"password": "weak"}))).await;
    app.call(&ann, Method::DELETE, "/token/000000000000000000000000", None).await;
    assert_eq!(app.call(&ann, Method::POST, "/sessions/revoke-all", None).await.status, 200);
    let again = app.call(&ann, Method::POST, "/sessions/revoke-all", None).await;
    assert_eq!(again.status, 200);
    assert_eq!(
        all(&app)[before.len()..],
        [pair("person", "sessions.ended")],
        "there was one other session once"
    );
    for action in [AccountAction::Verify, AccountAction::Activate, AccountAction::Unban] {
        assert!(!act(&app, &ann, action).await, "{action:?}");
    }
    assert_eq!(all(&app).len(), before.len() + 1);
    app.finish().await;
}

#[tokio::test]
async fn the_operators_deeds_are_the_operators() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let actions = [
        (AccountAction::Verify, "address.verified"),
        (AccountAction::Deactivate, "account.deactivated"),
        (AccountAction::Activate, "account.activated"),
        (AccountAction::Ban, "account.banned"),
        (AccountAction::Unban, "account.unbanned"),
    ];
    for (action, word) in actions {
        tick(&app);
        assert!(act(&app, &ann, action).await);
        assert_eq!(all(&app).last(), Some(&pair("operator", word)));
    }
    let targets = [
        (BanTarget::Organization(ann.organization.parse().expect("an id")), "organization"),
        (BanTarget::Domain(latchkey::model::domain::Host::parse("evil.example").expect("a host")), "domain"),
    ];
    for (target, noun) in targets {
        for (banned, verb) in [(true, "banned"), (false, "unbanned")] {
            tick(&app);
            app.service.ban(target.clone(), banned).await.expect("the store");
            assert_eq!(all(&app).last(), Some(&pair("operator", &format!("{noun}.{verb}"))));
            app.service.ban(target.clone(), banned).await.expect("the store");
        }
    }
    tick(&app);
    app.service.rotate_keys().await.expect("a new key");
    assert_eq!(all(&app).last(), Some(&pair("operator", "keys.rotated")));
    assert_eq!(all(&app).len(), 1 + 5 + 4 + 1, "what was so already is not noted twice");
    let ann = log_in(&app, "ann@acme.com").await;
    let entries = own(&app, &ann).await;
    assert_eq!(entries.len(), 6, "one's own, not those of the organization or the server");
    assert!(entries[1..].iter().all(|e| e["by"] == "operator" && e["ipAddress"].is_null()), "{entries:?}");
    app.finish().await;
}

#[tokio::test]
async fn one_sees_what_others_did_to_one_and_not_where_they_called_from() {
    let app = App::start().await;
    let (ann, ben) = (app.member("ann@acme.com").await, app.member("ben@other.example").await);
    let id = |person: &Person| person.id.parse::<AccountId>().expect("an id");
    let entry = Entry {
        id: "6b00046a5fd1db9e360deb38".parse().expect("an id"),
        at: app.clock.now(),
        actor: Actor::Person(id(&ben), "203.0.113.9".parse().expect("an address")),
        deed: Deed::AccountDeactivated,
        account: Some(id(&ann)),
        organization: None,
        detail: String::new(),
    };
    app.service.store.write(move |tx| audit::note(tx, &entry)).await.expect("the store");
    let find = |entries: Vec<Value>| {
        entries.into_iter().find(|entry| entry["action"] == "account.deactivated").expect("the entry")
    };
    let suffered = find(own(&app, &ann).await);
    assert_eq!((&suffered["by"], &suffered["ipAddress"]), (&json!("person"), &Value::Null));
    let done = find(own(&app, &ben).await);
    assert_eq!((&done["by"], &done["accountId"]), (&json!("self"), &json!(ann.id)));
    assert_eq!(done["ipAddress"], "203.0.113.9");
    let of_ben = own(&app, &ben).await;
    assert_eq!(words(&of_ben).len(), 3, "and nothing else of Ann's");
    assert_eq!(app.get("/user/audit").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn whoever_changes_a_team_is_named_with_what_they_did() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let ben = json!({"email": "ben@acme.com", "firstName": "Ben", "lastName": "Lee", "orgRole": 1});
    let ben = app.call(&ann, Method::POST, "/organization/users", Some(&ben)).await;
    let path = format!("/organization/users/{}", ben.json()["data"]["id"].as_str().expect("an id"));
    let steps = [
        (Method::PUT, path.clone(), Some(json!({"orgRole": 1, "name": "Benny"})), None),
        (
            Method::PUT,
            path.clone(),
            Some(json!({"orgRole": 2})),
            Some(("role.changed", "BILLING to WORKSPACES")),
        ),
        (Method::PUT, path.clone(), Some(json!({"orgRole": 7})), None),
        (Method::DELETE, path.clone(), None, Some(("member.removed", ""))),
        (Method::POST, format!("{path}/activate"), None, Some(("member.restored", ""))),
        (Method::POST, format!("{path}/activate"), None, None),
    ];
    let mut expected = vec![("member.invited".to_owned(), "BILLING".to_owned())];
    for (method, path, body, entry) in steps {
        tick(&app);
        app.call(&ann, method, &path, body.as_ref()).await;
        expected.extend(entry.map(|(word, detail)| (word.to_owned(), detail.to_owned())));
    }
    let target = path.rsplit('/').next().and_then(|id| id.parse::<AccountId>().ok());
    let mut entries = app.service.audit(target, 100).expect("the store");
    entries.reverse();
    assert!(entries.iter().all(|entry| entry.actor == ann.id.parse().ok() && entry.account == target));
    let found: Vec<_> = entries.into_iter().map(|entry| (entry.action, entry.detail)).collect();
    assert_eq!(found, expected);
    app.finish().await;
}

#[tokio::test]
async fn what_the_server_does_by_itself_is_noted_and_a_removed_account_leaves_no_address() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    app.newcomer("ben@acme.com").await;
    app.newcomer("eve@acme.com").await;
    app.post("/user/refresh", &json!({"refreshToken": ann.refresh})).await;
    app.advance(Duration::from_secs(11));
    app.post("/user/refresh", &json!({"refreshToken": ann.refresh})).await;
    assert_eq!(all(&app).last(), Some(&pair("system", "session.reused")));
    let token = app.letter("ben@acme.com", "verify").await.token();
    tick(&app);
    assert_eq!(app.submit("/verify-email/not-me", &[("token", &token)]).await.status, 200);
    assert_eq!(all(&app).last(), Some(&pair("person", "account.disowned")));
    app.advance(UNVERIFIED_LIFE);
    app.sweep().await;
    assert_eq!(all(&app).last(), Some(&pair("system", "account.expired")));
    let entries = app.service.audit(None, 1000).expect("the store");
    let ann = ann.id.parse::<AccountId>().ok();
    let (hers, others): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| entry.account == ann);
    assert!(hers.iter().any(|entry| !entry.address.is_empty()));
    assert_eq!(others.len(), 4);
    assert!(others.iter().all(|entry| entry.address.is_empty()), "{others:?}");
    app.finish().await;
}

#[tokio::test]
async fn entries_are_kept_for_four_hundred_days() {
    let app = App::start().await;
    app.member("ann@acme.com").await;
    app.carried().await;
    app.advance(AUDIT_LIFE);
    app.sweep().await;
    assert_eq!(all(&app).len(), 2);
    app.advance(Duration::from_millis(1));
    app.sweep().await;
    assert_eq!(all(&app).len(), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_change_and_its_entry_stand_or_fall_together() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let take_away = |tx: &latchkey::store::Tx<'_>| tx.batch("alter table audit_entries rename to elsewhere");
    app.service.store.write(take_away).await.expect("the store");
    let change = json!({"password": "AnotherPass123"});
    let failed = app.call(&ann, Method::PUT, &format!("/user/{}", ann.id), Some(&change)).await;
    assert_eq!(failed.status, 503);
    let give_back = |tx: &latchkey::store::Tx<'_>| tx.batch("alter table elsewhere rename to audit_entries");
    app.service.store.write(give_back).await.map_err(|error: Unavailable| error).expect("the store");
    assert_eq!(app.login("ann@acme.com", PASSWORD).await.status, 200, "the old password still holds");
    app.finish().await;
}

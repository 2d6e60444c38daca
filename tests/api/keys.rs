//! API keys: who makes, sees and ends them.

use std::time::Duration;

use latchkey::model::organization::Role;
use latchkey::model::time::DAY;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Person};
use crate::colleague::colleague;
use crate::process::Place;

const OWN: &str = "/user/api-keys";
const SHARED: &str = "/organization/api-keys";

/// A key that was just made, and its id.
pub async fn make(app: &App, person: &Person, path: &str, body: Value) -> (String, String) {
    let made = app.call(person, Method::POST, path, Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["apiKey"]["id"].as_str().expect("an id").to_owned();
    (made.field("key"), id)
}

/// Whether a key is good, without paying.
pub async fn check(app: &App, key: &str) -> Answer {
    app.post("/keys/verify", &json!({"key": key, "cost": 0})).await
}

async fn list(app: &App, person: &Person, path: &str) -> Value {
    let answer = app.call(person, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["apiKeys"].clone()
}

async fn end(app: &App, person: &Person, path: &str, id: &str) -> Answer {
    app.call(person, Method::DELETE, &format!("{path}/{id}"), None).await
}

// B4
#[tokio::test]
async fn a_key_is_told_once_and_listed_by_its_ends() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (key, id) = make(&app, &ann, OWN, json!({"name": " Build server "})).await;
    assert_eq!((key.len(), key.starts_with("lk_")), (43, true), "{key}");
    let listed = list(&app, &ann, OWN).await;
    assert_eq!(listed[0]["key"], format!("{}…{}", &key[..7], &key[41..]));
    assert_eq!((&listed[0]["name"], &listed[0]["id"]), (&json!("Build server"), &json!(id)));
    assert_eq!(listed[0]["endpoints"], json!([]));
    assert!(!listed.to_string().contains(&key[7..41]));
    app.finish().await;
}

// D3
#[tokio::test]
async fn a_key_is_nowhere_in_the_file() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (key, _) = make(&app, &ann, OWN, json!({"name": "a"})).await;
    assert_eq!(check(&app, &key).await.status, 200);
    for ending in ["", "-wal"] {
        let path = format!("{}{ending}", app.database().display());
        let bytes = std::fs::read(path).expect("a file");
        assert!(!bytes.windows(20).any(|window| window == &key.as_bytes()[8..28]), "latchkey.db{ending}");
    }
    app.finish().await;
}

#[tokio::test]
async fn faulty_input_makes_no_key() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let many: Vec<String> = (0..51).map(|n| format!("e{n}")).collect();
    let rows = [
        (json!({}), "name is required"),
        (json!({"name": ""}), "name must not be empty"),
        (json!({"name": "a\nb"}), "name must not contain control characters"),
        (json!({"name": "x".repeat(61)}), "name must be at most 60 characters"),
        (json!({"name": "a", "expiresAt": "soon"}), "expiresAt must be a date"),
        (json!({"name": "a", "expiresAt": "2026-03-01T12:00:00Z"}), "expiresAt must be a moment to come"),
        (json!({"name": "a", "endpoints": "search"}), "endpoints must be an array"),
        (json!({"name": "a", "endpoints": ["two words"]}), "endpoints[0] is malformed"),
        (json!({"name": "a", "endpoints": many}), "endpoints"),
    ];
    for (body, sentence) in rows {
        let answer = app.call(&ann, Method::POST, OWN, Some(&body)).await;
        assert_eq!(answer.refusal(), (400, "INVALID_INPUT".to_owned()), "{body}: {}", answer.text);
        assert!(answer.field("message").contains(sentence), "{body}: {}", answer.text);
    }
    assert_eq!(list(&app, &ann, OWN).await, json!([]));
    app.finish().await;
}

#[tokio::test]
async fn the_plan_bounds_the_keys_of_the_organization_and_its_members() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let bob = colleague(&app, &ann, "bob@mates.example", Role::User).await;
    make(&app, &bob, OWN, json!({"name": "his"})).await;
    let (_, shared) = make(&app, &ann, SHARED, json!({"name": "all's"})).await;
    let third = app.call(&ann, Method::POST, OWN, Some(&json!({"name": "hers"}))).await;
    assert_eq!(third.refusal(), (409, "API_KEY_LIMIT".to_owned()), "{}", third.text);
    assert_eq!(end(&app, &ann, SHARED, &shared).await.status, 200);
    make(&app, &ann, OWN, json!({"name": "hers"})).await;
    app.finish().await;
}

// B5, D2: who may, and what ends a key
#[tokio::test]
async fn only_owners_and_administrators_manage_the_organizations_keys() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (key, id) = make(&app, &ann, SHARED, json!({"name": "all's"})).await;
    for (role, may) in
        [(Role::User, false), (Role::Billing, false), (Role::Workspaces, false), (Role::Administrators, true)]
    {
        let name = role.name().to_lowercase();
        let person = colleague(&app, &ann, &format!("{name}@mates.example"), role).await;
        let listed = app.call(&person, Method::GET, SHARED, None).await;
        let made = app.call(&person, Method::POST, SHARED, Some(&json!({"name": "x"}))).await;
        if may {
            assert_eq!((listed.status, made.status), (200, 201), "{name}");
            let made = made.json()["apiKey"]["id"].as_str().expect("an id").to_owned();
            assert_eq!(end(&app, &person, SHARED, &made).await.status, 200);
        } else {
            let ended = end(&app, &person, SHARED, &id).await;
            for refused in [listed, made, ended] {
                assert_eq!(refused.refusal(), (403, "FORBIDDEN".to_owned()), "{name}");
            }
        }
    }
    assert_eq!(check(&app, &key).await.status, 200);
    app.finish().await;
}

// B6
#[tokio::test]
async fn the_keys_of_others_are_as_unknown() {
    let app = App::start().await;
    let (ann, eve) = (app.member("ann@acme.example").await, app.member("eve@evil.example").await);
    let (key, own) = make(&app, &ann, OWN, json!({"name": "own"})).await;
    let (_, shared) = make(&app, &ann, SHARED, json!({"name": "shared"})).await;
    let unknown = end(&app, &eve, OWN, "0123456789abcdef01234567").await;
    assert_eq!(unknown.refusal(), (404, "API_KEY_NOT_FOUND".to_owned()));
    for (path, id) in
        [(OWN, own.as_str()), (OWN, &shared), (SHARED, &shared), (SHARED, &own), (OWN, "nonsense")]
    {
        let answer = end(&app, &eve, path, id).await;
        assert_eq!((answer.status, &answer.text), (404, &unknown.text), "{path}/{id}");
    }
    // One's own by the wrong door.
    assert_eq!(end(&app, &ann, SHARED, &own).await.text, unknown.text);
    assert_eq!(end(&app, &ann, OWN, &shared).await.text, unknown.text);
    assert_eq!(check(&app, &key).await.status, 200);
    app.finish().await;
}

#[tokio::test]
async fn an_unverified_account_makes_no_keys() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.example").await;
    for (method, path) in [(Method::GET, OWN), (Method::POST, OWN), (Method::GET, SHARED)] {
        let body = json!({"name": "a"});
        let body = (method == Method::POST).then_some(&body);
        let answer = app.call(&ann, method, path, body).await;
        assert_eq!(answer.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()), "{path}");
    }
    app.finish().await;
}

// D2
#[tokio::test]
async fn a_key_ends_with_whatever_ends_its_owner_at_the_next_call() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let bob = colleague(&app, &ann, "bob@mates.example", Role::User).await;
    let (his, _) = make(&app, &bob, OWN, json!({"name": "his"})).await;
    let (shared, id) = make(&app, &ann, SHARED, json!({"name": "all's"})).await;
    let statuses = async || (check(&app, &his).await.status, check(&app, &shared).await.status);
    assert_eq!(statuses().await, (200, 200));
    let path = format!("/organization/users/{}", bob.id);
    assert_eq!(app.call(&ann, Method::DELETE, &path, None).await.status, 200);
    assert_eq!(statuses().await, (401, 200), "taken out of the organization");
    let path = format!("/organization/users/{}/activate", bob.id);
    assert_eq!(app.call(&ann, Method::POST, &path, None).await.status, 200);
    assert_eq!(statuses().await, (200, 200), "and back in");
    assert_eq!(end(&app, &ann, SHARED, &id).await.status, 200);
    assert_eq!(statuses().await, (200, 401), "revoked");
    app.finish().await;
}

// D2: also when another process does it
#[tokio::test]
async fn a_ban_by_command_beside_the_server_is_seen_at_the_next_call() {
    let place = Place::new();
    let server = place.serve(&[]);
    let email = "ann@acme.example";
    let signed_up = server.post("/user/register", &crate::app::registration(email)).await;
    assert_eq!(place.run(&["account", "verify", email]).status, 0);
    let ann = Person::of(email, &signed_up);
    let request = server.request(Method::POST, OWN).bearer_auth(&ann.access).json(&json!({"name": "a"}));
    let key = server.send(request).await.field("key");
    let check = async || server.post("/keys/verify", &json!({"key": key, "cost": 0})).await.status;
    assert_eq!(check().await, 200);
    for (command, target, status) in [
        (["account", "ban"], email, 401),
        (["account", "unban"], email, 200),
        (["account", "deactivate"], email, 401),
        (["account", "activate"], email, 200),
        (["organization", "ban"], ann.organization.as_str(), 401),
        (["organization", "unban"], ann.organization.as_str(), 200),
    ] {
        let done = place.run(&[command[0], command[1], target]);
        assert_eq!(done.status, 0, "{}", done.stderr);
        assert_eq!(check().await, status, "after {command:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_key_with_an_end_ends_at_it() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (key, _) = make(&app, &ann, OWN, json!({"name": "a", "expiresAt": "2026-03-02"})).await;
    app.advance(DAY / 2 - Duration::from_millis(1));
    assert_eq!(check(&app, &key).await.status, 200);
    app.advance(Duration::from_millis(1));
    assert_eq!(check(&app, &key).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn the_last_use_of_a_key_is_shown_after_housekeeping() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (key, _) = make(&app, &ann, OWN, json!({"name": "a"})).await;
    assert_eq!(list(&app, &ann, OWN).await[0].get("lastUsedAt"), None);
    assert_eq!(check(&app, &key).await.status, 200);
    app.sweep().await;
    assert_eq!(list(&app, &ann, OWN).await[0]["lastUsedAt"], "2026-03-01T12:00:00Z");
    app.finish().await;
}

//! Settings of users and organizations.

use std::sync::Arc;

use latchkey::model::organization::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Person};
use crate::colleague::{colleague, loner};
use crate::crowd::crowd;

const USER: &str = "/settings/user";
const ORGANIZATION: &str = "/settings/organization";

async fn settings(app: &App, person: &Person, path: &str) -> Value {
    let answer = app.call(person, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["settings"].clone()
}

async fn replace(app: &App, person: &Person, path: &str, settings: &Value) -> Answer {
    app.call(person, Method::POST, path, Some(&json!({"settings": settings}))).await
}

async fn merge(app: &App, person: &Person, path: &str, settings: &Value) -> Answer {
    app.call(person, Method::PUT, path, Some(settings)).await
}

async fn remove(app: &App, person: &Person, path: &str, keys: &Value) -> Answer {
    app.call(person, Method::DELETE, path, Some(&json!({"keys": keys}))).await
}

fn told(answer: &Answer) -> (u16, String) {
    (answer.status, answer.field("message"))
}

fn sentence(status: u16, text: &str) -> (u16, String) {
    (status, text.to_owned())
}

/// An object that nests so deep.
fn nested(levels: usize) -> Value {
    (1..levels).fold(json!({}), |inner, _| json!({"a": inner}))
}

#[tokio::test]
async fn settings_are_replaced_merged_and_removed() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    for (path, whose) in [(USER, "User"), (ORGANIZATION, "Organization")] {
        let updated = sentence(200, &format!("{whose} settings updated successfully"));
        let removed = sentence(200, &format!("{whose} settings keys deleted successfully"));
        assert_eq!(settings(&app, &ann, path).await, json!({}), "{path}");
        let first =
            json!({"theme": "dark", "editor": {"tabs": 4, "font": {"size": 12}}, "list": [1, {"a": null}]});
        assert_eq!(told(&replace(&app, &ann, path, &first).await), updated, "{path}");
        assert_eq!(settings(&app, &ann, path).await, first, "{path}");
        let more = json!({"editor": {"font": {"name": "Mono"}, "tabs": 8}, "list": [2], "gone": null});
        assert_eq!(told(&merge(&app, &ann, path, &more).await), updated, "{path}");
        let both = json!({"theme": "dark", "editor": {"tabs": 8, "font": {"size": 12, "name": "Mono"}},
            "list": [2], "gone": null});
        assert_eq!(settings(&app, &ann, path).await, both, "{path}");
        let keys = json!(["theme", "editor.font.size", "nothing.here", "list"]);
        assert_eq!(told(&remove(&app, &ann, path, &keys).await), removed, "{path}");
        let left = json!({"editor": {"tabs": 8, "font": {"name": "Mono"}}, "gone": null});
        assert_eq!(settings(&app, &ann, path).await, left, "{path}");
        assert_eq!(told(&replace(&app, &ann, path, &json!({})).await), updated, "{path}");
        assert_eq!(settings(&app, &ann, path).await, json!({}), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_no_settings_is_refused_and_changes_nothing() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let before = json!({"theme": "dark"});
    assert_eq!(replace(&app, &ann, USER, &before).await.status, 200);
    let keys = "Keys array is required and must not be empty";
    let rows = [
        (Method::POST, r"{}", "settings is required."),
        (Method::POST, r#"{"settings":null}"#, "settings is required."),
        (Method::POST, r#"{"settings":[]}"#, "settings must be an object."),
        (Method::POST, r#"{"settings":"canary"}"#, "settings must be an object."),
        (Method::POST, r#"{"settings":{"a":1,"a":2}}"#, "settings.a must appear only once."),
        (Method::PUT, r#"["canary"]"#, "body must be a JSON object."),
        (Method::PUT, r#""canary""#, "body must be a JSON object."),
        (Method::PUT, r"null", "body must be a JSON object."),
        (Method::PUT, r#"{"a":{"b":1,"b":2}}"#, "a.b must appear only once."),
        (Method::PUT, "", "body is required."),
        (Method::DELETE, r"{}", keys),
        (Method::DELETE, "", keys),
        (Method::DELETE, r#"{"keys":[]}"#, keys),
        (Method::DELETE, r#"{"keys":null}"#, keys),
        (Method::DELETE, r#"{"keys":"theme"}"#, "keys must be an array."),
        (Method::DELETE, r#"{"keys":{"0":"theme"}}"#, "keys must be an array."),
        (Method::DELETE, r#"{"keys":["theme",7]}"#, "keys[1] must be a string."),
        (Method::DELETE, r#"["theme"]"#, "body must be a JSON object."),
    ];
    for (method, body, text) in rows {
        let request = app.request(method.clone(), USER).bearer_auth(&ann.access);
        let answer = app.send(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(told(&answer), sentence(400, text), "{method} {body}");
        assert!(!answer.text.contains("canary"), "{}", answer.text);
        assert_eq!(settings(&app, &ann, USER).await, before, "{method} {body}");
    }
    app.finish().await;
}

// J2
#[tokio::test]
async fn settings_are_bounded_in_size_and_depth_however_they_grow() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (size, depth) =
        ("Settings must be at most 64 KiB of JSON", "Settings must not nest deeper than 16 levels");
    for path in [USER, ORGANIZATION] {
        assert_eq!(replace(&app, &ann, path, &nested(16)).await.status, 200, "{path}");
        assert_eq!(told(&replace(&app, &ann, path, &nested(17)).await), sentence(400, depth), "{path}");
        assert_eq!(told(&merge(&app, &ann, path, &nested(17)).await), sentence(400, depth), "{path}");
        assert_eq!(settings(&app, &ann, path).await, nested(16), "{path}");
        assert_eq!(merge(&app, &ann, path, &nested(33)).await.status, 400, "{path}");
        // {"x":"…","y":"…"} is 13 characters beside its texts.
        let (x, y) = (json!({"x": "x".repeat(40_000)}), "y".repeat(65_536 - 40_000 - 15));
        assert_eq!(replace(&app, &ann, path, &x).await.status, 200, "{path}");
        let too_much = json!({"y": format!("{y}y")});
        assert_eq!(told(&merge(&app, &ann, path, &too_much).await), sentence(400, size), "{path}");
        assert_eq!(settings(&app, &ann, path).await, x, "{path}");
        assert_eq!(merge(&app, &ann, path, &json!({"y": y})).await.status, 200, "{path}: to the last byte");
        assert_eq!(told(&merge(&app, &ann, path, &json!({"z": 1})).await), sentence(400, size), "{path}");
        assert_eq!(
            remove(&app, &ann, path, &json!(["x"])).await.status,
            200,
            "{path}: what is full can shrink"
        );
        let long = json!({"settings": {"x": "x".repeat(65_536)}});
        assert_eq!(app.call(&ann, Method::POST, path, Some(&long)).await.status, 413, "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn twenty_merges_at_once_lose_nothing() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    for path in [USER, ORGANIZATION] {
        assert_eq!(replace(&app, &ann, path, &json!({"deep": {"old": true}})).await.status, 200);
    }
    let act = {
        let ann = ann.clone();
        move |app: Arc<App>, number: usize| {
            let ann = ann.clone();
            async move {
                let path = if number.is_multiple_of(2) { USER } else { ORGANIZATION };
                merge(&app, &ann, path, &json!({"deep": {format!("key{number}"): number}})).await
            }
        }
    };
    let (app, answers) = crowd(app, 40, act).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    for (path, remainder) in [(USER, 0), (ORGANIZATION, 1)] {
        let found = settings(&app, &ann, path).await;
        let deep = found["deep"].as_object().expect("an object");
        assert_eq!(deep.len(), 21, "{path}: {found}");
        assert!((0..40).filter(|n| n % 2 == remainder).all(|n| deep[&format!("key{n}")] == n), "{path}");
    }
    app.finish().await;
}

// B5
#[tokio::test]
async fn every_member_reads_and_administrators_write() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let before = json!({"theme": "dark", "team": {"size": 3}});
    let refused = sentence(
        403,
        "Insufficient permissions: only OWNER and ADMINISTRATOR roles can modify organization settings",
    );
    for role in Role::ALL {
        assert_eq!(replace(&app, &ann, ORGANIZATION, &before).await.status, 200);
        let email = format!("{}@mates.example", role.name().to_lowercase());
        let mate = colleague(&app, &ann, &email, role).await;
        assert_eq!(settings(&app, &mate, ORGANIZATION).await, before, "{}", role.name());
        let answers = [
            merge(&app, &mate, ORGANIZATION, &json!({"by": role.name()})).await,
            remove(&app, &mate, ORGANIZATION, &json!(["theme"])).await,
            replace(&app, &mate, ORGANIZATION, &json!({"by": role.name()})).await,
        ];
        let found = settings(&app, &ann, ORGANIZATION).await;
        if role >= Role::Administrators {
            assert!(answers.iter().all(|answer| answer.status == 200), "{}", role.name());
            assert_eq!(found, json!({"by": role.name()}));
        } else {
            assert!(answers.iter().all(|answer| told(answer) == refused), "{}", role.name());
            assert_eq!(found, before, "{}", role.name());
        }
        assert_eq!(merge(&app, &mate, USER, &json!({"mine": true})).await.status, 200, "{}", role.name());
    }
    assert_eq!(settings(&app, &ann, USER).await, json!({}), "nobody's own reach another's");
    app.finish().await;
}

#[tokio::test]
async fn a_change_is_noted_with_its_keys_and_never_its_values() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let mate = colleague(&app, &ann, "mate@mates.example", Role::User).await;
    let mut expected = Vec::new();
    for (path, word) in [(USER, "settings.changed"), (ORGANIZATION, "organization-settings.changed")] {
        let first = json!({"theme": "canary", "editor": {"tabs": 4}});
        let steps = [
            (replace(&app, &ann, path, &first).await, 200, Some("theme, editor")),
            (replace(&app, &ann, path, &first).await, 200, None),
            (merge(&app, &ann, path, &json!({"editor": {"tabs": 8}})).await, 200, Some("editor")),
            (merge(&app, &ann, path, &json!({"editor": {"tabs": 8}})).await, 200, None),
            (merge(&app, &ann, path, &nested(17)).await, 400, None),
            (remove(&app, &ann, path, &json!(["editor.tabs", "nowhere"])).await, 200, Some("editor")),
            (remove(&app, &ann, path, &json!(["theme", "editor"])).await, 200, Some("theme, editor")),
            (remove(&app, &ann, path, &json!(["theme"])).await, 200, None),
        ];
        for (answer, status, detail) in steps {
            assert_eq!(answer.status, status, "{}", answer.text);
            expected.extend(detail.map(|detail| (word.to_owned(), detail.to_owned())));
        }
    }
    assert_eq!(merge(&app, &mate, ORGANIZATION, &json!({"evil": 1})).await.status, 403);
    let id = ann.id.parse().ok();
    let entries = app.service.audit(id, 100).expect("the store");
    let noted = entries.iter().filter(|entry| entry.action.ends_with("settings.changed"));
    for entry in noted.clone() {
        let organization = entry.organization.map(|id| id.to_string());
        assert_eq!((entry.actor, organization.as_deref()), (id, Some(ann.organization.as_str())));
        assert_eq!(entry.address, "127.0.0.1");
    }
    let mut found: Vec<_> = noted.map(|entry| (entry.action.clone(), entry.detail.clone())).collect();
    // All in one moment: their order is that of chance.
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
    let of_mate = app.service.audit(mate.id.parse().ok(), 100).expect("the store");
    assert!(of_mate.iter().all(|entry| !entry.action.contains("settings")), "{of_mate:?}");
    app.finish().await;
}

// G1, B6
#[tokio::test]
async fn whose_settings_they_are_comes_from_the_session_alone() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let eve = app.member("eve@evil.example").await;
    let hers = json!({"theme": "dark"});
    for path in [USER, ORGANIZATION] {
        assert_eq!(replace(&app, &ann, path, &hers).await.status, 200);
        assert_eq!(settings(&app, &eve, path).await, json!({}), "{path}");
        let wishes = json!({"settings": {"theme": "evil"}, "userId": ann.id, "orgId": ann.organization,
            "accountId": ann.id, "organizationId": ann.organization, "keys": ["theme"]});
        let query = format!("{path}?userId={}&orgId={}", ann.id, ann.organization);
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = app.call(&eve, method.clone(), &query, Some(&wishes)).await;
            assert_eq!(answer.status, 200, "{method}: {}", answer.text);
            assert_eq!(settings(&app, &ann, path).await, hers, "{method} {path}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn writes_wait_for_the_address_and_for_an_organization() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.example").await;
    let bob = loner(&app, "bob@nowhere.example").await;
    for path in [USER, ORGANIZATION] {
        assert_eq!(settings(&app, &ann, path).await, json!({}), "{path}");
        let body = json!({"settings": {"a": 1}, "keys": ["a"]});
        for method in [Method::POST, Method::PUT, Method::DELETE] {
            let answer = app.call(&ann, method.clone(), path, Some(&body)).await;
            assert_eq!(answer.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()), "{method} {path}");
            let answer = app.call(&bob, method.clone(), path, Some(&body)).await;
            let alone = sentence(403, "User not associated with any organization");
            assert!(path == USER && answer.status == 200 || told(&answer) == alone, "{}", answer.text);
        }
        assert_eq!(app.get(path).await.status, 401, "{path}");
    }
    let alone = app.call(&bob, Method::GET, ORGANIZATION, None).await;
    assert_eq!(told(&alone), sentence(403, "User not associated with any organization"));
    app.finish().await;
}

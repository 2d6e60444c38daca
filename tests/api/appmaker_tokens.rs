//! AppMaker's personal access tokens: who makes, sees and ends them, and what opens to whom by one.

use std::time::Duration;

use latchkey::model::access_token::MOST_TOKENS;
use latchkey::model::organization::Role;
use latchkey::model::time::{DAY, MINUTE, SECOND};
use latchkey::service::operator::{AccountAction, BanTarget};
use latchkey::store::{Unavailable, Value as Cell};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::appmaker::{PLACE, enter, faults, refusal};
use crate::appmaker_pages::path;
use crate::appmaker_session::{FORGOT, ME, REFRESH, RESET};
use crate::change_address::{act, changed};
use crate::colleague::colleague;
use crate::crowd::crowd;
use crate::keys;
use crate::limits::proxied;
use crate::two_factor::enrol;
use crate::{orbai, orbai_user};

pub const TOKENS: &str = "/appmaker/api/v1/me/tokens";
const WEEK: Duration = Duration::from_secs(7 * DAY.as_secs());

fn wish(lifetime: &str, privileges: &[&str]) -> Value {
    json!({"name": "Build server", "lifetime": lifetime, "privileges": privileges})
}

/// A token that was just made by a session of AppMaker's, and its id.
async fn make(app: &App, person: &Person, privileges: &[&str]) -> (String, String) {
    let made = app.call(person, Method::POST, TOKENS, Some(&wish("one-week", privileges))).await;
    assert_eq!(made.status, 201, "{}", made.text);
    (made.field("token"), made.field("_id"))
}

async fn list(app: &App, person: &Person) -> Vec<Value> {
    let answer = app.call(person, Method::GET, TOKENS, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json().as_array().expect("a list").clone()
}

fn shown(app: &App, method: Method, path: &str, token: &str) -> RequestBuilder {
    app.request(method, path).header("x-access-token", token)
}

/// What `GET /me` says to a token.
async fn me(app: &App, token: &str) -> Answer {
    app.send(shown(app, Method::GET, ME, token)).await
}

/// Whether a token opens anything.
async fn is_live(app: &App, token: &str) -> bool {
    let status = me(app, token).await.status;
    assert!(matches!(status, 200 | 401), "{status}");
    status == 200
}

/// What the page of users says to a token.
async fn users(app: &App, organization: &str, token: &str) -> u16 {
    app.send(shown(app, Method::GET, &path(organization, "users", ""), token)).await.status
}

async fn set_role(app: &App, person: &Person, role: Role) {
    let changed = person.id.clone();
    let done: Result<u64, Unavailable> = app
        .service
        .store
        .write(move |tx| {
            let sql = "update memberships set role = ?2 where account_id = ?1";
            tx.execute(sql, &[Cell::Text(changed), Cell::Int(role.number())])
        })
        .await;
    assert_eq!(done.expect("the store"), 1);
}

async fn olga(app: &App) -> Person {
    let olga = app.member("olga@acme.example").await;
    enter(app, &olga).await
}

// B4
#[tokio::test]
async fn a_token_is_told_once_and_listed_by_its_ends() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let body =
        json!({"name": " Build server ", "lifetime": "one-week", "privileges": ["list-users", "list-users"]});
    let made = app.call(&olga, Method::POST, TOKENS, Some(&body)).await;
    let token = made.field("token");
    assert_eq!((made.status, token.len(), token.starts_with("lkp_")), (201, 44, true), "{}", made.text);
    let masked = format!("{}…{}", &token[..8], &token[42..]);
    let expected = json!([{
        "_id": made.field("_id"), "name": "Build server", "token": masked, "privileges": ["list-users"],
        "userId": olga.id, "organizationId": olga.organization, "expiresOn": "2026-03-08T12:00:00Z",
        "createdAt": "2026-03-01T12:00:00Z", "updatedAt": "2026-03-01T12:00:00Z",
    }]);
    assert_eq!(json!(list(&app, &olga).await), expected);
    let whose = me(&app, &token).await.json();
    assert_eq!((&whose["_id"], &whose["organization"]), (&json!(olga.id), &json!(olga.organization)));
    let audit = app.service.audit(Some(olga.id.parse().expect("an id")), 10).expect("the store");
    let noted = audit.iter().find(|entry| entry.action == "access-token.created").expect("an entry");
    assert_eq!(noted.detail, made.field("_id"));
    app.finish().await;
}

// D3
#[tokio::test]
async fn a_token_is_nowhere_in_the_file() {
    let app = App::start().await;
    let (token, _) = make(&app, &olga(&app).await, &["list-users"]).await;
    assert!(is_live(&app, &token).await);
    for ending in ["", "-wal"] {
        let path = format!("{}{ending}", app.database().display());
        let bytes = std::fs::read(path).expect("a file");
        assert!(!bytes.windows(20).any(|window| window == &token.as_bytes()[8..28]), "latchkey.db{ending}");
    }
    app.finish().await;
}

#[tokio::test]
async fn faulty_wishes_are_named_and_make_nothing() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let lifetimes = "Must be one of one-day, one-week, one-month, one-year";
    let privileges = "Must be one of list-users, manage-invitations";
    let with = |key: &str, value: Value| {
        let mut body = wish("one-day", &[]);
        body[key] = value;
        body
    };
    let many = vec!["list-users"; 21];
    let rows = [
        (json!({}), json!({"name": "Is required", "lifetime": "Is required", "privileges": "Is required"})),
        (with("name", json!("")), json!({"name": "Must not be empty"})),
        (with("name", json!("   ")), json!({"name": "Must not be empty"})),
        (with("name", json!("x".repeat(61))), json!({"name": "Must be at most 60 characters"})),
        (with("name", json!("a\nb")), json!({"name": "Must not contain control characters"})),
        (with("name", json!(7)), json!({"name": "Must be a string"})),
        (with("lifetime", json!("forever")), json!({"lifetime": lifetimes})),
        (with("lifetime", json!("one_day")), json!({"lifetime": lifetimes})),
        (with("lifetime", json!(86400)), json!({"lifetime": "Must be a string"})),
        (with("privileges", json!("list-users")), json!({"privileges": "Must be an array"})),
        (with("privileges", json!(["*"])), json!({"privileges[0]": privileges})),
        (with("privileges", json!(["list-users", "OWNER"])), json!({"privileges[1]": privileges})),
        (with("privileges", json!([255])), json!({"privileges[0]": "Must be a string"})),
        (with("privileges", json!(many)), json!({"privileges": "Is malformed"})),
    ];
    for (body, expected) in rows {
        let answer = app.call(&olga, Method::POST, TOKENS, Some(&body)).await;
        assert_eq!(faults(&answer), expected, "{body}");
    }
    assert!(list(&app, &olga).await.is_empty());
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_good_for_its_lifetime() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let mut tokens = Vec::new();
    for (lifetime, days) in [("one-day", 1), ("one-week", 7), ("one-month", 30), ("one-year", 365)] {
        let made = app.call(&olga, Method::POST, TOKENS, Some(&wish(lifetime, &[]))).await;
        tokens.push((made.field("token"), Duration::from_secs(days * DAY.as_secs())));
    }
    let mut passed = Duration::ZERO;
    for (token, life) in tokens {
        app.advance(life - SECOND - passed);
        assert!(is_live(&app, &token).await, "a second before {life:?}");
        app.advance(SECOND);
        assert!(!is_live(&app, &token).await, "after {life:?}");
        passed = life;
    }
    assert!(list(&app, &enter(&app, &olga).await).await.is_empty());
    app.finish().await;
}

/// The calls that take both kinds of credentials, and the privilege that a token needs.
fn doors(organization: &str) -> Vec<(Method, String, Option<&'static str>)> {
    let invitations = path(organization, "invitations", "");
    let one = format!("{invitations}/000000000000000000000000");
    vec![
        (Method::GET, ME.to_owned(), None),
        (Method::GET, path(organization, "users", ""), Some("list-users")),
        (Method::GET, path(organization, "roles", ""), Some("list-users")),
        (Method::GET, invitations.clone(), Some("manage-invitations")),
        (Method::POST, invitations, Some("manage-invitations")),
        (Method::DELETE, one, Some("manage-invitations")),
    ]
}

// B5: privilege × operation
#[tokio::test]
async fn a_token_opens_what_its_privileges_name_and_nothing_else() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let all: [&[&str]; 4] =
        [&[], &["list-users"], &["manage-invitations"], &["list-users", "manage-invitations"]];
    for privileges in all {
        let (token, _) = make(&app, &olga, privileges).await;
        for (method, path, needed) in doors(&olga.organization) {
            let what = format!("{privileges:?} at {method} {path}");
            let request = shown(&app, method.clone(), &path, &token);
            let past = json!({"email": "nina@new.example", "validatedAt": "2020-01-01T00:00:00Z"});
            let request = if method == Method::POST { request.json(&past) } else { request };
            let answer = app.send(request).await;
            if needed.is_none_or(|needed| privileges.contains(&needed)) {
                // What it is let in for may be faulty or unknown.
                let expected = match method {
                    Method::GET => 200,
                    Method::POST => 400,
                    _ => 404,
                };
                assert_eq!(answer.status, expected, "{what}: {}", answer.text);
            } else {
                let (status, sentence) = refusal(&answer);
                assert!(status == 403 && sentence.contains("not made for that"), "{what}: {sentence}");
            }
        }
    }
    app.finish().await;
}

// B5: role × privilege
#[tokio::test]
async fn nobody_lends_what_they_may_not_do_themselves() {
    let app = App::start().await;
    let olga = app.member("olga@acme.example").await;
    for role in Role::ALL {
        let person = colleague(&app, &olga, &format!("{}@acme.example", role.name()), role).await;
        let person = enter(&app, &person).await;
        for privilege in ["list-users", "manage-invitations"] {
            let answer = app.call(&person, Method::POST, TOKENS, Some(&wish("one-day", &[privilege]))).await;
            if role >= Role::Administrators {
                assert_eq!(answer.status, 201, "{}: {}", role.name(), answer.text);
            } else {
                let sentence = format!("Must not exceed your own: your role lacks {privilege}");
                assert_eq!(faults(&answer), json!({"privileges": sentence}), "{}", role.name());
            }
        }
        make(&app, &person, &[]).await;
    }
    app.finish().await;
}

// B5
#[tokio::test]
async fn a_token_shrinks_with_the_role_of_its_owner() {
    let app = App::start().await;
    let olga = app.member("olga@acme.example").await;
    let place = olga.organization.clone();
    let adam = colleague(&app, &olga, "adam@acme.example", Role::Administrators).await;
    let (token, _) = make(&app, &enter(&app, &adam).await, &["list-users"]).await;
    assert_eq!(users(&app, &place, &token).await, 200);
    for role in [Role::Workspaces, Role::Billing, Role::User] {
        set_role(&app, &adam, role).await;
        assert_eq!(users(&app, &place, &token).await, 403, "{}", role.name());
        assert_eq!(me(&app, &token).await.json()["userType"], json!("user"));
    }
    set_role(&app, &adam, Role::Owner).await;
    assert_eq!(users(&app, &place, &token).await, 200);
    app.finish().await;
}

// B5, B6
#[tokio::test]
async fn a_token_acts_in_the_organization_that_it_was_made_in() {
    let app = App::start().await;
    let (olga, eve) = (app.member("olga@acme.example").await, app.member("eve@evil.example").await);
    let adam = colleague(&app, &olga, "adam@acme.example", Role::Administrators).await;
    let (token, _) = make(&app, &enter(&app, &adam).await, &["list-users", "manage-invitations"]).await;
    assert_eq!(users(&app, &eve.organization, &token).await, 403);
    for (place, role) in [(&eve.organization, Role::Owner), (&olga.organization, Role::Owner)] {
        let (id, organization) = (adam.id.clone(), place.clone());
        let moved: Result<u64, Unavailable> = app
            .service
            .store
            .write(move |tx| {
                let sql = "update memberships set organization_id = ?2, role = ?3 where account_id = ?1";
                tx.execute(sql, &[Cell::Text(id), Cell::Text(organization), Cell::Int(role.number())])
            })
            .await;
        moved.expect("the store");
        let back = *place == olga.organization;
        assert_eq!(users(&app, &olga.organization, &token).await, if back { 200 } else { 403 });
        assert_eq!(users(&app, &eve.organization, &token).await, 403, "never in another");
        assert_eq!(me(&app, &token).await.json()["organization"].is_string(), back);
    }
    app.finish().await;
}

// D2
#[tokio::test]
async fn a_token_ends_with_what_ends_its_owner_and_does_not_come_back() {
    let app = App::start().await;
    let olga = app.member("olga@acme.example").await;
    for (action, undo) in
        [(AccountAction::Ban, AccountAction::Unban), (AccountAction::Deactivate, AccountAction::Activate)]
    {
        let adam =
            colleague(&app, &olga, &format!("adam{action:?}@acme.example"), Role::Administrators).await;
        let (token, _) = make(&app, &enter(&app, &adam).await, &["list-users"]).await;
        assert!(is_live(&app, &token).await);
        act(&app, &adam, action).await;
        assert!(!is_live(&app, &token).await, "{action:?}");
        act(&app, &adam, undo).await;
        assert!(!is_live(&app, &token).await, "{undo:?}");
    }
    let bob = colleague(&app, &olga, "bob@acme.example", Role::User).await;
    let (token, _) = make(&app, &enter(&app, &bob).await, &[]).await;
    let one = format!("/organization/users/{}", bob.id);
    assert_eq!(app.call(&olga, Method::DELETE, &one, None).await.status, 200);
    assert!(!is_live(&app, &token).await, "taken out");
    assert_eq!(app.call(&olga, Method::POST, &format!("{one}/activate"), None).await.status, 200);
    assert!(!is_live(&app, &token).await, "taken back in");
    let (token, _) = make(&app, &enter(&app, &olga).await, &["list-users"]).await;
    let acme = BanTarget::Organization(olga.organization.parse().expect("an id"));
    app.service.ban(acme.clone(), true).await.expect("the store");
    assert!(!is_live(&app, &token).await, "while the organization is banned");
    app.service.ban(acme, false).await.expect("the store");
    assert!(is_live(&app, &token).await, "as its sessions");
    app.finish().await;
}

// D2
#[tokio::test]
async fn a_token_is_ended_by_its_owner_alone_and_at_once() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let adam = colleague(&app, &olga, "adam@acme.example", Role::Administrators).await;
    let adam = enter(&app, &adam).await;
    let ((token, id), (other, other_id)) = (make(&app, &olga, &[]).await, make(&app, &adam, &[]).await);
    let end = |id: &str| format!("{TOKENS}/{id}");
    for (person, id) in [(&adam, id.as_str()), (&olga, &other_id), (&olga, "x"), (&olga, &olga.id)] {
        let answer = app.call(person, Method::DELETE, &end(id), None).await;
        assert_eq!(refusal(&answer), (404, "There is no such access token".to_owned()), "{id}");
    }
    assert!(is_live(&app, &token).await && is_live(&app, &other).await);
    let done = app.call(&olga, Method::DELETE, &end(&id), None).await;
    assert_eq!((done.status, done.text.as_str()), (204, ""));
    assert!(!is_live(&app, &token).await && is_live(&app, &other).await);
    assert_eq!(app.call(&olga, Method::DELETE, &end(&id), None).await.status, 404);
    assert!(list(&app, &olga).await.is_empty());
    let audit = app.service.audit(Some(olga.id.parse().expect("an id")), 10).expect("the store");
    assert_eq!(audit.iter().filter(|entry| entry.action == "access-token.revoked").count(), 1);
    app.finish().await;
}

// A1, D2: as with API keys
#[tokio::test]
async fn a_reset_ends_the_tokens_of_an_account_whose_address_it_proves() {
    let app = App::start().await;
    let (ann, ben) = (app.member("ann@acme.example").await, app.member("ben@other.example").await);
    let mut tokens = Vec::new();
    for person in [&ann, &ben] {
        tokens.push(make(&app, &enter(&app, person).await, &["list-users"]).await.0);
    }
    let id = ann.id.clone();
    let unproved: Result<u64, Unavailable> = app
        .service
        .store
        .write(move |tx| {
            tx.execute("update accounts set verified_at = null where id = ?1", &[Cell::Text(id)])
        })
        .await;
    assert_eq!(unproved.expect("the store"), 1);
    assert!(!is_live(&app, &tokens[0]).await, "none opens anything before the address is proved");
    for person in [&ann, &ben] {
        assert_eq!(app.post(FORGOT, &json!({"username": person.email})).await.status, 201);
        let token = app.letter(&person.email, "reset").await.token();
        let done = app.post(RESET, &json!({"password": PASSWORD, "token": token})).await;
        assert_eq!((done.status, &done.json()["status"]), (200, &json!(1)), "{}", done.text);
    }
    assert!(!is_live(&app, &tokens[0]).await, "whoever typed the address first keeps nothing");
    assert!(is_live(&app, &tokens[1]).await, "those of an account in use stay");
    let audit = app.service.audit(Some(ann.id.parse().expect("an id")), 10).expect("the store");
    assert!(audit.iter().any(|entry| entry.action == "access-token.revoked" && entry.detail == "all"));
    app.finish().await;
}

// A5
#[tokio::test]
async fn an_undone_change_of_address_ends_the_tokens_made_since() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let (old, _) = make(&app, &enter(&app, &ann).await, &[]).await;
    app.advance(SECOND);
    changed(&app, &ann, "new@other.example").await;
    app.advance(SECOND);
    let thief = Person { email: "new@other.example".to_owned(), ..ann.clone() };
    let (new, _) = make(&app, &enter(&app, &thief).await, &[]).await;
    let undo = app.letter("ann@acme.example", "address-changed").await.token();
    app.advance(SECOND);
    assert_eq!(app.submit("/undo-change-email", &[("token", &undo)]).await.status, 200);
    assert!(!is_live(&app, &new).await && is_live(&app, &old).await);
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_erased_with_its_owner_and_exported_before_that() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let there = enter(&app, &ann).await;
    let (token, id) = make(&app, &there, &["list-users"]).await;
    // Those of one moment are told in no order.
    app.advance(SECOND);
    let (_, ended) = make(&app, &there, &[]).await;
    assert_eq!(app.call(&there, Method::DELETE, &format!("{TOKENS}/{ended}"), None).await.status, 204);
    let export = app.call(&ann, Method::GET, "/user/export", None).await;
    let told = &export.json()["data"]["accessTokens"];
    assert_eq!(told.as_array().map(Vec::len), Some(2), "{told}");
    assert!(told[0]["id"] == json!(id) && told[0]["endedAt"].is_null() && told[1]["endedAt"].is_string());
    assert_eq!(told[0]["token"], json!(format!("{}…{}", &token[..8], &token[42..])));
    assert!(!export.text.contains(&token[8..42]));
    let pass = orbai::enter(&app, &ann.email).await;
    let account = "/orbai/api/v1/users/me/account";
    let gone = orbai_user::ask(&app, &pass, Method::DELETE, account, None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert!(!is_live(&app, &token).await);
    let left: Option<i64> =
        app.service.store.read(|tx| tx.value("select count(*) from access_tokens", &[])).expect("the store");
    assert_eq!(left, Some(0));
    app.finish().await;
}

#[tokio::test]
async fn twenty_at_once_fill_the_account_to_its_limit() {
    let app = App::start().await;
    let olga = olga(&app).await;
    for _ in 0..MOST_TOKENS - 5 {
        make(&app, &olga, &[]).await;
    }
    let caller = olga.clone();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let olga = caller.clone();
        async move { app.call(&olga, Method::POST, TOKENS, Some(&wish("one-week", &[]))).await }
    })
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 5);
    for answer in answers.iter().filter(|answer| answer.status != 201) {
        let (status, sentence) = refusal(answer);
        assert!(status == 403 && sentence.contains("20 access tokens"), "{sentence}");
    }
    let tokens = list(&app, &olga).await;
    assert_eq!(tokens.len() as i64, MOST_TOKENS);
    let one = format!("{TOKENS}/{}", tokens[0]["_id"].as_str().expect("an id"));
    assert_eq!(app.call(&olga, Method::DELETE, &one, None).await.status, 204);
    make(&app, &olga, &[]).await;
    app.advance(WEEK);
    make(&app, &enter(&app, &olga).await, &[]).await;
    app.finish().await;
}

// E4
#[tokio::test]
async fn no_other_secret_is_an_access_token_and_it_is_none_of_them() {
    let app = App::start().await;
    let olga = app.member("olga@acme.example").await;
    let there = enter(&app, &olga).await;
    let (token, id) = make(&app, &there, &["list-users"]).await;
    let (key, _) = keys::make(&app, &olga, "/user/api-keys", json!({"name": "a"})).await;
    app.post(FORGOT, &json!({"username": olga.email})).await;
    let reset = app.letter(&olga.email, "reset").await.token();
    let typo = token.replace(&token[10..11], if &token[10..11] == "x" { "y" } else { "x" });
    let others =
        [&key, &reset, &there.access, &there.refresh, &olga.access, &id, &typo, &token[4..].to_owned()];
    for other in others {
        assert!(!is_live(&app, other).await, "{other}");
    }
    for space in ["", " "] {
        assert_eq!(me(&app, space).await.status, 401);
    }
    for path in [ME, "/user/profile", "/finradar/api/v1/user/", "/orbai/api/v1/users/me", "/forward-auth"] {
        let answer = app.send(app.request(Method::GET, path).bearer_auth(&token)).await;
        assert_eq!(answer.status, 401, "as a bearer at {path}");
        if path != ME {
            assert_eq!(app.send(shown(&app, Method::GET, path, &token)).await.status, 401, "{path}");
        }
    }
    assert_eq!(keys::check(&app, &token).await.status, 401);
    let gateway = app.request(Method::GET, "/forward-auth").header("x-api-key", &token);
    assert_eq!(app.send(gateway).await.status, 401);
    assert_eq!(app.post(REFRESH, &json!({"refreshToken": token})).await.status, 401);
    assert_eq!(app.post(RESET, &json!({"token": token, "password": PASSWORD})).await.status, 401);
    assert!(is_live(&app, &token).await);
    app.finish().await;
}

#[tokio::test]
async fn a_token_manages_neither_passwords_nor_tokens() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let (token, id) = make(&app, &olga, &["list-users", "manage-invitations"]).await;
    let one = format!("{TOKENS}/{id}");
    let change = json!({"password": PASSWORD, "newPassword": "AnotherPass456"});
    let rows = [
        (Method::POST, ME, Some(change)),
        (Method::GET, TOKENS, None),
        (Method::POST, TOKENS, Some(wish("one-year", &["list-users"]))),
        (Method::DELETE, &one, None),
    ];
    for (method, path, body) in rows {
        let request = shown(&app, method.clone(), path, &token);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        assert_eq!(refusal(&app.send(request).await).0, 401, "{method} {path}");
    }
    assert!(is_live(&app, &token).await);
    assert_eq!(list(&app, &olga).await.len(), 1, "and the password is the old one");
    enter(&app, &olga).await;
    app.finish().await;
}

// H2
#[tokio::test]
async fn wrong_tokens_are_counted_by_network_and_slow_nobody_else_down() {
    let app = proxied().await;
    let olga = olga(&app).await;
    let (token, _) = make(&app, &olga, &[]).await;
    let from = |network: &'static str, token: &str| {
        shown(&app, Method::GET, ME, token).header("x-forwarded-for", network)
    };
    for number in 0..60 {
        let wrong = if number % 2 == 0 { "nonsense".to_owned() } else { format!("lkp_{number:040}") };
        assert_eq!(app.send(from("203.0.113.1", &wrong)).await.status, 401, "{number}");
    }
    let refused = app.send(from("203.0.113.1", "nonsense")).await;
    assert_eq!((refusal(&refused).0, refused.header("retry-after")), (429, "1"));
    assert_eq!(app.send(from("203.0.113.1", &token)).await.status, 200, "a good one is no guess");
    assert_eq!(app.send(from("198.51.100.1", "nonsense")).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn of_two_credentials_the_token_alone_counts() {
    let app = App::start().await;
    let olga = olga(&app).await;
    let eve = enter(&app, &app.member("eve@evil.example").await).await;
    let (token, _) = make(&app, &olga, &[]).await;
    let list = path(&olga.organization, "users", "");
    let both = |path: &str, token: &str, person: &Person| {
        shown(&app, Method::GET, path, token).bearer_auth(&person.access)
    };
    assert_eq!(app.send(both(ME, &token, &eve)).await.field("_id"), olga.id);
    assert_eq!(app.send(both(&list, &token, &olga)).await.status, 403, "the session lends it nothing");
    assert_eq!(app.send(both(ME, "nonsense", &olga)).await.status, 401);
    assert_eq!(app.send(both(ME, "", &olga)).await.status, 401);
    let bytes = reqwest::header::HeaderValue::from_bytes(b"\xff").expect("a value");
    let odd = app.request(Method::GET, ME).header("x-access-token", bytes).bearer_auth(&olga.access);
    assert_eq!(app.send(odd).await.status, 401, "nor does one that is no text");
    app.finish().await;
}

#[tokio::test]
async fn an_enforced_second_factor_holds_for_tokens_too() {
    let app = App::start().await;
    let owner = enrol(&app, app.member("olga@acme.example").await).await;
    let ben = colleague(&app, &owner.person, "ben@acme.example", Role::Administrators).await;
    let (token, _) = make(&app, &enter(&app, &ben).await, &["list-users"]).await;
    let enforced = json!({"enforced": true});
    let done = app.call(&owner.person, Method::POST, "/mfa/organization/enforce", Some(&enforced)).await;
    assert_eq!(done.status, 200, "{}", done.text);
    let (status, sentence) = refusal(&me(&app, &token).await);
    assert!(status == 403 && sentence.contains("second factor"), "{sentence}");
    assert_eq!(users(&app, &owner.person.organization, &token).await, 403);
    app.finish().await;
}

#[tokio::test]
async fn the_last_use_is_noted_and_ended_tokens_go_in_time() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let there = enter(&app, &ann).await;
    let ((token, _), (_, ended)) = (make(&app, &there, &[]).await, make(&app, &there, &[]).await);
    let used = || {
        let sql = "select coalesce(max(last_used_at), 0) from access_tokens";
        app.service.store.read(|tx| tx.value::<i64>(sql, &[])).expect("the store").unwrap_or_default()
    };
    assert_eq!(used(), 0);
    for step in [Duration::ZERO, 5 * MINUTE] {
        app.advance(step);
        assert!(is_live(&app, &token).await);
        let now = app.clock.now().0;
        crate::app::until("the use is noted", || used() == now).await;
    }
    assert_eq!(app.call(&there, Method::DELETE, &format!("{TOKENS}/{ended}"), None).await.status, 204);
    let count = || {
        let sql = "select count(*) from access_tokens";
        app.service.store.read(|tx| tx.value::<i64>(sql, &[])).expect("the store")
    };
    let ninety = Duration::from_secs(90 * DAY.as_secs());
    for (wait, left) in [(ninety, 2), (SECOND, 1), (WEEK, 0)] {
        app.advance(wait);
        app.sweep().await;
        assert_eq!(count(), Some(left), "{wait:?} later");
    }
    app.finish().await;
}

#[test]
fn the_document_offers_either_credential_where_both_are_good() {
    let document: Value = serde_json::from_str(&latchkey::api::document_json()).expect("JSON");
    let scheme = &document["components"]["securitySchemes"]["AppMakerAccessToken"];
    assert_eq!(
        (&scheme["type"], &scheme["in"], &scheme["name"]),
        (&json!("apiKey"), &json!("header"), &json!("x-access-token"))
    );
    let either = json!([{"AppMakerAccessToken": []}, {"AppMakerBearer": []}]);
    for (method, path, _) in doors("{id}") {
        let path = path.replace("000000000000000000000000", "{invitationId}");
        let operation = &document["paths"][&path][method.as_str().to_lowercase()];
        assert_eq!(operation["security"], either, "{method} {path}");
    }
    let alone = json!([{"AppMakerBearer": []}]);
    for (method, path) in
        [("post", ME), ("get", TOKENS), ("post", TOKENS), ("delete", &format!("{TOKENS}/{{tokenId}}"))]
    {
        assert_eq!(document["paths"][path][method]["security"], alone, "{method} {path}");
    }
    assert!(ME.starts_with(PLACE));
}

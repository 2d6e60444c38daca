//! What an OrbAI user sees of themselves: profile, subscription, devices, and the end of the account.

use latchkey::model::account::Member;
use latchkey::model::email::EmailAddress;
use latchkey::model::id::OrganizationId;
use latchkey::model::time::{DAY, HOUR, SECOND};
use latchkey::service::operator::AccountName;
use latchkey::store::{Tx, Unavailable, Value as Column};
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::app::{Answer, App, START};
use crate::crowd::crowd;
use crate::orbai::{
    LOGIN, PASSWORD, Pass, REFRESH, REGISTER, enter, example, is_live, log_in, refusal, sign_up,
};

pub const ME: &str = "/orbai/api/v1/users/me";
pub const ACCOUNT: &str = "/orbai/api/v1/users/me/account";
const SUBSCRIPTION: &str = "/orbai/api/v1/users/me/subscription";
pub const DEVICES: &str = "/orbai/api/v1/auth/devices";
const ANN: &str = "ann@acme.example";

/// A call with an access token.
pub async fn ask(app: &App, pass: &Pass, method: Method, path: &str, body: Option<&Value>) -> Answer {
    let request = app.request(method, path).bearer_auth(&pass.access);
    app.send(match body {
        Some(body) => request.json(body),
        None => request,
    })
    .await
}

/// `data` of what somebody reads.
pub async fn data(app: &App, pass: &Pass, path: &str) -> Value {
    let answer = ask(app, pass, Method::GET, path, None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn put(app: &App, pass: &Pass, body: &Value) -> Answer {
    ask(app, pass, Method::PUT, ME, Some(body)).await
}

async fn run(app: &App, sql: &'static str, values: Vec<Column>) {
    let done = app.service.store.write(move |tx: &Tx<'_>| tx.execute(sql, &values));
    assert_eq!(done.await.map_err(|error: Unavailable| error).expect("the store"), 1, "{sql}");
}

fn count(app: &App, sql: &str) -> i64 {
    app.service.store.read(|tx| tx.value(sql, &[])).expect("the store").expect("a count")
}

fn text(text: &str) -> Column {
    Column::Text(text.to_owned())
}

/// The account of an address.
pub fn account(app: &App, email: &str) -> Member {
    let name = AccountName::Email(EmailAddress::parse(email).expect("an address"));
    app.service.find_account(&name).expect("the store").expect("an account")
}

/// The organization of an address's account.
pub fn organization(app: &App, email: &str) -> OrganizationId {
    account(app, email).organization.expect("an organization").organization
}

#[tokio::test]
async fn whoever_signs_up_reads_what_they_told() {
    let app = App::start().await;
    let answer = app.post(REGISTER, &example()).await;
    let pass = Pass::of(&answer);
    let uuid = answer.json()["data"]["user"]["uuid"].clone();
    let expected = json!({
        "user": {"id": 1, "uuid": uuid, "username": "jane_doe", "email": "newuser@example.com", "role": "USER",
            "active": true, "enabled": true, "auto_renew": false, "country": "Germany",
            "created_at": "2026-03-01T12:00:00Z", "updated_at": "2026-03-01T12:00:00Z"},
        "profile": {"first_name": "Jane", "last_name": "Doe", "phone": null, "address": null, "city": null,
            "state": null, "country": "Germany", "postal_code": null, "locale": null, "language": "de",
            "birth_date": null},
        "subscription": {"plan_name": "Free", "status": "active", "expires_at": null, "max_devices": 5,
            "days_remaining": null}
    });
    assert_eq!(data(&app, &pass, ME).await, expected);
    let held = json!({"has_subscription": true, "subscription": expected["subscription"]});
    assert_eq!(data(&app, &pass, SUBSCRIPTION).await, held);
    app.finish().await;
}

#[tokio::test]
async fn a_subscription_counts_its_days_down() {
    let app = App::start().await;
    app.member(ANN).await;
    let pass = enter(&app, ANN).await;
    let trial = data(&app, &pass, SUBSCRIPTION).await;
    assert_eq!(trial["subscription"]["status"], "trialing");
    assert_eq!(trial["subscription"]["expires_at"], "2026-03-15T12:00:00Z");
    assert_eq!(trial["subscription"]["days_remaining"], 14);
    app.advance(HOUR);
    assert_eq!(data(&app, &pass, SUBSCRIPTION).await, trial, "a day begun is a day");
    app.advance(14 * DAY - HOUR);
    let pass = enter(&app, ANN).await;
    let over = data(&app, &pass, SUBSCRIPTION).await;
    assert_eq!(
        (&over["has_subscription"], &over["subscription"]["status"]),
        (&json!(false), &json!("expired"))
    );
    assert_eq!(over["subscription"]["days_remaining"], 0);
    assert_eq!(over["subscription"]["max_devices"], 5, "the free plan's, where none is in force");
    app.finish().await;
}

#[tokio::test]
async fn a_change_touches_what_it_names_and_nothing_else() {
    let app = App::start().await;
    let pass = Pass::of(&app.post(REGISTER, &example()).await);
    let mut expected = data(&app, &pass, ME).await["profile"].clone();
    let told = json!({"last_name": "Roe", "phone": "+49 30 1234", "address": "Am Ufer 1", "city": "Berlin",
        "state": "BE", "postal_code": "10115", "locale": "de-DE", "birth_date": "1990-01-31"});
    // What the profile is sent, and what of it changes.
    let rows = [
        (told.clone(), told),
        (json!({}), json!({})),
        (json!({"city": null, "first_name": null}), json!({})),
        (
            json!({"city": "", "first_name": "", "birth_date": ""}),
            json!({"city": null, "first_name": null, "birth_date": null}),
        ),
        (json!({"profile": {"city": "Bonn"}, "state": "NW"}), json!({"city": "Bonn"})),
        (json!({"country": " Austria "}), json!({"country": "Austria"})),
        (json!({"email": "eve@evil.example", "role": "ADMIN", "username": "root"}), json!({})),
    ];
    for (body, changed) in rows {
        app.advance(SECOND);
        let answer = put(&app, &pass, &body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        for (field, value) in changed.as_object().expect("an object") {
            expected[field] = value.clone();
        }
        let me = answer.json()["data"].clone();
        assert_eq!(me["profile"], expected, "{body}");
        assert_eq!(me["user"]["country"], expected["country"]);
        assert_eq!(data(&app, &pass, ME).await, me, "{body}");
    }
    let me = data(&app, &pass, ME).await;
    assert_eq!(
        (&me["user"]["username"], &me["user"]["email"]),
        (&json!("jane_doe"), &json!("newuser@example.com"))
    );
    assert_eq!(me["user"]["updated_at"], "2026-03-01T12:00:07Z");
    app.finish().await;
}

#[tokio::test]
async fn a_language_with_letters_in_it_is_the_one_of_letters() {
    let app = App::start().await;
    let pass = Pass::of(&app.post(REGISTER, &example()).await);
    let language = |app: &App| {
        let sql = "select language from accounts";
        app.service.store.read(|tx| tx.value::<String>(sql, &[])).expect("the store").expect("an account")
    };
    for (told, letters) in [("fr-CA", "fr"), ("tlh", "fr"), ("", "fr"), ("en", "en")] {
        assert_eq!(put(&app, &pass, &json!({"language": told})).await.status, 200, "{told}");
        assert_eq!(language(&app), letters, "{told}");
    }
    // Somebody whose account was made where there are no profiles.
    app.member(ANN).await;
    let ann = enter(&app, ANN).await;
    assert_eq!(data(&app, &ann, ME).await["profile"]["city"], Value::Null);
    assert_eq!(put(&app, &ann, &json!({"city": "Ulm"})).await.json()["data"]["profile"]["city"], "Ulm");
    app.finish().await;
}

#[tokio::test]
async fn every_faulty_field_of_a_change_is_named_and_nothing_changes() {
    let app = App::start().await;
    let pass = Pass::of(&app.post(REGISTER, &example()).await);
    let before = data(&app, &pass, ME).await;
    let lengths = [
        ("first_name", 100),
        ("last_name", 100),
        ("phone", 40),
        ("address", 200),
        ("city", 100),
        ("state", 100),
        ("country", 100),
        ("postal_code", 20),
        ("locale", 35),
        ("language", 10),
    ];
    let (mut all, mut map) = (Map::new(), Map::new());
    for (field, most) in lengths {
        let sentence = format!("Must be at most {most} characters.");
        for (value, sentence) in [
            (json!("x".repeat(most + 1)), sentence.as_str()),
            (json!(7), "Must be a string."),
            (json!(["x"]), "Must be a string."),
            (json!("a\r\nb"), "Must not contain control characters."),
        ] {
            let answer = put(&app, &pass, &json!({ field: value })).await;
            assert_eq!(refusal(&answer), (422, "VALIDATION_ERROR".to_owned()), "{field}");
            assert_eq!(answer.json()["error"]["details"], json!({ field: sentence }), "{field}");
        }
        all.insert(field.to_owned(), json!("x".repeat(most + 1)));
        map.insert(field.to_owned(), json!(sentence));
    }
    for date in ["1990-02-30", "31.1.1990", "1990-01-31T00:00:00Z", "yesterday"] {
        let answer = put(&app, &pass, &json!({ "birth_date": date, "city": "Ulm" })).await;
        assert_eq!(
            answer.json()["error"]["details"],
            json!({"birth_date": "Must be a date such as 1990-01-31."})
        );
    }
    all.insert("birth_date".to_owned(), json!("x"));
    map.insert("birth_date".to_owned(), json!("Must be a date such as 1990-01-31."));
    let answer = put(&app, &pass, &Value::Object(all.clone())).await;
    assert_eq!((answer.status, &answer.json()["error"]["details"]), (422, &Value::Object(map.clone())));
    let answer = put(&app, &pass, &json!({"profile": all})).await;
    let inside: Map<String, Value> =
        map.into_iter().map(|(key, text)| (format!("profile.{key}"), text)).collect();
    assert_eq!((answer.status, &answer.json()["error"]["details"]), (422, &Value::Object(inside)));
    for body in ["", "[]", "{", "7"] {
        let request = app.request(Method::PUT, ME).bearer_auth(&pass.access);
        let answer = app.send(request.header("content-type", "application/json").body(body)).await;
        assert_eq!(answer.status, 422, "{body:?}: {}", answer.text);
        assert!(answer.json()["error"]["details"]["body"].is_string(), "{body:?}: {}", answer.text);
    }
    assert_eq!(data(&app, &pass, ME).await, before);
    app.finish().await;
}

// D4, E4
#[tokio::test]
async fn all_of_it_is_behind_the_contracts_own_token() {
    let app = App::start().await;
    let member = app.member(ANN).await;
    let pass = enter(&app, ANN).await;
    let device = format!("{DEVICES}/x");
    let calls = [
        (Method::GET, ME),
        (Method::PUT, ME),
        (Method::DELETE, ACCOUNT),
        (Method::GET, SUBSCRIPTION),
        (Method::GET, DEVICES),
        (Method::DELETE, device.as_str()),
        (Method::GET, "/orbai/api/v1/referrals/me"),
    ];
    for (method, path) in calls {
        for token in [&member.access, &pass.refresh, &"x".to_owned()] {
            let request = app.request(method.clone(), path).bearer_auth(token).json(&json!({}));
            assert_eq!(refusal(&app.send(request).await), (401, "UNAUTHORIZED".to_owned()), "{path}");
        }
        assert_eq!(app.send(app.request(method, path).json(&json!({}))).await.status, 401, "{path}");
    }
    assert!(is_live(&app, &pass).await);
    app.finish().await;
}

#[tokio::test]
async fn devices_are_listed_as_their_clients_told_of_them() {
    let app = App::start().await;
    let mut order = example();
    order["app_version"] = json!("2.1");
    let phone = Pass::of(&app.post(REGISTER, &order).await);
    app.advance(SECOND);
    let login = json!({"email": "newuser@example.com", "password": PASSWORD, "fcm_token": "secret-token"});
    let desk = Pass::of(&app.post(LOGIN, &login).await);
    app.advance(HOUR);
    let phone = Pass::of(&app.post(REFRESH, &json!({"refresh_token": phone.refresh})).await);
    let mut seen = data(&app, &phone, DEVICES).await;
    let unnamed = seen["devices"][1]["device_id"].take();
    assert_eq!(unnamed.as_str().map(str::len), Some(24), "one of ours");
    let expected = json!({"current_devices": 2, "max_devices": 5, "devices": [
        {"device_id": "550e8400-e29b-41d4-a716-446655440000", "device_name": "Pixel 8 Pro", "platform": "android",
            "app_version": "2.1", "login_date": "2026-03-01T12:00:00Z", "last_active": "2026-03-01T13:00:01Z",
            "is_current": true},
        {"device_id": null, "device_name": null, "platform": null, "app_version": null,
            "login_date": "2026-03-01T12:00:01Z", "last_active": "2026-03-01T12:00:01Z", "is_current": false},
    ]});
    assert_eq!(seen, expected);
    let from_desk = data(&app, &desk, DEVICES).await;
    assert_eq!(from_desk["devices"][1]["is_current"], json!(true));
    assert!(!from_desk.to_string().contains("secret-token"));
    app.advance(28 * DAY - HOUR);
    let again = log_in(&app, "newuser@example.com", "other").await;
    let left = data(&app, &again, DEVICES).await;
    assert_eq!(left["current_devices"], 2, "a session that has run out is none: {left}");
    app.finish().await;
}

// B6
#[tokio::test]
async fn a_removed_device_is_signed_out_and_only_ones_own_can_be() {
    let app = App::start().await;
    let first = sign_up(&app, ANN).await;
    let (phone, desk) = (log_in(&app, ANN, "phone").await, log_in(&app, ANN, "my desk/1").await);
    let ben = sign_up(&app, "ben@acme.example").await;
    let bens = log_in(&app, "ben@acme.example", "bens").await;
    let remove =
        async |pass: &Pass, id: &str| ask(&app, pass, Method::DELETE, &format!("{DEVICES}/{id}"), None).await;
    let unknown = remove(&first, "nothing").await;
    assert_eq!(refusal(&unknown), (404, "DEVICE_NOT_FOUND".to_owned()));
    for id in ["bens", "PHONE", "%20", "phone%00", "%C3%A4", &"x".repeat(4000)] {
        let answer = remove(&first, id).await;
        assert_eq!((answer.status, answer.text), (404, unknown.text.clone()), "{id}");
    }
    let gone = remove(&first, "phone").await;
    assert_eq!(
        (gone.status, gone.json()),
        (200, json!({"success": true, "data": {"message": "Device removed."}}))
    );
    assert!(!is_live(&app, &phone).await);
    assert_eq!(app.post(REFRESH, &json!({"refresh_token": phone.refresh})).await.status, 401);
    assert_eq!(remove(&first, "phone").await.text, unknown.text, "once");
    assert_eq!(remove(&desk, "my%20desk%2F1").await.status, 200, "one's own");
    assert_eq!(remove(&desk, "bens").await.status, 401);
    for (pass, lives) in [(&first, true), (&desk, false), (&ben, true), (&bens, true)] {
        assert_eq!(is_live(&app, pass).await, lives);
    }
    let noted =
        "select count(*) from audit_entries where action = 'device.removed' and detail not like '%phone%'";
    assert_eq!(count(&app, noted), 2);
    app.finish().await;
}

#[tokio::test]
async fn a_deleted_account_leaves_the_ledger_and_nothing_of_the_person() {
    let app = App::start().await;
    let member = app.member(ANN).await;
    let key =
        app.call(&member, Method::POST, "/user/api-keys", Some(&json!({"name": "Build"}))).await.field("key");
    let verify = async |app: &App| app.post("/keys/verify", &json!({"key": key})).await.status;
    assert_eq!(verify(&app).await, 200);
    let pass = enter(&app, ANN).await;
    let told = json!({"city": "Ulm", "phone": "+49 30 1234", "first_name": "Annabel"});
    assert_eq!(put(&app, &pass, &told).await.status, 200);
    let entries = count(&app, "select count(*) from ledger_entries");
    assert!(entries >= 2, "a grant and a debit");
    let gone = ask(&app, &pass, Method::DELETE, ACCOUNT, None).await;
    let sentence = "Your account has been permanently deleted. All associated data has been removed.";
    assert_eq!((gone.status, gone.json()), (200, json!({"success": true, "message": sentence})));
    assert!(!is_live(&app, &pass).await);
    assert_eq!(app.post(REFRESH, &json!({"refresh_token": pass.refresh})).await.status, 401);
    assert_eq!(app.call(&member, Method::GET, "/user/profile", None).await.status, 401);
    assert_eq!(verify(&app).await, 401);
    let login = json!({"email": ANN, "password": crate::app::PASSWORD});
    assert_eq!(refusal(&app.post(LOGIN, &login).await), (401, "INVALID_CREDENTIALS".to_owned()));
    assert_eq!(count(&app, "select count(*) from ledger_entries"), entries);
    for table in
        ["accounts", "profiles", "usernames", "client_devices", "sessions", "letters", "organizations"]
    {
        assert_eq!(count(&app, &format!("select count(*) from {table}")), 0, "{table}");
    }
    assert_eq!(count(&app, "select count(*) from audit_entries where action = 'account.erased'"), 1);
    assert_eq!(count(&app, "select count(*) from audit_entries where address <> ''"), 0);
    sign_up(&app, ANN).await;
    app.finish().await;
}

#[tokio::test]
async fn of_twenty_at_once_one_deletes_the_account() {
    let app = App::start().await;
    let pass = sign_up(&app, ANN).await;
    sign_up(&app, "ben@acme.example").await;
    let (app, answers) = crowd(app, 20, move |app, _| {
        let pass = pass.clone();
        async move { ask(&app, &pass, Method::DELETE, ACCOUNT, None).await }
    })
    .await;
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 19, "{statuses:?}");
    assert_eq!(count(&app, "select count(*) from accounts"), 1);
    assert_eq!(app.clock.now(), START);
    app.finish().await;
}

#[tokio::test]
async fn the_last_owner_of_others_cannot_leave_them_behind() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    let ben = app.member("ben@acme.example").await;
    let acme = organization(&app, ANN).to_string();
    let join = "update memberships set organization_id = ?2, role = 0 where account_id = ?1";
    run(&app, join, vec![text(&ben.id), text(&acme)]).await;
    let refused = ask(&app, &ann, Method::DELETE, ACCOUNT, None).await;
    assert_eq!(refusal(&refused), (409, "LAST_OWNER".to_owned()));
    assert!(is_live(&app, &ann).await);
    assert_eq!(data(&app, &ann, ME).await["user"]["email"], ANN, "nothing has changed");
    run(&app, "update memberships set role = 255 where account_id = ?1", vec![text(&ben.id)]).await;
    assert_eq!(ask(&app, &ann, Method::DELETE, ACCOUNT, None).await.status, 200);
    let name = app
        .service
        .store
        .read(|tx| tx.value::<String>("select name from organizations where id = ?1", &[text(&acme)]));
    assert_eq!(name.expect("the store").as_deref(), Some("Organization"), "not her address");
    app.finish().await;
}

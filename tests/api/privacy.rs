//! What a privacy law asks: all that is kept of somebody in one document, and its erasure.

use latchkey::service::operator::{AccountAction, AccountName};
use latchkey::service::privacy::EraseError;
use latchkey::store::{Tx, Unavailable, Value as Column};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person, registration};
use crate::invites;
use crate::keys::make;
use crate::orbai;
use crate::process::{Place, read};
use crate::two_factor::enrol;

async fn export(app: &App, person: &Person) -> Value {
    let answer = app.call(person, Method::GET, "/user/export", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn act(app: &App, person: &Person, action: AccountAction) {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    assert!(app.service.act_on_account(&member, action).await.expect("the store"));
}

async fn erase(app: &App, person: &Person) -> Result<(), EraseError> {
    app.service.erase(person.id.parse().expect("an id")).await
}

fn count(app: &App, sql: &str) -> i64 {
    let rows = app.service.store.read(|tx| tx.value::<i64>(sql, &[]));
    rows.expect("the store").expect("a count")
}

async fn run(app: &App, sql: &'static str, values: Vec<Column>) {
    let done = app.service.store.write(move |tx: &Tx<'_>| tx.execute(sql, &values));
    assert_eq!(done.await.map_err(|error: Unavailable| error).expect("the store"), 1, "{sql}");
}

/// Puts a person into another's organization, with a role.
async fn move_into(app: &App, person: &Person, organization: &str, role: i64) {
    let sql = "update memberships set organization_id = ?2, role = ?3 where account_id = ?1";
    let text = |text: &str| Column::Text(text.to_owned());
    run(app, sql, vec![text(&person.id), text(organization), Column::Int(role)]).await;
}

#[tokio::test]
async fn an_export_holds_all_that_is_kept_and_no_secret() {
    let app = App::start().await;
    let mut order = registration("ann@acme.com");
    order["phone"] = json!("+49 30 1234");
    order["city"] = json!("Berlin");
    app.post("/user/register", &order).await;
    let token = app.letter("ann@acme.com", "verify").await.token();
    app.post("/user/verify-email", &json!({"token": token})).await;
    let info = json!({"deviceName": "Pixel 8", "os": "Android"});
    let login = json!({"email": "ann@acme.com", "password": PASSWORD, "deviceInfo": info});
    let ann = Person::of("ann@acme.com", &app.post("/user/login", &login).await);
    app.member("ben@other.example").await;

    let data = export(&app, &ann).await;
    assert_eq!(data["account"]["email"], "ann@acme.com");
    assert_eq!(
        (&data["account"]["firstName"], &data["account"]["hasPassword"]),
        (&json!("John"), &json!(true))
    );
    let place = &data["organization"];
    assert_eq!((&place["id"], &place["role"]), (&json!(ann.organization), &json!("OWNER")));
    assert_eq!((&place["phone"], &place["city"]), (&json!("+49 30 1234"), &json!("Berlin")));
    assert_eq!(data["subscriptions"][0]["plan"], "trial");
    assert_eq!(data["sessions"].as_array().map(Vec::len), Some(3));
    assert_eq!(data["devices"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&data["devices"][0]["name"], &data["devices"][0]["os"]),
        (&json!("Pixel 8"), &json!("Android"))
    );
    let on_device = |session: &&Value| session["deviceId"] == data["devices"][0]["id"];
    assert_eq!(data["sessions"].as_array().expect("a list").iter().filter(on_device).count(), 1);
    assert_eq!(data["audit"].as_array().map(Vec::len), Some(2));

    let text = data.to_string();
    let kept = app.service.store.read(|tx| {
        tx.rows("select password_hash from accounts union select fingerprint from devices", &[], |row| {
            row.take::<String>()
        })
    });
    let secrets = kept.map_err(|error: Unavailable| error).expect("the store");
    assert_eq!(secrets.len(), 3);
    for secret in secrets.iter().map(String::as_str).chain(["argon2", &token, &ann.refresh, "ben@"]) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    assert_eq!(app.get("/user/export").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn an_export_holds_what_one_comes_in_by_but_not_so_that_one_could() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let body = json!({"name": "Build server", "endpoints": ["search"]});
    let (key, id) = make(&app, &ann, "/user/api-keys", body).await;
    let (_, ended) = make(&app, &ann, "/user/api-keys", json!({"name": "Old"})).await;
    assert_eq!(app.call(&ann, Method::DELETE, &format!("/user/api-keys/{ended}"), None).await.status, 200);
    let ann = enrol(&app, ann).await;
    let data = export(&app, &ann.person).await;
    let masked = format!("{}…{}", &key[..7], &key[41..]);
    let at = "2026-03-01T12:00:00Z";
    let live =
        json!({"id": id, "name": "Build server", "key": masked, "endpoints": ["search"], "createdAt": at});
    let keys = data["apiKeys"].as_array().expect("a list");
    let found = |id: &str| keys.iter().find(|key| key["id"] == id).expect("a key");
    assert_eq!((keys.len(), found(&id), &found(&ended)["endedAt"]), (2, &live, &json!(at)));
    let factors = json!([{"method": "totp", "enabledAt": at, "isPrimary": true}]);
    assert_eq!(data["secondFactors"], factors);
    assert_eq!(data["notifications"], json!({"email": true, "browser": false}));
    let (text, codes) = (data.to_string(), ann.codes.iter().map(String::as_str));
    for secret in codes.chain([key.as_str(), &ann.secret]) {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_export_holds_what_was_told_chosen_and_come_by_through_other_contracts() {
    let app = App::start().await;
    let (_, code) = invites::code(&app, 1).await;
    let token = invites::token(&app, &code).await;
    assert_eq!(invites::register(&app, "sam@fund.example", &token).await.status, 200);
    let link = app.letter("sam@fund.example", "verify").await.token();
    assert_eq!(app.submit("/verify-email", &[("token", &link)]).await.status, 200);
    let login = json!({"email": "sam@fund.example", "password": invites::PASSWORD});
    let access = app.post("/finradar/api/v1/auth/login", &login).await.field("token");
    let hook = json!({"webhook_url": "https://fund.example/hook", "notify_browser": true});
    let put = app.request(Method::PUT, "/finradar/api/v1/user/").bearer_auth(access).json(&hook);
    assert_eq!(app.send(put).await.status, 200);
    let sam = Person::of("sam@fund.example", &app.login("sam@fund.example", invites::PASSWORD).await);
    let data = export(&app, &sam).await;
    let chosen = json!({"webhookUrl": "https://fund.example/hook", "email": true, "browser": true});
    assert_eq!(data["notifications"], chosen);
    let invite = &data["invites"][0];
    assert_eq!(invite["usedAt"], "2026-03-01T12:00:00Z");
    assert!(!data.to_string().contains(&code), "the code itself is kept by nobody");
    assert_eq!(data["apiKeys"].as_array().map(Vec::len), Some(1), "the key of the letter of welcome");

    let order = orbai::example();
    assert_eq!(app.post(orbai::REGISTER, &order).await.status, 200);
    let jane = order["email"].as_str().expect("an address").to_owned();
    let jane = Person::of(&jane, &app.login(&jane, orbai::PASSWORD).await);
    let data = export(&app, &jane).await;
    assert_eq!(data["username"], "jane_doe");
    assert_eq!(
        (&data["profile"]["country"], &data["profile"]["language"]),
        (&json!("Germany"), &json!("de"))
    );
    assert_eq!(data["namedDevices"][0]["deviceId"], order["device_id"]);
    assert_eq!(data["namedDevices"][0]["hasPushToken"], true);
    assert_eq!(data["namedDevices"][0]["lastLoginAt"], "2026-03-01T12:00:00Z");
    let referral = &data["referral"];
    assert!(referral["code"].as_str().is_some_and(|code| code.starts_with("REF_")), "{referral}");
    assert_eq!(referral["cameByCode"], false);
    assert!(!data.to_string().contains(order["fcm_token"].as_str().expect("a token")));
    app.finish().await;
}

#[tokio::test]
async fn the_unverified_may_export_and_ended_sessions_are_told_as_ended() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.com").await;
    let other = Person::of("ann@acme.com", &app.login("ann@acme.com", PASSWORD).await);
    app.call(&other, Method::POST, "/user/logout", None).await;
    let data = export(&app, &ann).await;
    assert!(data["account"]["verifiedAt"].is_null());
    let sessions = data["sessions"].as_array().expect("a list");
    let ended: Vec<bool> = sessions.iter().map(|session| session["endedAt"].is_string()).collect();
    assert_eq!(ended.iter().filter(|ended| **ended).count(), 1, "{sessions:?}");
    assert_eq!(ended.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn an_erased_account_leaves_its_audit_entries_and_trial_and_nothing_else() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let ben = app.member("ben@other.example").await;
    assert!(matches!(erase(&app, &ann).await, Err(EraseError::Active)));
    let contact = json!({"friend of ben@other.example": true});
    assert_eq!(app.call(&ann, Method::PUT, "/settings/user", Some(&contact)).await.status, 200);
    act(&app, &ann, AccountAction::Deactivate).await;
    app.carried().await;
    erase(&app, &ann).await.expect("erased");
    assert!(matches!(erase(&app, &ann).await, Err(EraseError::Unknown)));
    for table in ["accounts", "organizations", "memberships", "subscriptions", "letters"] {
        assert_eq!(count(&app, &format!("select count(*) from {table}")), 1, "{table}: Ben's alone");
    }
    let sessions = count(&app, "select count(distinct account_id) from sessions");
    assert_eq!((sessions, count(&app, "select count(distinct account_id) from proofs")), (1, 1));
    let entries = app.service.audit(ann.id.parse().ok(), 100).expect("the store");
    let words: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(words.len(), 5);
    assert!(words.contains(&"account.erased") && words.contains(&"settings.changed"), "{words:?}");
    assert!(entries.iter().all(|entry| entry.address.is_empty() && entry.detail.is_empty()), "{entries:?}");
    let of_ben = app.service.audit(ben.id.parse().ok(), 100).expect("the store");
    assert!(of_ben.iter().all(|entry| !entry.address.is_empty()), "Ben's stay as they were");
    // G5
    let again = app.member("ann@acme.com").await;
    assert_ne!(again.id, ann.id);
    assert_eq!(
        export(&app, &again).await["subscriptions"][0]["plan"],
        "free",
        "one trial, also after erasure"
    );
    app.finish().await;
}

#[tokio::test]
async fn the_banned_and_the_never_verified_can_be_erased() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    act(&app, &ann, AccountAction::Ban).await;
    erase(&app, &ann).await.expect("banned");
    let ben = app.newcomer("ben@acme.com").await;
    app.carried().await;
    erase(&app, &ben).await.expect("never verified");
    assert_eq!(
        app.call(&ben, Method::GET, "/user/profile", None).await.status,
        401,
        "the session went with it"
    );
    assert_eq!(count(&app, "select count(*) from accounts"), 0);
    app.finish().await;
}

// B5
#[tokio::test]
async fn the_last_owner_of_an_organization_with_others_in_it_is_not_erased() {
    let app = App::start().await;
    let (ann, ben) = (app.member("ann@acme.com").await, app.member("ben@acme.com").await);
    move_into(&app, &ben, &ann.organization, 254).await;
    act(&app, &ann, AccountAction::Deactivate).await;
    assert!(matches!(erase(&app, &ann).await, Err(EraseError::LastOwner)));
    assert_eq!(count(&app, "select count(*) from accounts"), 2);
    act(&app, &ben, AccountAction::Deactivate).await;
    erase(&app, &ben).await.expect("one who is no owner");
    let ben = app.member("ben@acme.com").await;
    move_into(&app, &ben, &ann.organization, 255).await;
    erase(&app, &ann).await.expect("there is another owner");
    assert_eq!(export(&app, &ben).await["organization"]["id"], json!(ann.organization), "it lives on");
    app.finish().await;
}

#[tokio::test]
async fn erasing_takes_a_yes_and_leaves_no_trace_in_the_file() {
    let place = Place::new();
    let server = place.serve(&[]);
    let email = "canary-of-ann@acme.example";
    let answer = server.post("/user/register", &registration(email)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let ann = Person::of(email, &answer);
    assert_eq!(place.run(&["account", "verify", email]).status, 0);
    let active = place.run(&["account", "erase", email, "--yes"]);
    assert_eq!((active.status, active.stderr.lines().count()), (1, 1), "{active:?}");
    assert!(active.stderr.contains("deactivate or ban it first"), "{}", active.stderr);
    assert_eq!(place.run(&["account", "deactivate", email]).status, 0);
    let unsure = place.run(&["account", "erase", email]);
    assert_eq!((unsure.status, unsure.stderr.lines().count()), (1, 1), "{unsure:?}");
    assert!(unsure.stderr.contains("--yes"), "{}", unsure.stderr);
    assert_eq!(place.json(&["account", "show", email])["state"], "deactivated");
    let erased = place.run(&["account", "erase", email, "--yes"]);
    assert_eq!(erased.status, 0, "{erased:?}");
    assert!(!erased.stdout.contains(email), "{}", erased.stdout);
    assert_eq!(place.run(&["account", "show", email]).status, 1);
    assert_eq!(place.json(&["audit", "--account", &ann.id])[0]["action"], "account.erased");
    server.stop().await;
    let trace = read(&place.database());
    assert!(trace.contains("account.erased"), "the log is in the file");
    assert!(!trace.to_lowercase().contains("canary-of-ann"), "and she is not");
    assert!(!place.path("latchkey.db-wal").exists(), "and there is no other file");
}

//! What calls cost: the check that gateways make of a key.

use latchkey::store::ledgers;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Person};
use crate::keys::make;

pub async fn verify(app: &App, body: Value) -> Answer {
    app.post("/keys/verify", &body).await
}

pub async fn key_of(app: &App, person: &Person) -> String {
    make(app, person, "/user/api-keys", json!({"name": "test"})).await.0
}

pub fn balance(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["balance"].as_i64().expect("a balance")
}

/// Spends so much that `left` is left.
pub async fn spend_down_to(app: &App, key: &str, left: i64) {
    let before = balance(&verify(app, json!({"key": key, "cost": 0})).await);
    let spent = verify(app, json!({"key": key, "cost": before - left})).await;
    assert_eq!(balance(&spent), left);
}

/// Kinds and deltas of a person's ledger, the oldest first; their sum is the balance and their numbers have no gaps.
pub fn lines(app: &App, person: &Person) -> Vec<(&'static str, i64)> {
    let organization = person.organization.parse().expect("an id");
    let (ledger, mut lines) = app
        .service
        .store
        .read(|tx| {
            Ok::<_, latchkey::store::Unavailable>((
                ledgers::find(tx, organization)?,
                ledgers::latest(tx, organization, 1_000)?,
            ))
        })
        .expect("the store");
    lines.reverse();
    let sum: i64 = lines.iter().map(|line| line.delta).sum();
    assert_eq!(sum, ledger.expect("a ledger").balance());
    let mut running = 0;
    for (number, line) in (1..).zip(&lines) {
        running += line.delta;
        assert_eq!((line.number, line.balance), (number, running));
        assert!(line.balance >= 0);
    }
    lines.iter().map(|line| (line.kind.as_str(), line.delta)).collect()
}

pub fn lines_or_none(app: &App, person: &Person) -> usize {
    let organization = person.organization.parse().expect("an id");
    app.service.store.read(|tx| ledgers::latest(tx, organization, 10)).expect("the store").len()
}

pub async fn forward(app: &App, key: &str, query: &str) -> Answer {
    app.send(app.request(Method::GET, &format!("/forward-auth{query}")).header("x-api-key", key)).await
}

#[tokio::test]
async fn a_check_tells_who_pays_and_debits() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    let answer = verify(&app, json!({"key": key, "cost": 5, "endpoint": "search"})).await;
    assert_eq!(balance(&answer), 1_995);
    let body = answer.json();
    assert_eq!((&body["valid"], &body["plan"]), (&json!(true), &json!("trial")));
    assert_eq!((&body["accountId"], &body["organizationId"]), (&json!(ann.id), &json!(ann.organization)));
    assert_eq!(balance(&verify(&app, json!({"key": key})).await), 1_994, "one token unless said otherwise");
    assert_eq!(balance(&verify(&app, json!({"key": key, "cost": 0})).await), 1_994);
    assert_eq!(lines(&app, &ann), [("grant", 2_000), ("debit", -5), ("debit", -1)]);
    let shared = make(&app, &ann, "/organization/api-keys", json!({"name": "all's"})).await.0;
    let answer = verify(&app, json!({"key": shared})).await;
    assert_eq!((balance(&answer), answer.json().get("accountId")), (1_993, None), "one purse for all keys");
    app.finish().await;
}

#[tokio::test]
async fn a_key_that_is_none_is_refused() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    let typo = if key.ends_with('x') { key.replace('x', "y") } else { format!("{}x", &key[..42]) };
    let stranger = latchkey::model::api_key::KeyText::of_bytes([7; 34]);
    for wrong in ["", "nonsense", &typo, stranger.as_str(), &key.to_uppercase(), &format!(" {key}")] {
        let answer = verify(&app, json!({"key": wrong})).await;
        assert_eq!(answer.status, 401, "{wrong}: {}", answer.text);
        assert!(answer.field("message").starts_with("A valid API key is required"), "{}", answer.text);
    }
    assert_eq!(lines_or_none(&app, &ann), 0);
    app.finish().await;
}

// G6
#[tokio::test]
async fn costs_that_are_none_are_faulty_input() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    for cost in [
        "-1",
        "1.5",
        "9223372036854775808",
        "1000000001",
        "1e3",
        "\"5\"",
        "true",
        "-9223372036854775808",
        "1e400",
    ] {
        let body = format!(r#"{{"key":"{key}","cost":{cost}}}"#);
        let answer = app.post_raw("/keys/verify", body).await;
        assert_eq!(answer.status, 400, "{cost}: {}", answer.text);
        assert!(!answer.text.contains(&key), "nothing that was sent comes back");
        let answer = forward(&app, &key, &format!("?cost={}", cost.trim_matches('"'))).await;
        if cost != "\"5\"" {
            assert_eq!(answer.status, 400, "{cost}: {}", answer.text);
        }
    }
    let rows = [
        (json!({}), "key is required"),
        (json!({"key": 5}), "key must be a string"),
        (json!({"key": key, "endpoint": "two words"}), "endpoint is malformed"),
        (json!({"key": key, "endpoint": ""}), "endpoint must not be empty"),
        (json!({"key": key, "idempotencyKey": "x".repeat(256)}), "idempotencyKey must be at most 255"),
        (json!({"key": key, "idempotencyKey": ""}), "idempotencyKey must not be empty"),
        (json!({"key": key, "idempotencyKey": "a\0b"}), "idempotencyKey must not contain control characters"),
    ];
    for (body, sentence) in rows {
        let answer = verify(&app, body).await;
        assert_eq!(answer.status, 400);
        assert!(answer.field("message").contains(sentence), "{}", answer.text);
    }
    app.finish().await;
}

#[tokio::test]
async fn who_has_too_little_is_told_what_is_missing() {
    let upgrade = "https://shop.example/upgrade";
    let app = App::start_with(|settings| settings.upgrade_url = Some(upgrade.to_owned())).await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    spend_down_to(&app, &key, 3).await;
    let answer = verify(&app, json!({"key": key, "cost": 4})).await;
    assert_eq!(answer.status, 402);
    assert_eq!(
        answer.json(),
        json!({
            "message": "Insufficient token balance for this call.",
            "current_balance": 3,
            "required_cost": 4,
            "next_refill_at": "2026-04-01T12:00:00Z",
            "plan": "trial",
            "upgrade_url": upgrade
        })
    );
    assert_eq!(balance(&verify(&app, json!({"key": key, "cost": 3})).await), 0);
    assert_eq!(verify(&app, json!({"key": key})).await.status, 402);
    assert_eq!(balance(&verify(&app, json!({"key": key, "cost": 0})).await), 0, "what is free is free");
    app.finish().await;
}

#[tokio::test]
async fn a_limited_key_is_good_for_its_endpoints_alone() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let body = json!({"name": "limited", "endpoints": ["search", "v1/get"]});
    let (key, _) = make(&app, &ann, "/user/api-keys", body).await;
    for (endpoint, status) in
        [(json!("search"), 200), (json!("v1/get"), 200), (json!("admin"), 403), (Value::Null, 403)]
    {
        let answer = verify(&app, json!({"key": key, "endpoint": endpoint})).await;
        assert_eq!(answer.status, status, "{endpoint}: {}", answer.text);
    }
    assert_eq!(forward(&app, &key, "").await.status, 403);
    assert_eq!(forward(&app, &key, "?endpoint=search").await.status, 200);
    assert_eq!(lines(&app, &ann).len(), 4, "a refusal debits nothing");
    app.finish().await;
}

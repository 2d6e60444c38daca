//! What calls cost: the check that gateways make, the ledger behind it, rates, races, crashes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use latchkey::model::ledger::EntryKind;
use latchkey::model::time::{DAY, Millis};
use latchkey::service::operator::AccountName;
use latchkey::store::ledgers;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::{Answer, App, Person, registration, until};
use crate::crowd::crowd;
use crate::keys::make;
use crate::process::{Place, Process};

async fn verify(app: &App, body: Value) -> Answer {
    app.post("/keys/verify", &body).await
}

async fn key_of(app: &App, person: &Person) -> String {
    make(app, person, "/user/api-keys", json!({"name": "test"})).await.0
}

fn balance(answer: &Answer) -> i64 {
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["balance"].as_i64().expect("a balance")
}

/// What the operator's command does, with this clock.
async fn credit(app: &App, person: &Person, tokens: i64) {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    app.service.credit(&member, tokens, "a test").await.expect("credited");
}

/// Spends so much that `left` is left.
async fn spend_down_to(app: &App, key: &str, left: i64) {
    let before = balance(&verify(app, json!({"key": key, "cost": 0})).await);
    let spent = verify(app, json!({"key": key, "cost": before - left})).await;
    assert_eq!(balance(&spent), left);
}

/// Kinds and deltas of a person's ledger, the oldest first; their sum is the balance and their numbers have no gaps.
fn lines(app: &App, person: &Person) -> Vec<(&'static str, i64)> {
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

fn lines_or_none(app: &App, person: &Person) -> usize {
    let organization = person.organization.parse().expect("an id");
    app.service.store.read(|tx| ledgers::latest(tx, organization, 10)).expect("the store").len()
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

// G2
#[tokio::test]
async fn of_many_debits_at_once_exactly_as_many_succeed_as_there_are_tokens() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    spend_down_to(&app, &key, 25).await;
    let (app, answers) = crowd(app, 60, |app, _| {
        let key = key.clone();
        async move { verify(&app, json!({"key": key})).await }
    })
    .await;
    let paid = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 402).count();
    assert_eq!((paid, refused), (25, 35));
    let balances: HashSet<i64> = answers.iter().filter(|a| a.status == 200).map(balance).collect();
    assert_eq!(balances.len(), 25, "each saw a balance of its own");
    assert_eq!(lines(&app, &ann).len(), 27);
    app.finish().await;
}

// G3
#[tokio::test]
async fn asking_again_with_an_idempotency_key_debits_nothing_again() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    let body = json!({"key": key, "cost": 7, "endpoint": "search", "idempotencyKey": "call-1"});
    let (app, answers) = crowd(app, 20, |app, _| {
        let body = body.clone();
        async move { verify(&app, body).await }
    })
    .await;
    assert!(answers.iter().all(|answer| balance(answer) == 1_993));
    assert_eq!(lines(&app, &ann), [("grant", 2_000), ("debit", -7)]);
    for other in [
        json!({"key": key, "cost": 8, "endpoint": "search", "idempotencyKey": "call-1"}),
        json!({"key": key, "cost": 7, "idempotencyKey": "call-1"}),
    ] {
        let answer = verify(&app, other).await;
        assert_eq!(answer.status, 409, "{}", answer.text);
    }
    let eve = app.member("eve@evil.example").await;
    let hers = key_of(&app, &eve).await;
    let answer = verify(&app, json!({"key": hers, "cost": 7, "idempotencyKey": "call-1"})).await;
    assert_eq!(balance(&answer), 1_993, "another organization's keys are its own");
    app.advance(8 * DAY);
    app.sweep().await;
    assert_eq!(balance(&verify(&app, body).await), 1_986, "forgotten after a week");
    app.finish().await;
}

#[tokio::test]
async fn the_month_is_refilled_when_it_begins_and_credits_stay() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let name = AccountName::Id(ann.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    app.service.assign_plan(&member, "paid", None).await.expect("a plan");
    let key = key_of(&app, &ann).await;
    credit(&app, &ann, 500).await;
    assert_eq!(
        balance(&verify(&app, json!({"key": key, "cost": 200_100})).await),
        400,
        "the month's tokens go first"
    );
    app.advance(Duration::from_secs(31 * DAY.as_secs()) - Duration::from_secs(5));
    assert_eq!(balance(&verify(&app, json!({"key": key, "cost": 0})).await), 400);
    app.advance(Duration::from_secs(10));
    assert_eq!(
        balance(&verify(&app, json!({"key": key, "cost": 0})).await),
        200_400,
        "before anything is written"
    );
    assert_eq!(balance(&verify(&app, json!({"key": key, "cost": 400})).await), 200_000);
    app.advance(Duration::from_secs(31 * DAY.as_secs()));
    assert_eq!(balance(&verify(&app, json!({"key": key})).await), 200_399);
    assert_eq!(
        lines(&app, &ann),
        [
            ("grant", 2_000),
            ("expiry", -2_000),
            ("grant", 200_000),
            ("credit", 500),
            ("debit", -200_100),
            ("grant", 200_000),
            ("debit", -400),
            ("expiry", -199_600),
            ("grant", 200_000),
            ("debit", -1)
        ]
    );
    app.finish().await;
}

// G5: starting a free plan again and again gains nothing
#[tokio::test]
async fn tokens_cannot_be_farmed_by_starting_plans() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    spend_down_to(&app, &key, 10).await;
    for left in [10, 0, 0] {
        let body = json!({"subscriptionPeriodId": "000000000000000000000101"});
        assert_eq!(app.call(&ann, Method::POST, "/subscriptions/buy", Some(&body)).await.status, 200);
        assert_eq!(balance(&verify(&app, json!({"key": key, "cost": 0})).await), left);
        assert_eq!(app.call(&ann, Method::POST, "/subscriptions/cancel", None).await.status, 200);
        let answer = verify(&app, json!({"key": key})).await;
        assert_eq!(answer.status, 402, "without a plan in force the month is void: {}", answer.text);
        let told = (answer.json()["plan"].clone(), answer.json().get("next_refill_at").cloned());
        assert_eq!(told, (json!("none"), None));
    }
    credit(&app, &ann, 1).await;
    assert_eq!(
        balance(&verify(&app, json!({"key": key})).await),
        0,
        "what was credited is there all the same"
    );
    let kinds: Vec<_> =
        lines(&app, &ann).into_iter().filter(|(kind, _)| *kind == EntryKind::Grant.as_str()).collect();
    assert_eq!(kinds, [("grant", 2_000)]);
    app.finish().await;
}

#[tokio::test]
async fn a_plan_bounds_the_calls_a_minute_over_all_keys() {
    let app = App::start_with(|settings| settings.rate_limits = Some("on".to_owned())).await;
    let ann = app.member("ann@acme.example").await;
    let (one, two) = (key_of(&app, &ann).await, key_of(&app, &ann).await);
    let first = verify(&app, json!({"key": one, "cost": 0})).await;
    let told = |answer: &Answer| {
        ["x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset"]
            .map(|name| answer.header(name).to_owned())
    };
    assert_eq!(told(&first), ["60", "59", "1772366401"]);
    for _ in 0..59 {
        assert_eq!(verify(&app, json!({"key": two, "cost": 0})).await.status, 200);
    }
    let refused = verify(&app, json!({"key": one})).await;
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(told(&refused), ["60", "0", "1772366460"]);
    assert_eq!(forward(&app, &two, "").await.status, 429);
    let as_403 = forward(&app, &two, "?deny=403").await;
    assert_eq!((as_403.status, as_403.header("x-latchkey-status")), (403, "429"));
    app.advance(Duration::from_secs(1));
    assert_eq!(verify(&app, json!({"key": one})).await.status, 200);
    app.finish().await;
}

// H2: who shows wrong keys is slowed down, and nobody else with them
#[tokio::test]
async fn wrong_keys_are_counted_by_network_and_good_ones_are_not() {
    let app = App::start_with(|settings| settings.rate_limits = Some("on".to_owned())).await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    let mut statuses = Vec::new();
    for _ in 0..70 {
        statuses.push(verify(&app, json!({"key": "lk_wrong"})).await.status);
    }
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 60);
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 10);
    assert_eq!(verify(&app, json!({"key": key})).await.status, 200);
    app.finish().await;
}

async fn forward(app: &App, key: &str, query: &str) -> Answer {
    app.send(app.request(Method::GET, &format!("/forward-auth{query}")).header("x-api-key", key)).await
}

#[tokio::test]
async fn a_proxy_learns_who_pays_from_headers() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    let answer = forward(&app, &key, "?cost=5&endpoint=search").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let told = ["x-account-id", "x-org-id", "x-plan", "x-balance"].map(|name| answer.header(name));
    assert_eq!(told, [ann.id.as_str(), &ann.organization, "trial", "1995"]);
    let as_bearer = app.send(app.request(Method::POST, "/forward-auth").bearer_auth(&key)).await;
    assert_eq!(
        (as_bearer.status, as_bearer.header("x-balance")),
        (200, "1994"),
        "one token unless said otherwise"
    );
    // What the client says of the price is not heard.
    let forged = app
        .request(Method::GET, "/forward-auth?cost=5")
        .header("x-api-key", &key)
        .header("x-cost", "0")
        .header("cost", "0");
    assert_eq!(app.send(forged).await.header("x-balance"), "1989");
    let session = app.send(app.request(Method::GET, "/forward-auth?cost=5").bearer_auth(&ann.access)).await;
    assert_eq!((session.status, session.header("x-balance")), (200, "1989"), "a session never pays");
    app.finish().await;
}

#[tokio::test]
async fn a_proxy_is_told_no_in_the_ways_it_knows() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    let nothing = app.get("/forward-auth").await;
    assert_eq!((nothing.status, nothing.header("www-authenticate")), (401, "Bearer"));
    for wrong in ["nonsense", ann.refresh.as_str(), "lk_nonsense"] {
        let answer = app.send(app.request(Method::GET, "/forward-auth").bearer_auth(wrong)).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    let two = app.request(Method::GET, "/forward-auth").header("x-api-key", &key).header("x-api-key", &key);
    assert_eq!(app.send(two).await.status, 401, "two keys are none");
    assert_eq!(forward(&app, &key, "?cost=5000").await.status, 402);
    let as_403 = forward(&app, &key, "?cost=5000&deny=403").await;
    assert_eq!((as_403.status, as_403.header("x-latchkey-status")), (403, "402"));
    assert_eq!(as_403.json()["required_cost"], 5_000);
    let still_401 = forward(&app, "wrong", "?deny=403").await;
    assert_eq!(still_401.status, 401);
    for query in ["?deny=500", "?endpoint=two%20words", "?cost=x"] {
        assert_eq!(forward(&app, &key, query).await.status, 400, "{query}");
    }
    let newcomer = app.newcomer("new@other.example").await;
    let answer = app.send(app.request(Method::GET, "/forward-auth").bearer_auth(&newcomer.access)).await;
    assert_eq!(answer.status, 401, "an address that is not proved lets nobody through");
    assert_eq!(lines_or_none(&app, &ann), 0);
    app.finish().await;
}

/// Debits one token after the other until the server is gone; counts those that were acknowledged.
async fn debit_until_gone(server: Arc<Process>, key: String, acknowledged: Arc<AtomicI64>) {
    loop {
        let request = server.request(Method::POST, "/keys/verify").json(&json!({"key": key}));
        match request.send().await {
            Ok(answer) if answer.status() == 200 => acknowledged.fetch_add(1, Ordering::SeqCst),
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => return,
        };
    }
}

// G4
#[tokio::test]
async fn a_kill_in_a_storm_of_debits_loses_none_that_was_acknowledged_and_invents_none() {
    const CALLERS: i64 = 8;
    let place = Place::new();
    let server = place.serve(&[]);
    let email = "ann@acme.example";
    let ann = Person::of(email, &server.post("/user/register", &registration(email)).await);
    assert_eq!(place.run(&["account", "verify", email]).status, 0);
    place.json(&["account", "credit", email, "1000000", "--reason", "a storm"]);
    let request =
        server.request(Method::POST, "/user/api-keys").bearer_auth(&ann.access).json(&json!({"name": "a"}));
    let key = server.send(request).await.field("key");
    let before = balance(&server.post("/keys/verify", &json!({"key": key})).await);
    let server = Arc::new(server);
    let acknowledged = Arc::new(AtomicI64::new(0));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(debit_until_gone(Arc::clone(&server), key.clone(), Arc::clone(&acknowledged)));
    }
    until("some debits are through", || acknowledged.load(Ordering::SeqCst) > 200).await;
    let killed = std::process::Command::new("kill").args(["-9", &server.id().to_string()]).status();
    assert!(killed.expect("a command").success());
    callers.join_all().await;
    let acknowledged = acknowledged.load(Ordering::SeqCst);
    drop(server);
    let server = place.serve(&[]);
    let after = balance(&server.post("/keys/verify", &json!({"key": key, "cost": 0})).await);
    let debited = before - after;
    // One a caller may have been on disk before the answer left.
    assert!(
        (acknowledged..=acknowledged + CALLERS).contains(&debited),
        "{acknowledged} acknowledged, {debited} debited"
    );
    server.stop().await;
}

#[tokio::test]
async fn tokens_are_credited_by_command() {
    let place = Place::new();
    let server = place.serve(&[]);
    let email = "ann@acme.example";
    server.post("/user/register", &registration(email)).await;
    let credited = place.json(&["account", "credit", email, "250", "--reason", "sorry for the outage"]);
    assert_eq!((&credited["credited"], &credited["balance"]), (&json!(250), &json!(2_250)));
    for wrong in [["0", "x"], ["-5", "x"], ["9223372036854775807", "x"], ["1.5", "x"]] {
        assert_eq!(
            place.run(&["account", "credit", email, wrong[0], "--reason", wrong[1]]).status,
            2,
            "{wrong:?}"
        );
    }
    assert_eq!(place.run(&["account", "credit", email, "5", "--reason", " "]).status, 1);
    assert_eq!(place.run(&["account", "credit", "nobody@acme.example", "5", "--reason", "x"]).status, 1);
    let most = place.run(&["account", "credit", email, "1000000000000", "--reason", "x"]);
    assert_eq!(most.status, 1, "the bound holds for what is there already");
    let entries = place.json(&["audit"]);
    let words: Vec<_> = entries.as_array().expect("entries").iter().map(|entry| &entry["action"]).collect();
    assert!(words.contains(&&json!("tokens.credited")), "{words:?}");
    server.stop().await;
}

#[test]
fn the_clock_of_these_tests_is_at_noon() {
    assert_eq!(crate::app::START, Millis::parse_date("2026-03-01T12:00:00Z").expect("a moment"));
}

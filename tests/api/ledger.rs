//! The purse behind the keys: months, credits, races, crashes.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use latchkey::model::ledger::EntryKind;
use latchkey::model::time::{DAY, Millis};
use latchkey::service::operator::AccountName;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;

use crate::app::{App, Person, registration, until};
use crate::crowd::crowd;
use crate::metering::{balance, key_of, lines, spend_down_to, verify};
use crate::process::{Place, Process};

/// What the operator's command does, with this clock.
async fn credit(app: &App, person: &Person, tokens: i64) {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    app.service.credit(&member, tokens, "a test").await.expect("credited");
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
    let second = key_of(&app, &ann).await;
    let answer = verify(&app, json!({"key": second, "cost": 8, "idempotencyKey": "call-1"})).await;
    assert_eq!(balance(&answer), 1_985, "and so are those of another key of the same organization");
    app.advance(8 * DAY);
    app.sweep().await;
    assert_eq!(balance(&verify(&app, body).await), 1_978, "forgotten after a week");
    app.finish().await;
}

// G3: a debit that was refused uses its idempotency key for nothing
#[tokio::test]
async fn a_refused_debit_leaves_its_idempotency_key_free() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let key = key_of(&app, &ann).await;
    spend_down_to(&app, &key, 3).await;
    let body = json!({"key": key, "cost": 5, "idempotencyKey": "call-1"});
    assert_eq!(verify(&app, body.clone()).await.status, 402);
    credit(&app, &ann, 2).await;
    assert_eq!(balance(&verify(&app, body.clone()).await), 0);
    assert_eq!(balance(&verify(&app, body).await), 0, "once");
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

// G6: a month that is not over is worth nothing once its plan is
#[tokio::test]
async fn a_debit_spends_by_the_plan_that_is_in_force_and_by_no_other() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let name = AccountName::Id(ann.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    let key = key_of(&app, &ann).await;
    assert_eq!(balance(&verify(&app, json!({"key": key})).await), 1_999);
    credit(&app, &ann, 5).await;
    app.advance(15 * DAY);
    let spent = verify(&app, json!({"key": key, "cost": 6})).await;
    assert_eq!(spent.status, 402, "the trial has ended, its month has not: {}", spent.text);
    assert_eq!(balance(&verify(&app, json!({"key": key})).await), 4);
    app.service.assign_plan(&member, "paid", None).await.expect("a plan");
    assert_eq!(balance(&verify(&app, json!({"key": key})).await), 200_003, "at the next debit");
    assert_eq!(
        lines(&app, &ann),
        [
            ("grant", 2_000),
            ("debit", -1),
            ("credit", 5),
            ("expiry", -1_999),
            ("debit", -1),
            ("grant", 200_000),
            ("debit", -1)
        ]
    );
    app.advance(DAY);
    app.service.assign_plan(&member, "free", None).await.expect("a plan");
    assert_eq!(balance(&verify(&app, json!({"key": key})).await), 2_003, "a plan in place of one in force");
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

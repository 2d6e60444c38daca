//! What of a plan is used, whose plan it is, and what the operator may give.

use latchkey::model::organization::Role;
use latchkey::store::subscriptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person, registration};
use crate::colleague::colleague;
use crate::process::Place;

async fn data(app: &App, person: &Person) -> Value {
    let answer = app.call(person, Method::GET, "/subscriptions/my", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

/// Code, current, max and percentage of every capability.
async fn usage(app: &App, person: &Person) -> Vec<(String, i64, i64, i64)> {
    let answer = app.call(person, Method::GET, "/user/quota", None).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let items = answer.json()["quotaUsage"].as_array().cloned().expect("an array");
    let number = |value: &Value| value.as_i64().expect("a number");
    items
        .iter()
        .map(|item| {
            let (code, usage) = (item["capability"]["code"].as_str().expect("a code"), &item["usage"]);
            let (current, max) = (number(&usage["current"]), number(&usage["max"]));
            (code.to_owned(), current, max, number(&usage["percentage"]))
        })
        .collect()
}

#[tokio::test]
async fn users_and_sessions_count_toward_the_quota() {
    let app = App::start().await;
    // The sign-up opened a session, the proof another.
    let ann = app.member("ann@acme.example").await;
    let row = |code: &str, current, max, share| (code.to_owned(), current, max, share);
    assert_eq!(
        usage(&app, &ann).await,
        [
            row("USERS", 1, 10, 10),
            row("SESSIONS", 2, 5, 40),
            row("API_KEYS", 0, 2, 0),
            row("TOKENS", 0, 2000, 0)
        ]
    );
    let bob = colleague(&app, &ann, "bob@mates.example", Role::User).await;
    let eve = colleague(&app, &ann, "eve@mates.example", Role::User).await;
    assert_eq!(app.login(&ann.email, PASSWORD).await.status, 200);
    assert_eq!(usage(&app, &ann).await[..2], [row("USERS", 3, 10, 30), row("SESSIONS", 3, 5, 60)]);
    assert_eq!(usage(&app, &bob).await[..2], [row("USERS", 3, 10, 30), row("SESSIONS", 2, 5, 40)]);
    let gone = app.call(&ann, Method::DELETE, &format!("/organization/users/{}", eve.id), None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert_eq!(usage(&app, &ann).await[0], row("USERS", 2, 10, 20), "who was taken out counts no more");
    let first = app.call(&ann, Method::GET, "/user/quota", None).await.json();
    assert_eq!(
        first["subscription"],
        json!({"id": "trial", "name": "Trial", "description": "Everything for 14 days"})
    );
    assert_eq!(
        first["quotaUsage"][0]["capability"],
        json!({"id": "000000000000000000001201", "code": "USERS", "description": "Users of the organization",
            "type": "LIMIT", "periodType": "ALL_TIME"})
    );
    app.finish().await;
}

// G1, B6
#[tokio::test]
async fn whose_plan_it_is_comes_from_the_session_alone() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let eve = app.member("eve@evil.example").await;
    let before = data(&app, &ann).await;
    let organization = ann.organization.parse().expect("an id");
    let found = app.service.store.read(|tx| subscriptions::latest(tx, organization)).expect("the store");
    let hers = found.expect("a subscription").id.to_string();
    for id in [&hers, &ann.organization, &ann.id] {
        let body = json!({"subscriptionPeriodId": id});
        let answer = app.call(&eve, Method::POST, "/subscriptions/buy", Some(&body)).await;
        assert_eq!(answer.refusal(), (404, "SUBSCRIPTION_PERIOD_NOT_FOUND".to_owned()));
    }
    let wishes = json!({"subscriptionPeriodId": "000000000000000000000101", "orgId": ann.organization,
        "organizationId": ann.organization, "userId": ann.id, "plan": "paid", "planId": "paid", "price": 0,
        "status": "ACTIVE", "dateTo": "2099-01-01T00:00:00Z", "autoRenew": true, "credits": 1_000_000});
    let answer = app.call(&eve, Method::POST, "/subscriptions/buy", Some(&wishes)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let eves = data(&app, &eve).await;
    assert_eq!(
        [&eves["id"], &eves["dateTo"], &eves["autoRenew"]].map(Clone::clone),
        [json!("free"), json!(null), json!(false)]
    );
    let cancel = json!({"orgId": ann.organization, "subscriptionId": hers, "id": hers});
    let path = format!("/subscriptions/cancel?orgId={}", ann.organization);
    assert_eq!(app.call(&eve, Method::POST, &path, Some(&cancel)).await.status, 200);
    assert_eq!(data(&app, &ann).await, before);
    app.finish().await;
}

#[tokio::test]
async fn a_second_trial_of_a_mailbox_becomes_the_free_plan_with_its_period() {
    let app = App::start().await;
    let first = app.newcomer("ann+one@gmail.com").await;
    let second = app.newcomer("ann+two@gmail.com").await;
    for person in [&first, &second] {
        assert_eq!(data(&app, person).await["id"], "trial", "nothing is proved yet");
        let token = app.letter(&person.email, "verify").await.token();
        assert_eq!(app.post("/user/verify-email", &json!({"token": token})).await.status, 200);
    }
    assert_eq!(data(&app, &first).await["id"], "trial");
    let free = data(&app, &second).await;
    assert_eq!(
        [&free["id"], &free["periodId"], &free["dateTo"]].map(Clone::clone),
        [json!("free"), json!("000000000000000000000101"), json!(null)]
    );
    app.finish().await;
}

#[tokio::test]
async fn the_operator_gives_plans_beside_a_running_server() {
    let place = Place::new();
    let server = place.serve(&[]);
    let answer = server.post("/user/register", &registration("ann@acme.example")).await;
    let ann = Person::of("ann@acme.example", &answer);
    let mine = async || {
        let request = server.request(Method::GET, "/subscriptions/my").bearer_auth(&ann.access);
        server.send(request).await.json()["data"].clone()
    };
    let summary = |data: Value| ["id", "status", "dateTo", "autoRenew"].map(|key| data[key].clone());
    let given = place.json(&["account", "subscribe", "ann@acme.example", "paid", "--until", "2099-01-31"]);
    assert_eq!((&given["plan"], &given["until"]), (&json!("paid"), &json!("2099-01-31T00:00:00Z")));
    let paid = [json!("paid"), json!("ACTIVE"), json!("2099-01-31T00:00:00Z"), json!(false)];
    assert_eq!(summary(mine().await), paid);
    let refused: &[(&str, &[&str])] = &[
        ("an unknown plan", &["gold"]),
        ("a day that is none", &["paid", "--until", "2099-02-30"]),
        ("no date", &["paid", "--until", "soon"]),
        ("a moment without a zone", &["paid", "--until", "2099-01-31T10:00:00"]),
        ("the past", &["paid", "--until", "2020-01-31"]),
    ];
    for (what, arguments) in refused {
        let ended = place.run(&[&["account", "subscribe", &ann.id], *arguments].concat());
        assert_eq!((ended.status, ended.stderr.lines().count()), (1, 1), "{what}: {ended:?}");
        assert_eq!(summary(mine().await), paid, "{what}");
    }
    assert_eq!(place.run(&["account", "subscribe", "nobody@acme.example", "paid"]).status, 1);
    assert_eq!(place.run(&["account", "subscribe"]).status, 2);
    let moment = ["account", "subscribe", &ann.id, "paid", "--until", "2099-01-31T10:00:00+02:00"];
    assert_eq!(place.json(&moment)["until"], "2099-01-31T08:00:00Z");
    let endless = place.json(&["account", "subscribe", &ann.id, "free"]);
    assert_eq!((&endless["state"], &endless["until"]), (&json!("ACTIVE"), &json!(null)));
    assert_eq!(summary(mine().await), [json!("free"), json!("ACTIVE"), json!(null), json!(false)]);
    let trial = place.json(&["account", "subscribe", &ann.id, "trial"]);
    assert_eq!((&trial["state"], trial["until"].is_string()), (&json!("TRIALING"), true));
    server.stop().await;
}

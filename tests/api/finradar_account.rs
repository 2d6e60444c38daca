//! FinRadar's user and account: one key, one purse, what was spent.

use latchkey::model::time::DAY;
use latchkey::service::operator::AccountName;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::invites::{code, register, token};
use crate::keys::make;

const USER: &str = "/finradar/api/v1/user/";
const BALANCE: &str = "/finradar/api/v1/account/balance";
const PASSWORD: &str = "simple words";

/// Somebody who came in through this contract.
struct Customer {
    email: String,
    token: String,
    key: String,
}

async fn customer(app: &App, email: &str) -> Customer {
    let (_, code) = code(app, 1).await;
    let answer = register(app, email, &token(app, &code).await).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Addresses are kept in lower case, and mailed to so.
    let email = &email.to_lowercase();
    let welcome = app.letter(email, "welcome").await;
    let text = welcome.0["text"].as_str().expect("a text");
    let key = text.split_whitespace().find(|word| word.starts_with("lk_")).expect("a key").to_owned();
    let link = app.letter(email, "verify").await.token();
    assert_eq!(app.submit("/verify-email", &[("token", &link)]).await.status, 200);
    Customer { email: email.to_owned(), token: log_in(app, email).await, key }
}

async fn log_in(app: &App, email: &str) -> String {
    let answer =
        app.post("/finradar/api/v1/auth/login", &json!({"email": email, "password": PASSWORD})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.field("token")
}

async fn get(app: &App, customer: &Customer, path: &str) -> Answer {
    app.send(app.request(Method::GET, path).bearer_auth(&customer.token)).await
}

async fn with_key(app: &App, key: &str, path: &str) -> Answer {
    app.send(app.request(Method::GET, path).header("x-api-key", key)).await
}

async fn spend(app: &App, key: &str, cost: i64, endpoint: &str) {
    let answer = app.post("/keys/verify", &json!({"key": key, "cost": cost, "endpoint": endpoint})).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

async fn assign(app: &App, customer: &Customer, plan: &str) {
    let email = latchkey::model::email::EmailAddress::parse(&customer.email).expect("an address");
    let member =
        app.service.find_account(&AccountName::Email(email)).expect("the store").expect("an account");
    app.service.assign_plan(&member, plan, None).await.expect("a plan");
}

#[tokio::test]
async fn the_user_is_shown_with_one_masked_key() {
    let app = App::start().await;
    let ann = customer(&app, "ann@acme.example").await;
    let answer = get(&app, &ann, USER).await;
    let user = answer.json()["user"].clone();
    let masked = format!("{}…{}", &ann.key[..7], &ann.key[41..]);
    let expected = json!({
        "uuid": user["uuid"],
        "email": "ann@acme.example",
        "usertype": "user",
        "api_key": masked,
        "verify_email": true,
        "credit_balance": 2000,
        "plan": "free",
        "webhook_url": "",
        "notify_email": true,
        "notify_browser": false
    });
    assert_eq!(user, expected);
    assert_eq!(get(&app, &ann, "/finradar/api/v1/user").await.text, answer.text, "both spellings are served");
    assert_eq!(app.get(USER).await.status, 401);
    let shouting = customer(&app, "Bob.Doe@Acme.Example").await;
    assert_eq!(get(&app, &shouting, USER).await.json()["user"]["email"], "bob.doe@acme.example");
    app.finish().await;
}

// G1
#[tokio::test]
async fn what_may_be_changed_is_changed_and_nothing_else() {
    let app = App::start().await;
    let ann = customer(&app, "ann@acme.example").await;
    let put = async |body: Value| {
        app.send(app.request(Method::PUT, USER).bearer_auth(&ann.token).json(&body)).await
    };
    let before = get(&app, &ann, USER).await.json()["user"].clone();
    let wishes = json!({"plan": "pro", "credit_balance": 9, "usertype": "admin", "email": "x@y.org", "verify_email": false, "uuid": "x"});
    let changed = put(wishes).await;
    assert_eq!((changed.status, &changed.json()["user"]), (200, &before));
    let changed = put(json!({"webhook_url": "https://acme.example/hook", "notify_email": false})).await;
    let user = changed.json()["user"].clone();
    assert_eq!(
        (&user["webhook_url"], &user["notify_email"], &user["notify_browser"]),
        (&json!("https://acme.example/hook"), &json!(false), &json!(false))
    );
    assert_eq!(
        put(json!({"webhook_url": "", "notify_browser": true})).await.json()["user"]["webhook_url"],
        ""
    );
    for wrong in [
        json!({"webhook_url": "http://acme.example"}),
        json!({"webhook_url": "https://user:pw@acme.example"}),
        json!({"webhook_url": format!("https://acme.example/{}", "x".repeat(512))}),
        json!({"webhook_url": 5}),
        json!({"notify_email": "yes"}),
    ] {
        let answer = put(wrong.clone()).await;
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.text);
    }
    let after = get(&app, &ann, USER).await.json()["user"].clone();
    assert_eq!(
        (&after["notify_email"], &after["notify_browser"]),
        (&json!(false), &json!(true)),
        "faulty input changes nothing"
    );
    app.finish().await;
}

// D2
#[tokio::test]
async fn a_rotation_kills_the_old_key_at_once() {
    let app = App::start().await;
    let ann = customer(&app, "ann@acme.example").await;
    assert_eq!(with_key(&app, &ann.key, BALANCE).await.status, 200);
    let rotated =
        app.send(app.request(Method::POST, "/finradar/api/v1/user/api-key").bearer_auth(&ann.token)).await;
    assert_eq!(rotated.status, 200, "{}", rotated.text);
    let fresh = rotated.field("api_key");
    assert_eq!(with_key(&app, &ann.key, BALANCE).await.status, 401);
    assert_eq!(with_key(&app, &fresh, BALANCE).await.status, 200);
    let shown = get(&app, &ann, USER).await.json()["user"]["api_key"].clone();
    assert_eq!(shown, format!("{}…{}", &fresh[..7], &fresh[41..]));
    // A person's session rotates; a key does not.
    let by_key = app.request(Method::POST, "/finradar/api/v1/user/api-key").header("x-api-key", &fresh);
    assert_eq!(app.send(by_key).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn a_balance_is_shown_to_a_session_and_to_a_key() {
    let app = App::start().await;
    let ann = customer(&app, "ann@acme.example").await;
    let free = json!({
        "current_balance": 2000,
        "plan": "free",
        "monthly_quota": 2000,
        "days_until_refill": 31,
        "suspended": false,
        "billing_cycle_end": "2026-04-01T12:00:00Z"
    });
    assert_eq!(get(&app, &ann, BALANCE).await.json(), free);
    assert_eq!(with_key(&app, &ann.key, BALANCE).await.json(), free);
    let in_query = app.get(&format!("{BALANCE}?apiKey={}", ann.key)).await;
    assert_eq!(in_query.json(), free);
    assert_eq!(in_query.header("x-ratelimit-limit"), "60");
    for (path, key) in [(BALANCE, "lk_wrong"), (BALANCE, "")] {
        let answer = with_key(&app, key, path).await;
        assert_eq!(answer.status, 401);
        assert!(answer.field("message").contains("API key"), "{}", answer.text);
    }
    assert_eq!(app.get(BALANCE).await.status, 401);
    spend(&app, &ann.key, 500, "search").await;
    assign(&app, &ann, "paid").await;
    let paid = get(&app, &ann, BALANCE).await.json();
    assert_eq!(
        (&paid["current_balance"], &paid["plan"], &paid["monthly_quota"]),
        (&json!(200_000), &json!("paid"), &json!(200_000))
    );
    assert_eq!(get(&app, &ann, USER).await.json()["user"]["plan"], "monthly");
    app.finish().await;
}

// B5: the purse is no endpoint that a key can be limited to
#[tokio::test]
async fn a_limited_key_does_not_see_the_purse() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let body = json!({"name": "limited", "endpoints": ["search", "balance"]});
    let (key, _) = make(&app, &ann, "/user/api-keys", body).await;
    for what in ["balance", "transactions", "usage"] {
        let answer = with_key(&app, &key, &format!("/finradar/api/v1/account/{what}")).await;
        let sentence = json!({"message": "This API key may only be used for certain endpoints."});
        assert_eq!((answer.status, answer.json()), (403, sentence), "{what}");
        assert_eq!(answer.header("x-ratelimit-limit"), "60", "{what}");
    }
    spend(&app, &key, 1, "search").await;
    app.finish().await;
}

#[tokio::test]
async fn who_has_no_plan_in_force_is_suspended() {
    let app = App::start().await;
    let ann = customer(&app, "ann@acme.example").await;
    let session = app.login(&ann.email, PASSWORD).await;
    let cancel = app.request(Method::POST, "/subscriptions/cancel").bearer_auth(session.field("accessToken"));
    assert_eq!(app.send(cancel).await.status, 200);
    let balance = get(&app, &ann, BALANCE).await.json();
    assert_eq!(
        balance,
        json!({
            "current_balance": 0,
            "plan": "free",
            "monthly_quota": 0,
            "days_until_refill": null,
            "suspended": true,
            "billing_cycle_end": null
        })
    );
    app.finish().await;
}

#[tokio::test]
async fn transactions_are_listed_newest_first() {
    let app = App::start().await;
    let ann = customer(&app, "ann@acme.example").await;
    let list = async |query: &str| {
        let answer = get(&app, &ann, &format!("/finradar/api/v1/account/transactions{query}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["transactions"].as_array().cloned().expect("an array")
    };
    let first = list("").await;
    assert_eq!(first.len(), 1, "the grant of the month is there before anything is spent");
    assert_eq!(
        (&first[0]["delta"], &first[0]["metadata"]["kind"], &first[0]["endpoint"]),
        (&json!(2000), &json!("grant"), &json!(""))
    );
    for cost in 1..=60 {
        spend(&app, &ann.key, cost, "search").await;
    }
    let latest = list("").await;
    assert_eq!(latest.len(), 50);
    assert_eq!((&latest[0]["delta"], &latest[0]["endpoint"]), (&json!(-60), &json!("search")));
    assert_eq!(latest[0]["created_at"], "2026-03-01T12:00:00Z");
    assert_eq!(latest[0]["metadata"]["request_id"].as_str().map(str::len), Some(16));
    assert_eq!(latest[1]["delta"], -59);
    for (query, count) in [
        ("?limit=3", 3),
        ("?limit=0", 1),
        ("?limit=-9", 1),
        ("?limit=500", 61),
        ("?limit=many", 50),
        ("?limit=", 50),
    ] {
        assert_eq!(list(query).await.len(), count, "{query}");
    }
    app.finish().await;
}

#[tokio::test]
async fn usage_adds_up_by_day_and_by_endpoint() {
    let app = App::start().await;
    let mut ann = customer(&app, "ann@acme.example").await;
    for (day, calls) in [(0, 2), (1, 1), (4, 3)] {
        for _ in 0..calls {
            spend(&app, &ann.key, 10, if day == 4 { "chat" } else { "search" }).await;
        }
        let _ = day;
        app.advance(DAY);
        if day == 1 {
            app.advance(2 * DAY);
        }
    }
    ann.token = log_in(&app, &ann.email).await;
    let usage =
        async |query: &str| get(&app, &ann, &format!("/finradar/api/v1/account/usage{query}")).await.json();
    assert_eq!(
        usage("").await,
        json!({
            "window_days": 30,
            "daily": [
                {"day": "2026-03-01", "calls": 2, "tokens": 20},
                {"day": "2026-03-02", "calls": 1, "tokens": 10},
                {"day": "2026-03-05", "calls": 3, "tokens": 30}
            ],
            "top_endpoints": [
                {"endpoint": "chat", "calls": 3, "tokens": 30},
                {"endpoint": "search", "calls": 3, "tokens": 30}
            ]
        })
    );
    // Today is the sixth.
    let two_days = usage("?days=2").await;
    assert_eq!(two_days["daily"], json!([{"day": "2026-03-05", "calls": 3, "tokens": 30}]));
    for (query, days) in [("?days=0", 1), ("?days=91", 90), ("?days=x", 30)] {
        assert_eq!(usage(query).await["window_days"], days, "{query}");
    }
    for n in 0..12 {
        spend(&app, &ann.key, 1, &format!("e{n:02}")).await;
    }
    assert_eq!(usage("").await["top_endpoints"].as_array().map(Vec::len), Some(10));
    app.finish().await;
}

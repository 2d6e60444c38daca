//! What proxies ask before they let a request through, and how often calls may come.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App};
use crate::metering::{forward, key_of, lines_or_none, verify};

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
    let session = async || app.send(app.request(Method::GET, "/forward-auth").bearer_auth(&ann.access)).await;
    let paced = session().await;
    assert_eq!((paced.status, paced.header("retry-after")), (429, "1"), "a session is counted too");
    assert_eq!(told(&paced), ["60", "0", "1772366460"]);
    app.advance(Duration::from_secs(1));
    let counted = session().await;
    assert_eq!((counted.status, counted.header("x-ratelimit-remaining")), (200, "0"));
    assert_eq!(verify(&app, json!({"key": one})).await.status, 429, "and counts for the keys");
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

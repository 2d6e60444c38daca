//! How often one may call: every route has its limit, and no spelling of a path or header leads around it.

use std::time::Duration;

use latchkey::api::inventory::Inventory;
use latchkey::api::limits::Class;
use latchkey::pages;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::app::{Answer, App, registration};

/// A server with its limits on, as it is by default.
async fn limited() -> App {
    App::start_with(|settings| settings.rate_limits = None).await
}

/// The same behind a proxy on this machine that tells who calls.
pub async fn proxied() -> App {
    App::start_with(|settings| {
        settings.rate_limits = None;
        settings.trusted_proxies = Some("127.0.0.1".to_owned());
    })
    .await
}

/// Sends a request until it is refused; tells how often it got through.
async fn exhaust(app: &App, most: usize, request: impl Fn(usize) -> RequestBuilder) -> (usize, Answer) {
    for number in 0..=most {
        let answer = app.send(request(number)).await;
        if answer.status == 429 {
            return (number, answer);
        }
    }
    panic!("still allowed after {most} calls");
}

fn retry_after(answer: &Answer) -> u64 {
    answer.header("retry-after").parse().expect("seconds")
}

/// The routes that call for no token and yet hash, mail, or judge a secret: each needs a budget of its own.
fn costly(method: &str, pattern: &str, operation: &Value) -> bool {
    let public = operation["security"].as_array().is_none_or(Vec::is_empty);
    matches!(method, "POST" | "PUT") && public && pattern != "/user/logout"
}

// H2
#[tokio::test]
async fn every_route_is_in_the_table_of_limits() {
    let text = latchkey::api::document_json();
    let document: Value = serde_json::from_str(&text).expect("JSON");
    let inventory = Inventory::new(&text, pages::ROUTES);
    let (mut routes, mut special) = (0, 0);
    for route in inventory.routes() {
        for method in &route.methods {
            let class = Class::of(method, &route.pattern);
            let most = if class == Class::Gateway { 600_000 } else { 1_200 };
            assert!(class.per_minute().get() <= most, "{method} {}", route.pattern);
            let operation = &document["paths"][route.pattern.as_str()][method.to_lowercase()];
            if costly(method, &route.pattern, operation) {
                assert_ne!(class, Class::General, "{method} {} has a budget of its own", route.pattern);
                special += 1;
            }
            assert_eq!(inventory.find(&route.pattern).map(|found| &found.pattern), Some(&route.pattern));
            routes += 1;
        }
    }
    assert!(routes >= 25 && special >= 11, "{routes} routes, {special} of them costly");
}

// H2
#[tokio::test]
async fn each_class_of_calls_runs_out_and_says_for_how_long() {
    let app = limited().await;
    let post = |path: &'static str, body: Value| app.request(Method::POST, path).json(&body);
    let token = json!({"token": "x"});
    let general = |_| app.request(Method::GET, "/assets/style.css");
    let rows = [
        exhaust(&app, 10, |n| post("/user/register", registration(&format!("n{n}@company.example")))).await,
        exhaust(&app, 10, |n| post("/user/login", json!({"email": format!("n{n}@x.org"), "password": "x"})))
            .await,
        exhaust(&app, 10, |n| post("/user/request-reset-password", json!({"email": format!("n{n}@x.org")})))
            .await,
        exhaust(&app, 60, |_| post("/user/verify-email", token.clone())).await,
        exhaust(&app, 1200, general).await,
    ];
    for ((allowed, refused), (expected, wait)) in
        rows.iter().zip([(10, 6), (10, 6), (10, 6), (60, 1), (1200, 1)])
    {
        assert_eq!(*allowed, expected);
        assert_eq!(refused.refusal(), (429, "RATE_LIMITED".to_owned()));
        assert_eq!(retry_after(refused), wait);
    }
    app.advance(Duration::from_secs(60));
    assert_eq!(app.get("/assets/style.css").await.status, 200);
    app.finish().await;
}

// H2
#[tokio::test]
async fn a_page_and_an_unknown_path_are_limited_too() {
    let app = limited().await;
    let (allowed, _) = exhaust(&app, 60, |n| match n % 3 {
        0 => app.request(Method::GET, "/verify-email?token=x"),
        1 => app.request(Method::HEAD, "/reset-password?token=x"),
        _ => app.request(Method::POST, "/verify-email").body("token=x"),
    })
    .await;
    assert_eq!(allowed, 60, "pages and calls that judge a secret share one budget");
    let (allowed, _) = exhaust(&app, 10, |n| match n % 2 {
        0 => app.request(Method::POST, "/reset-password").body("token=x&password=OtherPass123"),
        _ => wrong_login(&app, n),
    })
    .await;
    assert_eq!(allowed, 10, "and so do those that may cost a hash");
    let (allowed, _) = exhaust(&app, 1200, |n| app.request(Method::GET, &format!("/nowhere/{n}"))).await;
    assert_eq!(allowed, 1200);
    app.finish().await;
}

// H2
#[tokio::test]
async fn ten_sign_ups_a_minute_and_one_more_every_six_seconds() {
    let app = limited().await;
    let sign_up =
        |n: usize| app.request(Method::POST, "/user/register").json(&registration(&format!("n{n}@x{n}.org")));
    assert_eq!(exhaust(&app, 10, sign_up).await.0, 10);
    app.advance(Duration::from_secs(5));
    assert_eq!(app.send(sign_up(20)).await.status, 429);
    app.advance(Duration::from_secs(1));
    assert_eq!(app.send(sign_up(20)).await.status, 201);
    assert_eq!(app.send(sign_up(21)).await.status, 429);
    app.advance(Duration::from_secs(60));
    assert_eq!(exhaust(&app, 10, |n| sign_up(30 + n)).await.0, 10);
    app.finish().await;
}

fn wrong_login(app: &App, n: usize) -> RequestBuilder {
    let body = json!({"email": format!("n{n}@company.example"), "password": "x"});
    app.request(Method::POST, "/user/login").json(&body)
}

// H1
#[tokio::test]
async fn a_stranger_buys_no_new_budget_with_a_header() {
    let app = limited().await;
    let names =
        ["x-forwarded-for", "x-real-ip", "forwarded", "cf-connecting-ip", "true-client-ip", "x-client-ip"];
    let (allowed, _) = exhaust(&app, 10, |n| {
        let request = wrong_login(&app, n);
        names.iter().fold(request, |request, name| request.header(*name, format!("198.51.100.{n}")))
    })
    .await;
    assert_eq!(allowed, 10);
    app.finish().await;
}

// H1
#[tokio::test]
async fn a_trusted_proxy_tells_callers_apart_and_a_caller_cannot() {
    let app = proxied().await;
    let budgets = [
        ("one caller", "203.0.113.1".to_owned()),
        ("another", "203.0.113.2".to_owned()),
        ("one behind IPv6", "2001:db8:1:2::1".to_owned()),
    ];
    for (who, line) in budgets {
        let allowed =
            exhaust(&app, 10, |n| wrong_login(&app, n).header("x-forwarded-for", line.as_str())).await.0;
        assert_eq!(allowed, 10, "{who}");
    }
    // What a caller writes stands to the left of what the proxy adds, and counts for nothing.
    let spent = [
        "198.51.100.7, 203.0.113.1",
        "198.51.100.8,203.0.113.1 ",
        "203.0.113.9, 203.0.113.1, 127.0.0.1",
        "::ffff:203.0.113.1",
        "2001:db8:1:2:ffff::9",
    ];
    for line in spent {
        let answer = app.send(wrong_login(&app, 1).header("x-forwarded-for", line)).await;
        assert_eq!(answer.status, 429, "{line} has spent its budget");
    }
    let neighbor = app.send(wrong_login(&app, 1).header("x-forwarded-for", "2001:db8:1:3::1")).await;
    assert_eq!(neighbor.status, 401, "another /64 is somebody else");
    app.finish().await;
}

// H1
#[tokio::test]
async fn no_spelling_of_a_path_reaches_a_handler_without_its_limit() {
    let app = limited().await;
    let spellings = [
        "//user/login",
        "/user//login",
        "/user/login/",
        "/user/login//",
        "/User/Login",
        "/user/LOGIN",
        "/user%2flogin",
        "/user%2Flogin",
        "/user/log%69n",
        "/%75ser/login",
        "/user/./login",
        "/user/x/../login",
        "/user/login;x=1",
        "/user/login%20",
        "/user/login%00",
        "/./user/login",
        "/user/login.json",
        "/index.php/user/login",
    ];
    for spelling in spellings {
        let body = json!({"email": "ann@company.example", "password": "x"}).to_string();
        let request = format!(
            "POST {spelling} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
            content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = crate::raw::exchange(app.address, request).await;
        // 405 where it reads as the id of `/user/{userId}`.
        assert!(matches!(crate::raw::status(&answer), 404 | 405), "{spelling}: {answer}");
    }
    // Ten logins are still there: none of these was one. A query and a fragment change nothing.
    let (allowed, _) = exhaust(&app, 10, |n| {
        let body = json!({"email": format!("n{n}@company.example"), "password": "x"});
        app.request(Method::POST, &format!("/user/login?n={n}")).json(&body)
    })
    .await;
    assert_eq!(allowed, 10);
    // An id is the caller's to choose; the budget is its route's.
    let resend = |n: usize| app.request(Method::POST, &format!("/user/resend-verification/{n:023x}%61"));
    assert_eq!(exhaust(&app, 10, resend).await.0, 10);
    app.finish().await;
}

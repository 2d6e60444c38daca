//! Mailed links and the pages behind them: where they lead, what uses them up, and what they give away.

use reqwest::Method;
use serde_json::json;

use crate::app::{App, Letter, PASSWORD, registration};
use crate::raw::{exchange, status};
use crate::smtp_sink::Sink;

/// A letter without what is different in each: whom it is for, and its secrets.
fn words(letter: &Letter) -> String {
    let text = format!("{}\n{}\n{}", letter.0["subject"], letter.0["text"], letter.0["html"]);
    text.replace(&letter.token(), "TOKEN").replace(&letter.code(), "CODE")
}

const FORGED: &[&[(&str, &str)]] = &[
    &[("host", "evil.example")],
    &[("host", "evil.example:80@127.0.0.1")],
    &[("x-forwarded-host", "evil.example")],
    &[("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https"), ("x-forwarded-port", "444")],
    &[("x-forwarded-server", "evil.example"), ("x-original-host", "evil.example")],
    &[("forwarded", "for=1.1.1.1;host=evil.example;proto=https")],
    &[("x-forwarded-prefix", "/evil.example"), ("x-original-url", "/evil.example")],
    &[("origin", "https://evil.example"), ("referer", "https://evil.example/")],
];

// C1
#[tokio::test]
async fn no_header_changes_where_a_letter_leads() {
    let app = App::start().await;
    app.register("first@company.example").await;
    app.post("/user/request-reset-password", &json!({"email": "first@company.example"})).await;
    let expected = ["verify", "reset"].map(|kind| (kind, app.letter("first@company.example", kind)));
    let public = format!("http://{}/", app.address);
    for (kind, letter) in expected {
        let letter = letter.await;
        assert!(letter.link().starts_with(&public), "{}", letter.link());
        for (number, headers) in FORGED.iter().enumerate() {
            let email = format!("{kind}{number}@company{number}.example");
            for (path, body) in [
                ("/user/register", registration(&email)),
                ("/user/request-reset-password", json!({"email": email})),
            ] {
                let request = app.request(Method::POST, path).json(&body);
                let request =
                    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                let answer = app.send(request).await;
                assert!(matches!(answer.status, 200 | 201), "{headers:?}: {}", answer.text);
            }
            let forged = app.letter(&email, kind).await;
            assert_eq!(words(&forged), words(&letter), "{headers:?}");
        }
    }
    app.finish().await;
}

// C1
#[tokio::test]
async fn no_request_line_changes_where_a_letter_leads() {
    let app = App::start().await;
    app.register("first@company.example").await;
    let expected = words(&app.letter("first@company.example", "verify").await);
    let rows = [
        ("absolute form", "http://evil.example/user/register", "Host: evil.example\r\n"),
        ("absolute form, own Host", "http://evil.example/user/register", "Host: localhost\r\n"),
        ("two Hosts", "/user/register", "Host: localhost\r\nHost: evil.example\r\n"),
        ("user information", "http://localhost@evil.example/user/register", "Host: localhost\r\n"),
        ("no Host", "/user/register", ""),
    ];
    for (number, (what, target, host)) in rows.into_iter().enumerate() {
        let email = format!("raw{number}@company{number}.example");
        let body = registration(&email).to_string();
        let request = format!(
            "POST {target} HTTP/1.1\r\n{host}content-type: application/json\r\nconnection: close\r\n\
            content-length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = exchange(app.address, request).await;
        assert!(matches!(status(&answer), 201 | 400 | 404), "{what}: {answer}");
        if status(&answer) == 201 {
            assert_eq!(words(&app.letter(&email, "verify").await), expected, "{what}");
        }
    }
    let letters = app.letters().await;
    assert!(letters.len() > 1, "some of these are lawful requests and are answered");
    app.finish().await;
}

// C1
#[tokio::test]
async fn links_lead_to_the_public_url_that_the_operator_set() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| {
        settings.smtp_url = Some(sink.url());
        settings.public_url = Some("https://id.company.example".to_owned());
    })
    .await;
    app.register("ann@company.example").await;
    let letter = sink.wait_for(1).await.remove(0);
    // In HTML a slash may be written as its character reference.
    for part in [letter.text(), letter.html().replace("&#x2f;", "/")] {
        assert!(part.contains("https://id.company.example/verify-email?token="), "{part}");
        assert!(!part.contains(&app.address.to_string()), "{part}");
    }
    app.finish().await;
}

// C2
#[tokio::test]
async fn no_caller_chooses_where_a_page_leads_on() {
    let app = App::start_with(|settings| settings.app_url = Some("https://app.example/".to_owned())).await;
    let wishes = ["next", "redirect", "redirect_uri", "return_to", "returnUrl", "continue", "url", "app_url"];
    let query = wishes.map(|name| format!("&{name}=https://evil.example/")).concat();
    app.register("ann@company.example").await;
    app.post("/user/request-reset-password", &json!({"email": "ann@company.example"})).await;
    let verify = app.letter("ann@company.example", "verify").await.token();
    let reset = app.letter("ann@company.example", "reset").await.token();
    let mut form = wishes.map(|name| (name, "https://evil.example/")).to_vec();
    form.extend([("token", verify.as_str())]);
    let mut new_password = form.clone();
    new_password.pop();
    new_password.extend([("token", reset.as_str()), ("password", "OtherPass123")]);
    let answers = [
        app.get(&format!("/verify-email?token={verify}{query}")).await,
        app.get(&format!("/reset-password?token={reset}{query}")).await,
        app.get(&format!("/?{query}")).await,
        app.get("//evil.example/%2f..").await,
        app.get("/verify-email/?token=x").await,
        app.submit(&format!("/reset-password?token=x{query}"), &new_password).await,
        app.submit(&format!("/verify-email?token=x{query}"), &form).await,
    ];
    for answer in &answers {
        assert!(!(300..400).contains(&answer.status), "{}", answer.status);
        assert!(answer.header("location").is_empty() && answer.header("refresh").is_empty());
        assert!(!answer.text.contains("evil.example"), "{}", answer.text);
    }
    assert_eq!(answers[5].status, 200);
    let page = answers[5].text.replace("&#x2f;", "/");
    assert!(page.contains("href=\"https://app.example/\""), "it leads on to where the operator said: {page}");
    app.finish().await;
}

// C3
#[tokio::test]
async fn looking_at_a_link_uses_nothing_up() {
    let app = App::start().await;
    app.register("ann@company.example").await;
    app.post("/user/request-reset-password", &json!({"email": "ann@company.example"})).await;
    for (kind, path) in [("verify", "/verify-email"), ("reset", "/reset-password")] {
        let token = app.letter("ann@company.example", kind).await.token();
        let link = format!("{path}?token={token}");
        let head = app.send(app.request(Method::HEAD, &link)).await;
        assert_eq!((head.status, head.text.as_str()), (200, ""), "{path}");
        for _ in 0..2 {
            assert_eq!(app.get(&link).await.status, 200, "{path}");
        }
        let options = app.send(app.request(Method::OPTIONS, &link)).await;
        assert_eq!(options.status, 405, "{path}");
        if kind == "verify" {
            for _ in 0..2 {
                let looked = app.post("/user/pre-verify-email", &json!({"token": token})).await;
                assert_eq!(looked.status, 200, "{}", looked.text);
            }
        }
        let pressed = app.submit(path, &[("token", &token), ("password", "OtherPass123")]).await;
        assert_eq!(pressed.status, 200, "{path}: {}", pressed.text);
        let again = app.submit(path, &[("token", &token), ("password", "OtherPass123")]).await;
        assert_eq!(again.status, 400, "{path}: only the button uses it up, and only once");
        // A verification that has worked is no cause for alarm; a reset link that was used is dead.
        let expected = if kind == "verify" { 200 } else { 400 };
        assert_eq!(app.get(&link).await.status, expected, "{path}");
    }
    assert_eq!(app.login("ann@company.example", "OtherPass123").await.status, 200);
    assert_eq!(app.login("ann@company.example", PASSWORD).await.status, 401);
    app.finish().await;
}

// C4
#[tokio::test]
async fn every_page_keeps_its_secrets_and_loads_nothing_from_elsewhere() {
    let app = App::start().await;
    app.register("ann@company.example").await;
    app.post("/user/request-reset-password", &json!({"email": "ann@company.example"})).await;
    let letter = app.letter("ann@company.example", "verify").await;
    let (id, verify) = (letter.0["id"].as_str().expect("an id").to_owned(), letter.token());
    let reset = app.letter("ann@company.example", "reset").await.token();
    let mut pages = Vec::new();
    for path in [
        "/".to_owned(),
        "/docs".to_owned(),
        "/mailbox".to_owned(),
        format!("/mailbox/{id}"),
        format!("/mailbox/{id}/html"),
        "/mailbox/0123456789abcdef01234567".to_owned(),
        "/verify-email".to_owned(),
        format!("/verify-email?token={verify}"),
        format!("/reset-password?token={reset}"),
        "/change-email?token=x".to_owned(),
        "/undo-change-email?token=x".to_owned(),
    ] {
        pages.push((path.clone(), app.get(&path).await));
    }
    let weak = [("token", reset.as_str()), ("password", "weak")];
    pages.push(("a refused password".to_owned(), app.submit("/reset-password", &weak).await));
    let good = [("token", verify.as_str())];
    pages.push(("a confirmed address".to_owned(), app.submit("/verify-email", &good).await));
    pages.push(("a used link".to_owned(), app.submit("/verify-email", &good).await));
    for (what, page) in pages {
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{what}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{what}");
        assert_eq!(page.header("cache-control"), "no-store", "{what}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{what}");
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; "), "{what}: {policy}");
        assert!(
            !policy.contains("http") && !policy.contains('*') && !policy.contains("unsafe-eval"),
            "{what}"
        );
        assert!(policy.contains("frame-ancestors") && policy.contains("form-action"), "{what}: {policy}");
        for asset in ["src=\"http", "src=\"//", "<link href=\"http", "url(http", "@import", "action=\"http"] {
            assert!(what == "/docs" || !page.text.contains(asset), "{what} loads {asset}");
        }
        // The mailbox of developers has one, of our own; what others are led to has none.
        let own = "<script src=\"/assets/mailbox.js\" defer></script>";
        let text = if what.starts_with("/mailbox") { page.text.replace(own, "") } else { page.text };
        assert!(what == "/docs" || !text.contains("<script"), "{what} needs no script");
    }
    let docs = app.get("/docs").await;
    for asset in ["<script src=\"http", "<link rel=\"stylesheet\" href=\"http", "<img src=\"http"] {
        assert!(!docs.text.contains(asset), "/docs loads {asset}");
    }
    app.finish().await;
}

//! What strangers put into addresses, names and bodies.

use serde_json::json;

use crate::app::{App, PASSWORD, registration};

/// What is not one plain address, as JSON. The victim is `ann@victim.example`.
const NO_ADDRESS: &[(&str, &str)] = &[
    ("an array", r#"["ann@victim.example","eve@evil.example"]"#),
    ("an array of one", r#"["ann@victim.example"]"#),
    ("an object", r#"{"0":"ann@victim.example"}"#),
    ("a number", "7"),
    ("a list by comma", r#""ann@victim.example,eve@evil.example""#),
    ("a list by semicolon", r#""ann@victim.example;eve@evil.example""#),
    ("a list by space", r#""ann@victim.example eve@evil.example""#),
    ("a list by line feed", r#""ann@victim.example\neve@evil.example""#),
    ("a header behind it", r#""ann@victim.example\r\nBcc: eve@evil.example""#),
    ("NUL behind it", r#""ann@victim.example\u0000""#),
    ("a line separator", r#""ann@victim.example\u2028eve@evil.example""#),
    ("a display name", r#""\"ann\" <ann@victim.example>""#),
    ("angle brackets", r#""<ann@victim.example>""#),
    ("a quoted local part", r#""\"ann\"@victim.example""#),
    ("an address as local part", r#""\"ann@victim.example\"@evil.example""#),
    ("a route", r#""@evil.example:ann@victim.example""#),
    ("a percent hack of two domains", r#""ann@victim.example@evil.example""#),
    ("a comment", r#""ann(eve)@victim.example""#),
    ("a dotless i", r#""m\u0131ke@victim.example""#),
    ("a dotted capital i", r#""m\u0130ke@victim.example""#),
    ("a sharp s", r#""stra\u00dfe@victim.example""#),
    ("a kelvin sign", r#""mi\u212ae@victim.example""#),
    ("a full-width letter", r#""\uff41nn@victim.example""#),
    ("a zero-width joiner", r#""ann\u200d@victim.example""#),
    ("a trailing dot", r#""ann@victim.example.""#),
    ("no domain", r#""ann""#),
    ("nothing", r#""""#),
];

/// Every body that takes an address; `EMAIL` stands for its JSON.
const TAKES_ADDRESS: &[(&str, &str)] = &[
    (
        "/user/register",
        r#"{"email":EMAIL,"password":"SecurePass123","firstName":"A","lastName":"B","companyName":"C","isBusiness":false}"#,
    ),
    ("/user/login", r#"{"email":EMAIL,"password":"SecurePass123"}"#),
    ("/user/request-reset-password", r#"{"email":EMAIL}"#),
    ("/user/reset-password", r#"{"email":EMAIL,"code":"12345678","newPassword":"OtherPass123"}"#),
];

// A3, A4
#[tokio::test]
async fn whatever_is_not_one_plain_address_is_refused_in_every_field_and_causes_no_letter() {
    let app = App::start().await;
    app.member("ann@victim.example").await;
    app.member("mike@victim.example").await;
    let before = app.letters().await.len();
    for (path, body) in TAKES_ADDRESS {
        for (what, email) in NO_ADDRESS {
            let answer = app.post_raw(path, body.replace("EMAIL", email)).await;
            assert_eq!(answer.refusal(), (400, "INVALID_INPUT".to_owned()), "{what} at {path}");
            assert!(answer.field("message").contains("email"), "{what} at {path}: {}", answer.text);
            assert!(!answer.text.contains("victim"), "{what} at {path} is echoed: {}", answer.text);
        }
        let twice = body.replacen("EMAIL", r#""ann@victim.example","email":"eve@evil.example""#, 1);
        let answer = app.post_raw(path, twice).await;
        assert_eq!(answer.refusal(), (400, "INVALID_INPUT".to_owned()), "the key twice at {path}");
    }
    assert_eq!(app.letters().await.len(), before);
    app.finish().await;
}

// A3
#[tokio::test]
async fn an_address_is_found_in_any_spelling_and_its_letters_go_where_the_first_went() {
    let app = App::start().await;
    let ann = app.newcomer("Ann.Lee@B\u{fc}cher.example").await;
    let stored = "Ann.Lee@xn--bcher-kva.example";
    assert_eq!(app.letters().await[0].to(), stored);
    let spellings =
        ["ann.lee@b\u{fc}cher.example", "ANN.LEE@XN--BCHER-KVA.EXAMPLE", "ann.Lee@B\u{dc}CHER.Example"];
    for spelling in spellings {
        let taken = app.register(spelling).await;
        assert_eq!(taken.refusal(), (400, "EMAIL_EXISTS_INACTIVE".to_owned()), "{spelling}");
        let entered = app.login(spelling, PASSWORD).await;
        assert_eq!(entered.json()["user"]["id"], json!(ann.id), "{spelling}");
        app.post("/user/request-reset-password", &json!({"email": spelling})).await;
    }
    let letters = app.letters().await;
    assert_eq!(letters.len(), 1 + spellings.len());
    assert!(letters.iter().all(|letter| letter.to() == stored));
    app.finish().await;
}

/// Names that would be markup or a link, and what of them must never be seen as such.
const MARKUP: &[(&str, &str)] = &[
    ("<script>alert(1)</script>", "<script>alert"),
    ("<a href=\"https://evil.example\">Click</a>", "evil.example"),
    ("\"><img src=x onerror=alert(1)>", "<img src=x"),
    ("Win at https://evil.example/now", "evil.example"),
    ("evil.example", "evil.example"),
    ("www.evil.example", "evil.example"),
    ("[Click](https://evil.example)", "evil.example"),
    ("mail eve@evil.example", "evil.example"),
    ("{{ link }}", "Hello http"),
    ("{% include 'x' %}{{ 'seen' | upper }}", "SEEN"),
    ("&lt;b&gt;", "<b>"),
];

// C5
#[tokio::test]
async fn names_put_neither_markup_nor_links_into_letters_or_pages() {
    let app = App::start().await;
    for (number, (name, trace)) in MARKUP.iter().enumerate() {
        let email = format!("victim{number}@shop{number}.test");
        let mut body = registration(&email);
        for field in ["firstName", "lastName", "companyName"] {
            body[field] = json!(name);
        }
        assert_eq!(app.post("/user/register", &body).await.status, 201, "{name}");
        app.post("/user/request-reset-password", &json!({"email": email})).await;
        let (verify, reset) = (app.letter(&email, "verify").await, app.letter(&email, "reset").await);
        let mut seen: Vec<String> = Vec::new();
        for letter in [&verify, &reset] {
            seen.extend(
                ["subject", "text", "html"].map(|part| letter.0[part].as_str().unwrap_or("").to_owned()),
            );
            let id = letter.0["id"].as_str().expect("an id");
            for view in ["html", "text", "raw"] {
                seen.push(app.get(&format!("/mailbox/{id}?view={view}")).await.text);
            }
        }
        seen.push(app.get(&format!("/verify-email?token={}", verify.token())).await.text);
        seen.push(app.get(&format!("/reset-password?token={}", reset.token())).await.text);
        seen.push(app.get("/mailbox").await.text);
        for text in seen {
            assert!(!text.contains(trace), "{name:?} shows as {trace:?} in {text}");
        }
    }
    app.finish().await;
}

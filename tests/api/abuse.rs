//! What strangers put into addresses, names and bodies.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person, registration};

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

/// Keys that a body must not be able to set, and what somebody would like them to be.
fn wishes(somebody: &Person) -> Value {
    json!({
        "id": somebody.id, "userId": somebody.id, "accountId": somebody.id, "_id": somebody.id,
        "orgId": somebody.organization, "organizationId": somebody.organization, "org_id": somebody.organization,
        "role": "OWNER", "orgRole": 1, "orgRoles": [0, 1], "roles": ["admin"], "isAdmin": true, "admin": true,
        "validated": true, "verified": true, "emailVerified": true, "isVerified": true, "verified_at": 1,
        "verifiedAt": 1, "status": "active", "state": "active", "plan": "paid", "planId": "paid",
        "subscription": {"plan": "paid"}, "balance": 1_000_000, "credits": 1_000_000, "number": 1,
        "created_at": 1, "banned_at": null, "contract": "appmaker", "passwordHash": "x", "password_hash": "x",
        "claimedDomain": "acme.example", "claimed_domain": "acme.example", "mfaRequired": true, "tokenId": "x",
        "generation": 9, "__proto__": {"validated": true}, "constructor": {"prototype": {"validated": true}}
    })
}

fn with(mut body: Value, wishes: &Value) -> Value {
    for (key, value) in wishes.as_object().expect("an object") {
        let fields = body.as_object_mut().expect("an object");
        fields.entry(key.clone()).or_insert_with(|| value.clone());
    }
    body
}

async fn profile(app: &App, person: &Person) -> Value {
    app.call(person, Method::GET, "/user/profile", None).await.json()["data"].clone()
}

/// Everything about accounts that no body may change.
fn standing(app: &App) -> Vec<String> {
    let sql = "select a.email || ' ' || a.id || ' ' || a.number || ' ' || a.contract || ' ' ||
            (a.verified_at is not null) || (a.banned_at is not null) || (a.deactivated_at is not null) || ' ' ||
            m.organization_id || ' ' || m.role || ' ' || s.plan_id || ' ' || coalesce(o.claimed_domain, '-')
        from accounts a join memberships m on m.account_id = a.id
        join organizations o on o.id = m.organization_id join subscriptions s on s.organization_id = o.id
        order by a.number";
    let rows = app.service.store.read(|tx| tx.rows(sql, &[], latchkey::store::Row::take));
    rows.expect("an answer")
}

// G1
#[tokio::test]
async fn what_a_sign_up_wishes_beside_its_fields_has_no_effect() {
    let app = App::start().await;
    let acme = app.member("owner@acme.example").await;
    let wish = wishes(&acme);
    let answer = app.post("/user/register", &with(registration("eve@evil.example"), &wish)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let eve = Person::of("eve@evil.example", &answer);
    assert!(eve.id != acme.id && eve.organization != acme.organization);
    let data = profile(&app, &eve).await;
    assert_eq!((&data["validated"], &data["orgRole"]), (&json!(false), &json!(255)));
    assert_eq!(data["orgId"], json!(eve.organization));
    let expected = [
        format!(
            "owner@acme.example {} 1 flashback 100 {} 255 trial acme.example",
            acme.id, acme.organization
        ),
        format!("eve@evil.example {} 2 flashback 000 {} 255 trial -", eve.id, eve.organization),
    ];
    assert_eq!(standing(&app), expected);
    let change = app.call(&eve, Method::PUT, &format!("/user/{}", eve.id), Some(&json!({"name": "E"}))).await;
    assert_eq!(change.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()));
    app.finish().await;
}

// G1
#[tokio::test]
async fn what_any_other_body_wishes_has_no_effect_either() {
    let app = App::start().await;
    let acme = app.member("owner@acme.example").await;
    let eve = app.member("eve@evil.example").await;
    let (wish, before) = (wishes(&acme), standing(&app));
    let login = json!({"email": "eve@evil.example", "password": PASSWORD});
    let entered = app.post("/user/login", &with(login, &wish)).await;
    assert_eq!(entered.json()["user"]["id"], json!(eve.id));
    let refreshed =
        app.post("/user/refresh", &with(json!({"refreshToken": entered.field("refreshToken")}), &wish)).await;
    assert_eq!(refreshed.status, 200, "{}", refreshed.text);
    let eve = Person { access: refreshed.field("accessToken"), ..eve };
    let own = format!("/user/{}", eve.id);
    let changed = app.call(&eve, Method::PUT, &own, Some(&with(json!({"name": "Evelyn"}), &wish))).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let data = profile(&app, &eve).await;
    assert_eq!((&data["name"], &data["email"]), (&json!("Evelyn"), &json!("eve@evil.example")));
    let other = format!("/user/{}", acme.id);
    let refused = app.call(&eve, Method::PUT, &other, Some(&with(json!({"name": "Eve"}), &wish))).await;
    assert_eq!(refused.status, 404, "another organization's account is as unknown: {}", refused.text);

    app.post("/user/request-reset-password", &with(json!({"email": "eve@evil.example"}), &wish)).await;
    let token = app.letter("eve@evil.example", "reset").await.token();
    let reset = json!({"token": token, "newPassword": "OtherPass123"});
    assert_eq!(app.post("/user/reset-password", &with(reset, &wish)).await.status, 200);
    assert_eq!(standing(&app), before);
    assert_eq!(app.login("owner@acme.example", "OtherPass123").await.status, 401);
    app.finish().await;
}

// G1
#[tokio::test]
async fn proving_an_address_grants_nothing_but_that() {
    let app = App::start().await;
    let acme = app.member("owner@acme.example").await;
    let eve = app.newcomer("eve@evil.example").await;
    let token = app.letter("eve@evil.example", "verify").await.token();
    let proved = app.post("/user/verify-email", &with(json!({"token": token}), &wishes(&acme))).await;
    assert_eq!(proved.json()["user"]["id"], json!(eve.id));
    let mine =
        format!("eve@evil.example {} 2 flashback 100 {} 255 trial evil.example", eve.id, eve.organization);
    assert_eq!(standing(&app)[1], mine);
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
            seen.push(app.get(&format!("/mailbox/{id}")).await.text);
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

//! What leaves the house by mail, word for word, in every language.

use reqwest::Method;
use serde_json::json;

use crate::app::{App, Letter, PASSWORD, Person, registration};

/// The text with what differs from run to run replaced.
fn steady(app: &App, text: &str, secrets: &[(&str, &str)]) -> String {
    let text = text.replace(&app.address.to_string(), "HOST");
    secrets.iter().fold(text, |text, (secret, name)| text.replace(secret, name))
}

async fn texts_in(language: &str) -> Vec<String> {
    let app = App::start().await;
    let request = app.request(Method::POST, "/user/register").header("accept-language", language);
    let answer = app.send(request.json(&registration("ann@acme.com"))).await;
    assert_eq!(answer.status, 201);
    app.post("/user/request-reset-password", &json!({"email": "ann@acme.com"})).await;
    let token = app.letter("ann@acme.com", "reset").await.token();
    let reset = json!({"token": token, "newPassword": "AnotherPass456"});
    assert_eq!(app.post("/user/reset-password", &reset).await.status, 200);
    let mut texts = Vec::new();
    for kind in ["verify", "reset", "password-changed"] {
        texts.push(words(&app, &app.letter("ann@acme.com", kind).await));
    }
    app.finish().await;
    texts
}

/// Subject and text of a letter, without what differs from run to run.
fn words(app: &App, letter: &Letter) -> String {
    let part = |key: &str| letter.0[key].as_str().unwrap_or_default().to_owned();
    let whole = format!("Subject: {}\n\n{}", part("subject"), part("text"));
    let token = letter.0["links"][0].as_str().map(|_| letter.token());
    let (token, code) = (token.as_deref(), letter.0["code"].as_str());
    steady(app, &whole, &[(token.unwrap_or("no token"), "TOKEN"), (code.unwrap_or("no code"), "CODE")])
}

/// What somebody reads who changes their address and undoes it: letters, and the pages behind them.
async fn change_in(language: &str) -> Vec<String> {
    let app = App::start().await;
    let sign_up = async |email: &str| {
        let request = app.request(Method::POST, "/user/register").header("accept-language", language);
        assert_eq!(app.send(request.json(&registration(email))).await.status, 201);
        let token = app.letter(email, "verify").await.token();
        let proved = app.post("/user/verify-email", &json!({"token": token})).await;
        Person::of(email, &proved)
    };
    let (ann, _) = (sign_up("ann@acme.com").await, sign_up("ben@acme.com").await);
    asked(&app, &ann, "ben@acme.com", "address-taken").await;
    let change = asked(&app, &ann, "new@acme.com", "change-address").await;
    let look = async |path: &str, token: &str| {
        let page = app.get(&format!("{path}?token={token}")).await.text;
        steady(&app, &page, &[(token, "TOKEN")])
    };
    let press = async |path: &str, token: &str| {
        let page = app.submit(path, &[("token", token)]).await;
        assert_eq!(page.status, 200, "{}", page.text);
        page.text
    };
    let mut texts = Vec::new();
    for (to, kind) in [("ben@acme.com", "address-taken"), ("ann@acme.com", "change-asked")] {
        texts.push(words(&app, &app.letter(to, kind).await));
    }
    texts.push(words(&app, &change));
    texts.push(look("/change-email", &change.token()).await);
    texts.push(press("/change-email", &change.token()).await);
    let undo = app.letter("ann@acme.com", "address-changed").await;
    texts.push(words(&app, &undo));
    texts.push(look("/undo-change-email", &undo.token()).await);
    texts.push(press("/undo-change-email", &undo.token()).await);
    app.finish().await;
    texts
}

async fn asked(app: &App, person: &Person, new: &str, kind: &str) -> Letter {
    let order = json!({"newEmail": new, "password": PASSWORD});
    let answer = app.call(person, Method::POST, "/user/change-email", Some(&order)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    app.letter(new, kind).await
}

/// What somebody reads who logs in on a second device.
async fn new_device_in(language: &str) -> String {
    let app = App::start().await;
    let request = app.request(Method::POST, "/user/register").header("accept-language", language);
    assert_eq!(app.send(request.json(&registration("ann@acme.com"))).await.status, 201);
    for name in ["Pixel 8", "Desk"] {
        let info = json!({"deviceName": name, "browser": "Firefox", "os": "Linux", "deviceType": "desktop"});
        let login = json!({"email": "ann@acme.com", "password": PASSWORD, "deviceInfo": info});
        assert_eq!(app.post("/user/login", &login).await.status, 200);
    }
    let text = words(&app, &app.letter("ann@acme.com", "new-device").await);
    app.finish().await;
    text
}

#[tokio::test]
async fn the_notice_of_a_new_device_reads_as_it_did() {
    let mut texts = Vec::new();
    for language in ["en", "de", "fa", "fr"] {
        texts.push(new_device_in(language).await);
    }
    insta::assert_snapshot!("new_device", texts.join("\n=====\n"));
}

#[tokio::test]
async fn a_change_of_address_reads_in_english_as_it_did() {
    insta::assert_snapshot!("change_of_address_en", change_in("en").await.join("\n=====\n"));
}

#[tokio::test]
async fn a_change_of_address_reads_in_german_as_it_did() {
    insta::assert_snapshot!("change_of_address_de", change_in("de").await.join("\n=====\n"));
}

#[tokio::test]
async fn a_change_of_address_reads_in_persian_as_it_did() {
    insta::assert_snapshot!("change_of_address_fa", change_in("fa").await.join("\n=====\n"));
}

#[tokio::test]
async fn a_change_of_address_reads_in_french_as_it_did() {
    insta::assert_snapshot!("change_of_address_fr", change_in("fr").await.join("\n=====\n"));
}

#[tokio::test]
async fn the_english_letters_read_as_they_did() {
    insta::assert_snapshot!("letters_en", texts_in("en").await.join("\n=====\n"));
}

#[tokio::test]
async fn the_german_letters_read_as_they_did() {
    insta::assert_snapshot!("letters_de", texts_in("de-AT, en;q=0.5").await.join("\n=====\n"));
}

#[tokio::test]
async fn the_persian_letters_read_as_they_did() {
    insta::assert_snapshot!("letters_fa", texts_in("fa-IR, en;q=0.5").await.join("\n=====\n"));
}

#[tokio::test]
async fn the_french_letters_read_as_they_did() {
    insta::assert_snapshot!("letters_fr", texts_in("fr-CA, en;q=0.5").await.join("\n=====\n"));
}

#[tokio::test]
async fn the_answer_to_a_sign_up_looks_as_it_did() {
    let app = App::start().await;
    let answer = app.register("ann@acme.com").await;
    let mut body = answer.json();
    for (path, name) in [
        ("/accessToken", "JWT"),
        ("/refreshToken", "JWT"),
        ("/tokenId", "ID"),
        ("/verificationTokenId", "ID"),
        ("/user/id", "ID"),
        ("/user/orgId", "ID"),
    ] {
        let value = body.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there"));
        let text = value.as_str().expect("a text");
        assert_eq!(text.len() == 24, name == "ID", "{path}: {text}");
        *value = json!(name);
    }
    insta::assert_snapshot!("sign_up", serde_json::to_string_pretty(&body).expect("JSON"));
    app.finish().await;
}

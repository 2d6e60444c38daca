//! What leaves the house by mail, word for word, in every language.

use reqwest::Method;
use serde_json::json;

use crate::app::{App, registration};

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
        let letter = app.letter("ann@acme.com", kind).await;
        let (token, code) = match letter.0["code"].as_str() {
            Some(code) => (letter.token(), code.to_owned()),
            None => ("no token".to_owned(), "no code".to_owned()),
        };
        let part = |key: &str| letter.0[key].as_str().unwrap_or_default().to_owned();
        let whole = format!("Subject: {}\n\n{}", part("subject"), part("text"));
        texts.push(steady(&app, &whole, &[(&token, "TOKEN"), (&code, "CODE")]));
    }
    app.finish().await;
    texts
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

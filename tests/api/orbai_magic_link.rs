//! OrbAI's mailed links that let their reader in.

use latchkey::model::proof::MAGIC_LINK_LIFE;
use latchkey::model::time::SECOND;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::orbai::{
    CHANGE, LINK_REQUEST, LINK_VERIFY, LOGIN, PASSWORD, Pass, RESET, call, enter, is_live, refusal, sign_up,
};
use crate::two_factor::enrol;

const ANN: &str = "ann@acme.example";

/// The token of the next letter with a link.
async fn link(app: &App, email: &str) -> String {
    // The mailbox puts letters of one moment in no order.
    app.advance(SECOND);
    assert_eq!(app.post(LINK_REQUEST, &json!({"email": email})).await.status, 200);
    app.letter(email, "magic-link").await.token()
}

async fn follow(app: &App, token: &str) -> Answer {
    app.post(LINK_VERIFY, &json!({"token": token, "device_id": "phone"})).await
}

fn ended() -> (u16, String) {
    (401, "INVALID_TOKEN".to_owned())
}

// H3
#[tokio::test]
async fn a_known_and_an_unknown_address_are_told_the_same() {
    let app = App::start().await;
    app.member(ANN).await;
    let mut told = Vec::new();
    for email in [ANN, "nobody@acme.example"] {
        let answer = app.post(LINK_REQUEST, &json!({"email": email})).await;
        let mut body = answer.json();
        assert_eq!(body["data"]["email"], json!(email));
        body["data"]["email"] = Value::Null;
        told.push((answer.status, body));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0].0, 200);
    let data = &told[0].1["data"];
    assert_eq!((&data["is_new_user"], &data["expires_in_minutes"]), (&json!(false), &json!(15)));
    let ends = (app.clock.now() + MAGIC_LINK_LIFE).rfc3339();
    assert_eq!(data["expires_at"], json!(ends));
    let sent = app.letters().await.into_iter().filter(|letter| letter.0["kind"] == "magic-link");
    assert_eq!(sent.map(|letter| letter.to().to_owned()).collect::<Vec<_>>(), [ANN], "no account was made");
    assert_eq!(refusal(&app.post(LINK_REQUEST, &json!({"email": "nobody"})).await).0, 422);
    app.finish().await;
}

// H5: one budget over all routes that cause mail
#[tokio::test]
async fn an_address_is_sent_no_more_links_than_its_budget() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    for email in [ANN, "nobody@acme.example"] {
        for _ in 0..2 {
            assert_eq!(app.post(LINK_REQUEST, &json!({"email": email})).await.status, 200);
        }
        let other = app.post("/user/request-reset-password", &json!({"email": email})).await;
        assert_eq!(other.status, 200);
        let refused = app.post(LINK_REQUEST, &json!({"email": email})).await;
        assert_eq!(refusal(&refused), (429, "RATE_LIMITED".to_owned()), "{email}");
    }
    app.finish().await;
}

// C3
#[tokio::test]
async fn a_link_lets_in_once_however_often_it_was_looked_at() {
    let app = App::start().await;
    app.member(ANN).await;
    let token = link(&app, ANN).await;
    let page = format!("/magic-link?token={token}");
    for method in [Method::HEAD, Method::GET, Method::GET] {
        let answer = app.send(app.request(method.clone(), &page)).await;
        assert_eq!(answer.status, 200);
        assert!(method == Method::HEAD || answer.text.contains(&token), "there is no app to lead on to");
    }
    let pass = Pass::of(&follow(&app, &token).await);
    assert!(is_live(&app, &pass).await);
    assert_eq!(refusal(&follow(&app, &token).await), ended());
    assert_eq!(app.get(&page).await.status, 400);
    assert!(enter(&app, ANN).await.access != pass.access, "the password is as it was");
    app.finish().await;
}

// C2: the operator's page alone
#[tokio::test]
async fn the_page_leads_on_to_the_app_with_the_token_in_the_fragment() {
    let app =
        App::start_with(|settings| settings.app_url = Some("https://acme.example/in?a=1".to_owned())).await;
    app.member(ANN).await;
    let token = link(&app, ANN).await;
    let page = app.get(&format!("/magic-link?token={token}")).await;
    let href = format!("href=\"https:&#x2f;&#x2f;acme.example&#x2f;in?a=1#magic_token={token}\"");
    assert!(page.text.contains(&href), "{}", page.text);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    app.finish().await;
}

#[tokio::test]
async fn links_end_by_time_by_use_of_another_and_with_the_password() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let (first, second) = (link(&app, ANN).await, link(&app, ANN).await);
    Pass::of(&follow(&app, &first).await);
    assert_eq!(refusal(&follow(&app, &second).await), ended(), "its sibling was used");
    let late = link(&app, ANN).await;
    app.advance(MAGIC_LINK_LIFE);
    assert_eq!(refusal(&follow(&app, &late).await), ended(), "too late");
    let pending = link(&app, ANN).await;
    let pass = enter(&app, ANN).await;
    let change = json!({"current_password": crate::app::PASSWORD, "new_password": "Another1Password"});
    let changed = call(&app, &pass, CHANGE, Some(&change)).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    assert_eq!(refusal(&follow(&app, &pending).await), ended(), "the password was changed");
    let pending = link(&app, ANN).await;
    app.post("/user/request-reset-password", &json!({"email": ANN})).await;
    let reset = app.letter(ANN, "reset").await.token();
    assert_eq!(app.post(RESET, &json!({"token": reset, "password": "Another2Password"})).await.status, 200);
    assert_eq!(refusal(&follow(&app, &pending).await), ended(), "the password was reset");
    let pending = link(&app, ANN).await;
    let ann =
        crate::app::Person { access: app.login(ANN, "Another2Password").await.field("accessToken"), ..ann };
    let gone = app.call(&ann, Method::POST, "/user/deactivate", None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert_eq!(refusal(&follow(&app, &pending).await), ended(), "the account was deactivated");
    app.finish().await;
}

// A5: who reads the former mailbox has no way in
#[tokio::test]
async fn a_link_to_the_former_address_ends_with_the_change() {
    let app = App::start().await;
    let ann = app.member(ANN).await;
    let pending = link(&app, ANN).await;
    let change = json!({"newEmail": "ann@new.example", "password": crate::app::PASSWORD});
    assert_eq!(app.call(&ann, Method::POST, "/user/change-email", Some(&change)).await.status, 200);
    let proof = app.letter("ann@new.example", "change-address").await.token();
    assert_eq!(app.post("/user/confirm-email", &json!({"token": proof})).await.status, 200);
    assert_eq!(refusal(&follow(&app, &pending).await), ended());
    Pass::of(&follow(&app, &link(&app, "ann@new.example").await).await);
    app.finish().await;
}

#[tokio::test]
async fn of_many_at_once_one_comes_in() {
    let app = App::start().await;
    app.member(ANN).await;
    let token = link(&app, ANN).await;
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..20 {
        calls.spawn(app.request(Method::POST, LINK_VERIFY).json(&json!({"token": token})).send());
    }
    let answers = calls.join_all().await;
    let statuses = answers.into_iter().map(|answer| answer.expect("an answer").status().as_u16());
    let (let_in, refused): (Vec<_>, Vec<_>) = statuses.partition(|status| *status == 200);
    assert_eq!((let_in.len(), refused), (1, vec![401; 19]));
    app.finish().await;
}

// D4: a link is no way around the second factor. E2: the budget of wrong answers is that of every path.
#[tokio::test]
async fn a_link_asks_for_the_second_factor_and_stays_good_until_it_is_right() {
    let app = App::start().await;
    let careful = enrol(&app, app.member(ANN).await).await;
    let token = link(&app, ANN).await;
    let asked = follow(&app, &token).await.json();
    assert_eq!((&asked["success"], &asked["data"]["requires_2fa"]), (&json!(true), &json!(true)));
    assert_eq!(asked["data"].get("tokens"), None, "{asked}");
    let with = |code: &str| json!({"token": token, "totp_code": code});
    let wrong = app.post(LINK_VERIFY, &with("00000000")).await;
    assert_eq!(refusal(&wrong), (401, "INVALID_TOTP_CODE".to_owned()));
    let code = careful.code(&app);
    let pass = Pass::of(&app.post(LINK_VERIFY, &with(&code)).await);
    assert!(is_live(&app, &pass).await);
    assert_eq!(refusal(&app.post(LINK_VERIFY, &with(&code)).await), ended());
    let token = link(&app, ANN).await;
    for _ in 0..9 {
        let wrong = app.post(LINK_VERIFY, &json!({"token": token, "totp_code": "000000"})).await;
        assert_eq!(refusal(&wrong), (401, "INVALID_TOTP_CODE".to_owned()));
    }
    let login = json!({"email": ANN, "password": crate::app::PASSWORD, "totp_code": "000000"});
    assert_eq!(
        refusal(&app.post(LOGIN, &login).await).0,
        429,
        "guesses by link and by password count together"
    );
    app.finish().await;
}

// A1: who typed the address before it was proved keeps nothing
#[tokio::test]
async fn a_first_proof_by_link_ends_what_was_set_up_before_it() {
    let app = App::start().await;
    let thief = sign_up(&app, ANN).await;
    let thiefs =
        Pass::of(&app.post(LOGIN, &json!({"email": ANN, "password": PASSWORD, "device_id": "thief"})).await);
    app.post("/user/request-reset-password", &json!({"email": ANN})).await;
    let reset = app.letter(ANN, "reset").await.token();
    let token = link(&app, ANN).await;
    let page = app.get(&format!("/magic-link?token={token}")).await;
    assert!(page.text.contains("removes the password"), "{}", page.text);
    let pass = Pass::of(&follow(&app, &token).await);
    assert!(is_live(&app, &pass).await);
    assert!(!is_live(&app, &thief).await && !is_live(&app, &thiefs).await);
    let login = app.post(LOGIN, &json!({"email": ANN, "password": PASSWORD})).await;
    assert_eq!(refusal(&login), (401, "INVALID_CREDENTIALS".to_owned()));
    let stale = app.post(RESET, &json!({"token": reset, "password": PASSWORD})).await;
    assert_eq!(refusal(&stale), (400, "INVALID_TOKEN".to_owned()));
    let me = crate::orbai_user::account(&app, ANN);
    assert!(me.account.verified_at.is_some() && me.account.password_hash.is_none());
    assert_eq!(
        app.get(&format!("/magic-link?token={}", link(&app, ANN).await))
            .await
            .text
            .matches("removes the password")
            .count(),
        0
    );
    app.finish().await;
}

//! FinRadar's sign-up: codes that are exchanged, checked again and used up, and the letters that follow.

use std::time::Duration;

use latchkey::model::id::InviteCodeId;
use latchkey::model::time::MINUTE;
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::crowd::crowd;
use crate::jwt::{self, Forge};
use crate::process::Place;

pub const REGISTER: &str = "/finradar/api/v1/auth/register";
const REDEEM: &str = "/finradar/api/v1/auth/redeem-invite";
/// A password that only this contract takes.
pub const PASSWORD: &str = "simple words";

/// A code of the operator's for so many uses.
pub async fn code(app: &App, uses: i64) -> (InviteCodeId, String) {
    let (invite, code) = app.service.create_invite(uses, None, "").await.expect("a code");
    (invite.id, code.to_string())
}

async fn redeem(app: &App, code: &str) -> Answer {
    app.post(REDEEM, &json!({"code": code})).await
}

/// A token to sign up with.
pub async fn token(app: &App, code: &str) -> String {
    let redeemed = redeem(app, code).await;
    assert_eq!(redeemed.status, 200, "{}", redeemed.text);
    redeemed.field("invite_token")
}

pub async fn register(app: &App, email: &str, token: &str) -> Answer {
    app.post(REGISTER, &json!({"email": email, "password": PASSWORD, "invite_token": token})).await
}

pub fn refusal(answer: &Answer) -> (u16, String) {
    (answer.status, answer.field("message"))
}

fn over(word: &str) -> (u16, String) {
    (410, format!("Invite code is {word} and cannot be used"))
}

pub fn bad_token() -> (u16, String) {
    (400, "Invalid or expired invite token".to_owned())
}

pub fn accounts(app: &App) -> usize {
    app.service.list_accounts(0, 1_000).expect("the accounts").len()
}

#[tokio::test]
async fn a_code_lets_one_sign_up_and_is_used_up() {
    let app = App::start().await;
    let (id, code) = code(&app, 1).await;
    let redeemed = redeem(&app, &code).await;
    assert_eq!((redeemed.status, &redeemed.json()["expires_in"]), (200, &json!(900)));
    let token = redeemed.field("invite_token");
    let answer = register(&app, "Ann@Acme.example", &token).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.text,
        r#"{"message":"Register user successful","linkMsg":"Please verify the email, I have send verification link."}"#
    );
    assert_eq!(refusal(&register(&app, "bob@acme.example", &token).await), over("used"));
    assert_eq!(refusal(&redeem(&app, &code).await), over("used"));
    let (invite, uses) = app.service.find_invite(id).expect("the store").expect("an invite");
    let emails: Vec<_> = uses
        .iter()
        .filter_map(|one| one.email.as_ref())
        .map(latchkey::model::email::EmailAddress::as_str)
        .collect();
    assert_eq!((invite.uses, emails), (1, vec!["ann@acme.example"]), "kept in lower case");
    app.finish().await;
}

// B2: every field changed, other keys, no signature
#[tokio::test]
async fn a_tampered_token_lets_nobody_in() {
    let app = App::start().await;
    let (_, code) = code(&app, 50).await;
    let good = token(&app, &code).await;
    let (header, claims) = (jwt::header(&good), jwt::claims(&good));
    let forge = Forge::with_the_servers_key(&app);
    let with = |key: &str, value: Value| {
        let mut claims = claims.clone();
        claims[key] = value;
        forge.sign(&header, &claims)
    };
    let stranger = latchkey::tokens::SigningKey::generate();
    let mut none = header.clone();
    none["alg"] = json!("none");
    let rows = [
        ("of another kind", with("type", json!("access"))),
        ("of another contract", with("aud", json!("flashback"))),
        ("without an end", with("exp", Value::Null)),
        ("with its end as a text", with("exp", json!("9999999999"))),
        ("that has ended", with("exp", claims["iat"].clone())),
        ("of an unknown code", with("tokenId", json!("0123456789abcdef01234567"))),
        ("of no code", with("tokenId", json!(""))),
        ("signed by somebody else", Forge::with(stranger.pkcs8()).sign(&header, &claims)),
        ("that is not signed", format!("{}.", jwt::unsigned(&none, &claims))),
        ("cut short", good[..good.len() - 2].to_owned()),
        ("empty", String::new()),
        ("that is none", "nonsense".to_owned()),
    ];
    for (what, token) in rows {
        let answer = register(&app, "eve@evil.example", &token).await;
        assert_eq!(refusal(&answer), bad_token(), "a token {what}");
    }
    assert_eq!(accounts(&app), 0);
    assert_eq!(register(&app, "ann@acme.example", &good).await.status, 200);
    app.finish().await;
}

// E4: the invite token is nothing anywhere else, and nothing else is an invite token
#[tokio::test]
async fn an_invite_token_is_good_for_a_sign_up_alone() {
    let app = App::start().await;
    let (_, code) = code(&app, 5).await;
    let token = token(&app, &code).await;
    let ann = app.member("ann@acme.example").await;
    for other in [&ann.access, &ann.refresh, &code] {
        assert_eq!(refusal(&register(&app, "bob@acme.example", other).await), bad_token());
    }
    for path in
        ["/user/profile", "/finradar/api/v1/user/", "/finradar/api/v1/account/balance", "/forward-auth"]
    {
        let answer = app.send(app.request(reqwest::Method::GET, path).bearer_auth(&token)).await;
        assert_eq!(answer.status, 401, "{path}");
    }
    assert_eq!(app.post("/user/refresh", &json!({"refreshToken": token})).await.status, 401);
    app.finish().await;
}

// The token alone is never trusted: its code is asked again at every call (seed).
#[tokio::test]
async fn a_code_that_ended_meanwhile_lets_nobody_in() {
    let app = App::start().await;
    let (invite, expiring) = app.service.create_invite(1, Some(5 * MINUTE), "").await.expect("a code");
    let (revoked, code) = code(&app, 1).await;
    let (one, two) = (token(&app, &expiring.to_string()).await, token(&app, &code).await);
    assert!(app.service.revoke_invite(revoked).await.expect("the store"));
    assert_eq!(refusal(&register(&app, "ann@acme.example", &two).await), over("revoked"));
    assert_eq!(refusal(&redeem(&app, &code).await), over("revoked"));
    app.advance(5 * MINUTE - Duration::from_millis(1));
    assert_eq!(redeem(&app, &expiring.to_string()).await.status, 200);
    app.advance(Duration::from_millis(1));
    assert_eq!(refusal(&register(&app, "ann@acme.example", &one).await), over("expired"));
    assert_eq!(refusal(&redeem(&app, &expiring.to_string()).await), over("expired"));
    assert_eq!(app.service.find_invite(invite.id).expect("the store").expect("an invite").0.uses, 0);
    app.finish().await;
}

#[tokio::test]
async fn a_token_is_good_for_a_quarter_of_an_hour() {
    let app = App::start().await;
    let (_, code) = code(&app, 2).await;
    let token = token(&app, &code).await;
    app.advance(15 * MINUTE - Duration::from_secs(1));
    assert_eq!(register(&app, "ann@acme.example", &token).await.status, 200);
    app.advance(Duration::from_secs(1));
    assert_eq!(refusal(&register(&app, "bob@acme.example", &token).await), bad_token());
    app.finish().await;
}

// B1
#[tokio::test]
async fn of_fifty_at_once_as_many_come_in_as_the_code_has_uses() {
    for uses in [1, 10] {
        let app = App::start().await;
        let (id, code) = code(&app, uses).await;
        let token = token(&app, &code).await;
        let (app, answers) = crowd(app, 50, |app, caller| {
            let token = token.clone();
            async move { register(&app, &format!("n{caller}@acme.example"), &token).await }
        })
        .await;
        let through = answers.iter().filter(|answer| answer.status == 200).count();
        let refused = answers.iter().filter(|answer| refusal(answer) == over("used")).count();
        assert_eq!((through as i64, refused as i64), (uses, 50 - uses));
        let (invite, used_by) = app.service.find_invite(id).expect("the store").expect("an invite");
        assert_eq!((invite.uses, used_by.len(), accounts(&app)), (uses, uses as usize, uses as usize));
        app.finish().await;
    }
}

// B7, and one address in a race: a refusal burns nothing and sends no mail
#[tokio::test]
async fn a_refused_sign_up_burns_nothing_and_sends_no_mail() {
    let app = App::start().await;
    let (id, code) = code(&app, 3).await;
    let token = token(&app, &code).await;
    for wrong in ["", "nonsense", "ZZZZ-ZZZZ-ZZZZ-ZZZZ", "0123456789abcdef01234567"] {
        let answer = redeem(&app, wrong).await;
        assert_eq!(refusal(&answer), (400, "Invalid invite code".to_owned()), "{wrong}");
    }
    let (app, answers) = crowd(app, 20, |app, _| {
        let token = token.clone();
        async move { register(&app, "ann@acme.example", &token).await }
    })
    .await;
    let taken = (400, "Email already exists".to_owned());
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1);
    assert_eq!(answers.iter().filter(|answer| refusal(answer) == taken).count(), 19);
    assert_eq!(refusal(&register(&app, "ANN@acme.example", &token).await), taken);
    assert_eq!(app.service.find_invite(id).expect("the store").expect("an invite").0.uses, 1);
    assert_eq!(app.letters().await.len(), 2);
    app.finish().await;
}

#[tokio::test]
async fn the_operator_makes_lists_shows_and_revokes_codes() {
    let place = Place::new();
    let server = place.serve(&[]);
    let made =
        place.json(&["invite", "create", "--uses", "2", "--expires", "30d", "--note", "for the press"]);
    let code = made["code"].as_str().expect("a code").to_owned();
    assert_eq!(
        (&made["uses"], &made["state"], &made["note"]),
        (&json!("0/2"), &json!("redeemable"), &json!("for the press"))
    );
    let redeemed = server.post(REDEEM, &json!({"code": code.to_lowercase().replace('-', "")})).await;
    let body = json!({"email": "ann@acme.example", "password": PASSWORD, "invite_token": redeemed.field("invite_token")});
    assert_eq!(server.post(REGISTER, &body).await.status, 200);
    let listed = place.run(&["invite", "list"]);
    assert!(listed.stdout.contains("1/2") && !listed.stdout.contains(&code), "{}", listed.stdout);
    let shown = place.json(&["invite", "show", &code]);
    assert_eq!(shown["used_by"][0]["email"], "ann@acme.example");
    let id = shown["id"].as_str().expect("an id");
    assert!(place.run(&["invite", "revoke", id]).stdout.contains("is revoked"));
    assert!(place.run(&["invite", "revoke", &code]).stdout.contains("was revoked already"));
    let answer = server.post(REDEEM, &json!({"code": code})).await;
    assert_eq!(refusal(&answer), over("revoked"));
    for (arguments, status) in [
        (&["invite", "create", "--uses", "0"][..], 2),
        (&["invite", "create", "--expires", "soon"], 1),
        (&["invite", "create", "--expires", "0d"], 1),
        (&["invite", "create", "--note", "a\nb"], 1),
        (&["invite", "revoke", "nonsense"], 1),
        (&["invite", "show", "0123456789abcdef01234567"], 1),
    ] {
        let done = place.run(arguments);
        assert_eq!(done.status, status, "{arguments:?}: {}", done.stderr);
    }
    server.stop().await;
}

//! Sessions: logging in, refreshing, logging out, and what cuts them at once.

use std::time::Duration;

use latchkey::model::time::{DAY, HOUR};
use latchkey::service::operator::{AccountAction, AccountName, BanTarget};
use reqwest::Method;
use serde_json::json;

use crate::app::{Answer, App, PASSWORD, Person};
use crate::crowd::crowd;
use crate::jwt;

async fn refresh(app: &App, token: &str) -> Answer {
    app.post("/user/refresh", &json!({"refreshToken": token})).await
}

async fn enters(app: &App, person: &Person) -> bool {
    app.call(person, Method::GET, "/user/profile", None).await.status == 200
}

fn dead(answer: &Answer, what: &str) {
    assert_eq!(answer.refusal(), (401, "INVALID_REFRESH_TOKEN".to_owned()), "{what}");
}

async fn act(app: &App, person: &Person, action: AccountAction) {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    assert!(app.service.act_on_account(&member, action).await.expect("the store"));
}

async fn log_in(app: &App, email: &str) -> Person {
    let answer = app.login(email, PASSWORD).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    Person::of(email, &answer)
}

#[tokio::test]
async fn a_refresh_token_goes_under_both_names_and_is_rotated() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let mut token = ann.refresh.clone();
    for (generation, name) in [(1, "refreshToken"), (2, "refresh_token"), (3, "refreshToken")] {
        app.advance(Duration::from_secs(1));
        let answer = app.post("/user/refresh", &json!({name: token})).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
        let body = answer.json();
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["success", "token", "accessToken", "refreshToken", "expiresAt"]);
        assert_eq!(body["token"], body["accessToken"]);
        assert_eq!(body["expiresAt"], json!((app.clock.now() + HOUR).seconds()));
        token = answer.field("refreshToken");
        let claims = jwt::claims(&token);
        assert_eq!((&claims["generation"], &claims["tokenId"]), (&json!(generation), &json!(ann.session)));
        assert_eq!(claims["exp"], json!((app.clock.now() + 30 * DAY).seconds()), "a used session lives on");
        assert!(enters(&app, &Person { access: answer.field("accessToken"), ..ann.clone() }).await);
    }
    let nothing = app.post("/user/refresh", &json!({})).await;
    assert_eq!(nothing.refusal(), (400, "INVALID_INPUT".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn a_refresh_token_lives_thirty_days() {
    let app = App::start().await;
    let (ann, bob) = (app.member("ann@acme.com").await, app.member("bob@acme.com").await);
    app.advance(30 * DAY - Duration::from_secs(1));
    assert_eq!(refresh(&app, &ann.refresh).await.status, 200);
    app.advance(Duration::from_secs(1));
    dead(&refresh(&app, &bob.refresh).await, "at its last second");
    app.finish().await;
}

// F2
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_refreshes_of_one_token_make_one_family() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let token = ann.refresh.clone();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let token = token.clone();
        async move { refresh(&app, &token).await }
    })
    .await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "nobody is thrown out: {}", answer.text);
        let claims = jwt::claims(&answer.field("refreshToken"));
        assert_eq!(
            (&claims["generation"], &claims["tokenId"]),
            (&json!(1), &json!(ann.session)),
            "one family"
        );
        assert!(enters(&app, &Person { access: answer.field("accessToken"), ..ann.clone() }).await);
    }
    let listed = app.call(&ann, Method::GET, "/token", None).await.json();
    let own =
        listed["tokens"].as_array().expect("a list").iter().filter(|t| t["tokenId"] == json!(ann.session));
    assert_eq!(own.count(), 1);
    assert_eq!(refresh(&app, &answers[19].field("refreshToken")).await.status, 200, "any of them goes on");
    app.finish().await;
}

// F2
#[tokio::test]
async fn an_old_refresh_token_after_the_grace_ends_the_session() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let elsewhere = log_in(&app, &ann.email).await;
    let newest = refresh(&app, &ann.refresh).await;
    app.advance(Duration::from_secs(10));
    let late = refresh(&app, &ann.refresh).await;
    assert_eq!(late.status, 200, "a lost answer may be asked for again within ten seconds");
    app.advance(Duration::from_millis(1));
    dead(&refresh(&app, &ann.refresh).await, "reuse");
    dead(&refresh(&app, &newest.field("refreshToken")).await, "the newest token goes with it");
    for access in [ann.access.clone(), newest.field("accessToken"), late.field("accessToken")] {
        assert!(!enters(&app, &Person { access, ..ann.clone() }).await, "and so does every access token");
    }
    assert!(enters(&app, &elsewhere).await, "other sessions stay");
    app.finish().await;
}

// F2
#[tokio::test]
async fn a_token_two_generations_old_ends_the_session_even_within_the_grace() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let second = refresh(&app, &ann.refresh).await.field("refreshToken");
    let third = refresh(&app, &second).await.field("refreshToken");
    dead(&refresh(&app, &ann.refresh).await, "two generations old");
    dead(&refresh(&app, &third).await, "the newest");
    app.finish().await;
}

// D4
#[tokio::test]
async fn a_log_out_cuts_the_access_token_at_once() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let bystander = log_in(&app, &ann.email).await;
    for (what, name) in
        [("camel case", Some("refreshToken")), ("snake case", Some("refresh_token")), ("bearer", None)]
    {
        let here = log_in(&app, &ann.email).await;
        assert!(enters(&app, &here).await, "{what}");
        let answer = match name {
            Some(name) => app.post("/user/logout", &json!({name: here.refresh})).await,
            None => app.call(&here, Method::POST, "/user/logout", None).await,
        };
        assert_eq!((answer.status, answer.json()), (200, json!({"success": true})), "{what}");
        assert!(!enters(&app, &here).await, "{what}");
        dead(&refresh(&app, &here.refresh).await, what);
    }
    assert!(enters(&app, &bystander).await, "only the one session ends");
    app.finish().await;
}

#[tokio::test]
async fn a_log_out_of_nothing_succeeds_and_ends_nothing() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let post = || app.request(Method::POST, "/user/logout");
    let rows = [
        ("neither token", post()),
        ("an empty object", post().json(&json!({}))),
        ("an unknown token", post().json(&json!({"refreshToken": "unknown"}))),
        (
            "an access token in the place of a refresh token",
            post().json(&json!({"refresh_token": ann.access})),
        ),
        ("a bad bearer", post().bearer_auth("garbage")),
        ("a refresh token as bearer", post().bearer_auth(&ann.refresh)),
    ];
    for (what, request) in rows {
        let answer = app.send(request).await;
        assert_eq!(
            (answer.status, answer.json()),
            (200, json!({"success": true})),
            "{what}: {}",
            answer.text
        );
        assert!(enters(&app, &ann).await, "{what}");
    }
    app.finish().await;
}

// B6
#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_alone() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let bob = app.member("bob@acme.com").await;
    let device = json!({"email": ann.email, "password": PASSWORD, "deviceInfo": {"deviceName": "Pixel 8", "os": "Android"}});
    let phone = Person::of(&ann.email, &app.post("/user/login", &device).await);
    let listed = app.call(&ann, Method::GET, "/token", None).await.json();
    let tokens = listed["tokens"].as_array().expect("a list");
    assert_eq!(tokens.len(), 3, "sign-up, verification and login: {tokens:?}");
    assert!(tokens.iter().all(|token| token["tokenId"] != json!(bob.session)));
    let find = |id: &str| tokens.iter().find(|token| token["tokenId"] == json!(id)).expect("listed").clone();
    assert_eq!(find(&phone.session)["device"], json!("Pixel 8, Android"));
    assert_eq!(
        (&find(&phone.session)["current"], &find(&ann.session)["current"]),
        (&json!(false), &json!(true))
    );

    let unknown = app.call(&ann, Method::DELETE, "/token/000000000000000000000000", None).await;
    assert_eq!(unknown.refusal(), (404, "TOKEN_NOT_FOUND".to_owned()));
    for (what, id) in [("another's", bob.session.as_str()), ("none", "x")] {
        let answer = app.call(&ann, Method::DELETE, &format!("/token/{id}"), None).await;
        assert_eq!((answer.status, answer.text), (404, unknown.text.clone()), "{what} is as an unknown one");
    }
    assert!(enters(&app, &bob).await);
    let path = format!("/token/{}", phone.session);
    assert_eq!(app.call(&ann, Method::DELETE, &path, None).await.status, 200);
    assert!(!enters(&app, &phone).await);
    dead(&refresh(&app, &phone.refresh).await, "ended");
    let again = app.call(&ann, Method::DELETE, &path, None).await;
    assert_eq!(again.refusal(), (404, "TOKEN_NOT_FOUND".to_owned()));
    app.finish().await;
}

// D2
#[tokio::test]
async fn deactivation_and_bans_cut_every_session_at_the_next_request() {
    let app = App::start().await;
    for (row, what) in ["own deactivation", "deactivation", "ban", "organization ban"].into_iter().enumerate()
    {
        let email = format!("ann@acme{row}.com");
        let here = app.member(&email).await;
        let there = log_in(&app, &email).await;
        app.post("/user/request-reset-password", &json!({"email": email})).await;
        let reset = app.letter(&email, "reset").await.token();
        assert!(enters(&app, &here).await && enters(&app, &there).await, "{what}");
        match what {
            "own deactivation" => {
                let answer = app.call(&here, Method::POST, "/user/deactivate", None).await;
                assert_eq!(answer.json(), json!({"success": true}));
            }
            "deactivation" => act(&app, &here, AccountAction::Deactivate).await,
            "ban" => act(&app, &here, AccountAction::Ban).await,
            _ => {
                let target = BanTarget::Organization(here.organization.parse().expect("an id"));
                assert_eq!(app.service.ban(target, true).await.expect("the store"), Some(true));
            }
        }
        assert!(!enters(&app, &here).await && !enters(&app, &there).await, "{what}");
        dead(&refresh(&app, &there.refresh).await, what);
        assert_eq!(app.login(&email, PASSWORD).await.refusal(), (401, "USER_INACTIVE".to_owned()), "{what}");
        let revived =
            app.post("/user/reset-password", &json!({"token": reset, "newPassword": PASSWORD})).await;
        assert_eq!(revived.refusal(), (400, "INVALID_TOKEN".to_owned()), "{what}");
        let letters = app.letters().await.len();
        app.post("/user/request-reset-password", &json!({"email": email})).await;
        assert_eq!(app.letters().await.len(), letters, "{what}: no way back by mail");
    }
    app.finish().await;
}

#[tokio::test]
async fn an_access_token_ends_after_an_hour() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    app.advance(HOUR - Duration::from_millis(1));
    assert!(enters(&app, &ann).await);
    app.advance(Duration::from_millis(1));
    assert!(!enters(&app, &ann).await);
    assert_eq!(refresh(&app, &ann.refresh).await.status, 200);
    app.finish().await;
}

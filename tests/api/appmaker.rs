//! What the tests of the AppMaker contract share, and the shapes of its refusals.

use latchkey::api::appmaker::POLICY;
use latchkey::model::email::EmailAddress;
use latchkey::model::password::Password;
use latchkey::model::session::Origin;
use latchkey::model::time::DAY;
use latchkey::service::login::LoginOrder;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};

/// Where the contract's paths begin.
pub const PLACE: &str = "/appmaker/api/v1";

/// The same person, signed in through AppMaker.
pub async fn enter(app: &App, person: &Person) -> Person {
    let order = LoginOrder {
        email: EmailAddress::parse(&person.email).expect("an address"),
        password: Password::given(PASSWORD),
        origin: Origin {
            address: app.address.ip(),
            device: "a browser".to_owned(),
            told: None,
            report: None,
        },
        second_factor: None,
    };
    let entered = app.service.log_in(&POLICY, order).await.expect("a session");
    Person { access: entered.tokens.access, refresh: entered.tokens.refresh, ..person.clone() }
}

/// Somebody who owns an organization, signed in through AppMaker.
pub async fn owner(app: &App, email: &str) -> Person {
    let person = app.member(email).await;
    enter(app, &person).await
}

/// Where the invitations into somebody's organization are.
pub fn invitations_of(person: &Person) -> String {
    format!("{PLACE}/organizations/{}/invitations", person.organization)
}

/// The moment so many days from now.
pub fn in_days(app: &App, days: u32) -> String {
    (app.clock.now() + DAY * days).rfc3339()
}

/// Asks for an invitation, good for a week and with a role.
pub async fn invite(app: &App, admin: &Person, email: &str, role: &str) -> Answer {
    let body = json!({"email": email, "roles": [role], "validatedAt": in_days(app, 7)});
    app.call(admin, Method::POST, &invitations_of(admin), Some(&body)).await
}

/// The secret of a plain user's invitation.
pub async fn invited(app: &App, admin: &Person, email: &str) -> String {
    let answer = invite(app, admin, email, "USER").await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    app.letter(email, "invitation").await.token()
}

/// A registration by invitation, where captchas are off.
pub fn registration(email: &str) -> Value {
    json!({"username": email, "password": PASSWORD, "firstName": "Jane", "lastName": "Doe", "token": "captcha"})
}

/// Follows an invitation by the API.
pub async fn register(app: &App, secret: &str, body: &Value) -> Answer {
    app.post(&format!("{PLACE}/auth/register/{secret}"), body).await
}

/// The faulty fields of an answer with status 400.
pub fn faults(answer: &Answer) -> Value {
    assert_eq!(answer.status, 400, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{}", answer.text);
    body["validationError"].clone()
}

/// Status and sentence of any other refusal.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(1), "{}", answer.text);
    let sentences = body["apiError"].as_array().expect("a list of sentences");
    assert_eq!(sentences.len(), 1, "{}", answer.text);
    (answer.status, sentences[0].as_str().expect("a sentence").to_owned())
}

#[tokio::test]
async fn one_account_signs_in_through_any_contract() {
    let app = App::start().await;
    let ann = app.member("ann@acme.com").await;
    let there = enter(&app, &ann).await;
    let me = app.call(&there, Method::GET, &format!("{PLACE}/me"), None).await;
    assert_eq!(me.status, 200, "{}", me.text);
    let me = me.json();
    assert_eq!((&me["_id"], &me["username"], &me["status"]), (&json!(ann.id), &json!(ann.email), &json!(1)));
    assert_eq!((&me["organization"], &me["userType"]), (&json!(ann.organization), &json!("admin")));
    let elsewhere = app.call(&ann, Method::GET, &format!("{PLACE}/me"), None).await;
    assert_eq!(elsewhere.status, 401, "another contract's token is none");
    assert_eq!(app.call(&there, Method::GET, "/user/profile", None).await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn what_no_operation_handles_has_the_contracts_shape() {
    let app = App::start().await;
    let rows = [
        (Method::GET, "/nowhere", 404, "There is nothing at this path"),
        (Method::PATCH, "/me", 405, "This path does not take this method"),
        (Method::GET, "/me", 401, "x-access-token"),
    ];
    for (method, path, status, word) in rows {
        let here = app.send(app.request(method.clone(), &format!("{PLACE}{path}"))).await;
        let (told, sentence) = refusal(&here);
        assert_eq!(told, status, "{path}");
        assert!(sentence.contains(word), "{path}: {sentence}");
        let door = app.request(method, &format!("/api/v1{path}")).header("host", "appmaker.localhost");
        assert_eq!(app.send(door).await.text, here.text, "{path} through the front door");
    }
    app.finish().await;
}

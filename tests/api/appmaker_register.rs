//! AppMaker's registration by invitation (contracts/appmaker.md section 1).

use std::sync::Arc;
use std::time::Duration;

use latchkey::model::domain::Host;
use latchkey::model::time::DAY;
use latchkey::service::operator::BanTarget;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::appmaker::{PLACE, enter, faults, invitations_of, invite, invited, owner, register, registration};
use crate::captcha::{answer as captcha_answer, easy_work};
use crate::crowd::crowd;

const SEED: &str = include_str!("appmaker-register.openapi.json");
const ENDED: &str = "Invalid or expired invitation";

/// The published schema of the answer, with the two deviations of the contract: names may be short, and the password,
/// which is only written, is never asked for in an answer.
fn published() -> jsonschema::Validator {
    let mut seed: Value = serde_json::from_str(SEED).expect("JSON");
    let response = &seed["paths"]["/auth/register/{token}"]["post"]["responses"]["201"]["$ref"];
    assert_eq!(response, "#/components/responses/RegisterResponse");
    let schemas = &mut seed["components"]["schemas"];
    for name in ["FirstName", "LastName"] {
        assert_eq!(schemas[name]["minLength"].take(), json!(5));
        schemas[name]["minLength"] = json!(1);
    }
    let required = schemas["User"]["required"].as_array_mut().expect("a list");
    required.retain(|field| field != "password");
    assert_eq!(schemas["User"]["properties"]["password"]["writeOnly"], json!(true));
    let schema = json!({
        "$ref": "#/components/responses/RegisterResponse/content/application~1json/schema",
        "components": seed["components"],
    });
    let options = jsonschema::options().with_draft(jsonschema::Draft::Draft4).should_validate_formats(true);
    options.build(&schema).expect("the schema is sound")
}

fn account(app: &App, email: &str) -> Option<latchkey::model::account::Member> {
    app.service.store.read(|tx| latchkey::store::accounts::member_by_email(tx, email)).expect("the store")
}

#[tokio::test]
async fn a_registration_answers_the_bare_user_of_the_published_document() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let made = invite(&app, &olga, "jane@else.com", "BILLING").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let secret = app.letter("jane@else.com", "invitation").await.token();
    let body = registration("jane@else.com");
    let request = app.request(Method::POST, &format!("/api/v1/auth/register/{secret}"));
    let request = request.header("host", "appmaker.localhost").header("accept-language", "de");
    let answer = app.send(request.json(&body)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let user = answer.json();
    let schema = published();
    let errors: Vec<String> = schema.iter_errors(&user).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
    for (field, broken) in [("status", json!(2)), ("_id", json!("x")), ("createdAt", json!("yesterday"))] {
        let mut broken_user = user.clone();
        broken_user[field] = broken;
        assert!(!schema.is_valid(&broken_user), "the schema has an opinion on {field}");
    }
    let mut fields: Vec<&str> = user.as_object().expect("an object").keys().map(String::as_str).collect();
    fields.sort_unstable();
    let expected = ["_id", "createdAt", "firstName", "language", "lastLoginAt", "lastName", "status"];
    assert_eq!(fields, [&expected[..], &["updatedAt", "username"]].concat());
    assert_eq!(
        (&user["status"], &user["language"]),
        (&json!(1), &json!("de")),
        "the link proved the address"
    );
    assert_eq!((&user["lastName"], &user["lastLoginAt"]), (&json!("Doe"), &user["createdAt"]));

    let jane = Person { email: "jane@else.com".to_owned(), ..olga.clone() };
    let me = app.call(&enter(&app, &jane).await, Method::GET, &format!("{PLACE}/me"), None).await.json();
    assert_eq!((&me["_id"], &me["organization"]), (&user["_id"], &json!(olga.organization)));
    assert_eq!((&me["roles"], &me["userType"]), (&json!(["USER", "BILLING"]), &json!("user")));
    let elsewhere = Person::of("jane@else.com", &app.login("jane@else.com", PASSWORD).await);
    let profile = app.call(&elsewhere, Method::GET, "/user/profile", None).await.json();
    assert_eq!((&profile["data"]["validated"], &profile["data"]["orgRole"]), (&json!(true), &json!(1)));
    let export = app.call(&elsewhere, Method::GET, "/user/export", None).await;
    let kept = &export.json()["data"]["invitation"];
    assert_eq!(
        (&kept["email"], &kept["orgRole"]),
        (&json!("jane@else.com"), &json!("BILLING")),
        "{}",
        export.text
    );
    assert_eq!(kept["registeredAt"], json!("2026-03-01T12:00:00Z"));
    app.finish().await;
}

#[tokio::test]
async fn all_faults_are_told_at_once_by_the_names_of_their_fields() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    let long = "x".repeat(256);
    let rows = [
        ("nothing", json!({}), vec!["captcha", "firstName", "lastName", "password", "username"]),
        ("no captcha", json!({"token": null}), vec!["captcha"]),
        ("a captcha that is a number", json!({"token": 7}), vec!["captcha"]),
        ("an empty captcha", json!({"token": ""}), vec!["captcha"]),
        ("a blank captcha", json!({"token": "  "}), vec!["captcha"]),
        ("a short password", json!({"password": "1234567"}), vec!["password"]),
        ("a long password", json!({"password": long}), vec!["password"]),
        ("empty names", json!({"firstName": "", "lastName": ""}), vec!["firstName", "lastName"]),
        ("blank names", json!({"firstName": " ", "lastName": "\t"}), vec!["firstName", "lastName"]),
        ("long names", json!({"firstName": long, "lastName": long}), vec!["firstName", "lastName"]),
        ("a name of two lines", json!({"firstName": "A\r\nB"}), vec!["firstName"]),
        ("no address", json!({"username": "jane"}), vec!["username"]),
        ("a list of addresses", json!({"username": ["jane@else.com"]}), vec!["username"]),
        ("two addresses", json!({"username": "jane@else.com,eve@evil.com"}), vec!["username"]),
        (
            "two addresses with a semicolon",
            json!({"username": "jane@else.com;eve@evil.com"}),
            vec!["username"],
        ),
        ("an address with a name", json!({"username": "\"Jane\" <jane@else.com>"}), vec!["username"]),
        ("an address of two lines", json!({"username": "jane@else.com\neve@evil.com"}), vec!["username"]),
        ("another address", json!({"username": "eve@evil.com"}), vec!["username"]),
        (
            "everything",
            json!({"username": 1, "password": [], "firstName": {}, "lastName": true, "token": 1.5}),
            vec!["captcha", "firstName", "lastName", "password", "username"],
        ),
    ];
    for (what, change, fields) in rows {
        let mut body = if what == "nothing" { json!({}) } else { registration("jane@else.com") };
        for (field, value) in change.as_object().expect("an object") {
            body[field] = value.clone();
        }
        let answer = register(&app, &secret, &body).await;
        let told = faults(&answer);
        let told: Vec<&str> = told.as_object().expect("fields").keys().map(String::as_str).collect();
        assert_eq!(told, fields, "{what}: {}", answer.text);
        assert!(!answer.text.contains("eve@evil.com") && !answer.text.contains(PASSWORD), "{what}");
    }
    // A4
    let twice = r#"{"username":"jane@else.com","username":"eve@evil.com","password":"SecurePass123","firstName":"A",
        "lastName":"B","token":"x"}"#;
    let answer = app.post_raw(&format!("{PLACE}/auth/register/{secret}"), twice).await;
    assert_eq!(faults(&answer), json!({"username": "Must appear only once"}));
    assert!(account(&app, "jane@else.com").is_none() && account(&app, "eve@evil.com").is_none());
    assert_eq!(
        register(&app, &secret, &registration("Jane@ELSE.com")).await.status,
        201,
        "nothing was used up"
    );
    let stored = account(&app, "jane@else.com").expect("an account").account.email;
    assert_eq!(stored.as_str(), "jane@else.com", "the invited text, not the submitted one");
    app.finish().await;
}

// H4
#[tokio::test]
async fn the_two_tokens_are_never_mixed() {
    let app = App::start_with(easy_work).await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    let captcha = captcha_answer(&app).await;
    let body = |token: &str| {
        let mut body = registration("jane@else.com");
        body["token"] = json!(token);
        body
    };
    let token = json!({"token": ENDED});
    let refused = json!({"captcha": "Missing or failed"});
    let quoted = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let rows = [
        ("each in the other's place", quoted(&captcha), body(&secret), &token),
        ("the captcha in both", quoted(&captcha), body(&captcha), &token),
        ("the invitation in both", secret.clone(), body(&secret), &refused),
        ("no captcha", secret.clone(), body("x"), &refused),
        ("no invitation", "x".to_owned(), body(&captcha), &token),
        ("neither", "x".to_owned(), body("x"), &token),
    ];
    for (what, path, body, told) in rows {
        assert_eq!(&faults(&register(&app, &path, &body).await), told, "{what}");
    }
    let mut elsewhere = body(&captcha);
    elsewhere["username"] = json!("eve@evil.com");
    let told = json!({"username": "The invitation is for another address"});
    assert_eq!(faults(&register(&app, &secret, &elsewhere).await), told, "asked before the captcha");
    // The captcha was asked for nothing that was refused before it, and so is still good for once.
    assert_eq!(register(&app, &secret, &body(&captcha)).await.status, 201);
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_is_good_until_it_is_used_revoked_or_over() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let ended = json!({"token": ENDED});
    let used = invited(&app, &olga, "used@else.com").await;
    assert_eq!(register(&app, &used, &registration("used@else.com")).await.status, 201);
    assert_eq!(faults(&register(&app, &used, &registration("used@else.com")).await), ended);

    let made = invite(&app, &olga, "revoked@else.com", "USER").await;
    let revoked = app.letter("revoked@else.com", "invitation").await.token();
    let path = format!("{}/{}", invitations_of(&olga), made.field("_id"));
    assert_eq!(app.call(&olga, Method::DELETE, &path, None).await.status, 204);
    assert_eq!(faults(&register(&app, &revoked, &registration("revoked@else.com")).await), ended);

    let (late, last) =
        (invited(&app, &olga, "late@else.com").await, invited(&app, &olga, "last@else.com").await);
    app.advance(7 * DAY - Duration::from_millis(1));
    assert_eq!(register(&app, &last, &registration("last@else.com")).await.status, 201);
    app.advance(Duration::from_millis(1));
    assert_eq!(faults(&register(&app, &late, &registration("late@else.com")).await), ended);

    let olga = enter(&app, &olga).await;
    let kept_out = invited(&app, &olga, "ann@banned.example").await;
    let taken = invited(&app, &olga, "ann@taken.example").await;
    let orphan = invited(&app, &olga, "orphan@else.com").await;
    let domain = BanTarget::Domain(Host::parse("banned.example").expect("a host"));
    app.service.ban(domain, true).await.expect("the store");
    let told = json!({"username": "The domain of this address is banned"});
    assert_eq!(faults(&register(&app, &kept_out, &registration("ann@banned.example")).await), told);
    app.newcomer("ann@taken.example").await;
    let told = json!({"username": "Already registered"});
    assert_eq!(faults(&register(&app, &taken, &registration("ann@taken.example")).await), told);
    let organization = BanTarget::Organization(olga.organization.parse().expect("an id"));
    app.service.ban(organization, true).await.expect("the store");
    assert_eq!(faults(&register(&app, &orphan, &registration("orphan@else.com")).await), ended);
    app.finish().await;
}

/// The answers by status: accepted, refused for the invitation or for the address that is just taken.
fn tally(answers: &[Answer]) -> (usize, usize) {
    let accepted = answers.iter().filter(|answer| answer.status == 201).count();
    let refused = answers.iter().filter(|answer| {
        answer.status == 400
            && [json!({"token": ENDED}), json!({"username": "Already registered"})].contains(&faults(answer))
    });
    (accepted, refused.count())
}

// B3: accept ∥ accept
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_twenty_who_accept_at_once_one_comes_in() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    let (app, answers) = crowd(app, 20, move |app, _| {
        let secret = secret.clone();
        async move { register(&app, &secret, &registration("jane@else.com")).await }
    })
    .await;
    assert_eq!(tally(&answers), (1, 19), "{answers:?}");
    let list = app.call(&olga, Method::GET, &invitations_of(&olga), None).await.json();
    assert_eq!((&list["totalDocs"], &list["docs"][0]["status"]), (&json!(1), &json!("registered")));
    app.finish().await;
}

// B3: accept ∥ revoke
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_accepting_and_revoking_one_wins() {
    let mut app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    for round in 0..6 {
        let email = format!("jane{round}@else.com");
        let id = invite(&app, &olga, &email, "USER").await.field("_id");
        let secret = app.letter(&email, "invitation").await.token();
        let path = format!("{}/{id}", invitations_of(&olga));
        let (caller, address) = (olga.clone(), email.clone());
        let (there, answers) = crowd(app, 20, move |app: Arc<App>, number| {
            let (secret, path, olga, email) = (secret.clone(), path.clone(), caller.clone(), address.clone());
            async move {
                if number % 2 == 0 {
                    register(&app, &secret, &registration(&email)).await
                } else {
                    app.call(&olga, Method::DELETE, &path, None).await
                }
            }
        })
        .await;
        app = there;
        let count = |status| answers.iter().filter(|answer| answer.status == status).count();
        assert_eq!(count(201) + count(204), 1, "{round}: {answers:?}");
        assert_eq!(count(400) + count(404), 19, "{round}: {answers:?}");
        assert_eq!(account(&app, &email).is_some(), count(201) == 1, "{round}");
    }
    app.finish().await;
}

// B3: accept ∥ expire
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn between_accepting_and_expiring_one_wins() {
    let mut app = App::start().await;
    for round in 0..4 {
        let olga = owner(&app, &format!("olga@acme{round}.com")).await;
        let email = format!("jane{round}@else.com");
        let secret = invited(&app, &olga, &email).await;
        app.advance(7 * DAY - Duration::from_millis(1));
        let address = email.clone();
        let (there, answers) = crowd(app, 20, move |app: Arc<App>, number| {
            let (secret, email) = (secret.clone(), address.clone());
            async move {
                if number == 10 {
                    app.advance(Duration::from_millis(1));
                }
                register(&app, &secret, &registration(&email)).await
            }
        })
        .await;
        app = there;
        let (accepted, refused) = tally(&answers);
        assert!(accepted <= 1 && accepted + refused == 20, "{round}: {answers:?}");
        assert_eq!(account(&app, &email).is_some(), accepted == 1, "{round}");
        let id = olga.organization.parse().ok();
        let listed = app.service.list_invitations(id, 1).expect("the store");
        let state = listed[0].state(app.clock.now()).as_str();
        assert_eq!(state, if accepted == 1 { "registered" } else { "expired" }, "{round}");
    }
    app.finish().await;
}

// G5
#[tokio::test]
async fn who_is_invited_uses_up_no_trial_and_starts_none() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    // Who came before the others is the founder.
    app.advance(Duration::from_secs(1));
    let secret = invited(&app, &olga, "jane@else.com").await;
    assert_eq!(register(&app, &secret, &registration("jane@else.com")).await.status, 201);
    let plans = "select count(*) from subscriptions";
    let plans = app.service.store.read(|tx| tx.value::<i64>(plans, &[])).expect("the store");
    assert_eq!(plans, Some(1), "the organization's own");
    let trials = app.service.store.read(|tx| tx.value::<i64>("select count(*) from trials", &[]));
    assert_eq!(trials.expect("the store"), Some(2), "of the founder's mailbox and domain");
    app.finish().await;
}

//! Invitations into an organization: made, listed, revoked (contracts/appmaker.md section 2), beside those of Flashback.

use std::time::Duration;

use latchkey::model::domain::Host;
use latchkey::model::organization::Role;
use latchkey::model::time::DAY;
use latchkey::service::operator::BanTarget;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, PASSWORD, Person};
use crate::appmaker::{
    enter, faults, in_days, invitations_of, invite, invited, owner, refusal, register, registration,
};
use crate::colleague::colleague;

const USERS: &str = "/organization/users";

async fn page(app: &App, admin: &Person, query: &str) -> Value {
    let answer = app.call(admin, Method::GET, &format!("{}{query}", invitations_of(admin)), None).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// Addresses and states of a page.
fn told(page: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let docs = page["docs"].as_array().expect("a list").iter();
    docs.map(|doc| (text(&doc["email"]), text(&doc["status"]))).collect()
}

async fn revoke(app: &App, admin: &Person, id: &str) -> u16 {
    let path = format!("{}/{id}", invitations_of(admin));
    app.call(admin, Method::DELETE, &path, None).await.status
}

/// Somebody whom Flashback makes an account for at once; tells the account's id.
async fn flashback_invites(app: &App, admin: &Person, email: &str) -> String {
    let body = json!({"email": email, "firstName": "Ann", "lastName": "Lee", "orgRole": 1});
    let made = app.call(admin, Method::POST, USERS, Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["data"]["id"].as_str().expect("an id").to_owned()
}

// B4
#[tokio::test]
async fn an_invitation_is_mailed_listed_without_its_secret_and_revoked() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let made = invite(&app, &olga, "jane@else.com", "BILLING").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let invitation = made.json();
    assert_eq!((&invitation["token"], &invitation["status"]), (&json!("********"), &json!("pending")));
    assert_eq!(
        (&invitation["organization"], &invitation["user"]),
        (&json!(olga.organization), &json!(olga.id))
    );
    assert_eq!(invitation["validatedAt"], json!("2026-03-08T12:00:00Z"));
    let letter = app.letter("jane@else.com", "invitation").await;
    assert!(letter.link().starts_with(&format!("http://{}/invitation?token=", app.address)));
    assert_eq!(letter.0["code"], Value::Null, "there is no account that a code could be for");
    let words = letter.0["text"].as_str().expect("a text");
    assert!(words.contains("Acme Corporation") && words.contains("until 2026-03-08 12:00 UTC"), "{words}");
    let list = app.call(&olga, Method::GET, &invitations_of(&olga), None).await;
    assert_eq!(list.json()["docs"], json!([invitation]));
    assert!(!list.text.contains(&letter.token()) && !made.text.contains(&letter.token()));
    let kept = "select count(*) from invitations where secret_hash = ?1 or secret_hash is null";
    let secret = [latchkey::store::Value::Text(letter.token())];
    let kept = app.service.store.read(|tx| tx.value::<i64>(kept, &secret)).expect("the store");
    assert_eq!(kept, Some(0), "only its digest is kept");

    let id = invitation["_id"].as_str().expect("an id");
    assert_eq!(revoke(&app, &olga, id).await, 204);
    assert_eq!(told(&page(&app, &olga, "").await), [("jane@else.com".to_owned(), "revoked".to_owned())]);
    assert_eq!(revoke(&app, &olga, id).await, 404, "it was revoked before");
    app.advance(Duration::from_secs(1));
    let again = invited(&app, &olga, "jane@else.com").await;
    assert_eq!(register(&app, &again, &registration("jane@else.com")).await.status, 201);
    let listed = page(&app, &olga, "?sort=-createdAt").await["docs"][0].clone();
    assert_eq!(listed["status"], json!("registered"));
    assert!(listed["registered"]["user"].is_string() && listed["registered"]["completedAt"].is_string());
    assert_eq!(revoke(&app, &olga, listed["_id"].as_str().expect("an id")).await, 404, "somebody came of it");
    app.finish().await;
}

#[tokio::test]
async fn all_that_is_wrong_with_an_invitation_is_told_at_once() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let (good, past, far) = (in_days(&app, 30), in_days(&app, 0), in_days(&app, 31));
    let days = "Must be at most 30 days ahead";
    let address = "Must be a valid email address";
    let roles = "Must be one of USER, BILLING, WORKSPACES, ADMINISTRATORS, OWNER";
    let rows = [
        ("nothing", json!({}), json!({"email": "Is required", "validatedAt": "Is required"})),
        (
            "past",
            json!({"email": "a@x.org", "validatedAt": past}),
            json!({"validatedAt": "Must be a moment to come"}),
        ),
        ("too far", json!({"email": "a@x.org", "validatedAt": far}), json!({"validatedAt": days})),
        (
            "a role and a moment",
            json!({"email": "a@x.org", "roles": ["USER", "KING"], "validatedAt": far}),
            json!({"roles": roles, "validatedAt": days}),
        ),
        (
            "no moment",
            json!({"email": "a@x.org", "validatedAt": "soon"}),
            json!({"validatedAt": "Must be a date or a moment such as 2027-01-31T12:00:00Z"}),
        ),
        ("a list", json!({"email": ["a@x.org"], "validatedAt": good}), json!({"email": "Must be a string"})),
        ("two", json!({"email": "a@x.org,b@y.org", "validatedAt": good}), json!({"email": address})),
        ("semicolon", json!({"email": "a@x.org;b@y.org", "validatedAt": good}), json!({"email": address})),
        ("two lines", json!({"email": "a@x.org\nb@y.org", "validatedAt": good}), json!({"email": address})),
        ("a name", json!({"email": "\"a\" <a@x.org>", "validatedAt": good}), json!({"email": address})),
    ];
    for (what, body, expected) in rows {
        let answer = app.call(&olga, Method::POST, &invitations_of(&olga), Some(&body)).await;
        assert_eq!(faults(&answer), expected, "{what}");
    }
    assert_eq!(page(&app, &olga, "").await["totalDocs"], json!(0), "nothing was done");
    let longest = json!({"email": "a@x.org", "roles": [], "validatedAt": good});
    let answer = app.call(&olga, Method::POST, &invitations_of(&olga), Some(&longest)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    app.finish().await;
}

// B5: role × role, over HTTP
#[tokio::test]
async fn administrators_invite_up_to_their_own_role() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    for actor in Role::ALL {
        let person = colleague(&app, &olga, &format!("{}@acme.com", actor.name()), actor).await;
        let person = Person { organization: olga.organization.clone(), ..enter(&app, &person).await };
        for (number, target) in Role::ALL.into_iter().enumerate() {
            let may = actor >= Role::Administrators && target <= actor;
            let email = format!("{}{number}@else.com", actor.name());
            // By its name, and by the id that the list of roles has.
            let id = format!("726f6c65{:016x}", target.number());
            let role = if number % 2 == 0 { target.name() } else { &id };
            let answer = invite(&app, &person, &email, role).await;
            assert_eq!(answer.status, if may { 201 } else { 403 }, "{actor:?} invites {target:?}");
            let made = invite(&app, &olga, &format!("of.{email}"), target.name()).await.field("_id");
            let revoked = revoke(&app, &person, &made).await;
            assert_eq!(revoked, if may { 204 } else { 403 }, "{actor:?} revokes {target:?}");
        }
        let answer = app.call(&person, Method::GET, &invitations_of(&olga), None).await;
        assert_eq!(answer.status, if actor >= Role::Administrators { 200 } else { 403 }, "{actor:?} lists");
    }
    let roles = json!({"email": "many@else.com", "roles": ["billing", "WORKSPACES"], "validatedAt": in_days(&app, 1)});
    let answer = app.call(&olga, Method::POST, &invitations_of(&olga), Some(&roles)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let id = answer.field("_id").parse().expect("an id");
    let kept = app.service.store.read(|tx| latchkey::store::invitations::find(tx, id)).expect("the store");
    assert_eq!(kept.expect("an invitation").role, Role::Workspaces, "the highest contains the others");
    app.finish().await;
}

#[tokio::test]
async fn who_has_not_proved_the_address_or_is_out_invites_nobody() {
    let app = App::start().await;
    let newcomer = app.newcomer("nina@new.com").await;
    let newcomer = enter(&app, &newcomer).await;
    let answer = invite(&app, &newcomer, "x@else.com", "USER").await;
    assert_eq!(answer.status, 403, "{}", answer.text);
    let olga = app.member("olga@acme.com").await;
    let ann = colleague(&app, &olga, "ann@acme.com", Role::Administrators).await;
    let ann = Person { organization: olga.organization.clone(), ..enter(&app, &ann).await };
    assert_eq!(invite(&app, &ann, "x@else.com", "USER").await.status, 201);
    let removed = app.call(&olga, Method::DELETE, &format!("{USERS}/{}", ann.id), None).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    assert_eq!(invite(&app, &ann, "y@else.com", "USER").await.status, 401);
    app.finish().await;
}

#[tokio::test]
async fn the_refusals_are_those_of_flashback_and_hold_across_both() {
    let app = App::start().await;
    let here = app.member("olga@acme.com").await;
    let olga = enter(&app, &here).await;
    app.newcomer("taken@else.com").await;
    flashback_invites(&app, &here, "flash@else.com").await;
    invited(&app, &olga, "jane@else.com").await;
    app.service
        .ban(BanTarget::Domain(Host::parse("banned.example").expect("a host")), true)
        .await
        .expect("the store");
    let rows = [
        ("Taken@else.com", "Already registered", "Email address is already in use"),
        ("flash@else.com", "Already registered", "Email address is already in use"),
        ("JANE@else.com", "Already invited", "Email address is already invited"),
        (
            "x@banned.example",
            "The domain of this address is banned",
            "The domain of this email address is banned",
        ),
    ];
    for (email, sentence, flashbacks) in rows {
        let answer = invite(&app, &olga, email, "USER").await;
        assert_eq!(faults(&answer), json!({"email": sentence}), "{email}");
        let body = json!({"email": email, "firstName": "A", "lastName": "B"});
        let answer = app.call(&here, Method::POST, USERS, Some(&body)).await;
        assert_eq!((answer.status, answer.field("message").as_str()), (400, flashbacks), "{email}");
    }
    // What another organization has asked is told to nobody, and keeps nobody from asking too.
    let eve = owner(&app, "eve@evil.com").await;
    app.advance(Duration::from_secs(1));
    let hers = invited(&app, &eve, "jane@else.com").await;
    assert_eq!(register(&app, &hers, &registration("jane@else.com")).await.status, 201);
    let states: Vec<String> =
        told(&page(&app, &olga, "").await).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["pending", "pending"], "and ours is good for nobody any more");
    app.finish().await;
}

// H5
#[tokio::test]
async fn invitations_of_both_contracts_share_the_budget_of_an_address() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    let here = app.member("olga@acme.com").await;
    let olga = enter(&app, &here).await;
    for _ in 0..3 {
        let made = invite(&app, &olga, "jane@else.com", "USER").await;
        assert_eq!(made.status, 201, "{}", made.text);
        assert_eq!(revoke(&app, &olga, &made.field("_id")).await, 204);
    }
    let refused = invite(&app, &olga, "jane@else.com", "USER").await;
    assert_eq!(refusal(&refused).0, 429);
    assert_eq!(refused.header("retry-after"), "600");
    let body = json!({"email": "jane@else.com", "firstName": "A", "lastName": "B"});
    let answer = app.call(&here, Method::POST, USERS, Some(&body)).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    app.finish().await;
}

#[tokio::test]
async fn what_flashback_invites_stands_in_the_list_and_goes_with_its_account() {
    let app = App::start().await;
    let here = app.member("olga@acme.com").await;
    let olga = enter(&app, &here).await;
    let ann = flashback_invites(&app, &here, "ann@else.com").await;
    let state = |page: Value| told(&page).remove(0).1;
    assert_eq!(state(page(&app, &olga, "").await), "pending");
    let id = page(&app, &olga, "").await["docs"][0]["_id"].as_str().expect("an id").to_owned();
    let token = app.letter("ann@else.com", "invitation").await.token();

    let user = format!("{USERS}/{ann}");
    assert_eq!(app.call(&here, Method::DELETE, &user, None).await.status, 200);
    assert_eq!(state(page(&app, &olga, "").await), "revoked");
    assert_eq!(app.call(&here, Method::POST, &format!("{user}/activate"), None).await.status, 200);
    assert_eq!(state(page(&app, &olga, "").await), "pending", "taken back in");

    assert_eq!(revoke(&app, &olga, &id).await, 204);
    let seen = app.call(&here, Method::GET, &user, None).await.json();
    assert_eq!(seen["deletedAt"], json!("2026-03-01T12:00:00Z"), "as Flashback's own removal leaves it");
    let verify = json!({"token": token, "password": PASSWORD});
    assert_eq!(app.post("/user/verify-email", &verify).await.status, 400);

    assert_eq!(app.call(&here, Method::POST, &format!("{user}/activate"), None).await.status, 200);
    // The mailbox puts letters of one moment in no order.
    app.advance(Duration::from_secs(1));
    let again = app.call(&here, Method::POST, &format!("{user}/resend-invitation"), None).await;
    assert_eq!(again.status, 200, "{}", again.text);
    let token = app.letter("ann@else.com", "invitation").await.token();
    let verify = json!({"token": token, "password": PASSWORD});
    assert_eq!(app.post("/user/verify-email", &verify).await.status, 200);
    let listed = page(&app, &olga, "").await["docs"][0].clone();
    assert_eq!((&listed["status"], &listed["registered"]["user"]), (&json!("registered"), &json!(ann)));
    assert_eq!(revoke(&app, &olga, &id).await, 404);
    app.finish().await;
}

#[tokio::test]
async fn an_account_with_an_open_invitation_is_not_swept_away() {
    let app = App::start().await;
    let here = app.member("olga@acme.com").await;
    let ann = flashback_invites(&app, &here, "ann@else.com").await;
    app.advance(6 * DAY);
    let here = Person::of(&here.email, &app.login(&here.email, PASSWORD).await);
    let again = format!("{USERS}/{ann}/resend-invitation");
    assert_eq!(app.call(&here, Method::POST, &again, None).await.status, 200);
    app.advance(7 * DAY - Duration::from_secs(1));
    app.sweep().await;
    let token = app.letter("ann@else.com", "invitation").await.token();
    let verify = json!({"token": token, "password": PASSWORD});
    assert_eq!(app.post("/user/verify-email", &verify).await.status, 200, "the letter said seven days");
    app.finish().await;
}

#[tokio::test]
async fn what_ended_without_anybody_goes_after_a_while_and_with_an_erasure() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    invited(&app, &olga, "late@else.com").await;
    let kept = invited(&app, &olga, "kept@else.com").await;
    assert_eq!(register(&app, &kept, &registration("kept@else.com")).await.status, 201);
    app.advance(90 * DAY);
    app.sweep().await;
    let olga = enter(&app, &olga).await;
    assert_eq!(page(&app, &olga, "").await["totalDocs"], json!(2));
    app.advance(8 * DAY);
    app.sweep().await;
    let listed = |app: &App| {
        let found = app.service.list_invitations(None, 10).expect("the store");
        found.iter().map(|found| found.email.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&app), ["kept@else.com"]);

    let olga = enter(&app, &olga).await;
    let eve = owner(&app, "eve@evil.com").await;
    invited(&app, &olga, "jane@else.com").await;
    app.advance(Duration::from_secs(1));
    let hers = invited(&app, &eve, "jane@else.com").await;
    assert_eq!(register(&app, &hers, &registration("jane@else.com")).await.status, 201);
    let name = latchkey::service::operator::AccountName::Email(
        latchkey::model::email::EmailAddress::parse("jane@else.com").expect("an address"),
    );
    let jane = app.service.find_account(&name).expect("the store").expect("an account");
    use latchkey::service::operator::AccountAction::Deactivate;
    app.service.act_on_account(&jane, Deactivate).await.expect("the store");
    app.service.erase(jane.account.id).await.expect("erased");
    assert_eq!(listed(&app), ["kept@else.com"], "nothing has her address any more");
    app.finish().await;
}

#[tokio::test]
async fn the_list_comes_in_pages_and_in_the_order_asked_for() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    for number in 0..25 {
        app.advance(Duration::from_secs(1));
        let answer = invite(&app, &olga, &format!("n{:02}@else.com", (number * 7) % 25), "USER").await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    let emails = |page: Value| told(&page).into_iter().map(|(email, _)| email).collect::<Vec<_>>();
    let named = |numbers: &[u8]| numbers.iter().map(|n| format!("n{n:02}@else.com")).collect::<Vec<_>>();
    let third = page(&app, &olga, "?page=3&sort=email").await;
    assert_eq!(
        (&third["totalDocs"], &third["totalPages"], &third["limit"]),
        (&json!(25), &json!(3), &json!(10))
    );
    assert_eq!(
        (&third["prevPage"], &third["nextPage"], &third["pagingCounter"]),
        (&json!(2), &json!(null), &json!(21))
    );
    assert_eq!(emails(third), named(&[20, 21, 22, 23, 24]));
    for (query, first) in [
        ("?limit=3", [0, 7, 14]),
        ("?limit=3&sort=_id", [0, 7, 14]),
        ("?limit=3&sort=-createdAt", [18, 11, 4]),
        ("?limit=3&sort=validatedAt", [0, 7, 14]),
        ("?limit=3&sort=-email", [24, 23, 22]),
        ("?limit=3&sort=-updatedAt", [18, 11, 4]),
    ] {
        assert_eq!(emails(page(&app, &olga, query).await), named(&first), "{query}");
    }
    assert_eq!(page(&app, &olga, "?page=1000000&limit=100").await["docs"], json!([]));
    for (query, field) in [
        ("?sort=token", "sort"),
        ("?sort=secret_hash", "sort"),
        ("?sort=email%3B%20drop%20table%20accounts", "sort"),
        ("?limit=0", "limit"),
        ("?limit=101", "limit"),
        ("?limit=ten", "limit"),
        ("?page=0", "page"),
        ("?page=-1", "page"),
        ("?page=9223372036854775807", "page"),
    ] {
        let answer = app.call(&olga, Method::GET, &format!("{}{query}", invitations_of(&olga)), None).await;
        let told = faults(&answer);
        let told: Vec<&String> = told.as_object().expect("fields").keys().collect();
        assert_eq!(told, [field], "{query}");
    }
    app.finish().await;
}

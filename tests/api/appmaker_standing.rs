//! What an invitation is worth when those around it change: the inviter, the role of who waits, the account that came.

use std::time::Duration;

use latchkey::model::organization::Role;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, Person};
use crate::appmaker::{enter, invitations_of, invite, invited, owner, register, registration};
use crate::colleague::colleague;
use crate::process::Place;

const USERS: &str = "/organization/users";

/// Somebody whom Flashback makes an account for at once; tells the account's id.
async fn waiting(app: &App, admin: &Person, email: &str, role: i64) -> String {
    let body = json!({"email": email, "firstName": "Ann", "lastName": "Lee", "orgRole": role});
    let made = app.call(admin, Method::POST, USERS, Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    made.json()["data"]["id"].as_str().expect("an id").to_owned()
}

/// An administrator beside somebody, signed in through AppMaker.
async fn administrator(app: &App, of: &Person, email: &str) -> Person {
    let admin = colleague(app, of, email, Role::Administrators).await;
    Person { organization: of.organization.clone(), ..enter(app, &admin).await }
}

/// The id of the one invitation to an address.
async fn invitation_to(app: &App, admin: &Person, email: &str) -> String {
    let list = app.call(admin, Method::GET, &invitations_of(admin), None).await.json();
    let docs = list["docs"].as_array().expect("a list").clone();
    let found = docs.into_iter().find(|doc| doc["email"] == json!(email)).expect("an invitation");
    found["_id"].as_str().expect("an id").to_owned()
}

async fn revoke(app: &App, admin: &Person, id: &str) -> u16 {
    app.call(admin, Method::DELETE, &format!("{}/{id}", invitations_of(admin)), None).await.status
}

fn count(app: &App, sql: &str, word: &str) -> i64 {
    let values = [latchkey::store::Value::Text(word.to_owned())];
    app.service.store.read(|tx| tx.value::<i64>(sql, &values)).expect("the store").unwrap_or(0)
}

// B5: the last owner stays, and who has yet to prove the address is none
#[tokio::test]
async fn an_owner_who_never_answered_is_nobody_to_leave_an_organization_to() {
    let app = App::start().await;
    let olga = app.member("olga@acme.com").await;
    waiting(&app, &olga, "carl@acme.com", 255).await;
    let step_down = app.set_role(&olga, &olga, 0).await;
    assert_eq!(step_down.status, 400, "{}", step_down.text);
    colleague(&app, &olga, "dora@acme.com", Role::Owner).await;
    assert_eq!(app.set_role(&olga, &olga, 0).await.status, 200);
    app.finish().await;
}

// B5
#[tokio::test]
async fn nobody_takes_out_by_its_invitation_who_has_become_more_than_they_are() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let flash = Person {
        access: app.login("olga@acme.com", crate::app::PASSWORD).await.field("accessToken"),
        ..olga.clone()
    };
    let admin = administrator(&app, &flash, "adam@acme.com").await;
    let ben = waiting(&app, &flash, "ben@acme.com", 0).await;
    let path = format!("/user/{ben}/role");
    let raised = app.call(&flash, Method::PUT, &path, Some(&json!({"orgRole": 255}))).await;
    assert_eq!(raised.status, 200, "{}", raised.text);
    let id = invitation_to(&app, &olga, "ben@acme.com").await;
    assert_eq!(revoke(&app, &admin, &id).await, 403);
    waiting(&app, &flash, "eve@acme.com", 0).await;
    let eves = invitation_to(&app, &olga, "eve@acme.com").await;
    assert_eq!(revoke(&app, &admin, &eves).await, 204, "an ordinary one they may");
    assert_eq!(revoke(&app, &olga, &id).await, 204);
    app.finish().await;
}

// B5: who is out has left no way back in
#[tokio::test]
async fn an_invitation_is_good_as_long_as_its_inviter_could_still_make_it() {
    let app = App::start().await;
    let olga = app.member("olga@acme.com").await;
    type Fate = (&'static str, Role, bool);
    let fates: [Fate; 3] = [
        ("stays", Role::Administrators, true),
        ("less", Role::User, false),
        ("out", Role::Administrators, false),
    ];
    for (fate, role, good) in fates {
        let admin = administrator(&app, &olga, &format!("{fate}@acme.com")).await;
        let email = format!("friend-of-{fate}@else.com");
        let secret = invited(&app, &admin, &email).await;
        if fate == "out" {
            let path = format!("{USERS}/{}", admin.id);
            assert_eq!(app.call(&olga, Method::DELETE, &path, None).await.status, 200);
        } else if role != Role::Administrators {
            assert_eq!(app.set_role(&olga, &admin, 0).await.status, 200);
        }
        let answer = register(&app, &secret, &registration(&email)).await;
        assert_eq!(answer.status == 201, good, "{fate}: {}", answer.text);
        if !good {
            let told = json!({"validationError": {"token": "Invalid or expired invitation"}});
            assert_eq!((answer.status, answer.json()), (400, told), "{fate}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_link_of_a_revoked_invitation_stays_void_and_is_not_mailed_again() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let flash = Person {
        access: app.login("olga@acme.com", crate::app::PASSWORD).await.field("accessToken"),
        ..olga.clone()
    };
    let ben = waiting(&app, &flash, "ben@acme.com", 0).await;
    let link = app.letter("ben@acme.com", "invitation").await.token();
    let id = invitation_to(&app, &olga, "ben@acme.com").await;
    assert_eq!(revoke(&app, &olga, &id).await, 204);
    let resend = format!("{USERS}/{ben}/resend-invitation");
    assert_eq!(app.call(&flash, Method::POST, &resend, None).await.status, 404);
    let back = app.call(&flash, Method::POST, &format!("{USERS}/{ben}/activate"), None).await;
    assert_eq!(back.status, 200, "{}", back.text);
    let prove = async |token: &str| {
        app.submit("/verify-email", &[("token", token), ("password", crate::app::PASSWORD)]).await.status
    };
    assert_eq!(prove(&link).await, 400, "the old link");
    app.advance(Duration::from_secs(1));
    assert_eq!(app.call(&flash, Method::POST, &resend, None).await.status, 200);
    assert_eq!(prove(&app.letter("ben@acme.com", "invitation").await.token()).await, 200, "the new one");
    app.finish().await;
}

#[tokio::test]
async fn an_erasure_takes_the_letter_of_the_invitation_and_those_sent_by_the_erased() {
    let app = App::start().await;
    let olga = owner(&app, "olga@acme.com").await;
    let secret = invited(&app, &olga, "jane@else.com").await;
    let jane = register(&app, &secret, &registration("jane@else.com")).await.json();
    let login = json!({"email": "jane@else.com", "password": registration("jane@else.com")["password"]});
    let entered = app.post(crate::orbai::LOGIN, &login).await;
    let pass = crate::orbai::Pass::of(&entered);
    let path = "/orbai/api/v1/users/me/account";
    let gone = app.send(app.request(Method::DELETE, path).bearer_auth(&pass.access)).await;
    assert_eq!(gone.status, 200, "{jane} {}", gone.text);
    let letters = "select count(*) from letters where recipient = ?1";
    assert_eq!(count(&app, letters, "jane@else.com"), 0);

    let admin = administrator(&app, &olga, "adam@acme.com").await;
    let made = invite(&app, &admin, "friend@else.com", "USER").await;
    assert_eq!(made.status, 201, "{}", made.text);
    let pass = crate::orbai::enter(&app, "adam@acme.com").await;
    let gone = app.send(app.request(Method::DELETE, path).bearer_auth(&pass.access)).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    assert_eq!(count(&app, "select count(*) from invitations where email = ?1", "friend@else.com"), 0);
    assert_eq!(count(&app, letters, "friend@else.com"), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_name_that_somebody_else_took_first_invites_no_owner_among_them() {
    let place = Place::new();
    let server = place.serve(&[]);
    let taken = crate::app::registration("stranger@evil.com");
    assert_eq!(server.post("/user/register", &taken).await.status, 201);
    let name = taken["companyName"].as_str().expect("a name").to_owned();
    let create = |organization: &str, role: &str| {
        let words = [
            "invitation",
            "create",
            "--organization",
            organization,
            "--email",
            "boss@acme.com",
            "--role",
            role,
        ];
        place.run(&words)
    };
    let refused = create(&name, "OWNER");
    assert_eq!(refused.status, 1, "{}", refused.stderr);
    let list: Value = place.json(&["organization", "list"]);
    let id = list[0]["id"].as_str().expect("an id");
    assert!(refused.stderr.contains(id), "{}", refused.stderr);
    assert_eq!(create(id, "OWNER").status, 0, "by its id it is meant");
    server.stop().await;
}

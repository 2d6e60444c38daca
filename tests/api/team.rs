//! An organization and its users: bringing in, changing, taking out.

use latchkey::store::{Unavailable, Value as Cell};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};

const USERS: &str = "/organization/users";

fn invitation(email: &str, role: i64) -> Value {
    json!({"email": email, "firstName": "Ann", "lastName": "Lee", "orgRole": role})
}

impl App {
    /// Somebody whom `inviter` brought in with this role, and who has answered the letter.
    pub async fn colleague(&self, inviter: &Person, email: &str, role: i64) -> Person {
        let made = self.call(inviter, Method::POST, USERS, Some(&invitation(email, role))).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let token = self.letter(email, "invitation").await.token();
        let accepted = self.post("/user/verify-email", &json!({"token": token, "password": PASSWORD})).await;
        assert_eq!(accepted.status, 200, "{}", accepted.text);
        Person::of(email, &accepted)
    }

    /// Gives somebody a role, by its number.
    pub async fn set_role(&self, caller: &Person, target: &Person, role: i64) -> Answer {
        let path = format!("/user/{}/role", target.id);
        self.call(caller, Method::PUT, &path, Some(&json!({"orgRole": role}))).await
    }
}

fn sentence(answer: &Answer) -> (u16, String) {
    (answer.status, answer.field("message"))
}

#[tokio::test]
async fn a_team_of_three_comes_together() {
    let app = App::start().await;
    let owner = app.member("olga@acme.com").await;
    let answer = app.call(&owner, Method::POST, USERS, Some(&invitation("ann@acme.com", 2))).await;
    assert_eq!(sentence(&answer), (201, "User created successfully".to_owned()));
    assert_eq!(answer.json()["data"]["validated"], json!(false));

    let letter = app.letter("ann@acme.com", "invitation").await;
    assert!(letter.0["text"].as_str().is_some_and(|text| text.contains("Acme Corporation")));
    let peek = app.post("/user/pre-verify-email", &json!({"token": letter.token()})).await;
    assert_eq!(peek.json()["hasPassword"], json!(false));
    let page = app.get(&format!("/verify-email?token={}", letter.token())).await;
    assert!(page.text.contains("name=\"password\""), "the page asks for a password");
    let form = [("token", letter.token()), ("password", PASSWORD.to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(app.submit("/verify-email", &form).await.status, 200);
    let ann = Person::of("ann@acme.com", &app.login("ann@acme.com", PASSWORD).await);
    assert_eq!(ann.organization, owner.organization);

    let bob = app.colleague(&ann, "bob@acme.com", 0).await;
    let list = app.call(&ann, Method::GET, USERS, None).await.json();
    assert_eq!(list["total"], json!(3));
    let bare = app.call(&ann, Method::GET, &format!("{USERS}/{}", bob.id), None).await.json();
    assert_eq!((&bare["email"], &bare["orgRoles"]), (&json!("bob@acme.com"), &json!([0])));
    let role = app.call(&bob, Method::GET, &format!("/user/{}", ann.id), None).await.json();
    assert_eq!(role["data"]["orgRoleDescription"], json!("WORKSPACES"));
    app.finish().await;
}

#[tokio::test]
async fn the_organization_is_read_by_members_and_changed_by_administrators() {
    let app = App::start().await;
    let owner = app.member("olga@acme.com").await;
    let ann = app.colleague(&owner, "ann@acme.com", 2).await;
    let path = format!("/organization/{}", owner.organization);
    assert_eq!(
        app.call(&ann, Method::GET, &path, None).await.json()["data"]["name"],
        json!("Acme Corporation")
    );
    let change = json!({"name": "Acme & Sons", "phone": "+49 30 1", "mfaEnforced": false, "id": "x", "domain": "evil.com"});
    let refused = app.call(&ann, Method::PUT, &path, Some(&change)).await;
    let only = "Insufficient permissions: only OWNER and ADMINISTRATOR roles can modify organization";
    assert_eq!(sentence(&refused), (403, only.to_owned()));
    let changed = app.call(&owner, Method::PUT, &path, Some(&change)).await;
    assert_eq!(sentence(&changed), (200, "Organization updated successfully".to_owned()));
    let data = &changed.json()["data"];
    assert_eq!((&data["phone"], &data["domain"]), (&json!("+49 30 1"), &json!("acme.com")));
    let cleared = app.call(&owner, Method::PUT, &path, Some(&json!({"phone": ""}))).await;
    assert_eq!(cleared.json()["data"].get("phone"), None);
    for nothing in [json!({}), json!({"id": "x", "reposDisabled": true})] {
        let refused = app.call(&owner, Method::PUT, &path, Some(&nothing)).await;
        assert_eq!(sentence(&refused), (400, "No valid fields to update".to_owned()));
    }
    app.finish().await;
}

// B5: role × action × target, over HTTP
#[tokio::test]
async fn nobody_reaches_above_themselves() {
    let app = App::start().await;
    let owner = app.member("olga@acme.com").await;
    let roles = [0, 1, 2, 254, 255];
    let mut actors = Vec::new();
    for role in roles {
        actors.push((role, app.colleague(&owner, &format!("actor{role}@acme.com"), role).await));
    }
    for (role, actor) in &actors {
        for target_role in roles {
            let email = format!("target{role}-{target_role}@acme.com");
            let may = *role >= 2 && target_role <= *role;
            let made = app.call(actor, Method::POST, USERS, Some(&invitation(&email, target_role))).await;
            assert_eq!(made.status, if may { 201 } else { 403 }, "{role} invites {target_role}");
            let target =
                app.colleague(&owner, &format!("of{role}-{target_role}@acme.com"), target_role).await;
            for wanted in roles {
                let allowed = may && wanted <= *role;
                let answer = app.set_role(actor, &target, wanted).await;
                assert_eq!(
                    answer.status,
                    if allowed { 200 } else { 403 },
                    "{role}: {target_role} -> {wanted}"
                );
                assert_eq!(app.set_role(&owner, &target, target_role).await.status, 200);
            }
            let path = format!("{USERS}/{}", target.id);
            let renamed = app.call(actor, Method::PUT, &path, Some(&json!({"name": "Eve"}))).await;
            assert_eq!(renamed.status, if may { 200 } else { 403 }, "{role} renames {target_role}");
            let removed = app.call(actor, Method::DELETE, &path, None).await;
            assert_eq!(removed.status, if may { 200 } else { 403 }, "{role} removes {target_role}");
        }
    }
    for reserved in [3, 128, 253, 256, -1] {
        let answer = app.set_role(&owner, &actors[0].1, reserved).await;
        assert_eq!(sentence(&answer), (400, "Invalid role combination".to_owned()), "{reserved}");
    }
    app.finish().await;
}

/// So many more users of somebody's organization, without their letters.
async fn crowded(app: &App, owner: &Person, count: i64) {
    let params = [Cell::Text(owner.organization.clone()), Cell::Int(count), Cell::Int(app.clock.now().0)];
    let accounts = "with recursive people (n) as (select 1 union all select n + 1 from people where n < ?2)
        insert into accounts (id, number, email, email_key, email_identity, first_name, last_name, language, contract,
            created_at, updated_at)
        select printf('ff%022x', n), 1000 + n, 'n' || n || '@acme.com', 'n' || n || '@acme.com', '', 'N', 'N', 'en',
            'flashback', ?3, ?3
        from people where ?1 is not null";
    let places = "insert into memberships (account_id, organization_id, role, created_at)
        select id, ?1, 0, ?2 from accounts where number > 1000";
    let made: Result<u64, Unavailable> = app
        .service
        .store
        .write(move |tx| {
            tx.execute(accounts, &params)?;
            tx.execute(places, &[params[0].clone(), params[2].clone()])
        })
        .await;
    assert_eq!(made.expect("the store"), count as u64);
}

#[tokio::test]
async fn a_list_of_any_length_is_whole() {
    for users in [1, 2, 99, 100, 101, 200, 350] {
        let app = App::start().await;
        let owner = app.member("olga@acme.com").await;
        if users > 1 {
            crowded(&app, &owner, users - 1).await;
        }
        let list = app.call(&owner, Method::GET, USERS, None).await;
        assert_eq!((list.status, list.header("content-type")), (200, "application/json"), "{users}");
        let list = list.json();
        let data = list["data"].as_array().expect("a list");
        assert_eq!((data.len() as i64, &list["total"]), (users, &json!(users)));
        let ids: Vec<&str> = data.iter().map(|user| user["id"].as_str().expect("an id")).collect();
        assert!(ids.is_sorted_by(|one, next| one < next), "each once: {ids:?}");
        for user in [&data[0], &data[data.len() - 1]] {
            let path = format!("{USERS}/{}", user["id"].as_str().expect("an id"));
            assert_eq!(&app.call(&owner, Method::GET, &path, None).await.json(), user, "as it is read alone");
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn a_list_that_breaks_off_does_not_look_whole() {
    let app = App::start().await;
    let owner = app.member("olga@acme.com").await;
    crowded(&app, &owner, 300).await;
    let damage = "update memberships set role = 'damaged' where account_id = (select max(account_id) from memberships)";
    let damaged: Result<u64, Unavailable> = app.service.store.write(|tx| tx.execute(damage, &[])).await;
    assert_eq!(damaged.expect("the store"), 1);
    let answer = app.request(Method::GET, USERS).bearer_auth(&owner.access).send().await.expect("a head");
    assert_eq!(answer.status(), 200, "the first page was sound");
    assert!(answer.text().await.is_err(), "the last chunk never comes");
    let first = "update memberships set role = 'damaged' where role = 0";
    let damaged: Result<u64, Unavailable> = app.service.store.write(|tx| tx.execute(first, &[])).await;
    assert_eq!(damaged.expect("the store"), 299);
    let answer = app.call(&owner, Method::GET, USERS, None).await;
    assert_eq!((answer.status, &answer.json()["data"]), (503, &json!([])), "{}", answer.text);
    app.finish().await;
}

#[tokio::test]
async fn who_is_taken_out_is_out_at_once_and_can_come_back() {
    let app = App::start().await;
    let owner = app.member("olga@acme.com").await;
    let ann = app.colleague(&owner, "ann@acme.com", 2).await;
    let path = format!("{USERS}/{}", ann.id);
    let not_out = app.call(&owner, Method::POST, &format!("{path}/activate"), None).await;
    assert_eq!(sentence(&not_out), (400, "User is not deleted".to_owned()));
    let removed = app.call(&owner, Method::DELETE, &path, None).await;
    assert_eq!(sentence(&removed), (200, "User deleted successfully".to_owned()));
    assert_eq!(app.call(&ann, Method::GET, "/user/profile", None).await.status, 401);
    assert_eq!(app.login(&ann.email, PASSWORD).await.refusal(), (401, "USER_INACTIVE".to_owned()));
    let seen = app.call(&owner, Method::GET, &path, None).await.json();
    assert_eq!(seen["deletedAt"], json!("2026-03-01T12:00:00Z"));
    let back = app.call(&owner, Method::POST, &format!("{path}/activate"), None).await;
    assert_eq!(sentence(&back), (200, "User activated successfully".to_owned()));
    assert_eq!(app.login(&ann.email, PASSWORD).await.status, 200);
    let oneself = app.call(&owner, Method::DELETE, &format!("{USERS}/{}", owner.id), None).await;
    assert_eq!(sentence(&oneself), (400, "Cannot delete yourself".to_owned()));
    app.finish().await;
}

// B5
#[tokio::test]
async fn the_last_owner_keeps_the_role() {
    let app = App::start().await;
    let olga = app.member("olga@acme.com").await;
    let last = app.set_role(&olga, &olga, 0).await;
    assert_eq!(sentence(&last), (400, "The last owner cannot lose the role".to_owned()));
    app.finish().await;
}

#[tokio::test]
async fn an_invitation_is_bound_to_a_free_address_and_can_be_sent_again() {
    let app = App::start().await;
    let owner = app.member("olga@acme.com").await;
    app.member("taken@else.com").await;
    let taken = app.call(&owner, Method::POST, USERS, Some(&invitation("Taken@else.com", 0))).await;
    assert_eq!(sentence(&taken), (400, "Email address is already in use".to_owned()));
    let quiet = json!({"email": "q@acme.com", "firstName": "Q", "lastName": "Q", "sendInvite": false});
    let made = app.call(&owner, Method::POST, USERS, Some(&quiet)).await.json();
    assert!(!app.letters().await.iter().any(|letter| letter.to() == "q@acme.com"), "no letter was asked for");
    let again = format!("{USERS}/{}/resend-invitation", made["data"]["id"].as_str().expect("an id"));
    assert_eq!(app.call(&owner, Method::POST, &again, None).await.status, 200);
    let token = app.letter("q@acme.com", "invitation").await.token();
    let without = app.post("/user/verify-email", &json!({"token": token})).await;
    assert_eq!(without.refusal(), (400, "INVALID_INPUT".to_owned()), "a password has to be chosen");
    let accepted = app.post("/user/verify-email", &json!({"token": token, "password": PASSWORD})).await;
    assert_eq!(accepted.status, 200);
    let done = app.call(&owner, Method::POST, &again, None).await;
    assert_eq!(sentence(&done), (400, "User is already verified".to_owned()));
    let newcomer = app.newcomer("new@new.com").await;
    let blocked = app.call(&newcomer, Method::POST, USERS, Some(&invitation("x@new.com", 0))).await;
    assert_eq!(blocked.refusal(), (403, "EMAIL_NOT_VERIFIED".to_owned()));
    app.finish().await;
}

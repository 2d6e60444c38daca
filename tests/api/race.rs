//! Changes of a team at the same moment: whatever comes first, an owner stays, nothing is half done, and who is out does
//! nothing more.

use std::sync::Arc;

use latchkey::model::organization::Role;
use latchkey::store::{Row, Value as Cell};
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::colleague::colleague;
use crate::crowd::crowd;

const ROUNDS: usize = 10;

async fn take_out(app: &App, caller: &Person, target: &Person) -> Answer {
    app.call(caller, Method::DELETE, &format!("/organization/users/{}", target.id), None).await
}

/// One column of text.
fn texts(app: &App, sql: &str, params: &[&str]) -> Vec<String> {
    let params: Vec<Cell> = params.iter().map(|text| Cell::Text((*text).to_owned())).collect();
    app.service.store.read(|tx| tx.rows(sql, &params, Row::take)).expect("the store")
}

/// The owners of an organization who are in.
fn owners(app: &App, organization: &str) -> Vec<String> {
    let sql = "select a.email from memberships m join accounts a on a.id = m.account_id
        where m.organization_id = ?1 and m.role = 255 and a.removed_at is null";
    texts(app, sql, &[organization])
}

/// What was done by somebody or to them, in the order of the commits.
fn deeds(app: &App, person: &Person) -> Vec<(String, String)> {
    let sql = "select action || ' ' || coalesce(actor_id, '') from audit_entries
        where account_id = ?1 or actor_id = ?1 order by rowid";
    let entries = texts(app, sql, &[&person.id]);
    let pair = |text: &String| text.split_once(' ').map(|(deed, actor)| (deed.to_owned(), actor.to_owned()));
    entries.iter().filter_map(pair).collect()
}

// B5
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_who_demote_or_take_out_each_other_leave_one() {
    let app = App::start().await;
    for round in 0..ROUNDS * 3 {
        let olga = app.member(&format!("olga@acme{round}.example")).await;
        let ann = colleague(&app, &olga, &format!("ann@acme{round}.example"), Role::Owner).await;
        let (one, other) = match round % 3 {
            0 => tokio::join!(app.set_role(&olga, &ann, 0), app.set_role(&ann, &olga, 0)),
            1 => tokio::join!(take_out(&app, &olga, &ann), take_out(&app, &ann, &olga)),
            _ => tokio::join!(take_out(&app, &olga, &ann), app.set_role(&ann, &olga, 0)),
        };
        // Who came second is no owner any more, or not even in.
        let answers = [one.status, other.status];
        assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1, "{round}: {answers:?}");
        assert!(answers.iter().any(|status| [401, 403].contains(status)), "{round}: {answers:?}");
        let winner = if one.status == 200 { &olga } else { &ann };
        assert_eq!(owners(&app, &olga.organization).join(" "), winner.email, "{round}");
        assert_eq!(app.call(winner, Method::GET, "/organization/users", None).await.status, 200);
    }
    app.finish().await;
}

// B5
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_given_to_somebody_who_is_being_taken_out_lets_nobody_back_in() {
    let mut app = App::start().await;
    let olga = app.member("olga@acme.example").await;
    let anna = colleague(&app, &olga, "anna@acme.example", Role::Owner).await;
    for round in 0..ROUNDS {
        let target = colleague(&app, &olga, &format!("t{round}@acme.example"), Role::User).await;
        let act = {
            let (olga, anna, target) = (olga.clone(), anna.clone(), target.clone());
            move |app: Arc<App>, number: usize| {
                let (olga, anna, target) = (olga.clone(), anna.clone(), target.clone());
                async move {
                    match number {
                        3 => take_out(&app, &anna, &target).await,
                        _ => app.set_role(&olga, &target, [1, 2, 254, 255][number % 4]).await,
                    }
                }
            }
        };
        let answers;
        (app, answers) = crowd(app, 7, act).await;
        // Another owner may both before and after: neither is lost.
        assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        let path = format!("/organization/users/{}", target.id);
        let seen = app.call(&olga, Method::GET, &path, None).await.json();
        assert!(seen["deletedAt"].is_string(), "{seen}");
        let log = deeds(&app, &target);
        let last = texts(
            &app,
            "select detail from audit_entries where account_id = ?1 and action = 'role.changed'
            order by rowid desc limit 1",
            &[&target.id],
        );
        let role = seen["orgRoleDescription"].as_str().expect("a role");
        assert!(
            last[0].ends_with(&format!("to {role}")),
            "the log tells the role that holds: {last:?} {role}"
        );
        assert_eq!(log.iter().filter(|(deed, _)| deed == "member.removed").count(), 1, "{log:?}");
        assert_eq!(app.call(&target, Method::GET, "/user/profile", None).await.status, 401);
        assert_eq!(app.post("/user/refresh", &json!({"refreshToken": target.refresh})).await.status, 401);
        assert_eq!(app.login(&target.email, PASSWORD).await.refusal(), (401, "USER_INACTIVE".to_owned()));
    }
    app.finish().await;
}

/// What somebody does while being taken out: a call that the log or the answer of another call tells of.
async fn write(app: &App, person: &Person, ben: &Person, number: usize) -> Answer {
    let put = async |path: &str, body: Value| app.call(person, Method::PUT, path, Some(&body)).await;
    let key = format!("key{number}");
    match number % 6 {
        0 => put("/settings/organization", json!({key: true})).await,
        1 => {
            let guest = json!({"email": format!("{key}@acme.example"), "firstName": "A", "lastName": "B",
                "password": PASSWORD});
            app.call(person, Method::POST, "/organization/users", Some(&guest)).await
        }
        2 => app.set_role(person, ben, (number as i64 / 6) % 3).await,
        3 => put(&format!("/organization/{}", person.organization), json!({"city": key})).await,
        4 => app.post("/user/refresh", &json!({"refreshToken": person.refresh})).await,
        _ => put(&format!("/user/{}", ben.id), json!({"name": key})).await,
    }
}

// B5, D2
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_taken_out_does_nothing_more() {
    const WRITES: usize = 48;
    // The removal comes among the first of them, in the middle, near the end.
    for removal in [2, 16, 30, 44] {
        let app = App::start().await;
        let olga = app.member("olga@acme.example").await;
        let ben = colleague(&app, &olga, "ben@acme.example", Role::User).await;
        let ann = colleague(&app, &olga, "ann@acme.example", Role::Administrators).await;
        let ann = Person { organization: olga.organization.clone(), ..ann };
        let act = {
            let (olga, ann, ben) = (olga.clone(), ann.clone(), ben.clone());
            move |app: Arc<App>, number: usize| {
                let (olga, ann, ben) = (olga.clone(), ann.clone(), ben.clone());
                async move {
                    if number == removal {
                        return take_out(&app, &olga, &ann).await;
                    }
                    write(&app, &ann, &ben, number).await
                }
            }
        };
        let (app, answers) = crowd(app, WRITES, act).await;
        let settings = app.call(&olga, Method::GET, "/settings/organization", None).await.json();
        let users = app.call(&olga, Method::GET, "/organization/users", None).await.text;
        let mut kept = 0;
        for (number, key) in (0..WRITES).map(|number| (number, format!("key{number}"))) {
            kept += match number % 6 {
                0 => usize::from(settings["settings"].get(&key).is_some()),
                1 => usize::from(users.contains(&format!("\"{key}@acme.example\""))),
                _ => 0,
            };
        }
        let merged = answers.iter().filter(|answer| {
            answer.field("message") == "Organization settings updated successfully" || answer.status == 201
        });
        assert_eq!(merged.count(), kept, "what was done was answered so, and what was refused was not done");
        assert!(answers.iter().all(|answer| [200, 201, 401].contains(&answer.status)), "{answers:?}");
        let log = deeds(&app, &ann);
        let out = log.iter().position(|(deed, _)| deed == "member.removed").expect("the removal");
        assert!(
            log[out..].iter().all(|(_, actor)| *actor != ann.id),
            "who is out does nothing more: {log:?}"
        );
        let live = "select id from sessions where account_id = ?1 and revoked_at is null";
        assert!(texts(&app, live, &[&ann.id]).is_empty(), "no session outlives the removal");
        app.finish().await;
    }
}

//! AppMaker's pages of users and roles.

use std::time::Duration;

use latchkey::model::organization::Role;
use latchkey::model::time::SECOND;
use latchkey::service::operator::AccountAction;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, Person};
use crate::appmaker::{PLACE, enter, faults, refusal};
use crate::change_address::act;
use crate::colleague::colleague;

/// A page of the organization's users or roles.
pub fn path(organization: &str, list: &str, query: &str) -> String {
    format!("{PLACE}/organizations/{organization}/{list}{query}")
}

async fn ask(app: &App, person: &Person, list: &str, query: &str) -> Answer {
    app.call(person, Method::GET, &path(&person.organization, list, query), None).await
}

async fn page(app: &App, person: &Person, list: &str, query: &str) -> Value {
    let answer = ask(app, person, list, query).await;
    assert_eq!(answer.status, 200, "{query}: {}", answer.text);
    answer.json()
}

/// What a list says of its items, in order.
fn told(page: &Value, key: &str) -> Vec<String> {
    let docs = page["docs"].as_array().expect("a list").iter();
    docs.map(|item| item[key].as_str().expect("a text").to_owned()).collect()
}

/// An owner with four colleagues, among them one who was taken out; all signed in through AppMaker.
async fn team(app: &App) -> [Person; 5] {
    let olga = app.member("olga@acme.example").await;
    let mut team = vec![enter(app, &olga).await];
    for (email, role) in [
        ("adam@acme.example", Role::Administrators),
        ("wim@acme.example", Role::Workspaces),
        ("b_b@acme.example", Role::Billing),
        ("bob@acme.example", Role::User),
    ] {
        app.advance(SECOND);
        let person = colleague(app, &olga, email, role).await;
        let person = Person { organization: olga.organization.clone(), ..person };
        team.push(enter(app, &person).await);
    }
    let bob = team[4].id.clone();
    let removed = app.call(&olga, Method::DELETE, &format!("/organization/users/{bob}"), None).await;
    assert_eq!(removed.status, 200, "{}", removed.text);
    team.try_into().expect("five people")
}

#[tokio::test]
async fn users_come_a_page_at_a_time() {
    let app = App::start().await;
    let [olga, ..] = team(&app).await;
    let first = page(&app, &olga, "users", "?limit=2").await;
    assert_eq!(told(&first, "username"), ["olga@acme.example", "adam@acme.example"]);
    let numbers = ["totalDocs", "limit", "page", "totalPages", "pagingCounter", "prevPage", "nextPage"];
    assert_eq!(
        numbers.map(|key| first[key].clone()),
        [json!(5), json!(2), json!(1), json!(3), json!(1), json!(null), json!(2)]
    );
    assert_eq!((&first["hasPrevPage"], &first["hasNextPage"]), (&json!(false), &json!(true)));
    assert_eq!(first["docs"][1]["roles"], json!(["USER", "BILLING", "WORKSPACES", "ADMINISTRATORS"]));
    let last = page(&app, &olga, "users", "?limit=2&page=3").await;
    assert_eq!(told(&last, "username"), ["bob@acme.example"]);
    assert_eq!((&last["docs"][0]["status"], &last["pagingCounter"]), (&json!(0), &json!(5)), "taken out");
    assert_eq!((&last["prevPage"], &last["nextPage"]), (&json!(2), &json!(null)));
    let past = page(&app, &olga, "users", "?limit=2&page=1000000").await;
    assert_eq!((&past["docs"], &past["totalDocs"]), (&json!([]), &json!(5)));
    let whole = page(&app, &olga, "users", "").await;
    assert_eq!((&whole["limit"], told(&whole, "_id").len()), (&json!(10), 5));
    app.finish().await;
}

#[tokio::test]
async fn users_are_filtered_and_put_in_order() {
    let app = App::start().await;
    let [olga, adam, _, _, _] = team(&app).await;
    app.member("stranger@other.example").await;
    let rows: [(&str, &[&str]); 17] = [
        ("?username=ACME", &["olga", "adam", "wim", "b_b", "bob"]),
        ("?username=b", &["b_b", "bob"]),
        ("?username=b_b", &["b_b"]),
        ("?username=%25", &[]),
        ("?username=%5C", &[]),
        ("?username=stranger", &[]),
        ("?username=", &["olga", "adam", "wim", "b_b", "bob"]),
        ("?status=1", &["olga", "adam", "wim", "b_b"]),
        ("?status=0", &["bob"]),
        ("?role=ADMINISTRATORS", &["adam"]),
        ("?role=billing&status=1", &["b_b"]),
        ("?role=726f6c6500000000000000ff", &["olga"]),
        ("?sort=username", &["adam", "b_b", "bob", "olga", "wim"]),
        ("?sort=-username&limit=2", &["wim", "olga"]),
        ("?sort=-role", &["olga", "adam", "wim", "b_b", "bob"]),
        ("?sort=status&limit=1", &["bob"]),
        ("?sort=-createdAt&page=2&limit=2", &["wim", "adam"]),
    ];
    for (query, expected) in rows {
        let page = page(&app, &olga, "users", query).await;
        let names: Vec<String> =
            told(&page, "username").iter().map(|name| name.replace("@acme.example", "")).collect();
        assert_eq!(names, expected, "{query}");
    }
    app.advance(Duration::from_secs(60));
    enter(&app, &adam).await;
    assert_eq!(
        told(&page(&app, &olga, "users", "?sort=-lastLoginAt&limit=1").await, "_id"),
        [adam.id.as_str()]
    );
    act(&app, &adam, AccountAction::Ban).await;
    assert_eq!(page(&app, &olga, "users", "?status=0").await["totalDocs"], json!(2));
    app.finish().await;
}

#[tokio::test]
async fn faulty_parameters_are_named() {
    let app = App::start().await;
    let olga = enter(&app, &app.member("olga@acme.example").await).await;
    let rows = [
        ("users", "?limit=0", "limit"),
        ("users", "?limit=101", "limit"),
        ("users", "?limit=-1", "limit"),
        ("users", "?limit=x", "limit"),
        ("users", "?limit=1.5", "limit"),
        ("users", "?limit=99999999999999999999", "limit"),
        ("users", "?page=0", "page"),
        ("users", "?page=1000001", "page"),
        ("users", "?page=-1", "page"),
        ("users", "?status=2", "status"),
        ("users", "?status=active", "status"),
        ("users", "?sort=password", "sort"),
        ("users", "?sort=password_hash", "sort"),
        ("users", "?sort=--username", "sort"),
        ("users", "?sort=username;drop", "sort"),
        ("users", "?sort=username%20desc", "sort"),
        ("users", "?sort=", "sort"),
        ("users", "?role=GOD", "role"),
        ("users", "?role=255", "role"),
        ("roles", "?limit=0", "limit"),
        ("roles", "?page=x", "page"),
    ];
    for (list, query, field) in rows {
        let told = faults(&ask(&app, &olga, list, query).await);
        assert_eq!(
            told.as_object().map(|faults| faults.keys().collect::<Vec<_>>()),
            Some(vec![&field.to_owned()]),
            "{query}"
        );
    }
    let long = format!("?username={}", "x".repeat(255));
    assert!(faults(&ask(&app, &olga, "users", &long).await)["username"].is_string());
    app.finish().await;
}

#[tokio::test]
async fn roles_are_the_built_in_five() {
    let app = App::start().await;
    let olga = enter(&app, &app.member("olga@acme.example").await).await;
    let all = page(&app, &olga, "roles", "").await;
    assert_eq!(told(&all, "name"), ["USER", "BILLING", "WORKSPACES", "ADMINISTRATORS", "OWNER"]);
    assert_eq!((&all["totalDocs"], &all["docs"][4]["level"]), (&json!(5), &json!(255)));
    let ids = told(&all, "_id");
    assert!(ids.iter().all(|id| id.len() == 24), "{ids:?}");
    let second = page(&app, &olga, "roles", "?limit=2&page=2").await;
    assert_eq!(told(&second, "name"), ["WORKSPACES", "ADMINISTRATORS"]);
    for id in ids {
        assert_eq!(ask(&app, &olga, "users", &format!("?role={id}")).await.status, 200);
    }
    app.finish().await;
}

// B5, B6: role × page, and other organizations as unknown
#[tokio::test]
async fn only_administrators_see_and_only_their_own_organization() {
    let app = App::start().await;
    let [olga, adam, wim, billie, bob] = team(&app).await;
    let eve = enter(&app, &app.member("eve@evil.example").await).await;
    for list in ["users", "roles"] {
        for (person, expected) in [(&olga, 200), (&adam, 200), (&wim, 403), (&billie, 403), (&bob, 401)] {
            let answer = ask(&app, person, list, "").await;
            assert_eq!(answer.status, expected, "{list}: {}", person.email);
        }
        let unknown = app.call(&eve, Method::GET, &path("000000000000000000000000", list, ""), None).await;
        assert_eq!(refusal(&unknown).0, 403);
        for id in [olga.organization.as_str(), "x", "%00", &eve.id, &"f".repeat(24)] {
            let answer = app.call(&eve, Method::GET, &path(id, list, ""), None).await;
            assert_eq!((answer.status, &answer.text), (403, &unknown.text), "{list}: {id}");
        }
        let lowly = ask(&app, &wim, list, "").await;
        assert_eq!(lowly.text, unknown.text);
        assert_eq!(app.get(&path(&olga.organization, list, "")).await.status, 401);
    }
    app.finish().await;
}

//! Plans, subscriptions and quota.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey::model::organization::Role;
use latchkey::model::subscription::TRIAL;
use latchkey::model::time::{DAY, Millis};
use latchkey::service::operator::AccountName;
use latchkey::store::Value as Cell;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App, PASSWORD, Person};
use crate::colleague::{colleague, loner};
use crate::crowd::{count, crowd};

const FREE: &str = "000000000000000000000101";
const TRIAL_PERIOD: &str = "000000000000000000000201";
const MONTHLY: &str = "000000000000000000000301";
const INSTANT: Duration = Duration::from_millis(1);

async fn get(app: &App, person: &Person, path: &str) -> Answer {
    app.call(person, Method::GET, path, None).await
}

async fn mine(app: &App, person: &Person) -> Value {
    let answer = get(app, person, "/subscriptions/my").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["data"].clone()
}

async fn quota(app: &App, person: &Person) -> (u16, String) {
    get(app, person, "/user/quota").await.refusal()
}

async fn buy(app: &App, person: &Person, period: &str) -> Answer {
    let body = json!({"subscriptionPeriodId": period});
    app.call(person, Method::POST, "/subscriptions/buy", Some(&body)).await
}

async fn cancel(app: &App, person: &Person) -> Answer {
    app.call(person, Method::POST, "/subscriptions/cancel", None).await
}

/// The same person after a while: access tokens live an hour.
async fn back(app: &App, person: &Person) -> Person {
    Person::of(&person.email, &app.login(&person.email, PASSWORD).await)
}

/// What the operator's command does, with this clock.
async fn assign(app: &App, person: &Person, plan: &str, until: Option<Millis>) {
    let name = AccountName::Id(person.id.parse().expect("an id"));
    let member = app.service.find_account(&name).expect("the store").expect("an account");
    app.service.assign_plan(&member, plan, until).await.expect("a plan");
}

fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[tokio::test]
async fn the_plans_are_listed_with_periods_and_capabilities() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.example").await;
    let plans = get(&app, &ann, "/subscriptions").await.json()["data"].clone();
    let plans = plans.as_array().expect("an array");
    let names: Vec<&Value> = plans.iter().map(|plan| &plan["id"]).collect();
    assert_eq!(names, ["free", "trial", "paid"]);
    assert_eq!(
        plans[2]["periods"],
        json!([
            {"id": MONTHLY, "subscriptionId": "paid", "periodType": "MONTHLY", "price": 1900, "creditsGranted": 200_000},
            {"id": "000000000000000000000302", "subscriptionId": "paid", "periodType": "YEARLY", "price": 22_800,
             "creditsGranted": 2_400_000},
        ])
    );
    assert_eq!(
        plans[0]["capabilities"][3],
        json!({"id": "000000000000000000001104", "code": "TOKENS", "description": "Ledger tokens",
            "type": "ALLOWANCE", "price": 0, "periodType": "MONTHLY", "value": 2000})
    );
    let parts = plans.iter().flat_map(|plan| {
        let periods = plan["periods"].as_array().expect("an array");
        periods.iter().chain(plan["capabilities"].as_array().expect("an array"))
    });
    let ids: Vec<&str> = parts.map(|part| part["id"].as_str().expect("an id")).collect();
    assert!(ids.iter().all(|id| id.len() == 24 && id.bytes().all(|byte| byte.is_ascii_hexdigit())));
    assert_eq!((ids.len(), ids.iter().collect::<BTreeSet<_>>().len()), (16, 16), "no id names two things");
    assert_eq!(app.get("/subscriptions").await.refusal(), refusal(401, "UNAUTHORIZED"));
    app.finish().await;
}

// G6
#[tokio::test]
async fn a_trial_ends_by_time_alone_and_to_the_millisecond() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.example").await;
    assert_eq!(
        mine(&app, &ann).await,
        json!({"id": "trial", "name": "Trial", "description": "Everything for 14 days", "periodId": TRIAL_PERIOD,
            "periodType": "ALL_TIME", "price": 0, "dateFrom": "2026-03-01T12:00:00Z",
            "dateTo": "2026-03-15T12:00:00Z", "status": "TRIALING", "autoRenew": false})
    );
    let token = app.letter(&ann.email, "verify").await.token();
    assert_eq!(app.post("/user/verify-email", &json!({"token": token})).await.status, 200);
    app.advance(TRIAL - INSTANT);
    let ann = back(&app, &ann).await;
    assert_eq!(mine(&app, &ann).await["status"], "TRIALING");
    assert_eq!(quota(&app, &ann).await.0, 200);
    app.advance(INSTANT);
    assert_eq!(mine(&app, &ann).await["status"], "EXPIRED");
    assert_eq!(quota(&app, &ann).await, refusal(404, "NO_ACTIVE_SUBSCRIPTION"));
    assert_eq!(cancel(&app, &ann).await.refusal(), refusal(404, "NO_ACTIVE_SUBSCRIPTION"));
    app.finish().await;
}

#[tokio::test]
async fn a_free_plan_starts_at_once_and_nothing_else_does() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let trial = mine(&app, &ann).await;
    let rows = [
        ("a plan with a price", MONTHLY, 400, "PAYMENT_NOT_CONFIGURED"),
        ("another trial", TRIAL_PERIOD, 400, "TRIAL_NOT_FOR_SALE"),
        ("an unknown period", "00000000000000000000ffff", 404, "SUBSCRIPTION_PERIOD_NOT_FOUND"),
        ("no id", "free", 404, "SUBSCRIPTION_PERIOD_NOT_FOUND"),
        ("nothing", "", 404, "SUBSCRIPTION_PERIOD_NOT_FOUND"),
    ];
    for (what, period, status, code) in rows {
        assert_eq!(buy(&app, &ann, period).await.refusal(), refusal(status, code), "{what}");
        assert_eq!(mine(&app, &ann).await, trial, "{what}");
    }
    for body in [json!({}), json!({"subscriptionPeriodId": 7}), json!({"subscriptionPeriodId": [FREE]})] {
        let answer = app.call(&ann, Method::POST, "/subscriptions/buy", Some(&body)).await;
        assert_eq!(answer.refusal(), refusal(400, "INVALID_INPUT"), "{body}");
    }
    let started = buy(&app, &ann, FREE).await;
    assert_eq!(
        (started.status, started.field("message").as_str()),
        (200, "Subscription started successfully")
    );
    let free = mine(&app, &ann).await;
    let summary = [&free["id"], &free["periodId"], &free["status"], &free["dateTo"], &free["autoRenew"]];
    assert_eq!(
        summary.map(Clone::clone),
        [json!("free"), json!(FREE), json!("ACTIVE"), json!(null), json!(false)]
    );
    assert_eq!(buy(&app, &ann, FREE).await.refusal(), refusal(400, "ALREADY_SUBSCRIBED"));
    // G5: the trial that was given up does not come back.
    assert_eq!(buy(&app, &ann, TRIAL_PERIOD).await.refusal(), refusal(400, "TRIAL_NOT_FOR_SALE"));
    app.finish().await;
}

#[tokio::test]
async fn a_canceled_subscription_runs_to_the_end_of_its_period() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let canceled = cancel(&app, &ann).await;
    assert_eq!(canceled.field("message"), "Subscription canceled: it ends at 2026-03-15T12:00:00Z");
    assert_eq!(cancel(&app, &ann).await.refusal(), refusal(400, "ALREADY_CANCELED"));
    app.advance(TRIAL - INSTANT);
    let ann = back(&app, &ann).await;
    assert_eq!(
        (mine(&app, &ann).await["status"].clone(), quota(&app, &ann).await.0),
        (json!("CANCELED"), 200)
    );
    app.advance(INSTANT);
    assert_eq!(
        (mine(&app, &ann).await["status"].clone(), quota(&app, &ann).await.0),
        (json!("EXPIRED"), 404)
    );
    // What has no end has none to run to.
    assert_eq!(buy(&app, &ann, FREE).await.status, 200);
    assert_eq!(cancel(&app, &ann).await.status, 200);
    assert_eq!(
        (mine(&app, &ann).await["status"].clone(), quota(&app, &ann).await.0),
        (json!("EXPIRED"), 404)
    );
    assert_eq!(cancel(&app, &ann).await.refusal(), refusal(400, "ALREADY_CANCELED"));
    assert_eq!(buy(&app, &ann, FREE).await.status, 200, "and it can be had again");
    assert_eq!(quota(&app, &ann).await.0, 200);
    app.finish().await;
}

// G6
#[tokio::test]
async fn a_paid_plan_renews_each_month_until_it_is_canceled() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    assign(&app, &ann, "paid", None).await;
    let paid = mine(&app, &ann).await;
    assert_eq!((&paid["status"], &paid["autoRenew"]), (&json!("ACTIVE"), &json!(true)));
    // The trial began in the same millisecond; the plan begins in the next.
    app.advance(31 * DAY);
    let ann = back(&app, &ann).await;
    assert_eq!(mine(&app, &ann).await["dateTo"], "2026-04-01T12:00:00Z", "a month has not quite passed");
    app.advance(INSTANT);
    assert_eq!(mine(&app, &ann).await["dateTo"], "2026-05-01T12:00:00Z");
    assert_eq!(buy(&app, &ann, MONTHLY).await.refusal(), refusal(400, "ALREADY_SUBSCRIBED"));
    assert_eq!(cancel(&app, &ann).await.status, 200);
    let canceled = mine(&app, &ann).await;
    let summary = [&canceled["status"], &canceled["dateTo"], &canceled["autoRenew"]].map(Clone::clone);
    assert_eq!(summary, [json!("CANCELED"), json!("2026-05-01T12:00:00Z"), json!(false)]);
    app.advance(30 * DAY - INSTANT);
    let ann = back(&app, &ann).await;
    assert_eq!(quota(&app, &ann).await.0, 200, "to the last millisecond");
    app.advance(INSTANT);
    assert_eq!(quota(&app, &ann).await.0, 404);
    app.finish().await;
}

#[tokio::test]
async fn of_twenty_at_once_one_starts_a_plan_and_one_cancels_it() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let act = |path: &'static str| {
        let ann = ann.clone();
        move |app: std::sync::Arc<App>, _| {
            let ann = ann.clone();
            async move {
                let body = json!({"subscriptionPeriodId": FREE});
                app.call(&ann, Method::POST, path, Some(&body)).await
            }
        }
    };
    let (app, bought) = crowd(app, 20, act("/subscriptions/buy")).await;
    assert_eq!((count(&bought, 200, ""), count(&bought, 400, "ALREADY_SUBSCRIBED")), (1, 19));
    let open = "select count(*) from subscriptions where ends_at is null or ends_at > ?1";
    let now = [Cell::Int(app.clock.now().0)];
    let open = app.service.store.read(|tx| tx.value::<i64>(open, &now)).expect("the store");
    assert_eq!(open, Some(1), "the trial has made way");
    let (app, canceled) = crowd(app, 20, act("/subscriptions/cancel")).await;
    assert_eq!((count(&canceled, 200, ""), count(&canceled, 400, "ALREADY_CANCELED")), (1, 19));
    app.finish().await;
}

// B5
#[tokio::test]
async fn billing_and_above_subscribe_and_every_member_reads() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    for role in Role::ALL {
        let email = format!("{}@mates.example", role.name().to_lowercase());
        let mate = colleague(&app, &ann, &email, role).await;
        assert_eq!(mine(&app, &mate).await, mine(&app, &ann).await, "{}", role.name());
        assert_eq!(quota(&app, &mate).await.0, 200, "{}", role.name());
        if role < Role::Billing {
            let before = mine(&app, &ann).await;
            let refused = refusal(403, "INSUFFICIENT_PERMISSIONS");
            assert_eq!(buy(&app, &mate, FREE).await.refusal(), refused, "{}", role.name());
            assert_eq!(cancel(&app, &mate).await.refusal(), refused, "{}", role.name());
            assert_eq!(mine(&app, &ann).await, before, "{}", role.name());
        } else {
            assert_eq!(buy(&app, &mate, FREE).await.status, 200, "{}", role.name());
            assert_eq!(mine(&app, &ann).await["id"], "free", "{}: it is for all of them", role.name());
            assert_eq!(cancel(&app, &mate).await.status, 200, "{}", role.name());
            assign(&app, &ann, "trial", None).await;
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn writes_wait_for_the_address_and_for_an_organization() {
    let app = App::start().await;
    let ann = app.newcomer("ann@acme.example").await;
    assert_eq!(buy(&app, &ann, FREE).await.refusal(), refusal(403, "EMAIL_NOT_VERIFIED"));
    assert_eq!(cancel(&app, &ann).await.refusal(), refusal(403, "EMAIL_NOT_VERIFIED"));
    assert_eq!(mine(&app, &ann).await["status"], "TRIALING");
    let bob = loner(&app, "bob@nowhere.example").await;
    let no_organization = refusal(400, "NO_ORGANIZATION");
    assert_eq!(get(&app, &bob, "/subscriptions/my").await.refusal(), no_organization);
    assert_eq!(buy(&app, &bob, FREE).await.refusal(), no_organization);
    assert_eq!(cancel(&app, &bob).await.refusal(), no_organization);
    assert_eq!(quota(&app, &bob).await, refusal(404, "NO_ACTIVE_SUBSCRIPTION"));
    for path in ["/subscriptions/my", "/subscriptions"] {
        assert_eq!(app.get(path).await.refusal(), refusal(401, "UNAUTHORIZED"), "{path}");
    }
    assert_eq!(app.get("/user/quota").await.refusal(), refusal(401, "NO_AUTH_USER"));
    app.finish().await;
}

#[tokio::test]
async fn an_organization_that_never_had_a_plan_reads_null() {
    let app = App::start().await;
    let ann = app.member("ann@acme.example").await;
    let emptied: Result<u64, latchkey::store::Unavailable> =
        app.service.store.write(|tx| tx.execute("delete from subscriptions", &[])).await;
    assert_eq!(emptied.expect("the store"), 1);
    assert_eq!(
        get(&app, &ann, "/subscriptions/my").await.json(),
        json!({"success": true, "data": null, "message": "No subscription found"})
    );
    assert_eq!(cancel(&app, &ann).await.refusal(), refusal(404, "NO_ACTIVE_SUBSCRIPTION"));
    assert_eq!(quota(&app, &ann).await, refusal(404, "NO_ACTIVE_SUBSCRIPTION"));
    app.finish().await;
}

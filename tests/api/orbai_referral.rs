//! OrbAI's referrals: a code for everybody, and one reward for who brings in somebody that subscribes.

use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{Answer, App};
use crate::crowd::crowd;
use crate::orbai::{PASSWORD, Pass, REGISTER, enter, log_in, sign_up};
use crate::orbai_user::{ACCOUNT, account, ask, data, organization};

const REFERRALS: &str = "/orbai/api/v1/referrals/me";
const ANN: &str = "ann@acme.example";
const BEN: &str = "ben@other.example";

async fn code(app: &App, pass: &Pass) -> String {
    data(app, pass, REFERRALS).await["code"].as_str().expect("a code").to_owned()
}

/// Used, rewarded, tokens.
async fn tally(app: &App, pass: &Pass) -> [i64; 3] {
    let data = data(app, pass, REFERRALS).await;
    ["usage_count", "rewarded_count", "total_rewards"].map(|key| data[key].as_i64().expect("a number"))
}

async fn bring_in(app: &App, email: &str, code: &str, device: &str) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "referral_code": code, "device_id": device});
    let answer = app.post(REGISTER, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
}

/// What the operator's command does, with this clock.
async fn subscribe(app: &App, email: &str, plan: &str) {
    app.service.assign_plan(&account(app, email), plan, None).await.expect("a plan");
}

/// Kind, tokens and reason of what was credited to somebody.
async fn credits(app: &App, email: &str) -> Vec<(i64, String)> {
    let lines = app.service.transactions(organization(app, email), 100).await.expect("the store");
    let credits = lines.into_iter().filter(|line| line.kind == latchkey::model::ledger::EntryKind::Credit);
    credits.map(|line| (line.delta, line.detail)).collect()
}

fn rewards_noted(app: &App) -> i64 {
    let sql =
        "select count(*) from audit_entries where action = 'referral.rewarded' and actor_kind = 'system'";
    app.service.store.read(|tx| tx.value(sql, &[])).expect("the store").expect("a count")
}

fn reward() -> Vec<(i64, String)> {
    vec![(500, "referral reward".to_owned())]
}

#[tokio::test]
async fn the_first_subscription_with_a_price_rewards_once_who_brought_somebody_in() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    let code = code(&app, &ann).await;
    assert!(code.starts_with("REF_") && code.len() <= 20, "{code}");
    assert_eq!(tally(&app, &ann).await, [0, 0, 0]);
    let ben = Pass::of(&bring_in(&app, BEN, &code.to_lowercase(), "bens").await);
    assert_eq!(tally(&app, &ann).await, [1, 0, 0]);
    for plan in ["free", "trial"] {
        subscribe(&app, BEN, plan).await;
        assert_eq!(tally(&app, &ann).await, [1, 0, 0], "{plan} costs nothing");
    }
    for round in ["first", "second", "third"] {
        subscribe(&app, BEN, "paid").await;
        assert_eq!(tally(&app, &ann).await, [1, 1, 500], "{round}");
        subscribe(&app, BEN, "free").await;
    }
    assert_eq!((credits(&app, ANN).await, credits(&app, BEN).await), (reward(), Vec::new()));
    assert_eq!(rewards_noted(&app), 1);
    assert_eq!(tally(&app, &ben).await, [0, 0, 0]);
    // Each further one earns another.
    bring_in(&app, "cleo@third.example", &code, "cleos").await;
    subscribe(&app, "cleo@third.example", "paid").await;
    assert_eq!(tally(&app, &ann).await, [2, 2, 1000]);
    app.finish().await;
}

// G5
#[tokio::test]
async fn of_twenty_subscriptions_at_once_one_rewards() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    bring_in(&app, BEN, &code(&app, &ann).await, "bens").await;
    let asker = ann.clone();
    let (app, _) = crowd(app, 20, move |app, _| {
        let ann = asker.clone();
        async move {
            subscribe(&app, BEN, "paid").await;
            ask(&app, &ann, Method::GET, REFERRALS, None).await
        }
    })
    .await;
    assert_eq!(tally(&app, &ann).await, [1, 1, 500]);
    assert_eq!((credits(&app, ANN).await, rewards_noted(&app)), (reward(), 1));
    app.finish().await;
}

// G5
#[tokio::test]
async fn nobody_earns_by_bringing_in_themselves() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    log_in(&app, ANN, "anns phone").await;
    let code = code(&app, &ann).await;
    // By a plus-tag, on the same device: not even counted.
    bring_in(&app, "ann+2@acme.example", &code, "x").await;
    bring_in(&app, "second@acme.example", &code, "anns phone").await;
    assert_eq!(tally(&app, &ann).await, [0, 0, 0]);
    // On her device only after the sign-up: she comes in on his, or he on hers.
    bring_in(&app, "third@acme.example", &code, "third phone").await;
    log_in(&app, ANN, "third phone").await;
    bring_in(&app, "fourth@acme.example", &code, "fourth phone").await;
    log_in(&app, "fourth@acme.example", "anns phone").await;
    for email in ["ann+2@acme.example", "second@acme.example", "third@acme.example", "fourth@acme.example"] {
        subscribe(&app, email, "paid").await;
    }
    assert_eq!(tally(&app, &ann).await, [2, 0, 0]);
    assert_eq!((credits(&app, ANN).await, rewards_noted(&app)), (Vec::new(), 0));
    app.finish().await;
}

// G5
#[tokio::test]
async fn a_mailbox_that_signs_up_again_earns_nobody_a_second_reward() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    let code = code(&app, &ann).await;
    let ben = Pass::of(&bring_in(&app, BEN, &code, "bens").await);
    subscribe(&app, BEN, "paid").await;
    assert_eq!(ask(&app, &ben, Method::DELETE, ACCOUNT, None).await.status, 200);
    assert_eq!(tally(&app, &ann).await, [1, 1, 500], "what was earned stays");
    for email in [BEN, "ben+again@other.example"] {
        bring_in(&app, email, &code, email).await;
        subscribe(&app, email, "paid").await;
    }
    assert_eq!(tally(&app, &ann).await, [3, 1, 500]);
    assert_eq!((credits(&app, ANN).await, rewards_noted(&app)), (reward(), 1));
    app.finish().await;
}

// G5
#[tokio::test]
async fn nobody_earns_from_their_own_organization() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    bring_in(&app, BEN, &code(&app, &ann).await, "bens").await;
    let (from, to) = (organization(&app, BEN).to_string(), organization(&app, ANN).to_string());
    let values = [from, to].map(latchkey::store::Value::Text);
    let moved: Result<u64, latchkey::store::Unavailable> = app
        .service
        .store
        .write(move |tx| {
            tx.execute(
                "update memberships set organization_id = ?2, role = 0 where organization_id = ?1",
                &values,
            )
        })
        .await;
    assert_eq!(moved.expect("the store"), 1);
    subscribe(&app, ANN, "paid").await;
    assert_eq!(tally(&app, &ann).await, [1, 0, 0]);
    assert_eq!((credits(&app, ANN).await, rewards_noted(&app)), (Vec::new(), 0));
    app.finish().await;
}

#[tokio::test]
async fn a_referrer_who_is_gone_is_in_nobodys_way() {
    let app = App::start().await;
    let ann = sign_up(&app, ANN).await;
    let code = code(&app, &ann).await;
    let ben = Pass::of(&bring_in(&app, BEN, &code, "bens").await);
    assert_eq!(ask(&app, &ann, Method::DELETE, ACCOUNT, None).await.status, 200);
    subscribe(&app, BEN, "paid").await;
    assert_eq!((tally(&app, &ben).await, rewards_noted(&app)), ([0, 0, 0], 0));
    bring_in(&app, "cleo@third.example", &code, "cleos").await;
    app.finish().await;
}

#[tokio::test]
async fn the_reward_is_the_operators_to_choose() {
    for (setting, earned) in [("70", [1, 1, 70]), ("0", [1, 0, 0])] {
        let app = App::start_with(|settings| settings.referral_reward = Some(setting.to_owned())).await;
        let ann = sign_up(&app, ANN).await;
        bring_in(&app, BEN, &code(&app, &ann).await, "bens").await;
        subscribe(&app, BEN, "paid").await;
        assert_eq!(tally(&app, &ann).await, earned, "{setting}");
        assert_eq!(rewards_noted(&app), earned[1], "{setting}");
        let tokens: i64 = credits(&app, ANN).await.iter().map(|(tokens, _)| tokens).sum();
        assert_eq!(tokens, earned[2], "{setting}");
        app.finish().await;
    }
}

#[tokio::test]
async fn whoever_signed_up_elsewhere_has_a_code_too_and_always_the_same() {
    let app = App::start().await;
    app.member(ANN).await;
    let ann = enter(&app, ANN).await;
    let asker = ann.clone();
    let (app, answers) = crowd(app, 20, move |app, _| {
        let ann = asker.clone();
        async move { ask(&app, &ann, Method::GET, REFERRALS, None).await }
    })
    .await;
    let first: Value = answers[0].json();
    for answer in &answers {
        assert_eq!((answer.status, answer.json()), (200, first.clone()));
    }
    bring_in(&app, BEN, &code(&app, &ann).await, "bens").await;
    subscribe(&app, BEN, "paid").await;
    assert_eq!(tally(&app, &ann).await, [1, 1, 500]);
    app.finish().await;
}

//! The outbox as its operator sees it, and proof that no letter in it is lost.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use latchkey::model::letter::LetterState;
use reqwest::Method;
use serde_json::{Value, json};

use crate::app::{App, registration, until};
use crate::process::{Place, Process};
use crate::smtp_sink::{Behavior, Received, Sink, Step};

fn list(place: &Place, arguments: &[&str]) -> Vec<Value> {
    let listed = place.json(&[&["letters", "list"], arguments].concat());
    listed.as_array().expect("an array").clone()
}

async fn sign_up(server: &Process, email: &str) {
    let answer = server.post("/user/register", &registration(email)).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

// I2
#[tokio::test]
async fn a_kill_between_sending_and_noting_sends_the_same_letter_again_after_the_restart() {
    let place = Place::new();
    let sink = Sink::start().await;
    let smtp = ["--smtp-url", &sink.url()];
    sink.behave(Behavior::SilentAt(Step::EndOfData));
    let server = place.serve(&smtp);
    sign_up(&server, "ann@company.example").await;
    sink.wait_for(1).await;
    server.kill();
    sink.behave(Behavior::Accept);
    let server = place.serve(&smtp);
    let taken = sink.wait_for(2).await;
    assert_eq!(taken[0].message_id(), taken[1].message_id());
    assert_eq!(taken[0].raw, taken[1].raw, "byte for byte the same");
    until("it is noted", || list(&place, &["--state", "delivered"]).len() == 1).await;
    server.stop().await;
    assert_eq!(sink.letters().len(), 2);
    let id = list(&place, &[])[0]["id"].as_str().expect("an id").to_owned();
    let history = place.json(&["letters", "show", &id])["history"].clone();
    let outcomes: Vec<&str> =
        history.as_array().expect("lines").iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["cut-off", "delivered"]);
}

// I2, J5
#[tokio::test]
async fn however_often_the_server_is_killed_every_sign_up_gets_its_one_letter() {
    let place = Place::new();
    let sink = Sink::start().await;
    let smtp = ["--smtp-url", &sink.url()];
    let mut acknowledged = BTreeSet::new();
    for round in 0..5 {
        let server = place.serve(&smtp);
        let mut people = tokio::task::JoinSet::new();
        for person in 0..4 {
            let (http, address) = (server.http.clone(), server.address);
            people.spawn(async move {
                let mut acknowledged = Vec::new();
                for number in 0.. {
                    let email = format!("r{round}p{person}n{number}@company{person}.example");
                    let request = http.request(Method::POST, format!("http://{address}/user/register"));
                    match request.json(&registration(&email)).send().await {
                        Ok(answer) if answer.status() == 201 => acknowledged.push(email),
                        Ok(answer) => panic!("{}", answer.status()),
                        Err(_) => break,
                    }
                }
                acknowledged
            });
        }
        sink.wait_for(sink.letters().len() + 10).await;
        server.kill();
        for emails in people.join_all().await {
            acknowledged.extend(emails);
        }
    }
    let server = place.serve(&smtp);
    until("nothing waits", || list(&place, &["--state", "waiting", "--limit", "10000"]).is_empty()).await;
    server.stop().await;
    let mut names: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for letter in sink.letters() {
        names.entry(letter.to[0].clone()).or_default().insert(letter.message_id());
    }
    assert!(names.values().all(|ids| ids.len() == 1), "one letter each, however often it came");
    let reached: BTreeSet<String> = names.into_keys().collect();
    assert!(acknowledged.is_subset(&reached), "never lost: {:?}", acknowledged.difference(&reached));
    let accounts = place.json(&["account", "list", "--limit", "10000"]);
    let accounts: BTreeSet<String> = accounts
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|account| account["email"].as_str().map(str::to_owned))
        .collect();
    assert_eq!(reached, accounts, "a letter for each account, and no other");
}

#[tokio::test]
async fn the_operator_sees_what_came_of_each_attempt_and_tries_a_domain_again() {
    let place = Place::new();
    let sink = Sink::start().await;
    let server = place.serve(&["--smtp-url", &sink.url()]);
    sink.behave(Behavior::RefuseAt(Step::Rcpt, 550, "5.1.1 no such user"));
    for email in ["ann@one.example", "ben@one.example", "cas@two.example"] {
        sign_up(&server, email).await;
    }
    until("they have failed", || list(&place, &["--state", "failed"]).len() == 3).await;
    assert_eq!(list(&place, &["--domain", "one.example"]).len(), 2);
    assert_eq!(list(&place, &["--domain", "One.Example", "--state", "waiting"]).len(), 0);
    let id = list(&place, &["--domain", "two.example"])[0]["id"].as_str().expect("an id").to_owned();
    let history = place.json(&["letters", "show", &id])["history"].clone();
    assert_eq!(history.as_array().map(Vec::len), Some(1), "{history}");
    assert_eq!((&history[0]["attempt"], &history[0]["outcome"]), (&json!(1), &json!("rejected")));
    assert_eq!(history[0]["server"], json!(sink.address().to_string()));
    assert_eq!((&history[0]["words"], &history[0]["tls"]), (&json!("550 5.1.1 no such user"), &Value::Null));
    let shown = place.run(&["letters", "show", &id]);
    assert!(shown.stdout.contains("rejected") && !shown.stdout.contains("token="), "{}", shown.stdout);

    sink.behave(Behavior::Accept);
    assert_eq!(place.run(&["letters", "retry", "--domain", "one.example"]).status, 0);
    let to =
        |letters: &[Received]| letters.iter().flat_map(|letter| letter.to.clone()).collect::<BTreeSet<_>>();
    let taken = to(&sink.wait_for(2).await);
    assert_eq!(taken, ["ann@one.example", "ben@one.example"].map(str::to_owned).into());
    assert_eq!(place.run(&["letters", "retry", "--failed"]).status, 0);
    assert!(to(&sink.wait_for(3).await).contains("cas@two.example"));
    until("all are noted", || list(&place, &["--state", "delivered"]).len() == 3).await;
    let history = place.json(&["letters", "show", &id])["history"].clone();
    assert_eq!((&history[1]["attempt"], &history[1]["outcome"]), (&json!(2), &json!("delivered")));

    for (wrong, status) in [
        (&["letters", "retry"][..], 2),
        (&["letters", "retry", &id, "--failed"], 2),
        (&["letters", "retry", "--domain", "not a domain"], 1),
        (&["letters", "list", "--domain", "ann@one.example"], 1),
    ] {
        let refused = place.run(wrong);
        assert_eq!(refused.status, status, "{wrong:?}: {refused:?}");
        assert!(!refused.stderr.is_empty(), "{wrong:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn metrics_tell_attempts_and_ages_and_no_domain() {
    let sink = Sink::start().await;
    let app = App::start_with(|settings| settings.smtp_url = Some(sink.url())).await;
    sink.behave(Behavior::RefuseAt(Step::Rcpt, 451, "4.7.1 greylisted"));
    app.register("ann@rare-domain.example").await;
    let attempts = || app.service.list_letters(None, 1).expect("the outbox")[0].attempts;
    until("it is put off", || attempts() == 1).await;
    app.clock.advance(Duration::from_secs(2));
    let text = app.get("/metrics").await.text;
    for line in [
        r#"latchkey_letter_attempts_total{outcome="deferred",transport="relay"} 1"#,
        r#"latchkey_letters_waiting{up_to="1m"} 1"#,
        r#"latchkey_letters_waiting{up_to="1h"} 0"#,
        "latchkey_letters_oldest_waiting_seconds 2",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    assert!(!text.contains("rare-domain"));
    sink.behave(Behavior::Accept);
    app.advance(Duration::from_secs(3598));
    app.carried().await;
    let text = app.get("/metrics").await.text;
    for line in [
        r#"latchkey_letter_attempts_total{outcome="delivered",transport="relay"} 1"#,
        r#"latchkey_letters_waiting{up_to="1h"} 0"#,
        "latchkey_letters_oldest_waiting_seconds 0",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} in {text}");
    }
    app.finish().await;
}

#[tokio::test]
async fn the_mailbox_keeps_bodies_and_histories_until_the_account_is_erased() {
    let app = App::start().await;
    let person = app.member("ann@company.example").await;
    let letter = app.service.list_letters(Some(LetterState::Delivered), 10).expect("the outbox").remove(0);
    assert!(!letter.sealed.is_empty());
    let history = app.service.letter_history(letter.id).expect("its history");
    assert_eq!((history.len(), history[0].words.as_str()), (1, "kept in the mailbox"));
    let gone = app.call(&person, Method::POST, "/user/deactivate", None).await;
    assert_eq!(gone.status, 200, "{}", gone.text);
    let id = person.id.parse().expect("an id");
    app.service.erase(id).await.expect("it is erased");
    let left = |sql: &'static str| app.service.store.read(|tx| tx.value::<i64>(sql, &[])).expect("an answer");
    assert_eq!(left("select count(*) from letters"), Some(0));
    assert_eq!(left("select count(*) from letter_attempts"), Some(0));
    app.finish().await;
}

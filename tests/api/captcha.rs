//! Captchas: the challenge and its answer, the script that pages solve it with, and a service that hangs (H4).

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use latchkey::captcha::{LIFE, Refused};
use latchkey::clock::Clock;
use latchkey::config::Arguments;
use latchkey::secrets::sha256;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::app::{App, START, until};
use crate::process::Place;

const CALLER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// Proof of work as easy as it gets: what judges it does not care.
pub fn easy_work(settings: &mut Arguments) {
    settings.captcha = Some("pow".to_owned());
    settings.captcha_difficulty = Some("1000".to_owned());
}

/// A fresh answer, found as the document tells to.
pub async fn answer(app: &App) -> String {
    let challenge = app.get("/captcha/challenge").await;
    assert_eq!(challenge.status, 200, "{}", challenge.text);
    let most = challenge.json()["maxnumber"].as_u64().expect("a number");
    let (salt, target) = (challenge.field("salt"), challenge.field("challenge"));
    let number = (0..=most).find(|number| sha256(&format!("{salt}{number}")) == target);
    let Value::Object(mut answer) = challenge.json() else { panic!("an object") };
    answer.remove("maxnumber");
    answer.insert("number".to_owned(), json!(number.expect("one of them solves it")));
    STANDARD.encode(Value::Object(answer).to_string())
}

async fn judge(app: &App, answer: &str) -> Result<(), Refused> {
    app.service.captcha.judge(answer, CALLER).await
}

// H4
#[tokio::test]
async fn a_solved_challenge_passes_once_for_whoever_is_first() {
    let app = App::start_with(easy_work).await;
    let good = answer(&app).await;
    let judging = (0..20).map(|_| {
        let (service, good) = (Arc::clone(&app.service), good.clone());
        tokio::spawn(async move { service.captcha.judge(&good, CALLER).await })
    });
    let mut passed = 0;
    for verdict in judging.collect::<Vec<_>>() {
        passed += usize::from(verdict.await.expect("no panic").is_ok());
    }
    assert_eq!(passed, 1);
    for nothing in ["", "  ", "anything"] {
        assert_eq!(judge(&app, nothing).await, Err(Refused), "{nothing:?}");
    }
    let metrics = app.get("/metrics").await.text;
    for line in [r#"captchas_total{outcome="passed"} 1"#, r#"captchas_total{outcome="used"} 19"#] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    app.finish().await;
}

// H4
#[tokio::test]
async fn an_answer_ends_with_its_challenge_and_with_the_process_that_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = folder.path().join("latchkey.db");
    let clock = Clock::fixed(START);
    let mut app = App::start_on(database.clone(), clock.clone(), easy_work).await;
    let (late, early, left) = (answer(&app).await, answer(&app).await, answer(&app).await);
    app.advance(Duration::from_secs(LIFE.unsigned_abs() - 1));
    assert_eq!(judge(&app, &early).await, Ok(()));
    app.advance(Duration::from_secs(1));
    assert_eq!(judge(&app, &late).await, Err(Refused));
    app.stop().await;
    let app = App::start_on(database, Clock::fixed(START), easy_work).await;
    assert_eq!(judge(&app, &left).await, Err(Refused), "of an earlier run");
    assert_eq!(judge(&app, &answer(&app).await).await, Ok(()));
    app.finish().await;
}

#[tokio::test]
async fn a_challenge_is_never_cached() {
    let app = App::start().await;
    let [one, other] = [app.get("/captcha/challenge").await, app.get("/captcha/challenge").await];
    assert_eq!(one.header("cache-control"), "no-store");
    assert_ne!(one.field("challenge"), other.field("challenge"));
    app.finish().await;
}

// H2
#[tokio::test]
async fn challenges_have_a_budget_of_their_own() {
    let app = App::start_with(|settings| settings.rate_limits = None).await;
    for _ in 0..60 {
        assert_eq!(app.get("/captcha/challenge").await.status, 200);
    }
    let refused = app.get("/captcha/challenge").await;
    assert_eq!(refused.refusal(), (429, "RATE_LIMITED".to_owned()));
    assert_eq!(app.get("/verify-email?token=x").await.status, 400, "links are counted apart");
    app.finish().await;
}

#[tokio::test]
async fn off_takes_whatever_is_not_empty_and_says_so_at_start() {
    let app = App::start().await;
    assert_eq!(judge(&app, "anything").await, Ok(()));
    for nothing in ["", " \n"] {
        assert_eq!(judge(&app, nothing).await, Err(Refused), "{nothing:?}");
    }
    assert_eq!(app.service.captcha.judge_page(""), Ok(()), "the form has no such field");
    app.finish().await;

    let place = Place::new();
    let open = place.serve(&[]);
    until("it says so", || open.log().contains("captchas are off (LATCHKEY_CAPTCHA)")).await;
    let closed = Place::new();
    let closed = closed.serve(&["--captcha", "pow"]);
    // What is said after it has been said.
    until("it tells where the API is", || closed.log().contains("try the API at")).await;
    assert!(!closed.log().contains("captchas are off"), "{}", closed.log());
}

/// A service that takes questions and never answers one.
async fn silent() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    (format!("http://{}/siteverify", listener.local_addr().expect("an address")), listener)
}

fn service_at(url: String) -> impl FnOnce(&mut Arguments) {
    |settings| {
        settings.captcha = Some("turnstile".to_owned());
        settings.captcha_secret = Some("0x4AAhunter2".to_owned());
        settings.captcha_hostnames = Some("app.example.com".to_owned());
        settings.captcha_url = Some(url);
        settings.captcha_difficulty = Some("1000".to_owned());
    }
}

// H4
#[tokio::test]
async fn while_the_service_hangs_everybody_else_is_served() {
    let (url, listener) = silent().await;
    let app = App::start_with(service_at(url)).await;
    let service = Arc::clone(&app.service);
    let judging = tokio::spawn(async move { service.captcha.judge("an answer", CALLER).await });
    let (mut question, _) = listener.accept().await.expect("a question");
    assert!(question.read_u8().await.is_ok(), "it has begun to ask");
    assert_eq!(app.get("/health").await.status, 200);
    app.member("ann@company.example").await;
    assert!(!judging.is_finished());
    drop(question);
    assert_eq!(judging.await.expect("no panic"), Err(Refused), "no verdict is a refusal");
    app.finish().await;
}

#[tokio::test]
async fn our_own_pages_ask_for_work_whatever_the_service_says() {
    let (url, listener) = silent().await;
    drop(listener);
    let app = App::start_with(service_at(url)).await;
    assert!(app.service.captcha.asks_on_pages());
    let good = answer(&app).await;
    assert_eq!(
        judge(&app, &good).await,
        Err(Refused),
        "a contract's request has to bring the service's answer"
    );
    assert_eq!(app.service.captcha.judge_page(&good), Ok(()));
    assert_eq!(app.service.captcha.judge_page(&good), Err(Refused));
    app.finish().await;
}

#[tokio::test]
async fn the_script_of_pages_comes_from_here_and_asks_nobody_else() {
    let app = App::start().await;
    for path in ["/captcha.js", "/captcha-worker.js"] {
        let script = app.get(path).await;
        assert_eq!(script.status, 200);
        assert_eq!(script.header("content-type"), "text/javascript; charset=utf-8");
        assert_eq!(script.header("cache-control"), "public, max-age=3600");
        assert_eq!(script.header("x-content-type-options"), "nosniff");
        assert!(!script.text.contains("://") && !script.text.contains("eval"), "{path}");
    }
    app.finish().await;
}

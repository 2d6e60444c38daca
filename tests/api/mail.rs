//! Letters on their way through a mail server that behaves, misbehaves, or is away.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey::model::letter::{Letter, LetterState};
use latchkey::store::{Unavailable, Value as Cell, letters};
use reqwest::Method;
use serde_json::json;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::app::{App, until};
use crate::smtp_sink::{Behavior, Received, Sink, Step};

/// Longer than the first pause between two attempts, shorter than the second.
const NEXT_ATTEMPT: Duration = Duration::from_secs(7);

async fn relayed(sink: &Sink) -> App {
    App::start_with(|settings| settings.smtp_url = Some(sink.url())).await
}

fn outbox(app: &App) -> Vec<Letter> {
    app.service.list_letters(None, 1000).expect("the outbox")
}

/// The one letter of a kind to `<name>@company.example`.
fn letter(app: &App, name: &str, kind: &str) -> Letter {
    let to = format!("{name}@company.example");
    let mut letters = outbox(app).into_iter().filter(|letter| letter.to == to && letter.kind == kind);
    let (found, other) = (letters.next().expect("a letter"), letters.next());
    assert!(other.is_none(), "one {kind} letter to {to}");
    found
}

async fn tried(app: &App, times: i64) {
    until("every letter was tried", || outbox(app).iter().all(|letter| letter.attempts >= times)).await;
}

async fn courier(app: &App) -> (String, String) {
    let courier = app.get("/health").await.json()["courier"].clone();
    let text = |key: &str| courier[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("fault"))
}

// I2
#[tokio::test]
async fn a_server_that_puts_off_gets_the_same_letter_again() {
    let sink = Sink::start().await;
    let app = relayed(&sink).await;
    sink.behave(Behavior::RefuseAt(Step::Rcpt, 451, "4.7.1 greylisted"));
    app.register("ann@company.example").await;
    tried(&app, 1).await;
    let waiting = outbox(&app).remove(0);
    assert_eq!(waiting.state, LetterState::Waiting);
    assert!(waiting.verdict.contains("451"), "{}", waiting.verdict);
    assert_eq!(courier(&app).await.0, "delayed", "a letter put off is nothing to mend, and worth telling");
    sink.behave(Behavior::Accept);
    app.advance(NEXT_ATTEMPT);
    let taken = sink.wait_for(1).await.remove(0);
    assert_eq!(taken.message_id(), waiting.message_id);
    app.carried().await;
    let delivered = outbox(&app).remove(0);
    assert_eq!((delivered.state, delivered.attempts), (LetterState::Delivered, 2));
    assert_eq!(delivered.sealed, "", "a delivered letter's body is erased");
    app.finish().await;
}

// I2
#[tokio::test]
async fn a_refused_recipient_ends_the_letter_and_a_refused_sender_does_not() {
    let sink = Sink::start().await;
    let app = relayed(&sink).await;
    sink.behave(Behavior::RefuseAt(Step::Rcpt, 550, "5.1.1 no such user"));
    app.register("nobody@company.example").await;
    app.carried().await;
    let failed = outbox(&app).remove(0);
    assert_eq!(failed.state, LetterState::Failed);
    assert!(failed.verdict.contains("550 5.1.1 no such user"), "{}", failed.verdict);
    assert_eq!(courier(&app).await.0, "ok", "a wrong recipient is nothing to mend");

    sink.behave(Behavior::RefuseAt(Step::MailFrom, 550, "5.7.1 not your domain"));
    app.register("ann@company.example").await;
    until("it was tried", || letter(&app, "ann", "verify").attempts == 1).await;
    assert_eq!(letter(&app, "ann", "verify").state, LetterState::Waiting);
    let (status, fault) = courier(&app).await;
    assert_eq!(status, "fault");
    assert!(fault.contains("MAIL FROM") && fault.contains("5.7.1 not your domain"), "{fault}");
    let forwarded = app.request(Method::GET, "/health").header("x-forwarded-for", "192.0.2.1");
    let forwarded = app.send(forwarded).await;
    assert!(!forwarded.text.contains("5.7.1"), "strangers are not told: {}", forwarded.text);

    sink.behave(Behavior::Accept);
    app.advance(NEXT_ATTEMPT);
    app.carried().await;
    assert_eq!(courier(&app).await, ("ok".to_owned(), String::new()), "a delivery ends the fault");
    assert_eq!(sink.letters().len(), 1, "the failed letter was not tried again");
    app.finish().await;
}

// I2
#[tokio::test]
async fn a_letter_whose_receipt_was_lost_comes_again_under_its_own_name() {
    let sink = Sink::start().await;
    let app = relayed(&sink).await;
    sink.behave(Behavior::DropAfterData);
    app.register("ann@company.example").await;
    tried(&app, 1).await;
    sink.behave(Behavior::Accept);
    app.advance(NEXT_ATTEMPT);
    app.carried().await;
    let taken = sink.letters();
    assert_eq!(taken.len(), 2, "at least once");
    assert_eq!(taken[0].message_id(), taken[1].message_id());
    assert_eq!(taken[0].raw, taken[1].raw, "and byte for byte the same");
    app.finish().await;
}

// I2
#[tokio::test]
async fn a_server_that_was_down_for_the_whole_run_gets_every_letter_once_when_it_is_back() {
    let mut sink = Sink::start().await;
    sink.stop().await;
    let app = relayed(&sink).await;
    let addresses: BTreeSet<String> = (0..20).map(|number| format!("n{number}@company.example")).collect();
    for address in &addresses {
        assert_eq!(app.register(address).await.status, 201);
    }
    tried(&app, 1).await;
    assert!(outbox(&app).iter().all(|letter| letter.state == LetterState::Waiting && letter.attempts == 1));
    assert_eq!(app.get("/health").await.json()["courier"]["waiting"], 20);
    sink.restart().await;
    app.advance(NEXT_ATTEMPT);
    app.carried().await;
    let letters = sink.letters();
    let reached: BTreeSet<String> = letters.iter().flat_map(|letter| letter.to.clone()).collect();
    assert_eq!((letters.len(), reached), (20, addresses), "each once");
    let ids: BTreeSet<String> = letters.iter().map(Received::message_id).collect();
    assert_eq!(ids.len(), 20);
    app.finish().await;
}

// I3
#[tokio::test]
async fn a_sign_up_does_not_wait_for_a_server_that_says_nothing() {
    let mut sink = Sink::start().await;
    let app = relayed(&sink).await;
    sink.behave(Behavior::Tarpit);
    for number in 0..10 {
        let answer = app.register(&format!("n{number}@company.example")).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
    assert!(sink.letters().is_empty());
    let waits = |letter: &Letter| letter.state == LetterState::Waiting && letter.attempts == 0;
    assert!(outbox(&app).iter().all(waits), "no conversation has ended, and yet all were answered");
    sink.stop().await;
    tried(&app, 1).await;
    sink.behave(Behavior::Accept);
    sink.restart().await;
    app.advance(NEXT_ATTEMPT);
    assert_eq!(sink.wait_for(10).await.len(), 10);
    app.finish().await;
}

// I2
#[tokio::test]
async fn a_letter_whose_link_is_no_longer_good_is_dropped() {
    let mut sink = Sink::start().await;
    let app = relayed(&sink).await;
    app.register("ann@company.example").await;
    app.carried().await;
    sink.stop().await;
    app.post("/user/request-reset-password", &json!({"email": "ann@company.example"})).await;
    tried(&app, 1).await;
    app.clock.advance(Duration::from_secs(3600));
    sink.restart().await;
    app.advance(Duration::ZERO);
    app.carried().await;
    let dropped = letter(&app, "ann", "reset");
    assert_eq!((dropped.state, dropped.sealed.as_str()), (LetterState::Expired, ""));
    assert_eq!(sink.letters().len(), 1, "the reset letter never left");
    app.finish().await;
}

// I2
#[tokio::test]
async fn a_letter_that_cannot_be_opened_holds_up_no_other() {
    let mut sink = Sink::start().await;
    sink.stop().await;
    let app = relayed(&sink).await;
    app.register("first@company.example").await;
    app.register("second@company.example").await;
    tried(&app, 1).await;
    let sql = "update letters set sealed = 'of another key' where recipient = ?1";
    let poison = [Cell::Text("first@company.example".to_owned())];
    let changed = app.service.store.write(move |tx| tx.execute(sql, &poison)).await;
    assert_eq!(changed.map_err(|fault: Unavailable| fault.to_string()), Ok(1));
    sink.restart().await;
    app.advance(NEXT_ATTEMPT);
    app.carried().await;
    let states = ["first", "second"].map(|name| letter(&app, name, "verify").state);
    assert_eq!(states, [LetterState::Failed, LetterState::Delivered]);
    assert_eq!(sink.letters()[0].to, ["second@company.example"]);
    let counts = app.service.store.read(letters::counts).expect("the outbox");
    assert_eq!(counts.len(), 2);
    app.finish().await;
}
/// A server that says nothing to its first caller and leads all others to the sink.
async fn silent_to_the_first(sink: &Sink) -> (std::net::SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let (address, sink) = (listener.local_addr().expect("an address"), sink.address());
    let server = tokio::spawn(async move {
        let _held = listener.accept().await.expect("the first caller");
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut onward = TcpStream::connect(sink).await.expect("the sink");
            tokio::spawn(async move { copy_bidirectional(&mut caller, &mut onward).await });
        }
    });
    (address, server)
}

// I2
#[tokio::test]
async fn a_conversation_that_hangs_holds_up_no_other_letter() {
    let sink = Sink::start().await;
    let (address, server) = silent_to_the_first(&sink).await;
    let app = App::start_with(|settings| settings.smtp_url = Some(format!("smtp://{address}"))).await;
    app.register("first@company.example").await;
    let claimed = "select count(*) from letters where claimed_until > 0";
    until("the first is in hand", || {
        app.service.store.read(|tx| tx.value::<i64>(claimed, &[])).expect("the outbox") == Some(1)
    })
    .await;
    for number in 0..20 {
        app.register(&format!("n{number}@company.example")).await;
    }
    assert_eq!(sink.wait_for(20).await.len(), 20);
    assert_eq!(letter(&app, "first", "verify").attempts, 0, "the first is still in conversation");
    server.abort();
    until("the first has ended", || letter(&app, "first", "verify").attempts == 1).await;
    let mut app = app;
    app.stop().await;
}

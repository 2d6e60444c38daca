//! One connection for several letters, and every stage at which a server can go wrong.

use super::*;
use crate::mail::carrier::Carrier;
use crate::mail::turn::in_turn;
use std::sync::Mutex as StdMutex;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The stages of a conversation, by what the client has just said.
const STAGES: [&str; 9] =
    ["greeting", "EHLO", "STARTTLS", "handshake", "AUTH", "MAIL", "RCPT", "DATA", "message"];

/// What the server does at the stage where it goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Says(&'static str),
    HangsUp,
    SaysNothing,
    /// Answers as it should, after so long.
    Late(Duration),
    /// Begins a reply and never ends it, in lines without text.
    Floods,
}

/// A server that goes wrong at one stage. It offers STARTTLS only when it is to go wrong there or after it, and cannot
/// encrypt.
struct Script {
    address: std::net::SocketAddr,
    said: Arc<StdMutex<Vec<String>>>,
}

impl Script {
    async fn start(stage: &'static str, fault: Fault) -> Script {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let said: Arc<StdMutex<Vec<String>>> = Arc::default();
        let heard = said.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = converse(stream, stage, fault, &heard).await;
            }
        });
        Script { address, said }
    }

    fn relay(&self, with_tls: bool) -> Relay {
        let url = format!("smtp://ada:hunter2@{}", self.address).parse().unwrap();
        let mut relay = Relay::new(&url, "latchkey.example", Duration::from_millis(400)).unwrap();
        relay.last_word = relay.timeout;
        if with_tls {
            relay.url.security = Security::StartTls;
        }
        relay
    }
}

async fn converse(
    stream: TcpStream,
    stage: &str,
    fault: Fault,
    said: &StdMutex<Vec<String>>,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let encrypts = ["STARTTLS", "handshake"].contains(&stage);
    let mut at = "greeting";
    loop {
        let fine = match at {
            "greeting" => "220 script\r\n",
            "EHLO" if encrypts => "250-script\r\n250 STARTTLS\r\n",
            "EHLO" => "250-script\r\n250 AUTH PLAIN\r\n",
            "STARTTLS" => "220 go on\r\n",
            "AUTH" => "235 welcome\r\n",
            "DATA" => "354 go on\r\n",
            _ => "250 fine\r\n",
        };
        let reply = match fault {
            _ if at != stage => fine,
            Fault::Says(reply) => reply,
            Fault::HangsUp => return Ok(()),
            Fault::SaysNothing => std::future::pending().await,
            Fault::Late(span) => {
                tokio::time::sleep(span).await;
                fine
            }
            Fault::Floods => loop {
                stream.get_mut().write_all(b"220-\n").await?;
            },
        };
        stream.get_mut().write_all(reply.as_bytes()).await?;
        let mut line = String::new();
        if at == "DATA" && reply.starts_with("354") {
            while line.trim_end() != "." {
                line.clear();
                stream.read_line(&mut line).await?;
            }
            at = "message";
            continue;
        }
        if at == "STARTTLS" && reply.starts_with("220") {
            stream.fill_buf().await?;
            at = "handshake";
            continue;
        }
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        said.lock().unwrap().push(line.trim_end().to_owned());
        let verb = line.split([' ', '\r']).next().unwrap_or_default();
        at = STAGES.into_iter().find(|stage| *stage == verb).unwrap_or("other");
    }
}

/// What a verdict comes down to.
fn kind(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Delivered { .. } => "delivered",
        Verdict::Deferred { .. } => "deferred",
        Verdict::Unreachable { .. } => "unreachable",
        Verdict::Rejected { .. } => "rejected",
        Verdict::Misconfigured { .. } => "misconfigured",
    }
}

// I2
#[tokio::test]
async fn whatever_goes_wrong_at_whatever_stage_has_its_verdict() {
    // In the order of the stages: put off, refused, closing, hung up, silent, not SMTP at all.
    let faults = [
        Fault::Says("451 4.3.0 later\r\n"),
        Fault::Says("554 5.7.1 never\r\n"),
        Fault::Says("421 4.3.2 closing\r\n"),
        Fault::HangsUp,
        Fault::SaysNothing,
        Fault::Says("HTTP/1.1 400 Bad Request\r\n\r\n"),
    ];
    const AWAY: &str = "unreachable";
    const MEND: &str = "misconfigured";
    const LATER: &str = "deferred";
    let expected = [
        ("greeting", [AWAY, MEND, AWAY, AWAY, AWAY, AWAY]),
        ("EHLO", [AWAY, MEND, AWAY, AWAY, AWAY, AWAY]),
        ("STARTTLS", [AWAY, MEND, AWAY, AWAY, AWAY, AWAY]),
        ("handshake", [MEND, MEND, MEND, AWAY, AWAY, MEND]),
        ("AUTH", [LATER, MEND, AWAY, LATER, AWAY, LATER]),
        ("MAIL", [LATER, MEND, AWAY, LATER, AWAY, LATER]),
        ("RCPT", [LATER, "rejected", AWAY, LATER, AWAY, LATER]),
        ("DATA", [LATER, "rejected", AWAY, LATER, AWAY, LATER]),
        ("message", [LATER, "rejected", AWAY, LATER, LATER, LATER]),
    ];
    assert_eq!(expected.map(|(stage, _)| stage), STAGES);
    let mut wrong = Vec::new();
    for (stage, verdicts) in expected {
        for (fault, expected) in faults.into_iter().zip(verdicts) {
            let script = Script::start(stage, fault).await;
            let verdict = send(&script.relay(["STARTTLS", "handshake"].contains(&stage)), LETTER).await;
            if kind(&verdict) != expected {
                wrong.push(format!("{stage}, {fault:?}: {verdict:?} is not {expected}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_reply_without_end_is_not_heard_to_the_end_of_time() {
    for stage in ["greeting", "MAIL", "message"] {
        let script = Script::start(stage, Fault::Floods).await;
        // Patient enough that only the bound on the bytes can end it.
        let mut relay = script.relay(false);
        relay.timeout = Duration::from_secs(60);
        let verdict = send(&relay, LETTER).await;
        assert!(verdict.words().ends_with("the server says too much"), "{stage}: {verdict:?}");
        let expected = if stage == "greeting" { "unreachable" } else { "deferred" };
        assert_eq!(kind(&verdict), expected, "{stage}");
    }
}

// I2
#[tokio::test]
async fn the_answer_to_a_message_has_a_limit_of_its_own() {
    let limit = Duration::from_secs(1);
    let script = Script::start("message", Fault::Late(limit + limit / 5)).await;
    let mut relay = script.relay(false);
    (relay.timeout, relay.last_word) = (limit, Duration::from_secs(60));
    assert_eq!(kind(&send(&relay, LETTER).await), "delivered", "the limit on all before has passed");

    let script = Script::start("message", Fault::SaysNothing).await;
    let mut relay = script.relay(false);
    (relay.timeout, relay.last_word) = (Duration::from_secs(60), limit / 5);
    let reason = "no answer in time, at the end of the message".to_owned();
    assert_eq!(send(&relay, LETTER).await, Verdict::Deferred { reason });
}

#[tokio::test]
async fn one_connection_takes_one_letter_after_another_and_is_told_farewell() {
    let script = Script::start("none", Fault::HangsUp).await;
    let relay = script.relay(false);
    for _ in 0..3 {
        let (from, to) = ("no-reply@example.com", "ada@example.org");
        let handover = relay.deliver(Envelope { from, to, message: LETTER }).await;
        assert_eq!(kind(&handover.verdict), "delivered");
        assert_eq!((handover.server, handover.tls), (script.address.to_string(), String::new()));
    }
    relay.hang_up().await;
    // The script takes one caller at a time: this one comes when the other has gone.
    assert_eq!(kind(&send(&relay, LETTER).await), "delivered");
    let said = script.said.lock().unwrap().clone();
    let verbs = |verb: &str| said.iter().filter(|line| line.split(' ').next() == Some(verb)).count();
    let counts = ["EHLO", "AUTH", "MAIL", "RSET", "QUIT"].map(verbs);
    assert_eq!(counts[..4], [2, 2, 4, 2], "{said:?}");
    assert!(counts[4] >= 1, "{said:?}");
}

#[tokio::test]
async fn a_refused_letter_leaves_nothing_behind_for_the_next_on_its_connection() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    for (step, code) in [(At::MailFrom, 451), (At::Rcpt, 550), (At::Data, 452), (At::EndOfData, 554)] {
        sink.behave(Behavior::RefuseAt(step, code, "no"));
        let refused = relay.send("no-reply@example.com", "eve@example.org", LETTER).await;
        assert!(!matches!(refused, Verdict::Delivered { .. }));
        sink.behave(Behavior::Accept);
        let taken = relay.send("no-reply@example.com", "ada@example.org", LETTER).await;
        assert_eq!(kind(&taken), "delivered");
    }
    let letters = sink.letters();
    assert_eq!(letters.len(), 4);
    assert!(letters.iter().all(|letter| letter.to == ["ada@example.org"] && letter.raw == LETTER));
}

#[tokio::test]
async fn once_closed_it_lets_no_further_letter_begin() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    let envelope = Envelope { from: "no-reply@example.com", to: "ada@example.org", message: LETTER };
    assert!(in_turn(async { drop(relay.hand_over(envelope).await) }).await);
    relay.close();
    assert!(!in_turn(async { drop(relay.hand_over(envelope).await) }).await);
    assert_eq!(sink.letters().len(), 1);
}

#[tokio::test]
async fn a_connection_that_died_while_it_waited_costs_no_letter_and_no_attempt() {
    let mut sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    for taken in 1..=3 {
        let verdict = relay.send("no-reply@example.com", "ada@example.org", LETTER).await;
        assert_eq!(kind(&verdict), "delivered");
        assert_eq!(sink.letters().len(), taken);
        sink.restart().await;
    }
}

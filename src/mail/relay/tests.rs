//! The relay against a real SMTP server on a loopback port: each misbehavior and its verdict.

mod encrypted;
mod kept;

use super::*;
use crate::mail::smtp_sink::{Behavior, Sink, Step as At};

const LETTER: &[u8] = b"Subject: hi\r\n\r\nHello\r\n";

fn relay_to(url: &str) -> Relay {
    Relay::new(&url.parse().unwrap(), "latchkey.example", Duration::from_secs(5)).unwrap()
}

async fn send(relay: &Relay, message: &[u8]) -> Verdict {
    let verdict = relay.send("no-reply@example.com", "ada@example.org", message).await;
    relay.hang_up().await;
    verdict
}

#[tokio::test]
async fn a_letter_is_delivered_as_it_is() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    let sending = tokio::spawn(async move { send(&relay, LETTER).await });
    assert_eq!(sending.await.unwrap(), Verdict::Delivered { reply: "250 2.0.0 queued as 4711".into() });
    let letter = sink.wait_for(1).await.remove(0);
    assert_eq!((letter.ehlo.as_str(), letter.auth), ("latchkey.example", None));
    assert_eq!(
        (letter.from.as_str(), letter.to.as_slice()),
        ("no-reply@example.com", &["ada@example.org".to_owned()][..])
    );
    assert_eq!(letter.raw, LETTER);
}

#[tokio::test]
async fn a_login_is_made_and_its_refusal_shows_no_password() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url().replace("://", "://ada:hunter2@"));
    assert!(matches!(send(&relay, LETTER).await, Verdict::Delivered { .. }));
    assert_eq!(sink.letters()[0].auth.as_deref(), Some("AUTH PLAIN AGFkYQBodW50ZXIy"));

    sink.behave(Behavior::RefuseAt(At::Auth, 535, "5.7.8 bad command AUTH PLAIN AGFkYQBodW50ZXIy"));
    let reason = "AUTH was refused: 535 5.7.8 (text withheld: it repeated the login)".to_owned();
    assert_eq!(send(&relay, LETTER).await, Verdict::Misconfigured { reason });
    sink.behave(Behavior::RefuseAt(At::Auth, 454, "4.7.0 directory is down"));
    let reason = "AUTH was put off: 454 4.7.0 directory is down".to_owned();
    assert_eq!(send(&relay, LETTER).await, Verdict::Deferred { reason });
    assert!(!format!("{relay:?}").contains("hunter2"));
}

#[tokio::test]
async fn each_refusal_has_the_verdict_of_its_step() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    let steps = [
        (At::Greeting, "the greeting", false),
        (At::Ehlo, "EHLO", false),
        (At::MailFrom, "MAIL FROM", false),
        (At::Rcpt, "RCPT TO", true),
        (At::Data, "DATA", true),
        (At::EndOfData, "the end of the message", true),
    ];
    for (step, name, ends_the_letter) in steps {
        sink.behave(Behavior::RefuseAt(step, 550, "5.7.1 not here\nreally\tnot"));
        let reply = "550 5.7.1 not here really not".to_owned();
        let expected = match ends_the_letter {
            true => Verdict::Rejected { reply },
            false => Verdict::Misconfigured { reason: format!("{name} was refused: {reply}") },
        };
        assert_eq!(send(&relay, LETTER).await, expected);

        sink.behave(Behavior::RefuseAt(step, 451, "4.3.0 try later"));
        let reason = format!("{name} was put off: 451 4.3.0 try later");
        let expected = match step {
            At::Greeting | At::Ehlo => Verdict::Unreachable { reason },
            _ => Verdict::Deferred { reason },
        };
        assert_eq!(send(&relay, LETTER).await, expected);
    }
    assert_eq!(sink.letters().len(), 0);
}

#[tokio::test]
async fn a_success_code_where_none_belongs_is_no_delivery() {
    let sink = Sink::start().await;
    sink.behave(Behavior::RefuseAt(At::Data, 250, "fine"));
    assert!(matches!(send(&relay_to(&sink.url()), LETTER).await, Verdict::Deferred { .. }));
}

#[tokio::test]
async fn a_tarpit_costs_the_time_limit_and_no_more() {
    let sink = Sink::start().await;
    sink.behave(Behavior::Tarpit);
    for scheme in ["smtp", "smtps"] {
        let url = sink.url().replace("smtp", scheme).parse().unwrap();
        let relay = Relay::new(&url, "latchkey.example", Duration::from_millis(300)).unwrap();
        let verdict =
            timeout(Duration::from_secs(2), send(&relay, LETTER)).await.expect("the relay's own limit");
        assert!(
            matches!(&verdict, Verdict::Unreachable { reason } if reason.contains("300 ms")),
            "{verdict:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_lost_after_the_message_is_put_off_and_the_second_try_is_the_same_letter() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    sink.behave(Behavior::DropAfterData);
    let verdict = send(&relay, LETTER).await;
    assert!(
        matches!(&verdict, Verdict::Deferred { reason } if reason.contains("end of the message")),
        "{verdict:?}"
    );
    sink.behave(Behavior::Accept);
    assert!(matches!(send(&relay, LETTER).await, Verdict::Delivered { .. }));
    let letters = sink.wait_for(2).await;
    assert_eq!(letters[0].raw, letters[1].raw);
}

#[tokio::test]
async fn a_server_that_is_down_is_tried_again_and_works_when_it_is_back() {
    let mut sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    sink.stop().await;
    let verdict = send(&relay, LETTER).await;
    assert!(
        matches!(&verdict, Verdict::Unreachable { reason } if reason.contains("cannot connect")),
        "{verdict:?}"
    );
    sink.restart().await;
    assert!(matches!(send(&relay, LETTER).await, Verdict::Delivered { .. }));
}

#[tokio::test]
async fn nothing_smuggles_a_second_letter() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    let stowaway = "MAIL FROM:<x@y.z>\r\nRCPT TO:<v@y.z>\r\nDATA\r\nSubject: forged\r\n\r\nhi";
    let line_ends = ["\r\n", "\n", "\r", "\n\r", "\r\r\n"];
    let mut sent = 0;
    for before in line_ends {
        for after in line_ends {
            for start in ["Subject: a\r\n\r\nb", ""] {
                let message = format!("{start}{before}.{after}{stowaway}{before}.{after}");
                assert!(matches!(send(&relay, message.as_bytes()).await, Verdict::Delivered { .. }));
                sent += 1;
                let letters = sink.wait_for(sent).await;
                assert_eq!(letters.len(), sent, "{before:?} {after:?}");
                assert_crlf_only(&letters[sent - 1].wire);
            }
        }
    }
}

#[tokio::test]
async fn dots_and_line_ends_arrive_as_they_were_meant() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    let table = [
        (".\r\nMAIL FROM:<x@y.z>\r\n", ".\r\nMAIL FROM:<x@y.z>\r\n"),
        ("..a\n.b\n", "..a\r\n.b\r\n"),
        ("a\r.\rb", "a\r\n.\r\nb\r\n"),
        ("a\n\r\n", "a\r\n\r\n"),
        ("a\r\r\n", "a\r\n\r\n"),
        ("a", "a\r\n"),
        ("a\r\n.\r\n", "a\r\n.\r\n"),
    ];
    for (index, (given, arrived)) in table.into_iter().enumerate() {
        assert!(matches!(send(&relay, given.as_bytes()).await, Verdict::Delivered { .. }), "{given:?}");
        let letter = sink.wait_for(index + 1).await.remove(index);
        assert_eq!(String::from_utf8_lossy(&letter.raw), arrived, "{given:?}");
        assert_crlf_only(&letter.wire);
    }
    assert_eq!(sink.letters().len(), table.len());
}

fn assert_crlf_only(wire: &[u8]) {
    let rest = String::from_utf8_lossy(wire).replace("\r\n", "");
    assert!(!rest.contains(['\r', '\n']), "{:?}", String::from_utf8_lossy(wire));
}

#[tokio::test]
async fn an_address_cannot_become_a_command() {
    let sink = Sink::start().await;
    let relay = relay_to(&sink.url());
    for evil in ["a@b.c>\r\nRCPT TO:<d@e.f", "a@b.c> SIZE=1", "a b@c.d", "ä@b.c", ""] {
        let verdict = relay.send("no-reply@example.com", evil, LETTER).await;
        assert!(matches!(verdict, Verdict::Rejected { .. }), "{evil:?}");
    }
    let verdict = relay.send("a@b.c\n", "ada@example.org", LETTER).await;
    assert!(matches!(verdict, Verdict::Misconfigured { .. }));
    assert!(matches!(relay.send("", "ada@example.org", LETTER).await, Verdict::Delivered { .. }));
    assert_eq!(sink.letters()[0].from, "");
}

#[test]
fn the_ehlo_name_is_a_name_or_a_literal() {
    let table = [
        ("mail.example.com", Some("mail.example.com")),
        ("localhost", Some("localhost")),
        ("127.0.0.1", Some("[127.0.0.1]")),
        ("::1", Some("[IPv6:::1]")),
        ("[::1]", Some("[IPv6:::1]")),
        ("", None),
        ("a b", None),
        ("a\r\nMAIL FROM:<x@y.z>", None),
        ("müller.example", None),
    ];
    for (name, expected) in table {
        assert_eq!(EhloName::new(name).ok().as_ref().map(EhloName::as_str), expected, "{name:?}");
    }
}

//! The conversation with the servers that were found: who is asked next, and which word is the last.

use super::*;
use crate::mail::turn::in_turn;

/// Two servers of a.example: one.example, preferred, and two.example.
async fn with_two_servers() -> (World, Sink) {
    let world = World::new().await;
    let second = world.server_at(2).await;
    world.dns.mx("a.example", 10, "one.example").host("one.example", "127.0.0.1");
    world.dns.mx("a.example", 20, "two.example").host("two.example", "127.0.0.2");
    (world, second)
}

#[tokio::test]
async fn the_name_of_this_server_and_the_letter_arrive_as_they_are() {
    let world = World::with_one_server().await;
    assert_eq!(send(&world.direct(), "ann@a.example").await.0, Kind::Delivered);
    let letter = world.sink.letters().remove(0);
    assert_eq!((letter.ehlo.as_str(), letter.auth), ("mail.latchkey.example", None));
    assert_eq!(letter.from, "no-reply@latchkey.example");
    assert_eq!((letter.to, letter.raw), (vec!["ann@a.example".to_owned()], LETTER.to_vec()));
}

// I2
#[tokio::test]
async fn what_a_server_says_decides_whether_another_is_asked() {
    let rows = [
        (At::Greeting, 554, true, Kind::Misconfigured),
        (At::Greeting, 421, true, Kind::Unreachable),
        (At::Ehlo, 550, true, Kind::Misconfigured),
        (At::MailFrom, 451, true, Kind::Deferred),
        (At::MailFrom, 550, false, Kind::Misconfigured),
        (At::Rcpt, 451, false, Kind::Deferred),
        (At::Rcpt, 550, false, Kind::Rejected),
        (At::Data, 451, false, Kind::Deferred),
        (At::Data, 554, false, Kind::Rejected),
        (At::EndOfData, 451, false, Kind::Deferred),
        (At::EndOfData, 554, false, Kind::Rejected),
    ];
    for (step, code, asks_another, alone) in rows {
        let (world, second) = with_two_servers().await;
        world.sink.behave(Behavior::RefuseAt(step, code, "5.7.1 not here"));
        let (kind, words) = send(&world.direct(), "ann@a.example").await;
        assert_eq!(second.letters().len(), usize::from(asks_another), "{step:?} {code}: {words}");
        let expected = if asks_another { Kind::Delivered } else { alone };
        assert_eq!(kind, expected, "{step:?} {code}: {words}");
        second.behave(Behavior::RefuseAt(step, code, "5.7.1 nor here"));
        let (kind, words) = send(&world.direct(), "ann@a.example").await;
        assert!(kind == alone && words.starts_with("one.example: "), "{step:?} {code}: {kind:?} {words}");
        assert!(words.contains(&format!("{code} 5.7.1 not here")), "{words}");
    }
}

// I2
#[tokio::test]
async fn a_greylisted_letter_is_put_off_and_taken_at_the_next_try() {
    let world = World::with_one_server().await;
    let direct = world.direct_within(Bounds { idle: Duration::from_secs(20), ..bounds() });
    world.sink.behave(Behavior::RefuseAt(At::Rcpt, 451, "4.7.1 greylisted, try later"));
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert_eq!(kind, Kind::Deferred);
    assert_eq!(words, "mx.a.example: RCPT TO was put off: 451 4.7.1 greylisted, try later");
    world.sink.behave(Behavior::Accept);
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    assert_eq!(world.sink.letters().len(), 1);
}

// I2
#[tokio::test]
async fn a_letter_whose_receipt_was_lost_is_not_given_to_another_server_at_once() {
    let (world, second) = with_two_servers().await;
    world.sink.behave(Behavior::DropAfterData);
    let (kind, words) = send(&world.direct(), "ann@a.example").await;
    assert!(kind == Kind::Deferred && words.contains("the end of the message"), "{kind:?} {words}");
    assert_eq!((world.sink.letters().len(), second.letters().len()), (1, 0));
}

// I2
#[tokio::test]
async fn the_answer_to_a_message_has_a_limit_of_its_own() {
    let (world, second) = with_two_servers().await;
    world.sink.behave(Behavior::SilentAt(At::EndOfData));
    let last_word = Duration::from_millis(200);
    let (kind, words) = send(&world.direct_within(Bounds { last_word, ..bounds() }), "ann@a.example").await;
    assert_eq!(kind, Kind::Deferred, "{words}");
    assert_eq!(words, "one.example: no answer in time, at the end of the message");
    assert_eq!((world.sink.letters().len(), second.letters().len()), (1, 0), "there is no second copy");

    // The sink is left without a word while the limit on all before passes, and then some.
    let (whole, last_word) = (Duration::from_secs(1), Duration::from_millis(1200));
    let direct = world.direct_within(Bounds { whole, last_word, ..bounds() });
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert_eq!(kind, Kind::Deferred, "{words}");
    assert_eq!(words, "one.example: no answer in time, at the end of the message", "not within 1000 ms");
}

// I2
#[tokio::test]
async fn a_server_that_says_nothing_leaves_time_for_the_next() {
    let (world, second) = with_two_servers().await;
    world.sink.behave(Behavior::Tarpit);
    let direct = world.direct_within(Bounds { reply: Duration::from_millis(200), ..bounds() });
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert!(kind == Kind::Delivered && words.starts_with("two.example"), "{kind:?} {words}");
    second.behave(Behavior::Tarpit);
    let short = Bounds { whole: Duration::from_millis(300), reply: Duration::from_millis(200), ..bounds() };
    let (kind, words) = send(&world.direct_within(short), "ann@a.example").await;
    assert_eq!(kind, Kind::Unreachable);
    assert_eq!(
        words,
        "one.example: no answer in time, at the greeting; no answer within 300 ms, at the greeting of two.example"
    );
}

// I2
#[tokio::test]
async fn silent_servers_leave_time_for_the_third_and_the_last_is_given_all_of_it() {
    let (world, second) = with_two_servers().await;
    let third = world.server_at(3).await;
    world.dns.mx("a.example", 30, "three.example").host("three.example", "127.0.0.3");
    for silent in [&world.sink, &second] {
        silent.behave(Behavior::Tarpit);
    }
    // Were a silent server given the time of a reply, the first would use the whole attempt up.
    let open = Duration::from_millis(200);
    let direct = world.direct_within(Bounds { open, ..bounds() });
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert!(kind == Kind::Delivered && words.starts_with("three.example"), "{kind:?} {words}");
    assert_eq!(third.letters().len(), 1);

    third.behave(Behavior::Tarpit);
    let whole = Duration::from_secs(2);
    let (kind, words) = send(&world.direct_within(Bounds { whole, open, ..bounds() }), "ann@a.example").await;
    assert_eq!(kind, Kind::Unreachable);
    assert!(words.ends_with("no answer within 2000 ms, at the greeting of three.example"), "{words}");
}

#[tokio::test]
async fn a_connection_is_used_for_the_next_letter_of_the_domain() {
    let world = World::with_one_server().await;
    world.dns.mx("b.example", 10, "mx.a.example");
    let direct = world.direct_within(Bounds { idle: Duration::from_secs(20), ..bounds() });
    for name in ["ann", "bob", "cid"] {
        assert_eq!(send(&direct, &format!("{name}@a.example")).await.0, Kind::Delivered);
    }
    assert_eq!((world.sink.connections(), world.sink.letters().len()), (1, 3));
    assert_eq!(world.sink.letters()[2].to, ["cid@a.example"], "no letter goes to those of the one before");
    send(&direct, "dan@b.example").await;
    assert_eq!(world.sink.connections(), 2, "another domain has a connection of its own");

    world.sink.behave(Behavior::RefuseAt(At::Rcpt, 550, "5.1.1 no such user"));
    assert_eq!(send(&direct, "nobody@a.example").await.0, Kind::Rejected);
    world.sink.behave(Behavior::Accept);
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    assert_eq!(world.sink.connections(), 2, "a refused recipient costs no connection");
}

// I2
#[tokio::test]
async fn a_connection_that_has_died_or_is_closed_is_replaced_within_the_attempt() {
    let mut world = World::with_one_server().await;
    let direct = world.direct_within(Bounds { idle: Duration::from_secs(20), ..bounds() });
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    world.sink.restart().await;
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered, "the old connection was cut");
    assert_eq!(world.sink.letters().len(), 2);

    for step in [At::MailFrom, At::Rcpt, At::Data] {
        let before = world.sink.connections();
        world.sink.behave(Behavior::RefuseAt(step, 421, "4.3.2 enough for one connection"));
        assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Unreachable);
        assert_eq!(world.sink.connections(), before + 1, "{step:?}: a new one was tried");
        world.sink.behave(Behavior::Accept);
        assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
        assert_eq!(world.sink.connections(), before + 2, "{step:?}: and is not used again");
    }
}

#[tokio::test]
async fn once_closed_it_lets_no_further_letter_begin() {
    let world = World::with_one_server().await;
    let direct = world.direct();
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    Direct::close(&direct);
    assert!(!in_turn(async { drop(send(&direct, "bob@a.example").await) }).await);
    assert_eq!(world.sink.letters().len(), 1);
}

#[tokio::test]
async fn a_connection_that_nobody_wants_is_let_go() {
    let world = World::with_one_server().await;
    let direct = world.direct_within(Bounds { idle: Duration::from_millis(1), ..bounds() });
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    world.sink.deserted().await;
    assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    assert_eq!(world.sink.connections(), 2);
}

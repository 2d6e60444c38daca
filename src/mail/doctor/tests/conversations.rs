//! The way of a letter, and each step at which it can end.

use super::*;
use crate::mail::smtp_sink::Received;

#[tokio::test]
async fn a_letter_through_a_relay_is_followed_from_the_settings_to_the_servers_word() {
    let world = World::new().await;
    let (signer, _) = signer();
    let url = world.sink.url().replace("://", "://ada:hunter2@");
    let set_up = world.set_up(Way::Relay(url.parse().expect("a URL")));
    let report = test(&doctor(SetUp { signer: Some(signer), ..set_up }), "ann@a.example").await;
    let expected = [
        "settings",
        "name",
        "connection",
        "greeting",
        "EHLO",
        "TLS",
        "login",
        "sender",
        "recipient",
        "letter",
    ];
    assert_eq!(names(&report), expected);
    assert_eq!(report.faults().count(), 0, "{report:#?}");
    expect(&report, ("settings", Outcome::Ok, "smtp://***@127.0.0.1", ""));
    expect(&report, ("greeting", Outcome::Ok, "220 sink ESMTP", ""));
    expect(&report, ("TLS", Outcome::Ok, "not offered, and on this machine not needed", ""));
    expect(&report, ("letter", Outcome::Ok, "taken by 127.0.0.1: 250 2.0.0 queued as 4711", ""));
    assert!(!format!("{report:?}").contains("hunter2"));

    let letter: Received = world.sink.letters().remove(0);
    assert_eq!((letter.ehlo.as_str(), letter.from.as_str()), ("mail.shop.example", "no-reply@shop.example"));
    assert_eq!(letter.to, ["ann@a.example"]);
    assert_eq!(letter.subject(), "A test letter from Shop");
    assert!(letter.text().contains("Shop can send mail"), "{}", letter.text());
    assert!(letter.header("DKIM-Signature").is_some_and(|signature| signature.contains("d=shop.example")));
    assert!(letter.message_id().ends_with("@shop.example"));
}

#[tokio::test]
async fn nothing_is_said_of_a_letter_that_is_not_to_be_sent() {
    let world = World::new().await;
    let to = address("ann@a.example");
    let trial = Trial { to: &to, language: Language::English, send: false };
    let report = world.relay(&world.sink.url()).test(trial).await;
    expect(&report, ("letter", Outcome::Skipped, "as asked", ""));
    assert!(!names(&report).contains(&"sender"), "{report:#?}");
    world.sink.deserted().await;
    assert_eq!(world.sink.letters(), []);
}

// I2
#[tokio::test]
async fn each_step_that_fails_is_named_with_the_servers_words_and_what_to_do() {
    let rows = [
        (At::Greeting, 554, "greeting", "554 5.7.1 no", "block list"),
        (At::Ehlo, 550, "EHLO", "550 5.7.1 no", "LATCHKEY_MAIL_EHLO_NAME"),
        (At::Auth, 535, "login", "535 5.7.1 no", "user and password in LATCHKEY_SMTP_URL"),
        (At::MailFrom, 553, "sender", "553 5.7.1 no", "LATCHKEY_MAIL_FROM"),
        (At::Rcpt, 550, "recipient", "550 5.7.1 no", "relaying"),
        (At::Rcpt, 451, "recipient", "451 5.7.1 no", "try again in a few minutes"),
        (At::Data, 554, "letter", "554 5.7.1 no", "latchkey mail doctor"),
        (At::EndOfData, 554, "letter", "554 5.7.1 no", "latchkey mail doctor"),
    ];
    let world = World::new().await;
    let doctor = world.relay(&world.sink.url().replace("://", "://ada:hunter2@"));
    for (at, code, name, words, advice) in rows {
        world.sink.behave(Behavior::RefuseAt(at, code, "5.7.1 no"));
        let report = test(&doctor, "ann@a.example").await;
        expect(&report, (name, Outcome::Fault, words, advice));
        assert_eq!(names(&report).last(), Some(&name), "nothing comes after it: {report:#?}");
    }
    assert_eq!(world.sink.letters(), []);
}

#[tokio::test]
async fn a_server_that_repeats_the_password_does_not_show_it() {
    let world = World::new().await;
    world.sink.behave(Behavior::RefuseAt(At::Auth, 535, "wrong: AUTH PLAIN AGFkYQBodW50ZXIy hunter2"));
    let report =
        test(&world.relay(&world.sink.url().replace("://", "://ada:hunter2@")), "ann@a.example").await;
    expect(&report, ("login", Outcome::Fault, "535 (text withheld", ""));
    assert!(
        !format!("{report:?}").contains("hunter2") && !format!("{report:?}").contains("AGFkYQBodW50ZXIy")
    );
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_host_are_told_apart() {
    let mut world = World::new().await;
    world.sink.stop().await;
    let report = test(&world.relay(&world.sink.url()), "ann@a.example").await;
    expect(&report, ("connection", Outcome::Fault, "cannot connect", "firewall"));
    // A label of 64 letters is no name of DNS, so nobody is asked about it.
    let mut url: RelayUrl = "smtp://mail.example".parse().expect("a URL");
    url.host = format!("{}.example", "a".repeat(64));
    let report = test(&doctor(world.set_up(Way::Relay(url))), "ann@a.example").await;
    expect(&report, ("name", Outcome::Fault, "no address", "spelled right"));
    assert_eq!(names(&report), ["settings", "name"]);
}

// I2
#[tokio::test]
async fn a_tarpit_costs_one_steps_limit_and_slow_steps_the_limit_of_all() {
    let world = World::new().await;
    world.sink.behave(Behavior::Tarpit);
    let way = || Way::Relay(world.sink.url().parse().expect("a URL"));
    let short = Limits { step: Duration::from_secs(1), ..limits() };
    let report = test(&doctor(SetUp { limits: short, ..world.set_up(way()) }), "ann@a.example").await;
    expect(&report, ("greeting", Outcome::Fault, "no answer in time", "smtps://"));
    let short = Limits { whole: Duration::from_millis(200), ..limits() };
    let report = test(&doctor(SetUp { limits: short, ..world.set_up(way()) }), "ann@a.example").await;
    expect(&report, ("time", Outcome::Fault, "not done within 200 ms", "the last"));
    assert_eq!(names(&report).last(), Some(&"time"), "nothing comes after it: {report:#?}");
}

// I4
#[tokio::test]
async fn a_letter_that_leaves_directly_goes_to_the_first_server_that_answers() {
    let world = World::sound().await;
    world.dns.mx("b.example", 10, "dead.example").host("dead.example", "127.0.0.9");
    world.dns.mx("b.example", 20, "mx.a.example");
    let report = test(&world.direct(), "ann@b.example").await;
    expect(&report, ("mail servers", Outcome::Ok, "of b.example: 10 dead.example, 20 mx.a.example", ""));
    expect(&report, ("connection", Outcome::Ok, "mx.a.example answers", ""));
    expect(&report, ("TLS", Outcome::Warning, "in clear text", ""));
    expect(&report, ("letter", Outcome::Ok, "taken by mx.a.example", ""));
    assert_eq!(report.faults().count(), 0, "{report:#?}");
    assert_eq!(world.sink.letters().len(), 1);
}

// I4
#[tokio::test]
async fn what_dns_says_of_a_recipient_can_end_the_way() {
    type Tell = fn(&DnsStandIn) -> &DnsStandIn;
    let rows: [(Tell, &str, &str, &str); 6] = [
        (|dns| dns.mx("b.example", 0, "."), "mail servers", "null MX", "spelled"),
        (|dns| dns, "mail servers", "b.example does not exist", "spelled"),
        (|dns| dns.broken("b.example"), "mail servers", "cannot be looked up", "LATCHKEY_MAIL_RESOLVER"),
        (|dns| dns.empty("b.example"), "connection", "no server of b.example", "steps above"),
        (
            |dns| dns.mx("b.example", 1, "x.example").host("x.example", "10.0.0.1"),
            "connection",
            "no server",
            "",
        ),
        (|dns| dns.mx("b.example", 1, "x.example").host("x.example", "::1"), "connection", "no server", ""),
    ];
    for (tell, name, words, advice) in rows {
        let world = World::sound().await;
        tell(&world.dns);
        let doctor = doctor(SetUp { allow_private: false, ..world.set_up(Way::Direct) });
        let report = test(&doctor, "ann@b.example").await;
        expect(&report, (name, Outcome::Fault, words, advice));
        assert_eq!(world.sink.connections(), 0, "{words}");
    }
    let world = World::sound().await;
    world.dns.mx("b.example", 1, "x.example").host("x.example", "10.0.0.1");
    let doctor = doctor(SetUp { allow_private: false, ..world.set_up(Way::Direct) });
    let report = test(&doctor, "ann@b.example").await;
    let private = ("address", Outcome::Warning, "10.0.0.1, which is private", "relay");
    expect(&report, private);
}

#[tokio::test]
async fn without_a_mail_server_the_doctor_says_how_to_set_one() {
    let world = World::new().await;
    let report = test(&doctor(world.set_up(Way::Mailbox)), "ann@a.example").await;
    expect(&report, ("settings", Outcome::Warning, "nothing is sent", "LATCHKEY_SMTP_URL"));
    assert_eq!(report.faults().count(), 0);
    assert_eq!(world.sink.connections(), 0);
}

#[test]
fn the_letter_is_written_in_every_language_and_shows_no_markup_of_the_name() {
    for language in Language::ALL {
        let body = letter::body("<b>Shop & Co</b>", language);
        assert!(body.subject.contains("<b>Shop & Co</b>") && body.text.contains("latchkey mail test"));
        assert!(body.html.contains("&lt;b&gt;Shop &amp; Co") && !body.html.contains("<b>"), "{}", body.html);
        assert!(body.html.contains(&format!("lang=\"{language}\" dir=\"{}\"", language.direction())));
    }
}

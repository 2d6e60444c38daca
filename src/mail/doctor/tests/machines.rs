//! This machine: what its address and its name lead to, and whether others can be reached from it.

use super::*;

/// What DNS says of mail.shop.example and 198.51.100.7.
type Row =
    (&'static str, fn(&DnsStandIn) -> &DnsStandIn, (&'static str, Outcome, &'static str, &'static str));

const ROWS: &[Row] = &[
    (
        "no PTR",
        |dns| dns.host("mail.shop.example", HERE),
        ("PTR", Outcome::Fault, "has no name", "7.100.51.198.in-addr.arpa. IN PTR mail.shop.example."),
    ),
    (
        "a PTR that does not lead back",
        |dns| dns.host("mail.shop.example", HERE).pointer(HERE, "host7.example"),
        ("PTR", Outcome::Fault, "does not lead back", "host7.example. IN A 198.51.100.7"),
    ),
    (
        "a PTR that leads elsewhere",
        |dns| dns.pointer(HERE, "host7.example").host("host7.example", "203.0.113.9"),
        ("PTR", Outcome::Fault, "does not lead back", "host7.example. IN A 198.51.100.7"),
    ),
    (
        "a PTR of another name",
        |dns| dns.host("mail.shop.example", HERE).pointer(HERE, "host7.example").host("host7.example", HERE),
        ("PTR", Outcome::Warning, "calls itself mail.shop.example", "LATCHKEY_MAIL_EHLO_NAME=host7.example"),
    ),
    (
        "all well",
        |dns| dns.host("mail.shop.example", HERE).pointer(HERE, "mail.shop.example"),
        ("PTR", Outcome::Ok, "leads back", ""),
    ),
    (
        "DNS fails",
        |dns| dns.broken("7.100.51.198.in-addr.arpa"),
        ("PTR", Outcome::Warning, "looked up", "try again"),
    ),
    (
        "no EHLO name",
        |dns| dns,
        ("EHLO name", Outcome::Fault, "knows no address", "mail.shop.example. IN A 198.51.100.7"),
    ),
    (
        "an EHLO name elsewhere",
        |dns| dns.host("mail.shop.example", "203.0.113.9"),
        (
            "EHLO name",
            Outcome::Warning,
            "letters come from 198.51.100.7",
            "mail.shop.example. IN A 198.51.100.7",
        ),
    ),
    ("an EHLO name here", |dns| dns.host("mail.shop.example", HERE), ("EHLO name", Outcome::Ok, HERE, "")),
];

#[tokio::test]
async fn the_names_of_this_machine_must_lead_to_each_other() {
    for (what, tell, expected) in ROWS {
        let world = World::new().await;
        tell(&world.dns);
        let report = world.direct().examine(None).await;
        println!("{what}");
        expect(&report, *expected);
    }
}

#[tokio::test]
async fn a_name_that_is_an_address_or_leads_nowhere_else_is_named() {
    let world = World::sound().await;
    let set_up = SetUp { ehlo_name: "198.51.100.7".to_owned(), ..world.set_up(Way::Direct) };
    expect(
        &doctor(set_up).examine(None).await,
        ("EHLO name", Outcome::Warning, "want a name", "LATCHKEY_MAIL_EHLO_NAME"),
    );
    let set_up = SetUp { ehlo_name: "localhost".to_owned(), ..world.set_up(Way::Direct) };
    expect(
        &doctor(set_up).examine(None).await,
        ("EHLO name", Outcome::Fault, "no address of localhost", "LATCHKEY_MAIL_EHLO_NAME"),
    );
}

#[tokio::test]
async fn port_25_is_tried_with_the_senders_own_server_unless_it_has_none() {
    let world = World::sound().await;
    let report = world.direct().examine(None).await;
    expect(&report, ("connection", Outcome::Ok, "mx.shop.example answers", ""));
    world.sink.deserted().await;
    assert_eq!(world.sink.letters(), [], "nobody asked for a letter");

    let mut world = World::sound().await;
    world.sink.stop().await;
    let report = world.direct().examine(None).await;
    expect(&report, ("connection", Outcome::Fault, "cannot connect", "close port 25"));

    let world = World::new().await;
    world.dns.mx("shop.example", 0, ".");
    let report = world.direct().examine(None).await;
    expect(&report, ("mail servers", Outcome::Skipped, "null MX record says; to try port 25", ""));
}

#[test]
fn the_routing_table_is_asked_without_a_packet() {
    for address in machine::routed() {
        assert!(!address.is_unspecified(), "{address}");
    }
}

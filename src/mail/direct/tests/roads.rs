//! The way from an address to a server: what DNS says, and what of it is believed.

use super::*;

/// What it is, what DNS says, and what comes of a letter to ann@a.example, in words.
type Road = (&'static str, fn(&DnsStandIn) -> &DnsStandIn, Kind, &'static str);

const ROADS: &[Road] = &[
    (
        "one server",
        |dns| dns.mx("a.example", 10, "mx.a.example").host("mx.a.example", "127.0.0.1"),
        Kind::Delivered,
        "mx.a.example, in clear text: 250 2.0.0 queued",
    ),
    (
        "no MX and an address",
        |dns| dns.host("a.example", "127.0.0.1"),
        Kind::Delivered,
        "a.example, in clear text: 250",
    ),
    (
        "a null MX",
        |dns| dns.mx("a.example", 0, ".").host("a.example", "127.0.0.1"),
        Kind::Rejected,
        "the domain a.example takes no mail, as its null MX record says",
    ),
    (
        "a null MX beside a server, which RFC 7505 forbids",
        |dns| dns.mx("a.example", 0, ".").mx("a.example", 5, "mx.example").host("mx.example", "127.0.0.1"),
        Kind::Delivered,
        "mx.example",
    ),
    ("no such domain", |dns| dns, Kind::Rejected, "the domain a.example does not exist"),
    ("a domain without records", |dns| dns.empty("a.example"), Kind::Rejected, "a.example has no address"),
    (
        "a server that does not exist",
        |dns| dns.mx("a.example", 10, "mx.a.example"),
        Kind::Rejected,
        "mx.a.example has no address",
    ),
    (
        "a domain that DNS fails at",
        |dns| dns.broken("a.example"),
        Kind::Unreachable,
        "the mail servers of a.example cannot be looked up: the DNS server says Server Failure",
    ),
    (
        "a server that DNS fails at",
        |dns| dns.mx("a.example", 10, "mx.a.example").broken("mx.a.example"),
        Kind::Unreachable,
        "mx.a.example cannot be looked up: the DNS server says Server Failure",
    ),
    (
        "a server that is an alias",
        |dns| {
            dns.mx("a.example", 10, "mx.a.example")
                .alias("mx.a.example", "b.example")
                .host("b.example", "127.0.0.1")
        },
        Kind::Delivered,
        "mx.a.example",
    ),
    (
        "a domain that is an alias",
        |dns| {
            dns.alias("a.example", "b.example")
                .mx("b.example", 10, "mx.b.example")
                .host("mx.b.example", "127.0.0.1")
        },
        Kind::Delivered,
        "mx.b.example",
    ),
    (
        "aliases in a circle",
        |dns| dns.alias("a.example", "b.example").alias("b.example", "a.example"),
        Kind::Rejected,
        "a.example has no address",
    ),
    (
        "a dead server before a live one",
        |dns| {
            dns.mx("a.example", 10, "dead.example")
                .mx("a.example", 20, "live.example")
                .host("dead.example", "127.0.0.9")
                .host("live.example", "127.0.0.1")
        },
        Kind::Delivered,
        "live.example",
    ),
    (
        "a dead address before a live one",
        |dns| {
            dns.host("a.example", "127.0.0.9").host("a.example", "127.0.0.1").host("a.example", "127.0.0.8")
        },
        Kind::Delivered,
        "a.example",
    ),
    (
        "a missing server before a live one",
        |dns| {
            dns.mx("a.example", 10, "none.example")
                .mx("a.example", 20, "live.example")
                .host("live.example", "127.0.0.1")
        },
        Kind::Delivered,
        "live.example",
    ),
    (
        "dead servers only",
        |dns| {
            dns.mx("a.example", 10, "one.example")
                .mx("a.example", 20, "two.example")
                .host("one.example", "127.0.0.9")
                .host("two.example", "127.0.0.8")
        },
        Kind::Unreachable,
        "; two.example: cannot connect to the server",
    ),
    (
        "five dead servers before a live one, which is one too many",
        |dns| {
            for number in 0..5 {
                let name = format!("dead{number}.example");
                dns.mx("a.example", number, &name).host(&name, "127.0.0.9");
            }
            dns.mx("a.example", 9, "live.example").host("live.example", "127.0.0.1")
        },
        Kind::Unreachable,
        "dead3.example: cannot connect",
    ),
];

// I4
#[tokio::test]
async fn each_road_that_dns_can_name_has_its_end() {
    for (what, tell, kind, words) in ROADS {
        let world = World::new().await;
        tell(&world.dns);
        let (found, said) = send(&world.direct(), "ann@A.Example").await;
        assert!(found == *kind && said.contains(words), "{what}: {found:?} {said}");
        assert_eq!(world.sink.letters().len(), usize::from(*kind == Kind::Delivered), "{what}");
    }
}

// I4
#[tokio::test]
async fn addresses_that_are_not_public_are_not_connected_to() {
    let rows = [
        ("127.0.0.1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("10.0.0.1", "private"),
        ("100.64.0.1", "a carrier's own"),
        ("169.254.169.254", "link-local"),
        ("fd00::1", "private"),
        ("0.0.0.0", "unspecified"),
        ("224.0.0.1", "multicast"),
    ];
    for (address, what) in rows {
        let world = World::new().await;
        world.dns.mx("a.example", 10, "mx.a.example").host("mx.a.example", address);
        let set_up = DirectSetUp { allow_private: false, ..world.set_up() };
        let direct = Direct::new(&set_up, bounds(), Chance::seeded(7)).expect("it can be set up");
        let (kind, words) = send(&direct, "ann@a.example").await;
        assert!(
            kind == Kind::Rejected
                && words.contains(what)
                && words.contains("LATCHKEY_MAIL_ALLOW_PRIVATE=on"),
            "{address}: {kind:?} {words}"
        );
        assert_eq!(world.sink.connections(), 0, "{address}");
    }
}

// I4
#[tokio::test]
async fn a_letter_is_given_up_only_when_no_server_may_ever_take_it() {
    let world = World::new().await;
    world.dns.mx("a.example", 10, "inner.example").host("inner.example", "10.0.0.1");
    world.dns.mx("a.example", 20, "lost.example").broken("lost.example");
    let set_up = DirectSetUp { allow_private: false, ..world.set_up() };
    let direct = Direct::new(&set_up, bounds(), Chance::seeded(7)).expect("it can be set up");
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert_eq!(kind, Kind::Unreachable, "{words}");
    assert!(words.contains("10.0.0.1") && words.contains("lost.example cannot be looked up"), "{words}");
}

// I4
#[tokio::test]
async fn this_server_sends_no_letter_to_itself() {
    let world = World::with_one_server().await;
    let set_up = DirectSetUp { own: world.sink.address(), ..world.set_up() };
    let direct = Direct::new(&set_up, bounds(), Chance::seeded(7)).expect("it can be set up");
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert!(kind == Kind::Rejected && words.contains("this very server"), "{kind:?} {words}");
    assert_eq!(world.sink.connections(), 0);
}

// I4
#[tokio::test]
async fn preferred_servers_come_first_and_equals_share() {
    let world = World::new().await;
    let (second, spare) = (world.server_at(2).await, world.server_at(3).await);
    for (preference, name, address) in [
        (10, "one.example", "127.0.0.1"),
        (10, "two.example", "127.0.0.2"),
        (20, "spare.example", "127.0.0.3"),
    ] {
        world.dns.mx("a.example", preference, name).host(name, address);
    }
    let direct = world.direct();
    for _ in 0..20 {
        assert_eq!(send(&direct, "ann@a.example").await.0, Kind::Delivered);
    }
    let shares = [&world.sink, &second, &spare].map(|sink| sink.letters().len());
    assert!(shares[0] > 0 && shares[1] > 0 && shares[0] + shares[1] == 20 && shares[2] == 0, "{shares:?}");
    let asked = world.dns.asked().into_iter().filter(|(name, _)| name == "a.example").count();
    assert_eq!(asked, 1, "an answer is remembered");
}

// I4
#[tokio::test]
async fn slow_or_absent_dns_puts_a_letter_off() {
    let world = World::new().await;
    world.dns.silent("a.example");
    let direct = world.direct_within(Bounds { look_up: Duration::from_millis(200), ..bounds() });
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert!(kind == Kind::Unreachable && words.contains("no answer within 200 ms"), "{kind:?} {words}");

    let gone = DirectSetUp { resolvers: vec![world.server_at(4).await.address()], ..world.set_up() };
    let direct = Direct::new(&gone, bounds(), Chance::seeded(7)).expect("it can be set up");
    let (kind, words) = send(&direct, "ann@a.example").await;
    assert!(kind == Kind::Unreachable && words.contains("cannot be looked up"), "{kind:?} {words}");
}

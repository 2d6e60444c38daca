//! SPF: records, and what they say of a machine.

use super::*;
use crate::mail::doctor::spf::{Check, Mute, Record, Word, is_record, with_term};

fn names_of(world: &World) -> Names {
    Names::new(&[world.dns.address()], Duration::from_secs(10), Chance::seeded(7)).expect("a resolver")
}

/// What the record of a.example says of 198.51.100.7, or of another machine.
type Row = (&'static str, fn(&DnsStandIn) -> &DnsStandIn, &'static str, Result<Word, &'static str>);

const ROWS: &[Row] = &[
    ("an address", |dns| dns.text("a.example", "v=spf1 ip4:198.51.100.7 -all"), HERE, Ok(Word::Pass)),
    ("a network", |dns| dns.text("a.example", "v=spf1 ip4:198.51.100.0/24 -all"), HERE, Ok(Word::Pass)),
    (
        "a network beside",
        |dns| dns.text("a.example", "v=spf1 ip4:198.51.101.0/24 -all"),
        HERE,
        Ok(Word::Fail),
    ),
    ("softly", |dns| dns.text("a.example", "v=spf1 mx ~all"), HERE, Ok(Word::SoftFail)),
    ("neutral", |dns| dns.text("a.example", "v=spf1 ?all"), HERE, Ok(Word::Neutral)),
    ("no last word", |dns| dns.text("a.example", "v=spf1"), HERE, Ok(Word::Neutral)),
    ("refused first", |dns| dns.text("a.example", "v=spf1 -ip4:198.51.100.7 +all"), HERE, Ok(Word::Fail)),
    ("IPv6", |dns| dns.text("a.example", "v=spf1 ip6:2001:db8::/32 -all"), "2001:db8::9", Ok(Word::Pass)),
    (
        "IPv6 beside",
        |dns| dns.text("a.example", "v=spf1 ip6:2001:db8::/48 -all"),
        "2001:db8:1::9",
        Ok(Word::Fail),
    ),
    (
        "the domain",
        |dns| dns.text("a.example", "v=spf1 a -all").host("a.example", HERE),
        HERE,
        Ok(Word::Pass),
    ),
    (
        "the network of a host",
        |dns| dns.text("a.example", "v=spf1 a:b.example/24 -all").host("b.example", "198.51.100.200"),
        HERE,
        Ok(Word::Pass),
    ),
    (
        "a host beside",
        |dns| dns.text("a.example", "v=spf1 a:b.example -all").host("b.example", "198.51.100.200"),
        HERE,
        Ok(Word::Fail),
    ),
    (
        "a mail server",
        |dns| {
            dns.text("a.example", "v=spf1 mx -all").mx("a.example", 10, "m.example").host("m.example", HERE)
        },
        HERE,
        Ok(Word::Pass),
    ),
    (
        "included",
        |dns| {
            dns.text("a.example", "v=spf1 include:b.example -all")
                .text("b.example", "v=spf1 ip4:198.51.100.7 ~all")
        },
        HERE,
        Ok(Word::Pass),
    ),
    (
        "included and refused there, which is no word here",
        |dns| dns.text("a.example", "v=spf1 include:b.example ~all").text("b.example", "v=spf1 -all"),
        HERE,
        Ok(Word::SoftFail),
    ),
    (
        "led on",
        |dns| {
            dns.text("a.example", "v=spf1 redirect=b.example")
                .text("b.example", "v=spf1 ip4:198.51.100.7 -all")
        },
        HERE,
        Ok(Word::Pass),
    ),
    (
        "included and missing",
        |dns| dns.text("a.example", "v=spf1 include:b.example -all"),
        HERE,
        Err("no record"),
    ),
    ("led on and missing", |dns| dns.text("a.example", "v=spf1 redirect=b.example"), HERE, Err("no record")),
    (
        "included for ever",
        |dns| dns.text("a.example", "v=spf1 include:a.example -all"),
        HERE,
        Err("more than 10 look-ups"),
    ),
    (
        "eleven questions",
        |dns| dns.text("a.example", &format!("v=spf1{} -all", " a:b.example".repeat(11))),
        HERE,
        Err("more than 10 look-ups"),
    ),
    (
        "ten questions",
        |dns| dns.text("a.example", &format!("v=spf1{} -all", " a:b.example".repeat(10))),
        HERE,
        Ok(Word::Fail),
    ),
    ("a typo", |dns| dns.text("a.example", "v=spf1 ipv4:198.51.100.7 -all"), HERE, Err("ipv4:198.51.100.7")),
    (
        "two records",
        |dns| dns.text("a.example", "v=spf1 -all").text("a.example", "v=spf1 a"),
        HERE,
        Err("more than one"),
    ),
    ("a macro", |dns| dns.text("a.example", "v=spf1 exists:%{i}.b.example -all"), HERE, Err("exists:%{i}")),
    (
        "a macro before the address",
        |dns| dns.text("a.example", "v=spf1 exists:%{i}.b.example ip4:198.51.100.7 -all"),
        HERE,
        Ok(Word::Pass),
    ),
    ("no record", |dns| dns.text("a.example", "v=spf10 -all"), HERE, Err("missing")),
    (
        "broken DNS",
        |dns| dns.text("a.example", "v=spf1 a:b.example -all").broken("b.example"),
        HERE,
        Err("looked up"),
    ),
];

#[tokio::test]
async fn a_record_says_of_a_machine_what_the_standard_says() {
    for (what, tell, machine, expected) in ROWS {
        let world = World::new().await;
        tell(&world.dns);
        let found = Check::of(&names_of(&world), machine.parse().expect("an address"), "a.example").await;
        match (found, expected) {
            (Ok(word), Ok(expected)) => assert_eq!(word, *expected, "{what}"),
            (Err(Mute::Missing), Err(expected)) => assert_eq!(*expected, "missing", "{what}"),
            (Err(Mute::Broken(why) | Mute::Later(why) | Mute::Unclear(why)), Err(expected)) => {
                assert!(why.contains(expected), "{what}: {why}");
            }
            (found, expected) => panic!("{what}: {found:?}, not {expected:?}"),
        }
    }
}

#[test]
fn terms_that_nobody_understands_are_found() {
    let good = [
        "v=spf1",
        "v=spf1 A MX ALL",
        "v=spf1 a:b.example/24//64 mx//48",
        "v=spf1 exp=why.example x=y -all",
        "v=spf1 ptr",
    ];
    for text in good {
        assert!(Record::parse(text).is_ok(), "{text}: {:?}", Record::parse(text));
    }
    let bad = [
        "ip4:",
        "ip4:300.0.0.1",
        "ip4:1.2.3.4/33",
        "ip4:::1",
        "ip6:1.2.3.4",
        "ip6:::1/129",
        "a/33",
        "a:",
        "mx//129",
        "include",
        "include:",
        "all:x",
        "=x",
        "-",
        "hello",
    ];
    for term in bad {
        assert!(Record::parse(&format!("v=spf1 {term} -all")).is_err(), "{term}");
    }
    assert!(is_record("V=SPF1 -all") && is_record("v=spf1") && !is_record("v=spf1a") && !is_record("spf1"));
}

#[test]
fn a_term_is_put_before_what_is_said_of_all_others() {
    let rows = [
        ("v=spf1 a -all", "v=spf1 a ip4:1.2.3.4 -all"),
        ("v=spf1 a ~ALL", "v=spf1 a ip4:1.2.3.4 ~ALL"),
        ("v=spf1 redirect=b.example", "v=spf1 ip4:1.2.3.4 redirect=b.example"),
        ("v=spf1", "v=spf1 ip4:1.2.3.4"),
    ];
    for (record, extended) in rows {
        assert_eq!(with_term(record, "ip4:1.2.3.4"), extended);
    }
}

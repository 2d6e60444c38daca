//! The doctor in a small world of its own: a DNS server and mail servers on loopback.

mod conversations;
mod dns;
mod encrypted;
mod machines;
mod permissions;

use super::*;
use crate::mail::dkim::{Algorithm, Key, Made};
use crate::mail::dns_stand_in::DnsStandIn;
use crate::mail::smtp_sink::{Behavior, Sink, Step as At};
use crate::model::time::Millis;

/// 2026-11-20.
const NOW: Millis = Millis(1_795_132_800_000);
/// The address that this machine is said to send from.
const HERE: &str = "198.51.100.7";

/// DNS, and a mail server at 127.0.0.1.
struct World {
    dns: DnsStandIn,
    sink: Sink,
}

impl World {
    async fn new() -> World {
        World { dns: DnsStandIn::start().await, sink: Sink::start().await }
    }

    /// A world in which letters of shop.example leave directly, and nothing is wrong: mx.a.example takes the mail of
    /// a.example.
    async fn sound() -> World {
        let world = World::new().await;
        world
            .dns
            .mx("shop.example", 10, "mx.shop.example")
            .host("mx.shop.example", "127.0.0.1")
            .text("shop.example", "v=spf1 ip4:198.51.100.7 -all")
            .text("_dmarc.shop.example", "v=DMARC1; p=reject")
            .host("mail.shop.example", HERE)
            .pointer(HERE, "mail.shop.example")
            .mx("a.example", 10, "mx.a.example")
            .host("mx.a.example", "127.0.0.1");
        world
    }

    fn set_up(&self, way: Way) -> SetUp {
        SetUp {
            way,
            from: Mailbox { name: Some("Shop".to_owned()), address: "no-reply@shop.example".to_owned() },
            sender: address("no-reply@shop.example"),
            app_name: "Shop".to_owned(),
            ehlo_name: "mail.shop.example".to_owned(),
            resolvers: vec![self.dns.address()],
            allow_private: true,
            own: SocketAddr::from(([127, 0, 0, 1], 1)),
            port: self.sink.address().port(),
            outgoing: vec![HERE.parse().expect("an address")],
            signer: None,
            limits: limits(),
            clock: Clock::fixed(NOW),
            chance: Chance::seeded(7),
        }
    }

    fn direct(&self) -> Doctor {
        doctor(self.set_up(Way::Direct))
    }

    fn relay(&self, url: &str) -> Doctor {
        doctor(self.set_up(Way::Relay(url.parse().expect("a URL"))))
    }
}

fn doctor(set_up: SetUp) -> Doctor {
    Doctor::new(set_up).expect("it can be set up")
}

/// Patient, so that a slow machine fails no test.
fn limits() -> Limits {
    Limits { step: Duration::from_secs(20), whole: Duration::from_secs(60) }
}

fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).expect("an address")
}

async fn test(doctor: &Doctor, to: &str) -> Report {
    doctor.test(Trial { to: &address(to), language: Language::English, send: true }).await
}

/// A signer for shop.example, and what DNS has to show for it.
fn signer() -> (Signer, String) {
    let Made { key, .. } = Key::make(Algorithm::Ed25519);
    let record = key.record();
    (Signer::new("shop.example", vec![("k1".to_owned(), key)]), record)
}

/// The one step of a name.
fn step<'x>(report: &'x Report, name: &str) -> &'x Step {
    let found: Vec<&Step> = report.steps().iter().filter(|step| step.name == name).collect();
    assert_eq!(found.len(), 1, "{name} in {report:#?}");
    found[0]
}

/// A step's outcome, words and advice, of which each must hold a text.
fn expect(report: &Report, (name, outcome, words, advice): (&str, Outcome, &str, &str)) {
    let found = step(report, name);
    let said = found.advice.as_deref().unwrap_or_default();
    assert!(
        found.outcome == outcome && found.words.contains(words) && said.contains(advice),
        "{name}: wanted {outcome:?} {words:?} {advice:?}, found {found:#?}"
    );
}

fn names(report: &Report) -> Vec<&'static str> {
    report.steps().iter().map(|step| step.name).collect()
}

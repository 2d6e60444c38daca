//! Direct delivery in a small world of its own: a DNS server and mail servers on loopback.

mod encrypted;
mod roads;
mod servers;

use super::*;
use crate::mail::dns_stand_in::DnsStandIn;
use crate::mail::smtp_sink::{Behavior, Sink, Step as At};

const LETTER: &[u8] = b"Subject: hi\r\n\r\nHello\r\n";

/// DNS, and one mail server at 127.0.0.1. At 127.0.0.9 there is never one.
struct World {
    dns: DnsStandIn,
    sink: Sink,
}

/// What came of a letter, without its words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Delivered,
    Deferred,
    Unreachable,
    Rejected,
    Misconfigured,
}

impl World {
    async fn new() -> World {
        World { dns: DnsStandIn::start().await, sink: Sink::start().await }
    }

    /// A world in which mx.a.example, at 127.0.0.1, takes the mail of a.example.
    async fn with_one_server() -> World {
        let world = World::new().await;
        world.dns.mx("a.example", 10, "mx.a.example").host("mx.a.example", "127.0.0.1");
        world
    }

    /// A second mail server, at another address on the same port.
    async fn server_at(&self, last: u8) -> Sink {
        Sink::start_at(SocketAddr::from(([127, 0, 0, last], self.sink.address().port()))).await
    }

    fn set_up(&self) -> DirectSetUp {
        DirectSetUp {
            ehlo_name: "mail.latchkey.example".to_owned(),
            resolvers: vec![self.dns.address()],
            allow_private: true,
            port: self.sink.address().port(),
            own: SocketAddr::from(([127, 0, 0, 1], 1)),
        }
    }

    fn direct(&self) -> Direct {
        self.direct_within(bounds())
    }

    fn direct_within(&self, bounds: Bounds) -> Direct {
        Direct::new(&self.set_up(), bounds, Chance::seeded(7)).expect("it can be set up")
    }
}

/// Patient with servers, so that a slow machine fails no test; impatient with DNS, which some tests silence.
fn bounds() -> Bounds {
    let patience = Duration::from_secs(20);
    Bounds {
        whole: patience,
        look_up: Duration::from_secs(2),
        connect: patience,
        open: patience,
        reply: patience,
        last_word: patience,
        idle: Duration::ZERO,
    }
}

async fn send(direct: &Direct, to: &str) -> (Kind, String) {
    match direct.send("no-reply@latchkey.example", to, LETTER).await {
        Verdict::Delivered { reply } => (Kind::Delivered, reply),
        Verdict::Rejected { reply } => (Kind::Rejected, reply),
        Verdict::Deferred { reason } => (Kind::Deferred, reason),
        Verdict::Unreachable { reason } => (Kind::Unreachable, reason),
        Verdict::Misconfigured { reason } => (Kind::Misconfigured, reason),
    }
}

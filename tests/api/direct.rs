//! Letters that leave without a relay: from a sign-up over HTTP to the mail server that DNS names.

use std::net::SocketAddr;
use std::time::Duration;

use latchkey::model::letter::{Letter, LetterState};

use crate::app::{App, until};
use crate::dns_stand_in::DnsStandIn;
use crate::smtp_sink::{Behavior, Sink, Step};

/// Longer than the first pause between two attempts.
const NEXT_ATTEMPT: Duration = Duration::from_secs(7);

/// A server that delivers letters itself, to the sink's port.
pub async fn delivering(dns: &DnsStandIn, sink: &Sink, allow_private: &str) -> App {
    App::start_direct(sink.address().port(), |settings| {
        settings.smtp_url = Some("direct:".to_owned());
        settings.mail_from = Some("Shop <no-reply@shop.example>".to_owned());
        settings.mail_ehlo_name = Some("Konto.Läden.example".to_owned());
        settings.mail_resolver = Some(dns.setting());
        settings.mail_allow_private = Some(allow_private.to_owned());
    })
    .await
}

fn the_letter(app: &App) -> Letter {
    let mut letters = app.service.list_letters(None, 1000).expect("the outbox");
    assert_eq!(letters.len(), 1);
    letters.remove(0)
}

// I4
#[tokio::test]
async fn a_sign_up_reaches_the_server_that_takes_the_domains_mail() {
    let (dns, sink) = (DnsStandIn::start().await, Sink::start().await);
    let spare = Sink::start_at(SocketAddr::from(([127, 0, 0, 6], sink.address().port()))).await;
    dns.mx("company.example", 20, "spare.example").host("spare.example", "127.0.0.6");
    dns.mx("company.example", 10, "mx.example").host("mx.example", "127.0.0.1");
    let app = delivering(&dns, &sink, "on").await;
    app.register("ann@Company.example").await;
    let letter = sink.wait_for(1).await.remove(0);
    assert_eq!(letter.to, ["ann@company.example"]);
    assert_eq!(
        (letter.from.as_str(), letter.ehlo.as_str()),
        ("no-reply@shop.example", "konto.xn--lden-loa.example")
    );
    assert!(letter.text().contains("/verify-email?token="), "{}", letter.text());
    app.carried().await;
    let delivered = the_letter(&app);
    assert_eq!((delivered.state, delivered.sealed.as_str()), (LetterState::Delivered, ""));
    assert_eq!(delivered.verdict, "mx.example, in clear text: 250 2.0.0 queued as 4711");
    assert_eq!(spare.connections(), 0);
    app.finish().await;
}

// I4
#[tokio::test]
async fn a_domain_that_takes_no_mail_or_leads_inward_ends_the_letter_and_is_nothing_to_mend() {
    type Tell = fn(&DnsStandIn) -> &DnsStandIn;
    let rows: [(Tell, &str); 3] = [
        (|dns| dns.mx("company.example", 0, "."), "null MX"),
        (|dns| dns.empty("other.example"), "does not exist"),
        (
            |dns| dns.mx("company.example", 10, "inner.example").host("inner.example", "127.0.0.1"),
            "inner.example leads to 127.0.0.1, which is loopback and not on the Internet",
        ),
    ];
    for (tell, words) in rows {
        let (dns, sink) = (DnsStandIn::start().await, Sink::start().await);
        tell(&dns);
        let app = delivering(&dns, &sink, "off").await;
        assert_eq!(app.register("ann@company.example").await.status, 201);
        app.carried().await;
        let failed = the_letter(&app);
        assert!(failed.state == LetterState::Failed && failed.verdict.contains(words), "{}", failed.verdict);
        assert_eq!(app.get("/health").await.json()["courier"]["status"], "ok");
        assert_eq!(sink.connections(), 0);
        app.finish().await;
    }
}

// I2
#[tokio::test]
async fn a_greylisted_letter_arrives_at_the_next_try_under_its_own_name() {
    let (dns, sink) = (DnsStandIn::start().await, Sink::start().await);
    dns.mx("company.example", 10, "mx.example").host("mx.example", "127.0.0.1");
    let app = delivering(&dns, &sink, "on").await;
    sink.behave(Behavior::RefuseAt(Step::Rcpt, 451, "4.7.1 greylisted"));
    app.register("ann@company.example").await;
    until("it was tried", || the_letter(&app).attempts == 1).await;
    let waiting = the_letter(&app);
    assert_eq!(waiting.verdict, "mx.example: RCPT TO was put off: 451 4.7.1 greylisted");
    sink.behave(Behavior::Accept);
    app.advance(NEXT_ATTEMPT);
    assert_eq!(sink.wait_for(1).await[0].message_id(), waiting.message_id);
    app.finish().await;
}

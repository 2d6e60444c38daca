//! Signatures checked by an implementation that is not the signer's, with keys out of DNS.

use super::*;
use crate::mail::conversation::Verdict;
use crate::mail::dns_stand_in::DnsStandIn;
use crate::mail::message::{Mailbox, Outgoing, rfc5322};
use crate::mail::relay::Relay;
use crate::mail::smtp_sink::Sink;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};
use std::time::Duration;

const WRITTEN: Millis = Millis(1_767_225_600_999);

/// A letter with what could break a signature on its way: dots at line starts, long lines, white space, text outside
/// ASCII.
fn letter() -> Vec<u8> {
    let text = format!(".\n..\n.a\n{}\n\ntrailing \t \nbücher\n\n\n", "long ".repeat(400));
    let outgoing = Outgoing {
        message_id: "66f1c2a0b1c2d3e4f5061728@example.com".into(),
        from: Mailbox {
            name: Some("Läden, die  bleiben".into()),
            address: "no-reply@mail.example.com".into(),
        },
        to: "ada@example.org".into(),
        subject: "Bestätigen Sie Ihre Adresse, und zwar bevor der Tag zu Ende geht, denn dann ist es zu spät"
            .into(),
        html: format!("<p>{}</p>", text.repeat(3)),
        text,
        date_ms: WRITTEN.0,
        language: "de".into(),
    };
    rfc5322(&outgoing).expect("it can be written")
}

struct Signed {
    dns: DnsStandIn,
    signer: Signer,
}

/// A signer whose keys are in DNS.
async fn signed_with(algorithms: &[Algorithm]) -> Signed {
    let dns = DnsStandIn::start().await;
    let key = |(place, algorithm): (usize, &Algorithm)| {
        let Made { key, pem } = Key::make(*algorithm);
        let selector = format!("s{place}");
        dns.text(&record_name(&selector, "example.com"), &key.record());
        let read = Key::from_pem(pem.as_bytes()).expect("what was written can be read");
        assert_eq!(read.record(), key.record());
        (selector, read)
    };
    let keys = algorithms.iter().enumerate().map(key).collect();
    Signed { signer: Signer::new("example.com", keys), dns }
}

impl Signed {
    /// What somebody else makes of each signature.
    async fn verified(&self, message: &[u8]) -> Vec<bool> {
        let address = self.dns.address();
        let mut connection = ConnectionConfig::udp();
        connection.port = address.port();
        let server = NameServerConfig::new(address.ip(), true, vec![connection]);
        let resolver = ResolverConfig::from_name_servers(vec![server]);
        let verifier = MessageAuthenticator::new(resolver, ResolverOpts::default()).expect("a verifier");
        let parsed = AuthenticatedMessage::parse(message).expect("a message");
        let outputs = verifier.verify_dkim(&parsed).await;
        outputs.iter().map(|output| output.result() == &DkimResult::Pass).collect()
    }
}

#[tokio::test]
async fn both_kinds_of_signature_are_good_and_the_same_each_time() {
    let house = signed_with(&[Algorithm::Ed25519, Algorithm::Rsa]).await;
    let message = house.signer.sign(&letter(), WRITTEN);
    assert_eq!(house.verified(&message).await, [true, true]);
    assert_eq!(message, house.signer.sign(&letter(), WRITTEN), "a letter sent twice is one letter");
    assert!(message.ends_with(&letter()) && message.is_ascii());
    let text = String::from_utf8(message).expect("ASCII");
    assert!(text.lines().take_while(|line| !line.starts_with("From")).all(|line| line.len() <= 78), "{text}");
    assert!(text.contains("d=example.com;\r\n s=s0; t=1767225600;"), "{text}");
    for name in
        ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Auto-Submitted"]
    {
        let header = text.split("\r\n\r\n").next().expect("headers").to_ascii_lowercase();
        assert!(header.contains(&format!("\r\n{}:", name.to_ascii_lowercase())), "the letter has {name}");
    }
}

// I1
#[tokio::test]
async fn a_signature_survives_the_conversation_and_what_gateways_do_to_white_space() {
    let house = signed_with(&[Algorithm::Ed25519, Algorithm::Rsa]).await;
    let message = house.signer.sign(&letter(), WRITTEN);
    let sink = Sink::start().await;
    let url = sink.url().parse().expect("a relay");
    let relay = Relay::new(&url, "latchkey.example", Duration::from_secs(20)).expect("a relay");
    let verdict = relay.send("no-reply@mail.example.com", "ada@example.org", &message).await;
    assert!(matches!(verdict, Verdict::Delivered { .. }), "{verdict:?}");
    let arrived = sink.wait_for(1).await.remove(0);
    assert!(arrived.wire.windows(4).any(|window| window == b"\n..\r"), "there was a dot to double");
    assert_eq!(house.verified(&arrived.raw).await, [true, true]);

    let text = String::from_utf8(message).expect("ASCII");
    let refolded = text.replace("Subject: ", "Subject:\t  ").replace("\r\n ", "\r\n\t") + "\r\n\r\n";
    let received = format!("Received: from a by b; Thu, 1 Jan 2026 00:00:00 +0000\r\n{refolded}");
    assert_eq!(house.verified(received.as_bytes()).await, [true, true]);
}

#[tokio::test]
async fn nothing_signed_can_be_changed_taken_out_or_added() {
    let house = signed_with(&[Algorithm::Ed25519, Algorithm::Rsa]).await;
    let text = String::from_utf8(house.signer.sign(&letter(), WRITTEN)).expect("ASCII");
    let changed = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let rows = [
        ("another recipient", changed("\r\nTo: <ada@", "\r\nTo: <eve@")),
        ("another sender", changed("<no-reply@mail.example.com>", "<no-reply@pay.example.com>")),
        ("another date", changed("\r\nDate: Thu, 1 Jan", "\r\nDate: Thu, 2 Jan")),
        ("another id", changed("<66f1c2a0", "<76f1c2a0")),
        ("a subject taken out", changed("\r\nSubject: ", "\r\nX-Subject: ")),
        ("the mark of a machine taken out", changed("\r\nAuto-Submitted: ", "\r\nX-Auto: ")),
        ("another type", changed("multipart/alternative", "multipart/mixed")),
        ("another text", changed(".a\r\n", ".b\r\n")),
        ("more text", format!("{text}P.S.\r\n")),
        ("a second subject above", format!("Subject: You have won\r\n{text}")),
        ("a second sender above", format!("From: eve@evil.example\r\n{text}")),
        ("an address for answers", format!("Reply-To: eve@evil.example\r\n{text}")),
        ("another domain", text.replace("d=example.com", "d=example.org")),
    ];
    for (what, message) in rows {
        let verified = house.verified(message.as_bytes()).await;
        assert!(!verified.contains(&true), "{what}: {verified:?}");
    }
}

#[test]
fn a_record_fits_a_zone_file() {
    let record = Key::make(Algorithm::Rsa).key.record();
    assert!(record.len() > 255 && record.starts_with("v=DKIM1; k=rsa; p=MII"), "{record}");
    let lines = record_lines(&record);
    assert_eq!(lines.split("\" \"").count(), 2);
    assert!(lines.split("\" \"").all(|piece| piece.trim_matches('"').len() <= 255), "{lines}");
    assert_eq!(lines.replace("\" \"", "").trim_matches('"'), record);
    let short = Key::make(Algorithm::Ed25519).key.record();
    assert_eq!(short.len(), "v=DKIM1; k=ed25519; p=".len() + 44);
    assert_eq!(record_lines(&short), format!("\"{short}\""));
}

#[test]
fn a_file_that_holds_no_key_for_this_is_refused_in_words_that_show_nothing_of_it() {
    let rows = [
        ("hunter2".to_owned(), "holds no private key in PEM"),
        (String::new(), "holds no private key in PEM"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n".to_owned(), "neither RSA"),
        (
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIC\n-----END ENCRYPTED PRIVATE KEY-----\n".to_owned(),
            "no passphrase",
        ),
        (key::pem(&rcgen::KeyPair::generate().expect("a key of ECDSA").serialize_der()), "neither RSA"),
    ];
    for (text, words) in rows {
        let fault = Key::from_pem(text.as_bytes()).expect_err(words).to_string();
        assert!(fault.contains(words) && !fault.contains("hunter2"), "{fault}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_everybody_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key.pem");
    assert!(matches!(Key::load(&file), Err(KeyError::Unreadable(_))));
    std::fs::write(&file, Key::make(Algorithm::Ed25519).pem).expect("written");
    for (mode, is_taken) in [(0o600, true), (0o640, true), (0o644, false), (0o604, false), (0o606, false)] {
        std::fs::set_permissions(&file, PermissionsExt::from_mode(mode)).expect("changed");
        let loaded = Key::load(&file);
        assert_eq!(loaded.is_ok(), is_taken, "{mode:o}: {loaded:?}");
        assert!(is_taken || matches!(loaded, Err(KeyError::Open)), "{mode:o}");
    }
}

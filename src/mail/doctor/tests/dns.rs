//! What DNS says of the sender's domain.

use super::*;
use crate::mail::doctor::sender::keys::judge;
use crate::mail::doctor::sender::policy::Policy;

/// What DNS says beside a sound world's records, and the step that tells of it.
type Row =
    (&'static str, fn(&DnsStandIn) -> &DnsStandIn, (&'static str, Outcome, &'static str, &'static str));

/// A world whose domain has no records yet.
const DOMAIN: &[Row] = &[
    (
        "everything",
        |dns| dns.mx("shop.example", 10, "mx.shop.example"),
        ("MX", Outcome::Ok, "10 mx.shop.example", ""),
    ),
    (
        "a null MX",
        |dns| dns.mx("shop.example", 0, "."),
        ("MX", Outcome::Warning, "null MX", "IN MX 10 mail.shop.example."),
    ),
    ("no MX", |dns| dns.host("shop.example", "127.0.0.9"), ("MX", Outcome::Warning, "no MX record", "IN MX")),
    (
        "nothing",
        |dns| dns.empty("shop.example"),
        ("MX", Outcome::Warning, "neither MX record nor address", ""),
    ),
    ("no domain", |dns| dns, ("MX", Outcome::Fault, "does not exist", "LATCHKEY_MAIL_FROM")),
    (
        "broken",
        |dns| dns.broken("shop.example"),
        ("MX", Outcome::Warning, "cannot be looked up", "try again"),
    ),
    (
        "no SPF",
        |dns| dns.text("shop.example", "google-site-verification=x"),
        ("SPF", Outcome::Fault, "says nowhere", "shop.example. IN TXT \"v=spf1 ip4:198.51.100.7 -all\""),
    ),
    (
        "two SPF",
        |dns| dns.text("shop.example", "v=spf1 a -all").text("shop.example", "v=spf1 mx -all"),
        ("SPF", Outcome::Fault, "2 records", "one of them"),
    ),
    (
        "SPF for all",
        |dns| dns.text("shop.example", "v=spf1 a +all"),
        ("SPF", Outcome::Fault, "everybody in the world", "ip4:198.51.100.7 -all"),
    ),
    (
        "SPF for others",
        |dns| dns.text("shop.example", "v=spf1 ip4:203.0.113.1 -all"),
        (
            "SPF",
            Outcome::Fault,
            "does not cover 198.51.100.7",
            "\"v=spf1 ip4:203.0.113.1 ip4:198.51.100.7 -all\"",
        ),
    ),
    (
        "SPF for this machine",
        |dns| dns.text("shop.example", "v=spf1 ip4:198.51.100.7 -all"),
        ("SPF", Outcome::Ok, "covers 198.51.100.7", ""),
    ),
    (
        "SPF with a typo",
        |dns| dns.text("shop.example", "v=spf1 ipv4:198.51.100.7 -all"),
        ("SPF", Outcome::Fault, "nobody understands", "v=spf1 ip4:198.51.100.7 -all"),
    ),
    (
        "SPF that asks too much",
        |dns| dns.text("shop.example", "v=spf1 include:shop.example -all"),
        ("SPF", Outcome::Fault, "more than 10 look-ups", "ip4:"),
    ),
    (
        "SPF with a macro",
        |dns| dns.text("shop.example", "v=spf1 exists:%{i}.x.example -all"),
        ("SPF", Outcome::Warning, "not followed here", "ip4:198.51.100.7"),
    ),
    (
        "no DMARC",
        |dns| dns.empty("shop.example"),
        ("DMARC", Outcome::Warning, "does not say", "_dmarc.shop.example. IN TXT \"v=DMARC1; p=none\""),
    ),
    (
        "DMARC that asks for nothing",
        |dns| dns.text("_dmarc.shop.example", "v=DMARC1; p=none"),
        ("DMARC", Outcome::Ok, "asks for none", ""),
    ),
    (
        "DMARC without DKIM",
        |dns| dns.text("_dmarc.shop.example", "v=DMARC1; p=reject"),
        ("DMARC", Outcome::Warning, "all hangs on SPF", "DKIM"),
    ),
    (
        "two DMARC",
        |dns| {
            dns.text("_dmarc.shop.example", "v=DMARC1; p=none")
                .text("_dmarc.shop.example", "v=DMARC1; p=reject")
        },
        ("DMARC", Outcome::Fault, "2 records", "one of them"),
    ),
    (
        "DMARC without a policy",
        |dns| dns.text("_dmarc.shop.example", "v=DMARC1; rua=mailto:a@shop.example"),
        ("DMARC", Outcome::Fault, "p= is missing", "p=none"),
    ),
    (
        "no key set",
        |dns| dns,
        ("DKIM", Outcome::Warning, "not signed", "latchkey mail dkim --domain shop.example"),
    ),
];

#[tokio::test]
async fn each_state_of_the_senders_domain_has_its_finding_and_the_record_to_put() {
    for (what, tell, expected) in DOMAIN {
        let world = World::new().await;
        tell(&world.dns);
        let report = world.direct().examine(None).await;
        let (name, outcome, words, advice) = *expected;
        println!("{what}");
        expect(&report, (name, outcome, words, advice));
    }
}

#[tokio::test]
async fn a_sound_domain_has_no_fault_and_a_letter_can_be_sent_on_top() {
    let world = World::sound().await;
    let (signer, record) = signer();
    world.dns.text("k1._domainkey.shop.example", &record);
    let doctor = doctor(SetUp { signer: Some(signer), ..world.set_up(Way::Direct) });
    let to = address("ann@a.example");
    let report = doctor.examine(Some(Trial { to: &to, language: Language::English, send: true })).await;
    assert_eq!(report.faults().count(), 0, "{report:#?}");
    for name in ["outgoing address", "MX", "SPF", "DMARC", "EHLO name", "PTR", "connection", "letter"] {
        assert_eq!(step(&report, name).outcome, Outcome::Ok, "{name}: {report:#?}");
    }
    let keys: Vec<&Step> = report.steps().iter().filter(|step| step.name == "DKIM").collect();
    assert_eq!((keys.len(), keys[0].outcome, keys[1].outcome), (2, Outcome::Ok, Outcome::Warning));
    assert!(keys[1].words.contains("Ed25519"), "{keys:?}");
    assert_eq!(world.sink.letters().len(), 1);
}

#[tokio::test]
async fn the_key_in_dns_must_be_the_one_that_signs() {
    let other = Key::make(Algorithm::Ed25519).key.record();
    let rows = [
        (None, "there is no key"),
        (Some(other.as_str()), "another key"),
        (Some("v=DKIM1; k=rsa; p=AAAA"), "another kind"),
    ];
    for (text, words) in rows {
        let world = World::sound().await;
        let (signer, record) = signer();
        if let Some(text) = text {
            world.dns.text("k1._domainkey.shop.example", text);
        }
        let doctor = doctor(SetUp { signer: Some(signer), ..world.set_up(Way::Direct) });
        let report = doctor.examine(None).await;
        let found = report.faults().find(|step| step.name == "DKIM").expect("a fault");
        let advice = found.advice.as_deref().unwrap_or_default();
        assert!(found.words.contains(words), "{found:?}");
        assert!(advice.contains(&format!("k1._domainkey.shop.example. IN TXT ( \"{record}\" )")), "{advice}");
    }
}

#[test]
fn records_of_keys_are_read_as_receivers_read_them() {
    let expected = "v=DKIM1; k=rsa; p=AbC+/=";
    let rows: [(&[&str], Result<bool, &str>); 12] = [
        (&["v=DKIM1; k=rsa; p=AbC+/="], Ok(false)),
        (&["k=rsa;p=AbC+/="], Ok(false)),
        (&["p=Ab C+\t/="], Ok(false)),
        (&["v=DKIM1; t=y; p=AbC+/="], Ok(true)),
        (&["v=DKIM1; k=rsa; p="], Err("revokes")),
        (&["v=DKIM1; k=rsa"], Err("without a key")),
        (&["v=DKIM2; p=AbC+/="], Err("v=DKIM1")),
        (&["p=AbC+/=; v=DKIM1"], Err("begin with v=DKIM1")),
        (&["v=DKIM1; k=ed25519; p=AbC+/="], Err("another kind")),
        (&["v=DKIM1; h=sha1; p=AbC+/="], Err("SHA-256")),
        (&["v=DKIM1; s=tlsrpt; p=AbC+/="], Err("not for mail")),
        (&["p=AbC+/=", "p=AbC+/="], Err("several")),
    ];
    for (texts, outcome) in rows {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        match (judge(&texts, expected), outcome) {
            (Ok(found), Ok(reservation)) => assert_eq!(found.is_some(), reservation, "{texts:?}"),
            (Err(found), Err(words)) => assert!(found.contains(words), "{texts:?}: {found}"),
            (found, _) => panic!("{texts:?}: {found:?}"),
        }
    }
}

#[test]
fn records_of_policies_are_read_as_receivers_read_them() {
    let policy = Policy::parse("v=DMARC1; p=Reject ; sp=none; adkim=s; pct=100").expect("a policy");
    assert_eq!((policy.domain.as_str(), policy.subdomains.as_deref()), ("reject", Some("none")));
    assert!(policy.strict_keys && !Policy::parse("v=DMARC1;p=none").expect("a policy").strict_keys);
    for bad in ["v=DMARC1", "v=DMARC1; p=stop", "v=DMARC1; p=none; sp=stop"] {
        assert!(Policy::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn the_organizations_policy_counts_below_it_and_strict_alignment_is_noticed() {
    let world = World::sound().await;
    world.dns.mx("mail.shop.example", 10, "mx.shop.example").text("mail.shop.example", "v=spf1 a -all");
    world.dns.text("_dmarc.other.example", "v=DMARC1; p=none; sp=reject; adkim=s");
    let rows = [
        ("no-reply@mail.shop.example", "shop.example", Outcome::Ok, "asks for reject"),
        ("no-reply@mail.other.example", "other.example", Outcome::Warning, "adkim=s"),
    ];
    for (from, signs, outcome, words) in rows {
        let Made { key, .. } = Key::make(Algorithm::Ed25519);
        let signer = Some(Signer::new(signs, vec![("k1".to_owned(), key)]));
        let doctor = doctor(SetUp { signer, sender: address(from), ..world.set_up(Way::Direct) });
        expect(&doctor.examine(None).await, ("DMARC", outcome, words, ""));
    }
}

#[tokio::test]
async fn behind_a_relay_the_machines_own_address_does_not_matter() {
    let world = World::sound().await;
    let rows = [
        ("smtp://127.0.0.1:1", Outcome::Ok, "covers 127.0.0.1 its operator knows", ""),
        (
            "smtps://u:p@email-smtp.eu-west-1.amazonaws.com",
            Outcome::Warning,
            "does not include amazonses.com",
            "ip4:198.51.100.7 include:amazonses.com -all",
        ),
    ];
    for (url, outcome, words, advice) in rows {
        let doctor = world.relay(url);
        let mut report = Report::default();
        report.append(doctor.sender().await);
        expect(&report, ("SPF", outcome, words, advice));
        expect(&report, ("PTR", Outcome::Skipped, "mail server's address", ""));
    }
}

#[tokio::test]
async fn a_sender_of_nowhere_is_named_before_anything_is_asked() {
    let world = World::new().await;
    let sender = || address("no-reply@latchkey.invalid");
    let report = doctor(SetUp { sender: sender(), ..world.set_up(Way::Mailbox) }).examine(None).await;
    expect(&report, ("sender", Outcome::Warning, "cannot exist", "LATCHKEY_MAIL_FROM"));
    let report = doctor(SetUp { sender: sender(), ..world.set_up(Way::Direct) }).examine(None).await;
    expect(&report, ("sender", Outcome::Fault, "cannot exist", "LATCHKEY_MAIL_FROM"));
    expect(&report, ("settings", Outcome::Warning, "no-reply@shop.example", "LATCHKEY_MAIL_FROM"));
}

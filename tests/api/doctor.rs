//! The operator asks whether mail is set up: the real binary, a real conversation.

use std::process::Output;

use serde_json::Value;

use crate::dns_stand_in::DnsStandIn;
use crate::process::Place;
use crate::smtp_sink::{Behavior, Sink, Step};

/// What a command that was run while the stand-ins answer has left behind.
#[derive(Debug)]
struct Ended {
    status: i32,
    stdout: String,
    stderr: String,
}

/// Runs `latchkey mail …` while this thread's stand-ins go on.
async fn mail(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.binary(&[&["mail"], arguments].concat());
    let done = tokio::task::spawn_blocking(move || command.output()).await.expect("it is waited for");
    let Output { status, stdout, stderr } = done.expect("the binary runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
    Ended { status: status.code().unwrap_or(-1), stdout: text(stdout), stderr: text(stderr) }
}

/// The settings of a shop whose relay is the sink.
fn plain(dns: &DnsStandIn, sink: &Sink) -> Vec<String> {
    let url = sink.url().replace("://", "://ada:hunter2@");
    let rows = [
        ("--smtp-url", url.as_str()),
        ("--mail-from", "Shop <no-reply@shop.example>"),
        ("--app-name", "Shop"),
        ("--public-url", "https://id.shop.example"),
        ("--mail-resolver", &dns.setting()),
    ];
    rows.into_iter().flat_map(|(flag, value)| [flag.to_owned(), value.to_owned()]).collect()
}

async fn asked(place: &Place, arguments: &[&str], settings: &[String]) -> Ended {
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    mail(place, &[arguments, &settings].concat()).await
}

fn steps(ended: &Ended) -> Vec<Value> {
    let parsed: Value = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"));
    parsed.as_array().expect("an array").clone()
}

#[tokio::test]
async fn a_test_letter_is_sent_before_the_operators_eyes() {
    let (place, dns, sink) = (Place::new(), DnsStandIn::start().await, Sink::start().await);
    let settings = plain(&dns, &sink);
    let sent = asked(&place, &["test", "ann@company.example", "--language", "de"], &settings).await;
    assert_eq!((sent.status, sent.stderr.as_str()), (0, ""), "{sent:?}");
    assert!(sent.stdout.contains("taken by 127.0.0.1: 250 2.0.0 queued as 4711"), "{}", sent.stdout);
    assert!(!sent.stdout.contains("hunter2"), "{}", sent.stdout);
    let letter = sink.letters().remove(0);
    assert_eq!(
        (letter.subject().as_str(), letter.from.as_str()),
        ("Ein Testbrief von Shop", "no-reply@shop.example")
    );
    assert!(!place.database().exists(), "it needs no database and makes none");

    let dry = asked(&place, &["test", "ann@company.example", "--no-send", "--json"], &settings).await;
    let dry_steps = steps(&dry);
    let last = dry_steps.last().expect("a step");
    assert_eq!(
        (&last["step"], &last["outcome"], &last["ok"]),
        (&"letter".into(), &"skipped".into(), &true.into())
    );
    assert_eq!((dry.status, sink.letters().len()), (0, 1));
}

#[tokio::test]
async fn a_letter_that_is_refused_ends_with_a_sentence_and_status_1() {
    let (place, dns, mut sink) = (Place::new(), DnsStandIn::start().await, Sink::start().await);
    let settings = plain(&dns, &sink);
    sink.behave(Behavior::RefuseAt(Step::Auth, 535, "5.7.8 not you, hunter2"));
    let refused = asked(&place, &["test", "ann@company.example", "--json"], &settings).await;
    assert_eq!(
        (refused.status, refused.stderr.as_str()),
        (1, "latchkey: the test letter was not taken, see: login\n")
    );
    let refused_steps = steps(&refused);
    let login = refused_steps.last().expect("a step");
    assert_eq!((&login["step"], &login["ok"]), (&"login".into(), &false.into()));
    assert!(login["advice"].as_str().is_some_and(|advice| advice.contains("user and password")), "{login}");
    assert!(!format!("{refused:?}").contains("hunter2"));
    sink.stop().await;
    let closed = asked(&place, &["test", "ann@company.example"], &settings).await;
    assert!(closed.status == 1 && closed.stderr.contains("see: connection"), "{closed:?}");
    assert!(
        closed.stdout.contains("\n                           -> see that host and port"),
        "{}",
        closed.stdout
    );
    let wrong = asked(&place, &["test", "ann"], &settings).await;
    assert!(wrong.status == 1 && wrong.stderr.contains("the address must"), "{wrong:?}");
    let wrong = asked(&place, &["test", "ann@company.example", "--language", "tlh"], &settings).await;
    assert!(wrong.status == 1 && wrong.stderr.contains("en, de, fa or fr"), "{wrong:?}");
}

#[tokio::test]
async fn the_doctor_finds_what_is_right_and_what_is_wrong() {
    let (place, dns, sink) = (Place::new(), DnsStandIn::start().await, Sink::start().await);
    let made = place.json(&["mail", "dkim", "--domain", "shop.example", "--rsa", "--out", "key.pem"]);
    let record = made["value"].as_str().expect("a record").to_owned();
    let mut settings = plain(&dns, &sink);
    for (flag, value) in
        [("--dkim-domain", "shop.example"), ("--dkim-selector", "latchkey"), ("--dkim-key-file", "key.pem")]
    {
        settings.extend([flag.to_owned(), value.to_owned()]);
    }
    dns.mx("shop.example", 10, "mx.shop.example").text("shop.example", "v=spf1 mx -all");
    dns.text("_dmarc.shop.example", "v=DMARC1; p=reject").text("latchkey._domainkey.shop.example", &record);
    let sound = asked(&place, &["doctor", "--address", "ann@company.example"], &settings).await;
    assert_eq!((sound.status, sound.stderr.as_str()), (0, ""), "{sound:?}");
    assert!(!sound.stdout.contains("fault"), "{}", sound.stdout);
    assert_eq!(sink.letters().len(), 1);

    let (place, dns) = (Place::new(), DnsStandIn::start().await);
    let bare = plain(&dns, &sink);
    let wrong = asked(&place, &["doctor", "--json"], &bare).await;
    assert_eq!(wrong.stderr, "latchkey: mail is not set up well, see: MX, SPF\n");
    let found = steps(&wrong);
    let outcome =
        |name: &str| found.iter().find(|step| step["step"] == name).map(|step| step["outcome"].clone());
    assert_eq!(wrong.status, 1);
    assert_eq!(outcome("DMARC"), Some("warning".into()));
    assert_eq!(outcome("PTR"), Some("skipped".into()));
    assert_eq!(outcome("login"), Some("ok".into()));
    assert_eq!(sink.letters().len(), 1, "nobody asked for a letter");
}

#[tokio::test]
async fn without_a_mail_server_the_letter_can_be_read_in_the_mailbox() {
    let place = Place::new();
    let before = mail(&place, &["test", "ann@company.example"]).await;
    assert!(before.status == 1 && before.stdout.contains("start the server once"), "{before:?}");
    let server = place.serve(&[]);
    let kept = mail(&place, &["test", "ann@company.example"]).await;
    assert!(kept.status == 0 && kept.stdout.contains("can be read at /mailbox"), "{kept:?}");
    assert!(kept.stdout.contains("set LATCHKEY_SMTP_URL to your mail server"), "{}", kept.stdout);
    let letters = server.get("/mailbox/letters").await.json();
    assert_eq!(letters[0]["subject"], "A test letter from Latchkey");
    let doctor = mail(&place, &["doctor"]).await;
    assert!(doctor.status == 0 && doctor.stdout.contains("a domain that cannot exist"), "{doctor:?}");
    server.stop().await;
}

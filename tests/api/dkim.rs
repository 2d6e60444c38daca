//! The operator makes a key, shows it to DNS, and letters are signed with it.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig, ResolverOpts};
use mail_auth::{AuthenticatedMessage, DkimResult, MessageAuthenticator};

use crate::app::App;
use crate::dns_stand_in::DnsStandIn;
use crate::process::Place;
use crate::smtp_sink::Sink;

/// Makes a key and returns what DNS has to show.
fn make(place: &Place, more: &[&str]) -> (String, String) {
    let made = place.json(&[&["mail", "dkim", "--domain", "shop.example"], more].concat());
    let text = |key: &str| made[key].as_str().expect("a text").to_owned();
    (text("name"), text("value"))
}

/// What somebody else makes of the signatures of a letter.
async fn verified(dns: &DnsStandIn, message: &[u8]) -> Vec<bool> {
    let mut connection = ConnectionConfig::udp();
    connection.port = dns.address().port();
    let server = NameServerConfig::new(dns.address().ip(), true, vec![connection]);
    let resolver = ResolverConfig::from_name_servers(vec![server]);
    let verifier = MessageAuthenticator::new(resolver, ResolverOpts::default()).expect("a verifier");
    let parsed = AuthenticatedMessage::parse(message).expect("a message");
    let outputs = verifier.verify_dkim(&parsed).await;
    outputs.iter().map(|output| output.result() == &DkimResult::Pass).collect()
}

// I1
#[tokio::test]
async fn letters_are_signed_with_the_keys_that_the_command_made() {
    let (place, dns, sink) = (Place::new(), DnsStandIn::start().await, Sink::start().await);
    for (selector, kind) in [
        ("new", &["--out", "new.pem", "--selector", "new"][..]),
        ("old", &["--rsa", "--out", "old.pem", "--selector", "old"]),
    ] {
        let (name, value) = make(&place, kind);
        assert_eq!(name, format!("{selector}._domainkey.shop.example"));
        dns.text(&name, &value);
    }
    dns.mx("company.example", 10, "mx.example").host("mx.example", "127.0.0.1");
    let files = format!("{},{}", place.path("new.pem").display(), place.path("old.pem").display());
    for direct in [true, false] {
        let app = App::start_direct(sink.address().port(), |settings| {
            settings.smtp_url = Some(if direct { "direct:".to_owned() } else { sink.url() });
            settings.mail_from = Some("\"Läden .\" <no-reply@mail.shop.example>".to_owned());
            settings.mail_resolver = Some(dns.setting());
            settings.mail_allow_private = Some("on".to_owned());
            settings.dkim_domain = Some("shop.example".to_owned());
            settings.dkim_selector = Some("new,old".to_owned());
            settings.dkim_key_file = Some(files.clone());
        })
        .await;
        app.register("ann@company.example").await;
        app.carried().await;
        let letter = sink.letters().pop().expect("a letter");
        assert_eq!(verified(&dns, &letter.raw).await, [true, true], "direct: {direct}");
        app.finish().await;
    }
    assert_eq!(sink.letters().len(), 2);
}

#[test]
fn a_key_is_private_never_overwritten_and_shown_again() {
    let place = Place::new();
    let (name, value) = make(&place, &["--rsa", "--out", "key.pem"]);
    assert_eq!(name, "latchkey._domainkey.shop.example");
    let file = place.path("key.pem");
    let mode = fs::metadata(&file).expect("a file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = fs::read(&file).expect("read");
    let again = place.run(&["mail", "dkim", "--domain", "shop.example", "--out", "key.pem"]);
    assert!(again.status == 1 && again.stderr.contains("never overwritten"), "{again:?}");
    assert_eq!(fs::read(&file).expect("read"), before);
    assert_eq!(make(&place, &["--show", "key.pem"]), (name, value.clone()));

    let shown = place.run(&["mail", "dkim", "--domain", "shop.example", "--show", "key.pem"]);
    let line = shown.stdout.lines().find(|line| line.contains(" IN TXT ")).expect("a line for the zone");
    let strings: Vec<&str> = line.split('"').skip(1).step_by(2).collect();
    assert!(strings.len() == 2 && strings.iter().all(|string| string.len() <= 255), "{line}");
    assert_eq!(strings.concat(), value);
    assert!(shown.stdout.contains("LATCHKEY_DKIM_SELECTOR=latchkey"), "{}", shown.stdout);
    assert!(!shown.stdout.contains("PRIVATE"), "{}", shown.stdout);
}

#[test]
fn wrong_words_on_keys_are_refused_in_a_sentence() {
    let place = Place::new();
    fs::write(place.path("text.pem"), "hunter2").expect("written");
    fs::set_permissions(place.path("text.pem"), PermissionsExt::from_mode(0o600)).expect("changed");
    let rows: [(&[&str], i32, &str); 7] = [
        (&["--out", "a.pem"], 1, "--domain"),
        (&["--out", "a.pem", "--domain", "shop"], 1, "--domain must be a domain name"),
        (&["--out", "none/a.pem", "--domain", "shop.example"], 1, "cannot write none/a.pem"),
        (&["--show", "none.pem", "--domain", "shop.example"], 1, "none.pem cannot be read"),
        (&["--show", "text.pem", "--domain", "shop.example"], 1, "holds no private key"),
        (&["--domain", "shop.example"], 2, "--out"),
        (&["--out", "a.pem", "--show", "a.pem"], 2, "cannot be used with"),
    ];
    for (arguments, status, words) in rows {
        let ended = place.run(&[&["mail", "dkim"], arguments].concat());
        assert!(ended.status == status && ended.stderr.contains(words), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("hunter2"));
    }
    assert!(!place.path("a.pem").exists());
}

#[test]
fn check_tells_how_letters_would_leave_and_what_is_wrong_with_the_key() {
    let place = Place::new();
    make(&place, &["--out", "key.pem"]);
    let settings = [
        "--smtp-url",
        "direct:",
        "--mail-resolver",
        "127.0.0.1:53",
        "--mail-ehlo-name",
        "mail.shop.example",
        "--mail-from",
        "no-reply@shop.example",
        "--dkim-domain",
        "shop.example",
        "--dkim-selector",
        "latchkey",
        "--dkim-key-file",
        "key.pem",
    ];
    let check = || place.run(&[&["check"], &settings[..]].concat());
    let sound = check();
    let words = "letters leave for the mail servers of their recipients, as mail.shop.example, signed by DKIM \
                 (latchkey._domainkey.shop.example ed25519-sha256)";
    assert!(sound.status == 0 && sound.stdout.contains(words), "{sound:?}");
    fs::set_permissions(place.path("key.pem"), PermissionsExt::from_mode(0o644)).expect("changed");
    let open = check();
    assert!(open.status == 1 && open.stderr.contains("key.pem can be read by every user"), "{open:?}");
    let started = place.run(&[&["serve", "--listen", "127.0.0.1:0"], &settings[..]].concat());
    assert!(started.status == 1 && started.stderr.contains("run `chmod 600`"), "{started:?}");
}

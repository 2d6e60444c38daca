//! What settings lay open together, and variables that are none.

use super::*;

/// Settings by their variables.
type Given = [(&'static str, &'static str)];

#[test]
fn an_open_server_without_mail_is_refused_unless_the_operator_accepts_it() {
    // What is listened on, the public URL, the mail server, the mailbox, and whether the server may start.
    let rows = [
        ("127.0.0.1:80", "", "", "", true),
        ("127.0.0.1:80", "", "", "off", true),
        ("[::1]:80", "http://shop.localhost", "", "", true),
        ("0.0.0.0:80", "", "", "", false),
        ("[::]:80", "", "", "off", false),
        ("192.0.2.1:80", "http://localhost", "", "", false),
        ("127.0.0.1:80", "https://example.com", "", "", false),
        ("127.0.0.1:80", "https://localhost.example.com", "", "", false),
        ("0.0.0.0:80", "https://example.com", "", "public", true),
        ("0.0.0.0:80", "https://example.com", "smtp://localhost:25", "", true),
        ("0.0.0.0:80", "https://example.com", "direct:", "", true),
    ];
    for (listen, public_url, smtp_url, mailbox, may_start) in rows {
        let result = with(|arguments| {
            set(arguments, "LATCHKEY_LISTEN", listen);
            set(arguments, "LATCHKEY_PUBLIC_URL", public_url);
            set(arguments, "LATCHKEY_SMTP_URL", smtp_url);
            set(arguments, "LATCHKEY_MAILBOX", mailbox);
        });
        match result {
            Ok(_) => assert!(may_start, "{listen} {public_url}"),
            Err(faults) => {
                assert!(!may_start && faults.len() == 1, "{listen} {public_url}: {faults:?}");
                for way_out in [
                    "LATCHKEY_SMTP_URL (--smtp-url)",
                    "on loopback",
                    "LATCHKEY_MAILBOX (--mailbox) to public",
                ] {
                    assert!(faults[0].contains(way_out), "{}", faults[0]);
                }
            }
        }
    }
}

#[test]
fn what_is_seldom_meant_is_a_warning() {
    let rows: &[(&Given, &[&str])] = &[
        (
            &[("LATCHKEY_PUBLIC_URL", "http://example.com"), ("LATCHKEY_SMTP_URL", "smtp://m.example.com")],
            &["without https"],
        ),
        (&[("LATCHKEY_PUBLIC_URL", "http://localhost:3000")], &[]),
        (
            &[("LATCHKEY_LISTEN", "0.0.0.0:80"), ("LATCHKEY_SMTP_URL", "smtp://m.example.com")],
            &["LATCHKEY_PUBLIC_URL (--public-url) is not set", "no-reply@latchkey.invalid"],
        ),
        (&[("LATCHKEY_PUBLIC_URL", "https://example.com"), ("LATCHKEY_SMTP_URL", "direct:")], &[]),
        (
            &[("LATCHKEY_SMTP_URL", "direct:")],
            &["is not set: the links", "no-reply@latchkey.invalid", "calls itself localhost"],
        ),
        (
            &[
                ("LATCHKEY_PUBLIC_URL", "https://example.com"),
                ("LATCHKEY_SMTP_URL", "direct:"),
                ("LATCHKEY_MAIL_EHLO_NAME", "192.0.2.1"),
            ],
            &["calls itself 192.0.2.1"],
        ),
        (&[("LATCHKEY_MAILBOX", "public")], &["take over accounts"]),
        (&[("LATCHKEY_MAILBOX", "off")], &["nobody can read"]),
        (&[("LATCHKEY_RATE_LIMITS", "off")], &[]),
        (
            &[
                ("LATCHKEY_PUBLIC_URL", "https://example.com"),
                ("LATCHKEY_SMTP_URL", "smtp://m.example.com"),
                ("LATCHKEY_RATE_LIMITS", "off"),
                ("LATCHKEY_TRUSTED_PROXIES", "0.0.0.0/0"),
            ],
            &["guessed without limit", "every caller can pretend"],
        ),
    ];
    for (settings, words) in rows {
        let found = with(|arguments| settings.iter().for_each(|(name, value)| set(arguments, name, value)));
        let warnings = found.expect("allowed").warnings;
        assert_eq!(warnings.len(), words.len(), "{settings:?}: {warnings:?}");
        for (warning, word) in warnings.iter().zip(*words) {
            assert!(warning.contains(word), "{warning}");
        }
    }
}

#[test]
fn a_variable_without_effect_is_a_warning_without_its_value() {
    let rows = [
        ("LATCHKEY_LISTEN", "hunter2", None),
        ("LATCHKEY_LISTN", "hunter2", Some("did you mean LATCHKEY_LISTEN?")),
        ("latchkey_smtp_url", "hunter2", Some("did you mean LATCHKEY_SMTP_URL?")),
        (
            "LATCHKEY_SMTP_PASSWORD_OF_ANN",
            "hunter2",
            Some("LATCHKEY_SMTP_PASSWORD_OF_ANN is no setting and has no effect"),
        ),
        ("LATCHKEY_LISTN", " ", None),
        ("LATCHKEY_SERVICE_HOST", "10.0.0.1", None),
        ("LATCHKEY_PORT_8080_TCP_ADDR", "10.0.0.1", None),
        ("LATCHKEY_PORT", "tcp://10.0.0.1:8080", None),
        ("LATCHKEY_PORT", "8080", Some("no setting")),
        ("PATH", "hunter2", None),
    ];
    for (name, value, expected) in rows {
        let environment = [(name.to_owned(), value.to_owned())].into_iter();
        let warnings =
            Settings::from_arguments(&Arguments::default(), environment).expect("allowed").warnings;
        assert_eq!(warnings.len(), usize::from(expected.is_some()), "{name}: {warnings:?}");
        if let Some(words) = expected {
            assert!(warnings[0].starts_with(name) && warnings[0].contains(words), "{warnings:?}");
            assert!(!warnings[0].contains("hunter2"), "{warnings:?}");
        }
    }
}

#[test]
fn a_name_does_not_stand_for_a_contract_that_is_left_out() {
    let both = |contracts: &str| {
        with(|arguments| {
            set(arguments, "LATCHKEY_HOSTS", "api.example.com=finradar");
            set(arguments, "LATCHKEY_CONTRACTS", contracts);
        })
    };
    assert!(both("finradar").is_ok());
    let faults = both("flashback").expect_err("left out");
    let [fault] = faults.as_slice() else { panic!("{faults:?}") };
    for word in ["LATCHKEY_HOSTS (--hosts)", "api.example.com", "finradar", "LATCHKEY_CONTRACTS"] {
        assert!(fault.contains(word), "{fault}");
    }
    assert_eq!(both("flashbak").expect_err("misspelled").len(), 1, "no conclusions from a faulty setting");
}

#[test]
fn a_signature_is_set_up_whole_and_for_the_sender() {
    let rows: [(&Given, Option<&str>); 8] = [
        (&[("LATCHKEY_DKIM_DOMAIN", "example.com")], Some("LATCHKEY_DKIM_SELECTOR")),
        (
            &[("LATCHKEY_DKIM_SELECTOR", "s"), ("LATCHKEY_DKIM_KEY_FILE", "k.pem")],
            Some("LATCHKEY_DKIM_DOMAIN (--dkim-domain) must be set"),
        ),
        (&signed("example.com", "s", "k.pem"), None),
        (&signed("mail.example.com", "s", "k.pem"), None),
        (&signed("com", "s", "k.pem"), Some("domain name")),
        (&signed("ample.com", "s", "k.pem"), Some("must be of the sender's domain")),
        (&signed("deeper.mail.example.com", "s", "k.pem"), Some("must be of the sender's domain")),
        (&signed("example.com", "s,t", "k.pem"), Some("names 2 and")),
    ];
    for (given, wrong) in rows {
        let found = with(|arguments| {
            set(arguments, "LATCHKEY_MAIL_FROM", "no-reply@mail.example.com");
            given.iter().for_each(|(name, value)| set(arguments, name, value));
        });
        match (found, wrong) {
            (Ok(settings), None) => assert_eq!(settings.mail.dkim.expect("signed").keys.len(), 1),
            (Err(faults), Some(words)) => {
                assert!(faults.len() == 1 && faults[0].contains(words), "{given:?}: {faults:?}");
            }
            (found, _) => panic!("{given:?}: {found:?}"),
        }
    }
}

fn signed(
    domain: &'static str,
    selector: &'static str,
    file: &'static str,
) -> [(&'static str, &'static str); 3] {
    [("LATCHKEY_DKIM_DOMAIN", domain), ("LATCHKEY_DKIM_SELECTOR", selector), ("LATCHKEY_DKIM_KEY_FILE", file)]
}

//! What settings mean, unset and set.

use super::*;

#[test]
fn without_settings_it_works_at_once() {
    let settings = read_all(&Arguments::default()).expect("the defaults are right");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.database, PathBuf::from("latchkey.db"));
    assert_eq!(settings.public_url_for(settings.listen), "http://127.0.0.1:8080");
    assert_eq!(settings.app_name, "Latchkey");
    assert!(settings.secret_key.is_none() && settings.app_url.is_none());
    assert!(matches!(settings.mail.transport, Transport::Mailbox));
    assert_eq!(settings.mail.from.address.as_str(), "no-reply@latchkey.invalid");
    assert_eq!(settings.mail.ehlo_name, "localhost");
    assert_eq!((settings.mailbox, settings.metrics), (Access::Local, Access::Local));
    assert_eq!(settings.contracts, SERVED);
    assert!(settings.trusted_proxies.is_empty() && settings.cors_origins.is_empty());
    assert_eq!(settings.argon2, Cost::default());
    assert!((1..=256).contains(&settings.hash_threads));
    assert!(settings.rate_limits && settings.docs && !settings.reveal_accounts);
    assert_eq!(settings.referral_reward, 500);
    assert_eq!((settings.log.as_str(), settings.log_format), ("info", LogFormat::Text));
    assert_eq!(settings.warnings, [""; 0]);
}

#[test]
fn empty_means_unset() {
    let mut arguments = Arguments::default();
    for variable in variables::known() {
        set(&mut arguments, &variable, " ");
    }
    assert_eq!(format!("{:?}", read_all(&arguments)), format!("{:?}", read_all(&Arguments::default())));
}

#[test]
fn good_values_are_taken_in_their_canonical_form() {
    let settings = with(|arguments| {
        for (variable, value) in [
            ("LATCHKEY_LISTEN", "LocalHost:0"),
            ("LATCHKEY_PUBLIC_URL", "HTTPS://Konto.Bücher.example:443/"),
            ("LATCHKEY_APP_URL", "https://app.example.com/start?from=mail#top"),
            ("LATCHKEY_SMTP_URL", "smtp://mail.example.com"),
            ("LATCHKEY_MAIL_RESOLVER", "9.9.9.9, 127.0.0.1:5353,::1,[::1]:5353"),
            ("LATCHKEY_DKIM_DOMAIN", "Bücher.example"),
            ("LATCHKEY_DKIM_SELECTOR", "Key-1, key_2"),
            ("LATCHKEY_DKIM_KEY_FILE", "one.pem,/etc/two.pem"),
            ("LATCHKEY_CONTRACTS", "finradar, flashback,finradar,"),
            (
                "LATCHKEY_HOSTS",
                "API.FinRadar.ai.=finradar, finradar=finradar,finradar=finradar, 127.0.0.1 = flashback",
            ),
            ("LATCHKEY_TRUSTED_PROXIES", "10.1.2.3/8, ::ffff:192.0.2.1 ,fd00::/8"),
            ("LATCHKEY_RATE_LIMITS", "false"),
            ("LATCHKEY_ARGON2", "m=65536,t=3,p=2"),
            ("LATCHKEY_HASH_THREADS", "3"),
            ("LATCHKEY_CORS_ORIGINS", "https://App.example.com/,http://[::1]:3000,capacitor://localhost"),
            ("LATCHKEY_METRICS", "off"),
            ("LATCHKEY_LOG", "info, latchkey=debug"),
            ("LATCHKEY_LOG_FORMAT", "json"),
        ] {
            set(arguments, variable, value);
        }
    })
    .expect("all are right");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:0");
    assert_eq!(settings.public_url_for(settings.listen), "https://konto.xn--bcher-kva.example");
    assert_eq!(settings.mail.from.address.as_str(), "no-reply@konto.xn--bcher-kva.example");
    let hosts = [
        ("api.finradar.ai".to_owned(), Contract::FinRadar),
        ("finradar".to_owned(), Contract::FinRadar),
        ("127.0.0.1".to_owned(), Contract::Flashback),
    ];
    assert_eq!(settings.hosts, hosts);
    assert_eq!(settings.mail.ehlo_name, "konto.xn--bcher-kva.example");
    let resolver: Vec<String> = settings.mail.resolver.iter().map(ToString::to_string).collect();
    assert_eq!(resolver, ["9.9.9.9:53", "127.0.0.1:5353", "[::1]:53", "[::1]:5353"]);
    let dkim = settings.mail.dkim.expect("signed");
    assert_eq!(dkim.domain.as_str(), "xn--bcher-kva.example");
    let keys = [("key-1".to_owned(), "one.pem".into()), ("key_2".to_owned(), "/etc/two.pem".into())];
    assert_eq!(dkim.keys, keys);
    assert_eq!(settings.contracts, [Contract::FinRadar, Contract::Flashback]);
    let proxies: Vec<String> = settings.trusted_proxies.iter().map(IpNet::to_string).collect();
    assert_eq!(proxies, ["10.0.0.0/8", "192.0.2.1/32", "fd00::/8"]);
    assert_eq!(settings.argon2.to_string(), "m=65536,t=3,p=2");
    assert_eq!(
        settings.cors_origins,
        ["https://app.example.com", "http://[::1]:3000", "capacitor://localhost"]
    );
    assert_eq!(settings.log, "info,latchkey=debug");
    assert_eq!((settings.metrics, settings.log_format), (Access::Off, LogFormat::Json));
    assert!(!settings.rate_limits && settings.hash_threads == 3);
}

#[test]
fn the_public_url_follows_the_bound_address() {
    let settings = read_all(&Arguments::default()).expect("the defaults are right");
    for (bound, url) in [
        ("127.0.0.1:41234", "http://127.0.0.1:41234"),
        ("0.0.0.0:8080", "http://localhost:8080"),
        ("[::]:8080", "http://localhost:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
        ("127.0.0.1:80", "http://127.0.0.1"),
    ] {
        assert_eq!(settings.public_url_for(bound.parse().expect("an address")), url);
    }
}

#[test]
fn senders_have_an_address_and_perhaps_a_name() {
    for (text, name, address) in [
        ("no-reply@x.org", None, "no-reply@x.org"),
        ("<no-reply@x.org>", None, "no-reply@x.org"),
        ("Shop <no-reply@x.org>", Some("Shop"), "no-reply@x.org"),
        ("\"Müller, Söhne\" <no-reply@x.org>", Some("Müller, Söhne"), "no-reply@x.org"),
    ] {
        let sender = Sender::parse(text).expect(text);
        assert_eq!((sender.name.as_deref(), sender.address.as_str()), (name, address), "{text}");
    }
}

#[test]
fn the_flag_alone_empties_the_mailbox_and_not_where_letters_are_sent() {
    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
        #[command(subcommand)]
        command: Option<Command>,
    }
    #[derive(clap::Subcommand)]
    enum Command {
        Serve,
    }
    for (given, expected) in
        [("--mailbox-clear", true), ("--mailbox-clear=on", true), ("--mailbox-clear=off", false)]
    {
        let line = Line::parse_from(["latchkey", given, "serve"]);
        assert!(matches!(line.command, Some(Command::Serve)), "{given} takes no word after it");
        let settings = read_all(&line.arguments).expect("right");
        assert_eq!((settings.mailbox_clear, settings.warnings.len()), (expected, 0), "{given}");
    }
    let settings = with(|arguments| {
        set(arguments, "LATCHKEY_MAILBOX_CLEAR", "on");
        set(arguments, "LATCHKEY_SMTP_URL", "smtp://127.0.0.1:2525");
    });
    let warnings = settings.expect("right").warnings;
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("LATCHKEY_MAILBOX_CLEAR") && warning.contains("no effect")),
        "{warnings:?}"
    );
}

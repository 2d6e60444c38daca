mod captcha;
mod taken;
mod together;

use std::collections::HashSet;

use clap::{Args, Parser};

use super::reading::flag;
use super::*;

fn read_all(arguments: &Arguments) -> Result<Settings, Vec<String>> {
    Settings::from_arguments(arguments, std::iter::empty())
}

fn with(change: impl FnOnce(&mut Arguments)) -> Result<Settings, Vec<String>> {
    let mut arguments = Arguments::default();
    change(&mut arguments);
    read_all(&arguments)
}

/// Sets one setting by its variable, as the command line does.
fn set(arguments: &mut Arguments, variable: &str, value: &str) {
    let slot = match variable {
        "LATCHKEY_LISTEN" => &mut arguments.listen,
        "LATCHKEY_DATABASE" => &mut arguments.database,
        "LATCHKEY_PUBLIC_URL" => &mut arguments.public_url,
        "LATCHKEY_APP_NAME" => &mut arguments.app_name,
        "LATCHKEY_SECRET_KEY" => &mut arguments.secret_key,
        "LATCHKEY_APP_URL" => &mut arguments.app_url,
        "LATCHKEY_UPGRADE_URL" => &mut arguments.upgrade_url,
        "LATCHKEY_SMTP_URL" => &mut arguments.smtp_url,
        "LATCHKEY_MAIL_FROM" => &mut arguments.mail_from,
        "LATCHKEY_MAIL_EHLO_NAME" => &mut arguments.mail_ehlo_name,
        "LATCHKEY_MAIL_RESOLVER" => &mut arguments.mail_resolver,
        "LATCHKEY_MAIL_ALLOW_PRIVATE" => &mut arguments.mail_allow_private,
        "LATCHKEY_DKIM_DOMAIN" => &mut arguments.dkim_domain,
        "LATCHKEY_DKIM_SELECTOR" => &mut arguments.dkim_selector,
        "LATCHKEY_DKIM_KEY_FILE" => &mut arguments.dkim_key_file,
        "LATCHKEY_CAPTCHA" => &mut arguments.captcha,
        "LATCHKEY_CAPTCHA_SECRET" => &mut arguments.captcha_secret,
        "LATCHKEY_CAPTCHA_URL" => &mut arguments.captcha_url,
        "LATCHKEY_CAPTCHA_HOSTNAMES" => &mut arguments.captcha_hostnames,
        "LATCHKEY_CAPTCHA_DIFFICULTY" => &mut arguments.captcha_difficulty,
        "LATCHKEY_MAIL_TEMPLATES" => &mut arguments.mail_templates,
        "LATCHKEY_MAILBOX" => &mut arguments.mailbox,
        "LATCHKEY_MAILBOX_CLEAR" => &mut arguments.mailbox_clear,
        "LATCHKEY_METRICS" => &mut arguments.metrics,
        "LATCHKEY_CONTRACTS" => &mut arguments.contracts,
        "LATCHKEY_HOSTS" => &mut arguments.hosts,
        "LATCHKEY_TRUSTED_PROXIES" => &mut arguments.trusted_proxies,
        "LATCHKEY_RATE_LIMITS" => &mut arguments.rate_limits,
        "LATCHKEY_ARGON2" => &mut arguments.argon2,
        "LATCHKEY_HASH_THREADS" => &mut arguments.hash_threads,
        "LATCHKEY_REVEAL_ACCOUNTS" => &mut arguments.reveal_accounts,
        "LATCHKEY_REFERRAL_REWARD" => &mut arguments.referral_reward,
        "LATCHKEY_CORS_ORIGINS" => &mut arguments.cors_origins,
        "LATCHKEY_DOCS" => &mut arguments.docs,
        "LATCHKEY_LOG" => &mut arguments.log,
        "LATCHKEY_LOG_FORMAT" => &mut arguments.log_format,
        other => panic!("no setting is called {other}"),
    };
    *slot = Some(value.to_owned());
}

/// Values that cannot be used, with words that their sentence must have.
const BAD: &[(&str, &str, &[&str])] = &[
    ("LATCHKEY_LISTEN", "8080", &["\"8080\"", "address and a port"]),
    ("LATCHKEY_LISTEN", ":8080", &["127.0.0.1:8080", "0.0.0.0:8080"]),
    ("LATCHKEY_LISTEN", "localhost:99999", &["65535"]),
    ("LATCHKEY_LISTEN", "127.0.0.1:+80", &["65535"]),
    ("LATCHKEY_LISTEN", "example.com:80", &["\"example.com:80\"", "127.0.0.1:80"]),
    ("LATCHKEY_LISTEN", "::1:80", &["brackets"]),
    ("LATCHKEY_DATABASE", ":memory:", &["path of a file"]),
    ("LATCHKEY_DATABASE", "file:x?mode=memory", &["path of a file"]),
    ("LATCHKEY_DATABASE", "data/", &["path of a file"]),
    ("LATCHKEY_PUBLIC_URL", "accounts.example.com", &["whole URL"]),
    ("LATCHKEY_PUBLIC_URL", "ftp://example.com", &["https://"]),
    ("LATCHKEY_PUBLIC_URL", "https://example.com/accounts", &["root"]),
    ("LATCHKEY_PUBLIC_URL", "https://example.com/?a=1", &["root"]),
    ("LATCHKEY_PUBLIC_URL", "https://example.com\\x", &["root"]),
    ("LATCHKEY_PUBLIC_URL", "https://", &["host"]),
    ("LATCHKEY_PUBLIC_URL", "https://a b.com", &["host"]),
    ("LATCHKEY_PUBLIC_URL", "https://127.1", &["host"]),
    ("LATCHKEY_PUBLIC_URL", "https://0.0.0.0:80", &["reached"]),
    ("LATCHKEY_PUBLIC_URL", "https://example.com:0", &["port"]),
    ("LATCHKEY_PUBLIC_URL", "https://ann:hunter2@example.com", &["password"]),
    ("LATCHKEY_APP_NAME", "Evil\nBcc: x", &["control characters"]),
    ("LATCHKEY_APP_NAME", "1234567890123456789012345678901234567890123456789012345678901", &["60"]),
    ("LATCHKEY_SECRET_KEY", "hunter2", &["at least 32 characters", "openssl rand"]),
    ("LATCHKEY_APP_URL", "javascript:alert(1)", &["whole URL"]),
    ("LATCHKEY_APP_URL", "javascript://x/", &["https://"]),
    ("LATCHKEY_APP_URL", "https://example.com/a b", &["spaces"]),
    ("LATCHKEY_UPGRADE_URL", "javascript:alert(1)", &["whole URL"]),
    ("LATCHKEY_SMTP_URL", "ann:hunter2@mail.example.com", &["smtp://"]),
    ("LATCHKEY_SMTP_URL", "direct://mail.example.com", &["direct: and nothing more"]),
    ("LATCHKEY_MAIL_FROM", "no-reply", &["email address", "NAME <ADDRESS>"]),
    ("LATCHKEY_MAIL_FROM", "Shop <a@x.org> <b@y.org>", &["angle brackets"]),
    ("LATCHKEY_MAIL_FROM", "Shop\r\nBcc: b@y.org <a@x.org>", &["control characters"]),
    ("LATCHKEY_MAIL_EHLO_NAME", "mail example", &["host name"]),
    ("LATCHKEY_MAIL_EHLO_NAME", "a\r\nMAIL FROM:<x@y.z>", &["host name"]),
    ("LATCHKEY_MAIL_RESOLVER", "9.9.9.9, dns.example", &["\"dns.example\"", "127.0.0.1:5353"]),
    ("LATCHKEY_MAIL_RESOLVER", "9.9.9.9:99999", &["address of a DNS server"]),
    ("LATCHKEY_MAIL_ALLOW_PRIVATE", "10.0.0.0/8", &["on or off"]),
    ("LATCHKEY_DKIM_DOMAIN", "localhost", &["\"localhost\"", "domain name"]),
    ("LATCHKEY_DKIM_SELECTOR", "a; p=", &["\"a; p=\"", "letters, digits and hyphens"]),
    ("LATCHKEY_DKIM_SELECTOR", ",", &["must not be empty"]),
    ("LATCHKEY_DKIM_KEY_FILE", ",", &["must not be empty"]),
    ("LATCHKEY_CAPTCHA", "recapcha", &["\"recapcha\"", "off, pow, recaptcha, hcaptcha or turnstile"]),
    ("LATCHKEY_CAPTCHA_SECRET", "hunter2 hunter2", &["spaces"]),
    ("LATCHKEY_CAPTCHA_SECRET", "hunter2\u{e9}", &["ASCII"]),
    ("LATCHKEY_CAPTCHA_URL", "verify.example.com", &["whole URL"]),
    ("LATCHKEY_CAPTCHA_URL", "http://verify.example.com/siteverify", &["https://", "on this machine"]),
    ("LATCHKEY_CAPTCHA_URL", "ftp://localhost/", &["https://"]),
    ("LATCHKEY_CAPTCHA_URL", "https://ann:hunter2@verify.example.com/", &["password"]),
    ("LATCHKEY_CAPTCHA_URL", "https://verify.example.com/#top", &["#"]),
    ("LATCHKEY_CAPTCHA_HOSTNAMES", "https://example.com", &["\"https://example.com\"", "without scheme"]),
    ("LATCHKEY_CAPTCHA_HOSTNAMES", ",", &["at least one"]),
    ("LATCHKEY_CAPTCHA_DIFFICULTY", "999", &["\"999\"", "1000 to 10000000"]),
    ("LATCHKEY_CAPTCHA_DIFFICULTY", "10000001", &["1000 to 10000000"]),
    ("LATCHKEY_CAPTCHA_DIFFICULTY", "hard", &["\"hard\"", "1000 to 10000000"]),
    ("LATCHKEY_MAILBOX", "everyone", &["\"everyone\"", "local, public or off"]),
    ("LATCHKEY_MAIL_TEMPLATES", "https://example.com/letters", &["path of a folder"]),
    ("LATCHKEY_MAILBOX_CLEAR", "always", &["\"always\"", "on or off"]),
    ("LATCHKEY_METRICS", "on", &["local, public or off"]),
    ("LATCHKEY_CONTRACTS", "flashbak", &["\"flashbak\"", "one of flashback"]),
    ("LATCHKEY_CONTRACTS", ",", &["at least one"]),
    ("LATCHKEY_HOSTS", "api.example.com", &["\"api.example.com\"", "api.example.com=finradar"]),
    ("LATCHKEY_HOSTS", "api.example.com=finradr", &["\"finradr\"", "one of flashback"]),
    (
        "LATCHKEY_HOSTS",
        "https://api.example.com=finradar",
        &["\"https://api.example.com\"", "without scheme"],
    ),
    ("LATCHKEY_HOSTS", "api.example.com:80=finradar", &["without scheme, port and path"]),
    ("LATCHKEY_HOSTS", "=finradar", &["host name"]),
    (
        "LATCHKEY_HOSTS",
        "a.org=finradar,A.org.=flashback",
        &["a.org", "finradar", "flashback", "stands for one"],
    ),
    ("LATCHKEY_TRUSTED_PROXIES", "10.0.0.0/8, nginx", &["\"nginx\"", "10.0.0.0/8"]),
    ("LATCHKEY_TRUSTED_PROXIES", "10.0.0.0/33", &["network"]),
    ("LATCHKEY_RATE_LIMITS", "10", &["on or off"]),
    ("LATCHKEY_ARGON2", "m=1,t=1,p=1", &["argon2"]),
    ("LATCHKEY_ARGON2", "strong", &["\"strong\"", "m=19456,t=2,p=1"]),
    ("LATCHKEY_HASH_THREADS", "0", &["1 to 256"]),
    ("LATCHKEY_HASH_THREADS", "257", &["1 to 256"]),
    ("LATCHKEY_HASH_THREADS", "many", &["\"many\"", "1 to 256"]),
    ("LATCHKEY_REVEAL_ACCOUNTS", "maybe", &["on or off"]),
    ("LATCHKEY_REFERRAL_REWARD", "-1", &["from 0"]),
    ("LATCHKEY_REFERRAL_REWARD", "many", &["\"many\"", "number of tokens"]),
    ("LATCHKEY_CORS_ORIGINS", "*", &["every website", "https://app.example.com"]),
    ("LATCHKEY_CORS_ORIGINS", "https://a.com, null", &["\"null\"", "URL"]),
    ("LATCHKEY_CORS_ORIGINS", "https://a.com/app", &["\"https://a.com/app\"", "end after host and port"]),
    ("LATCHKEY_CORS_ORIGINS", "https://ann:hunter2@a.com", &["password"]),
    ("LATCHKEY_DOCS", "hidden", &["on or off"]),
    ("LATCHKEY_LOG", "inof", &["\"inof\"", "names no level", "debug"]),
    ("LATCHKEY_LOG", "latchkey=loud", &["no log filter"]),
    ("LATCHKEY_LOG_FORMAT", "xml", &["text or json"]),
];

#[test]
fn a_bad_value_is_one_sentence_that_names_variable_flag_and_remedy() {
    for (variable, value, words) in BAD {
        let faults = with(|arguments| set(arguments, variable, value)).expect_err(value);
        let [fault] = faults.as_slice() else { panic!("{variable}={value}: {faults:?}") };
        assert!(fault.starts_with(&format!("{variable} ({}) ", flag(variable))), "{fault}");
        for word in *words {
            assert!(fault.contains(word), "{value:?} should be told {word:?}: {fault}");
        }
        assert!(!fault.contains("hunter2") && !fault.contains(['\n', '\r']), "{fault:?}");
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut arguments = Arguments::default();
    let mut variables = HashSet::new();
    for (variable, value, _) in BAD {
        set(&mut arguments, variable, value);
        variables.insert(*variable);
    }
    let faults = read_all(&arguments).expect_err("all are faulty");
    assert_eq!(faults.len(), variables.len(), "one each, and no conclusions from faulty ones: {faults:#?}");
    assert_eq!(variables.len(), variables::known().len(), "every setting can be faulty");
}

#[test]
fn debug_shows_no_secret() {
    let mut arguments = Arguments::default();
    set(&mut arguments, "LATCHKEY_SECRET_KEY", "hunter2hunter2hunter2hunter2hunter2");
    set(&mut arguments, "LATCHKEY_SMTP_URL", "smtps://ann:hunter2@mail.example.com");
    set(&mut arguments, "LATCHKEY_CAPTCHA", "turnstile");
    set(&mut arguments, "LATCHKEY_CAPTCHA_SECRET", "0x4AAhunter2");
    set(&mut arguments, "LATCHKEY_CAPTCHA_HOSTNAMES", "example.com");
    let settings = read_all(&arguments).expect("right");
    assert_eq!(settings.secret_key.as_ref().map(|key| key.expose().len()), Some(35));
    for shown in [format!("{arguments:?}"), format!("{settings:?}"), format!("{settings:#?}")] {
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn flags_mirror_variables_anywhere_on_the_command_line_and_hide_their_values() {
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
    let line = Line::parse_from(["latchkey", "--app-name", "A", "serve", "--mail-ehlo-name", "mail.x.org"]);
    assert!(matches!(line.command, Some(Command::Serve)));
    assert_eq!(line.arguments.app_name.as_deref(), Some("A"));
    assert_eq!(line.arguments.mail_ehlo_name.as_deref(), Some("mail.x.org"));

    let command = Arguments::augment_args(clap::Command::new("latchkey"));
    for argument in command.get_arguments() {
        let variable = argument.get_env().and_then(|name| name.to_str()).expect("each flag has a variable");
        assert_eq!(format!("--{}", argument.get_long().expect("each has a flag")), flag(variable));
        assert!(argument.is_hide_env_values_set() && argument.is_global_set(), "{variable}");
        assert!(
            argument.get_help().is_some_and(|help| help.to_string().contains("[default: ")),
            "{variable}"
        );
    }
}

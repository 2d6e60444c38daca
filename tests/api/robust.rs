//! The real binary under power cuts, signals and faulty surroundings.

use std::net::TcpListener;

use latchkey::config::{Access, Arguments, Settings, Transport};
use latchkey::metrics::Metrics;
use latchkey::store::{Store, Unavailable, Value as Cell};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::app::{PASSWORD, registration, until};
use crate::process::{Ended, Place, Process};
use crate::raw::{Raw, status};

/// Signs up many at once and cuts the power in the middle. Returns who got a 201 before that.
async fn storm_and_kill(server: Process, round: usize) -> Vec<String> {
    let mut sign_ups = JoinSet::new();
    for number in 0..50 {
        let email = format!("round{round}.number{number}@storm{number}.example");
        let request = server.request(reqwest::Method::POST, "/user/register").json(&registration(&email));
        sign_ups.spawn(async move {
            // Whoever hears nothing is owed nothing.
            let answer = request.send().await.ok()?;
            (answer.status() == 201).then_some(email)
        });
    }
    let mut acknowledged = Vec::new();
    while acknowledged.len() < 12 {
        acknowledged.extend(sign_ups.join_next().await.expect("twelve get through").expect("no panic"));
    }
    server.kill();
    while let Some(ended) = sign_ups.join_next().await {
        acknowledged.extend(ended.expect("no panic"));
    }
    acknowledged
}

/// Rows that must not be there, by what they would mean.
const BROKEN: &[(&str, &str)] = &[
    (
        "an account without its organization",
        "select count(*) from accounts where id not in (select account_id from memberships)",
    ),
    (
        "an organization without a member",
        "select count(*) from organizations where id not in (select organization_id from memberships)",
    ),
    (
        "an organization without a subscription",
        "select count(*) from organizations where id not in (select organization_id from subscriptions)",
    ),
    (
        "an account without a session",
        "select count(*) from accounts where id not in (select account_id from sessions)",
    ),
    (
        "a proof without a secret",
        "select count(*) from proofs where id not in (select proof_id from proof_secrets)",
    ),
    (
        "a proof without a letter",
        "select count(*) from proofs where account_id not in (select account_id from letters)",
    ),
    (
        "a letter without a proof",
        "select count(*) from letters where account_id not in (select account_id from proofs)",
    ),
    (
        "a verified account whose proof was not used",
        "select count(*) from accounts join proofs on account_id = accounts.id
        where verified_at is not null and used_at is null",
    ),
    (
        "a number given twice or skipped by the counter",
        "select count(*) from counters where name = 'account' and value < (select max(number) from accounts)",
    ),
];

fn assert_invariants(place: &Place) {
    let store = Store::open(&place.database(), Metrics::new()).expect("the file is sound");
    for (what, sql) in BROKEN {
        let found = store.read(|tx| tx.value::<i64>(sql, &[])).expect("an answer");
        assert_eq!(found, Some(0), "{what}");
    }
}

// J2, J5, I2
#[tokio::test]
async fn a_power_cut_in_a_storm_of_sign_ups_loses_nobody_who_was_told_yes() {
    let place = Place::new();
    for round in 0..3 {
        let acknowledged = storm_and_kill(place.serve(&[]), round).await;
        let server = place.serve(&[]);
        assert_invariants(&place);
        let letters = place.json(&["letters", "list", "--limit", "10000"]);
        for email in &acknowledged {
            let login = server.post("/user/login", &json!({"email": email, "password": PASSWORD})).await;
            assert_eq!(login.status, 200, "{email} was told yes: {}", login.text);
            let mine = letters.as_array().expect("an array").iter().filter(|letter| letter["to"] == *email);
            let states: Vec<&Value> = mine.map(|letter| &letter["state"]).collect();
            assert!(states == ["waiting"] || states == ["delivered"], "{email}: {states:?}");
        }
        assert_eq!(place.run(&["check"]).status, 0);
        server.stop().await;
    }
}

// J5
#[tokio::test]
async fn a_request_in_flight_is_answered_before_the_server_ends() {
    let place = Place::new();
    let server = place.serve(&[]);
    let body = registration("late@company.example").to_string();
    let head = format!(
        "POST /user/register HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
        content-length: {}\r\n\r\n",
        body.len()
    );
    let (first, rest) = body.split_at(20);
    let mut connection = Raw::connect(server.address).await;
    connection.write(head.as_bytes()).await;
    connection.write(first.as_bytes()).await;
    // An answer on another connection shows that the server has had its turn with the first.
    assert_eq!(server.get("/health").await.status, 200);
    server.terminate();
    until("the server has heard", || server.log().contains("stopping")).await;
    connection.write(rest.as_bytes()).await;
    assert_eq!(status(&connection.read_to_end().await), 201);
    assert!(server.ended().await.success());
    let accounts = place.json(&["account", "list"]);
    assert_eq!(accounts[0]["email"], "late@company.example");
}

// J5
#[tokio::test]
async fn a_server_that_has_said_where_it_listens_ends_in_order() {
    let place = Place::new();
    for _ in 0..10 {
        place.serve(&[]).stop().await;
    }
}

fn assert_refused(what: &str, ended: &Ended, sentences: usize, words: &[&str]) {
    assert_eq!(ended.status, 1, "{what}: {ended:?}");
    assert_eq!(ended.stdout, "", "{what}: nothing is announced");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(lines.len(), sentences, "{what}: {lines:#?}");
    assert!(lines.iter().all(|line| line.starts_with("latchkey: ")), "{what}: {lines:#?}");
    for word in words.iter().chain([&""]) {
        assert!(ended.stderr.contains(word), "{what}: {word:?} is missing in {lines:#?}");
    }
    for leak in ["panicked", "stack backtrace", "src/", "RUST_BACKTRACE", "Error {"] {
        assert!(!ended.stderr.contains(leak), "{what}: {lines:#?}");
    }
}

// J5
#[tokio::test]
async fn a_fault_at_the_start_is_one_sentence() {
    let place = Place::new();
    let free = ["--listen", "127.0.0.1:0"];
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    assert_refused("port taken", &place.run(&["--listen", &address]), 1, &[&address]);

    std::fs::write(place.path("garbage.db"), "this is no database, whatever its name says\n".repeat(100))
        .expect("written");
    let garbage = place.run(&[&free[..], &["--database", "garbage.db"]].concat());
    assert_refused("garbage", &garbage, 1, &["garbage.db"]);

    // Root may write into any folder, so a folder that cannot be one stands for one that may not be written.
    std::fs::write(place.path("file"), "").expect("written");
    let below = place.run(&[&free[..], &["--database", "file/latchkey.db"]].concat());
    assert_refused("no folder", &below, 1, &["file/latchkey.db"]);

    std::fs::create_dir(place.path("folder.db")).expect("a folder");
    let folder = place.run(&[&free[..], &["--database", "folder.db"]].concat());
    assert_refused("a folder", &folder, 1, &["folder.db"]);
}

// J5
#[tokio::test]
async fn a_file_of_a_newer_version_or_another_key_is_left_alone() {
    let place = Place::new();
    place.serve(&[]).stop().await;
    let other = "an-altogether-different-secret-key-0001";
    let wrong = place.binary(&["--listen", "127.0.0.1:0"]).env("LATCHKEY_SECRET_KEY", other).output();
    let wrong = wrong.expect("the binary runs");
    let wrong = Ended {
        status: wrong.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&wrong.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&wrong.stderr).into_owned(),
    };
    assert_refused("wrong key", &wrong, 1, &["secret key", "latchkey.db"]);
    assert!(!wrong.stderr.contains(other), "the key stays secret");

    let store = Store::open(&place.database(), Metrics::new()).expect("the file is sound");
    let newer = "insert into schema_versions (version) values (?1)";
    store.write(move |tx| tx.execute(newer, &[Cell::Int(999)])).await.expect("written");
    drop(store);
    let refused = place.run(&["--listen", "127.0.0.1:0"]);
    assert_refused("newer schema", &refused, 1, &["999", "newer", "latchkey.db"]);
    assert_refused("newer schema, checked", &place.run(&["check"]), 1, &["999"]);
}

// J5, J7
#[tokio::test]
async fn every_malformed_setting_is_reported_at_once() {
    let place = Place::new();
    let flags =
        ["--listen", "nowhere", "--argon2", "m=1", "--rate-limits", "perhaps", "--public-url", "ftp://x"];
    let refused = place.run(&flags);
    let names = ["LATCHKEY_LISTEN", "LATCHKEY_ARGON2", "LATCHKEY_RATE_LIMITS", "LATCHKEY_PUBLIC_URL"];
    assert_refused("four faults", &refused, 4, &names);
    assert!(!place.database().exists(), "nothing was made");

    let exposed = place.run(&["--listen", "0.0.0.0:0"]);
    assert_refused("open to all without mail", &exposed, 1, &["0.0.0.0:0", "LATCHKEY_SMTP_URL"]);
    assert!(!place.database().exists(), "nothing was made");
    for usage in [&["nonsense"][..], &["--nonsense"], &["backup"], &["account", "ban"]] {
        let refused = place.run(usage);
        assert_eq!((refused.status, refused.stdout.as_str()), (2, ""), "{usage:?}: {refused:?}");
    }
}

// J7
#[tokio::test]
async fn the_defaults_expose_nothing() {
    let settings = Settings::from_arguments(&Arguments::default(), std::iter::empty()).expect("sound");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.mailbox, settings.metrics), (Access::Local, Access::Local));
    assert!(matches!(settings.mail.transport, Transport::Mailbox));
    assert!(settings.rate_limits && !settings.reveal_accounts);
    assert!(settings.cors_origins.is_empty() && settings.trusted_proxies.is_empty());
    assert!(settings.secret_key.is_none(), "no secret is built in");

    let place = Place::new();
    let server = place.serve(&[]);
    let origin = ("origin", "https://elsewhere.example");
    let read = server.send(server.request(reqwest::Method::GET, "/health").header(origin.0, origin.1)).await;
    let preflight = server.request(reqwest::Method::OPTIONS, "/user/register").header(origin.0, origin.1);
    let preflight = server.send(preflight.header("access-control-request-method", "POST")).await;
    for answer in [&read, &preflight] {
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
    }
    assert_eq!(preflight.status, 405, "{}", preflight.text);
    assert_eq!(place.json(&["account", "list"]), json!([]), "nobody is there to be taken over");
    for file in ["latchkey.db", "latchkey.db.key", "latchkey.db-wal"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(place.path(file)).expect(file).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{file} is private");
    }
    server.stop().await;
}

// J3
#[tokio::test]
async fn a_panic_in_a_transaction_undoes_that_one_alone() {
    let place = Place::new();
    let store = Store::open(&place.database(), Metrics::new()).expect("a new file");
    let ban = "insert into banned_domains (domain, banned_at) values (?1, 0)";
    let broken = store.write(move |tx| -> Result<(), Unavailable> {
        tx.execute(ban, &[Cell::Text("a.example".to_owned())])?;
        panic!("a fault of the program")
    });
    let sound = store.write(move |tx| tx.execute(ban, &[Cell::Text("b.example".to_owned())]));
    let (broken, sound) = tokio::join!(broken, sound);
    assert!(broken.is_err());
    assert_eq!(sound.expect("written"), 1);
    let left = store.read(|tx| tx.value::<String>("select group_concat(domain) from banned_domains", &[]));
    assert_eq!(left.expect("an answer").as_deref(), Some("b.example"));
}

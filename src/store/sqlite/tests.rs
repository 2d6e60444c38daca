//! The schema as SQLite keeps it, and what the writer promises.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use super::READERS;
use crate::metrics::Metrics;
use crate::store::migrations::newest;
use crate::store::{SCANS, Store, Tx};

/// What a file's catalog says, white space and comments aside.
fn catalog(path: &std::path::Path) -> Vec<String> {
    let connection = rusqlite::Connection::open(path).expect("a database");
    let mut statement = connection
        .prepare("select sql from sqlite_master where sql is not null order by name")
        .expect("the catalog");
    let lines = statement.query_map([], |row| row.get::<_, String>(0)).expect("rows");
    lines.map(|sql| plain(&sql.expect("a definition"))).collect()
}

fn plain(sql: &str) -> String {
    let uncommented = sql.lines().map(|line| line.split("--").next().unwrap_or_default());
    let text = uncommented.collect::<Vec<_>>().join(" ");
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("if not exists ", "")
        .replace(" ,", ",")
        .replace(" )", ")")
}

#[test]
fn the_migrations_add_up_to_schema_sql() {
    let folder = tempfile::tempdir().expect("a folder");
    let (migrated, written) = (folder.path().join("migrated.db"), folder.path().join("written.db"));
    Store::open(&migrated, Metrics::new()).expect("a migrated database");
    let connection = rusqlite::Connection::open(&written).expect("a database");
    connection.execute_batch(include_str!("../../../schema.sql")).expect("schema.sql runs");
    assert_eq!(catalog(&migrated), catalog(&written));
}

// J2
#[tokio::test]
async fn however_many_scans_are_asked_for_look_ups_find_a_connection() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = Store::open(&folder.path().join("scanned.db"), Metrics::new()).expect("a database");
    let (entered, mut inside) = tokio::sync::mpsc::unbounded_channel();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (gates, scans): (Vec<_>, Vec<_>) = (0..2 * READERS)
        .map(|_| {
            let (gate, shut) = mpsc::channel::<()>();
            let (store, entered) = (store.clone(), entered.clone());
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            let scan = move |_: &Tx<'_>| {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                let _ = entered.send(());
                // Until the test lets go of the gate.
                let _ = shut.recv();
                now.fetch_sub(1, Ordering::SeqCst);
                Ok(())
            };
            (gate, tokio::spawn(async move { store.scan(scan).await }))
        })
        .unzip();
    for _ in 0..SCANS {
        inside.recv().await.expect("a scan");
    }
    let version = store.read(|tx| tx.value::<i64>("select max(version) from schema_versions", &[]));
    assert_eq!(version.expect("a connection is left"), Some(newest()));
    drop(gates);
    for scan in scans {
        scan.await.expect("no panic").expect("its turn comes");
    }
    assert_eq!(most.load(Ordering::SeqCst), SCANS);
}

#[test]
fn a_newer_file_is_refused_in_a_sentence() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("newer.db");
    Store::open(&path, Metrics::new()).expect("a database");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    connection.execute("insert into schema_versions values (?1)", [newest() + 1]).expect("noted");
    let refused = Store::open(&path, Metrics::new()).err().map(|error| error.to_string());
    assert!(refused.is_some_and(|sentence| sentence.contains("use a newer latchkey")));
}

// J6
#[test]
fn subscriptions_of_the_first_version_get_their_periods() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("first.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    let id = |last: &str| format!("65e1c2c0000000000000000{last}");
    let rows = format!(
        "create table schema_versions (version bigint not null primary key);
        insert into schema_versions values (1);
        insert into organizations (id, name, is_business, created_at, updated_at) values ('{0}', 'A', 1, 0, 0);
        insert into subscriptions (id, organization_id, plan_id, starts_at, ends_at) values
            ('{1}', '{0}', 'trial', 1, 2), ('{2}', '{0}', 'free', 2, 3), ('{3}', '{0}', 'paid', 3, null);",
        id("0"),
        id("1"),
        id("2"),
        id("3")
    );
    connection.execute_batch(include_str!("../migrations/0001_foundation.sql")).expect("the first version");
    connection.execute_batch(&rows).expect("rows");
    drop(connection);
    let store = Store::open(&path, Metrics::new()).expect("it is migrated");
    let organization = id("0").parse().expect("an id");
    let latest = store.read(|tx| crate::store::subscriptions::latest(tx, organization)).expect("an answer");
    let latest = latest.expect("the paid one");
    assert_eq!((latest.plan.as_str(), latest.auto_renew), ("paid", true));
    let sql = "select count(*) from subscriptions s join plan_periods p on p.id = s.period_id and p.plan_id = s.plan_id";
    assert_eq!(store.read(|tx| tx.value::<i64>(sql, &[])).expect("an answer"), Some(3));
}

// J6
#[test]
fn an_account_that_had_a_device_has_had_its_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fourth.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    let versions = [
        include_str!("../migrations/0001_foundation.sql"),
        include_str!("../migrations/0002_subscriptions.sql"),
        include_str!("../migrations/0003_teams.sql"),
        include_str!("../migrations/0004_audit.sql"),
    ];
    connection.execute_batch(&versions.concat()).expect("the fourth version");
    let rows = "create table schema_versions (version bigint not null primary key);
        insert into schema_versions values (1), (2), (3), (4);
        insert into accounts (id, number, email, email_key, email_identity, first_name, last_name, language, contract,
            created_at, updated_at)
            values ('a', 1, 'a', 'a', 'a', '', '', 'en', 'flashback', 0, 0),
            ('b', 2, 'b', 'b', 'b', '', '', 'en', 'flashback', 0, 0);
        insert into devices (id, account_id, name, kind, os, browser, fingerprint, first_seen_at, last_seen_at,
            last_address)
            values ('1', 'a', '', '', '', '', 'x', 7, 9, ''), ('2', 'a', '', '', '', '', 'y', 5, 9, '');";
    connection.execute_batch(rows).expect("rows");
    drop(connection);
    let store = Store::open(&path, Metrics::new()).expect("it is migrated");
    let sql = "select first_device_at from accounts order by id";
    let first = store.read(|tx| tx.rows(sql, &[], crate::store::Row::take::<Option<i64>>));
    assert_eq!(first.expect("an answer"), [Some(5), None]);
}

// J6
#[test]
fn letters_that_waited_before_there_were_lanes_get_theirs() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("laneless.db");
    let connection = rusqlite::Connection::open(&path).expect("a database");
    let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/migrations");
    let mut files: Vec<_> =
        std::fs::read_dir(source).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let lanes =
        files.iter().position(|file| file.ends_with("0015_letter_attempts.sql")).expect("a migration");
    connection
        .execute_batch("create table schema_versions (version bigint not null primary key)")
        .expect("books");
    for (version, file) in (1..).zip(&files[..lanes]) {
        let sql = std::fs::read_to_string(file).expect("a migration");
        connection.execute_batch(&sql).expect("it runs");
        connection.execute("insert into schema_versions values (?1)", [version]).expect("noted");
    }
    let rows =
        "insert into letters (id, kind, recipient, language, message_id, sealed, state, attempts, created_at,
            next_attempt_at, claimed_until, expires_at, verdict)
        values ('1', '', 'a.com@acme.com', '', '', '', 'waiting', 0, 0, 7, 0, 9, ''),
            ('2', '', 'b@acme.com', '', '', '', 'waiting', 0, 0, 5, 0, 9, ''),
            ('3', '', 'c+moc@sub.acme.com', '', '', '', 'delivered', 0, 0, 5, 0, 9, '')";
    connection.execute_batch(rows).expect("rows");
    drop(connection);
    let store = Store::open(&path, Metrics::new()).expect("it is migrated");
    let texts = |sql: &str| store.read(|tx| tx.rows(sql, &[], crate::store::Row::take::<String>));
    let domains = texts("select domain from letters order by id").expect("an answer");
    assert_eq!(domains, ["acme.com", "acme.com", "sub.acme.com"]);
    assert_eq!(texts("select domain from letter_lanes where due_at = 5").expect("an answer"), ["acme.com"]);
    assert_eq!(texts("select domain from letter_lanes").expect("an answer").len(), 1);
}

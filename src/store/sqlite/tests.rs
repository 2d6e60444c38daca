//! The schema as SQLite keeps it, and what the writer promises.

use crate::metrics::Metrics;
use crate::store::Store;
use crate::store::migrations::newest;

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

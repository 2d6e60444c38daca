//! The SQLite engine. The only door to rusqlite and r2d2.

#[cfg(test)]
mod tests;
mod writer;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::time::Duration;

use r2d2_sqlite::SqliteConnectionManager;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{OpenFlags, params_from_iter};

use super::{Connection, Inspection, OpenError, Row, Tx, Unavailable, Value, instance, migrations};
use crate::metrics::Metrics;
use writer::Writer;

/// How long a statement waits for another process (a command beside the server) to let go of the file.
const BUSY: Duration = Duration::from_secs(10);
/// Read-only connections, each with its page cache; look-ups take microseconds, so few suffice.
const READERS: u32 = 8;
/// How much of the file readers see in memory, in bytes: 1 GiB. A look-up by key among a million rows is some ten pages
/// that no cache of a connection holds, and a call to the system for each took as long as all the rest. The pages are the
/// kernel's and shared, though a process that maps them is shown with them. What lies beyond is read as ever.
const MAPPED: i64 = 1 << 30;
/// Prepared statements kept per connection; there are fewer texts than that.
const STATEMENTS: usize = 256;

/// An open SQLite file: pooled read-only connections and one writer thread.
pub struct Engine {
    path: PathBuf,
    readers: r2d2::Pool<SqliteConnectionManager>,
    writer: Writer,
}

impl Engine {
    /// Opens the file with the mode of a private one, migrates it, and starts the writer.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(path: &Path, metrics: Metrics) -> Result<Engine, OpenError> {
        let unreadable = |reason: String| OpenError::Unreadable { path: path.display().to_string(), reason };
        create_private(path).map_err(|e| unreadable(e.to_string()))?;
        let connection = open_for_writing(path).map_err(|e| unreadable(e.to_string()))?;
        migrate(&connection, path)?;
        let manager = SqliteConnectionManager::file(path)
            .with_flags(OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .with_init(|connection| {
                connection.busy_timeout(BUSY)?;
                connection.pragma_update(None, "mmap_size", MAPPED)?;
                connection.set_prepared_statement_cache_capacity(STATEMENTS);
                Ok(())
            });
        let readers = r2d2::Pool::builder()
            .max_size(READERS)
            .min_idle(Some(1))
            .test_on_check_out(false)
            .connection_timeout(BUSY)
            .build(manager)
            .map_err(|e| unreadable(e.to_string()))?;
        let writer = Writer::start(connection, metrics).map_err(|e| unreadable(e.to_string()))?;
        Ok(Engine { path: path.to_owned(), readers, writer })
    }

    /// Runs a closure on a read-only connection.
    ///
    /// # Errors
    /// The closure's own, or [`Unavailable`].
    pub fn read<T, E: From<Unavailable>>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        let connection = self.readers.get().map_err(Unavailable::because)?;
        let snapshot = Snapshot::begin(&connection).map_err(Unavailable::because)?;
        f(&Tx::on(snapshot.0))
    }

    /// Runs a closure in the writer's next transaction.
    ///
    /// # Errors
    /// The closure's own, or [`Unavailable`].
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.writer.write(f).await
    }

    /// Writes a compact copy of one moment's state.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn backup(&self, to: &Path) -> Result<(), Unavailable> {
        if to.exists() {
            return Err(Unavailable::because(format_args!("{} exists already", to.display())));
        }
        create_private(to).map_err(Unavailable::because)?;
        let target = to.to_str().ok_or_else(|| Unavailable::because("the path is not UTF-8"))?;
        let connection = open_for_writing(&self.path).map_err(Unavailable::because)?;
        let copied = connection.execute("vacuum into ?1", [target]);
        let kept =
            copied.map_err(Unavailable::because).and_then(|_| sync_file(to).map_err(Unavailable::because));
        if kept.is_err() {
            let _ = std::fs::remove_file(to);
        }
        kept
    }

    /// Why the last transaction failed, if it did.
    pub fn write_fault(&self) -> Option<String> {
        self.writer.fault()
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// A read transaction: several statements of one closure are to see one state. Dropping it ends it, after a panic too.
/// Its statements stay prepared, because parsing them costs as much as a look-up by key.
struct Snapshot<'a>(&'a rusqlite::Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a rusqlite::Connection) -> rusqlite::Result<Snapshot<'a>> {
        connection.prepare_cached("begin")?.execute([])?;
        Ok(Snapshot(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // Nothing was written. Should it fail all the same, the next `begin` on this connection tells.
        let _ = self.0.prepare_cached("rollback").and_then(|mut end| end.execute([]));
    }
}

/// Tries whether the file is a sound database of ours, without changing it.
///
/// # Errors
/// A sentence for the operator.
pub fn inspect(path: &Path) -> Result<Inspection, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = rusqlite::Connection::open_with_flags(path, flags)
        .map_err(|e| format!("cannot open {}: {e}", path.display()))?;
    let verdict: String = connection
        .query_row("pragma integrity_check(1)", [], |row| row.get(0))
        .map_err(|e| format!("{} is not a SQLite database: {e}", path.display()))?;
    if verdict != "ok" {
        return Err(format!("{} is damaged: {verdict}", path.display()));
    }
    let tx = Tx::on(&connection);
    let not_ours = || format!("{} is not a latchkey database", path.display());
    let version = migrations::version(&tx).ok().filter(|version| *version > 0).ok_or_else(not_ours)?;
    let key_check = instance::get(&tx, instance::KEY_CHECK).map_err(|_| not_ours())?;
    Ok(Inspection { version, key_check })
}

/// Takes the file out of use: folds its write-ahead log into it and proves that nobody else has it open.
///
/// # Errors
/// A sentence for the operator.
pub fn retire(path: &Path) -> Result<(), String> {
    let held =
        |e: rusqlite::Error| format!("{} is in use ({e}): stop the server before restoring", path.display());
    let connection = rusqlite::Connection::open(path).map_err(held)?;
    // Leaving WAL mode needs the file for oneself, so its success is the proof.
    let mode: String =
        connection.query_row("pragma journal_mode=delete", [], |row| row.get(0)).map_err(held)?;
    if mode == "delete" {
        Ok(())
    } else {
        Err(format!("{} is in use: stop the server before restoring", path.display()))
    }
}

fn create_private(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn sync_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).open(path)?.sync_all()
}

fn open_for_writing(path: &Path) -> rusqlite::Result<rusqlite::Connection> {
    let connection = rusqlite::Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    // In this order: only a connection that waits can switch a busy file to WAL.
    connection.busy_timeout(BUSY)?;
    let mode: String = connection.query_row("pragma journal_mode=wal", [], |row| row.get(0))?;
    if mode != "wal" {
        tracing::warn!("the database stays in {mode} mode: this file system knows no write-ahead log");
    }
    connection.execute_batch("pragma synchronous=full; pragma foreign_keys=on; pragma secure_delete=on;")?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

fn migrate(connection: &rusqlite::Connection, path: &Path) -> Result<(), OpenError> {
    let name = path.display().to_string();
    let failed = |version: i64, reason: String| OpenError::Migration { path: name.clone(), version, reason };
    connection.execute_batch("begin immediate").map_err(|e| failed(0, e.to_string()))?;
    let tx = Tx::on(connection);
    let done = migrations::version(&tx).map_err(|e| failed(0, e.to_string())).and_then(|found| {
        let known = migrations::newest();
        if found > known {
            return Err(OpenError::TooNew { path: name.clone(), found, known });
        }
        migrations::apply(&tx, found).map_err(|(version, e)| failed(version, e.to_string()))
    });
    let end = if done.is_ok() { "commit" } else { "rollback" };
    connection.execute_batch(end).map_err(|e| failed(migrations::newest(), e.to_string()))?;
    done
}

impl Connection for rusqlite::Connection {
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, Unavailable> {
        let mut statement = self.prepare_cached(sql).map_err(Unavailable::because)?;
        let columns = statement.column_count();
        let mut found =
            statement.query(params_from_iter(params.iter().map(bind))).map_err(Unavailable::because)?;
        let mut rows = Vec::new();
        while let Some(row) = found.next().map_err(Unavailable::because)? {
            let values =
                (0..columns).map(|index| row.get_ref(index).map_err(Unavailable::because).and_then(column));
            rows.push(Row::new(values.collect::<Result<_, _>>()?));
        }
        Ok(rows)
    }

    fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, Unavailable> {
        let mut statement = self.prepare_cached(sql).map_err(Unavailable::because)?;
        let changed =
            statement.execute(params_from_iter(params.iter().map(bind))).map_err(Unavailable::because)?;
        Ok(changed as u64)
    }

    fn batch(&self, sql: &str) -> Result<(), Unavailable> {
        self.execute_batch(sql).map_err(Unavailable::because)
    }
}

fn bind(value: &Value) -> ToSqlOutput<'_> {
    ToSqlOutput::Borrowed(match value {
        Value::Null => ValueRef::Null,
        Value::Int(number) => ValueRef::Integer(*number),
        Value::Text(text) => ValueRef::Text(text.as_bytes()),
    })
}

fn column(value: ValueRef<'_>) -> Result<Value, Unavailable> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(text) => {
            String::from_utf8(text.to_vec()).map(Value::Text).map_err(Unavailable::because)
        }
        ValueRef::Real(_) | ValueRef::Blob(_) => {
            Err(Unavailable::because("a column holds neither a number nor a text"))
        }
    }
}

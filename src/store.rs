//! The database, as the use cases see it: transactions as closures over portable SQL. No engine is named here.
//!
//! SQL rules that make one text serve SQLite and PostgreSQL: parameters are `?1 ?2 …`; columns are `text` and `bigint`;
//! `insert … on conflict … do nothing returning` instead of reading driver errors; the row count of a conditional
//! update is the verdict; time is an argument.

pub mod access_tokens;
pub mod accounts;
pub mod addresses;
pub mod api_keys;
pub mod audit;
pub mod bans;
pub mod client_devices;
pub mod devices;
pub mod instance;
pub mod invitations;
pub mod invite_codes;
pub mod ledgers;
pub mod letters;
pub mod members;
mod migrations;
pub mod notifications;
pub mod organizations;
pub mod plans;
pub mod privacy;
pub mod profiles;
pub mod proofs;
pub mod referrals;
mod row;
pub mod sessions;
pub mod settings;
pub mod signing_keys;
mod sqlite;
pub mod subscriptions;
pub mod throttles;
pub mod two_factor;
pub mod usernames;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::metrics::Metrics;

/// Why the database gave no answer. The only error of the store; it carries its cause for the log.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the database is unavailable: {0}")]
pub struct Unavailable(Arc<str>);

impl Unavailable {
    /// Wraps a cause, in words.
    pub fn because(cause: impl fmt::Display) -> Unavailable {
        Unavailable(cause.to_string().into())
    }
}

/// A value that goes into a statement or comes out of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Int(i64),
    Text(String),
}

/// What can be bound to a parameter.
pub trait ToValue {
    fn to_value(&self) -> Value;
}

/// What can be read from a column.
pub trait FromValue: Sized {
    /// # Errors
    /// [`Unavailable`] when the column holds something else: the file was changed by another hand.
    fn from_value(value: Value) -> Result<Self, Unavailable>;
}

/// Binds parameters in order: `params![id, now]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::ToValue::to_value(&$value)),*]
    };
}
pub(crate) use params;
pub use row::Row;

mod values;

/// What an engine's connection can do.
pub trait Connection {
    /// Runs a statement for its rows.
    ///
    /// # Errors
    /// [`Unavailable`] with the engine's words.
    fn query(&self, sql: &str, params: &[Value]) -> Result<Vec<Row>, Unavailable>;
    /// Runs a statement for the number of rows it changed.
    ///
    /// # Errors
    /// [`Unavailable`] with the engine's words.
    fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, Unavailable>;
    /// Runs several statements without parameters, as migrations do.
    ///
    /// # Errors
    /// [`Unavailable`] with the engine's words.
    fn batch(&self, sql: &str) -> Result<(), Unavailable>;
}

/// A transaction in progress.
pub struct Tx<'a>(&'a dyn Connection);

impl<'a> Tx<'a> {
    /// A transaction on an engine's connection, which the engine has begun.
    pub fn on(connection: &'a dyn Connection) -> Tx<'a> {
        Tx(connection)
    }

    /// All rows of a query.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn rows<T>(
        &self,
        sql: &str,
        params: &[Value],
        read: impl Fn(&mut Row) -> Result<T, Unavailable>,
    ) -> Result<Vec<T>, Unavailable> {
        self.0.query(sql, params)?.iter_mut().map(read).collect()
    }

    /// The first row of a query, if any.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn row<T>(
        &self,
        sql: &str,
        params: &[Value],
        read: impl Fn(&mut Row) -> Result<T, Unavailable>,
    ) -> Result<Option<T>, Unavailable> {
        self.0.query(sql, params)?.first_mut().map(read).transpose()
    }

    /// The first column of the first row, if any.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn value<T: FromValue>(&self, sql: &str, params: &[Value]) -> Result<Option<T>, Unavailable> {
        self.row(sql, params, Row::take)
    }

    /// Runs a statement and tells how many rows it changed.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn execute(&self, sql: &str, params: &[Value]) -> Result<u64, Unavailable> {
        self.0.execute(sql, params)
    }

    /// Runs several statements without parameters.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn batch(&self, sql: &str) -> Result<(), Unavailable> {
        self.0.batch(sql)
    }
}

/// Why a database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("cannot open the database {path}: {reason}")]
    Unreadable { path: String, reason: String },
    #[error(
        "the database {path} is of schema version {found}, newer than the {known} that this latchkey knows: use a newer latchkey"
    )]
    TooNew { path: String, found: i64, known: i64 },
    #[error("the database {path} could not be migrated to version {version}: {reason}")]
    Migration { path: String, version: i64, reason: String },
}

/// What a file says of itself without being changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// Its schema version.
    pub version: i64,
    /// The text by which a wrong secret key is noticed, once the server has started on it.
    pub key_check: Option<String>,
}

/// Looks whether a file is a sound database of ours that this build can use, without changing it.
///
/// # Errors
/// A sentence for the operator.
pub fn inspect(path: &Path) -> Result<Inspection, String> {
    let found = sqlite::inspect(path)?;
    let known = migrations::newest();
    if found.version > known {
        let (path, found) = (path.display().to_string(), found.version);
        return Err(OpenError::TooNew { path, found, known }.to_string());
    }
    Ok(found)
}

/// Takes a file out of use, so that another can be put in its place; proves that nobody has it open.
///
/// # Errors
/// A sentence for the operator.
pub fn retire(path: &Path) -> Result<(), String> {
    sqlite::retire(path)
}

/// Scans that run at once. Fewer than the engine has connections for reading, so that however many are asked for, look-ups
/// still find one.
const SCANS: usize = 3;

/// The database. Clones share it.
#[derive(Clone)]
pub struct Store {
    engine: Arc<sqlite::Engine>,
    scans: Arc<Semaphore>,
}

impl Store {
    /// Opens the file, making it if need be, and brings its schema up to date.
    ///
    /// # Errors
    /// [`OpenError`], a sentence for the operator.
    pub fn open(path: &Path, metrics: Metrics) -> Result<Store, OpenError> {
        let engine = Arc::new(sqlite::Engine::open(path, metrics)?);
        Ok(Store { engine, scans: Arc::new(Semaphore::new(SCANS)) })
    }

    /// Runs a short look-up on a read-only connection, on the calling thread: a point query takes some microseconds,
    /// less than handing it to another thread. For anything longer use [`Store::scan`].
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn read<T, E: From<Unavailable>>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, E>) -> Result<T, E> {
        self.engine.read(f)
    }

    /// Runs a longer query on a thread of its own, so that it holds up nobody. Three run at once; the others wait their
    /// turn.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn scan<T, F>(&self, f: F) -> Result<T, Unavailable>
    where
        T: Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, Unavailable> + Send + 'static,
    {
        let permit = Arc::clone(&self.scans).acquire_owned().await.map_err(Unavailable::because)?;
        let engine = Arc::clone(&self.engine);
        let scan = move || {
            // The query goes on when its caller has hung up: the turn ends with it.
            let _permit = permit;
            engine.read(f)
        };
        tokio::task::spawn_blocking(scan).await.map_err(Unavailable::because)?
    }

    /// Runs a closure inside a transaction and answers once it is on disk. `Err` means that nothing changed, so what
    /// must be remembered of a refusal is an `Ok`. Closures share commits; an error or panic undoes its own alone.
    ///
    /// # Errors
    /// The closure's own, or [`Unavailable`] when the transaction could not be made durable.
    pub async fn write<T, E, F>(&self, f: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.engine.write(f).await
    }

    /// Writes a whole, consistent copy into a new file while others read and write.
    ///
    /// # Errors
    /// [`Unavailable`], also when the file exists already.
    pub fn backup(&self, to: &Path) -> Result<(), Unavailable> {
        self.engine.backup(to)
    }

    /// Why the last transaction failed, if it did.
    pub fn write_fault(&self) -> Option<String> {
        self.engine.write_fault()
    }

    /// The path of the file.
    pub fn path(&self) -> PathBuf {
        self.engine.path().to_owned()
    }
}

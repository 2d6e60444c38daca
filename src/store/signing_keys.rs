//! Signing keys, sealed, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::time::Millis;

/// A key as stored.
#[derive(Debug, Clone)]
pub struct StoredKey {
    pub id: String,
    pub sealed: String,
    pub created_at: Millis,
    /// None for the key that signs.
    pub retired_at: Option<Millis>,
}

/// All keys, the one that signs first.
pub fn all(tx: &Tx<'_>) -> Result<Vec<StoredKey>, Unavailable> {
    let sql = "select id, sealed, created_at, retired_at from signing_keys
        order by retired_at is not null, created_at desc";
    tx.rows(sql, params![], |row: &mut Row| {
        Ok(StoredKey {
            id: row.take()?,
            sealed: row.take()?,
            created_at: row.take()?,
            retired_at: row.take()?,
        })
    })
}

/// Adds the key that signs from now on and retires the one before.
pub fn insert(tx: &Tx<'_>, id: &str, sealed: &str, now: Millis) -> Result<(), Unavailable> {
    tx.execute("update signing_keys set retired_at = ?1 where retired_at is null", params![now])?;
    let sql = "insert into signing_keys (id, sealed, created_at) values (?1, ?2, ?3)";
    tx.execute(sql, params![id, sealed, now])?;
    Ok(())
}

/// Removes keys that were retired before `before`: no token of theirs is alive.
pub fn delete_retired(tx: &Tx<'_>, before: Millis) -> Result<u64, Unavailable> {
    tx.execute("delete from signing_keys where retired_at < ?1", params![before])
}

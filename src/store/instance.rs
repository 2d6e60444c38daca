//! Facts about this installation, as rows.

use super::{Tx, Unavailable, params};

/// The name of the sealed text by which a wrong secret key is noticed.
pub const KEY_CHECK: &str = "key_check";

/// The name of the URL that the server, when it started last, put into letters.
pub const PUBLIC_URL: &str = "public_url";

/// A fact.
pub fn get(tx: &Tx<'_>, name: &str) -> Result<Option<String>, Unavailable> {
    tx.value("select value from instance where name = ?1", params![name])
}

/// Notes a fact, in place of what was known.
pub fn set(tx: &Tx<'_>, name: &str, value: &str) -> Result<(), Unavailable> {
    let sql =
        "insert into instance (name, value) values (?1, ?2) on conflict (name) do update set value = ?2";
    tx.execute(sql, params![name, value])?;
    Ok(())
}

/// Notes a fact unless it is known; tells the one in force.
pub fn get_or_insert(tx: &Tx<'_>, name: &str, value: &str) -> Result<String, Unavailable> {
    let sql = "insert into instance (name, value) values (?1, ?2) on conflict (name) do nothing";
    tx.execute(sql, params![name, value])?;
    Ok(get(tx, name)?.unwrap_or_else(|| value.to_owned()))
}

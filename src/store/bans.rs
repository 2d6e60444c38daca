//! Domains that may not register, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::domain::Host;
use crate::model::time::Millis;

/// Whether the host or a parent of it is banned by name, or claimed by a banned organization.
pub fn covers(tx: &Tx<'_>, host: &Host) -> Result<bool, Unavailable> {
    for name in host.with_parents() {
        let sql = "select 1 from banned_domains where domain = ?1
            union all select 1 from organizations where claimed_domain = ?1 and banned_at is not null";
        if tx.value::<i64>(sql, params![name])?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Bans a domain by name. False when it was banned already.
pub fn insert(tx: &Tx<'_>, domain: &Host, now: Millis) -> Result<bool, Unavailable> {
    let sql =
        "insert into banned_domains (domain, banned_at) values (?1, ?2) on conflict (domain) do nothing";
    Ok(tx.execute(sql, params![domain.as_str(), now])? == 1)
}

/// Lifts a ban by name. False when there was none.
pub fn delete(tx: &Tx<'_>, domain: &Host) -> Result<bool, Unavailable> {
    Ok(tx.execute("delete from banned_domains where domain = ?1", params![domain.as_str()])? == 1)
}

/// All domains banned by name, with the moment.
pub fn list(tx: &Tx<'_>) -> Result<Vec<(String, Millis)>, Unavailable> {
    let read = |row: &mut Row| Ok((row.take()?, row.take()?));
    tx.rows("select domain, banned_at from banned_domains order by domain", params![], read)
}

//! Devices, and the sessions on them, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::contract::Contract;
use crate::model::device::{Description, Device};
use crate::model::id::{AccountId, DeviceId, SessionId};
use crate::model::time::Millis;

/// A device at a login.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// Its id, should it not have been seen before.
    pub id: DeviceId,
    pub account: AccountId,
    pub description: Description,
    /// Keyed digest of the description.
    pub fingerprint: String,
    pub address: String,
    pub now: Millis,
}

/// Notes that a session was opened on a device, which is made if it was not seen before. True when it was made.
pub fn see(tx: &Tx<'_>, seen: &Sighting, session: SessionId) -> Result<bool, Unavailable> {
    let sql = "insert into devices (id, account_id, name, kind, os, browser, fingerprint, first_seen_at, last_seen_at,
            last_address)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9)
        on conflict (account_id, fingerprint) do update set last_seen_at = ?8, last_address = ?9
        returning id";
    let told = &seen.description;
    let id: Option<DeviceId> = tx.value(
        sql,
        params![
            seen.id,
            seen.account,
            told.name,
            told.kind,
            told.os,
            told.browser,
            seen.fingerprint,
            seen.now,
            seen.address
        ],
    )?;
    tx.execute("update sessions set device_id = ?2 where id = ?1", params![session, id])?;
    Ok(id == Some(seen.id))
}

/// Whether a device is known for the account.
pub fn is_known(tx: &Tx<'_>, account: AccountId, fingerprint: &str) -> Result<bool, Unavailable> {
    let sql = "select 1 from devices where account_id = ?1 and fingerprint = ?2";
    Ok(tx.value::<i64>(sql, params![account, fingerprint])?.is_some())
}

/// Notes that an account was seen on a device. True the first time ever, also where its devices were forgotten since.
pub fn mark_first(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update accounts set first_device_at = ?2 where id = ?1 and first_device_at is null";
    Ok(tx.execute(sql, params![account, now])? == 1)
}

const COLUMNS: &str =
    "id, account_id, name, kind, os, browser, trusted_at, first_seen_at, last_seen_at, last_address";

fn read(row: &mut Row) -> Result<Device, Unavailable> {
    Ok(Device {
        id: row.take()?,
        account: row.take()?,
        description: Description {
            name: row.take()?,
            kind: row.take()?,
            os: row.take()?,
            browser: row.take()?,
        },
        trusted_at: row.take()?,
        first_seen_at: row.take()?,
        last_seen_at: row.take()?,
        last_address: row.take()?,
    })
}

/// The devices of an account, the latest seen first.
pub fn all(tx: &Tx<'_>, account: AccountId) -> Result<Vec<Device>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from devices where account_id = ?1 order by last_seen_at desc, id desc limit 1000"
    );
    tx.rows(&sql, params![account], read)
}

/// A device of an account; another's is as unknown.
pub fn find(tx: &Tx<'_>, account: AccountId, id: DeviceId) -> Result<Option<Device>, Unavailable> {
    let sql = format!("select {COLUMNS} from devices where account_id = ?1 and id = ?2");
    tx.row(&sql, params![account, id], read)
}

/// Trusts a device or, with `None`, no longer. False when nothing changed.
pub fn set_trusted(tx: &Tx<'_>, id: DeviceId, at: Option<Millis>) -> Result<bool, Unavailable> {
    let sql = "update devices set trusted_at = ?2 where id = ?1 and (trusted_at is null) = (?2 is not null)";
    Ok(tx.execute(sql, params![id, at])? == 1)
}

/// Removes a device and ends the sessions on it.
pub fn remove(tx: &Tx<'_>, id: DeviceId, now: Millis) -> Result<(), Unavailable> {
    let sql = "update sessions set revoked_at = ?2 where device_id = ?1 and revoked_at is null";
    tx.execute(sql, params![id, now])?;
    tx.execute("delete from devices where id = ?1", params![id])?;
    Ok(())
}

/// Forgets every device of an account.
pub fn remove_all(tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
    tx.execute("delete from devices where account_id = ?1", params![account])?;
    Ok(())
}

/// Removes devices that were last seen before `before`, at most `limit`.
pub fn delete_unseen(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from devices where id in (select id from devices where last_seen_at < ?1 limit ?2)";
    tx.execute(sql, params![before, limit])
}

/// A session as its owner is shown it.
#[derive(Debug, Clone)]
pub struct OwnSession {
    pub id: SessionId,
    pub contract: Contract,
    /// What the client calls itself.
    pub name: String,
    pub device: Option<DeviceId>,
    pub address: String,
    pub created_at: Millis,
    pub last_used_at: Millis,
    pub expires_at: Millis,
    pub revoked_at: Option<Millis>,
}

/// The sessions of an account that are on record, the latest used first.
pub fn sessions(tx: &Tx<'_>, account: AccountId) -> Result<Vec<OwnSession>, Unavailable> {
    let sql =
        "select id, contract, device, device_id, address, created_at, last_used_at, expires_at, revoked_at
        from sessions where account_id = ?1 order by last_used_at desc, id desc";
    tx.rows(sql, params![account], |row| {
        Ok(OwnSession {
            id: row.take()?,
            contract: row.take()?,
            name: row.take()?,
            device: row.take()?,
            address: row.take()?,
            created_at: row.take()?,
            last_used_at: row.take()?,
            expires_at: row.take()?,
            revoked_at: row.take()?,
        })
    })
}

impl OwnSession {
    /// Whether tokens of it are honored.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

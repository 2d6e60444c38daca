//! Devices that clients name themselves, as rows: each with the one session on it.

use super::{Row, Tx, Unavailable, params, sessions};
use crate::model::client_device::Platform;
use crate::model::id::{AccountId, DeviceId, SessionId};
use crate::model::time::Millis;

/// A device that somebody comes in on.
#[derive(Debug, Clone)]
pub struct Arriving {
    pub id: DeviceId,
    pub account: AccountId,
    /// The session on it.
    pub session: SessionId,
    /// The client's identity for it.
    pub device_id: String,
    pub name: Option<String>,
    pub platform: Option<Platform>,
    pub app_version: Option<String>,
    pub push_token_sealed: Option<String>,
    pub now: Millis,
}

/// Ends the session that was open on the same device: whoever comes in again there goes on in another.
pub fn supersede(tx: &Tx<'_>, arriving: &Arriving) -> Result<(), Unavailable> {
    let sql = "select session_id from client_devices where account_id = ?1 and device_id = ?2";
    let before: Option<SessionId> = tx.value(sql, params![arriving.account, arriving.device_id])?;
    before.map_or(Ok(()), |session| sessions::revoke(tx, session, arriving.now).map(drop))
}

/// Notes the device with its session, which is there already. What the client calls it and runs on
/// stays where it does not tell this time.
pub fn note(tx: &Tx<'_>, arriving: &Arriving) -> Result<(), Unavailable> {
    let sql =
        "insert into client_devices (id, account_id, session_id, device_id, name, platform, app_version,
            push_token_sealed, login_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        on conflict (account_id, device_id) do update set session_id = excluded.session_id,
            name = coalesce(excluded.name, client_devices.name),
            platform = coalesce(excluded.platform, client_devices.platform),
            app_version = coalesce(excluded.app_version, client_devices.app_version),
            push_token_sealed = excluded.push_token_sealed, login_at = excluded.login_at";
    tx.execute(
        sql,
        params![
            arriving.id,
            arriving.account,
            arriving.session,
            arriving.device_id,
            arriving.name,
            arriving.platform.map(Platform::as_str),
            arriving.app_version,
            arriving.push_token_sealed,
            arriving.now
        ],
    )?;
    Ok(())
}

/// Forgets the push tokens of devices whose sessions have ended: nobody is to be written to there any more.
pub(super) fn forget_push_tokens(tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
    let sql = "update client_devices set push_token_sealed = null
        where account_id = ?1 and push_token_sealed is not null
        and session_id in (select id from sessions where account_id = ?1 and revoked_at is not null)";
    tx.execute(sql, params![account])?;
    Ok(())
}

/// A device that somebody is signed in on.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub id: DeviceId,
    pub session: SessionId,
    /// The client's identity for it.
    pub device_id: String,
    pub name: Option<String>,
    pub platform: Option<String>,
    pub app_version: Option<String>,
    pub login_at: Millis,
    pub last_used_at: Millis,
}

const LIVE: &str =
    "select d.id, d.session_id, d.device_id, d.name, d.platform, d.app_version, d.login_at, s.last_used_at
    from client_devices d join sessions s on s.id = d.session_id
    where d.account_id = ?1 and s.revoked_at is null and s.expires_at > ?2";

fn read(row: &mut Row) -> Result<SignedIn, Unavailable> {
    Ok(SignedIn {
        id: row.take()?,
        session: row.take()?,
        device_id: row.take()?,
        name: row.take()?,
        platform: row.take()?,
        app_version: row.take()?,
        login_at: row.take()?,
        last_used_at: row.take()?,
    })
}

/// The devices that an account is signed in on, the latest used first.
pub fn live(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<Vec<SignedIn>, Unavailable> {
    tx.rows(
        &format!("{LIVE} order by s.last_used_at desc, d.login_at desc, d.id desc"),
        params![account, now],
        read,
    )
}

/// The device of an account's by the client's identity for it, where it is signed in there; another's is as unknown.
pub fn find_live(
    tx: &Tx<'_>,
    account: AccountId,
    device_id: &str,
    now: Millis,
) -> Result<Option<SignedIn>, Unavailable> {
    tx.row(&format!("{LIVE} and d.device_id = ?3"), params![account, now, device_id], read)
}

/// Forgets a device and ends the session on it.
pub fn remove(tx: &Tx<'_>, device: &SignedIn, now: Millis) -> Result<(), Unavailable> {
    sessions::revoke(tx, device.session, now)?;
    tx.execute("delete from client_devices where id = ?1", params![device.id])?;
    Ok(())
}

//! Devices that clients name themselves, as rows: each with the one session on it.

use super::{Tx, Unavailable, params, sessions};
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

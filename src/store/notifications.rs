//! What an account wants to be told, and where, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::AccountId;
use crate::model::notification::NotificationSettings;

/// What an account has chosen, or the defaults.
pub fn get(tx: &Tx<'_>, account: AccountId) -> Result<NotificationSettings, Unavailable> {
    let sql =
        "select webhook_url, notify_email, notify_browser from notification_settings where account_id = ?1";
    let found = tx.row(sql, params![account], |row: &mut Row| {
        Ok(NotificationSettings { webhook_url: row.take()?, email: row.take()?, browser: row.take()? })
    })?;
    Ok(found.unwrap_or_default())
}

/// Puts a choice in the place of the one before.
pub fn put(tx: &Tx<'_>, account: AccountId, chosen: &NotificationSettings) -> Result<(), Unavailable> {
    let sql = "insert into notification_settings (account_id, webhook_url, notify_email, notify_browser)
        values (?1, ?2, ?3, ?4)
        on conflict (account_id) do update set webhook_url = excluded.webhook_url,
            notify_email = excluded.notify_email, notify_browser = excluded.notify_browser";
    tx.execute(sql, params![account, chosen.webhook_url, chosen.email, chosen.browser])?;
    Ok(())
}

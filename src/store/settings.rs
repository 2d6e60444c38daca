//! Settings of users and organizations, as rows.

use super::{Tx, Unavailable, params};
use crate::model::id::{AccountId, OrganizationId};
use crate::model::settings::Settings;
use crate::model::time::Millis;

/// Whose settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    User(AccountId),
    Organization(OrganizationId),
}

/// Somebody's settings; empty where none were ever written.
pub fn get(tx: &Tx<'_>, owner: Owner) -> Result<Settings, Unavailable> {
    let text: Option<String> = match owner {
        Owner::User(id) => {
            tx.value("select settings from user_settings where account_id = ?1", params![id])?
        }
        Owner::Organization(id) => {
            tx.value("select settings from organization_settings where organization_id = ?1", params![id])?
        }
    };
    let damaged = || Unavailable::because("a column does not hold settings");
    text.map_or(Ok(Settings::default()), |text| Settings::of_text(&text).ok_or_else(damaged))
}

/// Replaces somebody's settings by this text.
pub fn put(tx: &Tx<'_>, owner: Owner, text: &str, now: Millis) -> Result<(), Unavailable> {
    match owner {
        Owner::User(id) => tx.execute(
            "insert into user_settings (account_id, settings, updated_at) values (?1, ?2, ?3)
            on conflict (account_id) do update set settings = excluded.settings, updated_at = excluded.updated_at",
            params![id, text, now],
        ),
        Owner::Organization(id) => tx.execute(
            "insert into organization_settings (organization_id, settings, updated_at) values (?1, ?2, ?3)
            on conflict (organization_id) do update
            set settings = excluded.settings, updated_at = excluded.updated_at",
            params![id, text, now],
        ),
    }
    .map(drop)
}

//! What people tell of themselves, as rows.

use super::{Tx, Unavailable, params};
use crate::model::id::AccountId;
use crate::model::personal::PersonalDetails;
use crate::model::time::Millis;

/// Notes what somebody told at the sign-up.
pub fn insert(
    tx: &Tx<'_>,
    account: AccountId,
    details: &PersonalDetails,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql = "insert into profiles (account_id, country, language, updated_at) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![account, details.country, details.language, now])?;
    Ok(())
}

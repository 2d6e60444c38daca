//! What people tell of themselves, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::AccountId;
use crate::model::personal::{PersonalDetails, Profile};
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

/// What an account has told, and when it last did; `None` while it never has.
pub fn find(tx: &Tx<'_>, account: AccountId) -> Result<Option<(Profile, Millis)>, Unavailable> {
    let sql =
        "select phone, address, city, state, country, postal_code, locale, language, birth_date, updated_at
        from profiles where account_id = ?1";
    tx.row(sql, params![account], |row: &mut Row| {
        let profile = Profile {
            phone: row.take()?,
            address: row.take()?,
            city: row.take()?,
            state: row.take()?,
            country: row.take()?,
            postal_code: row.take()?,
            locale: row.take()?,
            language: row.take()?,
            birth_date: row.take()?,
        };
        Ok((profile, row.take()?))
    })
}

/// Changes what an account has told: none stays, an empty text takes it back.
pub fn update(tx: &Tx<'_>, account: AccountId, change: &Profile, now: Millis) -> Result<(), Unavailable> {
    let sql =
        "insert into profiles (account_id, updated_at) values (?1, ?2) on conflict (account_id) do nothing";
    tx.execute(sql, params![account, now])?;
    let sql = "update profiles set phone = nullif(coalesce(?3, phone), ''),
            address = nullif(coalesce(?4, address), ''), city = nullif(coalesce(?5, city), ''),
            state = nullif(coalesce(?6, state), ''), country = nullif(coalesce(?7, country), ''),
            postal_code = nullif(coalesce(?8, postal_code), ''), locale = nullif(coalesce(?9, locale), ''),
            language = nullif(coalesce(?10, language), ''),
            birth_date = nullif(coalesce(?11, birth_date), ''), updated_at = ?2
        where account_id = ?1";
    tx.execute(
        sql,
        params![
            account,
            now,
            change.phone,
            change.address,
            change.city,
            change.state,
            change.country,
            change.postal_code,
            change.locale,
            change.language,
            change.birth_date
        ],
    )?;
    Ok(())
}

//! Usernames, as rows.

use super::{Tx, Unavailable, params};
use crate::model::id::AccountId;

/// The username of an account, if it has one yet.
pub fn find(tx: &Tx<'_>, account: AccountId) -> Result<Option<String>, Unavailable> {
    tx.value("select username from usernames where account_id = ?1", params![account])
}

/// Gives an account a username. False when another has it.
pub fn claim(tx: &Tx<'_>, account: AccountId, username: &str) -> Result<bool, Unavailable> {
    let sql =
        "insert into usernames (username, account_id) values (?1, ?2) on conflict (username) do nothing";
    Ok(tx.execute(sql, params![username, account])? == 1)
}

//! Referral codes and who came by them, as rows.

use super::{Tx, Unavailable, params};
use crate::model::id::AccountId;
use crate::model::referral::ReferralCode;

/// Somebody who signs up, as far as it tells whether they came by a code of their own.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer<'a> {
    /// Keyed digest of the address without its plus-tag.
    pub identity: &'a str,
    /// The client's identity for the device.
    pub device_id: Option<&'a str>,
}

/// Whose code it is. `None` where it is nobody's, or the newcomer's own: the same mailbox, or a device that the
/// referrer is signed in on.
pub fn referrer(
    tx: &Tx<'_>,
    code: &ReferralCode,
    newcomer: Newcomer<'_>,
) -> Result<Option<AccountId>, Unavailable> {
    let sql = "select r.account_id from referrals r join accounts a on a.id = r.account_id
        where r.code = ?1 and a.email_identity <> ?2 and not exists (
            select 1 from client_devices d where d.account_id = r.account_id and d.device_id = ?3)";
    tx.value(sql, params![code.as_str(), newcomer.identity, newcomer.device_id])
}

/// Gives an account its code. False when another has it.
pub fn insert(
    tx: &Tx<'_>,
    account: AccountId,
    code: &ReferralCode,
    referred_by: Option<AccountId>,
) -> Result<bool, Unavailable> {
    let sql = "insert into referrals (account_id, code, referred_by) values (?1, ?2, ?3) on conflict (code) do nothing";
    Ok(tx.execute(sql, params![account, code.as_str(), referred_by])? == 1)
}

//! Referral codes and who came by them, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{AccountId, OrganizationId};
use crate::model::referral::{ReferralCode, Tally};
use crate::model::time::Millis;

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
    let inserted = tx.execute(sql, params![account, code.as_str(), referred_by])? == 1;
    if let (true, Some(referrer)) = (inserted, referred_by) {
        let sql = "update referrals set brought_in = brought_in + 1 where account_id = ?1";
        tx.execute(sql, params![referrer])?;
    }
    Ok(inserted)
}

/// What came of an account's code; `None` while the account has none.
pub fn tally(tx: &Tx<'_>, account: AccountId) -> Result<Option<Tally>, Unavailable> {
    let sql = "select code, brought_in, rewarded, reward_tokens from referrals where account_id = ?1";
    tx.row(sql, params![account], |row| {
        Ok(Tally { code: row.take()?, brought_in: row.take()?, rewarded: row.take()?, tokens: row.take()? })
    })
}

/// An account that somebody brought in.
#[derive(Debug, Clone, Copy)]
pub struct Referral {
    pub referred: AccountId,
    pub referrer: AccountId,
}

/// Settles the referrals of an organization's members that were open until now: whoever asks again gets none.
pub fn settle(tx: &Tx<'_>, organization: OrganizationId, now: Millis) -> Result<Vec<Referral>, Unavailable> {
    let sql = "update referrals set rewarded_at = ?2 where rewarded_at is null and referred_by is not null
            and account_id in (select account_id from memberships where organization_id = ?1)
        returning account_id, referred_by";
    tx.rows(sql, params![organization, now], |row: &mut Row| {
        Ok(Referral { referred: row.take()?, referrer: row.take()? })
    })
}

/// Whether referrer and referred are two people, as far as mailboxes and devices tell (G5).
pub fn is_between_two(tx: &Tx<'_>, referral: Referral) -> Result<bool, Unavailable> {
    let sql = "select 1 from accounts referred join accounts referrer on referrer.id = ?2
        where referred.id = ?1 and referred.email_identity <> referrer.email_identity and not exists (
            select 1 from client_devices theirs join client_devices own on own.device_id = theirs.device_id
            where theirs.account_id = ?1 and own.account_id = ?2)";
    Ok(tx.value::<i64>(sql, params![referral.referred, referral.referrer])?.is_some())
}

/// Remembers that the mailbox of an account has earned somebody a reward. False when it had before, also by an account
/// that was erased since.
pub fn give_once(tx: &Tx<'_>, referred: AccountId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "insert into referral_rewards (identity, given_at)
        select email_identity, ?2 from accounts where id = ?1 on conflict (identity) do nothing";
    Ok(tx.execute(sql, params![referred, now])? == 1)
}

/// Counts a reward of so many tokens.
pub fn count_reward(tx: &Tx<'_>, referrer: AccountId, tokens: i64) -> Result<(), Unavailable> {
    let sql = "update referrals set rewarded = rewarded + 1, reward_tokens = reward_tokens + ?2
        where account_id = ?1";
    tx.execute(sql, params![referrer, tokens])?;
    Ok(())
}

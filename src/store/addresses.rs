//! Changes of address, as rows: asked for, made, undone. A former address is kept for its account as long as the change
//! can be undone, by the open proof that would undo it.

use super::proofs::{COLUMNS, read};
use super::{Tx, Unavailable, params};
use crate::model::email::EmailAddress;
use crate::model::id::{AccountId, ProofId, SessionId};
use crate::model::proof::{Proof, Purpose};
use crate::model::time::Millis;

/// A proof about to be opened by which an account gets an address.
pub struct NewAddressProof<'a> {
    pub id: ProofId,
    pub account: AccountId,
    pub purpose: Purpose,
    pub address: &'a EmailAddress,
    /// The session it was asked from.
    pub session: Option<SessionId>,
    pub now: Millis,
}

/// Opens a proof without secrets, good for as long as its purpose says.
pub fn open(tx: &Tx<'_>, new: &NewAddressProof<'_>) -> Result<(), Unavailable> {
    let sql = "insert into proofs (id, account_id, purpose, created_at, expires_at, address, address_key, session_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let expires = new.now + new.purpose.life();
    tx.execute(
        sql,
        params![
            new.id,
            new.account,
            new.purpose,
            new.now,
            expires,
            *new.address,
            new.address.key(),
            new.session
        ],
    )?;
    Ok(())
}

/// The account that has an address, or for which it is kept.
pub fn holder(tx: &Tx<'_>, key: &str, now: Millis) -> Result<Option<AccountId>, Unavailable> {
    let sql = "select id from accounts where email_key = ?1
        union all select account_id from proofs
            where address_key = ?1 and purpose = ?2 and used_at is null and expires_at > ?3";
    tx.value(sql, params![key, Purpose::UndoChange, now])
}

/// The address of an account, as it is to be.
pub struct NewAddress<'a> {
    pub account: AccountId,
    pub email: &'a EmailAddress,
    /// Keyed digest of the mailbox.
    pub identity: &'a str,
}

/// Gives an account another address. False when somebody else has it or it is kept for somebody else.
pub fn set(tx: &Tx<'_>, new: &NewAddress<'_>, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update accounts set email = ?2, email_key = ?3, email_identity = ?4, updated_at = ?5
        where id = ?1 and not exists (select 1 from accounts other where other.email_key = ?3 and other.id <> ?1)
        and not exists (select 1 from proofs where address_key = ?3 and purpose = ?6 and used_at is null
            and expires_at > ?5 and account_id <> ?1)";
    let values = params![new.account, *new.email, new.email.key(), new.identity, now, Purpose::UndoChange];
    Ok(tx.execute(sql, values)? == 1)
}

/// Makes void what would undo this change or one made after it. What undoes an earlier one stays good: of two mailboxes
/// the account was taken from, the former has the better right.
pub fn void_undoing_since(
    tx: &Tx<'_>,
    account: AccountId,
    since: Millis,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql = "update proofs set used_at = ?4
        where account_id = ?1 and purpose = ?2 and created_at >= ?3 and used_at is null";
    tx.execute(sql, params![account, Purpose::UndoChange, since, now])?;
    Ok(())
}

/// The open proofs of an account that concern an address, the latest first.
pub fn open_proofs(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<Vec<Proof>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from proofs p
        where p.account_id = ?1 and p.address_key is not null and p.used_at is null and p.expires_at > ?2
        order by p.created_at desc, p.id desc"
    );
    tx.rows(&sql, params![account, now], read)
}

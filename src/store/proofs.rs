//! Proofs, their secrets and the count of tried codes, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::{AccountId, ProofId};
use crate::model::proof::{CODE_WINDOW, Proof, Purpose};
use crate::model::time::Millis;

pub(super) const COLUMNS: &str =
    "p.id, p.account_id, p.purpose, p.created_at, p.used_at, p.expires_at, p.address, p.session_id";

pub(super) fn read(row: &mut Row) -> Result<Proof, Unavailable> {
    Ok(Proof {
        id: row.take()?,
        account: row.take()?,
        purpose: row.take()?,
        created_at: row.take()?,
        used_at: row.take()?,
        expires_at: row.take()?,
        address: row.take()?,
        session: row.take()?,
    })
}

/// Opens a proof without secrets.
pub fn insert(
    tx: &Tx<'_>,
    id: ProofId,
    account: AccountId,
    purpose: Purpose,
    now: Millis,
) -> Result<(), Unavailable> {
    let sql =
        "insert into proofs (id, account_id, purpose, created_at, expires_at) values (?1, ?2, ?3, ?4, ?4)";
    tx.execute(sql, params![id, account, purpose, now])?;
    Ok(())
}

/// Adds a secret and its code to a proof; older secrets stay good until one is used.
pub fn add_secret(
    tx: &Tx<'_>,
    id: ProofId,
    secret_hash: &str,
    code_mac: &str,
    expires: Millis,
) -> Result<(), Unavailable> {
    let sql =
        "insert into proof_secrets (secret_hash, proof_id, code_mac, expires_at) values (?1, ?2, ?3, ?4)";
    tx.execute(sql, params![secret_hash, id, code_mac, expires])?;
    tx.execute("update proofs set expires_at = ?2 where id = ?1", params![id, expires])?;
    Ok(())
}

/// Lets a proof live until then.
pub fn extend(tx: &Tx<'_>, id: ProofId, expires: Millis) -> Result<(), Unavailable> {
    tx.execute("update proofs set expires_at = ?2 where id = ?1", params![id, expires])?;
    Ok(())
}

/// The proof of an id.
pub fn find(tx: &Tx<'_>, id: ProofId) -> Result<Option<Proof>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from proofs p where p.id = ?1"), params![id], read)
}

/// The unused proof of an account and purpose that was opened last.
pub fn latest_open(tx: &Tx<'_>, account: AccountId, purpose: Purpose) -> Result<Option<Proof>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from proofs p where p.account_id = ?1 and p.purpose = ?2 and p.used_at is null
        order by p.created_at desc, p.id desc limit 1"
    );
    tx.row(&sql, params![account, purpose], read)
}

/// The open proofs of an account and purpose that still live, the latest first, at most 50.
pub fn open(
    tx: &Tx<'_>,
    account: AccountId,
    purpose: Purpose,
    now: Millis,
) -> Result<Vec<ProofId>, Unavailable> {
    let sql =
        "select id from proofs where account_id = ?1 and purpose = ?2 and used_at is null and expires_at > ?3
        order by created_at desc, id desc limit 50";
    tx.rows(sql, params![account, purpose, now], Row::take)
}

/// The open proof that a link's secret belongs to, if secret and proof are still good for the purpose.
pub fn by_secret(
    tx: &Tx<'_>,
    secret_hash: &str,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<Proof>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from proof_secrets s join proofs p on p.id = s.proof_id
        where s.secret_hash = ?1 and p.purpose = ?2 and s.expires_at > ?3 and p.used_at is null"
    );
    tx.row(&sql, params![secret_hash, purpose, now], read)
}

/// Whether a secret belongs to a used proof that had its effect: the account's address is proved or, by a proof of an
/// address, is that one. The link was followed before.
pub fn was_followed(tx: &Tx<'_>, secret_hash: &str, purpose: Purpose) -> Result<bool, Unavailable> {
    let sql = "select 1 from proof_secrets s join proofs p on p.id = s.proof_id
        join accounts a on a.id = p.account_id
        where s.secret_hash = ?1 and p.purpose = ?2 and p.used_at is not null and a.verified_at is not null
        and (p.address_key is null or p.address_key = a.email_key)";
    Ok(tx.value::<i64>(sql, params![secret_hash, purpose])?.is_some())
}

/// Whether a code belongs to a still-good secret of the proof.
pub fn has_code(tx: &Tx<'_>, id: ProofId, code_mac: &str, now: Millis) -> Result<bool, Unavailable> {
    let sql = "select 1 from proof_secrets where proof_id = ?1 and code_mac = ?2 and expires_at > ?3";
    Ok(tx.value::<i64>(sql, params![id, code_mac, now])?.is_some())
}

/// Uses a proof up. True for exactly one caller.
pub fn consume(tx: &Tx<'_>, id: ProofId, now: Millis) -> Result<bool, Unavailable> {
    let sql = "update proofs set used_at = ?2 where id = ?1 and used_at is null";
    Ok(tx.execute(sql, params![id, now])? == 1)
}

/// Makes the open proofs of an account and purpose void.
pub fn void(tx: &Tx<'_>, account: AccountId, purpose: Purpose, now: Millis) -> Result<u64, Unavailable> {
    let sql = "update proofs set used_at = ?3 where account_id = ?1 and purpose = ?2 and used_at is null";
    tx.execute(sql, params![account, purpose, now])
}

/// Makes the open proofs of an account void, all but those that give it a former address back: whoever can cause this
/// may be the one they protect from (A5).
pub fn void_all_but_undoing(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<u64, Unavailable> {
    let sql = "update proofs set used_at = ?3 where account_id = ?1 and purpose <> ?2 and used_at is null";
    tx.execute(sql, params![account, Purpose::UndoChange, now])
}

/// Counts a try at a code and tells how many there were in the window, this one included (E1).
pub fn count_try(tx: &Tx<'_>, account: AccountId, purpose: Purpose, now: Millis) -> Result<i64, Unavailable> {
    let sql = "insert into code_tries (account_id, purpose, window_started_at, tries) values (?1, ?2, ?3, 1)
        on conflict (account_id, purpose) do update set
            tries = case when code_tries.window_started_at <= ?4 then 1 else code_tries.tries + 1 end,
            window_started_at = case when code_tries.window_started_at <= ?4 then ?3
                else code_tries.window_started_at end
        returning tries";
    Ok(tx.value(sql, params![account, purpose, now, now - CODE_WINDOW])?.unwrap_or(i64::MAX))
}

/// Forgets the tries once a proof succeeded.
pub fn clear_tries(tx: &Tx<'_>, account: AccountId, purpose: Purpose) -> Result<(), Unavailable> {
    tx.execute("delete from code_tries where account_id = ?1 and purpose = ?2", params![account, purpose])?;
    Ok(())
}

/// Removes proofs whose secrets ended before `before`, at most `limit`. The open proof of an unverified address stays
/// as long as its account: its letter can be sent again under the same id.
pub fn delete_ended(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from proofs where id in (
        select p.id from proofs p join accounts a on a.id = p.account_id
        where p.expires_at < ?1 and not (p.purpose = 'verify' and p.used_at is null and a.verified_at is null)
        limit ?2)";
    tx.execute(sql, params![before, limit])
}

//! The audit log, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::audit::{Actor, Deed, Entry, Recorded};
use crate::model::id::AccountId;
use crate::model::time::Millis;

/// Writes an entry, in the transaction of what it tells.
pub fn note(tx: &Tx<'_>, entry: &Entry) -> Result<(), Unavailable> {
    let (actor, address) = match entry.actor {
        Actor::Person(account, address) => (Some(account), address.to_string()),
        Actor::Operator | Actor::System => (None, String::new()),
    };
    let sql = "insert into audit_entries (id, at, actor_kind, actor_id, account_id, organization_id, action, address,
            detail)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    tx.execute(
        sql,
        params![
            entry.id,
            entry.at,
            entry.actor.kind(),
            actor,
            entry.account,
            entry.organization,
            entry.deed.word(),
            address,
            entry.detail
        ],
    )?;
    Ok(())
}

const COLUMNS: &str = "id, at, actor_kind, actor_id, account_id, organization_id, action, address, detail";

fn read(row: &mut Row) -> Result<Recorded, Unavailable> {
    Ok(Recorded {
        id: row.take()?,
        at: row.take()?,
        actor_kind: row.take()?,
        actor: row.take()?,
        account: row.take()?,
        organization: row.take()?,
        action: row.take()?,
        address: row.take()?,
        detail: row.take()?,
    })
}

/// The latest entries, newest first.
pub fn latest(tx: &Tx<'_>, limit: i64) -> Result<Vec<Recorded>, Unavailable> {
    let sql = format!("select {COLUMNS} from audit_entries order by at desc, id desc limit ?1");
    tx.rows(&sql, params![limit], read)
}

/// The latest entries about an account or by it, newest first.
pub fn of_account(tx: &Tx<'_>, account: AccountId, limit: i64) -> Result<Vec<Recorded>, Unavailable> {
    // Two halves, an index each: an "or" would sort all that somebody has ever done.
    let half =
        |column| format!("select {COLUMNS} from audit_entries where {column} = ?1 order by at desc, id desc");
    let sql = format!(
        "select * from ({} limit ?2) as suffered union select * from ({} limit ?2) as done
        order by at desc, id desc limit ?2",
        half("account_id"),
        half("actor_id")
    );
    tx.rows(&sql, params![account, limit], read)
}

/// Takes the network and mail addresses and the keys of settings out of an account's entries: what is left names nobody
/// once the account is gone.
pub fn forget_person(tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
    // Only a person has an address, and it is the actor's.
    let sql = "update audit_entries set address = '',
            detail = case when action in (?2, ?3) then '' else detail end
        where actor_id = ?1";
    let deeds = [Deed::SettingsChanged.word(), Deed::OrganizationSettingsChanged.word()];
    tx.execute(sql, params![account, deeds[0], deeds[1]])?;
    for deed in Deed::OF_ADDRESSES {
        let sql = "update audit_entries set detail = '' where account_id = ?1 and action = ?2";
        tx.execute(sql, params![account, deed.word()])?;
    }
    Ok(())
}

/// Removes entries from before `before`, at most `limit`.
pub fn delete_before(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from audit_entries where id in (select id from audit_entries where at < ?1 limit ?2)";
    tx.execute(sql, params![before, limit])
}

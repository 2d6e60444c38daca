//! The outbox, as rows.

pub mod history;
pub mod lanes;
#[cfg(test)]
mod tests;

use super::{Row, Tx, Unavailable, params};
use crate::model::attempt::Attempt;
use crate::model::id::{AccountId, LetterId};
use crate::model::letter::{Letter, LetterState};
use crate::model::time::Millis;

/// The verdict on a letter that needs no conversation.
const KEPT: &str = "kept in the mailbox";

const COLUMNS: &str =
    "id, kind, recipient, domain, language, message_id, sealed, state, attempts, created_at,
    next_attempt_at, expires_at, delivered_at, verdict";

/// What is no longer good, or in a courier's hand, stays as it is.
const RETRY: &str = "update letters set state = 'waiting', next_attempt_at = ?1, claimed_by = ''
    where sealed <> '' and expires_at > ?1 and claimed_until <= ?1";

fn read(row: &mut Row) -> Result<Letter, Unavailable> {
    Ok(Letter {
        id: row.take()?,
        kind: row.take()?,
        to: row.take()?,
        domain: row.take()?,
        language: row.take()?,
        message_id: row.take()?,
        sealed: row.take()?,
        state: row.take()?,
        attempts: row.take()?,
        created_at: row.take()?,
        next_attempt_at: row.take()?,
        expires_at: row.take()?,
        delivered_at: row.take()?,
        verdict: row.take()?,
    })
}

/// Puts a letter into the outbox.
pub fn insert(tx: &Tx<'_>, letter: &Letter, account: Option<AccountId>) -> Result<(), Unavailable> {
    let sql =
        "insert into letters (id, account_id, kind, recipient, language, message_id, sealed, state, attempts,
            created_at, next_attempt_at, claimed_until, expires_at, verdict, domain)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, 0, ?11, '', ?12)";
    tx.execute(
        sql,
        params![
            letter.id,
            account,
            letter.kind,
            letter.to,
            letter.language,
            letter.message_id,
            letter.sealed,
            letter.state,
            letter.created_at,
            letter.next_attempt_at,
            letter.expires_at,
            letter.domain
        ],
    )?;
    lanes::bring_forward(tx, &letter.domain, letter.next_attempt_at)
}

/// Puts every due letter into the mailbox, which takes no conversation: a few statements for all. Tells how many.
pub fn keep_due(tx: &Tx<'_>, now: Millis) -> Result<u64, Unavailable> {
    history::append_kept(tx, now, KEPT)?;
    let sql =
        "update letters set state = 'delivered', delivered_at = ?1, attempts = attempts + 1, verdict = ?2,
            claimed_by = ''
        where state = 'waiting' and next_attempt_at <= ?1 and expires_at > ?1";
    let kept = tx.execute(sql, params![now, KEPT])?;
    lanes::close_empty(tx, now)?;
    Ok(kept)
}

/// What came of an attempt.
pub struct Outcome<'a> {
    pub state: LetterState,
    /// Whether the body is no longer needed.
    pub erase: bool,
    pub next_attempt_at: Millis,
    /// The line of the history; its number is set here.
    pub attempt: &'a Attempt,
}

/// Notes an attempt and gives the lease back; the letter's lane is the caller's to settle. Nothing changes for a letter
/// that is no longer waiting.
pub fn settle(tx: &Tx<'_>, id: LetterId, outcome: &Outcome<'_>) -> Result<bool, Unavailable> {
    let sql = "update letters set state = ?2, verdict = ?3, next_attempt_at = ?4, attempts = attempts + 1,
            claimed_until = 0, claimed_by = '', sealed = case when ?5 = 1 then '' else sealed end,
            delivered_at = case when ?2 = 'delivered' then ?6 else delivered_at end
        where id = ?1 and state = 'waiting' returning attempts";
    let Outcome { state, erase, next_attempt_at, attempt } = *outcome;
    let params = params![id, state, attempt.words, next_attempt_at, erase, attempt.at];
    let Some(number) = tx.value(sql, params)? else { return Ok(false) };
    history::append(tx, id, &Attempt { number, ..attempt.clone() })?;
    Ok(true)
}

/// Gives back a letter in hand that nobody was asked to take: it is due again, and its history has nothing to tell.
pub fn give_back(tx: &Tx<'_>, id: LetterId, domain: &str, now: Millis) -> Result<(), Unavailable> {
    let sql = "update letters set claimed_by = '', claimed_until = 0, next_attempt_at = ?2
        where id = ?1 and state = 'waiting'";
    tx.execute(sql, params![id, now])?;
    lanes::open(tx, domain, now)
}

/// The letter of an id.
pub fn find(tx: &Tx<'_>, id: LetterId) -> Result<Option<Letter>, Unavailable> {
    tx.row(&format!("select {COLUMNS} from letters where id = ?1"), params![id], read)
}

/// The latest letters, newest first, of one state and one domain, or all.
pub fn list(
    tx: &Tx<'_>,
    state: Option<LetterState>,
    domain: Option<&str>,
    limit: i64,
) -> Result<Vec<Letter>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from letters where state = coalesce(?1, state) and domain = coalesce(?2, domain)
        order by created_at desc, id desc limit ?3"
    );
    tx.rows(&sql, params![state, domain, limit], read)
}

/// Which letters of the mailbox are meant: those whose bodies are here. One that the courier has yet to take in hand
/// counts too: who has just signed up looks at once.
pub struct Kept<'a> {
    /// The whole address of the recipient in lower case; none for any.
    pub to: Option<&'a str>,
    /// A part of it in lower case; empty for any.
    pub part: &'a str,
}

/// The condition of [`Kept`], with its parameters as the first two.
const IS_KEPT: &str = "state in ('waiting', 'delivered') and sealed <> ''
    and lower(recipient) = coalesce(?1, lower(recipient)) and lower(recipient) like ?2 escape '!'";

impl Kept<'_> {
    fn pattern(&self) -> String {
        let literal = self.part.replace('!', "!!").replace('%', "!%").replace('_', "!_");
        format!("%{literal}%")
    }
}

/// A page of the mailbox, newest first: those older than `before`, where one is named. Nothing is older than a letter
/// that is not there.
pub fn kept(
    tx: &Tx<'_>,
    kept: &Kept<'_>,
    before: Option<LetterId>,
    limit: i64,
) -> Result<Vec<Letter>, Unavailable> {
    let before = before.map(|id| id.to_string()).unwrap_or_default();
    let sql = format!(
        "select {COLUMNS} from letters where {IS_KEPT}
            and (?3 = '' or (created_at, id) < (select created_at, id from letters where id = ?3))
        order by created_at desc, id desc limit ?4"
    );
    tx.rows(&sql, params![kept.to, kept.pattern(), before, limit], read)
}

/// How many letters of the mailbox are meant.
pub fn count_kept(tx: &Tx<'_>, kept: &Kept<'_>) -> Result<i64, Unavailable> {
    let sql = format!("select count(*) from letters where {IS_KEPT}");
    Ok(tx.value(&sql, params![kept.to, kept.pattern()])?.unwrap_or(0))
}

/// Takes letters out of the mailbox: their bodies go. That they were sent stays on record, since limits count it. Tells
/// how many.
pub fn erase_kept(tx: &Tx<'_>, kept: &Kept<'_>) -> Result<u64, Unavailable> {
    let sql = format!("update letters set sealed = '' where {IS_KEPT}");
    tx.execute(&sql, params![kept.to, kept.pattern()])
}

/// Makes a letter that waits or failed due at once. False when it is in a courier's hand, its body is gone, or its life
/// is over.
pub fn retry(tx: &Tx<'_>, id: LetterId, now: Millis) -> Result<bool, Unavailable> {
    let sql = format!("{RETRY} and id = ?2 and state in ('waiting', 'failed') returning domain");
    let Some(domain) = tx.value::<String>(&sql, params![now, id])? else { return Ok(false) };
    lanes::open(tx, &domain, now)?;
    Ok(true)
}

/// The same for all that failed. Tells how many.
pub fn retry_failed(tx: &Tx<'_>, now: Millis) -> Result<u64, Unavailable> {
    let retried = tx.execute(&format!("{RETRY} and state = 'failed'"), params![now])?;
    lanes::open_due(tx, now)?;
    Ok(retried)
}

/// The same for all to one domain that wait or failed. Tells how many.
pub fn retry_domain(tx: &Tx<'_>, domain: &str, now: Millis) -> Result<u64, Unavailable> {
    let sql = format!("{RETRY} and domain = ?2 and state in ('waiting', 'failed')");
    let retried = tx.execute(&sql, params![now, domain])?;
    if retried > 0 {
        lanes::open(tx, domain, now)?;
    }
    Ok(retried)
}

/// How many letters of a kind were written for an account after `after`, whatever became of them.
pub fn count_since(tx: &Tx<'_>, account: AccountId, kind: &str, after: Millis) -> Result<i64, Unavailable> {
    let sql = "select count(*) from letters where account_id = ?1 and kind = ?2 and created_at > ?3";
    Ok(tx.value(sql, params![account, kind, after])?.unwrap_or(0))
}

/// How many letters wait.
pub fn waiting(tx: &Tx<'_>) -> Result<i64, Unavailable> {
    Ok(tx.value("select count(*) from letters where state = 'waiting'", params![])?.unwrap_or(0))
}

/// How many letters wait that were made before one moment and not before another; none is no bound.
pub fn waiting_between(
    tx: &Tx<'_>,
    before: Option<Millis>,
    since: Option<Millis>,
) -> Result<i64, Unavailable> {
    let sql = "select count(*) from letters where state = 'waiting' and created_at >= ?2 and created_at < ?1";
    let (before, since) = (before.unwrap_or(Millis(i64::MAX)), since.unwrap_or(Millis(i64::MIN)));
    Ok(tx.value(sql, params![before, since])?.unwrap_or(0))
}

/// When the oldest letter was made that still waits.
pub fn oldest_waiting(tx: &Tx<'_>) -> Result<Option<Millis>, Unavailable> {
    let sql = "select min(created_at) from letters where state = 'waiting'";
    Ok(tx.value::<Option<Millis>>(sql, params![])?.flatten())
}

/// How many letters stand where. Reads the whole index: for a thread of its own.
pub fn counts(tx: &Tx<'_>) -> Result<Vec<(LetterState, i64)>, Unavailable> {
    let read = |row: &mut Row| Ok((row.take()?, row.take()?));
    tx.rows("select state, count(*) from letters group by state", params![], read)
}

/// Drops the waiting letters of an account that no courier has in hand: their links are void.
pub fn drop_waiting(tx: &Tx<'_>, account: AccountId, kind: &str, now: Millis) -> Result<u64, Unavailable> {
    let sql =
        "update letters set state = 'expired', sealed = '', verdict = 'its link became void', claimed_by = ''
        where account_id = ?1 and kind = ?2 and state = 'waiting' and claimed_until <= ?3";
    tx.execute(sql, params![account, kind, now])
}

/// Removes letters that are done and older than `before`, at most `limit`.
pub fn delete_done(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from letters where id in (
        select id from letters where created_at < ?1 and state <> 'waiting' limit ?2)";
    tx.execute(sql, params![before, limit])
}

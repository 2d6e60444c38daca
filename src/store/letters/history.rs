//! What came of each attempt to hand a letter over. It goes with its letter.

use super::super::{Row, Tx, Unavailable, params};
use crate::model::attempt::{Attempt, AttemptOutcome};
use crate::model::id::LetterId;
use crate::model::time::Millis;

/// Lines that are kept of a letter, the latest. A day of back-off makes some thirty; only an operator who retries over
/// and over makes more.
pub const KEPT_LINES: i64 = 50;

/// Adds a line, and forgets the oldest of too many.
pub fn append(tx: &Tx<'_>, letter: LetterId, attempt: &Attempt) -> Result<(), Unavailable> {
    let Attempt { number, at, outcome, words, server, tls } = attempt;
    let sql = "insert into letter_attempts (letter_id, number, at, outcome, words, server, tls)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    tx.execute(sql, params![letter, *number, *at, *outcome, *words, *server, *tls])?;
    let sql = "delete from letter_attempts where letter_id = ?1 and number <= ?2";
    tx.execute(sql, params![letter, number - KEPT_LINES]).map(drop)
}

/// Adds a line to every letter that the mailbox is about to keep.
pub fn append_kept(tx: &Tx<'_>, now: Millis, words: &str) -> Result<(), Unavailable> {
    let sql = "insert into letter_attempts (letter_id, number, at, outcome, words, server, tls)
        select id, attempts + 1, ?1, ?2, ?3, '', '' from letters
        where state = 'waiting' and next_attempt_at <= ?1 and expires_at > ?1";
    tx.execute(sql, params![now, AttemptOutcome::Delivered, words]).map(drop)
}

/// The lines of a letter, oldest first.
pub fn of_letter(tx: &Tx<'_>, letter: LetterId) -> Result<Vec<Attempt>, Unavailable> {
    let sql = "select number, at, outcome, words, server, tls from letter_attempts where letter_id = ?1
        order by number";
    tx.rows(sql, params![letter], |row: &mut Row| {
        Ok(Attempt {
            number: row.take()?,
            at: row.take()?,
            outcome: row.take()?,
            words: row.take()?,
            server: row.take()?,
            tls: row.take()?,
        })
    })
}

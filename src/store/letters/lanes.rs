//! Lanes: letters wait in one lane for each recipient's domain, so that a domain that is slow or silent holds up no
//! other, and a claim costs the same however many letters wait.
//!
//! A lane is due when its oldest letter is. It is held, which a new letter does not end, while as many of its letters are
//! in hand as may be, and while its server is spared. Whatever becomes of its letters otherwise, it is put right when it
//! is next looked into.

use std::time::Duration;

use super::super::{Row, Tx, Unavailable, params};
use super::{COLUMNS, history, read};
use crate::model::attempt::{Attempt, AttemptOutcome};
use crate::model::id::LetterId;
use crate::model::letter::Letter;
use crate::model::time::{HOUR, Millis, SECOND};

/// How long a lane is left alone whose server is to be tried by one letter when no such place is free.
const NO_PLACE: Duration = SECOND.saturating_mul(5);

/// Beyond every pause and every lease.
const FURTHEST: Duration = HOUR.saturating_mul(3);

/// What a courier may take in hand at once.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Names the courier's run, so that the next one can take its letters back.
    pub run: String,
    pub now: Millis,
    /// The end of the lease. It is also the letters' next date, so that one date tells all.
    pub until: Millis,
    /// Letters in all.
    pub free: usize,
    /// Letters of one lane, those in hand included.
    pub per_lane: usize,
    /// Letters of lanes whose server was not to be had, one for each lane; none where servers are not told apart by
    /// domain.
    pub probes: Option<usize>,
}

/// A letter taken in hand.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub letter: Letter,
    /// Whether it finds out if the lane's server is back.
    pub probe: bool,
}

pub(super) const DUE: &str =
    "select domain, faults from letter_lanes where due_at <= ?1 order by due_at limit ?2";
pub(super) const NEXT: &str =
    "select min(next_attempt_at) from letters where domain = ?1 and state = 'waiting'";
/// Asked of the rows, so that a letter is in hand until the very commit that settles it.
pub(super) const BUSY: &str = "select count(*) from letters
    where domain = ?1 and claimed_by <> '' and state = 'waiting' and claimed_until > ?2";
pub(super) const IN_HAND: &str =
    "select id, domain, attempts from letters where claimed_by <> '' and state = 'waiting'";
pub(super) const NEXT_DUE: &str = "select min(due_at) from letter_lanes";

pub(super) fn oldest() -> String {
    format!(
        "select {COLUMNS} from letters where domain = ?1 and state = 'waiting' and next_attempt_at <= ?2
        order by next_attempt_at, id limit ?3"
    )
}

/// Leases letters that are due: lanes in the order of their oldest letter, letters oldest first within a lane.
pub fn claim(tx: &Tx<'_>, claim: &Claim) -> Result<Vec<Claimed>, Unavailable> {
    let due: Vec<(String, i64)> =
        tx.rows(DUE, params![claim.now, claim.free as i64], |row: &mut Row| Ok((row.take()?, row.take()?)))?;
    let (mut claimed, mut probes) = (Vec::new(), claim.probes.unwrap_or(0));
    for (domain, faults) in due {
        let left = claim.free - claimed.len();
        if left == 0 {
            break;
        }
        let probe = claim.probes.is_some() && faults > 0;
        let busy = tx.value::<i64>(BUSY, params![domain, claim.now])?.unwrap_or(0);
        let busy = usize::try_from(busy).unwrap_or(0);
        let most = if probe { probes.min(1) } else { claim.per_lane };
        let room = most.saturating_sub(busy);
        let letters = take(tx, claim, &domain, room.min(left))?;
        let taken = letters.len();
        if probe {
            probes -= taken;
        }
        claimed.extend(letters.into_iter().map(|letter| Claimed { letter, probe }));
        if taken < room {
            look_again(tx, &domain, claim.now)?;
        } else if taken + busy > 0 {
            hold(tx, &domain, claim.until)?;
        } else {
            hold(tx, &domain, claim.now + NO_PLACE)?;
        }
    }
    Ok(claimed)
}

fn take(tx: &Tx<'_>, claim: &Claim, domain: &str, most: usize) -> Result<Vec<Letter>, Unavailable> {
    if most == 0 {
        return Ok(Vec::new());
    }
    let letters = tx.rows(&oldest(), params![domain, claim.now, most as i64], read)?;
    for letter in &letters {
        let sql =
            "update letters set claimed_by = ?2, claimed_until = ?3, next_attempt_at = ?3 where id = ?1";
        tx.execute(sql, params![letter.id, claim.run, claim.until])?;
    }
    Ok(letters)
}

/// Takes back the letters that a courier before this run had in hand: one server works on a database, so nobody carries
/// them any more, and they are due at once. A lease without a name is not a courier's and is left alone. Tells how many.
pub fn take_back(tx: &Tx<'_>, now: Millis) -> Result<usize, Unavailable> {
    let in_hand: Vec<(LetterId, String, i64)> =
        tx.rows(IN_HAND, params![], |row: &mut Row| Ok((row.take()?, row.take()?, row.take()?)))?;
    for (id, domain, attempts) in &in_hand {
        let sql = "update letters set claimed_by = '', claimed_until = 0, next_attempt_at = ?2, attempts = ?3
            where id = ?1";
        let number = attempts + 1;
        tx.execute(sql, params![*id, now, number])?;
        let words = "the server ended while this letter was in hand: it may have arrived".to_owned();
        let (server, tls) = Default::default();
        let outcome = AttemptOutcome::CutOff;
        history::append(tx, *id, &Attempt { number, at: now, outcome, words, server, tls })?;
        open(tx, domain, now)?;
    }
    Ok(in_hand.len())
}

/// Brings near what is dated further ahead than any pause or lease is long: the clock was set back.
pub fn bring_near(tx: &Tx<'_>, now: Millis) -> Result<(), Unavailable> {
    let furthest = now + FURTHEST;
    let sql = "update letters set next_attempt_at = ?1, claimed_until = 0, claimed_by = ''
        where state = 'waiting' and next_attempt_at > ?2";
    tx.execute(sql, params![now, furthest])?;
    tx.execute("update letter_lanes set due_at = ?1, held = 0 where due_at > ?2", params![now, furthest])
        .map(drop)
}

/// When the next lane is to be looked into.
pub fn next_due(tx: &Tx<'_>) -> Result<Option<Millis>, Unavailable> {
    Ok(tx.value::<Option<Millis>>(NEXT_DUE, params![])?.flatten())
}

/// A letter of the lane is due at `due`.
pub fn bring_forward(tx: &Tx<'_>, domain: &str, due: Millis) -> Result<(), Unavailable> {
    let sql = "insert into letter_lanes (domain, due_at, held, faults) values (?1, ?2, 0, 0)
        on conflict (domain) do update set due_at = ?2 where letter_lanes.held = 0 and letter_lanes.due_at > ?2";
    tx.execute(sql, params![domain, due]).map(drop)
}

/// Lets the lane be looked into at once, held or not.
pub fn open(tx: &Tx<'_>, domain: &str, now: Millis) -> Result<(), Unavailable> {
    let sql = "insert into letter_lanes (domain, due_at, held, faults) values (?1, ?2, 0, 0)
        on conflict (domain) do update set due_at = ?2, held = 0";
    tx.execute(sql, params![domain, now]).map(drop)
}

/// The same for every lane with a letter that is due since this moment.
pub(super) fn open_due(tx: &Tx<'_>, now: Millis) -> Result<(), Unavailable> {
    let sql = "insert into letter_lanes (domain, due_at, held, faults)
        select distinct domain, ?1, 0, 0 from letters where state = 'waiting' and next_attempt_at = ?1
        on conflict (domain) do update set due_at = ?1, held = 0";
    tx.execute(sql, params![now]).map(drop)
}

/// Its server has answered a letter.
pub fn answered(tx: &Tx<'_>, domain: &str, now: Millis) -> Result<(), Unavailable> {
    let sql = "update letter_lanes set faults = 0 where domain = ?1 and faults > 0";
    tx.execute(sql, params![domain])?;
    look_again(tx, domain, now)
}

/// Its server was not to be had, for the n-th time in a row: what is n. The lane is to be held.
pub fn missed(tx: &Tx<'_>, domain: &str) -> Result<i64, Unavailable> {
    let sql = "update letter_lanes set faults = faults + 1 where domain = ?1 returning faults";
    Ok(tx.value(sql, params![domain])?.unwrap_or(1))
}

/// Leaves the lane alone until a moment.
pub fn hold(tx: &Tx<'_>, domain: &str, until: Millis) -> Result<(), Unavailable> {
    let sql = "update letter_lanes set due_at = ?2, held = 1 where domain = ?1";
    tx.execute(sql, params![domain, until]).map(drop)
}

/// Sets the lane to its oldest letter's date, or removes it when none waits. One that is late lines up behind the lanes
/// that wait already: else a lane with many old letters would always come first.
pub fn look_again(tx: &Tx<'_>, domain: &str, now: Millis) -> Result<(), Unavailable> {
    match tx.value::<Option<Millis>>(NEXT, params![domain])?.flatten() {
        Some(due) => open(tx, domain, due.max(now)),
        None => tx.execute("delete from letter_lanes where domain = ?1", params![domain]).map(drop),
    }
}

/// Removes the lanes that are due and have no letter.
pub(super) fn close_empty(tx: &Tx<'_>, now: Millis) -> Result<(), Unavailable> {
    let sql = "delete from letter_lanes where due_at <= ?1 and not exists (
        select 1 from letters where letters.domain = letter_lanes.domain and letters.state = 'waiting')";
    tx.execute(sql, params![now]).map(drop)
}

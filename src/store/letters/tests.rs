//! Lanes, leases and histories on a database of their own.

mod turns;

use std::collections::BTreeMap;

use super::lanes::{self, Claim, Claimed};
use super::*;
use crate::metrics::Metrics;
use crate::model::attempt::AttemptOutcome;
use crate::model::id::RawId;
use crate::model::time::{DAY, HOUR, MINUTE, SECOND};
use crate::store::Store;

const NOW: Millis = Millis(1_772_366_400_000);

struct Outbox {
    store: Store,
    _folder: tempfile::TempDir,
}

impl Outbox {
    fn new() -> Outbox {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&folder.path().join("outbox.db"), Metrics::new()).expect("a database");
        Outbox { store, _folder: folder }
    }

    async fn write<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Tx<'_>) -> Result<T, Unavailable> + Send + 'static,
    ) -> T {
        self.store.write(f).await.expect("it is written")
    }

    fn read<T>(&self, f: impl FnOnce(&Tx<'_>) -> Result<T, Unavailable>) -> T {
        self.store.read(f).expect("it is read")
    }

    /// Puts a letter in, made so long after [`NOW`].
    async fn put(&self, number: u64, domain: &str, later: std::time::Duration) -> LetterId {
        let letter = letter(number, domain, NOW + later);
        let id = letter.id;
        self.write(move |tx| insert(tx, &letter, None)).await;
        id
    }

    async fn claim(&self, claim: Claim) -> Vec<Claimed> {
        self.write(move |tx| lanes::claim(tx, &claim)).await
    }

    fn lane(&self, domain: &str) -> Option<(Millis, bool, i64)> {
        let sql = "select due_at, held, faults from letter_lanes where domain = ?1";
        self.read(|tx| tx.row(sql, params![domain], |row| Ok((row.take()?, row.take()?, row.take()?))))
    }
}

fn letter(number: u64, domain: &str, made: Millis) -> Letter {
    let id = LetterId::from(RawId::new(0, number.to_be_bytes()));
    Letter {
        id,
        kind: "verify".to_owned(),
        to: format!("n{number}@{domain}"),
        domain: domain.to_owned(),
        language: "en".to_owned(),
        message_id: format!("{id}@latchkey.example"),
        sealed: "sealed".to_owned(),
        state: LetterState::Waiting,
        attempts: 0,
        created_at: made,
        next_attempt_at: made,
        expires_at: made + DAY,
        delivered_at: None,
        verdict: String::new(),
    }
}

fn wish(now: Millis, free: usize) -> Claim {
    Claim { run: "run".to_owned(), now, until: now + MINUTE, free, per_lane: 2, probes: Some(1) }
}

fn names(claimed: &[Claimed]) -> Vec<&str> {
    claimed.iter().map(|claimed| claimed.letter.to.as_str()).collect()
}

fn attempt(outcome: AttemptOutcome, number: i64) -> Attempt {
    let text = |word: &str| format!("{word} {number}");
    Attempt { number, at: NOW, outcome, words: text("words"), server: text("server"), tls: text("tls") }
}

#[tokio::test]
async fn each_domain_gets_its_share_oldest_letters_and_oldest_domains_first() {
    let outbox = Outbox::new();
    for number in 0..5 {
        outbox.put(number, "storm.example", SECOND * number as u32).await;
    }
    outbox.put(7, "late.example", SECOND * 7).await;
    outbox.put(6, "early.example", SECOND * 6).await;
    outbox.put(8, "not-yet.example", HOUR).await;
    let now = NOW + MINUTE;
    let first = outbox.claim(wish(now, 10)).await;
    let expected = ["n0@storm.example", "n1@storm.example", "n6@early.example", "n7@late.example"];
    assert_eq!(names(&first), expected);
    assert!(outbox.claim(wish(now, 10)).await.is_empty(), "the storm's two places are taken");

    let id = first[0].letter.id;
    outbox
        .write(move |tx| {
            let attempt = attempt(AttemptOutcome::Delivered, 0);
            let state = LetterState::Delivered;
            settle(tx, id, &Outcome { state, erase: true, next_attempt_at: now, attempt: &attempt })?;
            lanes::answered(tx, "storm.example", now)
        })
        .await;
    let next = outbox.claim(wish(now, 10)).await;
    assert_eq!(names(&next), ["n2@storm.example"], "one place was free again");
}

#[tokio::test]
async fn a_lane_whose_server_was_away_rests_as_a_whole_and_is_tried_by_one_letter() {
    let outbox = Outbox::new();
    for (number, domain) in [(0, "away.example"), (1, "away.example"), (2, "gone.example")] {
        outbox.put(number, domain, SECOND * number as u32).await;
    }
    let now = NOW + MINUTE;
    for domain in ["away.example", "gone.example"] {
        let times = outbox
            .write(move |tx| {
                lanes::missed(tx, domain)?;
                lanes::hold(tx, domain, now + HOUR)?;
                lanes::missed(tx, domain)
            })
            .await;
        assert_eq!(times, 2);
    }
    assert!(outbox.claim(wish(now, 10)).await.is_empty());
    outbox.put(3, "away.example", SECOND).await;
    assert!(outbox.claim(wish(now, 10)).await.is_empty(), "a new letter does not end its rest");
    outbox.put(4, "other.example", MINUTE).await;
    let later = now + HOUR;
    let tried = outbox.claim(wish(later, 10)).await;
    assert_eq!(names(&tried), ["n4@other.example", "n0@away.example"], "one probe at a time in all");
    assert_eq!(tried.iter().map(|claimed| claimed.probe).collect::<Vec<_>>(), [false, true]);
    let (due, held, faults) = outbox.lane("gone.example").expect("a lane");
    assert!(due > later && held && faults == 2, "it is looked into again soon");

    let id = tried[1].letter.id;
    outbox
        .write(move |tx| {
            let (state, attempt) = (LetterState::Failed, attempt(AttemptOutcome::Rejected, 0));
            settle(tx, id, &Outcome { state, erase: false, next_attempt_at: later, attempt: &attempt })?;
            lanes::answered(tx, "away.example", later)
        })
        .await;
    let back = outbox.claim(wish(later, 10)).await;
    assert_eq!(names(&back), ["n1@away.example", "n3@away.example"], "the server is back");
}

#[tokio::test]
async fn one_relay_for_all_domains_spares_none() {
    let outbox = Outbox::new();
    outbox.put(0, "away.example", SECOND).await;
    outbox.put(1, "away.example", SECOND).await;
    outbox.write(|tx| lanes::missed(tx, "away.example")).await;
    let claimed = outbox.claim(Claim { probes: None, ..wish(NOW + MINUTE, 10) }).await;
    assert_eq!(claimed.iter().map(|claimed| claimed.probe).collect::<Vec<_>>(), [false, false]);
}

// I2
#[tokio::test]
async fn what_a_courier_had_in_hand_is_taken_back_and_what_a_command_holds_is_not() {
    let outbox = Outbox::new();
    let (couriers, commands) =
        (outbox.put(0, "a.example", SECOND).await, outbox.put(1, "b.example", SECOND).await);
    let now = NOW + MINUTE;
    assert_eq!(outbox.claim(wish(now, 10)).await.len(), 2);
    let sql = "update letters set claimed_by = '' where id = ?1";
    outbox.write(move |tx| tx.execute(sql, params![commands])).await;
    assert_eq!(outbox.write(move |tx| lanes::take_back(tx, now)).await, 1);
    let again = outbox.claim(wish(now, 10)).await;
    assert_eq!(names(&again), ["n0@a.example"]);
    let history = outbox.read(|tx| history::of_letter(tx, couriers));
    assert_eq!((history.len(), history[0].outcome, history[0].number), (1, AttemptOutcome::CutOff, 1));
    assert_eq!(outbox.write(move |tx| lanes::take_back(tx, now)).await, 1, "it is in hand again");
}

#[tokio::test]
async fn a_lane_goes_with_its_last_letter_however_that_went() {
    let outbox = Outbox::new();
    outbox.put(0, "void.example", SECOND).await;
    outbox.put(1, "kept.example", SECOND).await;
    outbox.write(|tx| tx.execute("delete from letters where domain = 'void.example'", params![])).await;
    let now = NOW + MINUTE;
    assert_eq!(names(&outbox.claim(wish(now, 10)).await), ["n1@kept.example"]);
    assert_eq!(outbox.lane("void.example"), None);
    outbox.put(2, "kept.example", MINUTE).await;
    assert_eq!(outbox.write(move |tx| keep_due(tx, now)).await, 1);
    let sql = "update letters set state = 'delivered' where claimed_by <> ''";
    outbox.write(move |tx| tx.execute(sql, params![])).await;
    assert_eq!(outbox.write(move |tx| keep_due(tx, now + HOUR)).await, 0);
    assert_eq!(outbox.read(lanes::next_due), None);
}

#[tokio::test]
async fn a_history_keeps_its_latest_lines_and_goes_with_its_letter() {
    let outbox = Outbox::new();
    let id = outbox.put(0, "a.example", SECOND).await;
    let lines = history::KEPT_LINES + 3;
    outbox
        .write(move |tx| {
            (0..lines).try_for_each(|_| {
                let attempt = attempt(AttemptOutcome::Deferred, 0);
                let (state, next_attempt_at) = (LetterState::Waiting, NOW);
                settle(tx, id, &Outcome { state, erase: false, next_attempt_at, attempt: &attempt }).map(drop)
            })
        })
        .await;
    let history = outbox.read(|tx| history::of_letter(tx, id));
    let numbers: Vec<i64> = history.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (4..=lines).collect::<Vec<_>>());
    assert_eq!(Attempt { number: 0, ..history[0].clone() }, attempt(AttemptOutcome::Deferred, 0));

    outbox.write(|tx| tx.execute("update letters set state = 'failed'", params![])).await;
    assert_eq!(outbox.write(|tx| delete_done(tx, NOW + HOUR, 10)).await, 1);
    let left = outbox.read(|tx| tx.value::<i64>("select count(*) from letter_attempts", params![]));
    assert_eq!(left, Some(0));
}

#[tokio::test]
async fn letters_of_a_domain_or_all_that_failed_are_made_due() {
    let outbox = Outbox::new();
    for (number, domain) in [(0, "a.example"), (1, "a.example"), (2, "b.example"), (3, "c.example")] {
        outbox.put(number, domain, SECOND).await;
    }
    let now = NOW + MINUTE;
    let in_hand = outbox.claim(wish(now, 4)).await;
    assert_eq!(in_hand.len(), 4);
    assert_eq!(outbox.write(move |tx| retry_domain(tx, "a.example", now)).await, 0, "they are in hand");
    outbox
        .write(move |tx| {
            for Claimed { letter, .. } in &in_hand {
                let attempt = attempt(AttemptOutcome::Rejected, 0);
                let state =
                    if letter.domain == "b.example" { LetterState::Waiting } else { LetterState::Failed };
                let outcome = Outcome { state, erase: false, next_attempt_at: now + HOUR, attempt: &attempt };
                settle(tx, letter.id, &outcome)?;
                lanes::look_again(tx, &letter.domain, now)?;
            }
            Ok(())
        })
        .await;
    let due = |claimed: Vec<Claimed>| {
        claimed.into_iter().fold(BTreeMap::new(), |mut counts, claimed| {
            *counts.entry(claimed.letter.domain).or_insert(0) += 1;
            counts
        })
    };
    assert_eq!(outbox.write(move |tx| retry_domain(tx, "a.example", now)).await, 2);
    let first = due(outbox.claim(wish(now, 10)).await);
    assert_eq!(first, BTreeMap::from([("a.example".to_owned(), 2)]));
    assert_eq!(outbox.write(move |tx| retry_failed(tx, now)).await, 1);
    assert_eq!(due(outbox.claim(wish(now, 10)).await), BTreeMap::from([("c.example".to_owned(), 1)]));
    assert_eq!(outbox.write(move |tx| retry_domain(tx, "b.example", now)).await, 1, "one that waits, too");
}

#[test]
fn a_claim_reads_by_index_alone() {
    let outbox = Outbox::new();
    let oldest = lanes::oldest();
    let texts = [
        (lanes::DUE, 2),
        (lanes::NEXT, 1),
        (lanes::IN_HAND, 0),
        (lanes::BUSY, 2),
        (lanes::NEXT_DUE, 0),
        (&*oldest, 3),
    ];
    for (sql, params) in texts {
        let params = &params![1, 2, 3][..params];
        let plan = outbox.read(|tx| {
            tx.rows(&format!("explain query plan {sql}"), params, |row: &mut Row| {
                let (_, _, _): (i64, i64, i64) = (row.take()?, row.take()?, row.take()?);
                row.take::<String>()
            })
        });
        let by_index =
            plan.iter().all(|step| step.contains("USING INDEX") || step.contains("USING COVERING INDEX"));
        assert!(by_index && plan.len() == 1, "{sql}: {plan:?}");
    }
}

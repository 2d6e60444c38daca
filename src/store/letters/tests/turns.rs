//! Lanes take turns, and none is lost to a clock that was set back.

use super::*;

/// Settles a letter that its server has put off.
async fn put_off(outbox: &Outbox, claimed: &Claimed, now: Millis) {
    let (id, domain) = (claimed.letter.id, claimed.letter.domain.clone());
    outbox
        .write(move |tx| {
            let (state, attempt) = (LetterState::Waiting, attempt(AttemptOutcome::Deferred, 0));
            settle(tx, id, &Outcome { state, erase: false, next_attempt_at: now + HOUR, attempt: &attempt })?;
            lanes::answered(tx, &domain, now)
        })
        .await;
}

#[tokio::test]
async fn few_places_go_to_the_oldest_and_then_to_who_has_had_none() {
    let outbox = Outbox::new();
    for (number, domain) in [(0, "a.example"), (1, "a.example"), (2, "b.example"), (3, "c.example")] {
        outbox.put(number, domain, SECOND * number as u32).await;
    }
    let now = NOW + MINUTE;
    assert_eq!(names(&outbox.claim(wish(now, 1)).await), ["n0@a.example"]);
    let rest = outbox.claim(wish(now, 10)).await;
    assert_eq!(names(&rest), ["n2@b.example", "n3@c.example", "n1@a.example"]);
}

// I2
#[tokio::test]
async fn a_domain_with_many_old_letters_lines_up_behind_who_waits_already() {
    let outbox = Outbox::new();
    for number in 0..10 {
        outbox.put(number, "storm.example", SECOND * number as u32).await;
    }
    let now = NOW + MINUTE;
    let storm = outbox.claim(wish(now, 2)).await;
    assert_eq!(names(&storm), ["n0@storm.example", "n1@storm.example"]);
    outbox.put(20, "young.example", MINUTE).await;
    let later = now + SECOND;
    for claimed in &storm {
        put_off(&outbox, claimed, later).await;
    }
    let next = outbox.claim(wish(later, 2)).await;
    assert_eq!(names(&next), ["n20@young.example", "n2@storm.example"]);
}

#[tokio::test]
async fn what_a_clock_set_back_has_left_far_ahead_is_brought_near() {
    let outbox = Outbox::new();
    outbox.put(1, "far.example", DAY).await;
    outbox.put(2, "near.example", HOUR).await;
    outbox.write(|tx| lanes::hold(tx, "far.example", NOW + DAY)).await;
    outbox.write(|tx| lanes::bring_near(tx, NOW)).await;
    assert_eq!(outbox.lane("far.example"), Some((NOW, false, 0)));
    assert_eq!(
        outbox.lane("near.example"),
        Some((NOW + HOUR, false, 0)),
        "that is no longer than pauses are"
    );
    assert_eq!(names(&outbox.claim(wish(NOW, 10)).await), ["n1@far.example"]);
}

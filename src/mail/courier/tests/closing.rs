//! An orderly stop: what is under way ends, and nothing else begins.

use super::*;

// I2
#[tokio::test]
async fn on_a_stop_no_further_letter_begins_and_those_in_hand_are_given_back_as_they_were() {
    let house = House::new();
    house.write(&domains("queue", 10), 1).await;
    let (stop, running) = house.run();
    house.until("one is in conversation", || house.seen.waiting().values().sum::<usize>() == 1).await;
    let _ = stop.send(true);
    house.until("the carrier is closed", || house.seen.closed.load(Ordering::SeqCst)).await;
    house.gate.send_replace(true);
    running.await.expect("it ends in order");

    assert_eq!(house.seen.taken().len(), 1, "the one that had begun");
    assert_eq!(house.letters(LetterState::Delivered).len(), 1);
    let (store, now) = (&house.courier.store, house.courier.clock.now());
    let left = house.letters(LetterState::Waiting);
    assert_eq!(left.len(), 9);
    assert!(left.iter().all(|letter| letter.attempts == 0 && letter.next_attempt_at <= now), "{left:?}");
    for letter in &left {
        let history = store.read(|tx| letters::history::of_letter(tx, letter.id)).expect("the outbox");
        assert!(history.is_empty(), "{history:?}");
    }
    let due = store.read(lanes::next_due).expect("the outbox");
    assert!(due.is_some_and(|due| due <= now), "the next start need not wait: {due:?}");
    let taken_back: Result<usize, Unavailable> = store.write(move |tx| lanes::take_back(tx, now)).await;
    assert_eq!(taken_back.expect("the outbox"), 0, "none is in hand any more");
}

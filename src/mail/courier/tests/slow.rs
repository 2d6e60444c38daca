//! Servers that are slow without end, more of them than there are places.

use super::*;
use crate::model::time::SECOND;

// I2
#[tokio::test]
async fn domains_that_are_slow_hold_the_places_of_the_others_for_seconds_alone() {
    let house = House::new();
    house.write(&domains("tarpit", 40), 2).await;
    let (stop, running) = house.run();
    house.until("all places are taken", || house.seen.waiting().values().sum::<usize>() == 64).await;
    house.write(&domains("quick", 3), 2).await;
    house.courier.bell.ring();
    house.courier.clock.advance(5 * SECOND);
    house.courier.bell.ring();
    house.until("the others are served", || house.seen.taken().len() == 6).await;
    assert!(house.seen.waiting().values().sum::<usize>() >= 64, "while none of the slow has said a word");
    house.gate.send_replace(true);
    let _ = stop.send(true);
    running.await.expect("it ends in order");
}

#[test]
fn one_server_that_turns_us_away_may_be_at_fault_itself() {
    let mut health = CourierHealth::default();
    health.turned_away(Some("a.example"), "554 no");
    health.turned_away(Some("a.example"), "554 still no");
    assert_eq!((health.fault.as_deref(), health.delay.as_deref()), (None, Some("554 still no")));
    health.turned_away(Some("b.example"), "554 neither");
    assert_eq!(health.fault.as_deref(), Some("554 neither"), "two say so");
    let mut relay = CourierHealth::default();
    relay.turned_away(None, "535 wrong password");
    assert_eq!(relay.fault.as_deref(), Some("535 wrong password"), "there is one relay");
}

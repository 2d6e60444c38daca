//! A lane a domain: how many letters it is sent at a time, and the connections that wait for its next one.

use super::Direct;
use super::connection::Connection;
use crate::mail::turn::turn_away;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The most conversations with one domain at a time.
const CONVERSATIONS: usize = 2;
/// The most connections that wait for a next letter, over all domains.
const MOST_IDLE: usize = 64;

/// The lanes in use. A lane that nobody is in and nothing waits in is forgotten.
pub(super) struct Lanes {
    state: Mutex<State>,
    idle: Duration,
}

#[derive(Default)]
struct State {
    lanes: HashMap<String, Lane>,
    idle_in_all: usize,
    last_number: u64,
    /// Nobody is let in any more.
    closed: bool,
}

struct Lane {
    permits: Arc<Semaphore>,
    /// Those in it and those who wait to be.
    inside: usize,
    idle: Vec<(u64, Connection)>,
}

/// A place in a domain's lane; dropping it makes room for the next.
pub(super) struct Place {
    lanes: Arc<Lanes>,
    domain: String,
    permit: Option<OwnedSemaphorePermit>,
}

impl Direct {
    /// Lets no further letter into any lane.
    pub fn close(&self) {
        self.lanes.state().closed = true;
    }
}

impl Lanes {
    /// Lanes whose connections wait so long for a next letter; zero closes them at once.
    pub fn new(idle: Duration) -> Arc<Lanes> {
        Arc::new(Lanes { state: Mutex::default(), idle })
    }

    /// Waits for a place in the lane of a domain. Never returns once the lanes are closed.
    pub async fn enter(self: &Arc<Self>, domain: &str) -> Place {
        let permits = {
            let mut state = self.state();
            let lane = state.lanes.entry(domain.to_owned()).or_insert_with(|| Lane {
                permits: Arc::new(Semaphore::new(CONVERSATIONS)),
                inside: 0,
                idle: Vec::new(),
            });
            lane.inside += 1;
            Arc::clone(&lane.permits)
        };
        // Before the wait, so that who gives up waiting leaves too.
        let mut place = Place { lanes: Arc::clone(self), domain: domain.to_owned(), permit: None };
        place.permit = Some(permits.acquire_owned().await.expect("a lane's permits are never closed"));
        if self.state().closed {
            drop(place);
            return turn_away().await;
        }
        place
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets go of a connection that nobody wanted in time.
    fn expire(&self, domain: &str, number: u64) {
        let mut state = self.state();
        let Some(lane) = state.lanes.get_mut(domain) else { return };
        let Some(place) = lane.idle.iter().position(|(own, _)| *own == number) else { return };
        let (_, connection) = lane.idle.swap_remove(place);
        state.idle_in_all -= 1;
        state.forget_if_empty(domain);
        drop(state);
        connection.part();
    }
}

impl State {
    fn forget_if_empty(&mut self, domain: &str) {
        if self.lanes.get(domain).is_some_and(|lane| lane.inside == 0 && lane.idle.is_empty()) {
            self.lanes.remove(domain);
        }
    }
}

impl Place {
    /// A connection of an earlier letter to this domain, if one waits.
    pub fn take_idle(&self) -> Option<Connection> {
        let mut state = self.lanes.state();
        let (_, connection) = state.lanes.get_mut(&self.domain)?.idle.pop()?;
        state.idle_in_all -= 1;
        Some(connection)
    }

    /// Leaves a connection for the next letter to this domain, for a while.
    pub fn park(&self, connection: Connection) {
        let mut state = self.lanes.state();
        if self.lanes.idle.is_zero() || state.idle_in_all >= MOST_IDLE {
            drop(state);
            return connection.part();
        }
        state.last_number += 1;
        state.idle_in_all += 1;
        let number = state.last_number;
        let lane = state.lanes.get_mut(&self.domain).expect("a place keeps its lane");
        lane.idle.push((number, connection));
        drop(state);
        let (lanes, domain) = (Arc::clone(&self.lanes), self.domain.clone());
        tokio::spawn(async move {
            tokio::time::sleep(lanes.idle).await;
            lanes.expire(&domain, number);
        });
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // The permit first: once the lane is forgotten, the next comer makes a new one with all its places.
        self.permit = None;
        let mut state = self.lanes.state();
        if let Some(lane) = state.lanes.get_mut(&self.domain) {
            lane.inside -= 1;
        }
        state.forget_if_empty(&self.domain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn two_letters_of_a_domain_are_under_way_at_once_and_an_empty_lane_is_forgotten() {
        let lanes = Lanes::new(Duration::ZERO);
        let first = lanes.enter("a.example").await;
        let second = lanes.enter("a.example").await;
        assert!(lanes.enter("a.example").now_or_never().is_none(), "the third waits");
        let elsewhere = lanes.enter("b.example").now_or_never().expect("another domain has its own lane");
        drop(first);
        let third = lanes.enter("a.example").now_or_never().expect("there is room again");
        drop((second, third, elsewhere));
        assert!(lanes.state().lanes.is_empty());
    }
}

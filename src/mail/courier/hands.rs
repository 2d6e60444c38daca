//! The letters that the courier has in hand, each in a conversation of its own.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::task::{Id, JoinError, JoinSet};

use crate::mail::carrier::Places;

/// A conversation that takes longer is slow: where servers are many, it takes up no place of the quick ones.
const SLOW: Duration = Duration::from_secs(5);
/// Conversations in all, slow ones too.
const MOST: usize = 512;

/// Conversations under way.
pub struct Hands {
    tasks: JoinSet<()>,
    /// When each began, by the monotonic clock.
    begun: HashMap<Id, Duration>,
    /// Those with a domain whose server was not to be had.
    probes: HashSet<Id>,
    places: Places,
}

impl Hands {
    /// Empty hands with so many places.
    pub fn new(places: Places) -> Hands {
        Hands { tasks: JoinSet::new(), begun: HashMap::new(), probes: HashSet::new(), places }
    }

    /// Starts a conversation at a moment of the monotonic clock; a probe is one with a domain whose server was not to be
    /// had.
    pub fn start(&mut self, (probe, at): (bool, Duration), work: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.begun.insert(task.id(), at);
        if probe {
            self.probes.insert(task.id());
        }
    }

    /// Whether there is none.
    pub fn are_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Places left in all. One relay has no more places for there being slow letters among them.
    pub fn free(&self, now: Duration) -> usize {
        let slow = |begun: &Duration| now.saturating_sub(*begun) >= SLOW;
        let taken = match self.places.probes {
            None => self.begun.len(),
            Some(_) => self.begun.values().filter(|begun| !slow(begun)).count(),
        };
        self.places.total.saturating_sub(taken).min(MOST.saturating_sub(self.begun.len()))
    }

    /// Places of one domain.
    pub fn per_domain(&self) -> usize {
        self.places.per_domain
    }

    /// Places left for domains whose server was not to be had.
    pub fn probes(&self) -> Option<usize> {
        self.places.probes.map(|most| most.saturating_sub(self.probes.len()))
    }

    /// Lets go of what has ended already.
    pub fn let_go(&mut self) {
        while let Some(done) = self.tasks.try_join_next_with_id() {
            self.forget(done.map(|(id, ())| id));
        }
    }

    /// Waits for the end of one. None when the hands are empty.
    pub async fn one_ends(&mut self) -> Option<()> {
        let done = self.tasks.join_next_with_id().await?;
        self.forget(done.map(|(id, ())| id));
        Some(())
    }

    fn forget(&mut self, done: Result<Id, JoinError>) {
        let id = done.unwrap_or_else(|error| {
            tracing::error!("carrying a letter panicked; its lease will run out: {error}");
            error.id()
        });
        self.begun.remove(&id);
        self.probes.remove(&id);
    }
}

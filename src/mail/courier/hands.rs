//! The letters that the courier has in hand, each in a conversation of its own.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use crate::mail::carrier::Places;

/// Conversations under way.
pub struct Hands {
    tasks: JoinSet<()>,
    lanes: HashMap<Id, Lane>,
    places: Places,
}

struct Lane {
    domain: String,
    probe: bool,
}

impl Hands {
    /// Empty hands with so many places.
    pub fn new(places: Places) -> Hands {
        Hands { tasks: JoinSet::new(), lanes: HashMap::new(), places }
    }

    /// Starts a conversation about a letter to `domain`.
    pub fn start(&mut self, domain: String, probe: bool, work: impl Future<Output = ()> + Send + 'static) {
        let task = self.tasks.spawn(work);
        self.lanes.insert(task.id(), Lane { domain, probe });
    }

    /// Whether there is none.
    pub fn are_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Places left in all.
    pub fn free(&self) -> usize {
        self.places.total.saturating_sub(self.tasks.len())
    }

    /// Places of one domain.
    pub fn per_domain(&self) -> usize {
        self.places.per_domain
    }

    /// Places left for domains whose server was not to be had.
    pub fn probes(&self) -> Option<usize> {
        let taken = self.lanes.values().filter(|lane| lane.probe).count();
        self.places.probes.map(|most| most.saturating_sub(taken))
    }

    /// Letters in hand, by domain.
    pub fn by_domain(&self) -> HashMap<String, usize> {
        self.lanes.values().fold(HashMap::new(), |mut counts, lane| {
            *counts.entry(lane.domain.clone()).or_default() += 1;
            counts
        })
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
        self.lanes.remove(&id);
    }
}

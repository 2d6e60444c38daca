//! How the courier and the rest of the house hear of one another.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// How the courier is doing, for `/health`.
#[derive(Debug, Clone, Default)]
pub struct CourierHealth {
    /// What the operator has to mend, in the transport's words; none after a delivery, or a refusal of one letter alone.
    pub fault: Option<String>,
    /// Why the last letter was put off, when it was: the server cannot be reached, or said "later".
    pub delay: Option<String>,
    /// The domain whose server alone has turned us away since.
    suspect: Option<String>,
}

impl CourierHealth {
    /// A server has turned us away before it heard of a letter. Where `domain` has a server of its own it may be at fault
    /// itself: that the fault is ours is told when another says so too.
    pub fn turned_away(&mut self, domain: Option<&str>, reason: &str) {
        match (domain, &self.suspect) {
            (Some(domain), None) => {
                self.suspect = Some(domain.to_owned());
                self.delay = Some(reason.to_owned());
            }
            (Some(domain), Some(first)) if first == domain => self.delay = Some(reason.to_owned()),
            (Some(_) | None, _) => self.fault = Some(reason.to_owned()),
        }
    }
}

/// Tells the courier that there is something to carry, and others that it has carried something. Clones speak of the
/// same courier.
#[derive(Clone)]
pub struct CourierBell {
    wake: Arc<Notify>,
    settled: watch::Sender<()>,
}

impl Default for CourierBell {
    fn default() -> CourierBell {
        CourierBell { wake: Arc::default(), settled: watch::Sender::new(()) }
    }
}

impl CourierBell {
    /// Wakes the courier, or keeps it from falling asleep.
    pub fn ring(&self) {
        self.wake.notify_one();
    }

    /// Tells of every letter that has left or come back.
    pub fn settled(&self) -> watch::Receiver<()> {
        self.settled.subscribe()
    }

    pub(super) fn announce(&self) {
        self.settled.send_replace(());
    }

    pub(super) async fn rung(&self) {
        self.wake.notified().await;
    }
}

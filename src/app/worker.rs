//! Workers that outlive their own panics.

use std::future::Future;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The pause before a worker that panicked is started again.
const RESTART: Duration = Duration::from_secs(1);

/// A task that runs for as long as the server does.
pub struct Worker {
    name: &'static str,
    task: JoinHandle<()>,
}

impl Worker {
    /// Starts a worker, and starts it again whenever it panics (J3).
    pub fn start<F, R>(name: &'static str, stop: watch::Receiver<bool>, run: F) -> Worker
    where
        F: Fn() -> R + Send + 'static,
        R: Future<Output = ()> + Send + 'static,
    {
        let task = tokio::spawn(async move {
            while !*stop.borrow() {
                // Dropped with this task, the set ends the worker in it.
                let mut inner = JoinSet::new();
                inner.spawn(run());
                if let Some(Err(error)) = inner.join_next().await {
                    tracing::error!("the {name} stopped and is started again: {error}");
                    tokio::time::sleep(RESTART).await;
                }
            }
        });
        Worker { name, task }
    }

    /// Waits for the worker to come to its end, at most this long.
    pub async fn finish(mut self, longest: Duration) {
        if tokio::time::timeout(longest, &mut self.task).await.is_err() {
            tracing::warn!("the {} did not come to its end and is cut off", self.name);
            self.task.abort();
        }
    }
}

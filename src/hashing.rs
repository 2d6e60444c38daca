//! Argon2id behind a bounded pool of threads. The only door to argon2.
//!
//! Hashing is the one thing here that costs real time, so it has threads of its own: each keeps its memory from call to
//! call, the queue is bounded by the wait it would mean, and nothing else ever stands behind it.

mod argon;

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::clock::{Chance, Stopwatch};
use crate::metrics::Metrics;
use crate::model::password::Password;

pub use argon::Cost;
use argon::Memory;

/// A call is refused when it would wait longer than this for its turn.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The span by which a refused caller is asked to stay away.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Why there is no answer from the pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashingError {
    /// The queue is as long as it may get; come back after [`RETRY_AFTER`].
    #[error("the hashing queue is full")]
    Busy,
    /// The stored hash is none, or a hashing thread failed.
    #[error("a password could not be hashed or compared")]
    Failed,
}

/// The outcome of comparing a password with a stored hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Comparison {
    pub matches: bool,
    /// The hash was made at another cost than the one set now.
    pub outdated: bool,
}

enum Work {
    Hash { password: Password, reply: oneshot::Sender<Result<String, HashingError>> },
    Compare { password: Password, hash: String, reply: oneshot::Sender<Result<Comparison, HashingError>> },
}

impl Work {
    fn is_abandoned(&self) -> bool {
        match self {
            Work::Hash { reply, .. } => reply.is_closed(),
            Work::Compare { reply, .. } => reply.is_closed(),
        }
    }
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Work>,
    closed: bool,
    /// Moving average of one call, in seconds; zero until the first.
    average: f64,
}

struct Shared {
    queue: Mutex<Queue>,
    arrived: Condvar,
    threads: usize,
    cost: Cost,
    chance: Chance,
    metrics: Metrics,
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pool. Dropping it ends its threads once their present call is done.
pub struct Hashing {
    shared: Arc<Shared>,
    /// What an unknown address is compared with, so that it costs what a wrong password costs (H3).
    decoy: String,
}

impl Hashing {
    /// Starts `threads` threads that hash at `cost`.
    ///
    /// # Errors
    /// When the operating system gives no thread or not enough memory.
    pub fn start(threads: usize, cost: Cost, chance: Chance, metrics: Metrics) -> std::io::Result<Hashing> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            arrived: Condvar::new(),
            threads: threads.max(1),
            cost,
            chance,
            metrics,
        });
        let decoy = argon::decoy(cost, &shared.chance);
        for number in 0..shared.threads {
            let shared = Arc::clone(&shared);
            std::thread::Builder::new().name(format!("hash-{number}")).spawn(move || work(&shared))?;
        }
        Ok(Hashing { shared, decoy })
    }

    /// Hashes a chosen password into a PHC string.
    ///
    /// # Errors
    /// [`HashingError::Busy`] when the wait would pass [`LONGEST_WAIT`].
    pub async fn hash(&self, password: Password) -> Result<String, HashingError> {
        let (reply, answer) = oneshot::channel();
        self.submit(Work::Hash { password, reply })?;
        answer.await.unwrap_or(Err(HashingError::Failed))
    }

    /// Compares a password with a stored hash; without one, with a decoy that nothing matches, at the same cost.
    ///
    /// # Errors
    /// [`HashingError::Busy`] when the wait would pass [`LONGEST_WAIT`]; [`HashingError::Failed`] for a broken hash.
    pub async fn compare(&self, password: Password, hash: Option<&str>) -> Result<Comparison, HashingError> {
        let (reply, answer) = oneshot::channel();
        let hash = hash.unwrap_or(&self.decoy).to_owned();
        self.submit(Work::Compare { password, hash, reply })?;
        answer.await.unwrap_or(Err(HashingError::Failed))
    }

    /// How many calls wait for a thread.
    pub fn waiting(&self) -> usize {
        self.shared.queue().waiting.len()
    }

    fn submit(&self, work: Work) -> Result<(), HashingError> {
        let mut queue = self.shared.queue();
        let expected = queue.average * queue.waiting.len() as f64 / self.shared.threads as f64;
        // Before the first measurement the length alone has to bound the queue.
        let unmeasured = queue.average == 0.0 && queue.waiting.len() >= 64 * self.shared.threads;
        if expected > LONGEST_WAIT.as_secs_f64() || unmeasured {
            queue.waiting.retain(|work| !work.is_abandoned());
            self.shared.metrics.hashing_refused.inc();
            return Err(HashingError::Busy);
        }
        queue.waiting.push_back(work);
        self.shared.metrics.hashing_waiting.set(queue.waiting.len() as i64);
        drop(queue);
        self.shared.arrived.notify_one();
        Ok(())
    }
}

impl Drop for Hashing {
    fn drop(&mut self) {
        self.shared.queue().closed = true;
        self.shared.arrived.notify_all();
    }
}

fn work(shared: &Shared) {
    let mut memory = Memory::new();
    while let Some(work) = next(shared) {
        if work.is_abandoned() {
            continue;
        }
        let watch = Stopwatch::start();
        // A panic must not take the thread, and with it a share of the capacity, for good.
        if catch_unwind(AssertUnwindSafe(|| carry_out(work, shared, &mut memory))).is_err() {
            tracing::error!("a hashing thread panicked and goes on with fresh memory");
            memory = Memory::new();
        }
        let seconds = watch.elapsed().as_secs_f64();
        shared.metrics.hashing_seconds.observe(seconds);
        let mut queue = shared.queue();
        queue.average = if queue.average == 0.0 { seconds } else { queue.average * 0.9 + seconds * 0.1 };
    }
}

fn next(shared: &Shared) -> Option<Work> {
    let mut queue = shared.queue();
    loop {
        if queue.closed {
            return None;
        }
        if let Some(work) = queue.waiting.pop_front() {
            shared.metrics.hashing_waiting.set(queue.waiting.len() as i64);
            return Some(work);
        }
        queue = shared.arrived.wait(queue).unwrap_or_else(PoisonError::into_inner);
    }
}

fn carry_out(work: Work, shared: &Shared, memory: &mut Memory) {
    match work {
        Work::Hash { password, reply } => {
            let _ = reply.send(argon::hash(&password, shared.cost, &shared.chance, memory));
        }
        Work::Compare { password, hash, reply } => {
            let _ = reply.send(argon::compare(&password, &hash, shared.cost, memory));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1, lanes: 1 };

    fn pool(threads: usize) -> Hashing {
        Hashing::start(threads, CHEAP, Chance::seeded(7), Metrics::new()).expect("threads start")
    }

    fn password(text: &str) -> Password {
        Password::given(text).expect("a password")
    }

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let pool = pool(1);
        let hash = pool.hash(password("correct horse")).await.expect("hashed");
        let right = pool.compare(password("correct horse"), Some(&hash)).await;
        assert_eq!(right, Ok(Comparison { matches: true, outdated: false }));
        let wrong = pool.compare(password("wrong horse"), Some(&hash)).await.expect("compared");
        assert!(!wrong.matches);
        assert!(!pool.compare(password("any"), None).await.expect("compared").matches);
        assert_eq!(pool.compare(password("any"), Some("$2b$nonsense")).await, Err(HashingError::Failed));
    }

    // J1
    #[tokio::test]
    async fn a_queue_that_would_take_too_long_refuses() {
        let pool = pool(1);
        pool.shared.queue().average = 1.0;
        let mut answers = Vec::new();
        let mut refused = 0;
        for _ in 0..2_000 {
            let (reply, answer) = oneshot::channel();
            match pool.submit(Work::Hash { password: password("p"), reply }) {
                Ok(()) => answers.push(answer),
                Err(error) => {
                    assert_eq!(error, HashingError::Busy);
                    refused += 1;
                }
            }
            pool.shared.queue().average = 1.0;
        }
        assert!(refused > 0, "somebody was refused");
        for answer in answers {
            assert!(answer.await.expect("answered").is_ok(), "whoever was taken is served");
        }
    }
}

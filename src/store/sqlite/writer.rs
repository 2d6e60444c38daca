//! Group commit: one thread runs every waiting closure in a savepoint of its own, commits once for all, then answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use crate::metrics::Metrics;
use crate::store::{Tx, Unavailable};

/// Closures that may wait for the writer; past that the caller is told at once instead of piling up memory.
const WAITING: usize = 16_384;
/// Most closures that share a commit, so that the first of them is not kept waiting by the last.
const BATCH: usize = 1_024;

/// The thread that writes. Dropping it finishes what is waiting.
pub struct Writer {
    jobs: Option<mpsc::Sender<Box<dyn Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    fault: Arc<Mutex<Option<String>>>,
}

/// A closure on its way through the writer.
trait Job: Send {
    /// Runs it; tells whether its changes are to be kept.
    fn run(&mut self, tx: &Tx<'_>) -> bool;
    /// Hands its own result to the caller.
    fn answer(self: Box<Self>);
    /// Tells the caller that nothing of it was kept.
    fn fail(self: Box<Self>, cause: Unavailable);
}

struct Closure<T, E, F> {
    body: Option<F>,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<T, E, F> Job for Closure<T, E, F>
where
    T: Send,
    E: From<Unavailable> + Send,
    F: FnOnce(&Tx<'_>) -> Result<T, E> + Send,
{
    fn run(&mut self, tx: &Tx<'_>) -> bool {
        let Some(body) = self.body.take() else { return false };
        let result = catch_unwind(AssertUnwindSafe(|| body(tx))).unwrap_or_else(|_| {
            tracing::error!("a write panicked; its changes are undone");
            Err(E::from(Unavailable::because("a write panicked")))
        });
        self.result.insert(result).is_ok()
    }

    fn answer(self: Box<Self>) {
        let lost = || Err(E::from(Unavailable::because("a write was not run")));
        let _ = self.reply.send(self.result.unwrap_or_else(lost));
    }

    fn fail(self: Box<Self>, cause: Unavailable) {
        let _ = self.reply.send(Err(E::from(cause)));
    }
}

impl Writer {
    /// Starts the thread on a connection of its own.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub fn start(connection: rusqlite::Connection, metrics: Metrics) -> std::io::Result<Writer> {
        let (jobs, waiting) = mpsc::channel(WAITING);
        let fault: Arc<Mutex<Option<String>>> = Arc::default();
        let noted = Arc::clone(&fault);
        let thread = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || serve(&connection, waiting, &metrics, &noted))?;
        Ok(Writer { jobs: Some(jobs), thread: Mutex::new(Some(thread)), fault })
    }

    /// Queues a closure and waits until its commit is on disk.
    ///
    /// # Errors
    /// The closure's own, or [`Unavailable`].
    pub async fn write<T, E, F>(&self, body: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Unavailable> + Send + 'static,
        F: FnOnce(&Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Closure { body: Some(body), result: None, reply });
        let jobs = self.jobs.as_ref().ok_or_else(|| Unavailable::because("the writer has stopped"))?;
        jobs.try_send(job).map_err(|_| Unavailable::because("too many writes are waiting"))?;
        answer.await.unwrap_or_else(|_| Err(E::from(Unavailable::because("the writer has stopped"))))
    }
}

impl Writer {
    /// Why the last transaction failed, if it did.
    pub fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.jobs = None;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

fn serve(
    connection: &rusqlite::Connection,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    metrics: &Metrics,
    fault: &Mutex<Option<String>>,
) {
    let note = |cause: Option<String>| *fault.lock().unwrap_or_else(PoisonError::into_inner) = cause;
    while let Some(first) = waiting.blocking_recv() {
        let mut batch = vec![first];
        while batch.len() < BATCH {
            let Ok(job) = waiting.try_recv() else { break };
            batch.push(job);
        }
        metrics.commit_size.observe(batch.len() as f64);
        match transact(connection, &mut batch) {
            Ok(()) => {
                metrics.commits.inc();
                note(None);
                batch.into_iter().for_each(Job::answer);
            }
            Err(error) => {
                let cause = Unavailable::because(&error);
                note(Some(error.to_string()));
                tracing::error!(
                    "a transaction failed, all of its {} writes are undone: {error}",
                    batch.len()
                );
                if !connection.is_autocommit() {
                    let _ = connection.execute_batch("rollback");
                }
                batch.into_iter().for_each(|job| job.fail(cause.clone()));
            }
        }
    }
}

fn transact(connection: &rusqlite::Connection, batch: &mut [Box<dyn Job>]) -> rusqlite::Result<()> {
    let prepared = |sql: &str| connection.prepare_cached(sql);
    let (mut savepoint, mut release) = (prepared("savepoint one")?, prepared("release one")?);
    prepared("begin immediate")?.execute([])?;
    let tx = Tx::on(connection);
    for job in batch {
        savepoint.execute([])?;
        if !job.run(&tx) {
            // On a full disk or an I/O error the engine may have ended the whole transaction by itself: then this
            // fails, and with it the batch, of which nothing is kept.
            prepared("rollback to one")?.execute([])?;
        }
        release.execute([])?;
    }
    prepared("commit")?.execute([]).map(drop)
}

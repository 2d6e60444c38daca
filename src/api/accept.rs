//! The accept loop: who may hold a connection, for how long, and how the server stops.
//!
//! It stands in for poem's own server, which never times out slow headers, spins when `accept` fails and
//! leaves Nagle's algorithm on. What a single connection may do is decided in `connection`, when it has to
//! end in `activity`.

mod activity;
mod connection;
#[cfg(test)]
mod tests;
mod watched;

use std::future::Future;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use poem::Endpoint;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, timeout};

use crate::clock::timer_now;
use tokio_util::sync::CancellationToken;

use connection::Service;

/// Pause after a failed `accept`. Running out of file descriptors lasts until some connection ends: trying at
/// once would burn a core and change nothing.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Failures of `accept` come in floods; one line in this time is enough to know.
const ACCEPT_LOG_INTERVAL: Duration = Duration::from_secs(1);

/// How long `serve` waits for connections that it has cut. Only a handler that blocks its thread needs
/// longer, and no wait would help against that.
const CUT_GRACE: Duration = Duration::from_secs(1);

/// Bounds on connections (DESIGN 9; THREATS J2).
#[derive(Debug, Clone)]
pub struct Limits {
    /// From accepting a connection, and later from the first byte of a further request, to the end of its
    /// header block. Passing it closes the connection without an answer. HTTP/2 knows only the first of the
    /// two.
    pub header_timeout: Duration,
    /// How long a connection may make no progress while the server waits for its client: between two
    /// requests, in the middle of a request body, or with an answer that is not being read. Longer than the
    /// usual keep-alive of a reverse proxy (60 s), so that the proxy is the one that closes.
    pub idle_timeout: Duration,
    /// Connections open at a time, from 1 to [`Semaphore::MAX_PERMITS`]; further ones wait unaccepted in the
    /// kernel's backlog.
    pub max_connections: usize,
    /// Bytes of a request's header block, its request line included, at least 8 KiB. One still incomplete at
    /// this size is answered with 431 (RFC 6585); one that arrives in a single piece may exceed it by less
    /// than its double.
    pub max_header_bytes: u32,
    /// What requests in flight get to finish once the server has been told to stop.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            header_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            max_connections: 4096,
            max_header_bytes: 16 * 1024,
            drain: Duration::from_secs(10),
        }
    }
}

/// What became of the connections that were open when the server was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Drained {
    /// Ended in time: idle ones within a second, the others after answering.
    pub finished: usize,
    /// Still busy when `Limits::drain` was over, and cut.
    pub cut: usize,
}

/// Serves `endpoint` over HTTP/1.1 and HTTP/2 (prior knowledge) until `shutdown` resolves. Then it closes the
/// listener and idle connections, lets requests in flight finish for at most `limits.drain`, cuts the rest,
/// and returns.
///
/// Neither a failing `accept` nor a panic in a handler ends it. A request's `remote_addr` is the TCP peer,
/// with an IPv4-mapped IPv6 address in its IPv4 form (THREATS H1).
pub async fn serve<E>(
    listener: TcpListener,
    endpoint: E,
    limits: Limits,
    shutdown: impl Future<Output = ()>,
) -> Drained
where
    E: Endpoint + 'static,
{
    let slots = Arc::new(Semaphore::new(limits.max_connections.clamp(1, Semaphore::MAX_PERMITS)));
    let service = Arc::new(Service::new(endpoint, &limits));
    let stop = CancellationToken::new();
    let mut faults = AcceptFaults::default();
    let mut connections = JoinSet::new();
    let mut shutdown = pin!(shutdown);
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = connections.join_next() => note_end(ended),
            (slot, socket, peer) = admit(&listener, &slots, &mut faults) => {
                let (service, stop) = (Arc::clone(&service), stop.clone());
                connections.spawn(async move {
                    service.converse(socket, peer, stop).await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    stop.cancel();
    drain(connections, limits.drain).await
}

/// The next connection, together with its place among `Limits::max_connections`. The place is taken first, so
/// that a full server leaves newcomers to the kernel. May be dropped at any point without losing a
/// connection.
async fn admit(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
    faults: &mut AcceptFaults,
) -> (OwnedSemaphorePermit, TcpStream, SocketAddr) {
    let slot = Arc::clone(slots).acquire_owned().await.expect("the semaphore is never closed");
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => return (slot, socket, peer),
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                if let Some(unlogged) = faults.note(timer_now()) {
                    tracing::warn!(%error, unlogged, "cannot accept connections; will keep trying");
                }
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
}

/// True for a client that left before it was accepted: nothing is wrong with the listener.
fn is_of_one_connection(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

/// Remembers when a failure of `accept` was last logged.
#[derive(Debug, Default)]
struct AcceptFaults {
    logged_at: Option<Instant>,
    unlogged: u64,
}

impl AcceptFaults {
    /// Counts a failure. When it is to be logged, returns how many went unlogged since the last line.
    fn note(&mut self, now: Instant) -> Option<u64> {
        let silent = self.logged_at.is_some_and(|at| now.duration_since(at) < ACCEPT_LOG_INTERVAL);
        if silent {
            self.unlogged += 1;
            return None;
        }
        self.logged_at = Some(now);
        Some(std::mem::take(&mut self.unlogged))
    }
}

async fn drain(mut connections: JoinSet<()>, limit: Duration) -> Drained {
    let open = connections.len();
    let all_ended = async {
        while let Some(ended) = connections.join_next().await {
            note_end(ended);
        }
    };
    let _ = timeout(limit, all_ended).await;
    let cut = connections.len();
    let _ = timeout(CUT_GRACE, connections.shutdown()).await;
    Drained { finished: open - cut, cut }
}

fn note_end(ended: Result<(), JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a connection was dropped because its handler panicked; the server goes on");
    }
}

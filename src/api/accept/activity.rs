//! Knows for each connection whether we are waiting for its client, and until when.
//!
//! Three places report: the service (a request begins, its handler is done), and, through `watched`, the
//! socket (bytes read and written) and the response body (handed over). While a handler works, the client
//! owes us nothing and no time runs.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use crate::clock::timer_now;

/// How long a connection that is over waits for its client to close too. Until then it swallows what is still
/// being sent: closing a socket with unread bytes makes the kernel reset it, and the reset can overtake the
/// answer (a 413 or 431) that explains why.
const LINGER: Duration = Duration::from_secs(1);

/// How long a client may keep a connection waiting: see `Limits`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) header: Duration,
    pub(super) idle: Duration,
}

/// What is awaited from the client while no request is in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Awaited {
    FirstRequest,
    NextRequest,
    RestOfHeader,
    Close,
}

#[derive(Debug)]
struct State {
    awaited: Awaited,
    /// Requests whose handler is at work.
    handled: usize,
    /// Requests whose answer is being handed over.
    answered: usize,
    /// Bytes prove progress in HTTP/1 only: an HTTP/2 connection exchanges pings and settings at any time.
    http2: bool,
    lingers: bool,
    deadline: Option<Instant>,
}

/// The account of one connection; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Activity {
    state: watch::Sender<State>,
    patience: Patience,
}

impl Activity {
    /// A connection that was just accepted and now owes us its first request.
    pub(super) fn new(patience: Patience) -> Self {
        let state = State {
            awaited: Awaited::FirstRequest,
            handled: 0,
            answered: 0,
            http2: false,
            lingers: true,
            deadline: after(patience.header),
        };
        Self { state: watch::Sender::new(state), patience }
    }

    /// Resolves when the client has kept us waiting for too long.
    pub(super) async fn expired(&self) {
        let mut states = self.state.subscribe();
        loop {
            let deadline = states.borrow_and_update().deadline;
            let changed = states.changed();
            match deadline {
                Some(at) => {
                    if timeout_at(at, changed).await.is_err() {
                        return;
                    }
                }
                None => changed.await.expect("self holds the sender"),
            }
        }
    }

    /// A request has arrived. It is in flight until the returned guard is dropped.
    pub(super) fn begin(&self, http2: bool) -> InFlight {
        self.update(|state| {
            state.http2 = http2;
            state.handled += 1;
            state.deadline = None;
        });
        InFlight { activity: self.clone(), answering: false }
    }

    /// The server is stopping. A connection with no request in flight has nothing left to hear, and an HTTP/2
    /// client that does not confirm the end must not hold up everybody.
    pub(super) fn stop(&self) {
        self.update(|state| {
            if state.handled + state.answered == 0 {
                state.lingers = false;
                state.deadline = after(LINGER);
            }
        });
    }

    /// So many bytes have arrived; none means that the client has closed its side.
    pub(super) fn read(&self, bytes: usize) {
        self.update(|state| {
            if bytes == 0 || state.http2 {
                return;
            }
            if state.handled > 0 {
                state.deadline = None;
            } else if state.answered == 0 && state.awaited == Awaited::NextRequest {
                state.awaited = Awaited::RestOfHeader;
                state.deadline = after(self.patience.header);
            }
        });
    }

    /// The socket has nothing to read. With half-closing allowed, HTTP/1 reads during a request only for its
    /// body.
    pub(super) fn starved(&self) {
        self.update(|state| {
            if state.handled > 0 && !state.http2 && state.deadline.is_none() {
                state.deadline = after(self.patience.idle);
            }
        });
    }

    /// The client took some bytes. The tail of an answer counts too: the protocol buffers it and lets go of
    /// the body.
    pub(super) fn written(&self) {
        self.update(|state| {
            let owes_reading = state.answered > 0 || state.awaited == Awaited::NextRequest;
            if !state.http2 && state.handled == 0 && owes_reading {
                state.deadline = after(self.patience.idle);
            }
        });
    }

    /// Our side is closed. Returns whether to wait for the client to close its own.
    pub(super) fn closing(&self) -> bool {
        self.update(|state| {
            state.awaited = Awaited::Close;
            state.deadline = after(LINGER);
        });
        self.state.borrow().lingers
    }

    /// Wakes `expired` only for a new deadline.
    fn update(&self, change: impl FnOnce(&mut State)) {
        self.state.send_if_modified(|state| {
            let before = state.deadline;
            change(state);
            state.deadline != before
        });
    }
}

/// `None`, no deadline, for a duration beyond what the clock can hold.
fn after(patience: Duration) -> Option<Instant> {
    timer_now().checked_add(patience)
}

/// A request in flight; dropping it is its end, however that came about.
#[derive(Debug)]
pub(super) struct InFlight {
    activity: Activity,
    answering: bool,
}

impl InFlight {
    /// The handler is done; from here on the client's reading sets the pace.
    pub(super) fn answering(&mut self) {
        self.answering = true;
        self.activity.update(|state| {
            state.handled -= 1;
            state.answered += 1;
        });
        self.handing_over();
    }

    /// A part of the answer goes out.
    pub(super) fn handing_over(&self) {
        self.activity.update(|state| {
            if state.handled == 0 {
                state.deadline = after(self.activity.patience.idle);
            }
        });
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let idle = self.activity.patience.idle;
        self.activity.update(|state| {
            let count = if self.answering { &mut state.answered } else { &mut state.handled };
            *count -= 1;
            if state.handled > 0 || state.awaited == Awaited::Close {
                return;
            }
            state.awaited = Awaited::NextRequest;
            state.deadline = after(idle);
        });
    }
}

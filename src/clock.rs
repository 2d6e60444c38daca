//! Time and chance as values: the system's, or fixed and seeded in tests. The only door to either.
#![allow(clippy::disallowed_methods, reason = "this is the door that clippy.toml keeps closed elsewhere")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::model::id::RawId;
use crate::model::time::{Millis, span_ms};

/// Tells the time. Clones of a fixed clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Source::System)
    }

    /// A clock that stands at `start` until it is moved.
    pub fn fixed(start: Millis) -> Clock {
        Clock(Source::Fixed(Arc::new(AtomicI64::new(start.0))))
    }

    /// The present moment.
    pub fn now(&self) -> Millis {
        match &self.0 {
            Source::System => {
                Millis(span_ms(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)))
            }
            Source::Fixed(now) => Millis(now.load(Ordering::SeqCst)),
        }
    }

    /// A moment that never goes back, as a span since an arbitrary start: what rate limits count by.
    pub fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        match &self.0 {
            Source::System => START.get_or_init(Instant::now).elapsed(),
            Source::Fixed(now) => Duration::from_millis(now.load(Ordering::SeqCst).unsigned_abs()),
        }
    }

    /// Moves a fixed clock on; the system's clock stays as it is.
    pub fn advance(&self, span: Duration) {
        if let Source::Fixed(now) = &self.0 {
            now.fetch_add(span_ms(span), Ordering::SeqCst);
        }
    }
}

/// Measures how long something took, by the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts measuring.
    pub fn start() -> Stopwatch {
        Stopwatch(Instant::now())
    }

    /// The span since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// The runtime's clock, by which timers and their deadlines go.
pub fn timer_now() -> tokio::time::Instant {
    tokio::time::Instant::now()
}

/// Gives random bytes fit for secrets. Clones of a seeded one share its sequence.
#[derive(Debug, Clone)]
pub struct Chance(Option<Arc<Mutex<StdRng>>>);

impl Chance {
    /// The operating system's generator, buffered per thread.
    pub fn system() -> Chance {
        Chance(None)
    }

    /// A sequence that is the same for the same seed.
    pub fn seeded(seed: u64) -> Chance {
        Chance(Some(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            None => rand::rng().fill_bytes(&mut bytes),
            Some(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// A number from 0 up to but not including `bound`, without bias worth naming (bound is far below 2^64).
    pub fn below(&self, bound: u64) -> u64 {
        u64::from_be_bytes(self.bytes()) % bound
    }

    /// A fresh identifier.
    pub fn id<T: From<RawId>>(&self, now: Millis) -> T {
        T::from(RawId::new(now.seconds(), self.bytes()))
    }
}

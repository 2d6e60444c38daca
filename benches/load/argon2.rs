//! Sign-ups and logins, beside the rate at which this machine can hash at all.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use latchkey::clock::{Chance, Stopwatch};
use latchkey::hashing::{Cost, Hashing};
use latchkey::metrics::Metrics;
use latchkey::model::password::Password;
use tokio::task::JoinSet;

use crate::client::{Wire, send_each};
use crate::process::{Process, processor_time};
use crate::report::{Aim, Report, Row};
use crate::{on_one_thread, people};

/// How long the raw rate is measured at a time.
const RAW_SPAN: Duration = Duration::from_secs(3);
/// How many seconds of sign-ups, and of logins, there are if hashing is the only limit.
const SECONDS: f64 = 8.0;
/// Callers for each hashing thread: enough that one is always waiting.
const CALLERS: usize = 8;

/// The threads that the server hashes with by default.
pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// How fast something was done, and what each time of it cost.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// How often a second.
    pub rate: f64,
    /// Processor time of one, in milliseconds.
    processor_millis: f64,
}

impl Pace {
    fn new(count: usize, took: Duration, processor: Duration) -> Pace {
        let count = count as f64;
        Pace { rate: count / took.as_secs_f64(), processor_millis: processor.as_secs_f64() * 1e3 / count }
    }

    fn between(self, other: Pace) -> Pace {
        Pace {
            rate: f64::midpoint(self.rate, other.rate),
            processor_millis: f64::midpoint(self.processor_millis, other.processor_millis),
        }
    }
}

/// The pace of hashing by a pool like the server's, in this process.
///
/// # Errors
/// When the pool cannot start.
pub async fn raw_pace(span: Duration) -> io::Result<Pace> {
    let pool = Hashing::start(threads(), Cost::default(), Chance::system(), Metrics::new())?;
    let (pool, watch) = (Arc::new(pool), Stopwatch::start());
    let before = processor_time(std::process::id())?;
    let mut callers = JoinSet::new();
    for _ in 0..threads() * CALLERS {
        let pool = Arc::clone(&pool);
        callers.spawn(async move {
            let mut hashed = 0;
            while watch.elapsed() < span {
                let password = Password::given("SecurePass123").ok_or(io::ErrorKind::InvalidInput)?;
                pool.hash(password).await.map_err(io::Error::other)?;
                hashed += 1;
            }
            Ok::<_, io::Error>(hashed)
        });
    }
    let mut hashed = 0;
    for done in callers.join_all().await {
        hashed += done?;
    }
    let spent = processor_time(std::process::id())?.saturating_sub(before);
    Ok(Pace::new(hashed, watch.elapsed(), spent))
}

/// Measures sign-ups and logins. The raw pace is taken before, between and after, so that a machine that slows down
/// slows both sides of the ratio.
///
/// # Errors
/// When a request is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let before = raw_pace(RAW_SPAN).await?;
        let folder = tempfile::tempdir()?;
        let server = Process::latchkey(folder.path())?;
        people::arrive(server.address, threads()).await?;
        let people = threads()..threads() + (before.rate * SECONDS) as usize;
        let sign_ups: Vec<Wire> = people.clone().map(people::sign_up).collect();
        let logins: Vec<Wire> = people.map(people::login).collect();

        let signed_up = pace(&server, &sign_ups, 201).await?;
        let between = raw_pace(RAW_SPAN).await?;
        let logged_in = pace(&server, &logins, 200).await?;
        let after = raw_pace(RAW_SPAN).await?;

        tell(report, "sign-ups/s", signed_up, before.between(between));
        tell(report, "logins/s", logged_in, between.between(after));
        Ok(())
    })
}

async fn pace(server: &Process, requests: &[Wire], status: u16) -> io::Result<Pace> {
    let (watch, before) = (Stopwatch::start(), server.processor_time()?);
    let answers = send_each(server.address, requests, threads() * CALLERS).await?;
    let (took, spent) = (watch.elapsed(), server.processor_time()?.saturating_sub(before));
    for answer in answers {
        answer.expect(status)?;
    }
    Ok(Pace::new(requests.len(), took, spent))
}

fn tell(report: &mut Report, what: &str, measured: Pace, raw: Pace) {
    report.add(
        Row::new(what, format!("{:.1}", measured.rate))
            .beside(format!("{:.1} raw argon2/s, {} threads", raw.rate, threads()), measured.rate / raw.rate)
            .aim(Aim::RatioAtLeast(0.9)),
    );
    let (millis, raw_millis) = (measured.processor_millis, raw.processor_millis);
    report.add(
        Row::new("  processor time of one", format!("{millis:.2} ms"))
            .beside(format!("{raw_millis:.2} ms of a raw argon2"), millis / raw_millis),
    );
}

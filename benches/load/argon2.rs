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
use crate::process::Process;
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

/// Hashes a second by a pool like the server's, in this process.
///
/// # Errors
/// When the pool cannot start.
pub async fn raw_rate(span: Duration) -> io::Result<f64> {
    let pool = Hashing::start(threads(), Cost::default(), Chance::system(), Metrics::new())?;
    let (pool, watch) = (Arc::new(pool), Stopwatch::start());
    let mut callers = JoinSet::new();
    for _ in 0..threads() * CALLERS {
        let pool = Arc::clone(&pool);
        callers.spawn(async move {
            let mut hashed = 0_u64;
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
    Ok(hashed as f64 / watch.elapsed().as_secs_f64())
}

/// Measures sign-ups and logins. The raw rate is taken before, between and after, so that a machine that slows down
/// slows both sides of the ratio.
///
/// # Errors
/// When a request is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let before = raw_rate(RAW_SPAN).await?;
        let folder = tempfile::tempdir()?;
        let server = Process::latchkey(folder.path())?;
        people::arrive(server.address, threads()).await?;
        let people = threads()..threads() + (before * SECONDS) as usize;
        let sign_ups: Vec<Wire> = people.clone().map(people::sign_up).collect();
        let logins: Vec<Wire> = people.map(people::login).collect();

        let signed_up = rate(&server, &sign_ups, 201).await?;
        let between = raw_rate(RAW_SPAN).await?;
        let logged_in = rate(&server, &logins, 200).await?;
        let after = raw_rate(RAW_SPAN).await?;

        report.add(row("sign-ups/s", signed_up, f64::midpoint(before, between)));
        report.add(row("logins/s", logged_in, f64::midpoint(between, after)));
        Ok(())
    })
}

async fn rate(server: &Process, requests: &[Wire], status: u16) -> io::Result<f64> {
    let watch = Stopwatch::start();
    let answers = send_each(server.address, requests, threads() * CALLERS).await?;
    let took = watch.elapsed();
    for answer in answers {
        answer.expect(status)?;
    }
    Ok(requests.len() as f64 / took.as_secs_f64())
}

fn row(what: &str, measured: f64, raw: f64) -> Row {
    let beside = format!("{raw:.1} raw argon2/s, {} threads", threads());
    Row::new(what, format!("{measured:.1}")).beside(beside, measured / raw).aim(Aim::RatioAtLeast(0.9))
}

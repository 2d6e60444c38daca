//! Calls while sign-ups flood: the sign-ups come at ten times the rate that can be hashed, whether or not the earlier
//! ones have been answered, so that most are refused; the calls come beside them at a steady pace.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey::clock::Stopwatch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::argon2::raw_pace;
use crate::client::{Connection, Wire, get};
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::{bare, on_one_thread, people};

/// Sign-ups that come for each that can be hashed.
const TIMES: f64 = 10.0;
const SPAN: Duration = Duration::from_secs(10);
/// How often a handful of sign-ups comes.
const TICK: Duration = Duration::from_millis(10);
/// Connections of the flood, below what the server takes at a time.
const CONNECTIONS: usize = 3000;
/// File descriptors of this process that are not for the flood.
const OTHER_FILES: usize = 64;
/// Callers of each side, and the pause between two calls of one: together 200 calls a second and side.
const CALLERS: usize = 4;
const CALL_EVERY: Duration = Duration::from_millis(20);

/// What became of the flood.
#[derive(Debug, Default, Clone, Copy)]
struct Outcome {
    signed_up: usize,
    refused: usize,
    other: usize,
    /// There was no connection left to send it over.
    unsent: usize,
}

/// Measures reads and memory under the flood.
///
/// # Errors
/// When a read is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Process::latchkey(folder.path())?;
    server.time_to_health()?;
    let idle = server.resident()?;
    let people = on_one_thread(people::arrive(server.address, 1))?;
    let request = get("/user/profile", Some(&people[0].access));
    // The first of them all has signed up already, to read the profile.
    beside_sign_ups(report, ("profile", &server), &request, 1)?;
    let peak = server.resident_peak()?;
    report.add(Row::new("memory, idle after the start", format!("{idle:.0} MB")));
    report.add(
        Row::new("memory, peak under flood", format!("{peak:.0} MB")).aim(Aim::Below(peak, 150.0, "MB")),
    );
    report.add(Row::new("memory, after the flood", format!("{:.0} MB", server.resident()?)));
    Ok(())
}

/// Measures what a call takes that comes steadily, calm and while sign-ups of people from number `first` on flood. A
/// bare route in another process is called at the same time: what it takes is the machine's doing, and the client's, not
/// the server's.
///
/// # Errors
/// When a call is refused.
pub fn beside_sign_ups(
    report: &mut Report,
    (what, server): (&str, &Process),
    request: &Wire,
    first: usize,
) -> io::Result<()> {
    let capacity = on_one_thread(raw_pace(Duration::from_secs(2)))?.rate;
    let body = on_one_thread(async {
        let answer = Connection::open(server.address).await?.ask(request).await?.expect(200)?;
        Ok(String::from_utf8_lossy(&answer.body).into_owned())
    })?;
    let bare = bare::start(&body)?;
    let calm = call_all(server, &bare, request, Arc::new(AtomicBool::new(true)))?;

    let ended = Arc::new(AtomicBool::new(false));
    let (outcome, flooded) = std::thread::scope(|scope| {
        // Calls have a thread of their own: what they wait for must be the server, not the flood's client.
        let calls = scope.spawn(|| call_all(server, &bare, request, Arc::clone(&ended)));
        let outcome = on_one_thread(flood(server.address, capacity * TIMES, first));
        ended.store(true, Ordering::Relaxed);
        let flooded = calls.join().map_err(|_| io::Error::other("the calls panicked"))?;
        Ok::<_, io::Error>((outcome?, flooded?))
    })?;
    for (when, times) in [("calm", &calm), ("under flood", &flooded)] {
        tell_times(report, what, when, times);
    }
    tell_outcome(report, capacity, outcome);
    Ok(())
}

/// Sorted times of calls.
struct Times {
    ours: Vec<Duration>,
    bare: Vec<Duration>,
}

fn tell_times(report: &mut Report, what: &str, when: &str, times: &Times) {
    for percent in [50, 99] {
        let (ours, bare) = (percentile(&times.ours, percent), percentile(&times.bare, percent));
        let row = Row::new(format!("{what} p{percent}, {when}"), format!("{ours:.2} ms"))
            .beside(format!("{bare:.2} ms of a bare route at the same time"), ours / bare);
        let aimed = percent == 99 && when != "calm";
        report.add(if aimed { row.aim(Aim::Below(ours, 20.0, "ms")) } else { row });
    }
}

fn tell_outcome(report: &mut Report, capacity: f64, outcome: Outcome) {
    let Outcome { signed_up, refused, other, unsent } = outcome;
    let seconds = SPAN.as_secs_f64();
    let sent = (signed_up + refused + other) as f64 / seconds;
    let rest = format!("{signed_up} × 201, {refused} × 503, {other} × other, {unsent} unsent");
    report.add(
        Row::new("sign-ups/s that flood", format!("{sent:.0}"))
            .beside(format!("{capacity:.0} raw argon2/s; {rest}"), sent / capacity),
    );
}

/// Milliseconds that so many in a hundred did not pass.
fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    let index = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).copied().unwrap_or_default().as_secs_f64() * 1e3
}

/// Calls both servers, for a second and until `ended`.
fn call_all(server: &Process, bare: &Process, request: &Wire, ended: Arc<AtomicBool>) -> io::Result<Times> {
    on_one_thread(async {
        let mut callers = JoinSet::new();
        for (ours, address) in [(true, server.address), (false, bare.address)] {
            for _ in 0..CALLERS {
                let (request, ended) = (Arc::clone(request), Arc::clone(&ended));
                callers
                    .spawn(async move { Ok::<_, io::Error>((ours, call(address, &request, &ended).await?)) });
            }
        }
        let mut times = Times { ours: Vec::new(), bare: Vec::new() };
        for done in callers.join_all().await {
            let (ours, some) = done?;
            if ours { &mut times.ours } else { &mut times.bare }.extend(some);
        }
        times.ours.sort();
        times.bare.sort();
        Ok(times)
    })
}

async fn call(address: SocketAddr, request: &[u8], ended: &AtomicBool) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(address).await?;
    let (mut pace, mut times) = (interval(CALL_EVERY), Vec::new());
    pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let start = Stopwatch::start();
    while start.elapsed() < Duration::from_secs(1) || !ended.load(Ordering::Relaxed) {
        pace.tick().await;
        let watch = Stopwatch::start();
        let status = connection.exchange(request).await?;
        times.push(watch.elapsed());
        if status != 200 {
            return Err(io::Error::other(format!("a call was answered with {status}")));
        }
    }
    Ok(times)
}

/// The side that floods: what came of its sign-ups, and the connections that it has.
#[derive(Default)]
struct Flood {
    outcome: Outcome,
    idle: Vec<Connection>,
    open: usize,
}

impl Flood {
    /// Sends one more sign-up, over a connection that is idle or new. `None` when neither can be had.
    fn next_visit(
        &mut self,
        address: SocketAddr,
        request: Wire,
        most: usize,
    ) -> Option<impl Future<Output = Visit> + use<>> {
        let connection = self.idle.pop();
        if connection.is_none() {
            if self.open >= most {
                self.outcome.unsent += 1;
                return None;
            }
            self.open += 1;
        }
        Some(visit(address, connection, request))
    }

    fn settle(&mut self, visit: Visit) {
        let Some((status, connection)) = visit else {
            self.open -= 1;
            self.outcome.other += 1;
            return;
        };
        match status {
            201 => self.outcome.signed_up += 1,
            503 => self.outcome.refused += 1,
            _ => self.outcome.other += 1,
        }
        self.idle.push(connection);
    }
}

/// A status and the connection it came over; `None` when that broke.
type Visit = Option<(u16, Connection)>;

async fn visit(address: SocketAddr, connection: Option<Connection>, request: Wire) -> Visit {
    let mut connection = match connection {
        Some(connection) => connection,
        None => Connection::open(address).await.ok()?,
    };
    let status = connection.exchange(&request).await.ok()?;
    Some((status, connection))
}

/// Sends sign-ups of ever new people, from number `first` on, at `rate` a second for [`SPAN`], and counts the answers that
/// came by then.
async fn flood(address: SocketAddr, rate: f64, first: usize) -> io::Result<Outcome> {
    let (watch, mut pace) = (Stopwatch::start(), interval(TICK));
    let most = CONNECTIONS.min(open_files()?.saturating_sub(OTHER_FILES));
    let (mut flood, mut visits, mut sent) = (Flood::default(), JoinSet::new(), 0);
    while watch.elapsed() < SPAN {
        pace.tick().await;
        while let Some(done) = visits.try_join_next() {
            flood.settle(done.map_err(io::Error::other)?);
        }
        let due = (watch.elapsed().as_secs_f64() * rate) as usize;
        for number in sent..due {
            if let Some(visit) = flood.next_visit(address, people::sign_up(first + number), most) {
                visits.spawn(visit);
            }
        }
        sent = due;
    }
    Ok(flood.outcome)
}

/// How many files this process may have open.
fn open_files() -> io::Result<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits")?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()).unwrap_or("1024");
    Ok(soft.parse().unwrap_or(usize::MAX))
}

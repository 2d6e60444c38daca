//! `GET /organization/users` of an organization of 10,000: how long it takes, and what memory many of them take.

use std::io;

use latchkey::clock::Stopwatch;

use crate::client::{Connection, Wire, send_each};
use crate::on_one_thread;
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::seed::{self, Places};

const USERS: usize = 10_000;
/// Calls at each level of concurrency.
const CALLS: usize = 50;

/// Measures the calls one after another, and eight at a time.
///
/// # Errors
/// When a call is refused or a user is missing from its answer.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let folder = tempfile::tempdir()?;
        let mut requests =
            seed::people(folder.path(), (USERS, Places::Together), (1, "/organization/users")).await?;
        let request = requests.remove(0);
        let server = Process::latchkey(folder.path())?;
        server.time_to_health()?;
        let idle = server.private()?;
        let answer = Connection::open(server.address).await?.ask(&request).await?.expect(200)?;
        let listed = serde_json::from_slice::<serde_json::Value>(&answer.body)?;
        if listed["data"].as_array().map(Vec::len) != Some(USERS) || listed["total"] != USERS {
            return Err(io::Error::other("not every user is listed"));
        }
        let size = answer.body.len() as f64 / 1e6;
        drop((answer, listed));
        // Threads and connections take memory when they first work; what comes after must not.
        let mut least = idle;
        for (callers, bound) in [(1, 30.0), (8, 100.0), (8, 20.0)] {
            let calls: Vec<Wire> = vec![request.clone(); CALLS];
            let (watch, before) = (Stopwatch::start(), server.processor_time()?);
            for answer in send_each(server.address, &calls, callers).await? {
                answer.expect(200)?;
            }
            let millis = watch.elapsed().as_secs_f64() * 1e3 / CALLS as f64;
            let spent = server.processor_time()?.saturating_sub(before).as_secs_f64() * 1e3 / CALLS as f64;
            report.add(
                Row::new(
                    format!("10,000 users listed, {callers} at a time"),
                    format!("{millis:.1} ms a call"),
                )
                .note(format!("{size:.1} MB an answer, {spent:.1} ms of processor time")),
            );
            let (private, peak) = (server.private()?, server.resident_peak()?);
            let growth = private - least;
            report.add(
                Row::new("  memory, growth since the row before", format!("{growth:.0} MB"))
                    .note(format!(
                        "{idle:.0} MB idle, {private:.0} MB now; peak with pages of the file {peak:.0} MB"
                    ))
                    .aim(Aim::Below(growth, bound, "MB")),
            );
            least = private;
        }
        Ok(())
    })
}

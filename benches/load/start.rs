//! The time from starting the program to its first healthy answer.

use std::io;
use std::time::Duration;

use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::{on_one_thread, people};

const STARTS: usize = 11;
/// The existing database holds so many accounts.
const ACCOUNTS: usize = 100;

/// Measures starts on an existing database and on none.
///
/// # Errors
/// When the server does not become healthy.
pub fn section(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let server = Process::latchkey(folder.path())?;
    on_one_thread(people::arrive(server.address, ACCOUNTS))?;
    drop(server);
    let mut existing = Vec::new();
    for _ in 0..STARTS {
        existing.push(Process::latchkey(folder.path())?.time_to_health()?);
    }
    let mut fresh = Vec::new();
    for _ in 0..STARTS {
        let folder = tempfile::tempdir()?;
        fresh.push(Process::latchkey(folder.path())?.time_to_health()?);
    }
    report.add(row("start, existing database", existing));
    report.add(row("start, fresh database", fresh));
    Ok(())
}

fn row(what: &str, mut times: Vec<Duration>) -> Row {
    times.sort();
    let millis = |time: Duration| time.as_secs_f64() * 1e3;
    let (median, slowest) = (millis(times[STARTS / 2]), millis(times[STARTS - 1]));
    Row::new(what, format!("{median:.0} ms"))
        .note(format!("median of {STARTS}, slowest {slowest:.0} ms"))
        .aim(Aim::Below(median, 100.0, "ms"))
}

//! The first read, `GET /user/profile`, beside a bare route with the same body.

use std::io;
use std::time::Duration;

use crate::client::{Connection, Wire, get, repeat};
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::{bare, on_one_thread, people};

/// Connections, each with a session of its own.
const CONNECTIONS: usize = 16;
/// Rounds of each side, in turn.
const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_millis(1500);

/// One side of the comparison, and what its rounds gave.
struct Side {
    process: Process,
    requests: Vec<Wire>,
    rates: Vec<f64>,
    processor_micros: Vec<f64>,
}

impl Side {
    fn new(process: Process, requests: Vec<Wire>) -> Side {
        Side { process, requests, rates: Vec::new(), processor_micros: Vec::new() }
    }

    async fn round(&mut self) -> io::Result<()> {
        let before = self.process.processor_time()?;
        let rate = repeat(self.process.address, &self.requests, ROUND).await?;
        let spent = self.process.processor_time()?.saturating_sub(before);
        self.rates.push(rate);
        self.processor_micros.push(spent.as_secs_f64() * 1e6 / (rate * ROUND.as_secs_f64()));
        Ok(())
    }
}

/// Measures both sides, in turn.
///
/// # Errors
/// When a request is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let folder = tempfile::tempdir()?;
        let server = Process::latchkey(folder.path())?;
        let people = people::arrive(server.address, CONNECTIONS).await?;
        let requests: Vec<Wire> =
            people.iter().map(|person| get("/user/profile", Some(&person.access))).collect();
        let answer = Connection::open(server.address).await?.ask(&requests[0]).await?.expect(200)?;
        let bare = bare::start(&String::from_utf8_lossy(&answer.body))?;

        let mut ours = Side::new(server, requests.clone());
        // The bare route reads the same request, token and all.
        let mut theirs = Side::new(bare, requests);
        for _ in 0..ROUNDS {
            theirs.round().await?;
            ours.round().await?;
        }
        let (rate, bare_rate) = (mean(&ours.rates), mean(&theirs.rates));
        report.add(
            Row::new("GET /user/profile /s", format!("{rate:.0}"))
                .beside(format!("{bare_rate:.0}/s of a bare route"), rate / bare_rate)
                .aim(Aim::RatioAtLeast(0.5)),
        );
        let (micros, bare_micros) = (mean(&ours.processor_micros), mean(&theirs.processor_micros));
        report.add(
            Row::new("  processor time of one", format!("{micros:.0} µs"))
                .beside(format!("{bare_micros:.0} µs of a bare route"), micros / bare_micros),
        );
        Ok(())
    })
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

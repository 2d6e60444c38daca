//! The first read, `GET /user/profile`, beside a bare route with the same body.

use std::io;

use crate::client::{Connection, Wire, get};
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::side::{Side, in_turn};
use crate::{bare, on_one_thread, people};

/// Connections, each with a session of its own.
const CONNECTIONS: usize = 16;
/// Measures both sides, in turn.
///
/// # Errors
/// When a request is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let folder = tempfile::tempdir()?;
        let server = Process::latchkey(folder.path())?;
        let people = people::arrive(server.address, CONNECTIONS).await?;
        let requests: Vec<Vec<Wire>> =
            people.iter().map(|person| vec![get("/user/profile", Some(&person.access))]).collect();
        let answer = Connection::open(server.address).await?.ask(&requests[0][0]).await?.expect(200)?;
        let bare = bare::start(&String::from_utf8_lossy(&answer.body))?;

        let mut ours = Side::new(server, requests.clone());
        // The bare route reads the same request, token and all.
        let mut theirs = Side::new(bare, requests);
        in_turn(&mut ours, &mut theirs).await?;
        let (rate, bare_rate) = (ours.rate(), theirs.rate());
        report.add(
            Row::new("GET /user/profile /s", format!("{rate:.0}"))
                .beside(format!("{bare_rate:.0}/s of a bare route"), rate / bare_rate)
                .aim(Aim::RatioAtLeast(0.5)),
        );
        let (micros, bare_micros) = (ours.processor_micros(), theirs.processor_micros());
        report.add(
            Row::new("  processor time of one", format!("{micros:.0} µs"))
                .beside(format!("{bare_micros:.0} µs of a bare route"), micros / bare_micros),
        );
        Ok(())
    })
}

//! API keys as gateways show them: checks that cost nothing, debits that are on disk before they are answered, and how
//! long a debit takes while sign-ups flood.

use std::io;

use serde_json::json;

use crate::client::{Connection, Wire, get_with_key, post};
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::side::{Side, in_turn};
use crate::{bare, flood, on_one_thread, seed};

/// Keys that are checked, each of an account of its own.
const CHECKED: usize = 1_000;
/// Connections that check.
const CHECKING: usize = 16;
/// Connections that debit: each waits for the disk, and those that wait share a commit.
const DEBITING: usize = 128;
/// Over how many accounts the same number of debits is spread. With one, every debit changes the same row.
const ACCOUNTS: [usize; 3] = [1, 64, 10_000];
/// The people of the flood come after those of the seed, whose addresses are taken.
const FIRST_SIGN_UP: usize = 2;

fn verify(key: &str, cost: i64) -> Wire {
    post("/keys/verify", &json!({ "key": key, "cost": cost }))
}

/// Measures checks by both routes, each beside a bare route.
///
/// # Errors
/// When a key is refused.
pub fn checks(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let folder = tempfile::tempdir()?;
        let keys = seed::keys(folder.path(), CHECKED).await?;
        let verified = keys.iter().map(|key| verify(key, 0)).collect();
        let forwarded = keys.iter().map(|key| get_with_key("/forward-auth?cost=0", key)).collect();
        let checks: [(&str, Vec<Wire>); 2] =
            [("checks/s, POST /keys/verify", verified), ("checks/s, GET /forward-auth", forwarded)];
        for (what, requests) in checks {
            let (ours, bare) = measured(Process::latchkey(folder.path())?, &requests, CHECKING).await?;
            tell(report, what, (&ours, &bare), 20_000.0);
        }
        Ok(())
    })
}

/// Measures debits of 1 over few and many accounts, each beside a bare route.
///
/// # Errors
/// When a debit is refused.
pub fn debits(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        for accounts in ACCOUNTS {
            let folder = tempfile::tempdir()?;
            let keys = seed::keys(folder.path(), accounts).await?;
            let requests: Vec<Wire> = keys.iter().map(|key| verify(key, 1)).collect();
            let (ours, bare) = measured(Process::latchkey(folder.path())?, &requests, DEBITING).await?;
            tell(report, &format!("durable debits/s, {accounts} accounts"), (&ours, &bare), 5_000.0);
        }
        Ok(())
    })
}

/// Measures how long a debit takes, calm and under the flood.
///
/// # Errors
/// When a debit is refused.
pub fn under_flood(report: &mut Report) -> io::Result<()> {
    let folder = tempfile::tempdir()?;
    let keys = on_one_thread(seed::keys(folder.path(), 1))?;
    let server = Process::latchkey(folder.path())?;
    flood::beside_sign_ups(report, ("debit", &server), &verify(&keys[0], 1), FIRST_SIGN_UP)
}

/// Sends the requests to a server and to a bare route in turn, spread over so many connections; where there are fewer
/// requests than connections, some send the same.
async fn measured(server: Process, requests: &[Wire], connections: usize) -> io::Result<(Side, Side)> {
    let answer = Connection::open(server.address).await?.ask(&requests[0]).await?.expect(200)?;
    let bare = bare::start(&String::from_utf8_lossy(&answer.body))?;
    let each = requests.len().div_ceil(connections);
    let share =
        |first| requests.iter().cycle().skip(first).step_by(connections).take(each).cloned().collect();
    let shares: Vec<Vec<Wire>> = (0..connections).map(share).collect();
    let (mut ours, mut theirs) = (Side::new(server, shares.clone()), Side::new(bare, shares));
    in_turn(&mut ours, &mut theirs).await?;
    Ok((ours, theirs))
}

fn tell(report: &mut Report, what: &str, (ours, bare): (&Side, &Side), least: f64) {
    let (rate, bare_rate) = (ours.rate(), bare.rate());
    report.add(
        Row::new(what, format!("{rate:.0}"))
            .beside(format!("{bare_rate:.0}/s of a bare route"), rate / bare_rate)
            .aim(Aim::AtLeast(rate, least, "/s")),
    );
    let (micros, bare_micros) = (ours.processor_micros(), bare.processor_micros());
    report.add(
        Row::new("  processor time of one", format!("{micros:.0} µs"))
            .beside(format!("{bare_micros:.0} µs of a bare route"), micros / bare_micros),
    );
}

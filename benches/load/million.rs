//! `GET /user/profile` by people spread over a million accounts, beside the same over a thousand.

use std::io;
use std::path::Path;

use crate::client::Wire;
use crate::on_one_thread;
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::seed::{self, Places};
use crate::side::{Side, in_turn};

const FEW: usize = 1_000;
const MANY: usize = 1_000_000;
/// People who read, the same number on both sides: what differs is among how many they are.
const CALLERS: usize = 1_000;
const CONNECTIONS: usize = 16;

/// Measures both databases, in turn.
///
/// # Errors
/// When a request is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let (small, large) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let mut few = side(small.path(), FEW).await?;
        let mut many = side(large.path(), MANY).await?;
        in_turn(&mut many, &mut few).await?;
        let size = std::fs::metadata(large.path().join("latchkey.db"))?.len() as f64 / 1e6;
        let (rate, few_rate) = (many.rate(), few.rate());
        report.add(
            Row::new("profile /s, 1,000,000 accounts", format!("{rate:.0}"))
                .beside(
                    format!("{few_rate:.0}/s of 1,000 accounts; the file has {size:.0} MB"),
                    rate / few_rate,
                )
                .aim(Aim::RatioAtLeast(0.9)),
        );
        let (micros, few_micros) = (many.processor_micros(), few.processor_micros());
        report.add(
            Row::new("  processor time of one", format!("{micros:.0} µs"))
                .beside(format!("{few_micros:.0} µs of 1,000 accounts"), micros / few_micros),
        );
        Ok(())
    })
}

async fn side(folder: &Path, accounts: usize) -> io::Result<Side> {
    let requests = seed::people(folder, (accounts, Places::Apart), (CALLERS, "/user/profile")).await?;
    let shares: Vec<Vec<Wire>> = (0..CONNECTIONS)
        .map(|share| requests.iter().skip(share).step_by(CONNECTIONS).cloned().collect())
        .collect();
    Ok(Side::new(Process::latchkey(folder)?, shares))
}

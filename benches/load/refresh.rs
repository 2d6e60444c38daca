//! Refreshes: every one is a write that is on disk before it is answered.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use latchkey::clock::Stopwatch;
use serde_json::json;
use tokio::task::JoinSet;

use crate::client::{Connection, post};
use crate::people::Tokens;
use crate::process::Process;
use crate::report::{Report, Row};
use crate::{on_one_thread, people};

/// Sessions that refresh at the same time, each one refresh after another.
const SESSIONS: usize = 32;
const SPAN: Duration = Duration::from_secs(4);

/// Measures refreshes by many sessions, and by one alone: what sharing commits gives.
///
/// # Errors
/// When a refresh is refused.
pub fn section(report: &mut Report) -> io::Result<()> {
    on_one_thread(async {
        let folder = tempfile::tempdir()?;
        let server = Process::latchkey(folder.path())?;
        let mut people = people::arrive(server.address, SESSIONS + 1).await?;
        let alone = people.split_off(SESSIONS);
        let alone = rate(server.address, alone).await?;
        let together = rate(server.address, people).await?;
        report.add(
            Row::new(format!("refreshes/s, {SESSIONS} sessions"), format!("{together:.0}"))
                .beside(format!("{alone:.0}/s of one session alone"), together / alone),
        );
        Ok(())
    })
}

async fn rate(server: SocketAddr, people: Vec<Tokens>) -> io::Result<f64> {
    let watch = Stopwatch::start();
    let mut sessions = JoinSet::new();
    for person in people {
        sessions.spawn(async move {
            let mut connection = Connection::open(server).await?;
            let (mut token, mut refreshed) = (person.refresh, 0_u64);
            while watch.elapsed() < SPAN {
                let request = post("/user/refresh", &json!({ "refreshToken": token }));
                token = connection.ask(&request).await?.expect(200)?.text("refreshToken")?;
                refreshed += 1;
            }
            Ok::<_, io::Error>(refreshed)
        });
    }
    let mut refreshed = 0;
    for done in sessions.join_all().await {
        refreshed += done?;
    }
    Ok(refreshed as f64 / watch.elapsed().as_secs_f64())
}

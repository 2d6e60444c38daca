//! The load benchmark: the release binary under real HTTP on loopback, beside what this machine can do at best.
//!
//! `cargo bench` measures everything in about five minutes; `cargo bench -- profile start` measures those sections
//! alone. Client and server share the cores, so the client is as cheap as can be. A missed aim is told, never an error:
//! figures depend on the machine, and on what else it does.
#![allow(clippy::print_stdout, reason = "the table is what the benchmark is for")]

#[path = "load/argon2.rs"]
mod argon2;
#[path = "load/bare.rs"]
mod bare;
#[path = "load/client.rs"]
mod client;
#[path = "../tests/api/dns_stand_in.rs"]
mod dns_stand_in;
#[path = "load/flood.rs"]
mod flood;
#[path = "load/keys.rs"]
mod keys;
#[path = "load/mail.rs"]
mod mail;
#[path = "load/million.rs"]
mod million;
#[path = "load/people.rs"]
mod people;
#[path = "load/process.rs"]
mod process;
#[path = "load/profile.rs"]
mod profile;
#[path = "load/refresh.rs"]
mod refresh;
#[path = "load/report.rs"]
mod report;
#[path = "load/seed.rs"]
mod seed;
#[path = "load/side.rs"]
mod side;
#[path = "load/sink.rs"]
mod sink;
#[path = "load/start.rs"]
mod start;
#[path = "load/users.rs"]
mod users;

use std::io;
use std::process::ExitCode;

use report::{Report, Row};

/// A part of the run that can be asked for by its name.
type Section = (&'static str, fn(&mut Report) -> io::Result<()>);

const SECTIONS: [Section; 13] = [
    ("hashing", argon2::section),
    ("profile", profile::section),
    ("refresh", refresh::section),
    ("flood", flood::section),
    ("keys", keys::checks),
    ("debits", keys::debits),
    ("debits-flood", keys::under_flood),
    ("relay", mail::relay),
    ("tarpit", mail::tarpit),
    ("sign-ups", mail::sign_ups),
    ("start", start::section),
    ("users", users::section),
    ("million", million::section),
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [first, body] = arguments.as_slice()
        && first == bare::ARGUMENT
    {
        return ended(bare::serve(body.clone()));
    }
    // Only `cargo bench` says `--bench`: `cargo test --benches` must not load the machine.
    if !arguments.iter().any(|argument| argument == "--bench") {
        println!("the load benchmark runs under `cargo bench`");
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|name| !name.starts_with('-')).collect();
    let names = SECTIONS.map(|(name, _)| name);
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        eprintln!("there is no section {unknown}; the sections are {}", names.join(", "));
        return ExitCode::from(2);
    }
    ended(measure(&wanted))
}

fn measure(wanted: &[&str]) -> io::Result<()> {
    let mut report = Report::default();
    report.add(load_row()?);
    for (name, section) in SECTIONS {
        if wanted.is_empty() || wanted.contains(&name) {
            eprintln!("measuring: {name}");
            section(&mut report)?;
        }
    }
    println!("{report}");
    Ok(())
}

/// What else the machine was doing. Whoever shares its cores shares them with more threads of the server than of the
/// raw side, so the ratios of a busy machine say little.
fn load_row() -> io::Result<Row> {
    let text = std::fs::read_to_string("/proc/loadavg")?;
    let load: f64 = text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default();
    let row = Row::new("load of the machine before", format!("{load:.2}"));
    let busy = "the machine was busy: trust the processor times, not the rates";
    Ok(if load > 0.5 { row.note(busy.to_owned()) } else { row })
}

fn ended(result: io::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("the load benchmark could not finish: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a section's client on a single thread: with few cores, every other one is the server's.
fn on_one_thread<T>(future: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

//! Letters: how many leave in a second, what silent domains cost the others, and what a mail server's manners cost a
//! sign-up.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use latchkey::clock::{Chance, Stopwatch};
use latchkey::mail::carrier::{Carrier, Transport};
use latchkey::mail::courier::{CONVERSATION, Courier};
use latchkey::mail::direct::{Bounds, Direct, DirectSetUp};
use latchkey::mail::relay::Relay;
use latchkey::mail::{Contents, Recipient};
use latchkey::metrics::Metrics;
use latchkey::model::email::EmailAddress;
use latchkey::model::language::Language;
use latchkey::service::Service;
use latchkey::store::{Unavailable, letters};
use tokio::sync::watch;

use crate::client::Connection;
use crate::dns_stand_in::DnsStandIn;
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::sink::{Manner, Sink};
use crate::{on_one_thread, people, seed};

/// Letters through the relay, spread over so many domains.
const RELAYED: usize = 10_000;
const RELAY_DOMAINS: usize = 500;
/// Domains that letters go to without a relay, letters to each, and how many of the domains say nothing.
const DOMAINS: usize = 100;
const SILENT: usize = 10;
const LETTERS_EACH: usize = 40;
/// Rounds with and without the silent ones, in turn.
const ROUNDS: usize = 2;
/// Sign-ups of one round, one after another, and rounds with each manner of the mail server.
const SIGN_UPS: usize = 150;
const SIGN_UP_ROUNDS: usize = 3;

/// Measures letters through a relay.
///
/// # Errors
/// When one is not taken.
pub fn relay(report: &mut Report) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let sink = Sink::start(loopback(1, 0), Manner::Quick).await?;
        let url = format!("smtp://{}", sink.address).parse().map_err(io::Error::other)?;
        let relay = Relay::new(&url, "latchkey.example", CONVERSATION).map_err(io::Error::other)?;
        let domains: Vec<String> = (0..RELAY_DOMAINS).map(|number| format!("d{number}.example")).collect();
        let folder = tempfile::tempdir()?;
        let outbox = Outbox::fill(folder.path(), &domains, RELAYED / RELAY_DOMAINS).await?;
        let took = outbox.carry(Box::new(relay), &sink, RELAYED).await?.as_secs_f64();
        let rate = RELAYED as f64 / took;
        report.add(
            Row::new("letters/s through a relay", format!("{rate:.0}"))
                .note(format!("{RELAYED} letters that wait, {RELAY_DOMAINS} domains"))
                .aim(Aim::AtLeast(rate, 1000.0, "/s")),
        );
        Ok(())
    })
}

/// Measures letters to domains of their own, some of which say nothing.
///
/// # Errors
/// When one to the others is not taken.
pub fn tarpit(report: &mut Report) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut alone, mut beside) = (0.0, 0.0);
        for _ in 0..ROUNDS {
            alone += direct(0).await?;
            beside += direct(SILENT).await?;
        }
        let rounds = ROUNDS as f64;
        report.add(
            Row::new(format!("letters/s beside {SILENT} silent domains"), format!("{:.0}", beside / rounds))
                .beside(format!("{:.0}/s without them", alone / rounds), beside / alone)
                .aim(Aim::RatioAtLeast(0.9)),
        );
        Ok(())
    })
}

/// Letters a second to those domains that do not stay silent.
async fn direct(silent: usize) -> io::Result<f64> {
    let quick = Sink::start(loopback(1, 0), Manner::Quick).await?;
    let port = quick.address.port();
    let _silent = Sink::start(loopback(2, port), Manner::Silent).await?;
    let dns = DnsStandIn::start().await;
    let talking = DOMAINS - SILENT;
    let mut domains = Vec::new();
    // The silent ones first: their letters are the oldest.
    for number in 0..silent {
        domains.push(format!("silent{number}.example"));
        dns.host(&domains[number], "127.0.0.2");
    }
    for number in 0..talking {
        let domain = format!("quick{number}.example");
        dns.host(&domain, "127.0.0.1");
        domains.push(domain);
    }
    let set_up = DirectSetUp {
        ehlo_name: "latchkey.example".to_owned(),
        resolvers: vec![dns.address()],
        allow_private: true,
        port,
        own: loopback(3, 1),
    };
    let carrier = Direct::new(&set_up, Bounds::within(CONVERSATION), Chance::system());
    let carrier = Box::new(carrier.map_err(io::Error::other)?);
    let folder = tempfile::tempdir()?;
    let outbox = Outbox::fill(folder.path(), &domains, LETTERS_EACH).await?;
    let letters = talking * LETTERS_EACH;
    Ok(letters as f64 / outbox.carry(carrier, &quick, letters).await?.as_secs_f64())
}

fn loopback(last: u8, port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(127, 0, 0, last), port))
}

/// Letters that wait, on a database of their own.
struct Outbox(Arc<Service>);

impl Outbox {
    async fn fill(folder: &Path, domains: &[String], each: usize) -> io::Result<Outbox> {
        let service = seed::open(folder).await?;
        for number in 0..each {
            let mut written = Vec::with_capacity(domains.len());
            for domain in domains {
                let address = EmailAddress::parse(&format!("n{number}@{domain}"));
                let address = address.map_err(|_| io::Error::other("no address"))?;
                let to = Recipient { address: &address, first_name: "John", language: Language::English };
                written.push(service.mailroom.compose(to, Contents::PasswordChanged));
            }
            let write = service
                .store
                .write(move |tx| written.iter().try_for_each(|letter| letters::insert(tx, letter, None)));
            let done: Result<(), Unavailable> = write.await;
            done.map_err(io::Error::other)?;
        }
        Ok(Outbox(service))
    }

    /// The span from the courier's start until the sink has so many letters.
    async fn carry(self, carrier: Box<dyn Carrier>, sink: &Sink, count: usize) -> io::Result<Duration> {
        let Outbox(service) = self;
        let courier = Courier {
            store: service.store.clone(),
            mailroom: Arc::clone(&service.mailroom),
            transport: Transport::Carrier(carrier),
            signer: None,
            clock: service.clock.clone(),
            chance: service.chance.clone(),
            metrics: Metrics::new(),
            bell: service.bell.clone(),
            health: Arc::default(),
        };
        let (_stop, stopped) = watch::channel(false);
        let watch = Stopwatch::start();
        let running = tokio::spawn(Arc::new(courier).run(stopped));
        sink.taken(count).await?;
        let took = watch.elapsed();
        // Those who say nothing would keep it for a minute.
        running.abort();
        let _ = running.await;
        Ok(took)
    }
}

/// Measures sign-ups while the mail server takes letters, is down, and says nothing.
///
/// # Errors
/// When a sign-up is refused.
pub fn sign_ups(report: &mut Report) -> io::Result<()> {
    // The sink has a thread of its own, which the sign-ups' client does not hold up.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (up, silent, down) = runtime.block_on(async {
        let up = Sink::start(loopback(1, 0), Manner::Quick).await?;
        let silent = Sink::start(loopback(1, 0), Manner::Silent).await?;
        let down = Sink::start(loopback(1, 0), Manner::Quick).await?.address;
        Ok::<_, io::Error>((up, silent, down))
    })?;
    let manners = [("up", up.address), ("down", down), ("silent", silent.address)];
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    for _ in 0..SIGN_UP_ROUNDS {
        for ((_, server), times) in manners.iter().zip(&mut times) {
            times.extend(on_one_thread(sign_up(*server))?);
        }
    }
    let percentile = |times: &mut Vec<Duration>, percent: usize| {
        times.sort();
        times[times.len() * percent / 100].as_secs_f64() * 1e3
    };
    for percent in [50, 99] {
        let [up, rest @ ..] = &mut times;
        let up = percentile(up, percent);
        report.add(Row::new(format!("sign-up p{percent}, mail server up"), format!("{up:.1} ms")));
        for ((manner, _), times) in manners[1..].iter().zip(rest) {
            let other = percentile(times, percent);
            let row = Row::new(format!("sign-up p{percent}, mail server {manner}"), format!("{other:.1} ms"))
                .beside(format!("{up:.1} ms with it up"), other / up);
            report.add(if percent == 99 { row.aim(Aim::Below(other / up, 1.1, "times")) } else { row });
        }
    }
    Ok(())
}

async fn sign_up(mail_server: SocketAddr) -> io::Result<Vec<Duration>> {
    let folder = tempfile::tempdir()?;
    let server =
        Process::latchkey_with(folder.path(), &[("LATCHKEY_SMTP_URL", format!("smtp://{mail_server}"))])?;
    let mut connection = Connection::open(server.address).await?;
    let mut times = Vec::with_capacity(SIGN_UPS);
    for number in 0..SIGN_UPS {
        let request = people::sign_up(number);
        let watch = Stopwatch::start();
        connection.ask(&request).await?.expect(201)?;
        times.push(watch.elapsed());
    }
    Ok(times)
}

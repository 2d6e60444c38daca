//! The composition root: from settings to a running server, and its orderly end.

mod doctor;
mod log;
mod open;
mod outgoing;
mod worker;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use poem::{Endpoint, EndpointExt, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::accept::{self, Drained};
use crate::api::contracts::policy_of;
use crate::api::inventory::Inventory;
use crate::api::limits::Limits;
use crate::api::limits::tiers::Tiers;
use crate::api::metering::Meter;
use crate::api::surround::surround;
use crate::api::{Around, ConfirmationPage, FrontDoor, Gates, Tree, Vitals};
use crate::client::TrustedProxies;
use crate::clock::{Chance, Clock};
use crate::config::{self, Access, PublicUrl, Settings};
use crate::housekeeping;
use crate::mail::courier::{Courier, CourierHealth};
use crate::mail::direct::MAIL_PORT;
use crate::pages::{self, PageSettings, Pages};
use crate::service::Service;
use crate::service::mailbox::Search;

pub use doctor::doctor;
pub use log::start_logging;
pub use open::{Process, check, inspect, open, opens_with_key, retire};
use worker::Worker;

/// Why the server or a command cannot start: a sentence for the operator, or a few, a line each.
#[derive(Debug)]
pub struct StartError(String);

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

impl StartError {
    /// Wraps a sentence.
    pub fn because(sentence: impl fmt::Display) -> StartError {
        StartError(sentence.to_string())
    }
}

/// The ambient things that tests replace.
#[derive(Clone)]
pub struct Ambience {
    pub clock: Clock,
    pub chance: Chance,
    /// The port of the mail servers that direct delivery goes to.
    pub mail_port: u16,
}

impl Ambience {
    /// The machine's clock and randomness, and the port of the world's mail servers.
    pub fn system() -> Ambience {
        Ambience { clock: Clock::system(), chance: Chance::system(), mail_port: MAIL_PORT }
    }
}

/// How long the workers may take to finish what they have in hand once requests have drained.
const WIND_UP: Duration = Duration::from_secs(10);

/// A server that listens. Run it with [`Server::run`].
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    service: Arc<Service>,
    routes: Box<dyn FnOnce() -> poem::endpoint::BoxEndpoint<'static, Response> + Send>,
    courier: Arc<Courier>,
    limits: accept::Limits,
}

impl Server {
    /// Takes the port, opens the database, and puts the parts together. Nothing is answered yet.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn bind(settings: &Settings, ambience: Ambience) -> Result<Server, StartError> {
        let listener = TcpListener::bind(settings.listen)
            .await
            .map_err(|error| StartError(format!("cannot listen on {}: {error}", settings.listen)))?;
        let address = listener.local_addr().map_err(StartError::because)?;
        let service = open(settings, &ambience, Process::Server(address)).await?;
        clear_mailbox(settings, &service).await?;
        let health: Arc<Mutex<CourierHealth>> = Arc::default();
        let courier = Arc::new(Courier {
            store: service.store.clone(),
            mailroom: Arc::clone(&service.mailroom),
            transport: outgoing::transport(settings, address, ambience.mail_port)?,
            signer: outgoing::signer(settings)?,
            clock: service.clock.clone(),
            chance: service.chance.clone(),
            metrics: service.metrics.clone(),
            bell: service.bell.clone(),
            health: Arc::clone(&health),
        });
        let routes = {
            let (service, settings) = (Arc::clone(&service), settings.clone());
            Box::new(move || assemble(&service, health, &settings, address).boxed())
        };
        Ok(Server { listener, address, service, routes, courier, limits: connection_limits() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The use cases it serves.
    pub fn service(&self) -> Arc<Service> {
        Arc::clone(&self.service)
    }

    /// Answers until `stop` turns true; then finishes what is in flight and ends.
    pub async fn run(self, stop: watch::Receiver<bool>) -> Drained {
        let (courier, service) = (self.courier, Arc::clone(&self.service));
        let (until, sweep_until) = (stop.clone(), stop.clone());
        let carrying =
            Worker::start("courier", stop.clone(), move || Arc::clone(&courier).run(until.clone()));
        let sweeping = Worker::start("housekeeping", stop.clone(), move || {
            housekeeping::run(Arc::clone(&service), sweep_until.clone())
        });
        let mut ended = stop;
        let shutdown = async move {
            let _ = ended.wait_for(|stop| *stop).await;
        };
        let drained = accept::serve(self.listener, (self.routes)(), self.limits, shutdown).await;
        // A letter cut off in mid-conversation is taken back by the next run, and goes out again.
        tokio::join!(carrying.finish(WIND_UP), sweeping.finish(WIND_UP));
        drained
    }
}

/// Takes the letters of earlier starts out of the mailbox, where that is wished for. Never those that wait for a mail
/// server.
async fn clear_mailbox(settings: &Settings, service: &Service) -> Result<(), StartError> {
    if settings.mailbox_clear && matches!(settings.mail.transport, config::Transport::Mailbox) {
        let removed = service.clear_mailbox(Search::all()).await.map_err(StartError::because)?;
        tracing::info!("letters taken out of the mailbox: {removed}");
    }
    Ok(())
}

/// The files that the database, the mail and the log may need beside the connections.
const OTHER_FILES: u64 = 128;

/// The usual bounds, within what the operating system lets the process open: past that, connections wait in its queue
/// instead of failing.
fn connection_limits() -> accept::Limits {
    let limits = accept::Limits::default();
    let wanted = limits.max_connections as u64 + OTHER_FILES;
    // A soft limit is there to be raised; where that is refused, fewer connections are taken.
    let open_files = rlimit::increase_nofile_limit(wanted).unwrap_or(1024);
    let possible = usize::try_from(open_files.saturating_sub(OTHER_FILES).max(16)).unwrap_or(usize::MAX);
    accept::Limits { max_connections: limits.max_connections.min(possible), ..limits }
}

fn assemble(
    service: &Arc<Service>,
    courier: Arc<Mutex<CourierHealth>>,
    settings: &Settings,
    address: SocketAddr,
) -> impl Endpoint<Output = Response> + use<> {
    let keeps_letters = matches!(settings.mail.transport, config::Transport::Mailbox);
    let mailbox = if keeps_letters { settings.mailbox } else { Access::Off };
    let page_settings = PageSettings {
        app_name: settings.app_name.clone(),
        app_url: settings.app_url.clone(),
        password_rule: |contract| policy_of(contract).password_rule,
        mailbox: mailbox != Access::Off,
        mailbox_is_public: mailbox == Access::Public,
        docs: settings.docs,
        captcha: service.captcha.asks_on_pages(),
    };
    let limits = Arc::new(Limits::new(service.clock.clone(), settings.rate_limits));
    let meter = Meter {
        tiers: Tiers::new(service.clock.clone(), settings.rate_limits),
        limits: Arc::clone(&limits),
        upgrade_url: settings.upgrade_url.clone(),
    };
    let Tree { routes, document } = Tree::of(&settings.contracts, settings.docs);
    let pages = Pages::new(page_settings);
    let confirmation = ConfirmationPage(pages.verification());
    let routes = pages
        .mount(routes)
        .data(Arc::clone(service))
        .data(Arc::new(Vitals { courier }))
        .data(Arc::new(confirmation))
        .data(Arc::clone(&limits))
        .data(Arc::new(meter));
    let public_url_is_local =
        settings.public_url.as_ref().map_or_else(|| address.ip().is_loopback(), PublicUrl::is_loopback);
    surround(
        routes,
        Around {
            front_door: FrontDoor::new(&settings.contracts, &settings.hosts),
            inventory: Inventory::new(&document, pages::ROUTES),
            limits,
            proxies: TrustedProxies::new(settings.trusted_proxies.clone()),
            gates: Gates { mailbox, metrics: settings.metrics, public_url_is_local },
            cors_origins: settings.cors_origins.clone(),
            clock: service.clock.clone(),
            chance: service.chance.clone(),
            metrics: service.metrics.clone(),
        },
    )
}

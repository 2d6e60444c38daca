//! The composition root: from settings to a running server, and its orderly end.

mod log;
mod worker;

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use poem::{Endpoint, EndpointExt, Response};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::api::accept::{self, Drained};
use crate::api::inventory::Inventory;
use crate::api::limits::Limits;
use crate::api::surround::surround;
use crate::api::{self, Around, Gates, Vitals};
use crate::client::TrustedProxies;
use crate::clock::{Chance, Clock};
use crate::config::secret_key::{load_existing, load_or_create};
use crate::config::{self, Access, PublicUrl, SecretKey, Settings};
use crate::hashing::Hashing;
use crate::housekeeping;
use crate::mail::courier::{CONVERSATION, Courier, CourierBell, CourierHealth, Transport};
use crate::mail::relay::Relay;
use crate::mail::{Letterhead, Mailroom};
use crate::metrics::Metrics;
use crate::pages::{self, PageSettings};
use crate::secrets::{Secrets, Use};
use crate::service::{Service, keys};
use crate::store::{self, Store, Unavailable, instance};

pub use log::start_logging;
use worker::Worker;

/// Why the server or a command cannot start: a sentence for the operator.
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
}

impl Ambience {
    /// The machine's clock and randomness.
    pub fn system() -> Ambience {
        Ambience { clock: Clock::system(), chance: Chance::system() }
    }
}

/// Opens the database with its secret key and makes the use cases work on it. `bound` is where links lead when no
/// public URL is set; `threads` hash passwords.
///
/// # Errors
/// [`StartError`].
pub async fn open(
    settings: &Settings,
    ambience: &Ambience,
    bound: SocketAddr,
    threads: usize,
) -> Result<Arc<Service>, StartError> {
    let Ambience { clock, chance } = ambience.clone();
    let metrics = Metrics::new();
    let store = Store::open(&settings.database, metrics.clone()).map_err(StartError::because)?;
    let set = settings.secret_key.as_ref().map(SecretKey::expose);
    let secret_key = load_or_create(set, &settings.database).map_err(StartError::because)?;
    let secrets = Arc::new(Secrets::new(secret_key.expose(), chance.clone()));
    check_secret_key(&store, &secrets, settings).await?;
    let ring = keys::load(&store, &secrets, clock.now()).await.map_err(StartError::because)?;
    let hashing = Hashing::start(threads, settings.argon2, chance.clone(), metrics.clone())
        .map_err(|error| StartError(format!("no thread can be started for hashing: {error}")))?;
    let head = Letterhead {
        app_name: settings.app_name.clone(),
        public_url: settings.public_url_for(bound),
        app_url: settings.app_url.clone(),
        from: settings.mail.from.address.clone(),
        from_name: settings.mail.from.name.clone(),
    };
    let mailroom = Mailroom::new(head, Arc::clone(&secrets), clock.clone(), chance.clone());
    Ok(Arc::new(Service {
        store,
        hashing,
        ring,
        mailroom: Arc::new(mailroom),
        bell: CourierBell::default(),
        secrets,
        clock,
        chance,
        metrics,
        issuer: settings.public_url.as_ref().map_or_else(|| "latchkey".to_owned(), PublicUrl::to_string),
        limits: settings.rate_limits,
        reveal_accounts: settings.reveal_accounts,
        key_reload: keys::ReloadGate::default(),
    }))
}

/// Notices a wrong secret key before anything is written with it.
async fn check_secret_key(store: &Store, secrets: &Secrets, settings: &Settings) -> Result<(), StartError> {
    let fresh = secrets.seal(Use::KeyCheck, b"latchkey");
    let known: Result<String, Unavailable> =
        store.write(move |tx| instance::get_or_insert(tx, instance::KEY_CHECK, &fresh)).await;
    fits(secrets, &known.map_err(StartError::because)?, settings)
}

fn fits(secrets: &Secrets, key_check: &str, settings: &Settings) -> Result<(), StartError> {
    secrets.open(Use::KeyCheck, key_check).map(drop).map_err(|_| {
        let database = settings.database.display();
        StartError(format!(
            "the secret key does not fit the database {database}: put back the {database}.key that belongs to it, or \
             set LATCHKEY_SECRET_KEY to the key it was made with"
        ))
    })
}

/// Tells, in a sentence, whether the server would start on the database, without changing it.
///
/// # Errors
/// [`StartError`].
pub fn check(settings: &Settings) -> Result<String, StartError> {
    let path = settings.database.display();
    if !settings.database.exists() {
        return Ok(format!("the settings are sound; {path} will be made at the first start"));
    }
    let found = store::inspect(&settings.database).map_err(StartError::because)?;
    let set = settings.secret_key.as_ref().map(SecretKey::expose);
    let key = load_existing(set, &settings.database).map_err(StartError::because)?;
    match (found.key_check, key) {
        (None, _) => {}
        (Some(check), Some(key)) => fits(&Secrets::new(key.expose(), Chance::system()), &check, settings)?,
        (Some(_), None) => {
            return Err(StartError(format!(
                "the secret key file {path}.key is missing: put it back, or set LATCHKEY_SECRET_KEY"
            )));
        }
    }
    Ok("the settings and the database are sound".to_owned())
}

/// Tries whether a file is a sound database that this build can use, without changing it.
///
/// # Errors
/// [`StartError`].
pub fn inspect(database: &Path) -> Result<(), StartError> {
    store::inspect(database).map(drop).map_err(StartError)
}

/// Takes a database out of use, so that another can be put in its place.
///
/// # Errors
/// [`StartError`] when a process has it open.
pub fn retire(database: &Path) -> Result<(), StartError> {
    store::retire(database).map_err(StartError)
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
    drain: accept::Limits,
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
        let service = open(settings, &ambience, address, settings.hash_threads).await?;
        let health: Arc<Mutex<CourierHealth>> = Arc::default();
        let courier = Arc::new(Courier {
            store: service.store.clone(),
            mailroom: Arc::clone(&service.mailroom),
            transport: transport(settings)?,
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
        Ok(Server { listener, address, service, routes, courier, drain: accept::Limits::default() })
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
        let drained = accept::serve(self.listener, (self.routes)(), self.drain, shutdown).await;
        // A letter cut off in mid-conversation stays claimed until its lease runs out, then goes out again.
        tokio::join!(carrying.finish(WIND_UP), sweeping.finish(WIND_UP));
        drained
    }
}

fn transport(settings: &Settings) -> Result<Transport, StartError> {
    match &settings.mail.transport {
        config::Transport::Mailbox => Ok(Transport::Mailbox),
        config::Transport::Relay(url) => Relay::new(url, &settings.mail.ehlo_name, CONVERSATION)
            .map(Transport::Relay)
            .map_err(|error| StartError(format!("LATCHKEY_SMTP_URL: {error}"))),
    }
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
        password_rule: api::flashback::POLICY.password_rule,
        mailbox: mailbox != Access::Off,
        mailbox_is_public: mailbox == Access::Public,
        docs: settings.docs,
    };
    let routes = pages::mount(api::routes(settings.docs), page_settings)
        .data(Arc::clone(service))
        .data(Arc::new(Vitals { courier }));
    let public_url_is_local =
        settings.public_url.as_ref().map_or_else(|| address.ip().is_loopback(), PublicUrl::is_loopback);
    surround(
        routes,
        Around {
            inventory: Inventory::new(&api::document_json(), pages::ROUTES),
            limits: Limits::new(service.clock.clone(), settings.rate_limits),
            proxies: TrustedProxies::new(settings.trusted_proxies.clone()),
            gates: Gates { mailbox, metrics: settings.metrics, public_url_is_local },
            cors_origins: settings.cors_origins.clone(),
            chance: service.chance.clone(),
            metrics: service.metrics.clone(),
        },
    )
}

//! Opening the database with its secret key, for the server and for the commands beside it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::{Ambience, StartError, outgoing};
use crate::captcha::{Captcha, Setup};
use crate::clock::Chance;
use crate::config::secret_key::{load_existing, load_or_create};
use crate::config::{PublicUrl, SecretKey, Settings};
use crate::hashing::Hashing;
use crate::mail::conversation::tls;
use crate::mail::courier::CourierBell;
use crate::mail::templates::Templates;
use crate::mail::{Letterhead, Mailroom};
use crate::metrics::Metrics;
use crate::secrets::{Secrets, Use};
use crate::service::{Service, keys, metering};
use crate::store::{self, Store, Unavailable, instance};

/// Who works on the database, and so where the links of letters lead and how many threads hash.
#[derive(Debug, Clone, Copy)]
pub enum Process {
    /// The server, bound to this address. Links lead to the public URL, else to the address.
    Server(SocketAddr),
    /// A command beside it. Links lead where the server's do.
    Command,
}

/// Opens the database with its secret key and makes the use cases work on it.
///
/// # Errors
/// [`StartError`].
pub async fn open(
    settings: &Settings,
    ambience: &Ambience,
    role: Process,
) -> Result<Arc<Service>, StartError> {
    let Ambience { clock, chance, .. } = ambience.clone();
    let metrics = Metrics::new();
    let store = Store::open(&settings.database, metrics.clone()).map_err(StartError::because)?;
    let secret_key = secret_key(&store, settings)?;
    let secrets = Arc::new(Secrets::new(secret_key.expose(), chance.clone()));
    check_secret_key(&store, &secrets, settings).await?;
    let ring = keys::load(&store, &secrets, clock.now()).await.map_err(StartError::because)?;
    let threads = match role {
        Process::Server(_) => settings.hash_threads,
        Process::Command => 1,
    };
    let hashing = Hashing::start(threads, settings.argon2, chance.clone(), metrics.clone())
        .map_err(|error| StartError(format!("no thread can be started for hashing: {error}")))?;
    // No command judges answers.
    let setup = matches!(role, Process::Server(_)).then(|| settings.captcha.clone()).unwrap_or_default();
    let captcha = captcha(&setup, ambience, &metrics)?;
    let head = Letterhead {
        app_name: settings.app_name.clone(),
        public_url: public_url(&store, settings, role).await?,
        app_url: settings.app_url.clone(),
        from: settings.mail.from.address.clone(),
        from_name: settings.mail.from.name.clone(),
    };
    let templates = match (templates(settings), role) {
        (Ok(templates), _) => templates,
        (Err(faults), Process::Server(_)) => return Err(faults),
        // What a command does may have nothing to do with letters, and a running server has read them before.
        (Err(faults), Process::Command) => {
            tracing::warn!(
                "letters of this command are in the built-in words, and no server would start: {faults}"
            );
            Templates::embedded()
        }
    };
    let mailroom = Mailroom::new(head, templates, Arc::clone(&secrets), clock.clone(), chance.clone());
    Ok(Arc::new(Service {
        store,
        hashing,
        ring,
        mailroom: Arc::new(mailroom),
        bell: CourierBell::default(),
        captcha: Arc::new(captcha),
        secrets,
        clock,
        chance,
        metrics,
        issuer: settings.public_url.as_ref().map_or_else(|| "latchkey".to_owned(), PublicUrl::to_string),
        limits: settings.rate_limits,
        reveal_accounts: settings.reveal_accounts,
        referral_reward: settings.referral_reward,
        key_reload: keys::ReloadGate::default(),
        key_use: metering::KeyUse::default(),
        last_sweep: Mutex::default(),
    }))
}

/// The judge of captchas. A service is believed as a relay for mail is: by the authorities of this system.
fn captcha(setup: &Setup, ambience: &Ambience, metrics: &Metrics) -> Result<Captcha, StartError> {
    let Ambience { clock, chance, .. } = ambience.clone();
    let trust = || tls::verifying(tls::system_roots());
    Captcha::new(setup, (clock, chance), metrics.clone(), trust).map_err(StartError)
}

/// The words of letters.
fn templates(settings: &Settings) -> Result<Templates, StartError> {
    match &settings.mail.templates {
        None => Ok(Templates::embedded()),
        Some(folder) => Templates::with_folder(folder).map_err(|faults| {
            let named = faults.iter().map(|fault| format!("LATCHKEY_MAIL_TEMPLATES: {fault}"));
            StartError(named.collect::<Vec<_>>().join("\n"))
        }),
    }
}

/// The operator's secret. Only a database that has never been started on is given a new one: beside any other it would
/// be a wrong key that looks like the right one.
fn secret_key(store: &Store, settings: &Settings) -> Result<SecretKey, StartError> {
    let set = settings.secret_key.as_ref().map(SecretKey::expose);
    let started_before =
        store.read(|tx| instance::get(tx, instance::KEY_CHECK)).map_err(StartError::because)?;
    match started_before {
        None => load_or_create(set, &settings.database).map_err(StartError::because),
        Some(_) => load_existing(set, &settings.database)
            .map_err(StartError::because)?
            .ok_or_else(|| missing_key(settings)),
    }
}

fn missing_key(settings: &Settings) -> StartError {
    let path = settings.database.display();
    StartError::because(format_args!(
        "the secret key file {path}.key is missing: put back the one that belongs to this database, or set \
         LATCHKEY_SECRET_KEY"
    ))
}

/// Where links lead: the server notes it, so that a command beside it says the same.
async fn public_url(store: &Store, settings: &Settings, role: Process) -> Result<String, StartError> {
    match role {
        Process::Server(bound) => {
            let url = settings.public_url_for(bound);
            let noted = url.clone();
            let done: Result<(), Unavailable> =
                store.write(move |tx| instance::set(tx, instance::PUBLIC_URL, &noted)).await;
            done.map(|()| url).map_err(StartError::because)
        }
        Process::Command => {
            let noted =
                store.read(|tx| instance::get(tx, instance::PUBLIC_URL)).map_err(StartError::because)?;
            let own = || settings.public_url_for(settings.listen);
            Ok(if settings.public_url.is_some() { own() } else { noted.unwrap_or_else(own) })
        }
    }
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

/// Tells, in a sentence, whether the server would start on the database, and how its letters would leave, without
/// changing anything.
///
/// # Errors
/// [`StartError`].
pub fn check(settings: &Settings) -> Result<String, StartError> {
    templates(settings)?;
    let letters = outgoing::describe(settings)?;
    let path = settings.database.display();
    if !settings.database.exists() {
        let folder = settings.database.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(StartError::because(format_args!("there is no folder {}", folder.display())));
        }
        return Ok(format!("the settings are sound; {path} will be made at the first start; {letters}"));
    }
    let found = store::inspect(&settings.database).map_err(StartError::because)?;
    let set = settings.secret_key.as_ref().map(SecretKey::expose);
    let key = load_existing(set, &settings.database).map_err(StartError::because)?;
    match (found.key_check, key) {
        (None, _) => {}
        (Some(check), Some(key)) => fits(&Secrets::new(key.expose(), Chance::system()), &check, settings)?,
        (Some(_), None) => return Err(missing_key(settings)),
    }
    Ok(format!("the settings and the database are sound; {letters}"))
}

/// Tries whether a file is a sound database that this build can use, without changing it.
///
/// # Errors
/// [`StartError`].
pub fn inspect(database: &Path) -> Result<(), StartError> {
    store::inspect(database).map(drop).map_err(StartError)
}

/// Tries whether a backup can be opened with the secret key that the settings lead to.
///
/// # Errors
/// [`StartError`] when there is none, or another one.
pub fn opens_with_key(backup: &Path, settings: &Settings) -> Result<(), StartError> {
    let Some(check) = store::inspect(backup).map_err(StartError)?.key_check else { return Ok(()) };
    let set = settings.secret_key.as_ref().map(SecretKey::expose);
    let key = load_existing(set, &settings.database).map_err(StartError::because)?;
    let key = key.ok_or_else(|| missing_key(settings))?;
    fits(&Secrets::new(key.expose(), Chance::system()), &check, settings)
}

/// Takes a database out of use, so that another can be put in its place.
///
/// # Errors
/// [`StartError`] when a process has it open.
pub fn retire(database: &Path) -> Result<(), StartError> {
    store::retire(database).map_err(StartError)
}

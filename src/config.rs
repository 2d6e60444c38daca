//! Settings: flags and variables become values that cannot be wrong, or every fault in a sentence of its own.
//!
//! Nothing here touches the disk or the network but [`load_env_file`] and [`secret_key::load_or_create`].

mod arguments;
mod captcha;
mod dkim;
mod env_file;
mod exposure;
mod hosts;
mod logging;
mod mail;
mod network;
mod origin;
mod reading;
pub mod secret_key;
mod switch;
mod variables;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ipnet::IpNet;

pub use arguments::Arguments;
pub use dkim::DkimSettings;
pub use env_file::load_env_file;
pub use mail::{MailSettings, Sender, Transport};
pub use origin::PublicUrl;
pub use secret_key::SecretKey;
pub use switch::{Access, LogFormat};

use crate::captcha::Setup;
use crate::hashing::Cost;
use crate::model::contract::Contract;
use crate::model::ledger::MOST_CREDIT;
use crate::model::name::Name;
use reading::{Reading, items, quoted};

/// The contracts that this version serves, all of them by default.
pub const SERVED: &[Contract] = &Contract::ALL;

/// The most threads for hashing: each keeps about 19 MiB at the default cost.
const MOST_HASH_THREADS: usize = 256;

/// Ledger tokens for who brought in somebody that subscribes (contracts/orbai.md section 4).
const DEFAULT_REFERRAL_REWARD: i64 = 500;

/// Everything an operator can choose, checked (DESIGN section 10).
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port 0 picks a free one.
    pub listen: SocketAddr,
    /// The one file; a relative path starts from the working directory.
    pub database: PathBuf,
    /// Unset, the address that is bound: see [`Settings::public_url_for`].
    pub public_url: Option<PublicUrl>,
    /// 1 to 60 characters without control characters.
    pub app_name: String,
    /// Unset, the file that [`secret_key::load_or_create`] reads or makes.
    pub secret_key: Option<SecretKey>,
    /// An http(s) URL.
    pub app_url: Option<String>,
    /// An http(s) URL.
    pub upgrade_url: Option<String>,
    pub mail: MailSettings,
    /// What sign-ups that ask for a captcha have to bring.
    pub captcha: Setup,
    /// Who may read `/mailbox`.
    pub mailbox: Access,
    /// Whether a start takes the letters out of the mailbox.
    pub mailbox_clear: bool,
    /// Who may read `/metrics`.
    pub metrics: Access,
    /// At least one of [`SERVED`], each once.
    pub contracts: Vec<Contract>,
    /// The names by which this server is called for a contract, in lower case, each once.
    pub hosts: Vec<(String, Contract)>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    pub rate_limits: bool,
    pub argon2: Cost,
    /// 1 to 256.
    pub hash_threads: usize,
    /// Whether answers may tell that an address has an account.
    pub reveal_accounts: bool,
    /// Ledger tokens for who brought in somebody that subscribes, from 0 (none) to [`MOST_CREDIT`].
    pub referral_reward: i64,
    /// Origins as browsers send them, each once.
    pub cors_origins: Vec<String>,
    /// Whether Swagger UI is served.
    pub docs: bool,
    /// A filter that `tracing_subscriber::EnvFilter` takes.
    pub log: String,
    pub log_format: LogFormat,
    /// What is allowed and yet seldom meant, and variables without effect: sentences to be logged at start-up.
    pub warnings: Vec<String>,
}

impl Settings {
    /// Gives the raw texts their meaning. `environment` is looked through for variables without effect only; see
    /// [`environment`].
    ///
    /// # Errors
    /// All faults at once, a sentence each. Never holds a secret.
    pub fn from_arguments(
        arguments: &Arguments,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Settings, Vec<String>> {
        let mut reading = Reading::default();
        let mut settings = read(&mut reading, arguments);
        reading.check(exposure::WEIGHED, exposure::refusal(&settings));
        reading.check(hosts::WEIGHED, hosts::refusal(&settings));
        let faults = reading.into_faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        settings.warnings = exposure::warnings(&settings);
        settings.warnings.extend(captcha::warnings(arguments, &settings.captcha));
        settings.warnings.extend(variables::warnings(environment));
        Ok(settings)
    }

    /// Where links lead, without a slash at the end: the public URL, else the address that is bound, with `localhost`
    /// for an address that means all of them.
    pub fn public_url_for(&self, bound: SocketAddr) -> String {
        match &self.public_url {
            Some(url) => url.to_string(),
            None => PublicUrl::of_bound(bound.ip(), bound.port()).to_string(),
        }
    }
}

/// The environment of this process without what is not UTF-8, which no setting is.
pub fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
}

/// Reads every setting. What is faulty or unset gets its default; the faults are in `reading`.
fn read(reading: &mut Reading, given: &Arguments) -> Settings {
    let public_url = reading.value("LATCHKEY_PUBLIC_URL", &given.public_url, PublicUrl::parse);
    let mail = mail::read(reading, given, public_url.as_ref());
    let captcha = captcha::read(reading, given);
    let mut switch =
        |variable, raw, default| reading.value(variable, raw, switch::on_or_off).unwrap_or(default);
    let rate_limits = switch("LATCHKEY_RATE_LIMITS", &given.rate_limits, true);
    let reveal_accounts = switch("LATCHKEY_REVEAL_ACCOUNTS", &given.reveal_accounts, false);
    let docs = switch("LATCHKEY_DOCS", &given.docs, true);
    let mailbox_clear = switch("LATCHKEY_MAILBOX_CLEAR", &given.mailbox_clear, false);
    let mut access = |variable, raw| reading.value(variable, raw, Access::parse).unwrap_or(Access::Local);
    let mailbox = access("LATCHKEY_MAILBOX", &given.mailbox);
    let metrics = access("LATCHKEY_METRICS", &given.metrics);

    let listen = reading.value("LATCHKEY_LISTEN", &given.listen, network::listen);
    let database = reading.value("LATCHKEY_DATABASE", &given.database, database);
    let app_name = reading.value("LATCHKEY_APP_NAME", &given.app_name, app_name);
    let secret_key = reading.value("LATCHKEY_SECRET_KEY", &given.secret_key, SecretKey::parse);
    let app_url = reading.value("LATCHKEY_APP_URL", &given.app_url, origin::app_url);
    let upgrade_url = reading.value("LATCHKEY_UPGRADE_URL", &given.upgrade_url, origin::app_url);
    let contracts = reading.value("LATCHKEY_CONTRACTS", &given.contracts, contracts);
    let hosts = reading.value("LATCHKEY_HOSTS", &given.hosts, hosts::hosts);
    let proxies = reading.value("LATCHKEY_TRUSTED_PROXIES", &given.trusted_proxies, network::trusted_proxies);
    let argon2 = reading.value("LATCHKEY_ARGON2", &given.argon2, argon2);
    let hash_threads = reading.value("LATCHKEY_HASH_THREADS", &given.hash_threads, hash_threads);
    let referral_reward = reading.value("LATCHKEY_REFERRAL_REWARD", &given.referral_reward, referral_reward);
    let cors_origins = reading.value("LATCHKEY_CORS_ORIGINS", &given.cors_origins, origin::cors_origins);
    let log = reading.value("LATCHKEY_LOG", &given.log, logging::filter);
    let log_format = reading.value("LATCHKEY_LOG_FORMAT", &given.log_format, LogFormat::parse);
    Settings {
        listen: listen.unwrap_or(network::DEFAULT_LISTEN),
        database: database.unwrap_or_else(|| PathBuf::from("latchkey.db")),
        public_url,
        app_name: app_name.unwrap_or_else(|| "Latchkey".to_owned()),
        secret_key,
        app_url,
        upgrade_url,
        mail,
        captcha,
        mailbox,
        mailbox_clear,
        metrics,
        contracts: contracts.unwrap_or_else(|| SERVED.to_vec()),
        hosts: hosts.unwrap_or_default(),
        trusted_proxies: proxies.unwrap_or_default(),
        rate_limits,
        argon2: argon2.unwrap_or_default(),
        hash_threads: hash_threads.unwrap_or_else(cores),
        reveal_accounts,
        referral_reward: referral_reward.unwrap_or(DEFAULT_REFERRAL_REWARD),
        cors_origins: cors_origins.unwrap_or_default(),
        docs,
        log: log.unwrap_or_else(|| "info".to_owned()),
        log_format: log_format.unwrap_or(LogFormat::Text),
        warnings: Vec::new(),
    }
}

/// SQLite gives `:memory:` and `file:` a meaning of their own; here the database is always one file with a name.
fn database(text: &str) -> Result<PathBuf, String> {
    if text.starts_with(':') || text.starts_with("file:") || text.ends_with(['/', '\\']) {
        return Err(format!("is {}, but must be the path of a file, such as latchkey.db", quoted(text)));
    }
    Ok(PathBuf::from(text))
}

fn app_name(text: &str) -> Result<String, String> {
    Name::<60>::parse(text).map(|name| name.as_str().to_owned()).map_err(|rule| rule.to_string())
}

fn contracts(text: &str) -> Result<Vec<Contract>, String> {
    let mut contracts = Vec::new();
    for item in items(text) {
        let contract = served(item)?;
        if !contracts.contains(&contract) {
            contracts.push(contract);
        }
    }
    if contracts.is_empty() {
        return Err("must name at least one contract, such as flashback".to_owned());
    }
    Ok(contracts)
}

/// A contract, by its name in settings.
fn served(name: &str) -> Result<Contract, String> {
    Contract::from_str(name).map_err(|rule| format!("holds {}, but {rule}", quoted(name)))
}

fn argon2(text: &str) -> Result<Cost, String> {
    text.parse().map_err(|fault: String| format!("is {}, which cannot be used: {fault}", quoted(text)))
}

fn hash_threads(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|threads| (1..=MOST_HASH_THREADS).contains(threads)).ok_or_else(|| {
        format!("is {}, but must be a number of threads from 1 to {MOST_HASH_THREADS}", quoted(text))
    })
}

fn referral_reward(text: &str) -> Result<i64, String> {
    text.parse().ok().filter(|tokens| (0..=MOST_CREDIT).contains(tokens)).ok_or_else(|| {
        format!("is {}, but must be a number of tokens from 0 (no reward) to {MOST_CREDIT}", quoted(text))
    })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(MOST_HASH_THREADS))
}

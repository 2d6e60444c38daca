//! Every setting as the operator wrote it: the flags, the variables that they mirror, and their help.

use std::fmt;

use clap::Args;

/// The settings as raw text, from the command line or else from the environment. [`super::Settings`] gives them
/// meaning, so that everything wrong with them is reported at once.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Settings")]
pub struct Arguments {
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, env = "LATCHKEY_LISTEN", hide_env_values = true, global = true, value_name = "ADDRESS:PORT")]
    pub listen: Option<String>,

    /// The SQLite file that holds everything [default: latchkey.db]
    #[arg(long, env = "LATCHKEY_DATABASE", hide_env_values = true, global = true, value_name = "FILE")]
    pub database: Option<String>,

    /// Where people reach this server; every mailed link starts with it [default: from --listen]
    #[arg(long, env = "LATCHKEY_PUBLIC_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub public_url: Option<String>,

    /// The product's name in letters and pages [default: Latchkey]
    #[arg(long, env = "LATCHKEY_APP_NAME", hide_env_values = true, global = true, value_name = "NAME")]
    pub app_name: Option<String>,

    /// At least 32 characters; other users of this machine can read flags, so prefer the variable
    /// [default: the file <database>.key, made at the first start]
    #[arg(long, env = "LATCHKEY_SECRET_KEY", hide_env_values = true, global = true, value_name = "TEXT")]
    pub secret_key: Option<String>,

    /// Where the pages behind mailed links lead on to [default: none]
    #[arg(long, env = "LATCHKEY_APP_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub app_url: Option<String>,

    /// The mail server, smtp://[user:password@]host[:port] or smtps://…, or direct: for the mail servers of each
    /// recipient; other users of this machine can read flags, so prefer the variable [default: none, letters are
    /// read at /mailbox]
    #[arg(long, env = "LATCHKEY_SMTP_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub smtp_url: Option<String>,

    /// The sender of letters, as an address or as NAME <ADDRESS> [default: no-reply@<public host>]
    #[arg(long, env = "LATCHKEY_MAIL_FROM", hide_env_values = true, global = true, value_name = "SENDER")]
    pub mail_from: Option<String>,

    /// The name given to mail servers [default: the public host]
    #[arg(long, env = "LATCHKEY_MAIL_EHLO_NAME", hide_env_values = true, global = true, value_name = "HOST")]
    pub mail_ehlo_name: Option<String>,

    /// The DNS servers that direct delivery asks, such as 9.9.9.9 or 127.0.0.1:5353, separated by commas
    /// [default: the system's]
    #[arg(
        long,
        env = "LATCHKEY_MAIL_RESOLVER",
        hide_env_values = true,
        global = true,
        value_name = "ADDRESSES"
    )]
    pub mail_resolver: Option<String>,

    /// Direct delivery to addresses that are not on the Internet: on or off [default: off]
    #[arg(
        long,
        env = "LATCHKEY_MAIL_ALLOW_PRIVATE",
        hide_env_values = true,
        global = true,
        value_name = "SWITCH"
    )]
    pub mail_allow_private: Option<String>,

    /// The domain in whose name letters are signed: the sender's or one above it [default: none, not signed]
    #[arg(long, env = "LATCHKEY_DKIM_DOMAIN", hide_env_values = true, global = true, value_name = "DOMAIN")]
    pub dkim_domain: Option<String>,

    /// The name under which DNS shows the public key; with several keys, as many, separated by commas
    /// [default: none]
    #[arg(long, env = "LATCHKEY_DKIM_SELECTOR", hide_env_values = true, global = true, value_name = "NAMES")]
    pub dkim_selector: Option<String>,

    /// The file of the private key, as `latchkey mail dkim` makes it; with several keys, as many, separated by commas
    /// [default: none]
    #[arg(long, env = "LATCHKEY_DKIM_KEY_FILE", hide_env_values = true, global = true, value_name = "FILES")]
    pub dkim_key_file: Option<String>,

    /// What sign-ups that ask for a captcha bring: off (anything), pow (a proof of work, judged here), recaptcha,
    /// hcaptcha or turnstile [default: off]
    #[arg(long, env = "LATCHKEY_CAPTCHA", hide_env_values = true, global = true, value_name = "KIND")]
    pub captcha: Option<String>,

    /// The secret that the captcha service gave out; other users of this machine can read flags, so prefer the
    /// variable [default: none]
    #[arg(long, env = "LATCHKEY_CAPTCHA_SECRET", hide_env_values = true, global = true, value_name = "TEXT")]
    pub captcha_secret: Option<String>,

    /// Where the captcha service is asked [default: the service's own siteverify]
    #[arg(long, env = "LATCHKEY_CAPTCHA_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub captcha_url: Option<String>,

    /// Hosts on whose pages the service's widget stands, separated by commas [default: none]
    #[arg(
        long,
        env = "LATCHKEY_CAPTCHA_HOSTNAMES",
        hide_env_values = true,
        global = true,
        value_name = "HOSTS"
    )]
    pub captcha_hostnames: Option<String>,

    /// The most numbers that the proof of work has a browser try, 1000 to 10000000 [default: 250000]
    #[arg(
        long,
        env = "LATCHKEY_CAPTCHA_DIFFICULTY",
        hide_env_values = true,
        global = true,
        value_name = "NUMBER"
    )]
    pub captcha_difficulty: Option<String>,

    /// A folder of templates for letters, in the place of the built-in ones [default: none]
    #[arg(
        long,
        env = "LATCHKEY_MAIL_TEMPLATES",
        hide_env_values = true,
        global = true,
        value_name = "FOLDER"
    )]
    pub mail_templates: Option<String>,

    /// Whether a start empties /mailbox; as a flag alone, or with =on or =off [default: off]
    #[arg(
        long,
        env = "LATCHKEY_MAILBOX_CLEAR",
        hide_env_values = true,
        global = true,
        value_name = "SWITCH",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "on"
    )]
    pub mailbox_clear: Option<String>,

    /// Who may read /mailbox: local, public or off [default: local]
    #[arg(long, env = "LATCHKEY_MAILBOX", hide_env_values = true, global = true, value_name = "WHO")]
    pub mailbox: Option<String>,

    /// Who may read /metrics: local, public or off [default: local]
    #[arg(long, env = "LATCHKEY_METRICS", hide_env_values = true, global = true, value_name = "WHO")]
    pub metrics: Option<String>,

    /// The contracts to serve, separated by commas [default: all that this version serves]
    #[arg(long, env = "LATCHKEY_CONTRACTS", hide_env_values = true, global = true, value_name = "NAMES")]
    pub contracts: Option<String>,

    /// Names of this server and the contracts they stand for, such as api.example.com=finradar, separated by commas;
    /// <contract>.localhost stands for its contract anyhow [default: none]
    #[arg(long, env = "LATCHKEY_HOSTS", hide_env_values = true, global = true, value_name = "NAMES")]
    pub hosts: Option<String>,

    /// Proxies whose X-Forwarded-For is believed: addresses and networks, separated by commas [default: none]
    #[arg(
        long,
        env = "LATCHKEY_TRUSTED_PROXIES",
        hide_env_values = true,
        global = true,
        value_name = "NETWORKS"
    )]
    pub trusted_proxies: Option<String>,

    /// Limits on calls: on, or off for load tests [default: on]
    #[arg(long, env = "LATCHKEY_RATE_LIMITS", hide_env_values = true, global = true, value_name = "SWITCH")]
    pub rate_limits: Option<String>,

    /// The cost of a password hash: KiB of memory, passes, lanes [default: m=19456,t=2,p=1]
    #[arg(long, env = "LATCHKEY_ARGON2", hide_env_values = true, global = true, value_name = "COST")]
    pub argon2: Option<String>,

    /// Threads that hash passwords, 1 to 256 [default: the cores]
    #[arg(long, env = "LATCHKEY_HASH_THREADS", hide_env_values = true, global = true, value_name = "NUMBER")]
    pub hash_threads: Option<String>,

    /// Whether answers may tell that an address has an account: on or off [default: off]
    #[arg(
        long,
        env = "LATCHKEY_REVEAL_ACCOUNTS",
        hide_env_values = true,
        global = true,
        value_name = "SWITCH"
    )]
    pub reveal_accounts: Option<String>,

    /// Ledger tokens for who brought in somebody that subscribes; 0 for none [default: 500]
    #[arg(
        long,
        env = "LATCHKEY_REFERRAL_REWARD",
        hide_env_values = true,
        global = true,
        value_name = "TOKENS"
    )]
    pub referral_reward: Option<String>,

    /// Where somebody buys more tokens: told to whose balance does not suffice [default: none]
    #[arg(long, env = "LATCHKEY_UPGRADE_URL", hide_env_values = true, global = true, value_name = "URL")]
    pub upgrade_url: Option<String>,

    /// Origins whose pages may call this server, separated by commas [default: none]
    #[arg(
        long,
        env = "LATCHKEY_CORS_ORIGINS",
        hide_env_values = true,
        global = true,
        value_name = "ORIGINS"
    )]
    pub cors_origins: Option<String>,

    /// Swagger UI at /docs: on or off [default: on]
    #[arg(long, env = "LATCHKEY_DOCS", hide_env_values = true, global = true, value_name = "SWITCH")]
    pub docs: Option<String>,

    /// What is logged: a level, or filters such as info,latchkey=debug [default: info]
    #[arg(long, env = "LATCHKEY_LOG", hide_env_values = true, global = true, value_name = "FILTER")]
    pub log: Option<String>,

    /// How it is logged: text or json [default: text]
    #[arg(long, env = "LATCHKEY_LOG_FORMAT", hide_env_values = true, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
}

/// Shows nothing: the raw text holds the secret key and the SMTP password.
impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Arguments(…)")
    }
}

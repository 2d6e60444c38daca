//! `latchkey mail …`.

mod templates;
mod walk;

use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::Refusal;
use super::output::Output;
use crate::config::Settings;
use crate::mail::dkim::{Algorithm, Key, Made, record_lines, record_name};

/// The selector of a key when none is given.
const SELECTOR: &str = "latchkey";
/// The top-level domain of the sender that stands in where none is set (RFC 6761 section 6.4).
const NOWHERE: &str = ".invalid";

#[derive(Subcommand)]
pub enum MailCommand {
    /// Send a test letter step by step, and tell which step fails and what to do.
    Test(walk::TestArguments),
    /// Look at all that decides whether letters arrive: DNS of the sender, this machine, the mail server.
    Doctor(walk::DoctorArguments),
    /// Make a key that signs letters (DKIM), and print what to put into DNS.
    Dkim(DkimArguments),
    /// Write the templates of letters into a folder, to start your own words from.
    Templates(templates::TemplatesArguments),
}

#[derive(Args)]
pub struct DkimArguments {
    /// A key of RSA with 2,048 bits, which every receiver checks, instead of Ed25519.
    #[arg(long, conflicts_with = "show")]
    rsa: bool,
    /// The name under which DNS shows the public key [default: that of the settings, else latchkey].
    #[arg(long, value_name = "NAME")]
    selector: Option<String>,
    /// The domain of the sender [default: that of the settings].
    #[arg(long)]
    domain: Option<String>,
    /// The file to put the private key into; it must not exist.
    #[arg(long, value_name = "FILE", required_unless_present = "show", conflicts_with = "show")]
    out: Option<PathBuf>,
    /// Print the record of a key that was made before.
    #[arg(long, value_name = "FILE")]
    show: Option<PathBuf>,
}

/// Carries out a command.
pub async fn run(settings: &Settings, command: &MailCommand, output: Output) -> Result<(), Refusal> {
    match command {
        MailCommand::Test(arguments) => walk::test(settings, arguments, output).await,
        MailCommand::Doctor(arguments) => walk::doctor(settings, arguments, output).await,
        MailCommand::Dkim(arguments) => dkim(settings, arguments, output),
        MailCommand::Templates(arguments) => templates::write(arguments, output),
    }
}

fn dkim(settings: &Settings, arguments: &DkimArguments, output: Output) -> Result<(), Refusal> {
    let known = settings.mail.dkim.as_ref();
    let domain = match &arguments.domain {
        Some(text) => crate::model::domain::Host::parse(text)
            .map_err(|_| Refusal::because("--domain must be a domain name, such as example.com"))?,
        None => known.map_or_else(|| settings.mail.from.address.domain(), |dkim| dkim.domain.clone()),
    };
    if domain.as_str().ends_with(NOWHERE) {
        return Err(Refusal::because("name the domain that letters come from with --domain"));
    }
    let (key, file) = match (&arguments.out, &arguments.show) {
        (Some(file), _) => (make(arguments.rsa, file)?, file),
        (None, Some(file)) => (load(file)?, file),
        (None, None) => return Err(Refusal::because("name a file with --out or --show")),
    };
    let of_settings = known.and_then(|dkim| dkim.keys.iter().find(|(_, path)| path == file));
    let selector = match (&arguments.selector, of_settings) {
        (Some(selector), _) => selector,
        (None, Some((selector, _))) => selector,
        (None, None) => SELECTOR,
    };
    print(&key, file, (selector, domain.as_str()), output)
}

fn load(file: &Path) -> Result<Key, Refusal> {
    Key::load(file).map_err(|error| Refusal::because(format_args!("the file {} {error}", file.display())))
}

fn make(rsa: bool, file: &Path) -> Result<Key, Refusal> {
    let Made { key, pem } = Key::make(if rsa { Algorithm::Rsa } else { Algorithm::Ed25519 });
    write_private(file, &pem).map_err(|fault| {
        let file = file.display();
        match fault.kind() {
            ErrorKind::AlreadyExists => Refusal::because(format_args!(
                "there is a file {file} already, and a key is never overwritten: name another, or see what it holds with \
                 --show {file}"
            )),
            _ => Refusal::because(format_args!("cannot write {file}: {fault}")),
        }
    })?;
    Ok(key)
}

fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn print(key: &Key, file: &Path, (selector, domain): (&str, &str), output: Output) -> Result<(), Refusal> {
    let (name, record) = (record_name(selector, domain), key.record());
    let zone = format!("{name}. IN TXT ( {} )", record_lines(&record));
    // The server may run in another folder.
    let path = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    let settings = [
        format!("LATCHKEY_DKIM_DOMAIN={domain}"),
        format!("LATCHKEY_DKIM_SELECTOR={selector}"),
        format!("LATCHKEY_DKIM_KEY_FILE={}", path.display()),
    ];
    if output.json {
        return output.one(vec![
            ("name", json!(name)),
            ("type", json!("TXT")),
            ("value", json!(record)),
            ("zone", json!(zone)),
            ("settings", json!(settings)),
        ]);
    }
    let advice = match key.algorithm() {
        Algorithm::Rsa => "",
        Algorithm::Ed25519 => {
            "\n\nNot every receiver checks Ed25519: make a key with --rsa too, and set both, separated by commas."
        }
    };
    output.text(&format!(
        "Put this record into the DNS of {domain}; a form takes the name {name} and the text without quotation marks:\n\n\
         {zone}\n\n\
         Once it is there, set this and start the server anew:\n\n{}{advice}\n",
        settings.join("\n")
    ))
}

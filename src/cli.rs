//! The operator's commands, a file a noun. They work on the file, beside a running server.
//!
//! Exit status: 0 done, 1 refused with a sentence, 2 wrong usage.

mod account;
mod audit;
mod credit;
mod database;
mod invitation;
mod invite;
mod key;
mod letter;
mod mail;
mod organization;
mod output;
mod serve;
mod subscribe;

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};

use crate::app::{self, Ambience, Process, StartError};
use crate::config::{self, Arguments, Settings};
use crate::service::{Service, Unavailable};
use output::Output;

/// Latchkey, the sign-up desk of a self-hosted product: one binary, one SQLite file.
#[derive(Parser)]
#[command(name = "latchkey", version, about, long_about = None)]
struct CommandLine {
    #[command(flatten)]
    settings: Arguments,
    /// Print JSON instead of tables.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Answer requests (the default).
    Serve,
    /// Print the OpenAPI document.
    Openapi,
    /// Check the settings and the database without starting.
    Check,
    /// Accounts of people.
    #[command(subcommand)]
    Account(account::AccountCommand),
    /// Organizations and banned domains.
    #[command(subcommand)]
    Organization(organization::OrganizationCommand),
    /// Who did what to whom, and from where, newest first.
    Audit(audit::AuditQuery),
    /// Codes that let somebody sign up where a contract asks for one.
    #[command(subcommand)]
    Invite(invite::InviteCommand),
    /// Invitations into an organization, each for one address.
    #[command(subcommand)]
    Invitation(invitation::InvitationCommand),
    /// The outbox.
    #[command(subcommand)]
    Letters(letter::LetterCommand),
    /// Mail on its way out.
    #[command(subcommand)]
    Mail(mail::MailCommand),
    /// The keys that sign tokens.
    #[command(subcommand)]
    Keys(key::KeyCommand),
    /// Copy the database into a new file while the server runs. Keep the secret key with it.
    Backup { file: std::path::PathBuf },
    /// Put a backup in the place of the database. The server must be stopped.
    Restore { file: std::path::PathBuf },
}

/// Why a command was refused: sentences for the operator, exit status 1.
struct Refusal(Vec<String>);

impl Refusal {
    fn because(sentence: impl std::fmt::Display) -> Refusal {
        Refusal(vec![sentence.to_string()])
    }
}

impl From<StartError> for Refusal {
    fn from(error: StartError) -> Refusal {
        Refusal(error.to_string().lines().map(str::to_owned).collect())
    }
}

impl From<Unavailable> for Refusal {
    fn from(error: Unavailable) -> Refusal {
        Refusal::because(error)
    }
}

/// Runs the process: reads the settings, carries out the command, tells how it went.
pub fn run() -> ExitCode {
    let loaded = config::load_env_file();
    // Clap prints its own sentence for wrong usage and ends with status 2.
    let line = CommandLine::parse();
    let done = loaded.map_err(Refusal::because).and_then(|()| carry_out(line));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refusal(sentences)) => {
            for sentence in sentences {
                eprintln!("latchkey: {sentence}");
            }
            ExitCode::FAILURE
        }
    }
}

fn carry_out(line: CommandLine) -> Result<(), Refusal> {
    let output = Output { json: line.json };
    let command = line.command.unwrap_or(Command::Serve);
    if let Command::Openapi = command {
        return output.text(&crate::api::document_yaml());
    }
    let settings = Settings::from_arguments(&line.settings, config::environment()).map_err(Refusal)?;
    app::start_logging(&settings);
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    let runtime = tokio::runtime::Runtime::new().map_err(Refusal::because)?;
    runtime.block_on(async {
        match command {
            Command::Serve => serve::serve(&settings).await,
            Command::Openapi => Ok(()),
            Command::Check => database::check(&settings, output),
            Command::Account(command) => account::run(&*beside(&settings).await?, command, output).await,
            Command::Organization(command) => {
                organization::run(&*beside(&settings).await?, command, output).await
            }
            Command::Audit(query) => audit::run(&*beside(&settings).await?, &query, output),
            Command::Invite(command) => invite::run(&*beside(&settings).await?, command, output).await,
            Command::Invitation(command) => {
                invitation::run((&*beside(&settings).await?, &settings), command, output).await
            }
            Command::Letters(command) => letter::run(&*beside(&settings).await?, command, output).await,
            Command::Mail(command) => mail::run(&settings, &command, output).await,
            Command::Keys(command) => key::run(&*beside(&settings).await?, command, output).await,
            Command::Backup { file } => database::backup(&*beside(&settings).await?, &file, output),
            Command::Restore { file } => database::restore(&settings, &file, output),
        }
    })
}

/// The use cases on an existing file, beside a server that may be running.
async fn beside(settings: &Settings) -> Result<Arc<Service>, Refusal> {
    if !settings.database.exists() {
        let path = settings.database.display();
        return Err(Refusal::because(format_args!(
            "there is no database {path}: start the server once, or name the right file with --database"
        )));
    }
    Ok(app::open(settings, &Ambience::system(), Process::Command).await?)
}

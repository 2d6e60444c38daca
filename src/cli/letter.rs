//! `latchkey letters …`.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::json;

use super::Refusal;
use super::output::{Output, Record};
use crate::model::attempt::Attempt;
use crate::model::domain::Host;
use crate::model::letter::{Letter, LetterState};
use crate::model::time::Millis;
use crate::service::Service;
use crate::service::outbox::Retry;

#[derive(Subcommand)]
pub enum LetterCommand {
    /// List the latest letters, newest first.
    List {
        /// Only those in this state: waiting, delivered, failed or expired.
        #[arg(long)]
        state: Option<String>,
        /// Only those to this domain, without its subdomains.
        #[arg(long)]
        domain: Option<String>,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Show where one letter stands and what came of each attempt. Its words are never shown: they open an account.
    Show {
        /// The letter's id.
        letter: String,
    },
    /// Make letters due at once that wait or failed.
    Retry {
        #[command(flatten)]
        which: Which,
    },
}

/// Which letters are tried again.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The letter's id.
    letter: Option<String>,
    /// All that failed for good.
    #[arg(long)]
    failed: bool,
    /// All to this domain, without its subdomains.
    #[arg(long)]
    domain: Option<String>,
}

/// Carries out a command.
pub async fn run(service: &Service, command: LetterCommand, output: Output) -> Result<(), Refusal> {
    match command {
        LetterCommand::List { state, domain, limit } => {
            let state = state.map(|name| {
                LetterState::of_name(&name)
                    .ok_or_else(|| Refusal::because("--state must be waiting, delivered, failed or expired"))
            });
            let state = state.transpose()?;
            let letters = match domain {
                Some(domain) => service.list_letters_to(&host(&domain)?, state, limit)?,
                None => service.list_letters(state, limit)?,
            };
            output.list(letters.iter().map(row).collect())
        }
        LetterCommand::Show { letter } => show(service, &find(service, &letter)?, output),
        LetterCommand::Retry { which: Which { letter: Some(letter), .. } } => {
            let letter = find(service, &letter)?;
            if service.retry_letter(letter.id).await? {
                output.done(&format!(
                    "letter {} is due now; a running server sends it within seconds",
                    letter.id
                ))
            } else {
                Err(Refusal::because(format_args!(
                    "letter {} is {} and cannot be sent again now",
                    letter.id,
                    letter.state.as_str()
                )))
            }
        }
        LetterCommand::Retry { which: Which { domain, .. } } => {
            let which = match domain {
                Some(domain) => Retry::Domain(host(&domain)?),
                None => Retry::Failed,
            };
            let count = service.retry_letters(which).await?;
            output.done(&format!("letters due now: {count}; a running server sends them as fast as it can"))
        }
    }
}

fn show(service: &Service, letter: &Letter, output: Output) -> Result<(), Refusal> {
    let history = service.letter_history(letter.id)?;
    let mut record = row(letter);
    record.extend([
        ("language", json!(letter.language)),
        ("message id", json!(letter.message_id)),
        ("next attempt", json!(waiting(letter).then(|| letter.next_attempt_at.rfc3339()))),
        ("expires", json!(letter.expires_at.rfc3339())),
        ("delivered", json!(letter.delivered_at.map(Millis::rfc3339))),
    ]);
    if output.json {
        let lines = history.iter().map(|attempt| line(attempt).into_iter().collect::<BTreeMap<_, _>>());
        record.push(("history", json!(lines.collect::<Vec<_>>())));
        return output.one(record);
    }
    output.one(record)?;
    if history.is_empty() { Ok(()) } else { output.list(history.iter().map(line).collect()) }
}

fn line(attempt: &Attempt) -> Record {
    let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    vec![
        ("attempt", json!(attempt.number)),
        ("at", json!(attempt.at.rfc3339())),
        ("outcome", json!(attempt.outcome.as_str())),
        ("server", json!(some(&attempt.server))),
        ("tls", json!(some(&attempt.tls))),
        ("words", json!(attempt.words)),
    ]
}

fn waiting(letter: &Letter) -> bool {
    letter.state == LetterState::Waiting
}

fn find(service: &Service, text: &str) -> Result<Letter, Refusal> {
    let id = text.parse().map_err(Refusal::because)?;
    service.find_letter(id)?.ok_or_else(|| Refusal::because(format_args!("there is no letter {id}")))
}

fn host(domain: &str) -> Result<Host, Refusal> {
    Host::parse(domain).map_err(|_| Refusal::because("--domain must be a domain, as in example.com"))
}

fn row(letter: &Letter) -> Record {
    vec![
        ("id", json!(letter.id.to_string())),
        ("kind", json!(letter.kind)),
        ("to", json!(letter.to)),
        ("state", json!(letter.state.as_str())),
        ("attempts", json!(letter.attempts)),
        ("created", json!(letter.created_at.rfc3339())),
        ("verdict", json!(letter.verdict)),
    ]
}

//! `latchkey letters …`.

use clap::Subcommand;
use serde_json::json;

use super::Refusal;
use super::output::{Output, Record};
use crate::model::letter::{Letter, LetterState};
use crate::service::Service;

#[derive(Subcommand)]
pub enum LetterCommand {
    /// List the latest letters, newest first.
    List {
        /// Only those in this state: waiting, delivered, failed or expired.
        #[arg(long)]
        state: Option<String>,
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        limit: i64,
    },
    /// Show where one letter stands. Its words are never shown: they open an account.
    Show {
        /// The letter's id.
        letter: String,
    },
    /// Make a letter due at once.
    Retry {
        /// The letter's id.
        letter: String,
    },
}

/// Carries out a command.
pub async fn run(service: &Service, command: LetterCommand, output: Output) -> Result<(), Refusal> {
    match command {
        LetterCommand::List { state, limit } => {
            let state = state.map(|name| {
                LetterState::of_name(&name)
                    .ok_or_else(|| Refusal::because("--state must be waiting, delivered, failed or expired"))
            });
            let letters = service.list_letters(state.transpose()?, limit)?;
            output.list(letters.iter().map(row).collect())
        }
        LetterCommand::Show { letter } => {
            let letter = find(service, &letter)?;
            let mut record = row(&letter);
            record.extend([
                ("language", json!(letter.language)),
                ("message id", json!(letter.message_id)),
                ("next attempt", json!(waiting(&letter).then(|| letter.next_attempt_at.rfc3339()))),
                ("expires", json!(letter.expires_at.rfc3339())),
                ("delivered", json!(letter.delivered_at.map(super::super::model::time::Millis::rfc3339))),
            ]);
            output.one(record)
        }
        LetterCommand::Retry { letter } => {
            let letter = find(service, &letter)?;
            if service.retry_letter(letter.id).await? {
                output.done(&format!(
                    "letter {} is due now; a running server sends it within seconds",
                    letter.id
                ))
            } else {
                Err(Refusal::because(format_args!(
                    "letter {} is {} and cannot be sent again",
                    letter.id,
                    letter.state.as_str()
                )))
            }
        }
    }
}

fn waiting(letter: &Letter) -> bool {
    letter.state == LetterState::Waiting
}

fn find(service: &Service, text: &str) -> Result<Letter, Refusal> {
    let id = text.parse().map_err(Refusal::because)?;
    service.find_letter(id)?.ok_or_else(|| Refusal::because(format_args!("there is no letter {id}")))
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

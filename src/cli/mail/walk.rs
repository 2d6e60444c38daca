//! `latchkey mail test` and `latchkey mail doctor`.

use std::net::IpAddr;

use clap::Args;
use serde_json::{Value, json};

use super::super::output::{Output, Record};
use super::super::{Refusal, beside};
use crate::app::{self, Ambience};
use crate::config::{Settings, Transport};
use crate::mail::doctor::{Doctor, Outcome, Report, Step, Trial};
use crate::model::email::EmailAddress;
use crate::model::language::Language;

/// The variables that tell the operator's language, the strongest first (POSIX, section 8.2).
const LOCALE: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

#[derive(Args)]
pub struct TestArguments {
    /// Where the test letter goes.
    address: String,
    #[command(flatten)]
    letter: LetterArguments,
}

#[derive(Args)]
pub struct DoctorArguments {
    /// Send a test letter there too.
    #[arg(long)]
    address: Option<String>,
    /// The address on the Internet that letters come from, where a gateway stands between; may be given for each family
    /// [default: by the routing table].
    #[arg(long, value_name = "ADDRESS")]
    outgoing: Vec<IpAddr>,
    #[command(flatten)]
    letter: LetterArguments,
}

#[derive(Args)]
struct LetterArguments {
    /// Stop before the letter.
    #[arg(long)]
    no_send: bool,
    /// The language of the letter: en, de, fa or fr [default: that of the terminal, else en].
    #[arg(long, value_name = "CODE")]
    language: Option<String>,
}

impl LetterArguments {
    fn language(&self) -> Result<Language, Refusal> {
        match &self.language {
            Some(code) => {
                Language::of_tag(code).ok_or_else(|| Refusal::because("--language must be en, de, fa or fr"))
            }
            None => Ok(of_locale(|name| std::env::var(name).ok())),
        }
    }
}

/// Sends one letter before the operator's eyes.
pub async fn test(settings: &Settings, arguments: &TestArguments, output: Output) -> Result<(), Refusal> {
    let to = address(&arguments.address)?;
    let trial = Trial { to: &to, language: arguments.letter.language()?, send: !arguments.letter.no_send };
    let doctor = app::doctor(settings, &Ambience::system(), Vec::new())?;
    let mut report = doctor.test(trial).await;
    if matches!(settings.mail.transport, Transport::Mailbox) && trial.send {
        keep(settings, &doctor, trial, &mut report).await?;
    }
    print(&report, output)?;
    let done = if trial.send { "the test letter was not taken" } else { "a letter would not be taken" };
    verdict(&report, done)
}

/// Looks at all that decides whether letters arrive.
pub async fn doctor(settings: &Settings, arguments: &DoctorArguments, output: Output) -> Result<(), Refusal> {
    let to = arguments.address.as_deref().map(address).transpose()?;
    let language = arguments.letter.language()?;
    let send = !arguments.letter.no_send;
    let doctor = app::doctor(settings, &Ambience::system(), arguments.outgoing.clone())?;
    let report = doctor.examine(to.as_ref().map(|to| Trial { to, language, send })).await;
    print(&report, output)?;
    verdict(&report, "mail is not set up well")
}

/// Without a mail server, the letter can at least be read.
async fn keep(
    settings: &Settings,
    doctor: &Doctor,
    trial: Trial<'_>,
    report: &mut Report,
) -> Result<(), Refusal> {
    if !settings.database.exists() {
        report.fault("mailbox", "there is no database yet to keep the letter in", "start the server once");
        return Ok(());
    }
    let service = beside(settings).await?;
    service.keep_trial(trial.to, trial.language, &doctor.words(trial.language)).await?;
    report.ok("mailbox", "the letter can be read at /mailbox");
    Ok(())
}

fn address(text: &str) -> Result<EmailAddress, Refusal> {
    EmailAddress::parse(text).map_err(|rule| Refusal::because(format_args!("the address {rule}")))
}

/// The language of the operator's terminal.
fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Language {
    let set = LOCALE.into_iter().filter_map(variable).find(|value| !value.is_empty());
    set.and_then(|value| Language::of_tag(&value)).unwrap_or_default()
}

fn verdict(report: &Report, sentence: &str) -> Result<(), Refusal> {
    let faults: Vec<&str> = report.faults().map(|step| step.name).collect();
    match faults.as_slice() {
        [] => Ok(()),
        faults => Err(Refusal::because(format_args!("{sentence}, see: {}", faults.join(", ")))),
    }
}

fn print(report: &Report, output: Output) -> Result<(), Refusal> {
    if output.json {
        return output.list(report.steps().iter().map(record).collect());
    }
    output.text(&report.steps().iter().map(paragraph).collect::<String>())
}

fn record(step: &Step) -> Record {
    let mut record: Record = vec![
        ("step", json!(step.name)),
        ("ok", json!(step.outcome != Outcome::Fault)),
        ("outcome", json!(step.outcome.as_str())),
        ("words", json!(step.words)),
    ];
    if let Some(advice) = &step.advice {
        record.push(("advice", Value::String(advice.clone())));
    }
    record
}

/// A line with what was found, and one with what to do: a record for DNS is too long for a cell of a table.
fn paragraph(step: &Step) -> String {
    let printable =
        |text: &str| text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    let mut lines = format!("{:<8} {:<17} {}\n", step.outcome.as_str(), step.name, printable(&step.words));
    if let Some(advice) = &step.advice {
        lines.push_str(&format!("{:<26} -> {}\n", "", printable(advice)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_letter_is_in_the_language_of_the_terminal() {
        let rows: [(&[(&str, &str)], Language); 5] = [
            (&[], Language::English),
            (&[("LANG", "de_DE.UTF-8")], Language::German),
            (&[("LANG", "de_DE.UTF-8"), ("LC_ALL", "fr_FR")], Language::French),
            (&[("LC_ALL", ""), ("LC_MESSAGES", "fa_IR.UTF-8")], Language::Persian),
            (&[("LANG", "C.UTF-8")], Language::English),
        ];
        for (variables, language) in rows {
            let found = of_locale(|name| {
                let value = variables.iter().find(|(variable, _)| *variable == name);
                value.map(|(_, value)| (*value).to_owned())
            });
            assert_eq!(found, language, "{variables:?}");
        }
    }
}

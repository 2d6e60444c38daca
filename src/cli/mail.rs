//! `latchkey mail …`.

mod templates;

use clap::Subcommand;

use super::Refusal;
use super::output::Output;

#[derive(Subcommand)]
pub enum MailCommand {
    /// Write the templates of letters into a folder, to start your own words from.
    Templates(templates::TemplatesArguments),
}

/// Carries out a command.
pub fn run(command: &MailCommand, output: Output) -> Result<(), Refusal> {
    match command {
        MailCommand::Templates(arguments) => templates::write(arguments, output),
    }
}

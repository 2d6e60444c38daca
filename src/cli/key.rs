//! `latchkey keys …`.

use clap::Subcommand;

use super::Refusal;
use super::output::Output;
use crate::service::Service;

#[derive(Subcommand)]
pub enum KeyCommand {
    /// Sign with a new key from now on. Tokens of the old one stay good; a running server notices within a minute.
    Rotate,
}

/// Carries out a command.
pub async fn run(service: &Service, command: KeyCommand, output: Output) -> Result<(), Refusal> {
    match command {
        KeyCommand::Rotate => {
            let id = service.rotate_keys().await?;
            output.done(&format!("tokens are signed with key {id} from now on"))
        }
    }
}

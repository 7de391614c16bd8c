//! `confluence-ecs config`.

use super::Error;
use crate::cli::ConfigCommand;
use crate::exit::Exit;

/// Runs the subcommand.
pub fn run(_task: ConfigCommand) -> Result<Exit, Error> {
    Ok(Exit::Done)
}

//! `confluence-ecs completions`.

use std::io::{self, Write as _};

use clap_complete::{Shell, generate};

use super::Error;
use crate::cli;
use crate::exit::Exit;

/// Prints the completions of a shell.
pub fn run(shell: Shell) -> Result<Exit, Error> {
    let mut script = Vec::new();
    generate(shell, &mut cli::definitions(), cli::NAME, &mut script);
    let mut stdout = io::stdout().lock();
    stdout.write_all(&script).map_err(Error::Report)?;
    stdout.flush().map_err(Error::Report)?;
    Ok(Exit::Done)
}

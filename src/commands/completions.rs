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
    // clap_complete 4.6 takes the dash in the name for the end of a command in one of two places, so that bash
    // would complete nothing behind a command.
    let script =
        String::from_utf8_lossy(&script).replace("confluence__subcmd__ecs", "confluence__ecs");
    let mut stdout = io::stdout().lock();
    stdout.write_all(script.as_bytes()).map_err(Error::Report)?;
    stdout.flush().map_err(Error::Report)?;
    Ok(Exit::Done)
}

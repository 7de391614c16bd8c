//! `confluence-ecs`: parses the arguments, runs the command, reports the error, sets the exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use confluence_ecs::cli::{self, Cli};
use confluence_ecs::commands;
use confluence_ecs::exit::Exit;
use confluence_ecs::options;
use confluence_ecs::process::logging;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return cli::report(&error).into(),
    };
    logging::start(options::logging(&cli.logging));
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            if !error.is_quiet() {
                tracing::error!("{error}");
            }
            Exit::from(&error).into()
        }
    }
}

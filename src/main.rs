//! `confluence-ecs`: parses the arguments, runs the command, reports the error, sets the exit code.

#![forbid(unsafe_code)]

use std::env::args_os;
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
        Err(error) => {
            let exit = cli::report(&error).unwrap_or_else(|message| {
                let settings = options::logging_of_unparsed(args_os());
                logging::start(settings);
                logging::usage_error(&message, settings.format);
                Exit::Usage
            });
            return exit.into();
        }
    };
    let settings = options::logging(&cli.logging);
    logging::start(settings);
    match commands::run(cli.command) {
        Ok(exit) => exit.into(),
        Err(error) => {
            let exit = Exit::from(&error);
            if exit == Exit::Usage {
                logging::usage_error(&error, settings.format);
            } else if !error.is_quiet() {
                tracing::error!("{error}");
            }
            exit.into()
        }
    }
}

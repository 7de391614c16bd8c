//! `confluence-ecs`: parses the arguments, runs the command, reports the error, sets the exit code.

#![forbid(unsafe_code)]

use std::env::args_os;
use std::ffi::OsString;
use std::process::ExitCode;

use confluence_ecs::cli;
use confluence_ecs::commands;
use confluence_ecs::config::{self, arguments::ParseError, arguments::Parsed};
use confluence_ecs::exit::Exit;
use confluence_ecs::options;
use confluence_ecs::process::logging;

fn main() -> ExitCode {
    let arguments: Vec<_> = args_os().collect();
    let Parsed { cli, warnings } = match config::arguments::parse(&arguments) {
        Ok(parsed) => parsed,
        Err(error) => return report_unparsed(&error, arguments).into(),
    };
    let settings = options::logging(&cli.logging);
    logging::start(settings);
    for warning in warnings {
        tracing::warn!("{warning}");
    }
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

/// Prints what is wrong with the arguments or the configuration, or the help that they ask for.
fn report_unparsed(error: &ParseError, arguments: Vec<OsString>) -> Exit {
    let usage_error = |message: &dyn std::fmt::Display| {
        let settings = options::logging_of_unparsed(arguments);
        logging::start(settings);
        logging::usage_error(message, settings.format);
        Exit::Usage
    };
    match error {
        ParseError::Arguments(error) => {
            cli::report(error).unwrap_or_else(|message| usage_error(&message))
        }
        ParseError::Config(error) => usage_error(error),
    }
}

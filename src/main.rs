//! `confluence-ecs`: parses the arguments, runs the command, reports the error, sets the exit code.

#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser as _;
use confluence_ecs::cli::{self, Cli, Command};
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
    let result = match cli.command {
        Command::Normalize(arguments) => commands::normalize::run(arguments),
        Command::Tail(arguments) => commands::tail::run(&arguments),
        Command::Fetch(arguments) => commands::fetch::run(&arguments),
        Command::Check(arguments) => commands::check::run(&arguments),
        Command::Auth { task } => commands::auth::run(task),
        Command::State { task } => commands::state::run(task),
        Command::Fixtures { task } => commands::fixtures::run(task),
        Command::Schema { what } => commands::schema::run(what),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            if !error.is_quiet() {
                tracing::error!("{error}");
            }
            Exit::from(&error).into()
        }
    }
}

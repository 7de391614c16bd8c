//! `confluence-ecs config`: the configuration file of `run`, checked, shown, and one to start from.

mod check;
mod show;

use std::io::{Write as _, stdout};

use super::Error;
use crate::cli::{ConfigCommand, ConfigFileArgs};
use crate::config::arguments;
use crate::config::service::Configuration;
use crate::exit::Exit;

/// What packages install.
const EXAMPLE: &str = include_str!("../../../packaging/config.toml");

/// Runs the subcommand.
///
/// # Errors
/// When the configuration is wrong, or stdout cannot be written.
pub fn run(task: ConfigCommand) -> Result<Exit, Error> {
    match task {
        ConfigCommand::Check {
            file,
            connect,
            json,
        } => check::run(&load(&file)?, connect, json),
        ConfigCommand::Show { file, json } => show::run(&load(&file)?, json),
        ConfigCommand::Example => {
            let mut out = stdout().lock();
            let written = out.write_all(EXAMPLE.as_bytes()).and_then(|()| out.flush());
            written.map_err(Error::Report)?;
            Ok(Exit::Done)
        }
    }
}

/// Reads the file as `run` does.
fn load(file: &ConfigFileArgs) -> Result<Configuration, Error> {
    let path = arguments::path(file.config.as_deref());
    let configuration = Configuration::load(&path, &[])?;
    arguments::check_shared(&configuration)?;
    configuration.check_arguments()?;
    Ok(configuration)
}

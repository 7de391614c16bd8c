//! The command line with what a configuration file sets for its command.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::keys::{Table, keys};
use super::layers::{Assignment, Assignments, given_secrets};
use super::service::Configuration;
use super::source::{explain, flags};
use super::{DEFAULT_PATH, Error, PATH_VARIABLE, Place};
use crate::auth::credentials::GivenSecrets;
use crate::cli::{self, Cli, Command, GivenFlag};

/// Why there is no command line.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The arguments are wrong, or ask for help.
    #[error(transparent)]
    Arguments(#[from] Box<clap::Error>),
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] Error),
}

/// Parses the arguments of the process; where they name a configuration file, what that sets is added to them.
///
/// # Errors
/// When the arguments or the file are wrong.
pub fn parse(arguments: &[OsString]) -> Result<Cli, ParseError> {
    let strict = |arguments: &[OsString]| {
        cli::parse_from(arguments).map_err(|error| ParseError::from(Box::new(error)))
    };
    let Some(Asked {
        command,
        given,
        path,
        at,
    }) = asked(arguments)
    else {
        return strict(arguments);
    };
    let configuration = if command == "run" {
        Configuration::load(&path, &given)?
    } else {
        Configuration::load_shared(&path, &given)?
    };
    let added = applicable(&configuration.shared, &command);
    let mut all = arguments.to_vec();
    all.splice(at..at, added.values().flat_map(flags));
    let mut cli = cli::parse_from(&all).map_err(|error| {
        let (flag, _) = cli::problem(&error, &all);
        let is_added = |one: &Assignment| flag.is_some() && one.key.flag == flag;
        if added.values().any(is_added) {
            let place = Place::Line(path.clone(), 1);
            ParseError::Config(explain(&error, &all, &added, &place))
        } else {
            ParseError::from(Box::new(error))
        }
    })?;
    cli.command.give(GivenSecrets {
        source: None,
        secrets: given_secrets(&added),
    });
    if let Command::Run(run) = &mut cli.command {
        run.given = given;
    }
    Ok(cli)
}

/// The configuration file of `run`: of the flag, else of the environment, else where packages put it.
pub fn path(given: Option<&Path>) -> PathBuf {
    let variable = || std::env::var_os(PATH_VARIABLE).filter(|path| !path.is_empty());
    match given {
        Some(path) => path.to_owned(),
        None => variable().map_or_else(|| DEFAULT_PATH.into(), PathBuf::from),
    }
}

/// A command line that asks for a configuration file.
struct Asked {
    /// The subcommand.
    command: String,
    /// What it sets by itself.
    given: Vec<GivenFlag>,
    path: PathBuf,
    /// Where arguments can be added: behind the subcommand.
    at: usize,
}

/// Looks at arguments that may be incomplete without the file; none if no file is asked for.
fn asked(arguments: &[OsString]) -> Option<Asked> {
    let definitions = cli::definitions().ignore_errors(true);
    let matches = definitions.try_get_matches_from(arguments).ok()?;
    let (command, matches) = matches.subcommand()?;
    let flag = matches.try_get_one::<PathBuf>("config").ok()?;
    let path = match (command, flag) {
        ("run", flag) => path(flag.map(PathBuf::as_path)),
        ("normalize" | "tail" | "fetch", Some(path)) => path.clone(),
        _ => return None,
    };
    let is_command = |argument: &OsString| argument == OsStr::new(command);
    let at = arguments.iter().skip(1).position(is_command)? + 2;
    Some(Asked {
        command: command.to_owned(),
        given: given(command, matches),
        path,
        at,
    })
}

/// The flags on the command line.
fn given(command: &str, matches: &ArgMatches) -> Vec<GivenFlag> {
    let definitions = cli::definitions();
    let Some(definition) = definitions.find_subcommand(command) else {
        return Vec::new();
    };
    let all = definition
        .get_arguments()
        .chain(definitions.get_arguments());
    let given = all.filter(|argument| {
        let source = matches.try_get_raw(argument.get_id().as_str());
        source.is_ok()
            && matches.value_source(argument.get_id().as_str()) == Some(ValueSource::CommandLine)
    });
    let flag = |argument: &clap::Arg| {
        let values = matches.get_raw(argument.get_id().as_str());
        let takes_values = argument.get_action().takes_values();
        Some(GivenFlag {
            name: argument.get_long()?.to_owned(),
            values: values
                .filter(|_| takes_values)
                .map(|values| values.map(OsStr::to_owned).collect()),
        })
    };
    given.filter_map(flag).collect()
}

/// What of the settings for all a command takes, and does not set by itself.
fn applicable(shared: &Assignments, command: &str) -> Assignments {
    let keys = keys(command);
    let is_pipe = command == "normalize";
    let takes = |one: &Assignment| {
        let is_own =
            keys.iter().any(|key| key.flag == one.key.flag) || one.key.table == Some(Table::Top);
        // A pipe writes where the shell says.
        let is_meant = !is_pipe || one.key.table == Some(Table::Mapping);
        is_own && is_meant && !matches!(one.place, Place::Flag(_))
    };
    let mut applicable = shared.clone();
    applicable.retain(|_, one| takes(one));
    applicable
}

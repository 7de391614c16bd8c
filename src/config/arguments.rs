//! The command line with what a configuration file sets for its command.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command};

use super::keys::{Table, global_keys, keys};
use super::layers::{Assignment, Assignments, given_secrets};
use super::service::Configuration;
use super::source::{explain, flags};
use super::{DEFAULT_PATH, Error, PATH_VARIABLE, Place};
use crate::auth::credentials::GivenSecrets;
use crate::cli::{self, Cli, GivenFlag};

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

/// A command line that was parsed.
#[derive(Debug)]
pub struct Parsed {
    /// The command with its arguments.
    pub cli: Cli,
    /// What to warn of, once logging has been started as the arguments say.
    pub warnings: Vec<String>,
}

/// Parses the arguments of the process; where they name a configuration file, what that sets is added to them.
///
/// # Errors
/// When the arguments or the file are wrong.
pub fn parse(arguments: &[OsString]) -> Result<Parsed, ParseError> {
    let Some(Asked {
        command,
        given,
        path,
        at,
    }) = asked(arguments)
    else {
        let cli = cli::parse_from(arguments).map_err(Box::new)?;
        return Ok(Parsed {
            cli,
            warnings: Vec::new(),
        });
    };
    let configuration = if command == "run" {
        Configuration::load(&path, &given)?
    } else {
        Configuration::load_shared(&path, &given)?
    };
    let added = applicable(&configuration.shared, &command);
    let command_line = |added: &Assignments| {
        let mut all = arguments.to_vec();
        all.splice(at..at, added.values().flat_map(flags));
        all
    };
    let all = command_line(&added);
    let mut cli = cli::parse_from(&all).map_err(|error| {
        let is_own = match cli::parse_from(arguments) {
            Ok(_) => false,
            Err(own) => cli::is_same_problem(&own, &error),
        };
        if is_own {
            return ParseError::from(Box::new(error));
        }
        let place = Place::Line(path.clone(), 1);
        ParseError::Config(explain(&error, &added, &place, command_line))
    })?;
    cli.command.give(GivenSecrets {
        source: None,
        secrets: given_secrets(&added),
    });
    if let cli::Command::Run(run) = &mut cli.command {
        run.given = given;
    }
    Ok(Parsed {
        cli,
        warnings: configuration.warnings,
    })
}

/// Looks whether the process could be run with what is set for it and all its sources.
///
/// # Errors
/// When it could not.
pub fn check_shared(configuration: &Configuration) -> Result<(), Error> {
    let mut settings = applicable(&configuration.shared, "run");
    let of_flags = |(_, one): &(&String, &Assignment)| matches!(one.place, Place::Flag(_));
    let given = configuration.shared.iter().filter(of_flags);
    settings.extend(given.map(|(name, one)| (name.clone(), one.clone())));
    let command_line = |settings: &Assignments| {
        let mut arguments: Vec<OsString> = vec![cli::NAME.into(), "run".into()];
        arguments.extend(settings.values().flat_map(flags));
        arguments
    };
    let place = Place::Line(configuration.path.clone(), 1);
    match cli::parse_from(&command_line(&settings)) {
        Ok(_) => Ok(()),
        Err(error) => Err(explain(&error, &settings, &place, command_line)),
    }
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
    /// The subcommand; one below it follows after a space.
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
    let (first, mut matches) = matches.subcommand()?;
    let mut names = vec![first];
    while let Some((name, below)) = matches.subcommand() {
        names.push(name);
        matches = below;
    }
    let command = names.join(" ");
    let flag = matches.try_get_one::<PathBuf>("config").ok()?;
    let path = match flag {
        flag if command == "run" => path(flag.map(PathBuf::as_path)),
        // It looks at the file itself.
        Some(path) if first != "config" => path.clone(),
        Some(_) | None => return None,
    };
    let mut at = 1;
    for name in &names {
        let is_name = |argument: &OsString| argument == OsStr::new(name);
        at += arguments.get(at..)?.iter().position(is_name)? + 1;
    }
    Some(Asked {
        given: given(&names, matches),
        command,
        path,
        at,
    })
}

/// The flags on the command line.
fn given(command: &[&str], matches: &ArgMatches) -> Vec<GivenFlag> {
    let definitions = cli::definitions();
    let below = |of: Option<_>, name: &&str| of.and_then(|of: &Command| of.find_subcommand(name));
    let Some(definition) = command.iter().fold(Some(&definitions), below) else {
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
    let mut keys = keys(command);
    keys.extend(global_keys());
    let is_pipe =
        matches!(command, "normalize" | "report" | "explain") || command.starts_with("fixtures ");
    let takes = |one: &Assignment| {
        let is_own = keys.iter().any(|key| key.flag == one.key.flag);
        // A pipe writes where the shell says.
        let is_meant = !is_pipe || one.key.table == Some(Table::Mapping);
        is_own && is_meant && !matches!(one.place, Place::Flag(_))
    };
    let mut applicable = shared.clone();
    applicable.retain(|_, one| takes(one));
    // The sources have a cluster each: what the shared table says of it is checked with theirs.
    if command == "run" && !shared.contains_key("elasticsearch_url") {
        applicable.retain(|_, one| !one.key.is_of_cluster());
    }
    applicable
}

//! The command line: every flag, its text, its type and the grammar of its value.
//!
//! Nothing here does anything yet; values are parsed once, into the types that the commands work with.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they stand")]

mod auth;
mod check;
mod cluster;
mod examples;
mod explain;
mod fetch;
mod fixtures;
mod mapping;
mod metrics;
mod normalize;
mod output;
mod report;
mod run;
mod schema;
mod send;
mod state;
mod status;
mod tail;
mod usage;
mod values;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::{
    ArgAction, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum,
};
use clap_complete::Shell;

use crate::auth::credentials::GivenSecrets;
use crate::exit::Exit;
use crate::http::address::{credentials_in, fragment_in, query_in};

pub use auth::{AuthArgs, AuthCommand, StoredLoginArgs};
pub use check::CheckArgs;
pub use cluster::{ClusterArgs, ClusterConnectionArgs};
pub use examples::{Example, examples};
pub use explain::ExplainArgs;
pub use fetch::{
    AtlassianArgs, ClientSecretArgs, DeploymentArg, FetchArgs, HttpArgs, OrgArgs, QueryArgs,
    SiteArgs,
};
pub use fixtures::{FixturesArgs, FixturesCommand, ReportFormatArg};
pub use mapping::{CategoriesArg, DialectArg, MappingArgs, TimestampsArg};
pub use metrics::MetricsArgs;
pub use normalize::NormalizeArgs;
pub use output::{EventFormatArg, EventFormatArgs};
pub use report::{ReportArgs, ReportOutputArg};
pub use run::{ConfigCommand, ConfigFileArgs, GivenFlag, RunArgs};
pub use schema::{ActionsFormatArg, FieldsFormatArg, IndexTemplateArgs, SchemaCommand};
pub use send::SendArgs;
pub use state::{StateCommand, StateDirArgs};
pub use status::StatusArgs;
pub use tail::{FromArg, TailArgs};
pub use usage::log_format;
pub use values::{CloudId, RedirectUri};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turn raw Confluence audit records into the ECS events of Elastic's Confluence integration.
// Of a repeated flag the last counts, as with GNU's tools: a script adds its own to those of whoever calls it.
#[derive(Debug, Parser)]
#[command(name = "confluence-ecs", version, styles = STYLES, propagate_version = true, args_override_self = true)]
pub struct Cli {
    /// The subcommand with its arguments.
    #[command(subcommand)]
    pub command: Command,
    /// Arguments of logging.
    #[command(flatten)]
    pub logging: LoggingArgs,
}

/// The subcommands of the program.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read raw audit records from files or stdin, write ECS events as NDJSON, in the same order
    Normalize(NormalizeArgs),
    /// Show what happened in audit records or events: who did what, from where, what failed, what is notable
    Report(Box<ReportArgs>),
    /// Explain events: which value of a record each field is from, and why others are not there
    Explain(ExplainArgs),
    /// Follow audit logs through rotation and restarts, shipping each record exactly once
    Tail(TailArgs),
    /// Fetch audit records from the REST API of Confluence Cloud or Data Center, each exactly once
    Fetch(Box<FetchArgs>),
    /// Run every source of a configuration file in one process, as a service
    Run(Box<RunArgs>),
    /// Check, show or print an example of the configuration file of run
    Config {
        /// What to do.
        #[command(subcommand)]
        task: ConfigCommand,
    },
    /// Send events that this program wrote to Elasticsearch or OpenSearch, each exactly once
    Send(Box<SendArgs>),
    /// Log in to Confluence Cloud with OAuth 2.0 (3LO), for fetch
    Auth {
        /// The subcommand with its arguments.
        #[command(subcommand)]
        task: AuthCommand,
    },
    /// Diagnose why fetch gets no records, or a cluster no events: one line per step, with a remedy
    Check(Box<CheckArgs>),
    /// Show how everything is that keeps its position in a state directory: running or not, and how far behind
    Status(StatusArgs),
    /// Inspect or repair saved read positions
    State {
        /// The subcommand with its arguments.
        #[command(subcommand)]
        task: StateCommand,
    },
    /// Check or write golden files in the layout of elastic-package's pipeline tests
    Fixtures {
        /// What to do with them.
        #[command(subcommand)]
        task: FixturesCommand,
    },
    /// The fields of the events: reference, index template, JSON schema, validation
    Schema {
        /// What to print or do.
        #[command(subcommand)]
        what: SchemaCommand,
    },
    /// Print the completions of a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, or write the pages of all commands
    Man {
        /// Write the pages of the program and of each command into a directory
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
}

impl Command {
    /// Gives it secrets that no argument can hold.
    pub fn give(&mut self, secrets: GivenSecrets) {
        match self {
            Self::Tail(arguments) => arguments.cluster.connection.secrets = secrets,
            Self::Fetch(arguments) => {
                arguments.cluster.connection.secrets = secrets.clone();
                arguments.http.secrets = secrets.clone();
                arguments.site.secrets = secrets;
            }
            Self::Check(arguments) => {
                arguments.fetch.cluster.connection.secrets = secrets.clone();
                arguments.fetch.http.secrets = secrets.clone();
                arguments.fetch.site.secrets = secrets;
            }
            Self::Send(arguments) => arguments.cluster.connection.secrets = secrets,
            Self::Schema {
                what: SchemaCommand::IndexTemplate(arguments),
            } => arguments.connection.secrets = secrets,
            // They ask nobody, or the file is theirs to read.
            _ => {}
        }
    }
}

/// The name of the program.
pub const NAME: &str = "confluence-ecs";

/// The width of help texts, on whatever they are shown: examples cannot be wrapped.
const WIDTH: usize = 80;

/// The definitions of all arguments, with examples in the long help texts.
#[must_use]
pub fn definitions() -> clap::Command {
    examples::with_examples(Cli::command().term_width(WIDTH), "")
}

/// Parses arguments, of which the first is the name of the program.
///
/// # Errors
/// When they are wrong, or ask for help.
pub fn parse_from(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    let mut definitions = definitions();
    let matches = definitions.try_get_matches_from_mut(arguments)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut definitions))
}

/// `--log-format`, `-v`, `-q`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Diagnostics (on stderr)")]
pub struct LoggingArgs {
    /// Format of diagnostics
    #[arg(long, global = true, value_enum, default_value_t = LogFormatArg::Text, value_name = "FORMAT")]
    pub log_format: LogFormatArg,
    /// Log more
    ///
    /// -v also logs each record that cannot be mapped, -vv everything.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Values of `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormatArg {
    /// Human-readable lines.
    Text,
    /// One JSON object a line.
    Json,
}

/// Prints what `clap` has to say if that is no error (help, version), and says how to exit.
///
/// # Errors
/// When the usage is wrong: what is wrong, on one line.
pub fn report(error: &clap::Error) -> Result<Exit, String> {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => Ok(match error.print() {
            // A reader that has gone away does not want the help text.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                // The exit code says it, too.
                let _ = writeln!(io::stderr(), "error: cannot write to stdout: {error}");
                Exit::Failed
            }
            _ if error.use_stderr() => Exit::Usage,
            _ => Exit::Done,
        }),
        _ => Err(usage::one_line(error, std::env::args_os(), |text| {
            redacted(text, std::env::args_os())
        })),
    }
}

/// What is wrong with arguments that were made of a configuration: the flag that is at fault, and the problem,
/// in which flags are named as keys.
#[must_use]
pub fn problem(error: &clap::Error, arguments: &[OsString]) -> (Option<String>, String) {
    let message = usage::one_line(error, arguments.iter().cloned(), |text| {
        redacted(text, arguments.iter().cloned())
    });
    usage::in_keys(error, &message)
}

/// Whether an error of the same kind names what another one names first.
#[must_use]
pub fn is_same_problem(one: &clap::Error, other: &clap::Error) -> bool {
    usage::is_same_problem(one, other)
}

/// A message that may repeat arguments, without the secrets among them: user, password, query and fragment of a
/// URL, and what follows the colon behind a user name, as in curl's `user:password`.
fn redacted(message: &str, arguments: impl Iterator<Item = OsString>) -> String {
    let mut secrets = Vec::new();
    let mut flag = String::new();
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let value = match argument.split_once('=') {
            Some((name, value)) if name.starts_with('-') => {
                name.clone_into(&mut flag);
                value
            }
            _ => &argument,
        };
        if let Some(user) = user_of_pair(value, &flag) {
            secrets.push((0, value.to_owned(), format!("{user}:<secret>")));
        }
        let credentials = credentials_in(value).map(str::to_owned);
        secrets.extend(credentials.map(|secret| (1, secret, "<secret>@".to_owned())));
        for (mark, part) in [('?', query_in(value)), ('#', fragment_in(value))] {
            let part = part.map(|part| format!("{mark}{part}"));
            secrets.extend(part.map(|part| (2, part, format!("{mark}<secret>"))));
        }
        argument.as_ref().clone_into(&mut flag);
    }
    // The longest first: one may be a part of another.
    secrets.sort_by_key(|(order, secret, _)| (*order, std::cmp::Reverse(secret.len())));
    let hide =
        |text: String, (_, secret, shown): &(u8, String, String)| text.replace(secret, shown);
    secrets.iter().fold(message.to_owned(), hide)
}

/// The user of a value that is a user and a secret: of a flag that takes a user, or where an e-mail address and a
/// colon say so.
fn user_of_pair<'a>(value: &'a str, flag: &str) -> Option<&'a str> {
    let (user, secret) = value.split_once(':')?;
    let is_user = matches!(flag, "--email" | "--es-user" | "--user" | "-u");
    let is_address = user.contains('@') && !user.contains('/');
    ((is_user || is_address) && !secret.is_empty()).then_some(user)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}

//! The command line: every flag, its text, its type and the grammar of its value.
//!
//! Nothing here does anything yet; values are parsed once, into the types that the commands work with.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they stand")]

mod auth;
mod check;
mod cluster;
mod fetch;
mod fixtures;
mod mapping;
mod metrics;
mod normalize;
mod output;
mod run;
mod schema;
mod send;
mod state;
mod tail;
mod usage;
mod values;

use std::ffi::OsString;
use std::io;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::auth::credentials::GivenSecrets;
use crate::exit::Exit;
use crate::http::address::{credentials_in, query_in};

pub use auth::{AuthArgs, AuthCommand, StoredLoginArgs};
pub use check::CheckArgs;
pub use cluster::{ClusterArgs, ClusterConnectionArgs};
pub use fetch::{
    AtlassianArgs, ClientSecretArgs, DeploymentArg, FetchArgs, HttpArgs, QueryArgs, SiteArgs,
};
pub use fixtures::{FixturesArgs, FixturesCommand, ReportFormatArg};
pub use mapping::{CategoriesArg, DialectArg, MappingArgs, TimestampsArg};
pub use metrics::MetricsArgs;
pub use normalize::NormalizeArgs;
pub use output::{EventFormatArg, EventFormatArgs};
pub use run::{ConfigCommand, ConfigFileArgs, GivenFlag, RunArgs};
pub use schema::{FieldsFormatArg, IndexTemplateArgs, SchemaCommand};
pub use send::SendArgs;
pub use state::{StateCommand, StateDirArgs};
pub use tail::{FromArg, TailArgs};
pub use usage::log_format;
pub use values::{CloudId, RedirectUri};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turn raw Confluence audit records into the ECS events of Elastic's Confluence integration.
#[derive(Debug, Parser)]
#[command(name = "confluence-ecs", version, styles = STYLES, propagate_version = true)]
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
            _ => {}
        }
    }
}

/// The name of the program.
pub const NAME: &str = "confluence-ecs";

/// The definitions of all arguments.
#[must_use]
pub fn definitions() -> clap::Command {
    Cli::command()
}

/// Parses arguments, of which the first is the name of the program.
///
/// # Errors
/// When they are wrong, or ask for help.
pub fn parse_from(arguments: &[OsString]) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(arguments)
}

/// `--log-format`, `-v`, `-q`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Diagnostics (on stderr)")]
pub struct LoggingArgs {
    /// Format of diagnostics
    // The last one counts, here and with --quiet: a script adds its own to those of whoever calls it.
    #[arg(long, global = true, value_enum, default_value_t = LogFormatArg::Text, value_name = "FORMAT", overrides_with = "log_format")]
    pub log_format: LogFormatArg,
    /// Log more: -v each record that cannot be mapped, -vv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Log errors only
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        overrides_with = "quiet"
    )]
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
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
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
pub fn problem(error: &clap::Error, arguments: &[OsString]) -> (Option<String>, String) {
    let message = usage::one_line(error, arguments.iter().cloned(), |text| {
        redacted(text, arguments.iter().cloned())
    });
    usage::in_keys(error, &message)
}

/// A message that may repeat arguments, without the user, the password and the query of a URL among them.
fn redacted(message: &str, arguments: impl Iterator<Item = OsString>) -> String {
    let (mut secrets, mut queries) = (Vec::new(), Vec::new());
    for argument in arguments {
        let argument = argument.to_string_lossy();
        let value = match argument.split_once('=') {
            Some((flag, value)) if flag.starts_with('-') => value,
            _ => &argument,
        };
        secrets.extend(credentials_in(value).map(|secret| format!("{secret}@")));
        queries.extend(query_in(value).map(|query| format!("?{query}")));
    }
    // The longest first: one may be a part of another.
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    let hide = |text: String, secret: &String| text.replace(secret, "<secret>@");
    let message = secrets.iter().fold(message.to_owned(), hide);
    let hide = |text: String, query: &String| text.replace(query, "?<secret>");
    queries.iter().fold(message, hide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}

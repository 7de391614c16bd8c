//! The command line: every flag, its text and its type. Nothing here does anything yet; values are
//! parsed once, into the types that the commands work with.

#![expect(clippy::doc_markdown, reason = "help texts are shown as they stand")]

mod fetch;
mod tail;

use std::io;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::error::ErrorKind;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use ipnetwork::IpNetwork;

use crate::exit::Exit;
use crate::fixtures;
use crate::pipeline::dialect::Dialect;
use crate::pipeline::enrich::network::{self, Network};
use crate::pipeline::timestamp::TimeMode;
use crate::schema::fields;

pub use fetch::{
    AtlassianArgs, AuthArgs, AuthCommand, CheckArgs, ClientSecretArgs, CloudId, DeploymentArg,
    FetchArgs, HttpArgs, QueryArgs, RedirectUri, SiteArgs,
};
pub use tail::{FromArg, StateCommand, StateDirArgs, TailArgs};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// Turn raw Confluence audit records into the ECS events of Elastic's Confluence integration.
#[derive(Debug, Parser)]
#[command(name = "confluence-ecs", version, styles = STYLES, propagate_version = true, args_override_self = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// How to report.
    #[command(flatten)]
    pub logging: LoggingArgs,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read raw audit records from files or stdin, write ECS events as NDJSON, in the same order
    Normalize(NormalizeArgs),
    /// Follow audit logs through rotation and restarts, and ship every record once
    Tail(TailArgs),
    /// Fetch audit records from the REST API of Confluence Cloud or Data Center, every record once
    Fetch(Box<FetchArgs>),
    /// Log in to Confluence Cloud with OAuth 2.0 (3LO), for fetch
    Auth {
        /// What to do.
        #[command(subcommand)]
        task: AuthCommand,
    },
    /// Find out what keeps fetch from getting records: one line a step, with the remedy
    Check(Box<CheckArgs>),
    /// See and mend what is known of how far logs were read, and sites fetched
    State {
        /// What to do.
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

/// The commands of `fixtures`.
#[derive(Debug, Subcommand)]
pub enum FixturesCommand {
    /// Compare the golden files with what the mapping gives; exit with 1 if they differ
    Check(FixturesArgs),
    /// Write what the mapping gives into the golden files that differ, then check and validate them
    Regenerate {
        /// Allow events with error.message, and events that the schema does not allow
        #[arg(long)]
        allow_errors: bool,
        /// Which files.
        #[command(flatten)]
        fixtures: FixturesArgs,
    },
}

/// Arguments of both commands of `fixtures`.
#[derive(Debug, Args)]
pub struct FixturesArgs {
    /// Folders with NAME.log, NAME.json or NAME.ndjson, and their NAME.log-expected.json
    #[arg(value_name = "DIR", required = true)]
    pub folders: Vec<PathBuf>,
    /// How to report
    #[arg(long, value_enum, default_value_t = ReportFormat::Pretty, value_name = "FORMAT")]
    pub format: ReportFormat,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// The commands of `schema`.
#[derive(Debug, Subcommand)]
pub enum SchemaCommand {
    /// Print the fields that an event can have
    Fields {
        /// How to print them
        #[arg(long, value_enum, default_value_t = FieldsFormat::Table, value_name = "FORMAT")]
        format: FieldsFormat,
    },
    /// Print a composable index template for Elasticsearch 8
    IndexTemplate,
    /// Print a JSON schema (draft 2020-12) of one event
    JsonSchema,
    /// Check events for unknown fields, wrong types and values that ECS does not allow
    Validate {
        /// NDJSON files; `-` or none: stdin
        #[arg(value_name = "FILE")]
        files: Vec<PathBuf>,
    },
}

/// Values of `schema fields --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of fields::Format")]
pub enum FieldsFormat {
    Table,
    Json,
    Markdown,
}

impl From<FieldsFormat> for fields::Format {
    fn from(format: FieldsFormat) -> Self {
        match format {
            FieldsFormat::Table => Self::Table,
            FieldsFormat::Json => Self::Json,
            FieldsFormat::Markdown => Self::Markdown,
        }
    }
}

/// Values of `fixtures --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Unified diffs and a summary.
    Pretty,
    /// Annotations of GitHub Actions.
    Github,
    /// A JUnit report.
    Junit,
}

impl From<ReportFormat> for fixtures::Format {
    fn from(format: ReportFormat) -> Self {
        match format {
            ReportFormat::Pretty => Self::Pretty,
            ReportFormat::Github => Self::Github,
            ReportFormat::Junit => Self::Junit,
        }
    }
}

/// `--log-format`, `-v`, `-q`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Diagnostics (on stderr)")]
pub struct LoggingArgs {
    /// How diagnostics are written
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,
    /// Say more: -v each record that cannot be mapped, -vv everything
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say nothing but errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
}

/// Values of `--log-format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Arguments of `normalize`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 done, 1 an input or the output failed, 2 wrong usage, 3 a record could not be mapped \
(with --strict), 130/143 ended by SIGINT/SIGTERM.")]
pub struct NormalizeArgs {
    /// Files to read, in this order, plain, gzip, zstd, xz or bzip2; `-` or none: stdin
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write to a file, truncating it first, instead of stdout
    #[arg(short, long, value_name = "PATH", default_value = "-")]
    pub output: PathBuf,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// Mapping options, shared by the commands that map records.
#[derive(Debug, Args)]
#[command(next_help_heading = "Mapping")]
pub struct MappingArgs {
    /// Shape of the raw records; auto: each record tells
    #[arg(long, value_enum, default_value_t = DialectArg::Auto, value_name = "DIALECT")]
    pub dialect: DialectArg,
    /// MaxMind City database, for source.geo [env: CONFLUENCE_ECS_GEOIP_CITY]
    #[arg(long, value_name = "PATH")]
    pub geoip_city: Option<PathBuf>,
    /// MaxMind ASN database, for source.as [env: CONFLUENCE_ECS_GEOIP_ASN]
    #[arg(long, value_name = "PATH")]
    pub geoip_asn: Option<PathBuf>,
    /// Keep each record's text in event.original
    #[arg(long)]
    pub preserve_original_event: bool,
    /// Times of self-hosted records: the true ones, or those that Elastic's integration indexes
    #[arg(long, value_enum, default_value_t = TimestampsArg::Exact, value_name = "MODE")]
    pub timestamps: TimestampsArg,
    /// Which actions get event.category, .type and .outcome: those of Elastic's integration
    #[arg(long, value_enum, default_value_t = CategoriesArg::Elastic, value_name = "SET")]
    pub categories: CategoriesArg,
    /// Put a tag on every event, behind confluence-audit, and forwarded if fetched (repeatable)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// Put no tags on events but those of --tag, and preserve_original_event
    #[arg(long)]
    pub no_default_tags: bool,
    /// data_stream.namespace of every event
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = not_empty)]
    pub namespace: String,
    /// A network of proxies, whose addresses are not the source (repeatable)
    /// [default: loopback, link-local and private ranges]
    #[arg(long = "trusted-proxy", value_name = "CIDR", value_parser = network::cidr)]
    pub trusted_proxies: Vec<IpNetwork>,
    /// Name a network: source.geo.name of addresses in it (repeatable, the most specific wins)
    #[arg(long = "network", value_name = "CIDR=NAME")]
    pub networks: Vec<Network>,
    /// Merge a constant JSON object into every event
    #[arg(long, value_name = "FILE.json")]
    pub add_fields: Option<PathBuf>,
    /// Longest record in bytes; a longer one becomes a pipeline_error event
    #[arg(long, value_name = "N", default_value_t = 16 << 20, allow_negative_numbers = true, value_parser = line_limit)]
    pub max_line_bytes: usize,
    /// Exit with 3 if a record could not be mapped
    #[arg(long)]
    pub strict: bool,
    /// Threads to use; 1 does everything on one [default: all cores]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub threads: Option<NonZeroUsize>,
}

/// Values of `--dialect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of Dialect")]
pub enum DialectArg {
    Auto,
    Cloud,
    DcApi,
    DcFile,
}

impl DialectArg {
    /// The dialect that is forced; none for `auto`.
    #[must_use]
    pub fn forced(self) -> Option<Dialect> {
        match self {
            Self::Auto => None,
            Self::Cloud => Some(Dialect::Cloud),
            Self::DcApi => Some(Dialect::DcApi),
            Self::DcFile => Some(Dialect::DcFile),
        }
    }
}

/// Values of `--timestamps`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[expect(missing_docs, reason = "the values of TimeMode")]
pub enum TimestampsArg {
    Exact,
    Elastic,
}

impl From<TimestampsArg> for TimeMode {
    fn from(mode: TimestampsArg) -> Self {
        match mode {
            TimestampsArg::Exact => Self::Exact,
            TimestampsArg::Elastic => Self::Elastic,
        }
    }
}

/// Values of `--categories`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CategoriesArg {
    /// Those of the integration.
    Elastic,
}

fn not_empty(text: &str) -> Result<String, &'static str> {
    if text.is_empty() {
        return Err("expected a name that is not empty");
    }
    Ok(text.to_owned())
}

fn threads(text: &str) -> Result<NonZeroUsize, &'static str> {
    const MOST: usize = 1024;
    let threads = text
        .parse()
        .ok()
        .filter(|threads: &NonZeroUsize| threads.get() <= MOST);
    threads.ok_or("expected a number of threads from 1 to 1024")
}

/// Lengths up to 1 GiB: positions in a record are 32 bits wide.
fn line_limit(text: &str) -> Result<usize, &'static str> {
    const EXPECTED: &str = "expected a number of bytes from 1 to 1073741824";
    match text.parse() {
        Ok(limit) if (1..=1 << 30).contains(&limit) => Ok(limit),
        _ => Err(EXPECTED),
    }
}

/// Prints what `clap` has to say (help, version, or a usage error as one line) and says how to exit.
#[must_use]
pub fn report(error: &clap::Error) -> Exit {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            match error.print() {
                // A reader that has gone away does not want the help text.
                Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Exit::Failed,
                _ if error.use_stderr() => Exit::Usage,
                _ => Exit::Done,
            }
        }
        _ => {
            eprintln!("{}", one_line(&error.render().to_string()));
            Exit::Usage
        }
    }
}

/// The lines of a usage error up to the usage text, as one.
fn one_line(rendered: &str) -> String {
    let lines = rendered.lines().map(str::trim);
    let ends = |line: &&str| line.starts_with("Usage:") || line.starts_with("For more");
    let told = lines.take_while(|line| !ends(line));
    // The tip about an unknown flag is how to name a file like it: seldom what was meant.
    let useful = |line: &&str| !line.is_empty() && !line.starts_with("tip: to pass");
    told.filter(useful).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_definitions_are_consistent() {
        Cli::command().debug_assert();
    }
}

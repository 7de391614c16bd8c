//! Arguments of `fixtures`.

use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand, ValueEnum};

use super::MappingArgs;
use crate::fixtures;

/// The commands of `fixtures`.
#[derive(Debug, Subcommand)]
pub enum FixturesCommand {
    /// Compare the golden files with the output of the mapping; exit with 1 if they differ
    Check(FixturesArgs),
    /// Update the golden files that differ from the output of the mapping, then check and validate them
    Regenerate {
        /// Allow events with errors, or against the schema
        #[arg(long)]
        allow_errors: bool,
        /// Directories, format and mapping.
        #[command(flatten)]
        fixtures: FixturesArgs,
    },
}

/// Arguments of both commands of `fixtures`.
#[derive(Debug, Args)]
pub struct FixturesArgs {
    /// Directories with golden files, or single inputs
    ///
    /// Searched below for NAME.log, NAME.json and NAME.ndjson, with their NAME.log-expected.json and
    /// the like.
    #[arg(value_name = "DIR", required = true)]
    pub paths: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, value_enum, default_value_t = ReportFormatArg::Pretty, value_name = "FORMAT")]
    pub format: ReportFormatArg,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: GoldenMappingArgs,
}

/// [`MappingArgs`] without those that change nothing in a golden file.
#[derive(Debug)]
pub struct GoldenMappingArgs(pub MappingArgs);

/// The arguments that it is without, and why.
const WITHOUT_EFFECT: [(&str, &str, &str); 4] = [
    (
        "host_metadata",
        "--host-metadata",
        "golden files are the same on every machine",
    ),
    (
        "preserve_original_event",
        "--preserve-original-event",
        "golden files always have event.original",
    ),
    (
        "no_default_tags",
        "--no-default-tags",
        "golden files have no default tags",
    ),
    (
        "namespace",
        "--namespace",
        "golden files have no data_stream fields",
    ),
];

impl FromArgMatches for GoldenMappingArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        for (id, flag, reason) in WITHOUT_EFFECT {
            if matches.value_source(id) == Some(ValueSource::CommandLine) {
                let message =
                    format!("{flag} cannot be used with fixtures: {reason}; leave it out");
                return Err(clap::Error::raw(ErrorKind::ValueValidation, message));
            }
        }
        MappingArgs::from_arg_matches(matches).map(Self)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for GoldenMappingArgs {
    fn augment_args(command: Command) -> Command {
        let command = MappingArgs::augment_args(command);
        WITHOUT_EFFECT
            .into_iter()
            .fold(command, |command, (id, ..)| {
                command.mut_arg(id, |argument| argument.hide(true))
            })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Values of `fixtures --format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormatArg {
    /// Unified diffs and a summary.
    Pretty,
    /// Annotations of GitHub Actions, at most ten.
    Github,
    /// A JUnit report.
    Junit,
    /// Markdown, such as for $GITHUB_STEP_SUMMARY; equal differences once.
    Markdown,
}

impl From<ReportFormatArg> for fixtures::ReportFormat {
    fn from(format: ReportFormatArg) -> Self {
        match format {
            ReportFormatArg::Pretty => Self::Pretty,
            ReportFormatArg::Github => Self::Github,
            ReportFormatArg::Junit => Self::Junit,
            ReportFormatArg::Markdown => Self::Markdown,
        }
    }
}

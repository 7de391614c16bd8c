//! Arguments of `fixtures`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::MappingArgs;
use crate::fixtures;

/// The commands of `fixtures`.
#[derive(Debug, Subcommand)]
pub enum FixturesCommand {
    /// Compare the golden files with the output of the mapping; exit with 1 if they differ
    Check(FixturesArgs),
    /// Update the golden files that differ from the output of the mapping, then check and validate them
    Regenerate {
        /// Allow events with error.message, and events that violate the schema
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
    /// Directories with NAME.log, NAME.json or NAME.ndjson, in them or below, and their NAME.log-expected.json; or single inputs
    #[arg(value_name = "DIR", required = true)]
    pub paths: Vec<PathBuf>,
    /// Format of the report
    #[arg(long, value_enum, default_value_t = ReportFormatArg::Pretty, value_name = "FORMAT")]
    pub format: ReportFormatArg,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
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

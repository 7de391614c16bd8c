//! Arguments of `report`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{MappingArgs, values};
use crate::fetch::time_spec::TimeSpec;
use crate::schema::notable::AdminGroups;

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 success, 1 an input or the output failed, 2 usage error, 3 a record could not be mapped \
(with --strict), 130/143 stopped by SIGINT/SIGTERM.")]
pub struct ReportArgs {
    /// Files to read, or patterns of their names; `-` or none: stdin
    ///
    /// Raw audit records in any form that normalize takes, events that this program wrote, as NDJSON or with
    /// `--format bulk`, or both. Plain, gzip, zstd, xz or bzip2, told by their content. Quoted patterns are expanded.
    #[arg(value_name = "FILE|GLOB")]
    pub files: Vec<PathBuf>,
    /// Leave out events before this time
    ///
    /// An absolute time (2026-01-31T12:00:00Z, or a date), or a duration before now (24h, 7d).
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub since: Option<TimeSpec>,
    /// Leave out events from this time on
    ///
    /// In the forms of --since.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true, value_parser = values::time)]
    pub until: Option<TimeSpec>,
    /// Rows of each ranking [default: 5, with --json or --html 10]
    #[arg(long, value_name = "N", value_parser = values::top)]
    pub top: Option<NonZeroUsize>,
    /// Columns of the report [default: those of the terminal, else 80]
    #[arg(long, value_name = "N", value_parser = values::width)]
    pub width: Option<usize>,
    /// Print JSON
    #[arg(long, conflicts_with_all = ["format", "width"])]
    pub json: bool,
    /// Write a page for a browser, instead of printing the report
    ///
    /// One file with charts, which asks for nothing from anywhere. It takes the place of an earlier page; another file that
    /// is not empty is left alone, unless --force is given. `-`: stdout. With --json, that is printed too.
    #[arg(long, value_name = "FILE", value_parser = values::output(), conflicts_with = "width")]
    pub html: Option<PathBuf>,
    /// Replace the file of --html, whatever is in it
    #[arg(long, requires = "html", conflicts_with = "width")]
    pub force: bool,
    /// What is printed
    #[arg(long, value_enum, default_value_t = ReportOutputArg::Text, value_name = "FORMAT")]
    pub format: ReportOutputArg,
    /// Columns of --format csv, by the names of the fields
    ///
    /// Separated by commas, or the flag is repeated. In each cell the values of a list are separated by `; `.
    /// Without it: when, who, what, to what, to whom, from where, outcome, category, and why it could not be mapped.
    #[arg(long, value_name = "FIELDS", value_delimiter = ',', value_parser = values::field)]
    pub fields: Vec<String>,
    /// Write --format csv for Excel
    ///
    /// With a byte order mark, without which Excel misreads letters outside ASCII, and with headings that it does not
    /// take for formulas: `'@timestamp`.
    #[arg(long)]
    pub excel: bool,
    /// Groups of administrators: adding somebody to one is notable
    ///
    /// A regular expression that is found anywhere in the name of the group.
    #[arg(long, value_name = "REGEX", default_value = AdminGroups::DEFAULT)]
    pub admin_groups: AdminGroups,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// Values of `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportOutputArg {
    /// The report, for a terminal.
    Text,
    /// The events as a table.
    Csv,
}

//! Arguments of `explain`.

use std::path::PathBuf;

use clap::Args;

use super::{MappingArgs, values};

/// Arguments of `explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 success, 1 an input or the output failed, 2 usage error, 3 a record could not be mapped \
(with --strict), 130/143 stopped by SIGINT/SIGTERM.")]
pub struct ExplainArgs {
    /// Files to read, in order; `-` or none: stdin
    ///
    /// What normalize reads: log files, answers of the APIs, single records, compressed or not.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write JSON, an object per record and line, with values at full length
    #[arg(long, conflicts_with = "width")]
    pub json: bool,
    /// Columns to write in [default: those of the terminal, else 120]
    #[arg(long, value_name = "N", value_parser = values::width)]
    pub width: Option<usize>,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

//! Arguments of `tail`.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum};

use super::{ClusterArgs, EventFormatArgs, MappingArgs, MetricsArgs, StateDirArgs, values};

/// Arguments of `tail`.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "flags")]
#[command(
    group = ArgGroup::new("report").args(["list", "status"]),
    after_help = "\
Exit codes: 0 success, or stopped by SIGINT/SIGTERM with everything saved, 1 a file (with --once), the output \
or the state failed, 2 usage error, 3 a record could not be mapped (with --strict). SIGHUP reopens the \
output file."
)]
pub struct TailArgs {
    /// Files, globs, or directories (their *.log files) to follow
    #[arg(
        value_name = "PATH|GLOB",
        default_value = "/var/atlassian/application-data/confluence/log/audit/*.log"
    )]
    pub paths: Vec<PathBuf>,
    /// Append to a file, exactly once, instead of writing to stdout
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "-",
        value_parser = values::output(),
        conflicts_with = "elasticsearch_url"
    )]
    pub output: PathBuf,
    /// How the output is written.
    #[command(flatten)]
    pub format: EventFormatArgs,
    /// Where to start in files that exist at the very first scan
    #[arg(long, value_enum, default_value_t = FromArg::Beginning, value_name = "WHERE")]
    pub from: FromArg,
    /// Read all files to their end and exit; with 1 if a path that is not a glob does not exist
    #[arg(long)]
    pub once: bool,
    /// Exclude files whose name matches (whose path, if the glob has a slash) (repeatable)
    #[arg(long, value_name = "GLOB")]
    pub exclude: Vec<OsString>,
    /// Skip new files that were last written longer ago than this: only what is written to them
    /// from then on is read
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = values::duration)]
    pub ignore_older: Option<Duration>,
    /// How often to scan for changes that the system did not report
    #[arg(long, value_name = "DURATION", default_value = "1s", allow_hyphen_values = true, value_parser = values::interval)]
    pub poll_interval: Duration,
    /// How often to log the counters
    #[arg(long, value_name = "DURATION", default_value = "10m", allow_hyphen_values = true, value_parser = values::interval)]
    pub report_interval: Duration,
    /// Print the files that would be followed, with their state, and exit
    #[arg(long)]
    pub list: bool,
    /// Print the read position of each file, and exit; works while another instance runs
    #[arg(long)]
    pub status: bool,
    /// Print --list or --status as JSON
    #[arg(long, requires = "report")]
    pub json: bool,
    /// The name of the source that this is, in a service.
    #[arg(skip)]
    pub source: Option<String>,
    /// Where to keep how far files were read.
    #[command(flatten)]
    pub state: StateDirArgs,
    /// The cluster to send to, instead of an output file.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// Where metrics are told.
    #[command(flatten)]
    pub metrics: MetricsArgs,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

/// Values of `--from`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum FromArg {
    /// Everything that is in them.
    Beginning,
    /// Only what is written from then on.
    End,
}

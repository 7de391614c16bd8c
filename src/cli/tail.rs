//! Arguments of `tail`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, ValueEnum, ValueHint};

use super::cluster::OF_CLUSTER;
use super::{ClusterArgs, EventFormatArgs, MappingArgs, MetricsArgs, StateDirArgs, values};
use crate::tail::exclusion::Exclusion;
use crate::tail::pattern::PathPattern;

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
        value_hint = ValueHint::AnyPath,
        value_parser = values::path_pattern(),
        default_value = "/var/atlassian/application-data/confluence/log/audit/*.log"
    )]
    pub paths: Vec<PathPattern>,
    /// Append to a file, exactly once, instead of to stdout
    ///
    /// After a crash, what was written but not recorded in the state is cut off and written again.
    /// SIGHUP reopens the file, for logrotate.
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "-",
        value_parser = values::output(),
        conflicts_with_all = OF_CLUSTER
    )]
    pub output: PathBuf,
    /// How the output is written.
    #[command(flatten)]
    pub format: EventFormatArgs,
    /// Where to start in files that exist at the first scan
    ///
    /// Files that appear later are read from their beginning, since they are new. A file with a saved
    /// position goes on from there.
    #[arg(long, value_enum, default_value_t = FromArg::Beginning, value_name = "WHERE")]
    pub from: FromArg,
    /// Read all files to their end and exit
    ///
    /// A glob that matches nothing is a warning; a path that does not exist makes the exit code 1.
    #[arg(long)]
    pub once: bool,
    /// Exclude files by name (repeatable)
    ///
    /// The glob is compared with the name of the file, or with its path if it has a slash. Example:
    /// --exclude '*.gz'.
    #[arg(long, value_name = "GLOB", value_parser = values::exclusion())]
    pub exclude: Vec<Exclusion>,
    /// Skip what is in new files last written before this
    ///
    /// A file seen for the first time whose last write is longer ago than this is not read from its
    /// beginning: only what is written to it from then on is. Files with a saved position are followed
    /// however old they are.
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true, value_parser = values::duration)]
    pub ignore_older: Option<Duration>,
    /// How often to scan for changes
    ///
    /// The system reports most changes at once; the scan finds those that it does not, such as on
    /// network file systems.
    #[arg(long, value_name = "DURATION", default_value = "1s", allow_hyphen_values = true, value_parser = values::interval)]
    pub poll_interval: Duration,
    /// How often to log the counters
    #[arg(long, value_name = "DURATION", default_value = "10m", allow_hyphen_values = true, value_parser = values::interval)]
    pub report_interval: Duration,
    /// Print the files that would be followed, and exit
    #[arg(long)]
    pub list: bool,
    /// Print the read position of each file, and exit
    ///
    /// Works while another instance runs.
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

//! Arguments of `normalize`.

use std::path::PathBuf;

use clap::Args;

use super::cluster::OF_CLUSTER;
use super::{ClusterArgs, EventFormatArgs, MappingArgs, values};

/// Arguments of `normalize`.
#[derive(Debug, Args)]
#[command(after_help = "\
Exit codes: 0 success, 1 an input or the output failed, 2 usage error, 3 a record could not be mapped \
(with --strict), 130/143 stopped by SIGINT/SIGTERM.")]
pub struct NormalizeArgs {
    /// Files to read, in order; `-` or none: stdin
    ///
    /// Plain, gzip, zstd, xz or bzip2, told by their content.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Write to a file, truncating it first, instead of stdout
    ///
    /// A file that is not empty and does not begin with an event is left alone, unless --force is
    /// given.
    #[arg(
        short,
        long,
        value_name = "PATH",
        default_value = "-",
        value_parser = values::output(),
        conflicts_with_all = OF_CLUSTER
    )]
    pub output: PathBuf,
    /// Overwrite the file of --output, whatever is in it
    #[arg(long, requires = "output", conflicts_with_all = OF_CLUSTER)]
    pub force: bool,
    /// How the output is written.
    #[command(flatten)]
    pub format: EventFormatArgs,
    /// The cluster to send to, instead of an output file.
    #[command(flatten)]
    pub cluster: ClusterArgs,
    /// How records are mapped.
    #[command(flatten)]
    pub mapping: MappingArgs,
}

//! Arguments of `send`.

use std::path::PathBuf;

use clap::Args;

use super::{ClusterArgs, values};

/// Arguments of `send`.
#[derive(Debug, Args)]
#[command(
    mut_arg("elasticsearch_url", |argument| argument.required(true)),
    after_help = "\
Exit codes: 0 success, 1 an input failed or a line is no event, or the cluster cannot be used, 2 usage error, \
3 the cluster refused an event (with --strict), 130/143 stopped by SIGINT/SIGTERM."
)]
pub struct SendArgs {
    /// Files of events; `-` or none: stdin
    ///
    /// NDJSON, --format bulk, or dead letters; plain, gzip, zstd, xz or bzip2, told by their content.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Exit with 3 if the cluster refused an event
    ///
    /// Its plain form is then stored, or it is in the failure store or in the dead letter file.
    #[arg(long)]
    pub strict: bool,
    /// Namespace of the data stream
    #[arg(long, value_name = "NAME", default_value = "default", value_parser = values::namespace)]
    pub namespace: String,
    /// Configuration file, for what no flag or variable sets
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The cluster to send to.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

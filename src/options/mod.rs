//! From arguments as they were typed to validated options, once, at the start.
//!
//! What is wrong with them is found here, before anything is read or written.

pub(crate) mod cluster;
pub(crate) mod fetch;
mod mapping;
mod tail;

use std::ffi::OsString;
use std::path::PathBuf;

use crate::cli::{self, LogFormatArg, LoggingArgs, MetricsArgs};
use crate::pipeline::enrich::geoip;
use crate::pipeline::event::AddFieldsError;
use crate::process::logging;
use crate::process::metrics::MetricsOptions;
use crate::process::shown::Shown as _;
use crate::tail::pattern::PatternError;

pub(crate) use mapping::{MappingSources, add_fields, given_databases, golden, mapping, threads};
pub(crate) use tail::{discovery, tail};

/// What is wrong with the configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A GeoIP database cannot be opened.
    #[error("{setting}: {source}")]
    GeoIp {
        /// The flag or the environment variable that names it.
        setting: &'static str,
        /// The error of the database.
        source: geoip::Error,
    },
    /// A path to follow cannot be used.
    #[error("PATH|GLOB: {0}")]
    Path(PatternError),
    /// An `--exclude` cannot be used.
    #[error("--exclude: {0}")]
    Exclude(PatternError),
    /// The file of `--add-fields` cannot be read.
    #[error(
        "--add-fields: cannot read {}: {source} (expected a JSON file, or an object such as \
         {{\"host.name\":\"wiki-1\"}})",
        path.shown()
    )]
    AddFieldsRead {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: std::io::Error,
    },
    /// The cluster cannot be asked so.
    #[error(transparent)]
    Cluster(#[from] cluster::Error),
    /// Where to fetch from, or with what credentials, is not clear.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// The value of `--add-fields`, or its file, holds something else.
    #[error("--add-fields: {name} {source}")]
    AddFields {
        /// The file, or the value.
        name: String,
        /// Why the content is rejected.
        source: AddFieldsError,
    },
}

/// How diagnostics are written where the arguments are wrong.
#[must_use]
pub fn logging_of_unparsed(arguments: impl IntoIterator<Item = OsString>) -> logging::LogSettings {
    logging(&LoggingArgs {
        log_format: cli::log_format(arguments),
        verbose: 0,
        quiet: false,
    })
}

/// Where metrics are told.
#[must_use]
pub(crate) fn metrics(arguments: &MetricsArgs) -> MetricsOptions {
    MetricsOptions {
        file: arguments.metrics_file.clone(),
        listen: arguments.metrics_listen,
    }
}

/// How diagnostics are written.
#[must_use]
pub fn logging(arguments: &LoggingArgs) -> logging::LogSettings {
    use tracing_subscriber::filter::LevelFilter;

    logging::LogSettings {
        level: match (arguments.quiet, arguments.verbose) {
            (true, _) => LevelFilter::ERROR,
            (false, 0) => LevelFilter::INFO,
            (false, 1) => LevelFilter::DEBUG,
            (false, _) => LevelFilter::TRACE,
        },
        format: match arguments.log_format {
            LogFormatArg::Text => logging::LogFormat::Text,
            LogFormatArg::Json => logging::LogFormat::Json,
        },
    }
}

//! Where events go: stdout, a file, or a cluster.

mod checkpoint;
mod cut;
mod cut_back;
mod file;
mod find;
mod foreign;
mod full;
mod rescue;
mod stdout;

use crate::cluster::client::Setback;
use crate::cluster::sink::{ClusterCheckpoint, ClusterSink};
use crate::process::metrics::SourceMetrics;
use crate::process::shown::Shown as _;
use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use checkpoint::OutputCheckpoint;
pub use cut_back::{Classify, KnownWriters, Whose};
pub use file::FileSink;
pub use foreign::{OutputLines, warn_of_foreign};
pub use full::is_full;
pub use stdout::Sink;
use stdout::is_stdout_closed;

/// How long a file or a pipe may take nothing when it is time to end.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// An output that does not take events.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error("--output: cannot write {}: {source}{}", path.shown(), remedy(source))]
    Open {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The directory that it is to be in is missing.
    #[error(
        "--output: cannot write {}: there is no directory {}: create it first, or use another path",
        path.shown(), directory.shown()
    )]
    NoDirectory {
        /// Path of the output.
        path: PathBuf,
        /// The first directory on the way to it that is missing.
        directory: PathBuf,
    },
    /// It would be truncated, and holds something else than what is written.
    #[error(
        "--output: {} is not empty and does not begin with {what}: {remedy}, or use another file",
        path.shown()
    )]
    NotEvents {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// What its lines would be.
        what: &'static str,
        /// What can be done to use it all the same.
        remedy: &'static str,
    },
    /// Another process appends to it.
    #[error(
        "--output: {} is locked by another process: stop it, or use another file",
        path.shown()
    )]
    Held {
        /// Path of the file that caused the error.
        path: PathBuf,
    },
    /// Stdout is closed, or is `/dev/null`.
    #[error(
        "stdout is closed, or is /dev/null as if it were closed: pass --output PATH \
         (/dev/null discards the events)"
    )]
    NoStdout,
    /// What a crash left in it cannot be taken away.
    #[error(
        "--output: cannot truncate {} to its last checkpoint: {source}; make it readable and \
         writable, or move it to another directory to keep it as it is",
        path.shown()
    )]
    Settle {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// A write failed.
    #[error("cannot write to {name}: {source}")]
    Write {
        /// The file, or stdout.
        name: String,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// There is no cluster.
    #[error("--elasticsearch-url: {0}")]
    NoCluster(String),
    /// It took nothing for so long that the end came first.
    #[error("the output was blocked at shutdown")]
    GivenUp,
    /// Nobody reads it any more: no error to report.
    #[error("the output is closed")]
    Closed,
}

impl Error {
    /// For an output that cannot be opened.
    fn opening(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if is_not_found(&source) || source.kind() == io::ErrorKind::IsADirectory {
            // What a dangling link leads to is to be created.
            let target = link_target(&path);
            if let Some(directory) = missing_directory(&target) {
                return Self::NoDirectory { path, directory };
            }
        }
        Self::Open { path, source }
    }
}

/// What to do about an output that cannot be opened, behind the reason.
fn remedy(error: &io::Error) -> &'static str {
    if error.kind() == io::ErrorKind::ReadOnlyFilesystem {
        "; a service of systemd writes where its unit says ReadWritePaths= or LogsDirectory="
    } else {
        ""
    }
}

/// The first directory on the way to a file that is missing; a name with a slash at its end is one.
fn missing_directory(path: &Path) -> Option<PathBuf> {
    let is_missing = |directory: &&Path| {
        let is_named = !directory.as_os_str().is_empty();
        is_named && std::fs::metadata(directory).is_err_and(|error| is_not_found(&error))
    };
    let is_directory = path.as_os_str().as_encoded_bytes().ends_with(b"/");
    let ways = path.ancestors().skip(usize::from(!is_directory));
    ways.filter(is_missing).last().map(Path::to_owned)
}

/// Where symbolic links lead to that end nowhere.
fn link_target(path: &Path) -> PathBuf {
    const MOST_LINKS: usize = 40;
    let mut path = path.to_owned();
    for _ in 0..MOST_LINKS {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path
            .parent()
            .map(|parent| parent.join(&target))
            .unwrap_or(target);
    }
    path
}

fn is_not_found(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
}

/// An output of a command that goes on and on, and records how far it came.
#[derive(Debug)]
pub enum Durable {
    /// Stdout: what it takes is handed over.
    Stdout(Sink),
    /// A file: what it takes is kept.
    File(Box<FileSink>),
    /// Elasticsearch or OpenSearch: what it takes is settled, sooner or later.
    Cluster(Box<ClusterSink>),
}

/// Where events are to go.
#[derive(Debug)]
pub enum Destination {
    /// A file for such lines; `-` is stdout.
    Path(PathBuf, OutputLines),
    /// A cluster.
    Cluster(Box<ClusterSink>),
}

/// As it is shown.
impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path, _) if path.as_os_str() == "-" => f.write_str("stdout"),
            Self::Path(path, _) => path.shown().fmt(f),
            Self::Cluster(sink) => write!(f, "{} in the cluster", sink.target()),
        }
    }
}

/// What is recorded of an output in the state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Recorded {
    /// Nothing: what stdout took is handed over.
    #[default]
    Nothing,
    /// Of a file.
    File(OutputCheckpoint),
    /// Of a cluster; none before it was reached.
    Cluster(Option<ClusterCheckpoint>),
}

impl From<Setback> for Error {
    fn from(setback: Setback) -> Self {
        match setback {
            Setback::NoCluster(problem) => Self::NoCluster(problem),
            Setback::Stopped | Setback::Lost(_) => Self::GivenUp,
        }
    }
}

impl Durable {
    /// The output that is meant.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reach(destination: Destination, metrics: &SourceMetrics) -> Result<Self, Error> {
        match destination {
            Destination::Path(path, _) => Ok(Self::open(&path)?.measured(metrics)),
            Destination::Cluster(sink) => Ok(Self::Cluster(sink)),
        }
    }

    /// Waits until the output can take those lines. Whether that is news to be recorded before they are
    /// written.
    ///
    /// # Errors
    /// When `give_up` says so, or there is no cluster.
    pub fn prepare(&mut self, lines: &[u8], give_up: &dyn Fn() -> bool) -> Result<bool, Error> {
        match self {
            Self::Stdout(_) | Self::File(_) => Ok(false),
            Self::Cluster(sink) => Ok(sink.prepare(lines, give_up)?),
        }
    }

    /// With the metrics of the source that writes; a cluster has had them from its beginning.
    fn measured(self, metrics: &SourceMetrics) -> Self {
        match self {
            Self::Stdout(sink) => Self::Stdout(sink.measured(metrics)),
            Self::File(file) => Self::File(Box::new(file.measured(metrics))),
            Self::Cluster(sink) => Self::Cluster(sink),
        }
    }

    /// Stdout for `-`, else a file to append to.
    ///
    /// # Errors
    /// [`Error::NoStdout`] when stdout is closed; else as [`Sink::stdout`] and [`FileSink::open`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Ok(if path.as_os_str() == "-" {
            if is_stdout_closed() {
                return Err(Error::NoStdout);
            }
            Self::Stdout(Sink::stdout()?.without_blocking())
        } else {
            Self::File(Box::new(FileSink::open(path)?))
        })
    }

    /// Writes whole lines, waiting for room or a reader until `give_up` says otherwise.
    ///
    /// # Errors
    /// As [`Sink::write_until`] and [`FileSink::write`].
    pub fn write(&mut self, lines: &[u8], give_up: &dyn Fn() -> bool) -> Result<(), Error> {
        match self {
            Self::Stdout(sink) => sink.write_until(lines, give_up),
            Self::File(sink) => sink.write(lines, give_up),
            Self::Cluster(sink) => Ok(sink.write(lines, give_up)?),
        }
    }

    /// Makes durable what was written. What is to be recorded of it.
    ///
    /// # Errors
    /// As [`FileSink::sync`] and `ClusterSink::sync`.
    pub fn sync(&mut self, give_up: &dyn Fn() -> bool) -> Result<Recorded, Error> {
        Ok(match self {
            Self::Stdout(_) => Recorded::Nothing,
            Self::File(sink) => sink.sync()?.map_or(Recorded::Nothing, Recorded::File),
            Self::Cluster(sink) => Recorded::Cluster(sink.sync(give_up)?),
        })
    }

    /// Whether its path no longer leads to it.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        match self {
            Self::Stdout(_) | Self::Cluster(_) => false,
            Self::File(sink) => sink.is_moved(),
        }
    }

    /// Goes on with the file that its path leads to now.
    ///
    /// # Errors
    /// As [`FileSink::reopen`].
    pub fn reopen(&mut self) -> Result<(), Error> {
        match self {
            Self::Stdout(_) | Self::Cluster(_) => Ok(()),
            Self::File(sink) => sink.reopen(),
        }
    }

    /// How long it may take nothing when it is time to end.
    #[must_use]
    pub fn patience(&self) -> Duration {
        match self {
            Self::Stdout(_) | Self::File(_) => LAST_PATIENCE,
            Self::Cluster(sink) => sink.patience(),
        }
    }

    /// How many whole events of a write that was given up a pipe has: it cannot give them back.
    #[must_use]
    pub fn handed(&self) -> usize {
        match self {
            Self::Stdout(sink) => sink.handed(),
            Self::File(sink) => sink.handed(),
            Self::Cluster(_) => 0,
        }
    }

    /// The output, if it is a pipe, whose other end can go away.
    #[must_use]
    pub fn pipe(&self) -> Option<OwnedFd> {
        match self {
            Self::Stdout(sink) => sink.pipe(),
            Self::File(sink) => sink.pipe(),
            Self::Cluster(_) => None,
        }
    }
}

/// Mode of a file that is created for events or a report, before the umask: they name people, and are not for
/// everyone on the machine.
pub(crate) const MODE: u32 = 0o640;

fn is_file(file: &File) -> bool {
    file.metadata().is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_unit_forbids_to_write_its_setting_is_named() {
        let source = io::Error::from_raw_os_error(rustix::io::Errno::ROFS.raw_os_error());
        let error = Error::opening(Path::new("/srv/audit/wiki.ndjson"), source);
        assert!(error.to_string().contains("ReadWritePaths="), "{error}");
    }
}

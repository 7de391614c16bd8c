//! One thin file a command: from its arguments through options to the work, and to the exit code.

mod auth;
mod check;
mod cluster;
mod completions;
mod config;
mod explain;
mod fetch;
mod fixtures;
mod inputs;
mod man;
mod normalize;
mod report;
mod run;
mod schema;
mod send;
mod state;
mod status;
mod tail;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::auth::login;
use crate::cli::{ClusterArgs, Command, MappingArgs, StateDirArgs};
use crate::cluster::inspect::Unusable;
use crate::cluster::template::InstallError;
use crate::exit::Exit;
use crate::fetch::pager::Error as PagerError;
use crate::fetch::{Error as FetchError, connect};
use crate::pipeline::dataset::Dataset;
use crate::process::advice;
use crate::process::metrics::{self, SourceMetrics};
use crate::process::shown::Shown as _;
use crate::sink::{Destination, OutputLines};
use crate::{auth as oauth, config as config_file, options, ship, sink, state as state_file};

/// Runs the subcommand that was parsed.
///
/// # Errors
/// As the command: when its arguments are wrong, or what it works with fails.
pub fn run(command: Command) -> Result<Exit, Error> {
    match command {
        Command::Normalize(arguments) => normalize::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Send(arguments) => send::run(*arguments),
        Command::Report(arguments) => report::run(*arguments),
        Command::Tail(arguments) => tail::run(&arguments),
        Command::Fetch(arguments) => fetch::run(&arguments),
        Command::Run(arguments) => run::run(&arguments),
        Command::Config { task } => config::run(task),
        Command::Check(arguments) => check::run(&arguments),
        Command::Auth { task } => auth::run(task),
        Command::Status(arguments) => status::run(&arguments),
        Command::State { task } => state::run(task),
        Command::Fixtures { task } => fixtures::run(task),
        Command::Schema { what } => schema::run(what),
        Command::Completions { shell } => completions::run(shell),
        Command::Man { dir } => man::run(dir),
    }
}

/// Where the events of a command go: to a cluster, if one is given.
fn destination(
    cluster: &ClusterArgs,
    (output, lines): (&Path, OutputLines),
    (dataset, mapping): (Dataset, &MappingArgs),
    state: &StateDirArgs,
    metrics: &SourceMetrics,
) -> Result<Destination, options::Error> {
    let options = options::cluster::cluster(
        cluster,
        (dataset, &mapping.namespace),
        state.state_dir.as_deref(),
    )?;
    Ok(match options {
        Some(options) => Destination::Cluster(Box::new(options.sink(metrics)?)),
        None => Destination::Path(output.to_owned(), lines),
    })
}

/// Takes note of how a source ended that is all of its process. One that was to end by itself, and did well, is
/// not said to be down.
fn note_end(metrics: &SourceMetrics, ended: &Result<Exit, Error>, is_endless: bool) {
    match ended {
        Err(error) => metrics.failing(&error.to_string()),
        Ok(_) if is_endless => metrics.ended(),
        Ok(_) => {}
    }
}

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] options::Error),
    /// The configuration file is wrong.
    #[error(transparent)]
    File(#[from] config_file::Error),
    /// No source can run.
    #[error("no source can run: see the errors above, and `confluence-ecs config check`")]
    NoUsableSource,
    /// The output cannot be the input.
    #[error(
        "the output (--output or stdout), {0}, is also an input: use another file for the events"
    )]
    OutputIsInput(String),
    /// Dead letters cannot go where events are read from.
    #[error(
        "--dead-letter: {0} is also an input: rename it first and pass the renamed file, or pass another \
         --dead-letter PATH"
    )]
    DeadLetterIsInput(String),
    /// Nor can they go into what is read all the time.
    #[error("--dead-letter: {0} is also an input: use another file for dead letters")]
    DeadLetterIsRead(String),
    /// The page of a report cannot be the input.
    #[error("--html: {} is also an input: use another file for the page", .0.shown())]
    PageIsInput(PathBuf),
    /// It would take the place of something else.
    #[error(
        "--html: {} is not empty and is no page of a report: pass --force to replace it, or use another file",
        .0.shown()
    )]
    NotPage(PathBuf),
    /// The state cannot be locked or read.
    #[error(transparent)]
    State(#[from] state_file::Error),
    /// The state cannot be saved.
    #[error("cannot save the state in {}: {source}", directory.shown())]
    Save {
        /// The state directory.
        directory: PathBuf,
        /// The underlying I/O error.
        source: std::io::Error,
    },
    /// There is nothing to report.
    #[error(transparent)]
    Status(#[from] status::Nothing),
    /// Nothing is known of that name.
    #[error("no saved state for {0}: `{list}` shows what there is", list = advice::command(&["state", "list"]))]
    Unknown(String),
    /// A site has no offset.
    #[error("--offset: {0} is fetched, not a file that is followed: use --since")]
    OffsetOfSite(String),
    /// It cannot be set so.
    #[error("{0}")]
    CannotSet(String),
    /// The output cannot be opened, written or synced.
    #[error(transparent)]
    Sink(#[from] sink::Error),
    /// Metrics cannot be told.
    #[error(transparent)]
    Metrics(#[from] metrics::Error),
    /// The site cannot be found.
    #[error(transparent)]
    Connect(#[from] connect::Error),
    /// The site gives no records, or they cannot be kept until they are delivered.
    #[error(transparent)]
    Fetch(FetchError),
    /// What was asked for cannot be written to stdout.
    #[error("cannot write to stdout: {0}")]
    Report(std::io::Error),
    /// A file that was asked for cannot be written.
    #[error("cannot write {}: {source}", path.shown())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// The underlying I/O error.
        source: std::io::Error,
    },
    /// The cluster does not answer.
    #[error(transparent)]
    Cluster(#[from] Unusable),
    /// The index template is not installed.
    #[error(transparent)]
    Template(#[from] InstallError),
    /// There is no access token.
    #[error(transparent)]
    Auth(#[from] oauth::Error),
    /// The system refuses what every program needs.
    #[error("cannot start: {0}")]
    System(#[from] std::io::Error),
}

impl From<ship::Error> for Error {
    fn from(error: ship::Error) -> Self {
        match error {
            ship::Error::Sink(error) => Self::Sink(error),
            ship::Error::State(error) => Self::State(error),
            ship::Error::Save { directory, source } => Self::Save { directory, source },
        }
    }
}

impl From<login::Error> for Error {
    fn from(error: login::Error) -> Self {
        match error {
            login::Error::Auth(error) => Self::Auth(error),
            login::Error::System(error) => Self::System(error),
        }
    }
}

impl From<FetchError> for Error {
    fn from(error: FetchError) -> Self {
        match error {
            FetchError::Ship(error) => error.into(),
            FetchError::System(error) => Self::System(error),
            error @ (FetchError::Fetch(_)
            | FetchError::Organization(_)
            | FetchError::Future { .. }
            | FetchError::Spill { .. }) => Self::Fetch(error),
        }
    }
}

impl Error {
    /// The error for an output that is an input.
    fn output_is_input(output: &Path) -> Self {
        Self::OutputIsInput(if output.as_os_str() == "-" {
            "stdout".to_owned()
        } else {
            output.shown().to_string()
        })
    }

    /// Whether credentials were refused: each attempt with them is one more failed login.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        match self {
            Error::Fetch(FetchError::Fetch(PagerError::Ask(error))) => error.is_refused(),
            Error::Fetch(FetchError::Organization(error)) => error.is_refused(),
            Error::Connect(error) => error.is_refused(),
            Error::Auth(error) => error.is_refused(),
            _ => false,
        }
    }

    /// Whether there is something to mend on this machine before it can work: nothing that comes and goes, as
    /// the network does, and no credentials, which somebody else may mend.
    #[must_use]
    pub fn is_unusable(&self) -> bool {
        match self {
            Error::Connect(error) => error.is_usage(),
            Error::Fetch(_) | Error::Cluster(_) | Error::Template(_) | Error::Auth(_) => false,
            _ => true,
        }
    }

    /// Whether all that happened is that a reader went away: nothing to report.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        Exit::from(self) == Exit::Done
    }
}

impl From<&Error> for Exit {
    fn from(error: &Error) -> Self {
        match error {
            Error::Config(_)
            | Error::File(_)
            | Error::OutputIsInput(_)
            | Error::DeadLetterIsInput(_)
            | Error::DeadLetterIsRead(_)
            | Error::PageIsInput(_)
            | Error::NotPage(_)
            | Error::OffsetOfSite(_)
            | Error::Fetch(FetchError::Future { .. })
            | Error::Sink(sink::Error::NotEvents { .. }) => Self::Usage,
            Error::Auth(error) if error.is_usage() => Self::Usage,
            Error::Connect(error) if error.is_usage() => Self::Usage,
            Error::Sink(sink::Error::Closed) => Self::Done,
            Error::Report(error) if error.kind() == ErrorKind::BrokenPipe => Self::Done,
            Error::Sink(_)
            | Error::Metrics(_)
            | Error::Connect(_)
            | Error::Fetch(_)
            | Error::Report(_)
            | Error::Write { .. }
            | Error::Cluster(_)
            | Error::Template(_)
            | Error::Auth(_)
            | Error::System(_)
            | Error::State(_)
            | Error::Save { .. }
            | Error::Status(_)
            | Error::Unknown(_)
            | Error::NoUsableSource
            | Error::CannotSet(_) => Self::Failed,
        }
    }
}

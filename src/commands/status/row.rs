//! A row of the report: a followed series of files, or a site.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::fetch::identity::SiteIdentity;
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;
use crate::process::shown::Shown as _;

/// An output that takes nothing for so long is more than slow.
const BLOCKED_LONG: Duration = Duration::from_secs(60);

/// A followed series or a site.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The source, else `tail` or the site.
    pub name: String,
    /// `tail` or `fetch`.
    pub kind: &'static str,
    /// The path that the files of a series have in common.
    #[serde(serialize_with = "as_text")]
    pub series: Option<PathBuf>,
    /// The site, with its `--search`.
    pub site: Option<String>,
    /// How it is.
    #[serde(flatten)]
    pub condition: Condition,
    /// The process that is at it.
    pub pid: Option<u32>,
    /// When the state was saved last.
    pub last_save: Option<Timestamp>,
    /// The time of the newest event.
    pub newest_event: Option<Timestamp>,
    /// How far it is.
    #[serde(flatten)]
    pub position: Position,
    /// Bytes that are there and were not read.
    pub lag_bytes: Option<u64>,
    /// How long they have been waiting; of a site, how far the position is behind the present.
    pub lag_seconds: Option<u64>,
    /// Events made, errors included.
    pub records: u64,
    /// `pipeline_error` events made.
    pub failed: u64,
    /// Bytes that were lost, of all series of the state.
    pub lost_bytes: u64,
    /// Requests that this process sent again.
    pub retries: u64,
    /// Files and directories that cannot be read.
    pub unreadable: u64,
    /// Why the first of them cannot.
    pub unreadable_because: Option<String>,
    /// Where the events go.
    pub output: Option<String>,
    /// How that is.
    pub output_state: OutputState,
    /// Since when it has taken nothing.
    pub blocked_since: Option<Timestamp>,
    /// Bytes that were read, or that are in the output, for rates.
    #[serde(skip)]
    pub bytes: u64,
    /// What else the site is called.
    #[serde(skip)]
    pub identity: Option<SiteIdentity>,
}

/// How it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// In a word.
    pub state: State,
    /// Why.
    pub reason: Option<String>,
    /// Since when it runs, or does not.
    pub since: Option<Timestamp>,
    /// When it is tried again.
    pub retry_at: Option<Timestamp>,
}

/// How it is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum State {
    /// A process is at it.
    #[serde(rename = "running")]
    Running,
    /// A process is at it, and waits for something to begin or to take its events.
    #[serde(rename = "waiting")]
    Waiting,
    /// It failed; a process may be about to try again.
    #[serde(rename = "failing")]
    Failing,
    /// No process is at it.
    #[serde(rename = "not running")]
    Stopped,
    /// No process is to be at it: the source is not in the configuration any more.
    #[serde(rename = "removed")]
    Removed,
}

/// How far it is.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Position {
    /// The newest file of a series.
    #[serde(serialize_with = "as_text")]
    pub path: Option<PathBuf>,
    /// How many bytes of it are read.
    pub offset: Option<u64>,
    /// Up to when a site is fetched.
    pub cursor: Option<Timestamp>,
}

/// How the output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum OutputState {
    /// It takes events.
    Ok,
    /// It takes nothing.
    Blocked,
    /// There is no such file.
    Missing,
    /// Only a running process would know.
    Unknown,
}

/// A path as in `log.file.path`.
#[expect(clippy::ref_option, reason = "as serde calls it")]
fn as_text<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    let text = path.as_ref().map(|path| path.to_string_lossy());
    text.serialize(serializer)
}

impl Row {
    /// Of which nothing is known yet but how it is.
    pub fn new(name: String, kind: &'static str, condition: Condition) -> Self {
        Self {
            name,
            kind,
            series: None,
            site: None,
            condition,
            pid: None,
            last_save: None,
            newest_event: None,
            position: Position::default(),
            lag_bytes: None,
            lag_seconds: None,
            records: 0,
            failed: 0,
            lost_bytes: 0,
            retries: 0,
            unreadable: 0,
            unreadable_because: None,
            output: None,
            output_state: OutputState::Unknown,
            blocked_since: None,
            bytes: 0,
            identity: None,
        }
    }

    /// The name, safe to print.
    pub fn label(&self) -> String {
        self.name.shown().to_string()
    }

    /// Whether that is a name of it: the source, the site, the series or one of its paths.
    pub fn is_named(&self, name: &str) -> bool {
        let path = std::path::absolute(name).ok();
        let is_path = |own: &Option<PathBuf>| own.is_some() && *own == path;
        self.name == name
            || self.site.as_deref() == Some(name)
            || self.identity.as_ref().is_some_and(|own| own.is_named(name))
            || is_path(&self.series)
            || is_path(&self.position.path)
    }

    /// What is wrong, if anything is.
    pub fn problem(&self, max_lag: Option<Duration>) -> Option<String> {
        let condition = &self.condition;
        match condition.state {
            State::Running | State::Waiting => self
                .unreadable()
                .or_else(|| self.blocked_long())
                .or_else(|| self.lagging(max_lag?)),
            State::Failing => {
                let again = condition.retry_at.map(seconds);
                let again = again.map(|at| format!("; trying again at {at}"));
                Some(format!("{condition}{}", again.unwrap_or_default()))
            }
            State::Stopped => {
                let reason = condition.reason.as_deref().map(in_line);
                let reason = reason.map(|reason| format!(": {reason}"));
                Some(format!("{condition}{}", reason.unwrap_or_default()))
            }
            State::Removed => None,
        }
    }

    /// What to know though nothing is wrong.
    pub fn note(&self) -> Option<String> {
        if self.condition.state != State::Removed {
            return None;
        }
        let forget = advice::command(&["state", "forget", &self.name]);
        Some(format!(
            "not in the configuration any more: `{forget}` removes what is kept of it; configured again, it goes on from \
             there"
        ))
    }

    /// Whether it is to run.
    pub fn is_wanted(&self) -> bool {
        self.condition.state != State::Removed
    }
}

/// What may be wrong while a process is at it.
impl Row {
    fn unreadable(&self) -> Option<String> {
        let because = in_line(self.unreadable_because.as_ref()?);
        let of = match self.unreadable {
            0 | 1 => String::new(),
            count => format!("{count} files and directories cannot be read, the first: "),
        };
        Some(format!("{of}{because}"))
    }

    fn blocked_long(&self) -> Option<String> {
        let since = self.blocked_since?;
        if Timestamp::now() < since.plus(BLOCKED_LONG) {
            return None;
        }
        let because = self.condition.reason.as_deref().map(in_line);
        Some(format!(
            "waiting since {}: {}",
            seconds(since),
            because.unwrap_or_default()
        ))
    }

    fn lagging(&self, most: Duration) -> Option<String> {
        let lag = Duration::from_secs(self.lag_seconds?);
        (lag >= most).then(|| {
            let lag = humantime::format_duration(lag);
            let most = humantime::format_duration(most);
            format!("lag of {lag}, which is not less than {most}")
        })
    }
}

/// In the words of the report.
impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let reason = self.reason.as_deref().map(in_line).unwrap_or_default();
        match (self.state, self.since) {
            (State::Running, _) => f.write_str("running"),
            (State::Waiting, _) => f.write_str("waiting"),
            (State::Failing, _) => write!(f, "failing: {reason}"),
            (State::Stopped, Some(since)) => write!(f, "not running since {}", seconds(since)),
            (State::Stopped, None) => f.write_str("not running"),
            (State::Removed, Some(since)) => write!(f, "removed since {}", seconds(since)),
            (State::Removed, None) => f.write_str("removed"),
        }
    }
}

/// A text of another process, in one line and safe to print.
pub fn in_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ").shown().to_string()
}

/// A time for people.
pub fn seconds(time: Timestamp) -> String {
    let text = time.to_string();
    text.split_once('.')
        .map_or(text.clone(), |(seconds, _)| format!("{seconds}Z"))
}

/// Whether an output file is there.
pub fn file_state(path: &Path) -> OutputState {
    match path.try_exists() {
        Ok(false) => OutputState::Missing,
        Ok(true) | Err(_) => OutputState::Ok,
    }
}

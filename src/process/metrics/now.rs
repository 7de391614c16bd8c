//! How a source is at the moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::values::FollowedFile;
use crate::process::known::Known;

/// An output that takes nothing for so long is more than busy.
const BLOCKED: Duration = Duration::from_secs(1);

/// How a source is.
#[derive(Debug, Default)]
pub(super) struct Now {
    /// The command whose work it is, as far as the name may pass from one to another.
    pub kind: Option<&'static str>,
    pub condition: Condition,
    /// All was open since it began, even if it fails now.
    pub is_open: bool,
    /// What reports are told of it, but for what follows from the rest.
    pub known: Known,
    /// It was taken out of the configuration.
    pub is_removed: bool,
    pub write: Option<Write>,
    /// Log files by their number; none if it follows none.
    pub files: Option<BTreeMap<u64, FollowedFile>>,
    /// Times in milliseconds since 1970.
    pub newest: Option<i64>,
    pub cursor: Option<i64>,
    /// When everything was at the output; before that, when it was begun.
    pub caught_up: Option<Instant>,
    pub was_caught_up: bool,
    pub lost_bytes: u64,
    pub lag: Lag,
}

#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Lag {
    pub bytes: Option<u64>,
    pub seconds: Option<f64>,
}

/// A wait for the output.
#[derive(Debug, Clone)]
pub(super) struct Write {
    pub since: Instant,
    /// The same, in milliseconds since 1970.
    pub began: i64,
    /// Up to when it is counted.
    pub counted: Instant,
    /// Why it takes so long.
    pub because: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Condition {
    #[default]
    Starting,
    Working,
    Failing(String),
    Ended,
}

impl Now {
    /// For how long the output has taken nothing, if that is more than a moment.
    pub fn blocked(&self) -> Option<Duration> {
        let waited = self.write.as_ref().map(|write| write.since.elapsed());
        waited.filter(|waited| *waited >= BLOCKED)
    }

    /// What keeps the output from taking more.
    pub fn blocked_by(&self) -> Option<String> {
        self.blocked()?;
        self.write.as_ref()?.because.clone()
    }

    /// What reports are told.
    pub fn known(&self) -> Known {
        let problem = match &self.condition {
            Condition::Failing(problem) => Some(problem.clone()),
            _ => None,
        };
        Known {
            is_ready: self.is_open,
            blocked_since: self
                .blocked()
                .and(self.write.as_ref())
                .map(|write| write.began),
            blocked_by: self.blocked_by(),
            problem,
            ..self.known.clone()
        }
    }

    /// Takes note of the lag, by how much of its log files is not at the output.
    pub fn set_lag(&mut self, unread: Option<u64>) {
        let Some(unread) = unread else {
            // Of a site, nothing but time tells.
            self.lag.seconds = self
                .cursor
                .map(|cursor| (now_millis() - cursor).max(0))
                .map(in_seconds);
            return;
        };
        self.lag.bytes = Some(unread);
        if unread == 0 {
            self.caught_up = Some(Instant::now());
            self.was_caught_up = true;
            self.lag.seconds = Some(0.0);
            return;
        }
        // What is not at the output is not older than the newest that is, and came after all before it was.
        let waiting = self.caught_up.map(|at| at.elapsed().as_secs_f64());
        let age = self
            .newest
            .map(|newest| in_seconds((now_millis() - newest).max(0)));
        self.lag.seconds = match (waiting, age) {
            (Some(waiting), Some(age)) if self.was_caught_up => Some(waiting.min(age)),
            (_, Some(age)) => Some(age),
            (waiting, None) => waiting,
        };
    }
}

pub(super) fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "times have 43 bits for centuries"
)]
pub(super) fn in_seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// A duration for people, in whole seconds.
pub(super) fn seconds(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

pub(super) fn rfc3339(millis: i64) -> String {
    let since = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
    let time = SystemTime::UNIX_EPOCH.checked_add(since);
    time.map(|time| humantime::format_rfc3339_seconds(time).to_string())
        .unwrap_or_default()
}

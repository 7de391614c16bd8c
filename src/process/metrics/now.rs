//! How a source is at the moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::values::FollowedFile;

/// How a source is.
#[derive(Debug, Default)]
pub(super) struct Now {
    pub condition: Condition,
    /// It was taken out of the configuration.
    pub is_removed: bool,
    pub write: Option<Write>,
    /// Log files by their number; none if it follows none.
    pub files: Option<BTreeMap<u64, FollowedFile>>,
    pub unreadable: u64,
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
#[derive(Debug, Clone, Copy)]
pub(super) struct Write {
    pub since: Instant,
    /// Up to when it is counted.
    pub counted: Instant,
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
    pub fn measure_lag(&mut self) {
        let Some(files) = &self.files else {
            // Of a site, nothing but time tells.
            self.lag.seconds = self
                .cursor
                .map(|cursor| (now_millis() - cursor).max(0))
                .map(in_seconds);
            return;
        };
        let unread = files.values().map(FollowedFile::unread).sum();
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

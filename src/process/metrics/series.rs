//! The metrics of one source, and how it is.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus::{Counter, Histogram, IntCounter, IntGauge};

use super::families::Families;
use super::health::Health;
use super::now::{Condition, Now, rfc3339, seconds};
use super::values::{FileState, FollowedFile};
use crate::process::known::Known;

/// The state of files that are not read, beside those of [`FileState`].
const UNREADABLE: &str = "unreadable";

/// The metrics of a source that are used often.
#[derive(Debug)]
pub(super) struct Series {
    pub name: String,
    pub families: Arc<Families>,
    pub health: Arc<Health>,
    pub up: IntGauge,
    pub records: IntCounter,
    pub mapped: IntCounter,
    pub pipeline_errors: IntCounter,
    pub input_bytes: IntCounter,
    pub lost_bytes: IntCounter,
    pub output_bytes: IntCounter,
    pub output_blocked: Counter,
    pub save_duration: Histogram,
    pub now: Mutex<Now>,
}

impl Series {
    pub fn new(name: &str, families: &Arc<Families>, health: &Arc<Health>) -> Self {
        let of = [name];
        let series = Self {
            name: name.to_owned(),
            up: families.up.with_label_values(&of),
            records: families.output.records.with_label_values(&of),
            mapped: families.output.events.with_label_values(&[name, "mapped"]),
            pipeline_errors: families
                .output
                .events
                .with_label_values(&[name, "pipeline_error"]),
            input_bytes: families.input.input_bytes.with_label_values(&of),
            lost_bytes: families.input.lost_bytes.with_label_values(&of),
            output_bytes: families.output.bytes.with_label_values(&of),
            output_blocked: families.output.blocked.with_label_values(&of),
            save_duration: families.output.save_duration.with_label_values(&of),
            families: Arc::clone(families),
            health: Arc::clone(health),
            now: Mutex::default(),
        };
        series.up.set(0);
        series
    }

    pub fn now(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it is, with the lag as it is now. The files are looked at unlocked: whoever ships must not wait for a disk.
    fn measured(&self) -> MutexGuard<'_, Now> {
        let files = self.now().files.clone();
        let unread = files.map(|files| files.values().map(FollowedFile::unread).sum());
        let mut now = self.now();
        now.set_lag(unread);
        now
    }

    pub fn is_removed(&self) -> bool {
        self.now().is_removed
    }

    /// A source of that kind takes the name: how another was that had it before is forgotten.
    pub fn begin(&self, kind: &'static str) {
        let mut now = self.now();
        let retries = now.known.retries;
        now.known = Known {
            retries,
            ..Known::default()
        };
        if now.kind.replace(kind).is_none_or(|before| before == kind) {
            return;
        }
        *now = Now {
            kind: now.kind,
            known: std::mem::take(&mut now.known),
            ..Now::default()
        };
        let (families, of) = (&self.families, [&*self.name]);
        // What is not there need not be removed.
        for gauges in [
            &families.input.lag_seconds,
            &families.input.newest_event,
            &families.requests.cursor,
            &families.requests.last_success,
            &families.requests.grant_expiry,
        ] {
            let _ = gauges.remove_label_values(&of);
        }
        let _ = families.input.lag_bytes.remove_label_values(&of);
        for state in FileState::ALL
            .map(FileState::name)
            .into_iter()
            .chain([UNREADABLE])
        {
            let _ = families.input.files.remove_label_values(&[of[0], state]);
        }
    }

    /// Brings up to date what time alone changes.
    pub fn refresh(&self) {
        let mut now = self.now();
        if let Some(write) = &mut now.write {
            let until = Instant::now();
            let waited = until.saturating_duration_since(write.counted);
            write.counted = until;
            self.output_blocked.inc_by(waited.as_secs_f64());
        }
        drop(now);
        let now = self.measured();
        let (families, of) = (&self.families, [&*self.name]);
        if let Some(bytes) = now.lag.bytes {
            let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
            families.input.lag_bytes.with_label_values(&of).set(bytes);
        }
        if let Some(seconds) = now.lag.seconds {
            families
                .input
                .lag_seconds
                .with_label_values(&of)
                .set(seconds);
        }
        let Some(files) = &now.files else { return };
        let set = |state: &str, count: usize| {
            let gauge = families.input.files.with_label_values(&[of[0], state]);
            gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        for state in FileState::ALL {
            let count = files.values().filter(|file| file.state == state).count();
            set(state.name(), count);
        }
        set(
            UNREADABLE,
            usize::try_from(now.known.unreadable).unwrap_or(usize::MAX),
        );
    }

    /// Why it is not ready, if it is not.
    pub fn unready(&self) -> Option<String> {
        let now = self.now();
        if now.is_removed {
            return None;
        }
        let why = match (&now.condition, now.blocked()) {
            (Condition::Starting, _) => "starting".to_owned(),
            (Condition::Failing(problem), _) => format!("failing: {problem}"),
            (Condition::Ended, _) => "ended".to_owned(),
            (Condition::Working, Some(blocked)) => {
                let because = now.blocked_by();
                let because = because.map(|because| format!(": {because}"));
                format!(
                    "the output has taken nothing for {}{}",
                    seconds(blocked),
                    because.unwrap_or_default()
                )
            }
            (Condition::Working, None) => return None,
        };
        Some(format!("source `{}`: {why}", self.name))
    }

    pub fn summary(&self) -> String {
        let now = self.measured();
        let mut text = format!("{} records", self.records.get());
        // Writing to a string cannot fail.
        if self.pipeline_errors.get() > 0 {
            let _ = write!(text, ", {} not mapped", self.pipeline_errors.get());
        }
        if let Some(files) = &now.files {
            let _ = write!(text, " of {} files", files.len());
        }
        if self.lost_bytes.get() > 0 {
            let _ = write!(text, ", {} bytes lost", self.lost_bytes.get());
        }
        match (now.lag.bytes, now.lag.seconds) {
            (Some(0), _) | (None, None) => {}
            (bytes, Some(late)) => {
                let late = seconds(Duration::try_from_secs_f64(late).unwrap_or_default());
                let bytes = bytes
                    .map(|bytes| format!("{bytes} bytes, "))
                    .unwrap_or_default();
                let _ = write!(text, ", {bytes}{late} behind");
            }
            (Some(bytes), None) => {
                let _ = write!(text, ", {bytes} bytes behind");
            }
        }
        if let Some(newest) = now.newest {
            let _ = write!(text, ", newest event {}", rfc3339(newest));
        }
        if let Some(blocked) = now.blocked() {
            let _ = write!(text, ", output blocked for {}", seconds(blocked));
            if let Some(because) = now.blocked_by() {
                let _ = write!(text, " ({because})");
            }
        }
        if let Some(because) = &now.known.unreadable_because {
            let _ = write!(text, "; {} unreadable: {because}", now.known.unreadable);
        }
        if let Condition::Failing(problem) = &now.condition {
            let _ = write!(text, "; failing: {problem}");
        }
        text
    }
}

//! What only a running process knows of its work: the report of `status` takes the rest from the state.

use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// An output that takes nothing for so long, in milliseconds, is more than busy.
const BLOCKED_AFTER: i64 = 1000;

/// Facts about a part of the process's work. Whoever learns one sets it; they are written down from time to time.
#[derive(Debug, Default)]
pub struct Facts(Mutex<Known>);

/// What is known at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Known {
    /// The name of the state's files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// The site that is fetched from, with its `--search`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// Where the events go, as it is shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<String>,
    /// Whether all is open, and the work has begun.
    pub is_ready: bool,
    /// Since when the output has taken nothing, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_since: Option<i64>,
    /// What failed last, while it is tried again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Requests to the API that were sent again.
    pub retries: u64,
}

impl Facts {
    /// What is known now.
    #[must_use]
    pub fn known(&self) -> Known {
        let known = self.0.lock();
        let mut known = known.unwrap_or_else(PoisonError::into_inner).clone();
        let blocked = known.blocked_since;
        known.blocked_since = blocked.filter(|since| now() - since >= BLOCKED_AFTER);
        known
    }

    /// Changes what is known.
    pub fn set(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The output is waited for, or took what it was given.
    pub fn blocked(&self, is_blocked: bool) {
        let since = is_blocked.then(now);
        self.set(|known| known.blocked_since = since);
    }

    /// The work begins anew: what was in its way may be gone.
    pub fn reset(&self) {
        self.set(|known| {
            known.is_ready = false;
            known.blocked_since = None;
            known.problem = None;
        });
    }
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

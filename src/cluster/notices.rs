//! What is said of a cluster that does not take events: loudly, but not with every request.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The same is said again after this time.
const INTERVAL: Duration = Duration::from_secs(60);

/// What messages are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Topic {
    /// An address, by its place, does not answer, or is busy.
    Unavailable(usize),
    /// The credentials are refused.
    Credentials,
    /// The cluster or the data stream takes no events as it is.
    Blocked,
    /// Events are not taken for now.
    Busy,
    /// Events do not fit the mapping.
    Refused,
    /// Events went into the dead letter file.
    Dead(Dead),
    /// There is no usable answer to a look.
    Unanswered,
    /// The credentials do not allow to look at backing indices.
    Lookup,
    /// An event went into the failure store.
    FailureStore,
    /// The dead letter file cannot be written.
    DeadLetters,
    /// Requests are too large.
    TooLarge,
}

/// Why events are in the dead letter file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dead {
    /// They are refused in every form.
    Refused,
    /// They are too large, and stored without their text.
    Cut,
    /// They are too large even without their text.
    TooLarge,
}

/// When what was said last.
#[derive(Debug, Default)]
pub struct Notices {
    said: Mutex<HashMap<Topic, Instant>>,
}

impl Notices {
    /// Whether it is time to say something about this.
    #[must_use]
    pub fn is_due(&self, topic: Topic) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = said
            .get(&topic)
            .is_none_or(|when| when.elapsed() >= INTERVAL);
        if is_due {
            said.insert(topic, Instant::now());
        }
        is_due
    }

    /// Whether this was not said before.
    #[must_use]
    pub fn is_first(&self, topic: Topic) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.insert(topic, Instant::now()).is_none()
    }

    /// It is over: the next time is news again. Whether anything was said of it.
    pub fn is_over(&self, topic: Topic) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.remove(&topic).is_some()
    }
}

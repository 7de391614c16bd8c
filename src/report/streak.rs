//! Failed logins in a row, and the success that ended them.

use std::sync::Arc;

use super::summary::{MANY_FAILURES, Place, Who};
use crate::pipeline::timestamp::Timestamp;

/// Logins that have something in common: a user, an address, or both.
#[derive(Debug, Default)]
pub struct Streak {
    /// How many failed since the last success, in the order of the input.
    failures: u64,
    /// The latest of those.
    failed_last: Option<Timestamp>,
    /// The last success, in the order of the input.
    succeeded: Option<Success>,
    /// The success after most failures, and how many these were.
    found: Option<(u64, Success)>,
}

/// A login that succeeded.
#[derive(Debug, Clone)]
pub struct Success {
    /// When.
    pub time: Timestamp,
    /// Whose, and from where.
    pub pair: Arc<Pair>,
}

/// A user and an address.
#[derive(Debug)]
pub struct Pair {
    /// The user.
    pub user: Who,
    /// The address, and what is known of it.
    pub place: Place,
}

impl Pair {
    /// What tells it apart from others.
    #[must_use]
    pub fn key(&self) -> [Option<String>; 2] {
        let Who {
            full_name,
            name,
            id,
        } = &self.user;
        let user = id.as_deref().or(name.as_deref()).or(full_name.as_deref());
        [user, self.place.address.as_deref()].map(|text| text.map(str::to_owned))
    }
}

impl Streak {
    /// Takes a failed login.
    pub fn fail(&mut self, time: Timestamp) {
        self.failures += 1;
        self.failed_last = self.failed_last.max(Some(time));
    }

    /// Takes a login that succeeded.
    pub fn succeed(&mut self, time: Timestamp, pair: &Arc<Pair>) {
        let pair = Arc::clone(pair);
        let success = Success { time, pair };
        if self.failures >= MANY_FAILURES {
            self.found = self.with_next(Some(&success));
        }
        self.failures = 0;
        self.failed_last = None;
        self.succeeded = Some(success);
    }

    /// The success after most failures in a row, if they were many.
    #[must_use]
    pub fn longest(&self) -> Option<(u64, Success)> {
        self.with_next(None)
    }

    /// What is found at the end of failures in a row: the input may have the newest first, so that the success that came
    /// after them stands before them.
    fn with_next(&self, next: Option<&Success>) -> Option<(u64, Success)> {
        let after = next.into_iter().chain(&self.succeeded);
        let after = after.filter(|success| Some(success.time) >= self.failed_last);
        let after = after.min_by_key(|success| success.time);
        let after = after.filter(|_| self.failures >= MANY_FAILURES);
        let now = after.map(|success| (self.failures, success.clone()));
        let all = self.found.clone().into_iter().chain(now);
        all.max_by_key(|(failures, success)| (*failures, success.time))
    }
}

//! How fast an organization is asked: as its rate limit has it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Answer;

/// What a minute allows where no answer says more.
const USUAL_LIMIT: f64 = 10.0;
const MINUTE: Duration = Duration::from_secs(60);

/// Spaces requests.
#[derive(Debug)]
pub struct Pace(Mutex<Spacing>);

#[derive(Debug)]
struct Spacing {
    /// From one request to the next.
    distance: Duration,
    last: Option<Instant>,
}

impl Default for Pace {
    fn default() -> Self {
        Self(Mutex::new(Spacing {
            distance: MINUTE.div_f64(USUAL_LIMIT),
            last: None,
        }))
    }
}

impl Pace {
    /// Waits until another request may be sent.
    pub fn wait(&self) {
        let mut spacing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = spacing.last.map(|last| last + spacing.distance);
        if let Some(left) = next.and_then(|next| next.checked_duration_since(Instant::now())) {
            std::thread::sleep(left);
        }
        spacing.last = Some(Instant::now());
    }

    /// Learns from an answer how many requests a minute allows, and whether those are used up: how long to wait
    /// then.
    pub fn learn(&self, answer: &Answer) -> Option<Duration> {
        let number = |name| answer.header(name)?.trim().parse::<f64>().ok();
        let limit = number("x-ratelimit-limit").filter(|limit| *limit >= 1.0);
        if let Some(limit) = limit {
            let mut spacing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            spacing.distance = MINUTE.div_f64(limit.min(60_000.0));
        }
        let is_used_up = number("x-ratelimit-remaining").is_some_and(|left| left < 1.0);
        answer.retry_after.filter(|_| is_used_up)
    }
}

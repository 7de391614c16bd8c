//! How fast an organization is asked: as its rate limit has it.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Answer;
use crate::http::retry::{LONGEST_ASKED, LONGEST_LEFT_ALONE};

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

    /// Learns from an answer, of any status, how many requests a minute allows; and how long nothing is to be
    /// sent, if those are used up or the server asks for it. What is absurdly long is cut.
    pub fn learn(&self, answer: &Answer) -> Option<Duration> {
        let number = |name| leading_number(answer.header(name)?);
        let limit = number("x-ratelimit-limit").filter(|limit| *limit >= 1.0);
        if let Some(limit) = limit {
            let mut spacing = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            spacing.distance = MINUTE.div_f64(limit.min(60_000.0));
        }
        let is_used_up = number("x-ratelimit-remaining").is_some_and(|left| left < 1.0);
        let reset = answer.reset.filter(|_| is_used_up);
        let reset = reset.map(|reset| reset.min(LONGEST_ASKED));
        let asked = answer.asked_wait();
        let asked = asked.map(|asked| asked.min(LONGEST_LEFT_ALONE));
        reset.max(asked).filter(|wait| !wait.is_zero())
    }
}

/// The number that a header begins with: some have a policy behind it, as `10;w=60`.
fn leading_number(text: &str) -> Option<f64> {
    let number = text.split([',', ';']).next()?;
    number.trim().parse().ok()
}

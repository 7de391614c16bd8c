//! How long an output may take nothing once it is time to end.

use std::cell::Cell;
use std::time::{Duration, Instant};

use super::stop::Stop;

/// Runs out a while after the end was asked for.
#[derive(Debug)]
pub struct Patience<'a> {
    stop: &'a Stop,
    most: Duration,
    since: Cell<Option<Instant>>,
}

impl<'a> Patience<'a> {
    /// Lasts so long from when the end is asked for.
    #[must_use]
    pub fn new(stop: &'a Stop, most: Duration) -> Self {
        Self {
            stop,
            most,
            since: Cell::new(None),
        }
    }

    /// Whether it ran out.
    #[must_use]
    pub fn is_over(&self) -> bool {
        if !self.stop.is_requested() {
            return false;
        }
        let since = self.since.get().unwrap_or_else(Instant::now);
        self.since.set(Some(since));
        since.elapsed() > self.most
    }
}

//! How often the state is saved: the more there is of it, the longer a save takes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The state is saved this long after the first change that it does not have, at least.
const LEAST: Duration = Duration::from_millis(200);
/// Longest time that a save is put off.
const MOST: Duration = Duration::from_secs(5);
/// How many times as long as a save took the next one waits.
const PAUSE: u32 = 9;

/// The time between two saves, for who asks for them and who makes them.
#[derive(Debug, Default)]
pub struct Pace {
    /// How long the last save took, in microseconds.
    taken: AtomicU64,
}

impl Pace {
    /// A save took so long.
    pub fn saved(&self, taken: Duration) {
        let micros = u64::try_from(taken.as_micros()).unwrap_or(u64::MAX);
        self.taken.store(micros, Ordering::Relaxed);
    }

    /// How long after a change, or the last save, the state is to be saved.
    #[must_use]
    pub fn wait(&self) -> Duration {
        let taken = Duration::from_micros(self.taken.load(Ordering::Relaxed));
        taken.saturating_mul(PAUSE).clamp(LEAST, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saves_that_take_long_are_made_less_often() {
        let pace = Pace::default();
        assert_eq!(pace.wait(), LEAST);
        for (taken, wait) in [(5, 200), (100, 900), (3_600_000, 5_000)] {
            pace.saved(Duration::from_millis(taken));
            assert_eq!(pace.wait(), Duration::from_millis(wait));
        }
    }
}

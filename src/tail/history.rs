//! How far a log was read, and when: of a file that is met late, it tells how much of the log there was
//! when the file was made.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

/// So many moments are kept.
const MOST: usize = 32;
/// Moments that are closer together are one.
const APART: Duration = Duration::from_millis(20);

/// Moments at which a log was known to hold so much, the oldest first. The longer ago, the farther they
/// are apart.
#[derive(Debug, Default)]
pub struct ReadHistory(VecDeque<(SystemTime, u64)>);

impl ReadHistory {
    /// At this moment the log held so many bytes.
    pub fn add(&mut self, now: SystemTime, length: u64) {
        let moments = &mut self.0;
        let before = moments.len().checked_sub(2).and_then(|at| moments.get(at));
        if before.is_some_and(|(then, _)| since(*then, now) < APART) {
            moments.pop_back();
        }
        moments.push_back((now, length));
        if moments.len() > MOST {
            let near = (1..moments.len() - 1).find(|at| {
                let (before, after) = (moments[at - 1].0, moments[at + 1].0);
                since(before, after) <= since(after, now)
            });
            moments.remove(near.unwrap_or(1));
        }
    }

    /// How much there was when the log was first known.
    #[must_use]
    pub fn first(&self) -> Option<u64> {
        self.0.front().map(|(_, length)| *length)
    }

    /// How much of the log there was at least when a file was made, in nanoseconds since 1970; of one
    /// that was made before anything is known, or whose time is unknown, what was known first or last.
    #[must_use]
    pub fn length_at(&self, born: Option<u64>) -> Option<u64> {
        let moments = &self.0;
        let Some(born) = born else {
            return moments.back().map(|(_, length)| *length);
        };
        let born = SystemTime::UNIX_EPOCH + Duration::from_nanos(born);
        let before = moments.iter().rev().find(|(then, _)| *then <= born);
        before.or(moments.front()).map(|(_, length)| *length)
    }
}

/// No time, if the clock was set back.
fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn a_file_holds_what_there_was_when_it_was_made() {
        let mut history = ReadHistory::default();
        assert_eq!(history.length_at(Some(SECOND)), None);
        for second in [10, 20, 30] {
            history.add(at(second), second * 100);
        }
        let lengths =
            [5, 10, 15, 20, 29, 30, 99].map(|second| history.length_at(Some(second * SECOND)));
        assert_eq!(
            lengths.map(Option::unwrap),
            [1000, 1000, 1000, 2000, 2000, 3000, 3000]
        );
        assert_eq!(history.length_at(None), Some(3000));
    }

    #[test]
    fn long_ago_is_remembered_less_exactly() {
        let mut history = ReadHistory::default();
        for second in 1..=100_000 {
            history.add(at(second), second);
        }
        assert!(history.0.len() <= MOST);
        for ago in [0, 1, 10, 100, 1_000, 10_000, 90_000] {
            let length = history.length_at(Some((100_000 - ago) * SECOND)).unwrap();
            let error = 100_000 - ago - length;
            assert!(error <= ago, "{ago} seconds ago: {error} too little");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_no_harm() {
        let mut history = ReadHistory::default();
        for second in (1..=100).rev() {
            history.add(at(second), 101 - second);
        }
        assert!(history.length_at(Some(50 * SECOND)).is_some());
    }
}

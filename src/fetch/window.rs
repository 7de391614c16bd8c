//! Which times are asked for: slices of a range, oldest first.

use std::time::Duration;

use crate::pipeline::timestamp::Timestamp;

/// A range of time, both ends included, as the APIs take it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Start of the range, inclusive.
    pub from: Timestamp,
    /// End of the range, inclusive.
    pub to: Timestamp,
}

impl Window {
    /// Whether an instant is in it.
    #[must_use]
    pub fn contains(&self, time: Timestamp) -> bool {
        (self.from..=self.to).contains(&time)
    }

    /// Its slices, oldest first. A slice begins with the instant that the one before ends with: what
    /// the API has between two milliseconds is in one of them, and what is in both is told by its
    /// fingerprint.
    pub fn slices(self, length: Duration) -> impl Iterator<Item = Self> + Send {
        let mut next = Some(self.from);
        std::iter::from_fn(move || {
            let from = next?;
            let to = from.plus(length).min(self.to);
            next = (from < to && to < self.to).then_some(to);
            Some(Self { from, to })
        })
    }
}

/// How a range is found from run to run.
#[derive(Debug, Clone, Copy)]
pub struct Reach {
    /// The last instant of all.
    pub until: Option<Timestamp>,
    /// How far to look back for records that came late.
    pub overlap: Duration,
    /// How far to stay behind the present.
    pub settle: Duration,
}

impl Reach {
    /// The range of a run: from where the last one ended, less the overlap, but never before `since`,
    /// where what was delivered begins to be known. None if there is nothing to ask for yet.
    #[must_use]
    pub fn window(&self, since: Timestamp, cursor: Timestamp, now: Timestamp) -> Option<Window> {
        let settled = now.minus(self.settle);
        let to = self.until.map_or(settled, |until| until.min(settled));
        let from = cursor.minus(self.overlap).max(since);
        // The very first run from now on has nothing behind it: it asks all the same, so that wrong
        // credentials are told at once.
        let may_ask = self.until.is_none_or(|until| until >= since);
        let to = if since == cursor && to < since && may_ask {
            since
        } else {
            to
        };
        (from <= to).then_some(Window { from, to })
    }
}

impl Reach {
    /// The range to ask for where the clock says that nothing is to be had yet: only the server can tell
    /// whether the clock is right. None if everything up to the last instant of all was fetched.
    #[must_use]
    pub fn probe(&self, since: Timestamp, cursor: Timestamp) -> Option<Window> {
        let from = cursor.minus(self.overlap).max(since);
        let is_open = self.until.is_none_or(|until| until >= from);
        is_open.then_some(Window { from, to: from })
    }
}

/// Whether a time is later than the present by more than servers of one site differ.
#[must_use]
pub fn is_future(time: Timestamp, now: Timestamp) -> bool {
    time > now.plus(Duration::from_secs(60 * 60))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn slices(from: i64, to: i64, length: u64) -> Vec<(i64, i64)> {
        let window = Window {
            from: at(from),
            to: at(to),
        };
        let slices = window.slices(Duration::from_millis(length));
        slices
            .map(|slice| (slice.from.millis(), slice.to.millis()))
            .collect()
    }

    #[test]
    fn slices_meet_and_cover_the_whole() {
        assert_eq!(slices(0, 10, 4), [(0, 4), (4, 8), (8, 10)]);
        assert_eq!(slices(0, 8, 4), [(0, 4), (4, 8)]);
        assert_eq!(slices(0, 3, 100), [(0, 3)]);
        assert_eq!(slices(5, 5, 4), [(5, 5)]);
    }

    #[test]
    fn a_run_looks_back_but_not_before_what_is_known() {
        let reach = Reach {
            until: None,
            overlap: Duration::from_millis(10),
            settle: Duration::from_millis(5),
        };
        let window = |since, cursor, now| {
            let window = reach.window(at(since), at(cursor), at(now));
            window.map(|window| (window.from.millis(), window.to.millis()))
        };
        assert_eq!(window(0, 100, 200), Some((90, 195)));
        assert_eq!(window(95, 100, 200), Some((95, 195)));
        assert_eq!(
            window(100, 100, 100),
            Some((100, 100)),
            "a first run from now on"
        );
        assert_eq!(
            window(0, 100, 99),
            Some((90, 94)),
            "the clock went back a little"
        );
        assert_eq!(window(0, 100, 50), None, "or much");
        let until = Reach {
            until: Some(at(150)),
            ..reach
        };
        assert_eq!(until.window(at(0), at(100), at(200)).unwrap().to, at(150));
        assert_eq!(
            until.window(at(0), at(170), at(200)),
            None,
            "all of it was fetched"
        );
        assert_eq!(
            until.window(at(170), at(170), at(200)),
            None,
            "a first run behind the end"
        );
    }
}

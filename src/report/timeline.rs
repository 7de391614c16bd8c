//! Events over time: in minutes as long as these are few, then in ever wider buckets.

use std::collections::BTreeMap;

use super::summary::{self, Bucket, MOST_BUCKETS};
use crate::pipeline::timestamp::Timestamp;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Widths in seconds, each a multiple of the one before, so that buckets can be joined.
const WIDTHS: [i64; 13] = [
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
    28 * DAY,
    364 * DAY,
    3640 * DAY,
    36400 * DAY,
];

/// How many buckets a finished timeline may have.
const MOST: i64 = MOST_BUCKETS.cast_signed() as i64;

/// The first Monday since the epoch: all buckets are counted from there.
const MONDAY: i64 = 4 * DAY;

/// So many buckets with something in them are kept. A timeline that has more spans so long a time that the finished
/// one is wider still.
const MOST_KEPT: usize = 4096;

/// Counts of a bucket by category.
type Counts = BTreeMap<&'static str, u64>;

/// Counts over time.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Which of the widths the buckets have.
    width: usize,
    /// The number of each bucket, and what is in it.
    buckets: BTreeMap<i64, Counts>,
}

impl Timeline {
    /// Counts an event.
    pub fn count(&mut self, time: Timestamp, category: &'static str) {
        let number = number(time, WIDTHS[self.width]);
        *self
            .buckets
            .entry(number)
            .or_default()
            .entry(category)
            .or_default() += 1;
        self.widen_if(|timeline| timeline.buckets.len() > MOST_KEPT);
    }

    /// Adds what another one counted, and empties it.
    pub fn append(&mut self, other: &mut Self) {
        self.widen_if(|timeline| timeline.width < other.width);
        other.widen_if(|other| other.width < self.width);
        for (number, counts) in std::mem::take(&mut other.buckets) {
            add(self.buckets.entry(number).or_default(), counts);
        }
        other.width = 0;
        self.widen_if(|timeline| timeline.buckets.len() > MOST_KEPT);
    }

    /// The timeline to show: the narrowest buckets of which there are not too many, without gaps.
    #[must_use]
    pub fn finish(mut self) -> summary::Timeline {
        self.widen_if(|timeline| {
            timeline
                .span()
                .is_some_and(|(first, last)| last - first >= MOST)
        });
        let width = WIDTHS[self.width];
        let numbers = self.span().map(|(first, last)| first..=last);
        let bucket = |number| {
            let categories = self.buckets.remove(&number).unwrap_or_default();
            Bucket {
                start: start(number, width),
                count: categories.values().sum(),
                categories,
            }
        };
        summary::Timeline {
            bucket_seconds: width,
            buckets: numbers.into_iter().flatten().map(bucket).collect(),
        }
    }

    fn span(&self) -> Option<(i64, i64)> {
        let (first, last) = (
            self.buckets.first_key_value()?,
            self.buckets.last_key_value()?,
        );
        Some((*first.0, *last.0))
    }

    /// Joins buckets to wider ones as long as it is to be, and can be.
    fn widen_if(&mut self, is_needed: impl Fn(&Self) -> bool) {
        while self.width + 1 < WIDTHS.len() && is_needed(self) {
            let factor = WIDTHS[self.width + 1] / WIDTHS[self.width];
            self.width += 1;
            for (number, counts) in std::mem::take(&mut self.buckets) {
                let wider = number.div_euclid(factor);
                add(self.buckets.entry(wider).or_default(), counts);
            }
        }
    }
}

fn add(to: &mut Counts, counts: Counts) {
    for (category, count) in counts {
        *to.entry(category).or_default() += count;
    }
}

fn number(time: Timestamp, width: i64) -> i64 {
    (time.millis().div_euclid(1000) - MONDAY).div_euclid(width)
}

/// When a bucket begins, or the first time that there is if that is earlier.
fn start(number: i64, width: i64) -> String {
    let millis = (number * width + MONDAY) * 1000;
    let time = Timestamp::from_millis(millis).or_else(|| Timestamp::from_text("0000-01-01"));
    time.map_or_else(String::new, |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(times: &[&str]) -> summary::Timeline {
        let mut timeline = Timeline::default();
        for time in times {
            timeline.count(Timestamp::from_text(time).unwrap(), "iam");
        }
        timeline.finish()
    }

    #[test]
    fn the_width_follows_the_span() {
        let first = "2026-01-01T10:07:00Z";
        for (last, width, start) in [
            (first, MINUTE, "2026-01-01T10:07:00.000Z"),
            (
                "2026-01-01T13:00:00Z",
                5 * MINUTE,
                "2026-01-01T10:05:00.000Z",
            ),
            ("2026-01-04T13:00:00Z", HOUR, "2026-01-01T10:00:00.000Z"),
            ("2026-03-01T13:00:00Z", DAY / 2, "2026-01-01T00:00:00.000Z"),
            // A Monday.
            ("2026-12-31T13:00:00Z", 7 * DAY, "2025-12-29T00:00:00.000Z"),
        ] {
            let timeline = timeline(&[last, first]);
            assert_eq!(timeline.bucket_seconds, width, "{last}");
            assert_eq!(timeline.buckets[0].start, start, "{last}");
            let count: u64 = timeline.buckets.iter().map(|bucket| bucket.count).sum();
            assert_eq!(count, 2);
        }
    }

    #[test]
    fn all_times_that_there_are_fit() {
        let timeline = timeline(&["0000-01-01", "9999-12-31T23:59:59Z"]);
        assert!(timeline.buckets.len() <= MOST_BUCKETS);
        assert!(!timeline.buckets[0].start.is_empty());
    }

    #[test]
    fn any_number_of_minutes_is_kept_in_few_buckets() {
        let mut whole = Timeline::default();
        for minute in 0..20_000 {
            let time = Timestamp::from_millis(minute * 60_000).unwrap();
            let mut part = Timeline::default();
            part.count(time, "iam");
            whole.append(&mut part);
            assert!(whole.buckets.len() <= MOST_KEPT);
        }
        let counts = whole
            .finish()
            .buckets
            .into_iter()
            .map(|bucket| bucket.count);
        assert_eq!(counts.sum::<u64>(), 20_000);
    }
}

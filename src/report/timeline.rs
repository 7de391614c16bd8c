//! Events over time: in minutes as long as these are few, then in ever wider buckets.

use std::collections::BTreeMap;

use super::summary::{self, Bucket, MOST_BUCKETS, Outside, TimeRange};
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

/// With no event for so many seconds, what follows may be of a clock that is wrong.
const LONGEST_GAP: i64 = 366 * DAY;
/// Events may be set apart if they make the timeline so many times as long.
const STRETCHED: i64 = 3;
/// No more than one of so many events may be set apart.
const RARE: u64 = 4;

/// What is counted of a part of the time.
#[derive(Debug)]
struct Slot {
    first: Timestamp,
    last: Timestamp,
    categories: BTreeMap<&'static str, u64>,
}

/// Counts over time.
#[derive(Debug, Default)]
pub struct Timeline {
    /// Which of the widths the buckets have.
    width: usize,
    /// The number of each bucket, and what is in it.
    buckets: BTreeMap<i64, Slot>,
}

impl Timeline {
    /// Counts an event.
    pub fn count(&mut self, time: Timestamp, category: &'static str) {
        let number = number(time, WIDTHS[self.width]);
        let slot = self.buckets.entry(number);
        let slot = slot.or_insert_with(|| Slot::new(time, time));
        slot.cover(time, time);
        *slot.categories.entry(category).or_default() += 1;
        self.widen_if(|timeline| timeline.buckets.len() > MOST_KEPT);
    }

    /// Adds what another one counted, and empties it.
    pub fn append(&mut self, other: &mut Self) {
        self.widen_if(|timeline| timeline.width < other.width);
        other.widen_if(|other| other.width < self.width);
        for (number, slot) in std::mem::take(&mut other.buckets) {
            self.add(number, slot);
        }
        other.width = 0;
        self.widen_if(|timeline| timeline.buckets.len() > MOST_KEPT);
    }

    /// The timeline to show: the narrowest buckets of which there are not too many, without gaps.
    #[must_use]
    pub fn finish(mut self) -> summary::Timeline {
        let outside = self.set_apart();
        self.widen_if(|timeline| {
            timeline
                .span()
                .is_some_and(|(first, last)| last - first >= MOST)
        });
        let width = WIDTHS[self.width];
        let numbers = self.span().map(|(first, last)| first..=last);
        let range = covered(self.buckets.values());
        let bucket = |number| {
            let slot = self.buckets.remove(&number);
            let categories = slot.map(|slot| slot.categories).unwrap_or_default();
            Bucket {
                start: start(number, width),
                count: categories.values().sum(),
                categories,
            }
        };
        summary::Timeline {
            bucket_seconds: width,
            range,
            outside,
            buckets: numbers.into_iter().flatten().map(bucket).collect(),
        }
    }

    /// Takes out the few events before and after a gap of more than a year that would make all others a bar or two: a
    /// clock that was wrong for a moment.
    fn set_apart(&mut self) -> Vec<Outside> {
        let groups = self.groups();
        let all: u64 = groups.iter().map(|(_, count)| count).sum();
        let (Some(((first, last), most)), Some((start, end))) = (
            groups.into_iter().max_by_key(|(_, count)| *count),
            self.span(),
        ) else {
            return Vec::new();
        };
        let is_stretched = end - start >= STRETCHED * (last - first + 1);
        if !is_stretched || (all - most) * RARE > all {
            return Vec::new();
        }
        let after = self.buckets.split_off(&(last + 1));
        let kept = self.buckets.split_off(&first);
        let before = std::mem::replace(&mut self.buckets, kept);
        [before, after].iter().filter_map(Outside::of).collect()
    }

    /// The numbers of the first and the last bucket between gaps, and how many events are in them.
    fn groups(&self) -> Vec<((i64, i64), u64)> {
        let width = WIDTHS[self.width];
        let mut groups: Vec<((i64, i64), u64)> = Vec::new();
        for (number, slot) in &self.buckets {
            match groups.last_mut() {
                Some(((_, last), count)) if (number - *last) * width <= LONGEST_GAP => {
                    *last = *number;
                    *count += slot.count();
                }
                Some(_) | None => groups.push(((*number, *number), slot.count())),
            }
        }
        groups
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
            for (number, slot) in std::mem::take(&mut self.buckets) {
                self.add(number.div_euclid(factor), slot);
            }
        }
    }

    fn add(&mut self, number: i64, other: Slot) {
        let slot = self.buckets.entry(number);
        let slot = slot.or_insert_with(|| Slot::new(other.first, other.last));
        slot.cover(other.first, other.last);
        for (category, count) in other.categories {
            *slot.categories.entry(category).or_default() += count;
        }
    }
}

impl Slot {
    fn new(first: Timestamp, last: Timestamp) -> Self {
        Self {
            first,
            last,
            categories: BTreeMap::new(),
        }
    }

    fn cover(&mut self, first: Timestamp, last: Timestamp) {
        self.first = self.first.min(first);
        self.last = self.last.max(last);
    }

    fn count(&self) -> u64 {
        self.categories.values().sum()
    }
}

impl Outside {
    fn of(buckets: &BTreeMap<i64, Slot>) -> Option<Self> {
        Some(Self {
            count: buckets.values().map(Slot::count).sum(),
            range: covered(buckets.values())?,
        })
    }
}

/// From the first to the last event of buckets in the order of time.
fn covered<'s>(mut slots: impl DoubleEndedIterator<Item = &'s Slot>) -> Option<TimeRange> {
    let first = slots.next()?;
    let last = slots.next_back().unwrap_or(first);
    Some(TimeRange {
        from: first.first.to_string(),
        to: last.last.to_string(),
    })
}

fn number(time: Timestamp, width: i64) -> i64 {
    (time.millis().div_euclid(1000) - MONDAY).div_euclid(width)
}

/// When a bucket begins, or the first time that there is if that is earlier.
fn start(number: i64, width: i64) -> String {
    let millis = (number * width + MONDAY) * 1000;
    let time = Timestamp::from_millis(millis).or_else(|| Timestamp::from_text("0001-01-01"));
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
    fn a_clock_that_is_far_off_is_set_apart() {
        let log: Vec<String> = (10..20)
            .map(|hour| format!("2026-01-01T{hour}:00:00Z"))
            .collect();
        let with = |others: &[&'static str]| {
            let times: Vec<&str> = log.iter().map(String::as_str).collect();
            timeline(&[&times[..], others].concat())
        };
        for (others, counts) in [
            (&["9999-12-31"][..], &[1][..]),
            (&["0001-01-01", "9999-12-31", "9999-12-31"], &[1, 2]),
            (&["2024-12-30"], &[1]),
            // Too near, or too many to be an accident.
            (&["2025-01-02"], &[]),
            (&["1970-01-01"; 4], &[]),
        ] {
            let timeline = with(others);
            let outside: Vec<u64> = timeline.outside.iter().map(|one| one.count).collect();
            assert_eq!(outside, counts, "{others:?}");
            assert_eq!(timeline.bucket_seconds == 5 * MINUTE, !counts.is_empty());
        }
        let range = with(&["0001-01-01"]).range.unwrap();
        assert_eq!(range.from, "2026-01-01T10:00:00.000Z");
    }

    #[test]
    fn all_times_that_there_are_fit() {
        let timeline = timeline(&["0001-01-01", "9999-12-31T23:59:59Z"]);
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

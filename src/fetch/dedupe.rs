//! What was delivered already: by fingerprint, counted per instant (docs/guarantees.md, "REST sources").

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::record::Fingerprint;
use crate::pipeline::timestamp::Timestamp;

/// The records that were delivered since some time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivered {
    /// Each as often as it was delivered.
    at: BTreeMap<Timestamp, Vec<Fingerprint>>,
    /// Those that say no time, with that of their neighbours.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    timeless: Vec<(Timestamp, Fingerprint)>,
}

/// A record, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Its own time, or that of its neighbours.
    pub time: Timestamp,
    /// Whether it says no time itself.
    pub is_timeless: bool,
    /// Hash of the record.
    pub fingerprint: Fingerprint,
}

impl Delivered {
    /// Takes note of a record that was delivered.
    pub fn add(&mut self, item: Item) {
        if item.is_timeless {
            self.timeless.push((item.time, item.fingerprint));
        } else {
            let same_time = self.at.entry(item.time).or_default();
            same_time.push(item.fingerprint);
        }
    }

    /// Forgets what happened before `since`.
    pub fn forget_before(&mut self, since: Timestamp) {
        self.at = self.at.split_off(&since);
        self.timeless.retain(|(time, _)| *time >= since);
    }

    /// Whether it knows a record of that time.
    #[must_use]
    pub fn contains(&self, time: Timestamp, fingerprint: Fingerprint) -> bool {
        let same_time = self.at.get(&time);
        same_time.is_some_and(|same_time| same_time.contains(&fingerprint))
    }

    /// How many records it knows.
    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.at.values().map(Vec::len).sum::<usize>() + self.timeless.len()
    }
}

/// How many records there are of each kind, at instants where more may have come.
pub type Counted = BTreeMap<Timestamp, HashMap<Fingerprint, usize>>;

/// Goes through the records of a range in the order of time, and tells those that are new. Of equal
/// records of an instant as many are new as there are more of them than were delivered.
#[derive(Debug)]
pub struct Filter {
    delivered: Delivered,
    counted: Counted,
    instant: Option<Timestamp>,
    /// Counted records of the instant that were not seen yet.
    left: HashMap<Fingerprint, usize>,
    /// Delivered records of the instant that were not seen again yet.
    expected: HashMap<Fingerprint, usize>,
    expected_timeless: HashMap<Fingerprint, usize>,
    /// How many of each record of the instant came, delivered ones included.
    seen: HashMap<Fingerprint, u64>,
    /// The same of those that say no time, by that of their neighbours.
    seen_timeless: HashMap<(Timestamp, Fingerprint), u64>,
}

impl Filter {
    /// A filter for one going through. Of records that are counted no more are new than there are.
    #[must_use]
    pub fn new(delivered: Delivered, counted: Counted) -> Self {
        let timeless = delivered
            .timeless
            .iter()
            .map(|(_, fingerprint)| fingerprint);
        Self {
            expected_timeless: count(timeless),
            delivered,
            counted,
            instant: None,
            left: HashMap::new(),
            expected: HashMap::new(),
            seen: HashMap::new(),
            seen_timeless: HashMap::new(),
        }
    }

    /// If the next record is new, its ordinal: how many equal ones of its instant come before it, whether
    /// they were delivered or not. It is the same in every run.
    pub fn ordinal(&mut self, item: Item) -> Option<u64> {
        if item.is_timeless {
            let seen = self.seen_timeless.entry((item.time, item.fingerprint));
            let ordinal = next(seen.or_default());
            let is_known = take(&mut self.expected_timeless, item.fingerprint);
            return (!is_known).then_some(ordinal);
        }
        if self.instant != Some(item.time) {
            self.instant = Some(item.time);
            let delivered = self.delivered.at.remove(&item.time);
            self.expected = count(delivered.iter().flatten());
            self.left = self.counted.remove(&item.time).unwrap_or_default();
            self.seen.clear();
        }
        if self.left.contains_key(&item.fingerprint) && !take(&mut self.left, item.fingerprint) {
            return None;
        }
        let ordinal = next(self.seen.entry(item.fingerprint).or_default());
        (!take(&mut self.expected, item.fingerprint)).then_some(ordinal)
    }
}

fn next(count: &mut u64) -> u64 {
    *count += 1;
    *count - 1
}

fn count<'a>(all: impl Iterator<Item = &'a Fingerprint>) -> HashMap<Fingerprint, usize> {
    let mut counts = HashMap::new();
    for fingerprint in all {
        *counts.entry(*fingerprint).or_default() += 1;
    }
    counts
}

fn take(expected: &mut HashMap<Fingerprint, usize>, fingerprint: Fingerprint) -> bool {
    let count = expected.get_mut(&fingerprint).filter(|count| **count > 0);
    count.map(|count| *count -= 1).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(millis: i64, name: &str) -> Item {
        Item {
            time: Timestamp::from_millis(millis).unwrap(),
            is_timeless: false,
            fingerprint: Fingerprint::of(name.as_bytes()),
        }
    }

    fn new_of(delivered: &[Item], seen: &[Item]) -> Vec<bool> {
        new_of_counted(delivered, Counted::new(), seen)
    }

    fn new_of_counted(delivered: &[Item], counted: Counted, seen: &[Item]) -> Vec<bool> {
        let mut all = Delivered::default();
        for item in delivered {
            all.add(*item);
        }
        let mut filter = Filter::new(all, counted);
        let ordinals = seen.iter().map(|item| filter.ordinal(*item));
        ordinals.map(|ordinal| ordinal.is_some()).collect()
    }

    #[test]
    fn equal_records_of_an_instant_are_counted() {
        let a = item(1, "a");
        assert_eq!(new_of(&[], &[a, a]), [true, true]);
        assert_eq!(new_of(&[a], &[a, a, item(1, "b")]), [false, true, true]);
        assert_eq!(new_of(&[a, a], &[a]), [false]);
        assert_eq!(new_of(&[a], &[item(2, "a")]), [true], "another instant");
    }

    #[test]
    fn no_more_records_are_new_than_were_counted() {
        let (a, b) = (item(1, "a"), item(1, "b"));
        let counted = |count| Counted::from([(a.time, HashMap::from([(a.fingerprint, count)]))]);
        let seen = [a, b, a, a, item(2, "a")];
        let new = new_of_counted(&[], counted(2), &seen);
        assert_eq!(new, [true, true, true, false, true]);
        let new = new_of_counted(&[a], counted(2), &seen);
        assert_eq!(new, [false, true, true, false, true]);
        let new = new_of_counted(&[], counted(9), &[a]);
        assert_eq!(new, [true]);
    }

    #[test]
    fn an_ordinal_is_the_same_in_every_run() {
        let (a, b) = (item(1, "a"), item(1, "b"));
        let ordinals = |delivered: &[Item]| {
            let mut all = Delivered::default();
            for item in delivered {
                all.add(*item);
            }
            let mut filter = Filter::new(all, Counted::new());
            [a, b, a, item(2, "a")].map(|item| filter.ordinal(item))
        };
        assert_eq!(ordinals(&[]), [Some(0), Some(0), Some(1), Some(0)]);
        assert_eq!(ordinals(&[a]), [None, Some(0), Some(1), Some(0)]);
    }

    #[test]
    fn records_without_a_time_are_known_wherever_they_stand() {
        let timeless = |millis| Item {
            is_timeless: true,
            ..item(millis, "?")
        };
        assert_eq!(
            new_of(&[timeless(5)], &[timeless(1), timeless(2)]),
            [false, true]
        );
        assert_eq!(new_of(&[item(1, "?")], &[timeless(1)]), [true]);
    }

    #[test]
    fn what_is_old_is_forgotten_and_the_rest_survives_as_json() {
        let mut delivered = Delivered::default();
        for millis in 0..10 {
            delivered.add(item(millis, "a"));
        }
        delivered.forget_before(item(7, "").time);
        assert_eq!(delivered.len(), 3);
        let text = serde_json::to_string(&delivered).unwrap();
        assert_eq!(serde_json::from_str::<Delivered>(&text).unwrap(), delivered);
    }
}

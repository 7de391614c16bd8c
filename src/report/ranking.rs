//! Counts by key, of the keys that are seen most often.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::summary::CappedTable;

/// So many keys are kept when there are too many.
const KEPT: usize = 10_000;
/// When a key comes that would be more than so many, the rarest are forgotten: rarely enough that sorting them costs nothing to speak of.
const MOST: usize = 2 * KEPT;

/// A table of counts that forgets its rarest keys when it grows too large, as lossy counting does: a key that is seen again
/// begins anew, so that its count is too low by no more than what was forgotten.
#[derive(Debug)]
pub struct Ranking<T> {
    counted: HashMap<String, Counted<T>>,
    /// The sum of the highest counts of each forgetting.
    missing_at_most: u64,
    /// The largest number of keys that there was before any were forgotten; 0: none ever were.
    most_keys: usize,
}

/// What is known of a key.
#[derive(Debug)]
pub struct Counted<T> {
    /// How often it was seen.
    pub count: u64,
    /// What belongs to it, as it was seen first.
    pub detail: T,
}

impl<T> Default for Ranking<T> {
    fn default() -> Self {
        Self {
            counted: HashMap::new(),
            missing_at_most: 0,
            most_keys: 0,
        }
    }
}

impl<T> Ranking<T> {
    /// Counts a key once more.
    pub fn count(&mut self, key: &str, detail: impl FnOnce() -> T) {
        if let Some(counted) = self.counted.get_mut(key) {
            counted.count += 1;
        } else {
            self.add(key, 1, detail);
        }
    }

    /// Adds to the count of a key, and returns what belongs to it.
    pub fn add(&mut self, key: &str, count: u64, detail: impl FnOnce() -> T) -> &mut T {
        if !self.counted.contains_key(key) {
            self.forget_if_full();
        }
        let entry = self.counted.entry(key.to_owned());
        let counted = entry.or_insert_with(|| Counted {
            count: 0,
            detail: detail(),
        });
        counted.count += count;
        &mut counted.detail
    }

    fn forget_if_full(&mut self) {
        if self.counted.len() < MOST {
            return;
        }
        self.most_keys = self.most_keys.max(self.counted.len());
        let counted = self.counted.iter();
        let mut keys: Vec<_> = counted
            .map(|(key, one)| (Reverse(one.count), key))
            .collect();
        // Of equal counts the first keys are kept, so that it is not chance which.
        let (_, &mut (Reverse(highest), first), _) = keys.select_nth_unstable(KEPT);
        let first = first.clone();
        self.counted
            .retain(|key, one| (Reverse(one.count), key) < (Reverse(highest), &first));
        self.missing_at_most += highest;
    }

    /// The number of different keys; of a capped table, a number that there are at least.
    #[must_use]
    pub fn keys(&self) -> u64 {
        self.counted.len().max(self.most_keys) as u64
    }

    /// The keys that were seen most often, and among equals by the key.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<(&str, &Counted<T>)> {
        let mut all: Vec<_> = self
            .counted
            .iter()
            .map(|(key, one)| (&**key, one))
            .collect();
        all.sort_unstable_by(|(key, one), (other_key, other)| {
            other.count.cmp(&one.count).then(key.cmp(other_key))
        });
        all.truncate(most);
        all
    }

    /// What was forgotten, if anything was: keys that were never counted, too.
    #[must_use]
    pub fn capped(&self, table: &'static str) -> Option<CappedTable> {
        (self.most_keys > 0).then_some(CappedTable {
            table,
            kept: KEPT as u64,
            missing_at_most: self.missing_at_most,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequent_keys_are_kept_among_any_number_of_rare_ones() {
        let mut ranking = Ranking::default();
        for number in 0..100_000 {
            ranking.count(&format!("rare {number}"), || ());
            if number % 10 == 0 {
                ranking.count("frequent", || ());
            }
        }
        let (key, counted) = ranking.top(1)[0];
        let missing = ranking.capped("keys").unwrap().missing_at_most;
        assert_eq!(key, "frequent");
        assert!(counted.count <= 10_000 && counted.count + missing >= 10_000);
        assert!(ranking.counted.len() <= MOST);
    }
}

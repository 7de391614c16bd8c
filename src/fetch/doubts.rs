//! Which records of a reading may have been read twice, because the list moved between two pages.
//!
//! What is inserted into a list moves all that is older behind it, so that the next page begins with
//! records that were on the page before. A record that was read twice looks like two equal records.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::record::{Entry, Fingerprint};
use crate::pipeline::timestamp::Timestamp;

/// How many of the latest records are compared with those of the next page, at least.
const LATEST: usize = 10_000;

/// The records of a window, read from its first page to the last.
#[derive(Debug, Default)]
pub struct Reading {
    latest: HashSet<Fingerprint>,
    /// Those before the latest.
    earlier: HashSet<Fingerprint>,
    doubts: Doubts,
    summary: Summary,
    /// How often each record of an instant came, where it is an instant that is read.
    counts: HashMap<Fingerprint, usize>,
}

/// Records that came with several pages: they are equal, or one that was read twice.
#[derive(Debug, Default)]
pub struct Doubts {
    /// By their instants.
    pub at: BTreeMap<Timestamp, HashSet<Fingerprint>>,
    /// Whether some of them say no time.
    pub is_timeless: bool,
}

/// What two readings of the same records have in common, whatever their order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    records: u64,
    sum: u128,
}

impl Reading {
    /// Takes the records of the next page, without those that it repeats of the one before.
    pub fn take(&mut self, entries: &[Entry]) {
        for entry in entries {
            let print = entry.fingerprint;
            if self.latest.contains(&print) || self.earlier.contains(&print) {
                self.doubts.add(entry);
            }
            self.summary.records += 1;
            let number = u128::from_be_bytes(print.bytes());
            self.summary.sum = self.summary.sum.wrapping_add(number);
        }
        if self.latest.len() >= LATEST {
            self.earlier = std::mem::take(&mut self.latest);
        }
        let prints = entries.iter().map(|entry| entry.fingerprint);
        self.latest.extend(prints);
    }

    /// Counts records of an instant.
    pub fn count(&mut self, entries: &[Entry]) {
        for entry in entries {
            *self.counts.entry(entry.fingerprint).or_default() += 1;
        }
    }

    /// The records that may have been read twice.
    pub fn doubts(&self) -> &Doubts {
        &self.doubts
    }

    /// By what the same reading is known again. A list that only grows has as many records at the end
    /// of a reading as came with it, some of them perhaps twice. So it did not move between the ends
    /// of two readings with the same summary, and the second is exact.
    pub fn summary(&self) -> Summary {
        self.summary
    }

    /// What was counted.
    pub fn into_counts(self) -> HashMap<Fingerprint, usize> {
        self.counts
    }
}

impl Doubts {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty() && !self.is_timeless
    }

    fn add(&mut self, entry: &Entry) {
        match entry.time {
            Some(time) => {
                self.at.entry(time).or_default().insert(entry.fingerprint);
            }
            None => self.is_timeless = true,
        }
    }
}

//! The readings of the records of a window: what of them is in doubt, and when one is good.
//!
//! What is inserted into a list moves all that is older behind it, so that the next page begins with
//! records that were on the page before. A record that was read twice looks like two equal records.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::paging::Paging;
use super::record::{Entry, Fingerprint};
use crate::pipeline::timestamp::Timestamp;

/// How often records are read again because they moved while they were read.
pub const MOST_READINGS: u32 = 10;

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

/// The readings of a window, until one is good.
#[derive(Debug)]
pub struct Readings {
    page_size: usize,
    begun: u32,
    /// What was seen when the last one was broken off.
    moved: Option<Fingerprint>,
    is_without_overlap: bool,
    /// Whether a page came again in the last one.
    is_repeated: bool,
    last: Option<Summary>,
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

impl Readings {
    /// Before the first one.
    pub fn new(page_size: usize) -> Self {
        Self {
            page_size,
            begun: 0,
            moved: None,
            is_without_overlap: false,
            is_repeated: false,
            last: None,
        }
    }

    /// The next reading; none if there were enough.
    pub fn next(&mut self) -> Option<Paging> {
        self.begun += 1;
        let paging = if self.is_without_overlap {
            Paging::without_overlap(self.page_size)
        } else {
            Paging::new(self.page_size)
        };
        (self.begun <= MOST_READINGS).then_some(paging)
    }

    /// Takes note of one that was broken off.
    pub fn moved(&mut self, seen: Option<Fingerprint>) {
        // What looks the same twice is no movement.
        self.is_without_overlap |= seen.is_some() && self.moved == seen;
        self.moved = seen;
        self.is_repeated = false;
    }

    /// Takes note of one in which a page came again; whether one did in the one before, too, which is no
    /// movement.
    pub fn repeated(&mut self) -> bool {
        std::mem::replace(&mut self.is_repeated, true)
    }

    /// Whether there may be another one.
    pub fn is_another(&self) -> bool {
        self.begun < MOST_READINGS
    }

    /// Whether this one and the one before are the same.
    pub fn agree(&mut self, reading: &Reading) -> bool {
        self.is_repeated = false;
        let summary = reading.summary();
        self.last.replace(summary) == Some(summary)
    }
}

//! What is counted of a part of the input.

use std::collections::BTreeMap;

use super::category;
use super::facts::{Facts, Item, Window};
use super::meaning::Login;
use super::names::Names;
use super::notable::Candidate;
use super::summary::{FailedRecord, MOST_SAMPLES};
use super::text::{beginning_of_record, shortened};
use super::timeline::Timeline;
use crate::pipeline::timestamp::Timestamp;
use crate::schema::notable::AdminGroups;

/// A part of the input, counted as far as the parts before it do not matter.
#[derive(Debug, Default)]
pub struct Tally {
    pub(super) counts: Counts,
    pub(super) names: Names,
    /// In the order of the input.
    pub(super) candidates: Vec<Candidate>,
}

/// What can be counted in any order, and samples.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub events: u64,
    pub not_mapped: u64,
    pub out_of_range: u64,
    pub unknown: u64,
    /// The first and the last time.
    pub range: Option<(Timestamp, Timestamp)>,
    /// The same of the events that are out of the range of time.
    pub left_out: Option<(Timestamp, Timestamp)>,
    pub timeline: Timeline,
    pub categories: BTreeMap<&'static str, u64>,
    pub exports: u64,
    pub failed_logins: u64,
    /// Failed logins by weekday, from Monday, and hour.
    pub weekdays: [[u64; 24]; 7],
    /// Records that could not be mapped, the first of them.
    pub samples: Vec<FailedRecord>,
}

impl Tally {
    /// Counts an event, if it is of the time.
    pub fn count(&mut self, item: &Item<'_>, window: Window, admin_groups: &AdminGroups) {
        match item {
            Item::Event(facts) if window.contains(facts.time) => {
                self.counts.count(facts);
                self.names.add(facts);
                self.candidates.extend(Candidate::new(facts, admin_groups));
            }
            Item::Event(facts) => {
                self.counts.out_of_range += 1;
                widen(&mut self.counts.left_out, facts.time, facts.time);
            }
            Item::Failed { message, record } => self.counts.fail(message, record),
        }
    }
}

impl Counts {
    fn count(&mut self, facts: &Facts<'_>) {
        self.events += 1;
        self.unknown += u64::from(facts.is_unknown());
        self.exports += u64::from(facts.is_export);
        widen(&mut self.range, facts.time, facts.time);
        let first = facts.categories.first().copied().unwrap_or(category::NONE);
        self.timeline.count(facts.time, first);
        for category in facts.categories.iter().skip(1).chain([&first]) {
            *self.categories.entry(category).or_default() += 1;
        }
        if facts.login() == Some(Login::Failed) {
            self.failed_logins += 1;
            let time = facts.time.to_utc();
            let weekday = usize::from(time.weekday().number_days_from_monday());
            self.weekdays[weekday][usize::from(time.hour())] += 1;
        }
    }

    fn fail(&mut self, message: &str, record: &str) {
        self.not_mapped += 1;
        if self.samples.len() < MOST_SAMPLES {
            let (record, record_is_cut) = beginning_of_record(record);
            self.samples.push(FailedRecord {
                message: shortened(message.into()).into_owned(),
                record,
                record_is_cut,
            });
        }
    }

    /// Adds what another one counted of the input behind this one's.
    pub fn append(&mut self, mut other: Self) {
        self.events += other.events;
        self.not_mapped += other.not_mapped;
        self.out_of_range += other.out_of_range;
        self.unknown += other.unknown;
        self.exports += other.exports;
        self.failed_logins += other.failed_logins;
        if let Some((from, to)) = other.range {
            widen(&mut self.range, from, to);
        }
        if let Some((from, to)) = other.left_out {
            widen(&mut self.left_out, from, to);
        }
        self.timeline.append(&mut other.timeline);
        for (category, count) in other.categories {
            *self.categories.entry(category).or_default() += count;
        }
        let others = other.weekdays.iter().flatten();
        for (own, other) in self.weekdays.iter_mut().flatten().zip(others) {
            *own += other;
        }
        self.samples.append(&mut other.samples);
        self.samples.truncate(MOST_SAMPLES);
    }
}

/// Makes a range of time hold another one.
fn widen(range: &mut Option<(Timestamp, Timestamp)>, from: Timestamp, to: Timestamp) {
    let (first, last) = range.unwrap_or((from, to));
    *range = Some((first.min(from), last.max(to)));
}

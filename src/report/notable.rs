//! Which events are worth a line of their own, and the newest of them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::Facts;
use super::summary::{Details, MOST_NOTABLE, MOST_OF_REASON, NotableEvent, ReasonCount};
use super::text::beginning_of_record;
use crate::pipeline::actions::{self, Categories};
use crate::pipeline::timestamp::Timestamp;
use crate::schema::notable::{self, AdminGroups, Detector, Finding, Notable};

/// Whether an event of an action has to be written, to tell whether it is notable and to show it.
#[must_use]
pub fn needs_written(action: Option<&str>) -> bool {
    let row = action.and_then(|action| actions::find(action, Categories::Extended));
    row.is_some_and(notable::looks_at)
}

/// An event that is notable by itself, or tells that others are not.
#[derive(Debug)]
pub struct Candidate {
    time: Timestamp,
    finding: Finding,
    /// What is shown of it, without the reason.
    shown: NotableEvent,
}

impl Candidate {
    /// The candidate that an event is, if it is one.
    #[must_use]
    pub fn new(facts: &Facts<'_>, admin_groups: &AdminGroups) -> Option<Self> {
        if facts.row.is_some_and(|row| !notable::looks_at(row)) {
            return None;
        }
        let finding = notable::examine(facts.event()?, admin_groups)?;
        let key = facts.action.clone().unwrap_or_default();
        let (record, record_is_cut) = beginning_of_record(&facts.record());
        Some(Self {
            time: facts.time,
            finding,
            shown: NotableEvent {
                time: facts.time.to_string(),
                reason: String::new(),
                action: facts
                    .action_text
                    .clone()
                    .or_else(|| facts.message())
                    .unwrap_or_else(|| key.clone())
                    .into_owned(),
                key: key.into_owned(),
                details: facts.event().map(Details::of).unwrap_or_default(),
                user: facts.user.to_who(),
                source: facts.place.clone().into_owned(),
                record,
                record_is_cut,
            },
        })
    }
}

/// The newest notable events, and how many there were for each reason.
#[derive(Debug, Default)]
pub struct Newest {
    detector: Detector,
    /// In the order in which they were read.
    events: Vec<(Timestamp, Notable, NotableEvent)>,
    /// How many are no longer among them.
    left_out: BTreeMap<&'static str, u64>,
}

/// The notable events of all inputs.
#[derive(Debug)]
pub struct NotableEvents {
    /// The newest first.
    pub newest: Vec<NotableEvent>,
    /// All of them by reason, the most frequent first.
    pub reasons: Vec<ReasonCount>,
    /// How many are not among the newest.
    pub left_out: u64,
}

impl Newest {
    /// Takes the next candidate, in the order of the input.
    pub fn take(&mut self, candidate: Candidate) {
        let Candidate {
            time,
            finding,
            shown,
        } = candidate;
        if self.detector.will_forget(&finding) {
            self.confirm();
        }
        let Some(notable) = self.detector.take(finding) else {
            return;
        };
        self.events.push((time, notable, shown));
        // With twice as many as are kept the older half goes, so that not each event costs a sorting.
        if self.events.len() > 2 * MOST_NOTABLE {
            self.keep_newest();
        }
    }

    /// Keeps those that are still notable.
    fn confirm(&mut self) {
        let detector = &self.detector;
        self.events
            .retain(|(_, notable, _)| detector.confirms(notable));
    }

    /// Confirms them, sorts them, the oldest first, and keeps the newest; of the same time, those that were read last.
    fn keep_newest(&mut self) {
        self.confirm();
        self.events.sort_by_key(|(time, ..)| *time);
        let mut newer_of_reason: BTreeMap<&str, usize> = BTreeMap::new();
        let mut kept = Vec::new();
        for (newer, event) in std::mem::take(&mut self.events)
            .into_iter()
            .rev()
            .enumerate()
        {
            let reason = event.1.reason;
            let of_reason = newer_of_reason.entry(reason).or_default();
            if newer < MOST_NOTABLE || *of_reason < MOST_OF_REASON {
                kept.push(event);
            } else {
                *self.left_out.entry(reason).or_default() += 1;
            }
            *of_reason += 1;
        }
        kept.reverse();
        self.events = kept;
    }

    /// All that is known of them.
    #[must_use]
    pub fn finish(mut self) -> NotableEvents {
        self.keep_newest();
        let left_out = self.left_out.values().sum();
        let mut reasons = self.left_out;
        for (_, notable, _) in &self.events {
            *reasons.entry(notable.reason).or_default() += 1;
        }
        let reasons = reasons.into_iter().map(|(reason, count)| ReasonCount {
            reason: reason.to_owned(),
            count,
        });
        let mut reasons: Vec<_> = reasons.collect();
        reasons.sort_by_key(|one| Reverse(one.count));
        let newest = self.events.into_iter().rev();
        let newest = newest.map(|(_, notable, event)| NotableEvent {
            reason: notable.reason.to_owned(),
            ..event
        });
        NotableEvents {
            newest: newest.collect(),
            reasons,
            left_out,
        }
    }
}

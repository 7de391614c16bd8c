//! Which events are worth a line of their own, and the newest of them.

use serde_json::{Value, json};

use super::facts::Facts;
use super::summary::{MOST_NOTABLE, NotableEvent};
use super::text::beginning_of_record;
use crate::pipeline::actions::Notability;
use crate::pipeline::timestamp::Timestamp;
use crate::schema::notable::{AdminGroups, Detector, Notable};

/// An event that may be notable: the events before it tell.
#[derive(Debug)]
pub struct Candidate {
    time: Timestamp,
    /// What the detector is to look at.
    event: Value,
    /// What is shown of it, without the reason.
    shown: NotableEvent,
}

impl Candidate {
    /// The candidate that an event is, if it is one.
    #[must_use]
    pub fn new(facts: &Facts<'_>) -> Option<Self> {
        let row = facts.row.filter(|row| Detector::looks_at(row))?;
        let event = match row.notable {
            // The action alone tells.
            Notability::Yes => json!({ "event": { "action": facts.action } }),
            Notability::If | Notability::No => serde_json::from_str(facts.text()).ok()?,
        };
        let key = facts.action.clone().unwrap_or_default();
        let (record, record_is_cut) = beginning_of_record(&facts.record());
        Some(Self {
            time: facts.time,
            event,
            shown: NotableEvent {
                time: facts.time.to_string(),
                reason: String::new(),
                action: facts
                    .action_text()
                    .unwrap_or_else(|| key.clone())
                    .into_owned(),
                key: key.into_owned(),
                objects: facts.objects(),
                user: facts.user(),
                source: facts.place(),
                record,
                record_is_cut,
            },
        })
    }
}

/// The newest notable events, and how many there were.
#[derive(Debug)]
pub struct Newest {
    detector: Detector,
    /// In the order in which they were read.
    events: Vec<(Timestamp, Notable, NotableEvent)>,
    /// How many are no longer among them.
    left_out: u64,
}

impl Newest {
    /// None yet.
    #[must_use]
    pub fn new(admin_groups: AdminGroups) -> Self {
        Self {
            detector: Detector::new(admin_groups),
            events: Vec::new(),
            left_out: 0,
        }
    }

    /// Takes the next candidate, in the order of the input.
    pub fn take(&mut self, candidate: Candidate) {
        let Candidate { time, event, shown } = candidate;
        let Some(notable) = self.detector.take(&event) else {
            return;
        };
        self.events.push((time, notable, shown));
        // With twice as many as are kept the older half goes, so that not each event costs a sorting.
        if self.events.len() > 2 * MOST_NOTABLE {
            self.keep_newest();
        }
    }

    /// Confirms them, sorts them, the oldest first, and keeps the newest; of the same time, those that were read last.
    fn keep_newest(&mut self) {
        let detector = &self.detector;
        self.events
            .retain(|(_, notable, _)| detector.confirms(notable));
        self.events.sort_by_key(|(time, ..)| *time);
        let too_many = self.events.len().saturating_sub(MOST_NOTABLE);
        self.events.drain(..too_many);
        self.left_out += too_many as u64;
    }

    /// The newest first, and how many older ones there were.
    #[must_use]
    pub fn finish(mut self) -> (Vec<NotableEvent>, u64) {
        self.keep_newest();
        let newest = self.events.into_iter().rev();
        let newest = newest.map(|(_, notable, event)| NotableEvent {
            reason: notable.reason.to_owned(),
            ..event
        });
        (newest.collect(), self.left_out)
    }
}

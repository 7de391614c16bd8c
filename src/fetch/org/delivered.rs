//! Which events were delivered: by the hash of their ids, for as long as they may come again.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::fetch::record::Fingerprint;
use crate::pipeline::timestamp::Timestamp;

/// The events that were delivered since some time, by when they were processed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "ByTime", into = "ByTime")]
pub struct DeliveredIds {
    by_time: ByTime,
    all: HashSet<Fingerprint>,
}

type ByTime = BTreeMap<Timestamp, Vec<Fingerprint>>;

impl From<ByTime> for DeliveredIds {
    fn from(by_time: ByTime) -> Self {
        let all = by_time.values().flatten().copied().collect();
        Self { by_time, all }
    }
}

impl From<DeliveredIds> for ByTime {
    fn from(delivered: DeliveredIds) -> Self {
        delivered.by_time
    }
}

impl DeliveredIds {
    /// Takes note of an event; false if it is known already.
    pub fn add(&mut self, time: Timestamp, id: Fingerprint) -> bool {
        let is_new = self.all.insert(id);
        if is_new {
            self.by_time.entry(time).or_default().push(id);
        }
        is_new
    }

    /// Whether an event is known.
    #[must_use]
    pub fn contains(&self, id: Fingerprint) -> bool {
        self.all.contains(&id)
    }

    /// Forgets those from before a time.
    pub fn forget_before(&mut self, time: Timestamp) {
        let kept = self.by_time.split_off(&time);
        for id in self.by_time.values().flatten() {
            self.all.remove(id);
        }
        self.by_time = kept;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_known_until_it_is_forgotten_and_through_a_save() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let id = |name: &str| Fingerprint::of(name.as_bytes());
        let mut delivered = DeliveredIds::default();
        assert!(delivered.add(at(1), id("a")) && delivered.add(at(2), id("b")));
        assert!(!delivered.add(at(3), id("a")), "whatever its time");
        delivered.forget_before(at(2));
        let text = serde_json::to_string(&delivered).unwrap();
        let delivered: DeliveredIds = serde_json::from_str(&text).unwrap();
        assert!(!delivered.contains(id("a")) && delivered.contains(id("b")));
    }
}

//! Which events were delivered: by the hash of their ids, for as long as they may come again.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize, Serializer};

use crate::fetch::record::Fingerprint;
use crate::pipeline::timestamp::Timestamp;

/// Events that are known however old they are: four of the longest pages.
const KEPT: usize = 2000;

/// The events that were delivered since some time, by when they were processed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(from = "ByTime")]
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

// Derived, it would make a copy for each save.
impl Serialize for DeliveredIds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_time.serialize(serializer)
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

    /// Forgets those from before a time, but for the newest, which fill a few pages: a page may come again, however long
    /// ago its events were processed.
    pub fn forget_before(&mut self, time: Timestamp) {
        while self.all.len() > KEPT
            && let Some(oldest) = self.by_time.first_entry()
            && *oldest.key() < time
        {
            for id in oldest.remove() {
                self.all.remove(&id);
            }
        }
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
        delivered.forget_before(at(9));
        assert!(delivered.contains(id("a")), "its page may come again");
        for number in 0..KEPT - 1 {
            assert!(delivered.add(at(5), id(&number.to_string())));
        }
        delivered.forget_before(at(2));
        let text = serde_json::to_string(&delivered).unwrap();
        let delivered: DeliveredIds = serde_json::from_str(&text).unwrap();
        assert!(!delivered.contains(id("a")) && delivered.contains(id("b")));
    }
}

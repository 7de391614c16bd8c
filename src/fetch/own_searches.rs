//! Searches of the audit log that we made ourselves, and that a Data Center therefore records
//! (docs/fetch.md, `--exclude-own-searches`).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::Searcher;
use crate::pipeline::timestamp::Timestamp;

/// A record of a search is this near to the request that made it.
const NEAR: Duration = Duration::from_secs(2);

/// Requests whose records have not been seen yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnSearches {
    asked: Vec<Timestamp>,
}

impl OwnSearches {
    /// Takes note of a request.
    pub fn add(&mut self, time: Timestamp) {
        self.asked.push(time);
    }

    /// The request of ours that a record of a search is of, if there is one; its record is then not
    /// expected any more. `user` has the names of who asks, if they are known.
    pub fn take(
        &mut self,
        time: Timestamp,
        searcher: &Searcher,
        user: &[String],
    ) -> Option<Timestamp> {
        let is_us = |name: &String| user.iter().any(|own| own.eq_ignore_ascii_case(name));
        if !user.is_empty() && !searcher.names.iter().any(is_us) {
            return None;
        }
        let distance = |asked: &Timestamp| asked.millis().abs_diff(time.millis());
        let asked = self.asked.iter().enumerate();
        let (at, asked) = asked.min_by_key(|(_, asked)| distance(asked))?;
        if u128::from(distance(asked)) > NEAR.as_millis() {
            return None;
        }
        Some(self.asked.remove(at))
    }

    /// Does not expect the record of a request any more.
    pub fn remove(&mut self, request: Timestamp) {
        if let Some(at) = self.asked.iter().position(|asked| *asked == request) {
            self.asked.remove(at);
        }
    }

    /// Forgets requests whose records, made before `since`, will not be seen any more.
    pub fn forget_before(&mut self, since: Timestamp) {
        self.asked.retain(|asked| asked.plus(NEAR) >= since);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    fn by(name: &str) -> Searcher {
        Searcher {
            names: vec![name.to_owned()],
        }
    }

    #[test]
    fn one_record_a_request_near_it_and_by_us() {
        let mut own = OwnSearches::default();
        let us = ["Me".to_owned()];
        own.add(at(10_000));
        own.add(at(10_500));
        assert_eq!(own.take(at(10_000), &by("someone"), &us), None);
        assert_eq!(own.take(at(12_501), &by("me"), &us), None, "too far");
        assert_eq!(own.take(at(12_000), &by("me"), &us), Some(at(10_500)));
        let by_whomever = own.take(at(8_000), &by("me"), &[]);
        assert_eq!(by_whomever, Some(at(10_000)), "who we are is not known");
        assert_eq!(own.take(at(10_000), &by("me"), &us), None, "none is left");
        own.add(at(20_000));
        own.forget_before(at(22_001));
        assert_eq!(own, OwnSearches::default());
    }
}

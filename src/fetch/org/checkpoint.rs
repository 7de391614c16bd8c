//! What is saved: how far an organization is at the output.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::delivered::DeliveredIds;
use super::page::OrgEvent;
use crate::cluster::sink::ClusterCheckpoint;
use crate::fetch::fetched::Checkpoint;
use crate::fetch::window::is_future;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::sink::OutputCheckpoint;

/// A run with a shorter overlap does not make later ones forget.
const USUAL_OVERLAP: Duration = Duration::from_secs(600);

/// The times that matter for a page.
#[derive(Debug, Clone, Copy)]
pub struct PageTimes {
    /// When it came, by the server's clock.
    pub received: Timestamp,
    /// Up to when everything is read with it, if that is known.
    pub read_until: Option<Timestamp>,
}

/// The state of an organization.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct OrgCheckpoint {
    /// The organization's id.
    pub organization: String,
    /// Where the next page is, if the last one said so.
    pub cursor: Option<String>,
    /// When the last event was processed that was delivered; before the first, where the first run began. None
    /// before the first answer.
    pub position: Option<Timestamp>,
    /// From when on it is known what was delivered.
    pub since: Option<Timestamp>,
    /// Up to when there was nothing more to fetch, as of the last run that came to its end.
    pub reached: Option<Timestamp>,
    /// The events that were delivered from `since` on.
    pub delivered: DeliveredIds,
    /// The output file, as it was when this was saved.
    pub output: Option<OutputCheckpoint>,
    /// The cluster, as it was when this was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterCheckpoint>,
    /// Whether the records were written as they came.
    pub raw: Option<bool>,
    /// How far this machine's clock was ahead of the server's, in seconds, if they differed.
    pub clock_ahead: Option<i64>,
    /// Events made, errors included.
    pub events: u64,
    /// `pipeline_error` events made.
    pub errors: u64,
    /// The time of the newest event that was made.
    pub newest_event: Option<Timestamp>,
}

impl OrgCheckpoint {
    /// Of an organization that was never asked.
    #[must_use]
    pub fn new(organization: &str) -> Self {
        Self {
            organization: organization.to_owned(),
            cursor: None,
            position: None,
            since: None,
            reached: None,
            delivered: DeliveredIds::default(),
            output: None,
            cluster: None,
            raw: None,
            clock_ahead: None,
            events: 0,
            errors: 0,
            newest_event: None,
        }
    }

    /// Begins at a time: what was delivered before is delivered again, if it comes again.
    pub fn begin(&mut self, time: Timestamp) {
        self.cursor = None;
        self.position = Some(time);
        self.since = Some(time);
        self.reached = None;
        self.delivered = DeliveredIds::default();
    }

    /// Takes note of an event of a page that is at the output, or is not wanted there; false if it was known. The
    /// position does not come behind what everything is read up to.
    pub fn add(&mut self, event: &OrgEvent, times: PageTimes) -> bool {
        let known = self.position.or_else(|| Timestamp::from_millis(0));
        let Some(processed) = event.processed.or(known) else {
            return false;
        };
        // What says that it will be processed is wrong, and nothing is to be passed over until then.
        if !is_future(processed, times.received) {
            let reached = times
                .read_until
                .map_or(processed, |until| until.min(processed));
            self.position = self.position.max(Some(reached));
        }
        // Whichever of the two the API compares with the start of a range: the event is known for as long as it
        // may come again.
        let last = event.time.map_or(processed, |time| time.max(processed));
        self.delivered.add(last, event.fingerprint())
    }

    /// Takes note of what was made of events, the newest of which happened at that time.
    pub fn count(&mut self, counts: Counts, newest: Option<Timestamp>) {
        self.events += counts.records;
        self.errors += counts.failed;
        self.newest_event = self.newest_event.max(newest);
    }

    /// Where to go on without a cursor; none before the first answer.
    #[must_use]
    pub fn restart(&self, overlap: Duration) -> Option<Timestamp> {
        Some(self.position?.minus(overlap)).max(self.since)
    }

    /// Up to when everything was fetched, as far as is known.
    #[must_use]
    pub fn fetched_until(&self) -> Option<Timestamp> {
        self.reached.max(self.position)
    }
}

impl Checkpoint for OrgCheckpoint {
    fn name(&self) -> String {
        self.organization.clone()
    }

    fn is_begun(&self) -> bool {
        self.position.is_some()
    }

    fn forget(&mut self, overlap: Duration) {
        let Some(position) = self.position else {
            return;
        };
        let since = Some(position.minus(overlap.max(USUAL_OVERLAP)));
        self.since = self.since.max(since);
        if let Some(since) = self.since {
            self.delivered.forget_before(since);
        }
    }

    fn output(&mut self) -> &mut Option<OutputCheckpoint> {
        &mut self.output
    }

    fn cluster(&mut self) -> &mut Option<ClusterCheckpoint> {
        &mut self.cluster
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_is_one_overlap_before_the_position_but_not_before_what_is_known() {
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000).unwrap();
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let event = |name: &str, processed| OrgEvent {
            range: 0..0,
            id: name.as_bytes().to_vec(),
            processed,
            time: None,
            is_wanted: true,
        };
        let times = PageTimes {
            received: at(1000),
            read_until: None,
        };
        let mut checkpoint = OrgCheckpoint::new("o");
        assert_eq!(checkpoint.restart(minutes(5)), None);
        checkpoint.begin(at(100));
        assert_eq!(checkpoint.restart(minutes(5)), Some(at(100)));
        assert!(checkpoint.add(&event("a", Some(at(103))), times));
        assert!(!checkpoint.add(&event("a", Some(at(103))), times));
        assert_eq!(checkpoint.restart(minutes(5)), Some(at(100)));
        assert!(checkpoint.add(&event("b", Some(at(120))), times));
        assert!(
            checkpoint.add(&event("c", None), times),
            "with its neighbour"
        );
        assert!(checkpoint.add(&event("d", Some(at(9000))), times));
        assert_eq!(checkpoint.restart(minutes(5)), Some(at(115)));
        checkpoint.forget(minutes(1));
        assert_eq!(
            checkpoint.since,
            Some(at(110)),
            "the usual overlap at least"
        );
        assert!(
            !checkpoint.add(&event("a", Some(at(103))), times),
            "a few pages are known however old they are"
        );
        assert_eq!(checkpoint.position, Some(at(120)));
    }
}

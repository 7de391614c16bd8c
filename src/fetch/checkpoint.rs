//! What is saved: how far a site is at the output.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::dedupe::{Delivered, Item};
use super::fetched::Checkpoint;
use super::identity::SiteIdentity;
use super::own_searches::OwnSearches;
use super::record::Fingerprint;
use super::start::Start;
use crate::cluster::sink::ClusterCheckpoint;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::sink::OutputCheckpoint;

/// The state of a site and query.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SiteCheckpoint {
    /// Name of the site, as `state list` prints it.
    pub site: String,
    /// Its cloud id, once it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud_id: Option<String>,
    /// The addresses that it was reached by, as [`super::identity::normalized`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub addresses: Vec<String>,
    /// Whether it has no cloud id.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_data_center: bool,
    /// The state that this one was while the site was known by another key: it may still be there after a
    /// crash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub moved_from: Option<String>,
    /// The text that records must have.
    pub search: Option<String>,
    /// Where the very first run is to begin, as an earlier version kept it before there was an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<Start>,
    /// Where the next run goes on, less its overlap; none before the first answer.
    pub cursor: Option<Timestamp>,
    /// From when on it is known what was delivered.
    pub since: Option<Timestamp>,
    /// Whether that is later than where the very first run began: what was delivered before was forgotten.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub has_forgotten: bool,
    /// What was delivered from then on.
    pub delivered: Delivered,
    /// Our requests whose own records were not seen yet.
    #[serde(default)]
    pub own_searches: OwnSearches,
    /// The output file, as it was when this was saved.
    pub output: Option<OutputCheckpoint>,
    /// The cluster, as it was when this was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterCheckpoint>,
    /// The site in the ids of events: as it was known when the first was sent, whatever is known of it by now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids_of: Option<String>,
    /// Whether the records were written as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<bool>,
    /// Whether the position is by the server's clock, too, and not by that of this machine alone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_server_clock: bool,
    /// How far this machine's clock was ahead of the server's, in seconds, if they differed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead: Option<i64>,
    /// Events made, errors included.
    pub events: u64,
    /// `pipeline_error` events made.
    pub errors: u64,
    /// The time of the newest event that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_event: Option<Timestamp>,
}

impl SiteCheckpoint {
    /// Of a site and query that was never asked.
    #[must_use]
    pub fn new(site: String, search: Option<String>) -> Self {
        Self {
            site,
            cloud_id: None,
            addresses: Vec::new(),
            is_data_center: false,
            moved_from: None,
            search,
            first: None,
            cursor: None,
            since: None,
            has_forgotten: false,
            delivered: Delivered::default(),
            own_searches: OwnSearches::default(),
            output: None,
            cluster: None,
            ids_of: None,
            raw: None,
            by_server_clock: false,
            clock_ahead: None,
            events: 0,
            errors: 0,
            newest_event: None,
        }
    }

    /// Of a known site.
    #[must_use]
    pub fn of(identity: &SiteIdentity, search: Option<&str>) -> Self {
        let mut new = Self::new(identity.name.clone(), search.map(str::to_owned));
        new.identify(identity);
        new
    }

    /// The site that it is of. Earlier versions saved only the base URL that the site was reached by.
    #[must_use]
    pub fn identity(&self) -> SiteIdentity {
        if self.cloud_id.is_none() && self.addresses.is_empty() {
            return SiteIdentity {
                is_data_center: self.is_data_center,
                ..SiteIdentity::of_name(&self.site)
            };
        }
        SiteIdentity {
            name: self.site.clone(),
            cloud_id: self.cloud_id.clone(),
            addresses: self.addresses.clone(),
            is_data_center: self.is_data_center,
        }
    }

    /// Takes note of what is known of the site now.
    pub fn identify(&mut self, identity: &SiteIdentity) {
        let mut own = self.identity();
        own.cloud_id = identity.cloud_id.clone().or(own.cloud_id);
        for address in &identity.addresses {
            own.add_address(address);
        }
        // Its own address says more than the gateway's.
        if !own.addresses.is_empty() && !identity.addresses.is_empty() {
            self.site.clone_from(&identity.name);
        }
        self.cloud_id = own.cloud_id;
        self.addresses = own.addresses;
        self.is_data_center = identity.is_data_center;
    }

    /// Whether there was an answer, so that there is something to save.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        self.cursor.is_some()
    }

    /// The name of the site and query for people, and for `state`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.search {
            None => self.site.clone(),
            Some(search) => format!("{}?search={search}", self.site),
        }
    }

    /// Takes note of events that are at the output now, the last of them of that time.
    pub fn add(&mut self, items: &[Item], last: Option<Timestamp>, counts: Counts) {
        for item in items {
            if !item.is_timeless {
                self.newest_event = self.newest_event.max(Some(item.time));
            }
            self.delivered.add(*item);
        }
        self.events += counts.records;
        self.errors += counts.failed;
        // All that is older is at the output, too: it came in the order of time.
        if let Some(last) = last {
            self.reached(last);
        }
    }

    /// All up to a time was delivered.
    pub fn reached(&mut self, time: Timestamp) {
        self.cursor = self.cursor.max(Some(time));
    }

    /// Forgets what no run will look back at, if none looks further back than that, or than usual.
    pub fn forget(&mut self, overlap: Duration) {
        let Some(cursor) = self.cursor else { return };
        let overlap = overlap.max(USUAL_OVERLAP);
        let since = self.since.max(Some(cursor.minus(overlap)));
        self.has_forgotten |= self.since.is_some() && since > self.since;
        self.since = since;
        if let Some(since) = since {
            self.delivered.forget_before(since);
            self.own_searches.forget_before(since);
        }
    }

    /// Begins anew at a time: what was delivered of it before is delivered again.
    pub fn begin(&mut self, time: Timestamp) {
        self.first = None;
        self.cursor = Some(time);
        self.since = Some(time);
        self.has_forgotten = false;
        self.delivered = Delivered::default();
    }

    /// From when on a run does not look back as far as that overlap says: what was delivered before was forgotten,
    /// and would be delivered again. None if it does.
    #[must_use]
    pub fn short_of(&self, overlap: Duration) -> Option<Timestamp> {
        let start = self.cursor?.minus(overlap);
        self.since
            .filter(|since| self.has_forgotten && *since > start)
    }

    /// Goes back to a time; what is known to be delivered stays known.
    pub fn go_back(&mut self, time: Timestamp) {
        self.cursor = Some(time);
        self.since = Some(self.since.map_or(time, |since| since.min(time)));
    }
}

impl Checkpoint for SiteCheckpoint {
    fn name(&self) -> String {
        self.name()
    }

    fn is_begun(&self) -> bool {
        self.is_begun()
    }

    fn forget(&mut self, overlap: Duration) {
        self.forget(overlap);
    }

    fn output(&mut self) -> &mut Option<OutputCheckpoint> {
        &mut self.output
    }

    fn cluster(&mut self) -> &mut Option<ClusterCheckpoint> {
        &mut self.cluster
    }
}

/// The name of the state file of a site and query: a part of the site's key for people, and a hash of all that
/// it is about.
#[must_use]
pub fn file_name(key: &str, search: Option<&str>) -> String {
    let host = key.split('/').next().unwrap_or_default();
    let plain = |character: char| match character {
        'a'..='z' | '0'..='9' | '.' | '-' => character,
        _ => '_',
    };
    let host: String = host.chars().take(64).map(plain).collect();
    let about = format!("{key}\n{}", search.unwrap_or_default());
    let hash = Fingerprint::of(about.as_bytes()).to_string();
    format!("{PREFIX}{host}-{}", &hash[..16])
}

/// A run with a shorter overlap does not make later ones forget.
const USUAL_OVERLAP: Duration = Duration::from_secs(600);

/// How the names of all state files of sites begin.
pub const PREFIX: &str = "fetch-";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_and_query_has_a_file_of_its_own() {
        let acme = file_name("acme.atlassian.net", None);
        assert!(acme.starts_with("fetch-acme.atlassian.net-"), "{acme}");
        assert_ne!(acme, file_name("acme.atlassian.net", Some("x")));
        assert_ne!(file_name("h/a", None), file_name("h/b", None));
        let odd = file_name("[::1]:80/../../etc", None);
        assert!(
            odd.bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b'/'),
            "{odd}"
        );
    }

    #[test]
    fn what_is_behind_the_overlap_is_forgotten() {
        let at = |minutes: i64| Timestamp::from_millis(minutes * 60_000).unwrap();
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let mut checkpoint = SiteCheckpoint::new("s".to_owned(), None);
        checkpoint.begin(at(0));
        let item = |millis| Item {
            time: at(millis),
            is_timeless: false,
            fingerprint: Fingerprint::of(b"x"),
        };
        checkpoint.add(
            &[item(1), item(50), item(100)],
            Some(at(100)),
            Counts::default(),
        );
        checkpoint.forget(minutes(60));
        assert_eq!(
            (checkpoint.cursor, checkpoint.since),
            (Some(at(100)), Some(at(40)))
        );
        assert_eq!(checkpoint.delivered.len(), 2);
        // A longer overlap does not bring back what was forgotten.
        checkpoint.forget(minutes(90));
        assert_eq!(checkpoint.since, Some(at(40)));
        // A shorter one is not taken at its word.
        checkpoint.forget(Duration::ZERO);
        assert_eq!(checkpoint.since, Some(at(90)));
    }
}

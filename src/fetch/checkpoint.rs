//! What is saved: how far a site is at the output.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::dedupe::{Delivered, Item};
use super::own_searches::OwnSearches;
use super::record::Fingerprint;
use crate::cluster::sink::ClusterCheckpoint;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::sink::OutputCheckpoint;

/// The state of a site and query.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SiteCheckpoint {
    /// Name of the site, as `state list` prints it.
    pub site: String,
    /// The text that records must have.
    pub search: Option<String>,
    /// Where the very first run began, as it was asked to, while there is no answer yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<(String, Timestamp)>,
    /// Where the next run goes on, less its overlap; none before the first answer.
    pub cursor: Option<Timestamp>,
    /// From when on it is known what was delivered.
    pub since: Option<Timestamp>,
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
    /// Events made, errors included.
    pub events: u64,
    /// `pipeline_error` events made.
    pub errors: u64,
}

impl SiteCheckpoint {
    /// Of a site and query that was never asked.
    #[must_use]
    pub fn new(site: String, search: Option<String>) -> Self {
        Self {
            site,
            search,
            first: None,
            cursor: None,
            since: None,
            delivered: Delivered::default(),
            own_searches: OwnSearches::default(),
            output: None,
            cluster: None,
            events: 0,
            errors: 0,
        }
    }

    /// The name of its state file: the site's host for people, and a hash of all that it is about.
    #[must_use]
    pub fn file_name(&self) -> String {
        let (_, host) = self.site.split_once("://").unwrap_or(("", &self.site));
        let host = host.split('/').next().unwrap_or_default();
        let plain = |character: char| match character {
            'a'..='z' | '0'..='9' | '.' | '-' => character,
            _ => '_',
        };
        let host: String = host.chars().take(64).map(plain).collect();
        let about = format!(
            "{}\n{}",
            self.site,
            self.search.as_deref().unwrap_or_default()
        );
        let hash = Fingerprint::of(about.as_bytes()).to_string();
        format!("{PREFIX}{host}-{}", &hash[..16])
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
        self.delivered = Delivered::default();
    }

    /// Where the very first run is to begin: where it began before, if it gets no other order.
    pub fn first(
        &mut self,
        given: Option<(String, Timestamp)>,
        usual: (String, Timestamp),
    ) -> Timestamp {
        let kept = self.first.take();
        let first = match (kept, given) {
            (Some(kept), Some(given)) if kept.0 == given.0 => kept,
            (_, Some(given)) => given,
            (Some(kept), None) => kept,
            (None, None) => usual,
        };
        self.first.insert(first).1
    }
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
        let name = |site: &str, search: Option<&str>| {
            SiteCheckpoint::new(site.to_owned(), search.map(str::to_owned)).file_name()
        };
        let acme = name("https://acme.atlassian.net", None);
        assert!(acme.starts_with("fetch-acme.atlassian.net-"), "{acme}");
        assert_ne!(acme, name("https://acme.atlassian.net", Some("x")));
        assert_ne!(name("http://h/a", None), name("http://h/b", None));
        let odd = name("http://[::1]:80/../../etc", None);
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

    #[test]
    fn the_first_run_begins_where_it_was_to_until_it_gets_an_answer() {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let order = |text: &str, millis| (text.to_owned(), at(millis));
        let mut checkpoint = SiteCheckpoint::new("s".to_owned(), None);
        let first = |checkpoint: &mut SiteCheckpoint, given, now| {
            checkpoint.first(given, order("24h", now)).millis()
        };
        assert_eq!(first(&mut checkpoint, Some(order("10d", 1)), 5), 1);
        assert_eq!(
            first(&mut checkpoint, Some(order("10d", 2)), 6),
            1,
            "the same again"
        );
        assert_eq!(first(&mut checkpoint, None, 7), 1, "nothing else");
        assert_eq!(
            first(&mut checkpoint, Some(order("1h", 8)), 8),
            8,
            "something else"
        );
        checkpoint.begin(at(9));
        assert_eq!(checkpoint.first, None);
    }
}

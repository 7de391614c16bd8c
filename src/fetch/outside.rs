//! Records that a server returns though they are outside the range that was asked for. They are not
//! written, since every slice would write them again, but that is said.

use std::collections::{HashMap, HashSet};

use super::checkpoint::SiteCheckpoint;
use super::page::Page;
use super::record::Fingerprint;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;
use crate::process::advice;

/// So many are counted.
const MOST: usize = 10_000;
/// So many records inside are known, whatever the overlap.
const MOST_INSIDE: usize = 100_000;

/// Records outside the range that was asked for, and nowhere inside it.
#[derive(Debug, Default)]
pub struct OutsideRecords {
    /// Those of this run: when they happened, and what was asked for.
    found: HashMap<Fingerprint, (Timestamp, Window)>,
    /// The latest records inside the range that was asked for.
    inside: HashSet<Fingerprint>,
    /// Those that were reported.
    reported: HashSet<Fingerprint>,
}

impl OutsideRecords {
    /// Looks at the new records of a page.
    pub fn look_at(
        &mut self,
        page: &Page,
        known: usize,
        window: Window,
        checkpoint: &SiteCheckpoint,
    ) {
        for entry in &page.entries[known..] {
            let Some(time) = entry.time else { continue };
            let print = entry.fingerprint;
            if window.contains(time) {
                // A server with coarser times returns the neighbours of a slice, too.
                self.found.remove(&print);
                if self.inside.len() == MOST_INSIDE {
                    self.inside.clear();
                }
                self.inside.insert(print);
            } else if self.found.len() < MOST
                && !self.inside.contains(&print)
                && !checkpoint.delivered.contains(time, print)
            {
                self.found.entry(print).or_insert((time, window));
            }
        }
    }

    /// Reports those of a run, if there are any that were not reported yet.
    pub fn report(&mut self, checkpoint: &SiteCheckpoint) {
        let found = std::mem::take(&mut self.found);
        let is_new = |print: &&Fingerprint| !self.reported.contains(*print);
        let news = found.keys().filter(is_new);
        // The same one in every run with the same records.
        let Some(example) = news.min() else { return };
        let (time, Window { from, to }) = found[example];
        let at_least = if found.len() == MOST { "at least " } else { "" };
        let records = if found.len() == 1 {
            "record"
        } else {
            "records"
        };
        let cause = if is_in_seconds(time, from) {
            "Its times seem to be in seconds where milliseconds belong: a proxy or an app may have changed them"
        } else {
            "Probably it gives local times without a time zone, which are read as UTC, or it, or a proxy, ignores \
             the range"
        };
        tracing::warn!(
            "{} returned {at_least}{} {records} outside the time range that was asked for, such as one of {time} \
             for {from} to {to}; they are not written. {cause}. Compare the times of its answer with those \
             that Confluence shows, and correct the server or the proxy; then fetch the missing records with \
             `{}`",
            checkpoint.site,
            found.len(),
            advice::command(&[
                "state",
                "set",
                &checkpoint.name(),
                "--since",
                &from.to_string()
            ])
        );
        if self.reported.len() > MOST {
            self.reported.clear();
        }
        self.reported.extend(found.into_keys());
    }
}

/// Whether a time, read as milliseconds, is that of a range if it is in seconds.
fn is_in_seconds(time: Timestamp, from: Timestamp) -> bool {
    const SLACK: i64 = 2 * 366 * 86_400;
    let seconds = from.millis() / 1000;
    time.millis() > 0 && (time.millis() - seconds).abs() < SLACK
}

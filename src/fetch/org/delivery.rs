//! A page's new events to the output, and the state that says so.

use std::ops::Range;
use std::os::fd::OwnedFd;

use super::checkpoint::OrgCheckpoint;
use super::page::{OrgEvent, OrgPage};
use crate::fetch::Error;
use crate::fetch::fetched::Fetched;
use crate::fetch::lines::LineMaker;
use crate::pipeline::dialect::Dialect;
use crate::pipeline::event::{IdSource, Origin};
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::ship::{self, Mapping, Shipper};
use crate::sink;

/// The dialect of an organization's events.
const DIALECT: Option<Dialect> = Some(Dialect::Organization);

/// From a page's events to the output. On one thread: the rate limit lets pages come slower than it maps them.
pub struct OrgDelivery<'a> {
    /// How records are mapped.
    pub mapping: &'a Mapping,
    /// Whether the records are written as they came.
    pub raw: bool,
    /// Whether events are written with their ids, as a cluster's bulk request has them.
    pub has_ids: bool,
    /// The output, if it is a pipe: when its reader closes it, waiting ends.
    pub pipe: Option<OwnedFd>,
    /// The output and the state.
    pub shipper: Shipper<Fetched<OrgCheckpoint>>,
}

impl OrgDelivery<'_> {
    /// The state that is saved.
    pub fn checkpoint(&mut self) -> &mut OrgCheckpoint {
        &mut self.shipper.progress.checkpoint
    }

    /// Writes the events of a page that came at that time by the server's clock, as far as they are new, and saves
    /// where the next one begins: after the events, so that a crash can repeat a page, but not lose one.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn deliver(
        &mut self,
        page: &OrgPage,
        cursor: Option<String>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.shipper.service.metrics().read(page.text.len());
        let new = self.new_events(page);
        let mut lines = Vec::new();
        let counts = self.lines(page, &new, &mut lines);
        if let Err(error) = self.write(&lines) {
            if matches!(error, ship::Error::Sink(sink::Error::GivenUp)) {
                // Of a write that was given up, a pipe has the first lines.
                let handed = self.shipper.sink().handed().min(new.len());
                let checkpoint = self.checkpoint();
                for event in &new[..handed] {
                    checkpoint.add(event, now);
                }
                let records = handed as u64;
                let counts = Counts {
                    records,
                    ..Counts::default()
                };
                checkpoint.count(counts, None);
            }
            // What was taken is not handed over again.
            if error.is_end() {
                self.shipper.save()?;
            }
            return Err(error.into());
        }
        let newest = new.iter().filter_map(|event| event.time).max();
        let checkpoint = self.checkpoint();
        for event in &page.events {
            checkpoint.add(event, now);
        }
        checkpoint.count(counts, newest);
        checkpoint.cursor = cursor;
        let raw = self.raw;
        self.shipper.count(counts, raw);
        let metrics = self.shipper.service.metrics();
        metrics.newest_event(newest.map(Timestamp::millis));
        self.shipper.save()?;
        Ok(self.shipper.follow_moved()?)
    }

    /// The events of a page that are wanted and were not delivered, each once.
    fn new_events<'p>(&self, page: &'p OrgPage) -> Vec<&'p OrgEvent> {
        let delivered = &self.shipper.progress.checkpoint.delivered;
        let mut seen = std::collections::HashSet::new();
        let is_new = |event: &&OrgEvent| {
            let id = event.fingerprint();
            event.is_wanted && !delivered.contains(id) && seen.insert(id)
        };
        page.events.iter().filter(is_new).collect()
    }

    fn lines(&self, page: &OrgPage, new: &[&OrgEvent], lines: &mut Vec<u8>) -> Counts {
        self.mapping.renew();
        let organization = &self.shipper.progress.checkpoint.organization;
        let ids = self
            .has_ids
            .then(|| IdSource::Organization(organization.clone()));
        let origin = Origin::organization();
        let mut maker = LineMaker::new(self.mapping, &origin, DIALECT, self.raw, ids);
        let record = |event: &&OrgEvent| -> (Range<usize>, Vec<u8>) {
            (event.range.clone(), event.id.clone())
        };
        let records = new.iter().map(record).collect();
        // An id is unique: there are no ordinals.
        maker.write(lines, page.text.as_bytes(), records, |id| (0, id.clone()));
        maker.take_counts()
    }

    fn write(&mut self, lines: &[u8]) -> Result<(), ship::Error> {
        self.shipper.service.beat();
        if lines.is_empty() {
            return Ok(());
        }
        self.shipper.leave_moved()?;
        if self.shipper.is_file() {
            self.shipper.progress.written.note(lines);
        }
        self.shipper.write(lines)
    }
}

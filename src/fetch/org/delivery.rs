//! A page's new events to the output, and the state that says so.

use std::os::fd::OwnedFd;
use std::time::Duration;

use super::checkpoint::{OrgCheckpoint, PageTimes};
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

/// Saving takes no more than one of so many parts of the time: the state of a busy organization has many ids.
const SAVE_SHARE: u32 = 10;

/// The lines of a page's new events.
#[derive(Default)]
struct PageLines {
    text: Vec<u8>,
    /// What became of each: nearly always one line, but of an element that is a page itself more.
    events: Vec<Counts>,
}

impl PageLines {
    fn counts(&self) -> Counts {
        let mut all = Counts::default();
        for counts in &self.events {
            all += *counts;
        }
        all
    }
}

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
    /// Whether something was delivered since the last save.
    pub is_unsaved: bool,
    /// The output and the state.
    pub shipper: Shipper<Fetched<OrgCheckpoint>>,
}

impl OrgDelivery<'_> {
    /// The state that is saved.
    pub fn checkpoint(&mut self) -> &mut OrgCheckpoint {
        &mut self.shipper.progress.checkpoint
    }

    /// Writes the events of a page, as far as they are new, and takes note of where the next one begins. It is saved
    /// after the events, so that a crash can repeat a page, but not lose one.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn deliver(
        &mut self,
        page: &OrgPage,
        cursor: Option<String>,
        times: PageTimes,
    ) -> Result<(), Error> {
        self.shipper.service.metrics().read(page.text.len());
        let new = self.new_events(page);
        let lines = self.lines(page, &new);
        if let Err(error) = self.write(&lines.text) {
            if matches!(error, ship::Error::Sink(sink::Error::GivenUp)) {
                self.note_handed(&new, &lines, times);
            }
            // What was taken is not handed over again.
            if error.is_end() {
                self.shipper.save()?;
            }
            return Err(error.into());
        }
        let newest = new.iter().filter_map(|event| event.time).max();
        let counts = lines.counts();
        let checkpoint = self.checkpoint();
        for event in &page.events {
            checkpoint.add(event, times);
        }
        checkpoint.count(counts, newest);
        checkpoint.cursor = cursor;
        let raw = self.raw;
        self.shipper.count(counts, raw);
        let metrics = self.shipper.service.metrics();
        metrics.newest_event(newest.map(Timestamp::millis));
        self.is_unsaved = true;
        self.save_if_due()?;
        Ok(self.shipper.follow_moved()?)
    }

    /// Whether all events of a page were delivered, or were not wanted, before.
    pub fn knows(&self, page: &OrgPage) -> bool {
        let delivered = &self.shipper.progress.checkpoint.delivered;
        page.ids().into_iter().all(|id| delivered.contains(id))
    }

    /// How long what was delivered may stay unsaved; none if everything is saved.
    pub fn due_in(&self) -> Option<Duration> {
        let took = self.shipper.progress.save_took;
        let interval = self.shipper.save_interval().max(took * SAVE_SHARE);
        self.is_unsaved
            .then(|| interval.saturating_sub(self.shipper.last_save().elapsed()))
    }

    /// Saves what was delivered, if it is time to.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn save_if_due(&mut self) -> Result<(), Error> {
        let is_due = self.due_in().is_some_and(|left| left.is_zero());
        if is_due || self.shipper.is_full() {
            self.save()?;
        }
        Ok(())
    }

    /// Saves what was delivered, if that was not done yet.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn save(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.is_unsaved) {
            self.shipper.save()?;
        }
        Ok(())
    }

    /// Of a write that was given up, a pipe has the first lines.
    fn note_handed(&mut self, new: &[&OrgEvent], lines: &PageLines, times: PageTimes) {
        let handed = self.shipper.sink().handed() as u64;
        let mut left = handed;
        let checkpoint = self.checkpoint();
        for (event, counts) in new.iter().zip(&lines.events) {
            // One of which a part was handed over comes again: none of it is lost.
            let Some(rest) = left.checked_sub(counts.records) else {
                break;
            };
            left = rest;
            checkpoint.add(event, times);
        }
        let counts = Counts {
            records: handed,
            ..Counts::default()
        };
        checkpoint.count(counts, None);
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

    fn lines(&self, page: &OrgPage, new: &[&OrgEvent]) -> PageLines {
        self.mapping.renew();
        let organization = &self.shipper.progress.checkpoint.organization;
        let ids = self
            .has_ids
            .then(|| IdSource::Organization(organization.clone()));
        let origin = Origin::organization();
        let mut maker = LineMaker::new(self.mapping, &origin, DIALECT, self.raw, ids);
        let mut lines = PageLines::default();
        for event in new {
            let record = vec![(event.range.clone(), &event.id)];
            // An id is unique: there are no ordinals.
            let id_parts = |id: &&Vec<u8>| (0, (*id).clone());
            maker.write(&mut lines.text, page.text.as_bytes(), record, id_parts);
            lines.events.push(maker.take_counts());
        }
        lines
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

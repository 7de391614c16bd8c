//! Events to the output, and what the state is to say of their logs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::checkpoints::Checkpoints;
use super::log::LogId;
use super::measure;
use super::pace::Pace;
use super::piece::Change;
use super::unsettled::Unsettled;
use crate::cluster::sink::ClusterCheckpoint;
use crate::pipeline::event::event_ends;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::process::logging;
use crate::process::shown::Shown as _;
use crate::ship::{self, Progress, Shipper};
use crate::sink::{self, OutputCheckpoint};

/// The events of a piece.
#[derive(Default)]
pub struct EventBatch {
    /// NDJSON, each line with its line feed.
    pub lines: Vec<u8>,
    /// Records and failures among them.
    pub counts: Counts,
    /// The time of the newest of them.
    pub newest: Option<Timestamp>,
    /// How many bytes they were made of.
    pub input_bytes: usize,
    /// The log that they were read from.
    pub log: Option<LogId>,
    /// Where in the log they begin.
    pub offset: u64,
    /// What is known of logs once they are written.
    pub changes: Vec<Change>,
    /// Nothing follows for now.
    pub is_pause: bool,
}

/// How far the logs are, and how often that is saved.
pub struct Tailed {
    /// The state that is saved.
    pub checkpoints: Checkpoints,
    /// Whether there was no state.
    pub is_first: bool,
    /// How long to wait before it is saved.
    pub pace: Arc<Pace>,
    /// Whether there is anything new to save.
    pub is_unsaved: bool,
    /// What an earlier run may have sent without saving that.
    pub unsettled: Unsettled,
}

impl Progress for Tailed {
    type State = Checkpoints;

    fn is_first(&self) -> bool {
        self.is_first
    }

    fn state(&mut self) -> &Checkpoints {
        &self.checkpoints
    }

    fn output(&mut self) -> &mut Option<OutputCheckpoint> {
        &mut self.checkpoints.output
    }

    fn cluster(&mut self) -> &mut Option<ClusterCheckpoint> {
        &mut self.checkpoints.cluster
    }

    fn is_past_doubt(&mut self) -> bool {
        self.unsettled.is_over(&self.checkpoints)
    }

    fn saved(&mut self, _: bool, took: Duration) {
        self.pace.saved(took);
        self.is_unsaved = false;
    }
}

/// The output, and the state that says what is in it.
pub struct Output {
    /// Output and state, written in this order.
    pub shipper: Shipper<Tailed>,
    /// A path that was to be followed did not exist at the start.
    pub is_missing: bool,
    /// What this process made of each log that it knows.
    counts: BTreeMap<LogId, (String, Counts)>,
    reported: Instant,
    report_interval: Duration,
}

impl Output {
    /// An output whose counters are logged at this interval.
    pub fn new(shipper: Shipper<Tailed>, report_interval: Duration, is_missing: bool) -> Self {
        Self {
            shipper,
            is_missing,
            counts: BTreeMap::new(),
            reported: Instant::now(),
            report_interval,
        }
    }

    /// Writes the events of a piece; saves when it is time.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn take(&mut self, events: &mut EventBatch) -> Result<(), ship::Error> {
        self.leave_out_handed(events);
        if !events.lines.is_empty() {
            self.know_places(events)?;
            self.shipper.leave_moved()?;
            let unsettled = &self.shipper.progress.unsettled;
            let is_new = events
                .log
                .is_some_and(|log| !unsettled.holds(log, events.offset));
            self.shipper.expect_new(is_new);
            let written = self.shipper.write(&events.lines);
            if let (Err(ship::Error::Sink(sink::Error::GivenUp)), Some(log)) =
                (&written, events.log)
            {
                let handed = self.shipper.sink().handed() as u64;
                let checkpoints = &mut self.shipper.progress.checkpoints;
                *checkpoints.handed.entry(log).or_default() += handed;
            }
            written?;
            let newest = &mut self.shipper.progress.checkpoints.newest_event;
            *newest = events.newest.max(*newest);
        }
        let shipper = &mut self.shipper;
        shipper.count(events.counts, false);
        let metrics = shipper.service.metrics();
        metrics.read(events.input_bytes);
        metrics.newest_event(events.newest.map(Timestamp::millis));
        if let Some(log) = events.log.filter(|_| events.counts.records > 0) {
            let logs = &shipper.progress.checkpoints.logs;
            let name = || {
                let path = logs.get(&log).map(|entry| &entry.checkpoint.path);
                path.map_or_else(|| "a log".to_owned(), |path| path.shown().to_string())
            };
            let of_log = self.counts.entry(log);
            of_log.or_insert_with(|| (name(), Counts::default())).1 += events.counts;
        }
        let changes = std::mem::take(&mut events.changes);
        let is_changed = self.apply(changes, events.log, events.counts);
        let shipper = &mut self.shipper;
        shipper.progress.is_unsaved |= is_changed;
        let is_hangup = shipper.stop.take_hangup();
        // What stdout took is nothing to sync: only time counts there.
        let is_due = events.is_pause
            || shipper.is_full()
            || shipper.last_save().elapsed()
                >= shipper.progress.pace.wait().max(shipper.save_interval());
        if shipper.progress.is_unsaved && is_due || is_hangup {
            shipper.save()?;
            if is_hangup || shipper.sink().is_moved() {
                shipper.reopen()?;
            }
        }
        if self.reported.elapsed() >= self.report_interval {
            self.reported = Instant::now();
            self.summarise("so far", true);
        }
        Ok(())
    }

    /// Saves logs that are new to the state, or at another place, before events from there are written:
    /// after a crash only what is known of a log tells which lines of the output are its own.
    fn know_places(&mut self, events: &mut EventBatch) -> Result<(), ship::Error> {
        let is_file = self.shipper.is_file();
        let checkpoints = &mut self.shipper.progress.checkpoints;
        let is_known = |change: &Change| match change {
            Change::Log(id, now) => checkpoints.logs.get(id).is_some_and(|row| {
                let then = &row.checkpoint;
                then.path == now.path && then.real == now.real
            }),
            Change::Forget(_) | Change::PathPattern(_) | Change::Lost(_) => true,
        };
        if !is_file || events.changes.iter().all(is_known) {
            return Ok(());
        }
        // The last change is that of the piece itself, which is not written yet.
        let read = events.changes.pop();
        let found = std::mem::replace(&mut events.changes, Vec::from_iter(read));
        self.apply(found, None, Counts::default());
        self.shipper.save()
    }

    /// Takes over what is at the output now. Returns whether there is anything new to save.
    pub fn apply(&mut self, changes: Vec<Change>, of: Option<LogId>, counts: Counts) -> bool {
        measure::note(self.shipper.service.metrics(), &changes);
        for change in &changes {
            if let Change::Forget(log) = change
                && let Some((name, counts)) = self.counts.remove(log)
            {
                report_if_none_mapped(&name, counts);
            }
        }
        let checkpoints = &mut self.shipper.progress.checkpoints;
        checkpoints.apply(changes, of, counts)
    }

    /// Leaves out what a pipe was handed in an earlier run, which ended in the middle of a piece.
    fn leave_out_handed(&mut self, events: &mut EventBatch) {
        let Some(log) = events.log else { return };
        let checkpoints = &mut self.shipper.progress.checkpoints;
        let Some(handed) = checkpoints.handed.remove(&log) else {
            return;
        };
        let most = usize::try_from(handed).unwrap_or(usize::MAX);
        let (mut count, mut end) = (0, 0);
        for event_end in event_ends(&events.lines).take(most) {
            count += 1;
            end = event_end;
        }
        events.lines.drain(..end);
        if handed > count {
            checkpoints.handed.insert(log, handed - count);
        }
    }

    /// Logs the counters: if something went wrong, if people look on, or `always`.
    pub fn summarise(&self, when: &str, always: bool) {
        let Counts {
            records, failed, ..
        } = self.shipper.total;
        let checkpoints = &self.shipper.progress.checkpoints;
        let files = checkpoints.logs.len();
        let lost_bytes = checkpoints.lost_bytes;
        self.shipper.service.tell_status();
        let (bytes, seconds) = self.shipper.volume();
        if failed > 0 || lost_bytes > 0 {
            tracing::warn!(records, failed, files, lost_bytes, bytes, seconds, "{when}");
        } else if always || logging::shows_summary() {
            tracing::info!(records, failed, files, lost_bytes, bytes, seconds, "{when}");
        }
    }

    /// Names the logs of which this process read no record at all: not what was meant, and told however quiet
    /// the run is to be.
    pub fn report_failed_logs(&self) {
        for (name, counts) in self.counts.values() {
            report_if_none_mapped(name, *counts);
        }
    }
}

fn report_if_none_mapped(name: &str, counts: Counts) {
    let Counts {
        records,
        failed,
        already_events,
    } = counts;
    logging::report_if_none_mapped(name, records, failed, already_events);
}

//! One run, slice by slice.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use super::clock::{self, Skew};
use super::dedupe::Counted;
use super::delivery::{Delivery, LONG};
use super::error::Error;
use super::outside::OutsideRecords;
use super::pager::FetchEvent;
use super::progress::FetchProgress;
use super::spill::Spill;
use super::window::{Reach, Window};
use crate::pipeline::timestamp::Timestamp;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything was fetched and delivered.
    Done,
    /// It is time to end.
    Stopped,
}

/// One run: processes the events of the pager, slice by slice.
pub struct Slices<'a, 'b> {
    delivery: &'a mut Delivery<'b>,
    skew: &'a mut Skew,
    outside: &'a mut OutsideRecords,
    settle: Duration,
    events: Receiver<FetchEvent>,
    /// Where the very first run begins.
    first: Timestamp,
    progress: FetchProgress,
    spill: Option<Spill>,
    /// Records of the slice of which more may have come than there are.
    counted: Counted,
    /// When the last page was taken.
    asked: Timestamp,
    /// Records received, duplicates included.
    came: usize,
    /// Requests that were not answered yet.
    requests: Vec<Timestamp>,
    /// How far our clock is ahead of the server's, in seconds.
    ahead: i64,
    /// Up to when the server can be expected to have everything, by its own clock.
    latest: Timestamp,
}

impl<'a, 'b> Slices<'a, 'b> {
    /// A run over a range, whose pages arrive as `events`; `first` is where the very first run begins.
    pub fn new(
        delivery: &'a mut Delivery<'b>,
        (skew, outside): (&'a mut Skew, &'a mut OutsideRecords),
        reach: Reach,
        events: Receiver<FetchEvent>,
        (range, first): (Window, Timestamp),
        now: Timestamp,
    ) -> Self {
        Self {
            delivery,
            skew,
            outside,
            settle: reach.settle,
            latest: now.minus(reach.settle),
            events,
            first,
            progress: FetchProgress::new(range),
            spill: None,
            counted: Counted::new(),
            asked: now,
            requests: Vec::new(),
            ahead: 0,
            came: 0,
        }
    }

    /// Whether no record came.
    pub fn is_empty(&self) -> bool {
        self.came == 0
    }

    /// Processes events until the end.
    pub fn run(&mut self) -> Result<RunOutcome, Error> {
        loop {
            let Some(event) = self.next()? else {
                return Ok(RunOutcome::Stopped);
            };
            let delivery = &mut *self.delivery;
            match event {
                FetchEvent::User(names) => delivery.own_user = Some(names),
                FetchEvent::Asking(time) => {
                    if delivery.own_user.is_some() {
                        self.requests.push(time);
                    }
                }
                FetchEvent::Page {
                    page,
                    window,
                    known,
                    ahead,
                } => {
                    self.begin()?;
                    self.heed_clock(ahead.unwrap_or_default());
                    self.asked = Timestamp::now();
                    self.came += page.entries.len();
                    self.progress.records(page.entries.len() - known);
                    self.delivery.dialect = page.api.dialect();
                    let checkpoint = self.delivery.checkpoint();
                    self.outside.look_at(&page, known, window, checkpoint);
                    let directory = self.delivery.shipper.directory().to_owned();
                    let spill = self.spill.get_or_insert_with(|| Spill::new(&directory));
                    spill
                        .add(&page, known, window)
                        .map_err(|source| Error::Spill { directory, source })?;
                }
                FetchEvent::Moved => {
                    self.spill = None;
                    self.counted.clear();
                }
                FetchEvent::Counted(time, counts) => {
                    self.counted.insert(time, counts);
                }
                FetchEvent::Complete(window) => {
                    if !self.complete(window)? {
                        return Ok(RunOutcome::Stopped);
                    }
                }
                FetchEvent::End(end) => {
                    return end.map(|()| RunOutcome::Done).map_err(Error::Fetch);
                }
            }
        }
    }

    /// Waits for the next event; none when it is time to stop.
    fn next(&mut self) -> Result<Option<FetchEvent>, Error> {
        loop {
            if self.delivery.shipper.stop.is_requested() {
                return Ok(None);
            }
            match self.events.try_recv() {
                Ok(event) => return Ok(Some(event)),
                Err(TryRecvError::Disconnected) => {
                    return Err(std::io::Error::other("the request thread ended").into());
                }
                Err(TryRecvError::Empty) => self.delivery.wait(LONG)?,
            }
        }
    }

    /// The first answer of the very first run settles where it begins; what is saved then says what
    /// the output was before anything is in it.
    fn begin(&mut self) -> Result<(), Error> {
        let shipper = &mut self.delivery.shipper;
        if shipper.progress.checkpoint.cursor.is_none() {
            shipper.progress.checkpoint.begin(self.first);
            shipper.save()?;
        }
        Ok(())
    }

    /// Expects the records of our requests, at the times that the server's clock gives them.
    pub fn note_requests(&mut self) {
        let seconds = Duration::from_secs(self.ahead.unsigned_abs());
        for request in self.requests.drain(..) {
            let time = if self.ahead < 0 {
                request.plus(seconds)
            } else {
                request.minus(seconds)
            };
            self.delivery
                .shipper
                .progress
                .checkpoint
                .own_searches
                .add(time);
        }
    }

    /// What the server has not seen yet by its own clock is not counted as fetched.
    fn heed_clock(&mut self, ahead: i64) {
        self.skew.report(ahead);
        // `Date` has whole seconds: less is no difference.
        self.ahead = if ahead.abs() > 1 { ahead } else { 0 };
        self.note_requests();
        if clock::can_be_reckoned_with(ahead) {
            let ahead = Duration::from_secs(ahead.unsigned_abs());
            let settle = self.settle;
            let settled = self.asked.minus(settle).minus(ahead);
            self.latest = self.latest.min(settled);
        }
    }

    /// A slice is there as a whole: delivers it. False if it is time to end.
    fn complete(&mut self, window: Window) -> Result<bool, Error> {
        let delivery = &mut *self.delivery;
        let counted = std::mem::take(&mut self.counted);
        if let Some(spill) = &mut self.spill
            && !spill.is_empty()
            && !delivery.deliver(spill, counted, self.asked)?
        {
            return Ok(false);
        }
        self.spill = None;
        delivery.commit(window.to.min(self.latest))?;
        self.progress.reached(window.to);
        Ok(true)
    }
}

//! One run, slice by slice.

use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::Duration;

use super::checkpoint::SiteCheckpoint;
use super::clock::Clock;
use super::dedupe::Counted;
use super::delivery::Delivery;
use super::error::Error;
use super::fetched::LONG;
use super::outside::OutsideRecords;
use super::page::Page;
use super::pager::FetchEvent;
use super::progress::FetchProgress;
use super::repeat::RunOutcome;
use super::spill::Spill;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;

/// Looks whether the range is the right one, once the server's clock is known.
pub type IsRight<'a> = Box<dyn Fn(&SiteCheckpoint, &Clock) -> bool + 'a>;

/// One run: processes the events of the pager, slice by slice.
pub struct Slices<'a, 'b> {
    delivery: &'a mut Delivery<'b>,
    clock: &'a mut Clock,
    /// Asked with the first page.
    is_right: Option<IsRight<'a>>,
    outside: &'a mut OutsideRecords,
    settle: Duration,
    events: Receiver<FetchEvent>,
    /// Where the very first run begins, if this is it.
    first: Option<Timestamp>,
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
    /// Up to when the server can be expected to have everything, whichever clock is right.
    latest: Timestamp,
}

impl<'a, 'b> Slices<'a, 'b> {
    /// A run over a range, whose pages arrive as `events`; `first` is where the very first run begins, `local`
    /// when this one began here.
    pub fn new(
        delivery: &'a mut Delivery<'b>,
        (clock, is_right): (&'a mut Clock, Option<IsRight<'a>>),
        outside: &'a mut OutsideRecords,
        settle: Duration,
        events: Receiver<FetchEvent>,
        (range, first): (Window, Option<Timestamp>),
        local: Timestamp,
    ) -> Self {
        Self {
            delivery,
            latest: clock.earlier(local).minus(settle),
            clock,
            is_right,
            outside,
            settle,
            events,
            first,
            progress: FetchProgress::new(range),
            spill: None,
            counted: Counted::new(),
            asked: local,
            requests: Vec::new(),
            came: 0,
        }
    }

    /// Whether no record came.
    pub fn is_empty(&self) -> bool {
        self.came == 0
    }

    /// Processes events until the end; none if the range is not the right one by the server's clock.
    pub fn run(&mut self) -> Result<Option<RunOutcome>, Error> {
        loop {
            let Some(event) = self.next()? else {
                return Ok(Some(RunOutcome::Stopped));
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
                    self.heed_clock(ahead);
                    let is_right = self.is_right.take();
                    let checkpoint = self.delivery.checkpoint();
                    if is_right.is_some_and(|is_right| !is_right(checkpoint, self.clock)) {
                        self.take_requests();
                        return Ok(None);
                    }
                    self.begin()?;
                    self.add(&page, window, known)?;
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
                        return Ok(Some(RunOutcome::Stopped));
                    }
                }
                FetchEvent::End(end) => {
                    return end.map(|()| Some(RunOutcome::Done)).map_err(Error::Fetch);
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

    /// Keeps a page until its slice is complete.
    fn add(&mut self, page: &Page, window: Window, known: usize) -> Result<(), Error> {
        self.came += page.entries.len();
        self.progress.records(page.entries.len() - known);
        let metrics = self.delivery.shipper.service.metrics();
        metrics.read(page.text.len());
        self.delivery.dialect = page.api.dialect();
        let checkpoint = self.delivery.checkpoint();
        self.outside.look_at(page, known, window, checkpoint);
        let directory = self.delivery.shipper.directory().to_owned();
        let spill = self.spill.get_or_insert_with(|| Spill::new(&directory));
        let added = spill.add(page, known, window);
        added.map_err(|source| Error::Spill { directory, source })
    }

    /// The first answer of the very first run settles where it begins; what is saved then says what
    /// the output was before anything is in it.
    fn begin(&mut self) -> Result<(), Error> {
        let shipper = &mut self.delivery.shipper;
        if let Some(first) = self.first.take() {
            shipper.progress.checkpoint.begin(first);
            shipper.save()?;
        }
        Ok(())
    }

    /// Takes note of requests that were made meanwhile.
    fn take_requests(&mut self) {
        for event in self.events.try_iter() {
            if let FetchEvent::Asking(time) = event
                && self.delivery.own_user.is_some()
            {
                self.requests.push(time);
            }
        }
    }

    /// Expects the records of our requests, at the times that the server's clock gives them.
    pub fn note_requests(&mut self) {
        let own_searches = &mut self.delivery.shipper.progress.checkpoint.own_searches;
        for request in self.requests.drain(..) {
            own_searches.add(self.clock.at_server(request));
        }
    }

    /// What the server has not seen yet by its own clock is not counted as fetched.
    fn heed_clock(&mut self, ahead: Option<i64>) {
        self.clock.learn(ahead);
        self.note_requests();
        self.asked = Timestamp::now();
        let settled = self.clock.earlier(self.asked).minus(self.settle);
        self.latest = self.latest.min(settled);
        self.delivery.shipper.progress.checkpoint.clock_ahead = self.clock.ahead();
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
        delivery.shipper.progress.checkpoint.by_server_clock = self.clock.is_known();
        delivery.commit(window.to.min(self.latest))?;
        self.progress.reached(window.to);
        Ok(true)
    }
}

//! The runs: one, or one every interval, page by page, from the state to the state.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};

use super::asker::{OrgAsker, OrgResponse, Refused};
use super::checkpoint::OrgCheckpoint;
use super::delivery::OrgDelivery;
use super::organization::PageStart;
use super::reading::{Next, Reading};
use super::{resume, states};
use crate::fetch::Error;
use crate::fetch::clock::Clock;
use crate::fetch::fetched::{self, Fetched, LONG};
use crate::fetch::plan::{self, FetchOptions, FirstRun};
use crate::fetch::progress::FetchProgress;
use crate::fetch::repeat::{self, FetchOutcome, RunOutcome, Runs};
use crate::fetch::window::{Window, is_future};
use crate::fetch::{measure, start, states as site_states, written};
use crate::pipeline::timestamp::Timestamp;
use crate::process::service::Service;
use crate::process::stop::Stop;
use crate::ship::{self, Mapping, Shipper};
use crate::sink::Destination;
use crate::state::{self, Store};

/// Fetches and delivers until everything is there, or it is time to end; none if nobody reads the output
/// any more.
///
/// # Errors
/// When the organization, the output or the state fails.
pub fn run(
    options: &FetchOptions,
    destination: Destination,
    mapping: &Mapping,
    asker: Arc<OrgAsker>,
    (stop, service): (&Arc<Stop>, &Arc<Service>),
) -> Result<Option<FetchOutcome>, Error> {
    let mut fetching = open(options, destination, mapping, asker, (stop, service))?;
    fetching.note_reached();
    service.ready();
    let ended = repeat::run(&mut fetching, options.interval);
    fetching.leave_unbegun(ended.as_ref().err());
    let Some(ended) = repeat::conclude(ended, service)? else {
        return Ok(None);
    };
    let shipper = &mut fetching.delivery.shipper;
    fetched::end(shipper)?;
    measure::summarise(shipper, &fetching.asker.client);
    Ok(Some(FetchOutcome {
        is_stopped: ended == RunOutcome::Stopped,
        counts: shipper.total,
    }))
}

/// Takes the state, and brings the output to what it says.
fn open<'a>(
    options: &'a FetchOptions,
    destination: Destination,
    mapping: &'a Mapping,
    asker: Arc<OrgAsker>,
    (stop, service): (&Arc<Stop>, &Arc<Service>),
) -> Result<OrgFetching<'a>, ship::Error> {
    let process = Timestamp::now();
    let directory = state::directory(options.state_dir.as_deref())?;
    let id = &asker.organization.id;
    let file = states::file_name(id);
    let store = Store::open(&directory, &file)?;
    let saved: Option<OrgCheckpoint> = store.load()?;
    let mut checkpoint = saved.unwrap_or_else(|| OrgCheckpoint::new(id));
    let kept = start::read(&directory, std::slice::from_ref(&file));
    let first = crate::fetch::resume::first_run(options, kept, process);
    if checkpoint.position.is_none() {
        let kept = first.start.save(&directory, &file);
        kept.map_err(|source| ship::Error::Save {
            directory: directory.clone(),
            source,
        })?;
    }
    resume::report(options, &checkpoint);
    checkpoint.raw = Some(options.raw);
    let clock = Clock::saved(checkpoint.clock_ahead);
    let shares_output = site_states::is_written_to(&directory, &options.output);
    let shipper = fetched::open(
        destination,
        (directory.clone(), store, &file),
        (checkpoint, options.overlap, shares_output),
        (stop, service),
    )?;
    Ok(OrgFetching {
        options,
        asker,
        clock,
        first,
        place: (directory, file),
        process,
        delivery: OrgDelivery {
            mapping,
            raw: options.raw,
            has_ids: options.has_ids || shipper.is_cluster(),
            pipe: shipper.sink().pipe(),
            shipper,
        },
    })
}

/// The runs of this process.
struct OrgFetching<'a> {
    options: &'a FetchOptions,
    asker: Arc<OrgAsker>,
    delivery: OrgDelivery<'a>,
    clock: Clock,
    /// Where the very first run begins.
    first: FirstRun,
    /// The directory and the name of the state.
    place: (PathBuf, String),
    /// When this process began, by this machine's clock.
    process: Timestamp,
}

impl Runs for OrgFetching<'_> {
    type State = OrgCheckpoint;

    fn run(&mut self) -> Result<RunOutcome, Error> {
        let ended = self.run_pages();
        measure::run_ended(self.delivery.shipper.service.metrics(), &ended);
        ended
    }

    fn is_last(&self, began: Timestamp) -> bool {
        let until = plan::until(self.options, &self.clock, self.process);
        until.is_some_and(|until| until <= self.clock.earlier(began))
    }

    fn may_pass(&self, error: &Error) -> bool {
        matches!(error, Error::Organization(error) if error.may_pass())
    }

    /// Without an end that was given, a run comes as far as any before it.
    fn succeeded(&mut self) {
        if self.options.until.is_none() {
            self.delivery.shipper.progress.is_caught_up = true;
        }
    }

    fn shipper(&mut self) -> &mut Shipper<Fetched<OrgCheckpoint>> {
        &mut self.delivery.shipper
    }

    fn pipe(&self) -> Option<&OwnedFd> {
        self.delivery.pipe.as_ref()
    }
}

impl OrgFetching<'_> {
    /// Fetches page after page, to the end of what was there when the run began.
    fn run_pages(&mut self) -> Result<RunOutcome, Error> {
        let began = Timestamp::now();
        let until = plan::until(self.options, &self.clock, self.process);
        // A cursor knows its own end, and another run is not to inherit that.
        let saved = self.delivery.checkpoint().cursor.clone();
        let mut reading = Reading::new(saved.filter(|_| until.is_none()));
        let (mut progress, mut is_again) = (None, false);
        loop {
            let Some(start) = self.start(&reading, began, until) else {
                return Ok(RunOutcome::Done);
            };
            let Some(answered) = self.ask(start.clone())? else {
                return Ok(RunOutcome::Stopped);
            };
            let response = match answered {
                Ok(response) => response,
                Err(Refused::Cursor(refusal)) if reading.drop_cursor() => {
                    tracing::warn!(
                        "{refusal}. Going on by time: events that were processed later than --overlap after they \
                         happened may be missed"
                    );
                    continue;
                }
                Err(refused) => return Err(super::Error::from(refused).into()),
            };
            if !self.begin(&response, &start, (began, is_again))? {
                is_again = true;
                continue;
            }
            let range = self.range(began, until);
            let progress = progress.get_or_insert_with(|| FetchProgress::new(range));
            let next = reading.take(&response.page, self.clock.at_server(began));
            let cursor = reading.cursor().map(str::to_owned);
            let cursor = cursor.filter(|_| until.is_none());
            let now = self.clock.at_server(Timestamp::now());
            self.delivery.deliver(&response.page, cursor, now)?;
            progress.records(response.page.events.len());
            progress.reached(response.page.latest().unwrap_or(range.to));
            match next {
                Next::Page => {}
                Next::Back => {
                    let id = self.asker.organization.id.clone();
                    return Err(super::Error::Circle(id).into());
                }
                Next::End => {
                    self.finish(began, until)?;
                    return Ok(RunOutcome::Done);
                }
            }
        }
    }

    /// Where the next page begins; none if there is nothing to ask for.
    fn start(
        &mut self,
        reading: &Reading,
        began: Timestamp,
        to: Option<Timestamp>,
    ) -> Option<PageStart> {
        if let Some(cursor) = reading.cursor() {
            return Some(PageStart::Cursor(cursor.to_owned()));
        }
        let overlap = self.options.overlap;
        let now = self.clock.at_server(began);
        let from = self.delivery.checkpoint().restart(overlap);
        let from = from.unwrap_or_else(|| self.first.begins(&self.clock, now));
        if to.is_some_and(|to| to < from) {
            tracing::warn!(
                "--until is before {from}, where this run would begin: nothing to fetch"
            );
            return None;
        }
        Some(PageStart::Time { from, to })
    }

    /// Asks for a page on a thread of its own, which is not joined: it may be waiting for the network or the rate
    /// limit when it is time to end. None if it is.
    fn ask(&self, start: PageStart) -> Result<Option<Result<OrgResponse, Refused>>, Error> {
        let (sender, answers) = mpsc::channel();
        let stop = Arc::clone(&self.delivery.shipper.stop);
        let asker = Arc::clone(&self.asker);
        let page_size = self.options.page_size;
        let span = tracing::Span::current();
        std::thread::spawn(move || {
            // Nobody there to hear it is no trouble.
            let _ = span.in_scope(|| sender.send(asker.page(&start, page_size)));
            stop.wake();
        });
        loop {
            if self.delivery.shipper.stop.is_requested() {
                return Ok(None);
            }
            match answers.try_recv() {
                Ok(answer) => return Ok(Some(answer)),
                Err(TryRecvError::Disconnected) => {
                    return Err(std::io::Error::other("the request thread ended").into());
                }
                Err(TryRecvError::Empty) => {
                    fetched::wait(&self.delivery.shipper, self.delivery.pipe.as_ref(), LONG)?;
                }
            }
        }
    }

    /// The first answer of the very first run settles where it begins: what is saved then says what the output was
    /// before anything is in it. False if that is at another time by the server's clock, so that it is to be asked
    /// again; once, as `Date` has whole seconds, and two answers may differ by one.
    fn begin(
        &mut self,
        response: &OrgResponse,
        asked: &PageStart,
        (began, is_again): (Timestamp, bool),
    ) -> Result<bool, Error> {
        self.clock.learn(response.ahead);
        let ahead = self.clock.ahead();
        let checkpoint = self.delivery.checkpoint();
        checkpoint.clock_ahead = ahead;
        if checkpoint.position.is_some() {
            return Ok(true);
        }
        let now = self.clock.at_server(began);
        let first = self.first.begins(&self.clock, now);
        if self.first.start.is_absolute() && is_future(first, now) {
            return Err(Error::future(first, now, &self.clock));
        }
        let from = match asked {
            PageStart::Time { from, .. } | PageStart::Newest { from } => *from,
            PageStart::Cursor(_) => first,
        };
        if from != first && !is_again {
            return Ok(false);
        }
        self.delivery.checkpoint().begin(from);
        self.delivery.shipper.save()?;
        let (directory, file) = &self.place;
        start::remove(directory, std::slice::from_ref(file));
        Ok(true)
    }

    /// What a run goes through, for people.
    fn range(&mut self, began: Timestamp, until: Option<Timestamp>) -> Window {
        let to = until.unwrap_or(began);
        let position = self.delivery.checkpoint().position;
        let from = position.unwrap_or(to).min(to);
        Window { from, to }
    }

    /// Takes note of how far a whole run came.
    fn finish(&mut self, began: Timestamp, until: Option<Timestamp>) -> Result<(), Error> {
        let reached = self.clock.earlier(began);
        let reached = until.map_or(reached, |until| until.min(reached));
        let checkpoint = self.delivery.checkpoint();
        checkpoint.reached = checkpoint.reached.max(Some(reached));
        self.delivery.shipper.save()?;
        self.note_reached();
        Ok(())
    }

    /// For the metrics.
    fn note_reached(&mut self) {
        let reached = self.delivery.checkpoint().fetched_until();
        let metrics = self.delivery.shipper.service.metrics();
        metrics.cursor(reached.map(Timestamp::millis));
    }

    /// Of an organization that never answered, no state is left; of one that is not there, not even when it was
    /// asked first.
    fn leave_unbegun(&mut self, error: Option<&Error>) {
        if self.delivery.checkpoint().position.is_some() {
            return;
        }
        let (directory, file) = &self.place;
        if let Err(error) = written::remove(directory, file) {
            tracing::debug!("{error}");
        }
        if error.is_some_and(Error::is_about_order) {
            start::remove(directory, std::slice::from_ref(file));
        }
    }
}

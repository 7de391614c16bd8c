//! The runs: one, or one every interval, page by page, from the state to the state.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};

use super::asker::{OrgAsker, OrgResponse, Refused};
use super::checkpoint::{OrgCheckpoint, PageTimes};
use super::delivery::OrgDelivery;
use super::organization::{MOST_EVENTS, PageStart};
use super::page::OrgPage;
use super::reading::{Next, Place, Reading};
use super::windows::Windows;
use super::{pause, resume, states};
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
    if let Some(wait) = pause::left(&directory, &file) {
        asker.leave_alone(wait);
        resume::report_pause(id, wait);
    }
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
            is_unsaved: false,
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
        let mut ended = self.run_pages();
        // Where the output or the state fails, it fails once more.
        if !matches!(ended, Err(Error::Ship(_))) {
            ended = self.delivery.save().and(ended);
        }
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

/// A run, from its start to its end.
struct OrgRun {
    /// When it began, by this machine's clock.
    began: Timestamp,
    /// The last time to fetch.
    until: Option<Timestamp>,
    reading: Reading,
    /// From when on it asked by time, until a page came by cursor.
    by_time: Option<Timestamp>,
    /// Whether its first page was asked for again.
    is_again: bool,
    /// Whether pages led back to one before them.
    has_circle: bool,
    progress: Option<FetchProgress>,
}

impl OrgFetching<'_> {
    /// Fetches page after page, to the end of what was there when the run began.
    fn run_pages(&mut self) -> Result<RunOutcome, Error> {
        let mut run = self.begin_run();
        loop {
            let Some(start) = self.start(&mut run) else {
                return Ok(RunOutcome::Done);
            };
            let Some(answered) = self.ask(start.clone(), run.reading.limit())? else {
                return Ok(RunOutcome::Stopped);
            };
            let mut response = match answered {
                Ok(response) => response,
                Err(Refused::Cursor(refusal)) => {
                    self.drop_cursor(&mut run, &refusal.to_string());
                    continue;
                }
                Err(Refused::Other(error)) => return Err(super::Error::from(error).into()),
            };
            if !self.begin(&response, &start, (run.began, run.is_again))? {
                run.is_again = true;
                continue;
            }
            match self.take(&mut run, &mut response)? {
                Next::Page => {}
                Next::Back if run.has_circle => return Err(self.circle()),
                Next::Back => {
                    run.has_circle = true;
                    self.use_windows(&mut run, "its pages lead back to one before them", None);
                }
                Next::Stuck => {
                    let why = "it gives no cursor with a page that may be full";
                    self.use_windows(&mut run, why, Some(&response.page));
                }
                Next::TooLong => {
                    let id = &self.asker.organization.id;
                    let problem = format!("organization {id} returned a cursor that is too long");
                    self.drop_cursor(&mut run, &problem);
                }
                Next::TooMany(time) => return Err(self.too_many(time)),
                Next::End => {
                    self.finish(run.began, run.until)?;
                    return if run.has_circle {
                        Err(self.circle())
                    } else {
                        Ok(RunOutcome::Done)
                    };
                }
            }
        }
    }

    fn begin_run(&mut self) -> OrgRun {
        let until = plan::until(self.options, &self.clock, self.process);
        // A cursor knows its own end, and another run is not to inherit that.
        let saved = self.delivery.checkpoint().cursor.clone();
        let limit = self.options.page_size.min(MOST_EVENTS);
        OrgRun {
            began: Timestamp::now(),
            until,
            reading: Reading::new(saved.filter(|_| until.is_none()), limit, until),
            by_time: None,
            is_again: false,
            has_circle: false,
            progress: None,
        }
    }

    /// Brings a page to the output; what follows it.
    fn take(&mut self, run: &mut OrgRun, response: &mut OrgResponse) -> Result<Next, Error> {
        let page = &mut response.page;
        let range = self.range(run.began, run.until);
        let progress = &mut run.progress;
        let progress = progress.get_or_insert_with(|| FetchProgress::new(range));
        let (is_window, is_backwards) = (run.reading.is_window(), run.reading.is_backwards());
        if is_window || run.reading.cursor().is_some() {
            run.by_time = None;
        }
        let has_come = run.reading.has_come(page);
        let began = self.clock.at_server(run.began);
        let (next, mut read_until) = run.reading.take(page, began);
        if is_window && next == Next::Back {
            // Not what was asked for: what is new in it comes with its own window.
            return Ok(next);
        }
        if let Some(until) = run.until {
            // Some cursors do not know the end of the range, and what is processed late may be behind it: the next run
            // without one begins there.
            page.events.retain(|event| !event.is_past(until));
            read_until = Some(read_until.map_or(until, |time| time.min(until)));
        }
        if is_backwards && !self.delivery.knows(page) {
            // It only shows that something is missing, which comes in its order.
            return Ok(next);
        }
        let cursor = run.reading.cursor().map(str::to_owned);
        let cursor = cursor.filter(|_| run.until.is_none());
        let times = PageTimes {
            received: self.clock.at_server(Timestamp::now()),
            read_until,
        };
        progress.reached(page.latest().unwrap_or(range.to));
        if has_come {
            // It was delivered in this run, however long ago its ids were forgotten.
            page.events.clear();
        }
        self.delivery.deliver(page, cursor, times)?;
        progress.records(page.events.len());
        Ok(next)
    }

    /// A cursor is of no use: once in a run, what is behind it is asked for by time.
    fn drop_cursor(&mut self, run: &mut OrgRun, problem: &str) {
        if run.reading.drop_cursor() {
            tracing::warn!(
                "{problem}. Going on by time: events that were processed later than --overlap after they happened \
                 may be missed"
            );
        } else {
            self.use_windows(run, "its cursors cannot be used", None);
        }
    }

    /// The same range, by windows that each fit in a page. `last`: the page that may be all that is left of it.
    fn use_windows(&mut self, run: &mut OrgRun, why: &str, last: Option<&OrgPage>) {
        let id = &self.asker.organization.id;
        tracing::warn!(
            "organization {id}: {why}, so it is read by windows of time, which takes more requests"
        );
        let reach = self.clock.at_server(run.began);
        let reach = run.until.map_or(reach, |until| until.min(reach));
        let restart = self.delivery.checkpoint().restart(self.options.overlap);
        let from = run.by_time.or(restart).unwrap_or(reach).min(reach);
        // One that came by cursor is not of the whole range.
        let first = last.filter(|_| run.by_time.is_some()).map(OrgPage::ids);
        run.reading.use_windows(Windows::new(from, reach, first));
    }

    fn circle(&self) -> Error {
        super::Error::Circle(self.asker.organization.id.clone()).into()
    }

    fn too_many(&self, time: Timestamp) -> Error {
        let organization = self.asker.organization.id.clone();
        super::Error::too_many(organization, time).into()
    }

    /// Where the next page begins; none if there is nothing to ask for.
    fn start(&mut self, run: &mut OrgRun) -> Option<PageStart> {
        match run.reading.place() {
            Place::Cursor(cursor) => return Some(PageStart::Cursor(cursor.clone())),
            Place::Window(windows) => {
                let (from, to) = windows.window();
                let to = to.or(run.until);
                return Some(if windows.is_backwards() {
                    PageStart::Newest { from, to }
                } else {
                    PageStart::Time { from, to }
                });
            }
            Place::Time => {}
        }
        let overlap = self.options.overlap;
        let now = self.clock.at_server(run.began);
        let from = self.delivery.checkpoint().restart(overlap);
        let from = from.unwrap_or_else(|| self.first.begins(&self.clock, now));
        let to = run.until;
        if to.is_some_and(|to| to < from) {
            tracing::warn!(
                "--until is before {from}, where this run would begin: nothing to fetch"
            );
            return None;
        }
        run.by_time = Some(from);
        Some(PageStart::Time { from, to })
    }

    /// Asks for a page on a thread of its own, which is not joined: it may be waiting for the network or the rate
    /// limit when it is time to end. None if it is.
    fn ask(
        &mut self,
        start: PageStart,
        limit: usize,
    ) -> Result<Option<Result<OrgResponse, Refused>>, Error> {
        let (sender, answers) = mpsc::channel();
        let stop = Arc::clone(&self.delivery.shipper.stop);
        let asker = Arc::clone(&self.asker);
        let span = tracing::Span::current();
        let (directory, file) = self.place.clone();
        std::thread::spawn(move || {
            let paused = |wait| pause::save(&directory, &file, wait);
            // Nobody there to hear it is no trouble.
            let _ = span.in_scope(|| sender.send(asker.page(&start, limit, &paused)));
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
                    let most = self.delivery.due_in().unwrap_or(LONG);
                    fetched::wait(&self.delivery.shipper, self.delivery.pipe.as_ref(), most)?;
                    self.delivery.save_if_due()?;
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
            PageStart::Time { from, .. } | PageStart::Newest { from, .. } => *from,
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
        self.delivery.is_unsaved = true;
        self.delivery.save()?;
        self.note_reached();
        Ok(())
    }

    /// For the metrics.
    fn note_reached(&mut self) {
        let reached = self.delivery.checkpoint().fetched_until();
        let metrics = self.delivery.shipper.service.metrics();
        metrics.cursor(reached.map(Timestamp::millis));
    }

    /// Of an organization that never answered, no state is left, but where it was to begin; not even that if it
    /// cannot begin there.
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

//! `confluence-ecs fetch`: records of the REST APIs into events, with their state.

pub mod connect;
mod delivery;
mod progress;
mod written;

use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::time::{Duration, Instant};

use super::normalize::all_cores;
use super::ship::{self, Mapping};
use super::{Error, Exit};
use crate::auth::uninterrupted;
use crate::cli::{FetchArgs, Since};
use crate::config;
use crate::fetch::asker::{Asker, Error as AskError};
use crate::fetch::ledger::Ledger;
use crate::fetch::source::{self, Source, Told};
use crate::fetch::spill::Spill;
use crate::fetch::window::{Reach, Window};
use crate::normalize::Counts;
use crate::service::Service;
use crate::sink::{self, Durable};
use crate::state::{self, Store};
use crate::stop::Stop;
use crate::timestamp::Timestamp;

use delivery::Delivery;
use progress::Progress;
use written::Written;

/// Pages that may have come, but are not taken yet.
const PAGES_AHEAD: usize = 1;
/// A clock that differs by more seconds is told of.
const MOST_SKEW: i64 = 10;
/// A clock that differs by more seconds is not reckoned with: one of both is wrong.
const WRONG_CLOCK: i64 = 24 * 60 * 60;
/// A site that gives no record for so long, and never gave one, is wondered at.
const SUSPICIOUS: Duration = Duration::from_secs(12 * 60 * 60);
/// How long a wait may be at most; signals and news end it.
const LONG: Duration = Duration::from_secs(3600);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Everything was fetched and delivered.
    Done,
    /// It is time to end.
    Stopped,
}

/// Runs the command.
///
/// # Errors
/// When the configuration is wrong, or the site, the output or the state fails.
pub fn run(arguments: &FetchArgs) -> Result<Exit, Error> {
    config::fetch::range(&arguments.query).map_err(config::Error::Fetch)?;
    let mapping = Mapping::new(&arguments.mapping, &config::DEFAULT_FETCH_TAGS)?;
    let asker = connect::connect(arguments)?;
    let stop = Arc::new(if arguments.interval.is_some() {
        Stop::on_signals_and_hangup()?
    } else {
        Stop::on_signals()?
    });
    let service = Arc::new(Service::start());
    let delivery = open(arguments, &mapping, &asker, &stop, &service)?;
    let mut fetching = Fetching {
        arguments,
        asker: Arc::new(asker),
        pipe: delivery.sink.pipe(),
        delivery,
        skew_told: false,
        emptiness_told: false,
        has_succeeded: false,
    };
    service.ready();
    let ended = match arguments.interval {
        None => fetching.run(),
        Some(interval) => fetching.run_again_and_again(interval),
    };
    service.stopping();
    // Tokens that were asked for are to be on disk.
    uninterrupted::wait(uninterrupted::PATIENCE);
    let ended = match ended {
        Ok(ended) => ended,
        Err(Error::Sink(sink::Error::Closed)) => return Ok(Exit::Done),
        Err(Error::Sink(sink::Error::GivenUp)) => {
            tracing::warn!("ended while the output took no more: the rest comes with the next run");
            Run::Stopped
        }
        Err(error) => return Err(error),
    };
    fetching.delivery.end()?;
    fetching.summarise();
    Ok(match (ended, stop.signal()) {
        (Run::Stopped, Some(signal)) if arguments.interval.is_none() => Exit::Signal(signal),
        _ if arguments.mapping.strict && fetching.delivery.total.failed > 0 => Exit::Strict,
        _ => Exit::Done,
    })
}

/// Takes the state, and brings the output to what it says.
fn open<'a>(
    arguments: &FetchArgs,
    mapping: &'a Mapping<'a>,
    asker: &Asker,
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<Delivery<'a>, Error> {
    let directory = state::directory(arguments.state.state_dir.as_deref())?;
    let new = Ledger::new(asker.site.name(), asker.search.clone());
    let name = new.file_name();
    let store = Store::open(&directory, &name)?;
    let mut ledger: Ledger = store.load()?.unwrap_or(new);
    let (written, mut noted) = Written::open(&directory, &name);
    let unsaved = noted.count();
    let mut tell = |line: &[u8], is_known| noted.tell(line, is_known);
    ship::settle(&directory, ledger.output.as_ref(), unsaved, &mut tell)?;
    begin(&mut ledger, arguments.query.since);
    let mut delivery = Delivery {
        mapping,
        threads: arguments.mapping.threads.unwrap_or_else(all_cores),
        raw: arguments.raw,
        dialect: None,
        overlap: arguments.query.overlap,
        own_user: arguments.exclude_own_searches.then(Vec::new),
        sink: Durable::open(&arguments.output)?,
        store,
        written,
        directory,
        ledger,
        is_final: false,
        stop: Arc::clone(stop),
        service: Arc::clone(service),
        total: Counts::default(),
        saved: Instant::now(),
        unsaved_bytes: 0,
    };
    // The output may be another file than last time: it is to be known before anything is in it.
    delivery.save()?;
    Ok(delivery)
}

/// Settles where the very first run begins, however long it takes until there is an answer.
fn begin(ledger: &mut Ledger, since: Option<Since>) {
    let now = Timestamp::now();
    let order = |since: Since| {
        let first = match since {
            Since::Time(time) => time,
            Since::Ago(ago) => now.minus(ago),
            Since::Now => now,
        };
        (since.to_string(), first)
    };
    match (ledger.cursor, since) {
        (None, since) => {
            ledger.first(since.map(order), order(Since::DEFAULT));
        }
        (Some(cursor), Some(_)) => tracing::info!(
            "going on from {cursor}, where the last run ended: --since is for the first run only, `confluence-ecs \
             state set {} --since TIME` goes back",
            ledger.name()
        ),
        (Some(_), None) => {}
    }
}

struct Fetching<'a> {
    arguments: &'a FetchArgs,
    asker: Arc<Asker>,
    delivery: Delivery<'a>,
    /// The output, if it is a pipe: if its reader goes, there is no use in waiting.
    pipe: Option<OwnedFd>,
    skew_told: bool,
    emptiness_told: bool,
    has_succeeded: bool,
}

impl Fetching<'_> {
    /// A run every `interval`, by the clock and not by how long runs take.
    fn run_again_and_again(&mut self, interval: Duration) -> Result<Run, Error> {
        let mut next = Instant::now();
        let query = &self.arguments.query;
        loop {
            let settled = Timestamp::now().minus(query.settle);
            let is_last = query.until.is_some_and(|until| until <= settled);
            match self.run() {
                Ok(Run::Stopped) => return Ok(Run::Stopped),
                Ok(Run::Done) if is_last => {
                    tracing::info!("all up to --until is fetched");
                    return Ok(Run::Done);
                }
                Ok(Run::Done) => self.has_succeeded = true,
                Err(Error::Fetch(error)) if self.may_pass(&error) => {
                    tracing::error!("{error}; trying again at the next interval");
                }
                Err(error) => return Err(error),
            }
            let Counts { records, failed } = self.delivery.total;
            let status = format!("{records} records, {failed} not mapped");
            self.delivery.service.status(&status);
            next += interval;
            let now = Instant::now();
            if next < now {
                // Runs that were missed are not made up for: the next one finds everything.
                let missed = now.duration_since(next).as_nanos() / interval.as_nanos().max(1);
                let missed = u32::try_from(missed).unwrap_or(u32::MAX);
                next += interval.saturating_mul(missed.saturating_add(1));
            }
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                self.wait(left)?;
                if self.delivery.stop.is_requested() {
                    return Ok(Run::Stopped);
                }
                self.delivery.follow_moved_output()?;
            }
        }
    }

    /// Whether what ended a run may be over at the next.
    fn may_pass(&self, error: &source::Error) -> bool {
        match error {
            // A proxy, while Confluence starts behind it.
            source::Error::Ask(error @ AskError::Refused(_)) => {
                error.is_about_place() && self.has_succeeded
            }
            // The grant has ended, or its server is out of reach.
            source::Error::Ask(AskError::Auth(error)) => error.is_outage(),
            source::Error::Ask(AskError::Unanswered { .. })
            | source::Error::Repeats { .. }
            | source::Error::Moves { .. } => true,
        }
    }

    /// Fetches what there is to fetch now.
    fn run(&mut self) -> Result<Run, Error> {
        let now = Timestamp::now();
        let ledger = &self.delivery.ledger;
        let first = ledger.first.as_ref().map_or(now, |(_, first)| *first);
        let cursor = ledger.cursor.unwrap_or(first);
        let since = ledger.since.unwrap_or(first);
        let reach = Reach {
            until: self.arguments.query.until,
            overlap: self.arguments.query.overlap,
            settle: self.arguments.query.settle,
        };
        let Some(range) = reach.window(since, cursor, now) else {
            if ledger.cursor.is_none() {
                tracing::warn!("--until is before --since ({first}): there is nothing to fetch");
            } else if config::fetch::is_future(cursor) {
                tracing::warn!(
                    "by the state all is fetched up to {cursor}, which is in the future: `confluence-ecs state \
                     set {} --since TIME` mends that",
                    ledger.name()
                );
            } else if reach.until.is_some_and(|until| until < cursor) {
                tracing::info!("nothing is left to ask for: all up to {cursor} was fetched");
            }
            return Ok(Run::Done);
        };
        tracing::debug!(from = %range.from, to = %range.to, "fetching");
        let told = self.begin(range);
        let mut run = Slices {
            fetching: self,
            told,
            first,
            progress: Progress::new(range),
            spill: None,
            asked: now,
            latest: now.minus(reach.settle),
            requests: Vec::new(),
            ahead: 0,
            came: 0,
        };
        let ended = run.run();
        let is_empty = run.came == 0;
        // Requests that were made cause records, whatever came of them.
        run.note_requests();
        // Not after a failure of the output, which is to be given up as it is.
        if matches!(ended, Ok(Run::Stopped) | Err(Error::Fetch(_))) {
            self.save_requests();
        }
        if is_empty && matches!(ended, Ok(Run::Done)) {
            self.wonder(range);
        }
        ended
    }

    /// Credentials can be accepted, and see nothing.
    fn wonder(&mut self, range: Window) {
        let is_long = range.from.plus(SUSPICIOUS) <= range.to;
        let ledger = &self.delivery.ledger;
        if ledger.events > 0 || ledger.search.is_some() || !is_long || self.emptiness_told {
            return;
        }
        self.emptiness_told = true;
        tracing::warn!(
            "{} has given no record at all for {} to {}: `confluence-ecs check` with the same options tells \
             whether its records may be seen; if not, `confluence-ecs state set {} --since TIME` goes back to \
             them afterwards",
            ledger.site,
            range.from,
            range.to,
            ledger.site
        );
    }

    /// Starts to ask.
    fn begin(&self, range: Window) -> Receiver<Told> {
        let (sender, told) = mpsc::sync_channel(PAGES_AHEAD);
        let query = &self.arguments.query;
        let page_size = query.page_size as usize;
        let asker = Arc::clone(&self.asker);
        let mut source = Source::new(asker, page_size, sender, Arc::clone(&self.delivery.stop));
        if self.delivery.own_user.as_ref().is_some_and(Vec::is_empty) {
            source = source.asking_user();
        }
        let slice = query.window;
        // Not joined: it may be waiting for the network when it is time to end.
        std::thread::spawn(move || source.run(range, slice));
        told
    }

    fn wait(&self, most: Duration) -> Result<(), Error> {
        self.delivery.service.waiting(true);
        let pipe = self.pipe.as_ref().map(AsFd::as_fd);
        let waited = self.delivery.stop.wait_for(most.min(LONG), pipe);
        self.delivery.service.waiting(false);
        Ok(waited?)
    }

    fn save_requests(&mut self) {
        if self.delivery.own_user.is_some()
            && self.delivery.ledger.cursor.is_some()
            && let Err(error) = self.delivery.save()
        {
            tracing::debug!("{error}");
        }
    }

    /// Tells of a clock that is wrong.
    fn check_skew(&mut self, ahead: i64) {
        if ahead.abs() <= MOST_SKEW || self.skew_told {
            return;
        }
        self.skew_told = true;
        let direction = if ahead > 0 { "ahead of" } else { "behind" };
        tracing::warn!(
            "this machine's clock is {} s {direction} the server's: set it (NTP); records may come late \
             until then",
            ahead.abs()
        );
    }

    fn summarise(&self) {
        let Counts { records, failed } = self.delivery.total;
        let client = &self.asker.client;
        let requests = client.requests.load(Ordering::Relaxed);
        let repeated = client.repeated.load(Ordering::Relaxed);
        if failed > 0 {
            tracing::warn!(records, failed, requests, repeated, "done");
        } else {
            tracing::info!(records, failed, requests, repeated, "done");
        }
    }
}

/// One run: takes what is told, slice by slice.
struct Slices<'a, 'b> {
    fetching: &'a mut Fetching<'b>,
    told: Receiver<Told>,
    /// Where the very first run begins.
    first: Timestamp,
    progress: Progress,
    spill: Option<Spill>,
    /// When the last page was taken.
    asked: Timestamp,
    /// Records that came.
    came: usize,
    /// Requests that were not answered yet.
    requests: Vec<Timestamp>,
    /// How far our clock is ahead of the server's, in seconds.
    ahead: i64,
    /// Up to when the server can be expected to have everything, by its own clock.
    latest: Timestamp,
}

impl Slices<'_, '_> {
    fn run(&mut self) -> Result<Run, Error> {
        loop {
            let Some(told) = self.next()? else {
                return Ok(Run::Stopped);
            };
            let delivery = &mut self.fetching.delivery;
            match told {
                Told::User(names) => delivery.own_user = Some(names),
                Told::Asking(time) => {
                    if delivery.own_user.is_some() {
                        self.requests.push(time);
                    }
                }
                Told::Page {
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
                    self.fetching.delivery.dialect = page.api.dialect();
                    let directory = self.fetching.delivery.directory.clone();
                    let spill = self.spill.get_or_insert_with(|| Spill::new(&directory));
                    spill
                        .add(&page, known, window)
                        .map_err(|source| Error::Spill { directory, source })?;
                }
                Told::Moved => self.spill = None,
                Told::Complete(window) => {
                    if !self.complete(window)? {
                        return Ok(Run::Stopped);
                    }
                }
                Told::End(end) => return end.map(|()| Run::Done).map_err(Error::Fetch),
            }
        }
    }

    /// Waits for what is told next; none if it is time to end.
    fn next(&mut self) -> Result<Option<Told>, Error> {
        loop {
            if self.fetching.delivery.stop.is_requested() {
                return Ok(None);
            }
            match self.told.try_recv() {
                Ok(told) => return Ok(Some(told)),
                Err(TryRecvError::Disconnected) => {
                    return Err(std::io::Error::other("the thread that asks ended").into());
                }
                Err(TryRecvError::Empty) => self.fetching.wait(LONG)?,
            }
        }
    }

    /// The first answer of the very first run settles where it begins; what is saved then says what
    /// the output was before anything is in it.
    fn begin(&mut self) -> Result<(), Error> {
        let delivery = &mut self.fetching.delivery;
        if delivery.ledger.cursor.is_none() {
            delivery.ledger.begin(self.first);
            delivery.save()?;
        }
        Ok(())
    }

    /// Expects the records of our requests, at the times that the server's clock gives them.
    fn note_requests(&mut self) {
        let seconds = Duration::from_secs(self.ahead.unsigned_abs());
        for request in self.requests.drain(..) {
            let time = if self.ahead < 0 {
                request.plus(seconds)
            } else {
                request.minus(seconds)
            };
            self.fetching.delivery.ledger.own_searches.add(time);
        }
    }

    /// What the server has not seen yet by its own clock is not counted as fetched.
    fn heed_clock(&mut self, ahead: i64) {
        self.fetching.check_skew(ahead);
        // `Date` has whole seconds: less is no difference.
        self.ahead = if ahead.abs() > 1 { ahead } else { 0 };
        self.note_requests();
        if (1..WRONG_CLOCK).contains(&ahead) {
            let ahead = Duration::from_secs(ahead.unsigned_abs());
            let settle = self.fetching.arguments.query.settle;
            let settled = self.asked.minus(settle).minus(ahead);
            self.latest = self.latest.min(settled);
        }
    }

    /// A slice is there as a whole: delivers it. False if it is time to end.
    fn complete(&mut self, window: Window) -> Result<bool, Error> {
        let delivery = &mut self.fetching.delivery;
        if let Some(spill) = &mut self.spill
            && !spill.is_empty()
            && !delivery.deliver(spill, self.asked)?
        {
            return Ok(false);
        }
        self.spill = None;
        delivery.commit(window.to.min(self.latest))?;
        self.progress.reached(window.to);
        Ok(true)
    }
}

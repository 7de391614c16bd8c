//! The runs: one, or one every interval, from the state to the state.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use super::asker::{Asker, Error as AskError};
use super::checkpoint::SiteCheckpoint;
use super::clock::Skew;
use super::delivery::{Delivery, Fetched};
use super::error::Error;
use super::pager::{self, FetchEvent, Pager};
use super::since::Since;
use super::slices::{RunOutcome, Slices};
use super::window::{Reach, Window, is_future};
use super::written::WrittenLines;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::process::logging;
use crate::process::service::Service;
use crate::process::signal_guard;
use crate::process::stop::Stop;
use crate::ship::{self, Mapping, Shipper};
use crate::sink;
use crate::state::{self, Store};

/// Pages that may have come, but are not taken yet.
const PAGES_AHEAD: usize = 1;
/// A first run over a range at least this long that returns no records is warned about.
const SUSPICIOUS: Duration = Duration::from_secs(12 * 60 * 60);
/// What is fetched, and where it goes.
#[derive(Debug)]
pub struct FetchOptions {
    /// Where the very first run begins.
    pub since: Option<Since>,
    /// Time range to fetch.
    pub reach: Reach,
    /// How much time is fetched, written and saved at once.
    pub slice: Duration,
    /// Records to ask for at a time.
    pub page_size: usize,
    /// From one start to the next; once, without.
    pub interval: Option<Duration>,
    /// Whether the records are written as they came.
    pub raw: bool,
    /// Whether records of our own requests are left out.
    pub exclude_own_searches: bool,
    /// Output file; `-` is stdout.
    pub output: PathBuf,
    /// The directory of the state, where it is not the usual one.
    pub state_dir: Option<PathBuf>,
    /// Number of worker threads.
    pub threads: NonZeroUsize,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct FetchOutcome {
    /// A signal ended it before everything was fetched.
    pub is_stopped: bool,
    /// Records and failures of this run.
    pub counts: Counts,
}

/// Fetches and delivers until everything is there, or it is time to end; none if nobody reads the output
/// any more.
///
/// # Errors
/// When the site, the output or the state fails.
pub fn run(
    options: &FetchOptions,
    mapping: &Mapping,
    asker: Asker,
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<Option<FetchOutcome>, Error> {
    let delivery = open(options, mapping, &asker, stop, service)?;
    let mut fetching = Fetching {
        options,
        asker: Arc::new(asker),
        delivery,
        skew: Skew::default(),
        emptiness_told: false,
        has_succeeded: false,
    };
    service.ready();
    let ended = match options.interval {
        None => fetching.run(),
        Some(interval) => fetching.run_again_and_again(interval),
    };
    service.stopping();
    // Tokens that were asked for are to be on disk.
    signal_guard::wait(signal_guard::PATIENCE);
    let ended = match ended {
        Ok(ended) => ended,
        Err(Error::Ship(ship::Error::Sink(sink::Error::Closed))) => return Ok(None),
        Err(Error::Ship(ship::Error::Sink(sink::Error::GivenUp))) => {
            tracing::warn!(
                "stopped while the output was blocked: the rest is written by the next run"
            );
            RunOutcome::Stopped
        }
        Err(error) => return Err(error),
    };
    fetching.delivery.end()?;
    fetching.summarise();
    Ok(Some(FetchOutcome {
        is_stopped: ended == RunOutcome::Stopped,
        counts: fetching.delivery.shipper.total,
    }))
}

/// Takes the state, and brings the output to what it says.
fn open<'a>(
    options: &FetchOptions,
    mapping: &'a Mapping,
    asker: &Asker,
    stop: &Arc<Stop>,
    service: &Arc<Service>,
) -> Result<Delivery<'a>, ship::Error> {
    let directory = state::directory(options.state_dir.as_deref())?;
    let new = SiteCheckpoint::new(asker.site.name(), asker.search.clone());
    let name = new.file_name();
    let store = Store::open(&directory, &name)?;
    let mut checkpoint: SiteCheckpoint = store.load()?.unwrap_or(new);
    let (written, mut noted) = WrittenLines::open(&directory, &name);
    let unsaved = noted.count();
    let mut classify = |line: &[u8], is_known| noted.classify(line, is_known);
    ship::cut_back(
        &directory,
        checkpoint.output.as_ref(),
        unsaved,
        &mut classify,
    )?;
    begin(&mut checkpoint, options.since);
    let fetched = Fetched {
        checkpoint,
        written,
        overlap: options.reach.overlap,
    };
    let saved = (directory, store);
    let shipper = Shipper::open(&options.output, saved, fetched, stop, service)?;
    Ok(Delivery {
        mapping,
        threads: options.threads,
        raw: options.raw,
        dialect: None,
        own_user: options.exclude_own_searches.then(Vec::new),
        pipe: shipper.sink().pipe(),
        shipper,
    })
}

/// Settles where the very first run begins, however long it takes until there is an answer.
fn begin(checkpoint: &mut SiteCheckpoint, since: Option<Since>) {
    let now = Timestamp::now();
    let order = |since: Since| (since.to_string(), since.at(now));
    match (checkpoint.cursor, since) {
        (None, since) => {
            checkpoint.first(since.map(order), order(Since::DEFAULT));
        }
        (Some(cursor), Some(_)) => tracing::info!(
            "resuming from {cursor}, where the last run ended: --since applies to the first run only; `confluence-ecs \
             state set {} --since TIME` moves the position",
            checkpoint.name()
        ),
        (Some(_), None) => {}
    }
}

/// The runs of this process.
struct Fetching<'a> {
    options: &'a FetchOptions,
    asker: Arc<Asker>,
    delivery: Delivery<'a>,
    skew: Skew,
    emptiness_told: bool,
    has_succeeded: bool,
}

impl Fetching<'_> {
    /// A run every `interval`, by the clock and not by how long runs take.
    fn run_again_and_again(&mut self, interval: Duration) -> Result<RunOutcome, Error> {
        let mut next = Instant::now();
        let reach = self.options.reach;
        loop {
            let settled = Timestamp::now().minus(reach.settle);
            let is_last = reach.until.is_some_and(|until| until <= settled);
            match self.run() {
                Ok(RunOutcome::Stopped) => return Ok(RunOutcome::Stopped),
                Ok(RunOutcome::Done) if is_last => {
                    tracing::info!("fetched everything up to --until");
                    return Ok(RunOutcome::Done);
                }
                Ok(RunOutcome::Done) => self.has_succeeded = true,
                Err(Error::Fetch(error)) if self.may_pass(&error) => {
                    tracing::error!("{error}; retrying at the next interval");
                }
                Err(error) => return Err(error),
            }
            let Counts { records, failed } = self.delivery.shipper.total;
            let status = format!("{records} records, {failed} not mapped");
            self.delivery.shipper.service.status(&status);
            next += interval;
            let now = Instant::now();
            if next < now {
                // Runs that were missed are not made up for: the next one finds everything.
                let missed = now.duration_since(next).as_nanos() / interval.as_nanos().max(1);
                let missed = u32::try_from(missed).unwrap_or(u32::MAX);
                next += interval.saturating_mul(missed.saturating_add(1));
            }
            while let Some(left) = next.checked_duration_since(Instant::now()) {
                self.delivery.wait(left)?;
                if self.delivery.shipper.stop.is_requested() {
                    return Ok(RunOutcome::Stopped);
                }
                self.delivery.shipper.follow_moved()?;
            }
        }
    }

    /// Whether what ended a run may be over at the next.
    fn may_pass(&self, error: &pager::Error) -> bool {
        match error {
            // A proxy, while Confluence starts behind it.
            pager::Error::Ask(error @ AskError::Refused(_)) => {
                error.is_about_place() && self.has_succeeded
            }
            // The grant has ended, or its server is out of reach.
            pager::Error::Ask(AskError::Auth(error)) => error.is_outage(),
            pager::Error::Ask(AskError::Unanswered { .. })
            | pager::Error::Repeats { .. }
            | pager::Error::Moves { .. } => true,
        }
    }

    /// Fetches what there is to fetch now.
    fn run(&mut self) -> Result<RunOutcome, Error> {
        let now = Timestamp::now();
        let checkpoint = self.delivery.checkpoint();
        let first = checkpoint.first.as_ref().map_or(now, |(_, first)| *first);
        let cursor = checkpoint.cursor.unwrap_or(first);
        let since = checkpoint.since.unwrap_or(first);
        let reach = self.options.reach;
        let Some(range) = reach.window(since, cursor, now) else {
            if checkpoint.cursor.is_none() {
                tracing::warn!("--until is before --since ({first}): nothing to fetch");
            } else if is_future(cursor) {
                tracing::warn!(
                    "the saved position, {cursor}, is in the future: reset it with `confluence-ecs state \
                     set {} --since TIME`",
                    checkpoint.name()
                );
            } else if reach.until.is_some_and(|until| until < cursor) {
                tracing::info!("nothing to fetch: everything up to {cursor} was fetched before");
            }
            return Ok(RunOutcome::Done);
        };
        tracing::debug!(from = %range.from, to = %range.to, "fetching");
        let events = self.begin(range);
        let mut run = Slices::new(
            &mut self.delivery,
            &mut self.skew,
            reach,
            events,
            (range, first),
            now,
        );
        let ended = run.run();
        let is_empty = run.is_empty();
        // Requests that were made cause records, whatever came of them.
        run.note_requests();
        // Not after a failure of the output, which is to be given up as it is.
        if matches!(ended, Ok(RunOutcome::Stopped) | Err(Error::Fetch(_))) {
            self.save_requests();
        }
        if is_empty && matches!(ended, Ok(RunOutcome::Done)) {
            self.warn_if_empty(range);
        }
        ended
    }

    /// Credentials can be accepted, and see nothing.
    fn warn_if_empty(&mut self, range: Window) {
        let is_long = range.from.plus(SUSPICIOUS) <= range.to;
        let checkpoint = self.delivery.checkpoint();
        if checkpoint.events > 0 || checkpoint.search.is_some() || !is_long || self.emptiness_told {
            return;
        }
        self.emptiness_told = true;
        tracing::warn!(
            "{} returned no records for {} to {}: run `confluence-ecs check` with the same options to see \
             whether the account may read them; if not, fetch them afterwards with `confluence-ecs state \
             set {} --since TIME`",
            checkpoint.site,
            range.from,
            range.to,
            checkpoint.site
        );
    }

    /// Starts the thread that fetches the pages of a range.
    fn begin(&self, range: Window) -> Receiver<FetchEvent> {
        let (sender, events) = mpsc::sync_channel(PAGES_AHEAD);
        let asker = Arc::clone(&self.asker);
        let page_size = self.options.page_size;
        let mut pager = Pager::new(
            asker,
            page_size,
            sender,
            Arc::clone(&self.delivery.shipper.stop),
        );
        if self.delivery.own_user.as_ref().is_some_and(Vec::is_empty) {
            pager = pager.asking_user();
        }
        let slice = self.options.slice;
        // Not joined: it may be waiting for the network when it is time to end.
        std::thread::spawn(move || pager.run(range, slice));
        events
    }

    fn save_requests(&mut self) {
        if self.delivery.own_user.is_some()
            && self.delivery.checkpoint().cursor.is_some()
            && let Err(error) = self.delivery.shipper.save()
        {
            tracing::debug!("{error}");
        }
    }

    fn summarise(&self) {
        let Counts { records, failed } = self.delivery.shipper.total;
        let client = &self.asker.client;
        let requests = client.requests.load(Ordering::Relaxed);
        let repeated = client.repeated.load(Ordering::Relaxed);
        let (bytes, seconds) = self.delivery.shipper.volume();
        if failed > 0 {
            tracing::warn!(records, failed, requests, repeated, bytes, seconds, "done");
        } else if logging::shows_summary() {
            tracing::info!(records, failed, requests, repeated, bytes, seconds, "done");
        }
    }
}

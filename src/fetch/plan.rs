//! Which range a run asks for, by the clock that is known.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use super::checkpoint::SiteCheckpoint;
use super::clock::Clock;
use super::start::Start;
use super::time_spec::TimeSpec;
use super::window::{Reach, Window, is_future};
use crate::pipeline::timestamp::Timestamp;

/// What is fetched, and where it goes.
#[derive(Debug)]
pub struct FetchOptions {
    /// Where the very first run begins.
    pub since: Option<TimeSpec>,
    /// The last time of all to fetch.
    pub until: Option<TimeSpec>,
    /// How far to look back for records that came late.
    pub overlap: Duration,
    /// How far to stay behind the present.
    pub settle: Duration,
    /// How much time is fetched, written and saved at once.
    pub slice: Duration,
    /// Records to ask for at a time.
    pub page_size: usize,
    /// From one start to the next; once, without.
    pub interval: Option<Duration>,
    /// Whether the records are written as they came.
    pub raw: bool,
    /// Whether events are written with their ids, as a cluster's bulk request has them.
    pub has_ids: bool,
    /// Whether records of our own requests are left out.
    pub exclude_own_searches: bool,
    /// Output file; `-` is stdout.
    pub output: PathBuf,
    /// The directory of the state, where it is not the usual one.
    pub state_dir: Option<PathBuf>,
    /// Number of worker threads.
    pub threads: NonZeroUsize,
}

/// What a run is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// The range to ask for; none if there is nothing to ask.
    pub range: Option<Window>,
    /// Where the very first run begins, if this is it.
    pub first: Option<Timestamp>,
    /// Where to go on, if the saved position is in the future.
    pub correction: Option<Timestamp>,
    /// The present, if an absolute time to begin at is later: nothing can be fetched.
    pub too_early: Option<Timestamp>,
}

/// Where the very first run begins.
#[derive(Debug, Clone)]
pub struct FirstRun {
    /// The start that was asked for, and when that is by this machine's clock.
    pub start: Start,
    /// Whether an earlier process was asked, whose clock may have been another.
    pub is_kept: bool,
}

impl FirstRun {
    /// Where it begins by the server's clock.
    #[must_use]
    pub fn begins(&self, clock: &Clock, now: Timestamp) -> Timestamp {
        let Start(_, time) = self.start;
        if self.start.is_absolute() {
            time
        } else if self.is_kept {
            clock.earlier(time).min(now)
        } else {
            clock.at_server(time)
        }
    }
}

/// When it is here.
#[derive(Debug, Clone, Copy)]
pub struct LocalTimes {
    /// The beginning of the process: what is relative to the present is relative to that.
    pub process: Timestamp,
    /// The beginning of the run.
    pub run: Timestamp,
}

/// The last time to fetch.
#[must_use]
pub fn until(options: &FetchOptions, clock: &Clock, process: Timestamp) -> Option<Timestamp> {
    let now = clock.at_server(process);
    options.until.map(|until: TimeSpec| until.at(now))
}

/// The plan of a run. Only a clock that was asked in this run says that something is in the future: a position,
/// which is corrected, or the time to begin at.
#[must_use]
pub fn plan(
    options: &FetchOptions,
    checkpoint: &SiteCheckpoint,
    first_run: &FirstRun,
    (clock, is_asked): (&Clock, bool),
    local: LocalTimes,
) -> Plan {
    let now = clock.at_server(local.run);
    let reach = Reach {
        until: until(options, clock, local.process),
        overlap: options.overlap,
        settle: options.settle,
    };
    let Some(cursor) = checkpoint.cursor else {
        let first = first_run.begins(clock, now);
        let is_future = first_run.start.is_absolute() && is_future(first, now);
        return Plan {
            range: reach.window(first, first, now),
            first: Some(first),
            correction: None,
            too_early: (is_asked && is_future).then_some(now),
        };
    };
    let correction = is_asked
        .then(|| {
            let position = (cursor, !checkpoint.by_server_clock);
            clock.correction(position, local.run, options.overlap)
        })
        .flatten();
    let since = checkpoint.since.unwrap_or(cursor);
    let (since, cursor) = correction.map_or((since, cursor), |to| (since.min(to), to));
    let range = reach.window(since, cursor, now);
    Plan {
        range: range.or_else(|| reach.probe(since, cursor)),
        first: None,
        correction,
        too_early: None,
    }
}

impl Plan {
    /// Whether a range that was asked for by another clock is not the right one: it may be longer than this
    /// one, as what is too late is not counted as fetched.
    #[must_use]
    pub fn differs(&self, asked: &Self) -> bool {
        let ends_later = match (self.range, asked.range) {
            (Some(own), Some(asked)) => own.to > asked.to || own.from != asked.from,
            (own, asked) => own.is_some() != asked.is_some(),
        };
        ends_later
            || self.first != asked.first
            || self.correction != asked.correction
            || self.too_early != asked.too_early
    }
}

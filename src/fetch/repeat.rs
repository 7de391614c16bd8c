//! A run every interval, of whatever is fetched.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use super::error::Error;
use super::fetched::{self, Checkpoint, Fetched};
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::process::service::Service;
use crate::process::signal_guard;
use crate::ship::{self, Shipper};
use crate::sink;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunOutcome {
    /// Everything was fetched and delivered.
    Done,
    /// It is time to end.
    Stopped,
}

/// What came of all runs.
#[derive(Debug, Clone, Copy)]
pub struct FetchOutcome {
    /// A signal ended it before everything was fetched.
    pub is_stopped: bool,
    /// Records and failures of this process.
    pub counts: Counts,
}

/// Something that is fetched run by run.
pub trait Runs {
    /// What is saved of it.
    type State: Checkpoint;

    /// Fetches what there is to fetch now.
    ///
    /// # Errors
    /// When the source, the output or the state fails.
    fn run(&mut self) -> Result<RunOutcome, Error>;

    /// Whether a run that began then was the last, as it came to the end of the range.
    fn is_last(&self, began: Timestamp) -> bool;

    /// Whether what ended a run may be over at the next.
    fn may_pass(&self, error: &Error) -> bool;

    /// Takes note that a run came to its end.
    fn succeeded(&mut self);

    /// The output and the state.
    fn shipper(&mut self) -> &mut Shipper<Fetched<Self::State>>;

    /// The output, if it is a pipe.
    fn pipe(&self) -> Option<&OwnedFd>;
}

/// Runs once, or every `interval`, by the clock and not by how long runs take.
///
/// # Errors
/// When a run fails, and the next one would.
pub fn run(runs: &mut impl Runs, interval: Option<Duration>) -> Result<RunOutcome, Error> {
    let Some(interval) = interval else {
        let ended = runs.run()?;
        if ended == RunOutcome::Done {
            runs.succeeded();
        }
        return Ok(ended);
    };
    let mut next = Instant::now();
    loop {
        let began = Timestamp::now();
        match runs.run() {
            Ok(RunOutcome::Stopped) => return Ok(RunOutcome::Stopped),
            Ok(RunOutcome::Done) if runs.is_last(began) => {
                tracing::info!("fetched everything up to --until");
                return Ok(RunOutcome::Done);
            }
            Ok(RunOutcome::Done) => runs.succeeded(),
            Err(error) if runs.may_pass(&error) => {
                tracing::error!("{error}; retrying at the next interval");
            }
            Err(error) => return Err(error),
        }
        runs.shipper().service.tell_status();
        next += interval;
        let now = Instant::now();
        if next < now {
            // Runs that were missed are not made up for: the next one finds everything.
            let missed = now.duration_since(next).as_nanos() / interval.as_nanos().max(1);
            let missed = u32::try_from(missed).unwrap_or(u32::MAX);
            next += interval.saturating_mul(missed.saturating_add(1));
        }
        if !wait_until(runs, next)? {
            return Ok(RunOutcome::Stopped);
        }
    }
}

/// Waits for the next run; false if it is time to end.
fn wait_until(runs: &mut impl Runs, next: Instant) -> Result<bool, Error> {
    while let Some(left) = next.checked_duration_since(Instant::now()) {
        let pipe = runs.pipe().map(OwnedFd::try_clone).transpose()?;
        fetched::wait(runs.shipper(), pipe.as_ref(), left)?;
        if runs.shipper().stop.is_requested() {
            return Ok(false);
        }
        runs.shipper().follow_moved()?;
    }
    Ok(true)
}

/// How all runs ended; none if nobody reads the output any more.
///
/// # Errors
/// What they failed with.
pub fn conclude(
    ended: Result<RunOutcome, Error>,
    service: &Service,
) -> Result<Option<RunOutcome>, Error> {
    service.stopping();
    // Tokens that were asked for are to be on disk.
    signal_guard::wait(signal_guard::PATIENCE);
    match ended {
        Ok(ended) => Ok(Some(ended)),
        Err(Error::Ship(ship::Error::Sink(sink::Error::Closed))) => Ok(None),
        Err(Error::Ship(ship::Error::Sink(sink::Error::GivenUp))) => {
            tracing::warn!(
                "stopped while the output was blocked: the rest is written by the next run"
            );
            Ok(Some(RunOutcome::Stopped))
        }
        Err(error) => Err(error),
    }
}

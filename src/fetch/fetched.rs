//! How far something is fetched, and the output that it is fetched to.

use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use super::written::WrittenLines;
use crate::cluster::sink::ClusterCheckpoint;
use crate::process::service::Service;
use crate::process::stop::Stop;
use crate::ship::{self, Progress, Shipper};
use crate::sink::{self, Destination, OutputCheckpoint};
use crate::state::Store;

/// How long a wait may be at most; signals and news end it.
pub const LONG: Duration = Duration::from_secs(3600);

/// What is saved of something that is fetched.
pub trait Checkpoint: Serialize {
    /// Its name for people, and for `state`.
    fn name(&self) -> String;

    /// Whether there was an answer, so that there is something to save.
    fn is_begun(&self) -> bool;

    /// Forgets what no run will look back at, if none looks further back than that.
    fn forget(&mut self, overlap: Duration);

    /// The output file, as it was when this was saved.
    fn output(&mut self) -> &mut Option<OutputCheckpoint>;

    /// The cluster, as it was when this was saved.
    fn cluster(&mut self) -> &mut Option<ClusterCheckpoint>;
}

/// How far something is fetched, and what belongs to it.
pub struct Fetched<C> {
    /// The state that is saved.
    pub checkpoint: C,
    /// Which lines went to the output since it was saved.
    pub written: WrittenLines,
    /// How far back later runs look.
    pub overlap: Duration,
    /// Whether another state is known to write to the same output.
    pub shares_output: bool,
    /// All was fetched up to the present of this process: an earlier one came no further.
    pub is_caught_up: bool,
    /// How long the last save took.
    pub save_took: Duration,
}

impl<C: Checkpoint> Progress for Fetched<C> {
    type State = C;

    fn is_begun(&self) -> bool {
        self.checkpoint.is_begun()
    }

    fn is_first(&self) -> bool {
        !self.checkpoint.is_begun()
    }

    fn shares_output(&self) -> bool {
        self.shares_output
    }

    fn state(&mut self) -> &C {
        self.checkpoint.forget(self.overlap);
        &self.checkpoint
    }

    fn output(&mut self) -> &mut Option<OutputCheckpoint> {
        self.checkpoint.output()
    }

    fn cluster(&mut self) -> &mut Option<ClusterCheckpoint> {
        self.checkpoint.cluster()
    }

    fn is_past_doubt(&mut self) -> bool {
        self.is_caught_up
    }

    fn saved(&mut self, is_saved: bool, took: Duration) {
        self.save_took = took;
        if is_saved {
            self.written.clear();
        }
    }
}

/// Brings the output to what the state says of it, and opens it.
///
/// # Errors
/// When the output or the state fails.
pub fn open<C: Checkpoint>(
    destination: Destination,
    (directory, store, file): (PathBuf, Store, &str),
    (mut checkpoint, overlap, shares_output): (C, Duration, bool),
    (stop, service): (&Arc<Stop>, &Arc<Service>),
) -> Result<Shipper<Fetched<C>>, ship::Error> {
    let (written, mut noted) = WrittenLines::open(&directory, file);
    let unsaved = noted.count();
    let mut classify = |line: &[u8], is_known| noted.classify(line, is_known);
    let output = checkpoint.output().as_ref();
    ship::cut_back(&directory, output, unsaved, &mut classify)?;
    let fetched = Fetched {
        checkpoint,
        written,
        overlap,
        shares_output,
        is_caught_up: false,
        save_took: Duration::ZERO,
    };
    let name = fetched.checkpoint.name();
    service.metrics().describe(|known| known.site = Some(name));
    Shipper::open(destination, (directory, store), fetched, stop, service)
}

/// Waits for news, a signal, or the end of a pipe.
///
/// # Errors
/// When the system does not let it wait.
pub fn wait<C: Checkpoint>(
    shipper: &Shipper<Fetched<C>>,
    pipe: Option<&OwnedFd>,
    most: Duration,
) -> std::io::Result<()> {
    shipper.service.waiting(true);
    let waited = shipper
        .stop
        .wait_for(most.min(LONG), pipe.map(|pipe| pipe.as_fd()));
    shipper.service.waiting(false);
    waited
}

/// Saves a last time.
///
/// # Errors
/// When the output or the state fails.
pub fn end<C: Checkpoint>(shipper: &mut Shipper<Fetched<C>>) -> Result<(), ship::Error> {
    match shipper.end() {
        Err(ship::Error::Sink(sink::Error::GivenUp)) => Ok(()),
        saved => saved,
    }
}

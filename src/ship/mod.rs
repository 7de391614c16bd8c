//! Shipping: lines to the output, and the state that says what is in it.
//!
//! One shipper for everything that runs continuously: write lines, sync the output, save the state, reopen
//! an output that was moved away.

mod cut_back;
mod live;
mod mapping;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cluster::sink::{ClusterCheckpoint, SAVE_BYTES as CLUSTER_SAVE_BYTES};
use crate::pipeline::normalize::Counts;
use crate::process::logging::seconds_since;
use crate::process::patience::Patience;
use crate::process::service::Service;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;
use crate::sink::{self, Destination, Durable, OutputCheckpoint, Recorded};
use crate::state::{self, Store};

use live::Speaker;

pub use cut_back::cut_back;
pub use mapping::Mapping;

/// How long to wait for room for the state before trying again.
const FULL_WAIT: Duration = Duration::from_millis(500);
/// A save waits for all answers of a cluster: not with every one of them.
const CLUSTER_SAVE_INTERVAL: Duration = Duration::from_secs(5);
/// The state is saved at the latest after so many bytes of events.
pub const SAVE_BYTES: usize = 8 << 20;
/// Room for events that is kept from piece to piece; what enormous records needed is given back.
pub const LINES_KEPT: usize = 4 << 20;

/// Why lines cannot be shipped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The output cannot be opened, written or synced.
    #[error(transparent)]
    Sink(#[from] sink::Error),
    /// The state cannot be locked or read.
    #[error(transparent)]
    State(#[from] state::Error),
    /// The state cannot be saved.
    #[error("cannot save the state in {}: {source}", directory.shown())]
    Save {
        /// The state directory.
        directory: PathBuf,
        /// The underlying I/O error.
        source: std::io::Error,
    },
}

impl Error {
    /// Whether the output took no more, so that the run ends early, but what it took is to be saved.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self, Self::Sink(sink::Error::Closed | sink::Error::GivenUp))
    }
}

/// The read position of `tail` or `fetch`, as far as the shipper needs it.
pub trait Progress {
    /// The value that the state file holds.
    type State: Serialize;

    /// Whether there is a state to save; not yet, while a source has given nothing at all.
    fn is_begun(&self) -> bool {
        true
    }

    /// Whether no run before this one left a state.
    fn is_first(&self) -> bool;

    /// Whether another state of the directory is known to write to the same output.
    fn shares_output(&self) -> bool {
        false
    }

    /// The state as it is to be saved now.
    fn state(&mut self) -> &Self::State;

    /// What the state says of the output.
    fn output(&mut self) -> &mut Option<OutputCheckpoint>;

    /// What the state says of the cluster.
    fn cluster(&mut self) -> &mut Option<ClusterCheckpoint>;

    /// Whether all was read again that an earlier run, which was killed, may have sent to a cluster.
    fn is_past_doubt(&mut self) -> bool {
        false
    }

    /// Takes note that the output and the state were saved, or that one of them failed; how long that
    /// took.
    fn saved(&mut self, is_saved: bool, took: Duration);
}

/// The output, and the state that says what is in it.
pub struct Shipper<P> {
    /// Before the state, whose lock it speaks under.
    _speaker: Option<Speaker>,
    sink: Durable,
    store: Store,
    /// The directory of the state.
    directory: PathBuf,
    /// The read position.
    pub progress: P,
    /// Whether it is time to end.
    pub stop: Arc<Stop>,
    /// Who watches over the process.
    pub service: Arc<Service>,
    /// All events of this process.
    pub total: Counts,
    /// Nothing more is written.
    is_final: bool,
    last_save: Instant,
    unsaved_bytes: usize,
    /// Bytes of events of this process.
    bytes: u64,
    began: Instant,
}

impl<P: Progress> Shipper<P> {
    /// Opens the output, and saves what it is, if there is a state: that is to be known before anything is in
    /// it.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn open(
        output: Destination,
        (directory, store): (PathBuf, Store),
        mut progress: P,
        stop: &Arc<Stop>,
        service: &Arc<Service>,
    ) -> Result<Self, Error> {
        if let Destination::Path(path, lines) = &output {
            let whose = (progress.is_first(), progress.shares_output());
            sink::warn_of_foreign(path, *lines, progress.output().as_ref(), whose);
        }
        let (dir, name) = store.place();
        let shown = output.to_string();
        service.metrics().describe(|known| {
            known.state = Some(name.to_owned());
            known.output = Some(shown);
        });
        let speaker = Speaker::start(dir, name, service);
        let mut sink = Durable::reach(output)?;
        if let Durable::Cluster(sink) = &mut sink {
            let is_past_doubt = progress.is_past_doubt();
            sink.resume(progress.cluster().take(), is_past_doubt);
        }
        let mut shipper = Self {
            _speaker: speaker,
            sink,
            store,
            directory,
            progress,
            stop: Arc::clone(stop),
            service: Arc::clone(service),
            total: Counts::default(),
            is_final: false,
            last_save: Instant::now(),
            unsaved_bytes: 0,
            bytes: 0,
            began: Instant::now(),
        };
        shipper.save()?;
        Ok(shipper)
    }

    /// The output file or stream.
    pub fn sink(&self) -> &Durable {
        &self.sink
    }

    /// The directory of the state.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the output is a file, which is cut back to what was saved of it after a crash.
    pub fn is_file(&self) -> bool {
        matches!(self.sink, Durable::File(_))
    }

    /// Whether it is a cluster: a save waits for its answers.
    pub fn is_cluster(&self) -> bool {
        matches!(self.sink, Durable::Cluster(_))
    }

    /// How many bytes of events are written before the state is saved, at most; none if bytes do not
    /// count.
    pub fn save_bytes(&self) -> Option<usize> {
        match self.sink {
            Durable::Stdout(_) => None,
            Durable::File(_) => Some(SAVE_BYTES),
            Durable::Cluster(_) => Some(CLUSTER_SAVE_BYTES),
        }
    }

    /// The state is saved no more often than this while there is more to write.
    pub fn save_interval(&self) -> Duration {
        if self.is_cluster() {
            CLUSTER_SAVE_INTERVAL
        } else {
            Duration::ZERO
        }
    }

    /// Whether so much was written that the state is to be saved.
    pub fn is_full(&self) -> bool {
        self.save_bytes()
            .is_some_and(|most| self.unsaved_bytes >= most)
    }

    /// When the state was saved last.
    pub fn last_save(&self) -> Instant {
        self.last_save
    }

    /// Bytes of events that this process wrote, and in how many seconds, for a summary.
    pub fn volume(&self) -> (u64, f64) {
        (self.bytes, seconds_since(self.began))
    }

    /// Saves and reopens the output if it was moved away: into a file that is being compressed, nothing
    /// more is to be written.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn leave_moved(&mut self) -> Result<(), Error> {
        if self.sink.is_moved() {
            self.save()?;
            self.follow_moved()?;
        }
        Ok(())
    }

    /// Whether what is written next was not there for an earlier run to send.
    pub fn expect_new(&mut self, is_new: bool) {
        if let Durable::Cluster(sink) = &mut self.sink {
            sink.expect_new(is_new);
        }
    }

    /// Writes lines, waiting for the output; who asks for the end wants what was read to be written
    /// first, if that is possible.
    ///
    /// # Errors
    /// As [`Durable::write`].
    pub fn write(&mut self, lines: &[u8]) -> Result<(), Error> {
        self.wait_for_output(true);
        let give_up = Patience::new(&self.stop, self.sink.patience());
        let prepared = self.sink.prepare(lines, &|| give_up.is_over());
        self.wait_for_output(false);
        if prepared? {
            self.save()?;
        }
        self.wait_for_output(true);
        let give_up = Patience::new(&self.stop, self.sink.patience());
        let written = self.sink.write(lines, &|| give_up.is_over());
        self.wait_for_output(false);
        written?;
        self.service.metrics().wrote(lines.len());
        self.unsaved_bytes += lines.len();
        self.bytes += lines.len() as u64;
        Ok(())
    }

    /// Whether it waits for the output, which is no hang.
    fn wait_for_output(&self, is_waiting: bool) {
        self.service.waiting(is_waiting);
        self.service.metrics().waiting(is_waiting);
    }

    /// Counts records that are at the output as events, or `raw`.
    pub fn count(&mut self, counts: Counts, raw: bool) {
        self.total += counts;
        let metrics = self.service.metrics();
        if raw {
            metrics.raw_records(counts.records);
        } else {
            metrics.records(counts.records, counts.failed);
        }
    }

    /// The output first, then the state: a crash between them repeats what is then cut away.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn save(&mut self) -> Result<(), Error> {
        self.wait_for_output(true);
        let began = Instant::now();
        let saved = self.save_both();
        let took = began.elapsed();
        self.progress.saved(saved.is_ok(), took);
        self.wait_for_output(false);
        if saved.is_ok() && self.progress.is_begun() {
            self.service.metrics().saved(took);
        }
        self.last_save = Instant::now();
        self.unsaved_bytes = 0;
        saved
    }

    fn save_both(&mut self) -> Result<(), Error> {
        if let Durable::Cluster(sink) = &mut self.sink
            && self.progress.is_past_doubt()
        {
            sink.end_doubt();
        }
        let give_up = Patience::new(&self.stop, self.sink.patience());
        let recorded = self.sink.sync(&|| give_up.is_over())?;
        let (file, cluster) = match recorded {
            Recorded::Nothing => (None, None),
            Recorded::File(file) => (Some(file), None),
            Recorded::Cluster(cluster) => (None, cluster),
        };
        let output = self.progress.output();
        let before = std::mem::replace(output, file);
        if let Some(output) = output {
            output.succeed(before);
            output.is_final = self.is_final;
        }
        *self.progress.cluster() = cluster.map(|cluster| cluster.finally(self.is_final));
        if !self.progress.is_begun() {
            return Ok(());
        }
        let state = self.progress.state();
        save(&self.store, state, &self.directory, &self.stop)
    }

    /// Opens the output anew if it was moved away, or a SIGHUP asks for it.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn follow_moved(&mut self) -> Result<(), Error> {
        if self.stop.take_hangup() || self.sink.is_moved() {
            self.reopen()?;
        }
        Ok(())
    }

    /// Opens the output anew.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn reopen(&mut self) -> Result<(), Error> {
        tracing::info!("reopening the output");
        self.sink.reopen()?;
        self.save()
    }

    /// Saves a last time.
    ///
    /// # Errors
    /// When the output or the state fails.
    pub fn end(&mut self) -> Result<(), Error> {
        self.is_final = true;
        self.save()
    }
}

/// Saves the state, waiting for room.
///
/// # Errors
/// When the state cannot be saved for another reason than a full disk, or it is time to end.
pub fn save(
    store: &Store,
    state: &impl Serialize,
    directory: &Path,
    stop: &Stop,
) -> Result<(), Error> {
    let mut is_full = false;
    while let Err(source) = store.save(state) {
        if !sink::is_full(&source) {
            let directory = directory.to_owned();
            return Err(Error::Save { directory, source });
        }
        if !is_full {
            is_full = true;
            tracing::warn!(
                "no space left for the state in {}: {source}; waiting for space, nothing is lost",
                directory.shown()
            );
        }
        if stop.is_requested() {
            return Err(sink::Error::GivenUp.into());
        }
        std::thread::sleep(FULL_WAIT);
    }
    if is_full {
        tracing::info!("space for the state is available again");
    }
    Ok(())
}

//! Metrics of the sources in Prometheus' text format: at an address, in a file, and as the status of the service.
//!
//! [`Metrics`] are those of a process, [`SourceMetrics`] those of one of its sources, which whatever works for the
//! source updates. `families` has their names (docs/monitoring.md).

mod endpoint;
mod families;
mod file;
mod health;
mod now;
mod series;
mod source;
mod values;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use prometheus::TextEncoder;

use super::listener::{self, Listener};
use super::pulse::Pulses;
use super::shown::Shown as _;
use families::Families;
use health::Health;
use series::Series;
pub use source::{RequestMetrics, SourceMetrics};
pub use values::{Api, FileState, FollowedFile, ItemOutcome};

/// How often the file is written.
const FILE_INTERVAL: Duration = Duration::from_secs(15);
/// The label that says which source it is.
const SOURCE: &str = "source";

/// Where metrics are told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricsOptions {
    /// A file.
    pub file: Option<PathBuf>,
    /// An address to listen on.
    pub listen: Option<SocketAddr>,
}

/// Why metrics cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error(
        "--metrics-listen: cannot listen on {address}: {problem}; choose another address, or stop what listens there"
    )]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why not.
        problem: String,
    },
    /// The file cannot be written.
    #[error("--metrics-file: cannot write {}: {source}", path.shown())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// There is no thread left for it.
    #[error("cannot start the thread for metrics: {0}")]
    Thread(io::Error),
    /// The metrics contradict each other.
    #[error("cannot collect metrics: {0}")]
    Collect(#[from] prometheus::Error),
}

/// The metrics of the process. When they are dropped, the file is written a last time.
#[derive(Debug)]
pub struct Metrics {
    shared: Arc<Shared>,
    /// Ends the thread that writes the file.
    writer: Option<(Sender<()>, JoinHandle<()>)>,
}

/// What all threads share.
#[derive(Debug)]
struct Shared {
    families: Arc<Families>,
    health: Arc<Health>,
    sources: Mutex<BTreeMap<String, Arc<Series>>>,
}

impl Metrics {
    /// Begins to listen, and to write the file, as far as that is wanted.
    ///
    /// # Errors
    /// When the address cannot be listened on, or the file not be written.
    pub fn start(options: &MetricsOptions) -> Result<Self, Error> {
        let shared = Arc::new(Shared {
            families: Arc::new(Families::new()?),
            health: Arc::default(),
            sources: Mutex::default(),
        });
        let mut metrics = Self {
            shared,
            writer: None,
        };
        if let Some(address) = options.listen {
            metrics.listen(address)?;
        }
        if let Some(path) = &options.file {
            metrics.write(path.clone())?;
        }
        Ok(metrics)
    }

    /// The metrics of a source, which go on if there were some of that name.
    #[must_use]
    pub fn source(&self, name: &str) -> SourceMetrics {
        let mut sources = self.shared.sources();
        let series = sources.entry(name.to_owned()).or_insert_with(|| {
            let Shared {
                families, health, ..
            } = &*self.shared;
            Arc::new(Series::new(name, families, health))
        });
        SourceMetrics::of(Arc::clone(series))
    }

    /// The configuration was read, or could not be used and the one before goes on.
    pub fn config_loaded(&self, is_good: bool) {
        let gauge = &self.shared.families.config_reload;
        gauge.with_label_values::<&str>(&[]).set(i64::from(is_good));
    }

    /// Says whose loops are to be alive.
    pub(in crate::process) fn watch(&self, pulses: &Arc<Pulses>) {
        self.shared.health.watch(pulses);
    }

    fn listen(&self, address: SocketAddr) -> Result<(), Error> {
        let failed = |problem| Error::Listen { address, problem };
        let socket = listener::listen(address).map_err(failed)?;
        let bound = socket.local_addr().unwrap_or(address);
        let (listener, shared) = (Listener::new(vec![socket]), Arc::clone(&self.shared));
        let thread = thread::Builder::new().name("metrics".to_owned());
        // It ends with the process: whoever asks until then is answered.
        let started = thread.spawn(move || endpoint::serve(listener, &shared));
        started.map_err(Error::Thread)?;
        tracing::info!("serving metrics at http://{bound}/metrics");
        Ok(())
    }

    fn write(&mut self, path: PathBuf) -> Result<(), Error> {
        let (sender, ended) = mpsc::channel();
        let shared = Arc::clone(&self.shared);
        if let Err(source) = shared.write(&path) {
            return Err(Error::File { path, source });
        }
        let write = move || {
            let mut was_written = true;
            loop {
                let waited = ended.recv_timeout(FILE_INTERVAL);
                let written = shared.write(&path);
                match &written {
                    Err(error) if was_written => {
                        let path = path.shown();
                        tracing::warn!("--metrics-file: cannot write {path}: {error}; retrying");
                    }
                    _ => {}
                }
                was_written = written.is_ok();
                if waited != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        let thread = thread::Builder::new().name("metrics-file".to_owned());
        let thread = thread.spawn(write).map_err(Error::Thread)?;
        self.writer = Some((sender, thread));
        Ok(())
    }
}

impl Drop for Metrics {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.writer.take() {
            drop(sender);
            // It does not panic.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn sources(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<Series>>> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn all(&self) -> Vec<Arc<Series>> {
        self.sources().values().cloned().collect()
    }

    /// Why sources are not ready, those that are not.
    fn unready(&self) -> Vec<String> {
        let all = self.all();
        if all.is_empty() {
            return vec!["starting".to_owned()];
        }
        all.iter().filter_map(|series| series.unready()).collect()
    }

    /// All metrics in the text format, but for those of sources that are not in the configuration any more.
    fn text(&self) -> Result<String, prometheus::Error> {
        let (removed, present): (Vec<_>, Vec<_>) = self
            .all()
            .into_iter()
            .partition(|series| series.is_removed());
        for series in present {
            series.refresh();
        }
        let mut families = self.families.registry.gather();
        let is_removed = |metric: &prometheus::proto::Metric| {
            let mut labels = metric.get_label().iter();
            labels.any(|label| {
                label.name() == SOURCE && removed.iter().any(|one| one.name == label.value())
            })
        };
        if !removed.is_empty() {
            for family in &mut families {
                let metrics = family.take_metric().into_iter();
                family.set_metric(metrics.filter(|metric| !is_removed(metric)).collect());
            }
        }
        // The encoder takes no family without a metric.
        families.retain(|family| !family.get_metric().is_empty());
        TextEncoder::new().encode_to_string(&families)
    }

    fn write(&self, path: &std::path::Path) -> io::Result<()> {
        let text = self.text().map_err(io::Error::other)?;
        file::replace(path, &text)
    }
}

//! The options of the mapping in a run that goes on and on.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use crate::pipeline::normalize::Options;
use crate::process::file_id::FileId;
use crate::process::metrics::SourceMetrics;

/// The mapping's options, read again when a database is replaced.
pub struct Mapping {
    read: Box<Read>,
    databases: Vec<PathBuf>,
    stamps: RwLock<(Instant, Vec<Stamp>)>,
    options: RwLock<Arc<Options>>,
    generation: AtomicU64,
    metrics: SourceMetrics,
}

/// How the options are read, again each time.
type Read = dyn Fn() -> Result<Options, Unreadable> + Send + Sync;

/// Why options cannot be read.
type Unreadable = Box<dyn std::error::Error>;

/// What shows that a file was replaced: its identity, length and modification time.
type Stamp = Option<(FileId, u64, SystemTime)>;

impl Mapping {
    /// Reads the options, and again whenever one of the GeoIP databases is replaced.
    ///
    /// # Errors
    /// As `read`.
    pub fn new<E: std::error::Error + 'static>(
        databases: Vec<PathBuf>,
        read: impl Fn() -> Result<Options, E> + Send + Sync + 'static,
    ) -> Result<Self, E> {
        let stamps = (Instant::now(), stamps(&databases));
        let options = read()?;
        Ok(Self {
            read: Box::new(move || Ok(read()?)),
            stamps: RwLock::new(stamps),
            databases,
            options: RwLock::new(Arc::new(options)),
            generation: AtomicU64::new(0),
            metrics: SourceMetrics::default(),
        })
    }

    /// With the metrics of the source whose records are mapped.
    #[must_use]
    pub fn measured(self, metrics: &SourceMetrics) -> Self {
        let metrics = metrics.clone();
        let measured = Self { metrics, ..self };
        measured.measure(&measured.current().1);
        measured
    }

    fn measure(&self, options: &Options) {
        let databases = &options.enricher.databases;
        for (name, database) in [("city", &databases.city), ("asn", &databases.asn)] {
            if let Some(database) = database {
                let built = database.metadata().build_epoch;
                self.metrics.geoip_build(name, built);
            }
        }
    }

    /// The options, and a number that is another when they are.
    pub fn current(&self) -> (u64, Arc<Options>) {
        let options = self.options.read().unwrap_or_else(PoisonError::into_inner);
        (self.generation.load(Ordering::SeqCst), Arc::clone(&options))
    }

    /// The number of [`Self::current`].
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    /// Reads the databases again if one was replaced; looks once a second.
    pub fn renew(&self) {
        if self.databases.is_empty() {
            return;
        }
        let mut known = self.stamps.write().unwrap_or_else(PoisonError::into_inner);
        if known.0.elapsed() < Duration::from_secs(1) {
            return;
        }
        let now = stamps(&self.databases);
        known.0 = Instant::now();
        if known.1 == now {
            return;
        }
        match (self.read)() {
            Ok(options) => {
                known.1 = now;
                self.measure(&options);
                tracing::info!("a GeoIP database was replaced: reloading");
                let mut current = self.options.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(options);
                self.generation.fetch_add(1, Ordering::SeqCst);
            }
            // Perhaps it is still being written.
            Err(error) => tracing::warn!("{error}: keeping the database that is loaded"),
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((
            FileId::of(&metadata),
            metadata.len(),
            metadata.modified().ok()?,
        ))
    };
    paths.iter().map(stamp).collect()
}

//! What commands that ship events have in common: the mapping's options, and saving the state.

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::Error;
use crate::cli::MappingArgs;
use crate::config;
use crate::node::Node;
use crate::normalize::Options;
use crate::service::Service;
use crate::shown::Shown as _;
use crate::sink::{self, Durable, FileSink, Known, Recorded, Tell};
use crate::state::{self, Store};
use crate::stop::Stop;

/// How long to wait for room for the state before trying again.
const FULL_WAIT: Duration = Duration::from_millis(500);
/// How long the output may take nothing when it is time to end.
const LAST_PATIENCE: Duration = Duration::from_secs(3);

/// The mapping's options, read again when a database is replaced.
pub struct Mapping<'a> {
    arguments: &'a MappingArgs,
    default_tags: &'a [&'a str],
    databases: Vec<PathBuf>,
    stamps: RwLock<(Instant, Vec<Stamp>)>,
    options: RwLock<Arc<Options>>,
    generation: AtomicU64,
}

/// By what a replaced file is told: which it is, its length, and when it was written.
type Stamp = Option<(Node, u64, SystemTime)>;

impl<'a> Mapping<'a> {
    /// Reads everything that the arguments name.
    ///
    /// # Errors
    /// When something cannot be used.
    pub fn new(arguments: &'a MappingArgs, default_tags: &'a [&'a str]) -> Result<Self, Error> {
        let databases = config::databases(arguments);
        let stamps = (Instant::now(), stamps(&databases));
        Ok(Self {
            arguments,
            default_tags,
            stamps: RwLock::new(stamps),
            databases,
            options: RwLock::new(Arc::new(config::mapping(arguments, default_tags)?)),
            generation: AtomicU64::new(0),
        })
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
        match config::mapping(self.arguments, self.default_tags) {
            Ok(options) => {
                known.1 = now;
                tracing::info!("a GeoIP database was replaced: reading it anew");
                let mut current = self.options.write().unwrap_or_else(PoisonError::into_inner);
                *current = Arc::new(options);
                self.generation.fetch_add(1, Ordering::SeqCst);
            }
            // Perhaps it is still being written.
            Err(error) => tracing::warn!("{error}: going on with what was read before"),
        }
    }
}

fn stamps(paths: &[PathBuf]) -> Vec<Stamp> {
    let stamp = |path: &PathBuf| {
        let metadata = std::fs::metadata(path).ok()?;
        Some((
            Node::of(&metadata),
            metadata.len(),
            metadata.modified().ok()?,
        ))
    };
    paths.iter().map(stamp).collect()
}

/// What every state says of its output.
#[derive(Deserialize)]
struct AnyState {
    #[serde(default)]
    output: Option<Recorded>,
}

/// Brings the output back to what is recorded of it: what comes again, as `tell` says, is cut away.
/// Several states of the directory, as of sites or queries, may take turns with one file: what they
/// have written stays, and is nothing to warn of. `unsaved` is how many events were written after the
/// last save, at most, if that was noted.
///
/// # Errors
/// When the output cannot be brought back, or another process appends to it.
pub fn settle(
    directory: &Path,
    own: Option<&Recorded>,
    unsaved: Option<u64>,
    tell: Tell<'_>,
) -> Result<(), Error> {
    let Some(own) = own else { return Ok(()) };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        Some(name.strip_suffix(".json")?.to_owned())
    });
    let states = names.filter_map(|name| state::read::<AnyState>(directory, &name).ok()?);
    let others = states.filter_map(|saved| saved.state.output).collect();
    FileSink::settle(own, &Known { others, unsaved }, tell)?;
    Ok(())
}

/// Writes lines, waiting for the output; who asks for the end wants what was read to be written
/// first, if that is possible.
///
/// # Errors
/// As [`Durable::write`].
pub fn write(
    sink: &mut Durable,
    lines: &[u8],
    stop: &Stop,
    service: &Service,
) -> Result<(), sink::Error> {
    service.waiting(true);
    let patience = Cell::new(None);
    let give_up = || {
        let since = patience.get().unwrap_or_else(Instant::now);
        patience.set(stop.is_requested().then_some(since));
        stop.is_requested() && since.elapsed() > LAST_PATIENCE
    };
    let written = sink.write(lines, &give_up);
    service.waiting(false);
    written
}

/// Saves the state, waiting for room.
///
/// # Errors
/// When the state cannot be saved for another reason than a full disk, or it is time to end.
pub fn save(
    store: &Store,
    ledger: &impl Serialize,
    directory: &Path,
    stop: &Stop,
) -> Result<(), Error> {
    let mut is_full = false;
    while let Err(source) = store.save(ledger) {
        if !sink::is_full(&source) {
            let directory = directory.to_owned();
            return Err(Error::Save { directory, source });
        }
        if !is_full {
            is_full = true;
            tracing::warn!(
                "no room for the state in {}: {source}; waiting for room, nothing is lost",
                directory.shown()
            );
        }
        if stop.is_requested() {
            return Err(sink::Error::GivenUp.into());
        }
        std::thread::sleep(FULL_WAIT);
    }
    if is_full {
        tracing::info!("there is room for the state again");
    }
    Ok(())
}

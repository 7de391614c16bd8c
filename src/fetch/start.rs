//! When the very first run of a site began, while it has no state because nothing was answered yet.
//!
//! A retry fetches from where the first attempt was to begin, or what happened in between would be lost.
//! It is kept beside the states, as `NAME.start`, and is none: of a wrong address nothing is to be listed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::state;

/// A start that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start(
    /// `--since`, or its default.
    pub String,
    /// The time that it meant then, by this machine's clock.
    pub Timestamp,
);

impl Start {
    /// Whether it was given as an absolute time, which no clock can have got wrong.
    #[must_use]
    pub fn is_absolute(&self) -> bool {
        Timestamp::from_text(&self.0).is_some()
    }

    /// Keeps it under the name of a state.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn save(&self, directory: &Path, name: &str) -> io::Result<()> {
        state::replace(
            &path(directory, name),
            &serde_json::to_vec(self)?,
            state::USUAL,
        )
    }
}

/// What was kept under these names, the earliest of them.
#[must_use]
pub fn read(directory: &Path, names: &[String]) -> Option<Start> {
    let read = names.iter().filter_map(|name| {
        let path = path(directory, name);
        let text = fs::read(&path).ok()?;
        let start = serde_json::from_slice(&text);
        start
            .inspect_err(|error| tracing::warn!("{} is not used: {error}", path.shown()))
            .ok()
    });
    read.min_by_key(|Start(_, time)| *time)
}

/// Removes what was kept under these names.
pub fn remove(directory: &Path, names: &[String]) {
    for name in names {
        let path = path(directory, name);
        if let Err(error) = fs::remove_file(&path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::debug!("cannot remove {}: {error}", path.shown());
        }
    }
}

fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.start"))
}

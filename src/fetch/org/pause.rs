//! Until when an organization asks to be left alone: kept beside the state, as `NAME.pause`, so that a process that
//! ends does not make the next one ask too soon.
//!
//! It is no part of the state, as it is known before there is one, and whether or not a page came.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::http::retry::LONGEST_LEFT_ALONE;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::state;

/// Keeps for the next process that nothing is to be asked for so long.
pub fn save(directory: &Path, name: &str, wait: Duration) {
    let path = path(directory, name);
    let until = Timestamp::now().plus(wait).to_string();
    if let Err(error) = state::replace(&path, until.as_bytes(), state::USUAL) {
        tracing::debug!("cannot write {}: {error}", path.shown());
    }
}

/// How long is left of it. Never more than a server may ask for: the clock may have been another when it was kept.
#[must_use]
pub fn left(directory: &Path, name: &str) -> Option<Duration> {
    let text = fs::read_to_string(path(directory, name)).ok()?;
    let until = Timestamp::from_text(text.trim())?;
    let left = until.millis().checked_sub(Timestamp::now().millis())?;
    let left = Duration::from_millis(u64::try_from(left).ok()?);
    Some(left.min(LONGEST_LEFT_ALONE)).filter(|left| !left.is_zero())
}

/// Removes it.
pub fn remove(directory: &Path, name: &str) {
    let path = path(directory, name);
    if let Err(error) = fs::remove_file(&path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::debug!("cannot remove {}: {error}", path.shown());
    }
}

fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.pause"))
}

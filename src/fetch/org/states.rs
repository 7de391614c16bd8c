//! The states of organizations in the state directory: one file each.

use std::path::Path;

use super::checkpoint::OrgCheckpoint;
use super::pause;
use crate::fetch::{start, written};
use crate::ship;
use crate::state::{self, Store};

/// How the names of all state files of organizations begin.
pub const PREFIX: &str = "org-";

/// The name of the state file of an organization.
#[must_use]
pub fn file_name(id: &str) -> String {
    format!("{PREFIX}{}", id.to_ascii_lowercase())
}

/// All states of organizations in a directory, in the order of their names. One that cannot be read is warned
/// about and passed over.
#[must_use]
pub fn all(directory: &Path) -> Vec<(String, OrgCheckpoint)> {
    let names = state::names(directory).unwrap_or_default().into_iter();
    let names = names.filter(|name| name.starts_with(PREFIX));
    let read = names.filter_map(|name| {
        let read = state::read::<OrgCheckpoint>(directory, &name);
        let saved = read.inspect_err(|error| tracing::warn!("{error}")).ok()?;
        Some((name, saved?.state))
    });
    read.collect()
}

/// Removes all that is kept of an organization: it is then as one that was never asked.
///
/// # Errors
/// When an instance holds it, or it cannot be removed.
pub fn forget(directory: &Path, file: &str) -> Result<(), ship::Error> {
    let store = Store::open(directory, file)?;
    let removed = store
        .remove()
        .and_then(|_| written::remove(directory, file));
    removed.map_err(|source| ship::Error::Save {
        directory: directory.to_owned(),
        source,
    })?;
    start::remove(directory, &[file.to_owned()]);
    pause::remove(directory, file);
    Ok(())
}

//! `confluence-ecs state` for sites: how far they were fetched.

use std::io;
use std::path::Path;

use crate::commands::Error;
use crate::fetch::checkpoint::{PREFIX, SiteCheckpoint};
use crate::fetch::window::is_future;
use crate::options;
use crate::pipeline::timestamp::Timestamp;
use crate::state::{self, Store};

/// The states of sites in a directory, in the order of their names. One that cannot be read is warned about
/// and passed over.
pub fn all(directory: &Path) -> Vec<(String, SiteCheckpoint)> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let name = name.strip_suffix(".json")?;
        name.starts_with(PREFIX).then(|| name.to_owned())
    });
    let mut all: Vec<_> = names
        .filter_map(
            |name| match state::read::<SiteCheckpoint>(directory, &name) {
                Ok(saved) => Some((name, saved?.state)),
                Err(error) => {
                    tracing::warn!("{error}");
                    None
                }
            },
        )
        .collect();
    all.sort_by_key(|(_, checkpoint)| checkpoint.name());
    all
}

/// The state of a site by its name: as `state list` prints it, or with a slash or `/wiki` more, or its
/// cloud id. None if there is none.
pub fn find(directory: &Path, name: &str) -> Option<(String, SiteCheckpoint)> {
    let all = all(directory);
    let bare = |name: &str| {
        let name = name.trim_end_matches('/');
        name.strip_suffix("/wiki").unwrap_or(name).to_owned()
    };
    let exact = all
        .iter()
        .position(|(_, checkpoint)| checkpoint.name() == name);
    let at = exact.or_else(|| {
        all.iter().position(|(_, checkpoint)| {
            let site = bare(&checkpoint.site);
            let is_cloud_id = site
                .rsplit_once("/ex/confluence/")
                .is_some_and(|(_, id)| id == name);
            checkpoint.search.is_none() && (site == bare(name) || is_cloud_id)
        })
    });
    all.into_iter().nth(at?)
}

/// A line of `state list`.
pub fn line(checkpoint: &SiteCheckpoint) -> String {
    let reached = match checkpoint.cursor {
        Some(cursor) => format!("up to {cursor}"),
        None => "not begun".to_owned(),
    };
    format!(
        "{}\t{reached}\t{} records\n",
        checkpoint.name(),
        checkpoint.events
    )
}

/// The state for people, as JSON.
///
/// # Errors
/// When it cannot be written.
pub fn show(checkpoint: &SiteCheckpoint) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(checkpoint).map_err(io::Error::from);
    Ok(text.map_err(Error::Report)? + "\n")
}

/// Forgets a site: it is then fetched as one that was never asked.
///
/// # Errors
/// When an instance holds it, or it cannot be removed.
pub fn forget(
    directory: &Path,
    (file, checkpoint): &(String, SiteCheckpoint),
) -> Result<String, Error> {
    let store = Store::open(directory, file)?;
    let removed = store.remove();
    removed.map_err(|source| Error::Save {
        directory: directory.to_owned(),
        source,
    })?;
    Ok(format!("{}: forgotten\n", checkpoint.name()))
}

/// Fetches from a time on with the next run; what was delivered of it before is delivered again.
///
/// # Errors
/// When an instance holds the state, or it cannot be saved.
pub fn set(
    directory: &Path,
    (file, checkpoint): &(String, SiteCheckpoint),
    since: Option<Timestamp>,
) -> Result<String, Error> {
    let since = since.ok_or_else(|| Error::OffsetOfSite(checkpoint.name()))?;

    if is_future(since) {
        return Err(options::Error::Fetch(options::fetch::Error::Future).into());
    }
    let store = Store::open(directory, file)?;
    // What is there now, under the lock.
    let mut checkpoint: SiteCheckpoint = store.load()?.unwrap_or_else(|| checkpoint.clone());
    checkpoint.begin(since);
    store.save(&checkpoint).map_err(|source| Error::Save {
        directory: directory.to_owned(),
        source,
    })?;
    Ok(format!("{}: from {since} on\n", checkpoint.name()))
}

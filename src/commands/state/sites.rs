//! `confluence-ecs state` for sites: how far they were fetched.

use std::path::Path;

use crate::commands::Error;
use crate::fetch::Error as FetchError;
use crate::fetch::checkpoint::SiteCheckpoint;
use crate::fetch::clock::Clock;
use crate::fetch::states::{self, Named};
use crate::fetch::time_spec::TimeSpec;
use crate::fetch::window::is_future;
use crate::process::json;

use crate::pipeline::timestamp::Timestamp;
use crate::state::{Store, live};

/// The state of a site by its name: as `state list` prints it, or by any of its addresses, or its cloud id,
/// with `?search=TEXT` for that of a query. None if there is none.
pub fn find(directory: &Path, name: &str) -> Option<Named> {
    let all = states::all(directory);
    let (site, search) = match name.split_once("?search=") {
        Some((site, search)) => (site, Some(search)),
        None => (name, None),
    };
    // A source of a service says whose state it has.
    let told = live::read(directory, &format!("{}{name}", live::SOURCE));
    let of_source = told.and_then(|(live, _)| live.known.state);
    let is_named = |(file, checkpoint): &Named| {
        let is_exact = checkpoint.name() == name;
        let is_search = checkpoint.search.as_deref() == search;
        of_source.as_ref() == Some(file)
            || is_exact
            || is_search && checkpoint.identity().is_named(site)
    };
    states::live(all.into_iter().filter(is_named).collect())
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
    json::pretty(checkpoint).map_err(Error::Report)
}

/// Forgets a site: it is then fetched as one that was never asked.
///
/// # Errors
/// When an instance holds it, or it cannot be removed.
pub fn forget(directory: &Path, site: &Named) -> Result<String, Error> {
    states::forget(directory, site)?;
    Ok(format!("{}: forgotten\n", site.1.name()))
}

/// Fetches from a time on with the next run; what was delivered of it before is delivered again.
///
/// # Errors
/// When an instance holds the state, or it cannot be saved.
pub fn set(
    directory: &Path,
    (file, checkpoint): &Named,
    since: Option<TimeSpec>,
) -> Result<String, Error> {
    let since = since.ok_or_else(|| Error::OffsetOfSite(checkpoint.name()))?;
    let store = Store::open(directory, file)?;
    // What is there now, under the lock.
    let mut checkpoint: SiteCheckpoint = store.load()?.unwrap_or_else(|| checkpoint.clone());
    let now = Timestamp::now();
    let clock = Clock::saved(checkpoint.clock_ahead);
    let since = since.at(clock.earlier(now));
    // The server's clock is the one of the last run: this machine's may have been set right since.
    let latest = clock.at_server(now).max(now);
    if is_future(since, latest) {
        let is_server = latest != now;
        let now = latest;
        return Err(Error::Fetch(FetchError::Future {
            since,
            now,
            is_server,
        }));
    }
    // Or a run would go on from one that has not been changed.
    states::remove_others(directory, &(file.clone(), checkpoint.clone()))?;
    checkpoint.begin(since);
    store.save(&checkpoint).map_err(|source| Error::Save {
        directory: directory.to_owned(),
        source,
    })?;
    Ok(format!("{}: from {since} on\n", checkpoint.name()))
}

//! `confluence-ecs state` for organizations: how far they were fetched.

use std::path::Path;

use crate::commands::Error;
use crate::fetch::Error as FetchError;
use crate::fetch::clock::Clock;
use crate::fetch::org::checkpoint::OrgCheckpoint;
use crate::fetch::org::states;
use crate::fetch::time_spec::TimeSpec;
use crate::fetch::window::is_future;
use crate::pipeline::timestamp::Timestamp;
use crate::process::json;
use crate::state::{Store, live};

/// The name of a state's file, and what is in it.
type Named = (String, OrgCheckpoint);

/// The state of an organization, by its id or by the source of a service that fetches it. None if there is none.
pub fn find(directory: &Path, name: &str) -> Option<Named> {
    let told = live::read(directory, &format!("{}{name}", live::SOURCE));
    let of_source = told.and_then(|(live, _)| live.known.state);
    let mut all = states::all(directory).into_iter();
    all.find(|(file, checkpoint)| {
        of_source.as_ref() == Some(file) || checkpoint.organization.eq_ignore_ascii_case(name)
    })
}

/// The lines of `state list`.
pub fn lines(directory: &Path) -> String {
    let line = |(_, checkpoint): &Named| {
        let reached = match checkpoint.fetched_until() {
            Some(until) => format!("up to {until}"),
            None => "not begun".to_owned(),
        };
        let OrgCheckpoint {
            organization,
            events,
            ..
        } = checkpoint;
        format!("{organization}\t{reached}\t{events} records\n")
    };
    states::all(directory).iter().map(line).collect()
}

/// The state for people, as JSON.
///
/// # Errors
/// When it cannot be written.
pub fn show(checkpoint: &OrgCheckpoint) -> Result<String, Error> {
    json::pretty(checkpoint).map_err(Error::Report)
}

/// Forgets an organization: it is then fetched as one that was never asked.
///
/// # Errors
/// When an instance holds it, or it cannot be removed.
pub fn forget(directory: &Path, (file, checkpoint): &Named) -> Result<String, Error> {
    states::forget(directory, file)?;
    Ok(format!("{}: forgotten\n", checkpoint.organization))
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
    let id = &checkpoint.organization;
    let since = since.ok_or_else(|| Error::OffsetOfSite(id.clone()))?;
    let store = Store::open(directory, file)?;
    // What is there now, under the lock.
    let mut checkpoint: OrgCheckpoint = store.load()?.unwrap_or_else(|| checkpoint.clone());
    let now = Timestamp::now();
    let clock = Clock::saved(checkpoint.clock_ahead);
    let since = since.at(clock.earlier(now));
    if is_future(since, now) {
        return Err(Error::Fetch(FetchError::Future {
            since,
            now,
            is_server: false,
        }));
    }
    checkpoint.begin(since);
    store.save(&checkpoint).map_err(|source| Error::Save {
        directory: directory.to_owned(),
        source,
    })?;
    Ok(format!("{id}: from {since} on\n"))
}

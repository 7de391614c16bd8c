//! The states of sites in the state directory: each is its site's, by whatever address that is reached.
//!
//! A state's name follows from the site's key, which is its cloud id where that is known, and else its
//! address. A state that was kept under another key is moved: so a site has one state, and one lock.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::checkpoint::{PREFIX, SiteCheckpoint, file_name};
use super::connect::CloudIds;
use super::identity::SiteIdentity;
use super::site::Site;
use super::start::{self, Start};
use super::written;
use crate::process::shown::Shown as _;
use crate::ship;
use crate::sink::OutputCheckpoint;
use crate::state::{self, Saved, Store};

/// A state, by the name of its file.
pub type Named = (String, SiteCheckpoint);

/// The state of a site and query, held by this process.
pub struct Opened {
    /// Its file and lock.
    pub store: Store,
    /// The name of its file.
    pub file: String,
    /// What it says; of a site that gave no answer yet, nothing.
    pub checkpoint: SiteCheckpoint,
    /// Names under which the start of a first run may be kept.
    pub starts: Vec<String>,
}

/// The states of sites in a directory, in the order of their names. One that cannot be read is warned about
/// and passed over.
#[must_use]
pub fn all(directory: &Path) -> Vec<Named> {
    read_all(directory, state::read)
}

/// The same, without a word about one of which the previous generation is used: who opens it says so.
#[must_use]
pub fn all_quietly(directory: &Path) -> Vec<Named> {
    read_all(directory, state::read_quietly)
}

fn read_all(
    directory: &Path,
    read: impl Fn(&Path, &str) -> Result<Option<Saved<SiteCheckpoint>>, state::Error>,
) -> Vec<Named> {
    let names = state::names(directory).unwrap_or_default().into_iter();
    let names = names.filter(|name| name.starts_with(PREFIX));
    let read = names.filter_map(|name| match read(directory, &name) {
        Ok(saved) => Some((name, saved?.state)),
        Err(error) => {
            tracing::warn!("{error}");
            None
        }
    });
    let mut all: Vec<_> = read.collect();
    all.sort_by_key(|(_, checkpoint)| checkpoint.name());
    all
}

/// The path of a state file.
#[must_use]
pub fn path(directory: &Path, file: &str) -> PathBuf {
    directory.join(format!("{file}.json"))
}

/// The state of a site and query as it is on disk; its name is that of a new one if there is none.
#[must_use]
pub fn find(
    directory: &Path,
    identity: &SiteIdentity,
    search: Option<&str>,
) -> (String, Option<SiteCheckpoint>) {
    let mut found = of_site(&all(directory), identity, search);
    let own = file_name(identity.key(), search);
    let at = found.iter().position(|(file, _)| *file == own);
    match (at, found.is_empty()) {
        (Some(at), _) => {
            let (file, checkpoint) = found.swap_remove(at);
            (file, Some(checkpoint))
        }
        (None, false) => {
            let (file, checkpoint) = found.swap_remove(0);
            (file, Some(checkpoint))
        }
        (None, true) => (own, None),
    }
}

/// Of the states of one site and query, the one that goes on: it has the name that follows from its site,
/// which is by its cloud id where one of them knows that.
#[must_use]
pub fn live(of_site: Vec<Named>) -> Option<Named> {
    of_site.into_iter().max_by_key(|(file, checkpoint)| {
        let search = checkpoint.search.as_deref();
        let is_current = *file == file_name(checkpoint.identity().key(), search);
        (is_current, checkpoint.cloud_id.is_some())
    })
}

/// Removes the states of a site and query beside the one that goes on.
///
/// # Errors
/// When an instance holds one, or it cannot be removed.
pub fn remove_others(directory: &Path, (file, checkpoint): &Named) -> Result<(), ship::Error> {
    let identity = checkpoint.identity();
    for (other, _) in of_site(&all(directory), &identity, checkpoint.search.as_deref()) {
        if other != *file {
            remove(directory, &other)?;
        }
    }
    Ok(())
}

/// Removes a state, under its lock.
fn remove(directory: &Path, name: &str) -> Result<(), ship::Error> {
    let store = Store::open(directory, name)?;
    let removed = store
        .remove()
        .and_then(|_| written::remove(directory, name));
    removed.map_err(|source| ship::Error::Save {
        directory: directory.to_owned(),
        source,
    })
}

/// Those of a site and query.
fn of_site(all: &[Named], identity: &SiteIdentity, search: Option<&str>) -> Vec<Named> {
    let is_of_site = |(_, checkpoint): &&Named| {
        checkpoint.search.as_deref() == search && checkpoint.identity().is(identity)
    };
    all.iter().filter(is_of_site).cloned().collect()
}

/// Finds out which site it is: what the states know, and else what addresses say of themselves.
pub fn identify(
    identity: &mut SiteIdentity,
    url: &Url,
    search: Option<&str>,
    all: &[Named],
    cloud_ids: &CloudIds,
) {
    let all: Vec<_> = all
        .iter()
        .map(|(_, checkpoint)| (checkpoint.identity(), checkpoint))
        .collect();
    if identity.cloud_id.is_none() && !identity.is_data_center {
        let mut known = all
            .iter()
            .filter(|(known, _)| known.shares_address(identity));
        let known = known.find_map(|(known, _)| known.cloud_id.clone());
        identity.cloud_id = known.or_else(|| cloud_ids.of(url));
        return;
    }
    let Some(id) = identity.cloud_id.clone() else {
        return;
    };
    let is_known = all
        .iter()
        .any(|(known, _)| known.cloud_id.as_ref() == Some(&id));
    if let Some(claimed) = &cloud_ids.claimed {
        add_claimed(identity, claimed, &all, cloud_ids);
    }
    if is_known {
        return;
    }
    // An earlier version, or one that could not ask, knows a site by its address alone.
    for (known, checkpoint) in &all {
        let is_candidate = known.cloud_id.is_none()
            && !known.is_data_center
            && checkpoint.search.as_deref() == search
            && !known.shares_address(identity);
        let url = Url::parse(&checkpoint.site).ok().filter(|_| is_candidate);
        if url.is_some_and(|url| cloud_ids.of(&url).as_ref() == Some(&id)) {
            for address in &known.addresses {
                identity.add_address(address);
            }
        }
    }
}

/// The address of `--url` beside `--cloud-id`, unless it says that it is of another site.
fn add_claimed(
    identity: &mut SiteIdentity,
    claimed: &Url,
    all: &[(SiteIdentity, &SiteCheckpoint)],
    cloud_ids: &CloudIds,
) {
    let own = Site::cloud(claimed).identity();
    let mut known = all.iter().filter(|(known, _)| known.shares_address(&own));
    let known = known.find_map(|(known, _)| known.cloud_id.clone());
    let said = known.or_else(|| cloud_ids.of(claimed));
    if said.is_none() || said == identity.cloud_id {
        for address in &own.addresses {
            identity.add_address(address);
        }
    }
}

/// Takes the state of a site and query; one that was kept under another key is moved first.
///
/// # Errors
/// When another instance holds it, or it cannot be read or saved.
pub fn open(
    directory: &Path,
    all: &[Named],
    identity: &SiteIdentity,
    search: Option<&str>,
    output: &Path,
) -> Result<Opened, ship::Error> {
    let file = file_name(identity.key(), search);
    let store = Store::open(directory, &file)?;
    let mut saved: Option<SiteCheckpoint> = store.load()?;
    let mut known = identity.clone();
    if let Some(saved) = &saved {
        for address in &saved.addresses {
            known.add_address(address);
        }
    }
    let mut others = of_site(all, &known, search);
    others.retain(|(other, _)| *other != file);
    let moving = Moving {
        directory,
        file: &file,
        store: &store,
    };
    if let Some(current) = &mut saved {
        let moved = current.moved_from.clone();
        moving.finish(current)?;
        others.retain(|(other, _)| Some(other) != moved.as_ref());
    }
    let is_of_output = |state: &SiteCheckpoint| is_output(state.output.as_ref(), output);
    others.sort_by_key(|(_, other)| (is_of_output(other), other.is_begun(), other.cursor));
    let goes_on = others.pop_if(|(_, other)| match &saved {
        None => true,
        // Two addresses turned out to be one site's. What is at the output already does not come again.
        Some(current) => is_of_output(other) && other.cursor > current.cursor,
    });
    if let Some(before) = goes_on
        && let Some(taken) = moving.take_over(before, identity)?
    {
        let replaced = saved.replace(taken);
        others.extend(replaced.map(|replaced| (file.clone(), replaced)));
    }
    if let Some(continued) = &saved {
        moving.remove_others(&others, &identity.name, continued)?;
    }
    let keys = known.addresses.iter().chain(&known.cloud_id);
    let starts = keys.map(|key| file_name(key, search)).collect();
    let mut checkpoint = saved.unwrap_or_else(|| SiteCheckpoint::of(identity, search));
    checkpoint.identify(identity);
    Ok(Opened {
        store,
        file,
        checkpoint,
        starts,
    })
}

/// Of two states that were kept for one site, one goes on, and the other is removed.
fn warn_of_second(
    site: &str,
    (file, continued): (&Path, &SiteCheckpoint),
    removed: &SiteCheckpoint,
) {
    let place = |state: &SiteCheckpoint| match state.cursor {
        Some(cursor) => format!("at {cursor}"),
        None => "not begun".to_owned(),
    };
    tracing::warn!(
        "{site} had two states, as it is one site by either address: the one that is {} is continued ({}), the one \
         that is {} is removed",
        place(continued),
        file.shown(),
        place(removed)
    );
}

/// Whether an output that was recorded is that of this run.
#[must_use]
pub fn is_output(recorded: Option<&OutputCheckpoint>, output: &Path) -> bool {
    recorded.map(|recorded| recorded.path.as_path()) == real_path(output).as_deref()
}

/// What every state says of its output.
#[derive(Deserialize)]
struct AnyState {
    #[serde(default)]
    output: Option<OutputCheckpoint>,
}

/// Whether a state of the directory, of whatever kind, says that it writes to that output.
#[must_use]
pub fn is_written_to(directory: &Path, output: &Path) -> bool {
    let names = state::names(directory).unwrap_or_default();
    names.iter().any(|name| {
        let saved = state::read_quietly::<AnyState>(directory, name);
        let recorded = saved.ok().flatten().and_then(|saved| saved.state.output);
        recorded.is_some() && is_output(recorded.as_ref(), output)
    })
}

/// Where an output file is, absolute and through symbolic links, as it is recorded; none of stdout and of
/// what is no regular file.
#[must_use]
pub fn real_path(output: &Path) -> Option<PathBuf> {
    if output.as_os_str() == "-" {
        return None;
    }
    let absolute = std::path::absolute(output).ok()?;
    if let Ok(real) = fs::canonicalize(&absolute) {
        return real.is_file().then_some(real);
    }
    let directory = absolute.parent().and_then(|path| path.canonicalize().ok());
    let name = absolute.file_name()?;
    Some(directory.map_or_else(|| absolute.clone(), |directory| directory.join(name)))
}

/// Moves a state to another name, whose lock is held.
struct Moving<'a> {
    directory: &'a Path,
    file: &'a str,
    store: &'a Store,
}

impl Moving<'_> {
    /// Under both locks: the new one is whole before the old one goes, so that after a crash there is one
    /// at least, and the new one says which the old one was.
    fn take_over(
        &self,
        (old, _): Named,
        identity: &SiteIdentity,
    ) -> Result<Option<SiteCheckpoint>, ship::Error> {
        let old_store = Store::open(self.directory, &old)?;
        // What is there now, under the lock.
        let Some(mut checkpoint) = old_store.load::<SiteCheckpoint>()? else {
            return Ok(None);
        };
        checkpoint.identify(identity);
        if checkpoint.is_begun() {
            checkpoint.moved_from = Some(old.clone());
            self.copy_lines(&old)
                .map_err(|source| self.failed(source))?;
            self.save(&checkpoint)?;
            tracing::info!(
                "{}: its state {} is now {}, as it is one site by either address",
                checkpoint.site,
                path(self.directory, &old).shown(),
                path(self.directory, self.file).shown()
            );
        } else if let Some(first) = &checkpoint.first {
            let kept = first.save(self.directory, self.file);
            kept.map_err(|source| self.failed(source))?;
        }
        self.remove(&old_store, &old)?;
        checkpoint.moved_from = None;
        Ok(Some(checkpoint))
    }

    /// Removes the states that do not go on: no command is to find one that no run reads.
    fn remove_others(
        &self,
        others: &[Named],
        site: &str,
        continued: &SiteCheckpoint,
    ) -> Result<(), ship::Error> {
        let file = path(self.directory, self.file);
        for (other, checkpoint) in others {
            // One that is replaced under its own name is gone already.
            if *other != self.file {
                remove(self.directory, other)?;
            }
            warn_of_second(site, (&file, continued), checkpoint);
        }
        Ok(())
    }

    /// Removes the old state that a crash left; unless an instance went on with it since.
    fn finish(&self, current: &mut SiteCheckpoint) -> Result<(), ship::Error> {
        let Some(old) = current.moved_from.take() else {
            return Ok(());
        };
        let old_store = Store::open(self.directory, &old)?;
        let left: Option<SiteCheckpoint> = old_store.load()?;
        if let Some(left) = left.filter(|left| left.cursor > current.cursor) {
            let identity = current.identity();
            *current = left;
            current.identify(&identity);
            current.moved_from = Some(old.clone());
            self.copy_lines(&old)
                .map_err(|source| self.failed(source))?;
            self.save(current)?;
            current.moved_from = None;
        }
        self.remove(&old_store, &old)
    }

    fn save(&self, checkpoint: &SiteCheckpoint) -> Result<(), ship::Error> {
        let saved = self.store.save(checkpoint);
        saved.map_err(|source| self.failed(source))
    }

    fn remove(&self, store: &Store, old: &str) -> Result<(), ship::Error> {
        let removed = store
            .remove()
            .and_then(|_| written::remove(self.directory, old));
        removed.map_err(|source| self.failed(source))
    }

    /// The notes of which lines were written since the last save go with the state.
    fn copy_lines(&self, old: &str) -> io::Result<()> {
        let lines = |file: &str| self.directory.join(format!("{file}.lines"));
        match fs::copy(lines(old), lines(self.file)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> ship::Error {
        ship::Error::Save {
            directory: self.directory.to_owned(),
            source,
        }
    }
}

/// Removes all that is kept of a site and query, whatever its name: it is then as one that was never asked.
///
/// # Errors
/// When an instance holds it, or it cannot be removed.
pub fn forget(directory: &Path, (file, checkpoint): &Named) -> Result<(), ship::Error> {
    let identity = checkpoint.identity();
    let search = checkpoint.search.as_deref();
    let of_site = of_site(&all(directory), &identity, search);
    // None of the others is to go on in its place.
    let names: BTreeSet<_> = of_site.iter().map(|(name, _)| name).chain([file]).collect();
    for name in names {
        remove(directory, name)?;
    }
    let keys = identity.addresses.iter().chain(&identity.cloud_id);
    let starts: Vec<String> = keys.map(|key| file_name(key, search)).collect();
    start::remove(directory, &starts);
    Ok(())
}

/// Removes what a first run without an answer made, but for its start and its lock.
pub fn leave_unbegun(directory: &Path, file: &str) {
    if let Err(error) = written::remove(directory, file) {
        tracing::debug!("{error}");
    }
}

/// The start of a first run that a run before it kept: by this version, or an earlier one.
#[must_use]
pub fn kept_start(directory: &Path, opened: &Opened) -> Option<Start> {
    let first = opened.checkpoint.first.clone();
    first.or_else(|| start::read(directory, &opened.starts))
}

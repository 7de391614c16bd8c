//! What is in a state directory.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use super::presence::{Told, condition, set_known};
use super::row::{Condition, Row, State};
use super::{sites, tails};
use crate::fetch::checkpoint::{PREFIX, SiteCheckpoint};
use crate::fetch::org;
use crate::fetch::org::checkpoint::OrgCheckpoint;
use crate::state;
use crate::state::live::{self, Holder, SOURCE};
use crate::tail::states;

/// Everything that is in the directory; nothing if there is no such directory.
///
/// # Errors
/// When the directory cannot be read.
pub fn rows(directory: &Path) -> io::Result<Vec<Row>> {
    let names = names(directory)?;
    let (sources, states): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| name.starts_with(SOURCE));
    let told: Vec<Told> = sources
        .iter()
        .filter_map(|name| told(directory, name))
        .collect();
    let mut rows = Vec::new();
    let mut shown = BTreeSet::new();
    for name in &states {
        let of_state = if name.starts_with(PREFIX) {
            sites::rows::<SiteCheckpoint>(directory, name, &told)
        } else if name.starts_with(org::states::PREFIX) {
            sites::rows::<OrgCheckpoint>(directory, name, &told)
        } else {
            tails::rows(directory, name, &told)
        };
        shown.extend(of_state.iter().map(|row| row.name.clone()));
        rows.extend(of_state);
    }
    // Sources that have saved nothing yet.
    let is_new = |told: &&Told| {
        let source = told.live.source.as_ref();
        told.live.removed_at.is_none() && source.is_some_and(|source| !shown.contains(&source.name))
    };
    rows.extend(told.iter().filter(is_new).map(unsaved));
    rows.sort_by(|one, other| (&one.name, &one.series).cmp(&(&other.name, &other.series)));
    Ok(rows)
}

/// The names of states, and of sources that speak.
fn names(directory: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = state::names(directory)?;
    names.retain(|name| is_state(name));
    let speaking = live::names(directory).into_iter();
    names.extend(speaking.filter(|name| is_state(name) || name.starts_with(SOURCE)));
    Ok(names)
}

/// Whether a file of that name has a state.
fn is_state(name: &str) -> bool {
    states::is_state(name)
        || [PREFIX, org::states::PREFIX]
            .iter()
            .any(|kind| name.starts_with(kind))
}

fn told(directory: &Path, name: &str) -> Option<Told> {
    let (live, at) = live::read(directory, name)?;
    let holder = live::holder_of(directory, name).ok();
    let is_there = match holder {
        Some(Holder::Process(pid)) => pid.is_none_or(|pid| pid == live.pid),
        Some(Holder::Nobody(_)) | None => false,
    };
    live.source.as_ref()?;
    Some(Told { live, at, is_there })
}

/// A source that has saved nothing yet.
fn unsaved(told: &Told) -> Row {
    let source = told.live.source.as_ref();
    let kind = source.map(|source| source.kind.as_str());
    let kind = if kind == Some("fetch") {
        "fetch"
    } else {
        "tail"
    };
    let name = source.map(|source| source.name.clone());
    let condition = if told.is_there {
        condition(&told.live)
    } else {
        Condition {
            state: State::Stopped,
            reason: told.live.known.problem.clone(),
            since: Some(told.at),
            retry_at: None,
        }
    };
    let mut row = Row::new(name.unwrap_or_default(), kind, condition);
    row.site = source.and_then(|source| source.site.clone());
    row.pid = told.is_there.then_some(told.live.pid);
    if told.is_there {
        set_known(&mut row, Some(&told.live), None, None);
    }
    row
}

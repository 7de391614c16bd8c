//! Which process is at a state, and what it says of itself.

use std::path::Path;

use super::row::{Condition, OutputState, Row, State, file_state};
use crate::pipeline::timestamp::Timestamp;
use crate::sink::OutputCheckpoint;
use crate::state;
use crate::state::live::{self, Holder, Live};

/// What a source of a service says.
pub struct Told {
    /// What it says.
    pub live: Live,
    /// When it said so last.
    pub at: Timestamp,
    /// Whether the process that says so is there.
    pub is_there: bool,
}

/// Which process is at a state, if one is.
pub struct Presence {
    /// What is known of it.
    pub condition: Condition,
    /// The process.
    pub pid: Option<u32>,
    /// What it says of itself.
    pub live: Option<Live>,
    /// The source that the state is of.
    pub source: Option<String>,
}

/// Which process is at a state, that was saved then; `is_about` tells whether a source is the one whose state it is.
pub fn presence(
    directory: &Path,
    name: &str,
    saved_at: Option<Timestamp>,
    told: &[Told],
    is_about: impl Fn(&Live) -> bool,
) -> Presence {
    let holder = live::holder_of(directory, name);
    let source = source_of(told, &holder, is_about);
    let own = live::read(directory, name);
    let name_of = |live: &Live| live.source.as_ref().map(|source| source.name.clone());
    let there = source.filter(|source| source.is_there);
    let running = |pid: Option<u32>, live: Option<Live>| Presence {
        condition: live.as_ref().map_or_else(unknown, condition),
        pid: pid.or(live.as_ref().map(|live| live.pid)),
        source: source.and_then(|source| name_of(&source.live)),
        live,
    };
    match holder {
        Ok(Holder::Process(pid)) => {
            let is_of = |live: &Live| pid.is_none_or(|pid| pid == live.pid);
            let own = own.map(|(live, _)| live).filter(is_of);
            let of_source = there.map(|there| there.live.clone()).filter(is_of);
            running(pid, own.or(of_source))
        }
        // It holds no state while it fails.
        Ok(Holder::Nobody(_)) if there.is_some() => {
            running(None, there.map(|there| there.live.clone()))
        }
        Ok(Holder::Nobody(ended)) => {
            let spoke = own.map(|(_, at)| at).max(source.map(|source| source.at));
            let problem = source.and_then(|source| source.live.known.problem.clone());
            let removed = source.and_then(|source| source.live.removed_at);
            Presence {
                condition: Condition {
                    state: removed.map_or(State::Stopped, |_| State::Removed),
                    reason: problem,
                    // After a kill, it was there at least until then.
                    since: removed.or(ended.or(spoke).max(saved_at)),
                    retry_at: None,
                },
                pid: None,
                live: None,
                source: source.and_then(|source| name_of(&source.live)),
            }
        }
        Err(error) => Presence {
            condition: failing(error.to_string()),
            pid: None,
            live: None,
            source: source.and_then(|source| name_of(&source.live)),
        },
    }
}

/// The source whose state it is. One that had another name before has left what it said under that; and what a command
/// has used since a source was removed, is that command's.
fn source_of<'a>(
    told: &'a [Told],
    holder: &Result<Holder, state::Error>,
    is_about: impl Fn(&Live) -> bool,
) -> Option<&'a Told> {
    let sources = told.iter().filter(|told| is_about(&told.live));
    let source =
        sources.max_by_key(|told| (told.is_there, told.live.removed_at.is_none(), told.at))?;
    let is_its = match (source.live.removed_at, holder) {
        (None, _) => true,
        (Some(removed), Ok(Holder::Nobody(ended))) => ended.is_none_or(|ended| ended <= removed),
        (Some(_), Ok(Holder::Process(_)) | Err(_)) => false,
    };
    is_its.then_some(source)
}

/// Of a process that says nothing of itself.
fn unknown() -> Condition {
    Condition {
        state: State::Running,
        reason: None,
        since: None,
        retry_at: None,
    }
}

/// Of what cannot be read.
pub fn failing(problem: String) -> Condition {
    Condition {
        state: State::Failing,
        reason: Some(problem),
        since: None,
        retry_at: None,
    }
}

/// How a process is by what it says.
pub fn condition(live: &Live) -> Condition {
    let known = &live.known;
    let (state, reason) = match (&known.problem, blocked_since(live)) {
        (Some(problem), _) => (State::Failing, Some(problem.clone())),
        (None, Some(_)) => {
            let because = known.blocked_by.clone();
            let because = because.unwrap_or_else(|| "the output takes nothing".to_owned());
            (State::Waiting, Some(because))
        }
        (None, None) if !known.is_ready => (State::Waiting, Some("starting".to_owned())),
        (None, None) => (State::Running, None),
    };
    Condition {
        state,
        reason,
        since: Some(live.since),
        retry_at: live.retry_at,
    }
}

fn blocked_since(live: &Live) -> Option<Timestamp> {
    Timestamp::from_millis(live.known.blocked_since?)
}

/// What a process knows of its work and its output, else what the state says of that.
pub fn set_known(
    row: &mut Row,
    live: Option<&Live>,
    file: Option<&OutputCheckpoint>,
    cluster: Option<&str>,
) {
    let saved = file.map(|file| file.path.to_string_lossy().into_owned());
    let saved = saved.or(cluster.map(|target| format!("{target} in the cluster")));
    row.output = live.and_then(|live| live.known.output.clone()).or(saved);
    row.blocked_since = live.and_then(blocked_since);
    if let Some(live) = live {
        row.retries = live.known.retries;
        row.unreadable = live.known.unreadable;
        row.unreadable_because
            .clone_from(&live.known.unreadable_because);
    }
    row.output_state = match (live, file) {
        (Some(_), _) if row.blocked_since.is_some() => OutputState::Blocked,
        (_, Some(file)) if file_state(&file.path) == OutputState::Missing => OutputState::Missing,
        (Some(live), _) if live.known.is_ready => OutputState::Ok,
        (Some(_) | None, _) => OutputState::Unknown,
    };
}

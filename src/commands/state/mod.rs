//! `confluence-ecs state`: inspect or repair saved read positions.

mod sites;

use std::io::{self, Write as _, stdout};
use std::path::Path;

use super::Error;
use super::tail::report::condition;
use crate::cli::{StateCommand, StateDirArgs};
use crate::exit::Exit;
use crate::fetch::states;
use crate::http::address::without_credentials;
use crate::pipeline::timestamp::Timestamp;
use crate::process::shown::Shown as _;
use crate::state::{self, Store};
use crate::tail::checkpoints::{Checkpoints, LogEntry};
use crate::tail::run::STATE;
use crate::tail::set;

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the state cannot be read, is held by an instance, or does not know the name.
pub fn run(task: StateCommand) -> Result<Exit, Error> {
    if let Some(done) = of_site(&task)? {
        return print(&done);
    }
    match task {
        StateCommand::List(at) => list(&at),
        StateCommand::Show { name, state } => show(&name, &state),
        StateCommand::Forget { name, state } => change(&state, |checkpoints| {
            let ids = ids(checkpoints, &name)?;
            checkpoints.logs.retain(|id, _| !ids.contains(id));
            Ok(format!("{}: forgotten\n", name.shown()))
        }),
        StateCommand::Set {
            name,
            offset,
            since,
            state,
        } => change(&state, |checkpoints| {
            let ids = ids(checkpoints, &name)?;
            let since = since.map(|since| since.at(Timestamp::now()));
            let set = set::set(checkpoints, &ids, &name, offset, since);
            let (path, offset) = set.map_err(Error::CannotSet)?;
            Ok(format!("{}: offset {offset}\n", path.shown()))
        }),
    }
}

/// What is to be done with the state of a site, if the name is one's.
fn of_site(task: &StateCommand) -> Result<Option<String>, Error> {
    let (name, at) = match task {
        StateCommand::List(_) => return Ok(None),
        StateCommand::Show { name, state }
        | StateCommand::Forget { name, state }
        | StateCommand::Set { name, state, .. } => (name, state),
    };
    let directory = state::directory(at.state_dir.as_deref())?;
    let Some(site) = name.to_str().and_then(|name| sites::find(&directory, name)) else {
        return Ok(None);
    };
    Ok(Some(match task {
        StateCommand::List(_) | StateCommand::Show { .. } => sites::show(&site.1)?,
        StateCommand::Forget { .. } => sites::forget(&directory, &site)?,
        StateCommand::Set { since, .. } => sites::set(&directory, &site, *since)?,
    }))
}

fn list(at: &StateDirArgs) -> Result<Exit, Error> {
    let directory = state::directory(at.state_dir.as_deref())?;
    let saved = state::read::<Checkpoints>(&directory, STATE)?;
    let rows = saved.iter().flat_map(|saved| saved.state.logs.values());
    let lines = rows.map(|row| {
        let checkpoint = &row.checkpoint;
        format!(
            "{}\toffset {}\t{}\n",
            checkpoint.path.shown(),
            checkpoint.progress.offset(),
            condition(checkpoint)
        )
    });
    let sites = states::all(&directory);
    let sites = sites
        .iter()
        .map(|(_, checkpoints)| sites::line(checkpoints));
    let text: String = lines.chain(sites).collect();
    if text.is_empty() {
        tracing::info!("no state in {}", directory.shown());
    }
    print(&text)
}

fn show(name: &Path, at: &StateDirArgs) -> Result<Exit, Error> {
    let directory = state::directory(at.state_dir.as_deref())?;
    let mut checkpoints = read(&directory, name)?;
    let ids = ids(&checkpoints, name)?;
    checkpoints.logs.retain(|id, _| ids.contains(id));
    let rows: Vec<&LogEntry> = checkpoints.logs.values().collect();
    let text = serde_json::to_string_pretty(&rows).map_err(io::Error::from);
    print(&(text.map_err(Error::Report)? + "\n"))
}

fn read(directory: &Path, name: &Path) -> Result<Checkpoints, Error> {
    let saved = state::read::<Checkpoints>(directory, STATE)?;
    let unknown = || Error::Unknown(without_credentials(&name.shown().to_string()));
    saved.map(|saved| saved.state).ok_or_else(unknown)
}

/// The logs at a path.
fn ids(checkpoints: &Checkpoints, name: &Path) -> Result<Vec<u64>, Error> {
    let path = std::path::absolute(name).unwrap_or_else(|_| name.to_owned());
    let at_path = checkpoints.logs.iter();
    let ids: Vec<_> = at_path
        .filter(|(_, row)| row.checkpoint.path == path)
        .map(|(id, _)| *id)
        .collect();
    if ids.is_empty() {
        return Err(Error::Unknown(without_credentials(
            &name.shown().to_string(),
        )));
    }
    Ok(ids)
}

/// Changes the state, under its lock.
fn change(
    at: &StateDirArgs,
    change: impl FnOnce(&mut Checkpoints) -> Result<String, Error>,
) -> Result<Exit, Error> {
    let directory = state::directory(at.state_dir.as_deref())?;
    let store = Store::open(&directory, STATE)?;
    let mut checkpoints: Checkpoints = store.load()?.unwrap_or_default();
    let done = change(&mut checkpoints)?;
    store
        .save(&checkpoints)
        .map_err(|source| Error::Save { directory, source })?;
    print(&done)
}

pub(super) fn print(text: &str) -> Result<Exit, Error> {
    stdout().write_all(text.as_bytes()).map_err(Error::Report)?;
    Ok(Exit::Done)
}

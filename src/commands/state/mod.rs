//! `confluence-ecs state`: inspect or repair saved read positions.

mod organizations;
mod sites;
pub(super) mod tails;

use std::io::{Write as _, stdout};
use std::path::{Path, PathBuf};

use super::Error;
use crate::cli::{StateCommand, StateDirArgs};
use crate::exit::Exit;
use crate::fetch::states;
use crate::pipeline::timestamp::Timestamp;
use crate::process::json;
use crate::process::shown::Shown as _;
use crate::state;
use crate::tail::checkpoints::LogEntry;
use crate::tail::{set, states as tail_states};

/// Runs the subcommand with its parsed arguments.
///
/// # Errors
/// When the state cannot be read, is held by an instance, or does not know the name.
pub fn run(task: StateCommand) -> Result<Exit, Error> {
    if let Some(done) = of_api(&task)? {
        return print(&done);
    }
    let done = match task {
        StateCommand::List(at) => list(&directory(&at)?)?,
        StateCommand::Show {
            name,
            source,
            state,
        } => show(&directory(&state)?, &name, source.as_deref())?,
        StateCommand::Forget {
            name,
            source,
            state,
        } => {
            let directory = directory(&state)?;
            if let Some(of_source) = tails::source_named(&directory, &name, source.as_deref())? {
                return print(&tails::forget_source(&directory, of_source)?);
            }
            tails::change(&directory, &name, source.as_deref(), |checkpoints, ids| {
                checkpoints.logs.retain(|id, _| !ids.contains(id));
                Ok(format!("{}: forgotten\n", name.shown()))
            })?
        }
        StateCommand::Set {
            name,
            source,
            offset,
            since,
            state,
        } => {
            let directory = directory(&state)?;
            tails::change(&directory, &name, source.as_deref(), |checkpoints, ids| {
                let since = since.map(|since| since.at(Timestamp::now()));
                let set = set::set(checkpoints, ids, &name, offset, since);
                let (path, offset) = set.map_err(Error::CannotSet)?;
                Ok(format!("{}: offset {offset}\n", path.shown()))
            })?
        }
        StateCommand::Rename { from, to, state } => tails::rename(&directory(&state)?, &from, &to)?,
    };
    print(&done)
}

/// The state directory, which may not be there. What cannot be listed is not taken for empty.
fn directory(at: &StateDirArgs) -> Result<PathBuf, Error> {
    let directory = state::directory(at.state_dir.as_deref())?;
    state::check_listable(&directory)?;
    Ok(directory)
}

/// What is to be done with the state of a site or an organization, if the name is one's, and no source is named.
fn of_api(task: &StateCommand) -> Result<Option<String>, Error> {
    let (name, at) = match task {
        StateCommand::List(_) | StateCommand::Rename { .. } => return Ok(None),
        StateCommand::Show {
            name,
            source: None,
            state,
        }
        | StateCommand::Forget {
            name,
            source: None,
            state,
        }
        | StateCommand::Set {
            name,
            source: None,
            state,
            ..
        } => (name, state),
        StateCommand::Show { .. } | StateCommand::Forget { .. } | StateCommand::Set { .. } => {
            return Ok(None);
        }
    };
    let directory = directory(at)?;
    let name = name.to_str().unwrap_or_default();
    if let Some(site) = sites::find(&directory, name) {
        return Ok(match task {
            StateCommand::List(_) | StateCommand::Rename { .. } => None,
            StateCommand::Show { .. } => Some(sites::show(&site.1)?),
            StateCommand::Forget { .. } => Some(sites::forget(&directory, &site)?),
            StateCommand::Set { since, .. } => Some(sites::set(&directory, &site, *since)?),
        });
    }
    let Some(organization) = organizations::find(&directory, name) else {
        return Ok(None);
    };
    Ok(match task {
        StateCommand::List(_) | StateCommand::Rename { .. } => None,
        StateCommand::Show { .. } => Some(organizations::show(&organization.1)?),
        StateCommand::Forget { .. } => Some(organizations::forget(&directory, &organization)?),
        StateCommand::Set { since, .. } => {
            Some(organizations::set(&directory, &organization, *since)?)
        }
    })
}

fn list(directory: &Path) -> Result<String, Error> {
    let mut text = String::new();
    for name in tail_states::all(directory) {
        text += &tails::lines(directory, &name)?;
    }
    let sites = states::all(directory);
    text.extend(sites.iter().map(|(_, checkpoint)| sites::line(checkpoint)));
    text += &organizations::lines(directory);
    if text.is_empty() {
        tracing::info!("no state in {}", directory.shown());
    }
    Ok(text)
}

fn show(directory: &Path, name: &Path, source: Option<&str>) -> Result<String, Error> {
    let (_, mut checkpoints, ids) = tails::find(directory, name, source)?;
    checkpoints.logs.retain(|id, _| ids.contains(id));
    let rows: Vec<&LogEntry> = checkpoints.logs.values().collect();
    json::pretty(&rows).map_err(Error::Report)
}

pub(super) fn print(text: &str) -> Result<Exit, Error> {
    stdout().write_all(text.as_bytes()).map_err(Error::Report)?;
    Ok(Exit::Done)
}

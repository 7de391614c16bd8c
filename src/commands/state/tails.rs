//! `confluence-ecs state` for followed paths: of `tail`, and of the sources of a service.

use std::path::Path;

use crate::commands::Error;
use crate::commands::tail::report::condition;
use crate::http::address::without_credentials;
use crate::process::shown::Shown as _;
use crate::ship;
use crate::state::live::{self, LiveFile};
use crate::state::{self, Store};
use crate::tail::checkpoints::Checkpoints;
use crate::tail::log::LogId;
use crate::tail::run::STATE;
use crate::tail::states;

/// The lines of `state list` about the files of a state.
///
/// # Errors
/// When it cannot be read.
pub fn lines(directory: &Path, name: &str) -> Result<String, Error> {
    let saved = state::read::<Checkpoints>(directory, name)?;
    let rows = saved.iter().flat_map(|saved| saved.state.logs.values());
    let source = states::source(name).map(|source| format!("\tsource {}", source.shown()));
    let source = source.unwrap_or_default();
    let lines = rows.map(|row| {
        let checkpoint = &row.checkpoint;
        format!(
            "{}\toffset {}\t{}{source}\n",
            checkpoint.path.shown(),
            checkpoint.progress.offset(),
            condition(checkpoint)
        )
    });
    Ok(lines.collect())
}

/// The state that knows a path, and the logs there.
///
/// # Errors
/// When none does, several do and `source` does not say which, or one cannot be read.
pub fn find(
    directory: &Path,
    path: &Path,
    source: Option<&str>,
) -> Result<(String, Checkpoints, Vec<LogId>), Error> {
    let is_meant =
        |name: &String| source.is_none_or(|source| states::source(name).unwrap_or(STATE) == source);
    let mut found = Vec::new();
    for name in states::all(directory).into_iter().filter(is_meant) {
        let saved = state::read::<Checkpoints>(directory, &name)?;
        let Some(checkpoints) = saved.map(|saved| saved.state) else {
            continue;
        };
        let ids = ids(&checkpoints, path);
        if !ids.is_empty() {
            found.push((name, checkpoints, ids));
        }
    }
    match found.len() {
        0 => {
            let path = without_credentials(&path.shown().to_string());
            let of = source.map(|source| format!(" of source {}", source.shown()));
            Err(Error::Unknown(format!("{path}{}", of.unwrap_or_default())))
        }
        1 => Ok(found.swap_remove(0)),
        _ => {
            let names = found.iter().map(|(name, ..)| {
                let source = states::source(name).unwrap_or(STATE);
                format!("--source {}", source.shown())
            });
            Err(Error::CannotSet(format!(
                "{} is followed by several sources: pass {}",
                path.shown(),
                names.collect::<Vec<_>>().join(" or ")
            )))
        }
    }
}

/// The logs at a path.
fn ids(checkpoints: &Checkpoints, path: &Path) -> Vec<LogId> {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let at_path = checkpoints.logs.iter();
    at_path
        .filter(|(_, row)| row.checkpoint.path == path)
        .map(|(id, _)| *id)
        .collect()
}

/// Changes the state of a path, under its lock.
///
/// # Errors
/// When an instance holds it, it cannot be saved, or the change is refused.
pub fn change(
    directory: &Path,
    path: &Path,
    source: Option<&str>,
    change: impl FnOnce(&mut Checkpoints, &[LogId]) -> Result<String, Error>,
) -> Result<String, Error> {
    let (name, ..) = find(directory, path, source)?;
    let store = Store::open(directory, &name)?;
    // What is there now, under the lock.
    let mut checkpoints: Checkpoints = store.load()?.unwrap_or_default();
    let ids = ids(&checkpoints, path);
    let done = change(&mut checkpoints, &ids)?;
    store.save(&checkpoints).map_err(failed(directory))?;
    Ok(done)
}

fn failed(directory: &Path) -> impl Fn(std::io::Error) -> Error {
    move |source| {
        let directory = directory.to_owned();
        Error::from(ship::Error::Save { directory, source })
    }
}

/// The source that a name means, if it is no followed path: `tail` is the command's own.
///
/// # Errors
/// When a state cannot be read.
pub fn source_named<'a>(
    directory: &Path,
    name: &'a Path,
    source: Option<&str>,
) -> Result<Option<&'a str>, Error> {
    let name = name.to_str().filter(|name| states::is_name(name));
    let Some(name) = name.filter(|_| source.is_none()) else {
        return Ok(None);
    };
    match find(directory, Path::new(name), None) {
        Err(Error::Unknown(_)) => {}
        Ok(_) | Err(Error::CannotSet(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    let has_state = states::all(directory).contains(&state_of(name));
    let has_spoken = live::read(directory, &format!("{}{name}", live::SOURCE)).is_some();
    Ok((has_state || has_spoken).then_some(name))
}

/// The state that a name means: `tail` is the command, anything else a source.
fn state_of(name: &str) -> String {
    states::name((name != STATE).then_some(name))
}

/// Forgets a source: all its files, and what it said last.
///
/// # Errors
/// When an instance holds it, or it cannot be removed.
pub fn forget_source(directory: &Path, name: &str) -> Result<String, Error> {
    // Under its lock; what it said goes when this lets go.
    let _spoken = LiveFile::locked(directory, &format!("{}{name}", live::SOURCE))?;
    let store = Store::open(directory, &state_of(name))?;
    store.remove().map_err(failed(directory))?;
    Ok(format!("{}: forgotten\n", name.shown()))
}

/// Gives the positions of `tail`, or of a source, to another source. The new state is whole before the old one goes:
/// after a crash both are there and say the same, and the next try ends what was begun.
///
/// # Errors
/// When either is held, there is nothing to give, the other has positions of its own, or the disk fails.
pub fn rename(directory: &Path, from: &str, to: &str) -> Result<String, Error> {
    let (old, new) = (state_of(from), states::name(Some(to)));
    if !states::is_name(to) || old == new {
        return Err(Error::CannotSet(format!(
            "cannot rename {} to {}: expected the name of another source",
            from.shown(),
            to.shown()
        )));
    }
    let is_known = states::all(directory).contains(&old);
    if !is_known {
        return Err(Error::Unknown(from.shown().to_string()));
    }
    let old_store = Store::open(directory, &old)?;
    let new_store = Store::open(directory, &new)?;
    let Some(checkpoints) = old_store.load::<Checkpoints>()? else {
        return Err(Error::Unknown(from.shown().to_string()));
    };
    let there: Option<Checkpoints> = new_store.load()?;
    let as_text = |checkpoints: &Checkpoints| serde_json::to_string(checkpoints).ok();
    if let Some(there) = there
        && as_text(&there) != as_text(&checkpoints)
    {
        return Err(Error::CannotSet(format!(
            "source {} has read positions of its own, which those of {} would replace: to give them up, move {} and its \
             `.previous` away first",
            to.shown(),
            from.shown(),
            directory.join(format!("{new}.json")).shown()
        )));
    }
    new_store.save(&checkpoints).map_err(failed(directory))?;
    old_store.remove().map_err(failed(directory))?;
    let files = checkpoints.logs.len();
    Ok(format!(
        "source {}: goes on where {} stopped, with {files} {}\n",
        to.shown(),
        from.shown(),
        if files == 1 { "file" } else { "files" }
    ))
}

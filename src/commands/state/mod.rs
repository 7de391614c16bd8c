//! `confluence-ecs state`: how far logs were read and sites fetched, seen and mended by hand.

mod sites;

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Write as _, stdout};
use std::path::Path;

use super::Error;
use crate::cli::{StateCommand, StateDirArgs};
use crate::exit::Exit;
use crate::pipeline::dialect::{self, Record};
use crate::pipeline::json::Reader;
use crate::pipeline::timestamp::{TimeMode, Timestamp};
use crate::process::shown::Shown as _;
use crate::state::{self, Store};
use crate::tail::content;
use crate::tail::ledger::{Ledger, Row};
use crate::tail::log::Condition;
use crate::tail::run::STATE;

/// Runs the command.
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
        StateCommand::Forget { name, state } => change(&state, |ledger| {
            let ids = ids(ledger, &name)?;
            ledger.logs.retain(|id, _| !ids.contains(id));
            Ok(format!("{}: forgotten\n", name.shown()))
        }),
        StateCommand::Set {
            name,
            offset,
            since,
            state,
        } => change(&state, |ledger| set(ledger, &name, offset, since)),
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
    let saved = state::read::<Ledger>(&directory, STATE)?;
    let rows = saved.iter().flat_map(|saved| saved.state.logs.values());
    let lines = rows.map(|row| {
        let checkpoint = &row.checkpoint;
        format!(
            "{}\toffset {}\t{}\n",
            checkpoint.path.shown(),
            checkpoint.progress.offset(),
            super::tail::report::condition(checkpoint)
        )
    });
    let sites = sites::all(&directory);
    let sites = sites.iter().map(|(_, ledger)| sites::line(ledger));
    print(&lines.chain(sites).collect::<String>())
}

fn show(name: &Path, at: &StateDirArgs) -> Result<Exit, Error> {
    let directory = state::directory(at.state_dir.as_deref())?;
    let mut ledger = read(&directory, name)?;
    let ids = ids(&ledger, name)?;
    ledger.logs.retain(|id, _| ids.contains(id));
    let rows: Vec<&Row> = ledger.logs.values().collect();
    let text = serde_json::to_string_pretty(&rows).map_err(io::Error::from);
    print(&(text.map_err(Error::Report)? + "\n"))
}

fn read(directory: &Path, name: &Path) -> Result<Ledger, Error> {
    let saved = state::read::<Ledger>(directory, STATE)?;
    let unknown = || Error::Unknown(name.shown().to_string());
    saved.map(|saved| saved.state).ok_or_else(unknown)
}

/// The logs at a path.
fn ids(ledger: &Ledger, name: &Path) -> Result<Vec<u64>, Error> {
    let path = std::path::absolute(name).unwrap_or_else(|_| name.to_owned());
    let at_path = ledger.logs.iter();
    let ids: Vec<_> = at_path
        .filter(|(_, row)| row.checkpoint.path == path)
        .map(|(id, _)| *id)
        .collect();
    if ids.is_empty() {
        return Err(Error::Unknown(name.shown().to_string()));
    }
    Ok(ids)
}

/// Changes the state, under its lock.
fn change(
    at: &StateDirArgs,
    change: impl FnOnce(&mut Ledger) -> Result<String, Error>,
) -> Result<Exit, Error> {
    let directory = state::directory(at.state_dir.as_deref())?;
    let store = Store::open(&directory, STATE)?;
    let mut ledger: Ledger = store.load()?.unwrap_or_default();
    let done = change(&mut ledger)?;
    store
        .save(&ledger)
        .map_err(|source| Error::Save { directory, source })?;
    print(&done)
}

fn set(
    ledger: &mut Ledger,
    name: &Path,
    offset: Option<u64>,
    since: Option<Timestamp>,
) -> Result<String, Error> {
    let ids = ids(ledger, name)?;
    let rows = ids.iter().rev();
    // The file that is there now, if others were there before it.
    let mut rows = rows.filter(|id| {
        let row = ledger.logs.get(id);
        row.is_some_and(|row| row.checkpoint.gone_since.is_none())
    });
    let id = rows.next().copied();
    if let Some(id) = id {
        // What a pipe has already is of the old offset.
        ledger.handed.remove(&id);
    }
    let Some(row) = id.and_then(|id| ledger.logs.get_mut(&id)) else {
        return Err(Error::CannotSet(format!(
            "{} is gone: there is nothing to read of it",
            name.shown()
        )));
    };
    let path = row.checkpoint.path.clone();
    let failed =
        |source: io::Error| Error::CannotSet(format!("cannot read {}: {source}", path.shown()));
    if row.checkpoint.condition.is_compressed() {
        return Err(Error::CannotSet(format!(
            "{} is compressed: only plain files can be set",
            path.shown()
        )));
    }
    let file = content::open(&path).map_err(failed)?;
    let offset = match (offset, since) {
        (Some(offset), _) => line_start(&file, &path, offset)?,
        (None, Some(since)) => first_since(&file, since).map_err(failed)?,
        (None, None) => 0,
    };
    row.checkpoint.progress = content::progress_at(&file, offset).map_err(failed)?;
    row.checkpoint.condition = Condition::Plain;
    row.checkpoint.unfinished = None;
    Ok(format!("{}: offset {offset}\n", path.shown()))
}

/// The offset, if a line begins there.
fn line_start(file: &File, path: &Path, offset: u64) -> Result<u64, Error> {
    let failed = |source| Error::CannotSet(format!("cannot read {}: {source}", path.shown()));
    let length = file.metadata().map_err(failed)?.len();
    if offset > length {
        return Err(Error::CannotSet(format!(
            "--offset: {} has {length} bytes, fewer than {offset}",
            path.shown()
        )));
    }
    let before = content::line_start_before(file, offset).map_err(failed)?;
    if before != offset {
        return Err(Error::CannotSet(format!(
            "--offset: byte {offset} of {} is in the middle of a line, which begins at byte {before}",
            path.shown()
        )));
    }
    Ok(offset)
}

/// Where the first record of that time or later begins; the end if there is none.
fn first_since(file: &File, since: Timestamp) -> io::Result<u64> {
    let mut lines = BufReader::new(file);
    let mut reader = Reader::default();
    let (mut offset, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(offset);
        }
        if time_of(&mut reader, &line).is_some_and(|time| time >= since) {
            return Ok(offset);
        }
        offset += read as u64;
    }
}

fn time_of(reader: &mut Reader, line: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(line.trim_ascii()).ok()?;
    let document = reader.read(text).ok()?;
    let record = Record::read(document.root());
    let dialect = dialect::detect(&record)?;
    record.time(dialect, TimeMode::Exact).ok().flatten()
}

pub(super) fn print(text: &str) -> Result<Exit, Error> {
    stdout().write_all(text.as_bytes()).map_err(Error::Report)?;
    Ok(Exit::Done)
}

//! The rows of a state of `tail`: one a series of files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use time::OffsetDateTime;

use super::presence::{Presence, Told, failing, presence, set_output};
use super::row::{Position, Row, State};
use crate::cluster::sink::ClusterCheckpoint;
use crate::commands::tail::report::lag;
use crate::pipeline::timestamp::Timestamp;
use crate::process::file_id::FileId;
use crate::state::live::Live;
use crate::state::{self, Saved};
use crate::tail::checkpoints::{Checkpoints, LogEntry};
use crate::tail::log::{Checkpoint, Condition as Reading, Log, Series};
use crate::tail::name::{LogName, is_compressed, is_unreadable};
use crate::tail::run::STATE;
use crate::tail::{set, states};

/// The rows of a state; none while it has neither a state nor a process.
pub fn rows(directory: &Path, name: &str, told: &[Told]) -> Vec<Row> {
    let is_about = |live: &Live| live.known.state.as_deref() == Some(name);
    let of = states::source(name).unwrap_or(STATE).to_owned();
    let saved = match state::read_quietly::<Checkpoints>(directory, name) {
        Ok(saved) => saved,
        Err(error) => {
            let presence = presence(directory, name, None, told, is_about);
            let mut row = Row::new(of, "tail", failing(error.to_string()));
            row.pid = presence.pid;
            return vec![row];
        }
    };
    let saved_at = saved
        .as_ref()
        .and_then(|saved| Timestamp::of_utc(saved.saved_at));
    let presence = presence(directory, name, saved_at, told, is_about);
    let mut row = Row::new(of, "tail", presence.condition.clone());
    row.pid = presence.pid;
    row.last_save = saved_at;
    let Some(saved) = saved else {
        set_output(&mut row, presence.live.as_ref(), None, None);
        // What a killed process left behind that never saved anything.
        return Vec::from_iter(presence.live.is_some().then_some(row));
    };
    row.newest_event = saved.state.newest_event;
    row.lost_bytes = saved.state.lost_bytes;
    let cluster = saved.state.cluster.as_ref();
    set_output(
        &mut row,
        presence.live.as_ref(),
        saved.state.output.as_ref(),
        cluster.map(ClusterCheckpoint::target),
    );
    of_series(&row, &saved, &presence)
}

/// The files of a series.
#[derive(Default)]
struct Files<'a> {
    logs: Vec<(&'a LogEntry, LogName)>,
}

fn of_series(base: &Row, saved: &Saved<Checkpoints>, presence: &Presence) -> Vec<Row> {
    let mut by_series: BTreeMap<Series, Files<'_>> = BTreeMap::new();
    for entry in saved.state.logs.values() {
        let log = Log::restore(entry.checkpoint.clone());
        let files = by_series.entry(log.series).or_default();
        files.logs.push((entry, log.name));
    }
    let is_read = |entry: &LogEntry| entry.checkpoint.condition != Reading::Ignored;
    by_series.retain(|_, files| files.logs.iter().any(|(entry, _)| is_read(entry)));
    if by_series.is_empty() {
        let mut row = base.clone();
        row.lag_bytes = Some(0);
        row.lag_seconds = Some(0);
        return vec![row];
    }
    let mut folders = BTreeMap::new();
    let rows = by_series.into_iter().map(|(series, files)| {
        let folder = folders
            .entry(series.0.clone())
            .or_insert_with(|| Folder::read(&series.0));
        let mut row = base.clone();
        let unread = unread(folder, &series, &files, saved.saved_at, presence);
        row.lag_bytes = Some(unread.bytes);
        row.lag_seconds = Some(unread.seconds);
        for (entry, _) in &files.logs {
            row.records += entry.events;
            row.failed += entry.errors;
            row.bytes += entry.checkpoint.progress.offset();
        }
        let newest = files.logs.iter().filter(|(entry, _)| is_read(entry));
        let newest = newest
            .max_by_key(|(entry, name)| (entry.checkpoint.gone_since.is_none(), name.age.clone()));
        row.position = newest.map_or_else(Position::default, |(entry, _)| Position {
            path: Some(entry.checkpoint.path.clone()),
            offset: Some(entry.checkpoint.progress.offset()),
            cursor: None,
        });
        row.series = Some(series.0.join(series.1));
        row
    });
    rows.collect()
}

/// The files of a directory, as they are now.
struct Folder(Vec<(PathBuf, FileId, u64, Option<SystemTime>)>);

impl Folder {
    fn read(folder: &Path) -> Self {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            let file = (
                entry.path(),
                FileId::of(&metadata),
                metadata.len(),
                metadata.modified().ok(),
            );
            metadata.is_file().then_some(file)
        });
        let mut files: Vec<_> = files.collect();
        files.sort_by_key(|(_, id, _, _)| id.inode);
        Self(files)
    }

    /// The file of a log, wherever rotation put it: its path, size and time.
    fn file_of(&self, checkpoint: &Checkpoint) -> Option<(PathBuf, u64, Option<SystemTime>)> {
        // Where links lead, it is not in this directory.
        match fs::metadata(&checkpoint.path) {
            Ok(now) if FileId::of(&now).may_be(&checkpoint.file_id, true) => {
                Some((checkpoint.path.clone(), now.len(), now.modified().ok()))
            }
            Ok(_) | Err(_) => {
                let mut moved = self.of_inode(checkpoint.file_id.inode);
                let moved = moved.find(|(_, id, _, _)| id.may_be(&checkpoint.file_id, false));
                moved.map(|(path, _, size, modified)| (path.clone(), *size, *modified))
            }
        }
    }

    /// The files of an inode, by the names that they have now.
    fn of_inode(
        &self,
        inode: u64,
    ) -> impl Iterator<Item = &(PathBuf, FileId, u64, Option<SystemTime>)> {
        let start = self.0.partition_point(|(_, id, _, _)| id.inode < inode);
        self.0[start..]
            .iter()
            .take_while(move |(_, id, _, _)| id.inode == inode)
    }
}

/// What is there and was not read.
#[derive(Default)]
struct Unread {
    bytes: u64,
    seconds: u64,
}

fn unread(
    folder: &Folder,
    series: &Series,
    files: &Files<'_>,
    saved_at: OffsetDateTime,
    presence: &Presence,
) -> Unread {
    let mut all = Unread::default();
    let mut add = |path: &Path, offset: u64, bytes: u64, modified: Option<SystemTime>| {
        if bytes > 0 {
            all.bytes += bytes;
            let seconds = waiting(path, offset, modified, saved_at);
            all.seconds = all.seconds.max(seconds);
        }
    };
    for (entry, _) in &files.logs {
        let checkpoint = &entry.checkpoint;
        if checkpoint.condition != Reading::Plain {
            continue;
        }
        if let Some((path, size, modified)) = folder.file_of(checkpoint) {
            let offset = checkpoint.progress.offset();
            // The beginning of a line is read once the line is whole.
            let begun = checkpoint.unfinished.as_ref().map_or(0, |line| line.length);
            let bytes = size.saturating_sub(offset).saturating_sub(begun);
            add(&path, offset, bytes, modified);
        }
    }
    if presence.condition.state != State::Stopped {
        return all;
    }
    // What rotation made since nobody is there to know it.
    let is_known = |id: &FileId| {
        let mut logs = files.logs.iter();
        logs.any(|(entry, _)| id.may_be(&entry.checkpoint.file_id, false))
    };
    for (path, id, size, modified) in &folder.0 {
        let name = path.file_name().unwrap_or_default();
        let is_new = modified.is_some_and(|modified| OffsetDateTime::from(modified) > saved_at);
        if is_new
            && !is_compressed(name)
            && !is_unreadable(name)
            && LogName::of(name).series == series.1
            && !is_known(id)
        {
            add(path, 0, *size, *modified);
        }
    }
    all
}

/// How long bytes have been waiting: since the time of their first record, if that is between the file's last write and
/// the last save, before which they were not there or were being read.
fn waiting(
    path: &Path,
    offset: u64,
    modified: Option<SystemTime>,
    saved_at: OffsetDateTime,
) -> u64 {
    let most = lag(modified, Some(saved_at));
    let least = lag(modified, None);
    let recorded = set::time_at(path, offset).map(|time| {
        let age = Timestamp::now().millis().saturating_sub(time.millis());
        u64::try_from(age / 1000).unwrap_or_default()
    });
    recorded.map_or(most, |age| age.clamp(least.min(most), most))
}

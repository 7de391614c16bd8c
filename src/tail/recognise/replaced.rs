//! Files that begin with what was read of a log whose own file is still there: `sed -i.bak` and
//! `install -b` put a copy in a log's place and leave the old file as a backup, and a rotated copy can
//! hold more than the log does. What both hold is read once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::copies::{Index, LogCopy};
use super::grown::{Grown, is_all_that_was};
use super::moved::ByHead;
use super::places::{
    compared, is_extended, is_intact, is_rotation_of, is_there, stamp, unless_vanished,
};
use super::scan::Scan;
use super::{Changed, Logs, ReadState, key};
use crate::process::shown::Shown as _;
use crate::tail::content::{self, Beginning};
use crate::tail::discover::FileInfo;
use crate::tail::identity::{Comparison, ReadPosition};
use crate::tail::log::{Condition, Log, LogId, Series, file_name, folder};
use crate::tail::name::LogName;

/// So many of the newest backups of a file are compared with it while it is shorter than they are.
const MOST_BACKUPS: usize = 4;

impl Logs {
    /// Takes each file that begins with what was read of a log which stands elsewhere by now, or which
    /// it is a rotated copy of: as the log's new place, as a log that begins behind what both hold, or
    /// as a copy that may still be in the making.
    pub(super) fn find_replaced(
        &mut self,
        known: ReadState,
        nowhere: &[LogId],
        scan: &mut Scan<'_>,
    ) -> Result<(), Changed> {
        if known == ReadState::Read {
            self.with_backup.clear();
        }
        let new: Vec<&FileInfo> = scan.free().collect();
        let logs = self.all.iter().map(|(id, log)| (*id, log));
        let nowhere: HashSet<_> = nowhere.iter().copied().collect();
        let present = logs.filter(|(id, log)| is_present(log) && !nowhere.contains(id));
        if new.is_empty() || present.clone().next().is_none() {
            return Ok(());
        }
        let of_step = |(_, log): &(LogId, &Log)| known == ReadState::of(log);
        let index = ByHead::of(present.clone().filter(of_step));
        let grown = Grown::of(present.clone().filter(of_step));
        let backups = Backups::of(present);
        for found in new {
            let backups = if found.name.rotated_from.is_none() {
                backups.of_file(found, &self.all)
            } else {
                Vec::new()
            };
            if !backups.is_empty() {
                self.with_backup.insert(key(&found.file_id));
            }
            let is_known = |id: &LogId| {
                self.all
                    .get(id)
                    .is_some_and(|log| ReadState::of(log) == known)
            };
            let backups: Vec<_> = backups.into_iter().filter(is_known).collect();
            let Some(head) = scan.head(found)?.filter(|head| !head.is_empty()) else {
                continue;
            };
            if self.is_beginning_of_backup(&backups, found)? {
                scan.take(&found.file_id);
                continue;
            }
            let mut candidates = index.beginning_like(&head);
            // A copy that is shorter than the known beginning is found by its name.
            let mut by_name: BTreeSet<_> = backups.into_iter().collect();
            let known_copy = self.copies.get(&key(&found.file_id));
            if known_copy.is_none_or(|copy| copy.found != *found) {
                by_name.extend(grown.originals(found));
            }
            by_name.retain(|id| !candidates.contains(id));
            candidates.extend(by_name);
            for id in candidates {
                if self.continues(id, found, scan)? {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether a file holds what was read of a log, and what that makes of it.
    fn continues(
        &mut self,
        id: LogId,
        found: &FileInfo,
        scan: &mut Scan<'_>,
    ) -> Result<bool, Changed> {
        let Some(log) = self.all.get_mut(&id) else {
            return Ok(false);
        };
        let is_backup = is_backup_of(log, found.own_path(), &found.name);
        // A log under a name that says nothing of its age is a backup itself.
        let has_age = log.checkpoint.series.is_none();
        let is_rotated_copy = !is_backup && has_age && is_rotation_of(found, log);
        // Both may have been renamed since.
        let is_of_series = log.series.0 == found.lives_in() && log.series.1 == found.name.series;
        // A file took the place of the symbolic link to it.
        let is_of_link = log.home != log.series.0 && log.home == folder(&found.path);
        if !is_backup && !is_rotated_copy && !is_of_series && !is_of_link {
            return Ok(false);
        }
        let (comparison, condition) = compared(log, found, scan)?;
        let path = log.checkpoint.path.clone();
        let is_shorter_copy = log.checkpoint.condition == Condition::ShorterCopy;
        let is_place = match comparison {
            // One that holds more of what was read.
            Comparison::Continues if is_shorter_copy => true,
            Comparison::Shorter if is_shorter_copy => !is_beginning_of(&found.path, &path, found)?,
            // Whatever is written from here on is written to it.
            Comparison::Continues if !is_rotated_copy || log.unread() > 0 => {
                is_beginning_of(&path, &found.path, found)?
            }
            Comparison::Continues | Comparison::Shorter | Comparison::Different => false,
        };
        if is_place {
            log.moves_to(found, condition);
            scan.take(&found.file_id);
        }
        if is_place || is_shorter_copy {
            return Ok(is_place);
        }
        let both = content::common_lines(found, &path);
        let Some(progress) = unless_vanished(both.map(Some), found, None)? else {
            return Ok(false);
        };
        let both = progress.offset();
        let was_all = is_rotated_copy && is_all_that_was(log, found, both);
        if !was_all && !is_all_of(log, both) {
            return Ok(false);
        }
        if !is_backup && is_beginning_of(&found.path, &path, found)? {
            // A copy, perhaps in the making.
            return Ok(false);
        }
        if !is_intact(log) {
            // It was truncated meanwhile, so that its copy says more than it does.
            return Err(Changed);
        }
        self.begin_behind(found, &path, progress, scan)?;
        Ok(true)
    }

    /// Makes a log of a file that begins behind what it and the file at a path both hold.
    fn begin_behind(
        &mut self,
        found: &FileInfo,
        path: &Path,
        progress: ReadPosition,
        scan: &mut Scan<'_>,
    ) -> Result<(), Changed> {
        tracing::debug!(
            "{} holds what {} does up to byte {}",
            found.path.shown(),
            path.shown(),
            progress.offset()
        );
        // What stands behind what both hold was not read.
        let is_compressed = unless_vanished(content::is_found_compressed(found), found, false)?;
        let condition = if is_compressed {
            Condition::Compressed
        } else {
            Condition::Plain
        };
        let unread = |log: &&mut Log| log.offset() == 0 && log.checkpoint.file_id == found.file_id;
        if let Some(log) = self.all.values_mut().find(unread) {
            log.checkpoint.progress = progress;
            log.checkpoint.seen = None;
            log.moves_to(found, condition);
        } else {
            let log = Log::begin(found, progress, None, condition);
            self.add(log);
        }
        scan.take(&found.file_id);
        Ok(())
    }

    /// Whether all of a file stands at the beginning of one of its backups: a copy, perhaps in the
    /// making, of what is read there.
    fn is_beginning_of_backup(
        &mut self,
        backups: &[LogId],
        found: &FileInfo,
    ) -> Result<bool, Changed> {
        let is_known = |copy: &LogCopy| copy.found == *found && backups.contains(&copy.of);
        if self.copies.get(&key(&found.file_id)).is_some_and(is_known) {
            return Ok(true);
        }
        for id in backups {
            let Some(log) = self.all.get(id) else {
                continue;
            };
            let backup = &log.checkpoint.path;
            let is_beginning = is_beginning_of(&found.path, backup, found)?;
            // One that holds all of it is its new place.
            if is_beginning && !is_beginning_of(backup, &found.path, found)? {
                let (path, backup) = (found.path.shown(), backup.shown());
                tracing::debug!("{path} is the beginning of {backup}");
                let copy = LogCopy {
                    found: found.clone(),
                    of: *id,
                    is_identifiable: true,
                    original: stamp(log),
                };
                self.copies.insert(key(&found.file_id), copy);
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether the file at a path, under no rotated name, is not read because it says no more than a log
    /// does: once it is written to, that is to be looked at again.
    #[must_use]
    pub fn is_beginning_of_backup_at(&self, path: &Path) -> bool {
        let mut copies = self.copies.values();
        copies.any(|copy| copy.found.name.rotated_from.is_none() && copy.found.path == path)
    }

    /// Whether the file of a log of which nothing was read begins as one of its backups does: then the
    /// next scan tells what it is.
    #[must_use]
    pub fn is_beginning_known(&self, id: LogId) -> bool {
        let log = self.all.get(&id);
        let Some(log) = log.filter(|log| self.with_backup.contains(&key(&log.checkpoint.file_id)))
        else {
            return false;
        };
        let path = &log.checkpoint.path;
        let own = log.checkpoint.own_path();
        let backups = self.all.values();
        let mut backups =
            backups.filter(|backup| is_present(backup) && is_backup_of(backup, own, &log.name));
        backups.any(|backup| {
            let backup_path = &backup.checkpoint.path;
            let common = content::common_length(path, backup_path);
            let is_beginning = || content::compare_paths(path, backup_path);
            let is_of_read = || {
                let compared = content::compare_path(path, &backup.checkpoint.progress);
                compared.is_ok_and(|comparison| comparison != Comparison::Different)
            };
            common.is_ok_and(|common| is_all_of(backup, common))
                || backup.checkpoint.condition == Condition::ShorterCopy && is_of_read()
                || is_beginning().is_ok_and(|beginning| beginning == Beginning::Same)
        })
    }

    /// What counts as read of a file that is the beginning of a log in the same series, whose name does
    /// not tell so any more: the copy was made before the log was rotated.
    pub(super) fn known_lines(
        &self,
        found: &FileInfo,
        index: &mut Index,
        scan: &mut Scan<'_>,
    ) -> Result<Option<ReadPosition>, Changed> {
        for id in index.originals(found, &self.all, scan)? {
            let Some(log) = self.all.get(&id) else {
                continue;
            };
            let path = &log.checkpoint.path;
            if is_beginning_of(&found.path, path, found)? {
                if !is_there(log) {
                    return Err(Changed);
                }
                let lines = content::common_lines(found, path);
                return unless_vanished(lines.map(Some), found, None);
            }
        }
        Ok(None)
    }
}

/// Logs by what tells whose backups their files may be.
struct Backups {
    by_path: BTreeMap<PathBuf, LogId>,
    by_series: HashMap<Series, Vec<LogId>>,
}

impl Backups {
    fn of<'a>(logs: impl Iterator<Item = (LogId, &'a Log)>) -> Self {
        let mut backups = Self {
            by_path: BTreeMap::new(),
            by_series: HashMap::new(),
        };
        for (id, log) in logs {
            let path = log.checkpoint.own_path().to_owned();
            let series = (folder(&path).to_owned(), log.name.series.clone());
            backups.by_path.insert(path, id);
            let of_series = backups.by_series.entry(series);
            of_series.or_default().push(id);
        }
        backups
    }

    /// The newest logs that a file's content may have come from, by their names.
    fn of_file(&self, found: &FileInfo, logs: &BTreeMap<LogId, Log>) -> Vec<LogId> {
        let path = found.own_path();
        let behind = self.by_path.range(path.to_owned()..);
        let extended = behind.take_while(|(other, _)| {
            let name = file_name(other).as_bytes();
            folder(other) == folder(path) && name.starts_with(file_name(path).as_bytes())
        });
        let series = (folder(path).to_owned(), found.name.series.clone());
        let of_series = self.by_series.get(&series);
        let ids = of_series.into_iter().flatten();
        let ids: BTreeSet<LogId> = ids.chain(extended.map(|(_, id)| id)).copied().collect();
        let known = ids.into_iter().filter_map(|id| Some((id, logs.get(&id)?)));
        let mut backups: Vec<_> = known
            .filter(|(_, log)| is_backup_of(log, path, &found.name))
            .collect();
        backups.sort_by_key(|(id, log)| Reverse((log.name.age.clone(), *id)));
        backups.truncate(MOST_BACKUPS);
        backups.into_iter().map(|(id, _)| id).collect()
    }
}

/// Whether the file of a log that is read is there to compare with.
fn is_present(log: &Log) -> bool {
    log.checkpoint.size > 0
        && log.gone.is_none()
        && !log.is_unfollowed
        && log.checkpoint.condition != Condition::Ignored
}

/// Whether so many bytes are all that was read, or at first seen, of a log. Files that only begin with
/// the same lines, such as a header, are different logs.
fn is_all_of(log: &Log, bytes: u64) -> bool {
    let known = match ReadState::of(log) {
        ReadState::Read => log.offset(),
        ReadState::Unread => log.checkpoint.size,
    };
    bytes >= known
}

/// Whether a log's file is named as a backup, or as a rotated file, of another.
fn is_backup_of(log: &Log, path: &Path, name: &LogName) -> bool {
    let backup = log.checkpoint.own_path();
    let is_rotated = log.name.rotated_from.is_some()
        && log.name.series == name.series
        && log.name.age.is_rotation_of(&name.age);
    // What is rotated is nobody's successor.
    let is_beside = name.rotated_from.is_none() && backup != path && folder(backup) == folder(path);
    is_beside && (is_rotated || is_extended(file_name(backup), file_name(path)))
}

/// Whether all of the file at a path stands at the beginning of another one; `found` is one of them.
fn is_beginning_of(path: &Path, of: &Path, found: &FileInfo) -> Result<bool, Changed> {
    let beginning = content::compare_paths(path, of);
    let beginning = unless_vanished(beginning, found, Beginning::Different)?;
    Ok(beginning == Beginning::Same)
}

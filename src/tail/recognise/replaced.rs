//! Files that begin with what was read of a log whose own file is still there: `sed -i.bak` and
//! `install -b` put a copy in a log's place and leave the old file as a backup, and a rotated copy can
//! hold more than the log does. What both hold is read once.

use std::cmp::Reverse;
use std::io;
use std::path::Path;

use super::copies::Copy;
use super::moved::ByHead;
use super::places::{compared, is_extended, is_rotation_of, settled, stamp};
use super::scan::Scan;
use super::{Logs, Unsettled, key};
use crate::shown::Shown as _;
use crate::tail::content::{self, Beginning};
use crate::tail::discover::Found;
use crate::tail::identity::Comparison;
use crate::tail::log::{Condition, Log, LogId, file_name, folder};
use crate::tail::name::Name;

/// So many of the newest backups of a file are compared with it while it is shorter than they are.
const MOST_BACKUPS: usize = 4;

impl Logs {
    /// Takes each file that begins with what was read of a log which stands elsewhere by now, or which
    /// it is a rotated copy of: as the log's new place, as a log that begins behind what both hold, or
    /// as a copy that may still be in the making.
    pub(super) fn find_replaced(&mut self, scan: &mut Scan<'_>) -> Result<(), Unsettled> {
        let new: Vec<&Found> = scan.free().filter(|found| found.size > 0).collect();
        let logs = self.all.iter().map(|(id, log)| (*id, log));
        let index = ByHead::of(logs.filter(|(_, log)| !new.is_empty() && is_read(log)));
        if index.is_empty() {
            return Ok(());
        }
        for found in new {
            let Some(head) = scan.head(found)? else {
                continue;
            };
            let continued = index.beginning_like(&head);
            if self.continues_one(&continued, found, scan)? {
                continue;
            }
            if self.is_beginning_of_backup(found)? {
                scan.take(&found.node);
                continue;
            }
            let diverging = self.backups_of(&found.path);
            let diverging: Vec<_> = diverging.into_iter().map(|(id, _)| id).collect();
            self.continues_one(&diverging, found, scan)?;
        }
        Ok(())
    }

    /// Whether a file goes on where what was read of one of the logs does.
    fn continues_one(
        &mut self,
        logs: &[LogId],
        found: &Found,
        scan: &mut Scan<'_>,
    ) -> Result<bool, Unsettled> {
        for id in logs {
            if self.continues(*id, found, scan)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a file holds what was read of a log, all or most of it, and what that makes of it.
    fn continues(
        &mut self,
        id: LogId,
        found: &Found,
        scan: &mut Scan<'_>,
    ) -> Result<bool, Unsettled> {
        let Some(log) = self.all.get_mut(&id) else {
            return Ok(false);
        };
        let is_backup = is_backup_of(&log.checkpoint.path, &found.path);
        if !is_backup && !is_rotation_of(found, log) {
            return Ok(false);
        }
        let (comparison, condition) = compared(log, found, scan)?;
        let path = log.checkpoint.path.clone();
        if is_backup && comparison == Comparison::Continues && is_beginning_of(&path, found)? {
            // Whatever is written from here on is written to it.
            log.moves_to(found, condition);
            scan.take(&found.node);
            return Ok(true);
        }
        let both = content::common_lines(found, &path);
        let Some(progress) = settled(both.map(Some), found, None)? else {
            return Ok(false);
        };
        if !is_most_of(log, progress.offset()) {
            return Ok(false);
        }
        if !is_backup && progress.offset() >= found.size && condition == Condition::Plain {
            // A copy, and no more.
            return Ok(false);
        }
        tracing::debug!(
            "{} holds what {} does up to byte {}",
            found.path.shown(),
            path.shown(),
            progress.offset()
        );
        // What stands behind what both hold was not read.
        let is_compressed = settled(content::is_found_compressed(found), found, false)?;
        let condition = if is_compressed {
            Condition::Compressed
        } else {
            Condition::Plain
        };
        let unread = |log: &&mut Log| log.offset() == 0 && log.checkpoint.node == found.node;
        if let Some(log) = self.all.values_mut().find(unread) {
            log.checkpoint.progress = progress;
            log.checkpoint.seen = None;
            log.moves_to(found, condition);
        } else {
            let log = Log::begin(found, progress, None, condition);
            self.all.insert(self.next, log);
            self.next += 1;
        }
        scan.take(&found.node);
        Ok(true)
    }

    /// Whether all of a file stands at the beginning of one of its backups: a copy, perhaps in the
    /// making, of what was read there.
    fn is_beginning_of_backup(&mut self, found: &Found) -> Result<bool, Unsettled> {
        if found.name.rotated_from.is_some() {
            return Ok(false);
        }
        let is_known = |copy: &Copy| copy.found == *found && self.all.contains_key(&copy.of);
        if self.copies.get(&key(&found.node)).is_some_and(is_known) {
            return Ok(true);
        }
        let backup = self.backup_that_begins_as(&found.path);
        let Some(id) = settled(backup, found, None)? else {
            return Ok(false);
        };
        if let Some(log) = self.all.get(&id) {
            let (path, backup) = (found.path.shown(), log.checkpoint.path.shown());
            tracing::debug!("{path} is the beginning of {backup}");
            let copy = Copy {
                found: found.clone(),
                of: id,
                is_told: true,
                original: stamp(log),
            };
            self.copies.insert(key(&found.node), copy);
        }
        Ok(true)
    }

    /// Whether the file of a log of which nothing was read begins as one of its backups does: then the
    /// next scan tells what it is.
    #[must_use]
    pub fn is_beginning_known(&self, id: LogId) -> bool {
        let Some(log) = self.all.get(&id) else {
            return false;
        };
        if log.name.rotated_from.is_some() {
            return false;
        }
        let path = &log.checkpoint.path;
        let is_known = |(_, backup): &(LogId, &Log)| {
            let common = content::common_length(path, &backup.checkpoint.path);
            common.is_ok_and(|common| is_most_of(backup, common))
        };
        self.backups_of(path).iter().any(is_known)
            || matches!(self.backup_that_begins_as(path), Ok(Some(_)))
    }

    fn backup_that_begins_as(&self, path: &Path) -> io::Result<Option<LogId>> {
        for (id, backup) in self.backups_of(path) {
            match content::compare_paths(path, &backup.checkpoint.path) {
                Ok(Beginning::Same) => return Ok(Some(id)),
                Ok(Beginning::Different | Beginning::Empty) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
                Err(error) => tracing::debug!("{}: {error}", path.shown()),
            }
        }
        Ok(None)
    }

    /// The newest logs that a file's content may have come from, by their names.
    fn backups_of(&self, path: &Path) -> Vec<(LogId, &Log)> {
        let logs = self.all.iter();
        let is_backup = |log: &Log| is_read(log) && is_backup_of(&log.checkpoint.path, path);
        let mut backups: Vec<_> = logs
            .filter(|(_, log)| is_backup(log))
            .map(|(id, log)| (*id, log))
            .collect();
        backups.sort_by_key(|(id, log)| Reverse((log.name.age.clone(), *id)));
        backups.truncate(MOST_BACKUPS);
        backups
    }
}

/// Whether something was read of a log, and its file is there to compare with.
fn is_read(log: &Log) -> bool {
    log.offset() > 0
        && log.gone.is_none()
        && !log.is_unfollowed
        && !matches!(
            log.checkpoint.condition,
            Condition::ShorterCopy | Condition::Ignored
        )
}

/// Whether so many bytes are most of what was read of a log. Files that only begin with the same lines,
/// such as a header, are different logs.
fn is_most_of(log: &Log, bytes: u64) -> bool {
    bytes > log.offset() / 2
}

/// Whether a path is named as a backup, or as a rotated file, of another.
fn is_backup_of(backup: &Path, path: &Path) -> bool {
    let (name, of) = (file_name(backup), file_name(path));
    let is_rotated = || {
        let (name, of) = (Name::of(name), Name::of(of));
        name.rotated_from.is_some() && name.series == of.series && name.age.is_rotation_of(&of.age)
    };
    folder(backup) == folder(path) && (is_extended(name, of) || is_rotated())
}

/// Whether a file begins with all that stands at a path.
fn is_beginning_of(path: &Path, found: &Found) -> Result<bool, Unsettled> {
    let beginning = content::compare_paths(path, &found.path);
    let beginning = settled(beginning, found, Beginning::Different)?;
    Ok(beginning == Beginning::Same)
}

//! Which file is which log: renames, copies, truncation, compression, inodes that are used again.
//!
//! A log is a content. Inode and birth only help to find it: a file that holds what was read of a log
//! is that log, at whatever path, and a file that holds something else is another one. A file that was
//! copied and truncated is, from then on, the place of a new log, and the copy is the place of the old
//! one: so copytruncate is a rename like any other.
//!
//! A scan goes from what is sure to what is not: logs that stand where they stood; then those whose
//! content stands elsewhere; then files that begin as they do; then logs of which nothing was read, which only their inode tells; then
//! files that are no log yet.

mod copies;
mod copy;
mod gone;
mod grown;
#[cfg(test)]
mod model;
mod moved;
mod places;
mod reached;
mod replaced;
mod scan;
mod unreadable;
mod vanished;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use copies::{Index, LogCopy, is_begun};
use places::{is_same, place, unless_vanished, went_on};
use reached::Earlier;
use scan::Scan;

use super::content;
use super::discover::{FileInfo, ScanResult};
use super::identity::{Digest, ReadPosition};
use super::log::{Condition, Log, LogId, folder, identity_of};
use crate::input::compression::Compression;
use crate::input::format;
use crate::process::file_id::FileId;

/// How files are first met.
#[derive(Debug, Clone, Copy)]
pub struct FirstMeeting {
    /// Those that are there at the first look are followed from their end.
    pub from_end: bool,
    /// Those that were last written longer ago than this wait until they are written again.
    pub ignore_older: Option<Duration>,
}

/// Every log, and what is known of the files around them.
#[derive(Debug, Default)]
pub struct Logs {
    /// All known logs, by their number.
    pub all: BTreeMap<LogId, Log>,
    /// The number of the next new log.
    pub next: LogId,
    /// Logs with a lower number are from earlier runs; known from the first scan on.
    pub(super) earlier: Option<LogId>,
    /// Files that are copies of a log whose own file is still as it was.
    pub(super) copies: HashMap<(u64, u64), LogCopy>,
    /// Files that no log has claimed yet, beside which there are backups by their names.
    pub(super) with_backup: HashSet<(u64, u64)>,
    /// Logs that are gone with an unfinished line, whose text is known.
    pub orphans: Vec<LogId>,
    /// How many bytes are known to be lost.
    pub lost_bytes: u64,
    /// How many files in a compression that is not read may hold what was not read.
    pub unreadable: Vec<String>,
    /// Whether a file was reported as an error already.
    pub has_refused: bool,
}

/// A file changed during the scan: scan again.
#[derive(Debug, PartialEq, Eq)]
pub struct Changed;

fn key(file_id: &FileId) -> (u64, u64) {
    (file_id.device, file_id.inode)
}

/// The logs that one step of a scan is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ReadState {
    /// Something was read of them: their content tells them.
    Read,
    /// Nothing was: only their file tells them.
    Unread,
}

impl ReadState {
    fn of(log: &Log) -> Self {
        if log.offset() > 0 {
            Self::Read
        } else {
            Self::Unread
        }
    }
}

impl Logs {
    /// Adds a new log. Its identity is that of the file that it was first seen in; of several logs that
    /// began in one file, as after each copytruncate, it tells which one it is.
    fn add(&mut self, mut log: Log) {
        let file = identity_of(&log.checkpoint.file_id);
        let place = |identity: &str| match identity.strip_prefix(&file)? {
            "" => Some(0),
            rest => rest.strip_prefix('+')?.parse::<u64>().ok(),
        };
        let identities = self
            .all
            .values()
            .map(|log| log.checkpoint.identity.as_str());
        if let Some(last) = identities.filter_map(place).max() {
            log.identify(format!("{file}+{}", last + 1));
        }
        self.all.insert(self.next, log);
        self.next += 1;
    }

    /// Finds every log among the files, and makes new logs of those that are none yet.
    ///
    /// # Errors
    /// When files changed meanwhile, so that they cannot be identified.
    pub fn recognise(
        &mut self,
        scanned: &ScanResult,
        meeting: FirstMeeting,
    ) -> Result<(), Changed> {
        let mut earlier = self.begin(scanned);
        let mut scan = Scan::of(scanned);
        let mut nowhere = Vec::new();
        for known in [ReadState::Read, ReadState::Unread] {
            let astray = self.find_in_place(known, scanned, &mut scan)?;
            let mut missing = self.find_elsewhere(astray, &mut scan)?;
            if known == ReadState::Read {
                missing = self.find_moved(missing, &mut scan)?;
            }
            nowhere.extend(missing);
            self.find_replaced(known, &nowhere, &mut scan)?;
        }
        let mut new: Vec<_> = scan.free().collect();
        // The newest first: the older may be copies of it.
        new.sort_by(|one, other| other.name.age.cmp(&one.name.age));
        let mut index = Index::of(&self.all, &nowhere);
        let overwritten = self.overwritten(&nowhere, &mut index, &mut scan)?;
        self.give_up(nowhere, &overwritten, &mut scan)?;
        for found in new {
            if scan.is_free(&found.file_id)
                && let Some(log) = self.meet(found, meeting, &mut earlier, &mut index, &mut scan)?
            {
                index.add(self.next, &log);
                self.add(log);
            }
        }
        let present: HashSet<_> = scanned
            .found
            .iter()
            .map(|found| key(&found.file_id))
            .collect();
        self.copies.retain(|file_id, _| present.contains(file_id));
        Ok(())
    }

    /// Finds logs by their files; returns those whose file is not there or says something else.
    fn find_in_place(
        &mut self,
        known: ReadState,
        scanned: &ScanResult,
        scan: &mut Scan<'_>,
    ) -> Result<Vec<LogId>, Changed> {
        let mut astray = Vec::new();
        // Those that are gone come last: their inodes may be others' now.
        let logs = self
            .all
            .iter_mut()
            .filter(|(_, log)| ReadState::of(log) == known);
        let (gone, present): (Vec<_>, Vec<_>) = logs.partition(|(_, log)| log.gone.is_some());
        for (id, log) in present.into_iter().chain(gone) {
            let home = &log.home;
            let is_missing = |(failed, kind, _): &(PathBuf, io::ErrorKind, String)| {
                failed == home && *kind == io::ErrorKind::NotFound
            };
            // Of a directory that cannot be read nothing is known; others are no concern of ours,
            // but a file of theirs may be reached by another path now.
            log.is_unfollowed =
                !scanned.folders.contains_key(home) && !scanned.failed.iter().any(is_missing);
            let found = scan.with_inode_of(&log.checkpoint.file_id, &log.checkpoint.path);
            match found {
                Some(found) if !std::mem::take(&mut log.is_displaced) && is_same(log, found)? => {
                    log.is_at(found);
                    log.is_unfollowed = false;
                    scan.take(&found.file_id);
                }
                Some(found) if log.is_unfollowed => {
                    // Its directory has another name by now, and the file was truncated besides.
                    log.is_called(found);
                    log.is_unfollowed = false;
                    log.content = None;
                    astray.push(*id);
                }
                None if log.is_unfollowed => {}
                Some(_) => {
                    // Its bytes are no more in this file.
                    log.content = None;
                    astray.push(*id);
                }
                None => astray.push(*id),
            }
        }
        Ok(astray)
    }

    /// Looks for logs whose file is gone or has another content: under other names, in their own
    /// place, as rotated copies. Returns those that are not found.
    fn find_elsewhere(
        &mut self,
        astray: Vec<LogId>,
        scan: &mut Scan<'_>,
    ) -> Result<Vec<LogId>, Changed> {
        let mut missing = Vec::new();
        for id in astray {
            let Some(log) = self.all.get_mut(&id) else {
                continue;
            };
            if let Some(found) = went_on(log, scan)? {
                scan.take(&found.file_id);
                continue;
            }
            let Some((found, condition)) = place(log, id, &self.copies, scan)? else {
                missing.push(id);
                continue;
            };
            if let Some(condition) = condition {
                log.moves_to(&found, condition);
            } else {
                // Under its own name it is one that no pattern names any more.
                log.is_unfollowed = found.path == log.checkpoint.path
                    && log.checkpoint.series.is_none()
                    && folder(&found.path) == log.home;
                log.is_at(&found);
            }
            scan.take(&found.file_id);
            self.copies.remove(&key(&found.file_id));
        }
        Ok(missing)
    }

    /// Meets a file that is no log yet.
    fn meet(
        &mut self,
        found: &FileInfo,
        meeting: FirstMeeting,
        earlier: &mut Earlier,
        index: &mut Index,
        scan: &mut Scan<'_>,
    ) -> Result<Option<Log>, Changed> {
        if let Some(log) = self.unreadable(found, scan)? {
            return Ok(Some(log));
        }
        if self.is_copy(found, index, scan)?
            || !is_begun(found) && found.name.rotated_from.is_some()
        {
            return Ok(None);
        }
        if let Some(progress) = self.known_lines(found, index, scan)? {
            // What is appended to it is of no other log.
            let is_whole = progress.offset() == found.size;
            let condition = if is_whole {
                Condition::Plain
            } else {
                Condition::Ignored
            };
            return Ok(Some(Log::begin(found, progress, None, condition)));
        }
        let age = found
            .modified
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let is_old = meeting.ignore_older.is_some_and(|most| age > Some(most));
        let is_first_scan = found.is_first_scan && !earlier.knows_series_of(found, self);
        let (progress, mut condition) = if !found.is_followed && is_first_scan {
            (from_end(found)?, Condition::Ignored)
        } else if is_old || meeting.from_end && is_first_scan {
            // What is written to it from here on counts; nothing is appended to a compressed file.
            let condition = if unless_vanished(content::is_found_compressed(found), found, false)? {
                Condition::Ignored
            } else {
                Condition::Plain
            };
            (from_end(found)?, condition)
        } else {
            (ReadPosition::default(), Condition::Plain)
        };
        let mut seen = None;
        if progress.offset() == 0 {
            let head = scan.head(found)?.filter(|head| !head.is_empty());
            let format = head.as_deref().and_then(format::known);
            if let (Some(format), Condition::Plain) = (format, condition) {
                let outer = content::compression_of_found(found);
                let outer = unless_vanished(outer, found, Compression::Plain)?;
                self.refuse(&found.path, format, outer);
                condition = Condition::Ignored;
            }
            seen = head.map(|head| Digest::of(&head));
        }
        Ok(Some(Log::begin(found, progress, seen, condition)))
    }
}

/// What counts as read of a file that is followed from its end.
fn from_end(found: &FileInfo) -> Result<ReadPosition, Changed> {
    unless_vanished(content::at_last_line(found), found, ReadPosition::default())
}

/// The current time, in seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

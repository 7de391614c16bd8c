//! Logs whose content is nowhere: deleted, truncated without a copy, overwritten.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use super::copies::Index;
use super::places::{is_named_compressed, is_rotation_of, unless_vanished};
use super::scan::Scan;
use super::{Changed, Logs, ReadState, now};
use crate::process::shown::Shown as _;
use crate::tail::content;
use crate::tail::discover::FileInfo;
use crate::tail::log::{Condition, Log, LogId, Series};

/// What became of a log's content.
enum Fate<'a> {
    /// Its file was deleted.
    Deleted,
    /// Its file is there, with other content.
    Truncated,
    /// Its file was written over after its rotation, as `shred` does.
    Overwritten(&'a FileInfo),
}

/// What is missing of a log whose content is nowhere.
struct Loss {
    /// How many bytes were seen and not read.
    bytes: u64,
    /// What was written since the last look may be lost besides.
    may_be_more: bool,
}

impl Logs {
    /// Logs whose rotated files hold something else now that is no text: `shred` before the removal. That
    /// is nothing to be read.
    pub(super) fn overwritten(
        &mut self,
        nowhere: &[LogId],
        index: &mut Index,
        scan: &mut Scan<'_>,
    ) -> Result<HashMap<LogId, FileInfo>, Changed> {
        let mut overwritten = HashMap::new();
        if nowhere.is_empty() {
            return Ok(overwritten);
        }
        let newest = self.newest();
        for id in nowhere {
            let Some(log) = self.all.get(id).filter(|log| log.gone.is_none()) else {
                continue;
            };
            // Perhaps renamed since.
            let checkpoint = &log.checkpoint;
            let Some(found) = scan.with_inode_of(&checkpoint.file_id, &checkpoint.path) else {
                continue;
            };
            // Only its birth tells a file from a new one that has its inode.
            let is_same_file =
                found.file_id == log.checkpoint.file_id && found.file_id.born.is_some();
            // Data Center's files keep their names when a newer one is begun.
            let is_rotated = found.name.rotated_from.is_some() || !newest.contains(id);
            if is_same_file
                && is_rotated
                && found.size > 0
                && !scan.is_text(found)?
                && !self.is_copy(found, index, scan)?
            {
                overwritten.insert(*id, found.clone());
                scan.take(&found.file_id);
            }
        }
        Ok(overwritten)
    }

    /// Says of logs that are nowhere what that means.
    pub(super) fn give_up(
        &mut self,
        nowhere: Vec<LogId>,
        overwritten: &HashMap<LogId, FileInfo>,
        scan: &mut Scan<'_>,
    ) -> Result<(), Changed> {
        if nowhere.is_empty() {
            return Ok(());
        }
        let newest = self.newest();
        let mut uncertain = Vec::new();
        for id in nowhere {
            let Some(log) = self.all.get_mut(&id) else {
                continue;
            };
            if log.gone.is_some() {
                continue;
            }
            let fate = match overwritten.get(&id) {
                Some(found) if log.checkpoint.condition == Condition::Ignored => {
                    // Another pass: there is still nothing to be read.
                    ignore(log, found);
                    continue;
                }
                Some(found) => Fate::Overwritten(found),
                None if scan.is_listed(&log.checkpoint.file_id) => Fate::Truncated,
                None => Fate::Deleted,
            };
            let is_of_another = !matches!(fate, Fate::Overwritten(_))
                && ReadState::of(log) == ReadState::Unread
                && !scan.is_free(&log.checkpoint.file_id);
            if is_of_another {
                // What stands in its file is the content of a log that is known longer.
                log.checkpoint.size = 0;
                log.content = None;
            }
            log.gone = Some(Instant::now());
            log.checkpoint.gone_since = Some(now());
            log.is_changed = true;
            if log.content.is_none() {
                let archive = begun_archive(log, scan)?;
                let loss = lost(log, newest.contains(&id), &fate, archive);
                self.lost_bytes += loss.bytes;
                if loss.bytes > 0 || loss.may_be_more {
                    uncertain.push(id);
                }
                if log.checkpoint.unfinished.is_some() {
                    self.orphans.push(id);
                }
                log.searched = log.checkpoint.size;
            }
            if let Fate::Overwritten(found) = fate {
                let progress = content::at_last_line(found).unwrap_or_default();
                let log = Log::begin(found, progress, None, Condition::Ignored);
                self.add(log);
            }
        }
        for id in uncertain {
            self.warn_of_unknown_format(id, scan)?;
        }
        Ok(())
    }

    /// Of each series the log that was written to, as far as the state knew.
    fn newest(&self) -> HashSet<LogId> {
        let mut newest: HashMap<&Series, (LogId, &Log)> = HashMap::new();
        let logs = self
            .all
            .iter()
            .filter(|(_, log)| log.checkpoint.gone_since.is_none());
        for (id, log) in logs {
            let entry = newest.entry(&log.series).or_insert((*id, log));
            if entry.1.name.age <= log.name.age {
                *entry = (*id, log);
            }
        }
        newest.into_values().map(|(id, _)| id).collect()
    }
}

/// What a file that is not to be read holds now.
fn ignore(log: &mut Log, found: &FileInfo) {
    log.checkpoint.progress = content::at_last_line(found).unwrap_or_default();
    log.checkpoint.seen = None;
    log.moves_to(found, Condition::Ignored);
}

/// Says what of a log was seen and is gone.
fn lost(log: &Log, is_newest: bool, fate: &Fate<'_>, archive: Option<&FileInfo>) -> Loss {
    let unfinished = log.checkpoint.unfinished.as_ref();
    let known = unfinished.map_or(0, |unfinished| unfinished.length);
    let offset = log.offset() + known;
    let is_plain = log.checkpoint.condition == Condition::Plain;
    let (path, what, unread) = match fate {
        // Its length now is not that of what it held.
        Fate::Overwritten(found) => {
            let unread = log.held.saturating_sub(log.offset());
            let unread = if is_plain { unread } else { 0 };
            (&found.path, "was overwritten", unread)
        }
        Fate::Truncated => {
            let what = "was truncated, and no copy was found";
            (&log.checkpoint.path, what, log.unread())
        }
        Fate::Deleted => {
            let what = "was deleted, and no copy was found";
            (&log.checkpoint.path, what, log.unread())
        }
    };
    let path = path.shown();
    let bytes = unread.saturating_sub(known);
    let mut may_be_more = false;
    if bytes > 0 {
        let end = offset + bytes;
        tracing::warn!(
            "{path} {what}: bytes {offset} to {end} ({bytes} bytes) were not read and are lost"
        );
    } else if log.checkpoint.condition == Condition::Compressed {
        tracing::warn!(
            "{path} {} before it was read to its end: everything after byte {offset} of its uncompressed \
             content is lost",
            if matches!(fate, Fate::Overwritten(_)) {
                what
            } else {
                "was deleted"
            }
        );
    } else if let Some(archive) = archive.filter(|_| is_plain && offset > 0) {
        tracing::info!(
            "{} is truncated before any of it can be read: what came after byte {offset} of {path} may be in \
             it; waiting for the rest",
            archive.path.shown()
        );
    } else if is_plain && offset > 0 {
        may_be_more = seen_all(log, is_newest, fate, &format!("{path} {what}"), offset);
    }
    Loss { bytes, may_be_more }
}

/// An archive that may be of a log, but of which not even the beginning can be read: it is cut off, or
/// still being written.
fn begun_archive<'a>(log: &Log, scan: &mut Scan<'a>) -> Result<Option<&'a FileInfo>, Changed> {
    let is_candidate = |found: &&FileInfo| is_named_compressed(found) && is_rotation_of(found, log);
    let candidates: Vec<_> = scan.free().filter(is_candidate).collect();
    for found in candidates {
        let is_empty = scan.head(found)?.is_some_and(|head| head.is_empty());
        if is_empty && unless_vanished(content::is_found_compressed(found), found, false)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Says what it means that a log whose bytes were all read is nowhere. Returns whether more may have been
/// written to it.
fn seen_all(log: &Log, is_newest: bool, fate: &Fate<'_>, what: &str, offset: u64) -> bool {
    // A rotated file is finished; and while it was followed, a log was read to its end a moment ago. One that
    // was rotated and overwritten since was not looked at for longer than that.
    let is_rotated = log.name.rotated_from.is_some();
    let is_all = is_rotated || log.modified.is_some() && !matches!(fate, Fate::Overwritten(_));
    let behind = format!("what was written after byte {offset}");
    match fate {
        // Its like go away in every rotation.
        Fate::Deleted if !is_newest || log.modified.is_some() => return false,
        Fate::Deleted | Fate::Truncated | Fate::Overwritten(_) if is_all => {
            tracing::info!("{what}: all {offset} bytes that were seen had been read");
        }
        Fate::Deleted => tracing::warn!(
            "{} disappeared while it was not followed: {behind}, if anything, is lost, unless it was moved to \
             another directory",
            log.checkpoint.path.shown()
        ),
        Fate::Truncated => {
            tracing::warn!("{what}: {behind} before the truncation, if anything, is lost");
        }
        Fate::Overwritten(_) => {
            tracing::warn!("{what}: {behind} and before that, if anything, is lost");
        }
    }
    !is_all
}

//! Logs at another place: a directory that was renamed, restored or reached by another path.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;

use super::places::{compared, is_there};
use super::scan::Scan;
use super::{Changed, Logs};
use crate::tail::content;
use crate::tail::discover::FileInfo;
use crate::tail::identity::{Comparison, Digest};
use crate::tail::log::{Condition, Log, LogId, folder};

/// Logs by the beginning of what was read of them, or else of what was seen.
pub(super) struct ByHead {
    logs: HashMap<Digest, Vec<LogId>>,
    lengths: BTreeSet<usize>,
}

impl ByHead {
    pub(super) fn of<'a>(logs: impl Iterator<Item = (LogId, &'a Log)>) -> Self {
        let mut index = Self {
            logs: HashMap::new(),
            lengths: BTreeSet::new(),
        };
        for (id, log) in logs {
            let checkpoint = &log.checkpoint;
            let head = checkpoint.seen.as_ref();
            let head = head.unwrap_or(&checkpoint.progress.head);
            index.lengths.insert(head.length);
            index.logs.entry(head.clone()).or_default().push(id);
        }
        index
    }

    pub(super) fn is_empty(&self) -> bool {
        self.logs.is_empty()
    }

    pub(super) fn beginning_like(&self, head: &[u8]) -> Vec<LogId> {
        let lengths = self.lengths.range(..=head.len());
        let lengths = lengths.filter(|length| **length > 0);
        let heads = lengths.filter_map(|length| self.logs.get(&Digest::of(&head[..*length])));
        heads.flatten().copied().collect()
    }
}

impl Logs {
    /// Finds logs that are nowhere among files that are no log yet; returns those that are not found.
    /// A log that no pattern concerns any more counts if its file is gone, too.
    pub(super) fn find_moved(
        &mut self,
        missing: Vec<LogId>,
        scan: &mut Scan<'_>,
    ) -> Result<Vec<LogId>, Changed> {
        let new: Vec<&FileInfo> = scan.free().filter(|found| found.size > 0).collect();
        if new.is_empty() {
            return Ok(missing);
        }
        let mut missing: HashSet<LogId> = missing.into_iter().collect();
        let may_move = |(id, log): &(LogId, &Log)| {
            log.offset() > 0
                && log.checkpoint.condition != Condition::ShorterCopy
                && (log.is_unfollowed || missing.contains(id))
        };
        let logs = self.all.iter().map(|(id, log)| (*id, log));
        let index = ByHead::of(logs.filter(may_move));
        for found in new {
            if index.is_empty() {
                break;
            }
            let Some(head) = scan.head(found)? else {
                continue;
            };
            for id in index.beginning_like(&head) {
                let Some(log) = self.all.get_mut(&id) else {
                    continue;
                };
                let is_nowhere = missing.contains(&id) || log.is_unfollowed && !is_there(log);
                if is_nowhere
                    && let (Comparison::Continues, condition) = compared(log, found, scan)?
                {
                    log.moves_to(found, condition);
                    log.is_unfollowed = false;
                    scan.take(&found.file_id);
                    missing.remove(&id);
                    break;
                }
            }
        }
        self.find_in_renamed_directory(&mut missing, scan)?;
        let mut missing: Vec<_> = missing.into_iter().collect();
        missing.sort_unstable();
        Ok(missing)
    }

    /// Finds rotated copies that end before what was read does, of logs whose directory is not there any
    /// more, nor their file anywhere: the directory was renamed, and the log truncated and replaced, or
    /// its copy compressed.
    fn find_in_renamed_directory(
        &mut self,
        missing: &mut HashSet<LogId>,
        scan: &mut Scan<'_>,
    ) -> Result<(), Changed> {
        for (id, log) in &mut self.all {
            let is_nowhere = missing.contains(id) || log.is_unfollowed;
            let is_identifiable =
                log.offset() > 0 && log.checkpoint.condition != Condition::Ignored;
            if !is_nowhere || !is_identifiable || folder(&log.checkpoint.path).is_dir() {
                continue;
            }
            let is_rotated = |found: &&FileInfo| {
                found.name.rotated_from.is_some() && found.name.series == log.series.1
            };
            let rotated: Vec<_> = scan.free().filter(is_rotated).collect();
            let mut longest: Option<(u64, &FileInfo, Condition)> = None;
            for found in rotated {
                if let (Comparison::Shorter, condition) = compared(log, found, scan)? {
                    let length = content::length(found).unwrap_or_default();
                    if longest.is_none_or(|(longest, ..)| longest < length) {
                        longest = Some((length, found, condition));
                    }
                }
            }
            if let Some((_, found, condition)) = longest {
                log.moves_to(found, condition);
                log.is_unfollowed = false;
                scan.take(&found.file_id);
                missing.remove(id);
            }
        }
        Ok(())
    }

    /// Whether the file of a log of which nothing was read holds what was read of one that is gone: then
    /// it is that one, as the next scan finds.
    #[must_use]
    pub fn is_known_content(&self, id: LogId) -> bool {
        match self.is_content_of_gone(id) {
            Ok(is_known) => is_known,
            // It went, which the next scan finds, too.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    fn is_content_of_gone(&self, id: LogId) -> io::Result<bool> {
        let Some(path) = self.all.get(&id).map(|log| &log.checkpoint.path) else {
            return Ok(false);
        };
        let gone = |(_, log): &(&LogId, &Log)| {
            log.gone.is_some()
                && log.offset() > 0
                && log.checkpoint.condition != Condition::ShorterCopy
        };
        let mut gone = self.all.iter().filter(gone).peekable();
        if gone.peek().is_none() {
            return Ok(false);
        }
        let head = content::head_of(path)?;
        let in_its_place = gone.clone().filter(|(_, log)| log.checkpoint.path == *path);
        let in_its_place = in_its_place.map(|(id, _)| *id).collect::<Vec<_>>();
        let index = ByHead::of(gone.map(|(id, log)| (*id, log)));
        for id in index.beginning_like(&head).iter().chain(&in_its_place) {
            let Some(log) = self.all.get(id) else {
                continue;
            };
            match content::compare_path(path, &log.checkpoint.progress)? {
                Comparison::Continues => return Ok(true),
                Comparison::Shorter if log.checkpoint.path == *path => return Ok(true),
                Comparison::Shorter | Comparison::Different => {}
            }
        }
        Ok(false)
    }
}

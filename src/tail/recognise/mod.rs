//! Which file is which log: renames, copies, truncation, compression, inodes that are used again.
//!
//! A log is a content. A file that was copied and truncated is, from then on, the place of a new log,
//! and the copy is the place of the old one: so copytruncate is a rename like any other.

mod copies;
mod places;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

use copies::{Copy, Index, is_begun};
use places::{continuation, is_same, renamed, settled};

use super::content;
use super::discover::{Found, Look};
use super::identity::Progress;
use super::log::{Condition, Log, LogId, folder};
use crate::node::Node;
use crate::shown::Shown as _;

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
    /// The logs.
    pub all: BTreeMap<LogId, Log>,
    /// The number of the next new log.
    pub next: LogId,
    /// Files that are copies of a log whose own file is still as it was.
    pub(super) copies: HashMap<(u64, u64), Copy>,
    /// Logs that are gone with an unfinished line, whose text is known.
    pub orphans: Vec<LogId>,
    /// How many bytes are known to be lost.
    pub lost_bytes: u64,
}

/// Something changed while it was looked at: look again.
#[derive(Debug, PartialEq, Eq)]
pub struct Unsettled;

/// The files that no log has claimed yet, each with whether it is taken.
struct Unclaimed<'a> {
    found: Vec<&'a Found>,
    taken: HashSet<(u64, u64)>,
}

impl<'a> Unclaimed<'a> {
    fn free(&self) -> impl Iterator<Item = &'a Found> + '_ {
        let free = |found: &&&Found| !self.taken.contains(&key(&found.node));
        self.found.iter().filter(free).copied()
    }

    fn take(&mut self, found: &Found) {
        self.taken.insert(key(&found.node));
    }
}

fn key(node: &Node) -> (u64, u64) {
    (node.device, node.inode)
}

impl Logs {
    /// Finds every log among the files, and makes new logs of those that are none yet.
    ///
    /// # Errors
    /// When files changed meanwhile, so that it cannot be told.
    pub fn recognise(&mut self, look: &Look, meeting: FirstMeeting) -> Result<(), Unsettled> {
        let mut files = Unclaimed {
            found: look.found.iter().collect(),
            taken: HashSet::new(),
        };
        let astray = self.find_in_place(look, &mut files)?;
        self.find_elsewhere(astray, &mut files)?;
        let mut new: Vec<_> = files.free().collect();
        // The newest first: the older may be copies of it.
        new.sort_by(|one, other| other.name.age.cmp(&one.name.age));
        let mut index = Index::of(&self.all);
        for found in new {
            if let Some(log) = self.meet(found, meeting, &index)? {
                index.add(self.next, &log);
                self.all.insert(self.next, log);
                self.next += 1;
            }
        }
        let present: HashSet<_> = look.found.iter().map(|found| key(&found.node)).collect();
        self.copies.retain(|node, _| present.contains(node));
        Ok(())
    }

    /// Finds logs by their files; returns those whose file is not there or says something else.
    fn find_in_place(
        &mut self,
        look: &Look,
        files: &mut Unclaimed<'_>,
    ) -> Result<Vec<LogId>, Unsettled> {
        let mut by_inode: HashMap<u64, Vec<&Found>> = HashMap::new();
        for found in &look.found {
            by_inode.entry(found.node.inode).or_default().push(found);
        }
        let mut astray = Vec::new();
        // Those that are gone come last: their inodes may be others' now.
        let is_gone = |log: &Log| log.gone.is_some();
        let (gone, present): (Vec<_>, Vec<_>) =
            self.all.iter_mut().partition(|(_, log)| is_gone(log));
        for (id, log) in present.into_iter().chain(gone) {
            let folder = folder(&log.checkpoint.path);
            let is_missing = |(failed, kind, _): &(PathBuf, io::ErrorKind, String)| {
                failed == folder && *kind == io::ErrorKind::NotFound
            };
            // Of a directory that cannot be read nothing is known; others are no concern of ours.
            log.is_unfollowed =
                !look.folders.contains_key(folder) && !look.failed.iter().any(is_missing);
            if log.is_unfollowed {
                continue;
            }
            let candidates = by_inode.get(&log.checkpoint.node.inode);
            let found = candidates.into_iter().flatten().find(|found| {
                let same_path = found.path == log.checkpoint.path;
                log.checkpoint.node.may_be(&found.node, same_path)
                    && !files.taken.contains(&key(&found.node))
            });
            match found {
                Some(found) if !std::mem::take(&mut log.is_displaced) && is_same(log, found)? => {
                    log.is_at(found);
                    files.take(found);
                }
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

    /// Looks for logs whose file is gone or has another content: as rotated copies of them.
    fn find_elsewhere(
        &mut self,
        astray: Vec<LogId>,
        files: &mut Unclaimed<'_>,
    ) -> Result<(), Unsettled> {
        for id in astray {
            let Some(log) = self.all.get_mut(&id) else {
                continue;
            };
            if log.gone.is_none()
                && let Some(found) = renamed(log)
                && !files.taken.contains(&key(&found.node))
                && is_same(log, &found)?
            {
                // Under its own name it is one that no pattern names any more.
                log.is_unfollowed =
                    found.path == log.checkpoint.path && log.checkpoint.series.is_none();
                log.is_at(&found);
                files.take(&found);
                continue;
            }
            let continuation = continuation(log, id, &self.copies, files)?;
            let Some(log) = self.all.get_mut(&id) else {
                continue;
            };
            if let Some((found, condition)) = continuation {
                log.moves_to(&found, condition);
                files.take(&found);
                self.copies.remove(&key(&found.node));
            } else if log.gone.is_none() {
                log.gone = Some(Instant::now());
                log.checkpoint.gone_since = Some(now());
                log.is_changed = true;
                if log.content.is_none() {
                    self.lost_bytes += lost(log);
                    if log.checkpoint.unfinished.is_some() {
                        self.orphans.push(id);
                    }
                    log.searched = log.checkpoint.size;
                }
            }
        }
        Ok(())
    }

    /// Meets a file that is no log yet.
    fn meet(
        &mut self,
        found: &Found,
        meeting: FirstMeeting,
        index: &Index,
    ) -> Result<Option<Log>, Unsettled> {
        if self.is_copy(found, index)? || !is_begun(found) && found.name.rotated_from.is_some() {
            return Ok(None);
        }
        let age = found
            .modified
            .and_then(|modified| SystemTime::now().duration_since(modified).ok());
        let is_old = meeting.ignore_older.is_some_and(|most| age > Some(most));
        let (progress, condition) = if !found.is_followed && found.is_first_look {
            (from_end(found)?, Condition::Ignored)
        } else if is_old {
            return Ok(None);
        } else if meeting.from_end && found.is_first_look {
            (from_end(found)?, Condition::Plain)
        } else {
            (Progress::default(), Condition::Plain)
        };
        Ok(Some(Log::begin(found, progress, condition)))
    }
}

/// Says what of a log was seen and is gone, and returns how many bytes.
fn lost(log: &Log) -> u64 {
    let path = log.checkpoint.path.shown();
    let unfinished = log.checkpoint.unfinished.as_ref();
    let known = unfinished.map_or(0, |unfinished| unfinished.length);
    let offset = log.offset() + known;
    let bytes = log.unread().saturating_sub(known);
    if bytes > 0 {
        let end = offset + bytes;
        tracing::warn!(
            "{path} is gone, and nothing is left of it: bytes {offset} to {end} ({bytes} bytes) were not \
             read and are lost"
        );
    } else if log.checkpoint.condition == Condition::Compressed {
        tracing::warn!(
            "{path} is gone before it was read to its end: what stood behind byte {offset} of its \
             uncompressed content is lost"
        );
    }
    bytes
}

/// What counts as read of a file that is followed from its end.
fn from_end(found: &Found) -> Result<Progress, Unsettled> {
    settled(content::at_last_line(found), found, Progress::default())
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

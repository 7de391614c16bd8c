//! Rotated copies of logs whose own file is still as it was: `copytruncate` before the truncation, and
//! `gzip` before it removes its input.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::places::{
    SEPARATORS, Stamp, is_intact, is_named_compressed, is_rotation_of, is_there, stamp,
};
use super::{Logs, Unsettled, key};
use crate::shown::Shown as _;
use crate::tail::content::{self, Beginning};
use crate::tail::discover::Found;
use crate::tail::log::{Log, LogId, Series, file_name, folder};

/// A compressed file that is shorter has not got beyond its header.
const SHORTEST_COMPRESSED: u64 = 18;

/// A file that is a copy of a log, as far as the log's own file tells.
#[derive(Debug, Clone)]
pub(in crate::tail) struct Copy {
    found: Found,
    pub(super) of: LogId,
    /// There was something in it to tell it by; else it may be another log's, too.
    pub(super) is_told: bool,
    /// The original's size and time when they were compared.
    original: Stamp,
}

/// Logs by what a rotated file's name may tell of them.
#[derive(Default)]
pub(super) struct Index {
    by_series: HashMap<Series, Vec<LogId>>,
    by_path: HashMap<PathBuf, LogId>,
}

impl Index {
    pub(super) fn of(logs: &BTreeMap<LogId, Log>) -> Self {
        let mut index = Self::default();
        for (id, log) in logs {
            index.add(*id, log);
        }
        index
    }

    pub(super) fn add(&mut self, id: LogId, log: &Log) {
        self.by_series
            .entry(log.series.clone())
            .or_default()
            .push(id);
        if log.gone.is_none() {
            self.by_path.insert(log.checkpoint.path.clone(), id);
        }
    }

    /// The logs that a file may be a rotated form of.
    fn named_like(&self, found: &Found) -> BTreeSet<LogId> {
        let mut ids = BTreeSet::new();
        let folder = folder(&found.path);
        if found.name.rotated_from.is_some() {
            let series = (folder.to_owned(), found.name.series.clone());
            ids.extend(self.by_series.get(&series).into_iter().flatten());
        }
        let name = file_name(&found.path);
        let name = name.as_bytes();
        let ends = (0..name.len()).filter(|at| SEPARATORS.contains(&name[*at]));
        let before = ends.map(|at| folder.join(OsStr::from_bytes(&name[..at])));
        ids.extend(before.filter_map(|path| self.by_path.get(&path)));
        ids
    }
}

/// Whether anything can be told of a file by its content.
pub(super) fn is_begun(found: &Found) -> bool {
    let least = if is_named_compressed(found) {
        SHORTEST_COMPRESSED
    } else {
        1
    };
    found.size >= least
}

impl Logs {
    /// Whether the copies of a log still say the same as its own file: of what was not read yet nothing
    /// else tells that it was truncated.
    #[must_use]
    pub fn copies_agree(&self, id: LogId) -> bool {
        let Some(log) = self.all.get(&id) else {
            return true;
        };
        self.copies
            .values()
            .filter(|copy| copy.of == id)
            .all(|copy| {
                let compared = content::compare_beginning(&copy.found, &log.checkpoint.path);
                compared.is_ok_and(|beginning| beginning != Beginning::Different)
            })
    }

    /// Whether a file is a rotated copy, perhaps still being written, of a log whose own file is as it
    /// was (logrotate's `copytruncate` before the truncation, or `gzip` before it removes its input).
    pub(super) fn is_copy(&mut self, found: &Found, index: &Index) -> Result<bool, Unsettled> {
        let is_known = |copy: &Copy| {
            let original = self.all.get(&copy.of).filter(|log| log.gone.is_none());
            let is_as_compared = |log: &Log| {
                // What was read is compared at every look; what was not, here.
                log.offset() > 0 || stamp(log) == copy.original
            };
            copy.found == *found && original.is_some_and(is_as_compared)
        };
        if self.copies.get(&key(&found.node)).is_some_and(is_known) {
            return Ok(true);
        }
        self.copies.remove(&key(&found.node));
        let logs = index.named_like(found).into_iter();
        let of = logs
            .filter_map(|id| Some((id, self.all.get(&id)?)))
            .filter(|(_, log)| log.gone.is_none() && is_rotation_of(found, log));
        // The newest first: it is what is copied.
        let mut of: Vec<_> = of.collect();
        of.sort_by(|one, other| other.1.name.age.cmp(&one.1.name.age));
        for (id, log) in of {
            let beginning = if is_begun(found) {
                content::compare_beginning(found, &log.checkpoint.path)
            } else {
                Ok(Beginning::Empty)
            };
            match beginning {
                Ok(Beginning::Same) if !is_there(log) => return Err(Unsettled),
                // An empty one is perhaps a copy in the making.
                Ok(Beginning::Same | Beginning::Empty) => {
                    let (path, original) = (found.path.shown(), log.checkpoint.path.shown());
                    tracing::debug!("{path} is a copy of {original}");
                    let copy = Copy {
                        found: found.clone(),
                        of: id,
                        is_told: beginning.is_ok_and(|beginning| beginning == Beginning::Same),
                        original: stamp(log),
                    };
                    self.copies.insert(key(&found.node), copy);
                    return Ok(true);
                }
                // It says something else; but so it would if the original was just truncated.
                Ok(Beginning::Different) if !is_intact(log) => return Err(Unsettled),
                Ok(Beginning::Different) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Unsettled),
                // Damaged, or not to be read: then not to be told from a copy either.
                Err(error) => tracing::debug!("{}: {error}", found.path.shown()),
            }
        }
        Ok(false)
    }
}

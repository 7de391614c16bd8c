//! Rotated copies of logs whose own file is still as it was: `copytruncate` before the truncation, and
//! `gzip` before it removes its input.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::places::{SEPARATORS, is_intact, is_named_compressed, is_rotation_of, is_there, stamp};
use super::scan::Scan;
use super::{Changed, Logs, key};
use crate::process::shown::Shown as _;
use crate::tail::content::{self, Beginning};
use crate::tail::discover::FileInfo;
use crate::tail::identity::HEAD;
use crate::tail::log::{Log, LogId, Series, file_name};

pub(in crate::tail) use super::copy::LogCopy;

/// A compressed file that is shorter has not got beyond its header.
const SHORTEST_COMPRESSED: u64 = 18;

/// How much of a file's beginning tells what it may be a copy of.
const BEGINNING: usize = HEAD;
/// The same, in a series of so many logs that their beginnings would take much memory.
const SHORT_BEGINNING: usize = 512;
const MANY: usize = 20_000;

/// Logs by what a rotated file's name and beginning may tell of them.
#[derive(Default)]
pub(super) struct Index {
    series: HashMap<Series, Vec<LogId>>,
    paths: HashMap<PathBuf, LogId>,
    /// Of each series with a file that may be a copy.
    beginnings: HashMap<Series, Beginnings>,
}

/// The logs of a series by the beginnings of their files, so that a copy is not compared with all.
struct Beginnings {
    /// How much of each is kept, at most.
    most: usize,
    logs: BTreeMap<Vec<u8>, Vec<LogId>>,
    /// Of beginnings that are short: their files may have grown since.
    short: BTreeSet<usize>,
    /// Those whose beginning was read, and who were seen to be intact after that.
    intact: usize,
}

impl Beginnings {
    /// For a series of so many logs.
    fn of(logs: usize) -> Self {
        Self {
            most: if logs < MANY {
                BEGINNING
            } else {
                SHORT_BEGINNING
            },
            logs: BTreeMap::new(),
            short: BTreeSet::new(),
            intact: 0,
        }
    }

    fn add(&mut self, id: LogId, log: &Log) {
        let path = &log.checkpoint.path;
        let mut beginning = content::head_of(path).unwrap_or_default();
        beginning.truncate(self.most);
        beginning.shrink_to_fit();
        if beginning.len() < self.most {
            self.short.insert(beginning.len());
        }
        self.logs.entry(beginning).or_default().push(id);
    }

    /// The logs that begin as a file does.
    fn beginning_like(&self, head: &[u8]) -> BTreeSet<LogId> {
        let head = &head[..head.len().min(self.most)];
        let longer = self.logs.range(head.to_vec()..);
        let longer = longer.take_while(|(beginning, _)| beginning.starts_with(head));
        let shorter = self.short.range(..head.len());
        let shorter = shorter.filter_map(|length| self.logs.get(&head[..*length]));
        longer
            .map(|(_, ids)| ids)
            .chain(shorter)
            .flatten()
            .copied()
            .collect()
    }
}

impl Index {
    /// An index of the logs that are somewhere.
    pub(super) fn of(logs: &BTreeMap<LogId, Log>, nowhere: &[LogId]) -> Self {
        let mut index = Self::default();
        let nowhere: HashSet<_> = nowhere.iter().collect();
        let logs = logs.iter();
        let logs = logs.filter(|(_, log)| log.gone.is_none() && !log.is_unfollowed);
        for (id, log) in logs.filter(|(id, _)| !nowhere.contains(id)) {
            index.add(*id, log);
        }
        index
    }

    pub(super) fn add(&mut self, id: LogId, log: &Log) {
        if let Some(beginnings) = self.beginnings.get_mut(&log.series) {
            beginnings.add(id, log);
        }
        self.series.entry(log.series.clone()).or_default().push(id);
        self.paths.insert(log.checkpoint.own_path().to_owned(), id);
    }

    /// The logs that a file may be a copy of, by its name and its beginning.
    pub(super) fn originals(
        &mut self,
        found: &FileInfo,
        logs: &BTreeMap<LogId, Log>,
        scan: &mut Scan<'_>,
    ) -> Result<BTreeSet<LogId>, Changed> {
        let folder = found.lives_in();
        let name = file_name(found.own_path()).as_bytes();
        let ends = (0..name.len()).filter(|at| SEPARATORS.contains(&name[*at]));
        let before: Vec<_> = ends.map(|at| OsStr::from_bytes(&name[..at])).collect();
        let by_path = before
            .iter()
            .filter_map(|name| self.paths.get(&folder.join(name)));
        let mut ids: BTreeSet<_> = by_path.copied().collect();
        let is_series = |name: &&&OsStr| {
            let series = (folder.to_owned(), (**name).to_owned());
            self.series.contains_key(&series)
        };
        let own = &found.name.series;
        let is_rotated = found.name.rotated_from.is_some();
        let has_series = self.series.contains_key(&(folder.to_owned(), own.clone()));
        let series = if is_rotated && (has_series || !before.iter().any(|name| is_series(&name))) {
            own.clone()
        } else if let Some(series) = before.iter().find(is_series) {
            (*series).to_owned()
        } else {
            return Ok(ids);
        };
        let series = (folder.to_owned(), series);
        let of_series = self.series.get(&series).map_or(&[][..], Vec::as_slice);
        let known = |id: &LogId| Some((*id, logs.get(id)?));
        let beginnings = self.beginnings.entry(series).or_insert_with(|| {
            let mut beginnings = Beginnings::of(of_series.len());
            for (id, log) in of_series.iter().filter_map(known) {
                beginnings.add(id, log);
            }
            beginnings
        });
        if !is_begun(found) {
            // Nothing tells what it is to be: perhaps the copy of any of them.
            ids.extend(of_series);
            return Ok(ids);
        }
        match scan.head(found)? {
            Some(head) => ids.extend(beginnings.beginning_like(&head)),
            None => ids.extend(of_series),
        }
        // One that was truncated before its beginning was read does not begin like its copy.
        let unchecked = of_series.get(beginnings.intact..).unwrap_or_default();
        for (_, log) in unchecked.iter().filter_map(known) {
            if !is_intact(log) {
                return Err(Changed);
            }
        }
        beginnings.intact = of_series.len();
        Ok(ids)
    }
}

/// Whether a file has enough content to be identified by it.
pub(super) fn is_begun(found: &FileInfo) -> bool {
    found.size >= least_begun(found)
}

fn least_begun(found: &FileInfo) -> u64 {
    if is_named_compressed(found) {
        SHORTEST_COMPRESSED
    } else {
        1
    }
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
                let path = &copy.found.path;
                let is_begun = std::fs::metadata(path)
                    .is_ok_and(|metadata| metadata.len() >= least_begun(&copy.found));
                if !is_begun && is_named_compressed(&copy.found) {
                    // What little there is of it tells nothing.
                    return true;
                }
                let compared = content::compare_beginning(&copy.found, &log.checkpoint.path);
                compared.is_ok_and(|beginning| beginning != Beginning::Different)
            })
    }

    /// Whether a file is a rotated copy, perhaps still being written, of a log whose own file is as it
    /// was (logrotate's `copytruncate` before the truncation, or `gzip` before it removes its input).
    pub(super) fn is_copy(
        &mut self,
        found: &FileInfo,
        index: &mut Index,
        scan: &mut Scan<'_>,
    ) -> Result<bool, Changed> {
        let is_known = |copy: &LogCopy| {
            let original = self.all.get(&copy.of).filter(|log| log.gone.is_none());
            let is_as_compared = |log: &Log| {
                // What was read is compared at every look; what was not, here.
                log.offset() > 0 || stamp(log) == copy.original
            };
            // Its original may have another name by now.
            let is_its = |log: &&Log| is_rotation_of(found, log);
            copy.found == *found && original.filter(is_its).is_some_and(is_as_compared)
        };
        if self.copies.get(&key(&found.file_id)).is_some_and(is_known) {
            return Ok(true);
        }
        self.copies.remove(&key(&found.file_id));
        let originals = index.originals(found, &self.all, scan)?;
        let of = originals
            .into_iter()
            .filter_map(|id| Some((id, self.all.get(&id)?)))
            .filter(|(_, log)| is_rotation_of(found, log));
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
                Ok(Beginning::Same) if !is_there(log) => return Err(Changed),
                // An empty one is perhaps a copy in the making.
                Ok(Beginning::Same | Beginning::Empty) => {
                    let (path, original) = (found.path.shown(), log.checkpoint.path.shown());
                    tracing::debug!("{path} is a copy of {original}");
                    let copy = LogCopy {
                        found: found.clone(),
                        of: id,
                        is_identifiable: beginning
                            .is_ok_and(|beginning| beginning == Beginning::Same),
                        original: stamp(log),
                    };
                    self.copies.insert(key(&found.file_id), copy);
                    return Ok(true);
                }
                // It says something else; but so it would if the original was just truncated.
                Ok(Beginning::Different) if !is_intact(log) => return Err(Changed),
                Ok(Beginning::Different) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(Changed),
                // Damaged, or not to be read: then not to be told from a copy either.
                Err(error) => tracing::debug!("{}: {error}", found.path.shown()),
            }
        }
        Ok(false)
    }
}

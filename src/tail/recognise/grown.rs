//! Logs that grew while they were followed, by the names that their rotated copies may have.
//!
//! A copy that was written to by itself, and is met when more of its log was read, does not hold all that
//! was read. It is known by holding all that there was of the log when it was made.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use super::places::SEPARATORS;
use crate::tail::file_info::FileInfo;
use crate::tail::log::{Log, LogId, Series, file_name};

/// The logs that grew.
pub(super) struct Grown {
    series: HashMap<Series, Vec<LogId>>,
    paths: HashMap<PathBuf, LogId>,
}

impl Grown {
    pub fn of<'a>(logs: impl Iterator<Item = (LogId, &'a Log)>) -> Self {
        let mut grown = Self {
            series: HashMap::new(),
            paths: HashMap::new(),
        };
        let did_grow = |log: &Log| {
            log.history
                .first()
                .is_some_and(|first| log.offset() > first)
        };
        for (id, log) in logs.filter(|(_, log)| did_grow(log)) {
            grown.series.entry(log.series.clone()).or_default().push(id);
            grown.paths.insert(log.checkpoint.own_path().to_owned(), id);
        }
        grown
    }

    /// Those that a file may be a rotated copy of, by its name.
    pub fn originals(&self, found: &FileInfo) -> BTreeSet<LogId> {
        if self.paths.is_empty() {
            return BTreeSet::new();
        }
        let folder = found.lives_in();
        let name = file_name(found.own_path()).as_bytes();
        let ends = (1..name.len()).filter(|at| SEPARATORS.contains(&name[*at]));
        let before = ends.map(|at| folder.join(OsStr::from_bytes(&name[..at])));
        let by_path = before.filter_map(|path| self.paths.get(&path).copied());
        let series = (folder.to_owned(), found.name.series.clone());
        let by_series = self.series.get(&series).into_iter().flatten().copied();
        by_path.chain(by_series).collect()
    }
}

/// Whether the first `bytes` bytes of a file, which a log begins with too, are all that there was of that
/// when the file was made. What was read since then was never to be in a copy.
pub(super) fn is_all_that_was(log: &Log, found: &FileInfo, bytes: u64) -> bool {
    let length = log.history.length_at(found.file_id.born);
    bytes > 0 && length.is_some_and(|length| bytes >= length)
}

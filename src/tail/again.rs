//! Which lines of the output `tail` writes again after a crash.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::sink::Whose;
use crate::tail::checkpoints::Checkpoints;
use crate::tail::log::{Condition, LogId, Series, file_name, folder};
use crate::tail::name::LogName;

/// Where each log was, by all paths that are known to lead there, and how far it was read.
pub struct Places(BTreeMap<LogId, (Vec<PathBuf>, u64)>);

impl Places {
    /// As a state has it.
    pub fn of(checkpoints: &Checkpoints) -> Self {
        let logs = checkpoints.logs.iter().filter(|(_, row)| {
            !matches!(
                row.checkpoint.condition,
                Condition::Ignored | Condition::ShorterCopy
            )
        });
        let place = |(id, row): (&LogId, &crate::tail::checkpoints::LogEntry)| {
            let checkpoint = &row.checkpoint;
            let paths = [Some(&checkpoint.path), checkpoint.real.as_ref()];
            let paths = paths.into_iter().flatten().cloned().collect();
            (*id, (paths, checkpoint.progress.offset()))
        };
        Self(logs.map(place).collect())
    }
}

/// What is read again: of each log what stands behind its checkpoint, whoever wrote its event.
pub struct Again {
    real: RealPaths,
    /// By the path that lines carry, the smallest offset from which on they come again.
    by_path: HashMap<PathBuf, u64>,
    /// Paths at which other content stands now than at the checkpoint.
    replaced: BTreeSet<PathBuf>,
    /// The same by the series, of logs that are new or at another place since the checkpoint: they
    /// may have had other paths between.
    by_series: BTreeMap<Series, u64>,
}

impl Again {
    /// Between the checkpoint and now.
    pub fn new(before: &Places, now: &Places) -> Self {
        let real = RealPaths::between(before, now);
        let (mut by_path, mut by_series) = (HashMap::new(), BTreeMap::new());
        let mut replaced = BTreeSet::new();
        for (paths, offset) in before.0.values() {
            for path in paths {
                least(by_path.entry(real.of(path)).or_insert(*offset), *offset);
            }
        }
        for (id, (paths, offset)) in &now.0 {
            let old = before.0.get(id);
            for path in paths.iter().map(|path| real.of(path)) {
                if old.is_none_or(|(then, _)| then != paths) {
                    let entry = by_series.entry(series(&path)).or_insert(*offset);
                    least(entry, *offset);
                }
                if old.is_none() && by_path.contains_key(&path) {
                    replaced.insert(path);
                } else {
                    least(by_path.entry(path).or_insert(*offset), *offset);
                }
            }
        }
        Self {
            real,
            by_path,
            replaced,
            by_series,
        }
    }

    /// Whether the event of a line comes again.
    pub fn classify(&self, line: &[u8]) -> Whose {
        let Some((path, offset)) = source(line) else {
            return Whose::Foreign;
        };
        let path = self.real.of(Path::new(&path));
        let is_behind = |least: &u64| offset >= *least;
        if self.by_path.get(&path).is_some_and(is_behind) {
            return Whose::Ours;
        }
        if self.replaced.contains(&path)
            || self.by_series.get(&series(&path)).is_some_and(is_behind)
        {
            return Whose::Doubtful;
        }
        Whose::Foreign
    }
}

fn least(so_far: &mut u64, offset: u64) {
    *so_far = offset.min(*so_far);
}

/// Where paths lead to: a log may have been followed by others since the checkpoint, and its directory
/// may have another name by now.
struct RealPaths {
    /// Directories that were renamed.
    moved: HashMap<PathBuf, PathBuf>,
    known: RefCell<HashMap<PathBuf, PathBuf>>,
}

impl RealPaths {
    fn between(before: &Places, now: &Places) -> Self {
        let mut moved = HashMap::new();
        for (id, (paths, _)) in &now.0 {
            let then = before.0.get(id).and_then(|(paths, _)| paths.first());
            if let (Some(then), Some(now)) = (then, paths.first()) {
                moved.insert(folder(then).to_owned(), folder(now).to_owned());
            }
        }
        Self {
            moved,
            known: RefCell::default(),
        }
    }

    fn of(&self, path: &Path) -> PathBuf {
        let mut known = self.known.borrow_mut();
        if let Some(real) = known.get(path) {
            return real.clone();
        }
        let folder = folder(path);
        let there = || std::fs::canonicalize(self.moved.get(folder)?).ok();
        let real = std::fs::canonicalize(path).ok().or_else(|| {
            let folder = std::fs::canonicalize(folder).ok().or_else(there)?;
            Some(folder.join(file_name(path)))
        });
        let real = real.unwrap_or_else(|| path.to_owned());
        known.insert(path.to_owned(), real.clone());
        real
    }
}

fn series(path: &Path) -> Series {
    (folder(path).to_owned(), LogName::of(file_name(path)).series)
}

/// `log.file.path` and `log.offset` of an event of a followed or read file.
fn source(line: &[u8]) -> Option<(String, u64)> {
    #[derive(Deserialize)]
    struct WrittenEvent {
        log: WrittenLog,
    }
    #[derive(Deserialize)]
    struct WrittenLog {
        file: WrittenFile,
        offset: u64,
    }
    #[derive(Deserialize)]
    struct WrittenFile {
        path: String,
    }
    let event: WrittenEvent = serde_json::from_slice(line).ok()?;
    Some((event.log.file.path, event.log.offset))
}

//! Which lines of the output `tail` writes again after a crash.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use serde::Deserialize;

use crate::sink::Whose;
use crate::tail::ledger::Ledger;
use crate::tail::log::{Condition, LogId, Series, file_name, folder};
use crate::tail::name::Name;

/// Where each log was, and how far it was read.
pub struct Places(BTreeMap<LogId, (String, u64)>);

impl Places {
    /// As a state has it.
    pub fn of(ledger: &Ledger) -> Self {
        let logs = ledger.logs.iter().filter(|(_, row)| {
            !matches!(
                row.checkpoint.condition,
                Condition::Ignored | Condition::ShorterCopy
            )
        });
        let place = |(id, row): (&LogId, &crate::tail::ledger::Row)| {
            let path = row.checkpoint.path.to_string_lossy().into_owned();
            (*id, (path, row.checkpoint.progress.offset()))
        };
        Self(logs.map(place).collect())
    }
}

/// What is read again: of each log what stands behind its checkpoint, whoever wrote its event.
pub struct Again {
    /// By the path that lines carry, the smallest offset from which on they come again.
    by_path: HashMap<String, u64>,
    /// Paths at which other content stands now than at the checkpoint.
    replaced: BTreeSet<String>,
    /// The same by the series, of logs that are new or at another place since the checkpoint: they
    /// may have had other paths between.
    by_series: BTreeMap<Series, u64>,
}

impl Again {
    /// Between the checkpoint and now.
    pub fn new(before: &Places, now: &Places) -> Self {
        let mut again = Self {
            by_path: HashMap::new(),
            replaced: BTreeSet::new(),
            by_series: BTreeMap::new(),
        };
        for (path, offset) in before.0.values() {
            let least = again.by_path.entry(path.clone()).or_insert(*offset);
            *least = (*least).min(*offset);
        }
        for (id, (path, offset)) in &now.0 {
            let old = before.0.get(id);
            if old.is_none_or(|(then, _)| then != path) {
                let least = again.by_series.entry(series(path)).or_insert(*offset);
                *least = (*least).min(*offset);
            }
            if old.is_none() && again.by_path.contains_key(path) {
                again.replaced.insert(path.clone());
            } else {
                let least = again.by_path.entry(path.clone()).or_insert(*offset);
                *least = (*least).min(*offset);
            }
        }
        again
    }

    /// Whether the event of a line comes again.
    pub fn tell(&self, line: &[u8]) -> Whose {
        let Some((path, offset)) = source(line) else {
            return Whose::Foreign;
        };
        if self
            .by_path
            .get(&path)
            .is_some_and(|least| offset >= *least)
        {
            return Whose::Ours;
        }
        let is_behind = |least: &u64| offset >= *least;
        if self.replaced.contains(&path)
            || self.by_series.get(&series(&path)).is_some_and(is_behind)
        {
            return Whose::Doubtful;
        }
        Whose::Foreign
    }
}

fn series(path: &str) -> Series {
    let path = Path::new(path);
    (folder(path).to_owned(), Name::of(file_name(path)).series)
}

/// `log.file.path` and `log.offset` of an event of a followed or read file.
fn source(line: &[u8]) -> Option<(String, u64)> {
    #[derive(Deserialize)]
    struct Event {
        log: Log,
    }
    #[derive(Deserialize)]
    struct Log {
        file: File,
        offset: u64,
    }
    #[derive(Deserialize)]
    struct File {
        path: String,
    }
    let event: Event = serde_json::from_slice(line).ok()?;
    Some((event.log.file.path, event.log.offset))
}

//! Logs that are followed by another path than before: through a link, past it, by `d/../d`.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::Logs;
use crate::process::shown::Shown as _;
use crate::tail::discover::{FileInfo, ScanResult};
use crate::tail::log::{LogId, Series, folder};

/// Logs that the state knew, and their series.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    before: LogId,
    series: Option<HashSet<Series>>,
}

impl Earlier {
    /// Whether a file is of a series that was followed before this run, perhaps by another path: then
    /// what came to it since is to be read.
    pub(super) fn knows_series_of(&mut self, found: &FileInfo, logs: &Logs) -> bool {
        let series = self.series.get_or_insert_with(|| {
            let earlier = logs.all.range(..self.before);
            earlier.map(|(_, log)| log.real_series()).collect()
        });
        let path = found.real.as_ref().unwrap_or(&found.path);
        series.contains(&(folder(path).to_owned(), found.name.series.clone()))
    }
}

impl Logs {
    /// The series that links to files lead, or led, to, each with the followed directory of its link.
    #[must_use]
    pub fn beside_links(&self) -> BTreeMap<Series, PathBuf> {
        let logs = self.all.values();
        let by_link = logs.filter(|log| log.home != log.series.0 && log.gone.is_none());
        by_link
            .map(|log| (log.series.clone(), log.home.clone()))
            .collect()
    }

    /// Before the first scan of a run: takes the logs to the paths by which their directories are
    /// followed now.
    pub(super) fn begin(&mut self, scanned: &ScanResult) -> Earlier {
        if let Some(before) = self.earlier {
            return Earlier {
                before,
                series: None,
            };
        }
        self.earlier = Some(self.next);
        let mut by_real: Option<HashMap<PathBuf, Vec<&Path>>> = None;
        let listed: HashSet<&Path> = scanned.found.iter().map(|found| &*found.path).collect();
        for log in self.all.values_mut() {
            let is_followed = |folder: &PathBuf| scanned.folders.contains_key(folder);
            // The directory that a link leads to is listed on the link's account.
            let is_by_link = log.home != log.series.0;
            let is_reached = !is_by_link || listed.contains(&*log.checkpoint.path);
            if is_reached && is_followed(&log.home) && is_followed(&log.series.0) {
                continue;
            }
            let by_real = by_real.get_or_insert_with(|| {
                let mut by_real: HashMap<_, Vec<&Path>> = HashMap::new();
                for folder in scanned.folders.keys() {
                    if let Ok(real) = std::fs::canonicalize(folder) {
                        by_real.entry(real).or_default().push(folder);
                    }
                }
                by_real
            });
            let mut folders = by_real.get(&log.real_series().0).into_iter().flatten();
            if let Some(folder) = folders.find(|folder| !is_by_link || **folder != log.series.0) {
                let path = log.checkpoint.path.shown();
                tracing::debug!("{path} is followed in {} now", folder.shown());
                log.is_reached_by(folder);
            }
        }
        Earlier {
            before: self.next,
            series: None,
        }
    }
}

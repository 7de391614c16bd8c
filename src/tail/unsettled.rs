//! What a run that was killed may have sent to a cluster without saving that: what was there to be read, beyond
//! the saved positions, when the next run began (docs/elasticsearch.md, "Once").

use std::collections::{BTreeMap, BTreeSet};

use super::checkpoints::Checkpoints;
use super::log::{Condition, LogId};
use super::recognise::Logs;

/// How far each log may have been sent.
#[derive(Debug, Default)]
pub struct Unsettled {
    /// The byte behind the last one; none: it is not known.
    ends: BTreeMap<LogId, Option<u64>>,
}

/// The logs that the last run knew to be gone: it cannot have read them.
pub fn gone(saved: &Checkpoints) -> BTreeSet<LogId> {
    let logs = saved.logs.iter();
    let gone = logs.filter(|(_, row)| row.checkpoint.gone_since.is_some());
    gone.map(|(id, _)| *id).collect()
}

impl Unsettled {
    /// By the first look of this run.
    pub fn new(logs: &Logs, gone: &BTreeSet<LogId>) -> Self {
        let logs = logs.all.iter().filter(|(id, _)| !gone.contains(id));
        let ends = logs.filter_map(|(id, log)| {
            let checkpoint = &log.checkpoint;
            match checkpoint.condition {
                Condition::Ignored | Condition::ShorterCopy | Condition::CompressedRead => None,
                // How long its text is, or what it will hold when it is back, is not known.
                _ if log.gone.is_some() || log.is_on_old_file() => Some((*id, None)),
                Condition::Compressed => Some((*id, None)),
                Condition::Plain => {
                    (log.offset() < checkpoint.size).then_some((*id, Some(checkpoint.size)))
                }
            }
        });
        Self {
            ends: ends.collect(),
        }
    }

    /// Whether what stands there in a log may have been sent.
    pub fn holds(&self, log: LogId, offset: u64) -> bool {
        let end = self.ends.get(&log);
        end.is_some_and(|end| end.is_none_or(|end| offset < end))
    }

    /// Whether all of it is at the output.
    pub fn is_over(&mut self, now: &Checkpoints) -> bool {
        self.ends.retain(|id, end| {
            let Some(row) = now.logs.get(id) else {
                return false;
            };
            let checkpoint = &row.checkpoint;
            match checkpoint.condition {
                Condition::Ignored | Condition::ShorterCopy | Condition::CompressedRead => false,
                Condition::Compressed => true,
                Condition::Plain => match end {
                    Some(end) => checkpoint.progress.offset() < *end,
                    None => {
                        checkpoint.gone_since.is_some()
                            || checkpoint.progress.offset() < checkpoint.size
                    }
                },
            }
        });
        self.ends.is_empty()
    }
}

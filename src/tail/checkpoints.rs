//! What is saved: how far each log is at the output.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::log::{Checkpoint, Log, LogId};
use super::piece::Change;
use super::recognise::Logs;
use crate::cluster::sink::ClusterCheckpoint;
use crate::pipeline::normalize::Counts;
use crate::pipeline::timestamp::Timestamp;
use crate::sink::OutputCheckpoint;

/// The state of `tail`.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Checkpoints {
    /// The patterns that were looked for.
    pub patterns: BTreeSet<String>,
    /// The output file, as it was when this was saved.
    pub output: Option<OutputCheckpoint>,
    /// The cluster, as it was when this was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterCheckpoint>,
    /// Checkpoint and counters of each log.
    pub logs: BTreeMap<LogId, LogEntry>,
    /// Of logs whose next events a pipe has already, how many: a write to it was given up.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub handed: BTreeMap<LogId, u64>,
    /// The number of the next new log.
    pub next: LogId,
    /// Bytes that were lost, since the state was begun.
    pub lost_bytes: u64,
    /// The time of the newest event that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest_event: Option<Timestamp>,
}

/// Checkpoint and counters of one log.
#[derive(Debug, Serialize, Deserialize)]
pub struct LogEntry {
    /// How far it was read.
    pub checkpoint: Checkpoint,
    /// Events made of it, errors included.
    pub events: u64,
    /// `pipeline_error` events made of it.
    pub errors: u64,
}

impl Checkpoints {
    /// The logs as they are known.
    #[must_use]
    pub fn logs(&self) -> Logs {
        let logs = self.logs.iter();
        let is_orphan = |row: &LogEntry| {
            let checkpoint = &row.checkpoint;
            checkpoint.gone_since.is_some() && checkpoint.unfinished.is_some()
        };
        let orphans = logs.clone().filter(|(_, row)| is_orphan(row));
        Logs {
            orphans: orphans.map(|(id, _)| *id).collect(),
            all: logs
                .map(|(id, row)| (*id, Log::restore(row.checkpoint.clone())))
                .collect(),
            next: self.next,
            lost_bytes: self.lost_bytes,
            ..Logs::default()
        }
    }

    /// Takes over what is at the output now. Returns whether there is anything new to save.
    pub fn apply(&mut self, changes: Vec<Change>, of: Option<LogId>, counts: Counts) -> bool {
        let mut is_changed = false;
        for change in changes {
            is_changed |= match change {
                Change::Log(id, checkpoint) => {
                    self.next = self.next.max(id + 1);
                    let known = self.logs.remove(&id);
                    let (events, errors) = known.map_or((0, 0), |row| (row.events, row.errors));
                    let row = LogEntry {
                        checkpoint: *checkpoint,
                        events,
                        errors,
                    };
                    self.logs.insert(id, row);
                    true
                }
                Change::Forget(id) => self.logs.remove(&id).is_some(),
                Change::PathPattern(pattern) => self.patterns.insert(pattern),
                Change::Lost(bytes) => {
                    let is_more = bytes > self.lost_bytes;
                    self.lost_bytes = bytes;
                    is_more
                }
            };
        }
        if let Some(row) = of.and_then(|id| self.logs.get_mut(&id)) {
            row.events += counts.records;
            row.errors += counts.failed;
        }
        is_changed
    }
}

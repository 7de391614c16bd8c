//! What is measured of logs.

use std::collections::BTreeMap;

use super::checkpoints::Checkpoints;
use super::log::{Checkpoint, Condition, LogId};
use super::piece::Change;
use crate::pipeline::timestamp::Timestamp;
use crate::process::metrics::{FileState, FollowedFile, SourceMetrics};

/// Takes note of the logs that are known at the start.
pub fn begin(metrics: &SourceMetrics, checkpoints: &Checkpoints) {
    let logs = checkpoints.logs.iter();
    let files: BTreeMap<LogId, _> = logs.map(|(id, row)| (*id, file(&row.checkpoint))).collect();
    metrics.follows(files, checkpoints.lost_bytes);
    // So that the lag of a process that begins far behind does not begin at 0.
    metrics.newest_event(checkpoints.newest_event.map(Timestamp::millis));
}

/// Takes note of what is at the output now.
pub fn note(metrics: &SourceMetrics, changes: &[Change]) {
    for change in changes {
        match change {
            Change::Log(id, checkpoint) => metrics.follow(*id, Some(file(checkpoint))),
            Change::Forget(id) => metrics.follow(*id, None),
            Change::Lost(bytes) => metrics.lost(*bytes),
            Change::PathPattern(_) => {}
        }
    }
}

fn file(checkpoint: &Checkpoint) -> FollowedFile {
    let state = match checkpoint.condition {
        _ if checkpoint.gone_since.is_some() => FileState::Gone,
        Condition::Plain => FileState::Followed,
        Condition::Compressed | Condition::CompressedRead => FileState::Compressed,
        Condition::ShorterCopy | Condition::Ignored => FileState::Ignored,
    };
    FollowedFile {
        path: checkpoint.path.clone(),
        file_id: checkpoint.file_id,
        state,
        is_read: checkpoint.condition == Condition::Plain,
        size: checkpoint.size,
        // A line that has no end yet waits for its writer, not for us.
        offset: checkpoint.progress.offset()
            + checkpoint.unfinished.as_ref().map_or(0, |line| line.length),
    }
}

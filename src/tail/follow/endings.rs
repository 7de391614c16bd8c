//! What is read of a log at its end: when its file is gone, or at the end of `--once`.

use std::sync::Arc;
use std::time::Duration;

use super::{TailReader, fill};
use crate::pipeline::frame::{BYTE_ORDER_MARK, Frame, KEPT_OF_TOO_LONG, Problem};
use crate::process::shown::Shown as _;
use crate::tail::content::Lines;
use crate::tail::log::{Condition, Log, LogId, Unfinished};
use crate::tail::piece::{Change, TailPiece};

/// The longest unfinished line that the state keeps.
const UNFINISHED_KEPT: u64 = 8 << 10;

impl TailReader {
    /// Reads the next piece of a log whose file is gone, or ends that log.
    pub fn drain_gone(&mut self, piece: &mut TailPiece) -> bool {
        let gone = |log: &Log| log.gone.is_some() && log.content.is_some();
        let mut logs = self.logs.all.iter();
        let Some(id) = logs.find(|(_, log)| gone(log)).map(|(id, _)| *id) else {
            return !self.logs.orphans.is_empty() && self.end_gone(Duration::ZERO, piece);
        };
        match self.read_log(id, u64::MAX, piece) {
            Ok(Lines::Whole | Lines::TooLong(_)) => true,
            Ok(Lines::None | Lines::Changed) | Err(_) => self.end_gone(Duration::ZERO, piece),
        }
    }

    /// Ends logs whose file is gone: an unfinished line becomes an error event. Those that went less
    /// than `grace` ago may still be written to.
    pub fn end_gone(&mut self, grace: Duration, piece: &mut TailPiece) -> bool {
        let is_due = |log: &Log| {
            log.content.is_some() && log.gone.is_some_and(|gone| gone.elapsed() >= grace)
        };
        let mut logs = self.logs.all.iter();
        let due = logs.find(|(_, log)| is_due(log)).map(|(id, _)| *id);
        let Some(id) = self.logs.orphans.pop().or(due) else {
            return false;
        };
        let Some(log) = self.logs.all.get_mut(&id) else {
            return false;
        };
        let text = &mut piece.read.text;
        // Half a line of another log may have been read into it.
        text.clear();
        let kept = log.checkpoint.unfinished.take();
        let mut start = log.offset();
        let length = match log.content.take() {
            Some(mut content) => {
                let progress = &log.checkpoint.progress;
                let length = content.unfinished(progress, KEPT_OF_TOO_LONG, text);
                if let (Ok(length), Ok(Some(size))) = (&length, content.size()) {
                    // NUL bytes before it are no part of it.
                    start = start.max(size.saturating_sub(*length));
                }
                length
            }
            None => Ok(kept.filter(|kept| !kept.text.is_empty()).map_or(0, |kept| {
                text.extend_from_slice(kept.text.as_bytes());
                kept.length
            })),
        };
        match length {
            Ok(0) => {}
            Ok(length) => unfinished_event(log, start, length, piece),
            Err(error) => log.blocked(&error),
        }
        piece.log = Some(id);
        log.checkpoint.size = log.offset();
        piece
            .changes
            .push(Change::Log(id, Box::new(log.checkpoint.clone())));
        true
    }

    /// Logs that may have a line without an end, the oldest last.
    #[must_use]
    pub fn with_unfinished_lines(&self) -> Vec<LogId> {
        let logs = &self.logs.all;
        let has_rest = |id: &&LogId| {
            logs.get(id)
                .is_some_and(|log| log.unread() > 0 || log.checkpoint.condition.is_compressed())
        };
        let in_order = self.series.values().flatten();
        in_order.filter(has_rest).rev().copied().collect()
    }

    /// Takes an unfinished last line that is complete JSON (at the end of `--once`).
    pub fn unfinished(&mut self, id: LogId, piece: &mut TailPiece) -> bool {
        let most = self.reading.max_line_bytes;
        if self.open(id).is_err() {
            return false;
        }
        let Some(log) = self.logs.all.get_mut(&id) else {
            return false;
        };
        let Some(content) = &mut log.content else {
            return false;
        };
        let progress = &mut log.checkpoint.progress;
        let text = &mut piece.read.text;
        let length = content.unfinished(progress, most, text);
        let is_whole = length.is_ok_and(|length| length == text.len() as u64 && length > 0);
        let json = text
            .strip_prefix(BYTE_ORDER_MARK)
            .unwrap_or(text)
            .trim_ascii_start();
        if !is_whole
            || !json.starts_with(b"{") && !json.starts_with(b"[")
            || serde_json::from_slice::<serde::de::IgnoredAny>(json).is_err()
            || !content.take_unfinished(progress, text).unwrap_or(false)
        {
            return false;
        }
        let start = progress.offset() - text.len() as u64;
        fill(piece, start, &Lines::Whole, most);
        log.checkpoint.unfinished = None;
        log.checkpoint.seen = None;
        log.searched = log.offset();
        piece.read.origin = Some(Arc::clone(&log.origin));
        piece.log = Some(id);
        piece
            .changes
            .push(Change::Log(id, Box::new(log.checkpoint.clone())));
        true
    }
}

/// The event of a line, in the text of the piece, that is never to be finished.
fn unfinished_event(log: &Log, start: u64, length: u64, piece: &mut TailPiece) {
    tracing::warn!(
        "{} was deleted with an unfinished line of {length} bytes at byte {start}: emitted as a pipeline_error event",
        log.checkpoint.path.shown()
    );
    piece.read.offset = start;
    piece.read.frames = vec![Frame::Unreadable {
        text: std::mem::take(&mut piece.read.text),
        line_offset: start,
        problem: Problem::Unfinished {
            length,
            position: start,
            kept: KEPT_OF_TOO_LONG,
        },
    }];
    piece.read.origin = Some(Arc::clone(&log.origin));
}

/// A round found no more whole lines up to `limit`.
pub(super) fn finish(log: &mut Log, limit: u64) {
    let on_old_file = log.is_on_old_file();
    if let Some(content) = &log.content {
        if on_old_file {
            // The old file is read to its end: on with the new place of its content.
            log.content = None;
            log.searched = log.offset();
            return;
        }
        if content.is_at_end() {
            log.checkpoint.condition = Condition::CompressedRead;
            log.is_changed = true;
            if content.is_torn() {
                let path = &log.checkpoint.path;
                tracing::info!(
                    "{} is cut off in its compressed data: waiting for the rest",
                    path.shown()
                );
                // It is read again when it has grown.
                log.content = None;
            }
            return;
        }
    }
    log.searched = log.searched.max(limit);
    remember_unfinished(log, limit);
}

/// Keeps what follows the last complete line, in case the file is deleted between two scans.
fn remember_unfinished(log: &mut Log, limit: u64) {
    let checkpoint = &mut log.checkpoint;
    let length = limit.saturating_sub(checkpoint.progress.offset());
    let unfinished = match &mut log.content {
        Some(content) if (1..=UNFINISHED_KEPT).contains(&length) => {
            let mut text = Vec::new();
            let most = usize::try_from(length).unwrap_or_default();
            let read = content.unfinished(&checkpoint.progress, most, &mut text);
            read.is_ok().then(|| Unfinished {
                length,
                text: String::from_utf8_lossy(&text).into_owned(),
            })
        }
        Some(_) | None => None,
    };
    if checkpoint.unfinished != unfinished {
        checkpoint.unfinished = unfinished;
        log.is_changed = true;
    }
}

//! Which files are open: no more than the system allows, and first those that may be deleted unread.

use std::collections::BTreeSet;
use std::io;

use super::TailReader;
use crate::tail::content::Content;
use crate::tail::log::{Condition, Log, LogId};

impl TailReader {
    /// Opens a log where it was left off.
    pub(super) fn open(&mut self, id: LogId) -> io::Result<()> {
        let Some(log) = self.logs.all.get_mut(&id) else {
            return Ok(());
        };
        if let Some(content) = &log.content {
            if !log.is_on_old_file() || !content.is_at_end() {
                return Ok(());
            }
            log.content = None;
        }
        let mut content = Content::open(&log.checkpoint.path)?;
        if content.file_id != log.checkpoint.file_id || !content.resume(&log.checkpoint.progress)? {
            log.is_displaced = content.is_compressed();
            return Ok(());
        }
        if content.is_compressed() != log.checkpoint.condition.is_compressed() {
            log.checkpoint.condition = if content.is_compressed() {
                Condition::Compressed
            } else {
                Condition::Plain
            };
            log.is_changed = true;
        }
        log.content = Some(content);
        self.open.push_back(id);
        self.close_some();
        Ok(())
    }

    /// Keeps the number of open files within its bound: the first opened is closed first, but not one
    /// that could not be opened again.
    fn close_some(&mut self) {
        // The last one was opened to be read now.
        for _ in 1..self.open.len() {
            if self.open.len() <= self.reading.most_open {
                break;
            }
            let Some(id) = self.open.pop_front() else {
                break;
            };
            let Some(log) = self.logs.all.get_mut(&id) else {
                continue;
            };
            if log.gone.is_some() || log.is_on_old_file() {
                self.open.push_back(id);
            } else {
                log.content = None;
            }
        }
    }

    /// Opens what is unread, and then the newest of each series, as far as files may be open: what is
    /// deleted or renamed out of sight then is read still.
    pub(super) fn keep_open(&mut self) {
        let all = &self.logs.all;
        self.open
            .retain(|id| all.get(id).is_some_and(|log| log.content.is_some()));
        let is_closed = |id: &&LogId| {
            all.get(id).is_some_and(|log| {
                let is_plain = log.checkpoint.condition == Condition::Plain;
                log.content.is_none() && log.gone.is_none() && is_plain
            })
        };
        let has_more = |id: &&LogId| all.get(id).is_some_and(Log::has_more);
        let unread = self.series.values().flatten().filter(has_more);
        let newest = self.series.values().filter_map(|logs| logs.last());
        let room = self.reading.most_open.saturating_sub(self.open.len());
        let wanted: BTreeSet<_> = unread.chain(newest).filter(is_closed).take(room).collect();
        for id in wanted.into_iter().copied().collect::<Vec<_>>() {
            // What cannot be opened is told when it is to be read.
            let _ = self.open(id);
        }
    }
}

//! Rotated files in a compression that is not read.

use super::Logs;
use crate::process::shown::Shown as _;
use crate::tail::content;
use crate::tail::discover::Found;
use crate::tail::identity::Progress;
use crate::tail::log::{Condition, Log, file_name, folder};
use crate::tail::name;

/// A log whose file went longer ago than this did not become what appears now, in seconds.
const RECENT: u64 = 60;

/// What may be in a file that cannot be read.
enum Missed<'a> {
    /// Nothing: all of it was, or can still be, read elsewhere.
    Nothing,
    /// What stood behind the offset of a log that is gone.
    Rest(&'a Log),
    /// Whatever it is.
    All,
}

impl Logs {
    /// A file that is not to be read if it is in a compression that is not known. It is told once: the
    /// state knows it from then on.
    pub(super) fn unreadable(&mut self, found: &Found) -> Option<Log> {
        let is_readable = || content::is_found_compressed(found).unwrap_or(false);
        if !name::is_unreadable(file_name(&found.path)) || is_readable() {
            return None;
        }
        let path = found.path.shown();
        let missed = match self.missed(found) {
            Missed::Nothing => None,
            Missed::Rest(log) => Some(format!(
                "records after byte {} of {} may be in it",
                log.offset(),
                log.checkpoint.path.shown()
            )),
            Missed::All => Some("what is in it is not shipped".to_owned()),
        };
        if let Some(missed) = missed {
            tracing::warn!(
                "{path} is in a compression that is not read: {missed}; decompress it, under its name \
                 without the suffix, to have it read"
            );
            self.unreadable += 1;
        }
        Some(Log::begin(
            found,
            Progress::default(),
            None,
            Condition::Ignored,
        ))
    }

    fn missed(&self, found: &Found) -> Missed<'_> {
        if !found.is_followed && found.is_first_look {
            // As any other rotated file from before its log was followed.
            return Missed::Nothing;
        }
        let plain = found.path.with_extension("");
        let here = folder(&found.path);
        let logs = self.all.values();
        let mut recent = logs.filter(|log| {
            let since = log.checkpoint.gone_since;
            let is_recent = since.is_none_or(|since| super::now().saturating_sub(since) <= RECENT);
            let is_read = log.checkpoint.condition != Condition::Ignored;
            is_read && is_recent && log.series.0 == here && log.series.1 == found.name.series
        });
        let is_read_elsewhere = |log: &&Log| log.content.is_some() || log.checkpoint.path == plain;
        let gone: Vec<_> = recent
            .by_ref()
            .filter(|log| log.gone.is_some() || log.checkpoint.path == plain)
            .collect();
        match gone.iter().rev().find(|log| !is_read_elsewhere(log)) {
            Some(log) => Missed::Rest(log),
            None if gone.is_empty() => Missed::All,
            None => Missed::Nothing,
        }
    }
}

//! Rotated files in a compression that is not read.

use std::path::Path;

use super::places::{is_extended, is_named_compressed, unless_vanished};
use super::scan::Scan;
use super::{Changed, Logs};
use crate::input::compression::Compression;
use crate::input::format::{Format, InputKind};
use crate::process::shown::{Shown as _, quoted_for_shell};
use crate::tail::content;
use crate::tail::discover::FileInfo;
use crate::tail::identity::ReadPosition;
use crate::tail::log::{Condition, Log, LogId, file_name, folder};
use crate::tail::name;

/// A log whose file went longer ago than this did not become what appears now, in seconds.
const RECENT: u64 = 60;

const REMEDY: &str = "to have it read, decompress it to the same name without the suffix";

/// What stands in the first block of a tar archive, and where.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// What may be in a file that cannot be read.
enum Missed<'a> {
    /// Nothing: all of it was, or can still be, read elsewhere.
    Nothing,
    /// What stood behind the offset of a log that is gone.
    Rest(&'a Log),
    /// All of its content.
    All,
}

impl Logs {
    /// A file that is not to be read if it is in a compression that is not known, or an archive. It is
    /// told once: the state knows it from then on.
    pub(super) fn unreadable(
        &mut self,
        found: &FileInfo,
        scan: &mut Scan<'_>,
    ) -> Result<Option<Log>, Changed> {
        let Some(what) = what_is_unreadable(found, scan)? else {
            return self.overwritten_backup(found, scan);
        };
        let path = found.path.shown();
        let missed = match self.missed(found) {
            Missed::Nothing => None,
            Missed::Rest(log) => Some(rest_may_be_in_it(log)),
            Missed::All => Some("its content is not shipped".to_owned()),
        };
        if let Some(missed) = missed {
            let problem = format!("{path} is {what}: {missed}; {REMEDY}");
            tracing::warn!("{problem}");
            self.unreadable.push(problem);
        }
        let progress = ReadPosition::default();
        Ok(Some(Log::begin(found, progress, None, Condition::Ignored)))
    }

    /// A file named as a backup of a log, no rotated file, that is no text: what `shred` leaves for a
    /// moment, or something else that was never a log.
    fn overwritten_backup(
        &self,
        found: &FileInfo,
        scan: &mut Scan<'_>,
    ) -> Result<Option<Log>, Changed> {
        if found.name.rotated_from.is_some() || found.size == 0 || scan.is_text(found)? {
            return Ok(None);
        }
        let (here, name) = (found.lives_in(), file_name(found.own_path()));
        let is_of = |log: &&Log| {
            let own = log.checkpoint.own_path();
            folder(own) == here && is_extended(name, file_name(own))
        };
        let Some(log) = self.all.values().find(is_of) else {
            return Ok(None);
        };
        tracing::warn!(
            "{} is named as a backup of {} and is not text: it is not read",
            found.path.shown(),
            log.checkpoint.path.shown()
        );
        let progress = ReadPosition::default();
        Ok(Some(Log::begin(found, progress, None, Condition::Ignored)))
    }

    /// Says which file beside a log that is nowhere may be what became of it, if that is in no form that
    /// is known.
    pub(super) fn warn_of_unknown_format(
        &mut self,
        id: LogId,
        scan: &mut Scan<'_>,
    ) -> Result<(), Changed> {
        let Some(log) = self.all.get(&id) else {
            return Ok(());
        };
        let Some(found) = of_unknown_form(log, scan)? else {
            return Ok(());
        };
        let path = found.path.shown();
        let missed = rest_may_be_in_it(log);
        let problem = format!("{path} is in an unsupported format: {missed}; {REMEDY}");
        tracing::warn!("{problem}");
        self.unreadable.push(problem);
        if found.is_listed {
            scan.take(&found.file_id);
            let progress = ReadPosition::default();
            let log = Log::begin(&found, progress, None, Condition::Ignored);
            self.add(log);
        }
        Ok(())
    }

    /// Reports a file that was never read and is not text, by a format that is known. It is reported
    /// once: the state knows it from then on.
    pub fn refuse(&mut self, path: &Path, format: &Format, outer: Compression) {
        let file = quoted_for_shell(path);
        let what = format.and_remedy(&file, outer, InputKind::Records);
        tracing::error!("{} is not read: it is {what}", path.shown());
        self.has_refused = true;
    }

    fn missed(&self, found: &FileInfo) -> Missed<'_> {
        if !found.is_followed && found.is_first_scan {
            // As any other rotated file from before its log was followed.
            return Missed::Nothing;
        }
        let plain = name::decompressed(file_name(&found.path));
        let plain = found.path.with_file_name(plain);
        let here = folder(&found.path);
        let logs = self.all.values();
        let mut recent = logs.filter(|log| {
            let since = log.checkpoint.gone_since;
            let is_recent = since.is_none_or(|since| super::now().saturating_sub(since) <= RECENT);
            let is_read = log.checkpoint.condition != Condition::Ignored;
            is_read && is_recent && log.series.0 == here && log.series.1 == found.name.series
        });
        let is_read_elsewhere = |log: &&Log| {
            log.content.is_some() || log.gone.is_none() && log.checkpoint.path == plain
        };
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

fn rest_may_be_in_it(log: &Log) -> String {
    format!(
        "records after byte {} of {} may be in it",
        log.offset(),
        log.checkpoint.path.shown()
    )
}

/// What a file is, if its name and its beginning tell that it cannot be read.
fn what_is_unreadable(
    found: &FileInfo,
    scan: &mut Scan<'_>,
) -> Result<Option<&'static str>, Changed> {
    let is_unreadable = name::is_unreadable(file_name(&found.path));
    if !is_unreadable && !is_named_compressed(found) {
        return Ok(None);
    }
    let head = scan.head(found)?;
    let head = head.as_deref().unwrap_or_default();
    let (at, magic) = TAR;
    if head.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
        return Ok(Some("an archive, which is not supported"));
    }
    let is_readable = || content::is_found_compressed(found).unwrap_or(false);
    Ok((is_unreadable && !is_readable()).then_some("in an unsupported compression format"))
}

/// The newest file that is named as a log with something behind it, and is no text.
fn of_unknown_form(log: &Log, scan: &mut Scan<'_>) -> Result<Option<FileInfo>, Changed> {
    let path = log.checkpoint.own_path();
    let own = file_name(path);
    let mut files = scan
        .names(folder(path))
        .matching(|name| is_extended(name, own));
    // What was there before the log began is nothing of it.
    let began = log.checkpoint.file_id.born;
    files.retain(|found| {
        found.size > 0 && scan.is_free(&found.file_id) && found.file_id.born >= began
    });
    files.sort_by_key(|found| std::cmp::Reverse(found.modified));
    for found in files {
        let found = scan.at(&found.path).cloned().unwrap_or(found);
        let is_compressed = || unless_vanished(content::is_found_compressed(&found), &found, false);
        let is_unknown = match what_is_unreadable(&found, scan)? {
            // Else that is told when it is met.
            Some(_) => !found.is_listed || found.name.series != log.series.1,
            None => !is_compressed()? && !scan.is_text(&found)?,
        };
        if is_unknown {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

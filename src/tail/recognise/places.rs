//! Where a log may be: whether a file holds what was read of it, by name, by inode and by content.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::copy::{LogCopy, Stamp};
use super::scan::Scan;
use super::{Changed, key};
use crate::process::file_id::FileId;
use crate::tail::content::{self, Beginning, Content};
use crate::tail::discover::FileInfo;
use crate::tail::identity::{Comparison, Digest};
use crate::tail::log::{Condition, Log, LogId, file_name, folder};
use crate::tail::name::{self, Age, LogName};

pub(super) use super::vanished::unless_vanished;

/// What can stand between a log's name and what rotation adds.
pub(super) const SEPARATORS: [u8; 4] = *b".-_~";

pub(super) fn stamp(log: &Log) -> Stamp {
    (log.checkpoint.size, log.modified)
}

/// Whether a file with a log's inode still holds what was read.
pub(super) fn is_same(log: &mut Log, found: &FileInfo) -> Result<bool, Changed> {
    let checkpoint = &log.checkpoint;
    let stamp = Some((found.size, found.modified));
    if log.compared == stamp {
        return Ok(true);
    }
    let progress = &checkpoint.progress;
    let same = match checkpoint.condition {
        _ if log.offset() == 0 => match &checkpoint.seen {
            None => {
                // It was empty when it was met.
                let head = content::head(found);
                let head = unless_vanished(head, found, Vec::new())?;
                if !head.is_empty() {
                    log.checkpoint.seen = Some(Digest::of(&head));
                    log.is_changed = true;
                }
                return Ok(true);
            }
            Some(seen) => content::head(found).map(|head| seen.is_start_of(&head)),
        },
        Condition::ShorterCopy => Ok(checkpoint.size == found.size),
        // What is behind its beginning is compared on the way to the offset.
        Condition::Compressed | Condition::CompressedRead | Condition::Ignored => {
            content::compare_head(found, progress)
        }
        Condition::Plain => match &mut log.content {
            Some(content) if content.file_id == found.file_id => content.resume(progress),
            _ => content::open_found(found).and_then(|file| {
                let mut content = Content::of(file)?;
                Ok(!content.is_compressed() && content.resume(progress)?)
            }),
        },
    };
    // What cannot be read is taken at its word.
    let same = unless_vanished(same, found, true)?;
    if same {
        log.compared = stamp;
        log.held = found.size;
    }
    Ok(same)
}

/// Whether a log's file is where it was found.
pub(super) fn is_there(log: &Log) -> bool {
    let metadata = std::fs::metadata(&log.checkpoint.path);
    metadata.is_ok_and(|metadata| FileId::of(&metadata) == log.checkpoint.file_id)
}

/// Whether a log's file is where it was found, and holds what was read and seen.
pub(super) fn is_intact(log: &Log) -> bool {
    let checkpoint = &log.checkpoint;
    let holds = || {
        let mut content = Content::open(&checkpoint.path)?;
        let is_long_enough = content.size()?.is_none_or(|size| size >= checkpoint.size);
        io::Result::Ok(is_long_enough && content.resume(&checkpoint.progress)?)
    };
    is_there(log)
        && match checkpoint.condition {
            // Of what cannot be read nothing else can be told.
            Condition::Plain => {
                holds().unwrap_or_else(|error| error.kind() != io::ErrorKind::NotFound)
            }
            Condition::Compressed
            | Condition::CompressedRead
            | Condition::ShorterCopy
            | Condition::Ignored => true,
        }
}

/// Whether a file is named as what rotation made of a log: in a way that is known, or with anything
/// behind the log's own name.
pub(super) fn is_rotation_of(found: &FileInfo, log: &Log) -> bool {
    let here = found.lives_in();
    let is_known = |series: &OsStr, age: &Age| {
        found.name.rotated_from.is_some()
            && found.name.series == series
            && found.name.age.is_rotation_of(age)
    };
    let extends = |path: &Path| is_extended(file_name(found.own_path()), file_name(path));
    let own = log.checkpoint.own_path();
    if here == log.series.0 && found.own_path() != own {
        return is_known(&log.series.1, &log.name.age) || extends(own);
    }
    // Where symbolic links lead to, rotation goes by the name that the file has there.
    let real = log.checkpoint.real.as_deref();
    real.filter(|real| folder(real) == here && found.path != *real)
        .is_some_and(|real| {
            let name = LogName::of(file_name(real));
            is_known(&name.series, &name.age) || extends(real)
        })
}

pub(super) fn is_extended(name: &OsStr, log: &OsStr) -> bool {
    let more = name.as_bytes().strip_prefix(log.as_bytes());
    more.and_then(|more| more.first())
        .is_some_and(|first| SEPARATORS.contains(first))
}

/// The file of a log that was found shorter than what was read, such as an older copy that was put back,
/// if something else was written to it since: it is read on from there.
pub(super) fn went_on(log: &mut Log, scan: &mut Scan<'_>) -> Result<Option<FileInfo>, Changed> {
    let checkpoint = &log.checkpoint;
    let is_shorter = checkpoint.condition == Condition::ShorterCopy && log.gone.is_none();
    let same = scan.with_inode_of(&checkpoint.file_id, &checkpoint.path);
    let Some(found) = same.filter(|found| is_shorter && found.size > checkpoint.size) else {
        return Ok(None);
    };
    if compared(log, found, scan)?.0 != Comparison::Different
        || unless_vanished(content::is_found_compressed(found), found, false)?
    {
        return Ok(None);
    }
    let known = content::known_beginning(found, checkpoint.size, &checkpoint.progress);
    let Some(progress) = unless_vanished(known, found, None)? else {
        return Ok(None);
    };
    log.checkpoint.progress = progress;
    log.moves_to(found, Condition::Plain);
    Ok(Some(found.clone()))
}

/// Where a log's content stands now, that is not where it stood: with its new condition, or none if it
/// is the same file under another name.
pub(super) fn place(
    log: &mut Log,
    id: LogId,
    copies: &HashMap<(u64, u64), LogCopy>,
    scan: &mut Scan<'_>,
) -> Result<Option<(FileInfo, Option<Condition>)>, Changed> {
    if log.gone.is_none()
        && let Some(found) = renamed(log, scan)
        && is_same(log, &found)?
    {
        return Ok(Some((found, None)));
    }
    // Of what nothing is known but its open file, that is compared.
    let is_another = |found: &FileInfo| {
        let content = log.content.as_ref();
        content.is_some_and(|content| content.file_id != found.file_id)
    };
    let is_identifiable = log.offset() > 0 || log.checkpoint.seen.is_some();
    let path = &log.checkpoint.path;
    // A link may lead to it from elsewhere now.
    let real = log.checkpoint.real.as_ref().unwrap_or(path);
    let at_its_path = match scan.at(path).or_else(|| scan.at_real(real)) {
        Some(found) if is_identifiable || is_another(found) => {
            let (comparison, condition) = compared(log, found, scan)?;
            (comparison != Comparison::Different).then(|| (comparison, found.clone(), condition))
        }
        Some(_) | None => None,
    };
    // A copy of itself took its place.
    if let Some((Comparison::Continues, found, condition)) = at_its_path {
        return Ok(Some((found, Some(condition))));
    }
    let rotated = rotated(log, id, copies, scan)?;
    Ok(match (rotated, at_its_path) {
        (Some((Comparison::Shorter, ..)) | None, Some((_, found, condition)))
        | (Some((_, found, condition)), _) => Some((found, Some(condition))),
        (None, None) => None,
    })
}

/// The directories that a log's file may be in: its own, and where symbolic links lead to.
fn folders(log: &Log) -> Vec<PathBuf> {
    let checkpoint = &log.checkpoint;
    let mut folders = vec![log.series.0.clone()];
    for path in [Some(&checkpoint.path), checkpoint.real.as_ref()] {
        let folder = path.map(|path| folder(path).to_owned());
        folders.extend(folder.filter(|folder| !folders.contains(folder)));
    }
    folders
}

/// A log's file under a name that no pattern concerns.
fn renamed(log: &Log, scan: &mut Scan<'_>) -> Option<FileInfo> {
    let file_id = &log.checkpoint.file_id;
    folders(log).iter().find_map(|folder| {
        let files = scan.names(folder).with_inode(file_id.inode);
        let mut files = files.into_iter();
        files.find(|found| found.file_id.may_be(file_id, false) && scan.is_free(&found.file_id))
    })
}

/// The rotated file that a log goes on in, if there is one: one that holds all that was read, or else
/// a copy that is shorter.
fn rotated(
    log: &Log,
    id: LogId,
    copies: &HashMap<(u64, u64), LogCopy>,
    scan: &mut Scan<'_>,
) -> Result<Option<(Comparison, FileInfo, Condition)>, Changed> {
    if log.offset() == 0 && log.checkpoint.seen.is_none() && log.content.is_none() {
        // Nothing was read: whatever becomes of it is a log like a new one.
        return Ok(None);
    }
    let mut shorter = Vec::new();
    for found in candidates(log, id, copies, scan) {
        let (comparison, condition) = compared(log, &found, scan)?;
        match comparison {
            Comparison::Continues => return Ok(Some((comparison, found, condition))),
            Comparison::Shorter if condition != Condition::Ignored => {
                shorter.push((comparison, found, condition));
            }
            Comparison::Shorter | Comparison::Different => {}
        }
    }
    // The others are copies of the one that holds most.
    if shorter.len() > 1 {
        shorter.sort_by_cached_key(|(_, found, _)| {
            std::cmp::Reverse(content::length(found).unwrap_or_default())
        });
    }
    Ok(shorter.into_iter().next())
}

/// Files that are named as rotated files of a log, the likeliest first.
fn candidates(
    log: &Log,
    id: LogId,
    copies: &HashMap<(u64, u64), LogCopy>,
    scan: &mut Scan<'_>,
) -> Vec<FileInfo> {
    let may_be = |found: &FileInfo| {
        let copy = copies.get(&key(&found.file_id));
        is_rotation_of(found, log) && copy.is_none_or(|copy| copy.of == id || !copy.is_identifiable)
    };
    let free = scan.free().filter(|found| may_be(found));
    let mut candidates: Vec<_> = free.cloned().collect();
    if log.gone.is_none() {
        // Copies under names that no pattern concerns.
        let mut named = Vec::new();
        for path in [
            Some(log.checkpoint.own_path()),
            log.checkpoint.real.as_deref(),
        ] {
            let Some(path) = path else {
                continue;
            };
            let is_real = folder(path) != log.series.0;
            let own = file_name(path);
            let series = LogName::of(own).series;
            // In a directory that patterns list, files in known forms are found by them.
            let is_named = |name: &OsStr| {
                is_extended(name, own) || is_real && LogName::of(name).series == series
            };
            named.extend(scan.names(folder(path)).matching(is_named));
        }
        named.retain(|found| !scan.is_listed(&found.file_id) && scan.is_free(&found.file_id));
        candidates.extend(named.into_iter().filter(may_be));
    }
    // A plain file before a compressed one, which may still be in the making.
    candidates.sort_by_key(|found| std::cmp::Reverse(found.name.age.clone()));
    candidates.sort_by_key(is_named_compressed);
    candidates
}

/// Compares a file with what was read of a log, and tells what the file would be to the log.
pub(super) fn compared(
    log: &Log,
    found: &FileInfo,
    scan: &mut Scan<'_>,
) -> Result<(Comparison, Condition), Changed> {
    let progress = &log.checkpoint.progress;
    let (comparison, is_all) = match (&log.content, &log.checkpoint.seen) {
        // Nothing to know it by but the file itself, which is still open.
        (Some(content), _) if log.offset() == 0 => {
            let beginning = content.compare_beginning(found);
            let is_same =
                unless_vanished(beginning, found, Beginning::Different)? == Beginning::Same;
            (if_continues(is_same), false)
        }
        (None, Some(seen)) if log.offset() == 0 => {
            let head = scan.head(found)?;
            let is_same = head.is_some_and(|head| seen.is_start_of(&head));
            (if_continues(is_same), false)
        }
        _ if log.offset() == 0 => (Comparison::Different, false),
        _ => {
            let head = scan.head(found)?;
            let is_other = |head: &[u8]| {
                head.len() >= progress.head.length && !progress.head.is_start_of(head)
            };
            if head.is_some_and(|head| is_other(&head)) {
                (Comparison::Different, false)
            } else {
                let compared = content::compare(found, progress);
                unless_vanished(compared, found, (Comparison::Different, false))?
            }
        }
    };
    let condition = match comparison {
        _ if log.checkpoint.condition == Condition::Ignored => Condition::Ignored,
        // One that is compressed may still be in the making.
        Comparison::Shorter => Condition::ShorterCopy,
        Comparison::Different => Condition::Plain,
        Comparison::Continues => {
            // Whatever its name says.
            let is_compressed = unless_vanished(content::is_found_compressed(found), found, false)?;
            match (is_compressed, is_all) {
                (false, _) => Condition::Plain,
                (true, true) => Condition::CompressedRead,
                (true, false) => Condition::Compressed,
            }
        }
    };
    Ok((comparison, condition))
}

fn if_continues(is_same: bool) -> Comparison {
    if is_same {
        Comparison::Continues
    } else {
        Comparison::Different
    }
}

pub(super) fn is_named_compressed(found: &FileInfo) -> bool {
    name::is_compressed(file_name(&found.path))
}

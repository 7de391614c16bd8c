//! Where a log may be: whether a file holds what was read of it, by name, by inode and by content.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::time::SystemTime;

use super::copies::Copy;
use super::{Unclaimed, Unsettled, key};
use crate::node::Node;
use crate::shown::Shown as _;
use crate::tail::content::{self, Beginning, Content};
use crate::tail::discover::{Found, all_files};
use crate::tail::identity::Comparison;
use crate::tail::log::{Condition, Log, LogId, file_name, folder};

/// What can stand between a log's name and what rotation adds.
pub(super) const SEPARATORS: [u8; 4] = *b".-_~";

/// By what a change of a file is told.
pub(super) type Stamp = (u64, Option<SystemTime>);

pub(super) fn stamp(log: &Log) -> Stamp {
    (log.checkpoint.size, log.modified)
}

/// What an error says of a file that was there a moment ago: something else, or nothing.
pub(super) fn settled<T>(read: io::Result<T>, found: &Found, otherwise: T) -> Result<T, Unsettled> {
    match read {
        Ok(read) => Ok(read),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(Unsettled),
        Err(error) => {
            tracing::debug!("{}: {error}", found.path.shown());
            Ok(otherwise)
        }
    }
}

/// Whether a file with a log's inode still holds what was read.
pub(super) fn is_same(log: &mut Log, found: &Found) -> Result<bool, Unsettled> {
    let checkpoint = &log.checkpoint;
    let stamp = Some((found.size, found.modified));
    if log.compared == stamp || log.offset() == 0 {
        return Ok(true);
    }
    let progress = &checkpoint.progress;
    let same = match checkpoint.condition {
        Condition::ShorterCopy => Ok(checkpoint.size == found.size),
        // What is behind its beginning is compared on the way to the offset.
        Condition::Compressed | Condition::CompressedRead | Condition::Ignored => {
            content::compare_head(found, progress)
        }
        Condition::Plain => match &mut log.content {
            Some(content) if content.node == found.node => content.resume(progress),
            _ => content::open_found(found).and_then(|file| {
                let mut content = Content::of(file)?;
                Ok(!content.is_compressed() && content.resume(progress)?)
            }),
        },
    };
    // What cannot be read is taken at its word.
    let same = settled(same, found, true)?;
    if same {
        log.compared = stamp;
    }
    Ok(same)
}

/// Whether a log's file is where it was found.
pub(super) fn is_there(log: &Log) -> bool {
    let metadata = std::fs::metadata(&log.checkpoint.path);
    metadata.is_ok_and(|metadata| Node::of(&metadata) == log.checkpoint.node)
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
            Condition::Plain => holds().unwrap_or(false),
            Condition::Compressed
            | Condition::CompressedRead
            | Condition::ShorterCopy
            | Condition::Ignored => true,
        }
}

/// Whether a file is named as what rotation made of a log: in a way that is known, or with anything
/// behind the log's own name.
pub(super) fn is_rotation_of(found: &Found, log: &Log) -> bool {
    let is_known = found.name.rotated_from.is_some()
        && found.name.series == log.series.1
        && found.name.age.is_rotation_of(&log.name.age);
    folder(&found.path) == log.series.0
        && found.path != log.checkpoint.path
        && (is_known || is_extended(file_name(&found.path), file_name(&log.checkpoint.path)))
}

pub(super) fn is_extended(name: &OsStr, log: &OsStr) -> bool {
    let more = name.as_bytes().strip_prefix(log.as_bytes());
    more.and_then(<[u8]>::first)
        .is_some_and(|next| SEPARATORS.contains(next))
}

/// A log's file under a name that no pattern concerns.
pub(super) fn renamed(log: &Log) -> Option<Found> {
    let node = &log.checkpoint.node;
    let files = all_files(&log.series.0, |_, inode| inode == node.inode);
    files
        .into_iter()
        .find(|found| found.node.may_be(node, false))
}

/// The file that a log goes on in, if there is one.
pub(super) fn continuation(
    log: &Log,
    id: LogId,
    copies: &HashMap<(u64, u64), Copy>,
    files: &Unclaimed<'_>,
) -> Result<Option<(Found, Condition)>, Unsettled> {
    if log.offset() == 0 && log.content.is_none() {
        // Nothing was read: whatever becomes of it is a log like a new one.
        return Ok(None);
    }
    let mut shorter = None;
    let may_be = |found: &Found| {
        let copy = copies.get(&key(&found.node));
        is_rotation_of(found, log) && copy.is_none_or(|copy| copy.of == id || !copy.is_told)
    };
    let free = files.free().filter(|found| may_be(found));
    let mut candidates: Vec<_> = free.cloned().collect();
    if log.gone.is_none() {
        // Copies under names that no pattern concerns.
        let own = file_name(&log.checkpoint.path);
        let named = all_files(&log.series.0, |name, _| is_extended(name, own));
        let is_other = |found: &Found| !files.found.iter().any(|one| one.node == found.node);
        let named = named.into_iter();
        candidates.extend(named.filter(|found| is_other(found) && may_be(found)));
    }
    // A plain file before a compressed one, which may still be in the making.
    candidates.sort_by_key(|found| std::cmp::Reverse(found.name.age.clone()));
    candidates.sort_by_key(is_named_compressed);
    for found in candidates {
        let condition = if log.checkpoint.condition == Condition::Ignored {
            Condition::Ignored
        } else if is_named_compressed(&found) {
            Condition::Compressed
        } else {
            Condition::Plain
        };
        let compared = match &log.content {
            // Nothing to know it by but the file itself, which is still open.
            Some(content) if log.offset() == 0 => {
                content.compare_beginning(&found).map(|beginning| {
                    let is_same = beginning == Beginning::Same;
                    let comparison = if is_same {
                        Comparison::Continues
                    } else {
                        Comparison::Different
                    };
                    (comparison, false)
                })
            }
            _ => content::compare(&found, &log.checkpoint.progress),
        };
        match settled(compared, &found, (Comparison::Different, false))? {
            (Comparison::Continues, true) if condition == Condition::Compressed => {
                return Ok(Some((found, Condition::CompressedRead)));
            }
            (Comparison::Continues, _) => return Ok(Some((found, condition))),
            (Comparison::Shorter, _) if condition != Condition::Ignored => {
                // A compressed one may still be in the making.
                let condition = match condition {
                    Condition::Compressed => Condition::CompressedRead,
                    _ => Condition::ShorterCopy,
                };
                shorter = shorter.or(Some((found, condition)));
            }
            (Comparison::Shorter | Comparison::Different, _) => {}
        }
    }
    Ok(shorter)
}

pub(super) fn is_named_compressed(found: &Found) -> bool {
    let extension = found.path.extension();
    extension.is_some_and(|extension| extension == "gz" || extension == "zst")
}

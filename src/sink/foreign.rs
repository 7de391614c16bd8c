//! Files that hold something else than what is written to an output.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use super::OutputCheckpoint;
use crate::pipeline::dataset::Dataset;
use crate::pipeline::dialect::{self, Record};
use crate::pipeline::event::{begins_action, is_action};
use crate::pipeline::json::Reader;
use crate::process::file_id::FileId;
use crate::process::shown::Shown as _;

/// How much of a file shows whether it begins with an event: more than the data set of nearly any.
const LOOKED_AT: u64 = 256 << 10;

/// What the lines of an output are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputLines {
    /// Events.
    Events,
    /// Pairs of an action and its event.
    Bulk,
    /// Records as they came.
    Raw,
}

impl OutputLines {
    /// Whether a file may be an output with such lines, by its beginning.
    fn may_begin(self, first: &[u8]) -> bool {
        let mut lines = first.split_inclusive(|byte| *byte == b'\n');
        let (line, next) = (lines.next(), lines.next());
        let is_event = |line: Option<&[u8]>| line.is_some_and(is_event);
        match self {
            Self::Events => is_event(line),
            Self::Bulk => is_event(line) || line.is_some_and(is_object) && is_event(next),
            Self::Raw => line.is_some_and(is_record),
        }
    }

    /// What the last whole line of a file of that length is, and the one before it; none if that cannot be told.
    fn at_end(file: &File, length: u64) -> Option<Self> {
        let mut end = vec![0; usize::try_from(length.min(LOOKED_AT)).ok()?];
        let start = length - end.len() as u64;
        file.read_exact_at(&mut end, start).ok()?;
        end.truncate(memchr::memrchr(b'\n', &end)?);
        let mut lines = end.rsplit(|byte| *byte == b'\n');
        let (last, before) = (lines.next()?, lines.next());
        if is_event(last) {
            let is_pair = before.is_some_and(is_action);
            return Some(if is_pair { Self::Bulk } else { Self::Events });
        }
        // Of a line that is cut off at its beginning, this says nothing.
        (before.is_some() || length <= LOOKED_AT)
            .then_some(Self::Raw)
            .filter(|_| is_record(last))
    }

    fn many(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Bulk => "events for a bulk request (--format bulk)",
            Self::Raw => "original records (--raw)",
        }
    }

    fn several(self) -> &'static str {
        match self {
            Self::Events | Self::Bulk => "events",
            Self::Raw => "records",
        }
    }

    fn one(self) -> &'static str {
        match self {
            Self::Events | Self::Bulk => "an event",
            Self::Raw => "a record",
        }
    }
}

/// Whether a file is empty or begins with an event, written alone or behind the action of a bulk
/// request.
pub(super) fn may_be_truncated(path: &Path, file: &File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let first = match File::open(path) {
        Ok(file) => first_lines(file)?,
        // What cannot be read cannot be known.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(OutputLines::Bulk.may_begin(&first))
}

/// Warns of what a file to append to holds, which is not an error, for appending takes nothing away: something
/// that the state does not know, or lines of another kind. On stdout, only what the very first run of a state
/// finds there is unknown to it. What other states of the directory write to the same file is known, too.
pub fn warn_of_foreign(
    path: &Path,
    lines: OutputLines,
    known: Option<&OutputCheckpoint>,
    (is_first, is_shared): (bool, bool),
) {
    let is_stdout = path.as_os_str() == "-";
    let (path, name) = if is_stdout {
        (Path::new("/proc/self/fd/1"), "stdout".to_owned())
    } else {
        (path, format!("--output: {}", path.shown()))
    };
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    let is_plain = metadata.is_file() && metadata.len() > 0;
    if !is_plain || !is_stdout && is_descriptor(path) {
        return;
    }
    // What cannot be read cannot be known.
    let Ok(file) = File::open(path) else { return };
    let Ok(first) = file.try_clone().and_then(first_lines) else {
        return;
    };
    let is_known = if is_stdout {
        !is_first || !lines.may_begin(&first)
    } else {
        is_shared || known.is_some_and(|known| is_of(known, path, &metadata))
    };
    if !is_known && !is_as_expected(&name, lines, &first) {
        return;
    }
    if let Some(before) = OutputLines::at_end(&file, metadata.len())
        && before != lines
    {
        tracing::warn!(
            "{name} ends with {}, and {} are appended to it: what reads it must take both, use another file if that \
             is not meant",
            before.many(),
            lines.many()
        );
    }
}

/// Whether a file is the output that was recorded, one before it, or in the place of it: what took that since is
/// where it is wanted.
fn is_of(known: &OutputCheckpoint, path: &Path, metadata: &Metadata) -> bool {
    let file_id = FileId::of(metadata);
    let is_it = |known: &OutputCheckpoint| known.file_id.may_be(&file_id, true);
    let real = std::fs::canonicalize(path).ok();
    real.as_deref() == Some(&known.path) || is_it(known) || known.earlier.iter().any(is_it)
}

/// Warns of a file that the state does not know, whatever it begins with; whether that is what its output does.
fn is_as_expected(name: &str, lines: OutputLines, first: &[u8]) -> bool {
    if lines.may_begin(first) {
        tracing::warn!(
            "{name} holds {} that this state does not know of: what is in it may come twice; the state that wrote \
             them was deleted, or is in another --state-dir or of another source",
            lines.several()
        );
        return true;
    }
    // What a crash left of a first pair is taken away before anything is appended.
    let is_cut_off = lines == OutputLines::Bulk && is_lone_action(first);
    if !is_cut_off {
        tracing::warn!(
            "{name} does not begin with {}: it may be another program's file; appending to it, use another file \
             if that is not meant",
            lines.one()
        );
    }
    is_cut_off
}

fn first_lines(file: File) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    file.take(LOOKED_AT).read_to_end(&mut first)?;
    Ok(first)
}

fn is_object(line: &[u8]) -> bool {
    line.starts_with(b"{")
}

fn is_lone_action(first: &[u8]) -> bool {
    let line = first.strip_suffix(b"\n").unwrap_or(first);
    !line.contains(&b'\n') && begins_action(line)
}

fn is_event(line: &[u8]) -> bool {
    let has = |text: &str| memchr::memmem::find(line, text.as_bytes()).is_some();
    let is_ours = |dataset: Dataset| has(dataset.name_json());
    is_object(line) && has("\"@timestamp\":") && Dataset::ALL.into_iter().any(is_ours)
}

/// Whether a line is a record; one that is too long to be looked at whole, by its first byte.
fn is_record(line: &[u8]) -> bool {
    if line.len() as u64 == LOOKED_AT {
        return is_object(line);
    }
    let Ok(text) = std::str::from_utf8(line.trim_ascii()) else {
        return false;
    };
    let mut reader = Reader::default();
    let document = reader.read(text);
    document.is_ok_and(|document| dialect::detect(&Record::read(document.root())).is_some())
}

/// Whether a path names an open descriptor: who opened it says where its output goes, so what is there
/// already stays.
pub(super) fn is_descriptor(path: &Path) -> bool {
    let path = path.as_os_str().as_encoded_bytes();
    path == b"/dev/stderr"
        || [&b"/dev/fd/"[..], b"/proc/self/fd/"]
            .iter()
            .any(|folder| path.starts_with(folder))
}

//! Files that hold something else than what is written to an output.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use super::OutputCheckpoint;
use crate::pipeline::dialect::{self, Record};
use crate::pipeline::event::begins_action;
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

/// Warns of a file to append to that the state does not know, and that does not begin as the output does:
/// perhaps another program's log. Not an error, for appending takes nothing away.
pub fn warn_of_foreign(path: &Path, lines: OutputLines, known: Option<&OutputCheckpoint>) {
    let is_stdout = ["-", "/dev/stdout"]
        .iter()
        .any(|name| path.as_os_str() == *name);
    let Ok(metadata) = std::fs::metadata(path) else {
        return;
    };
    if is_stdout || is_descriptor(path) || !metadata.is_file() || metadata.len() == 0 {
        return;
    }
    let file_id = FileId::of(&metadata);
    let real = std::fs::canonicalize(path).ok();
    let is_known = |known: &OutputCheckpoint| {
        let is_it = |known: &OutputCheckpoint| known.file_id.may_be(&file_id, true);
        // What took the place of the output since is where it is wanted.
        real.as_deref() == Some(&known.path) || is_it(known) || known.earlier.iter().any(is_it)
    };
    if known.is_some_and(is_known) {
        return;
    }
    // What cannot be read cannot be known.
    let Ok(first) = File::open(path).and_then(first_lines) else {
        return;
    };
    // What a crash left of a first pair is taken away before anything is appended.
    let is_cut_off = lines == OutputLines::Bulk && is_lone_action(&first);
    if !is_cut_off && !lines.may_begin(&first) {
        tracing::warn!(
            "--output: {} does not begin with {}: it may be another program's file; appending to it, use another file \
             if that is not meant",
            path.shown(),
            lines.one()
        );
    }
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
    is_object(line) && has("\"@timestamp\":") && has("\"atlassian_confluence.audit\"")
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

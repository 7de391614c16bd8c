//! `state set`: the read position of a log.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use super::checkpoints::Checkpoints;
use super::content;
use super::log::{Condition, LogId};
use crate::pipeline::dialect::{self, Record};
use crate::pipeline::json::Reader;
use crate::pipeline::timestamp::{TimeMode, Timestamp};
use crate::process::shown::Shown as _;

/// Sets the log that is there now, of those with the path `name`, to the line at an offset, or to the first
/// record of a time. Its path and offset.
///
/// # Errors
/// Why that cannot be.
pub fn set(
    checkpoints: &mut Checkpoints,
    ids: &[LogId],
    name: &Path,
    offset: Option<u64>,
    since: Option<Timestamp>,
) -> Result<(PathBuf, u64), String> {
    let rows = ids.iter().rev();
    // The file that is there now, if others were there before it.
    let mut rows = rows.filter(|id| {
        let row = checkpoints.logs.get(id);
        row.is_some_and(|row| row.checkpoint.gone_since.is_none())
    });
    let id = rows.next().copied();
    if let Some(id) = id {
        // What a pipe has already is of the old offset.
        checkpoints.handed.remove(&id);
    }
    let Some(row) = id.and_then(|id| checkpoints.logs.get_mut(&id)) else {
        return Err(format!(
            "{} no longer exists: it has no position to set",
            name.shown()
        ));
    };
    let path = row.checkpoint.path.clone();
    let failed = |source: io::Error| format!("cannot read {}: {source}", path.shown());
    if row.checkpoint.condition.is_compressed() {
        return Err(format!(
            "{} is compressed: only positions in plain files can be set",
            path.shown()
        ));
    }
    let file = content::open(&path).map_err(failed)?;
    let offset = match (offset, since) {
        (Some(offset), _) => line_start(&file, &path, offset)?,
        (None, Some(since)) => first_since(&file, since).map_err(failed)?,
        (None, None) => 0,
    };
    row.checkpoint.progress = content::progress_at(&file, offset).map_err(failed)?;
    row.checkpoint.condition = Condition::Plain;
    row.checkpoint.unfinished = None;
    Ok((path, offset))
}

/// The offset, if a line begins there.
fn line_start(file: &File, path: &Path, offset: u64) -> Result<u64, String> {
    let failed = |source: io::Error| format!("cannot read {}: {source}", path.shown());
    let length = file.metadata().map_err(failed)?.len();
    if offset > length {
        return Err(format!(
            "--offset: {} has only {length} bytes, fewer than {offset}",
            path.shown()
        ));
    }
    let before = content::line_start_before(file, offset).map_err(failed)?;
    if before != offset {
        return Err(format!(
            "--offset: byte {offset} of {} is in the middle of a line, which starts at byte {before}",
            path.shown()
        ));
    }
    Ok(offset)
}

/// Where the first record of that time or later begins; the end if there is none.
fn first_since(file: &File, since: Timestamp) -> io::Result<u64> {
    let mut lines = BufReader::new(file);
    let mut reader = Reader::default();
    let (mut offset, mut line) = (0, Vec::new());
    loop {
        line.clear();
        let read = lines.read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(offset);
        }
        if time_of(&mut reader, &line).is_some_and(|time| time >= since) {
            return Ok(offset);
        }
        offset += read as u64;
    }
}

/// The longest line whose time is looked for.
const MOST_OF_LINE: u64 = 64 << 10;

/// The time of the record that begins at an offset of a plain file, if that can be told.
#[must_use]
pub fn time_at(path: &Path, offset: u64) -> Option<Timestamp> {
    let mut file = content::open(path).ok()?;
    file.seek(SeekFrom::Start(offset)).ok()?;
    let mut line = Vec::new();
    let mut lines = BufReader::new(file.take(MOST_OF_LINE));
    lines.read_until(b'\n', &mut line).ok()?;
    time_of(&mut Reader::default(), &line)
}

fn time_of(reader: &mut Reader, line: &[u8]) -> Option<Timestamp> {
    let text = std::str::from_utf8(line.trim_ascii()).ok()?;
    let document = reader.read(text).ok()?;
    let record = Record::read(document.root());
    let dialect = dialect::detect(&record)?;
    record.time(dialect, TimeMode::Exact).ok().flatten()
}

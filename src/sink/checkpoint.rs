//! What is recorded of an output file.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use super::find;
use crate::process::file_id::FileId;

/// How much of each end is hashed, at most.
const HASHED: usize = 4096;

/// So many output files are remembered after their time.
const MOST_EARLIER: usize = 8;

/// So often a file is read that is truncated meanwhile.
const TRIES: usize = 5;

/// An output file as it was when what it held was the last that counted.
#[derive(Serialize, Deserialize, Debug, Clone, PartialEq, Eq)]
pub struct OutputCheckpoint {
    /// Where it was, absolute and without symbolic links.
    #[serde(with = "crate::process::shown::saved_path")]
    pub path: PathBuf,
    /// Which file it is.
    #[serde(rename = "node")]
    pub file_id: FileId,
    /// Its length in bytes.
    pub length: u64,
    /// XXH3-128 of its first 4 KiB, or of as many as there were, in hexadecimal.
    pub head: String,
    /// XXH3-128 of its last 4 KiB, likewise.
    pub tail: String,
    /// Of an empty file, when it became empty, in nanoseconds since 1970: no byte tells its copies
    /// from those of older files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emptied: Option<u64>,
    /// Nothing was written behind this: the program ended, and saved last.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_final: bool,
    /// The output files before this one, as they were recorded last, the newest first: what is in
    /// them needs no warning.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<OutputCheckpoint>,
}

impl OutputCheckpoint {
    /// Of an open file, as it is now.
    pub(super) fn of(path: &Path, file: &File) -> io::Result<Self> {
        let mut recorded = Self::once(path, file);
        for _ in 1..TRIES {
            match &recorded {
                // It was truncated meanwhile.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    recorded = Self::once(path, file);
                }
                _ => break,
            }
        }
        recorded
    }

    fn once(path: &Path, file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let length = metadata.len();
        let hashed = length.min(HASHED as u64);
        Ok(Self {
            path: path.to_owned(),
            file_id: FileId::of(&metadata),
            length,
            head: hash_at(file, 0, hashed)?,
            tail: hash_at(file, length - hashed, hashed)?,
            emptied: nanos(metadata.modified().ok().filter(|_| length == 0)),
            is_final: false,
            earlier: Vec::new(),
        })
    }

    /// Takes the place of another record, of the same file or of the one before it.
    pub fn succeed(&mut self, before: Option<Self>) {
        let Some(mut before) = before else { return };
        self.earlier = std::mem::take(&mut before.earlier);
        let is_another = before.file_id != self.file_id || before.length > self.length;
        if is_another && before.length > 0 {
            self.earlier.insert(0, before);
            self.earlier.truncate(MOST_EARLIER);
        }
    }

    /// Whether the file, or a copy of it, is still there: at its path, or moved as a rotation does.
    ///
    /// # Errors
    /// When its directory cannot be read.
    pub fn is_found(&self) -> io::Result<bool> {
        Ok(find::file(self)?.is_some() || find::by_content(self).next().is_some())
    }

    /// Whether the file at hand, of which the file system says that it may be the one, is long
    /// enough and holds all that was recorded.
    pub(super) fn stands_in(&self, file: &File, metadata: &Metadata, is_moved: bool) -> bool {
        if self.length > 0 {
            let hashed = self.length.min(HASHED as u64);
            let hash = |at| hash_at(file, at, hashed).ok();
            return metadata.len() >= self.length
                && hash(0).as_ref() == Some(&self.head)
                && hash(self.length - hashed).as_ref() == Some(&self.tail);
        }
        // No byte tells: its birth does, or else that it is where it was.
        let now = FileId::of(metadata);
        match (self.file_id.born, now.born) {
            (Some(then), Some(now)) => then == now,
            _ => !is_moved && self.file_id.device == now.device,
        }
    }

    /// Whether `text` begins with all that was recorded, and if so, reads up to its end.
    pub(super) fn begins(&self, text: &mut impl Read) -> io::Result<bool> {
        let Ok(length) = usize::try_from(self.length) else {
            return Ok(false);
        };
        let mut last = Vec::new();
        let mut rest = length;
        while rest > 0 {
            let piece = if rest == length { HASHED } else { 1 << 16 };
            let before = last.len();
            let read = text.take(piece.min(rest) as u64).read_to_end(&mut last)?;
            if read == 0 || rest == length && hash(&last) != self.head {
                return Ok(false);
            }
            debug_assert_eq!(last.len(), before + read);
            rest -= read;
            let excess = last.len().saturating_sub(HASHED);
            last.drain(..excess);
        }
        Ok(hash(&last) == self.tail)
    }

    /// Whether this was empty, and an empty file with that time is its copy.
    pub(super) fn is_copied_empty(&self, modified: Option<SystemTime>) -> bool {
        self.emptied.is_some() && nanos(modified) == self.emptied
    }

    /// Whether a file can be a copy of this by its times: of one that was empty, it was made after that.
    pub(super) fn may_be_copied(&self, copy: &Metadata) -> bool {
        let is_later = |then: u64| {
            let born = nanos(copy.created().ok());
            // The clock of files is a coarse one: what was copied just before has the same time.
            nanos(copy.modified().ok()) >= Some(then) && born.is_none_or(|born| born > then)
        };
        self.length > 0 || self.emptied.is_some_and(is_later)
    }
}

fn nanos(time: Option<SystemTime>) -> Option<u64> {
    let since = time?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_nanos()).ok()
}

fn hash_at(file: &File, start: u64, length: u64) -> io::Result<String> {
    let mut bytes = [0; HASHED];
    let length = usize::try_from(length).unwrap_or(HASHED);
    let bytes = &mut bytes[..length];
    file.read_exact_at(bytes, start)?;
    Ok(hash(bytes))
}

fn hash(bytes: &[u8]) -> String {
    format!("{:032x}", XxHash3_128::oneshot(bytes))
}

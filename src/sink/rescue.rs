//! An output that was rotated while it was written: what was written after it was copied, or
//! compressed, is in no file that has a name.

use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::Path;

use super::{Recorded, find};
use crate::compression::Stream;

/// More of what was written since the last save is not kept.
const MOST_KEPT: usize = 16 << 20;

/// What was written since the last save.
#[derive(Debug)]
pub(super) struct Recent {
    /// The file as it was before.
    before: Recorded,
    lines: Vec<u8>,
    /// Lines that are not kept, for there are too many.
    too_many: usize,
    /// How long the file must be, at least.
    length: u64,
    /// It was truncated between two writes.
    is_truncated: bool,
}

/// What is to be done about the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// Nothing: it is where it was, or a copy has everything.
    None,
    /// These lines are in no file.
    Certain(Vec<u8>),
    /// So many lines may be in no file.
    Possible(usize),
}

impl Recent {
    pub(super) fn new(before: Recorded) -> Self {
        Self {
            length: before.length,
            before,
            lines: Vec::new(),
            too_many: 0,
            is_truncated: false,
        }
    }

    /// Takes note of lines that were appended, and of the length of the file then.
    pub(super) fn add(&mut self, lines: &[u8], length: u64) {
        self.is_truncated |= length < self.length + lines.len() as u64;
        self.length = length;
        if self.too_many == 0 && self.lines.len() + lines.len() <= MOST_KEPT {
            self.lines.extend_from_slice(lines);
        } else {
            self.too_many += count(lines);
        }
    }

    /// Whether the file, as it is now, may have lost some of it.
    pub(super) fn is_in_danger(&self, metadata: &Metadata) -> bool {
        metadata.nlink() == 0 || metadata.len() < self.length || self.is_truncated
    }

    /// What the file has lost, if it [is in danger](Self::is_in_danger).
    pub(super) fn loss(&self, file: &File, metadata: &Metadata) -> io::Result<Loss> {
        if self.lines.is_empty() && self.too_many == 0 {
            return Ok(Loss::None);
        }
        let all = count(&self.lines) + self.too_many;
        // Without a name, what stands in it is lost; if it was truncated, its end was written after.
        let mut here = Vec::new();
        if metadata.nlink() > 0 {
            let length = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
            if length > self.lines.len() {
                return Ok(Loss::Possible(all));
            }
            here.resize(length, 0);
            file.read_exact_at(&mut here, 0)?;
        }
        let (true, Some(rest)) = (self.too_many == 0, self.lines.strip_suffix(&here[..])) else {
            return Ok(Loss::Possible(all));
        };
        let Some(copied) = self.copied() else {
            return Ok(Loss::Possible(count(rest)));
        };
        // Of a line that is not all in the copy, all is missing.
        let whole = memchr::memrchr(b'\n', &self.lines[..copied]).map_or(0, |end| end + 1);
        let lost = rest.get(whole..).unwrap_or_default();
        Ok(if lost.is_empty() {
            Loss::None
        } else {
            Loss::Certain(lost.to_vec())
        })
    }

    /// How many bytes of it are in a copy of the file, if there is one and it ends with them.
    fn copied(&self) -> Option<usize> {
        find::by_content(&self.before).find_map(|path| self.copied_to(&path).ok()?)
    }

    fn copied_to(&self, path: &Path) -> io::Result<Option<usize>> {
        let file = File::open(path)?;
        let modified = file.metadata()?.modified().ok();
        let mut stream = Stream::detect(file)?;
        if !self.before.begins(&mut stream)? {
            return Ok(None);
        }
        let mut copied = Vec::new();
        let most = self.lines.len() as u64 + 1;
        stream.take(most).read_to_end(&mut copied)?;
        let is_copy = self.lines.starts_with(&copied)
            && (self.before.length > 0 || !copied.is_empty() || self.before.is_copied_empty(modified));
        Ok(is_copy.then_some(copied.len()))
    }
}

pub(super) fn count(lines: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', lines).count()
}

//! The bytes of a followed file: of a plain one by position, of a compressed one in their order.

mod compare;
mod compressed;
mod plain;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use memchr::memrchr;
use rustix::fs::OFlags;

pub use compare::{
    Beginning, common_length, common_lines, compare, compare_beginning, compare_head, compare_path,
    compare_paths, head, head_of, known_beginning, length,
};
use compressed::Compressed;
use plain::Plain;

use super::file_info::FileInfo;
use super::identity::{Digest, HEAD, ReadPosition, TAIL};
use crate::input::compression::{Compression, LONGEST_MAGIC, Stream};
use crate::input::format::{self, Format, LOOKED_AT};
use crate::pipeline::frame::leading_nuls;
use crate::process::file_id::FileId;
use crate::process::shown::Shown as _;

/// How much is read at once: worth a turn, and small enough for the caches.
pub const PIECE: usize = 128 << 10;

/// An open log file, plain or compressed.
#[derive(Debug)]
pub struct Content {
    /// Which file it is.
    pub file_id: FileId,
    form: Form,
}

#[derive(Debug)]
enum Form {
    Plain(Plain),
    Compressed(Box<Compressed>),
}

/// What a look for whole lines gave.
#[derive(Debug, PartialEq, Eq)]
pub enum Lines {
    /// Complete lines only.
    Whole,
    /// One line of so many bytes that is longer than the limit; the text is its beginning.
    TooLong(u64),
    /// No whole line yet.
    None,
    /// What was read before stands there no more.
    Changed,
}

impl Content {
    /// Opens a file, and tells by its first bytes how it is compressed.
    ///
    /// # Errors
    /// When it cannot be opened or read.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::of(open(path)?)
    }

    /// The content of an open file.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn of(file: File) -> io::Result<Self> {
        let file_id = FileId::of(&file.metadata()?);
        let form = if is_compressed(&file)? {
            Form::Compressed(Box::new(Compressed::open(file)?))
        } else {
            Form::Plain(Plain::new(file))
        };
        Ok(Self { file_id, form })
    }

    /// Whether it is compressed: it can then be read only once.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        matches!(self.form, Form::Compressed(_))
    }

    /// Whether nothing more can come of it, however long one waits.
    #[must_use]
    pub fn is_at_end(&self) -> bool {
        match &self.form {
            Form::Plain(_) => false,
            Form::Compressed(compressed) => compressed.is_at_end(),
        }
    }

    /// Whether it ends in the middle of its compressed data.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        matches!(&self.form, Form::Compressed(compressed) if compressed.is_torn())
    }

    /// The length of a plain file.
    ///
    /// # Errors
    /// When the file system does not tell.
    pub fn size(&self) -> io::Result<Option<u64>> {
        match &self.form {
            Form::Plain(plain) => plain.size().map(Some),
            Form::Compressed(_) => Ok(None),
        }
    }

    /// The format of a plain file that is known not to be text; none of a compressed one.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn foreign_format(&self) -> io::Result<Option<&'static Format>> {
        let Form::Plain(plain) = &self.form else {
            return Ok(None);
        };
        let mut first = Vec::new();
        read_at(&plain.file, 0, LOOKED_AT, &mut first)?;
        Ok(format::known(&first))
    }

    /// Whether it begins as it did when it was seen at first; a compressed file is taken at its word, for nothing is
    /// written into it any more.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn begins_as(&self, seen: &Digest) -> io::Result<bool> {
        let Form::Plain(plain) = &self.form else {
            return Ok(true);
        };
        let mut first = Vec::new();
        read_at(&plain.file, 0, seen.length, &mut first)?;
        Ok(seen.is_start_of(&first))
    }

    /// Compares it with what was read: of a plain file the beginning and the last bytes, of a
    /// compressed one, that stands at its beginning, everything, and goes to where reading stands.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn resume(&mut self, progress: &ReadPosition) -> io::Result<bool> {
        match &mut self.form {
            Form::Plain(plain) => plain.is_known(progress),
            Form::Compressed(compressed) => compressed.skip(progress),
        }
    }

    /// Compares a file with the beginning of this one, if this one is plain.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn compare_beginning(&self, copy: &FileInfo) -> io::Result<Beginning> {
        match &self.form {
            Form::Plain(plain) => compare::compare_open(copy, &plain.file),
            Form::Compressed(_) => Ok(Beginning::Different),
        }
    }

    /// Reads whole lines from the offset on into `text`, of a plain file none beyond `limit`, and
    /// goes on in `progress` over them. `max_line` is the longest line, without its end.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_lines(
        &mut self,
        progress: &mut ReadPosition,
        limit: u64,
        max_line: usize,
        text: &mut Vec<u8>,
    ) -> io::Result<Lines> {
        text.clear();
        match &mut self.form {
            Form::Plain(plain) => plain.read_lines(progress, limit, max_line, text),
            Form::Compressed(compressed) => compressed.read_lines(progress, max_line, text),
        }
    }

    /// Reads what stands behind the last whole line, and NUL bytes, into `text`, up to `most` bytes
    /// of it, and returns its length.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn unfinished(
        &mut self,
        progress: &ReadPosition,
        most: usize,
        text: &mut Vec<u8>,
    ) -> io::Result<u64> {
        text.clear();
        match &mut self.form {
            Form::Plain(plain) => plain.unfinished(progress, most, text),
            Form::Compressed(compressed) => Ok(compressed.unfinished(most, text)),
        }
    }

    /// Goes on in `progress` over an unfinished line that was taken whole.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn take_unfinished(
        &mut self,
        progress: &mut ReadPosition,
        text: &[u8],
    ) -> io::Result<bool> {
        match &mut self.form {
            Form::Plain(plain) => plain.take_unfinished(progress, text),
            Form::Compressed(compressed) => {
                let length = text.len();
                compressed.pass(progress, length);
                Ok(true)
            }
        }
    }
}

/// Opens a file that was found; an error of the kind `NotFound` if another one is there by now.
///
/// # Errors
/// When it cannot be opened, or is gone.
pub fn open_found(found: &FileInfo) -> io::Result<File> {
    let file = open(&found.path)?;
    if FileId::of(&file.metadata()?) == found.file_id {
        Ok(file)
    } else {
        Err(io::ErrorKind::NotFound.into())
    }
}

/// What is known of a file that is followed from its last line on: its beginning, and what ends there.
///
/// # Errors
/// When it cannot be read.
pub fn at_last_line(found: &FileInfo) -> io::Result<ReadPosition> {
    let file = open_found(found)?;
    let mut text = Vec::new();
    if is_compressed(&file)? {
        // Its beginning is enough to know it by.
        let read = Stream::detect(file)?
            .take(HEAD as u64)
            .read_to_end(&mut text);
        tracing::trace!("{}: {read:?}", found.path.shown());
        let tail = &text[text.len().saturating_sub(TAIL)..];
        return Ok(ReadPosition::at(text.len() as u64, &text, tail));
    }
    let end = file.metadata()?.len();
    progress_at(&file, line_start_before(&file, end)?)
}

/// The last offset up to `end` at which a line begins.
///
/// # Errors
/// When it cannot be read.
pub fn line_start_before(file: &File, mut end: u64) -> io::Result<u64> {
    let mut text = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(PIECE as u64);
        let length = usize::try_from(end - start).unwrap_or(PIECE);
        read_at(file, start, length, &mut text)?;
        if let Some(at) = memrchr(b'\n', &text) {
            return Ok(start + at as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// What is known of a file that is followed from an offset on.
///
/// # Errors
/// When it cannot be read.
pub fn progress_at(file: &File, offset: u64) -> io::Result<ReadPosition> {
    let (mut head, mut tail) = (Vec::new(), Vec::new());
    head_before(file, offset, &mut head)?;
    tail_before(file, offset, &mut tail)?;
    Ok(ReadPosition::at(offset, &head, &tail))
}

/// Opens a file for reading, without waiting for the other end of a pipe.
///
/// # Errors
/// When it cannot be opened, or is no file.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"))
    }
}

/// Whether a file that was found is compressed, by its first bytes.
///
/// # Errors
/// When it cannot be read, or is gone.
pub fn is_found_compressed(found: &FileInfo) -> io::Result<bool> {
    is_compressed(&open_found(found)?)
}

fn is_compressed(file: &File) -> io::Result<bool> {
    Ok(compression(file)? != Compression::Plain)
}

/// How a file that was found is compressed, by its first bytes.
///
/// # Errors
/// When it cannot be read, or is gone.
pub fn compression_of_found(found: &FileInfo) -> io::Result<Compression> {
    compression(&open_found(found)?)
}

fn compression(file: &File) -> io::Result<Compression> {
    let mut first = Vec::new();
    read_at(file, 0, LONGEST_MAGIC, &mut first)?;
    Ok(Stream::detect(&*first)?.format())
}

/// Whether the beginning of a file is that of a log: lines, or JSON, in UTF-8, perhaps behind NUL bytes.
#[must_use]
pub fn is_text(head: &[u8]) -> bool {
    let text = &head[leading_nuls(head)..];
    // It may end in the middle of a character.
    let is_utf8 =
        std::str::from_utf8(text).map_or_else(|error| error.error_len().is_none(), |_| true);
    let is_binary =
        |byte: &u8| byte.is_ascii_control() && !matches!(byte, 0 | b'\t' | b'\n' | b'\r');
    let is_begun = text.contains(&b'\n') || matches!(text.first(), Some(b'{' | b'['));
    is_utf8 && is_begun && !text.iter().any(is_binary)
}

/// Whether lines look like no text in any encoding: more than a twentieth of their beginning are control
/// characters.
#[must_use]
pub fn looks_binary(lines: &[u8]) -> bool {
    let first = &lines[..lines.len().min(HEAD)];
    let is_control =
        |byte: &&u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | b'\x1b');
    first.iter().filter(is_control).count() * 20 > first.len()
}

/// Reads up to `length` bytes at `offset` into `text`.
fn read_at(file: &File, offset: u64, length: usize, text: &mut Vec<u8>) -> io::Result<()> {
    text.resize(length, 0);
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut text[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    text.truncate(filled);
    Ok(())
}

fn head_before(file: &File, offset: u64, head: &mut Vec<u8>) -> io::Result<()> {
    let length = usize::try_from(offset).map_or(HEAD, |offset| offset.min(HEAD));
    read_at(file, 0, length, head)
}

fn tail_before(file: &File, offset: u64, tail: &mut Vec<u8>) -> io::Result<()> {
    let length = usize::try_from(offset).map_or(TAIL, |offset| offset.min(TAIL));
    read_at(file, offset - length as u64, length, tail)
}

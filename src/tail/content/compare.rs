//! Comparing files with what was read, and with each other.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memchr::memrchr;

use super::{PIECE, open, open_found};
use crate::input::compression::Stream;
use crate::tail::file_info::FileInfo;
use crate::tail::identity::{Comparison, HEAD, ReadPosition, TAIL};

/// Compares a file with what was read of another, and tells whether it ends where that stands.
///
/// # Errors
/// When it cannot be read, or is gone.
pub fn compare(found: &FileInfo, progress: &ReadPosition) -> io::Result<(Comparison, bool)> {
    let mut stream = Stream::detect(open_found(found)?)?;
    let comparison = progress.compare(&mut stream)?;
    let is_all = comparison == Comparison::Continues && matches!(stream.read(&mut [0]), Ok(0));
    Ok((comparison, is_all))
}

/// The uncompressed length of a file.
///
/// # Errors
/// When it cannot be read, or is gone.
pub fn length(found: &FileInfo) -> io::Result<u64> {
    let mut content = Stream::detect(open_found(found)?)?;
    match content.plain() {
        Some(_) => Ok(found.size),
        None => io::copy(&mut content, &mut io::sink()),
    }
}

/// The uncompressed beginning of a file, up to [`HEAD`] bytes: of damaged data what comes before the
/// damage.
///
/// # Errors
/// When it cannot be opened, or is gone.
pub fn head(found: &FileInfo) -> io::Result<Vec<u8>> {
    head_in(open_found(found)?)
}

/// As [`head`], of whatever file is at a path.
///
/// # Errors
/// When it cannot be opened.
pub fn head_of(path: &Path) -> io::Result<Vec<u8>> {
    head_in(open(path)?)
}

fn head_in(file: File) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    let read = Stream::detect(file)?
        .take(HEAD as u64)
        .read_to_end(&mut head);
    tracing::trace!("beginning: {read:?}");
    Ok(head)
}

/// As [`compare`], of whatever file is at a path.
///
/// # Errors
/// When it cannot be read.
pub fn compare_path(path: &Path, progress: &ReadPosition) -> io::Result<Comparison> {
    progress.compare(Stream::detect(open(path)?)?)
}

/// Whether a file, uncompressed, begins as what was read did.
///
/// # Errors
/// When it cannot be opened, or is gone. One that is damaged is taken at its word.
pub fn compare_head(found: &FileInfo, progress: &ReadPosition) -> io::Result<bool> {
    let mut head = Vec::new();
    let stream = Stream::detect(open_found(found)?)?;
    let read = stream
        .take(progress.head.length as u64)
        .read_to_end(&mut head);
    Ok(read.is_err() || progress.head.is_start_of(&head))
}

/// How a file compares with the beginning of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beginning {
    /// As long as it is, it says the same.
    Same,
    /// It says something else, or more.
    Different,
    /// It says nothing yet.
    Empty,
}

/// Compares the file at `copy`, uncompressed and as long as it is, with the beginning of that at
/// `original`.
///
/// # Errors
/// When one of them cannot be read.
pub fn compare_beginning(copy: &FileInfo, original: &Path) -> io::Result<Beginning> {
    compare_streams(
        Stream::detect(open_found(copy)?)?,
        Stream::detect(open(original)?)?,
    )
}

/// As [`compare_beginning`], of whatever files are at the paths.
///
/// # Errors
/// When one of them cannot be read.
pub fn compare_paths(copy: &Path, original: &Path) -> io::Result<Beginning> {
    compare_streams(
        Stream::detect(open(copy)?)?,
        Stream::detect(open(original)?)?,
    )
}

/// How many bytes of whole lines the files at two paths, uncompressed, begin with alike.
///
/// # Errors
/// When one of them cannot be read.
pub fn common_length(one: &Path, other: &Path) -> io::Result<u64> {
    common_end(Stream::detect(open(one)?)?, Stream::detect(open(other)?)?)
}

fn common_end(mut ours: impl Read, mut theirs: impl Read) -> io::Result<u64> {
    let (mut end, mut at) = (0, 0);
    let (mut one, mut two) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let read = fill(&mut ours, &mut one)?.min(fill(&mut theirs, &mut two)?);
        let equal = one[..read].iter().zip(&two[..read]);
        let common = equal.take_while(|(one, two)| one == two).count();
        if let Some(line) = memrchr(b'\n', &one[..common]) {
            end = at + line as u64 + 1;
        }
        at += common as u64;
        if common < PIECE {
            return Ok(end);
        }
    }
}

/// The whole lines that a file, uncompressed, and the one at a path both begin with, as what was read.
///
/// # Errors
/// When one of them cannot be read.
pub fn common_lines(found: &FileInfo, other: &Path) -> io::Result<ReadPosition> {
    let ours = Stream::detect(open_found(found)?)?;
    let end = common_end(ours, Stream::detect(open(other)?)?)?;
    progress_over(found, end)
}

/// The whole lines in the first `size` bytes of a file, as what was read, if these are the beginning of
/// what `progress` says was read.
///
/// # Errors
/// When it cannot be read, or is gone.
pub fn known_beginning(
    found: &FileInfo,
    size: u64,
    progress: &ReadPosition,
) -> io::Result<Option<ReadPosition>> {
    let beginning = || io::Result::Ok(Stream::detect(open_found(found)?)?.take(size));
    if progress.compare(beginning()?)? != Comparison::Shorter {
        return Ok(None);
    }
    progress_over(found, common_end(beginning()?, beginning()?)?).map(Some)
}

/// The first `end` bytes of a file, as what was read.
fn progress_over(found: &FileInfo, end: u64) -> io::Result<ReadPosition> {
    let mut piece = vec![0; PIECE];
    let mut progress = ReadPosition::default();
    let mut stream = Stream::detect(open_found(found)?)?.take(end);
    let (mut head, mut recent) = (Vec::new(), Vec::new());
    loop {
        let read = fill(&mut stream, &mut piece)?;
        if read == 0 {
            return Ok(progress);
        }
        let bytes = &piece[..read];
        head.extend_from_slice(&bytes[..read.min(HEAD - head.len())]);
        recent.extend_from_slice(bytes);
        recent.drain(..recent.len().saturating_sub(TAIL));
        progress.advance(bytes, &head, &recent);
    }
}

/// Reads until the buffer is full or the content ends, be it in the middle of compressed data.
fn fill(content: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match content.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Compares a file with an open one: the same are a copy of its beginning, and a copy of all of it that
/// was written to since.
pub(super) fn compare_open(copy: &FileInfo, original: &File) -> io::Result<Beginning> {
    let beginning = compare_streams(Stream::detect(open_found(copy)?)?, FromStart(original, 0))?;
    let length = original.metadata()?.len();
    if beginning != Beginning::Different || length == 0 {
        return Ok(beginning);
    }
    let mut copy = Stream::detect(open_found(copy)?)?;
    let mut original = FromStart(original, 0).take(length);
    let (mut ours, mut theirs) = (vec![0; PIECE], vec![0; PIECE]);
    loop {
        let read = original.read(&mut theirs)?;
        if read == 0 {
            return Ok(Beginning::Same);
        }
        match copy.read_exact(&mut ours[..read]) {
            Ok(()) if ours[..read] == theirs[..read] => {}
            Ok(()) => return Ok(Beginning::Different),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Beginning::Different);
            }
            Err(error) => return Err(error),
        }
    }
}

fn compare_streams(mut copy: impl Read, mut original: impl Read) -> io::Result<Beginning> {
    let (mut ours, mut theirs) = (vec![0; PIECE], vec![0; PIECE]);
    let mut so_far = Beginning::Empty;
    loop {
        let read = match copy.read(&mut ours) {
            Ok(0) => return Ok(so_far),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(so_far),
            Ok(read) => read,
            Err(error) => return Err(error),
        };
        so_far = Beginning::Same;
        match original.read_exact(&mut theirs[..read]) {
            Ok(()) if ours[..read] == theirs[..read] => {}
            Ok(()) => return Ok(Beginning::Different),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                return Ok(Beginning::Different);
            }
            Err(error) => return Err(error),
        }
    }
}

/// A file read from its start, wherever others read it.
struct FromStart<'a>(&'a File, u64);

impl io::Read for FromStart<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read_at(buffer, self.1)?;
        self.1 += read as u64;
        Ok(read)
    }
}

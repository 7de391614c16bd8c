//! A file that is read as a stream, out of its compressed form.

use std::fs::File;
use std::io::{self, Read as _};

use memchr::{memchr, memrchr};

use super::{Lines, PIECE};
use crate::input::compression::Stream;
use crate::pipeline::frame::{BYTE_ORDER_MARK, KEPT_OF_TOO_LONG, leading_nuls};
use crate::tail::identity::{Comparison, HEAD, ReadPosition, TAIL};

/// A stream of whole lines out of a compressed file.
#[derive(Debug)]
pub(super) struct Compressed {
    /// None at its end: decoders take memory.
    stream: Option<Stream<File>>,
    /// First bytes of the uncompressed content.
    head: Vec<u8>,
    /// Up to [`TAIL`] bytes before the offset.
    recent: Vec<u8>,
    /// What was read behind the offset.
    rest: Vec<u8>,
    /// Of a line over the limit, what is not kept in `rest`.
    passed: Passed,
    /// NUL bytes were passed over: a byte order mark may follow.
    is_after_nuls: bool,
    ending: Ending,
}

#[derive(Debug, Default)]
struct Passed {
    /// All of it so far, what is kept included.
    progress: Option<ReadPosition>,
    length: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    NotYet,
    /// In the middle of a member: more may come.
    Torn,
    Whole,
}

impl Compressed {
    pub fn open(file: File) -> io::Result<Self> {
        Ok(Self {
            stream: Some(Stream::detect(file)?),
            head: Vec::new(),
            recent: Vec::new(),
            rest: Vec::new(),
            passed: Passed::default(),
            is_after_nuls: false,
            ending: Ending::NotYet,
        })
    }

    pub fn is_at_end(&self) -> bool {
        self.ending != Ending::NotYet
    }

    pub fn is_torn(&self) -> bool {
        self.ending == Ending::Torn
    }

    /// As [`super::Content::unfinished`].
    pub fn unfinished(&self, most: usize, text: &mut Vec<u8>) -> u64 {
        text.extend_from_slice(&self.rest[..self.rest.len().min(most)]);
        self.rest.len() as u64 + self.passed.length
    }

    /// Goes to where reading stands; false if something else stands before it.
    pub fn skip(&mut self, progress: &ReadPosition) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else {
            return Ok(true);
        };
        let mut skipped = SkippingReader {
            stream,
            head: &mut self.head,
            recent: &mut self.recent,
        };
        match progress.compare(&mut skipped)? {
            Comparison::Continues => Ok(true),
            // All there is of it was read from the file that it is a copy of, or is still being
            // written.
            Comparison::Shorter => {
                self.ending = Ending::Torn;
                Ok(true)
            }
            Comparison::Different => Ok(false),
        }
    }

    /// As [`super::Content::read_lines`].
    pub fn read_lines(
        &mut self,
        progress: &mut ReadPosition,
        max_line: usize,
        text: &mut Vec<u8>,
    ) -> io::Result<Lines> {
        let mut searched: usize = 0;
        loop {
            if self.passed.length == 0 && self.rest.first() == Some(&0) {
                // No part of the line that follows.
                let nuls = leading_nuls(&self.rest);
                self.pass(progress, nuls);
                searched = searched.saturating_sub(nuls);
                self.is_after_nuls = true;
            }
            if self.is_after_nuls && self.rest.len() >= BYTE_ORDER_MARK.len() {
                self.is_after_nuls = false;
                if self.rest.starts_with(BYTE_ORDER_MARK) {
                    self.pass(progress, BYTE_ORDER_MARK.len());
                    searched = searched.saturating_sub(BYTE_ORDER_MARK.len());
                }
            }
            if let Some(at) = memchr(b'\n', &self.rest[searched..]) {
                let first = searched + at + 1;
                if self.passed.length > 0 || first > max_line + 2 {
                    return Ok(self.take_long(progress, first, text));
                }
                let end = memrchr(b'\n', &self.rest).map_or(first, |at| at + 1);
                text.extend_from_slice(&self.rest[..end]);
                self.pass(progress, end);
                return Ok(Lines::Whole);
            }
            searched = self.rest.len();
            if searched > max_line.max(KEPT_OF_TOO_LONG) + PIECE {
                searched = self.let_go(progress);
            }
            if self.ending != Ending::NotYet || !self.fill()? {
                return Ok(Lines::None);
            }
        }
    }

    /// Reads more; false at the end.
    fn fill(&mut self) -> io::Result<bool> {
        let Some(stream) = &mut self.stream else {
            return Ok(false);
        };
        let start = self.rest.len();
        self.rest.resize(start + PIECE, 0);
        let mut filled = start;
        while filled < self.rest.len() {
            match stream.read(&mut self.rest[filled..]) {
                Ok(0) => self.ending = Ending::Whole,
                Ok(read) => {
                    filled += read;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    self.ending = Ending::Torn;
                }
                Err(error) => {
                    self.rest.truncate(filled);
                    if filled > start {
                        // What came before it is good; the next read says it again.
                        return Ok(true);
                    }
                    return Err(error);
                }
            }
            break;
        }
        if self.ending != Ending::NotYet {
            self.stream = None;
        }
        self.rest.truncate(filled);
        Ok(filled > start)
    }

    /// Goes on over the first `length` bytes of the rest.
    pub fn pass(&mut self, progress: &mut ReadPosition, length: usize) {
        self.remember(length);
        progress.advance(&self.rest[..length], &self.head, &self.recent);
        self.rest.drain(..length);
    }

    fn remember(&mut self, length: usize) {
        let bytes = &self.rest[..length];
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..length.min(room)]);
        self.recent
            .extend_from_slice(&bytes[length.saturating_sub(TAIL)..]);
        let over = self.recent.len().saturating_sub(TAIL);
        self.recent.drain(..over);
    }

    /// A line over the limit: keeps only its beginning. Returns how much of the rest that is.
    fn let_go(&mut self, progress: &ReadPosition) -> usize {
        let kept = KEPT_OF_TOO_LONG;
        if self.passed.length == 0 {
            let mut passed = progress.clone();
            passed.pass(&self.rest[..kept]);
            self.passed.progress = Some(passed);
            self.remember(kept);
        }
        let beginning: Vec<u8> = self.rest.drain(..kept).collect();
        let length = self.rest.len();
        if let Some(passed) = &mut self.passed.progress {
            passed.pass(&self.rest);
        }
        self.remember(length);
        self.passed.length += length as u64;
        self.rest = beginning;
        kept
    }

    /// The end of a line over the limit stands before `end` in the rest.
    fn take_long(&mut self, progress: &mut ReadPosition, end: usize, text: &mut Vec<u8>) -> Lines {
        let kept = KEPT_OF_TOO_LONG.min(end - 1);
        text.extend_from_slice(&self.rest[..kept]);
        let length = self.passed.length + end as u64 - 1;
        if let Some(mut passed) = self.passed.progress.take() {
            passed.pass(&self.rest[kept..end]);
            // The beginning was remembered when the rest was let go.
            self.rest.drain(..kept);
            self.remember(end - kept);
            self.rest.drain(..end - kept);
            passed.known(&self.head, &self.recent);
            *progress = passed;
            self.passed.length = 0;
        } else {
            self.pass(progress, end);
        }
        Lines::TooLong(length)
    }
}

/// What is passed over on the way to where reading stands, with its beginning and its end kept.
struct SkippingReader<'a> {
    stream: &'a mut Stream<File>,
    head: &'a mut Vec<u8>,
    recent: &'a mut Vec<u8>,
}

impl io::Read for SkippingReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let bytes = &buffer[..read];
        let room = HEAD - self.head.len();
        self.head.extend_from_slice(&bytes[..read.min(room)]);
        self.recent
            .extend_from_slice(&bytes[read.saturating_sub(TAIL)..]);
        let over = self.recent.len().saturating_sub(TAIL);
        self.recent.drain(..over);
        Ok(read)
    }
}

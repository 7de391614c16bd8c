//! A file that is read by position: the file itself is the buffer.

use std::fs::File;
use std::io;

use memchr::{memchr, memrchr};

use super::{Lines, PIECE, head_before, read_at, tail_before};
use crate::pipeline::frame::{BYTE_ORDER_MARK, KEPT_OF_TOO_LONG, leading_nuls};
use crate::tail::identity::{HEAD, ReadPosition, TAIL};

#[derive(Debug)]
pub(super) struct Plain {
    pub(super) file: File,
    /// No line ends between the offset and here.
    searched: u64,
}

impl Plain {
    pub fn new(file: File) -> Self {
        Self { file, searched: 0 }
    }

    pub fn size(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }

    /// As [`super::Content::unfinished`].
    pub fn unfinished(
        &self,
        progress: &ReadPosition,
        most: usize,
        text: &mut Vec<u8>,
    ) -> io::Result<u64> {
        let end = self.size()?;
        let start = self.after_nuls(progress.offset(), end)?;
        read_at(&self.file, start, most, text)?;
        Ok(end.saturating_sub(start))
    }

    /// Whether what was read still stands there.
    pub fn is_known(&self, progress: &ReadPosition) -> io::Result<bool> {
        let mut text = Vec::new();
        read_at(&self.file, 0, progress.head.length, &mut text)?;
        if !progress.head.is_start_of(&text) {
            return Ok(false);
        }
        let tail = progress.tail_offset();
        read_at(&self.file, tail, progress.tail.length, &mut text)?;
        Ok(progress.tail.is_start_of(&text) && self.size()? >= progress.offset())
    }

    /// As [`super::Content::read_lines`].
    pub fn read_lines(
        &mut self,
        progress: &mut ReadPosition,
        limit: u64,
        max_line: usize,
        text: &mut Vec<u8>,
    ) -> io::Result<Lines> {
        let offset = progress.offset();
        if self.searched <= offset {
            let length = usize::try_from(limit.saturating_sub(offset)).unwrap_or(PIECE);
            read_at(&self.file, offset, length.min(PIECE), text)?;
            if let Some(at) = memrchr(b'\n', text) {
                text.truncate(at + 1);
                return self.taken(progress, text, Lines::Whole);
            }
            self.searched = offset + text.len() as u64;
        }
        // A long line is looked through once, however slowly it grows.
        let Some(end) = self.search(limit)? else {
            return Ok(if self.is_known(progress)? {
                Lines::None
            } else {
                Lines::Changed
            });
        };
        let start = self.after_nuls(offset, end)?;
        let length = end - 1 - start;
        // One byte more than the limit can be the `\r` of the line's end.
        match usize::try_from(length) {
            Ok(fits) if fits <= max_line + 1 => {
                if start > offset && !self.pass_long(progress, start, text)? {
                    return Ok(Lines::Changed);
                }
                read_at(&self.file, start, fits + 1, text)?;
                self.taken(progress, text, Lines::Whole)
            }
            _ => {
                if !self.pass_long(progress, end, text)? {
                    return Ok(Lines::Changed);
                }
                read_at(&self.file, start, KEPT_OF_TOO_LONG, text)?;
                Ok(Lines::TooLong(length))
            }
        }
    }

    /// Where the first byte from there on stands that is not NUL, nor a byte order mark behind such, or
    /// `end`. NUL bytes are passed over with the line behind them, no sooner: they may be room that is
    /// still to be written to.
    fn after_nuls(&self, from: u64, end: u64) -> io::Result<u64> {
        let mut start = from;
        let mut chunk = Vec::new();
        while start < end {
            let length = usize::try_from(end - start).unwrap_or(PIECE);
            read_at(&self.file, start, length.min(PIECE), &mut chunk)?;
            let nuls = leading_nuls(&chunk);
            start += nuls as u64;
            if nuls < chunk.len() || chunk.is_empty() {
                break;
            }
        }
        if start > from {
            read_at(&self.file, start, BYTE_ORDER_MARK.len(), &mut chunk)?;
            if chunk == BYTE_ORDER_MARK {
                start += chunk.len() as u64;
            }
        }
        Ok(start.min(end))
    }

    /// Goes on over an unfinished line that was taken whole, and what NUL bytes stand before it.
    pub fn take_unfinished(
        &mut self,
        progress: &mut ReadPosition,
        text: &[u8],
    ) -> io::Result<bool> {
        let start = self.after_nuls(progress.offset(), self.size()?)?;
        let is_there =
            start == progress.offset() || self.pass_long(progress, start, &mut Vec::new())?;
        Ok(is_there && self.pass(progress, text)?)
    }

    /// Looks for the end of the first line that is not whole yet.
    fn search(&mut self, limit: u64) -> io::Result<Option<u64>> {
        let mut chunk = Vec::new();
        while self.searched < limit {
            let length = usize::try_from(limit - self.searched).unwrap_or(PIECE);
            read_at(&self.file, self.searched, length.min(PIECE), &mut chunk)?;
            if chunk.is_empty() {
                break;
            }
            if let Some(at) = memchr(b'\n', &chunk) {
                return Ok(Some(self.searched + at as u64 + 1));
            }
            self.searched += chunk.len() as u64;
        }
        Ok(None)
    }

    fn taken(
        &mut self,
        progress: &mut ReadPosition,
        text: &[u8],
        lines: Lines,
    ) -> io::Result<Lines> {
        Ok(if self.pass(progress, text)? {
            lines
        } else {
            Lines::Changed
        })
    }

    /// Goes on over `text`, if it is still true that it stands behind what was read before: a file
    /// that is truncated and written anew meanwhile gives bytes of two contents.
    pub fn pass(&mut self, progress: &mut ReadPosition, text: &[u8]) -> io::Result<bool> {
        let known = self.is_known(progress)?;
        let offset = progress.offset();
        let end = offset + text.len() as u64;
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        head_before(&self.file, end, &mut head)?;
        tail_before(&self.file, end, &mut tail)?;
        let in_head = usize::try_from(offset).map_or(HEAD, |offset| offset.min(head.len()));
        let same_head = text.starts_with(&head[in_head..]);
        let same_tail = if text.len() >= TAIL {
            text.ends_with(&tail)
        } else {
            tail.ends_with(text)
        };
        let enough = self.size()? >= end;
        if !(known && same_head && same_tail && enough) {
            return Ok(false);
        }
        progress.advance(text, &head, &tail);
        self.searched = end;
        Ok(true)
    }

    /// Goes on over what is too long to be held, up to `end`.
    fn pass_long(
        &mut self,
        progress: &mut ReadPosition,
        end: u64,
        chunk: &mut Vec<u8>,
    ) -> io::Result<bool> {
        let mut passed = progress.clone();
        while passed.offset() < end {
            let length = usize::try_from(end - passed.offset()).unwrap_or(PIECE);
            read_at(&self.file, passed.offset(), length.min(PIECE), chunk)?;
            if chunk.is_empty() {
                return Ok(false);
            }
            passed.pass(chunk);
        }
        let (mut head, mut tail) = (Vec::new(), Vec::new());
        head_before(&self.file, end, &mut head)?;
        tail_before(&self.file, end, &mut tail)?;
        passed.known(&head, &tail);
        if !self.is_known(progress)? {
            return Ok(false);
        }
        *progress = passed;
        self.searched = end;
        Ok(true)
    }
}

//! Bytes into frames: runs of lines, and the records of API pages and JSON arrays (docs/mapping.md 1).
//!
//! A [`Framer`] does no I/O. It is shown a buffer that begins with the first byte it has not yet
//! consumed, says what is in it and how much it has consumed, and is shown the rest again with more
//! behind it. What it finds depends on the bytes and the limit alone, not on the pieces they came in.

mod discard;
mod document;
mod line_numbers;
mod lines;
mod nuls;
mod page;
mod record;
mod scan;
mod skip;
mod start;

use std::ops::Range;

use discard::Discarded;
pub use discard::Problem;
pub(crate) use line_numbers::LineNumbers;
use memchr::memrchr;
pub(crate) use nuls::{leading_hole, leading_nuls, parted_by_holes};
use record::RecordLines;
pub(crate) use record::next_object;
use scan::Scanner;
use start::Start;

/// How much of a line or record over the limit is kept for its `event.original` (docs/mapping.md 10).
pub(crate) const KEPT_OF_TOO_LONG: usize = 64 << 10;
/// How much of the beginning of a page is kept, to show where nothing else of it is left to show.
const KEPT_OF_OPENING: usize = 1 << 10;
/// How many bytes may be looked at in vain in any stream, and for each of its bytes.
const FREE_LOOKS: u64 = 1 << 20;
const LOOKS_PER_BYTE: u64 = 8;
/// What some programs begin a file with, and is no part of its first record.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A text without the [`BYTE_ORDER_MARK`] that it may begin with.
#[must_use]
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// A part of the input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Whole lines, with their ends (the last one perhaps without).
    Lines {
        /// Where they stand in the buffer.
        range: Range<usize>,
        /// Offset in the stream of the line that the first of them is, or is the rest of.
        line_offset: u64,
    },
    /// One record of a page or an array.
    Record {
        /// Where it stands in the buffer.
        range: Range<usize>,
        /// Offset in the stream of the line that it begins in.
        line_offset: u64,
    },
    /// What cannot be taken apart; one `pipeline_error` event.
    Unreadable {
        /// Its text, or the first `KEPT_OF_TOO_LONG` bytes.
        text: Vec<u8>,
        /// Offset in the stream of the line that it begins in.
        line_offset: u64,
        /// Why the frame is unreadable.
        problem: Problem,
    },
}

/// Takes a stream of bytes apart; see the module.
#[derive(Debug)]
pub struct Framer {
    limit: usize,
    mode: Mode,
    /// Offset in the stream of the first byte not yet consumed.
    offset: u64,
    /// Offset in the stream of the line that the first byte not yet consumed is in.
    line_offset: u64,
    /// How many bytes behind `offset` have been looked at.
    scanned: usize,
    /// The last byte consumed that is not white space.
    last: u8,
    /// Before this offset of the stream, what follows is lines: it was looked at as a document.
    lines_until: u64,
    /// How many bytes were looked at as documents that turned out to be none.
    in_vain: u64,
}

#[derive(Debug)]
enum Mode {
    /// At the start of the input or after a document: another document may begin.
    Start(Start),
    /// In an object that is no page, and may be a record over several lines.
    Record(RecordLines),
    /// Between or in lines; of one that is not whole yet it is asked whether it is a page.
    Lines(Asked),
    /// Inside a page or array.
    Document(OpenDocument),
    /// Passing over what cannot be used, to the end of its line.
    Discard(Discarded),
}

/// A page or an array that is not at its end.
#[derive(Debug)]
struct OpenDocument {
    pub scanner: Scanner,
    /// First bytes of the document.
    opening: Vec<u8>,
    pub record: InRecord,
    /// How far the last record is indented, if it began its line.
    pub indentation: Option<usize>,
}

/// Where a document is followed.
#[derive(Debug, Default)]
enum InRecord {
    /// Between the records.
    #[default]
    No,
    /// In a record that is all in the buffer yet.
    Yes,
    /// In a record over the limit, or far behind one: the beginning was consumed.
    TooLong(Discarded),
}

impl InRecord {
    /// Whether so much of it is held until it is known what it becomes.
    fn is_held(&self, length: usize, limit: usize) -> bool {
        match self {
            Self::No => length <= KEPT_OF_TOO_LONG,
            Self::Yes => length <= limit,
            Self::TooLong(_) => false,
        }
    }
}

/// What is wrong with an object whose input is at its end, or another document.
const NOT_FINISHED: &str = "an object that is not closed";

/// What is wrong with a document whose line, or input, is at its end.
const NOT_CLOSED: &str = "a page or array that is not closed";

#[derive(Debug)]
enum Asked {
    NotYet,
    Undecided(Scanner),
    NoDocument,
}

/// At the start of a line.
const LINES: Mode = Mode::Lines(Asked::NotYet);

/// Where another document may begin, over several lines, too.
fn documents() -> Mode {
    Mode::Start(Start::new(true))
}

/// Whether a step of the framer got on.
enum Step {
    /// So many bytes consumed (perhaps none, but the mode is another).
    On(usize),
    /// More input is needed.
    Wait,
}

impl Framer {
    /// Offset of the line that the next frame may begin in, though it is consumed.
    #[must_use]
    pub fn open_line(&self) -> u64 {
        match &self.mode {
            Mode::Discard(discarded) => discarded.line_offset,
            Mode::Start(_) | Mode::Record(_) | Mode::Lines(_) | Mode::Document(_) => {
                self.line_offset
            }
        }
    }

    /// A framer for the start of a stream, for records of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::at(limit, 0, documents())
    }

    /// A framer for one line or the rest of one, without its end, that may be a page or an array, or
    /// for a record over several lines. It stands at `offset` in its stream, its line began at
    /// `line_offset`.
    #[must_use]
    pub fn of_line(limit: usize, offset: u64, line_offset: u64, multi_line: bool) -> Self {
        Self {
            line_offset,
            ..Self::at(limit, offset, Mode::Start(Start::new(multi_line)))
        }
    }

    fn at(limit: usize, offset: u64, mode: Mode) -> Self {
        Self {
            limit,
            mode,
            offset,
            line_offset: offset,
            scanned: 0,
            last: 0,
            lines_until: 0,
            in_vain: 0,
        }
    }

    /// How far a document over several lines is looked for: what comes before its records must fit
    /// into the buffer.
    fn look_ahead(&self) -> usize {
        self.limit.max(KEPT_OF_TOO_LONG)
    }

    /// Whether the line that is at hand may be looked at as a document over several lines.
    fn may_look_ahead(&self) -> bool {
        self.may_look_ahead_at(self.line_offset)
    }

    /// Whether a line at that offset may be: what is looked at in vain is in proportion to the stream,
    /// so that hostile input takes no more than linear time.
    fn may_look_ahead_at(&self, offset: u64) -> bool {
        self.in_vain <= FREE_LOOKS + LOOKS_PER_BYTE * offset
    }

    /// The text at hand was looked at for so many bytes, and is no document: its first line is a line.
    fn look_in_vain(&mut self, length: usize) -> Mode {
        self.in_vain += length as u64;
        self.lines_until = self.offset + 1;
        LINES
    }

    /// Offset in the stream of the first byte not yet consumed.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Appends the frames in `text`, which begins at [`Self::offset`] and, if `end`, is all there
    /// is; returns how many bytes of it are consumed.
    pub fn frame(&mut self, text: &[u8], end: bool, frames: &mut Vec<Frame>) -> usize {
        let mut at = 0;
        loop {
            let rest = &text[at..];
            if rest.is_empty() && !end {
                return at;
            }
            if self.is_at_line_start() {
                let before = leading_hole(rest);
                if before > 0 {
                    at += self.pass(before, rest);
                    continue;
                }
                if !rest.is_empty() && BYTE_ORDER_MARK.starts_with(rest) && !end {
                    return at;
                }
            }
            let step = match std::mem::replace(&mut self.mode, LINES) {
                Mode::Start(start) => self.start(start, rest, end),
                Mode::Record(record) => self.record(record, rest, end, at, frames),
                Mode::Lines(asked) => self.lines(asked, rest, end, at, frames),
                Mode::Document(document) => self.document(document, rest, end, at, frames),
                Mode::Discard(discarded) => self.discard(discarded, rest, end, frames),
            };
            match step {
                Step::On(consumed) => at += consumed,
                Step::Wait => return at,
            }
        }
    }

    /// Whether no byte of a line has been looked at yet, or of what follows a document.
    fn is_at_line_start(&self) -> bool {
        match &self.mode {
            Mode::Start(_) => true,
            Mode::Lines(Asked::NotYet) => self.line_offset == self.offset,
            Mode::Record(_) | Mode::Lines(_) | Mode::Document(_) | Mode::Discard(_) => false,
        }
    }

    /// Consumes what stands before a line and is no part of it.
    fn pass(&mut self, length: usize, text: &[u8]) -> usize {
        self.consume(&text[..length]);
        self.line_offset = self.offset;
        length
    }

    /// Consumes bytes, none of which the next scan has seen.
    fn consume(&mut self, bytes: &[u8]) -> Step {
        if let Some(at) = memrchr(b'\n', bytes) {
            self.line_offset = self.offset + at as u64 + 1;
        }
        if let Some(last) = bytes.trim_ascii_end().last() {
            self.last = *last;
        }
        self.offset += bytes.len() as u64;
        self.scanned = self.scanned.saturating_sub(bytes.len());
        Step::On(bytes.len())
    }

    fn begin_discarding(&self) -> Discarded {
        Discarded::begin(self.offset, self.line_offset)
    }
}

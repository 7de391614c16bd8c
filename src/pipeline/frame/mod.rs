//! Bytes into frames: runs of lines, and the records of API pages and JSON arrays (docs/mapping.md 1).
//!
//! A [`Framer`] does no I/O. It is shown a buffer that begins with the first byte it has not yet
//! consumed, says what is in it and how much it has consumed, and is shown the rest again with more
//! behind it. What it finds depends on the bytes and the limit alone, not on the pieces they came in.

mod discard;
mod line_numbers;
mod nuls;
mod record;
mod scan;
mod start;

use std::ops::Range;

use discard::Discarded;
pub use discard::Problem;
pub(crate) use line_numbers::LineNumbers;
use memchr::memrchr;
pub(crate) use nuls::{leading_hole, leading_nuls, parted_by_holes};
use record::RecordLines;
use scan::{Found, NOT_CLOSED, Scanner};
use start::Start;

/// How much of a line or record over the limit is kept for its `event.original` (docs/mapping.md 10).
pub(crate) const KEPT_OF_TOO_LONG: usize = 64 << 10;
/// How much of the beginning of a page is kept, to show where nothing else of it is left to show.
const KEPT_OF_OPENING: usize = 1 << 10;
/// What some programs begin a file with, and is no part of its first record.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A text without the [`BYTE_ORDER_MARK`] that it may begin with.
#[must_use]
pub(crate) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// A part of the input.
#[derive(Debug, PartialEq, Eq)]
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
    /// NUL bytes were passed over, before which no line stood: a byte order mark may follow.
    is_after_nuls: bool,
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

#[derive(Debug)]
enum Asked {
    NotYet,
    Undecided(Scanner),
    NoDocument,
}

#[derive(Debug)]
struct OpenDocument {
    scanner: Scanner,
    /// First bytes of the document.
    opening: Vec<u8>,
    record: InRecord,
}

#[derive(Debug, Default)]
enum InRecord {
    /// Between the records.
    #[default]
    No,
    /// In a record that is all in the buffer yet.
    Yes,
    /// In a record over the limit, whose beginning was consumed.
    TooLong(Discarded),
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
    /// A framer for the start of a stream, for records of at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self::at(limit, 0, documents())
    }

    /// A framer for one line or the rest of one, without its end, that may be a page or an array.
    /// It stands at `offset` in its stream, its line began at `line_offset`.
    #[must_use]
    pub fn of_line(limit: usize, offset: u64, line_offset: u64) -> Self {
        Self {
            line_offset,
            ..Self::at(limit, offset, Mode::Start(Start::new(false)))
        }
    }

    fn at(limit: usize, offset: u64, mode: Mode) -> Self {
        Self {
            limit,
            mode,
            offset,
            line_offset: offset,
            scanned: 0,
            is_after_nuls: false,
        }
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
            if rest.first() == Some(&0) && self.is_at_line_start() {
                at += self.pass(leading_nuls(rest), rest);
                self.is_after_nuls = true;
                continue;
            }
            if std::mem::take(&mut self.is_after_nuls) {
                if rest.starts_with(BYTE_ORDER_MARK) {
                    at += self.pass(BYTE_ORDER_MARK.len(), rest);
                    continue;
                }
                if BYTE_ORDER_MARK.starts_with(rest) && !end {
                    self.is_after_nuls = true;
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
        self.offset += bytes.len() as u64;
        self.scanned = self.scanned.saturating_sub(bytes.len());
        Step::On(bytes.len())
    }

    /// Into a document, whose array begins behind `text`.
    fn enter(&mut self, scanner: Scanner, opening: &[u8], text: &[u8]) -> Step {
        let opening = opening.trim_ascii_start();
        self.mode = Mode::Document(OpenDocument {
            scanner,
            opening: opening[..opening.len().min(KEPT_OF_OPENING)].to_vec(),
            record: InRecord::No,
        });
        let step = self.consume(text);
        self.scanned = 0;
        step
    }

    fn lines(
        &mut self,
        asked: Asked,
        text: &[u8],
        end: bool,
        base: usize,
        frames: &mut Vec<Frame>,
    ) -> Step {
        let seen = self.scanned.min(text.len());
        let whole = match memrchr(b'\n', &text[seen..]) {
            _ if end => text.len(),
            Some(at) => seen + at + 1,
            None => 0,
        };
        if whole > 0 {
            frames.push(Frame::Lines {
                range: base..base + whole,
                line_offset: self.line_offset,
            });
            self.scanned = 0;
            return self.consume(&text[..whole]);
        }
        // One byte more than the limit can be the `\r` of the line's end.
        if text.len() > self.limit + 1 {
            self.scanned = 0;
            self.mode = Mode::Discard(Discarded {
                scanner: Some(Scanner::new(false)),
                ..self.begin_discarding()
            });
            return Step::On(0);
        }
        let (mut scanner, from) = match asked {
            Asked::NotYet => (Scanner::new(false), 0),
            Asked::Undecided(scanner) => (scanner, seen),
            Asked::NoDocument => {
                self.scanned = text.len();
                self.mode = Mode::Lines(asked);
                return Step::Wait;
            }
        };
        let (stop, found) = scanner.scan(text, from);
        self.scanned = text.len();
        self.mode = Mode::Lines(match found {
            Found::Begins => return self.enter(scanner, &text[..stop], &text[..stop]),
            Found::More => Asked::Undecided(scanner),
            _ => Asked::NoDocument,
        });
        Step::Wait
    }

    fn document(
        &mut self,
        mut document: OpenDocument,
        text: &[u8],
        end: bool,
        base: usize,
        frames: &mut Vec<Frame>,
    ) -> Step {
        let (stop, found) = document.scanner.scan(text, self.scanned.min(text.len()));
        self.scanned = stop;
        match found {
            Found::RecordStart => {
                document.record = InRecord::Yes;
                self.mode = Mode::Document(document);
                self.consume(&text[..stop])
            }
            Found::RecordEnd => {
                let too_long = match std::mem::take(&mut document.record) {
                    InRecord::TooLong(discarded) => Some(discarded),
                    InRecord::No | InRecord::Yes if stop > self.limit => {
                        Some(self.begin_discarding())
                    }
                    InRecord::No | InRecord::Yes => None,
                };
                frames.push(match too_long {
                    Some(discarded) => discarded
                        .with(&text[..stop])
                        .into_frame("record", self.limit),
                    None => Frame::Record {
                        range: base..base + stop,
                        line_offset: self.line_offset,
                    },
                });
                self.mode = Mode::Document(document);
                self.consume(&text[..stop])
            }
            Found::DocumentEnd => {
                // What follows on the line may be another; on other lines only if this one could, too.
                self.mode = Mode::Start(Start::new(document.scanner.multi_line));
                let step = self.consume(&text[..stop]);
                self.scanned = 0;
                step
            }
            Found::More if !end => self.wait_in_document(document, text),
            Found::More => self.broken(document, text, stop, NOT_CLOSED, frames),
            Found::Broken(problem) => self.broken(document, text, stop, problem, frames),
            // Another array of records in the same page, or the first in a page of an array.
            Found::Begins => {
                document.record = InRecord::No;
                self.mode = Mode::Document(document);
                self.consume(&text[..stop])
            }
            Found::NoDocument => {
                self.broken(document, text, stop, "unexpected text in a page", frames)
            }
        }
    }

    fn begin_discarding(&self) -> Discarded {
        Discarded::begin(self.offset, self.line_offset)
    }

    /// All of `text` is scanned: keeps what may become a record, within the limit.
    fn wait_in_document(&mut self, mut document: OpenDocument, text: &[u8]) -> Step {
        let keep = match document.record {
            InRecord::No => text.len() <= KEPT_OF_TOO_LONG,
            InRecord::Yes => text.len() <= self.limit,
            InRecord::TooLong(_) => false,
        };
        if keep {
            self.mode = Mode::Document(document);
            return Step::Wait;
        }
        // The indentation of a line is not parted from the line: see `broken`.
        let indentation = text.len() - text.trim_ascii_end().len();
        let consumed = match memrchr(b'\n', &text[text.len() - indentation..]) {
            _ if indentation > KEPT_OF_TOO_LONG => text.len(),
            Some(at) => text.len() - indentation + at + 1,
            None if indentation == text.len() && self.line_offset == self.offset => 0,
            None => text.len(),
        };
        if consumed == 0 {
            self.mode = Mode::Document(document);
            return Step::Wait;
        }
        document.record = match document.record {
            InRecord::No => InRecord::No,
            InRecord::Yes => InRecord::TooLong(self.begin_discarding().with(&text[..consumed])),
            InRecord::TooLong(discarded) => InRecord::TooLong(discarded.with(&text[..consumed])),
        };
        self.mode = Mode::Document(document);
        self.consume(&text[..consumed]);
        Step::On(consumed)
    }

    /// The document cannot be followed beyond `stop`: what is left of it is one frame. Lines that
    /// follow are lines again; if the text at `stop` begins a line, this line is one of them.
    fn broken(
        &mut self,
        mut document: OpenDocument,
        text: &[u8],
        stop: usize,
        problem: &'static str,
        frames: &mut Vec<Frame>,
    ) -> Step {
        let mut discarded = match std::mem::take(&mut document.record) {
            InRecord::TooLong(discarded) => discarded,
            // Within the limit so far: all of it is kept, as of any other line.
            InRecord::No | InRecord::Yes if stop <= self.limit => Discarded {
                room: self.limit.max(KEPT_OF_TOO_LONG),
                ..self.begin_discarding()
            },
            InRecord::No | InRecord::Yes => self.begin_discarding(),
        };
        let before = text[..stop].last().copied().unwrap_or(discarded.last);
        // A line ends before the `\r` of its end.
        let at_line_end = before == b'\r' && text.get(stop) == Some(&b'\n');
        let position = self.offset + stop as u64 - u64::from(at_line_end);
        discarded.broken = Some((problem, position));
        discarded.opening = std::mem::take(&mut document.opening);
        self.scanned = 0;
        let line_start = memrchr(b'\n', &text[..stop]).map_or(0, |at| at + 1);
        let line_is_whole = line_start > 0 || self.line_offset == self.offset;
        if line_is_whole && text[line_start..stop].trim_ascii().is_empty() && stop < text.len() {
            let discarded = discarded.with(&text[..line_start]);
            frames.push(discarded.into_frame("record", self.limit));
            self.mode = LINES;
            return self.consume(&text[..line_start]);
        }
        self.mode = Mode::Discard(discarded.with(&text[..stop]));
        let step = self.consume(&text[..stop]);
        self.scanned = 0;
        step
    }
}

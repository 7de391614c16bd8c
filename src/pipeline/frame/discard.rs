//! Text that cannot be used: what is kept of it, and why.

use memchr::memchr;

use super::page::{Opening, find_page};
use super::scan::{Found, Scanner};
use super::skip::is_before_document;
use super::{Frame, Framer, KEPT_OF_TOO_LONG, LINES, Mode, OpenDocument, Step, documents};

/// Why a frame is [`Frame::Unreadable`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A line or a record longer than the limit.
    #[error(
        "{what} of {length} bytes at byte {position} of the input is longer than the limit of \
         {limit} (--max-line-bytes){}", cut((*kept as u64) < *length, *kept)
    )]
    TooLong {
        /// "line" or "record".
        what: &'static str,
        /// Its length in bytes.
        length: u64,
        /// Its offset in the stream.
        position: u64,
        /// The limit in bytes.
        limit: usize,
        /// How many bytes of it are kept.
        kept: usize,
    },
    /// A line whose file went away before the line's end was written.
    #[error(
        "line of {length} bytes at byte {position} of the input was not finished when its file went \
         away{}", cut((*kept as u64) < *length, *kept)
    )]
    Unfinished {
        /// Its length in bytes.
        length: u64,
        /// Its offset in the stream.
        position: u64,
        /// How many bytes of it are kept.
        kept: usize,
    },
    /// A page or array that ends too early or cannot be followed.
    #[error("{problem} at byte {position} of the input{}", cut(kept.is_some(), kept.unwrap_or_default()))]
    Broken {
        /// What is wrong.
        problem: &'static str,
        /// Offset in the stream where it begins.
        start: u64,
        /// Offset in the stream where it went wrong.
        position: u64,
        /// How many bytes of the rest are kept, if not all are.
        kept: Option<usize>,
    },
}

impl Problem {
    /// A "line" or "record" of that length at that offset, which is over the limit.
    #[must_use]
    pub fn too_long(what: &'static str, length: u64, position: u64, limit: usize) -> Self {
        let kept =
            usize::try_from(length).map_or(KEPT_OF_TOO_LONG, |length| length.min(KEPT_OF_TOO_LONG));
        Self::TooLong {
            what,
            length,
            position,
            limit,
            kept,
        }
    }
}

impl Problem {
    /// Offset in the stream where the text begins that it is about.
    #[must_use]
    pub fn start(&self) -> u64 {
        match self {
            Self::TooLong { position, .. } | Self::Unfinished { position, .. } => *position,
            Self::Broken { start, .. } => *start,
        }
    }
}

fn cut(is_cut: bool, kept: usize) -> String {
    if is_cut {
        format!("; its first {kept} bytes are kept")
    } else {
        String::new()
    }
}

/// Text on its way to being a frame that is [`Frame::Unreadable`].
#[derive(Debug)]
pub(super) struct Discarded {
    /// First bytes of what is discarded.
    pub head: Vec<u8>,
    /// How much of it is kept.
    pub room: usize,
    pub length: u64,
    pub last: u8,
    pub position: u64,
    pub line_offset: u64,
    /// What went wrong, and where, if it is not just too long.
    pub broken: Option<(&'static str, u64)>,
    /// How the document begins that is broken.
    pub opening: Vec<u8>,
    /// A line over the limit may be a page: then its records are what counts.
    pub scanner: Option<Scanner>,
    /// Its end is not that of its line: it goes on to the next line that begins a document.
    pub until_document: bool,
    /// Its document is on one line so far, and goes on if the end of the line opens more.
    pub may_go_on: bool,
    /// The document that it is a record of: it goes on with its next record.
    pub document: Option<Box<OpenDocument>>,
}

impl Discarded {
    /// What begins at an offset of the stream, in the line that begins at another.
    pub fn begin(position: u64, line_offset: u64) -> Self {
        Self {
            head: Vec::new(),
            room: KEPT_OF_TOO_LONG,
            length: 0,
            last: 0,
            position,
            line_offset,
            broken: None,
            opening: Vec::new(),
            scanner: None,
            until_document: false,
            may_go_on: false,
            document: None,
        }
    }

    /// It, longer by those bytes.
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let room = self.room.saturating_sub(self.head.len());
        self.head.extend_from_slice(&bytes[..room.min(bytes.len())]);
        self.length += bytes.len() as u64;
        self.last = bytes.last().copied().unwrap_or(self.last);
        self
    }

    /// Takes away the `\r` before the line end.
    pub fn without_carriage_return(self) -> Self {
        self.without_last(b'\r')
    }

    /// Takes away that byte at the end.
    fn without_last(mut self, byte: u8) -> Self {
        if self.last == byte {
            if self.head.len() as u64 == self.length {
                self.head.pop();
            }
            self.length -= 1;
        }
        self
    }

    /// The frame of it, a "line" or a "record".
    pub fn into_frame(mut self, what: &'static str, limit: usize) -> Frame {
        if self.broken.is_some() && self.head.len() as u64 == self.length {
            // Line ends between the records of a document are not a part of what is broken.
            self.head.truncate(self.head.trim_ascii_end().len());
            self.length = self.head.len() as u64;
            if self.head.is_empty() {
                // Broken between its records: then it shows by its beginning which one it was.
                self.head = std::mem::take(&mut self.opening);
                self.length = self.head.len() as u64;
            }
        }
        let problem = match self.broken {
            None => Problem::too_long(what, self.length, self.position, limit),
            Some((problem, position)) => Problem::Broken {
                problem,
                start: self.position,
                position,
                kept: ((self.head.len() as u64) < self.length).then_some(self.head.len()),
            },
        };
        Frame::Unreadable {
            text: self.head,
            line_offset: self.line_offset,
            problem,
        }
    }
}

impl Framer {
    pub(super) fn discard(
        &mut self,
        mut discarded: Discarded,
        text: &[u8],
        end: bool,
        frames: &mut Vec<Frame>,
    ) -> Step {
        if discarded.until_document {
            return self.discard_lines(discarded, text, end, frames);
        }
        let line_end = memchr(b'\n', text);
        let mut line = line_end.map_or(text, |at| &text[..at]);
        match page_behind(&discarded, line, end || line_end.is_some()) {
            Opening::At(page) => return self.begin_page(discarded, &text[..page], frames),
            Opening::Perhaps(0) => {
                self.mode = Mode::Discard(discarded);
                return Step::Wait;
            }
            Opening::Perhaps(page) => line = &text[..page],
            Opening::No => {}
        }
        if let Some(mut scanner) = discarded.scanner.take() {
            let (stop, found) = scanner.scan(line, 0);
            match found {
                Found::Begins => {
                    let before = discarded.with(&text[..stop]);
                    return self.enter(scanner, &before.head, &text[..stop]);
                }
                Found::More => discarded.scanner = Some(scanner),
                _ => {}
            }
        }
        let mut discarded = discarded.with(line);
        if line_end.is_some() && discarded.may_go_on && self.is_opening_line(text, line.len()) {
            discarded.until_document = true;
            self.mode = Mode::Discard(discarded.with(b"\n"));
            let step = self.consume(&text[..=line.len()]);
            self.scanned = 0;
            return step;
        }
        let Some(at) = line_end else {
            self.consume(line);
            self.scanned = 0;
            if end {
                frames.push(discarded.into_frame("line", self.limit));
            } else {
                self.mode = Mode::Discard(discarded);
            }
            return Step::On(line.len());
        };
        let discarded = discarded.without_carriage_return();
        frames.push(discarded.into_frame("line", self.limit));
        let step = self.consume(&text[..=at]);
        self.scanned = 0;
        step
    }

    /// Passes over what is broken or too long, to the next line that begins a document, or ends or
    /// begins a record of the same document.
    fn discard_lines(
        &mut self,
        mut discarded: Discarded,
        text: &[u8],
        end: bool,
        frames: &mut Vec<Frame>,
    ) -> Step {
        let next = if text.is_empty() {
            Next::End
        } else if self.line_offset == self.offset {
            next_at(text, discarded.document.as_deref(), end)
        } else {
            Next::Nothing
        };
        let (record_end, is_at_record) = match next {
            Next::Undecided => {
                self.mode = Mode::Discard(discarded);
                return Step::Wait;
            }
            Next::Nothing => {
                let mut line = memchr(b'\n', text).map_or(text, |at| &text[..=at]);
                match page_behind(&discarded, line, end) {
                    Opening::At(page) => return self.begin_page(discarded, &text[..page], frames),
                    Opening::Perhaps(0) => {
                        self.mode = Mode::Discard(discarded);
                        return Step::Wait;
                    }
                    Opening::Perhaps(page) => line = &text[..page],
                    Opening::No => {}
                }
                self.mode = Mode::Discard(discarded.with(line));
                let step = self.consume(line);
                self.scanned = 0;
                return step;
            }
            Next::End | Next::Document | Next::Record => (0, true),
            Next::RecordEnd(at) => (at, false),
        };
        let document = discarded.document.take();
        let discarded = discarded.with(&text[..record_end]);
        let discarded = if is_at_record {
            discarded.without_last(b'\n').without_carriage_return()
        } else {
            discarded
        };
        frames.push(discarded.into_frame("record", self.limit));
        self.mode = match document {
            Some(mut document) if matches!(next, Next::Record | Next::RecordEnd(_)) => {
                document.scanner.resume(is_at_record);
                Mode::Document(*document)
            }
            _ if matches!(next, Next::Document) && self.may_look_ahead() => documents(),
            _ => LINES,
        };
        let step = self.consume(&text[..record_end]);
        self.scanned = 0;
        step
    }
}

/// Whether a page begins on a line behind what is broken.
fn page_behind(discarded: &Discarded, line: &[u8], is_all: bool) -> Opening {
    if discarded.broken.is_none() {
        return Opening::No;
    }
    match find_page(line) {
        Opening::Perhaps(_) if is_all => Opening::No,
        opening => opening,
    }
}

/// What a line begins with, behind what is broken.
#[derive(Clone, Copy)]
enum Next {
    /// There is no more.
    End,
    /// More of the line is needed.
    Undecided,
    Nothing,
    Document,
    Record,
    /// A record has ended just before there.
    RecordEnd(usize),
}

fn next_at(line: &[u8], document: Option<&OpenDocument>, end: bool) -> Next {
    match line[0] {
        b'{' | b'[' => return Next::Document,
        byte if is_before_document(byte) => return Next::Document,
        _ => {}
    }
    let Some(indentation) = document.and_then(|document| document.indentation) else {
        return Next::Nothing;
    };
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t');
    let blank = line
        .iter()
        .take(indentation + 1)
        .take_while(is_blank)
        .count();
    match line.get(indentation) {
        _ if blank == line.len() && blank <= indentation && !end => Next::Undecided,
        Some(b'{') if blank == indentation => Next::Record,
        Some(b'}') if blank == indentation => Next::RecordEnd(indentation + 1),
        _ => Next::Nothing,
    }
}

//! Inside a page or an array of records.

use memchr::memrchr;

use super::discard::Discarded;
use super::lines::opens_more;
use super::scan::{Found, Scanner};
use super::start::Start;
use super::{
    Frame, Framer, InRecord, KEPT_OF_OPENING, KEPT_OF_TOO_LONG, Mode, NOT_CLOSED, OpenDocument,
    Step,
};

impl Framer {
    /// Into a document, whose array begins behind `text`.
    pub(super) fn enter(&mut self, mut scanner: Scanner, opening: &[u8], text: &[u8]) -> Step {
        scanner.may_go_on &= self.may_look_ahead();
        let opening = opening.trim_ascii_start();
        self.mode = Mode::Document(OpenDocument {
            scanner,
            opening: opening[..opening.len().min(KEPT_OF_OPENING)].to_vec(),
            record: InRecord::No,
            indentation: self.indentation(text, text.len()),
        });
        let step = self.consume(text);
        self.scanned = 0;
        step
    }

    /// Whether a document on one line so far is at the end of a line that opens more.
    fn goes_on(&self, scanner: &Scanner, text: &[u8], stop: usize) -> bool {
        !scanner.multi_line
            && scanner.may_go_on
            && text.get(stop) == Some(&b'\n')
            && self.is_opening_line(text, stop)
    }

    /// Whether the line that ends at a place in the text opens more than it closes, as
    /// `find_opening` sees it of a whole line.
    pub(super) fn is_opening_line(&self, text: &[u8], line_end: usize) -> bool {
        let last = text[..line_end].trim_ascii_end().last();
        self.offset + line_end as u64 - self.line_offset <= self.limit as u64
            && opens_more(last.copied().unwrap_or(self.last))
    }

    pub(super) fn document(
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
                // That of the first record of an array was seen when it was entered.
                if stop > 0 || self.line_offset == self.offset {
                    document.indentation = self.indentation(text, stop);
                }
                document.scanner.is_indented |= document.indentation > Some(0);
                self.mode = Mode::Document(document);
                self.consume(&text[..stop])
            }
            Found::RecordEnd => {
                frames.push(self.end_of_record(&mut document, &text[..stop], base));
                self.mode = Mode::Document(document);
                self.consume(&text[..stop])
            }
            Found::DocumentEnd => {
                // What follows on the line may be another; on other lines only if this one could, too.
                self.leave(&document.scanner, &text[..stop])
            }
            // The `{` may be where a page begins.
            Found::More if !end => {
                let held = usize::from(text[..stop].last() == Some(&b'{'));
                self.wait_in_document(document, &text[..stop - held])
            }
            Found::Broken(_) if self.goes_on(&document.scanner, text, stop) => {
                document.scanner.multi_line = true;
                self.mode = Mode::Document(document);
                Step::On(0)
            }
            Found::More => self.broken(document, text, text.len(), NOT_CLOSED),
            Found::Broken(problem) => self.broken(document, text, stop, problem),
            // Another array of records in the same page, or the first in a page of an array.
            Found::Begins => {
                document.record = InRecord::No;
                self.mode = Mode::Document(document);
                self.consume(&text[..stop])
            }
            Found::NoDocument => self.broken(document, text, stop, "unexpected text in a page"),
            Found::Page => {
                let mut cut = self.discarded(&mut document, stop);
                cut.broken = Some((NOT_CLOSED, self.offset + stop as u64));
                cut.opening = std::mem::take(&mut document.opening);
                frames.push(cut.with(&text[..stop]).into_frame("record", self.limit));
                self.leave(&document.scanner, &text[..stop])
            }
        }
    }

    /// The frame of a record that begins at `base` of the buffer.
    fn end_of_record(&self, document: &mut OpenDocument, text: &[u8], base: usize) -> Frame {
        let too_long = match std::mem::take(&mut document.record) {
            InRecord::TooLong(discarded) => discarded,
            InRecord::No | InRecord::Yes if text.len() > self.limit => self.begin_discarding(),
            InRecord::No | InRecord::Yes => {
                return Frame::Record {
                    range: base..base + text.len(),
                    line_offset: self.line_offset,
                };
            }
        };
        too_long.with(text).into_frame("record", self.limit)
    }

    /// Behind a document, whose last part is `text`.
    fn leave(&mut self, scanner: &Scanner, text: &[u8]) -> Step {
        self.mode = Mode::Start(Start::behind(scanner));
        let step = self.consume(text);
        self.scanned = 0;
        step
    }

    /// All of `text` was scanned: keeps what may become a record, within the limit.
    fn wait_in_document(&mut self, mut document: OpenDocument, text: &[u8]) -> Step {
        if document.record.is_held(text.len(), self.limit) {
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
            InRecord::No | InRecord::Yes => {
                InRecord::TooLong(self.begin_discarding().with(&text[..consumed]))
            }
            InRecord::TooLong(discarded) => InRecord::TooLong(discarded.with(&text[..consumed])),
        };
        self.mode = Mode::Document(document);
        self.consume(&text[..consumed]);
        Step::On(consumed)
    }

    /// How far a record that begins at `stop` is indented, if it begins its line.
    fn indentation(&self, text: &[u8], stop: usize) -> Option<usize> {
        let line_start = self.start_of_line(text, stop)?;
        let is_first = text[line_start..stop].trim_ascii().is_empty();
        is_first.then_some(stop - line_start)
    }

    /// Where the line that `stop` is in begins, if that is in the text.
    fn start_of_line(&self, text: &[u8], stop: usize) -> Option<usize> {
        match memrchr(b'\n', &text[..stop]) {
            Some(at) => Some(at + 1),
            None => (self.line_offset == self.offset).then_some(0),
        }
    }

    /// What is left of a document that is not followed beyond `stop`.
    fn discarded(&self, document: &mut OpenDocument, stop: usize) -> Discarded {
        let is_held = document.record.is_held(stop, self.limit);
        match std::mem::take(&mut document.record) {
            InRecord::TooLong(discarded) => discarded,
            // Within the limit so far: all of it is kept, as of any other line.
            InRecord::No | InRecord::Yes if is_held => Discarded {
                room: self.limit.max(KEPT_OF_TOO_LONG),
                ..self.begin_discarding()
            },
            InRecord::No | InRecord::Yes => self.begin_discarding(),
        }
    }

    /// The document cannot be followed beyond `stop`: what is left of it, up to its next record or
    /// the next document, is one frame. On one line it goes on to the line's end.
    fn broken(
        &mut self,
        mut document: OpenDocument,
        text: &[u8],
        stop: usize,
        problem: &'static str,
    ) -> Step {
        let mut discarded = self.discarded(&mut document, stop);
        let before = text[..stop].last().copied().unwrap_or(discarded.last);
        // A line ends before the `\r` of its end.
        let at_line_end = before == b'\r' && text.get(stop) == Some(&b'\n');
        let position = self.offset + stop as u64 - u64::from(at_line_end);
        discarded.broken = Some((problem, position));
        discarded.until_document = document.scanner.multi_line;
        discarded.may_go_on = !document.scanner.multi_line && document.scanner.may_go_on;
        // The line that the fault is at the start of may be where the next document begins.
        let consumed = match self.start_of_line(text, stop) {
            Some(start) if text[start..stop].trim_ascii().is_empty() => start,
            _ => stop,
        };
        if discarded.until_document && document.scanner.is_among_records() {
            discarded.opening.clone_from(&document.opening);
            discarded.document = document
                .indentation
                .filter(|by| *by > 0)
                .map(|_| Box::new(document));
        } else {
            discarded.opening = std::mem::take(&mut document.opening);
        }
        self.mode = Mode::Discard(discarded.with(&text[..consumed]));
        let step = self.consume(&text[..consumed]);
        self.scanned = 0;
        step
    }
}

//! The start of an input, and what follows a document: another document, or lines.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::discard::Discarded;
use super::lines::opens_more;
use super::record::{Followed, RecordLines};
use super::scan::{Found, Scanner};
use super::{Frame, Framer, KEPT_OF_TOO_LONG, LINES, Mode, NOT_FINISHED, Step, documents};

/// Text that may be a document.
#[derive(Debug)]
pub(super) struct Start {
    scanner: Scanner,
    /// The same text as an object over several lines, if it is an object.
    record: Option<RecordLines>,
}

impl Start {
    /// What may be a document over several lines, or on one line alone.
    pub fn new(multi_line: bool) -> Self {
        Self {
            scanner: Scanner::new(multi_line),
            record: None,
        }
    }

    /// What follows a document: on other lines only what it could stand on, too.
    pub fn behind(document: &Scanner) -> Self {
        let mut start = Self::new(document.multi_line);
        start.scanner.may_go_on = document.may_go_on;
        start
    }

    /// What may be a document on one line, or go on behind it.
    pub fn on_line(may_go_on: bool) -> Self {
        let mut start = Self::new(false);
        start.scanner.may_go_on = may_go_on;
        start
    }

    /// Whether the text up to where the scanner is cannot go on as an object: then it is no page.
    fn is_broken(&mut self, text: &[u8]) -> bool {
        if self.scanner.multi_line && self.record.is_none() {
            let open = text.len() - text.trim_ascii_start().len();
            self.record = (text.get(open) == Some(&b'{')).then(|| RecordLines::at(open));
        }
        let record = self.record.as_mut();
        record.is_some_and(|record| {
            matches!(record.follow(text), Followed::Broken(_) | Followed::Page)
        })
    }
}

impl Framer {
    pub(super) fn start(&mut self, mut start: Start, text: &[u8], end: bool) -> Step {
        if start.scanner.multi_line {
            let before = before_document(text);
            if before > 0 {
                self.mode = Mode::Start(start);
                return self.consume(&text[..before]);
            }
        }
        let (stop, found) = start.scanner.scan(text, self.scanned);
        let is_broken = start.is_broken(&text[..stop]);
        // On one line nothing is decided too late: a long line may turn out to be a page yet. Over
        // several lines, what comes before the array must fit into the buffer.
        let look_ahead = self.look_ahead();
        let (early, may_wait) = if start.scanner.multi_line {
            (stop <= look_ahead, stop < look_ahead)
        } else {
            (true, stop <= self.limit)
        };
        match found {
            Found::Begins if early && !is_broken => {
                self.enter(start.scanner, &text[..stop], &text[..stop])
            }
            Found::More if !end && may_wait && !is_broken => {
                self.scanned = stop;
                self.mode = Mode::Start(start);
                Step::Wait
            }
            _ if !start.scanner.multi_line && start.scanner.may_go_on => {
                self.rest_of_line(start, text, end)
            }
            _ => {
                self.scanned = 0;
                self.mode = match start.record {
                    Some(record) => Mode::Record(record),
                    None if start.scanner.multi_line => self.look_in_vain(stop.min(look_ahead)),
                    None => LINES,
                };
                Step::On(0)
            }
        }
    }

    /// What follows a document on its line, and is none on this line: it may go on on others.
    fn rest_of_line(&mut self, mut start: Start, text: &[u8], end: bool) -> Step {
        self.scanned = 0;
        let before = usize::try_from(self.offset - self.line_offset).unwrap_or(usize::MAX);
        let fits = |length: usize| before.saturating_add(length) <= self.limit;
        let Some(line_end) = memchr(b'\n', text) else {
            if end || !fits(text.len()) {
                self.mode = LINES;
                return Step::On(0);
            }
            start.scanner = Scanner::new(false);
            self.mode = Mode::Start(start);
            return Step::Wait;
        };
        let last = text[..line_end].trim_ascii_end().last();
        self.mode = if fits(line_end)
            && self.may_look_ahead()
            && opens_more(last.copied().unwrap_or(self.last))
        {
            documents()
        } else {
            LINES
        };
        Step::On(0)
    }

    /// An object that is no page: a record over several lines, or else lines.
    pub(super) fn record(
        &mut self,
        mut record: RecordLines,
        text: &[u8],
        end: bool,
        base: usize,
        frames: &mut Vec<Frame>,
    ) -> Step {
        let followed = record.follow(text);
        let RecordLines { open, at: stop, .. } = record;
        let fits = stop - open <= self.limit;
        match followed {
            Followed::More if fits && !end => {
                self.mode = Mode::Record(record);
                Step::Wait
            }
            Followed::Page if fits => self.cut_record(open..stop, text, frames),
            Followed::Closed
                if fits && !record.is_over_lines() && !end && self.is_unfinished_line(text) =>
            {
                self.mode = Mode::Record(record);
                Step::Wait
            }
            Followed::Closed
                if fits && (record.is_over_lines() || self.is_before_opening(text, stop)) =>
            {
                frames.push(Frame::Record {
                    range: base + open..base + stop,
                    line_offset: self.line_offset,
                });
                self.mode = documents();
                self.consume(&text[..stop])
            }
            _ if record.is_pretty(self.limit) => {
                let broken = match followed {
                    _ if !fits => None,
                    Followed::Broken(problem) => Some(problem),
                    Followed::More | Followed::Closed | Followed::Page => Some(NOT_FINISHED),
                };
                self.discard_from(open, text, broken.map(|problem| (problem, stop)))
            }
            _ => {
                self.mode = self.look_in_vain(stop.min(open + self.limit + 1));
                Step::On(0)
            }
        }
    }

    /// An object that was cut off, directly before a page.
    fn cut_record(&mut self, range: Range<usize>, text: &[u8], frames: &mut Vec<Frame>) -> Step {
        let mut cut = Discarded::begin(self.offset + range.start as u64, self.line_offset);
        cut.room = self.limit.max(KEPT_OF_TOO_LONG);
        cut.broken = Some((NOT_FINISHED, self.offset + range.end as u64));
        frames.push(
            cut.with(&text[range.clone()])
                .into_frame("record", self.limit),
        );
        self.mode = documents();
        self.consume(&text[..range.end])
    }

    /// Behind `text`, the last of what is broken, a page begins on the same line.
    pub(super) fn begin_page(
        &mut self,
        discarded: Discarded,
        text: &[u8],
        frames: &mut Vec<Frame>,
    ) -> Step {
        let may_go_on = discarded.may_go_on || discarded.until_document;
        frames.push(discarded.with(text).into_frame("record", self.limit));
        self.mode = Mode::Start(Start::on_line(may_go_on));
        let step = self.consume(text);
        self.scanned = 0;
        step
    }

    /// Whether a text is the beginning of a line within the limit.
    fn is_unfinished_line(&self, text: &[u8]) -> bool {
        text.len() <= self.limit && memchr(b'\n', text).is_none()
    }

    /// Whether another document begins behind `stop` on the line, and goes on behind its end.
    fn is_before_opening(&self, text: &[u8], stop: usize) -> bool {
        let line_end = memchr(b'\n', text).unwrap_or(text.len());
        let behind = text[stop..line_end].trim_ascii();
        line_end <= self.limit
            && matches!(behind.first(), Some(b'{' | b'['))
            && behind.last().is_some_and(|last| opens_more(*last))
    }

    /// Passes over the record that begins at `open`, whose first line is whole, and that is too long
    /// or broken at some place in the text.
    fn discard_from(
        &mut self,
        open: usize,
        text: &[u8],
        broken: Option<(&'static str, usize)>,
    ) -> Step {
        let begin = self.offset + open as u64;
        self.in_vain += broken.map_or(self.limit, |(_, at)| at - open) as u64;
        let broken = broken.map(|(problem, at)| (problem, self.offset + at as u64));
        let first_line = memchr(b'\n', &text[open..]).map_or(text.len(), |at| open + at + 1);
        let discarded = Discarded {
            room: match broken {
                Some(_) => self.limit.max(KEPT_OF_TOO_LONG),
                None => KEPT_OF_TOO_LONG,
            },
            broken,
            until_document: true,
            ..Discarded::begin(begin, self.line_offset)
        };
        self.mode = Mode::Discard(discarded.with(&text[open..first_line]));
        self.consume(&text[..first_line])
    }
}

/// How many bytes of blank lines a text begins with.
fn before_document(text: &[u8]) -> usize {
    let is_blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let blank = text.iter().take_while(is_blank).count();
    memrchr(b'\n', &text[..blank]).map_or(0, |at| at + 1)
}

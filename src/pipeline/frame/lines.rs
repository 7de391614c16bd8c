//! Lines that stand for themselves, and what may begin a document among them.

use std::ops::Range;

use memchr::{memchr, memrchr};

use super::discard::Discarded;
use super::scan::{Found, Scanner};
use super::{Asked, Frame, Framer, Mode, Step, documents, leading_hole};

/// Whether a line that ends with that byte opens more than it closes, if it is JSON.
pub(super) fn opens_more(last: u8) -> bool {
    matches!(last, b'{' | b'[' | b',' | b':')
}

/// Whether a line begins a document that goes on behind its end, by its first and last byte.
fn is_opening(line: &[u8], limit: usize) -> bool {
    let line = match line.first() {
        Some(b'{' | b'[') => line,
        // What may stand before a document.
        Some(0 | 0xEF) => &line[leading_hole(line)..],
        _ => return false,
    };
    line.len() <= limit
        && matches!(line.first(), Some(b'{' | b'['))
        && line
            .trim_ascii_end()
            .last()
            .is_some_and(|last| opens_more(*last))
}

impl Framer {
    fn push_lines(&self, range: Range<usize>, frames: &mut Vec<Frame>) {
        frames.push(Frame::Lines {
            range,
            line_offset: self.line_offset,
        });
    }

    /// Where the first of some whole lines is that begins a document over several lines.
    fn find_opening(&self, text: &[u8]) -> Option<usize> {
        let mut at = 0;
        while at < text.len() {
            let end = memchr(b'\n', &text[at..]).map_or(text.len(), |end| at + end);
            let offset = self.offset + at as u64;
            let is_candidate = at > 0 || self.line_offset == self.offset;
            if is_candidate
                && offset >= self.lines_until
                && is_opening(&text[at..end], self.limit)
                && self.may_look_ahead_at(offset)
            {
                return Some(at);
            }
            at = end + 1;
        }
        None
    }

    pub(super) fn lines(
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
        if let Some(opening) = self.find_opening(&text[..whole]) {
            if opening > 0 {
                self.push_lines(base..base + opening, frames);
                self.scanned = 0;
            }
            self.mode = documents();
            let step = self.consume(&text[..opening]);
            self.scanned = 0;
            return step;
        }
        if whole > 0 {
            self.push_lines(base..base + whole, frames);
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
            Asked::NotYet => {
                let mut scanner = Scanner::new(false);
                scanner.may_go_on = matches!(text.first(), Some(b'{' | b'['));
                (scanner, 0)
            }
            Asked::Undecided(scanner) => (scanner, seen),
            Asked::NoDocument => {
                self.scanned = text.len();
                self.mode = Mode::Lines(asked);
                return Step::Wait;
            }
        };
        let (stop, found) = scanner.scan(text, from);
        self.scanned = stop;
        self.mode = Mode::Lines(match found {
            Found::Begins => return self.enter(scanner, &text[..stop], &text[..stop]),
            Found::More => Asked::Undecided(scanner),
            _ => {
                self.scanned = text.len();
                Asked::NoDocument
            }
        });
        Step::Wait
    }
}

//! Records that are pretty-printed over many lines, at the start of an input or behind a document.
//!
//! The line that such a record begins in may as well be a line that was cut off, before good ones.
//! What shows the difference: within an object no serializer begins a line with `{` in the first
//! column, nor another value without a comma.

use std::ops::Range;

use memchr::memchr;

use super::skip::{Skipped, Skipper};

/// Follows an object over its lines.
#[derive(Debug, Default)]
pub(super) struct RecordLines {
    skipper: Skipper,
    /// Where the object begins in the text.
    pub open: usize,
    /// How much of the text was looked at.
    pub at: usize,
    /// The line that the object begins in, once it is whole.
    first_line: Option<FirstLine>,
    /// What became of it; it is followed no further.
    outcome: Option<Followed>,
}

#[derive(Debug, Clone, Copy)]
struct FirstLine {
    /// How long it is from where the object begins, with its end.
    length: usize,
    /// Nothing but the opening bracket is in it.
    is_bracket: bool,
}

/// What became of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Followed {
    /// The text ends in it.
    More,
    /// It has ended just before where the look went to.
    Closed,
    /// It cannot be followed beyond there, and why.
    Broken(&'static str),
    /// It was cut off: a page begins there.
    Page,
}

impl RecordLines {
    /// An object that begins at `open` in its text.
    pub fn at(open: usize) -> Self {
        Self {
            open,
            at: open,
            skipper: Skipper::before_pages(),
            ..Self::default()
        }
    }

    /// Whether it goes beyond its first line.
    pub fn is_over_lines(&self) -> bool {
        self.first_line.is_some()
    }

    /// Whether its first line, of at most `limit` bytes, is the opening bracket alone: no record that
    /// was cut off is in it.
    pub fn is_pretty(&self, limit: usize) -> bool {
        self.first_line
            .is_some_and(|line| line.is_bracket && line.length <= limit)
    }

    /// Goes on in the same text, of which there may be more now.
    pub fn follow(&mut self, text: &[u8]) -> Followed {
        if let Some(outcome) = self.outcome {
            return outcome;
        }
        while self.at < text.len() {
            let before = self.at;
            let outcome = self.follow_line(text);
            if outcome == Followed::More && self.at == before {
                break;
            }
            if outcome != Followed::More {
                self.outcome = Some(outcome);
                return outcome;
            }
        }
        Followed::More
    }

    fn follow_line(&mut self, text: &[u8]) -> Followed {
        let begins_line = self.at > self.open && text[self.at - 1] == b'\n';
        if begins_line && matches!(text[self.at], b' ' | b'\t') {
            self.skipper.is_indented = true;
        }
        let line_end = memchr(b'\n', &text[self.at..]);
        let end = line_end.map_or(text.len(), |end| self.at + end + 1);
        let (stop, skipped) = self.skipper.skip(&text[..end], self.at, true);
        self.at = stop;
        match skipped {
            Skipped::End => return Followed::Closed,
            Skipped::Broken(problem) => return Followed::Broken(problem),
            Skipped::Page => return Followed::Page,
            Skipped::More if stop < end => return Followed::More,
            Skipped::More => {}
        }
        if line_end.is_some() {
            let so_far = &text[self.open..stop];
            self.first_line.get_or_insert_with(|| FirstLine {
                length: so_far.len(),
                is_bracket: so_far.trim_ascii() == b"{",
            });
        }
        Followed::More
    }
}

/// The object or array that comes next on a line, if anything does; the last one is perhaps not
/// closed, or something else.
#[must_use]
pub fn next_object(line: &[u8], at: usize) -> Option<Range<usize>> {
    let start = at
        + line[at..]
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())?;
    let end = match line[start] {
        b'{' | b'[' => match Skipper::before_pages().skip(line, start, false) {
            (end, Skipped::End | Skipped::Page) => end,
            _ => line.len(),
        },
        _ => line.len(),
    };
    Some(start..end)
}

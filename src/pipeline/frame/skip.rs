//! Passing over one JSON value.

use super::page::{Opening, page_at, page_ending_string};
use super::{BYTE_ORDER_MARK, NOT_CLOSED, NOT_FINISHED};
use crate::pipeline::json::find_special;

/// Passes over one JSON value by its brackets and strings.
#[derive(Debug, Default)]
pub(super) struct Skipper {
    state: Skipping,
    depth: u32,
    /// Kinds of the open brackets, the innermost lowest: 1 for `{`. Those that are nested deeper
    /// than [`TYPED_DEPTH`] are only counted.
    braces: u128,
    /// What came last within the innermost bracket: a value and a line end, and another value cannot
    /// begin without a comma.
    pub ended: Ended,
    /// The byte before was a line end.
    pub begins_line: bool,
    /// It is a part of what is indented: a line that is not begins another document.
    pub is_indented: bool,
    /// The value ends where a page begins that cannot be a part of it.
    pub finds_pages: bool,
}

const TYPED_DEPTH: u32 = u128::BITS;

#[derive(Debug, Default, Clone, Copy)]
enum Skipping {
    #[default]
    Begin,
    Scalar,
    Nested,
    String,
    Escape,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    #[default]
    No,
    Colon,
    Value,
    ValueAndLine,
}

pub(super) enum Skipped {
    More,
    End,
    Broken(&'static str),
    /// It was cut off: a page begins there.
    Page,
}

impl Skipper {
    /// One that ends where a page begins that cannot be a part of its value.
    pub fn before_pages() -> Self {
        Self {
            finds_pages: true,
            ..Self::default()
        }
    }

    /// Whether a page begins at a byte that is a `{`, and the value cannot go on so.
    fn page(&self, text: &[u8], at: usize) -> Opening {
        match self.state {
            Skipping::Scalar => page_at(text, at),
            Skipping::Nested if self.is_misplaced() => page_at(text, at),
            _ => Opening::No,
        }
    }

    /// Whether an object that begins here is misplaced: behind a value, or where a key must come. At the
    /// start of a line that is known anyway.
    fn is_misplaced(&self) -> bool {
        let is_behind_value = matches!(self.ended, Ended::Value | Ended::ValueAndLine);
        !self.begins_line && (is_behind_value || self.is_in_object() && self.ended != Ended::Colon)
    }

    pub fn skip(&mut self, text: &[u8], mut at: usize, multi_line: bool) -> (usize, Skipped) {
        while let Some(&byte) = text.get(at) {
            if byte == b'{' && self.finds_pages {
                match self.page(text, at) {
                    Opening::At(_) => return (at, Skipped::Page),
                    Opening::Perhaps(_) => return (at, Skipped::More),
                    Opening::No => {}
                }
            }
            match self.state {
                Skipping::Begin => match byte {
                    b',' | b':' | b']' | b'}' => return (at, Skipped::Broken("expected a value")),
                    b'{' | b'[' => self.open(byte),
                    b'"' => self.state = Skipping::String,
                    _ => self.state = Skipping::Scalar,
                },
                Skipping::Scalar => match byte {
                    b'\n' if !multi_line => return (at, Skipped::Broken(NOT_CLOSED)),
                    // On one line a `\r` may belong to its end.
                    b'\r' if !multi_line => {}
                    b',' | b']' | b'}' | b' ' | b'\t' | b'\r' | b'\n' => {
                        return (at, Skipped::End);
                    }
                    _ => {}
                },
                Skipping::Nested => match self.nested(byte, multi_line) {
                    Nested::Inside => {}
                    Nested::Closed => return (at + 1, Skipped::End),
                    Nested::Broken(problem) => return (at, Skipped::Broken(problem)),
                },
                Skipping::String => {
                    at = find_special(text, at);
                    match text.get(at) {
                        None => return (at, Skipped::More),
                        Some(b'"') => {
                            if self.finds_pages {
                                match page_ending_string(text, at) {
                                    Opening::At(page) => return (page, Skipped::Page),
                                    Opening::Perhaps(_) => return (at, Skipped::More),
                                    Opening::No => {}
                                }
                            }
                            if self.depth == 0 {
                                return (at + 1, Skipped::End);
                            }
                            self.state = Skipping::Nested;
                            self.ended = Ended::Value;
                        }
                        Some(b'\\') => self.state = Skipping::Escape,
                        Some(b'\n') => return (at, Skipped::Broken(torn(multi_line))),
                        Some(_) => {}
                    }
                }
                Skipping::Escape if byte == b'\n' => {
                    return (at, Skipped::Broken(torn(multi_line)));
                }
                Skipping::Escape => self.state = Skipping::String,
            }
            at += 1;
        }
        (at, Skipped::More)
    }

    /// How the value at the root ended: after a number, what follows is not looked at.
    pub fn ended_at_root(&self) -> Ended {
        match self.state {
            Skipping::Scalar => Ended::No,
            _ => Ended::Value,
        }
    }

    pub fn line_end(&mut self) {
        if self.ended == Ended::Value {
            self.ended = Ended::ValueAndLine;
        }
    }

    /// Whether the innermost open bracket is one of an object.
    fn is_in_object(&self) -> bool {
        (1..=TYPED_DEPTH).contains(&self.depth) && self.braces & 1 == 1
    }

    pub fn open(&mut self, byte: u8) {
        self.state = Skipping::Nested;
        self.ended = Ended::No;
        if self.depth < TYPED_DEPTH {
            self.braces = self.braces << 1 | u128::from(byte == b'{');
        }
        self.depth += 1;
    }

    fn nested(&mut self, byte: u8, multi_line: bool) -> Nested {
        if self.begins_line {
            self.begins_line = false;
            if self.is_new_document(byte) {
                return Nested::Broken(NOT_FINISHED);
            }
        }
        match byte {
            b'"' | b'{' | b'[' if self.ended == Ended::ValueAndLine => {
                return Nested::Broken("expected `,` or a closing bracket");
            }
            b'"' => self.state = Skipping::String,
            b'{' | b'[' => {
                let Some(_) = self.depth.checked_add(1) else {
                    return Nested::Broken("nested too deep");
                };
                self.open(byte);
            }
            b'}' | b']' => {
                if self.depth <= TYPED_DEPTH {
                    if (self.braces & 1 == 1) != (byte == b'}') {
                        return Nested::Broken("a closing bracket of the wrong kind");
                    }
                    self.braces >>= 1;
                }
                self.depth -= 1;
                self.ended = Ended::Value;
                if self.depth == 0 {
                    return Nested::Closed;
                }
            }
            b',' => self.ended = Ended::No,
            b':' => self.ended = Ended::Colon,
            b'\n' if !multi_line => return Nested::Broken(NOT_CLOSED),
            b'\n' => {
                self.begins_line = true;
                self.line_end();
            }
            b' ' | b'\t' | b'\r' => {}
            _ if self.ended == Ended::ValueAndLine => {}
            _ => self.ended = Ended::Value,
        }
        Nested::Inside
    }

    /// Whether that byte, the first of a line, cannot go on with the value and begins a document: no
    /// serializer begins a line with `{` within an object. NUL bytes and byte order marks come before
    /// documents alone.
    fn is_new_document(&self, byte: u8) -> bool {
        match byte {
            b'{' | b'[' if self.is_indented => true,
            b'{' => self.is_in_object(),
            b'[' => self.is_in_object() && self.ended != Ended::Colon,
            _ => is_before_document(byte),
        }
    }
}

/// Whether a byte at the start of a line is that of what may stand there before a document.
pub(super) fn is_before_document(byte: u8) -> bool {
    byte == 0 || byte == BYTE_ORDER_MARK[0]
}

/// What is wrong with a string that a line end tears.
pub(super) fn torn(multi_line: bool) -> &'static str {
    if multi_line {
        "a line end inside a string"
    } else {
        NOT_CLOSED
    }
}

enum Nested {
    Inside,
    Closed,
    Broken(&'static str),
}

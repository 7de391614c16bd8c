//! Strict JSON (RFC 8259) into nodes, without recursion.

use super::keys::repeats_a_key;
use super::{Kind, Node};

/// Deepest nesting that is read. The event nests what it copies two levels deeper, and 127 is what
/// `serde_json`, the strictest common reader, accepts.
pub const MAX_DEPTH: usize = 125;

/// Where the text stops being JSON, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem} at byte {at}")]
pub struct SyntaxError {
    /// Byte position in the text, from 0.
    pub at: usize,
    /// What is wrong there.
    pub problem: &'static str,
}

/// Reads one JSON value, surrounded by white space at most, into `nodes`, which are empty. The text
/// is shorter than 4 GiB, and `marks` are its marks.
pub(super) fn parse(text: &str, marks: &[u32], nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
    let mut parser = Parser {
        source: text,
        text: text.as_bytes(),
        marks,
        mark: 0,
        nodes,
        open: NONE,
        in_object: false,
        clean: true,
        depth: 0,
    };
    parser.document()
}

/// No array or object is open.
const NONE: u32 = u32::MAX;

struct Parser<'t> {
    source: &'t str,
    text: &'t [u8],
    marks: &'t [u32],
    /// Index of a mark before which no string can begin any more.
    mark: usize,
    nodes: &'t mut Vec<Node>,
    /// The innermost array or object that is open. Its node's `next` is the one around it, until it
    /// is closed.
    open: u32,
    in_object: bool,
    /// Whether all of the innermost open array or object was clean so far.
    clean: bool,
    depth: usize,
}

impl Parser<'_> {
    #[inline(always)]
    fn error<T>(&self, at: usize, problem: &'static str) -> Result<T, SyntaxError> {
        error(self.text, at, problem)
    }

    #[inline(always)]
    fn byte(&self, at: usize) -> u8 {
        byte(self.text, at)
    }

    #[inline(always)]
    fn document(&mut self) -> Result<(), SyntaxError> {
        let mut at = self.skip_white_space(0);
        // Once for each value.
        loop {
            let first = self.byte(at);
            at = match first {
                b'"' => self.string(at, false)?,
                b'{' | b'[' => {
                    at = self.open(at, first)?;
                    // The closing bracket stands two behind the opening one in ASCII.
                    if self.byte(at) != first + 2 {
                        if self.in_object {
                            at = self.key(at)?;
                        }
                        continue;
                    }
                    self.clean = false;
                    at
                }
                b'-' | b'0'..=b'9' => self.number(at)?,
                b't' => self.literal(at, b"true", Kind::Boolean)?,
                b'f' => self.literal(at, b"false", Kind::Boolean)?,
                b'n' => self.literal(at, b"null", Kind::Null)?,
                _ => return self.error(at, "expected a JSON value"),
            };
            match self.after_value(at)? {
                Some(next) => at = next,
                None => return Ok(()),
            }
        }
    }

    /// Goes on from the end of a value to the start of the next; none at the end of the text.
    #[inline(always)]
    fn after_value(&mut self, mut at: usize) -> Result<Option<usize>, SyntaxError> {
        while self.open != NONE {
            // The usual, here and in `key`: no white space.
            if self.in_object && self.text.get(at..at + 2) == Some(b",\"") {
                return Ok(Some(self.key(at + 1)?));
            }
            at = self.skip_white_space(at);
            match self.byte(at) {
                b',' => {
                    at = self.skip_white_space(at + 1);
                    if self.in_object {
                        at = self.key(at)?;
                    }
                    return Ok(Some(at));
                }
                b'}' if self.in_object => at = self.close(at),
                b']' if !self.in_object => at = self.close(at),
                _ if self.in_object => return self.error(at, "expected `,` or `}`"),
                _ => return self.error(at, "expected `,` or `]`"),
            }
        }
        at = self.skip_white_space(at);
        if at < self.text.len() {
            return self.error(at, "unexpected text after the JSON value");
        }
        Ok(None)
    }

    /// Skips white space, which is never clean.
    #[inline(always)]
    fn skip_white_space(&mut self, at: usize) -> usize {
        if self.byte(at) > b' ' {
            return at;
        }
        let end = white_space_end(self.text, at);
        self.clean &= end == at;
        end
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the reader checked the length"
    )]
    #[inline(always)]
    fn push(&mut self, start: usize, end: usize, kind: Kind, clean: bool, special: bool) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node {
            start: start as u32,
            end: end as u32,
            next,
            kind,
            clean,
            special,
        });
    }

    /// Pushes the node of an array or object, to be finished by [`Self::close`], and goes on to
    /// what is inside.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the reader checked the length"
    )]
    #[inline(always)]
    fn open(&mut self, at: usize, bracket: u8) -> Result<usize, SyntaxError> {
        if self.depth >= MAX_DEPTH {
            return self.error(at, "nested deeper than 125 levels");
        }
        self.depth += 1;
        if let Some(around) = self.nodes.get_mut(self.open as usize) {
            around.clean = self.clean;
        }
        self.in_object = bracket == b'{';
        let kind = if self.in_object {
            Kind::Object
        } else {
            Kind::Array
        };
        let index = self.nodes.len() as u32;
        self.nodes.push(Node {
            start: at as u32,
            end: 0,
            next: self.open,
            kind,
            clean: true,
            special: false,
        });
        self.open = index;
        self.clean = true;
        Ok(self.skip_white_space(at + 1))
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the reader checked the length"
    )]
    #[inline(always)]
    fn close(&mut self, at: usize) -> usize {
        let index = self.open as usize;
        // The outermost object's keys are compared only if its members are asked for.
        let special =
            self.in_object && (index == 0 || repeats_a_key(self.source, self.nodes, index));
        let clean = self.clean && !special;
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[index];
        let around = std::mem::replace(&mut node.next, next);
        node.end = at as u32 + 1;
        node.clean = clean;
        node.special = special;
        self.depth -= 1;
        self.open = around;
        match self.nodes.get(around as usize) {
            Some(around) => {
                self.in_object = around.kind == Kind::Object;
                self.clean = around.clean && clean;
            }
            None => self.in_object = false,
        }
        at + 1
    }

    /// Reads a key and goes on to its value.
    #[inline(always)]
    fn key(&mut self, at: usize) -> Result<usize, SyntaxError> {
        if self.byte(at) != b'"' {
            return self.error(at, "expected a key in double quotes");
        }
        let at = self.string(at, true)?;
        if let Some([b':', b'!'..=0xFF]) = self.text.get(at..at + 2) {
            return Ok(at + 1);
        }
        let at = self.skip_white_space(at);
        if self.byte(at) != b':' {
            return self.error(at, "expected `:`");
        }
        Ok(self.skip_white_space(at + 1))
    }

    /// The first mark at or behind `at`.
    #[inline(always)]
    fn mark_from(&mut self, at: usize) -> usize {
        while (self.marks[self.mark] as usize) < at {
            self.mark += 1;
        }
        self.marks[self.mark] as usize
    }

    #[inline(always)]
    fn string(&mut self, start: usize, is_key: bool) -> Result<usize, SyntaxError> {
        // The opening quote has a mark itself.
        self.mark_from(start);
        self.mark += 1;
        let quote = self.marks[self.mark] as usize;
        if self.byte(quote) == b'"' {
            self.mark += 1;
            let clean = quote - start > 1;
            // An empty key is no empty value: clean-up leaves it.
            self.clean &= clean | is_key;
            self.push(start, quote + 1, Kind::String, clean, false);
            return Ok(quote + 1);
        }
        let string = string_with_escapes(self.text, self.marks, self.mark)?;
        self.mark = string.mark;
        self.clean &= string.clean;
        self.push(start, string.end, Kind::String, string.clean, true);
        Ok(string.end)
    }

    #[inline(always)]
    fn literal(&mut self, start: usize, word: &[u8], kind: Kind) -> Result<usize, SyntaxError> {
        let mut at = start;
        for expected in word {
            if self.byte(at) != *expected {
                return self.error(at, "expected true, false or null");
            }
            at += 1;
        }
        let clean = kind != Kind::Null;
        self.clean &= clean;
        self.push(start, at, kind, clean, false);
        Ok(at)
    }

    #[inline(always)]
    fn number(&mut self, start: usize) -> Result<usize, SyntaxError> {
        let mut kind = Kind::Integer;
        let mut at = start + usize::from(self.byte(start) == b'-');
        at = if self.byte(at) == b'0' {
            at + 1
        } else {
            self.some_digits(at)?
        };
        if self.byte(at) == b'.' {
            kind = Kind::Float;
            at = self.some_digits(at + 1)?;
        }
        if let b'e' | b'E' = self.byte(at) {
            kind = Kind::Float;
            at += 1;
            if let b'+' | b'-' = self.byte(at) {
                at += 1;
            }
            at = self.some_digits(at)?;
        }
        self.push(start, at, kind, true, false);
        Ok(at)
    }

    #[inline(always)]
    fn some_digits(&mut self, start: usize) -> Result<usize, SyntaxError> {
        let mut at = start;
        while self.byte(at).is_ascii_digit() {
            at += 1;
        }
        if at == start {
            return self.error(at, "expected a digit");
        }
        Ok(at)
    }
}

/// The error of a text that is not JSON from `at` on.
#[cold]
fn error<T>(text: &[u8], at: usize, problem: &'static str) -> Result<T, SyntaxError> {
    Err(SyntaxError {
        at,
        problem: if at >= text.len() {
            "unexpected end of the text"
        } else {
            problem
        },
    })
}

/// The byte there; behind the end NUL, which JSON has nowhere.
#[inline(always)]
fn byte(text: &[u8], at: usize) -> u8 {
    text.get(at).copied().unwrap_or(0)
}

#[inline(never)]
fn white_space_end(text: &[u8], mut at: usize) -> usize {
    while let b' ' | b'\n' | b'\r' | b'\t' = byte(text, at) {
        at += 1;
    }
    at
}

/// A string with escapes in it.
struct Escaped {
    end: usize,
    /// The first mark behind it.
    mark: usize,
    clean: bool,
}

/// Reads a string on from its first backslash, which has that mark.
#[inline(never)]
fn string_with_escapes(
    text: &[u8],
    marks: &[u32],
    mut mark: usize,
) -> Result<Escaped, SyntaxError> {
    // A surrogate escape without its other half is JSON, but no character: not copied as it is.
    let mut clean = true;
    loop {
        let at = marks[mark] as usize;
        match byte(text, at) {
            b'"' => {
                return Ok(Escaped {
                    end: at + 1,
                    mark: mark + 1,
                    clean,
                });
            }
            b'\\' => {
                let (after, whole) = escape(text, at + 1)?;
                clean &= whole;
                while (marks[mark] as usize) < after {
                    mark += 1;
                }
            }
            _ => return error(text, at, "control character in a string"),
        }
    }
}

/// Reads one escape, from behind its backslash, or both halves of a surrogate pair; false for half a
/// pair.
fn escape(text: &[u8], at: usize) -> Result<(usize, bool), SyntaxError> {
    match byte(text, at) {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok((at + 1, true)),
        b'u' => {
            let after = at + 5;
            match hex4(text, at + 1)? {
                0xD800..=0xDBFF if text[after..].starts_with(b"\\u") => {
                    let is_pair = (0xDC00..=0xDFFF).contains(&hex4(text, after + 2)?);
                    Ok((if is_pair { after + 6 } else { after }, is_pair))
                }
                0xD800..=0xDFFF => Ok((after, false)),
                _ => Ok((after, true)),
            }
        }
        _ => error(text, at, "unknown escape in a string"),
    }
}

fn hex4(text: &[u8], at: usize) -> Result<u32, SyntaxError> {
    let mut unit = 0;
    for at in at..at + 4 {
        let Some(digit) = char::from(byte(text, at)).to_digit(16) else {
            return error(text, at, "expected four hexadecimal digits");
        };
        unit = unit << 4 | digit;
    }
    Ok(unit)
}

//! Strict JSON (RFC 8259) into nodes.

use super::{Kind, Node, escape::find_special, value};

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

/// Reads one JSON value, surrounded by white space at most, into `nodes` (which is cleared first).
///
/// # Errors
/// When the text is not JSON, is nested deeper than [`MAX_DEPTH`], or is 4 GiB or longer.
pub fn parse(text: &str, nodes: &mut Vec<Node>) -> Result<(), SyntaxError> {
    nodes.clear();
    if u32::try_from(text.len()).is_err() {
        return Err(SyntaxError {
            at: 0,
            problem: "text of 4 GiB or more",
        });
    }
    let mut parser = Parser {
        source: text,
        text: text.as_bytes(),
        at: 0,
        nodes,
    };
    parser.skip_white_space();
    parser.value(0)?;
    parser.skip_white_space();
    if parser.at < text.len() {
        return Err(parser.error("unexpected text after the JSON value"));
    }
    Ok(())
}

struct Parser<'a> {
    source: &'a str,
    text: &'a [u8],
    at: usize,
    nodes: &'a mut Vec<Node>,
}

impl Parser<'_> {
    fn error(&self, problem: &'static str) -> SyntaxError {
        SyntaxError {
            at: self.at,
            problem: if self.at >= self.text.len() {
                "unexpected end of the text"
            } else {
                problem
            },
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Skips white space and tells whether there was any.
    #[inline]
    fn skip_white_space(&mut self) -> bool {
        let start = self.at;
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
        self.at > start
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "parse() checked the length"
    )]
    #[inline]
    fn push(&mut self, start: usize, kind: Kind, clean: bool, special: bool) {
        let next = self.nodes.len() as u32 + 1;
        self.nodes.push(Node {
            start: start as u32,
            end: self.at as u32,
            next,
            kind,
            clean,
            special,
        });
    }

    /// Reads a value and tells whether its text is clean (see [`Node`]).
    fn value(&mut self, depth: usize) -> Result<bool, SyntaxError> {
        match self.peek() {
            Some(b'"') => self.string(),
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal(b"true", Kind::Boolean),
            Some(b'f') => self.literal(b"false", Kind::Boolean),
            Some(b'n') => self.literal(b"null", Kind::Null),
            _ => Err(self.error("expected a JSON value")),
        }
    }

    fn literal(&mut self, word: &'static [u8], kind: Kind) -> Result<bool, SyntaxError> {
        let start = self.at;
        for expected in word {
            if self.peek() != Some(*expected) {
                return Err(self.error("expected true, false or null"));
            }
            self.at += 1;
        }
        let clean = kind != Kind::Null;
        self.push(start, kind, clean, false);
        Ok(clean)
    }

    fn number(&mut self) -> Result<bool, SyntaxError> {
        let start = self.at;
        let mut kind = Kind::Integer;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.error("expected a digit")),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            kind = Kind::Float;
            self.some_digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            kind = Kind::Float;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.some_digits()?;
        }
        self.push(start, kind, true, false);
        Ok(true)
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), SyntaxError> {
        match self.peek() {
            Some(b'0'..=b'9') => {
                self.digits();
                Ok(())
            }
            _ => Err(self.error("expected a digit")),
        }
    }

    #[inline]
    fn string(&mut self) -> Result<bool, SyntaxError> {
        let start = self.at;
        self.at = find_special(self.text, start + 1);
        if self.peek() == Some(b'"') {
            self.at += 1;
            let clean = self.at - start > 2;
            self.push(start, Kind::String, clean, false);
            return Ok(clean);
        }
        self.string_with_escapes(start)
    }

    /// Goes on with the string that began at `start`, from its first backslash.
    fn string_with_escapes(&mut self, start: usize) -> Result<bool, SyntaxError> {
        // A surrogate escape without its other half is JSON, but no character: not copied as it is.
        let mut clean = true;
        loop {
            self.at = find_special(self.text, self.at);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.push(start, Kind::String, clean, true);
                    return Ok(clean);
                }
                Some(b'\\') => clean &= self.escape()?,
                _ => return Err(self.error("control character in a string")),
            }
        }
    }

    /// Reads one escape, or both halves of a surrogate pair; false for half a pair.
    fn escape(&mut self) -> Result<bool, SyntaxError> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(true)
            }
            Some(b'u') => {
                self.at += 1;
                match self.hex4()? {
                    0xDC00..=0xDFFF => Ok(false),
                    0xD800..=0xDBFF => {
                        if self.text[self.at..].starts_with(b"\\u") {
                            let high_half_ends = self.at;
                            self.at += 2;
                            if (0xDC00..=0xDFFF).contains(&self.hex4()?) {
                                return Ok(true);
                            }
                            self.at = high_half_ends;
                        }
                        Ok(false)
                    }
                    _ => Ok(true),
                }
            }
            _ => Err(self.error("unknown escape in a string")),
        }
    }

    fn hex4(&mut self) -> Result<u16, SyntaxError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return Err(self.error("expected four hexadecimal digits"));
            };
            unit = unit << 4 | digit;
            self.at += 1;
        }
        Ok(u16::try_from(unit).unwrap_or(u16::MAX))
    }

    /// Pushes the node of an array or object, to be finished by [`Self::close`].
    fn open(&mut self, depth: usize, kind: Kind) -> Result<usize, SyntaxError> {
        if depth >= MAX_DEPTH {
            return Err(self.error("nested deeper than 125 levels"));
        }
        let index = self.nodes.len();
        let start = self.at;
        self.at += 1;
        self.push(start, kind, true, false);
        Ok(index)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "parse() checked the length"
    )]
    fn close(&mut self, index: usize, clean: bool, special: bool) -> bool {
        self.at += 1;
        let next = self.nodes.len() as u32;
        let node = &mut self.nodes[index];
        node.end = self.at as u32;
        node.next = next;
        node.clean = clean;
        node.special = special;
        clean
    }

    fn array(&mut self, depth: usize) -> Result<bool, SyntaxError> {
        let index = self.open(depth, Kind::Array)?;
        let mut clean = !self.skip_white_space();
        if self.peek() == Some(b']') {
            return Ok(self.close(index, false, false));
        }
        loop {
            clean &= self.value(depth + 1)?;
            clean &= !self.skip_white_space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    clean &= !self.skip_white_space();
                }
                Some(b']') => return Ok(self.close(index, clean, false)),
                _ => return Err(self.error("expected `,` or `]`")),
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<bool, SyntaxError> {
        let index = self.open(depth, Kind::Object)?;
        let mut clean = !self.skip_white_space();
        if self.peek() == Some(b'}') {
            return Ok(self.close(index, false, false));
        }
        let mut keys = KeySketch::default();
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.error("expected a key in double quotes"));
            }
            let key = self.nodes.len();
            self.string()?;
            let node = self.nodes[key];
            // An empty key is no empty value: clean-up leaves it, so only half a pair matters.
            clean &= node.clean || !node.special;
            keys.add(&node, self.text);
            clean &= !self.skip_white_space();
            if self.peek() != Some(b':') {
                return Err(self.error("expected `:`"));
            }
            self.at += 1;
            clean &= !self.skip_white_space();
            clean &= self.value(depth + 1)?;
            clean &= !self.skip_white_space();
            match self.peek() {
                Some(b',') => {
                    self.at += 1;
                    clean &= !self.skip_white_space();
                }
                Some(b'}') => {
                    let repeats =
                        keys.may_repeat && value::repeats_a_key(self.source, self.nodes, index);
                    return Ok(self.close(index, clean && !repeats, repeats));
                }
                _ => return Err(self.error("expected `,` or `}`")),
            }
        }
    }
}

/// Tells cheaply that no key of an object stands twice: a bit a key, by its length and ends.
#[derive(Default)]
struct KeySketch {
    seen: u64,
    may_repeat: bool,
}

impl KeySketch {
    #[inline]
    fn add(&mut self, key: &Node, text: &[u8]) {
        // The bytes around the quotes: first and last of the key (the quote itself if it is empty).
        let byte = |at: u32| u32::from(text.get(at as usize).copied().unwrap_or_default());
        let hash = (key.end - key.start)
            .wrapping_mul(7)
            .wrapping_add(byte(key.start + 1).wrapping_mul(31))
            .wrapping_add(byte(key.end - 2).wrapping_mul(13));
        let bit = 1_u64 << (hash & 63);
        // A key with an escape can equal one that is spelled otherwise.
        self.may_repeat |= self.seen & bit != 0 || key.special;
        self.seen |= bit;
    }
}

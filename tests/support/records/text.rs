//! JSON as text: a tree that keeps the spelling of numbers, duplicate keys and the order of keys,
//! and a writer that varies what JSON leaves free.

use std::fmt::{Display, Write};

/// A JSON value before it is spelled out.
#[derive(Clone, Debug)]
pub enum Json {
    Null,
    Bool(bool),
    /// A number as it is to be written.
    Num(String),
    Str(String),
    Arr(Vec<Json>),
    /// Members in order; a key may stand twice.
    Obj(Vec<(String, Json)>),
}

impl Json {
    pub fn str(text: impl Into<String>) -> Json {
        Json::Str(text.into())
    }

    pub fn num(text: impl Display) -> Json {
        Json::Num(text.to_string())
    }

    pub fn obj<const N: usize>(members: [(&str, Json); N]) -> Json {
        Json::Obj(
            members
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect(),
        )
    }

    /// The nodes below this one, in the order they are written.
    pub fn count(&self) -> usize {
        match self {
            Json::Null | Json::Bool(_) | Json::Num(_) | Json::Str(_) => 0,
            Json::Arr(elements) => elements.iter().map(|e| 1 + e.count()).sum(),
            Json::Obj(members) => members.iter().map(|(_, value)| 1 + value.count()).sum(),
        }
    }

    /// The node below this one with the number `index`, of [`count`](Self::count).
    pub fn node(&mut self, index: usize) -> Option<&mut Json> {
        let children: Vec<&mut Json> = match self {
            Json::Null | Json::Bool(_) | Json::Num(_) | Json::Str(_) => Vec::new(),
            Json::Arr(elements) => elements.iter_mut().collect(),
            Json::Obj(members) => members.iter_mut().map(|(_, value)| value).collect(),
        };
        let mut left = index;
        for child in children {
            if left == 0 {
                return Some(child);
            }
            left -= 1;
            let below = child.count();
            if left < below {
                return child.node(left);
            }
            left -= below;
        }
        None
    }
}

/// The choices of one text, taken in turn from the bytes and round again. No bytes: the plain, compact spelling.
pub struct Style {
    choices: Vec<u8>,
    next: usize,
}

impl Style {
    pub fn new(choices: Vec<u8>) -> Style {
        Style { choices, next: 0 }
    }

    /// A number below `of`; 0 is the plain choice.
    fn choose(&mut self, of: usize) -> usize {
        if self.choices.is_empty() {
            return 0;
        }
        let choice = self.choices[self.next % self.choices.len()];
        self.next += 1;
        usize::from(choice) % of
    }

    /// Writes the value without white space around it, on one line.
    pub fn write(&mut self, value: &Json, out: &mut String) {
        match value {
            Json::Null => out.push_str("null"),
            Json::Bool(value) => out.push_str(&value.to_string()),
            Json::Num(text) => out.push_str(text),
            Json::Str(text) => self.string(text, out),
            Json::Arr(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    self.comma(index, out);
                    self.write(element, out);
                }
                self.space(out);
                out.push(']');
            }
            Json::Obj(members) => {
                out.push('{');
                let first = self.choose(members.len().max(1));
                for index in 0..members.len() {
                    let (key, value) = &members[(first + index) % members.len()];
                    self.comma(index, out);
                    self.string(key, out);
                    self.space(out);
                    out.push(':');
                    self.space(out);
                    self.write(value, out);
                }
                self.space(out);
                out.push('}');
            }
        }
    }

    fn comma(&mut self, index: usize, out: &mut String) {
        if index > 0 {
            self.space(out);
            out.push(',');
        }
        self.space(out);
    }

    fn space(&mut self, out: &mut String) {
        const SPACES: [&str; 8] = ["", "", "", "", "", " ", "\t", "  "];
        out.push_str(SPACES[self.choose(SPACES.len())]);
    }

    fn string(&mut self, text: &str, out: &mut String) {
        out.push('"');
        let escape_all = self.choose(16) == 15;
        for c in text.chars() {
            let short = match c {
                '"' => Some("\\\""),
                '\\' => Some("\\\\"),
                '/' => Some("\\/"),
                '\n' => Some("\\n"),
                '\r' => Some("\\r"),
                '\t' => Some("\\t"),
                '\u{8}' => Some("\\b"),
                '\u{c}' => Some("\\f"),
                _ => None,
            };
            let must = matches!(c, '"' | '\\') || c < ' ';
            let odd = escape_all || ((c == '/' || !c.is_ascii()) && self.choose(3) == 1);
            match short {
                _ if !must && !odd => out.push(c),
                Some(short) if self.choose(4) != 3 => out.push_str(short),
                _ => self.hex(c, out),
            }
        }
        out.push('"');
    }

    /// `\u00e9`, and two of them for a character outside the basic plane.
    fn hex(&mut self, c: char, out: &mut String) {
        let upper = self.choose(2) == 1;
        for unit in c.encode_utf16(&mut [0; 2]) {
            if upper {
                write!(out, "\\u{unit:04X}")
            } else {
                write!(out, "\\u{unit:04x}")
            }
            .expect("writing to a string does not fail");
        }
    }
}

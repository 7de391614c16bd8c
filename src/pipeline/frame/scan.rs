//! Finding the records of an API page or a JSON array without holding the page.
//!
//! Only brackets and strings are followed here, so that a record with a fault of its own costs that
//! record and not the page; whether a record is JSON is for [`crate::pipeline::json::Reader`] to say.

use std::borrow::Cow;

use super::page::{Opening, page_ending_string};
use super::skip::{Ended, Skipped, Skipper, is_before_document, torn};
use super::{NOT_CLOSED, NOT_FINISHED};
use crate::pipeline::dialect::{PAGE_KEYS, RECORD_KEYS};
use crate::pipeline::json::Reader;

/// What a [`Scanner`] came upon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The end of the text: the scan goes on with more.
    More,
    /// The text is no page and no array of records.
    NoDocument,
    /// The bracket of the array that holds the records has been passed.
    Begins,
    /// A record begins here.
    RecordStart,
    /// A record has ended just before here.
    RecordEnd,
    /// The document has ended just before here.
    DocumentEnd,
    /// The document cannot be followed beyond here, and why.
    Broken(&'static str),
    /// The document was cut off: another page begins here.
    Page,
}

/// Follows one document through any number of pieces of text.
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts about one document"
)]
#[derive(Debug)]
pub(super) struct Scanner {
    /// Whether a line end inside the document is white space, or ends the document.
    pub multi_line: bool,
    /// On one line so far: it is the same document over several lines.
    pub may_go_on: bool,
    /// Its records are indented: a line that is not begins another document.
    pub is_indented: bool,
    begun: bool,
    /// The byte before was a line end.
    begins_line: bool,
    in_object: bool,
    element: Element,
    phase: Phase,
    key: Vec<u8>,
    value: Skipper,
}

/// What the open element of an array is: the array may hold pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    /// None is open, or a record.
    Record,
    /// An object whose keys so far may be those of a page.
    Undecided,
    /// A page, whose records are what counts.
    Page,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Start,
    FirstKeyOrEnd,
    Key,
    InKey,
    InKeyEscape,
    Colon,
    MemberValue,
    InMemberValue,
    CommaOrObjectEnd,
    FirstOfRootArray,
    FirstRecordOrEnd,
    Record,
    ElementStart,
    InRecord,
    CommaOrArrayEnd,
}

/// More of a key than this is not kept: even with every letter escaped it is none of the above.
const LONGEST_KEY: usize = 80;

impl Scanner {
    pub fn new(multi_line: bool) -> Self {
        Self {
            multi_line,
            may_go_on: true,
            is_indented: false,
            begun: false,
            begins_line: false,
            in_object: false,
            element: Element::Record,
            phase: Phase::Start,
            key: Vec::with_capacity(LONGEST_KEY),
            value: Skipper::default(),
        }
    }

    /// Scans `text` from `at`; returns where it stopped, and what it found there.
    pub fn scan(&mut self, text: &[u8], mut at: usize) -> (usize, Found) {
        while let Some(&byte) = text.get(at) {
            let found = match self.phase {
                Phase::InMemberValue | Phase::InRecord => {
                    self.value.is_indented = self.is_indented;
                    self.value.finds_pages = self.begun;
                    let (stop, skipped) = self.value.skip(text, at, self.multi_line);
                    at = stop;
                    match skipped {
                        Skipped::More => return (at, Found::More),
                        Skipped::Broken(problem) => Some(self.broken(problem)),
                        Skipped::Page => Some(Found::Page),
                        Skipped::End if self.phase == Phase::InRecord => {
                            self.phase = Phase::CommaOrArrayEnd;
                            return (at, Found::RecordEnd);
                        }
                        Skipped::End => {
                            self.phase = Phase::CommaOrObjectEnd;
                            self.value.ended = self.value.ended_at_root();
                            continue;
                        }
                    }
                }
                Phase::InKey if byte == b'"' && self.begun => match page_ending_string(text, at) {
                    Opening::At(page) => return (page, Found::Page),
                    Opening::Perhaps(_) => return (at, Found::More),
                    Opening::No => self.key_byte(byte),
                },
                Phase::InKey | Phase::InKeyEscape => self.key_byte(byte),
                _ => match self.between(byte) {
                    Token::Taken => None,
                    // A root array has begun one byte before.
                    Token::Found(Found::Begins) if !self.is_in_page() => {
                        return (at, Found::Begins);
                    }
                    Token::Found(
                        found @ (Found::Begins | Found::RecordEnd | Found::DocumentEnd),
                    ) => {
                        return (at + 1, found);
                    }
                    Token::Found(found) => Some(found),
                    // The same byte again, in the phase it led to.
                    Token::Again => continue,
                },
            };
            match found {
                None => at += 1,
                Some(found) => return (at, found),
            }
        }
        (at, Found::More)
    }

    /// Whether the array of records is a member of a page.
    fn is_in_page(&self) -> bool {
        self.in_object || self.element == Element::Page
    }

    fn broken(&self, problem: &'static str) -> Found {
        if self.begun {
            Found::Broken(problem)
        } else {
            Found::NoDocument
        }
    }

    /// A byte inside a key at the top of a page.
    fn key_byte(&mut self, byte: u8) -> Option<Found> {
        match (self.phase, byte) {
            (_, b'\n') => return Some(self.broken(torn(self.multi_line))),
            (Phase::InKeyEscape, _) => self.phase = Phase::InKey,
            (_, b'\\') => self.phase = Phase::InKeyEscape,
            (_, b'"') => self.phase = Phase::Colon,
            _ => {}
        }
        if self.phase != Phase::Colon && self.key.len() < LONGEST_KEY {
            self.key.push(byte);
        }
        None
    }

    /// A byte between values.
    fn between(&mut self, byte: u8) -> Token {
        match byte {
            b' ' | b'\t' | b'\r' => {}
            b'\n' if self.multi_line => self.value.line_end(),
            b'\n' => return Token::Found(self.broken(NOT_CLOSED)),
            _ if self.begins_line && self.is_new_document(byte) => {
                return Token::Found(self.broken(NOT_FINISHED));
            }
            _ => {
                let token = self.token(byte);
                self.begins_line = false;
                return token;
            }
        }
        self.begins_line = byte == b'\n';
        Token::Taken
    }

    /// Whether that byte, the first of a line, begins another document; see [`Skipper`].
    fn is_new_document(&self, byte: u8) -> bool {
        match (byte, self.phase) {
            (b'{', Phase::Colon | Phase::MemberValue) => self.element != Element::Undecided,
            (b'{' | b'[', Phase::FirstRecordOrEnd | Phase::Record | Phase::CommaOrArrayEnd) => {
                self.is_indented
            }
            _ => is_before_document(byte) && self.element != Element::Undecided,
        }
    }

    /// Whether the fault that it has come upon is one of a record, or between records: then it can
    /// go on with the next.
    pub fn is_among_records(&self) -> bool {
        self.begun
            && (self.element == Element::Undecided
                || matches!(
                    self.phase,
                    Phase::InRecord
                        | Phase::FirstRecordOrEnd
                        | Phase::Record
                        | Phase::CommaOrArrayEnd
                ))
    }

    /// Goes on behind a fault: a record has ended there, or begins there.
    pub fn resume(&mut self, is_at_record: bool) {
        if self.element == Element::Undecided {
            self.element = Element::Record;
        }
        self.begins_line = false;
        self.value = Skipper::default();
        self.phase = if is_at_record {
            Phase::Record
        } else {
            Phase::CommaOrArrayEnd
        };
    }

    /// A byte between values that is no white space.
    fn token(&mut self, byte: u8) -> Token {
        let (next, result) = match (self.phase, byte) {
            (Phase::Start, b'{') => {
                self.in_object = true;
                (Phase::FirstKeyOrEnd, Token::Taken)
            }
            (Phase::Start, b'[') => (Phase::FirstOfRootArray, Token::Taken),
            (Phase::FirstKeyOrEnd | Phase::Key, b'"') => {
                self.key.clear();
                (Phase::InKey, Token::Taken)
            }
            (Phase::Colon, b':') => (Phase::MemberValue, Token::Taken),
            (Phase::MemberValue, _) => return self.member_value(byte),
            (Phase::CommaOrObjectEnd, b',') => (Phase::Key, Token::Taken),
            (Phase::CommaOrObjectEnd | Phase::FirstKeyOrEnd, b'}') if !self.in_object => {
                let token = match self.element {
                    Element::Page => Token::Taken,
                    Element::Undecided | Element::Record => Token::Found(Found::RecordEnd),
                };
                self.element = Element::Record;
                (Phase::CommaOrArrayEnd, token)
            }
            (Phase::CommaOrObjectEnd | Phase::FirstKeyOrEnd, b'}') => {
                let end = if self.begun {
                    Found::DocumentEnd
                } else {
                    Found::NoDocument
                };
                (Phase::Start, Token::Found(end))
            }
            (Phase::FirstOfRootArray, _) => return self.first_of_root_array(byte),
            (Phase::FirstRecordOrEnd | Phase::CommaOrArrayEnd, b']') if self.is_in_page() => {
                (Phase::CommaOrObjectEnd, Token::Taken)
            }
            (Phase::FirstRecordOrEnd | Phase::CommaOrArrayEnd, b']') => {
                (Phase::Start, Token::Found(Found::DocumentEnd))
            }
            (Phase::CommaOrArrayEnd, b',') => (Phase::Record, Token::Taken),
            (Phase::FirstRecordOrEnd | Phase::Record, b'{') if !self.is_in_page() => {
                self.element = Element::Undecided;
                (Phase::ElementStart, Token::Found(Found::RecordStart))
            }
            (Phase::ElementStart, _) => (Phase::FirstKeyOrEnd, Token::Taken),
            (Phase::FirstRecordOrEnd | Phase::Record, _) if !matches!(byte, b',' | b']') => {
                self.value = Skipper::default();
                (Phase::InRecord, Token::Found(Found::RecordStart))
            }
            (Phase::CommaOrArrayEnd, _) => {
                return Token::Found(self.broken("expected `,` or `]` after a record"));
            }
            (Phase::FirstRecordOrEnd | Phase::Record, _) => {
                return Token::Found(self.broken("expected a record"));
            }
            _ if self.element == Element::Undecided => return self.element_is_record(),
            _ => return Token::Found(self.broken("unexpected text in a page")),
        };
        self.phase = next;
        result
    }

    /// The key before the value, decoded; empty if it is none that counts.
    fn key_name(&self) -> Cow<'_, str> {
        let key = std::str::from_utf8(&self.key).unwrap_or_default();
        if !key.contains('\\') {
            return Cow::Borrowed(key);
        }
        let quoted = format!("\"{key}\"");
        let mut reader = Reader::default();
        let name = reader.read(&quoted).ok().and_then(|name| {
            let name = name.root().as_str()?;
            Some(name.into_owned())
        });
        Cow::Owned(name.unwrap_or_default())
    }

    fn member_value(&mut self, byte: u8) -> Token {
        let key = self.key_name();
        if byte == b'[' && PAGE_KEYS.contains(&&*key) {
            self.begun = true;
            if self.element == Element::Undecided {
                self.element = Element::Page;
            }
            self.phase = Phase::FirstRecordOrEnd;
            return Token::Found(Found::Begins);
        }
        let is_fault = matches!(byte, b',' | b':' | b']' | b'}');
        if self.element == Element::Undecided && (is_fault || RECORD_KEYS.contains(&&*key)) {
            return self.element_is_record();
        }
        if !self.begun && RECORD_KEYS.contains(&&*key) {
            return Token::Found(Found::NoDocument);
        }
        self.value = Skipper::default();
        self.phase = Phase::InMemberValue;
        Token::Again
    }

    /// The open element of an array is no page: only its brackets count from here on, so that a
    /// fault in it costs this record alone.
    fn element_is_record(&mut self) -> Token {
        let ended = match self.phase {
            Phase::CommaOrObjectEnd => self.value.ended,
            _ => Ended::No,
        };
        self.value = Skipper::default();
        self.value.open(b'{');
        self.value.ended = ended;
        self.value.begins_line = self.begins_line;
        self.element = Element::Record;
        self.phase = Phase::InRecord;
        Token::Again
    }

    /// Decides about a text that begins with `[`. Over several lines only what can be an array of
    /// records is one: `[ERROR] …` is a line of some other log.
    fn first_of_root_array(&mut self, byte: u8) -> Token {
        let any_value = matches!(
            byte,
            b'{' | b']' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n'
        );
        if !any_value || self.multi_line && !matches!(byte, b'{' | b']') {
            return Token::Found(Found::NoDocument);
        }
        self.begun = true;
        self.may_go_on &= matches!(byte, b'{' | b']');
        self.phase = Phase::FirstRecordOrEnd;
        Token::Found(Found::Begins)
    }
}

enum Token {
    Taken,
    Found(Found),
    Again,
}

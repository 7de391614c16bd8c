//! Writing JSON: bytes, parts of a record's text, strings with their escapes.

use super::Document;
use super::escape::{self, find_special};

/// A text that grows at its end.
///
/// Behind the end it keeps room that has been written to before (with anything): a short part is
/// then copied as a block of fixed size, which may spill into the room, instead of by its length.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
    end: usize,
}

/// A block that is copied whole.
const BLOCK: usize = 32;
/// Room made at a time, at least.
const ROOM: usize = 512;

impl Writer {
    /// Goes on behind `bytes`, with room for `more` bytes at once.
    #[must_use]
    pub fn after(mut bytes: Vec<u8>, more: usize) -> Self {
        let end = bytes.len();
        bytes.resize(end + more, 0);
        Self { bytes, end }
    }

    /// All that was written.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.truncate(self.end);
        self.bytes
    }

    /// Where the next byte will stand.
    #[must_use]
    pub fn position(&self) -> usize {
        self.end
    }

    /// Takes back what was written from `position` on.
    pub fn cut_back(&mut self, position: usize) {
        self.end = self.end.min(position);
    }

    /// The room behind the end, at least `size` bytes.
    #[inline]
    fn room(&mut self, size: usize) -> &mut [u8] {
        if self.bytes.len() - self.end < size {
            self.grow(size);
        }
        &mut self.bytes[self.end..]
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, size: usize) {
        self.bytes.resize(self.end + size.max(ROOM), 0);
    }

    /// Copies `text` behind the end where there is no room for it yet.
    #[cold]
    #[inline(never)]
    fn copy_to_more_room(&mut self, text: &[u8]) {
        self.room(text.len())[..text.len()].copy_from_slice(text);
    }

    /// Appends one byte.
    #[inline(always)]
    pub fn byte(&mut self, byte: u8) {
        self.text(&[byte]);
    }

    /// Appends bytes; best for those whose number the compiler knows.
    #[inline(always)]
    pub fn text(&mut self, text: &[u8]) {
        let end = self.end + text.len();
        match self.bytes.get_mut(self.end..end) {
            Some(place) => place.copy_from_slice(text),
            None => self.copy_to_more_room(text),
        }
        self.end = end;
    }

    /// Appends what stands before a member, and its name, given as JSON with the colon.
    #[inline(always)]
    pub fn name(&mut self, separator: u8, name: &'static str) {
        let end = self.end + 1 + name.len();
        if let Some(place) = self.bytes.get_mut(self.end..end) {
            place[0] = separator;
            place[1..].copy_from_slice(name.as_bytes());
            self.end = end;
        } else {
            self.byte(separator);
            self.text(name.as_bytes());
        }
    }

    /// Appends `text[start..end]`.
    #[inline]
    pub fn part(&mut self, text: &[u8], start: usize, end: usize) {
        let length = end - start;
        if length <= BLOCK
            && let Some(block) = text[start..].first_chunk::<BLOCK>()
            && let Some(place) = self.bytes.get_mut(self.end..self.end + BLOCK)
        {
            place.copy_from_slice(block);
            self.end += length;
        } else {
            self.text(&text[start..end]);
        }
    }

    /// Appends a whole number.
    pub fn number(&mut self, mut number: u64) {
        let mut digits = [0; 20];
        let mut first = digits.len();
        loop {
            first -= 1;
            digits[first] = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            if number == 0 {
                break;
            }
        }
        self.text(&digits[first..]);
    }

    /// Appends `text` as a JSON string, quotes included.
    pub fn string(&mut self, text: &str) {
        let text = text.as_bytes();
        self.byte(b'"');
        let mut copied = 0;
        loop {
            let special = find_special(text, copied);
            self.part(text, copied, special);
            let Some(byte) = text.get(special) else { break };
            self.escape(*byte);
            copied = special + 1;
        }
        self.byte(b'"');
    }

    fn escape(&mut self, byte: u8) {
        let (escape, length) = escape::escape_of(byte);
        self.text(&escape);
        self.end -= escape.len() - length;
    }

    /// Appends the whole text of a document as a JSON string, quotes included.
    pub fn string_of_document(&mut self, document: &Document<'_>) {
        let text = document.text.as_bytes();
        // All marks, and the two behind the text.
        let mut marks = document.marks;
        self.byte(b'"');
        // An escape has at most six bytes.
        let room = self.room(text.len() + 5 * marks.len());
        // What of the text is written, and where its next byte goes.
        let (mut from, mut to) = (0, 0);
        while let [mark, next, _, ..] = *marks {
            let (mark, next) = (mark as usize, next as usize);
            let length = mark - from;
            if length < BLOCK - 2
                && let Some(block) = text.get(from..from + BLOCK)
                && let Some(place) = room.get_mut(to..to + BLOCK + 2)
                && block[length] >= b' '
            {
                // A quote or backslash soon: it itself begins what is next.
                place[..BLOCK].copy_from_slice(block);
                place[length] = b'\\';
                if next - mark == 2 && block[length + 2] >= b' ' {
                    // Another behind it, as in `":"` and `","`, which end most strings.
                    place[length + 1..length + 3].copy_from_slice(&block[length..length + 2]);
                    place[length + 3] = b'\\';
                    (from, to) = (next, to + length + 4);
                    marks = &marks[2..];
                } else {
                    (from, to) = (mark, to + length + 1);
                    marks = &marks[1..];
                }
                continue;
            }
            to += put(room, to, &text[from..mark]);
            let (escape, length) = escape::escape_of(text[mark]);
            to += put(room, to, &escape[..length]);
            from = mark + 1;
            marks = &marks[1..];
        }
        to += put(room, to, &text[from..]);
        self.end += to;
        self.byte(b'"');
    }
}

/// Copies `bytes` to a position of `room`, and returns their number.
fn put(room: &mut [u8], to: usize, bytes: &[u8]) -> usize {
    room[to..to + bytes.len()].copy_from_slice(bytes);
    bytes.len()
}

/// A text as JSON.
#[must_use]
pub fn json_string(text: &str) -> String {
    let mut writer = Writer::default();
    writer.string(text);
    String::from_utf8(writer.into_bytes()).unwrap_or_default()
}

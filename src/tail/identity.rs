//! By what a followed file is known again: what was read of it (docs/guarantees.md, "A file's identity").
//!
//! Device and inode say where a file is, not what it is: inodes are used again, and a log that was
//! copied and truncated keeps its own. So what was read so far is kept as hashes: of the beginning, of
//! the last bytes, and a checksum of everything, so that a copy, plain or compressed, is recognised.

use std::io::{self, Read};

use crc32fast::Hasher;
use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

/// How much of the beginning of a file is hashed, at most.
pub const HEAD: usize = 4 << 10;
/// How much of what was read last is hashed, at most.
pub const TAIL: usize = 1 << 10;
/// How many marks are kept of what was read last.
const MARKS: usize = 16;
/// How many marks are kept of the beginning: a copy that is shorter than [`HEAD`] is told by the line
/// that it ends with.
const MARKS_OF_HEAD: usize = 64;
/// How many line ends of a piece are marked, the last ones.
const MARKS_OF_PIECE: usize = 8;

/// A hash of some bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digest {
    /// Number of hashed bytes.
    pub length: usize,
    /// XXH3, 128 bits, as hexadecimal digits.
    hash: String,
}

impl Digest {
    /// The hash of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self {
            length: bytes.len(),
            hash: if bytes.is_empty() {
                String::new()
            } else {
                format!("{:032x}", XxHash3_128::oneshot(bytes))
            },
        }
    }

    /// Whether `bytes` begin with the bytes that were hashed.
    #[must_use]
    pub fn is_start_of(&self, bytes: &[u8]) -> bool {
        bytes
            .get(..self.length)
            .is_some_and(|bytes| *self == Self::of(bytes))
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.hash.get(..12).unwrap_or("-"))
    }
}

/// The checksum of everything before an offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SavedMark", into = "(u64, Option<u32>)")]
struct Mark {
    offset: u64,
    /// CRC-32; none if reading did not begin at the file's beginning.
    checksum: Option<u32>,
}

/// A mark as a state file has it: there are many of them.
#[derive(Deserialize)]
#[serde(untagged)]
enum SavedMark {
    Pair(u64, Option<u32>),
    /// As version 0.1.0 wrote it.
    Object {
        offset: u64,
        checksum: Option<u32>,
    },
}

impl From<SavedMark> for Mark {
    fn from(saved: SavedMark) -> Self {
        match saved {
            SavedMark::Pair(offset, checksum) | SavedMark::Object { offset, checksum } => {
                Self { offset, checksum }
            }
        }
    }
}

impl From<Mark> for (u64, Option<u32>) {
    fn from(mark: Mark) -> Self {
        (mark.offset, mark.checksum)
    }
}

/// How far a file was read, and what was read.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadPosition {
    /// The beginning, as far as it was read.
    pub head: Digest,
    /// What was read last.
    pub tail: Digest,
    /// Line ends that reading has passed: those of the beginning, one at each doubling of the length,
    /// the last ones, and where it stands. A copy of the file that ends earlier is compared at them.
    marks: Vec<Mark>,
}

/// How the content of another file compares with what was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// All that was read stands there too, perhaps with more behind it.
    Continues,
    /// It ends before what was read does, and is the same so far.
    Shorter,
    /// It is something else.
    Different,
}

impl ReadPosition {
    /// Begins in the middle of a file: `head` is its beginning, `tail` what stands before `offset`.
    #[must_use]
    pub fn at(offset: u64, head: &[u8], tail: &[u8]) -> Self {
        Self {
            head: Digest::of(head),
            tail: Digest::of(tail),
            marks: vec![Mark {
                offset,
                checksum: None,
            }],
        }
    }

    /// How far the file was read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.last().offset
    }

    fn last(&self) -> Mark {
        let beginning = Mark {
            offset: 0,
            checksum: Some(0),
        };
        self.marks.last().copied().unwrap_or(beginning)
    }

    /// Goes on over `bytes`, what stands at the offset. `head` is the beginning of the file, up to
    /// [`HEAD`] bytes or the new offset; `tail` ends at the new offset.
    pub fn advance(&mut self, bytes: &[u8], head: &[u8], tail: &[u8]) {
        let begun = usize::try_from(self.offset()).unwrap_or(usize::MAX);
        let of_head = &bytes[..HEAD.saturating_sub(begun).min(bytes.len())];
        let first = memchr::memchr_iter(b'\n', of_head).take(MARKS_OF_HEAD);
        let last = memchr::memrchr_iter(b'\n', bytes).take(MARKS_OF_PIECE);
        let mut ends: Vec<_> = first.chain(last).map(|at| at + 1).collect();
        let mut doubled = HEAD;
        while doubled - begun.min(doubled) < bytes.len() {
            if let Some(from) = doubled.checked_sub(begun.max(1)) {
                let end = memchr::memchr(b'\n', &bytes[from..]);
                ends.extend(end.map(|at| from + at + 1));
            }
            doubled *= 2;
        }
        ends.push(bytes.len());
        ends.sort_unstable();
        ends.dedup();
        let mut from = 0;
        for end in ends {
            self.pass(&bytes[from..end]);
            from = end;
        }
        self.known(head, tail);
    }

    /// Passes over bytes, a part of what [`Self::known`] then closes.
    pub fn pass(&mut self, bytes: &[u8]) {
        let Mark { offset, checksum } = self.last();
        self.marks.push(Mark {
            offset: offset + bytes.len() as u64,
            checksum: checksum.map(|checksum| checksum_of(checksum, bytes)),
        });
        if let Some(oldest) = self.marks.len().checked_sub(MARKS + 1) {
            let before = oldest.checked_sub(1).map_or(0, |at| self.marks[at].offset);
            let offset = self.marks[oldest].offset;
            let is_of_head = oldest < MARKS_OF_HEAD && offset <= HEAD as u64;
            if !is_of_head && doublings(offset) == doublings(before) {
                self.marks.remove(oldest);
            }
        }
    }

    /// What stands at the beginning of the file, and what ends at the offset.
    pub fn known(&mut self, head: &[u8], tail: &[u8]) {
        if self.head.length < HEAD {
            self.head = Digest::of(head);
        }
        self.tail = Digest::of(tail);
    }

    /// Where the hashed tail begins.
    #[must_use]
    pub fn tail_offset(&self) -> u64 {
        self.offset() - self.tail.length as u64
    }

    /// Compares all of another file, uncompressed, with what was read.
    ///
    /// # Errors
    /// When it cannot be read. An end in the middle of compressed data is an end.
    pub fn compare(&self, content: impl Read) -> io::Result<Comparison> {
        let mut comparing = Comparing {
            progress: self,
            head: Vec::new(),
            recent: Vec::new(),
            offset: 0,
            checksum: 0,
            agreed: 0,
        };
        comparing.run(content)
    }
}

/// A comparison on its way.
struct Comparing<'a> {
    progress: &'a ReadPosition,
    head: Vec<u8>,
    /// The last bytes, at least [`TAIL`] of them.
    recent: Vec<u8>,
    offset: u64,
    checksum: u32,
    /// The last mark whose checksum was the same.
    agreed: u64,
}

impl Comparing<'_> {
    fn run(&mut self, mut content: impl Read) -> io::Result<Comparison> {
        let mut buffer = vec![0; 64 << 10];
        let end = self.progress.offset();
        while self.offset < end {
            // Only up to the next mark, whose checksum is then compared.
            let next = self.next_mark();
            let room = usize::try_from(next - self.offset).unwrap_or(usize::MAX);
            let most = room.min(buffer.len());
            let read = match content.read(&mut buffer[..most]) {
                Ok(0) => return Ok(self.shorter()),
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(self.shorter());
                }
                Err(error) => return Err(error),
            };
            if !self.take(&buffer[..read]) {
                return Ok(Comparison::Different);
            }
        }
        let tail = &self.progress.tail;
        let start = self.recent.len().saturating_sub(tail.length);
        Ok(if tail.is_start_of(&self.recent[start..]) {
            Comparison::Continues
        } else {
            Comparison::Different
        })
    }

    fn next_mark(&self) -> u64 {
        let mut marks = self.progress.marks.iter().map(|mark| mark.offset);
        let end = self.progress.offset();
        marks.find(|offset| *offset > self.offset).unwrap_or(end)
    }

    /// Whether the bytes so far are those that were read.
    fn take(&mut self, bytes: &[u8]) -> bool {
        let head_before = self.head.len();
        let head = &self.progress.head;
        let wanted = head.length.saturating_sub(head_before);
        self.head
            .extend_from_slice(&bytes[..wanted.min(bytes.len())]);
        if head_before < head.length
            && self.head.len() == head.length
            && !head.is_start_of(&self.head)
        {
            return false;
        }
        let kept = self.recent.len().saturating_sub(TAIL);
        self.recent.drain(..kept);
        self.recent.extend_from_slice(bytes);
        self.offset += bytes.len() as u64;
        self.checksum = checksum_of(self.checksum, bytes);
        let mut marks = self.progress.marks.iter();
        match marks.find(|mark| mark.offset == self.offset) {
            Some(mark) => {
                self.agreed = mark.offset;
                mark.checksum
                    .is_none_or(|checksum| checksum == self.checksum)
            }
            None => true,
        }
    }

    /// It ended early: the same so far, if enough of it could be compared to tell. Files may begin with
    /// the same bytes; what was read from its middle on has no checksums, but its beginning.
    fn shorter(&self) -> Comparison {
        let head = self.progress.head.length as u64;
        let has_checksums = self.progress.last().checksum.is_some();
        let compared = if has_checksums { self.agreed } else { head };
        if compared > 0 && self.offset >= compared && self.offset / 4 <= compared {
            Comparison::Shorter
        } else {
            Comparison::Different
        }
    }
}

/// How often the first [`HEAD`] bytes have doubled up to an offset.
fn doublings(offset: u64) -> u32 {
    (offset / HEAD as u64)
        .checked_ilog2()
        .map_or(0, |twice| twice + 1)
}

fn checksum_of(before: u32, bytes: &[u8]) -> u32 {
    let mut hasher = Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What is known after reading `text` in pieces.
    fn read(text: &[u8], pieces: usize) -> ReadPosition {
        let mut progress = ReadPosition::default();
        let mut at = 0;
        for piece in text.chunks(text.len().div_ceil(pieces).max(1)) {
            at += piece.len();
            let head = &text[..at.min(HEAD)];
            progress.advance(piece, head, &text[at.saturating_sub(TAIL)..at]);
        }
        progress
    }

    fn lines(count: usize) -> Vec<u8> {
        (0..count)
            .flat_map(|number| format!("line number {number}\n").into_bytes())
            .collect()
    }

    #[test]
    fn a_copy_and_a_longer_one_continue() {
        for count in [1, 3, 50, 2000] {
            let text = lines(count);
            let longer = lines(count + 5);
            for pieces in [1, 2, 40] {
                let progress = read(&text, pieces);
                assert_eq!(progress.compare(&*text).unwrap(), Comparison::Continues);
                assert_eq!(progress.compare(&*longer).unwrap(), Comparison::Continues);
            }
        }
    }

    #[test]
    fn a_copy_that_was_made_some_lines_ago_is_shorter() {
        let text = lines(300);
        for lines_ago in 1..8 {
            let progress = read(&text, 1);
            let copy = lines(300 - lines_ago);
            assert_eq!(progress.compare(&*copy).unwrap(), Comparison::Shorter);
        }
        assert_eq!(
            read(&lines(2), 1).compare(&*lines(1)).unwrap(),
            Comparison::Shorter
        );
    }

    #[test]
    fn a_short_copy_is_told_by_any_line_that_it_ends_with() {
        for count in [2, 100, 10_000] {
            let text = lines(count);
            for pieces in [1, count] {
                let progress = read(&text, pieces);
                for copied in 1..count.min(64) {
                    let comparison = progress.compare(&*lines(copied)).unwrap();
                    assert_eq!(comparison, Comparison::Shorter, "{copied} of {count}");
                }
            }
        }
    }

    #[test]
    fn a_copy_is_compared_to_its_end_whatever_it_begins_with() {
        let file = |number: u32, lines: u32| {
            let first = format!("{}{number}\n", "the same for all ".repeat(400));
            let rest = (0..lines).map(|line| format!("{number} {line} {}\n", "x".repeat(90)));
            (first + &rest.collect::<String>()).into_bytes()
        };
        let whole = file(1, 20_000);
        for pieces in [1, 7, 40] {
            let progress = read(&whole, pieces);
            for lines in [0, 1, 5, 100, 3_000, 19_000] {
                let compare = |file: Vec<u8>| progress.compare(&*file).unwrap();
                assert_eq!(compare(file(1, lines)), Comparison::Shorter, "{lines}");
                assert_eq!(compare(file(2, lines)), Comparison::Different, "{lines}");
            }
            assert!(progress.marks.len() < 40, "{}", progress.marks.len());
        }
    }

    #[test]
    fn marks_of_older_states_are_read() {
        let progress: ReadPosition = serde_json::from_str(
            r#"{"head":{"length":0,"hash":""},"tail":{"length":0,"hash":""},
                "marks":[{"offset":1,"checksum":7},{"offset":2,"checksum":null},[3,9]]}"#,
        )
        .unwrap();
        assert_eq!(progress.offset(), 3);
        let text = serde_json::to_string(&progress).unwrap();
        assert!(
            text.ends_with(r#""marks":[[1,7],[2,null],[3,9]]}"#),
            "{text}"
        );
        assert_eq!(
            serde_json::from_str::<ReadPosition>(&text).unwrap(),
            progress
        );
    }

    #[test]
    fn nothing_is_no_copy() {
        assert_eq!(
            read(b"x\n", 1).compare(&b""[..]).unwrap(),
            Comparison::Different
        );
    }

    proptest! {
        #[test]
        fn any_other_byte_is_found(at in 0..20_000_usize, pieces in 1..50_usize) {
            let text = lines(1000);
            let at = at % text.len();
            let mut other = text.clone();
            other[at] ^= 1;
            prop_assert_eq!(read(&text, pieces).compare(&*other).unwrap(), Comparison::Different);
        }
    }
}

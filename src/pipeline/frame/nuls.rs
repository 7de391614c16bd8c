//! NUL bytes: holes in a file that was truncated under its writer, and what a crash has left of what was
//! to be written there.

use std::ops::Range;

use super::BYTE_ORDER_MARK;

/// How many NUL bytes a text begins with.
#[must_use]
pub fn leading_nuls(text: &[u8]) -> usize {
    let other = text.iter().position(|byte| *byte != 0);
    other.unwrap_or(text.len())
}

/// How many NUL bytes and byte order marks a text begins with: the writer began anew, or another file
/// was appended.
#[must_use]
pub fn leading_hole(text: &[u8]) -> usize {
    let mut at = 0;
    loop {
        at += leading_nuls(&text[at..]);
        if !text[at..].starts_with(BYTE_ORDER_MARK) {
            return at;
        }
        at += BYTE_ORDER_MARK.len();
    }
}

/// The parts of a line that holes end, if there are any: behind each of them another document begins.
/// UTF-16, where every other byte is NUL, is not parted.
#[must_use]
pub fn parted_by_holes(line: &[u8]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut at) = (0, 0);
    while let Some(nul) = memchr::memchr(0, &line[at..]) {
        let end = at + nul;
        at = end + leading_hole(&line[end..]);
        let is_wide = end >= 2 && line[end - 2] == 0;
        let is_end = match line[at..] {
            [] => !is_wide,
            [b'{' | b'[', after, ..] => after != 0,
            _ => false,
        };
        if is_end {
            parts.push(start..end);
            start = at;
        }
    }
    if !parts.is_empty() {
        parts.push(start..line.len());
        parts.retain(|part| !part.is_empty());
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(line: &str) -> Vec<&str> {
        let parts = parted_by_holes(line.as_bytes()).into_iter();
        parts.map(|part| &line[part]).collect()
    }

    #[test]
    fn holes_part_documents_alone() {
        assert_eq!(parts("{a}\0\0{b}"), ["{a}", "{b}"]);
        assert_eq!(parts("{a\0[b]\0\0"), ["{a", "[b]"]);
        assert_eq!(parts("{a}\0\u{feff}{b}"), ["{a}", "{b}"]);
        assert_eq!(parts("{a\0b}\0{c}"), ["{a\0b}", "{c}"]);
        for line in [
            "",
            "{a}",
            "{a\0b}",
            "{\0\"\0{\0\"\0x",
            "\0x",
            "x\0{",
            "{\0}\0",
        ] {
            assert!(parts(line).is_empty(), "{line:?}");
        }
    }
}

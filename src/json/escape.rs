//! JSON strings: finding their ends, decoding and encoding them.

use wide::u8x16;

/// Position at or after `from` of the first byte that a JSON string cannot hold as it is: a quote,
/// a backslash or a control character; the length of `text` where there is none.
#[inline]
#[must_use]
pub fn find_special(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let mask = special_mask(*block);
        if mask != 0 {
            return at + mask.trailing_zeros() as usize;
        }
        at += 16;
    }
    while let Some(byte) = text.get(at) {
        if is_special(*byte) {
            return at;
        }
        at += 1;
    }
    text.len()
}

#[inline]
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// A bit for each special byte of a block, the lowest for the first.
#[inline]
fn special_mask(block: [u8; 16]) -> u32 {
    let block = u8x16::new(block);
    let quote = block.simd_eq(u8x16::splat(b'"'));
    let backslash = block.simd_eq(u8x16::splat(b'\\'));
    // Equal to the smaller of itself and 0x1F: a control character.
    let control = block.min(u8x16::splat(0x1F)).simd_eq(block);
    (quote | backslash | control).to_bitmask()
}

/// Appends `text` as a JSON string, quotes included.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    out.push(b'"');
    let mut copied = 0;
    loop {
        let special = find_special(text, copied);
        out.extend_from_slice(&text[copied..special]);
        let Some(byte) = text.get(special) else { break };
        write_escape(out, *byte);
        copied = special + 1;
    }
    out.push(b'"');
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    match byte {
        b'"' => out.extend_from_slice(b"\\\""),
        b'\\' => out.extend_from_slice(b"\\\\"),
        b'\n' => out.extend_from_slice(b"\\n"),
        b'\r' => out.extend_from_slice(b"\\r"),
        b'\t' => out.extend_from_slice(b"\\t"),
        _ => {
            const HEX: [u8; 16] = *b"0123456789abcdef";
            out.extend_from_slice(b"\\u00");
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        }
    }
}

/// Decodes the inside of a JSON string that the parser has accepted. Half a surrogate pair becomes
/// U+FFFD: it is no character, and strict readers refuse a text that holds one.
pub(super) fn unescape(inside: &str) -> String {
    let mut decoded = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(backslash) = rest.find('\\') {
        decoded.push_str(&rest[..backslash]);
        let (character, length) = escaped_character(&rest[backslash..]);
        decoded.push(character);
        rest = &rest[backslash + length..];
    }
    decoded.push_str(rest);
    decoded
}

/// The character of the escape at the start of `text`, and the bytes that it takes.
fn escaped_character(text: &str) -> (char, usize) {
    let simple = match text.as_bytes().get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let unit = |at: usize| {
                let digits = text.get(at..at + 4)?;
                u16::from_str_radix(digits, 16).ok()
            };
            let first = unit(2).unwrap_or(0xFFFD);
            let second = if text[6.min(text.len())..].starts_with("\\u") {
                unit(8)
            } else {
                None
            };
            let pair = second.and_then(|second| {
                let mut pair = char::decode_utf16([first, second]);
                let character = pair.next()?.ok()?;
                pair.next().is_none().then_some(character)
            });
            return match pair {
                Some(character) => (character, 12),
                None => (char::from_u32(first.into()).unwrap_or('\u{FFFD}'), 6),
            };
        }
        Some(byte) => char::from(*byte),
        None => '\\',
    };
    (simple, 2.min(text.len()))
}

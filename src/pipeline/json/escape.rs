//! JSON strings: finding their ends, decoding and encoding them.

use fearless_simd::{Level, Simd, SimdBase as _, SimdInt, SimdMask as _, dispatch, u8x16};

/// Position at or after `from` of the first byte that a JSON string cannot hold as it is: a quote,
/// a backslash or a control character; the length of `text` where there is none.
#[inline]
#[must_use]
pub fn find_special(text: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(block) = text.get(at..).and_then(|rest| rest.first_chunk::<16>()) {
        let mask = special_mask(block);
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

#[inline]
fn special_mask(block: &[u8; 16]) -> u64 {
    // Most texts are short: to choose wider vectors would take longer than they save.
    dispatch!(Level::baseline(), simd => special_bits(simd, u8x16::load_array_ref(simd, block)))
}

/// A bit for each special byte, the lowest for the first.
#[inline(always)]
pub(super) fn special_bits<S: Simd, B: SimdInt<S, Element = u8>>(simd: S, bytes: B) -> u64 {
    let quote = bytes.simd_eq(B::splat(simd, b'"'));
    let backslash = bytes.simd_eq(B::splat(simd, b'\\'));
    let control = bytes.simd_le(B::splat(simd, 0x1F));
    (quote | backslash | control).to_bitmask()
}

/// The escape of a special byte, in the first bytes of so many.
#[inline]
pub(super) fn escape_of(byte: u8) -> ([u8; 6], usize) {
    const HEX: [u8; 16] = *b"0123456789abcdef";
    let short = |letter| ([b'\\', letter, 0, 0, 0, 0], 2);
    match byte {
        b'"' | b'\\' => short(byte),
        b'\n' => short(b'n'),
        b'\r' => short(b'r'),
        b'\t' => short(b't'),
        _ => {
            let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
            ([b'\\', b'u', b'0', b'0', high, low], 6)
        }
    }
}

/// Decodes the inside of a JSON string that the parser has accepted. Half a surrogate pair becomes
/// U+FFFD: it is no character, and strict readers refuse a text that holds one.
#[cold]
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

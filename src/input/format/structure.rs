//! Formats that more than a magic at their start shows.

use std::io::Read as _;

use flate2::bufread::ZlibDecoder;

/// The first block of a tar archive: its magic, or, before POSIX had one, a header whose checksum holds.
pub(super) fn is_tar(first: &[u8]) -> bool {
    const MAGIC_AT: usize = 257;
    const CHECKSUM: std::ops::Range<usize> = 148..156;
    let magic = first.get(MAGIC_AT..).unwrap_or_default();
    if magic.starts_with(b"ustar") {
        return true;
    }
    let (Some(header), Some(field)) = (first.get(..512), first.get(CHECKSUM)) else {
        return false;
    };
    let is_padding = |byte: &u8| *byte == b' ' || *byte == 0;
    let digits = field.split(is_padding).find(|digits| !digits.is_empty());
    let written = digits
        .and_then(|digits| std::str::from_utf8(digits).ok())
        .and_then(|digits| u32::from_str_radix(digits, 8).ok());
    // The field itself counts as blanks.
    let others = header.iter().enumerate();
    let others = others.filter(|(at, _)| !CHECKSUM.contains(at));
    let sum: u32 = others.map(|(_, byte)| u32::from(*byte)).sum();
    first[0] != 0 && written == Some(sum + u32::from(b' ') * 8)
}

/// A header of a cpio archive in one of its text formats: a magic, and nothing but digits behind it.
pub(super) fn is_cpio(first: &[u8]) -> bool {
    let has_digits = |header: &[u8]| header.iter().all(u8::is_ascii_hexdigit);
    match first.get(..6) {
        Some(b"070701" | b"070702") => first.get(..110).is_some_and(has_digits),
        Some(b"070707") => first.get(..76).is_some_and(has_digits),
        Some(_) | None => false,
    }
}

/// A zlib stream has no magic: a header with a check, and something that can be decompressed.
pub(super) fn is_zlib(first: &[u8]) -> bool {
    let [0x78, flags, ..] = first else {
        return false;
    };
    let has_check = u16::from_be_bytes([0x78, *flags]).is_multiple_of(31) && flags & 0x20 == 0;
    let begins = || {
        let mut text = [0; 16];
        ZlibDecoder::new(first).read(&mut text)
    };
    has_check && begins().is_ok_and(|read| read > 0)
}

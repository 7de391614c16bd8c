//! What an input is by its first bytes, where it is no text of records.
//!
//! Over 500 lines, many of them the tables of formats and their tests.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;

use flate2::bufread::ZlibDecoder;
use memchr::memmem;

use super::compression::{self, Compression, Stream};

/// What an input is to hold, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Raw audit records.
    Records,
    /// Events that this program wrote.
    Events,
}

impl InputKind {
    /// The command that reads it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Records => "normalize",
            Self::Events => "send",
        }
    }

    pub(super) fn pattern_advice(self) -> &'static str {
        match self {
            Self::Records => "; tail takes patterns itself",
            Self::Events => "",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Records => "log",
            Self::Events => "ndjson",
        }
    }
}

/// What a file format is recognised by, and how to get at the text in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Format {
    /// Bytes at the start.
    magic: &'static [u8],
    /// With its article.
    name: &'static str,
    remedy: Remedy,
}

#[derive(Debug, PartialEq, Eq)]
enum Remedy {
    /// A command that writes its stdin as text to stdout.
    Filter(&'static str),
    /// A command that writes the text in a file, whose name goes behind it, to stdout. It cannot
    /// read a pipe, so what is compressed besides goes to a file whose name ends so.
    Command(&'static str, &'static str),
    /// Decompressed by this; what is in it can be read compressed.
    Decompress(&'static str),
    /// What to do instead.
    Advice(&'static str),
}

const OTHER_FILES: Remedy = Remedy::Advice("pass audit logs, or what the REST API returned");

const fn filtered(magic: &'static [u8], name: &'static str, command: &'static str) -> Format {
    let remedy = Remedy::Filter(command);
    Format {
        magic,
        name,
        remedy,
    }
}

const fn archive(
    magic: &'static [u8],
    name: &'static str,
    command: &'static str,
    suffix: &'static str,
) -> Format {
    let remedy = Remedy::Command(command, suffix);
    Format {
        magic,
        name,
        remedy,
    }
}

const fn other(magic: &'static [u8], name: &'static str) -> Format {
    Format {
        magic,
        name,
        remedy: OTHER_FILES,
    }
}

const fn nested(name: &'static str, command: &'static str) -> Format {
    Format {
        magic: b"",
        name,
        remedy: Remedy::Decompress(command),
    }
}

const LZ4: (&str, &str) = ("compressed with lz4", "lz4 -dc");
const UTF_32: (&str, &str) = ("text in UTF-32", "iconv -f UTF-32 -t UTF-8");

/// Formats that begin with a magic; none of them begins with another.
const FORMATS: [Format; 42] = [
    archive(b"PK\x03\x04", "a zip archive", "unzip -p", ".zip"),
    other(b"PK\x05\x06", "an empty zip archive"),
    archive(b"7z\xBC\xAF\x27\x1C", "a 7z archive", "7z x -so", ".7z"),
    archive(b"Rar!\x1A\x07", "a RAR archive", "unrar p -inul", ".rar"),
    filtered(b"\x04\x22\x4D\x18", LZ4.0, LZ4.1),
    filtered(b"\x02\x21\x4C\x18", LZ4.0, LZ4.1),
    filtered(b"LZIP", "compressed with lzip", "lzip -dc"),
    filtered(b"\x5D\x00\x00", "compressed with lzma", "xz -dc"),
    filtered(b"\x1F\x9D", "compressed with compress", "gzip -dc"),
    filtered(b"\x89LZO\x00", "compressed with lzop", "lzop -dc"),
    other(b"\xFF\x06\x00\x00sNaPpY", "compressed with Snappy"),
    filtered(b"\xFF\xFE\x00\x00", UTF_32.0, UTF_32.1),
    filtered(b"\x00\x00\xFE\xFF", UTF_32.0, UTF_32.1),
    other(b"SQLite format 3\0", "an SQLite database"),
    other(b"\x7FELF", "an executable"),
    other(b"%PDF-", "a PDF document"),
    other(b"\x89PNG\r\n\x1A\n", "a PNG image"),
    other(b"\xFF\xD8\xFF", "a JPEG image"),
    other(b"GIF8", "a GIF image"),
    other(b"PAR1", "a Parquet file"),
    other(b"Obj\x01", "an Avro file"),
    other(b"ARROW1\0\0", "an Arrow file"),
    other(b"LPKSHHRH", "a systemd journal"),
    other(
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "a Microsoft Office document",
    ),
    other(b"\xCA\xFE\xBA\xBE", "a Java class or an executable"),
    other(b"\xFE\xED\xFA\xCE", "an executable"),
    other(b"\xFE\xED\xFA\xCF", "an executable"),
    other(b"\xCE\xFA\xED\xFE", "an executable"),
    other(b"\xCF\xFA\xED\xFE", "an executable"),
    other(b"MZ\x90\x00", "an executable"),
    other(b"\0asm", "a WebAssembly module"),
    other(b"!<arch>\n", "an ar archive or a Debian package"),
    other(b"!<thin>\n", "an ar archive"),
    other(b"\xED\xAB\xEE\xDB", "an RPM package"),
    other(b"\xC7\x71", "a cpio archive"),
    other(b"\x71\xC7", "a cpio archive"),
    other(b"\xD4\xC3\xB2\xA1", "a packet capture"),
    other(b"\xA1\xB2\xC3\xD4", "a packet capture"),
    other(b"\x4D\x3C\xB2\xA1", "a packet capture"),
    other(b"\xA1\xB2\x3C\x4D", "a packet capture"),
    other(b"OggS\0", "an Ogg file"),
    other(b"ID3\x03", "an MP3 file"),
];

/// Whether first bytes are of a format.
type IsOf = fn(&[u8]) -> bool;

/// Formats that more than a magic at the start shows.
const BY_STRUCTURE: [(IsOf, Format); 11] = [
    (
        |first| matches!(first, [b'{' | b'[', 0, second, 0, ..] if *second != 0),
        filtered(b"", UTF_16_UNMARKED, "iconv -f UTF-16LE -t UTF-8"),
    ),
    (
        |first| matches!(first, [0, b'{' | b'[', 0, second, ..] if *second != 0),
        filtered(b"", UTF_16_UNMARKED, "iconv -f UTF-16BE -t UTF-8"),
    ),
    (
        |first| matches!(first, [b'{' | b'[', 0, 0, 0, second, 0, 0, 0, ..] if *second != 0),
        filtered(b"", UTF_32_UNMARKED, "iconv -f UTF-32LE -t UTF-8"),
    ),
    (
        |first| matches!(first, [0, 0, 0, b'{' | b'[', 0, 0, 0, second, ..] if *second != 0),
        filtered(b"", UTF_32_UNMARKED, "iconv -f UTF-32BE -t UTF-8"),
    ),
    (is_tar, filtered(b"", "a tar archive", "tar -xOf -")),
    (is_cpio, other(b"", "a cpio archive")),
    (
        |first| {
            let order = first.get(8..12);
            first.starts_with(b"\n\r\r\n")
                && [Some(&b"\x4D\x3C\x2B\x1A"[..]), Some(b"\x1A\x2B\x3C\x4D")].contains(&order)
        },
        other(b"", "a packet capture"),
    ),
    (
        |first| first.starts_with(b"\0\0\0") && first.get(4..8) == Some(b"ftyp"),
        other(b"", "an MP4 file"),
    ),
    (
        |first| first.starts_with(b"RIFF") && first.get(8..12) == Some(b"WEBP"),
        other(b"", "a WebP image"),
    ),
    (
        |first| {
            first.starts_with(b"RIFF")
                && [Some(&b"WAVE"[..]), Some(b"AVI ")].contains(&first.get(8..12))
        },
        other(b"", "an audio or video file"),
    ),
    (is_zlib, filtered(b"", "compressed with zlib", "pigz -dc")),
];

const UTF_16_UNMARKED: &str = "text in UTF-16 without a byte order mark";
const UTF_32_UNMARKED: &str = "text in UTF-32 without a byte order mark";
/// Text in UTF-16 behind its byte order mark, where that is not decoded.
const UTF_16: Format = filtered(b"", "text in UTF-16", "iconv -f UTF-16 -t UTF-8");
/// What is still compressed after it was decompressed once.
const NESTED: [(Compression, Format); 4] = [
    (
        Compression::Gzip,
        nested("compressed with gzip", "gzip -dc"),
    ),
    (
        Compression::Zstd,
        nested("compressed with zstd", "zstd -dc"),
    ),
    (Compression::Xz, nested("compressed with xz", "xz -dc")),
    (
        Compression::Bzip2,
        nested("compressed with bzip2", "bzip2 -dc"),
    ),
];
const BINARY: Format = other(b"", "binary data");
const MAXMIND: Format = Format {
    magic: b"\xAB\xCD\xEFMaxMind.com",
    name: "a MaxMind database",
    remedy: Remedy::Advice("pass it with --geoip-city or --geoip-asn"),
};
const COMPRESSED_MAXMIND: Format = Format {
    magic: MAXMIND.magic,
    name: MAXMIND.name,
    remedy: Remedy::Advice("decompress it and pass it with --geoip-city or --geoip-asn"),
};
/// The metadata of a MaxMind database stands in so many bytes at its end.
const MAXMIND_END: usize = 128 << 10;
/// A database is smaller than this; what is larger is not decompressed to look for its end.
const LARGEST_MAXMIND: u64 = 256 << 20;

/// How many first bytes tell binary data from text.
pub const LOOKED_AT: usize = 1024;

/// What first bytes say.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// They are too few.
    Undecided,
    /// Text in UTF-8, or what is to be taken for it.
    Text,
    /// Text in UTF-16, little endian, behind its byte order mark.
    Utf16Le,
    /// The same, big endian.
    Utf16Be,
    /// No text of records.
    Foreign(&'static Format),
}

/// Recognises an input, decompressed once, by its first bytes; what could yet become a known format is
/// undecided, unless these are all.
pub(super) fn recognise(first: &[u8], is_all: bool) -> Content {
    let is_begun = |format: &&Format| first.starts_with(format.magic);
    if let Some(format) = FORMATS.iter().find(is_begun) {
        return Content::Foreign(format);
    }
    let is_beginning = |format: &Format| format.magic.starts_with(first);
    let is_mark = |mark: &[u8]| first.starts_with(mark) || mark.starts_with(first);
    let may_be_utf_16 = first.len() < 4 && (is_mark(b"\xFF\xFE") || is_mark(b"\xFE\xFF"));
    if !is_all && (FORMATS.iter().any(is_beginning) || may_be_utf_16) {
        return Content::Undecided;
    }
    // The mark alone may be damage in a line of a log; records begin with an ASCII character.
    match first {
        [0xFF, 0xFE] | [0xFF, 0xFE, 1..=0x7F, 0, ..] => return Content::Utf16Le,
        [0xFE, 0xFF] | [0xFE, 0xFF, 0, 1..=0x7F, ..] => return Content::Utf16Be,
        _ => {}
    }
    let found = BY_STRUCTURE.iter().find(|(is_of, _)| is_of(first));
    if let Some((_, format)) = found {
        return Content::Foreign(format);
    }
    let still = compression::of_first_bytes(first);
    if let Some((_, format)) = NESTED.iter().find(|(nested, _)| Some(*nested) == still) {
        return Content::Foreign(format);
    }
    if is_binary(&first[..first.len().min(LOOKED_AT)]) {
        Content::Foreign(&BINARY)
    } else {
        Content::Text
    }
}

/// What a file, decompressed once, is by its first bytes, where these are those of a known format,
/// UTF-16 among them. Not what only looks like no text: a log may be damaged.
#[must_use]
pub fn known(first: &[u8]) -> Option<&'static Format> {
    match recognise(first, false) {
        Content::Foreign(format) => (*format != BINARY).then_some(format),
        Content::Utf16Le | Content::Utf16Be => Some(&UTF_16),
        Content::Undecided | Content::Text => None,
    }
}

/// As [`known`], of an input of which `first` may be all, or binary data of no known format.
#[must_use]
pub fn foreign(first: &[u8], is_all: bool) -> Option<&'static Format> {
    match recognise(first, is_all) {
        Content::Foreign(format) => Some(format),
        Content::Utf16Le | Content::Utf16Be => Some(&UTF_16),
        Content::Undecided | Content::Text => None,
    }
}

/// Whether bytes are no text: more control characters than a log has that was torn or overwritten.
/// NUL bytes do not count, since a crash may leave them in a log.
fn is_binary(first: &[u8]) -> bool {
    let is_control = |byte: &&u8| matches!(byte, 1..=8 | 14..=26 | 28..=31 | 127);
    let some = first.iter().filter(|byte| **byte != 0).count();
    let controls = first.iter().filter(is_control).count();
    controls * 8 > some && memmem::find(first, b"{\"").is_none()
}

/// The first block of a tar archive: its magic, or, before POSIX had one, a header whose checksum holds.
fn is_tar(first: &[u8]) -> bool {
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
fn is_cpio(first: &[u8]) -> bool {
    let has_digits = |header: &[u8]| header.iter().all(u8::is_ascii_hexdigit);
    match first.get(..6) {
        Some(b"070701" | b"070702") => first.get(..110).is_some_and(has_digits),
        Some(b"070707") => first.get(..76).is_some_and(has_digits),
        Some(_) | None => false,
    }
}

/// A zlib stream has no magic: a header with a check, and something that can be decompressed.
fn is_zlib(first: &[u8]) -> bool {
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

/// Whether a file is a MaxMind database, which only its end shows.
fn is_maxmind(file: &File) -> bool {
    let Ok(metadata) = file.metadata() else {
        return false;
    };
    if !metadata.is_file() {
        return false;
    }
    let length = metadata.len().min(MAXMIND_END as u64);
    let mut end = vec![0; usize::try_from(length).unwrap_or_default()];
    let read = file.read_exact_at(&mut end, metadata.len() - length);
    read.is_ok() && memmem::find(&end, MAXMIND.magic).is_some()
}

/// As [`is_maxmind`], of a compressed file.
fn is_compressed_maxmind(file: &File) -> io::Result<bool> {
    if !file.metadata()?.is_file() {
        return Ok(false);
    }
    let mut content = Stream::detect(file)?.take(LARGEST_MAXMIND);
    let (mut end, mut piece) = (Vec::new(), vec![0; MAXMIND_END]);
    loop {
        let read = content.read(&mut piece)?;
        if read == 0 {
            return Ok(memmem::find(&end, MAXMIND.magic).is_some());
        }
        end.extend_from_slice(&piece[..read]);
        end.drain(..end.len().saturating_sub(MAXMIND_END));
    }
}

impl Format {
    /// It, or what it is by the end of its file, plain or `compressed`.
    pub(super) fn of_file(
        &'static self,
        file: Option<&File>,
        compressed: Option<&File>,
    ) -> &'static Self {
        if *self != BINARY {
            self
        } else if file.is_some_and(is_maxmind) {
            &MAXMIND
        } else if compressed.is_some_and(|file| is_compressed_maxmind(file).unwrap_or(false)) {
            &COMPRESSED_MAXMIND
        } else {
            self
        }
    }

    /// What it is, in a file that is compressed so.
    #[must_use]
    pub fn described(&self, outer: Compression) -> String {
        let name = self.name;
        match outer.name() {
            None => name.to_owned(),
            Some(outer) if name.starts_with("compressed") => {
                format!("a file {name} inside one compressed with {outer}")
            }
            Some(outer) => format!("{name} inside a file compressed with {outer}"),
        }
    }

    /// A command that writes the text of a file, quoted for the shell, to stdout; or else what to do.
    ///
    /// # Errors
    /// What to do, where no command makes it text.
    pub fn to_text(&self, file: &str, outer: Compression) -> Result<String, &'static str> {
        let unwrap = outer.name().map(|outer| format!("{outer} -dc < {file}"));
        Ok(match (&self.remedy, unwrap) {
            (Remedy::Filter(command) | Remedy::Decompress(command), None) => {
                format!("{command} < {file}")
            }
            (Remedy::Filter(command), Some(unwrap)) => format!("{unwrap} | {command}"),
            (Remedy::Command(command, _), None) => format!("{command} {file}"),
            (Remedy::Command(command, suffix), Some(unwrap)) => {
                format!("{unwrap} > {file}{suffix} && {command} {file}{suffix}")
            }
            (Remedy::Decompress(_), Some(unwrap)) => unwrap,
            (Remedy::Advice(advice), _) => return Err(advice),
        })
    }

    /// What it is, and what to do with a file, quoted for the shell, that is to hold that.
    #[must_use]
    pub fn and_remedy(&self, file: &str, outer: Compression, kind: InputKind) -> String {
        let name = self.described(outer);
        let reader = kind.command();
        match (self.to_text(file, outer), kind) {
            (Ok(command), _) => format!("{name}: use `{command} | confluence-ecs {reader}`"),
            (Err(advice), InputKind::Records) => format!("{name}, not a log: {advice}"),
            (Err(_), InputKind::Events) => {
                format!("{name}: pass events that this program wrote")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_bytes_of_text_decide_at_once() {
        for text in [
            &b"{"[..],
            b"[",
            b"\n",
            b"nonsense",
            b"\xEF",
            b"\xEF\xBB\xBF{",
            b"\0\0\0{\"a\":1}",
            b"{\"a\0\0\0{\"creationDate\":1}",
            b"PL",
            b"\x1b[32m{\x1b[0m",
            b"caf\xE9",
        ] {
            assert_eq!(recognise(text, false), Content::Text, "{text:?}");
        }
        assert_eq!(recognise(b"\xFF\xFE{\0", false), Content::Utf16Le);
        assert_eq!(recognise(b"\xFE\xFF\0{", false), Content::Utf16Be);
    }

    #[test]
    fn every_format_is_recognised_by_its_magic_alone() {
        for format in &FORMATS {
            for length in 0..format.magic.len() {
                let begins = recognise(&format.magic[..length], false);
                assert_eq!(begins, Content::Undecided, "{}", format.name);
            }
            assert_eq!(recognise(format.magic, false), Content::Foreign(format));
        }
    }
}

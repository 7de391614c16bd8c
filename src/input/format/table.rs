//! The formats that an input may be of in place of text, and what to do with each.

use super::structure::{is_cpio, is_tar, is_zlib};
use crate::input::compression::Compression;

/// What a file format is recognised by, and how to get at the text in it.
#[derive(Debug, PartialEq, Eq)]
pub struct Format {
    /// Bytes at the start.
    pub(super) magic: &'static [u8],
    /// With its article.
    pub(super) name: &'static str,
    pub(super) remedy: Remedy,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Remedy {
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

const fn encrypted(magic: &'static [u8]) -> Format {
    Format {
        magic,
        name: "an encrypted file",
        remedy: Remedy::Advice("decrypt it, and pass the audit log that is in it"),
    }
}

const LZ4: (&str, &str) = ("compressed with lz4", "lz4 -dc");
const UTF_32: (&str, &str) = ("text in UTF-32", "iconv -f UTF-32 -t UTF-8");

/// Formats that begin with a magic; none of them begins with another.
pub(super) const FORMATS: [Format; 48] = [
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
    other(b"ElfFile\0", "a Windows event log"),
    encrypted(b"Salted__"),
    encrypted(b"\x8C\x0D\x04"),
    encrypted(b"\x85\x01"),
    encrypted(b"\x85\x02"),
    encrypted(b"age-encryption.org/"),
];

/// Whether first bytes are of a format.
type IsOf = fn(&[u8]) -> bool;

/// Formats that more than a magic at the start shows.
pub(super) const BY_STRUCTURE: [(IsOf, Format); 11] = [
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
pub(super) const UTF_16: Format = filtered(b"", "text in UTF-16", "iconv -f UTF-16 -t UTF-8");
/// What is still compressed after it was decompressed once.
pub(super) const NESTED: [(Compression, Format); 4] = [
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
pub(super) const BINARY: Format = other(b"", "binary data");
pub(super) const MAXMIND: Format = Format {
    magic: b"\xAB\xCD\xEFMaxMind.com",
    name: "a MaxMind database",
    remedy: Remedy::Advice("pass it with --geoip-city or --geoip-asn"),
};
pub(super) const COMPRESSED_MAXMIND: Format = Format {
    magic: MAXMIND.magic,
    name: MAXMIND.name,
    remedy: Remedy::Advice("decompress it and pass it with --geoip-city or --geoip-asn"),
};

//! What an input is by its first bytes, where it is no text of records.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use memchr::memmem;

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
    /// A command that writes the text to stdout; the file's name goes behind it.
    Command(&'static str),
    /// What to do instead.
    Advice(&'static str),
}

const OTHER_FILES: Remedy = Remedy::Advice("pass audit logs, or what the REST API returned");

const fn format(magic: &'static [u8], name: &'static str, command: &'static str) -> Format {
    let remedy = Remedy::Command(command);
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

const FORMATS: [Format; 24] = [
    format(b"PK\x03\x04", "a zip archive", "unzip -p"),
    other(b"PK\x05\x06", "an empty zip archive"),
    format(b"7z\xBC\xAF\x27\x1C", "a 7z archive", "7z x -so"),
    format(b"Rar!\x1A\x07", "a RAR archive", "unrar p -inul"),
    format(b"\x04\x22\x4D\x18", "compressed with lz4", "lz4 -dc"),
    format(b"LZIP", "compressed with lzip", "lzip -dc"),
    format(b"\x5D\x00\x00", "compressed with lzma", "xz -dc"),
    format(b"\x1F\x9D", "compressed with compress", "gzip -dc"),
    format(b"\x89LZO\x00", "compressed with lzop", "lzop -dc"),
    other(b"\xFF\x06\x00\x00sNaPpY", "compressed with Snappy"),
    format(
        b"\xFF\xFE\x00\x00",
        "text in UTF-32",
        "iconv -f UTF-32 -t UTF-8",
    ),
    format(
        b"\x00\x00\xFE\xFF",
        "text in UTF-32",
        "iconv -f UTF-32 -t UTF-8",
    ),
    other(b"SQLite format 3\0", "an SQLite database"),
    other(b"\x7FELF", "an executable"),
    other(b"%PDF-", "a PDF document"),
    other(b"\x89PNG\r\n\x1A\n", "a PNG image"),
    other(b"\xFF\xD8\xFF", "a JPEG image"),
    other(b"GIF8", "a GIF image"),
    other(b"PAR1", "a Parquet file"),
    other(b"Obj\x01", "an Avro file"),
    other(b"LPKSHHRH", "a systemd journal"),
    other(
        b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1",
        "a Microsoft Office document",
    ),
    other(b"\xCA\xFE\xBA\xBE", "a Java class or an executable"),
    other(b"MZ\x90\x00", "an executable"),
];

const TAR: Format = format(b"ustar", "a tar archive", "tar -xOf");
/// Where [`TAR`] has its magic.
const TAR_AT: usize = 257;
const UTF_16_LE: Format = format(
    b"",
    "text in UTF-16 without a byte order mark",
    "iconv -f UTF-16LE -t UTF-8",
);
const UTF_16_BE: Format = format(
    b"",
    "text in UTF-16 without a byte order mark",
    "iconv -f UTF-16BE -t UTF-8",
);
const BINARY: Format = other(b"", "binary data");
const MAXMIND: Format = Format {
    magic: b"\xAB\xCD\xEFMaxMind.com",
    name: "a MaxMind database",
    remedy: Remedy::Advice("pass it with --geoip-city or --geoip-asn"),
};
/// The metadata of a MaxMind database stands in so many bytes at its end.
const MAXMIND_END: usize = 128 << 10;

/// How many first bytes tell binary data from text.
pub(super) const LOOKED_AT: usize = 1024;

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

/// Recognises an input by its first bytes; what could yet become a known format is undecided,
/// unless these are all.
pub(super) fn recognise(first: &[u8], is_all: bool) -> Content {
    let found = FORMATS
        .iter()
        .find(|format| first.starts_with(format.magic));
    if let Some(format) = found {
        return Content::Foreign(format);
    }
    let is_beginning = |format: &Format| format.magic.starts_with(first);
    if !is_all && (FORMATS.iter().any(is_beginning) || b"\xFE".starts_with(first)) {
        return Content::Undecided;
    }
    match first {
        [0xFF, 0xFE, ..] => return Content::Utf16Le,
        [0xFE, 0xFF, ..] => return Content::Utf16Be,
        [b'{' | b'[', 0, second, 0, ..] if *second != 0 => return Content::Foreign(&UTF_16_LE),
        [0, b'{' | b'[', 0, second, ..] if *second != 0 => return Content::Foreign(&UTF_16_BE),
        _ => {}
    }
    let magic = first.get(TAR_AT..).unwrap_or_default();
    if magic.starts_with(TAR.magic) {
        Content::Foreign(&TAR)
    } else if is_binary(&first[..first.len().min(LOOKED_AT)]) {
        Content::Foreign(&BINARY)
    } else {
        Content::Text
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

impl Format {
    /// It, or what it is by the end of its file.
    pub(super) fn of_file(&'static self, file: Option<&File>) -> &'static Self {
        if *self == BINARY && file.is_some_and(is_maxmind) {
            return &MAXMIND;
        }
        self
    }

    /// What it is, and what to do with a file of that name, quoted for the shell.
    pub(super) fn and_remedy(&self, file: &str, kind: InputKind) -> String {
        let name = self.name;
        match (&self.remedy, kind) {
            (Remedy::Command(command), _) => {
                let reader = kind.command();
                format!("{name}: use `{command} {file} | confluence-ecs {reader}`")
            }
            (Remedy::Advice(advice), InputKind::Records) => {
                format!("{name}, not a log: {advice}")
            }
            (Remedy::Advice(_), InputKind::Events) => {
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

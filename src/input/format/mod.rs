//! What an input is by its first bytes, where it is no text of records.

mod maxmind;
mod structure;
mod table;

use std::fs::File;

use memchr::memmem;

use super::compression::{self, Compression};

pub use self::table::Format;
use self::table::{
    BINARY, BY_STRUCTURE, COMPRESSED_MAXMIND, FORMATS, MAXMIND, NESTED, Remedy, UTF_16,
};

/// What an input is to hold, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputKind {
    /// Raw audit records.
    Records,
    /// Events that this program wrote.
    Events,
    /// Either, for a report.
    Reported,
}

impl InputKind {
    /// The command that reads it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::Records => "normalize",
            Self::Events => "send",
            Self::Reported => "report",
        }
    }

    pub(super) fn pattern_advice(self) -> &'static str {
        match self {
            Self::Records => "; tail and report take patterns themselves",
            Self::Events | Self::Reported => "",
        }
    }

    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Records | Self::Reported => "log",
            Self::Events => "ndjson",
        }
    }
}

/// How many first bytes tell binary data from text.
pub const LOOKED_AT: usize = 1024;

/// NUL bytes alone are no log, but a crash may leave any number of them before a log's first line: so many are
/// waited through.
const MOST_NULS: usize = 1 << 20;

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
    let nuls = first.iter().take_while(|byte| **byte == 0).count();
    let text = &first[nuls..];
    if nuls > 0 && text.is_empty() {
        return match (is_all, nuls < MOST_NULS) {
            (true, _) => Content::Foreign(&BINARY),
            (false, true) => Content::Undecided,
            (false, false) => Content::Text,
        };
    }
    if is_binary(&text[..text.len().min(LOOKED_AT)]) {
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

/// Whether bytes are no text: more control characters, or in more than one place NUL bytes, than a log has that
/// was torn or overwritten. One run of NUL bytes does not count, since a crash may leave it in a log; nor do some
/// bytes that are no UTF-8, since there are other encodings, in which control characters are as rare.
fn is_binary(first: &[u8]) -> bool {
    const RUNS: usize = 3;
    let is_control = |byte: &&u8| matches!(byte, 1..=8 | 14..=26 | 28..=31 | 127);
    let some = first.iter().filter(|byte| **byte != 0).count();
    let controls = first.iter().filter(is_control).count();
    let runs = first.split(|byte| *byte != 0);
    let runs = runs.filter(|nuls| !nuls.is_empty()).count();
    let invalid = first.utf8_chunks().map(|chunk| chunk.invalid().len());
    let is_encoded = (controls + runs) * 32 > some && invalid.sum::<usize>() * 8 > some;
    let begins_key = |at: usize| first.get(at + 2).is_none_or(u8::is_ascii_alphabetic);
    let has_object = memmem::find_iter(first, b"{\"").any(begins_key);
    (controls * 8 > some || runs >= RUNS || is_encoded) && !has_object
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
        } else if file.is_some_and(maxmind::is_maxmind) {
            &MAXMIND
        } else if compressed.is_some_and(maxmind::is_compressed_maxmind) {
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
            (Err(advice), InputKind::Records | InputKind::Reported) => {
                format!("{name}, not a log: {advice}")
            }
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
            b"a line\n\0\0\0\0another\x01 line\n",
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

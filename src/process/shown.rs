//! Paths as text: for people, for the state, and for events.

use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

/// How names from outside are printed: what would move the cursor, forge a line or is no text is
/// escaped (`\x1b`, `\u{202e}`, `\xff`), and so is a backslash, so that no two names look the same.
pub trait Shown {
    /// The name, to be printed.
    fn shown(&self) -> Escaped<'_>;
}

impl<T: AsRef<OsStr> + ?Sized> Shown for T {
    fn shown(&self) -> Escaped<'_> {
        Escaped(self.as_ref())
    }
}

/// A name that prints without harm.
#[derive(Debug, Clone, Copy)]
pub struct Escaped<'a>(&'a OsStr);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_bytes().utf8_chunks() {
            for character in chunk.valid().chars() {
                match character {
                    '\\' => f.write_str("\\\\")?,
                    _ if is_unprintable(character) => write_escape(f, character)?,
                    _ => f.write_char(character)?,
                }
            }
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

/// Writes how a character is printed that is not seen: `\x1b`, `\u{202e}`.
///
/// # Errors
/// When `out` fails.
pub fn write_escape(out: &mut impl fmt::Write, character: char) -> fmt::Result {
    if character.is_ascii() {
        write!(out, "\\x{:02x}", u32::from(character))
    } else {
        write!(out, "{}", character.escape_unicode())
    }
}

/// A path as an argument that a shell takes as it is; `FILE` for one that cannot be shown.
#[must_use]
pub fn quoted_for_shell(path: &Path) -> String {
    let Some(text) = path.to_str().filter(|text| !text.contains(is_unprintable)) else {
        return "FILE".to_owned();
    };
    // A command would take it for a flag.
    let is_like_flag = text.starts_with('-') && text != "-";
    let text = &*if is_like_flag {
        format!("./{text}")
    } else {
        text.to_owned()
    };
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+,:@%=".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Characters that a reader does not see, or that change the line or the direction of what stands around them: control
/// characters, those that Unicode lets a display leave out (`Default_Ignorable_Code_Point` of its character database, among
/// them soft hyphens, fillers, variation selectors and tags), ends of lines and paragraphs, marks of annotations, and the
/// braille pattern without dots, which is no blank to programs.
#[must_use]
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'..='\u{1160}'
                | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// A name as text from which it can be made again. No name holds a NUL byte, so that it can lead an
/// escaped byte without any other name looking different from what it is.
#[must_use]
pub fn to_saved(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            let _ = write!(text, "\0{byte:02x}");
        }
    }
    text
}

/// The name that [`to_saved`] made this text of.
#[must_use]
pub fn from_saved(text: &str) -> OsString {
    let mut parts = text.split('\0');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).map(|digits| u8::from_str_radix(digits, 16));
        match byte {
            Some(Ok(byte)) => {
                bytes.push(byte);
                bytes.extend_from_slice(&part.as_bytes()[2..]);
            }
            Some(Err(_)) | None => bytes.extend_from_slice(part.as_bytes()),
        }
    }
    OsString::from_vec(bytes)
}

/// For `#[serde(with)]`: a path in the state.
pub mod saved_path {
    use super::{Path, PathBuf, from_saved, to_saved};
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Serializes it as text.
    ///
    /// # Errors
    /// When the serializer does.
    pub fn serialize<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_saved(path.as_os_str()))
    }

    /// Deserializes it from text.
    ///
    /// # Errors
    /// When the value is not a string.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(from_saved(&text).into())
    }
}

/// For `#[serde(with)]`: a name or path in the state, if there is one.
pub mod saved_name {
    use super::{OsStr, OsString, from_saved, to_saved};
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    /// Serializes it as text.
    ///
    /// # Errors
    /// When the serializer does.
    #[expect(clippy::ref_option, reason = "as serde calls it")]
    pub fn serialize<S: Serializer, N: AsRef<OsStr>>(
        name: &Option<N>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = name.as_ref().map(|name| to_saved(name.as_ref()));
        text.serialize(serializer)
    }

    /// Deserializes it from text.
    ///
    /// # Errors
    /// When it is neither text nor null.
    pub fn deserialize<'de, D: Deserializer<'de>, N: From<OsString>>(
        deserializer: D,
    ) -> Result<Option<N>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        Ok(text.map(|text| from_saved(&text).into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn shown(name: &[u8]) -> String {
        OsStr::from_bytes(name).shown().to_string()
    }

    #[test]
    fn ordinary_names_are_shown_as_they_are() {
        for name in ["/var/log/a b.log", "журнал.log", "café", "日志", "👩.log"] {
            assert_eq!(shown(name.as_bytes()), name);
        }
    }

    #[test]
    fn what_would_do_harm_is_escaped() {
        assert_eq!(shown(b"a\x1b[31m\n\xff"), "a\\x1b[31m\\x0a\\xff");
        assert_eq!(shown("\u{9b}\u{202e}gol".as_bytes()), "\\u{9b}\\u{202e}gol");
        assert_eq!(shown(b"\\x1b"), "\\\\x1b");
        assert_eq!(shown("a\u{ad}\u{e0041}b".as_bytes()), "a\\u{ad}\\u{e0041}b");
    }

    #[test]
    fn a_shell_takes_quoted_names_as_they_are() {
        for (name, quoted) in [
            ("/var/log/a-1.log", "/var/log/a-1.log"),
            ("a b.log", "'a b.log'"),
            ("it's", r"'it'\''s'"),
            ("a\n", "FILE"),
        ] {
            assert_eq!(quoted_for_shell(Path::new(name)), quoted);
        }
    }

    #[test]
    fn the_state_has_ordinary_names_as_they_are() {
        for name in ["/var/log/a%41\\x41.log", "журнал.log", ""] {
            assert_eq!(to_saved(OsStr::new(name)), name);
            assert_eq!(from_saved(name), name);
        }
        assert_eq!(to_saved(OsStr::from_bytes(b"a\xff1")), "a\0ff1");
    }

    proptest! {
        #[test]
        fn any_name_is_shown_in_one_line_of_its_own(name: Vec<u8>, other: Vec<u8>) {
            let text = shown(&name);
            prop_assert!(!text.contains(char::is_control));
            prop_assert_eq!(name == other, text == shown(&other));
        }

        #[test]
        fn any_name_is_saved(name in vec(1..=255_u8, 0..30)) {
            let name = OsString::from_vec(name);
            prop_assert_eq!(from_saved(&to_saved(&name)), name);
        }

        #[test]
        fn any_text_is_read_as_some_name(text: String) {
            let _ = from_saved(&text);
        }
    }
}

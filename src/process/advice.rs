//! Commands of this program, as messages advise them: they can be pasted into a shell as they stand.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::{PoisonError, RwLock};

/// The state directory of this process, where a shell of the user would choose another one.
static STATE_DIR: RwLock<Option<OsString>> = RwLock::new(None);

/// Takes note of the state directory; none if it is the one that every process of the user has.
pub fn set_state_dir(directory: Option<&Path>) {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let directory = directory.map(|path| absolute(path).into_os_string());
    *STATE_DIR.write().unwrap_or_else(PoisonError::into_inner) = directory;
}

/// A command of this program that takes `--state-dir`, with that of this process where it is needed.
#[must_use]
pub fn command<W: AsRef<OsStr>>(words: &[W]) -> String {
    let mut text = without_state(words);
    let directory = STATE_DIR.read().unwrap_or_else(PoisonError::into_inner);
    if let Some(directory) = &*directory {
        text.push_str(" --state-dir ");
        text.push_str(&quoted(directory));
    }
    text
}

/// A command of this program that has no state.
#[must_use]
pub fn without_state<W: AsRef<OsStr>>(words: &[W]) -> String {
    let mut text = "confluence-ecs".to_owned();
    for word in words {
        text.push(' ');
        text.push_str(&quoted(word.as_ref()));
    }
    text
}

/// A word as a shell reads it back.
#[must_use]
pub fn quoted(word: &OsStr) -> Cow<'_, str> {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "-_./:@%+=,".contains(character);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => Cow::Borrowed(text),
        Some(text) if text.chars().all(is_printable) => {
            Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
        }
        Some(_) | None => Cow::Owned(escaped(word.as_bytes())),
    }
}

/// Letters of any language are; what moves the cursor or turns the direction of a line is not.
fn is_printable(character: char) -> bool {
    (' '..='~').contains(&character) || character.is_alphanumeric()
}

/// `$'…'`, as bash, ksh and zsh read it.
fn escaped(bytes: &[u8]) -> String {
    let mut text = "$'".to_owned();
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => {
                text.push('\\');
                text.push(char::from(*byte));
            }
            b' '..=b'~' => text.push(char::from(*byte)),
            byte => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_would_read_something_else() {
        for (word, expected) in [
            ("https://acme.atlassian.net", "https://acme.atlassian.net"),
            ("", "''"),
            ("a b", "'a b'"),
            ("https://h?search=x", "'https://h?search=x'"),
            ("it's", r"'it'\''s'"),
            ("$(reboot)", "'$(reboot)'"),
            ("Übung", "'Übung'"),
            ("a\nb", r"$'a\x0ab'"),
            ("\u{202e}'", r"$'\xe2\x80\xae\''"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), expected);
        }
        assert_eq!(quoted(OsStr::from_bytes(b"\xff")), r"$'\xff'");
    }
}

//! JSON for stdout: a terminal gets nothing in it that is not seen, and whatever else reads it gets texts as they are. The
//! value is the same.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, stdout};

use serde::Serialize;

use super::shown::is_unprintable;

/// A value as JSON on one line, which is not ended.
///
/// # Errors
/// When the value has no JSON.
pub fn line(value: &impl Serialize) -> io::Result<String> {
    Ok(for_stdout(serde_json::to_string(value)?))
}

/// A value as indented JSON, with a line end.
///
/// # Errors
/// When the value has no JSON.
pub fn pretty(value: &impl Serialize) -> io::Result<String> {
    Ok(for_stdout(serde_json::to_string_pretty(value)? + "\n"))
}

fn for_stdout(json: String) -> String {
    if !stdout().is_terminal() {
        return json;
    }
    // Line ends stand between values alone: in strings they are escapes already.
    escaped(&json, |character| {
        character != '\n' && is_unprintable(character)
    })
}

/// JSON of the same value with escapes, `\u202e`, for the characters that are to be escaped: they must occur only
/// inside strings.
#[must_use]
pub fn escaped(json: &str, is_escaped: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if is_escaped(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // A string takes everything.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

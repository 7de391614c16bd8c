//! The report as data in a page, for its script and for whoever takes it out again.

use std::fmt::Write as _;

use crate::process::shown::is_unprintable;
use crate::report::summary::Summary;

/// What `--json` prints, so that it can stand in a `script` element: no text in it ends the element, opens a comment or
/// changes how the source of the page reads.
#[must_use]
pub fn json(summary: &Summary) -> String {
    // Texts and numbers have no value that JSON lacks.
    let json = serde_json::to_string(summary).unwrap_or_default();
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        // They stand in strings only, so that each can be its escape.
        if matches!(character, '<' | '>' | '&') || is_unprintable(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

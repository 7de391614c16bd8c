//! The report as data in a page, for its script and for whoever takes it out again.

use crate::process::json::escaped;
use crate::process::shown::is_unprintable;
use crate::report::summary::Summary;

/// What `--json` prints, so that it can stand in a `script` element: no text in it ends the element, opens a comment or
/// changes how the source of the page reads.
#[must_use]
pub fn json(summary: &Summary) -> String {
    // Texts and numbers have no value that JSON lacks.
    let json = serde_json::to_string(summary).unwrap_or_default();
    // They stand in strings only.
    escaped(&json, |character| {
        matches!(character, '<' | '>' | '&') || is_unprintable(character)
    })
}

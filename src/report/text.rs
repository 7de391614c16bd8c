//! Texts of records, of a length that can be kept.

use std::borrow::Cow;

use super::summary::{LONGEST_RECORD, LONGEST_TEXT};

/// A text of at most [`LONGEST_TEXT`] bytes and `…`. Texts that begin alike for so long count as one.
#[must_use]
pub fn shortened(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.len() <= LONGEST_TEXT {
        return text;
    }
    Cow::Owned(format!("{}…", beginning(&text, LONGEST_TEXT)))
}

/// The beginning of a record, and whether its end was cut.
#[must_use]
pub fn beginning_of_record(record: &str) -> (String, bool) {
    let kept = beginning(record, LONGEST_RECORD);
    (kept.to_owned(), kept.len() < record.len())
}

/// A time to the minute, `2026-01-31 12:34`.
#[must_use]
pub fn minute(time: &str) -> String {
    time.get(..16).unwrap_or(time).replace('T', " ")
}

/// At most so many bytes of a text, whole characters.
fn beginning(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

//! Texts that no spreadsheet takes for a formula ("CSV injection").

use std::borrow::Cow;

use crate::process::shown::is_unprintable;

/// What a formula begins with, in the full-width and small forms of East Asian input too.
const FORMULA: [char; 12] = [
    '=', '+', '-', '@', '＝', '＋', '－', '＠', '﹦', '﹢', '﹣', '﹫',
];
/// Behind these a spreadsheet may begin a cell in the middle of a text: in a locale whose delimiter is the semicolon, Excel
/// does not know that the text is quoted.
const DELIMITERS: [char; 4] = [';', '\t', '\r', '\n'];
/// What some programs strip from the beginning of a cell.
const STRIPPED: [char; 3] = ['\t', '\r', '\n'];

/// The text with a `'` wherever a cell with a formula could begin: spreadsheets show what is behind it as text.
pub(super) fn harmless(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_harmful = text.starts_with(STRIPPED) || segments(&text).any(begins_formula);
    if !is_harmful {
        return text;
    }
    let mut out = String::with_capacity(text.len() + 2);
    if text.starts_with(STRIPPED) {
        out.push('\'');
    }
    for segment in segments(&text) {
        if begins_formula(segment) {
            out.push('\'');
        }
        out.push_str(segment);
    }
    Cow::Owned(out)
}

/// The parts of a text that could each be a cell.
fn segments(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(DELIMITERS)
}

/// Whether a formula begins there, behind what a spreadsheet may leave out.
fn begins_formula(segment: &str) -> bool {
    let is_left_out = |character: char| {
        character == '"' || character.is_whitespace() || is_unprintable(character)
    };
    segment.trim_start_matches(is_left_out).starts_with(FORMULA)
}

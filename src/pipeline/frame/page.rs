//! Where an answer of the API begins directly behind one that was cut off, on the same line.
//!
//! Within a string each quote would have a backslash before it, so no string of a document holds these
//! texts.

use memchr::memmem;

/// How answers begin, as the servers write them.
const OPENINGS: [&[u8]; 4] = [
    b"{\"results\":[",
    b"{\"entities\":[",
    b"{\"pagingInfo\":{",
    b"{\"data\":[",
];

/// Whether a page begins somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opening {
    /// There.
    At(usize),
    /// Perhaps there: the text ends too early.
    Perhaps(usize),
    No,
}

/// Whether a page begins just there in a text.
pub(super) fn page_at(text: &[u8], at: usize) -> Opening {
    let text = &text[at..];
    if OPENINGS.iter().any(|opening| text.starts_with(opening)) {
        Opening::At(at)
    } else if OPENINGS.iter().any(|opening| opening.starts_with(text)) {
        Opening::Perhaps(at)
    } else {
        Opening::No
    }
}

/// Whether a page begins just before the quote at `at`, which would end a string.
pub(super) fn page_ending_string(text: &[u8], at: usize) -> Opening {
    match at.checked_sub(1) {
        Some(before) if text[before] == b'{' => page_at(text, before),
        _ => Opening::No,
    }
}

/// Where in a text the first page begins.
pub(super) fn find_page(text: &[u8]) -> Opening {
    let found = OPENINGS
        .iter()
        .filter_map(|opening| memmem::find(text, opening));
    if let Some(at) = found.min() {
        return Opening::At(at);
    }
    let longest = OPENINGS
        .iter()
        .map(|opening| opening.len())
        .max()
        .unwrap_or_default();
    let ends = text.len().saturating_sub(longest)..text.len();
    let mut perhaps = ends.filter(|at| page_at(text, *at) != Opening::No);
    perhaps.next().map_or(Opening::No, Opening::Perhaps)
}

//! The `_id` of an event in a cluster: the same for the same record, however often it is sent
//! (docs/elasticsearch.md, "Document ids").

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// What is hashed begins with the name and version of the recipe.
const RECIPE: &str = "confluence-ecs id 1";
/// An id begins with the version of its recipe.
const VERSION: u8 = b'1';
/// Bytes of the SHA-256 that are kept: 144 bits, a multiple of three so that base64 needs no padding.
const HASHED: usize = 18;
/// Length of an id: the version, and the hash in base64url.
const LENGTH: usize = 1 + HASHED / 3 * 4;

/// What precedes an `_id` in its line.
pub const BEFORE_ID: &[u8] = br#"{"create":{"_id":""#;

/// What precedes the data stream behind it, if the line names one; no name of one needs an escape.
pub const BEFORE_INDEX: &[u8] = br#"","_index":""#;

/// An `_id`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EventId([u8; LENGTH]);

impl EventId {
    /// It as text, of ASCII letters, digits, `-` and `_`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl fmt::Debug for EventId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// What an id says of where a record came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum IdSource {
    /// A followed log, by the identity that `tail` gave it; positions are byte offsets.
    Log(String),
    /// A pipe or a file that ends, by its name; positions are byte offsets.
    Stream(String),
    /// An API, by its site; positions are ordinals among equal records of an instant.
    Api(String),
    /// An organization, by its id; its events have ids of their own, so that all positions are 0.
    Organization(String),
    /// Events themselves; positions are ordinals among equal events.
    Events,
}

impl IdSource {
    /// The id of a record at a position of this source.
    #[must_use]
    pub fn id(&self, position: u64, record: &[u8]) -> EventId {
        let (kind, name) = match self {
            Self::Log(identity) => ("log", identity.as_str()),
            Self::Stream(name) => ("stream", name.as_str()),
            Self::Api(site) => ("api", site.as_str()),
            Self::Organization(id) => ("org", id.as_str()),
            Self::Events => ("event", ""),
        };
        let mut hash = Sha256::new();
        let position = position.to_string();
        // NUL is in no name, so that no two lists of parts give one text.
        for part in [RECIPE, kind, name, &position] {
            hash.update(part);
            hash.update([0]);
        }
        hash.update(record);
        let digest = hash.finalize();
        let mut id = [VERSION; LENGTH];
        // The length fits: encoding cannot fail.
        let _ = URL_SAFE_NO_PAD.encode_slice(&digest[..HASHED], &mut id[1..]);
        EventId(id)
    }
}

/// Appends the line that precedes an event in a body for `_bulk`. `index` is the data stream that it is
/// for; empty: that of most events, which the request names.
pub fn write_action(out: &mut Vec<u8>, id: &EventId, index: &str) {
    write_action_of(out, id.as_str(), index);
}

/// The same with an id that was read, as it stands in JSON.
pub fn write_action_of(out: &mut Vec<u8>, id: &str, index: &str) {
    out.extend_from_slice(BEFORE_ID);
    out.extend_from_slice(id.as_bytes());
    if !index.is_empty() {
        out.extend_from_slice(BEFORE_INDEX);
        out.extend_from_slice(index.as_bytes());
    }
    out.extend_from_slice(b"\"}}\n");
}

/// Whether a line is one that [`write_action`] writes.
#[must_use]
pub fn is_action(line: &[u8]) -> bool {
    line.starts_with(BEFORE_ID)
}

/// Whether a line is the beginning of one, and breaks off.
#[must_use]
pub fn begins_action(line: &[u8]) -> bool {
    !line.is_empty() && (is_action(line) || BEFORE_ID.starts_with(line))
}

/// How much of the beginning of lines are whole events: an action line is one with its event.
#[must_use]
pub fn whole_events(lines: &[u8]) -> usize {
    let line_end = |lines: &[u8]| memchr::memrchr(b'\n', lines).map_or(0, |end| end + 1);
    let whole = line_end(lines);
    let last = line_end(&lines[..whole.saturating_sub(1)]);
    if is_action(&lines[last..whole]) {
        last
    } else {
        whole
    }
}

/// How many whole events there are in lines.
#[must_use]
pub fn count_events(lines: &[u8]) -> usize {
    event_ends(lines).count()
}

/// Where the events in lines end.
pub fn event_ends(lines: &[u8]) -> impl Iterator<Item = usize> {
    let mut start = 0;
    memchr::memchr_iter(b'\n', lines).filter_map(move |end| {
        let line = &lines[start..end];
        start = end + 1;
        (!is_action(line)).then_some(start)
    })
}

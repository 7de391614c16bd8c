//! Events out of pieces of input: raw records are mapped as `normalize` maps them, events are taken as they are.

use std::sync::Arc;

use memchr::{memchr, memchr_iter, memmem};
use serde_json::json;

use super::facts::Item;
use super::record::RecordReader;
use super::text::beginning_of_record;
use crate::input::Piece;
use crate::pipeline::event::{self, Origin};
use crate::pipeline::frame::{Frame, leading_hole};
use crate::pipeline::json::{Reader, SyntaxError, Value};
use crate::pipeline::normalize::{Normalizer, Options};

/// What every event has in it, and no raw record as a key.
const TIME: &[u8] = b"\"@timestamp\"";

/// Reads events, one thread's worth.
#[derive(Debug)]
pub struct EventReader {
    /// Reads what is one record, as nearly everything is.
    records: RecordReader,
    /// Maps everything else.
    normalizer: Normalizer,
    reader: Reader,
    /// Events that were mapped, as lines.
    mapped: Vec<u8>,
    nowhere: Origin,
}

impl EventReader {
    /// A reader that maps raw records by those options. Of which actions the events are written, `needs_written` tells.
    #[must_use]
    pub fn new(options: Arc<Options>, needs_written: fn(action: Option<&str>) -> bool) -> Self {
        Self {
            records: RecordReader::new(Arc::clone(&options), needs_written),
            normalizer: Normalizer::new(options),
            reader: Reader::default(),
            mapped: Vec::new(),
            nowhere: Origin::stdin(),
        }
    }

    /// Hands on each event of a piece of input, in its order, and as JSON where it was written.
    pub fn read(&mut self, piece: &mut Piece, mut take: impl FnMut(&Item<'_>, Option<Value<'_>>)) {
        self.normalizer.number_lines(piece.line, piece.open_line);
        let frames = std::mem::take(&mut piece.frames);
        let has = |part| memmem::find(&piece.text, part).is_some();
        let has_own = has(TIME) || has(event::BEFORE_ID);
        for frame in frames {
            for part in parts(frame, piece) {
                let text = match &part {
                    Frame::Lines { range, .. } | Frame::Record { range, .. } => {
                        &piece.text[range.clone()]
                    }
                    Frame::Unreadable { .. } => &[],
                };
                // What some programs begin a file with, and holes in it, are no part of a line.
                let text = text[leading_hole(text)..].trim_ascii();
                if !(has_own && self.take_own(text, &mut take)) {
                    self.map(piece, part, text, &mut take);
                }
            }
        }
    }

    /// Hands on what this program wrote, as NDJSON, for a bulk request, or as a dead letter; false if it is nothing of the
    /// kind.
    fn take_own(
        &mut self,
        text: &[u8],
        take: &mut impl FnMut(&Item<'_>, Option<Value<'_>>),
    ) -> bool {
        if event::is_action(text) {
            return true;
        }
        if memmem::find(text, TIME).is_none() {
            return false;
        }
        let Ok(text) = std::str::from_utf8(text) else {
            return false;
        };
        let Ok(document) = self.reader.read(text) else {
            return false;
        };
        let found = event::event_in(document.root());
        let found = found.map(|event| take(&Item::read(event, None), Some(event)));
        found.is_some()
    }

    /// Maps a line or a frame, and hands on its event, or its events.
    fn map(
        &mut self,
        piece: &Piece,
        frame: Frame,
        text: &[u8],
        take: &mut impl FnMut(&Item<'_>, Option<Value<'_>>),
    ) {
        let origin = piece.origin.as_deref().unwrap_or(&self.nowhere);
        if self.records.read(text, &frame, origin, take) {
            return;
        }
        self.mapped.clear();
        self.mapped.shrink_to(KEPT);
        self.normalizer
            .frames(&mut self.mapped, &piece.text, piece.offset, [frame], origin);
        // What was written is JSON in UTF-8, a line each.
        let mapped = std::str::from_utf8(&self.mapped).unwrap_or_default();
        let mut start = 0;
        for end in memchr_iter(b'\n', mapped.as_bytes()) {
            let line = &mapped[start..end];
            let is_only = start == 0 && end + 1 == mapped.len();
            let record = is_only.then_some(text);
            start = end + 1;
            match self.reader.read(line) {
                Ok(document) => {
                    let event = document.root();
                    take(&Item::read(event, record), Some(event));
                }
                // An event is nested deeper than its record, which may be as deep as can be read.
                Err(problem) => {
                    let unread = unread_event(&problem, line);
                    if let Ok(document) = self.reader.read(&unread) {
                        let event = document.root();
                        take(&Item::read(event, record), Some(event));
                    }
                }
            }
        }
    }
}

/// What stands for an event that cannot be read.
fn unread_event(problem: &SyntaxError, event: &str) -> String {
    let (original, _) = beginning_of_record(event);
    let message = format!("its event cannot be read: {problem}");
    json!({
        "error": { "message": message },
        "event": { "kind": "pipeline_error", "original": original },
    })
    .to_string()
}

/// Room for events that is kept; what an enormous one needed is given back.
const KEPT: usize = 4 << 20;

/// A run of lines as a frame for each of them; any other frame as it is.
fn parts(frame: Frame, piece: &Piece) -> impl Iterator<Item = Frame> {
    let mut rest = Some(frame);
    std::iter::from_fn(move || match rest.take()? {
        Frame::Lines { range, line_offset } => {
            let line_end = memchr(b'\n', &piece.text[range.clone()]);
            let end = line_end.map_or(range.end, |end| range.start + end + 1);
            if end < range.end {
                rest = Some(Frame::Lines {
                    range: end..range.end,
                    line_offset: piece.offset + end as u64,
                });
            }
            let range = range.start..end;
            Some(Frame::Lines { range, line_offset })
        }
        other @ (Frame::Record { .. } | Frame::Unreadable { .. }) => Some(other),
    })
}

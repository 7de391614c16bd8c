//! Lines of fetched records: events, or the records as they came.

use std::ops::Range;

use crate::pipeline::dialect::Dialect;
use crate::pipeline::event::{IdSource, Origin, write_action};
use crate::pipeline::frame::Frame;
use crate::pipeline::json::one_line;
use crate::pipeline::normalize::{Counts, Normalizer};
use crate::ship::Mapping;

/// Makes lines of records.
pub struct LineMaker {
    normalizer: Normalizer,
    origin: Origin,
    raw: bool,
    ids: Option<IdSource>,
    /// The data stream that action lines name; empty: that of most events.
    index: String,
    /// Events of the record that is worked at.
    events: Vec<u8>,
    /// Raw records that were written.
    written: u64,
}

impl LineMaker {
    /// Lines of records of that origin and dialect, `raw` or as events, each behind its id if ids are made of
    /// something.
    #[must_use]
    pub fn new(
        mapping: &Mapping,
        origin: &Origin,
        dialect: Option<Dialect>,
        raw: bool,
        ids: Option<IdSource>,
    ) -> Self {
        let (_, options) = mapping.current();
        // What the flag says counts, whatever the API.
        let dialect = options.dialect.or(dialect);
        let dataset = dialect.map(Dialect::dataset).unwrap_or_default();
        let index = options.envelope.index_for(dataset).to_owned();
        let mut normalizer = Normalizer::new(options);
        normalizer.force_dialect(dialect);
        Self {
            normalizer,
            origin: origin.clone(),
            raw,
            ids,
            index,
            events: Vec::new(),
            written: 0,
        }
    }

    /// Appends the lines of records of a text; `id_parts` are the position and the name that a record's id is
    /// made of.
    pub fn write<K>(
        &mut self,
        out: &mut Vec<u8>,
        text: &[u8],
        records: Vec<(Range<usize>, K)>,
        id_parts: impl Fn(&K) -> (u64, Vec<u8>),
    ) {
        if self.raw {
            self.written += records.len() as u64;
            for (range, _) in records {
                one_line(out, &text[range]);
                out.push(b'\n');
            }
            return;
        }
        let frame = |range: Range<usize>| Frame::Record {
            range,
            line_offset: 0,
        };
        let Some(ids) = &self.ids else {
            let frames = records.into_iter().map(|(range, _)| frame(range));
            self.normalizer.frames(out, text, 0, frames, &self.origin);
            return;
        };
        for (range, key) in records {
            self.events.clear();
            let frames = vec![frame(range)];
            self.normalizer
                .frames(&mut self.events, text, 0, frames, &self.origin);
            write_with_ids(out, &self.events, ids, id_parts(&key), &self.index);
        }
    }

    /// How many records were written since the last call.
    pub fn take_counts(&mut self) -> Counts {
        if self.raw {
            return Counts {
                records: std::mem::take(&mut self.written),
                ..Counts::default()
            };
        }
        self.normalizer.take_counts()
    }
}

/// Appends the event of a record behind the line with its id; what is no record may be several.
fn write_with_ids(
    out: &mut Vec<u8>,
    events: &[u8],
    ids: &IdSource,
    (position, name): (u64, Vec<u8>),
    index: &str,
) {
    for (place, event) in events.split_inclusive(|byte| *byte == b'\n').enumerate() {
        let mut name = name.clone();
        if place > 0 {
            name.extend_from_slice(&(place as u64).to_be_bytes());
        }
        write_action(out, &ids.id(position, &name), index);
        out.extend_from_slice(event);
    }
}

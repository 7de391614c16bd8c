//! What a report reads of a raw record: straight from its mapping, where that is enough.

use std::borrow::Cow;
use std::sync::Arc;

use super::facts::{Facts, Item};
use super::summary::Place;
use crate::pipeline::dialect::{self, Dialect, Record};
use crate::pipeline::enrich::memo::Memo;
use crate::pipeline::event::{Event, Origin, Scalar, write_event, write_source};
use crate::pipeline::frame::Frame;
use crate::pipeline::json::{Kind, Reader, Value};
use crate::pipeline::normalize::{LookupCache, Options, confluence};

/// Reads records, one thread's worth.
#[derive(Debug)]
pub struct RecordReader {
    options: Arc<Options>,
    needs_written: fn(action: Option<&str>) -> bool,
    reader: Reader,
    known: LookupCache,
    /// What is shown of source addresses: records repeat them.
    places: Memo<Place>,
    scratch: Scratch,
}

/// Room for what is written to be read again.
#[derive(Debug, Default)]
struct Scratch {
    text: Vec<u8>,
    reader: Reader,
}

/// Room that is kept; what an enormous event needed is given back.
const KEPT: usize = 1 << 20;

impl RecordReader {
    /// A reader that maps records by those options. Of which actions the events are written, `needs_written` tells.
    #[must_use]
    pub fn new(options: Arc<Options>, needs_written: fn(action: Option<&str>) -> bool) -> Self {
        Self {
            options,
            needs_written,
            reader: Reader::default(),
            known: LookupCache::default(),
            // As many as the mapping remembers.
            places: Memo::new(14),
            scratch: Scratch::default(),
        }
    }

    /// Hands on the event of the text of a frame, if that is one record; false for all else, of which the normalizer knows
    /// what it is.
    pub fn read(
        &mut self,
        text: &[u8],
        frame: &Frame,
        origin: &Origin,
        take: &mut impl FnMut(&Item<'_>, Option<Value<'_>>),
    ) -> bool {
        let (Frame::Lines { range, line_offset } | Frame::Record { range, line_offset }) = frame
        else {
            return false;
        };
        let options = &*self.options;
        // Constants take the places of fields only when an event is written.
        if options.envelope.has_constants() || range.len() > options.max_line_bytes {
            return false;
        }
        let document = simdutf8::basic::from_utf8(text).ok();
        let Some(Ok(document)) = document.map(|text| self.reader.read(text)) else {
            return false;
        };
        let root = document.root();
        let record = Record::read(root);
        let may_be_page = options.dialect == Some(Dialect::CLOUD) && record.creation_date.is_none();
        if root.kind() != Kind::Object || may_be_page {
            return false;
        }
        let dialect = options.dialect.or_else(|| dialect::detect(&record));
        // Events of other data sets are read as they are written.
        let Some(Dialect::Confluence(dialect)) = dialect else {
            return false;
        };
        let mut event = Event::default();
        if confluence::map(&mut event, &record, dialect, options, &mut self.known).is_err() {
            return false;
        }
        let action = event.action.as_ref().and_then(Scalar::text);
        if !(self.needs_written)(action.as_deref()) {
            let place = place(&event, &mut self.places, &mut self.scratch);
            take(&Item::Event(Facts::of(&event, place)), None);
            return true;
        }
        let envelope = &options.envelope;
        let write = |out: &mut Vec<u8>| {
            write_event(out, &event, envelope, origin, *line_offset, &document);
        };
        let hand_on = |event: Value<'_>| take(&Item::read(event, Some(text)), Some(event));
        self.scratch.read(write, hand_on).is_some()
    }
}

impl Scratch {
    /// What is made of the JSON that is written; none if it is nested too deep to be read.
    fn read<T>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>),
        make: impl FnOnce(Value<'_>) -> T,
    ) -> Option<T> {
        self.text.clear();
        self.text.shrink_to(KEPT);
        write(&mut self.text);
        let text = simdutf8::basic::from_utf8(&self.text).ok()?;
        let document = self.reader.read(text).ok()?;
        Some(make(document.root()))
    }
}

/// The source address of an event, and what is known of it.
fn place<'p>(
    event: &Event<'_>,
    places: &'p mut Memo<Place>,
    scratch: &mut Scratch,
) -> Cow<'p, Place> {
    let Some(address) = event.source_address else {
        return Cow::Owned(Place::default());
    };
    let mut make = || {
        let place = scratch.read(|out| write_source(out, event), Place::of);
        place.unwrap_or_default()
    };
    match address.as_str() {
        Some(address) => Cow::Borrowed(places.answer(&address, |_| make())),
        None => Cow::Owned(make()),
    }
}

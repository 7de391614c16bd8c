//! Why an event is what it is: for each of its fields the raw values that it comes from, and for what is not
//! there the reason.
//!
//! Nothing here repeats the mapping. The event is the line that the mapping writes, and what a raw value does is
//! found by putting another in its place and mapping the record again ([`Tracer`]).

mod absent;
mod given;
mod leaves;
mod place;
mod show;
mod trace;
mod unused;

use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::pipeline::dataset::Dataset;
use crate::pipeline::dialect::{self, ConfluenceDialect, Dialect, Record};
use crate::pipeline::enrich::source::Enricher;
use crate::pipeline::event::{self, AddFields, DefaultTags, Envelope, Event, Origin};
use crate::pipeline::frame::{Frame, LineNumbers};
use crate::pipeline::json::{Document, Kind, Reader};
use crate::pipeline::normalize::{LookupCache, Normalizer, Options, confluence, organization};
use crate::pipeline::timestamp::TimeMode;

pub use given::Given;
use leaves::{EventLeaf, RawLeaf, event_leaves, raw_leaves};
use place::{Place, places};
pub use show::text;
use trace::Tracer;

/// A longer record is not explained: finding out what each of its values does would take too long.
const LONGEST: usize = 256 << 10;
/// How much longer a marker can be than the value in whose place it is.
const MARKER: usize = 10;

/// Why the event of one record is what it is.
#[derive(Debug, Serialize)]
pub struct Explanation {
    /// The file or stream.
    pub file: String,
    /// Number of the line that the record begins in, from 1.
    pub line: Option<u64>,
    /// Which of the records that begin in this line it is, from 1.
    pub record: u64,
    /// Whether the record is the `event.original` of an event of this program.
    #[serde(rename = "of_event", skip_serializing_if = "std::ops::Not::not")]
    is_of_event: bool,
    /// The dialect, and how it was told; none of a record that cannot be mapped.
    #[serde(flatten)]
    told: Option<Told>,
    /// Why the record cannot be mapped.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why its fields are not listed.
    #[serde(skip_serializing_if = "Option::is_none")]
    unexplained: Option<String>,
    /// Every field of the event.
    fields: Vec<Field>,
    /// Fields that are not in the event, and why.
    absent: Vec<Absent>,
    /// Values of the record that are nowhere in the event, and why.
    unused: Vec<Unused>,
}

/// The dialect of a record.
#[derive(Debug, Serialize)]
struct Told {
    dialect: &'static str,
    told_by: &'static str,
}

/// A field of the event.
#[derive(Debug, Serialize)]
struct Field {
    #[serde(rename = "field")]
    name: String,
    value: Value,
    /// The raw values that it is made of; none of a field that is the same whatever the record.
    from: Vec<RawValue>,
    /// Paths of those that decide that it is there, or which value it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    by: Vec<String>,
    /// What else it is made by: a database, a table, an option, a constant.
    #[serde(skip_serializing_if = "Option::is_none")]
    via: Option<&'static str>,
}

/// A value of the record.
#[derive(Debug, Clone, Serialize)]
struct RawValue {
    raw: String,
    value: Value,
    /// Its place among those of the record.
    #[serde(skip)]
    at: usize,
}

/// A field that is not in the event.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Absent {
    field: &'static str,
    reason: String,
}

/// A value of the record that is nowhere in the event.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Unused {
    raw: String,
    /// The value itself; none of several values below one path.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<Value>,
    reason: String,
}

/// What is judged by the event as it is before it is written.
#[derive(Debug, Default)]
struct Judged {
    absent: Vec<Absent>,
    /// Whether the affected User of a login takes the author's place.
    is_author_replaced: bool,
    /// Whether the action is in the table of actions.
    is_listed: bool,
}

impl Explanation {
    /// Whether the record cannot be mapped.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.error.is_some()
    }
}

/// Explains records, one thread's worth.
#[derive(Debug)]
pub struct Explainer {
    options: Arc<Options>,
    given: Given,
    /// Makes the events.
    normalizer: Normalizer,
    /// Tells the text of each record and where it stands, by events that have both.
    splitter: Normalizer,
    /// Maps raw records that events hold, whose lines are not those of the input.
    of_originals: Option<Normalizer>,
    cache: LookupCache,
    reader: Reader,
    lines: LineNumbers,
}

impl Explainer {
    /// An explainer of what those options make of records.
    #[must_use]
    pub fn new(options: Arc<Options>, given: Given) -> Self {
        let splitting = Options {
            dialect: options.dialect,
            time_mode: options.time_mode,
            categories: options.categories,
            max_line_bytes: options.max_line_bytes,
            enricher: Enricher::default(),
            envelope: Envelope::new("", DefaultTags::None, &[], true, AddFields::default()),
        };
        Self {
            normalizer: Normalizer::new(Arc::clone(&options)),
            splitter: Normalizer::new(Arc::new(splitting)),
            of_originals: None,
            cache: LookupCache::default(),
            reader: Reader::default(),
            lines: LineNumbers::default(),
            options,
            given,
        }
    }

    /// As [`Normalizer::number_lines`].
    pub fn number_lines(&mut self, first: u64, open: Option<(u64, u64)>) {
        self.normalizer.number_lines(first, open);
        self.lines.begin_at(first, open);
    }

    /// Appends an explanation of each event of frames of `text`, the part of the stream that begins at `offset`.
    pub fn frames(
        &mut self,
        out: &mut Vec<Explanation>,
        text: &[u8],
        offset: u64,
        frames: Vec<Frame>,
        origin: &Origin,
    ) {
        self.lines.take(text, offset);
        let normalizer = &mut self.normalizer;
        let found = places(normalizer, &mut self.splitter, text, offset, frames, origin);
        for (place, event) in found {
            if event::is_action(place.text.as_bytes()) {
                // The event behind it is explained.
                continue;
            }
            match place.original_of_event() {
                Some(original) => self.explain_original(out, &place, &original, origin),
                None => out.push(self.explain(&place, &event, origin)),
            }
        }
    }

    /// Explains the raw record that an event of this program holds, as it would be mapped now.
    fn explain_original(
        &mut self,
        out: &mut Vec<Explanation>,
        place: &Place,
        original: &str,
        origin: &Origin,
    ) {
        let line_offset = place.line_offset;
        let record = Frame::Record {
            range: 0..original.len(),
            line_offset,
        };
        let options = &self.options;
        let normalizer = self
            .of_originals
            .get_or_insert_with(|| Normalizer::new(Arc::clone(options)));
        let (text, splitter) = (original.as_bytes(), &mut self.splitter);
        let found = places(
            normalizer,
            splitter,
            text,
            line_offset,
            vec![record],
            origin,
        );
        for (place, event) in found {
            let mut explanation = self.explain(&place, &event, origin);
            explanation.is_of_event = true;
            out.push(explanation);
        }
    }

    fn explain(&mut self, place: &Place, event: &Value, origin: &Origin) -> Explanation {
        let mut explanation = Explanation {
            file: origin.name().to_owned(),
            line: self.lines.number(place.line_offset),
            record: 1,
            is_of_event: false,
            told: None,
            error: None,
            unexplained: None,
            fields: Vec::new(),
            absent: Vec::new(),
            unused: Vec::new(),
        };
        let leaves = event_leaves(event);
        if place.error.is_some() {
            explanation.error.clone_from(&place.error);
            let fields = leaves.into_iter();
            explanation.fields = fields.map(|leaf| self.error_field(leaf)).collect();
            return explanation;
        }
        let mut reader = std::mem::take(&mut self.reader);
        match reader.read(&place.text) {
            Ok(_) if place.text.len() > LONGEST => {
                let length = place.text.len();
                let reason = format!(
                    "the record has {length} bytes: only those of up to {LONGEST} are explained"
                );
                explanation.unexplained = Some(reason);
            }
            Ok(document) => self.explain_record(&mut explanation, &document, leaves, place, origin),
            // The mapping has read it.
            Err(error) => explanation.unexplained = Some(error.to_string()),
        }
        self.reader = reader;
        explanation
    }

    fn error_field(&self, leaf: EventLeaf) -> Field {
        Field {
            via: Some(self.given.of_error(&leaf, &self.options.envelope)),
            name: leaf.path.to_string(),
            value: leaf.value,
            from: Vec::new(),
            by: Vec::new(),
        }
    }

    fn explain_record(
        &mut self,
        explanation: &mut Explanation,
        document: &Document<'_>,
        fields: Vec<EventLeaf>,
        place: &Place,
        origin: &Origin,
    ) {
        let record = Record::read(document.root());
        let forced = self.options.dialect;
        let Some(dialect) = forced.or_else(|| dialect::detect(&record)) else {
            return;
        };
        explanation.told = Some(Told {
            dialect: name_of(dialect),
            told_by: told_by(&record, forced.is_some()),
        });
        let raw = raw_leaves(document.root());
        let longest = document.text.len() + MARKER * raw.len();
        if longest > self.options.max_line_bytes {
            let reason = format!("needs a --max-line-bytes of at least {longest} to be explained");
            explanation.unexplained = Some(reason);
            return;
        }
        let time_mode = self.options.time_mode;
        let equal = unused::equal_to_affected(dialect, &record);
        let mut tracer = Tracer::new(document.text, &raw, &fields, |text| {
            let mut line = Vec::new();
            let normalizer = &mut self.normalizer;
            let mapped = normalizer.map_one(&mut line, text, origin, place.line_offset);
            mapped.ok()?;
            serde_json::from_slice(&line).ok()
        });
        tracer.leave_out("event.original");
        prepare(&mut tracer, dialect, &record, time_mode, equal.is_some());
        let trace = tracer.trace();
        let judged = self.judged(dialect, document, &record, &fields);
        let known = unused::Known {
            dialect,
            equal: equal.as_deref(),
            is_author_replaced: judged.is_author_replaced,
        };
        explanation.absent = judged.absent;
        explanation.unused = known.unused(&raw, &trace);
        let fields = fields.into_iter().enumerate();
        explanation.fields = fields
            .map(|(at, leaf)| {
                let sources = trace.sources(at);
                let via = self.given.of_field(
                    &leaf,
                    dialect.dataset(),
                    &sources,
                    &self.options.envelope,
                    judged.is_listed,
                );
                field(leaf, via, &sources, &raw)
            })
            .collect();
    }

    fn judged(
        &mut self,
        dialect: Dialect,
        document: &Document<'_>,
        record: &Record<'_>,
        fields: &[EventLeaf],
    ) -> Judged {
        let options = &self.options;
        // What is explained was mapped: neither can fail.
        match dialect {
            Dialect::Confluence(dialect) => {
                let mut event = Event::default();
                let mapped = confluence::map(&mut event, record, dialect, options, &mut self.cache);
                mapped.map_or_else(
                    |_| Judged::default(),
                    |()| {
                        let seen = absent::confluence::Seen {
                            is_cloud: dialect == ConfluenceDialect::Cloud,
                            root: document.root(),
                            record,
                            event: &event,
                            fields,
                            options,
                        };
                        Judged {
                            absent: seen.absent(),
                            is_author_replaced: seen.is_author_replaced(),
                            is_listed: seen.is_listed(),
                        }
                    },
                )
            }
            Dialect::Organization => {
                let root = document.root();
                let event = organization::map(root, record, options, &mut self.cache);
                event.map_or_else(
                    |_| Judged::default(),
                    |event| {
                        let seen = absent::organization::Seen {
                            root,
                            event: &event,
                            fields,
                            options,
                        };
                        Judged {
                            absent: seen.absent(),
                            ..Judged::default()
                        }
                    },
                )
            }
        }
    }
}

fn field(
    leaf: EventLeaf,
    via: Option<&'static str>,
    sources: &trace::Sources,
    raw: &[RawLeaf<'_>],
) -> Field {
    let value = |at: &usize| RawValue {
        raw: raw[*at].path.to_string(),
        value: raw[*at].json(),
        at: *at,
    };
    let path = |at: &usize| raw[*at].path.to_string();
    Field {
        via,
        name: leaf.path.to_string(),
        value: leaf.value,
        from: sources.from.iter().map(value).collect(),
        by: sources.by.iter().map(path).collect(),
    }
}

/// Tells a tracer what is special about records of a dialect, and about this one.
fn prepare<M: FnMut(&str) -> Option<Value>>(
    tracer: &mut Tracer<'_, '_, M>,
    dialect: Dialect,
    record: &Record<'_>,
    time_mode: TimeMode,
    has_equal: bool,
) {
    // A record without a time happens when it is mapped (docs/mapping.md 10).
    if matches!(record.time(dialect, time_mode), Ok(None)) {
        tracer.leave_out("@timestamp");
    }
    match dialect.dataset() {
        Dataset::Confluence => {
            if let Some(affected) = record.affected_object.filter(|_| has_equal) {
                tracer.set_aside(affected);
            }
        }
        Dataset::Organization => {
            tracer.keep_empty();
            // To the table of actions a marker is an action as others are.
            tracer.try_without("attributes.action");
        }
    }
}

/// A dialect as `--dialect` has it.
fn name_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::CLOUD => "cloud",
        Dialect::DC_API => "dc-api",
        Dialect::DC_FILE => "dc-file",
        Dialect::Organization => "org",
    }
}

/// The marker of the dialect (docs/mapping.md 1).
fn told_by(record: &Record<'_>, is_forced: bool) -> &'static str {
    if is_forced {
        "--dialect"
    } else if record.creation_date.is_some() {
        "creationDate"
    } else if record.audit_type.is_some() {
        "auditType"
    } else if record.timestamp.is_none() {
        "attributes (an object)"
    } else if record
        .timestamp
        .is_some_and(|time| time.kind() == Kind::Object)
    {
        "timestamp (an object)"
    } else {
        "timestamp (a text)"
    }
}

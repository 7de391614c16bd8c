//! The way of one record, and of a run of them: frames of text in, lines of ECS events out.
//!
//! `Normalizer::record` has the steps of docs/mapping.md in their order.

use std::ops::Range;
use std::sync::Arc;

use memchr::memchr;

use crate::pipeline::actions::Categories;
use crate::pipeline::dialect::{self, Dialect, Record};
use crate::pipeline::enrich::memo::Memo;
use crate::pipeline::enrich::source::{Enricher, Enrichment};
use crate::pipeline::event::{self, Envelope, Event, Origin};
use crate::pipeline::frame::{Frame, LineNumbers, Problem, leading_hole};
use crate::pipeline::json::{Kind, Reader, SyntaxError};
use crate::pipeline::map::Unmappable;
use crate::pipeline::timestamp::{TimeMode, Timestamp};

pub(crate) mod confluence;
pub(crate) mod organization;
mod parts;

/// How records are mapped; the same for a whole run.
#[derive(Debug)]
pub struct Options {
    /// The dialect of every record; none: each record tells.
    pub dialect: Option<Dialect>,
    /// How self-hosted times are read.
    pub time_mode: TimeMode,
    /// Which actions get a category.
    pub categories: Categories,
    /// The longest record, in bytes.
    pub max_line_bytes: usize,
    /// Looks up source addresses.
    pub enricher: Enricher,
    /// Fields that every event gets.
    pub envelope: Envelope,
}

/// How many events were written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Records, `failed` ones included.
    pub records: u64,
    /// Records that became `pipeline_error` events.
    pub failed: u64,
    /// Those of them that were no raw records but events.
    pub already_events: u64,
}

impl std::ops::AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.records += other.records;
        self.failed += other.failed;
        self.already_events += other.already_events;
    }
}

/// Why a record became a `pipeline_error` event.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// Its bytes are no text.
    #[error("invalid UTF-8 at byte {0}")]
    Encoding(usize),
    /// Its text is no JSON.
    #[error("not JSON: {0}")]
    Syntax(#[from] SyntaxError),
    /// Its JSON is no audit record.
    #[error(transparent)]
    Unmappable(#[from] Unmappable),
    /// It could not be taken out of the stream.
    #[error(transparent)]
    Frame(#[from] Problem),
    /// It is an object that does not show the dialect that it should have.
    #[error("an object that may be a page")]
    PageOrRecord,
}

impl RecordError {
    /// Whether it is an object, but nothing in it tells that it is a record.
    fn is_unshown(&self) -> bool {
        matches!(
            self,
            Self::PageOrRecord | Self::Unmappable(Unmappable::NoDialect)
        )
    }
}

/// What an object is that does not show its dialect, where that is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unshown {
    /// Perhaps a page: that is to be looked at first.
    PageOrRecord,
    /// A record (docs/mapping.md 10).
    Record,
}

/// A text that may be a record, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Candidate<'a> {
    text: &'a [u8],
    /// Offset of its first byte in its stream.
    position: u64,
    /// Offset of the line that it begins in.
    line_offset: u64,
    origin: &'a Origin,
}

impl Candidate<'_> {
    /// A part of it, in the same line.
    fn part(self, range: Range<usize>) -> Self {
        Self {
            position: self.position + range.start as u64,
            text: &self.text[range],
            ..self
        }
    }

    /// What follows `length` bytes that are no part of it, as a line of its own.
    fn behind(self, length: usize) -> Self {
        let rest = self.part(length..self.text.len());
        Self {
            line_offset: rest.position,
            ..rest
        }
    }
}

/// What a text was found in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// In the stream itself, as a record or document of its own.
    Stream,
    /// An array or a page: what is in it holds no further pages, so that hostile nesting ends.
    Document,
}

/// Maps records, one thread's worth: keeps what is used again from record to record.
#[derive(Debug)]
pub struct Normalizer {
    options: Arc<Options>,
    dialect: Option<Dialect>,
    reader: Reader,
    known: LookupCache,
    counts: Counts,
    /// The time of the newest event since it was taken.
    newest: Option<Timestamp>,
    /// Each event follows a line with its `_id`.
    has_ids: bool,
    /// Where the text stands whose frames come next, for messages.
    lines: Option<LineNumbers>,
}

/// Caches of lookups whose keys records repeat.
#[derive(Debug)]
pub(crate) struct LookupCache {
    /// What is known of source addresses: audit logs repeat them.
    addresses: Memo<Enrichment>,
    /// Where in the text of a `system` its host stands.
    hosts: Memo<Option<Range<usize>>>,
}

impl Default for LookupCache {
    fn default() -> Self {
        Self {
            // More than a busy site sees in a day, and a few megabytes.
            addresses: Memo::new(14),
            hosts: Memo::new(6),
        }
    }
}

impl Normalizer {
    /// A normalizer for those options.
    #[must_use]
    pub fn new(options: Arc<Options>) -> Self {
        Self {
            dialect: options.dialect,
            options,
            reader: Reader::default(),
            known: LookupCache::default(),
            counts: Counts::default(),
            newest: None,
            has_ids: false,
            lines: None,
        }
    }

    /// Writes bodies for `_bulk` from here on: before each event a line with its `_id`, where the origin
    /// tells what ids are made of.
    #[must_use]
    pub fn with_ids(self, has_ids: bool) -> Self {
        Self { has_ids, ..self }
    }

    /// The number of the line that the text of the frames begins in that come next, for messages.
    /// `open` is a line before it of which there may be a message yet: its offset and number.
    pub fn number_lines(&mut self, first: u64, open: Option<(u64, u64)>) {
        if tracing::enabled!(tracing::Level::DEBUG) {
            self.lines.get_or_insert_default().begin_at(first, open);
        }
    }

    /// The longest record, in bytes.
    #[must_use]
    pub fn max_line_bytes(&self) -> usize {
        self.options.max_line_bytes
    }

    /// From here on, takes every record for one of that dialect; none: each record tells.
    pub fn force_dialect(&mut self, dialect: Option<Dialect>) {
        self.dialect = dialect;
    }

    /// The counts since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The time of the newest event since the last call.
    pub fn take_newest(&mut self) -> Option<Timestamp> {
        self.newest.take()
    }

    /// Appends the events of frames of `text`, the part of the stream that begins at `offset`.
    pub fn frames(
        &mut self,
        out: &mut Vec<u8>,
        text: &[u8],
        offset: u64,
        frames: impl IntoIterator<Item = Frame>,
        origin: &Origin,
    ) {
        if let Some(lines) = &mut self.lines {
            lines.take(text, offset);
        }
        for frame in frames {
            let Frame::Lines {
                range,
                mut line_offset,
            } = frame
            else {
                self.frame(out, text, offset, frame, origin, Within::Stream);
                continue;
            };
            let mut at = range.start;
            while at < range.end {
                let rest = &text[at..range.end];
                let line_end = memchr(b'\n', rest);
                let line = match line_end {
                    Some(end) => rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]),
                    None => rest,
                };
                let mut candidate = Candidate {
                    text: line,
                    position: offset + at as u64,
                    line_offset,
                    origin,
                };
                // The framer passes over what it sees of them: they are no part of the line.
                if matches!(line.first(), Some(0 | 0xEF)) && candidate.position == line_offset {
                    candidate = candidate.behind(leading_hole(line));
                }
                self.line(out, candidate, Within::Stream);
                at += line_end.map_or(rest.len(), |end| end + 1);
                line_offset = offset + at as u64;
            }
        }
    }

    /// Appends the event of a text that is one record, or says why there is none.
    pub(crate) fn map_one(
        &mut self,
        out: &mut Vec<u8>,
        text: &str,
        origin: &Origin,
        line_offset: u64,
    ) -> Result<(), RecordError> {
        let candidate = Candidate {
            text: text.as_bytes(),
            position: line_offset,
            line_offset,
            origin,
        };
        self.attempt(out, candidate, Unshown::Record)
    }

    /// Appends the event of what should be one record, unless it is blank.
    fn attempt(
        &mut self,
        out: &mut Vec<u8>,
        candidate: Candidate<'_>,
        unshown: Unshown,
    ) -> Result<(), RecordError> {
        let Candidate { text, position, .. } = candidate;
        let limit = self.options.max_line_bytes;
        if text.len() > limit {
            let problem = Problem::too_long("line", text.len() as u64, position, limit);
            return Err(RecordError::Frame(problem));
        }
        if text.trim_ascii_start().is_empty() {
            return Ok(());
        }
        self.record(out, candidate, unshown)
    }

    /// A frame that is one record, or none.
    fn frame(
        &mut self,
        out: &mut Vec<u8>,
        text: &[u8],
        offset: u64,
        frame: Frame,
        origin: &Origin,
        within: Within,
    ) {
        let is_record = matches!(frame, Frame::Record { .. });
        let (range, line_offset) = match frame {
            Frame::Record { range, line_offset }
            // What follows a page on its line.
            | Frame::Lines { range, line_offset } => (range, line_offset),
            Frame::Unreadable {
                text,
                line_offset,
                problem,
            } => {
                let text = text.as_slice();
                let position = problem.start();
                let broken = Candidate { text, position, line_offset, origin };
                return self.fail(out, &problem.into(), broken);
            }
        };
        let position = offset + range.start as u64;
        let text = &text[range];
        let candidate = Candidate {
            text,
            position,
            line_offset,
            origin,
        };
        if is_record && within == Within::Stream && text.first() == Some(&b'{') {
            // An array may hold pages.
            return self.line(out, candidate, Within::Document);
        }
        match self.attempt(out, candidate, Unshown::Record) {
            Ok(()) => {}
            Err(failure) if is_record => self.fail(out, &failure, candidate),
            Err(failure) => {
                if !self.only_record(out, &failure, candidate) {
                    self.parts_or_fail(out, &failure, candidate);
                }
            }
        }
    }

    /// The `pipeline_error` event of what could not be mapped (docs/mapping.md 10).
    fn fail(&mut self, out: &mut Vec<u8>, failure: &RecordError, candidate: Candidate<'_>) {
        self.counts.records += 1;
        self.counts.failed += 1;
        let is_event = matches!(failure, RecordError::Unmappable(Unmappable::Event));
        self.counts.already_events += u64::from(is_event);
        let Candidate {
            text,
            position,
            line_offset,
            origin,
        } = candidate;
        let (message, original) = match failure {
            RecordError::Frame(problem @ Problem::TooLong { kept, .. }) => {
                (problem.to_string(), &text[..*kept])
            }
            RecordError::Frame(problem @ (Problem::Broken { .. } | Problem::Unfinished { .. })) => {
                (problem.to_string(), text)
            }
            RecordError::Encoding(_)
            | RecordError::Syntax(_)
            | RecordError::Unmappable(_)
            | RecordError::PageOrRecord => {
                let message = format!("{failure} (of the record at byte {position} of the input)");
                (message, text)
            }
        };
        let lines = self.lines.as_ref();
        let name = origin.name();
        if let Some(line) = lines.and_then(|lines| lines.number(line_offset)) {
            tracing::debug!("{name}:{line}: cannot map record: {message}");
        } else {
            tracing::debug!("{name}: cannot map record: {message}");
        }
        let envelope = &self.options.envelope;
        // Where nothing tells the dialect, it is the data set of most records.
        let dataset = self.dialect.map(Dialect::dataset).unwrap_or_default();
        let stream = self.has_ids.then(|| envelope.index_for(dataset));
        let kept = Candidate {
            text: original,
            ..candidate
        };
        write_id(out, kept, stream);
        event::write_pipeline_error(
            out,
            &message,
            envelope,
            dataset,
            origin,
            line_offset,
            original,
        );
    }

    /// Appends the event of one record's text, or says why there is none.
    fn record(
        &mut self,
        out: &mut Vec<u8>,
        candidate: Candidate<'_>,
        unshown: Unshown,
    ) -> Result<(), RecordError> {
        let text = text_of(candidate.text)?;
        let document = self.reader.read(text)?;
        let root = document.root();
        if root.kind() != Kind::Object {
            return Err(Unmappable::not_an_object(root.kind()).into());
        }
        let record = Record::read(root);
        let dialect = self.dialect.or_else(|| dialect::detect(&record));
        let dialect = dialect.ok_or_else(|| Unmappable::no_dialect(root))?;
        if unshown == Unshown::PageOrRecord && self.dialect.is_some() && !record.shows(dialect) {
            return Err(RecordError::PageOrRecord);
        }

        let (options, known, origin) = (&self.options, &mut self.known, candidate.origin);
        let (envelope, offset) = (&options.envelope, candidate.line_offset);
        let stream = self.has_ids.then(|| envelope.index_for(dialect.dataset()));
        let time = match dialect {
            Dialect::Confluence(dialect) => {
                let mut event = Event::default();
                confluence::map(&mut event, &record, dialect, options, known)?;
                write_id(out, candidate, stream);
                event::write_event(out, &event, envelope, origin, offset, &document);
                event.timestamp
            }
            Dialect::Organization => {
                let event = organization::map(root, &record, options, known)?;
                write_id(out, candidate, stream);
                event::write_organization_event(out, &event, envelope, origin, offset, &document);
                event.timestamp
            }
        };
        self.newest = self.newest.max(Some(time));
        self.counts.records += 1;
        Ok(())
    }
}

/// The text in those bytes.
#[inline]
fn text_of(bytes: &[u8]) -> Result<&str, RecordError> {
    // Twice as fast as the standard library where names are not in ASCII; it does not say what is wrong.
    simdutf8::basic::from_utf8(bytes).or_else(|_| {
        std::str::from_utf8(bytes).map_err(|error| RecordError::Encoding(error.valid_up_to()))
    })
}

/// Appends the line with the `_id` of a record, whose event is for that data stream; none: without ids.
fn write_id(out: &mut Vec<u8>, record: Candidate<'_>, stream: Option<&str>) {
    if let (Some(stream), Some(source)) = (stream, record.origin.id_source()) {
        event::write_action(out, &source.id(record.position, record.text), stream);
    }
}

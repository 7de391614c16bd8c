//! The way of one line, which may be a record, a page, an array, or several of them.

use memchr::memchr;

use super::{Normalizer, Place, RecordError, Within, WithoutTime};
use crate::pipeline::event::Origin;
use crate::pipeline::frame::{Frame, Framer, next_object, parted_by_holes};

impl Normalizer {
    /// A line, without its end: a record, a page, an array, or blank.
    pub(super) fn line(
        &mut self,
        out: &mut Vec<u8>,
        line: &[u8],
        place: Place,
        origin: &Origin,
        within: Within,
    ) {
        if let Err(failure) = self.whole_line(out, line, place, origin, within) {
            self.parts_or_fail(out, &failure, line, place, origin);
        }
    }

    /// A line that is a record, a page, an array, or blank; or says why it is none of them.
    fn whole_line(
        &mut self,
        out: &mut Vec<u8>,
        line: &[u8],
        place: Place,
        origin: &Origin,
        within: Within,
    ) -> Result<(), RecordError> {
        let attempt = self.attempt(out, line, place, origin, WithoutTime::PageOrRecord);
        let Err(failure) = attempt else {
            return Ok(());
        };
        // What is no record may be a page: only then its cost is paid.
        let limit = self.options.max_line_bytes;
        let over_lines = within == Within::Document && memchr(b'\n', line).is_some();
        let mut framer = Framer::of_line(limit, place.position, place.line_offset, over_lines);
        let mut frames = Vec::new();
        framer.frame(line, true, &mut frames);
        if let [Frame::Lines { range, .. }] = frames.as_slice()
            && range.len() == line.len()
        {
            return match failure {
                RecordError::PageOrRecord => {
                    self.attempt(out, line, place, origin, WithoutTime::Record)
                }
                failure => Err(failure),
            };
        }
        for frame in frames {
            self.frame(out, line, place.position, frame, origin, within);
        }
        Ok(())
    }

    /// A line that is no record: its parts as lines of their own, if NUL bytes part it, or else the
    /// objects that follow each other on it.
    pub(super) fn parts_or_fail(
        &mut self,
        out: &mut Vec<u8>,
        failure: &RecordError,
        line: &[u8],
        place: Place,
        origin: &Origin,
    ) {
        let parts = match failure {
            RecordError::Frame(_) => Vec::new(),
            RecordError::Encoding(_)
            | RecordError::Syntax(_)
            | RecordError::Unmappable(_)
            | RecordError::PageOrRecord => parted_by_holes(line),
        };
        if parts.is_empty() {
            return self.objects_or_fail(out, failure, line, place, origin);
        }
        for part in parts {
            let position = place.position + part.start as u64;
            let place = Place {
                position,
                line_offset: position,
            };
            self.line(out, &line[part], place, origin, Within::Stream);
        }
    }

    /// The objects that follow each other on a line. What lies between those that are records or
    /// pages is one failure; if there is none among them, the line is one.
    fn objects_or_fail(
        &mut self,
        out: &mut Vec<u8>,
        failure: &RecordError,
        line: &[u8],
        place: Place,
        origin: &Origin,
    ) {
        let first = match failure {
            RecordError::Syntax(_) => next_object(line, 0),
            _ => None,
        };
        let first = first.filter(|first| first.end < line.trim_ascii_end().len());
        let Some(first) = first else {
            return self.fail(out, failure, line, place, origin);
        };
        let place_of = |at: usize| Place {
            position: place.position + at as u64,
            ..place
        };
        let mut event = Vec::new();
        // The first of the parts that failed, and why.
        let mut failed: Option<(usize, RecordError)> = None;
        let mut next = Some(first.clone());
        while let Some(part) = next {
            next = next_object(line, part.end);
            let (text, at) = (&line[part.clone()], place_of(part.start));
            match self.whole_line(&mut event, text, at, origin, Within::Stream) {
                Ok(()) => {
                    if let Some((start, failure)) = failed.take() {
                        let text = line[start..part.start].trim_ascii_end();
                        self.fail(out, &failure, text, place_of(start), origin);
                    }
                    out.append(&mut event);
                }
                Err(failure) => {
                    failed.get_or_insert((part.start, failure));
                }
            }
        }
        match failed {
            None => {}
            Some((start, _)) if start == first.start => {
                self.fail(out, failure, line, place, origin);
            }
            Some((start, failure)) => {
                self.fail(out, &failure, &line[start..], place_of(start), origin);
            }
        }
    }
}

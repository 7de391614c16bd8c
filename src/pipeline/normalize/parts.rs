//! The way of one line, which may be a record, a page, an array, or several of them.

use std::ops::Range;

use memchr::memchr;

use super::{Candidate, Normalizer, RecordError, Unshown, Within};
use crate::pipeline::dialect;
use crate::pipeline::frame::{Frame, Framer, next_object, parted_by_holes};

impl Normalizer {
    /// A line, without its end: a record, a page, an array, or blank.
    pub(super) fn line(&mut self, out: &mut Vec<u8>, line: Candidate<'_>, within: Within) {
        if let Err(failure) = self.whole_line(out, line, within) {
            self.parts_or_fail(out, &failure, line);
        }
    }

    /// A line that is a record, a page, an array, or blank; or says why it is none of them.
    fn whole_line(
        &mut self,
        out: &mut Vec<u8>,
        line: Candidate<'_>,
        within: Within,
    ) -> Result<(), RecordError> {
        let attempt = self.attempt(out, line, Unshown::PageOrRecord);
        let Err(failure) = attempt else {
            return Ok(());
        };
        if self.only_record(out, &failure, line) {
            return Ok(());
        }
        // What is no record may be a page: only then its cost is paid.
        let limit = self.options.max_line_bytes;
        let over_lines = within == Within::Document && memchr(b'\n', line.text).is_some();
        let mut framer = Framer::of_line(limit, line.position, line.line_offset, over_lines);
        let mut frames = Vec::new();
        framer.frame(line.text, true, &mut frames);
        if let [Frame::Lines { range, .. }] = frames.as_slice()
            && range.len() == line.text.len()
        {
            return match failure {
                RecordError::PageOrRecord => self.attempt(out, line, Unshown::Record),
                failure => Err(failure),
            };
        }
        for frame in frames {
            self.frame(out, line.text, line.position, frame, line.origin, within);
        }
        Ok(())
    }

    /// The event of the only record of an answer of an organization's API, if a line that failed as a record is one;
    /// whether it is. A record that cannot be mapped fails alone, as one of a page does.
    pub(super) fn only_record(
        &mut self,
        out: &mut Vec<u8>,
        failure: &RecordError,
        line: Candidate<'_>,
    ) -> bool {
        let Some(record) = self.single(failure, line.text) else {
            return false;
        };
        let record = line.part(record);
        if let Err(failure) = self.attempt(out, record, Unshown::Record) {
            self.fail(out, &failure, record);
        }
        true
    }

    /// Where that record stands in it.
    fn single(&mut self, failure: &RecordError, line: &[u8]) -> Option<Range<usize>> {
        if !failure.is_unshown() {
            return None;
        }
        let text = std::str::from_utf8(line).ok()?;
        let answer = self.reader.read(text).ok()?;
        let record = dialect::single(answer.root(), self.dialect)?;
        Some(record.start()..record.start() + record.raw().len())
    }

    /// A line that is no record: its parts as lines of their own, if NUL bytes part it, or else the
    /// objects that follow each other on it.
    pub(super) fn parts_or_fail(
        &mut self,
        out: &mut Vec<u8>,
        failure: &RecordError,
        line: Candidate<'_>,
    ) {
        let parts = match failure {
            RecordError::Frame(_) => Vec::new(),
            RecordError::Encoding(_)
            | RecordError::Syntax(_)
            | RecordError::Unmappable(_)
            | RecordError::PageOrRecord => parted_by_holes(line.text),
        };
        if parts.is_empty() {
            return self.objects_or_fail(out, failure, line);
        }
        for part in parts {
            let part = line.part(0..part.end).behind(part.start);
            self.line(out, part, Within::Stream);
        }
    }

    /// The objects that follow each other on a line. What lies between those that are records or
    /// pages is one failure; if there is none among them, the line is one.
    fn objects_or_fail(&mut self, out: &mut Vec<u8>, failure: &RecordError, line: Candidate<'_>) {
        let text = line.text;
        let first = match failure {
            RecordError::Syntax(_) => next_object(text, 0),
            _ => None,
        };
        let first = first.filter(|first| first.end < text.trim_ascii_end().len());
        let Some(first) = first else {
            return self.fail(out, failure, line);
        };
        let mut event = Vec::new();
        // The first of the parts that failed, and why.
        let mut failed: Option<(usize, RecordError)> = None;
        let mut next = Some(first.clone());
        while let Some(part) = next {
            next = next_object(text, part.end);
            match self.whole_line(&mut event, line.part(part.clone()), Within::Stream) {
                Ok(()) => {
                    if let Some((start, failure)) = failed.take() {
                        let end = start + text[start..part.start].trim_ascii_end().len();
                        self.fail(out, &failure, line.part(start..end));
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
            Some((start, _)) if start == first.start => self.fail(out, failure, line),
            Some((start, failure)) => self.fail(out, &failure, line.part(start..text.len())),
        }
    }
}

//! Finite inputs as lines, one after the other.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use memchr::memchr;

use super::format::InputKind;
use super::source::{Error, RawInput, Reader};
use super::text::Text;
use crate::pipeline::frame::BYTE_ORDER_MARK;
use crate::process::stop::Stop;

/// Bytes that are read at once.
const BUFFER: usize = 128 << 10;
/// Room for a line that is kept; what an enormous one needed is given back.
const KEPT: usize = 4 << 20;

/// Where a line stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// The file, or stdin.
    pub name: Arc<str>,
    /// Which of the inputs it is.
    pub input: usize,
    /// Number of the line in it, from 1.
    pub line: u64,
}

/// The lines of the inputs of a run, in their order.
#[derive(Debug)]
pub struct Lines {
    /// Those not yet opened, the next one last.
    remaining: Vec<PathBuf>,
    current: Option<OpenLines>,
    /// How many were opened.
    opened: usize,
    /// What of a longer line is left out.
    longest: usize,
    kind: InputKind,
    stop: Arc<Stop>,
    bytes: Arc<AtomicU64>,
    has_failed: bool,
}

#[derive(Debug)]
struct OpenLines {
    text: BufReader<Text<RawInput>>,
    position: Position,
    /// Decompressed bytes before the next line.
    offset: u64,
}

/// A line that was read.
#[derive(Debug)]
pub struct Line {
    /// Where it stands.
    pub position: Position,
    /// Whether it is longer than the limit: then its end was left out.
    pub is_too_long: bool,
}

impl Lines {
    /// The events at `paths`, `-` being stdin; of a line, at most so many bytes are read.
    #[must_use]
    pub fn of_events(mut paths: Vec<PathBuf>, longest: usize, stop: Arc<Stop>) -> Self {
        paths.reverse();
        Self {
            remaining: paths,
            current: None,
            opened: 0,
            longest,
            kind: InputKind::Events,
            stop,
            bytes: Arc::default(),
            has_failed: false,
        }
    }

    /// Whether an input could not be read to its end; each was reported when it happened.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// How many bytes were read, before they were decompressed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Reads the next line into `text`, without its end; none at the end of the last input, or when it is
    /// time to end.
    pub fn next_line(&mut self, text: &mut Vec<u8>) -> Option<Line> {
        while !self.stop.is_requested() {
            if self.current.is_none() {
                let path = self.remaining.pop()?;
                self.open(&path);
            }
            let Some(open) = &mut self.current else {
                continue;
            };
            match open.read(text, self.longest) {
                // A line that breaks off because it is time to end is no line.
                Ok(_) if self.stop.is_requested() && !text.ends_with(b"\n") => return None,
                Ok(Some(is_too_long)) => {
                    text.truncate(text.strip_suffix(b"\n").unwrap_or(text).len());
                    text.truncate(text.strip_suffix(b"\r").unwrap_or(text).len());
                    if open.position.line == 0 && text.starts_with(BYTE_ORDER_MARK) {
                        text.drain(..BYTE_ORDER_MARK.len());
                    }
                    open.position.line += 1;
                    return Some(Line {
                        position: open.position.clone(),
                        is_too_long,
                    });
                }
                Ok(None) => self.current = None,
                Err(source) => {
                    let name = open.position.name.to_string();
                    let offset = open.offset;
                    self.current = None;
                    self.fail(&Error::Read {
                        name,
                        offset,
                        source,
                    });
                }
            }
        }
        None
    }

    fn open(&mut self, path: &Path) {
        let reader = Reader {
            stop: &self.stop,
            output: None,
            kind: self.kind,
            bytes: Some(&self.bytes),
        };
        match reader.open(path) {
            Ok(source) => {
                self.opened += 1;
                self.current = Some(OpenLines {
                    text: BufReader::with_capacity(BUFFER, source.text),
                    position: Position {
                        name: source.origin.name().into(),
                        input: self.opened,
                        line: 0,
                    },
                    offset: 0,
                });
            }
            Err(error) => self.fail(&error),
        }
    }

    fn fail(&mut self, error: &Error) {
        tracing::error!("{error}");
        self.has_failed = true;
    }
}

impl OpenLines {
    /// Reads a line with its end; whether it is too long, none at the end of the input.
    fn read(&mut self, line: &mut Vec<u8>, longest: usize) -> std::io::Result<Option<bool>> {
        line.clear();
        line.shrink_to(KEPT);
        let (mut is_too_long, mut has_begun) = (false, false);
        loop {
            let read = match self.text.fill_buf() {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read.is_empty() {
                return Ok(has_begun.then_some(is_too_long));
            }
            has_begun = true;
            let end = memchr(b'\n', read).map(|end| end + 1);
            let part = &read[..end.unwrap_or(read.len())];
            if line.len() + part.len() > longest {
                is_too_long = true;
                line.clear();
            }
            if !is_too_long || end.is_some() {
                // Of a line that is too long, the end alone says that it is whole.
                let start = if is_too_long { part.len() - 1 } else { 0 };
                line.extend_from_slice(&part[start..]);
            }
            let length = part.len();
            self.text.consume(length);
            self.offset += length as u64;
            if end.is_some() {
                return Ok(Some(is_too_long));
            }
        }
    }
}

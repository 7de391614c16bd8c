//! Finite inputs: files and stdin, plain or compressed, one after the other, as pieces of frames.

pub mod compression;
pub mod format;
pub mod lines;
mod source;
mod text;

use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memchr_iter;

use crate::pipeline::event::Origin;
use crate::pipeline::frame::{Frame, Framer};
use crate::process::stop::Stop;

use self::format::InputKind;
pub use self::source::is_pattern;
use self::source::{Error, RawInput, Reader, Source};
use self::text::Text;

/// Input is taken in pieces of about this size: large enough to be worth a turn, small enough for
/// the caches.
const PIECE: usize = 128 << 10;

/// A piece of an input, to be mapped.
#[derive(Debug, Default)]
pub struct Piece {
    /// Bytes that the frames are ranges of.
    pub text: Vec<u8>,
    /// Where in the stream they begin.
    pub offset: u64,
    /// What is in them.
    pub frames: Vec<Frame>,
    /// The file or stream that the bytes are from.
    pub origin: Option<Arc<Origin>>,
    /// Number of the line that the first of the bytes is in, from 1; only counted where it is logged.
    pub line: u64,
    /// Offset and number of the line before the bytes that a frame may begin in, likewise.
    pub open_line: Option<(u64, u64)>,
}

/// The inputs of a run, read in their order.
#[derive(Debug)]
pub struct Inputs {
    /// Those not yet opened, the next one last.
    remaining: Vec<PathBuf>,
    current: Option<OpenInput>,
    max_line_bytes: usize,
    kind: InputKind,
    stop: Arc<Stop>,
    /// The output, if it is a pipe: when its reader closes it, reading ends.
    output: Option<OwnedFd>,
    failed: bool,
}

#[derive(Debug)]
struct OpenInput {
    origin: Arc<Origin>,
    text: Text<RawInput>,
    framer: Framer,
    /// Number of the line of the first byte not yet consumed.
    line: u64,
    /// The line that the next frame may begin in: its offset and number.
    open_line: Option<(u64, u64)>,
    /// What was read, but not yet consumed by the framer.
    rest: Vec<u8>,
    /// The end of the input was reached.
    ended: bool,
}

impl Inputs {
    /// The inputs at `paths`, `-` being stdin.
    #[must_use]
    pub fn new(
        mut paths: Vec<PathBuf>,
        max_line_bytes: usize,
        stop: Arc<Stop>,
        output: Option<OwnedFd>,
    ) -> Self {
        paths.reverse();
        Self {
            remaining: paths,
            current: None,
            max_line_bytes,
            kind: InputKind::Records,
            stop,
            output,
            failed: false,
        }
    }

    /// The same, which hold what `kind` says.
    #[must_use]
    pub fn of(self, kind: InputKind) -> Self {
        Self { kind, ..self }
    }

    /// Whether an input could not be read to its end; each was reported when it happened.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Reads the next piece; false at the end of the last input, or when it is time to end.
    pub fn next_piece(&mut self, piece: &mut Piece) -> bool {
        while !self.stop.is_requested() {
            let open = match self.current.take() {
                Some(open) => Ok(open),
                None => match self.remaining.pop() {
                    Some(path) => self.open(&path),
                    None => return false,
                },
            };
            let read = open.and_then(|mut open| {
                let read = open.fill(piece, &self.stop);
                if !open.ended {
                    self.current = Some(open);
                }
                read
            });
            if let Err(error) = read {
                tracing::error!("{error}");
                self.failed = true;
            }
            if !piece.frames.is_empty() {
                return true;
            }
        }
        false
    }

    fn open(&self, path: &Path) -> Result<OpenInput, Error> {
        let reader = Reader {
            stop: &self.stop,
            output: self.output.as_ref(),
            kind: self.kind,
            bytes: None,
        };
        let Source { origin, text } = reader.open(path)?;
        Ok(OpenInput {
            origin: Arc::new(origin),
            text,
            framer: Framer::new(self.max_line_bytes),
            line: 1,
            open_line: None,
            rest: Vec::new(),
            ended: false,
        })
    }
}

impl OpenInput {
    /// Reads until there is a frame, or the input ends, and no longer than input is there at once.
    fn fill(&mut self, piece: &mut Piece, stop: &Stop) -> Result<(), Error> {
        piece.frames.clear();
        piece.origin = Some(Arc::clone(&self.origin));
        // The rest of the piece before goes to the front of this one.
        piece.text.clear();
        piece.text.shrink_to(8 * PIECE);
        piece.text.append(&mut self.rest);
        let mut result = Ok(());
        while piece.frames.is_empty() && !self.ended {
            match self.read(&mut piece.text) {
                Ok(more) => self.ended = !more,
                Err(source) => {
                    self.ended = true;
                    result = Err(Error::Read {
                        name: self.origin.name().to_owned(),
                        offset: self.framer.offset() + piece.text.len() as u64,
                        source,
                    });
                }
            }
            if self.ended && stop.is_requested() {
                // Not the end of the input: an unfinished line is no record.
                result = Ok(());
            }
            let end = self.ended && !stop.is_requested();
            piece.offset = self.framer.offset();
            piece.line = self.line;
            piece.open_line = self.open_line;
            let consumed = self.framer.frame(&piece.text, end, &mut piece.frames);
            if tracing::enabled!(tracing::Level::DEBUG) {
                self.count_lines(piece, consumed);
            }
            if piece.frames.is_empty() {
                piece.text.drain(..consumed);
            } else {
                self.rest.extend_from_slice(&piece.text[consumed..]);
            }
        }
        result
    }

    fn count_lines(&mut self, piece: &Piece, consumed: usize) {
        let lines = |text: &[u8]| memchr_iter(b'\n', text).count() as u64;
        let open = self.framer.open_line();
        let here = open.checked_sub(piece.offset);
        let here = here.and_then(|at| usize::try_from(at).ok());
        if let Some(before) = here.and_then(|at| piece.text.get(..at)) {
            self.open_line = Some((open, self.line + lines(before)));
        }
        self.line += lines(&piece.text[..consumed]);
    }

    /// Appends about a piece; false at the end.
    fn read(&mut self, text: &mut Vec<u8>) -> io::Result<bool> {
        let start = text.len();
        let target = start + PIECE;
        let mut filled = start;
        text.resize(target, 0);
        let result = loop {
            match self.text.read(&mut text[filled..]) {
                Ok(0) => break Ok(filled > start),
                Ok(read) => filled += read,
                Err(error) => break Err(error),
            }
            if filled == target || !self.text.has_more_at_once(RawInput::is_ready) {
                break Ok(true);
            }
        };
        text.truncate(filled);
        result
    }
}

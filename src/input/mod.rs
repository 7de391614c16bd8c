//! Finite inputs: files and stdin, plain or compressed, one after the other, as pieces of frames.

pub mod compression;
pub mod format;
mod text;

use std::fs::File;
use std::io::{self, ErrorKind, Read, stdin};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use memchr::memchr_iter;
use rustix::fs::OFlags;

use crate::pipeline::event::Origin;
use crate::pipeline::frame::{Frame, Framer};
use crate::process::shown::{Shown as _, quoted_for_shell};
use crate::process::stop::{self, Ready, Stop};

use self::compression::{Compression, Stream};
use self::format::Format;
use self::text::{Opened, Text};

/// Input is taken in pieces of about this size: large enough to be worth a turn, small enough for
/// the caches.
const PIECE: usize = 128 << 10;

/// An input that cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error("cannot open {}: {source}", path.shown())]
    OpenInput {
        /// Path of the file that caused the error.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// No file has the name of a pattern.
    #[error(
        "cannot open {}: no such file; patterns are expanded by the shell, unless they are quoted or \
         match nothing: `confluence-ecs normalize {}`; tail takes patterns itself",
        path.shown(), path.shown()
    )]
    Pattern {
        /// The pattern.
        path: PathBuf,
    },
    /// It is no text of records.
    #[error("{name} is {}", format.and_remedy(file, *outer, "confluence-ecs normalize"))]
    Foreign {
        /// The file, or stdin.
        name: String,
        /// Its path as a shell takes it.
        file: String,
        /// What it is.
        format: &'static Format,
        /// How that is compressed.
        outer: Compression,
    },
    /// It is a directory.
    #[error("{} is a directory: pass the files in it, such as {}/*.log", path.shown(), path.shown())]
    Directory {
        /// Path of the directory.
        path: PathBuf,
    },
    /// It breaks off: an I/O error, or damaged compression.
    #[error("{name}: cannot read at byte {offset} of the (uncompressed) input: {source}")]
    Read {
        /// The file, or stdin.
        name: String,
        /// How much of it was read.
        offset: u64,
        /// The underlying I/O error.
        source: io::Error,
    },
}

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
            stop,
            output,
            failed: false,
        }
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
        let failed = |source: io::Error| {
            let path = path.to_owned();
            if source.kind() == ErrorKind::NotFound && is_pattern(&path) {
                Error::Pattern { path }
            } else {
                Error::OpenInput { path, source }
            }
        };
        let (fd, origin) = if path.as_os_str() == "-" {
            let stdin = stdin().as_fd().try_clone_to_owned().map_err(failed)?;
            (stdin, Origin::stdin())
        } else {
            let file = File::options()
                .read(true)
                // A named pipe without a writer is waited for where a signal can end the wait.
                .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
                .open(path)
                .map_err(failed)?;
            if file.metadata().map_err(failed)?.is_dir() {
                return Err(Error::Directory {
                    path: path.to_owned(),
                });
            }
            (file.into(), Origin::file(path))
        };
        // A larger pipe means fewer turns between its ends; refused for anything else.
        let _ = rustix::pipe::fcntl_setpipe_size(&fd, 1 << 20);
        let output = self.output.as_ref().map(OwnedFd::try_clone);
        let raw = RawInput {
            fd: fd.into(),
            stop: Arc::clone(&self.stop),
            output: output.transpose().map_err(failed)?,
            ended: false,
        };
        let opened = Stream::detect(raw).and_then(|stream| Text::open(stream, RawInput::is_ready));
        let opened = opened.map_err(|source| Error::Read {
            name: origin.name().to_owned(),
            offset: 0,
            source,
        })?;
        let text = match opened {
            Opened::Text(text) => text,
            Opened::Foreign(stream, format) => {
                let is_stdin = path.as_os_str() == "-";
                let plain = stream.plain().map(|raw| &raw.fd);
                // The end of a compressed file: from its start once more.
                let is_compressed = !is_stdin && plain.is_none();
                let compressed = is_compressed.then(|| File::open(path).ok()).flatten();
                return Err(Error::Foreign {
                    name: origin.name().to_owned(),
                    file: if is_stdin {
                        "FILE".to_owned()
                    } else {
                        quoted_for_shell(path)
                    },
                    format: format.of_file(plain, compressed.as_ref()),
                    outer: stream.format(),
                });
            }
        };
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

/// The bytes of an input as they stand in it.
#[derive(Debug)]
struct RawInput {
    fd: File,
    stop: Arc<Stop>,
    output: Option<OwnedFd>,
    /// The end was read: a terminal would not say so once more.
    ended: bool,
}

impl RawInput {
    fn is_ready(&self) -> bool {
        stop::is_ready(self.fd.as_fd())
    }
}

impl Read for RawInput {
    /// Waits for bytes; 0 at the end, or when it is time to end.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended {
            let output: Option<BorrowedFd<'_>> = self.output.as_ref().map(AsFd::as_fd);
            match self.stop.wait(self.fd.as_fd(), output)? {
                Ready::Stop => return Ok(0),
                Ready::Input => match self.fd.read(buffer) {
                    Err(error) if is_passing(&error) => {}
                    result => {
                        self.ended = matches!(result, Ok(0)) && !buffer.is_empty();
                        return result;
                    }
                },
            }
        }
        Ok(0)
    }
}

/// Whether a name is a pattern that no shell has expanded.
#[must_use]
pub fn is_pattern(path: &Path) -> bool {
    let name = path.as_os_str().as_encoded_bytes();
    name.iter().any(|byte| b"*?[{".contains(byte))
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock
    )
}

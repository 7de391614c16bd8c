//! An input that is opened: a file or stdin, decompressed and decoded.

use std::fs::File;
use std::io::{self, ErrorKind, Read, stdin};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::OFlags;

use super::compression::{Compression, Stream};
use super::format::{Format, InputKind};
use super::text::{Opened, Text};
use crate::pipeline::event::Origin;
use crate::process::shown::{Shown as _, quoted_for_shell};
use crate::process::stop::{self, Ready, Stop};

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
         match nothing{}",
        path.shown(), kind.pattern_advice()
    )]
    Pattern {
        /// The pattern.
        path: PathBuf,
        /// What it was to hold.
        kind: InputKind,
    },
    /// It is no text of records.
    #[error("{name} is {}", format.and_remedy(file, *outer, *kind))]
    Foreign {
        /// The file, or stdin.
        name: String,
        /// Its path as a shell takes it.
        file: String,
        /// What it is.
        format: &'static Format,
        /// How that is compressed.
        outer: Compression,
        /// What it was to hold.
        kind: InputKind,
    },
    /// It is a directory.
    #[error(
        "{} is a directory: pass the files in it, such as {}/*.{}",
        path.shown(), path.shown(), kind.extension()
    )]
    Directory {
        /// Path of the directory.
        path: PathBuf,
        /// What its files were to hold.
        kind: InputKind,
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

/// How inputs are opened and read.
pub(super) struct Reader<'a> {
    pub stop: &'a Arc<Stop>,
    /// The output, if it is a pipe: when its reader closes it, reading ends.
    pub output: Option<&'a OwnedFd>,
    pub kind: InputKind,
    /// Counts the bytes that are read, before they are decompressed.
    pub bytes: Option<&'a Arc<AtomicU64>>,
}

/// An input that was opened.
pub(super) struct Source {
    pub origin: Origin,
    pub text: Text<RawInput>,
}

impl Reader<'_> {
    /// Opens the file at a path, or stdin for `-`.
    pub fn open(&self, path: &Path) -> Result<Source, Error> {
        let kind = self.kind;
        let failed = |source: io::Error| {
            let path = path.to_owned();
            if source.kind() == ErrorKind::NotFound && is_pattern(&path) {
                Error::Pattern { path, kind }
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
                let path = path.to_owned();
                return Err(Error::Directory { path, kind });
            }
            (file.into(), Origin::file(path))
        };
        // A larger pipe means fewer turns between its ends; refused for anything else.
        let _ = rustix::pipe::fcntl_setpipe_size(&fd, 1 << 20);
        let output = self.output.map(OwnedFd::try_clone);
        let raw = RawInput {
            fd: fd.into(),
            stop: Arc::clone(self.stop),
            output: output.transpose().map_err(failed)?,
            ended: false,
            bytes: self.bytes.map(Arc::clone),
        };
        let opened = Stream::detect(raw).and_then(|stream| Text::open(stream, RawInput::is_ready));
        let opened = opened.map_err(|source| Error::Read {
            name: origin.name().to_owned(),
            offset: 0,
            source,
        })?;
        match opened {
            Opened::Text(text) => Ok(Source { origin, text }),
            Opened::Foreign(stream, format) => {
                let is_stdin = path.as_os_str() == "-";
                let plain = stream.plain().map(|raw| &raw.fd);
                // The end of a compressed file: from its start once more.
                let is_compressed = !is_stdin && plain.is_none();
                let compressed = is_compressed.then(|| File::open(path).ok()).flatten();
                Err(Error::Foreign {
                    name: origin.name().to_owned(),
                    file: if is_stdin {
                        "FILE".to_owned()
                    } else {
                        quoted_for_shell(path)
                    },
                    format: format.of_file(plain, compressed.as_ref()),
                    outer: stream.format(),
                    kind,
                })
            }
        }
    }
}

/// The bytes of an input as they stand in it.
#[derive(Debug)]
pub(super) struct RawInput {
    fd: File,
    stop: Arc<Stop>,
    output: Option<OwnedFd>,
    /// The end was read: a terminal would not say so once more.
    ended: bool,
    /// Counts what is read.
    bytes: Option<Arc<AtomicU64>>,
}

impl RawInput {
    pub(super) fn is_ready(&self) -> bool {
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
                        if let (Some(bytes), Ok(read)) = (&self.bytes, &result) {
                            bytes.fetch_add(*read as u64, Ordering::Relaxed);
                        }
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

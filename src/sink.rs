//! Where events go: stdout or a file.

use std::fs::File;
use std::io::{self, Write as _, stdout};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};

/// An output that does not take events.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be opened.
    #[error("--output: cannot write {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It broke off.
    #[error("cannot write to {name}: {source}")]
    Write {
        /// The file, or stdout.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// Nobody reads it any more: no error to report.
    #[error("the output is closed")]
    Closed,
}

/// An open output.
#[derive(Debug)]
pub struct Sink {
    file: File,
    name: String,
}

impl Sink {
    /// Stdout.
    ///
    /// # Errors
    /// When stdout is closed.
    pub fn stdout() -> Result<Self, Error> {
        let file = stdout().as_fd().try_clone_to_owned();
        let file = file.map_err(|source| Error::Open {
            path: "-".into(),
            source,
        })?;
        // A larger pipe means fewer turns between its ends; refused for anything else.
        let _ = rustix::pipe::fcntl_setpipe_size(&file, 1 << 20);
        Ok(Self {
            file: file.into(),
            name: "stdout".to_owned(),
        })
    }

    /// A file, truncated as `>` does.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn truncate(path: &Path) -> Result<Self, Error> {
        let file = File::create(path).map_err(|source| Error::Open {
            path: path.to_owned(),
            source,
        })?;
        Ok(Self {
            file,
            name: path.display().to_string(),
        })
    }

    /// The output, if it is a pipe, whose other end can go away.
    #[must_use]
    pub fn pipe(&self) -> Option<OwnedFd> {
        let stat = rustix::fs::fstat(&self.file).ok()?;
        let kind = rustix::fs::FileType::from_raw_mode(stat.st_mode);
        let is_pipe = kind.is_fifo() || kind.is_socket();
        is_pipe.then(|| self.file.as_fd().try_clone_to_owned().ok())?
    }

    /// Writes whole lines.
    ///
    /// # Errors
    /// When the output takes no more.
    pub fn write(&mut self, mut lines: &[u8]) -> Result<(), Error> {
        while !lines.is_empty() {
            match self.file.write(lines) {
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Ok(written) => lines = &lines[written..],
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => self.wait()?,
                    io::ErrorKind::BrokenPipe => return Err(Error::Closed),
                    _ => return Err(self.failed(error)),
                },
            }
        }
        Ok(())
    }

    /// Someone made the output non-blocking: waits until it takes more.
    fn wait(&self) -> Result<(), Error> {
        let mut fds = [PollFd::from_borrowed_fd(self.file.as_fd(), PollFlags::OUT)];
        match poll(&mut fds, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(self.failed(error.into())),
        }
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write {
            name: self.name.clone(),
            source,
        }
    }

    /// Makes what was written durable, where the output is a file.
    ///
    /// # Errors
    /// When the system cannot.
    pub fn finish(self) -> Result<(), Error> {
        let is_file = self
            .file
            .metadata()
            .is_ok_and(|metadata| metadata.is_file());
        if is_file && let Err(error) = self.file.sync_all() {
            return Err(self.failed(error));
        }
        Ok(())
    }
}

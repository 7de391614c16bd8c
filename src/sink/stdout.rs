//! Outputs that are only ever written: stdout, pipes, devices, and files from their beginning.

use std::cell::Cell;
use std::fs::{File, TryLockError};
use std::io::{self, IsTerminal as _, Write as _, stderr, stdin, stdout};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat, major, minor};
use rustix::pipe::PIPE_BUF;

use super::foreign::{is_descriptor, may_be_truncated};
use super::full::{NAP, Pause, is_full};
use super::{Error, MODE, is_file};
use crate::pipeline::event::{count_events, whole_events};
use crate::process::metrics::SourceMetrics;
use crate::process::shown::Shown as _;

/// How long the rest of a line may take that a reader has the beginning of, when it is time to end.
const HALF_LINE_PATIENCE: Duration = Duration::from_secs(3);

/// A stream that events are written to, such as a pipe.
#[derive(Debug)]
pub struct Sink {
    file: File,
    name: String,
    /// Whether a write may wait for a reader, and nothing ends the wait.
    may_block: bool,
    /// How many whole events of the last write were handed over.
    handed: usize,
    /// Whether it takes up to `PIPE_BUF` bytes as a whole or not at all.
    is_pipe: bool,
    /// Those of the source that writes.
    metrics: SourceMetrics,
}

impl Sink {
    /// Opens stdout.
    ///
    /// # Errors
    /// When it cannot be opened once more.
    pub fn stdout() -> Result<Self, Error> {
        let file = stdout().as_fd().try_clone_to_owned();
        let file = file.map_err(|source| Error::Open {
            path: "-".into(),
            source,
        })?;
        // A larger pipe means fewer turns between its ends; refused for anything else.
        let _ = rustix::pipe::fcntl_setpipe_size(&file, 1 << 20);
        Ok(Self::of(file.into(), "stdout".to_owned()))
    }

    fn of(file: File, name: String) -> Self {
        Self {
            handed: 0,
            may_block: may_block(&file),
            is_pipe: kind(&file).is_some_and(FileType::is_fifo),
            file,
            name,
            metrics: SourceMetrics::default(),
        }
    }

    /// With the metrics of the source that writes.
    pub(super) fn measured(self, metrics: &SourceMetrics) -> Self {
        let metrics = metrics.clone();
        Self { metrics, ..self }
    }

    /// The same output for [`Self::write_until`]: a pipe is opened once more, so that writes to it do
    /// not block here and yet block as before for who else has it.
    #[must_use]
    pub(super) fn without_blocking(self) -> Self {
        let path = format!("/proc/self/fd/{}", self.file.as_raw_fd());
        let is_pipe = kind(&self.file).is_some_and(FileType::is_fifo);
        let opened = File::options()
            .write(true)
            .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
            .open(path);
        match opened {
            Ok(file) if is_pipe => Self {
                file,
                name: self.name,
                handed: 0,
                may_block: false,
                is_pipe: true,
                metrics: self.metrics,
            },
            Ok(_) | Err(_) => self,
        }
    }

    /// A file, truncated as `>` does, but not one that another process of ours appends to, nor, unless
    /// `force` is given, one that holds something else than events; it is ours alone from here on.
    ///
    /// # Errors
    /// When it cannot be opened, [`Error::Held`] and [`Error::NotEvents`].
    pub fn truncate(path: &Path, force: bool) -> Result<Self, Error> {
        let failed = |source| Error::opening(path, source);
        if is_descriptor(path) {
            return Self::special(path);
        }
        let mut options = File::options();
        // Truncated only when it is known whose it is.
        options.write(true).create(true).truncate(false).mode(MODE);
        let file = options.open(path).map_err(failed)?;
        if is_file(&file) {
            // Without support for locks, no other instance holds one either.
            if let Err(TryLockError::WouldBlock) = file.try_lock() {
                let path = path.to_owned();
                return Err(Error::Held { path });
            }
            if !force && !may_be_truncated(path, &file).map_err(failed)? {
                return Err(Error::NotEvents {
                    path: path.to_owned(),
                    what: "an event",
                    remedy: "pass --force to overwrite it",
                });
            }
            file.set_len(0).map_err(failed)?;
        }
        Ok(Self::of(file, path.shown().to_string()))
    }

    /// What is no regular file, at a path: a FIFO (opened when it has a reader), a device.
    pub(super) fn special(path: &Path) -> Result<Self, Error> {
        let file = File::options().append(true).open(path);
        let file = file.map_err(|source| Error::opening(path, source))?;
        Ok(Self::of(file, path.shown().to_string()))
    }

    /// The output, if it is a pipe, whose other end can go away.
    #[must_use]
    pub fn pipe(&self) -> Option<OwnedFd> {
        let kind = kind(&self.file)?;
        let is_pipe = kind.is_fifo() || kind.is_socket();
        is_pipe.then(|| self.file.as_fd().try_clone_to_owned().ok())?
    }

    /// Writes complete lines.
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

    /// Writes whole lines, but does not wait longer than a nap after `give_up` says so, neither for
    /// a reader that takes nothing nor for room on a full disk. Lines that fit are not split.
    ///
    /// # Errors
    /// [`Error::GivenUp`], and when the output takes no more.
    pub fn write_until(
        &mut self,
        mut lines: &[u8],
        give_up: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let whole = lines;
        let written = self.write_some(&mut lines, give_up);
        self.handed = count_events(&whole[..whole.len() - lines.len()]);
        written
    }

    fn write_some(&mut self, lines: &mut &[u8], give_up: &dyn Fn() -> bool) -> Result<(), Error> {
        let metrics = self.metrics.clone();
        let mut pause = Pause::new(&metrics);
        let whole = *lines;
        while !lines.is_empty() {
            let is_between_events = || {
                let written = &whole[..whole.len() - lines.len()];
                whole_events(written) == written.len()
            };
            // A reader that gets half an event gets the rest, if it takes it within some time.
            let since = Cell::new(None);
            let give_up = || {
                let since = since.get().unwrap_or_else(Instant::now);
                give_up() && (is_between_events() || since.elapsed() > HALF_LINE_PATIENCE)
            };
            since.set(Some(Instant::now()));
            if self.may_block {
                self.wait_until(&give_up)?;
            }
            let is_pipe = self.may_block || self.is_pipe;
            let piece = if is_pipe { piece(lines) } else { *lines };
            match self.file.write(piece) {
                Ok(0) => return Err(self.failed(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    *lines = &lines[written..];
                    if written == piece.len() {
                        pause.resumed(&self.name);
                    }
                }
                Err(error) if is_full(&error) => {
                    pause.nap(&self.name, &error, &give_up)?;
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::Interrupted => {}
                    io::ErrorKind::WouldBlock => self.wait_until(&give_up)?,
                    io::ErrorKind::BrokenPipe => return Err(Error::Closed),
                    _ => return Err(self.failed(error)),
                },
            }
        }
        Ok(())
    }

    /// How many whole events of the last [`Self::write_until`] were handed over.
    #[must_use]
    pub fn handed(&self) -> usize {
        self.handed
    }

    /// Someone made the output non-blocking: waits until it takes more.
    fn wait(&self) -> Result<(), Error> {
        self.poll(None).map(|_| ())
    }

    /// Waits until the output takes more, or is broken, or the wait is given up.
    fn wait_until(&self, give_up: &dyn Fn() -> bool) -> Result<(), Error> {
        while !self.poll(Some(&NAP))? {
            if give_up() {
                return Err(Error::GivenUp);
            }
        }
        Ok(())
    }

    fn poll(&self, most: Option<&Timespec>) -> Result<bool, Error> {
        let mut fds = [PollFd::from_borrowed_fd(self.file.as_fd(), PollFlags::OUT)];
        match poll(&mut fds, most) {
            Ok(ready) => Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => Ok(false),
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
        if is_file(&self.file)
            && let Err(error) = self.file.sync_all()
        {
            return Err(self.failed(error));
        }
        Ok(())
    }
}

/// Whether the program was started with stdout closed (`>&-`).
///
/// By now it is open all the same: so that no file gets its number, Rust's runtime opens `/dev/null` in
/// its place before `main`, for reading and writing and by itself. `> /dev/null` and systemd's
/// `StandardOutput=null` open it for writing only, and who becomes a daemon (daemon(3),
/// start-stop-daemon) opens it once for stdin, stdout and stderr together. What is left looks the same:
/// `1<> /dev/null`, and Python's and Node's ways to discard stdout alone. So this is asked only where
/// events would count as delivered, and those are told what to do.
pub(super) fn is_stdout_closed() -> bool {
    let stdout = stdout();
    let Ok(mode) = fcntl_getfl(&stdout) else {
        return true;
    };
    let Ok(stat) = fstat(&stdout) else {
        return true;
    };
    let is_null = FileType::from_raw_mode(stat.st_mode).is_char_device()
        && (major(stat.st_rdev), minor(stat.st_rdev)) == (1, 3);
    is_null
        && mode & OFlags::RWMODE == OFlags::RDWR
        && !shares_opening(&stdout, stdin())
        && !shares_opening(&stdout, stderr())
}

/// Whether two descriptors are of one opening of a file: a flag that is set for one is set for both.
fn shares_opening(one: impl AsFd, other: impl AsFd) -> bool {
    let shared = || {
        let before = fcntl_getfl(&one)?;
        let other_before = fcntl_getfl(&other)?;
        fcntl_setfl(&one, before ^ OFlags::APPEND)?;
        let other_after = fcntl_getfl(&other);
        fcntl_setfl(&one, before)?;
        Ok::<bool, rustix::io::Errno>(other_after? != other_before)
    };
    shared().unwrap_or(false)
}

/// What an output that poll calls writable takes without blocking: `PIPE_BUF` bytes, and of those,
/// if there are any, whole lines.
fn piece(lines: &[u8]) -> &[u8] {
    if lines.len() <= PIPE_BUF {
        return lines;
    }
    let piece = &lines[..PIPE_BUF];
    match whole_events(piece) {
        0 => piece,
        whole => &piece[..whole],
    }
}

fn kind(file: &File) -> Option<FileType> {
    let stat = rustix::fs::fstat(file).ok()?;
    Some(FileType::from_raw_mode(stat.st_mode))
}

/// Files take everything at once, and so do devices that are no terminals.
fn may_block(file: &File) -> bool {
    kind(file).is_none_or(|kind| !kind.is_file() && !kind.is_char_device()) || file.is_terminal()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_whole_lines_where_lines_are_short() {
        let mut lines = vec![b'a'; 3000];
        lines.push(b'\n');
        assert_eq!(piece(&lines), lines);
        lines.extend([b'b'; 3000]);
        assert_eq!(piece(&lines).len(), 3001);
        assert_eq!(piece(&lines[1..]).len(), 3000);
        assert_eq!(piece(&[b'c'; 10_000]).len(), PIPE_BUF);
        assert_eq!(piece(b"").len(), 0);
    }
}

//! A file that events are appended to, each once.

use std::fs::{self, File, Metadata, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::full::{Pause, is_full};
use super::rescue::{Recent, Retired, RetiredState};
use super::{Classify, Error, KnownWriters, MODE, OutputCheckpoint, Sink, is_file};
use crate::pipeline::event::{begins_action, is_action, whole_events};
use crate::process::metrics::SourceMetrics;
use crate::process::shown::Shown as _;

/// A last line that is looked at is not longer: an action line with the longest `_id` is shorter.
const LAST_LINE: usize = 1024;

/// A file that is appended to, and whose length is recorded so that a crash doubles nothing. What is
/// no regular file (`/dev/null`, a FIFO) is written like stdout.
#[derive(Debug)]
pub struct FileSink {
    /// As given, but absolute.
    path: PathBuf,
    target: OutputTarget,
    /// Files that were moved away when something had just been written to them.
    retired: Vec<Retired>,
    /// Those of the source that writes.
    metrics: SourceMetrics,
}

#[derive(Debug)]
enum OutputTarget {
    Regular(Box<Regular>),
    Special(Sink),
}

/// An open regular file, locked.
#[derive(Debug)]
struct Regular {
    file: File,
    name: String,
    /// Where it is, through symbolic links: these may lead elsewhere when it is looked for.
    real_path: PathBuf,
    /// What was recorded last; none when something was written since.
    synced: Option<OutputCheckpoint>,
    /// What was written since.
    recent: Recent,
}

impl FileSink {
    /// Cuts what a crash left behind the recorded length and comes again, as `classify` says, wherever
    /// the recorded file or a copy of it is now, and makes that durable: to be called before anything
    /// is appended. A copy in its place is taken for it. A file that was rotated away is found beside
    /// its old place, compressed, too; one that is shorter, gone or another one is told.
    ///
    /// # Errors
    /// When the file cannot be read or cut, or another process appends to it.
    pub fn cut_back(
        recorded: &OutputCheckpoint,
        known: &KnownWriters,
        classify: Classify<'_>,
    ) -> Result<(), Error> {
        recorded.cut_back(known, classify)
    }

    /// Opens a file for appending; creates it if it is missing. A line that someone left unfinished
    /// is ended, so that the next does not become a part of it.
    ///
    /// # Errors
    /// When it cannot be opened, or another process appends to it.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::opening(path, source);
        let path = std::path::absolute(path).map_err(failed)?;
        let is_special =
            fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        let target = if is_special {
            OutputTarget::Special(Sink::special(&path)?)
        } else {
            OutputTarget::Regular(Box::new(Regular::open(&path)?))
        };
        Ok(Self {
            path,
            target,
            retired: Vec::new(),
            metrics: SourceMetrics::default(),
        })
    }

    /// With the metrics of the source that writes.
    pub(super) fn measured(mut self, metrics: &SourceMetrics) -> Self {
        self.target = match self.target {
            OutputTarget::Special(sink) => OutputTarget::Special(sink.measured(metrics)),
            regular @ OutputTarget::Regular(_) => regular,
        };
        self.metrics = metrics.clone();
        self
    }

    /// Appends whole lines: all, or, when it fails, none. Without room it waits, with no half line in
    /// the file, until there is some or `give_up` says so.
    ///
    /// # Errors
    /// [`Error::GivenUp`], and when the file takes no more for another reason.
    pub fn write(&mut self, lines: &[u8], give_up: &dyn Fn() -> bool) -> Result<(), Error> {
        match &mut self.target {
            OutputTarget::Regular(file) => file.write(lines, give_up, &self.metrics),
            OutputTarget::Special(sink) => sink.write_until(lines, give_up),
        }
    }

    /// Makes durable what was written, and tells what is to be recorded; none of what is no regular
    /// file. Cheap when nothing was written since the last call.
    ///
    /// # Errors
    /// When the system cannot. What was written since the last call may be lost then, even if a later
    /// call succeeds: the file is to be given up, and cut back at the next start.
    pub fn sync(&mut self) -> Result<Option<OutputCheckpoint>, Error> {
        match &mut self.target {
            OutputTarget::Regular(file) => {
                for retired in std::mem::take(&mut self.retired) {
                    match retired.state() {
                        RetiredState::Waiting => self.retired.push(retired),
                        RetiredState::Lost(lost) => file.write(&lost, &|| false, &self.metrics)?,
                        RetiredState::Safe => {}
                    }
                }
                while let Some(lost) = file.sync()? {
                    // It has no name any more: its path leads to another file, or to none.
                    **file = Regular::open(&self.path)?;
                    file.write(&lost, &|| false, &self.metrics)?;
                }
                file.recorded().map(Some)
            }
            OutputTarget::Special(_) => Ok(None),
        }
    }

    /// Whether its path no longer leads to this file, or it was truncated: it was rotated, or deleted.
    /// Better saved before anything more is written.
    #[must_use]
    pub fn is_moved(&self) -> bool {
        let is_in_danger = |file: &Regular| {
            let metadata = file.file.metadata();
            metadata.is_ok_and(|metadata| file.recent.is_in_danger(&metadata))
        };
        match &self.target {
            OutputTarget::Regular(file) => self.is_elsewhere() || is_in_danger(file),
            OutputTarget::Special(_) => false,
        }
    }

    fn is_elsewhere(&self) -> bool {
        let OutputTarget::Regular(open) = &self.target else {
            return false;
        };
        let Ok(ours) = open.file.metadata() else {
            return false;
        };
        match fs::metadata(&self.path) {
            Ok(there) => !is_same(&there, &ours),
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        }
    }

    /// Goes on with the file that the path leads to now, created if it is missing; to be called after
    /// [`Self::sync`]. Nothing changes while that is the same file, or if it fails.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn reopen(&mut self) -> Result<(), Error> {
        if self.is_elsewhere() {
            let new = Self::open(&self.path)?.measured(&self.metrics);
            let old = std::mem::replace(&mut self.target, new.target);
            if let OutputTarget::Regular(mut old) = old
                && let Some(retired) = old.retire()
            {
                retired.wait();
                self.retired.push(retired);
            }
        }
        Ok(())
    }

    /// As [`Sink::handed`]; a regular file takes all or nothing.
    #[must_use]
    pub fn handed(&self) -> usize {
        match &self.target {
            OutputTarget::Regular(_) => 0,
            OutputTarget::Special(sink) => sink.handed(),
        }
    }

    /// The output, if it is a pipe, whose other end can go away.
    #[must_use]
    pub fn pipe(&self) -> Option<OwnedFd> {
        match &self.target {
            OutputTarget::Regular(_) => None,
            OutputTarget::Special(sink) => sink.pipe(),
        }
    }
}

impl Regular {
    fn open(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::opening(path, source);
        let mut options = File::options();
        options.read(true).append(true).create(true).mode(MODE);
        let file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Held {
                    path: path.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let real_path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // Whether it was created just now is not known for sure, and nothing is slow here.
        if let Some(dir) = real_path.parent() {
            File::open(dir)
                .and_then(|dir| dir.sync_all())
                .map_err(failed)?;
        }
        end_last_line(&file, path).map_err(failed)?;
        let before = OutputCheckpoint::of(&real_path, &file).map_err(failed)?;
        Ok(Self {
            file,
            name: path.shown().to_string(),
            real_path,
            synced: None,
            recent: Recent::new(before),
        })
    }

    fn write(
        &mut self,
        lines: &[u8],
        give_up: &dyn Fn() -> bool,
        metrics: &SourceMetrics,
    ) -> Result<(), Error> {
        if lines.is_empty() {
            return Ok(());
        }
        self.synced = None;
        let mut kept = 0;
        let mut pause = Pause::new(metrics);
        let written = self.append(lines, &mut kept, give_up, &mut pause);
        if written.is_err() {
            // The rest will be counted as not written: so must be what was.
            let _ = self.cut(kept);
            return written;
        }
        let length = self.file.stream_position();
        let length = length.map_err(|error| self.failed(error))?;
        self.recent.add(lines, length);
        Ok(())
    }

    /// Appends what `lines` holds after `kept` bytes, and counts what is in the file.
    fn append(
        &mut self,
        lines: &[u8],
        kept: &mut usize,
        give_up: &dyn Fn() -> bool,
        pause: &mut Pause<'_>,
    ) -> Result<(), Error> {
        while *kept < lines.len() {
            let error = match self.file.write(&lines[*kept..]) {
                Ok(0) => io::ErrorKind::WriteZero.into(),
                Ok(written) => {
                    *kept += written;
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => error,
            };
            if !is_full(&error) {
                return Err(self.failed(error));
            }
            let whole = whole_events(&lines[..*kept]);
            // Where even that needs room, the half event is gone on with when there is some.
            if self.cut(*kept - whole).is_ok() {
                *kept = whole;
            }
            pause.nap(&self.name, &error, give_up)?;
        }
        pause.resumed(&self.name);
        Ok(())
    }

    /// Takes so many bytes off the end.
    fn cut(&self, bytes: usize) -> io::Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        // By what is there now: somebody else may have truncated it.
        let length = self.file.metadata()?.len();
        self.file.set_len(length.saturating_sub(bytes as u64))
    }

    /// Makes durable what was written; what is to be written into another file instead.
    fn sync(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let metadata = self.file.metadata().map_err(|error| self.failed(error))?;
        if let Some(synced) = &self.synced
            && synced.length == metadata.len()
        {
            return Ok(None);
        }
        // The length is data, too: nothing else of the inode is needed to read it again.
        self.file.sync_data().map_err(|error| self.failed(error))?;
        let lost = self.rescue().map_err(|error| self.failed(error))?;
        if lost.is_none() {
            let recorded = OutputCheckpoint::of(&self.real_path, &self.file);
            let recorded = recorded.map_err(|error| self.failed(error))?;
            // What was written before is in whatever becomes of the file, unless that began already.
            if self.is_in_place() {
                self.recent.save(recorded.clone());
            }
            self.synced = Some(recorded);
        }
        Ok(lost)
    }

    /// What [`Self::sync`] has recorded.
    fn recorded(&self) -> Result<OutputCheckpoint, Error> {
        let unsynced = || self.failed(io::ErrorKind::Other.into());
        self.synced.clone().ok_or_else(unsynced)
    }

    fn is_in_place(&self) -> bool {
        let ours = self.file.metadata();
        let there = fs::metadata(&self.real_path);
        ours.is_ok_and(|ours| there.is_ok_and(|there| is_same(&ours, &there)))
    }

    /// Looks whether the file was rotated while it was written, and what of that is in no file; this
    /// one takes it again if it was truncated.
    fn rescue(&mut self) -> io::Result<Option<Vec<u8>>> {
        let metadata = self.file.metadata()?;
        if !self.recent.is_in_danger(&metadata) {
            return Ok(None);
        }
        let lost = self.recent.lost(&self.file, &self.name)?;
        if metadata.nlink() == 0 || lost.is_none() {
            return Ok(lost);
        }
        // In the order in which they came.
        let mut here = Vec::new();
        let mut from = File::open(format!("/proc/self/fd/{}", self.file.as_raw_fd()))?;
        from.read_to_end(&mut here)?;
        self.file.set_len(0)?;
        self.file.write_all(&lost.unwrap_or_default())?;
        self.file.write_all(&here)?;
        self.file.sync_data()?;
        Ok(None)
    }

    /// What is to be looked after when another file is written instead.
    fn retire(&mut self) -> Option<Retired> {
        let recent = self.recent.take()?;
        let file = self.file.try_clone().ok()?;
        Some(Retired::new(file, self.name.clone(), recent))
    }

    fn failed(&self, source: io::Error) -> Error {
        Error::Write {
            name: self.name.clone(),
            source,
        }
    }
}

impl Drop for Regular {
    fn drop(&mut self) {
        // By hand: a child process that is just being started has the file open, too.
        let _ = self.file.unlock();
    }
}

fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Ends a line that has no end, which is nobody's who could go on with it: what we recorded are
/// whole lines. An action line without its event holds nothing, and would take the next line for it: it
/// is taken away.
fn end_last_line(mut file: &File, path: &Path) -> io::Result<()> {
    let length = file.metadata()?.len();
    if length == 0 || !is_file(file) {
        return Ok(());
    }
    let mut end = vec![0; usize::try_from(length).unwrap_or(LAST_LINE).min(LAST_LINE)];
    let looked_at = end.len() as u64;
    file.read_exact_at(&mut end, length - looked_at)?;
    let is_whole = end.last() == Some(&b'\n');
    let before = &end[..end.len() - usize::from(is_whole)];
    let start = memchr::memrchr(b'\n', before).map(|feed| feed + 1);
    let start = start.or((length == looked_at).then_some(0));
    let is_lone = |start: &usize| {
        let line = &before[*start..];
        is_action(line) || !is_whole && begins_action(line)
    };
    if let Some(start) = start.filter(is_lone) {
        tracing::warn!(
            path = %path.shown(),
            "the output file ends with an action line without its event: removing it"
        );
        return file.set_len(length - (end.len() - start) as u64);
    }
    if is_whole {
        return Ok(());
    }
    tracing::warn!(
        path = %path.shown(),
        length,
        "the output file ends with an unfinished line: appending a newline to it"
    );
    file.write_all(b"\n")
}

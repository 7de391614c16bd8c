//! What a running process says of itself, for reports: `NAME.live` beside the state.
//!
//! It is written by the process that holds `NAME.lock`, and believed only while that process holds it: a file that
//! was left by one that was killed says nothing, whoever has its process id by now.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::lock::{holder, wait_for_lock};
use super::owner::give_to_owner;
use super::replace::PRIVATE;
use super::{Error, Paths};
use crate::pipeline::timestamp::Timestamp;
use crate::process::known::Known;
use crate::process::shown::Shown as _;

/// How the names begin under which sources of a service speak, which may have no state yet.
pub const SOURCE: &str = "run-";
/// The ending of the file.
const ENDING: &str = ".live";
/// The first line, so that it is taken for no state; another version of the content has another one.
const HEADING: &str = "live 1\n";
/// How often a file that says the same as before is marked as current.
const TOUCH_INTERVAL: Duration = Duration::from_secs(10);

/// What a process says of a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Live {
    /// Its process id.
    pub pid: u32,
    /// Since when it has been at it.
    pub since: Timestamp,
    /// The source of a service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<SourceName>,
    /// When it is tried again, after a failure that ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// When the source was found to be missing in the configuration: it is over, and nothing is wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
    /// What it knows of its work.
    #[serde(flatten)]
    pub known: Known,
}

/// A source of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceName {
    /// Its name.
    pub name: String,
    /// `tail` or `fetch`.
    pub kind: String,
    /// The site that it fetches from, by its address or cloud id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<String>,
    /// The `--search` text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
}

/// The file, as long as its process speaks.
#[derive(Debug)]
pub struct LiveFile {
    path: PathBuf,
    new: PathBuf,
    /// Its own lock, where it does not stand beside a state that is held.
    lock: Option<File>,
    written: Vec<u8>,
    touched: Instant,
    is_kept: bool,
}

impl LiveFile {
    /// Beside a state whose lock this process holds.
    #[must_use]
    pub fn beside(dir: &Path, name: &str) -> Self {
        let named = |ending: &str| dir.join(format!("{name}{ending}"));
        Self {
            path: named(ENDING),
            new: named(".live.tmp"),
            lock: None,
            written: Vec::new(),
            touched: Instant::now(),
            is_kept: false,
        }
    }

    /// With a lock of its own.
    ///
    /// # Errors
    /// When another process has it, or it cannot be taken.
    pub fn locked(dir: &Path, name: &str) -> Result<Self, Error> {
        let lock = wait_for_lock(&Paths::new(dir, name).lock, Duration::ZERO)?;
        let mut file = Self::beside(dir, name);
        file.lock = Some(lock);
        Ok(file)
    }

    /// Writes down what is to be said, if it is new. A failure is no reason to stop the work: reports then know less.
    pub fn tell(&mut self, live: &Live) {
        let Ok(json) = serde_json::to_string(live) else {
            return;
        };
        let text = format!("{HEADING}{json}\n").into_bytes();
        if text == self.written {
            self.touch();
            return;
        }
        let put = || {
            self.write(&text)
                .and_then(|()| fs::rename(&self.new, &self.path))
        };
        let told = put().or_else(|_| {
            // What it said is no longer true; and where there is no space, this makes some.
            self.remove();
            put()
        });
        match told {
            Ok(()) => {
                self.written = text;
                self.touched = Instant::now();
            }
            Err(error) => {
                tracing::debug!("cannot write {}: {error}", self.path.shown());
                self.written.clear();
            }
        }
    }

    /// Not synced: nobody believes it once this process is gone.
    fn write(&self, text: &[u8]) -> io::Result<()> {
        let _ = fs::remove_file(&self.new);
        let mut options = File::options();
        options.write(true).create_new(true).mode(PRIVATE);
        let mut file = options.open(&self.new)?;
        give_to_owner(&file, &self.new);
        file.write_all(text)
    }

    /// After a kill, the time of the file says until when the process was there.
    fn touch(&mut self) {
        if self.touched.elapsed() < TOUCH_INTERVAL {
            return;
        }
        self.touched = Instant::now();
        let touched = File::options().write(true).open(&self.path);
        if let Err(error) = touched.and_then(|file| file.set_modified(SystemTime::now())) {
            tracing::debug!("cannot touch {}: {error}", self.path.shown());
            self.written.clear();
        }
    }

    /// Leaves the file behind: it says why the process ended.
    pub fn keep(mut self) {
        self.is_kept = true;
    }

    fn remove(&self) {
        for path in [&self.path, &self.new] {
            let _ = fs::remove_file(path);
        }
    }
}

impl Drop for LiveFile {
    fn drop(&mut self) {
        if !self.is_kept {
            self.remove();
        }
        if let Some(lock) = &self.lock {
            let _ = lock.set_len(0);
        }
    }
}

/// What was said last under a name, and when; none if nothing was, or it cannot be understood.
#[must_use]
pub fn read(dir: &Path, name: &str) -> Option<(Live, Timestamp)> {
    let path = dir.join(format!("{name}{ENDING}"));
    let text = fs::read_to_string(&path).ok()?;
    let live = serde_json::from_str(text.strip_prefix(HEADING)?).ok()?;
    Some((live, time_of(&path)?))
}

/// The names under which something was said.
#[must_use]
pub fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let files = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let name = |file: String| Some(file.strip_suffix(ENDING)?.to_owned());
    files.filter_map(name).collect()
}

/// The names of sources that said something.
#[must_use]
pub fn sources(dir: &Path) -> Vec<String> {
    let names = names(dir).into_iter();
    let source = |name: String| Some(name.strip_prefix(SOURCE)?.to_owned());
    names.filter_map(source).collect()
}

/// When a file was last written.
fn time_of(path: &Path) -> Option<Timestamp> {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    let since = modified.ok()?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_millis(i64::try_from(since.as_millis()).ok()?)
}

/// Who holds a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// A process, by the id in the lock: where the disk was full, there is none.
    Process(Option<u32>),
    /// Nobody: since then, if it was let go in an orderly way.
    Nobody(Option<Timestamp>),
}

/// Who holds the lock of a name; makes no file. It is taken for a moment, which whoever starts waits for.
///
/// # Errors
/// When the lock file is there, and cannot be read or tried.
pub fn holder_of(dir: &Path, name: &str) -> Result<Holder, Error> {
    let path = Paths::new(dir, name).lock;
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Holder::Nobody(None)),
        Err(source) => return Err(Error::Lock { path, source }),
    };
    match file.try_lock_shared() {
        Ok(()) => {
            let _ = file.unlock();
            let is_emptied = file.metadata().is_ok_and(|metadata| metadata.len() == 0);
            Ok(Holder::Nobody(is_emptied.then(|| time_of(&path)).flatten()))
        }
        Err(TryLockError::WouldBlock) => Ok(Holder::Process(holder(&file))),
        Err(TryLockError::Error(source)) => Err(Error::Lock { path, source }),
    }
}

//! Locks: a state is one instance's alone, whose process id is in the lock file.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::owner::open_or_create;
use super::{Error, Paths};
use crate::process::shown::Shown as _;

/// How long a lock that another instance holds is tried at least: a report that looks whether somebody has it takes
/// it for a moment, and must not keep anyone from starting.
const LOOKED_AT: Duration = Duration::from_millis(250);
/// How often a lock that another instance holds is tried.
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// Whether no instance holds a state; makes no file. The lock is not touched unless a holder has left
/// its id in it: trying it takes it for a moment, in which whoever starts would be refused.
///
/// # Errors
/// [`Error::Held`] when one does.
pub(crate) fn check_free(dir: &Path, name: &str) -> Result<(), Error> {
    let path = Paths::new(dir, name).lock;
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(Error::Lock { path, source }),
    };
    let Some(holder) = holder(&file) else {
        return Ok(());
    };
    match file.try_lock_shared() {
        // It was killed, and its id stayed.
        Ok(()) => {
            let _ = file.unlock();
            Ok(())
        }
        Err(TryLockError::WouldBlock) => Err(Error::Held {
            path,
            holder: Some(holder),
        }),
        Err(TryLockError::Error(source)) => Err(Error::Lock { path, source }),
    }
}

/// The process id in a lock file.
pub(super) fn holder(file: &File) -> Option<u32> {
    let mut text = String::new();
    let read = file.take(32).read_to_string(&mut text);
    read.ok().and_then(|_| text.trim().parse().ok())
}

/// Takes the lock, as soon as whoever has it lets go.
pub(super) fn wait_for_lock(path: &Path, patience: Duration) -> Result<File, Error> {
    let start = Instant::now();
    let mut is_logged = false;
    loop {
        match lock(path.to_owned()) {
            Err(Error::Held { path, holder }) if start.elapsed() < patience.max(LOOKED_AT) => {
                if !is_logged && !patience.is_zero() {
                    tracing::debug!(path = %path.shown(), holder, "waiting for the lock");
                    is_logged = true;
                }
                thread::sleep(LOCK_INTERVAL);
            }
            taken => return taken,
        }
    }
}

/// Takes the lock, and leaves this process's id in it.
fn lock(path: PathBuf) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600);
    let failed = |source| Error::Lock {
        path: path.clone(),
        source,
    };
    let mut file = open_or_create(&options, &path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = holder(&file);
            return Err(Error::Held { path, holder });
        }
        Err(TryLockError::Error(source)) => return Err(failed(source)),
    }
    // On a full disk the lock holds all the same, only nameless.
    let _ = file
        .set_len(0)
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(file)
}

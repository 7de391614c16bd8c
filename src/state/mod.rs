//! State files: what was shipped so far, as versioned JSON that survives crashes and damage.
//!
//! A state is `NAME.json` in the state directory, with its previous generation in
//! `NAME.json.previous`; `NAME.lock` is held by the one instance that may write them. The file is
//! `{"version":1,"saved_at":"2026-04-11T06:00:00.000Z","checksum":"…","state":{…}}`; the checksum is
//! the XXH3-128 of the bytes of `state`, in hexadecimal.
//!
//! A single state has no previous generation: what it would go back to is worth nothing.

mod file;
pub mod live;
mod lock;
mod owner;
mod place;
mod replace;

pub use file::{Damage, Saved};
pub(crate) use lock::check_free;
pub(crate) use owner::open_or_create;
pub(crate) use place::{directory, is_own_file};
pub(crate) use replace::{USUAL, replace};

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use self::lock::wait_for_lock;
use self::replace::write_private;
use crate::process::shown::Shown as _;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Why a state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No variable tells where state belongs.
    #[error(
        "--state-dir: no default directory, as none of STATE_DIRECTORY, XDG_STATE_HOME and HOME \
         is set; pass --state-dir DIR"
    )]
    NoDirectory,
    /// The directory cannot be made.
    #[error("cannot create the state directory {}: {source}; choose another with --state-dir", path.shown())]
    Directory {
        /// Path of the directory.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The directory is there, but cannot be listed.
    #[error(
        "cannot read the state directory {}: {source}; {}choose another with --state-dir",
        path.shown(),
        if source.kind() == io::ErrorKind::PermissionDenied { "run this as its owner or as root, or " } else { "" }
    )]
    Unlistable {
        /// Path of the directory.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// Another instance uses the state.
    #[error(
        "{} is locked by another instance{}: stop it first, or use another --state-dir",
        path.shown(),
        holder.map(|pid| format!(", process {pid}")).unwrap_or_default()
    )]
    Held {
        /// Path of the lock file.
        path: PathBuf,
        /// The other's process id, as it wrote it down.
        holder: Option<u32>,
    },
    /// The lock file cannot be opened or locked.
    #[error("cannot lock {}: {source}; its directory must be writable, on a file system with locks", path.shown())]
    Lock {
        /// Path of the lock file.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// The file is there, but the system does not give it out.
    #[error("cannot read state file {}: {source}; make it readable and try again", path.shown())]
    Read {
        /// Path of the newest generation.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
    /// A later version of the program wrote it.
    #[error(
        "state file {} has version {version}, written by a newer confluence-ecs: use that version, \
         or another --state-dir",
        path.shown()
    )]
    Newer {
        /// Path of the newest generation.
        path: PathBuf,
        /// The version of its layout.
        version: u64,
    },
    /// Neither generation can be used.
    #[error(
        "state file {} is damaged: {damage}; so is {}: {previous_damage}; restore one of them, or \
         move both away to start over",
        path.shown(),
        previous.shown()
    )]
    Damaged {
        /// Path of the newest generation.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
        /// Path of the previous generation.
        previous: PathBuf,
        /// What is wrong with that.
        previous_damage: Damage,
    },
    /// A single state cannot be used.
    #[error("state file {} is damaged: {damage}", path.shown())]
    DamagedSingle {
        /// Path of the newest generation.
        path: PathBuf,
        /// What is wrong with it.
        damage: Damage,
    },
}

/// What is known of the newest generation on disk.
mod newest {
    /// Not read yet.
    pub const UNKNOWN: u8 = 0;
    /// It was read or written, and becomes the previous one with the next save.
    pub const GOOD: u8 = 1;
    /// It is missing or damaged: the previous one must stay.
    pub const BAD: u8 = 2;
}

/// A state that is this process's alone, for as long as this lives.
#[derive(Debug)]
pub struct Store {
    paths: Paths,
    newest: AtomicU8,
    lock: File,
}

impl Store {
    /// Takes the state `name` in `dir`, which is created if it is missing.
    ///
    /// # Errors
    /// [`Error::Held`] when another instance has it, and when the directory or the lock fails.
    pub fn open(dir: &Path, name: &str) -> Result<Self, Error> {
        Self::lock(Paths::new(dir, name), Duration::ZERO)
    }

    /// Takes a state that keeps no previous generation; waits for another instance that has it.
    ///
    /// # Errors
    /// As [`Self::open`], [`Error::Held`] when the other still has it after so long.
    pub fn open_single(dir: &Path, name: &str, patience: Duration) -> Result<Self, Error> {
        Self::lock(Paths::single(dir, name), patience)
    }

    fn lock(paths: Paths, patience: Duration) -> Result<Self, Error> {
        make_directory(&paths.dir)?;
        let lock = wait_for_lock(&paths.lock, patience)?;
        // A crash in the middle of a save left them.
        for litter in [&paths.new, &paths.link] {
            let _ = fs::remove_file(litter);
        }
        Ok(Self {
            paths,
            newest: AtomicU8::new(newest::UNKNOWN),
            lock,
        })
    }

    /// Its name, and the directory that it is in.
    #[must_use]
    pub fn place(&self) -> (&Path, &str) {
        let name = self.paths.lock.file_stem().and_then(OsStr::to_str);
        (&self.paths.dir, name.unwrap_or_default())
    }

    /// The state as it was saved last; none if it never was. A damaged or missing newest generation
    /// is replaced by the previous one, and told.
    ///
    /// # Errors
    /// When neither generation can be used, or one cannot be read.
    pub fn load<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        let (saved, is_newest) = self.paths.read(Fallback::Warned)?;
        let known = if is_newest { newest::GOOD } else { newest::BAD };
        self.newest.store(known, Ordering::Relaxed);
        Ok(saved.map(|saved| saved.state))
    }

    /// Replaces the state; the one before becomes the previous generation. Whatever fails and
    /// whenever the power goes, the newest generation is whole, and the old or the new one.
    ///
    /// # Errors
    /// When the new state cannot be written, is not JSON, or a newer confluence-ecs wrote the old
    /// one; that is then as it was.
    pub fn save<T: Serialize>(&self, state: &T) -> io::Result<()> {
        let text = file::write(state)?;
        let is_good = match self.newest.load(Ordering::Relaxed) {
            newest::GOOD => true,
            newest::BAD => false,
            _ => self.paths.is_good().map_err(io::Error::other)?,
        };
        let replaced = self.replace(text.as_bytes(), is_good);
        match replaced {
            Ok(()) => self.newest.store(newest::GOOD, Ordering::Relaxed),
            Err(_) => {
                for litter in [&self.paths.new, &self.paths.link] {
                    let _ = fs::remove_file(litter);
                }
            }
        }
        replaced
    }

    /// Removes the state, whatever is in it, durably; says whether there was one. The lock file stays:
    /// another instance may have it open.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self) -> io::Result<bool> {
        let Paths {
            dir,
            newest,
            previous,
            ..
        } = &self.paths;
        let mut is_removed = false;
        // The newest last: without it, the previous one would come back.
        for path in previous.iter().chain([newest]) {
            match fs::remove_file(path) {
                Ok(()) => is_removed = true,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        self.newest.store(newest::UNKNOWN, Ordering::Relaxed);
        File::open(dir)?.sync_all()?;
        Ok(is_removed)
    }

    fn replace(&self, text: &[u8], keep_previous: bool) -> io::Result<()> {
        let Paths {
            dir, newest, new, ..
        } = &self.paths;
        write_private(new, text)?;
        // Only a good one: a damaged one must not push out the previous, which is all there is.
        if keep_previous {
            self.keep_previous()?;
        }
        replace::put(new, newest, dir)
    }

    /// Makes the newest generation the previous one, too, so that there is always a newest.
    fn keep_previous(&self) -> io::Result<()> {
        let Paths {
            newest,
            previous: Some(previous),
            link,
            ..
        } = &self.paths
        else {
            return Ok(());
        };
        let linked = fs::hard_link(newest, link).or_else(|error| match error.kind() {
            // A file that was left, or put there by someone.
            io::ErrorKind::AlreadyExists => {
                fs::remove_file(link)?;
                fs::hard_link(newest, link)
            }
            _ => Err(error),
        });
        match linked {
            // Somebody took it away: nothing to keep.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // No hard links on this file system.
            Err(_) => write_private(link, &fs::read(newest)?)?,
            Ok(()) => {}
        }
        fs::rename(link, previous)?;
        // A rename between two names of one file (after a crash at this point) leaves both.
        match fs::remove_file(link) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        // The file stays, since another may have opened it already; its name for us must not.
        let _ = self.lock.set_len(0);
        // By hand: a child process that is just being started has the file open, too.
        let _ = self.lock.unlock();
    }
}

/// Makes a state directory, if it is not there.
///
/// # Errors
/// When it cannot be made.
pub fn make_directory(dir: &Path) -> Result<(), Error> {
    place::create(dir).map_err(|source| Error::Directory {
        path: dir.to_owned(),
        source,
    })
}

/// Reads a state without its lock, for a report beside a running instance.
///
/// # Errors
/// As [`Store::load`].
pub fn read<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<Option<Saved<T>>, Error> {
    let read = Paths::new(dir, name).read(Fallback::Warned);
    read.map(|(saved, _)| saved)
}

/// As [`read`], without a warning where the previous generation is used.
///
/// # Errors
/// As [`Store::load`].
pub fn read_quietly<T: DeserializeOwned>(
    dir: &Path,
    name: &str,
) -> Result<Option<Saved<T>>, Error> {
    let read = Paths::new(dir, name).read(Fallback::Silent);
    read.map(|(saved, _)| saved)
}

/// Looks whether the states of a directory can be listed; there may be no such directory yet.
///
/// # Errors
/// When they cannot be.
pub fn check_listable(dir: &Path) -> Result<(), Error> {
    match fs::read_dir(dir) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Unlistable {
            path: dir.to_owned(),
            source,
        }),
        _ => Ok(()),
    }
}

/// The names of the states of a directory that have a generation on disk, sorted; none if there is no such directory.
///
/// # Errors
/// When the directory cannot be listed.
pub fn names(dir: &Path) -> io::Result<BTreeSet<String>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        entries => entries?,
    };
    let mut names = BTreeSet::new();
    for entry in entries {
        let Ok(file) = entry?.file_name().into_string() else {
            continue;
        };
        let newest = file.strip_suffix(".previous").unwrap_or(&file);
        names.extend(newest.strip_suffix(".json").map(str::to_owned));
    }
    Ok(names)
}

/// Whether a state was ever saved, however good it is by now.
#[must_use]
pub fn is_saved(dir: &Path, name: &str) -> bool {
    let paths = Paths::new(dir, name);
    let mut generations = std::iter::once(&paths.newest).chain(&paths.previous);
    generations.any(|path| path.exists())
}

/// Reads a single state without its lock.
///
/// # Errors
/// As [`Store::load`].
pub fn read_single<T: DeserializeOwned>(dir: &Path, name: &str) -> Result<Option<Saved<T>>, Error> {
    let read = Paths::single(dir, name).read(Fallback::Warned);
    read.map(|(saved, _)| saved)
}

/// Whether it is said that the previous generation is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fallback {
    Warned,
    Silent,
}

/// The files of one state.
#[derive(Debug)]
struct Paths {
    dir: PathBuf,
    newest: PathBuf,
    /// None: a single state.
    previous: Option<PathBuf>,
    /// The generation to come, while it is written.
    new: PathBuf,
    /// The second name of the newest generation, before it is the previous one's.
    link: PathBuf,
    lock: PathBuf,
}

impl Paths {
    fn new(dir: &Path, name: &str) -> Self {
        let named = |ending: &str| dir.join(format!("{name}.json{ending}"));
        Self {
            newest: named(""),
            previous: Some(named(".previous")),
            new: named(".tmp"),
            link: named(".link"),
            lock: dir.join(format!("{name}.lock")),
            dir: dir.to_owned(),
        }
    }

    fn single(dir: &Path, name: &str) -> Self {
        Self {
            previous: None,
            ..Self::new(dir, name)
        }
    }

    /// The best generation there is, and whether it is the newest.
    fn read<T: DeserializeOwned>(
        &self,
        fallback: Fallback,
    ) -> Result<(Option<Saved<T>>, bool), Error> {
        let damage = match file::read(&self.newest)? {
            Ok(saved) => return Ok((Some(saved), true)),
            Err(damage) => damage,
        };
        let Some(previous) = &self.previous else {
            return match damage {
                Damage::Missing => Ok((None, false)),
                damage => Err(Error::DamagedSingle {
                    path: self.newest.clone(),
                    damage,
                }),
            };
        };
        match file::read(previous)? {
            Ok(saved) => {
                if fallback == Fallback::Warned {
                    tracing::warn!(
                        path = %self.newest.shown(),
                        previous = %previous.shown(),
                        %damage,
                        "state file is damaged or missing: using its previous generation"
                    );
                }
                Ok((Some(saved), false))
            }
            Err(Damage::Missing) if matches!(damage, Damage::Missing) => Ok((None, false)),
            Err(previous_damage) => Err(Error::Damaged {
                path: self.newest.clone(),
                damage,
                previous: previous.clone(),
                previous_damage,
            }),
        }
    }

    /// Whether the newest generation is whole, whatever its state is about.
    fn is_good(&self) -> Result<bool, Error> {
        Ok(file::read::<serde::de::IgnoredAny>(&self.newest)?.is_ok())
    }
}

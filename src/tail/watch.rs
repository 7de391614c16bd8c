//! Change notifications of the system, where it has them.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::process::file_id::FileId;
use crate::process::shown::Shown as _;
use crate::process::stop::Stop;

/// File systems of this machine alone, by the numbers that statfs(2) gives: ext, XFS, Btrfs, tmpfs,
/// overlay, ZFS, F2FS, bcachefs, ramfs, JFS.
const LOCAL: [u32; 10] = [
    0xEF53,
    0x5846_5342,
    0x9123_683E,
    0x0102_1994,
    0x794C_7630,
    0x2FC1_2FC1,
    0xF2F5_2010,
    0xCA45_1A4E,
    0x8584_58F6,
    0x3153_464A,
];

/// Changes since the last call.
#[derive(Debug, Default)]
pub struct News {
    /// Files that were written to.
    pub written: HashSet<PathBuf>,
    /// Files came, went, or were renamed.
    pub scan_again: bool,
}

/// Watches directories for changes.
#[derive(Debug)]
pub struct Watch {
    /// None: notifications are not available; files are polled.
    watcher: Option<RecommendedWatcher>,
    news: Arc<Mutex<News>>,
    watched: BTreeMap<PathBuf, Watched>,
}

/// Identity of a watched directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Watched {
    file_id: Option<FileId>,
    /// On a file system all of whose writers are on this machine, so that none goes unreported.
    is_local: bool,
}

impl Watch {
    /// A watch that wakes `stop` on changes.
    #[must_use]
    pub fn new(stop: Arc<Stop>) -> Self {
        let news = Arc::<Mutex<News>>::default();
        let told = Arc::clone(&news);
        let tell = move |event: notify::Result<notify::Event>| {
            let is_news = {
                let mut news = lock(&told);
                take(&mut news, event)
            };
            if is_news {
                stop.wake();
            }
        };
        let watcher = notify::recommended_watcher(tell);
        if let Err(error) = &watcher {
            say_polling(error);
        }
        Self {
            watcher: watcher.ok(),
            news,
            watched: BTreeMap::new(),
        }
    }

    /// Watches these directories, and no others; returns whether one was not watched before.
    pub fn folders<'a>(&mut self, folders: impl Iterator<Item = &'a Path>) -> bool {
        let mut is_new = false;
        let mut wanted = BTreeMap::new();
        let mut unwatched = Vec::new();
        for folder in folders {
            let file_id = std::fs::metadata(folder).ok().map(|data| FileId::of(&data));
            // A directory that was made anew is another one under the old name.
            let watched = self.watched.get(folder);
            if let Some(watched) = watched.filter(|watched| watched.file_id == file_id) {
                wanted.insert(folder.to_owned(), *watched);
            } else {
                unwatched.push((folder, file_id));
            }
        }
        // First those that go: a directory that was renamed has one watch under both names.
        for folder in self.watched.keys() {
            if !wanted.contains_key(folder)
                && let Some(watcher) = &mut self.watcher
            {
                let _ = watcher.unwatch(folder);
            }
        }
        for (folder, file_id) in unwatched {
            let Some(watcher) = &mut self.watcher else {
                break;
            };
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    is_new = true;
                    let is_local = is_local(folder);
                    wanted.insert(folder.to_owned(), Watched { file_id, is_local });
                }
                Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => {
                    say_polling(&error);
                    self.watcher = None;
                }
                Err(error) => tracing::debug!("{}: {error}", folder.shown()),
            }
        }
        self.watched = wanted;
        is_new
    }

    /// Whether every change in these directories is reported.
    pub fn sees_all<'a>(&self, mut folders: impl Iterator<Item = &'a Path>) -> bool {
        self.watcher.is_some()
            && folders.all(|folder| {
                let watched = self.watched.get(folder);
                watched.is_some_and(|watched| watched.is_local)
            })
    }

    /// Takes the changes since the last call.
    #[must_use]
    pub fn news(&self) -> News {
        std::mem::take(&mut *lock(&self.news))
    }
}

/// Whether a directory is on a file system that no other machine writes to, so far as is known.
fn is_local(folder: &Path) -> bool {
    let kind = rustix::fs::statfs(folder).map(|system| system.f_type & 0xFFFF_FFFF);
    kind.is_ok_and(|kind| {
        LOCAL
            .iter()
            .any(|local| i128::from(*local) == i128::from(kind))
    })
}

/// Whether an event is worth waking up for.
fn take(news: &mut News, event: notify::Result<notify::Event>) -> bool {
    let Ok(event) = event else {
        news.scan_again = true;
        return true;
    };
    match event.kind {
        // Reads are our own: no change.
        EventKind::Access(_) => return event.need_rescan(),
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
            news.written.extend(event.paths);
        }
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => news.scan_again = true,
    }
    true
}

fn say_polling(error: &notify::Error) {
    tracing::warn!(
        "file notifications are not available ({error}): checking files every --poll-interval instead"
    );
}

fn lock(news: &Mutex<News>) -> MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}

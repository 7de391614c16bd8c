//! Being told of changes by the system, where it can tell.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{EventKind, ModifyKind};
use notify::{ErrorKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::node::Node;
use crate::shown::Shown as _;
use crate::stop::Stop;

/// What was told since it was last asked for.
#[derive(Debug, Default)]
pub struct News {
    /// Files that were written to.
    pub written: HashSet<PathBuf>,
    /// Files came, went, or were renamed.
    pub look_again: bool,
}

/// Watches directories.
#[derive(Debug)]
pub struct Watch {
    /// None: the system cannot, or cannot any more; there is polling.
    watcher: Option<RecommendedWatcher>,
    news: Arc<Mutex<News>>,
    watched: BTreeMap<PathBuf, Option<Node>>,
}

impl Watch {
    /// A watch that wakes `stop` when there is news.
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
        for folder in folders {
            let node = std::fs::metadata(folder).ok().map(|data| Node::of(&data));
            // A directory that was made anew is another one under the old name.
            if self.watched.get(folder) == Some(&node) {
                wanted.insert(folder.to_owned(), node);
                continue;
            }
            let Some(watcher) = &mut self.watcher else {
                continue;
            };
            let _ = watcher.unwatch(folder);
            match watcher.watch(folder, RecursiveMode::NonRecursive) {
                Ok(()) => {
                    is_new = true;
                    wanted.insert(folder.to_owned(), node);
                }
                Err(error) if matches!(error.kind, ErrorKind::MaxFilesWatch) => {
                    say_polling(&error);
                    self.watcher = None;
                }
                Err(error) => tracing::debug!("{}: {error}", folder.shown()),
            }
        }
        for folder in self.watched.keys() {
            if !wanted.contains_key(folder)
                && let Some(watcher) = &mut self.watcher
            {
                let _ = watcher.unwatch(folder);
            }
        }
        self.watched = wanted;
        is_new
    }

    /// What was told since the last call.
    #[must_use]
    pub fn news(&self) -> News {
        std::mem::take(&mut *lock(&self.news))
    }
}

/// Whether an event is worth waking up for.
fn take(news: &mut News, event: notify::Result<notify::Event>) -> bool {
    let Ok(event) = event else {
        news.look_again = true;
        return true;
    };
    match event.kind {
        // Reading is no news: it is what we do.
        EventKind::Access(_) => return event.need_rescan(),
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Any) => {
            news.written.extend(event.paths);
        }
        EventKind::Any
        | EventKind::Create(_)
        | EventKind::Modify(_)
        | EventKind::Remove(_)
        | EventKind::Other => news.look_again = true,
    }
    true
}

fn say_polling(error: &notify::Error) {
    tracing::warn!(
        "the system cannot tell of changes ({error}): files are looked at every --poll-interval instead"
    );
}

fn lock(news: &Mutex<News>) -> MutexGuard<'_, News> {
    news.lock().unwrap_or_else(PoisonError::into_inner)
}

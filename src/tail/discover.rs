//! Which files there are: patterns, directories, and a look at both that holds together.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::glob::{Folders, Glob, has_wildcard};
use super::log::{file_name, folder};
use super::name::Name;
use crate::node::Node;
use crate::shown::{Shown as _, to_saved};

/// What a directory stands for when it is followed.
const LOGS: &str = "*.log";

/// Files to follow, as the user named them.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// The absolute pattern, by which the state knows it.
    pub text: String,
    target: Target,
}

#[derive(Debug, Clone)]
enum Target {
    /// A file, or a directory, whichever is there when it is looked for.
    Path {
        path: PathBuf,
        file: Glob,
        logs: Glob,
    },
    /// Files of directories that match.
    Glob { folders: Folders, file: Glob },
}

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// No glob.
    #[error("{}: {source}", text.shown())]
    Glob {
        /// The pattern.
        text: OsString,
        /// What is wrong with it.
        source: ::glob::PatternError,
    },
    /// The current directory is gone.
    #[error("{}: cannot be made absolute: {source}", path.shown())]
    Absolute {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Pattern {
    /// Reads a path, a directory (whose `*.log` files are followed), or a glob.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(path: &Path) -> Result<Self, PatternError> {
        let absolute = std::path::absolute(path).map_err(|source| PatternError::Absolute {
            path: path.to_owned(),
            source,
        })?;
        let text = absolute.as_os_str();
        // A file whose name only looks like a glob is meant as it is.
        let target = if !has_wildcard(text) || absolute.exists() {
            Target::Path {
                file: Glob::literal(file_name(&absolute))?,
                logs: Glob::new(OsStr::new(LOGS))?,
                path: absolute.clone(),
            }
        } else {
            let bytes = text.as_bytes();
            let name = bytes.rsplit(|byte| *byte == b'/').next().unwrap_or(bytes);
            let (folders, file) = match name {
                b"" => (bytes, LOGS.as_bytes()),
                // All files of all these directories.
                b"**" => (bytes, b"*".as_slice()),
                name => (&bytes[..bytes.len() - name.len()], name),
            };
            Target::Glob {
                folders: Folders::parse(OsStr::from_bytes(folders))?,
                file: Glob::new(OsStr::from_bytes(file))?,
            }
        };
        Ok(Self {
            text: to_saved(text),
            target,
        })
    }

    /// The directories that there are now, with what is followed in them.
    fn folders(&self) -> Vec<(PathBuf, &Glob)> {
        match &self.target {
            Target::Path { path, logs, .. } if path.is_dir() => vec![(path.clone(), logs)],
            Target::Path { path, file, .. } => vec![(folder(path).to_owned(), file)],
            Target::Glob { folders, file } => {
                let folders = folders.all().into_iter();
                folders.map(|folder| (folder, file)).collect()
            }
        }
    }
}

/// A pattern as it concerns one directory.
#[derive(Debug, Clone, Copy)]
struct Here<'a> {
    file: &'a Glob,
    is_known: bool,
}

impl Here<'_> {
    fn follows(self, file: &OsStr) -> bool {
        self.file.matches(file)
    }
}

/// A file as it was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where.
    pub path: PathBuf,
    /// What its name says.
    pub name: Name,
    /// Which file it is.
    pub node: Node,
    /// Its length in bytes.
    pub size: u64,
    /// When it was last written.
    pub modified: Option<SystemTime>,
    /// It is a symbolic link to the file.
    pub is_link: bool,
    /// A pattern matches it; else it only stands beside a log that one would match, as what
    /// rotation made of that.
    pub is_followed: bool,
    /// No pattern that concerns it has been looked for before.
    pub is_first_look: bool,
}

/// What stands in a directory, and when it last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// When the directory was last changed, before it was read.
    pub modified: Option<SystemTime>,
    /// When it was read.
    pub read_at: SystemTime,
    /// The files that concern us.
    pub nodes: BTreeMap<OsString, u64>,
}

/// One look at everything.
#[derive(Debug, Default, Clone)]
pub struct Look {
    /// The files, each once.
    pub found: Vec<Found>,
    /// The directories that could be read.
    pub folders: BTreeMap<PathBuf, Listing>,
    /// Those that could not, and why.
    pub failed: Vec<(PathBuf, io::ErrorKind, String)>,
}

/// All files of a directory that `is_wanted`, whatever patterns say.
pub fn all_files(folder: &Path, is_wanted: impl Fn(&OsStr, u64) -> bool) -> Vec<Found> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let wanted = entries.filter_map(|entry| {
        let file = entry.file_name();
        is_wanted(&file, entry.ino()).then_some((entry, file))
    });
    let found = wanted.filter_map(|(entry, file)| {
        let metadata = entry.metadata().ok().filter(Metadata::is_file)?;
        Some(Found {
            path: entry.path(),
            name: Name::of(&file),
            node: Node::of(&metadata),
            size: metadata.len(),
            modified: metadata.modified().ok(),
            is_link: false,
            is_followed: false,
            is_first_look: false,
        })
    });
    found.collect()
}

/// What to look for.
#[derive(Debug)]
pub struct Discovery {
    /// What to follow.
    pub patterns: Vec<Pattern>,
    /// What not to: matched against the name and the whole path.
    pub exclude: Vec<Glob>,
    /// The patterns that were looked for before.
    pub known: BTreeSet<String>,
}

impl Discovery {
    /// Looks until two looks agree, so that no rename in the middle hides a file. `before` is the
    /// look before, if nothing is known to have changed since.
    #[must_use]
    pub fn look(&self, before: Option<&BTreeMap<PathBuf, Listing>>) -> Look {
        let mut look = self.look_once();
        if before.is_some_and(|before| agree(before, &look.folders)) {
            return look;
        }
        for _ in 0..10 {
            let again = self.look_once();
            if agree(&look.folders, &again.folders) {
                return again;
            }
            look = again;
        }
        look
    }

    /// Whether a file at a path would be followed.
    #[must_use]
    pub fn would_follow(&self, path: &Path) -> bool {
        let Ok(path) = std::path::absolute(path) else {
            return false;
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = file_name(&path);
        let folders = self.folders();
        let mut patterns = folders.get(folder).into_iter().flatten();
        patterns.any(|pattern| pattern.follows(file)) && !self.excludes(&path, file)
    }

    /// Whether that file is followed now, under any name.
    #[must_use]
    pub fn follows_node(&self, device: u64, inode: u64) -> bool {
        let look = self.look_once();
        let mut found = look.found.iter();
        found.any(|found| {
            found.is_followed && (found.node.device, found.node.inode) == (device, inode)
        })
    }

    fn excludes(&self, path: &Path, file: &OsStr) -> bool {
        self.exclude
            .iter()
            .any(|glob| glob.matches(file) || glob.matches(path.as_os_str()))
    }

    /// Reads one directory again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_again(&self, folder: &Path) -> io::Result<Listing> {
        let patterns = self.folders().remove(folder).unwrap_or_default();
        self.read(folder, &patterns, &mut Vec::new())
    }

    /// The directories of all patterns, and which patterns concern each.
    fn folders(&self) -> BTreeMap<PathBuf, Vec<Here<'_>>> {
        let mut folders: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for pattern in &self.patterns {
            let is_known = self.known.contains(&pattern.text);
            for (folder, file) in pattern.folders() {
                let patterns = folders.entry(folder).or_default();
                patterns.push(Here { file, is_known });
            }
        }
        folders
    }

    fn look_once(&self) -> Look {
        let mut look = Look::default();
        for (folder, patterns) in self.folders() {
            match self.read(&folder, &patterns, &mut look.found) {
                Ok(listing) => {
                    look.folders.insert(folder, listing);
                }
                Err(error) => look.failed.push((folder, error.kind(), error.to_string())),
            }
        }
        // One file under two names: the real one counts, not a symbolic link to it.
        look.found.sort_by_cached_key(|found| {
            (
                found.node.device,
                found.node.inode,
                found.is_link,
                found.path.clone(),
            )
        });
        look.found
            .dedup_by_key(|found| (found.node.device, found.node.inode));
        look
    }

    fn read(
        &self,
        folder: &Path,
        patterns: &[Here<'_>],
        found: &mut Vec<Found>,
    ) -> io::Result<Listing> {
        let mut listing = Listing {
            modified: std::fs::metadata(folder)?.modified().ok(),
            read_at: SystemTime::now(),
            nodes: BTreeMap::new(),
        };
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let file = entry.file_name();
            let Some(named) = self.concerned(folder, patterns, &file) else {
                continue;
            };
            // Gone since: the next look will tell.
            let Ok(metadata) = std::fs::metadata(entry.path()) else {
                listing.nodes.insert(file, 0);
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            listing.nodes.insert(file, metadata.ino());
            found.push(Found {
                path: entry.path(),
                node: Node::of(&metadata),
                size: metadata.len(),
                modified: metadata.modified().ok(),
                is_link: entry.file_type().is_ok_and(|kind| kind.is_symlink()),
                ..named
            });
        }
        Ok(listing)
    }

    /// Whether a file is to be followed, or stands beside one that would be.
    fn concerned(&self, folder: &Path, patterns: &[Here<'_>], file: &OsStr) -> Option<Found> {
        let name = Name::of(file);
        let is_followed = patterns.iter().any(|pattern| pattern.follows(file));
        let log = match &name.rotated_from {
            _ if is_followed => file,
            Some(log) => log.as_os_str(),
            None => return None,
        };
        let concerning = patterns.iter().filter(|pattern| pattern.follows(log));
        let mut known = concerning.map(|pattern| pattern.is_known);
        let first = known.next()?;
        let path = folder.join(file);
        if self.excludes(&path, file) {
            return None;
        }
        Some(Found {
            path,
            is_followed,
            is_first_look: !(first || known.any(|known| known)),
            name,
            node: Node {
                device: 0,
                inode: 0,
                born: None,
            },
            size: 0,
            modified: None,
            is_link: false,
        })
    }
}

fn agree(one: &BTreeMap<PathBuf, Listing>, other: &BTreeMap<PathBuf, Listing>) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| one.0 == other.0 && one.1.nodes == other.1.nodes)
}

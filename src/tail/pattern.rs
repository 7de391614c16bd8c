//! What the user names to be followed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::glob::{Folders, Glob, has_wildcard};
use super::path::{file_name, folder};
use crate::process::advice;
use crate::process::shown::{Shown as _, to_saved};

pub use super::glob::PatternError;

/// What a directory stands for when it is followed.
const LOGS: &str = "*.log";

/// Files to follow, as the user named them.
#[derive(Debug, Clone)]
pub struct PathPattern {
    /// The absolute pattern, by which the state knows it.
    pub text: String,
    /// As it was given.
    pub given: PathBuf,
    target: PatternTarget,
}

#[derive(Debug, Clone)]
enum PatternTarget {
    /// A file, or a directory, whichever is there when it is looked for.
    Path {
        path: PathBuf,
        file: Glob,
        logs: Glob,
    },
    /// Files of directories that match.
    Glob { folders: Folders, file: Glob },
}

impl PathPattern {
    /// Reads a path, a directory (whose `*.log` files are followed), or a glob.
    ///
    /// # Errors
    /// When it is none of them.
    pub fn parse(path: &Path) -> Result<Self, PatternError> {
        if path.as_os_str() == "-" {
            return Err(PatternError::Stdin);
        }
        let absolute = std::path::absolute(path).map_err(|source| PatternError::Absolute {
            path: path.to_owned(),
            source,
        })?;
        let text = absolute.as_os_str();
        // A file whose name only looks like a glob is meant as it is.
        let target = if !has_wildcard(text) || absolute.exists() {
            PatternTarget::Path {
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
            PatternTarget::Glob {
                folders: Folders::parse(OsStr::from_bytes(folders))?,
                file: Glob::new(OsStr::from_bytes(file))?,
            }
        };
        Ok(Self {
            text: to_saved(text),
            given: path.to_owned(),
            target,
        })
    }

    /// The directories that there are now, with what is followed in them.
    pub(super) fn folders(&self) -> Vec<(PathBuf, &Glob)> {
        match &self.target {
            PatternTarget::Path { path, logs, .. } if path.is_dir() => vec![(path.clone(), logs)],
            PatternTarget::Path { path, file, .. } => vec![(folder(path).to_owned(), file)],
            PatternTarget::Glob { folders, file } => {
                let folders = folders.all().into_iter();
                folders.map(|folder| (folder, file)).collect()
            }
        }
    }

    /// What is to be said of a pattern that no file matches now; none if one does.
    #[must_use]
    pub fn missing(&self) -> Option<Missing<'_>> {
        if let PatternTarget::Path { path, .. } = &self.target {
            match std::fs::metadata(path) {
                Ok(metadata) if metadata.is_file() => return None,
                Ok(metadata) if metadata.is_dir() => {}
                Ok(_) => return Some(Missing::NoFile(path)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Some(Missing::Path(path));
                }
                // That its directory cannot be read is told where that is tried.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return None,
                // A name that is too long, a link that leads to itself.
                Err(error) => return Some(Missing::Unusable(path, error)),
            }
        }
        let mut folders = self.folders().into_iter();
        let is_matched = folders.any(|(folder, file)| {
            let mut entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.any(|entry| file.matches(&entry.file_name()) && entry.path().is_file())
        });
        (!is_matched).then_some(Missing::Match(&self.given))
    }
}

/// Why there is nothing to follow.
#[derive(Debug)]
pub enum Missing<'a> {
    /// A path leads nowhere.
    Path(&'a Path),
    /// A path leads to something else than a file or a directory.
    NoFile(&'a Path),
    /// A path that the system does not take.
    Unusable(&'a Path, io::Error),
    /// A glob matches no file, or a directory holds none.
    Match(&'a Path),
}

impl Missing<'_> {
    /// Whether something was named that has to be there.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Path(_) | Self::NoFile(_) | Self::Unusable(..) => true,
            Self::Match(_) => false,
        }
    }
}

impl fmt::Display for Missing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{} does not exist", path.shown()),
            Self::NoFile(path) => write!(
                f,
                "{} is neither a file nor a directory: tail follows files; to read a pipe, use \
                 `{}`",
                path.shown(),
                advice::without_state(&[OsStr::new("normalize"), path.as_os_str()])
            ),
            Self::Unusable(path, error) => write!(f, "cannot follow {}: {error}", path.shown()),
            Self::Match(path) => write!(f, "no file matches {}", path.shown()),
        }
    }
}

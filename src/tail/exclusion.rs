//! What the user names that is not to be followed.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Component, Path, PathBuf};

use super::glob::{Glob, has_wildcard};
use super::log::file_name;
use super::pattern::PatternError;

/// Files that are left out: by their names, or, with a slash in it, by their paths.
#[derive(Debug, Clone)]
pub struct Exclusion {
    /// The glob, as it was given and as its directory really is called.
    globs: Vec<Glob>,
    is_path: bool,
    /// It may name a directory, and all that is in it.
    is_tree: bool,
}

impl Exclusion {
    /// Reads a glob; a relative one with a slash is of the current directory, as relative files to follow are.
    ///
    /// # Errors
    /// When it is no glob, or the current directory is gone.
    pub fn parse(text: &OsStr) -> Result<Self, PatternError> {
        if text.is_empty() {
            return Err(PatternError::Empty);
        }
        let bytes = text.as_bytes();
        let is_path = bytes.contains(&b'/');
        if !is_path || bytes.starts_with(b"**/") {
            return Self::new(&[text.to_owned()], is_path);
        }
        let absolute = std::path::absolute(text).map_err(|source| PatternError::Absolute {
            path: text.into(),
            source,
        })?;
        let mut texts = vec![absolute.clone().into_os_string()];
        for text in [Some(plain(&absolute)), real(&absolute)] {
            texts.extend(text.filter(|text| !texts.contains(text)));
        }
        Self::new(&texts, true)
    }

    fn new(texts: &[OsString], is_path: bool) -> Result<Self, PatternError> {
        let globs = texts.iter().map(|text| {
            let text = text.as_bytes();
            let text = text
                .strip_suffix(b"/")
                .filter(|text| !text.is_empty())
                .unwrap_or(text);
            Glob::new(OsStr::from_bytes(text))
        });
        let is_tree = texts
            .iter()
            .all(|text| !has_wildcard(file_name(Path::new(text))));
        Ok(Self {
            globs: globs.collect::<Result<_, _>>()?,
            is_path,
            is_tree: is_path && is_tree,
        })
    }

    /// Whether a file is left out by its name, or its path.
    #[must_use]
    pub fn excludes(&self, path: &Path) -> bool {
        if !self.is_path {
            return self.matches(file_name(path));
        }
        self.excludes_path(path)
    }

    /// Whether a file is left out by a path of it that need not end in the name that it is followed by.
    #[must_use]
    pub fn excludes_path(&self, path: &Path) -> bool {
        if !self.is_path {
            return false;
        }
        let plain = plain(path);
        let is_other = plain != path.as_os_str();
        self.matches_path(path) || is_other && self.matches_path(Path::new(&plain))
    }

    fn matches_path(&self, path: &Path) -> bool {
        let most = if self.is_tree { usize::MAX } else { 1 };
        let mut paths = path.ancestors().take(most);
        paths.any(|path| self.matches(path.as_os_str()))
    }

    fn matches(&self, name: &OsStr) -> bool {
        self.globs.iter().any(|glob| glob.matches_hidden(name))
    }
}

/// A path without `.` and `..`, as far as no link leads elsewhere.
fn plain(path: &Path) -> OsString {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) | Component::Normal(_) => {
                plain.push(component);
            }
        }
    }
    plain.into_os_string()
}

/// A glob whose first directories, up to the first wildcard, are called as they really are.
fn real(glob: &Path) -> Option<OsString> {
    let literal: PathBuf = glob
        .components()
        .take_while(|component| !has_wildcard(component.as_os_str()))
        .collect();
    let rest = glob.strip_prefix(&literal).ok()?;
    let real = std::fs::canonicalize(&literal).ok()?;
    let mut text = Vec::new();
    for byte in real.into_os_string().into_vec() {
        // A name that is a wildcard is meant as it is.
        match byte {
            b'*' | b'?' | b'[' => text.extend([b'[', byte, b']']),
            byte => text.push(byte),
        }
    }
    if !rest.as_os_str().is_empty() {
        text.push(b'/');
        text.extend_from_slice(rest.as_os_str().as_bytes());
    }
    Some(OsString::from_vec(text))
}

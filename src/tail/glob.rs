//! Globs over names that need not be text, and the directories that a glob leads to.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::process::file_id::FileId;
use crate::process::shown::Shown as _;

const MATCHING: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    // As in a shell, `*` passes over hidden files.
    require_literal_leading_dot: true,
};

/// Any number of directories, none included.
const ANY: &str = "**";

/// Private characters that stand for the bytes 0x80 to 0xFF where they are no text.
const BYTES: u32 = 0x10_ff00;

/// A pattern that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PatternError {
    /// The pattern is not a valid glob.
    #[error(transparent)]
    Glob(#[from] ::glob::PatternError),
    /// No pattern, which no file would match.
    #[error("expected a glob, such as '*.gz'")]
    Empty,
    /// Standard input, which normalize reads.
    #[error(
        "tail follows files; to read standard input, use `confluence-ecs normalize` (a file of \
         that name can be passed as ./-)"
    )]
    Stdin,
    /// The current directory is gone.
    #[error("cannot make {} absolute: {source}", path.shown())]
    Absolute {
        /// The path as given.
        path: PathBuf,
        /// The underlying I/O error.
        source: io::Error,
    },
}

/// A compiled glob for file names.
#[derive(Debug, Clone)]
pub struct Glob(Pattern);

impl Glob {
    /// Compiles a glob pattern.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &OsStr) -> Result<Self, PatternError> {
        Self::compiled(&matchable(text))
    }

    /// A glob that only this name matches.
    ///
    /// # Errors
    /// None that is known.
    pub fn literal(name: &OsStr) -> Result<Self, PatternError> {
        Self::compiled(&Pattern::escape(&matchable(name)))
    }

    fn compiled(matchable: &str) -> Result<Self, PatternError> {
        Ok(Self(Pattern::new(matchable)?))
    }

    /// Whether a name matches.
    #[must_use]
    pub fn matches(&self, name: &OsStr) -> bool {
        self.0.matches_with(&matchable(name), MATCHING)
    }

    /// Whether a name or path matches, be it hidden or not.
    #[must_use]
    pub fn matches_hidden(&self, name: &OsStr) -> bool {
        let matching = MatchOptions {
            require_literal_leading_dot: false,
            ..MATCHING
        };
        self.0.matches_with(&matchable(name), matching)
    }
}

/// Whether a name is a glob.
#[must_use]
pub fn has_wildcard(name: &OsStr) -> bool {
    let mut bytes = name.as_bytes().iter();
    bytes.any(|byte| matches!(byte, b'*' | b'?' | b'['))
}

/// A name as text, for patterns that only match text: each byte that is none is a character of its own,
/// and different names stay different.
fn matchable(name: &OsStr) -> Cow<'_, str> {
    let stands_for_byte = |character: char| u32::from(character) >= BYTES;
    if let Some(text) = name.to_str()
        && !text.contains(stands_for_byte)
    {
        return Cow::Borrowed(text);
    }
    let mut text = String::new();
    let of_byte = |byte: &u8| char::from_u32(BYTES + u32::from(*byte));
    for chunk in name.as_bytes().utf8_chunks() {
        for character in chunk.valid().chars() {
            if stands_for_byte(character) {
                let mut bytes = [0; 4];
                let bytes = character.encode_utf8(&mut bytes).as_bytes();
                text.extend(bytes.iter().filter_map(of_byte));
            } else {
                text.push(character);
            }
        }
        text.extend(chunk.invalid().iter().filter_map(of_byte));
    }
    Cow::Owned(text)
}

/// Directories, by a glob.
#[derive(Debug, Clone)]
pub struct Folders(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    /// A name without wildcards.
    Literal(OsString),
    /// One directory that matches.
    Glob(Glob),
    /// [`ANY`].
    Any,
}

impl Folders {
    /// Reads the absolute path or glob of a directory.
    ///
    /// # Errors
    /// When a part of it is no glob.
    pub fn parse(text: &OsStr) -> Result<Self, PatternError> {
        let mut parts: Vec<Part> = Vec::new();
        for name in text.as_bytes().split(|byte| *byte == b'/') {
            let name = OsStr::from_bytes(name);
            parts.push(if name.is_empty() {
                continue;
            } else if name == ANY {
                // Any number of any number of directories is any number of them.
                if matches!(parts.last(), Some(Part::Any)) {
                    continue;
                }
                Part::Any
            } else if has_wildcard(name) {
                Part::Glob(Glob::new(name)?)
            } else {
                Part::Literal(name.to_owned())
            });
        }
        Ok(Self(parts))
    }

    /// Those that there are now.
    #[must_use]
    pub fn all(&self) -> Vec<PathBuf> {
        let mut found = Vec::new();
        let literals = self.0.iter().map(|part| match part {
            Part::Literal(name) => Some(name),
            Part::Glob(_) | Part::Any => None,
        });
        if let Some(names) = literals.collect::<Option<Vec<_>>>() {
            // Whether it is there, or why not, is told where it is read.
            let names = names.into_iter().map(AsRef::as_ref);
            return vec![std::iter::once(Path::new("/")).chain(names).collect()];
        }
        walk(Path::new("/"), &self.0, &mut found);
        found
    }
}

/// Finds what `parts` lead to from a directory on.
fn walk(folder: &Path, parts: &[Part], found: &mut Vec<PathBuf>) {
    match parts.split_first() {
        None => found.push(folder.to_owned()),
        Some((Part::Literal(name), rest)) => {
            let next = folder.join(name);
            if next.is_dir() {
                walk(&next, rest, found);
            }
        }
        Some((Part::Glob(glob), rest)) => {
            for next in folders_in(folder).filter(|(_, name)| glob.matches(name)) {
                walk(&next.0, rest, found);
            }
        }
        Some((Part::Any, rest)) => walk_any(folder, rest, &mut HashSet::new(), found),
    }
}

/// Goes on from a directory and all below it, but not again into one that it is in: a symbolic link may
/// lead upwards.
fn walk_any(
    folder: &Path,
    rest: &[Part],
    above: &mut HashSet<(u64, u64)>,
    found: &mut Vec<PathBuf>,
) {
    let Ok(metadata) = std::fs::metadata(folder) else {
        return;
    };
    let FileId { device, inode, .. } = FileId::of(&metadata);
    if !above.insert((device, inode)) {
        return;
    }
    walk(folder, rest, found);
    for (next, name) in folders_in(folder) {
        if !name.as_bytes().starts_with(b".") {
            walk_any(&next, rest, above, found);
        }
    }
    above.remove(&(device, inode));
}

/// The directories in a directory, and symbolic links to such, in the order of their names.
fn folders_in(folder: &Path) -> impl Iterator<Item = (PathBuf, OsString)> + use<> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_folder = |entry: &std::fs::DirEntry| match entry.file_type() {
        Ok(kind) if kind.is_symlink() => entry.path().is_dir(),
        Ok(kind) => kind.is_dir(),
        Err(_) => false,
    };
    let folders = entries.filter(is_folder);
    let mut folders: Vec<_> = folders
        .map(|entry| (entry.path(), entry.file_name()))
        .collect();
    folders.sort();
    folders.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::ffi::OsStringExt as _;

    fn matches(glob: &[u8], name: &[u8]) -> bool {
        let glob = Glob::new(OsStr::from_bytes(glob)).unwrap();
        glob.matches(OsStr::from_bytes(name))
    }

    #[test]
    fn names_that_are_no_text_match() {
        assert!(matches(b"*.log", b"\xff.log"));
        assert!(matches(b"?.log", b"\xff.log"));
        assert!(matches(b"[\xf0-\xff].log", b"\xf7.log"));
        assert!(matches(b"\xff*", b"\xff.log"));
        assert!(!matches(b"\xfe*", b"\xff.log"));
        assert!(matches("?.log".as_bytes(), "é.log".as_bytes()));
        assert!(!matches(b"*", b".\xff"));
    }

    #[test]
    fn a_character_that_stands_for_a_byte_is_not_that_byte() {
        let name = char::from_u32(BYTES + 0xff).unwrap().to_string();
        assert!(!matches(b"\xff", name.as_bytes()));
        assert!(matches(name.as_bytes(), name.as_bytes()));
    }

    proptest! {
        #[test]
        fn any_name_matches_itself_alone(name: Vec<u8>, other: Vec<u8>) {
            let (name, other) = (OsString::from_vec(name), OsString::from_vec(other));
            let glob = Glob::literal(&name).unwrap();
            prop_assert!(glob.matches(&name));
            prop_assert_eq!(glob.matches(&other), name == other);
            prop_assert_eq!(matchable(&name) == matchable(&other), name == other);
        }

        #[test]
        fn any_pattern_is_read_or_refused(text: Vec<u8>, name: Vec<u8>) {
            let (text, name) = (OsString::from_vec(text), OsString::from_vec(name));
            let _ = Glob::new(&text).map(|glob| glob.matches(&name));
            let _ = Folders::parse(&text);
        }
    }
}

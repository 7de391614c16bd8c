//! Which files there are: patterns, directories, and a look at both that holds together.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::{DirEntryExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::exclusion::Exclusion;
use super::glob::Glob;
use super::log::Series;
use super::name::LogName;
use super::path::{file_name, folder};
use super::pattern::PathPattern;

pub use super::file_info::FileInfo;

/// A directory that was changed this short before it was read may have changed again without another
/// time: the clock of files ticks every few milliseconds.
const TICK: Duration = Duration::from_millis(50);

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

/// What stands in a directory, and when it last changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// When the directory was last changed, before it was read.
    pub modified: Option<SystemTime>,
    /// When it was read.
    pub read_at: SystemTime,
    /// The files that concern us.
    pub inodes: BTreeMap<OsString, u64>,
}

impl Listing {
    /// Whether it still holds of a directory that was last changed at `modified`.
    #[must_use]
    pub fn is_of(&self, modified: SystemTime) -> bool {
        let age = self.read_at.duration_since(modified);
        self.modified == Some(modified) && age.is_ok_and(|age| age > TICK)
    }
}

/// The result of a scan of all directories.
#[derive(Debug, Default, Clone)]
pub struct ScanResult {
    /// The files, each once.
    pub found: Vec<FileInfo>,
    /// The directories that could be read.
    pub folders: BTreeMap<PathBuf, Listing>,
    /// Those that could not, and why.
    pub failed: Vec<(PathBuf, io::ErrorKind, String)>,
}

/// The names in a directory, whatever patterns say.
#[derive(Debug)]
pub struct DirectoryNames {
    folder: PathBuf,
    names: Vec<(OsString, u64)>,
}

impl DirectoryNames {
    /// Reads a directory; one that cannot be read has no names.
    #[must_use]
    pub fn of(folder: &Path) -> Self {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let names = entries.map(|entry| (entry.file_name(), entry.ino()));
        Self {
            folder: folder.to_owned(),
            names: names.collect(),
        }
    }

    /// The files with that inode.
    #[must_use]
    pub fn with_inode(&self, inode: u64) -> Vec<FileInfo> {
        self.files(|(_, of)| *of == inode)
    }

    /// The files whose names match.
    #[must_use]
    pub fn matching(&self, is_wanted: impl Fn(&OsStr) -> bool) -> Vec<FileInfo> {
        self.files(|(name, _)| is_wanted(name))
    }

    fn files(&self, is_wanted: impl Fn(&(OsString, u64)) -> bool) -> Vec<FileInfo> {
        let wanted = self.names.iter().filter(|name| is_wanted(name));
        let found = wanted.filter_map(|(name, _)| {
            let path = self.folder.join(name);
            let metadata = path.symlink_metadata().ok().filter(Metadata::is_file)?;
            Some(FileInfo::named(path, LogName::of(name)).with(&metadata))
        });
        found.collect()
    }
}

/// What to look for.
#[derive(Debug)]
pub struct Discovery {
    /// Paths and globs to follow.
    pub patterns: Vec<PathPattern>,
    /// Files to leave out (`--exclude`).
    pub exclude: Vec<Exclusion>,
    /// The patterns that were looked for before.
    pub known: BTreeSet<String>,
    /// Directories and names of files that links led to, and the followed directories of those links:
    /// what was rotated there before a link was turned elsewhere is still to be read.
    pub left: BTreeMap<Series, PathBuf>,
}

/// A file that a link leads to, or led to.
struct LinkTarget {
    home: PathBuf,
    is_first_scan: bool,
    is_linked: bool,
}

impl Discovery {
    /// Looks until two looks agree, so that no rename in the middle hides a file. `before` is the
    /// look before, if nothing is known to have changed since.
    #[must_use]
    pub fn scan(&self, before: Option<&BTreeMap<PathBuf, Listing>>) -> ScanResult {
        let mut scanned = self.scan_once();
        if before.is_some_and(|before| agree(before, &scanned.folders)) {
            return scanned;
        }
        for _ in 0..10 {
            let again = self.scan_once();
            if agree(&scanned.folders, &again.folders) {
                return again;
            }
            scanned = again;
        }
        scanned
    }

    /// Whether a file at a path would be read: as a followed file, or as a rotated form of one.
    #[must_use]
    pub fn would_follow(&self, path: &Path) -> bool {
        let Ok(path) = std::path::absolute(path) else {
            return false;
        };
        let folder = path.parent().unwrap_or(Path::new("/"));
        let file = file_name(&path);
        let folders = self.folders();
        let patterns = folders.get(folder).map_or(&[][..], Vec::as_slice);
        self.concerned(folder, patterns, file).is_some()
    }

    /// Whether that file is followed now, under any name.
    #[must_use]
    pub fn follows_file(&self, device: u64, inode: u64) -> bool {
        let scanned = self.scan_once();
        let mut found = scanned.found.iter();
        found.any(|found| {
            found.is_followed && (found.file_id.device, found.file_id.inode) == (device, inode)
        })
    }

    fn excludes(&self, path: &Path) -> bool {
        let mut exclusions = self.exclude.iter();
        exclusions.any(|exclusion| exclusion.excludes(path))
    }

    /// Whether a file that links lead to is left out where it really is.
    fn excludes_real(&self, found: &FileInfo) -> bool {
        let excludes = |real: &Path| {
            let mut exclusions = self.exclude.iter();
            exclusions.any(|exclusion| exclusion.excludes_path(real))
        };
        found.real.as_deref().is_some_and(excludes)
    }

    /// Reads one directory again.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read_again(&self, folder: &Path) -> io::Result<Listing> {
        if let Some(patterns) = self.folders().remove(folder) {
            return self.read(folder, &patterns, &mut Vec::new());
        }
        // Links lead there.
        let listing = self.scan_once().folders.remove(folder);
        listing.ok_or(io::ErrorKind::NotFound.into())
    }

    /// Whether all directories of the patterns are among these.
    #[must_use]
    pub fn has_folders(&self, folders: &BTreeMap<PathBuf, Listing>) -> bool {
        self.folders()
            .keys()
            .all(|folder| folders.contains_key(folder))
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

    fn scan_once(&self) -> ScanResult {
        let mut scanned = ScanResult::default();
        for (folder, patterns) in self.folders() {
            match self.read(&folder, &patterns, &mut scanned.found) {
                Ok(listing) => {
                    scanned.folders.insert(folder, listing);
                }
                Err(error) => scanned
                    .failed
                    .push((folder, error.kind(), error.to_string())),
            }
        }
        self.read_targets(&mut scanned);
        scanned.found.retain(|found| !found.is_dangling());
        // One file under two names: the real one counts, not a symbolic link to it.
        scanned.found.sort_by_cached_key(|found| {
            (
                found.file_id.device,
                found.file_id.inode,
                found.is_link,
                found.path.clone(),
            )
        });
        scanned
            .found
            .dedup_by_key(|found| (found.file_id.device, found.file_id.inode));
        scanned
    }

    /// Reads the directories that symbolic links to files lead to: what they lead to is rotated there.
    fn read_targets(&self, scanned: &mut ScanResult) {
        let mut targets: BTreeMap<PathBuf, BTreeMap<OsString, LinkTarget>> = BTreeMap::new();
        let links = scanned.found.iter().filter(|found| found.is_link);
        for link in links.filter(|link| !scanned.folders.contains_key(link.lives_in())) {
            let names = targets.entry(link.lives_in().to_owned()).or_default();
            let target = LinkTarget {
                home: link.home().to_owned(),
                is_first_scan: link.is_first_scan,
                is_linked: true,
            };
            names.insert(file_name(link.own_path()).to_owned(), target);
        }
        for ((folder, name), home) in &self.left {
            let is_listed =
                scanned.folders.contains_key(folder) || !scanned.folders.contains_key(home);
            if !is_listed && folder.is_dir() {
                let names = targets.entry(folder.clone()).or_default();
                names.entry(name.clone()).or_insert_with(|| LinkTarget {
                    home: home.clone(),
                    is_first_scan: false,
                    is_linked: false,
                });
            }
        }
        for (folder, names) in targets {
            let listing = self.read_beside(&folder, &names, &mut scanned.found);
            scanned.folders.insert(folder, listing);
        }
    }

    /// Reads a directory that links lead, or led, to.
    fn read_beside(
        &self,
        folder: &Path,
        targets: &BTreeMap<OsString, LinkTarget>,
        found: &mut Vec<FileInfo>,
    ) -> Listing {
        let modified = std::fs::metadata(folder).and_then(|metadata| metadata.modified());
        let mut listing = Listing {
            modified: modified.ok(),
            read_at: SystemTime::now(),
            inodes: BTreeMap::new(),
        };
        let of_target = |name: &OsStr| {
            let rotated = LogName::of(name)
                .rotated_from
                .and_then(|log| targets.get(&log));
            rotated.or_else(|| targets.get(name))
        };
        let mut files = DirectoryNames::of(folder).matching(|name| of_target(name).is_some());
        files.retain(|found| !self.excludes(&found.path));
        for file in files {
            let name = file_name(&file.path).to_owned();
            let Some(target) = of_target(&name) else {
                continue;
            };
            let is_target = targets.contains_key(&name);
            listing.inodes.insert(name, file.file_id.inode);
            // The link itself was found already.
            if !(is_target && target.is_linked) {
                found.push(FileInfo {
                    home: Some(target.home.clone()),
                    is_listed: true,
                    is_first_scan: target.is_first_scan,
                    ..file
                });
            }
        }
        listing
    }

    fn read(
        &self,
        folder: &Path,
        patterns: &[Here<'_>],
        found: &mut Vec<FileInfo>,
    ) -> io::Result<Listing> {
        let mut listing = Listing {
            modified: std::fs::metadata(folder)?.modified().ok(),
            read_at: SystemTime::now(),
            inodes: BTreeMap::new(),
        };
        let real_folder = std::fs::canonicalize(folder).ok();
        let real_folder = real_folder.filter(|real| real != folder);
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let file = entry.file_name();
            let Some(named) = self.concerned(folder, patterns, &file) else {
                continue;
            };
            let Ok(metadata) = std::fs::metadata(entry.path()) else {
                // Gone since, which the next look will tell; or a link whose target was rotated.
                let dangling = target(&entry.path()).map(|real| FileInfo {
                    name: LogName::of(file_name(&real)),
                    is_link: true,
                    real: Some(real),
                    ..named
                });
                found.extend(dangling.filter(|found| !self.excludes_real(found)));
                listing.inodes.insert(file, 0);
                continue;
            };
            if !metadata.is_file() {
                continue;
            }
            listing.inodes.insert(file, metadata.ino());
            let mut named = named.with(&metadata);
            named.is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            named.real = if named.is_link {
                std::fs::canonicalize(entry.path()).ok()
            } else {
                real_folder
                    .as_ref()
                    .map(|real| real.join(entry.file_name()))
            };
            if let Some(real) = named.real.as_deref().filter(|_| named.is_link) {
                named.name = LogName::of(file_name(real));
            }
            if !self.excludes_real(&named) {
                found.push(named);
            }
        }
        Ok(listing)
    }

    /// Whether a file is to be followed, or stands beside one that would be.
    fn concerned(&self, folder: &Path, patterns: &[Here<'_>], file: &OsStr) -> Option<FileInfo> {
        let name = LogName::of(file);
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
        if self.excludes(&path) {
            return None;
        }
        Some(FileInfo {
            is_followed,
            is_first_scan: !(first || known.any(|known| known)),
            is_listed: true,
            ..FileInfo::named(path, name)
        })
    }
}

/// Where a link leads to though nothing is there.
fn target(link: &Path) -> Option<PathBuf> {
    let target = folder(link).join(std::fs::read_link(link).ok()?);
    let name = target.file_name()?;
    let folder = std::fs::canonicalize(folder(&target)).ok()?;
    Some(folder.join(name))
}

fn agree(one: &BTreeMap<PathBuf, Listing>, other: &BTreeMap<PathBuf, Listing>) -> bool {
    one.len() == other.len()
        && one
            .iter()
            .zip(other)
            .all(|(one, other)| one.0 == other.0 && one.1.inodes == other.1.inodes)
}

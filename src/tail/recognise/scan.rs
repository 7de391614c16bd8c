//! The files of one scan: those that no log has claimed yet, the directories around the logs, and the
//! beginnings of files. Each directory and each beginning is read once a scan.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::vanished::unless_vanished;
use super::{Changed, key};
use crate::process::file_id::FileId;
use crate::tail::content;
use crate::tail::discover::{DirectoryNames, FileInfo, ScanResult};

/// What a scan found, and what of it is a log already.
pub(super) struct Scan<'a> {
    pub found: Vec<&'a FileInfo>,
    by_inode: HashMap<u64, Vec<&'a FileInfo>>,
    by_path: HashMap<&'a Path, &'a FileInfo>,
    /// Those that are reached through symbolic links, by where these lead to.
    by_real: HashMap<&'a Path, &'a FileInfo>,
    taken: HashSet<(u64, u64)>,
    names: HashMap<PathBuf, DirectoryNames>,
    heads: HashMap<(u64, u64), Option<Arc<[u8]>>>,
}

/// How many beginnings are kept.
const MOST_HEADS: usize = 8192;

impl<'a> Scan<'a> {
    pub fn of(scanned: &'a ScanResult) -> Self {
        let mut by_inode: HashMap<u64, Vec<&FileInfo>> = HashMap::new();
        for found in &scanned.found {
            by_inode.entry(found.file_id.inode).or_default().push(found);
        }
        Self {
            by_inode,
            by_path: scanned
                .found
                .iter()
                .map(|found| (&*found.path, found))
                .collect(),
            by_real: scanned
                .found
                .iter()
                .filter_map(|found| Some((found.real.as_deref()?, found)))
                .collect(),
            found: scanned.found.iter().collect(),
            taken: HashSet::new(),
            names: HashMap::new(),
            heads: HashMap::new(),
        }
    }

    /// The files that no log has claimed.
    pub fn free(&self) -> impl Iterator<Item = &'a FileInfo> + '_ {
        let found = self.found.iter().copied();
        found.filter(|found| self.is_free(&found.file_id))
    }

    pub fn is_free(&self, file_id: &FileId) -> bool {
        !self.taken.contains(&key(file_id))
    }

    /// A log claims a file.
    pub fn take(&mut self, file_id: &FileId) {
        self.taken.insert(key(file_id));
    }

    /// The listed file with a log's inode.
    pub fn with_inode_of(&self, file_id: &FileId, path: &Path) -> Option<&'a FileInfo> {
        let candidates = self.by_inode.get(&file_id.inode);
        candidates.into_iter().flatten().copied().find(|found| {
            file_id.may_be(&found.file_id, found.path == path) && self.is_free(&found.file_id)
        })
    }

    /// The listed file at a path, if no log has claimed it.
    pub fn at(&self, path: &Path) -> Option<&'a FileInfo> {
        let found = self.by_path.get(path).copied();
        found.filter(|found| self.is_free(&found.file_id))
    }

    /// The listed file that a symbolic link leads to, if no log has claimed it.
    pub fn at_real(&self, path: &Path) -> Option<&'a FileInfo> {
        let found = self.by_real.get(path).copied();
        found.filter(|found| self.is_free(&found.file_id))
    }

    pub fn is_listed(&self, file_id: &FileId) -> bool {
        let listed = self.by_inode.get(&file_id.inode);
        listed.is_some_and(|found| found.iter().any(|found| found.file_id == *file_id))
    }

    /// The files of a directory, whatever patterns say.
    pub fn names(&mut self, folder: &Path) -> &DirectoryNames {
        self.names
            .entry(folder.to_owned())
            .or_insert_with(|| DirectoryNames::of(folder))
    }

    /// The uncompressed beginning of a file; none of one that cannot be read.
    pub fn head(&mut self, found: &FileInfo) -> Result<Option<Arc<[u8]>>, Changed> {
        if let Some(head) = self.heads.get(&key(&found.file_id)) {
            return Ok(head.clone());
        }
        let head = unless_vanished(content::head(found).map(Some), found, None)?;
        let head: Option<Arc<[u8]>> = head.map(Arc::from);
        if self.heads.len() < MOST_HEADS {
            self.heads.insert(key(&found.file_id), head.clone());
        }
        Ok(head)
    }

    /// Whether a file begins as a log does; not one that is empty, or cannot be read.
    pub fn is_text(&mut self, found: &FileInfo) -> Result<bool, Changed> {
        let head = self.head(found)?;
        Ok(head.is_some_and(|head| content::is_text(&head)))
    }
}

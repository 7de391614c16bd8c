//! The output while no follower runs: it is rotated, compressed, moved and replaced by a copy, and others
//! write to it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::random::Random;
use crate::support::place::{self, gzip, zstd};

/// What the lines of another program begin with.
const FOREIGN: &str = r#"{"foreign":"#;

/// The output file, and what rotation made of earlier ones.
pub struct Outputs {
    path: PathBuf,
    /// The newest first.
    rotated: Vec<PathBuf>,
    /// How many lines another program has written.
    foreign: u64,
}

impl Outputs {
    pub fn new(path: PathBuf) -> Self {
        Self {
            path,
            rotated: Vec::new(),
            foreign: 0,
        }
    }

    /// All that the followers wrote that stands in a file, in order.
    pub fn text(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for path in self.rotated.iter().rev().chain([&self.path]) {
            for line in plain(path).split_inclusive(|byte| *byte == b'\n') {
                if !line.starts_with(FOREIGN.as_bytes()) {
                    text.extend_from_slice(line);
                }
            }
        }
        text
    }

    /// How long the present output file is.
    pub fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |data| data.len())
    }

    /// The lines of another program stand in one of the files, or beside them.
    pub fn has_all_foreign_lines(&self) {
        let folder = self.path.parent().expect("a folder");
        let folders = [folder.to_owned(), folder.join("old")];
        let entries = folders
            .iter()
            .filter_map(|folder| fs::read_dir(folder).ok());
        let orphans = entries.flatten().flatten().map(|entry| entry.path());
        let orphans = orphans.filter(|path| path.to_string_lossy().contains(".orphan-"));
        let paths = self.rotated.iter().cloned().chain([self.path.clone()]);
        // Each by itself: the last line of one may be unfinished.
        let text = paths.chain(orphans).map(|path| plain(&path));
        let text: Vec<_> = text
            .map(|text| String::from_utf8_lossy(&text).into_owned())
            .collect();
        for number in 0..self.foreign {
            let line = format!("{FOREIGN}{number}}}");
            assert!(
                text.iter().any(|text| text.lines().any(|one| one == line)),
                "a line of another program is gone: {line}"
            );
        }
    }

    /// Another program appends whole lines.
    pub fn append_foreign(&mut self, random: &mut Random) -> Option<String> {
        if !self.path.exists() {
            return None;
        }
        let mut lines = String::new();
        // A line that a kill cut off is ended first.
        if !matches!(plain(&self.path).last(), None | Some(b'\n')) {
            lines.push('\n');
        }
        let first = self.foreign;
        for _ in 0..random.between(1, 3) {
            writeln!(lines, "{FOREIGN}{}}}", self.foreign).expect("written");
            self.foreign += 1;
        }
        place::append(&self.path, lines.as_bytes());
        Some(format!("foreign lines {first}..{}", self.foreign))
    }

    /// Puts a copy of the output in its place, as editors, rsync and restored backups do.
    pub fn replace(&mut self, random: &mut Random) -> Option<String> {
        if !self.path.exists() {
            return None;
        }
        let bytes = fs::read(&self.path).expect("read");
        // The number of the inode may be used again.
        let removes = random.percent(50);
        if removes {
            fs::remove_file(&self.path).expect("removed");
        }
        let copy = self.path.with_extension("new");
        fs::write(&copy, bytes).expect("written");
        fs::rename(&copy, &self.path).expect("renamed");
        Some(format!("replace the output by a copy, removed: {removes}"))
    }

    /// Rotates the output in one of the ways that people configure.
    pub fn rotate(&mut self, random: &mut Random) -> Option<String> {
        if !self.path.exists() {
            return None;
        }
        for number in (0..self.rotated.len()).rev() {
            let from = &self.rotated[number];
            let to = renumbered(from, number + 1, number + 2);
            fs::rename(from, &to).expect("renamed");
            self.rotated[number] = to;
        }
        let folder = self.path.parent().expect("a folder");
        let folder = if random.percent(30) {
            folder.join("old")
        } else {
            folder.to_owned()
        };
        fs::create_dir_all(&folder).expect("created");
        let suffix = ["", "", ".gz", ".zst"][random.index(4)];
        let name = self.path.file_name().expect("a name").display();
        let to = folder.join(format!("{name}.1{suffix}"));
        let copies = random.percent(40);
        if suffix.is_empty() && !copies {
            fs::rename(&self.path, &to).expect("renamed");
        } else {
            let plain = fs::read(&self.path).expect("read");
            let packed = match suffix {
                ".gz" => gzip(&plain),
                ".zst" => zstd(&plain),
                _ => plain,
            };
            fs::write(&to, packed).expect("written");
            let modified = fs::metadata(&self.path).and_then(|data| data.modified());
            if !suffix.is_empty() {
                let packed = File::options().write(true).open(&to).expect("opened");
                packed.set_modified(modified.expect("a time")).expect("set");
            }
            if copies {
                File::create(&self.path).expect("truncated");
            } else {
                fs::remove_file(&self.path).expect("removed");
            }
        }
        let creates = random.percent(50);
        if creates {
            place::append(&self.path, b"");
        }
        let said = format!(
            "rotate the output to {}, truncated: {copies}, created: {creates}",
            to.display()
        );
        self.rotated.insert(0, to);
        Some(said)
    }
}

/// What a file holds, uncompressed; nothing if it is not there.
fn plain(path: &Path) -> Vec<u8> {
    let bytes = fs::read(path).unwrap_or_default();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("gz") => {
            let mut plain = Vec::new();
            let mut decoder = flate2::read::GzDecoder::new(&*bytes);
            std::io::Read::read_to_end(&mut decoder, &mut plain).expect("gzip");
            plain
        }
        Some("zst") => zstd::decode_all(&*bytes).expect("zstd"),
        _ => bytes,
    }
}

/// The same name with another number.
fn renumbered(path: &Path, number: usize, to: usize) -> PathBuf {
    let name = path.file_name().expect("a name").display().to_string();
    path.with_file_name(name.replace(&format!(".{number}"), &format!(".{to}")))
}

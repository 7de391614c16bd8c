//! What rotates the files of a series, and compresses and deletes them.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::path::PathBuf;

use super::{Rotated, Series, Work};
use crate::random::Random;
use crate::scheme::{Method, Names};
use crate::support::place::{self, gzip, zstd};

impl Series {
    /// Rotates, or begins to.
    pub fn rotate(&mut self, random: &mut Random) -> Option<String> {
        if self.work.is_some() || self.moved || !self.current.exists() {
            return None;
        }
        // Who has closed the file would write the rest of the line into the next one.
        if self.handle.is_none() && !self.unwritten.is_empty() {
            return None;
        }
        if self.scheme.is_data_center() {
            return Some(self.roll(random));
        }
        let copies = self.scheme.method == Method::CopyTruncate;
        if copies && !self.unwritten.is_empty() {
            return None;
        }
        let to = self.rotated_name();
        let last = self.lines.len();
        if copies {
            let rest = fs::read(&self.current).expect("read").into();
            File::create_new(&to).expect("created");
            self.work = Some(Work::Copy { rest });
        } else {
            fs::rename(&self.current, &to).expect("renamed");
            self.leave_file(random);
            if self.scheme.method == Method::Create {
                File::create_new(&self.current).expect("created");
            }
        }
        let said = format!("rotate to {}, moved: {}", to.display(), self.moved);
        self.rotated.push_front(Rotated {
            path: to,
            last,
            compressed: false,
        });
        Some(said)
    }

    /// The writer keeps its handle for a while, or closes it.
    fn leave_file(&mut self, random: &mut Random) {
        self.moved = self.handle.is_some() && (!self.unwritten.is_empty() || random.percent(50));
        if !self.moved {
            self.handle = None;
        }
        self.fresh = true;
    }

    /// Where the current file goes; numbered ones make place for it.
    fn rotated_name(&mut self) -> PathBuf {
        let count = self.rotations;
        self.rotations += 1;
        let (day, hour) = (11 + count / 24, count % 24);
        let suffix = match self.scheme.names {
            Names::Dated => {
                let (month, day) = (1 + count / 28 % 12, 1 + count % 28);
                format!("-{}{month:02}{day:02}", 2026 + count / 336)
            }
            Names::Timed => format!("-202604{day:02}-{hour:02}0000"),
            Names::Numbered | Names::DataCenterDot | Names::DataCenterHyphen => {
                for index in (0..self.rotated.len()).rev() {
                    let file = &mut self.rotated[index];
                    let end = if file.compressed {
                        self.scheme.compression.unwrap_or_default()
                    } else {
                        ""
                    };
                    let to = self
                        .folder
                        .join(format!("{}.{}{end}", self.base, index + 2));
                    fs::rename(&file.path, &to).expect("renamed");
                    file.path = to;
                }
                ".1".to_owned()
            }
        };
        self.folder.join(format!("{}{suffix}", self.base))
    }

    /// Data Center begins a new file.
    fn roll(&mut self, random: &mut Random) -> String {
        let (day, number) = self.roll;
        self.roll = if random.percent(30) {
            (day + 1, 0)
        } else {
            (day, number + 1)
        };
        let to = self.data_center_name();
        let from = std::mem::replace(&mut self.current, to);
        self.leave_file(random);
        if random.percent(50) {
            File::create_new(&self.current).expect("created");
        }
        self.rotated.push_front(Rotated {
            path: from,
            last: self.lines.len(),
            compressed: false,
        });
        let name = self.current.file_name().unwrap_or_default();
        format!("roll to {}, moved: {}", name.display(), self.moved)
    }

    pub(super) fn data_center_name(&self) -> PathBuf {
        let (day, number) = self.roll;
        let (month, day) = (1 + day / 28, 1 + day % 28);
        let between = if self.scheme.names == Names::DataCenterDot {
            '.'
        } else {
            '-'
        };
        self.folder.join(format!(
            "2026{month:02}{day:02}{between}{number:05}.audit.log"
        ))
    }

    /// Goes on with what is half done, or begins a compression.
    pub fn work(&mut self, random: &mut Random) -> Option<String> {
        match self.work.take() {
            Some(Work::Copy { mut rest }) => {
                let piece = piece(&mut rest, random);
                let to = &self.rotated[0].path;
                place::append(to, &piece);
                let done = rest.is_empty();
                self.work = Some(if done {
                    Work::Truncate
                } else {
                    Work::Copy { rest }
                });
                Some(format!("copy {} bytes, done: {done}", piece.len()))
            }
            Some(Work::Truncate) => {
                // Half of it would stand before the truncation, and half behind it.
                self.work = Some(Work::Truncate);
                let said = self.finish_line().unwrap_or_default();
                self.work = None;
                let file = File::options().write(true).open(&self.current);
                let file = file.expect("opened");
                let length = file.metadata().expect("there").len();
                file.set_len(0).expect("truncated");
                self.fresh = true;
                let grown = random.percent(40).then(|| self.grow_beyond(length, random));
                let grown = grown.unwrap_or_default();
                Some(format!("{said}truncate at {length}{grown}"))
            }
            Some(Work::Restore { rest }) => Some(self.restore(rest, random)),
            Some(Work::Compress {
                mut rest,
                index,
                to,
            }) => {
                let piece = piece(&mut rest, random);
                place::append(&to, &piece);
                let file = &mut self.rotated[index];
                let done = rest.is_empty();
                if done {
                    let modified = fs::metadata(&file.path).and_then(|data| data.modified());
                    let compressed = File::options().write(true).open(&to).expect("opened");
                    let _ = compressed.set_modified(modified.expect("a time"));
                    fs::remove_file(&file.path).expect("removed");
                    file.path = to;
                    file.compressed = true;
                } else {
                    self.work = Some(Work::Compress { rest, index, to });
                }
                Some(format!("compress {} bytes, done: {done}", piece.len()))
            }
            None => self.begin_to_compress(),
        }
    }

    /// Whether something is half done.
    pub fn is_at_work(&self) -> bool {
        self.work.is_some()
    }

    /// After a truncation, the file grows beyond its old length at once.
    fn grow_beyond(&mut self, length: u64, random: &mut Random) -> String {
        let first = self.lines.len();
        let mut text = Vec::new();
        while text.len() as u64 <= length {
            text.extend_from_slice(self.next_line(random).as_bytes());
            text.push(b'\n');
        }
        self.write(&text);
        format!(", append {first}..={}", self.lines.len() - 1)
    }

    fn begin_to_compress(&mut self) -> Option<String> {
        let suffix = self.scheme.compression?;
        let newest = usize::from(self.scheme.delay || self.moved);
        let index = (newest..self.rotated.len()).rfind(|index| !self.rotated[*index].compressed)?;
        let from = &self.rotated[index].path;
        let plain = fs::read(from).expect("read");
        let rest = if suffix == ".gz" {
            gzip(&plain)
        } else {
            zstd(&plain)
        };
        let to = PathBuf::from(format!("{}{suffix}", from.display()));
        let said = format!("compress {}", to.display());
        File::create_new(&to).expect("created");
        let rest = rest.into();
        self.work = Some(Work::Compress { rest, index, to });
        Some(said)
    }

    /// Deletes the oldest file if everything in it was delivered for good.
    pub fn delete_oldest(&mut self, confirmed: usize) -> Option<String> {
        let may = self.rotated.len() > usize::from(self.moved) + 1 && self.work.is_none();
        let oldest = self
            .rotated
            .back()
            .filter(|file| may && file.last <= confirmed)?;
        fs::remove_file(&oldest.path).expect("removed");
        let said = format!("delete {}", oldest.path.display());
        self.rotated.pop_back();
        Some(said)
    }
}

/// The next bytes: all, or a few.
pub(super) fn piece(rest: &mut VecDeque<u8>, random: &mut Random) -> Vec<u8> {
    let length = if rest.is_empty() || random.percent(40) {
        rest.len()
    } else {
        1 + random.index(rest.len())
    };
    rest.drain(..length).collect()
}

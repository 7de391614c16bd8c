//! One series of records: a writer, and what rotates its files. Every method does one step, says
//! what it did, and does nothing (and says nothing) where the step is not possible now.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;

use crate::common::follow::{self, gzip, zstd};
use crate::random::Random;

/// How the files of a series come and go.
#[derive(Debug, Clone, Copy)]
pub struct Scheme {
    pub names: Names,
    pub method: Method,
    /// The suffix that compressed files get.
    pub compression: Option<&'static str>,
    /// The newest rotated file is not compressed.
    pub delay: bool,
    /// Every file begins with the same 5 KiB.
    pub equal_beginnings: bool,
}

/// How files are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Names {
    /// `audit.log.1`, shifted at every rotation.
    Numbered,
    /// `audit.log-20260411`.
    Dated,
    /// `audit.log-20260411-060000`.
    Timed,
    /// `20260101.00000.audit.log`.
    DataCenterDot,
    /// `20260101-00000.audit.log`.
    DataCenterHyphen,
}

/// How a file is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Create,
    NoCreate,
    CopyTruncate,
}

/// A file that is not written any more, or not for long.
struct Rotated {
    path: PathBuf,
    /// How many records of the series there are up to its end.
    last: usize,
    compressed: bool,
}

/// What the rotation is in the middle of.
enum Work {
    Copy {
        rest: VecDeque<u8>,
    },
    Truncate,
    Compress {
        rest: VecDeque<u8>,
        index: usize,
        to: PathBuf,
    },
}

/// A series.
pub struct Series {
    pub name: String,
    pub scheme: Scheme,
    /// The records, without line ends; the last one is unfinished if there are unwritten bytes.
    pub lines: Vec<String>,
    unwritten: Vec<u8>,
    folder: PathBuf,
    base: String,
    current: PathBuf,
    handle: Option<File>,
    /// Whether the writer still holds the file that was renamed last.
    moved: bool,
    /// Whether the current file has no line yet.
    fresh: bool,
    /// The newest first.
    rotated: VecDeque<Rotated>,
    rotations: usize,
    roll: (u32, u32),
    work: Option<Work>,
}

impl Series {
    /// A series whose first file does not exist yet.
    pub fn new(name: &str, folder: PathBuf, base: &str, scheme: Scheme) -> Self {
        let mut series = Self {
            name: name.to_owned(),
            scheme,
            lines: Vec::new(),
            unwritten: Vec::new(),
            current: folder.join(base),
            folder,
            base: base.to_owned(),
            handle: None,
            moved: false,
            fresh: true,
            rotated: VecDeque::new(),
            rotations: 0,
            roll: (0, 0),
            work: None,
        };
        if series.is_data_center() {
            series.current = series.data_center_name();
        }
        series
    }

    pub fn is_data_center(&self) -> bool {
        matches!(
            self.scheme.names,
            Names::DataCenterDot | Names::DataCenterHyphen
        )
    }

    /// The path that the writer opens.
    pub fn current(&self) -> &PathBuf {
        &self.current
    }

    /// How many records are complete, with their line ends.
    pub fn complete(&self) -> usize {
        self.lines.len() - usize::from(!self.unwritten.is_empty())
    }

    /// Whether the last record lacks nothing but its line end.
    pub fn lacks_only_the_line_end(&self) -> bool {
        self.unwritten == b"\n"
    }

    /// Appends whole records.
    pub fn append(&mut self, random: &mut Random) -> Option<String> {
        self.may_write()?;
        let said = self.finish_line().unwrap_or_default();
        let count = match random.below(10) {
            0 => random.between(6, 20),
            1..=4 => 1,
            _ => random.between(1, 5),
        };
        let at_once = random.percent(50);
        let mut text = Vec::new();
        for _ in 0..count {
            let line = self.next_line(random);
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
            if !at_once {
                self.write(&std::mem::take(&mut text));
            }
        }
        self.write(&text);
        let how = if at_once { "at once" } else { "singly" };
        let last = self.lines.len() - 1;
        Some(format!("{said}append {count} to {last} {how}"))
    }

    /// Appends a part of a line, or the rest of it.
    pub fn part_of_a_line(&mut self, random: &mut Random) -> Option<String> {
        self.may_write()?;
        if !self.unwritten.is_empty() {
            if random.percent(40) && self.unwritten.len() > 1 {
                let piece = 1 + random.index(self.unwritten.len() - 1);
                let piece: Vec<_> = self.unwritten.drain(..piece).collect();
                self.write(&piece);
                return Some(format!("{} bytes of the unfinished line", piece.len()));
            }
            return self.finish_line();
        }
        // The beginning of a file tells it from others.
        if self.fresh && self.scheme.equal_beginnings {
            return None;
        }
        let line = self.next_line(random) + "\n";
        let line = line.as_bytes();
        let characters: Vec<_> = (60..line.len()).filter(|at| line[*at] >= 0x80).collect();
        let cut = match random.below(4) {
            // All but the line end.
            0 => line.len() - 1,
            // Inside a character.
            1 if !characters.is_empty() => characters[random.index(characters.len())] + 1,
            // After its number, which stands in the first 60 bytes.
            _ => 60 + random.index(line.len() - 60),
        };
        self.write(&line[..cut]);
        self.unwritten = line[cut..].to_vec();
        let number = self.lines.len() - 1;
        Some(format!("{cut} of {} bytes of {number}", line.len()))
    }

    /// Writes the rest of the unfinished line.
    pub fn finish_line(&mut self) -> Option<String> {
        if self.unwritten.is_empty() {
            return None;
        }
        let rest = std::mem::take(&mut self.unwritten);
        self.write(&rest);
        Some(format!("finish {}; ", self.lines.len() - 1))
    }

    /// Nothing is written between a copy and the truncation.
    fn may_write(&self) -> Option<()> {
        let copied = matches!(self.work, Some(Work::Copy { .. } | Work::Truncate));
        (!copied).then_some(())
    }

    fn next_line(&mut self, random: &mut Random) -> String {
        let number = self.lines.len() as u64;
        let line = match random.below(20) {
            _ if self.fresh && self.scheme.equal_beginnings => {
                follow::record_of_equal_beginning(&self.name, number)
            }
            0 => follow::short_record(&self.name, number),
            _ => follow::record(&self.name, number),
        };
        self.lines.push(line.clone());
        // Lines that go into the renamed file leave the current one fresh.
        self.fresh &= self.moved;
        line
    }

    fn write(&mut self, bytes: &[u8]) {
        let current = &self.current;
        let handle = self.handle.get_or_insert_with(|| {
            fs::create_dir_all(current.parent().expect("a folder")).expect("created");
            let file = File::options().create(true).append(true).open(current);
            file.expect("opened")
        });
        handle.write_all(bytes).expect("written");
        if self.moved {
            self.rotated[0].last = self.lines.len();
        }
    }

    /// The writer opens its file anew.
    pub fn reopen(&mut self) -> Option<String> {
        self.moved.then_some(())?;
        let said = self.finish_line().unwrap_or_default();
        self.handle = None;
        self.moved = false;
        Some(said + "reopen")
    }

    /// Rotates, or begins to.
    pub fn rotate(&mut self, random: &mut Random) -> Option<String> {
        if self.work.is_some() || self.moved || !self.current.exists() {
            return None;
        }
        if self.is_data_center() {
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

    fn data_center_name(&self) -> PathBuf {
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

    /// Goes on with a copy, a truncation or a compression, or begins a compression.
    pub fn work(&mut self, random: &mut Random) -> Option<String> {
        match self.work.take() {
            Some(Work::Copy { mut rest }) => {
                let piece = piece(&mut rest, random);
                let to = &self.rotated[0].path;
                follow::append(to, &piece);
                let done = rest.is_empty();
                self.work = Some(if done {
                    Work::Truncate
                } else {
                    Work::Copy { rest }
                });
                Some(format!("copy {} bytes, done: {done}", piece.len()))
            }
            Some(Work::Truncate) => {
                let file = File::options().write(true).open(&self.current);
                let file = file.expect("opened");
                let length = file.metadata().expect("there").len();
                file.set_len(0).expect("truncated");
                self.fresh = true;
                let grown = random.percent(40).then(|| self.grow_beyond(length, random));
                Some(format!("truncate at {length}{}", grown.unwrap_or_default()))
            }
            Some(Work::Compress {
                mut rest,
                index,
                to,
            }) => {
                let piece = piece(&mut rest, random);
                follow::append(&to, &piece);
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
fn piece(rest: &mut VecDeque<u8>, random: &mut Random) -> Vec<u8> {
    let length = if rest.is_empty() || random.percent(40) {
        rest.len()
    } else {
        1 + random.index(rest.len())
    };
    rest.drain(..length).collect()
}

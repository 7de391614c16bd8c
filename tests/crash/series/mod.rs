//! One series of records: a writer, and what happens to its files. Every method does one step, says
//! what it did, and does nothing (and says nothing) where the step is not possible now.

mod replacement;
mod rotation;

use std::collections::{BTreeSet, VecDeque};
use std::fs::{self, File};
use std::path::PathBuf;

use std::io::Write as _;

use crate::random::Random;
use crate::reach::Reach;
use crate::scheme::Scheme;
use crate::support::place;

/// A file that is not written any more, or not for long.
struct Rotated {
    path: PathBuf,
    /// How many records of the series there are up to its end.
    last: usize,
    compressed: bool,
}

/// What happens to the files in several steps.
enum Work {
    Copy {
        rest: VecDeque<u8>,
    },
    Truncate,
    /// The current file is written anew, as it was.
    Restore {
        rest: VecDeque<u8>,
    },
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
    /// By what path it is followed.
    pub reach: Reach,
    /// The records, without line ends; the last one is unfinished if there are unwritten bytes.
    pub lines: Vec<String>,
    /// Records written between a copy and the truncation: nobody promises them.
    optional: BTreeSet<usize>,
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
    /// Whether the file was ever put back.
    was_away: bool,
    rotations: usize,
    renames: usize,
    roll: (u32, u32),
    work: Option<Work>,
}

impl Series {
    /// A series whose first file does not exist yet.
    pub fn new(name: &str, folder: PathBuf, base: &str, scheme: Scheme, reach: Reach) -> Self {
        let mut series = Self {
            name: name.to_owned(),
            scheme,
            reach,
            lines: Vec::new(),
            optional: BTreeSet::new(),
            unwritten: Vec::new(),
            current: folder.join(base),
            folder,
            base: base.to_owned(),
            handle: None,
            moved: false,
            fresh: true,
            rotated: VecDeque::new(),
            was_away: false,
            rotations: 0,
            renames: 0,
            roll: (0, 0),
            work: None,
        };
        if scheme.is_data_center() {
            series.current = series.data_center_name();
        }
        series
    }

    /// The path that the writer opens.
    pub fn current(&self) -> &PathBuf {
        &self.current
    }

    /// How many records are complete, with their line ends.
    pub fn complete(&self) -> usize {
        self.lines.len() - usize::from(!self.unwritten.is_empty())
    }

    /// Whether a record was written where it may be lost.
    pub fn is_optional(&self, number: usize) -> bool {
        self.optional.contains(&number)
    }

    /// The records that may be seen half before their file goes away: those that were written where
    /// they may be lost; and all, once the file was away for a while.
    pub fn lines_that_may_be_torn(&self) -> impl Iterator<Item = &String> {
        let lines = self.lines.iter().enumerate();
        lines
            .filter(|(number, _)| self.was_away || self.is_optional(*number))
            .map(|(_, line)| line)
    }

    /// Whether nothing that is promised is missing behind the first `count` records.
    pub fn is_all_among(&self, count: usize) -> bool {
        (count..self.complete()).all(|number| self.is_optional(number))
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
        let lost = if self.is_copied() {
            ", may be lost"
        } else {
            ""
        };
        Some(format!("{said}append {count} to {last} {how}{lost}"))
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

    /// Nothing is written while the file is put back.
    fn may_write(&self) -> Option<()> {
        (!self.is_being_restored()).then_some(())
    }

    /// Whether a copy was begun, and the file is still to be truncated.
    fn is_copied(&self) -> bool {
        matches!(self.work, Some(Work::Copy { .. } | Work::Truncate))
    }

    pub fn is_being_restored(&self) -> bool {
        matches!(self.work, Some(Work::Restore { .. }))
    }

    fn next_line(&mut self, random: &mut Random) -> String {
        let number = self.lines.len() as u64;
        let line = match random.below(20) {
            _ if self.fresh && self.scheme.equal_beginnings => {
                place::record_of_equal_beginning(&self.name, number)
            }
            0 => place::short_record(&self.name, number),
            _ => place::record(&self.name, number),
        };
        if self.is_copied() {
            self.optional.insert(self.lines.len());
        }
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
}

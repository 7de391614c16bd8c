//! Rotated copies that hold more than their log, met at any moment: what both hold is read once, and
//! nothing is lost. The steps are those of a copier, a writer and a reader, in every order.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Write as _;
use std::ops::RangeInclusive;
use std::path::Path;

use flate2::write::GzEncoder;
use tempfile::TempDir;

use super::{FirstMeeting, Logs};
use crate::tail::discover::Discovery;
use crate::tail::follow::{ReadOptions, TailReader};
use crate::tail::pattern::PathPattern;
use crate::tail::piece::TailPiece;

/// Lines of some length, so that twenty are longer than the beginning that is hashed.
fn lines(numbers: RangeInclusive<u64>) -> Vec<u8> {
    let line = |number| format!("{{\"number\":{number},\"text\":\"{}\"}}\n", "x".repeat(300));
    numbers.map(line).collect::<String>().into_bytes()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).expect("written");
    encoder.finish().expect("finished")
}

fn append(path: &Path, text: &[u8]) {
    let file = File::options().append(true).create(true).open(path);
    file.expect("opened").write_all(text).expect("written");
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    /// The log is copied, where it gets its name at once or later.
    Copy,
    /// Records 101 and 102 come to the copy.
    Extend,
    /// The copy gets its name.
    Name,
    /// Record 201 comes to the log.
    Write,
}

/// What the reader does between two steps.
#[derive(Debug, Clone, Copy)]
enum Look {
    None,
    /// It is told that the log was written to.
    Written,
    Scan,
}

#[derive(Debug, Clone, Copy)]
struct Copier {
    name: &'static str,
    is_hidden: bool,
    /// How many records the log holds.
    records: u64,
}

struct Followed {
    folder: TempDir,
    reader: TailReader,
    lines: Vec<String>,
}

impl Followed {
    /// A log of so many records, all of them read.
    fn new(records: u64) -> Self {
        let mut followed = Self::empty();
        // The last ones one by one, so that each was all of the log at some moment.
        let first = records - 2;
        followed.append("audit.log", 1..=first);
        followed.look(Look::Scan);
        for number in first + 1..=records {
            followed.append("audit.log", number..=number);
            followed.look(Look::Scan);
        }
        followed
    }

    fn empty() -> Self {
        let folder = TempDir::new().expect("a directory");
        let discovery = Discovery {
            patterns: vec![PathPattern::parse(&folder.path().join("*")).expect("a pattern")],
            exclude: Vec::new(),
            known: BTreeSet::new(),
            left: BTreeMap::new(),
        };
        let reading = ReadOptions {
            meeting: FirstMeeting {
                from_end: false,
                ignore_older: None,
            },
            max_line_bytes: 1 << 20,
            most_open: 64,
        };
        Self {
            folder,
            reader: TailReader::new(discovery, Logs::default(), reading),
            lines: Vec::new(),
        }
    }

    fn append(&self, name: &str, numbers: RangeInclusive<u64>) {
        append(&self.folder.path().join(name), &lines(numbers));
    }

    fn step(&self, step: Step, copier: Copier) {
        let at = |name: &str| self.folder.path().join(name);
        let copy = at(if copier.is_hidden {
            ".copy"
        } else {
            copier.name
        });
        let is_compressed = Path::new(copier.name)
            .extension()
            .is_some_and(|extension| extension == "gz");
        match step {
            Step::Copy => {
                let text = fs::read(at("audit.log")).expect("read");
                let text = if is_compressed { gzip(&text) } else { text };
                fs::write(copy, text).expect("written");
            }
            // Members one after the other are one file.
            Step::Extend if is_compressed => append(&copy, &gzip(&lines(101..=102))),
            Step::Extend => append(&copy, &lines(101..=102)),
            Step::Name => fs::rename(copy, at(copier.name)).expect("renamed"),
            Step::Write => self.append("audit.log", 201..=201),
        }
    }

    fn look(&mut self, look: Look) {
        match look {
            Look::None => return,
            Look::Written => self.reader.written(&self.folder.path().join("audit.log")),
            Look::Scan => self.reader.scan(),
        }
        let mut piece = TailPiece::default();
        loop {
            piece.clear();
            while self.reader.next_piece(&mut piece) {
                let text = String::from_utf8(piece.read.text.clone()).expect("text");
                self.lines.extend(text.lines().map(str::to_owned));
                piece.clear();
            }
            if !self.reader.needs_rescan {
                return;
            }
            self.reader.scan();
        }
    }
}

/// Every order of the copier's steps and the one of the writer, after the copy was begun.
fn orders(is_hidden: bool) -> Vec<Vec<Step>> {
    let copier = [Step::Copy, Step::Extend, Step::Name];
    let copier = &copier[..if is_hidden { 3 } else { 2 }];
    let order = |at: usize| {
        let mut steps = copier.to_vec();
        steps.insert(at, Step::Write);
        steps
    };
    (1..=copier.len()).map(order).collect()
}

fn each_record_is_read_once(copier: Copier) {
    const LOOKS: [Look; 3] = [Look::None, Look::Written, Look::Scan];
    let expected = (1..=copier.records).chain(101..=102).chain(201..=201);
    let expected = expected.flat_map(|number| lines(number..=number));
    let expected = String::from_utf8(expected.collect()).expect("text");
    let expected: Vec<_> = expected.lines().collect();
    for steps in orders(copier.is_hidden) {
        for variant in 0..LOOKS.len().pow(u32::try_from(steps.len()).expect("few")) {
            let mut followed = Followed::new(copier.records);
            let mut looks = Vec::new();
            let mut rest = variant;
            for step in &steps {
                let look = LOOKS[rest % LOOKS.len()];
                rest /= LOOKS.len();
                looks.push(look);
                followed.step(*step, copier);
                followed.look(look);
            }
            followed.look(Look::Scan);
            let mut lines: Vec<_> = followed.lines.iter().map(String::as_str).collect();
            if steps[steps.len() - 2..] != [Step::Name, Step::Write] {
                // Only what is whole under its name before the log is written to is sure to be read first.
                lines.sort_unstable_by_key(|line| expected.iter().position(|other| other == line));
            }
            let count = (lines.len(), expected.len());
            assert!(
                lines == expected,
                "{copier:?}: {steps:?} with {looks:?}: {count:?}"
            );
        }
    }
}

#[test]
fn a_named_copy_that_holds_more_is_read_behind_what_both_hold() {
    for name in ["audit.log.1", "audit.log-20260101", "audit.log.1.gz"] {
        for records in [3, 20] {
            each_record_is_read_once(Copier {
                name,
                is_hidden: true,
                records,
            });
        }
    }
}

#[test]
fn a_copy_that_is_written_to_under_its_name_is_read_behind_what_both_hold() {
    for name in ["audit.log.1", "audit.log-20260101"] {
        for records in [3, 20] {
            each_record_is_read_once(Copier {
                name,
                is_hidden: false,
                records,
            });
        }
    }
}

#[test]
fn a_log_that_was_found_and_is_truncated_before_it_is_read_is_read_behind_its_copy() {
    for (records, scans) in [(1, 0), (1, 1), (1, 2), (1, 3), (20, 0), (20, 1), (20, 2)] {
        let mut followed = Followed::empty();
        let log = followed.folder.path().join("audit.log");
        followed.append("audit.log", 1..=records);
        followed.reader.scan();
        fs::copy(&log, followed.folder.path().join("audit.log-20260101")).expect("copied");
        for _ in 0..scans {
            followed.reader.scan();
        }
        File::options()
            .write(true)
            .truncate(true)
            .open(&log)
            .expect("truncated");
        // More than it held before, so that its length says nothing.
        followed.append("audit.log", 101..=101 + records);
        followed.look(Look::Written);
        followed.look(Look::Scan);
        let expected = [lines(1..=records), lines(101..=101 + records)].concat();
        let read = followed.lines.join("\n") + "\n";
        assert!(
            read.as_bytes() == expected,
            "{records} records, {scans} scans"
        );
    }
}

//! The records of a slice between being fetched, newest first, and being delivered, oldest first: in
//! memory while they are few, in a temporary file when they are many, so that a slice of any size
//! takes little memory.
//!
//! Each page is sorted and appended as a run; runs are merged when they are read. Pages follow each
//! other in time, so mostly one run is read at a time, whatever their number.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use tempfile::SpooledTempFile;

use super::dedupe::Item;
use super::page::Page;
use super::record::Fingerprint;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;

/// What is kept in memory, in bytes.
const IN_MEMORY: usize = 8 << 20;
/// What is read of a run at a time, in bytes.
const PIECE: usize = 64 << 10;
/// Time, sequence, flags, fingerprint, length.
const HEADER: usize = 8 + 8 + 1 + 16 + 4;

const TIMELESS: u8 = 1;
const SEARCH: u8 = 2;

/// The records of a slice.
#[derive(Debug)]
pub struct Spill {
    file: SpooledTempFile,
    length: u64,
    runs: Vec<SortedRun>,
    /// Records that were added.
    sequence: u64,
    /// The time of the record of the window that was added last.
    neighbour: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy)]
struct SortedRun {
    first: Key,
    start: u64,
    end: u64,
}

/// The order of delivery: by time; of one instant the one that came last is the oldest.
type Key = (Timestamp, Reverse<u64>);

/// A record that comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// By what it is known again.
    pub item: Item,
    /// Whether it tells of a search of the audit log.
    pub is_search: bool,
    /// The length of its text.
    pub length: usize,
}

impl Spill {
    /// An empty one; its file, if it needs one, has no name and is in `directory`.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            file: tempfile::spooled_tempfile_in(IN_MEMORY, directory),
            length: 0,
            runs: Vec::new(),
            sequence: 0,
            neighbour: None,
        }
    }

    /// How many records are in it.
    #[cfg(test)]
    pub fn len(&self) -> u64 {
        self.sequence
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sequence == 0
    }

    /// Adds the records of a page, without the first `known` ones. Those that happened outside the
    /// window, which nobody asked for, are left out: another slice has them, or none is to.
    ///
    /// # Errors
    /// When the disk is full, or fails.
    pub fn add(&mut self, page: &Page, known: usize, window: Window) -> io::Result<()> {
        let mut run = Vec::with_capacity(page.entries.len());
        for entry in page.entries.iter().skip(known) {
            let time = entry.time.or(self.neighbour).unwrap_or(window.to);
            if window.contains(time) {
                self.neighbour = Some(time);
                run.push(((time, Reverse(self.sequence)), entry));
                self.sequence += 1;
            }
        }
        run.sort_unstable_by_key(|(key, _)| *key);
        let Some((first, _)) = run.first() else {
            return Ok(());
        };
        let first = *first;
        let mut bytes = Vec::new();
        for ((time, Reverse(sequence)), entry) in &run {
            let text = &page.text.as_bytes()[entry.range.clone()];
            let flags = if entry.time.is_none() { TIMELESS } else { 0 }
                | if entry.is_search { SEARCH } else { 0 };
            bytes.extend(time.millis().to_le_bytes());
            bytes.extend(sequence.to_le_bytes());
            bytes.push(flags);
            bytes.extend(entry.fingerprint.bytes());
            let length = u32::try_from(text.len()).map_err(io::Error::other)?;
            bytes.extend(length.to_le_bytes());
            bytes.extend(text);
        }
        self.file.seek(SeekFrom::Start(self.length))?;
        self.file.write_all(&bytes)?;
        let start = self.length;
        self.length += bytes.len() as u64;
        self.runs.push(SortedRun {
            first,
            start,
            end: self.length,
        });
        Ok(())
    }

    /// All records, in the order of delivery.
    #[must_use]
    pub fn merge(&mut self) -> Merge<'_> {
        let mut waiting = std::mem::take(&mut self.runs);
        waiting.sort_unstable_by_key(|run| Reverse(run.first));
        Merge {
            file: &mut self.file,
            waiting,
            open: BinaryHeap::new(),
        }
    }
}

/// Takes the records out of a spill.
#[derive(Debug)]
pub struct Merge<'a> {
    file: &'a mut SpooledTempFile,
    /// Runs that are not begun, the next one last.
    waiting: Vec<SortedRun>,
    open: BinaryHeap<Reverse<OpenRun>>,
}

/// A run that is being read.
#[derive(Debug)]
struct OpenRun {
    /// Of its next record.
    key: Key,
    head: Head,
    /// What was read of the file; `at` is where the next record's text begins.
    buffer: Vec<u8>,
    at: usize,
    next: u64,
    end: u64,
}

impl Merge<'_> {
    /// Appends the next record's text; none at the end.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Option<Head>> {
        while let Some(run) = self.waiting.last()
            && self.open.peek().is_none_or(|open| run.first < open.0.key)
        {
            let run = *run;
            self.waiting.pop();
            if let Some(open) = OpenRun::begin(self.file, run)? {
                self.open.push(Reverse(open));
            }
        }
        let Some(Reverse(mut open)) = self.open.pop() else {
            return Ok(None);
        };
        let head = open.head;
        open.need(self.file, head.length)?;
        text.extend(&open.buffer[open.at..open.at + head.length]);
        open.at += head.length;
        if open.read_head(self.file)? {
            self.open.push(Reverse(open));
        }
        Ok(Some(head))
    }
}

impl OpenRun {
    fn begin(file: &mut SpooledTempFile, run: SortedRun) -> io::Result<Option<Self>> {
        let item = Item {
            time: run.first.0,
            is_timeless: false,
            fingerprint: Fingerprint::from_bytes([0; 16]),
        };
        let mut open = Self {
            key: run.first,
            head: Head {
                item,
                is_search: false,
                length: 0,
            },
            buffer: Vec::new(),
            at: 0,
            next: run.start,
            end: run.end,
        };
        Ok(open.read_head(file)?.then_some(open))
    }

    /// Reads on until there are so many bytes behind `at`.
    fn need(&mut self, file: &mut SpooledTempFile, bytes: usize) -> io::Result<()> {
        if self.buffer.len() - self.at >= bytes {
            return Ok(());
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        let missing = bytes - self.buffer.len();
        let left = usize::try_from(self.end - self.next).unwrap_or(usize::MAX);
        let more = missing.max(PIECE).min(left);
        let kept = self.buffer.len();
        self.buffer.resize(kept + more, 0);
        file.seek(SeekFrom::Start(self.next))?;
        file.read_exact(&mut self.buffer[kept..])?;
        self.next += more as u64;
        if self.buffer.len() < bytes {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Reads the header of the next record; false at the end of the run.
    fn read_head(&mut self, file: &mut SpooledTempFile) -> io::Result<bool> {
        if self.at == self.buffer.len() && self.next == self.end {
            return Ok(false);
        }
        self.need(file, HEADER)?;
        let mut header = &self.buffer[self.at..self.at + HEADER];
        self.at += HEADER;
        let time = i64::from_le_bytes(part(&mut header));
        let sequence = u64::from_le_bytes(part(&mut header));
        let [flags] = part(&mut header);
        let fingerprint = Fingerprint::from_bytes(part(&mut header));
        let length = u32::from_le_bytes(part(&mut header));
        let time = Timestamp::from_millis(time).ok_or(io::ErrorKind::InvalidData)?;
        self.key = (time, Reverse(sequence));
        self.head = Head {
            item: Item {
                time,
                is_timeless: flags & TIMELESS != 0,
                fingerprint,
            },
            is_search: flags & SEARCH != 0,
            length: length as usize,
        };
        Ok(true)
    }
}

/// The first bytes; there are enough of them.
fn part<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    let mut part = [0; N];
    let (first, rest) = bytes.split_at(N);
    part.copy_from_slice(first);
    *bytes = rest;
    part
}

impl PartialEq for OpenRun {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for OpenRun {}

impl PartialOrd for OpenRun {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for OpenRun {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::site::Api;

    fn window(from: i64, to: i64) -> Window {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        Window {
            from: at(from),
            to: at(to),
        }
    }

    fn page(records: &[(Option<i64>, usize)]) -> Page {
        let record = |(time, padding): &(Option<i64>, usize)| match time {
            Some(time) => format!(
                r#"{{"creationDate":{time},"x":"{}"}}"#,
                " ".repeat(*padding)
            ),
            None => format!(r#"{{"x":"{}"}}"#, " ".repeat(*padding)),
        };
        let records: Vec<_> = records.iter().map(record).collect();
        let text = format!(r#"{{"results":[{}]}}"#, records.join(","));
        Page::read(Api::Cloud, text.into_bytes()).unwrap()
    }

    fn merged(spill: &mut Spill) -> Vec<(i64, Vec<u8>)> {
        let mut merge = spill.merge();
        let mut all = Vec::new();
        loop {
            let mut text = Vec::new();
            let Some(head) = merge.next(&mut text).unwrap() else {
                return all;
            };
            all.push((head.item.time.millis(), text));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn records_come_out_in_the_order_of_time(
            pages in prop::collection::vec(prop::collection::vec((0..50_i64, 0..100_000_usize), 0..5), 0..8),
        ) {
            let folder = tempfile::tempdir().unwrap();
            let mut spill = Spill::new(folder.path());
            let mut expected = Vec::new();
            for records in &pages {
                let records: Vec<_> = records.iter().map(|(time, pad)| (Some(*time), *pad)).collect();
                let page = page(&records);
                spill.add(&page, 0, window(10, 40)).unwrap();
                for entry in &page.entries {
                    let time = entry.time.unwrap().millis();
                    if (10..=40).contains(&time) {
                        expected.push((time, page.text.as_bytes()[entry.range.clone()].to_vec()));
                    }
                }
            }
            // Newest first came in: of one instant the last is the oldest.
            expected.reverse();
            expected.sort_by_key(|(time, _)| *time);
            prop_assert_eq!(spill.len(), expected.len() as u64);
            prop_assert!(merged(&mut spill) == expected);
        }
    }

    #[test]
    fn a_record_without_a_time_stays_beside_its_neighbour() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(folder.path());
        spill
            .add(
                &page(&[
                    (Some(9), 0),
                    (None, 0),
                    (Some(1), 0),
                    (None, 0),
                    (Some(3), 0),
                ]),
                0,
                window(2, 9),
            )
            .unwrap();
        let times: Vec<_> = merged(&mut spill).iter().map(|(time, _)| *time).collect();
        assert_eq!(times, [3, 9, 9, 9]);
    }

    #[test]
    fn what_the_page_before_had_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let mut spill = Spill::new(folder.path());
        spill
            .add(&page(&[(Some(9), 0), (Some(8), 0)]), 1, window(0, 9))
            .unwrap();
        assert_eq!(merged(&mut spill).len(), 1);
        let mut empty = Spill::new(folder.path());
        assert!(empty.is_empty() && merged(&mut empty).is_empty());
    }
}

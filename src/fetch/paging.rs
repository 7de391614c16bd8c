//! From page to page through the records of a range, newest first, to a certain end (docs/guarantees.md, "REST
//! sources").
//!
//! Pure: says what to ask for next, is given the page, says which of its records are new.

use std::collections::HashSet;

use super::page::{More, Page};
use super::record::{Entry, Fingerprint};
use super::site::{Ask, PageStart};

/// Pages of one instant that may look like one before: equal records of one instant are allowed, but
/// not without end.
const MOST_ALIKE: u32 = 1000;

/// Where in the records of a range we are.
#[derive(Debug)]
pub struct Paging {
    page_size: usize,
    position: Position,
    /// The last records of the page before, which the next must begin with.
    overlap: Vec<Fingerprint>,
    /// Hashes of the pages that had new records.
    seen: HashSet<Fingerprint>,
    alike: u32,
    /// Whether pages are asked for without the end of the one before.
    is_without_overlap: bool,
    /// The most records that a page had.
    longest: usize,
    /// After a page without new records: the record that the next one must not repeat.
    passed: Option<Fingerprint>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    /// From that record on, counted from the newest.
    Offset(u64),
    /// Where these parameters of the server's lead to.
    Parameters(Vec<(String, String)>),
}

/// What a page means for paging.
#[derive(Debug, PartialEq, Eq)]
pub enum PageOutcome {
    /// This many of its first records were in the page before, the others are new; more pages follow.
    More(usize),
    /// The same, and it was the last.
    Last(usize),
    /// The records moved while they were paged: all that was read of the range is to be read again.
    /// The fingerprint is of what was seen of it: the same twice is no movement.
    Moved(Fingerprint),
    /// The server repeats a page, or links to an empty one.
    Repeats,
}

impl Paging {
    /// At the newest record.
    #[must_use]
    pub fn new(page_size: usize) -> Self {
        Self {
            page_size,
            position: Position::Offset(0),
            overlap: Vec::new(),
            seen: HashSet::new(),
            alike: 0,
            is_without_overlap: false,
            longest: 0,
            passed: None,
        }
    }

    /// The same for a server whose pages never overlap, though nothing moves: one that counts records
    /// which it does not show.
    #[must_use]
    pub fn without_overlap(page_size: usize) -> Self {
        Self {
            is_without_overlap: true,
            ..Self::new(page_size)
        }
    }

    /// The next page to ask for.
    #[must_use]
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            // At least one record more than is known already.
            limit: self.page_size.max(self.overlap.len() + 1),
            from: match &self.position {
                Position::Offset(start) => PageStart::Offset(start - self.overlap.len() as u64),
                Position::Parameters(parameters) => PageStart::Parameters(parameters),
            },
        }
    }

    /// Takes the page that was asked for.
    pub fn take(&mut self, page: &Page) -> PageOutcome {
        let entries = &page.entries;
        if entries.is_empty() {
            return PageOutcome::Last(0);
        }
        let page_print = print(entries);
        let known = self.overlap.len();
        if !self.is_joined(entries) {
            let seen = format!("{:?} {page_print}", self.position);
            return PageOutcome::Moved(Fingerprint::of(seen.as_bytes()));
        }
        // Nothing after the known records, though the page had room: as good as an empty page.
        if entries.len() == known && known < self.longest {
            return PageOutcome::Last(known);
        }
        self.longest = self.longest.max(entries.len());
        // Not before: as many new records as a page has make the page before come again.
        if entries.len() > known && self.repeats(entries, page_print) {
            return PageOutcome::Repeats;
        }
        let asked = self.ask();
        let (limit, from) = (
            asked.limit,
            match asked.from {
                PageStart::Offset(start) => Some(start),
                PageStart::Parameters(_) => None,
            },
        );
        let behind = from.map(|start| start + entries.len() as u64);
        let next = match (&page.more, behind) {
            (More::None, _) => return PageOutcome::Last(known),
            (More::Unsaid { limit: server }, _)
                if entries.len() < server.unwrap_or(limit).min(limit) =>
            {
                return PageOutcome::Last(known);
            }
            // A full page behind parameters of the server's, and no word of how to go on.
            (More::Unsaid { .. }, None) => return PageOutcome::Repeats,
            (More::Unsaid { .. }, Some(behind)) => Position::Offset(behind),
            (More::Offset(_), Some(behind)) if entries.len() == known => Position::Offset(behind),
            (More::Offset(start), _) => Position::Offset(*start),
            (More::Parameters(parameters), _) => Position::Parameters(parameters.clone()),
        };
        let gets_on = match (&next, &self.position, from) {
            (Position::Offset(next), Position::Offset(_), Some(asked)) => *next > asked,
            _ => next != self.position,
        };
        if !gets_on {
            return PageOutcome::Repeats;
        }
        let is_stuck = entries.len() == known && !self.is_without_overlap;
        self.passed = self.overlap.pop().filter(|_| is_stuck);
        self.overlap = match &next {
            // Nothing but what was known: the next page is asked for without it.
            Position::Offset(_) if is_stuck || self.is_without_overlap => Vec::new(),
            Position::Offset(start) => {
                let most = usize::try_from(*start).unwrap_or(usize::MAX);
                tail(entries, self.page_size, most)
            }
            Position::Parameters(_) => Vec::new(),
        };
        self.position = next;
        PageOutcome::More(known)
    }

    /// Whether a page goes on where the one before ended.
    fn is_joined(&self, entries: &[Entry]) -> bool {
        let mut prints = entries.iter().map(|entry| entry.fingerprint);
        if let Some(passed) = self.passed {
            return prints.all(|print| print != passed);
        }
        let known = self.overlap.len();
        entries.len() >= known
            && prints
                .zip(&self.overlap)
                .all(|(print, known)| print == *known)
    }

    /// Whether the page came before.
    fn repeats(&mut self, entries: &[Entry], page: Fingerprint) -> bool {
        if self.seen.insert(page) {
            return false;
        }
        let first = entries.first().map(|entry| entry.time);
        self.alike += 1;
        self.alike > MOST_ALIKE || entries.iter().any(|entry| Some(entry.time) != first)
    }
}

/// The fingerprint of a page.
fn print(entries: &[Entry]) -> Fingerprint {
    let bytes = entries.iter().flat_map(|entry| entry.fingerprint.bytes());
    Fingerprint::of(&bytes.collect::<Vec<_>>())
}

/// The records that the next page is to begin with: the last one; of several that are alike all, and
/// the one before them, since otherwise one more of them would not be noticed.
fn tail(entries: &[Entry], page_size: usize, most: usize) -> Vec<Fingerprint> {
    let mut backwards = entries.iter().rev().map(|entry| entry.fingerprint);
    let last = backwards.next();
    let alike = 1 + backwards.take_while(|other| Some(*other) == last).count();
    let wanted = if alike == 1 { 1 } else { alike + 1 };
    let length = if wanted <= page_size.min(entries.len()) / 2 {
        wanted
    } else {
        1
    };
    // Not the whole page: a server that gives no more than that would give it again.
    let length = length.min(entries.len() - 1).max(1).min(most);
    let tail = &entries[entries.len() - length..];
    tail.iter().map(|entry| entry.fingerprint).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::site::Api;

    /// A record: its time, and what it is else.
    type Record = (i64, u32);

    /// How a server says where the next page is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Saying {
        Offset,
        Limit,
        Nothing,
        Cursor,
        /// An offset, behind the last record, too.
        Always,
    }

    #[derive(Debug, Clone)]
    struct Server {
        /// Newest first, each with the server's own number.
        records: Vec<(Record, usize)>,
        maximum: usize,
        saying: Saying,
        /// What is inserted when so many pages were made.
        insertions: Vec<(usize, Record)>,
        pages: usize,
    }

    impl Server {
        fn new(records: &[Record], maximum: usize, saying: Saying) -> Self {
            let mut server = Self {
                records: Vec::new(),
                maximum,
                saying,
                insertions: Vec::new(),
                pages: 0,
            };
            for record in records {
                server.insert(*record);
            }
            server
        }

        fn insert(&mut self, record: Record) {
            let newer = |(other, _): &(Record, usize)| other.0 > record.0;
            let at = self.records.partition_point(newer);
            self.records.insert(at, (record, self.records.len()));
        }

        fn page(&mut self, ask: &Ask<'_>) -> Page {
            let start = match ask.from {
                PageStart::Offset(start) => usize::try_from(start).unwrap(),
                PageStart::Parameters(parameters) => {
                    let last: usize = parameters[0].1.parse().unwrap();
                    let is_last = |(_, number): &(Record, usize)| *number == last;
                    self.records.iter().position(is_last).unwrap() + 1
                }
            };
            let limit = ask.limit.min(self.maximum);
            let rest = self.records.get(start..).unwrap_or_default();
            let shown = &rest[..limit.min(rest.len())];
            let is_more = rest.len() > shown.len();
            let next = match (self.saying, shown.last()) {
                (Saying::Nothing, _) => String::new(),
                (Saying::Limit, _) => format!(r#","limit":{limit}"#),
                (Saying::Offset | Saying::Always, _)
                    if is_more || self.saying == Saying::Always =>
                {
                    let next = start + shown.len();
                    format!(r#","_links":{{"next":"/x?start={next}"}}"#)
                }
                (Saying::Cursor, Some((_, number))) if is_more => {
                    format!(r#","_links":{{"next":"/x?cursor={number}"}}"#)
                }
                (Saying::Offset | Saying::Always | Saying::Cursor, _) => {
                    r#","_links":{}"#.to_owned()
                }
            };
            let record = |((time, what), _): &(Record, usize)| {
                format!(r#"{{"creationDate":{time},"what":{what}}}"#)
            };
            let records: Vec<_> = shown.iter().map(record).collect();
            let text = format!(r#"{{"results":[{}]{next}}}"#, records.join(","));
            self.pages += 1;
            let due = |(pages, _): &mut (usize, Record)| *pages <= self.pages;
            for (_, record) in self.insertions.extract_if(.., due).collect::<Vec<_>>() {
                self.insert(record);
            }
            Page::read(Api::Cloud, text.into_bytes()).unwrap()
        }
    }

    /// All records, read again while they move, and how often they were read.
    fn read(server: &mut Server, page_size: usize) -> (Vec<Fingerprint>, usize) {
        let mut paging = Paging::new(page_size);
        let mut seen = None;
        for readings in 1..10 {
            let moved = match read_once(server, paging) {
                Ok(all) => return (all, readings),
                Err(moved) => moved,
            };
            paging = if seen.replace(moved) == Some(moved) {
                Paging::without_overlap(page_size)
            } else {
                Paging::new(page_size)
            };
        }
        panic!("more movements than insertions: {server:?}");
    }

    fn read_once(server: &mut Server, mut paging: Paging) -> Result<Vec<Fingerprint>, Fingerprint> {
        let mut all = Vec::new();
        for _ in 0..10 * server.records.len() + 10 {
            let page = server.page(&paging.ask());
            let turn = paging.take(&page);
            let (known, is_last) = match turn {
                PageOutcome::More(known) => (known, false),
                PageOutcome::Last(known) => (known, true),
                PageOutcome::Moved(seen) => return Err(seen),
                PageOutcome::Repeats => panic!("nothing repeats: {server:?}"),
            };
            all.extend(page.entries[known..].iter().map(|entry| entry.fingerprint));
            if is_last {
                return Ok(all);
            }
        }
        panic!("no end: {server:?}");
    }

    fn prints(records: &[(Record, usize)]) -> Vec<Fingerprint> {
        let text = |(time, what): Record| format!(r#"{{"creationDate":{time},"what":{what}}}"#);
        let whole = |record: &(Record, usize)| format!(r#"{{"results":[{}]}}"#, text(record.0));
        let page = |text: String| Page::read(Api::Cloud, text.into_bytes()).unwrap();
        let pages = records.iter().map(whole).map(page);
        pages.map(|page| page.entries[0].fingerprint).collect()
    }

    fn saying() -> impl Strategy<Value = Saying> {
        prop::sample::select(vec![
            Saying::Offset,
            Saying::Limit,
            Saying::Nothing,
            Saying::Cursor,
            Saying::Always,
        ])
    }

    fn records() -> impl Strategy<Value = Vec<Record>> {
        prop::collection::vec((0..6_i64, 0..4_u32), 0..30)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn a_list_that_does_not_move_is_read_once(
            records in records(), maximum in 1..12_usize, page_size in 1..12_usize, saying in saying(),
        ) {
            // Who says nothing at all must give what it is asked for.
            let maximum = if saying == Saying::Nothing { 100 } else { maximum };
            let mut server = Server::new(&records, maximum, saying);
            let expected = prints(&server.records);
            let (all, readings) = read(&mut server, page_size);
            prop_assert_eq!(all, expected);
            // Pages of one record do not tell records that are alike from a movement.
            prop_assert!(readings == 1 || maximum == 1, "read again");
        }

        #[test]
        fn a_list_that_grows_is_read_once_or_said_to_move(
            records in prop::collection::vec(0..10_i64, 0..30),
            // One at a time: the smallest pages do not tell several from a page.
            insertions in prop::collection::btree_map(1..12_usize, 0..10_i64, 0..4),
            maximum in 2..12_usize, page_size in 1..12_usize, saying in saying(),
        ) {
            let maximum = if saying == Saying::Nothing { 100 } else { maximum };
            // No two alike: of those that are, few fit into what pages of such a size share.
            let mut what = 0;
            let mut distinct = |time| { what += 1; (time, what) };
            let records: Vec<_> = records.into_iter().map(&mut distinct).collect();
            let mut server = Server::new(&records, maximum, saying);
            let before = prints(&server.records);
            server.insertions = insertions.into_iter().map(|(pages, time)| (pages, distinct(time))).collect();
            let (all, _) = read(&mut server, page_size);
            let after = prints(&server.records);
            let once: HashSet<_> = all.iter().collect();
            prop_assert_eq!(once.len(), all.len(), "twice");
            prop_assert!(before.iter().all(|record| once.contains(record)), "lost");
            prop_assert!(all.iter().all(|record| after.contains(record)));
        }

        #[test]
        fn any_server_comes_to_an_end(
            pages in prop::collection::vec(prop::collection::vec((0..2_i64, 0..3_u32), 1..3), 1..4),
            links in prop::collection::vec(0..6_u64, 1..5), page_size in 1..4_usize, is_without_overlap: bool,
        ) {
            let mut paging = Paging { is_without_overlap, ..Paging::new(page_size) };
            for step in 0..5000 {
                let link = links[step % links.len()];
                let next = match link {
                    0 => String::new(),
                    1 => format!(r#","_links":{{"next":"/x?start={}"}}"#, 3 * step + 3),
                    2 => r#","_links":{"next":"/x?start=2"}"#.to_owned(),
                    link => format!(r#","_links":{{"next":"/x?cursor={link}"}}"#),
                };
                let record = |(time, what): &Record| format!(r#"{{"creationDate":{time},"what":{what}}}"#);
                let records: Vec<_> = pages[step % pages.len()].iter().map(record).collect();
                let text = format!(r#"{{"results":[{}]{next}}}"#, records.join(","));
                let page = Page::read(Api::Cloud, text.into_bytes()).unwrap();
                if !matches!(paging.take(&page), PageOutcome::More(_)) {
                    return Ok(());
                }
            }
            prop_assert!(false, "no end");
        }
    }
}

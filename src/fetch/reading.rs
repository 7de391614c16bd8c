//! Reads the records of a slice, again as long as they move meanwhile (docs/guarantees.md, "REST
//! sources").
//!
//! Where equal records came with several pages, they do not show whether the list moved between the
//! pages. So their instant is read by itself, mostly in one page, and says how many there are.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::asker::PageResponse;
use super::paging::{Endless, PageOutcome, Paging};
use super::readings::{Doubts, Reading, Readings};
use super::record::Fingerprint;
use super::site::Ask;
use super::window::Window;
use crate::pipeline::timestamp::Timestamp;

/// A source of pages that also passes on what is read.
pub trait Pages {
    /// Why no page comes, or none is taken.
    type Error;

    /// Asks for a page of a window.
    ///
    /// # Errors
    /// When the site gives none.
    fn ask(&mut self, window: Window, ask: &Ask<'_>) -> Result<PageResponse, Self::Error>;

    /// Takes a page, whose first `known` records were in the one before.
    ///
    /// # Errors
    /// When the receiver is gone.
    fn take(
        &mut self,
        response: PageResponse,
        window: Window,
        known: usize,
    ) -> Result<(), Self::Error>;

    /// Discards all that was taken of the slice: it is read again.
    ///
    /// # Errors
    /// When the receiver is gone.
    fn discard(&mut self, window: Window) -> Result<(), Self::Error>;

    /// Of each of these records of an instant there are so many, however many were taken.
    ///
    /// # Errors
    /// When the receiver is gone.
    fn count(
        &mut self,
        time: Timestamp,
        counts: HashMap<Fingerprint, usize>,
    ) -> Result<(), Self::Error>;
}

/// Why a slice cannot be read.
#[derive(Debug)]
pub enum Failure<E> {
    /// A page does not come, or is not taken.
    Pages(E),
    /// They do not lead to an end.
    Endless(Window, Endless),
    /// They never stand still.
    Moves(Window),
}

impl<E> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        Self::Pages(error)
    }
}

/// Reads slices, page by page.
pub struct SliceReader<'a, P> {
    /// Where the pages come from.
    pub pages: &'a mut P,
    /// Records to ask for at a time.
    pub page_size: usize,
}

/// What came of a reading.
enum ReadingOutcome {
    /// It was read to its end.
    Whole(Reading),
    /// Its records moved, and what was seen of that.
    Moved(Option<Fingerprint>),
    /// A page came again, which several new records at once can cause, too.
    Repeated,
}

impl<P: Pages> SliceReader<'_, P> {
    /// Reads a slice: each of its records is taken, and those that are taken more often than they are
    /// there are counted.
    ///
    /// # Errors
    /// When its pages do not come, or do not end, or its records never stand still.
    pub fn read(&mut self, window: Window) -> Result<(), Failure<P::Error>> {
        let mut readings = Readings::new(self.page_size);
        while let Some(paging) = readings.next() {
            match self.reading(window, paging, None)? {
                ReadingOutcome::Whole(reading) => {
                    if readings.agree(&reading) || self.settle(reading.doubts())? {
                        return Ok(());
                    }
                }
                ReadingOutcome::Moved(seen) => readings.moved(seen),
                ReadingOutcome::Repeated if readings.repeated() => {
                    return Err(Failure::Endless(window, Endless::SamePage));
                }
                ReadingOutcome::Repeated => {}
            }
            if readings.is_another() {
                self.pages.discard(window)?;
            }
        }
        Err(Failure::Moves(window))
    }

    /// Counts the records that may have been read twice. False if they cannot be counted, so that the
    /// whole slice has to be read again.
    fn settle(&mut self, doubts: &Doubts) -> Result<bool, Failure<P::Error>> {
        if doubts.is_timeless {
            return Ok(false);
        }
        for (time, doubtful) in &doubts.at {
            if !self.instant(*time, doubtful)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads an instant by itself. False if the server does not find the doubtful records there.
    fn instant(
        &mut self,
        time: Timestamp,
        doubtful: &HashSet<Fingerprint>,
    ) -> Result<bool, Failure<P::Error>> {
        // The server's times may be finer than a millisecond.
        let window = Window {
            from: time,
            to: time.plus(Duration::from_millis(1)),
        };
        let mut readings = Readings::new(self.page_size);
        while let Some(paging) = readings.next() {
            match self.reading(window, paging, Some(time))? {
                ReadingOutcome::Whole(reading) => {
                    if reading.doubts().is_empty() || readings.agree(&reading) {
                        let counts = reading.into_counts();
                        if !doubtful.iter().all(|print| counts.contains_key(print)) {
                            return Ok(false);
                        }
                        self.pages.count(time, counts)?;
                        return Ok(true);
                    }
                }
                ReadingOutcome::Moved(seen) => readings.moved(seen),
                ReadingOutcome::Repeated if readings.repeated() => {
                    return Err(Failure::Endless(window, Endless::SamePage));
                }
                ReadingOutcome::Repeated => {}
            }
        }
        Err(Failure::Moves(window))
    }

    /// Reads a window from its first page to the last, or only an instant of it.
    fn reading(
        &mut self,
        window: Window,
        mut paging: Paging,
        only: Option<Timestamp>,
    ) -> Result<ReadingOutcome, Failure<P::Error>> {
        let mut reading = Reading::default();
        loop {
            let mut response = self.pages.ask(window, &paging.ask())?;
            let (mut known, is_last) = match paging.take(&response.page) {
                PageOutcome::More(known) => (known, false),
                PageOutcome::Last(known) => (known, true),
                PageOutcome::Moved(seen) => return Ok(ReadingOutcome::Moved(seen)),
                PageOutcome::Endless(Endless::SamePage) => return Ok(ReadingOutcome::Repeated),
                PageOutcome::Endless(why) => return Err(Failure::Endless(window, why)),
            };
            let entries = &mut response.page.entries;
            reading.take(&entries[known..]);
            if let Some(time) = only {
                entries.drain(..known);
                entries.retain(|entry| entry.time == Some(time));
                known = 0;
                reading.count(entries);
            }
            self.pages.take(response, window, known)?;
            if is_last {
                return Ok(ReadingOutcome::Whole(reading));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::dedupe::{Counted, Delivered, Filter, Item};
    use crate::fetch::page::Page;
    use crate::fetch::record::Entry;
    use crate::fetch::site::{Api, PageStart};

    /// A record: its time, and what it is else. Of the first kind are those that say no time.
    type Record = (i64, u32);

    /// How a server says where the next page is.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Saying {
        Offset,
        Limit,
        Never,
        Nothing,
        Cursor,
        /// An offset, behind the last record, too.
        Always,
    }

    #[derive(Debug)]
    struct Server {
        /// Newest first, each with the server's own number.
        records: Vec<(Record, usize)>,
        maximum: usize,
        saying: Saying,
        /// The kind of records that count but are not shown.
        hidden: Option<u32>,
        /// Whether it finds nothing where no more than an instant is asked for.
        is_coarse: bool,
        /// What is inserted when so many pages were made.
        insertions: Vec<(usize, Record)>,
        pages: usize,
        taken: Vec<Item>,
        counted: Counted,
    }

    fn text((time, what): Record) -> String {
        if what == 0 {
            return r#"{"what":0}"#.to_owned();
        }
        format!(r#"{{"creationDate":{time},"what":{what}}}"#)
    }

    impl Server {
        fn new(records: &[Record], maximum: usize, saying: Saying) -> Self {
            let mut server = Self {
                records: Vec::new(),
                // Without any hint in the answer the page must be as long as asked for.
                maximum: if saying == Saying::Nothing {
                    100
                } else {
                    maximum
                },
                saying,
                hidden: None,
                is_coarse: false,
                insertions: Vec::new(),
                pages: 0,
                taken: Vec::new(),
                counted: Counted::new(),
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

        fn page(&mut self, window: Window, ask: &Ask<'_>) -> Page {
            let range = window.from.millis()..=window.to.millis();
            let finds = !self.is_coarse || range.end() - range.start() > 10;
            let records = self.records.iter().copied();
            let records: Vec<_> = records
                .filter(|(record, _)| finds && range.contains(&record.0))
                .collect();
            let start = match ask.from {
                PageStart::Offset(start) => usize::try_from(start).unwrap(),
                PageStart::Parameters(parameters) => {
                    let last: usize = parameters[0].1.parse().unwrap();
                    let is_last = |(_, number): &(Record, usize)| *number == last;
                    records.iter().position(is_last).unwrap() + 1
                }
            };
            let limit = ask.limit.min(self.maximum);
            let rest = records.get(start..).unwrap_or_default();
            let shown = &rest[..limit.min(rest.len())];
            let is_more = rest.len() > shown.len();
            let next = match (self.saying, shown.last()) {
                (Saying::Nothing, _) => String::new(),
                (Saying::Limit, _) => format!(r#","limit":{limit}"#),
                (Saying::Never, _) => format!(r#","limit":{limit},"_links":{{}}"#),
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
                    format!(r#","limit":{limit},"_links":{{}}"#)
                }
            };
            let shown = shown.iter().map(|(record, _)| *record);
            let shown = shown.filter(|(_, what)| self.hidden != Some(*what));
            let records: Vec<_> = shown.map(text).collect();
            let text = format!(r#"{{"results":[{}]{next}}}"#, records.join(","));
            self.pages += 1;
            let due = |(pages, _): &mut (usize, Record)| *pages <= self.pages;
            for (_, record) in self.insertions.extract_if(.., due).collect::<Vec<_>>() {
                self.insert(record);
            }
            Page::read(Api::Cloud, text.into_bytes()).unwrap()
        }

        /// How many there are of each record.
        fn held(&self) -> HashMap<Fingerprint, usize> {
            let mut held = HashMap::new();
            for (record, _) in &self.records {
                if self.hidden == Some(record.1) {
                    continue;
                }
                let page = format!(r#"{{"results":[{}]}}"#, text(*record));
                let page = Page::read(Api::Cloud, page.into_bytes()).unwrap();
                *held.entry(page.entries[0].fingerprint).or_default() += 1;
            }
            held
        }

        /// How many of each record are delivered.
        fn delivered(&mut self) -> HashMap<Fingerprint, usize> {
            let mut filter = Filter::new(Delivered::default(), std::mem::take(&mut self.counted));
            self.taken.sort_by_key(|item| item.time);
            let mut delivered = HashMap::new();
            for item in self
                .taken
                .iter()
                .filter(|item| filter.ordinal(**item).is_some())
            {
                *delivered.entry(item.fingerprint).or_default() += 1;
            }
            delivered
        }
    }

    impl Pages for Server {
        type Error = ();

        fn ask(&mut self, window: Window, ask: &Ask<'_>) -> Result<PageResponse, ()> {
            assert!(self.pages < 5000, "no end: {self:?}");
            let page = self.page(window, ask);
            Ok(PageResponse { page, ahead: None })
        }

        fn take(&mut self, response: PageResponse, window: Window, known: usize) -> Result<(), ()> {
            let item = |entry: &Entry| Item {
                time: entry.time.unwrap_or(window.to),
                is_timeless: entry.time.is_none(),
                fingerprint: entry.fingerprint,
            };
            self.taken
                .extend(response.page.entries[known..].iter().map(item));
            Ok(())
        }

        fn discard(&mut self, _: Window) -> Result<(), ()> {
            self.taken.clear();
            self.counted.clear();
            Ok(())
        }

        fn count(
            &mut self,
            time: Timestamp,
            counts: HashMap<Fingerprint, usize>,
        ) -> Result<(), ()> {
            self.counted.insert(time, counts);
            Ok(())
        }
    }

    fn read(server: &mut Server, page_size: usize) -> Result<(), Failure<()>> {
        let at = |millis| Timestamp::from_millis(millis).unwrap();
        let window = Window {
            from: at(0),
            to: at(100),
        };
        let mut reader = SliceReader {
            pages: server,
            page_size,
        };
        reader.read(window)
    }

    fn saying() -> impl Strategy<Value = Saying> {
        prop::sample::select(vec![
            Saying::Offset,
            Saying::Limit,
            Saying::Never,
            Saying::Nothing,
            Saying::Cursor,
            Saying::Always,
        ])
    }

    fn record() -> impl Strategy<Value = Record> {
        let what = prop_oneof![1 => Just(0), 6 => 1..4_u32];
        (prop_oneof![0..3_i64, 0..12_i64], what)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn a_list_that_does_not_move_is_read_exactly(
            records in prop::collection::vec(record(), 0..30), maximum in 1..12_usize, page_size in 1..12_usize,
            saying in saying(),
        ) {
            let mut server = Server::new(&records, maximum, saying);
            let read = read(&mut server, page_size);
            prop_assert!(read.is_ok(), "{read:?}");
            prop_assert_eq!(server.delivered(), server.held());
        }

        #[test]
        fn records_that_count_but_are_not_shown_hide_no_others(
            records in prop::collection::vec(record(), 0..30), maximum in 3..12_usize, page_size in 3..12_usize,
            saying in prop::sample::select(vec![Saying::Offset, Saying::Always]),
        ) {
            let mut server = Server::new(&records, maximum, saying);
            server.hidden = Some(3);
            match read(&mut server, page_size) {
                Ok(()) => prop_assert_eq!(server.delivered(), server.held()),
                // As any page might be the last.
                Err(Failure::Endless(_, Endless::EmptyPages)) => {}
                Err(error) => prop_assert!(false, "{error:?}"),
            }
        }

        #[test]
        fn of_a_list_that_grows_no_record_is_lost_or_doubled(
            records in prop::collection::vec(record(), 0..30),
            insertions in prop::collection::vec((1..20_usize, record()), 0..5),
            maximum in 1..12_usize, page_size in 1..12_usize, saying in saying(), is_coarse: bool,
        ) {
            let mut server = Server::new(&records, maximum, saying);
            server.is_coarse = is_coarse;
            let before = server.held();
            server.insertions = insertions;
            let read = read(&mut server, page_size);
            prop_assert!(read.is_ok(), "{read:?}");
            let (after, delivered) = (server.held(), server.delivered());
            for (print, count) in &after {
                let least = before.get(print).copied().unwrap_or_default();
                let came = delivered.get(print).copied().unwrap_or_default();
                prop_assert!((least..=*count).contains(&came), "{came} of {least} to {count}");
            }
            prop_assert!(delivered.keys().all(|print| after.contains_key(print)));
        }
    }
}

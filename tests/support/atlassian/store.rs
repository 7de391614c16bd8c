//! The records that the stand-in holds or makes up, newest first when they are asked for.

use std::ops::Range;

/// A record: its time, and the JSON text that is given out byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// milliseconds since the epoch
    pub ms: i64,
    pub raw: String,
}

/// Where a record stands: its time and the server's own number of it, which no record shows.
pub type Position = (i64, u64);

/// The records.
#[derive(Default)]
pub struct Store {
    held: Vec<(Position, String)>,
    made: Option<Made>,
    last_id: u64,
}

/// Records made on the fly: evenly spread, numbered from 0, oldest first.
struct Made {
    count: u64,
    first_ms: i64,
    span_ms: u64,
    make: fn(i64, u64) -> Record,
}

impl Made {
    fn ms(&self, index: u64) -> i64 {
        let offset = u128::from(self.span_ms) * u128::from(index) / u128::from(self.count);
        self.first_ms + i64::try_from(offset).expect("a time")
    }

    /// The first record at or after a time.
    fn at_or_after(&self, ms: i64) -> u64 {
        let mut open = 0..self.count;
        while open.start < open.end {
            let middle = u64::midpoint(open.start, open.end);
            if self.ms(middle) < ms {
                open.start = middle + 1;
            } else {
                open.end = middle;
            }
        }
        open.start
    }
}

/// What is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// the first millisecond
    pub from: Option<i64>,
    /// the last millisecond
    pub to: Option<i64>,
    pub search: Option<String>,
    /// only what is older than this
    pub after: Option<Position>,
    pub offset: u64,
    pub limit: u64,
}

/// What was found.
pub struct Page {
    pub records: Vec<String>,
    /// the last record's place
    pub last: Option<Position>,
    /// whether more follow
    pub more: bool,
    /// how many there are on all pages, `after` or not
    pub total: u64,
}

impl Store {
    /// Adds a record, however old it is. Equal ones are records of their own.
    pub fn insert(&mut self, record: Record) {
        self.last_id += 1;
        let place = (record.ms, self.last_id);
        let index = self.held.partition_point(|(other, _)| *other < place);
        self.held.insert(index, (place, record.raw));
    }

    /// Makes up records on the fly from now on: `count` of them, evenly from `first_ms` on over
    /// `span_ms`, beside those that are held.
    pub fn make_up(
        &mut self,
        count: u64,
        first_ms: i64,
        span_ms: u64,
        make: fn(i64, u64) -> Record,
    ) {
        assert!(self.held.is_empty(), "records made up come first");
        self.last_id = count;
        self.made = (count > 0).then_some(Made {
            count,
            first_ms,
            span_ms,
            make,
        });
    }

    /// The records that are held, oldest first.
    pub fn held(&self) -> Vec<Record> {
        let records = self.held.iter().map(|((ms, _), raw)| Record {
            ms: *ms,
            raw: raw.clone(),
        });
        records.collect()
    }

    /// A page.
    pub fn page(&self, query: &Query) -> Page {
        let mut page = Page {
            records: Vec::new(),
            last: None,
            more: false,
            total: 0,
        };
        let mut to_skip = query.offset;
        let needle = query.search.as_ref().map(|text| text.to_lowercase());
        let (held, made) = self.ranges(query.from, query.to);
        if needle.is_none() {
            page.total = held.len() as u64 + made.end.saturating_sub(made.start);
        }
        let newest = query.after.map(|(ms, _)| ms).into_iter().chain(query.to);
        let (held, mut made) = self.ranges(query.from, newest.min());
        // deep in a year of records, nobody counts them one by one
        if held.is_empty() && needle.is_none() && query.after.is_none() {
            let skipped = to_skip.min(made.end.saturating_sub(made.start));
            made.end -= skipped;
            to_skip -= skipped;
        }
        for found in self.newest_first(held, made) {
            if let Some(needle) = &needle {
                if !self.raw(&found).to_lowercase().contains(needle) {
                    continue;
                }
                page.total += 1;
            }
            if query.after.is_some_and(|after| found.place >= after) {
                continue;
            }
            if to_skip > 0 {
                to_skip -= 1;
            } else if (page.records.len() as u64) < query.limit {
                page.records.push(self.raw(&found));
                page.last = Some(found.place);
            } else {
                page.more = true;
                // only a search has to look at all of them to know the total
                if needle.is_none() {
                    break;
                }
            }
        }
        page
    }

    fn ranges(&self, from: Option<i64>, to: Option<i64>) -> (Range<usize>, Range<u64>) {
        let below = |ms: i64| self.held.partition_point(|((time, _), _)| *time < ms);
        let beyond = to.and_then(|ms| ms.checked_add(1));
        let held = from.map_or(0, below)..beyond.map_or(self.held.len(), below);
        let made = self.made.as_ref().map_or(0..0, |made| {
            from.map_or(0, |ms| made.at_or_after(ms))
                ..beyond.map_or(made.count, |ms| made.at_or_after(ms))
        });
        (held, made)
    }

    fn newest_first(
        &self,
        held: Range<usize>,
        made: Range<u64>,
    ) -> impl Iterator<Item = Found> + use<'_> {
        let (mut held, mut made) = (held.rev().peekable(), made.rev().peekable());
        std::iter::from_fn(move || {
            let first = held.peek().map(|&index| self.held[index].0);
            let second = made.peek().map(|&index| {
                let ms = self.made.as_ref().expect("made up").ms(index);
                (ms, index + 1)
            });
            if first > second {
                let kind = Kind::Held(held.next()?);
                first.map(|place| Found { place, kind })
            } else {
                let kind = Kind::Made(made.next()?);
                second.map(|place| Found { place, kind })
            }
        })
    }

    fn raw(&self, found: &Found) -> String {
        match found.kind {
            Kind::Held(index) => self.held[index].1.clone(),
            Kind::Made(index) => {
                let made = self.made.as_ref().expect("made up");
                (made.make)(found.place.0, index).raw
            }
        }
    }
}

struct Found {
    place: Position,
    kind: Kind,
}

enum Kind {
    Held(usize),
    Made(u64),
}

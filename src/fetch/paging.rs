//! From page to page through the records of a range, newest first, to a certain end (docs/guarantees.md, "REST
//! sources").
//!
//! Pure: says what to ask for next, is given the page, says which of its records are new.

use std::collections::HashSet;
use std::fmt;

use super::page::{More, Page};
use super::record::{Entry, Fingerprint};
use super::site::{Ask, PageStart};

/// Pages of one instant that may look like one before: equal records of one instant are allowed, but
/// not without end.
const MOST_ALIKE: u32 = 1000;

/// Empty pages in a row, each with a link to another, that are too many.
const MOST_EMPTY: u32 = 3;

/// Where in the records of a range we are.
#[derive(Debug)]
pub struct Paging {
    page_size: usize,
    position: Position,
    /// The last record of the page before, which the next must begin with.
    overlap: Option<Fingerprint>,
    /// Hashes of the pages that had new records.
    seen: HashSet<Fingerprint>,
    /// Hashes of the parameters that were followed.
    followed: HashSet<Fingerprint>,
    alike: u32,
    /// Empty pages in a row.
    empty: u32,
    /// Whether pages are asked for without the end of the one before.
    is_without_overlap: bool,
    /// The most records that a page had.
    longest: usize,
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
    /// The fingerprint is of what was seen of it: the same twice is no movement, but a server whose
    /// pages do not overlap. None if a record that was shown is gone.
    Moved(Option<Fingerprint>),
    /// The pages do not lead to an end.
    Endless(Endless),
}

/// Why pages do not lead to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endless {
    /// A page came again.
    SamePage,
    /// A link leads to where a page was asked for already.
    LinkBack,
    /// Page after page is empty, and says that there is another.
    EmptyPages,
    /// There is more, but nothing says where.
    NoLink,
}

impl fmt::Display for Endless {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::SamePage => "the same page twice",
            Self::LinkBack => "a link back to a page that was read",
            Self::EmptyPages => "three empty pages in a row that each have a link to another page",
            Self::NoLink => "a full page that does not say where the next one is",
        })
    }
}

/// How to go on behind a page.
enum Next {
    End,
    At(Position),
    Nowhere(Endless),
}

impl Paging {
    /// At the newest record.
    #[must_use]
    pub fn new(page_size: usize) -> Self {
        Self {
            page_size,
            position: Position::Offset(0),
            overlap: None,
            seen: HashSet::new(),
            followed: HashSet::new(),
            alike: 0,
            empty: 0,
            is_without_overlap: false,
            longest: 0,
        }
    }

    /// The same for a server whose pages never overlap, though nothing moves.
    #[must_use]
    pub fn without_overlap(page_size: usize) -> Self {
        Self {
            is_without_overlap: true,
            ..Self::new(page_size)
        }
    }

    /// How many records of the page before the next one is to begin with.
    fn known(&self) -> usize {
        usize::from(self.overlap.is_some())
    }

    /// The next page to ask for.
    #[must_use]
    pub fn ask(&self) -> Ask<'_> {
        Ask {
            // At least one record more than is known already.
            limit: self.page_size.max(self.known() + 1),
            from: match &self.position {
                Position::Offset(start) => {
                    PageStart::Offset(start.saturating_sub(self.known() as u64))
                }
                Position::Parameters(parameters) => PageStart::Parameters(parameters),
            },
        }
    }

    /// Takes the page that was asked for.
    pub fn take(&mut self, page: &Page) -> PageOutcome {
        let entries = &page.entries;
        let known = self.known();
        let is_joined = self
            .overlap
            .is_none_or(|overlap| entries.first().map(|entry| entry.fingerprint) == Some(overlap));
        let page_print = print(entries);
        if !is_joined {
            let seen = format!("{:?} {page_print}", self.position);
            let seen = Fingerprint::of(seen.as_bytes());
            return PageOutcome::Moved((!entries.is_empty()).then_some(seen));
        }
        // Not before: as many new records as a page has make the page before come again.
        if entries.len() > known && self.repeats(entries, page_print) {
            return PageOutcome::Endless(Endless::SamePage);
        }
        let next = match self.next(page) {
            Next::End => return PageOutcome::Last(known),
            Next::Nowhere(why) => return PageOutcome::Endless(why),
            Next::At(next) => next,
        };
        self.empty = if entries.is_empty() {
            self.empty + 1
        } else {
            0
        };
        if self.empty == MOST_EMPTY {
            return PageOutcome::Endless(Endless::EmptyPages);
        }
        self.longest = self.longest.max(entries.len());
        self.go_to(next, entries);
        PageOutcome::More(known)
    }

    /// Where the page behind this one is.
    fn next(&self, page: &Page) -> Next {
        let asked = self.ask();
        let length = page.entries.len();
        let has_new = length > self.known();
        let from = match asked.from {
            PageStart::Offset(start) => Some(start),
            PageStart::Parameters(_) => None,
        };
        let behind = from.map(|start| start.saturating_add(length as u64));
        match (&page.more, behind) {
            (More::None, _) => Next::End,
            (More::Unnamed, _) if length == 0 => Next::End,
            (More::Unsaid { limit, .. }, _) if self.is_end(length, *limit, page) => Next::End,
            // Of cursors the last page has none, however long it is.
            (More::Unsaid { has_links, .. }, None) if *has_links => Next::End,
            (More::Unsaid { .. }, None) if length < asked.limit => self.behind_cursor(length),
            (More::Unnamed | More::Unsaid { .. }, None) => Next::Nowhere(Endless::NoLink),
            (More::Unnamed | More::Unsaid { .. }, Some(behind)) => {
                Next::At(Position::Offset(behind))
            }
            // An empty page that leads to itself does not lead on.
            (More::Offset(start), Some(behind)) if length == 0 && *start <= behind => Next::End,
            // No further than that: the server gives no more at a time.
            (More::Offset(_), Some(behind)) if length > 0 && !has_new => {
                Next::At(Position::Offset(behind))
            }
            (More::Offset(start), _) if *start <= from.unwrap_or_default() => {
                Next::Nowhere(Endless::LinkBack)
            }
            (More::Offset(start), _) => {
                let start = behind.map_or(*start, |behind| behind.max(*start));
                Next::At(Position::Offset(start))
            }
            (More::Parameters(parameters), _) => {
                if self.followed.contains(&parameters_print(parameters)) {
                    return Next::Nowhere(Endless::LinkBack);
                }
                Next::At(Position::Parameters(parameters.clone()))
            }
        }
    }

    /// Behind a short page that a cursor led to and that does not lead on: by the offset that goes with the cursor.
    fn behind_cursor(&self, length: usize) -> Next {
        let Position::Parameters(parameters) = &self.position else {
            return Next::Nowhere(Endless::NoLink);
        };
        let mut parameters = parameters.clone();
        let offset = parameters.iter_mut().find(|(key, _)| key == "offset");
        let read = offset.and_then(|(_, offset)| Some((offset.parse::<u64>().ok()?, offset)));
        let Some((start, offset)) = read else {
            return Next::Nowhere(Endless::NoLink);
        };
        *offset = start.saturating_add(length as u64).to_string();
        Next::At(Position::Parameters(parameters))
    }

    /// Whether a page of that length, without a link to another, is the last: one that is shorter than
    /// the server's limit, or than what was asked for.
    fn is_end(&self, length: usize, limit: Option<u64>, page: &Page) -> bool {
        let known = self.known();
        // Nothing after the known record, though there was room.
        let is_through = length == known && (known == 0 || known < self.longest);
        let asked = page.api.limit(self.ask().limit) as u64;
        is_through || (length as u64) < limit.map_or(asked, |limit| limit.min(asked))
    }

    fn go_to(&mut self, next: Position, entries: &[Entry]) {
        let has_new = entries.len() > self.known();
        let counted = match &self.ask().from {
            PageStart::Offset(start) => Some(start.saturating_add(entries.len() as u64)),
            PageStart::Parameters(_) => None,
        };
        let last = entries.last().map(|entry| entry.fingerprint);
        self.overlap = match &next {
            // Not if nothing new came: then no more than what is known may come again. And not if the
            // server counts records which it does not show: then the last record is not the one before.
            Position::Offset(start) => last.filter(|_| {
                has_new
                    && !self.is_without_overlap
                    && counted.is_none_or(|counted| counted == *start)
            }),
            Position::Parameters(parameters) => {
                self.followed.insert(parameters_print(parameters));
                None
            }
        };
        self.position = next;
    }

    /// Whether the page came before.
    fn repeats(&mut self, entries: &[Entry], page: Fingerprint) -> bool {
        if self.seen.insert(page) {
            return false;
        }
        self.alike += 1;
        let mut times = entries.iter().filter_map(|entry| entry.time);
        let first = times.next();
        self.alike > MOST_ALIKE || times.any(|time| Some(time) != first)
    }
}

/// The fingerprint of a page.
fn print(entries: &[Entry]) -> Fingerprint {
    let bytes = entries.iter().flat_map(|entry| entry.fingerprint.bytes());
    Fingerprint::of(&bytes.collect::<Vec<_>>())
}

fn parameters_print(parameters: &[(String, String)]) -> Fingerprint {
    Fingerprint::of(format!("{parameters:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::fetch::site::Api;

    /// A page of records of these times, and what follows them in the answer.
    fn page(api: Api, times: &[i64], rest: &str) -> Page {
        let record = |time: &i64| format!(r#"{{"creationDate":{time}}}"#);
        let records: Vec<_> = times.iter().map(record).collect();
        let list = if api == Api::DataCenter {
            "entities"
        } else {
            "results"
        };
        let text = format!(r#"{{"{list}":[{}]{rest}}}"#, records.join(","));
        Page::read(api, text.into_bytes()).unwrap()
    }

    /// What such a page means, as the first one of two records.
    fn first(api: Api, times: &[i64], rest: &str) -> PageOutcome {
        Paging::new(2).take(&page(api, times, rest))
    }

    #[test]
    fn a_page_without_a_link_is_the_last_if_it_is_short() {
        let (more, last) = (PageOutcome::More(0), PageOutcome::Last(0));
        for links in ["", r#","_links":{}"#] {
            assert_eq!(first(Api::Cloud, &[9, 8], links), more);
            assert_eq!(first(Api::Cloud, &[9], links), last);
            assert_eq!(first(Api::Cloud, &[], links), last);
        }
        for (limit, expected) in [("1", &more), ("2", &last), ("5", &last), ("0", &more)] {
            let rest = format!(r#","limit":{limit},"size":37"#);
            assert_eq!(&first(Api::Cloud, &[9], &rest), expected, "{limit}");
        }
        assert_eq!(first(Api::Cloud, &[9, 8], r#","limit":5"#), more);
        let mut paging = Paging::new(5000);
        let times: Vec<_> = (0..1000).map(|number| 2000 - number).collect();
        assert_eq!(paging.take(&page(Api::Server, &times, "")), more);
    }

    #[test]
    fn a_page_of_data_center_is_the_last_if_it_says_so() {
        let info = |info: &str| format!(r#","pagingInfo":{info}"#);
        let unnamed = info(r#"{"lastPage":false}"#);
        let (more, last) = (PageOutcome::More(0), PageOutcome::Last(0));
        assert_eq!(first(Api::DataCenter, &[9], &unnamed), more);
        assert_eq!(first(Api::DataCenter, &[], &unnamed), last);
        let cursor = info(r#"{"lastPage":false,"nextPageCursor":"1,1"}"#);
        assert_eq!(first(Api::DataCenter, &[], &cursor), more);
        let done = info(r#"{"lastPage":true,"nextPageCursor":"1,1"}"#);
        assert_eq!(first(Api::DataCenter, &[9, 8], &done), last);
    }

    #[test]
    fn a_page_of_data_center_that_does_not_say_so_is_not_the_last_unless_it_is_empty() {
        for info in ["", r#","pagingInfo":null"#, r#","pagingInfo":{"size":1}"#] {
            let page = |times: &[i64]| page(Api::DataCenter, times, info);
            let mut paging = Paging::new(5);
            assert_eq!(paging.take(&page(&[9, 8])), PageOutcome::More(0));
            assert_eq!(paging.take(&page(&[8, 7])), PageOutcome::More(1));
            assert_eq!(paging.take(&page(&[7])), PageOutcome::Last(1));
            assert_eq!(Paging::new(5).take(&page(&[])), PageOutcome::Last(0));
            let mut paging = Paging::new(5);
            let cursor = r#","pagingInfo":{"nextPageCursor":"8,1"}"#;
            paging.take(&self::page(Api::DataCenter, &[9, 8], cursor));
            assert_eq!(paging.take(&page(&[7, 6])), PageOutcome::More(0));
            let ask = |paging: &Paging| format!("{:?}", paging.ask().from);
            assert!(
                ask(&paging).contains(r#"("offset", "2")"#),
                "{}",
                ask(&paging)
            );
            assert_eq!(paging.take(&page(&[])), PageOutcome::Last(0));
        }
    }

    #[test]
    fn an_offset_cannot_be_too_large() {
        let link = |start: u64| format!(r#","_links":{{"next":"/x?start={start}"}}"#);
        let mut paging = Paging::new(2);
        let far = page(Api::Cloud, &[9, 8], &link(u64::MAX));
        assert_eq!(paging.take(&far), PageOutcome::More(0));
        let further = page(Api::Cloud, &[7, 6], &link(u64::MAX));
        let back = PageOutcome::Endless(Endless::LinkBack);
        assert_eq!(paging.take(&further), back);
    }

    #[test]
    fn what_is_gone_is_no_end() {
        let mut paging = Paging::new(2);
        paging.take(&page(Api::Cloud, &[9, 8], ""));
        let gone = paging.take(&page(Api::Cloud, &[], ""));
        assert_eq!(gone, PageOutcome::Moved(None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn any_server_comes_to_an_end(
            pages in prop::collection::vec(prop::collection::vec((0..2_i64, 0..3_u32), 0..3), 1..4),
            links in prop::collection::vec(0..8_u64, 1..5), page_size in 1..4_usize, is_without_overlap: bool,
        ) {
            let mut paging = Paging { is_without_overlap, ..Paging::new(page_size) };
            for step in 0..5000 {
                let next = match links[step % links.len()] {
                    0 => String::new(),
                    1 => format!(r#","_links":{{"next":"/x?start={}"}}"#, 3 * step + 3),
                    2 => r#","_links":{"next":"/x?start=2"}"#.to_owned(),
                    3 => format!(r#","_links":{{"next":"/x?cursor={step}"}}"#),
                    4 => r#","_links":{},"limit":0"#.to_owned(),
                    link => format!(r#","_links":{{"next":"/x?cursor={link}"}}"#),
                };
                let record = |(time, what): &(i64, u32)| format!(r#"{{"creationDate":{time},"what":{what}}}"#);
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

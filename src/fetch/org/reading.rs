//! Where the next page of a run begins, and when a run is at its end. No I/O.

use std::collections::{HashMap, HashSet};

use super::organization::MOST_EVENTS;
use super::page::{OrgEvent, OrgPage};
use super::windows::{Capacity, NextWindow, Windows};
use crate::fetch::record::Fingerprint;
use crate::pipeline::timestamp::Timestamp;

/// A page that came so often in a run leads nowhere, however new its cursor is. One that comes twice is no circle yet.
const CAME_AGAIN: u32 = 3;
/// A page of fewer events is not full, unless fewer were asked for or there is a page behind it: servers have larger
/// limits of their own.
const LOWEST_LIMIT: usize = 100;
/// The longest cursor that is followed, in bytes: escaped in a URL, each may take three, and a URL has 64 KiB.
const LONGEST_CURSOR: usize = 16 << 10;

/// How a run goes from page to page.
#[derive(Debug)]
pub struct Reading {
    place: Place,
    /// The cursors that were asked for, by their hash.
    asked: HashSet<Fingerprint>,
    /// How often pages came, by the hash of their events.
    came: HashMap<Fingerprint, u32>,
    has_dropped: bool,
    /// The last time to fetch.
    until: Option<Timestamp>,
    /// Events that are asked for at a time.
    limit: usize,
    /// The longest page so far.
    longest: Option<LongestPage>,
}

/// The page of most events, the first of those that had as many.
#[derive(Debug, Clone, Copy)]
struct LongestPage {
    events: usize,
    hash: Fingerprint,
    /// Whether another page had as many.
    has_equal: bool,
}

/// Where the next page is.
#[derive(Debug)]
pub enum Place {
    /// Behind the one before.
    Cursor(String),
    /// Where what was delivered ends.
    Time,
    /// In a window of time, as cursors lead nowhere.
    Window(Windows),
}

/// What follows a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another one.
    Page,
    /// Nothing in this run.
    End,
    /// A page that was there before: its cursor leads back, or it came again and again, or for every window.
    Back,
    /// A page without a cursor that may be full: there may be more behind it.
    Stuck,
    /// A page with a cursor that is too long to be asked for.
    TooLong,
    /// More events of an instant than a page holds, and no cursor.
    TooMany(Timestamp),
}

impl Reading {
    /// A run that begins at a cursor, or by time, with so many events a page; up to that time, if it has an end.
    #[must_use]
    pub fn new(cursor: Option<String>, limit: usize, until: Option<Timestamp>) -> Self {
        Self {
            place: place(cursor),
            until,
            asked: HashSet::new(),
            came: HashMap::new(),
            has_dropped: false,
            limit,
            longest: None,
        }
    }

    /// Where the next page is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Whether what comes next only shows whether something is missing.
    #[must_use]
    pub fn is_backwards(&self) -> bool {
        matches!(&self.place, Place::Window(windows) if windows.is_backwards())
    }

    /// Whether the next page is of a window.
    #[must_use]
    pub fn is_window(&self) -> bool {
        matches!(self.place, Place::Window(_))
    }

    /// Whether a page came by a cursor of this run before.
    #[must_use]
    pub fn has_come(&self, page: &OrgPage) -> bool {
        self.came.contains_key(&page.fingerprint())
    }

    /// The cursor of the next page, if it has one.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        match &self.place {
            Place::Cursor(cursor) => Some(cursor),
            Place::Time | Place::Window(_) => None,
        }
    }

    /// The cursor is of no use: on by time, once. False if that happened before.
    pub fn drop_cursor(&mut self) -> bool {
        self.place = Place::Time;
        // The overlap brings pages again, and with them their cursors.
        self.asked.clear();
        self.came.clear();
        !std::mem::replace(&mut self.has_dropped, true)
    }

    /// Events to ask for at a time.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// On by windows of time, with as many events a page as there can be: the fewer, the narrower the windows.
    pub fn use_windows(&mut self, windows: Windows) {
        self.place = Place::Window(windows);
        self.limit = MOST_EVENTS;
    }

    /// Takes a page of a run that began at that time, by the server's clock. What follows, and up to when everything
    /// is read by then, if windows tell that.
    ///
    /// A short page is no end, as the API promises no length; what it says of lengths and totals is not used.
    pub fn take(&mut self, page: &OrgPage, began: Timestamp) -> (Next, Option<Timestamp>) {
        let full = self.capacity(page);
        if let Place::Window(windows) = &mut self.place {
            let (next, read_until) = windows.take(page, full, began);
            return (next.into(), read_until);
        }
        let may_be_full = page.events.len() >= full.events;
        (self.follow(page, began, may_be_full), None)
    }

    /// How many events fill a page, as far as pages up to this one tell.
    fn capacity(&mut self, page: &OrgPage) -> Capacity {
        let (count, hash) = (page.events.len(), page.fingerprint());
        // Some servers have a page behind the last one, too: short pages that are as long are so by chance.
        let lowest = if page.next.is_some() { 1 } else { LOWEST_LIMIT };
        let as_longest = LongestPage {
            events: count,
            hash,
            has_equal: false,
        };
        let longest = self.longest.get_or_insert(as_longest);
        if count > longest.events {
            *longest = as_longest;
        } else if count == longest.events && longest.hash != hash {
            longest.has_equal = true;
        }
        Capacity {
            events: self.limit.min(longest.events.max(lowest)),
            is_certain: count >= self.limit || (longest.has_equal && count >= LOWEST_LIMIT),
        }
    }

    /// Follows the cursor of a page.
    fn follow(&mut self, page: &OrgPage, began: Timestamp, may_be_full: bool) -> Next {
        if let Place::Cursor(cursor) = &self.place {
            self.asked.insert(Fingerprint::of(cursor.as_bytes()));
        }
        self.place = place(page.next.clone());
        // Behind an empty page, the same cursor is to be asked for again, later.
        if page.events.is_empty() {
            return Next::End;
        }
        // Events go on coming while they are read; and a cursor may not know the end that its range had.
        let is_past = |event: &OrgEvent| self.until.is_some_and(|until| event.is_past(until));
        let is_beyond = page.latest() > Some(began) || page.events.iter().any(is_past);
        let Place::Cursor(next) = &self.place else {
            return if is_beyond {
                Next::End
            } else if page.next.is_some() {
                Next::TooLong
            } else if may_be_full {
                Next::Stuck
            } else {
                Next::End
            };
        };
        let came = self.came.entry(page.fingerprint()).or_default();
        *came += 1;
        if *came == CAME_AGAIN || self.asked.contains(&Fingerprint::of(next.as_bytes())) {
            self.place = Place::Time;
            return Next::Back;
        }
        if is_beyond { Next::End } else { Next::Page }
    }
}

/// At a cursor that can be asked for, else by time.
fn place(cursor: Option<String>) -> Place {
    let cursor = cursor.filter(|cursor| cursor.len() <= LONGEST_CURSOR);
    cursor.map_or(Place::Time, Place::Cursor)
}

impl From<NextWindow> for Next {
    fn from(next: NextWindow) -> Self {
        match next {
            NextWindow::Window => Self::Page,
            NextWindow::End => Self::End,
            NextWindow::OutOfRange => Self::Back,
            NextWindow::TooMany(time) => Self::TooMany(time),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::org::products::Products;

    fn page(times: &[&str], next: Option<&str>) -> OrgPage {
        let event = |time: &&str| format!(r#"{{"attributes":{{"processedAt":"{time}"}}}}"#);
        let events: Vec<_> = times.iter().map(event).collect();
        let next = serde_json::to_string(&next).unwrap();
        let text = format!(
            r#"{{"data":[{}],"meta":{{"next":{next}}}}}"#,
            events.join(",")
        );
        OrgPage::read(text.into_bytes(), &Products::default()).unwrap()
    }

    #[test]
    fn a_run_ends_where_nothing_more_can_have_been_there_when_it_began() {
        let began = Timestamp::from_text("2026-01-05T12:00:00Z").unwrap();
        let (early, late) = ("2026-01-05T11:00:00Z", "2026-01-05T12:00:01Z");
        for (cursor, times, next, expected, kept) in [
            (None, &[early][..], Some("a"), Next::Page, Some("a")),
            (None, &[early, late], Some("a"), Next::End, Some("a")),
            (Some("a"), &[], Some("a"), Next::End, Some("a")),
            (Some("a"), &[], None, Next::End, None),
            (Some("a"), &[early], None, Next::End, None),
            (Some("a"), &[early], Some("a"), Next::Back, None),
        ] {
            let mut reading = Reading::new(cursor.map(str::to_owned), 500, None);
            assert_eq!(reading.take(&page(times, next), began).0, expected);
            assert_eq!(reading.cursor(), kept);
        }
    }

    #[test]
    fn a_page_that_comes_again_and_again_leads_back_whatever_its_cursor() {
        let began = Timestamp::from_text("2026-01-05T12:00:00Z").unwrap();
        let mut reading = Reading::new(None, 500, None);
        for (next, expected) in [("a", Next::Page), ("b", Next::Page), ("c", Next::Back)] {
            let page = page(&["2026-01-05T11:00:00Z"], Some(next));
            assert_eq!(reading.take(&page, began).0, expected);
        }
        assert_eq!(reading.cursor(), None);
    }

    #[test]
    fn a_cursor_that_was_asked_for_before_leads_back() {
        let began = Timestamp::from_text("2026-01-05T12:00:00Z").unwrap();
        let page = |next| page(&["2026-01-05T11:00:00Z"], Some(next));
        let mut reading = Reading::new(Some("a".to_owned()), 500, None);
        assert_eq!(reading.take(&page("b"), began).0, Next::Page);
        assert_eq!(reading.take(&page("a"), began).0, Next::Back);
    }

    #[test]
    fn a_refused_cursor_is_dropped_once_in_a_run() {
        let mut reading = Reading::new(Some("a".to_owned()), 500, None);
        assert!(reading.drop_cursor());
        assert_eq!(reading.cursor(), None);
        assert!(!reading.drop_cursor());
    }
}

//! Where the next page of a run begins, and when a run is at its end. No I/O.

use std::collections::{HashMap, HashSet};

use super::page::OrgPage;
use crate::fetch::record::Fingerprint;
use crate::pipeline::timestamp::Timestamp;

/// How a run goes from page to page.
#[derive(Debug)]
pub struct Reading {
    /// The cursor of the next page; none: it is asked for by time.
    cursor: Option<String>,
    /// The cursors that were asked for, by their hash.
    asked: HashSet<Fingerprint>,
    /// How often pages came, by the hash of their events.
    came: HashMap<Fingerprint, u32>,
    has_dropped: bool,
}

/// A page that came so often in a run leads nowhere, however new its cursor is. One that comes twice is no circle yet.
const CAME_AGAIN: u32 = 3;

/// What follows a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Another one.
    Page,
    /// Nothing in this run.
    End,
    /// A page that was there before: its cursor leads back, or it came again and again.
    Back,
}

impl Reading {
    /// A run that begins at a cursor, or by time.
    #[must_use]
    pub fn new(cursor: Option<String>) -> Self {
        Self {
            cursor,
            asked: HashSet::new(),
            came: HashMap::new(),
            has_dropped: false,
        }
    }

    /// The cursor to ask for; none: by time.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// The cursor was refused: on by time, once. False if that happened before.
    pub fn drop_cursor(&mut self) -> bool {
        self.cursor = None;
        !std::mem::replace(&mut self.has_dropped, true)
    }

    /// Takes a page of a run that began at that time, by the server's clock.
    ///
    /// A short page is no end, as the API promises no length; what it says of lengths and totals is not used.
    pub fn take(&mut self, page: &OrgPage, began: Timestamp) -> Next {
        if let Some(cursor) = &self.cursor {
            self.asked.insert(Fingerprint::of(cursor.as_bytes()));
        }
        self.cursor.clone_from(&page.next);
        // Behind an empty page, the same cursor is to be asked for again, later.
        if page.events.is_empty() {
            return Next::End;
        }
        let Some(next) = &self.cursor else {
            return Next::End;
        };
        let came = self.came.entry(page.fingerprint()).or_default();
        *came += 1;
        if *came == CAME_AGAIN || self.asked.contains(&Fingerprint::of(next.as_bytes())) {
            self.cursor = None;
            return Next::Back;
        }
        // Events go on coming while they are read.
        if page.latest() > Some(began) {
            Next::End
        } else {
            Next::Page
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
            let mut reading = Reading::new(cursor.map(str::to_owned));
            assert_eq!(reading.take(&page(times, next), began), expected);
            assert_eq!(reading.cursor(), kept);
        }
    }

    #[test]
    fn a_page_that_comes_again_and_again_leads_back_whatever_its_cursor() {
        let began = Timestamp::from_text("2026-01-05T12:00:00Z").unwrap();
        let mut reading = Reading::new(None);
        for (next, expected) in [("a", Next::Page), ("b", Next::Page), ("c", Next::Back)] {
            let page = page(&["2026-01-05T11:00:00Z"], Some(next));
            assert_eq!(reading.take(&page, began), expected);
        }
        assert_eq!(reading.cursor(), None);
    }

    #[test]
    fn a_cursor_that_was_asked_for_before_leads_back() {
        let began = Timestamp::from_text("2026-01-05T12:00:00Z").unwrap();
        let page = |next| page(&["2026-01-05T11:00:00Z"], Some(next));
        let mut reading = Reading::new(Some("a".to_owned()));
        assert_eq!(reading.take(&page("b"), began), Next::Page);
        assert_eq!(reading.take(&page("a"), began), Next::Back);
    }

    #[test]
    fn a_refused_cursor_is_dropped_once_in_a_run() {
        let mut reading = Reading::new(Some("a".to_owned()));
        assert!(reading.drop_cursor());
        assert_eq!(reading.cursor(), None);
        assert!(!reading.drop_cursor());
    }
}

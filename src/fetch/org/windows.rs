//! Reading by windows of time, where cursors lead nowhere. No I/O.
//!
//! A page holds the first events of its window in the order of processing. Whether the API compares a window with
//! the time of an event or with that of its processing is not documented, so where the events behind a full page
//! are is not known: the window is narrowed until one page holds all of it. Neighbours share an instant, since it
//! is not documented either whether the end belongs to a window; what is in both is known by its id.
//!
//! How many events a page can have is the server's secret. A page that may be full is compared with the page of the
//! same window from its other end: only if that has the same events in the reverse order, nothing is missing.

use std::time::Duration;

use super::page::{OrgEvent, OrgPage};
use crate::fetch::record::Fingerprint;
use crate::pipeline::timestamp::Timestamp;

/// The narrowest window: both of its ends, or its start alone.
const NARROWEST: Duration = Duration::from_millis(1);
/// A window with so few events, of those that fill a page, is followed by a wider one.
const FEW: usize = 4;

/// How many events fill a page.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// With so many, there may be more.
    pub events: usize,
    /// Whether that is certain, since so many were asked for, or different pages had as many and none had more.
    pub is_certain: bool,
}

/// What follows a page of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextWindow {
    /// Another window.
    Window,
    /// Nothing in this run.
    End,
    /// The page holds nothing of the window that it was asked for.
    OutOfRange,
    /// A page does not hold the events of an instant.
    TooMany(Timestamp),
}

/// A range, window by window, oldest first.
#[derive(Debug)]
pub struct Windows {
    from: Timestamp,
    /// The end of the window; none: that of the range.
    to: Option<Timestamp>,
    /// The end of what there is to read: the present, or the end of the range if that is earlier.
    reach: Timestamp,
    /// The events of a page of the window that may be all of it, which the page from its other end tells.
    doubtful: Option<Vec<Fingerprint>>,
}

impl Windows {
    /// All windows from a time on. `first`: the events of a page of the whole range, if that came already.
    #[must_use]
    pub fn new(from: Timestamp, reach: Timestamp, first: Option<Vec<Fingerprint>>) -> Self {
        Self {
            from,
            to: None,
            reach,
            doubtful: first,
        }
    }

    /// The window to ask for: its start and its end; without an end, up to that of the range.
    #[must_use]
    pub fn window(&self) -> (Timestamp, Option<Timestamp>) {
        (self.from, self.to)
    }

    /// Whether to ask for the window from its other end. What is new in that page is not for the output: it comes in
    /// its order, in a narrower window.
    #[must_use]
    pub fn is_backwards(&self) -> bool {
        self.doubtful.is_some()
    }

    /// Takes the page of the window; up to when everything is read then, unless that is the end of the range.
    /// `began` is when the run began.
    pub fn take(
        &mut self,
        page: &OrgPage,
        full: Capacity,
        began: Timestamp,
    ) -> (NextWindow, Option<Timestamp>) {
        let count = page.events.len();
        let doubtful = self.doubtful.take();
        if count > 0 && !page.events.iter().any(|event| self.holds(event)) {
            return (NextWindow::OutOfRange, Some(self.from));
        }
        if let Some(first) = doubtful {
            if !first.iter().rev().eq(&page.ids()) {
                return (self.narrow(), Some(self.from));
            }
        } else if count >= full.events {
            let next = if self.to.is_none() && page.latest() > Some(began) {
                // It has all that was processed before the run began.
                NextWindow::End
            } else if full.is_certain {
                self.narrow()
            } else {
                self.doubtful = Some(page.ids());
                NextWindow::Window
            };
            return (next, Some(self.from));
        }
        let Some(to) = self.to else {
            return (NextWindow::End, None);
        };
        let width = between(self.from, to);
        let width = if count * FEW < full.events {
            width * 4
        } else {
            width
        };
        let next = to.plus(width);
        self.from = to;
        self.to = (next < self.reach).then_some(next);
        (NextWindow::Window, Some(to))
    }

    /// A narrower window, as a page does not hold this one.
    fn narrow(&mut self) -> NextWindow {
        let width = between(self.from, self.to.unwrap_or(self.reach));
        if self.to.is_some() && width <= NARROWEST {
            return NextWindow::TooMany(self.from);
        }
        self.to = Some(self.from.plus((width / 2).max(NARROWEST)));
        NextWindow::Window
    }

    fn holds(&self, event: &OrgEvent) -> bool {
        let is_in = |time: Timestamp| time >= self.from && self.to.is_none_or(|to| time <= to);
        let mut times = event.time.into_iter().chain(event.processed).peekable();
        // What has no time is in every window.
        times.peek().is_none() || times.any(is_in)
    }
}

/// From one time to a later one.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    let millis = to.millis().saturating_sub(from.millis());
    Duration::from_millis(u64::try_from(millis).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Capacity = Capacity {
        events: 10,
        is_certain: true,
    };

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis).unwrap()
    }

    /// A page of those of the events (time and time of processing), in their order, that are in the window.
    fn page(windows: &Windows, events: &[(i64, i64)], full: usize, by_time: bool) -> OrgPage {
        let (from, to) = windows.window();
        let is_in = |event: &&(i64, i64)| {
            let compared = at(if by_time { event.0 } else { event.1 });
            compared >= from && to.is_none_or(|to| compared <= to)
        };
        let event = |(time, processed): &(i64, i64)| OrgEvent {
            range: 0..0,
            id: format!("{time} {processed}").into_bytes(),
            processed: Some(at(*processed)),
            time: Some(at(*time)),
            is_wanted: true,
        };
        OrgPage {
            text: String::new(),
            events: events.iter().filter(is_in).take(full).map(event).collect(),
            next: None,
        }
    }

    /// How the windows end; how many pages and different events came.
    fn read(events: &[(i64, i64)], by_time: bool) -> (NextWindow, usize, usize) {
        let mut windows = Windows::new(at(0), at(1_000_000), None);
        let mut known = std::collections::BTreeSet::new();
        for pages in 1..1000 {
            let page = page(&windows, events, 10, by_time);
            known.extend(page.events.iter().map(|event| event.id.clone()));
            match windows.take(&page, FULL, at(1_000_000)).0 {
                NextWindow::Window => {}
                end => return (end, pages, known.len()),
            }
        }
        panic!("no end");
    }

    #[test]
    fn windows_are_narrowed_where_events_are_many_and_bring_every_event() {
        let dense = (0..100).map(|number| (500_000 + number * 2, 500_500 + number * 2));
        let sparse = (0..20).map(|number| (number * 20_000, 1 + number * 20_000));
        let late = (0..5).map(|number| (600_000 + number * 50_000, 900_000 + number));
        let events: Vec<_> = sparse.chain(dense).chain(late).collect();
        for by_time in [false, true] {
            let (end, pages, known) = read(&events, by_time);
            assert_eq!((end, known), (NextWindow::End, events.len()));
            assert!(pages < 120, "{pages} pages");
        }
        assert_eq!(read(&[], false), (NextWindow::End, 1, 0));
    }

    #[test]
    fn more_events_of_an_instant_than_a_page_holds_cannot_be_read() {
        let events: Vec<_> = (0..11).map(|number| (number, 700_000)).collect();
        let (end, _, _) = read(&events, false);
        assert!(matches!(end, NextWindow::TooMany(at) if at.millis() >= 699_999));
    }

    #[test]
    fn events_that_come_while_they_are_read_are_left_to_the_next_run() {
        let events: Vec<_> = (0..20).map(|number| (number, 999_995 + number)).collect();
        let (end, _, known) = read(&events, false);
        assert_eq!((end, known), (NextWindow::End, 10));
    }

    #[test]
    fn a_page_of_other_events_is_none_of_the_window() {
        let mut windows = Windows::new(at(0), at(1000), None);
        let all = Windows::new(at(0), at(1000), None);
        let events: Vec<_> = (0..20).map(|number| (number * 50, number * 50)).collect();
        let same = page(&all, &events[10..], 10, false);
        assert_eq!(windows.take(&same, FULL, at(1000)).0, NextWindow::Window);
        assert_eq!(windows.take(&same, FULL, at(1000)).0, NextWindow::Window);
        assert_eq!(
            windows.take(&same, FULL, at(1000)).0,
            NextWindow::OutOfRange
        );
    }
}

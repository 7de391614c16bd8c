//! From page to page and from run to run: each event once.

use super::{BY_CURSOR, BY_TIME, SECOND, asked, events, organization, parameter};
use crate::fetch::running::{Running, now};
use crate::support::atlassian::organization::{Cursors, error};
use crate::support::atlassian::{Fault, NextCursor, late_event, organization_event};
use crate::support::fetching::{DAY, START};
use crate::support::program::wait_until;

#[test]
fn a_first_run_asks_by_time_and_then_by_cursor_alone() {
    let fetching = organization(1200);
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
    // The last page is short, which says nothing; the empty one behind it is the end.
    let expected = [BY_TIME, BY_CURSOR, BY_CURSOR, BY_CURSOR];
    assert_eq!(asked(&fetching, 0), expected);
    assert_eq!(
        parameter(&fetching, 0, "from").as_deref(),
        Some("1767571200000")
    );
    assert_eq!(parameter(&fetching, 0, "limit").as_deref(), Some("500"));
}

#[test]
fn the_next_run_goes_on_at_the_last_cursor() {
    let fetching = organization(30);
    fetching.fetch(&["--raw", "--page-size", "20"]);
    fetching.server.insert_events(events(30, 30));
    let before = asked(&fetching, 0).len();
    fetching.fetch(&["--raw", "--page-size", "20"]);
    fetching.assert_events_once();
    assert_eq!(asked(&fetching, before), [BY_CURSOR; 3]);
    let said = fetching.fetch(&["--raw", "-v"]);
    fetching.assert_events_once();
    assert!(said.contains("continuing from"), "{said}");
}

#[test]
fn an_event_that_is_processed_late_comes_with_the_next_run() {
    for next in [NextCursor::Kept, NextCursor::Null] {
        let fetching = organization(10);
        fetching
            .server
            .set(|settings| settings.organization.next = next);
        fetching.fetch(&["--raw"]);
        let late = late_event(START - DAY, START + 20 * SECOND, 99);
        fetching.server.insert_events([late]);
        fetching.fetch(&["--raw"]);
        fetching.assert_events_once();
    }
}

#[test]
fn without_a_cursor_on_the_last_page_the_next_run_looks_back_by_the_overlap() {
    for compares_time in [false, true] {
        let fetching = organization(2000);
        fetching.server.set(|settings| {
            settings.organization.next = NextCursor::Null;
            settings.organization.compares_time = compares_time;
        });
        // The first one happened before it was processed.
        let flags = ["--raw", "--since", "2026-01-04T00:00:00Z"];
        fetching.fetch(&flags);
        fetching.server.insert_events(events(2000, 30));
        let before = asked(&fetching, 0).len();
        fetching.fetch(&flags);
        fetching.assert_events_once();
        assert_eq!(asked(&fetching, before)[0], BY_TIME);
        let from = parameter(&fetching, before, "from").expect("a start");
        // The last one was processed 1999 seconds after the first.
        assert_eq!(from, (START + 1999 * SECOND - 600 * SECOND).to_string());
    }
}

#[test]
fn an_empty_organization_is_asked_again_from_its_start() {
    let fetching = organization(0);
    fetching
        .server
        .set(|settings| settings.organization.next = NextCursor::Null);
    fetching.fetch(&["--raw"]);
    // Visible only now, though it was processed before the first run.
    fetching.server.insert_events(events(0, 3));
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

#[test]
fn a_refused_cursor_is_dropped_with_a_warning() {
    let fetching = organization(2000);
    fetching.fetch(&["--raw"]);
    fetching.server.insert_events(events(2000, 700));
    fetching.server.expire_cursors();
    let before = asked(&fetching, 0).len();
    let said = fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
    assert_eq!(
        asked(&fetching, before)[..3],
        [BY_CURSOR, BY_TIME, BY_CURSOR]
    );
    let warned = said.matches("Going on by time").count();
    assert_eq!(warned, 1, "{said}");
    assert!(said.contains("ADMIN-400-1"), "{said}");
    // The new cursor is good.
    let said = fetching.fetch(&["--raw"]);
    assert!(!said.contains("Going on by time"), "{said}");
}

#[test]
fn a_cursor_is_dropped_whatever_the_status_that_refuses_it() {
    let time = error("400", "ADMIN-400-3", "", "Invalid time");
    let gateway = |status| (status, "{}".to_owned());
    let others = [404, 409, 410, 413, 414, 422, 431].map(gateway);
    for refusal in others.into_iter().chain([(400, time)]) {
        let fetching = organization(100);
        fetching
            .server
            .set(|settings| settings.organization.cursor_refusal = Some(refusal));
        for count in [100, 130] {
            let said = fetching.fetch(&["--raw", "--page-size", "40"]);
            assert_eq!(said.matches("Going on by time").count(), 1, "{said}");
            for wrong in ["there is no organization", "choose a later --since"] {
                assert!(!said.contains(wrong), "{said}");
            }
            fetching.assert_events_once();
            fetching.server.insert_events(events(count, 30));
        }
    }
}

#[test]
fn a_cursor_that_is_too_long_for_a_request_is_not_kept() {
    let fetching = organization(30);
    fetching
        .server
        .set(|settings| settings.organization.cursor_zeros = 70_000);
    for count in [30, 60] {
        let said = fetching.fetch(&["--raw", "--page-size", "10"]);
        let warned = said.matches("a cursor that is too long").count();
        assert_eq!(warned, 1, "{said}");
        fetching.assert_events_once();
        fetching.server.insert_events(events(count, 30));
    }
}

#[test]
fn after_a_refused_cursor_a_page_that_comes_again_does_not_lead_back() {
    let fetching = organization(0);
    let event = |number: u64| organization_event(START + number.cast_signed() * 100, number);
    fetching.server.insert_events((0..4000).map(event));
    fetching
        .server
        .set(|settings| settings.organization.cursors = Cursors::Repeated);
    for _ in 0..3 {
        fetching.server.next(Fault::ExtraKeys);
    }
    fetching.server.next(Fault::Status(400));
    let said = fetching.fetch(&["--raw"]);
    assert_eq!(said.matches("Going on by time").count(), 1, "{said}");
    assert!(!said.contains("windows"), "{said}");
    fetching.assert_events_once();
}

#[test]
fn an_empty_page_ends_a_run_and_the_next_one_goes_on_behind_it() {
    let fetching = organization(100);
    fetching.server.next(Fault::ExtraKeys);
    fetching.server.next(Fault::EmptyPage);
    fetching.fetch(&["--raw", "--page-size", "40"]);
    assert_eq!(fetching.lines().len(), 40);
    fetching.fetch(&["--raw", "--page-size", "40"]);
    fetching.assert_events_once();
}

#[test]
fn a_page_that_comes_again_brings_nothing_twice() {
    // Events that are hours apart are forgotten no sooner.
    for apart in [SECOND, DAY / 8] {
        let fetching = organization(0);
        let event = |number: u64| organization_event(START + number.cast_signed() * apart, number);
        fetching.server.insert_events((0..100).map(event));
        for fault in [Fault::ExtraKeys, Fault::RepeatedPage, Fault::ExtraKeys] {
            fetching.server.next(fault);
        }
        fetching.server.next(Fault::RepeatedPage);
        fetching.fetch(&["--raw", "--page-size", "40"]);
        fetching.assert_events_once();
    }
}

#[test]
fn of_a_link_to_another_origin_only_the_cursor_is_used() {
    let fetching = organization(100);
    fetching
        .server
        .set(|settings| settings.organization.next = NextCursor::Link);
    fetching.fetch(&["--raw", "--page-size", "40"]);
    fetching.assert_events_once();
    // The stand-in fails the test if the other origin is asked.
}

#[test]
fn a_run_with_until_keeps_no_cursor() {
    let fetching = organization(100);
    let flags = ["--raw", "--page-size", "40", "--overlap", "10s"];
    let until = [&flags[..], &["--until", "2026-01-05T00:00:49Z"]].concat();
    fetching.fetch(&until);
    assert_eq!(fetching.lines().len(), 50);
    assert_eq!(asked(&fetching, 0)[0], "from to sortOrder limit");
    let before = asked(&fetching, 0).len();
    fetching.fetch(&flags);
    fetching.assert_events_once();
    assert_eq!(asked(&fetching, before)[0], BY_TIME);
}

#[test]
fn nothing_behind_until_comes_from_a_cursor_that_forgets_it() {
    for flags in [&[][..], &["--raw"], &["--raw", "--interval", "1h"]] {
        let fetching = organization(1500);
        fetching
            .server
            .set(|settings| settings.organization.cursors = Cursors::WithoutEnd);
        let until = ["--page-size", "300", "--until", "2026-01-05T00:16:40Z"];
        fetching.fetch(&[flags, &until[..]].concat());
        // The last one happened before it, and was processed after it.
        assert_eq!(fetching.lines().len(), 1002);
        if flags == ["--raw"] {
            fetching.fetch(&["--raw"]);
            fetching.assert_events_once();
        }
    }
}

#[test]
fn what_is_processed_after_until_hides_nothing_from_the_next_run() {
    for cursors in [Cursors::Unique, Cursors::WithoutEnd] {
        let fetching = organization(10);
        let hour = 3600 * SECOND;
        fetching.server.insert_events([
            organization_event(START + hour, 10),
            late_event(START + SECOND, START + 2 * hour, 11),
        ]);
        fetching.server.set(|settings| {
            settings.organization.compares_time = true;
            settings.organization.cursors = cursors;
        });
        let flags = ["--raw", "--since", "2026-01-04T00:00:00Z"];
        fetching.fetch(&[&flags[..], &["--until", "2026-01-05T00:30:00Z"]].concat());
        assert_eq!(fetching.lines().len(), 11);
        fetching.fetch(&flags);
        assert_eq!(fetching.lines().len(), 12);
    }
}

#[test]
fn a_run_ends_with_the_page_that_is_younger_than_itself() {
    let fetching = organization(0);
    let later = now() + 3_600_000;
    let event = |number: u64| organization_event(later + number.cast_signed(), number);
    fetching.server.insert_events((0..60).map(event));
    fetching.fetch(&["--raw", "--page-size", "40"]);
    assert_eq!((fetching.lines().len(), asked(&fetching, 0).len()), (40, 1));
    fetching.fetch(&["--raw", "--page-size", "40"]);
    fetching.assert_events_once();
}

#[test]
fn a_daemon_brings_what_is_new() {
    let fetching = organization(10);
    let running = Running::to_file(&fetching, &["--raw", "--interval", "50ms"]);
    wait_until("the first events", || fetching.lines().len() == 10);
    fetching.server.insert_events(events(10, 10));
    wait_until("the next events", || fetching.lines().len() == 20);
    running.terminate();
    fetching.assert_events_once();
}

#[test]
fn a_clock_that_is_wrong_here_does_not_move_the_start() {
    for skew in [-7200, 7200] {
        let fetching = organization(0);
        fetching.server.skew(skew);
        let at_server = now() + skew * SECOND;
        let event = |number: u64| {
            let ago = 3000 - number.cast_signed() * 600;
            organization_event(at_server - ago * SECOND, number)
        };
        fetching.server.insert_events((0..5).map(event));
        for _ in 0..2 {
            fetching.fetch(&["--raw", "--since", "1h"]);
            fetching.assert_events_once();
            fetching.server.insert_events([event(5)]);
            fetching.server.expire_cursors();
        }
        fetching.fetch(&["--raw", "--since", "1h"]);
        assert_eq!(fetching.lines().len(), 6);
    }
}

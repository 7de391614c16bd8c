//! Cursors that lead nowhere, and more events than a page holds: each event once all the same, by windows of time.

use std::fs;

use serde_json::Value;

use super::{SECOND, organization};
use crate::fetch::running::Running;
use crate::support::atlassian::organization::Organization;
use crate::support::atlassian::{Event, Fault, NextCursor, late_event, organization_event};
use crate::support::fetching::{Fetching, SINCE, START, said};
use crate::support::program::{run_command, wait_until};
use crate::support::search::{Kind, Search};

/// Events from `first` on, so many milliseconds apart.
fn dense(first: u64, count: u64, apart: i64) -> impl Iterator<Item = Event> {
    let numbers = first..first + count;
    numbers.map(move |number| organization_event(START + number.cast_signed() * apart, number))
}

/// An organization of 5,000 events within a minute that is as that says.
fn busy(change: impl FnOnce(&mut Organization)) -> Fetching {
    let fetching = organization(0);
    fetching.server.insert_events(dense(0, 5000, 12));
    fetching
        .server
        .set(|settings| change(&mut settings.organization));
    fetching
}

fn refuse_all(organization: &mut Organization) {
    organization.cursors_from = u64::MAX;
}

const BEFORE: [&str; 3] = ["--raw", "--since", "2026-01-04T00:00:00Z"];

const TOO_MANY: &str = "more than one page of events at 2026-01-0";

/// Every event is in the output once, in whatever order.
fn assert_once(fetching: &Fetching) {
    let mut lines = fetching.lines();
    let held = fetching.server.events();
    let mut held: Vec<_> = held.into_iter().map(|event| event.raw).collect();
    lines.sort();
    held.sort();
    assert_eq!(lines.len(), held.len());
    assert!(lines == held, "other events");
}

#[test]
fn with_every_cursor_refused_each_event_comes_once() {
    for compares_time in [false, true] {
        let fetching = busy(|organization| {
            refuse_all(organization);
            organization.compares_time = compares_time;
        });
        // Processed in their midst, but late.
        let late = |number: u64| {
            let processed = START + 60_000 + number.cast_signed();
            late_event(
                START + 30_000 - number.cast_signed(),
                processed,
                9000 + number,
            )
        };
        fetching.server.insert_events((0..20).map(late));
        let said = fetching.fetch(&BEFORE);
        assert_eq!(said.matches("Going on by time").count(), 1, "{said}");
        assert_eq!(said.matches("windows of time").count(), 1, "{said}");
        assert_once(&fetching);
        fetching.server.insert_events(dense(5000, 3000, 15));
        fetching.fetch(&BEFORE);
        assert_once(&fetching);
        fetching
            .server
            .insert_events([organization_event(START + 90_000, 8000)]);
        let before = fetching.server.searches().len();
        fetching.fetch(&BEFORE);
        assert_once(&fetching);
        let asked = fetching.server.searches().len() - before;
        assert!(asked < 100, "{asked} requests");
    }
}

#[test]
fn with_every_cursor_refused_a_server_with_shorter_pages_loses_nothing() {
    let fetching = busy(|organization| {
        refuse_all(organization);
        organization.page_maximum = 200;
    });
    fetching.fetch(&BEFORE);
    fetching.assert_events_once();
}

#[test]
fn with_every_cursor_refused_pages_of_a_few_events_are_all_read() {
    for page_maximum in [99, 20] {
        let fetching = organization(400);
        fetching.server.set(|settings| {
            refuse_all(&mut settings.organization);
            settings.organization.page_maximum = page_maximum;
        });
        fetching.fetch(&["--raw"]);
        fetching.assert_events_once();
    }
}

#[test]
fn a_range_that_ends_is_read_by_windows_to_its_end() {
    let fetching = busy(refuse_all);
    let until = [&BEFORE[..], &["--until", "2026-01-05T00:00:29.999Z"]].concat();
    fetching.fetch(&until);
    assert_eq!(fetching.lines().len(), 2500);
    fetching.fetch(&BEFORE);
    fetching.assert_events_once();
}

#[test]
fn a_kill_between_windows_loses_and_doubles_nothing() {
    let fetching = busy(refuse_all);
    for pages in [3, 9, 15, 21] {
        let before = fetching.server.pages();
        let mut running = Running::to_file(&fetching, &BEFORE);
        wait_until("pages", || {
            fetching.server.pages() >= before + pages || !running.is_running()
        });
        fetching.server.take_violations();
        running.kill();
    }
    fetching.fetch(&BEFORE);
    fetching.assert_events_once();
    fetching.server.take_violations();
}

#[test]
fn cursors_that_are_taken_again_are_used_again() {
    let fetching = busy(refuse_all);
    fetching.fetch(&BEFORE);
    fetching
        .server
        .set(|settings| settings.organization.cursors_from = 0);
    fetching.server.insert_events(dense(5000, 1000, 15));
    for _ in 0..2 {
        let said = fetching.fetch(&BEFORE);
        assert!(!said.contains("windows"), "{said}");
    }
    fetching.assert_events_once();
}

#[test]
fn without_any_cursor_a_run_fetches_everything() {
    for page_maximum in [500, 200] {
        let without_cursors = |organization: &mut Organization| {
            organization.next = NextCursor::None;
            organization.page_maximum = page_maximum;
        };
        let fetching = busy(without_cursors);
        let said = fetching.fetch(&BEFORE);
        assert!(said.contains("no cursor with a page that may be"), "{said}");
        fetching.assert_events_once();

        let fetching = busy(without_cursors);
        let until = [&BEFORE[..], &["--until", "2026-01-05T00:00:29.999Z"]].concat();
        fetching.fetch(&[&until[..], &["--interval", "1h"]].concat());
        assert_eq!(fetching.lines().len(), 2500);
    }
}

#[test]
fn a_last_page_that_is_full_by_chance_ends_the_run() {
    for count in [40, 150, 500] {
        let fetching = organization(count);
        fetching
            .server
            .set(|settings| settings.organization.next = NextCursor::None);
        fetching.fetch(&["--raw", "--page-size", &count.to_string()]);
        fetching.assert_events_once();
        let asked = fetching.server.searches().len();
        assert_eq!(asked, 2, "{asked} requests");
    }
}

#[test]
fn more_events_of_an_instant_than_a_server_gives_at_a_time_are_not_lost_silently() {
    for ignores_order in [false, true] {
        let fetching = organization(0);
        let at = |number: u64| organization_event(START, number);
        fetching.server.insert_events((0..300).map(at));
        fetching.server.set(|settings| {
            settings.organization.page_maximum = 200;
            settings.organization.ignores_order = ignores_order;
            refuse_all(&mut settings.organization);
        });
        let said = fetching.fetch_ends(&["--raw"], 1);
        assert!(said.contains(TOO_MANY), "{said}");
        assert!(fetching.lines().len() <= 200);
        fetching
            .server
            .set(|settings| settings.organization = Organization::default());
        fetching.fetch(&["--raw"]);
        fetching.assert_events_once();
    }
}

#[test]
fn a_cursor_that_leads_back_is_an_error_and_all_events_come() {
    let fetching = busy(|organization| organization.circles = true);
    let said = fetching.fetch_ends(&BEFORE, 1);
    assert!(said.contains("lead back"), "{said}");
    fetching.assert_events_once();
    fetching.server.insert_events(dense(5000, 1000, 15));
    fetching.fetch_ends(&BEFORE, 1);
    fetching.assert_events_once();
    fetching
        .server
        .set(|settings| settings.organization.circles = false);
    fetching.fetch(&BEFORE);
    fetching.assert_events_once();
}

#[test]
fn more_events_of_an_instant_than_a_page_holds_are_an_error_that_says_how_to_go_on() {
    let fetching = organization(30);
    let at = |number: u64| organization_event(START + 40 * SECOND, number);
    fetching.server.insert_events((100..250).map(at));
    let last = organization_event(START + 50 * SECOND, 999);
    fetching.server.insert_events([last]);
    fetching.server.set(|settings| {
        settings.organization.page_maximum = 120;
        refuse_all(&mut settings.organization);
    });
    let said = fetching.fetch_ends(&["--raw"], 1);
    assert!(said.contains(TOO_MANY), "{said}");
    assert!(said.contains("confluence-ecs state set"), "{said}");
    let lines = fetching.lines().len();
    assert!((30..181).contains(&lines), "{lines}: what is before them");
    let mut running = Running::to_file(&fetching, &["--raw", "--interval", "100ms"]);
    running.wait_for("retrying at the next interval");
    running.terminate();
    fetching
        .server
        .set(|settings| settings.organization.page_maximum = 500);
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

#[test]
fn as_many_events_of_an_instant_as_a_page_holds_are_read() {
    let fetching = organization(0);
    let at = |number: u64| organization_event(START + 40 * SECOND, number);
    fetching.server.insert_events((0..150).map(at));
    fetching
        .server
        .set(|settings| refuse_all(&mut settings.organization));
    for _ in 0..2 {
        fetching.fetch(&["--raw"]);
    }
    fetching.assert_events_once();
}

#[test]
fn small_pages_do_not_make_narrow_windows() {
    for next in [NextCursor::None, NextCursor::Kept] {
        let fetching = organization(0);
        let at = |number: u64| organization_event(START, number);
        fetching.server.insert_events((0..90).map(at));
        fetching.server.set(|settings| {
            settings.organization.next = next;
            refuse_all(&mut settings.organization);
        });
        for _ in 0..4 {
            fetching.fetch(&["--raw", "--page-size", "30"]);
        }
        fetching.assert_events_once();
        let asked = fetching.server.searches().len();
        assert!(asked < 25, "{asked} requests");
    }
}

#[test]
fn a_cursor_that_leads_back_late_in_a_run_brings_nothing_twice() {
    let fetching = organization(20_000);
    for _ in 0..19 {
        fetching.server.next(Fault::ExtraKeys);
    }
    fetching.server.next(Fault::Hold);
    let running = Running::to_file(&fetching, &["--raw"]);
    fetching.server.wait_for_pages(20);
    fetching
        .server
        .set(|settings| settings.organization.circles = true);
    fetching.server.release();
    let said = running.ends_with(1);
    assert!(said.contains("lead back"), "{said}");
    fetching.assert_events_once();
}

#[test]
fn a_long_circle_of_new_cursors_brings_nothing_twice() {
    let fetching = organization(20_000);
    // More than are remembered, whatever their age.
    fetching
        .server
        .set(|settings| settings.organization.lap = Some(10_000));
    let said = Running::to_file(&fetching, &["--raw"]).ends_with(1);
    assert!(said.contains("lead back"), "{said}");
    fetching.assert_events_once();
}

#[test]
fn windows_go_to_a_pipe_and_to_a_cluster_as_well() {
    let fetching = busy(refuse_all);
    let stdout = || run_command(fetching.command("fetch", &BEFORE), b"").stdout;
    fs::write(fetching.out(), [stdout(), stdout()].concat()).expect("written");
    fetching.assert_events_once();

    let search = Search::new(Kind::Elasticsearch);
    let fetching = busy(refuse_all);
    let url = search.url();
    let flags = ["--elasticsearch-url", &url, "--since", SINCE];
    for _ in 0..2 {
        let output = run_command(fetching.command("fetch", &flags), b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    let documents = search
        .world()
        .documents("logs-atlassian_cloud.audit-default");
    assert_eq!(documents.len(), 5000);
    // Nothing was left to the ids that the cluster knows.
    let text = fetching.state().join(format!(
        "org-{}.json",
        fetching.server.settings().organization.id
    ));
    let saved: Value = serde_json::from_slice(&fs::read(text).expect("a state")).expect("JSON");
    assert_eq!(saved["state"]["events"], 5000);
}

//! What goes wrong on the way: a request is made again, and nothing is lost or doubled by it.

use std::thread;
use std::time::Duration;

use super::running::{Running, now};
use crate::support::atlassian::{Fault, Wait, cloud_record, data_center_record};
use crate::support::fetching::{DAY, Fetching, START};
use crate::support::program::wait_until;

/// Three pages in one slice.
const PAGES: [&str; 5] = ["--raw", "--window", "3650d", "--page-size", "10"];

fn cloud() -> Fetching {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number / 3 * 1000, number.unsigned_abs());
    fetching.server.insert_all((0..25).map(record));
    fetching
}

fn data_center() -> Fetching {
    let fetching = Fetching::data_center();
    let record = |number: i64| data_center_record(START + number / 3 * 1000, number.unsigned_abs());
    fetching.server.insert_all((0..25).map(record));
    fetching
}

/// Both servers, with every way of sending a body.
fn servers() -> [Fetching; 4] {
    let fetchings = [cloud(), cloud(), data_center(), data_center()];
    for (index, fetching) in fetchings.iter().enumerate() {
        fetching.server.set(|settings| {
            settings.gzip = index % 2 == 0;
            settings.chunked = index > 1;
        });
    }
    fetchings
}

/// Orders a fault for a page, counted from 0, of those that come next.
fn on_page(fetching: &Fetching, page: usize, fault: &Fault) {
    for _ in 0..page {
        // What does no harm.
        fetching.server.next(Fault::ExtraKeys);
    }
    fetching.server.next(fault.clone());
}

/// On the first, the middle and the last page, each record arrives once.
fn passes(fault: &Fault) {
    let is_good = matches!(fault, Fault::ExtraKeys | Fault::Slow { .. });
    let pass = |fetching: Fetching| {
        for _ in 0..3 {
            fetching.server.next(fault.clone());
            if !is_good {
                fetching.server.next(Fault::ExtraKeys);
            }
        }
        fetching.fetch(&PAGES);
        fetching.assert_all_once();
        assert_eq!(fetching.server.faults_left(), 0, "{fault:?}");
    };
    // Mostly they wait.
    thread::scope(|scope| {
        for fetching in servers() {
            scope.spawn(move || pass(fetching));
        }
    });
}

/// On each page alone it ends the run with 1 and those words; when it is over everything arrives.
fn ends(fault: &Fault, said: &str, pages: &[usize]) {
    for page in pages {
        for fetching in [cloud(), data_center()] {
            on_page(&fetching, *page, fault);
            let told = fetching.fetch_ends(&PAGES, 1);
            assert!(told.contains(said), "{told}");
            let url = fetching.server.url();
            assert!(told.contains(&url), "the site is named: {told}");
            assert!(fetching.lines().is_empty(), "no half slice");
            fetching.fetch(&PAGES);
            fetching.assert_all_once();
        }
    }
}

#[test]
fn statuses_of_servers_that_are_ill() {
    for status in [408, 500, 502, 503, 504] {
        passes(&Fault::Status(status));
    }
}

#[test]
fn connections_that_break() {
    passes(&Fault::Close);
    passes(&Fault::Reset);
    passes(&Fault::LostAnswer);
    passes(&Fault::CloseAfterHead);
    passes(&Fault::CloseInBody);
}

#[test]
fn bodies_that_are_not_what_was_asked_for() {
    passes(&Fault::TruncatedJson);
    passes(&Fault::Html);
    passes(&Fault::Empty);
}

#[test]
fn what_is_odd_but_right() {
    passes(&Fault::ExtraKeys);
    passes(&Fault::RedirectSameOrigin);
    let pause = Duration::from_millis(1);
    passes(&Fault::Slow { pieces: 20, pause });
}

#[test]
fn a_server_that_asks_to_wait_is_waited_for() {
    let waits = [Wait::Seconds, Wait::Date, Wait::Reset, Wait::ResetEpoch];
    thread::scope(|scope| {
        for (index, wait) in waits.into_iter().enumerate() {
            scope.spawn(move || {
                for (page, status) in [(0, 429), (1, 503)] {
                    let fetching = if index % 2 == 0 {
                        cloud()
                    } else {
                        data_center()
                    };
                    on_page(&fetching, page, &Fault::Wait(status, wait(1)));
                    fetching.fetch(&PAGES);
                    // That it came back too soon would be a violation.
                    fetching.assert_all_once();
                }
            });
        }
    });
}

#[test]
fn who_asks_for_too_long_a_wait_is_not_waited_for() {
    let fetching = cloud();
    fetching
        .server
        .next(Fault::Wait(429, Wait::Seconds(10_000)));
    let said = fetching.fetch_ends(&PAGES, 1);
    assert!(said.contains("asks to wait 2h 46m 40s"), "{said}");
    assert_eq!(fetching.server.searches().len(), 1);
}

#[test]
fn a_daemon_does_not_ask_meanwhile() {
    let fetching = cloud();
    fetching
        .server
        .next(Fault::Wait(429, Wait::Seconds(10_000)));
    let flags = [&PAGES[..], &["--interval", "20ms"]].concat();
    let mut running = Running::to_file(&fetching, &flags);
    running.wait_for("not asked; the server asks to wait 2h");
    running.terminate();
    assert_eq!(fetching.server.searches().len(), 1);
}

#[test]
fn another_origin_is_never_asked() {
    // The stand-in would fail the test.
    ends(
        &Fault::RedirectForeign,
        "redirects to another origin",
        &[0, 1, 2],
    );
}

#[test]
fn a_page_that_came_before_is_not_taken_twice() {
    // Pages by offset overlap: it is noticed, and all is read again.
    let fetching = cloud();
    on_page(&fetching, 1, &Fault::RepeatedPage);
    fetching.fetch(&PAGES);
    fetching.assert_all_once();
    // Pages by cursor do not: it is noticed when the page is the same as one before.
    let fetching = data_center();
    on_page(&fetching, 1, &Fault::RepeatedPage);
    fetching.fetch(&PAGES);
    fetching.assert_all_once();
    let fetching = data_center();
    fetching.server.set(|settings| settings.repeats = true);
    let told = fetching.fetch_ends(&PAGES, 1);
    assert!(told.contains("the same page twice"), "{told}");
    assert!(fetching.lines().is_empty());
}

#[test]
fn bodies_without_end_are_refused() {
    ends(&Fault::GzipBomb, "larger than 64 MiB", &[2]);
    ends(&Fault::HugeContentLength, "larger than 64 MiB", &[0]);
}

#[test]
fn bodies_without_end_take_little_memory() {
    for fault in [Fault::GzipBomb, Fault::HugeContentLength] {
        let fetching = cloud();
        fetching.server.next(fault);
        let flags = [&PAGES[..], &["--interval", "200ms"]].concat();
        let mut running = Running::to_file(&fetching, &flags);
        running.wait_for("retrying at the next interval");
        let peak = running.peak_memory();
        assert!(peak < 300, "{peak} MiB");
        wait_until("all records", || fetching.lines().len() == 25);
        running.terminate();
        fetching.assert_all_once();
    }
}

#[test]
fn a_request_is_made_again_as_often_as_it_may_be() {
    for (retries, failures, is_enough) in [("0", 1, false), ("2", 3, false), ("2", 2, true)] {
        let fetching = cloud();
        for _ in 0..failures {
            fetching.server.next(Fault::Status(500));
        }
        let flags = [&PAGES[..], &["--retries", retries]].concat();
        if is_enough {
            fetching.fetch(&flags);
        } else {
            let said = fetching.fetch_ends(&flags, 1);
            assert!(said.contains("server error 500"), "{said}");
            assert_eq!(fetching.server.searches().len(), failures);
            assert!(fetching.lines().is_empty());
            fetching.fetch(&flags);
        }
        fetching.assert_all_once();
    }
}

#[test]
fn what_was_complete_before_a_failure_is_delivered() {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number * DAY / 10, number.unsigned_abs());
    fetching.server.insert_all((0..50).map(record));
    let flags = ["--raw", "--retries", "0", "--until", "2026-01-10T00:00:00Z"];
    on_page(&fetching, 3, &Fault::Status(500));
    fetching.fetch_ends(&flags, 1);
    let delivered = fetching.lines().len();
    assert!((30..=31).contains(&delivered), "{delivered}");
    fetching.fetch(&flags);
    fetching.assert_all_once();
}

/// Most faults there are, in any order.
fn flaky(make: fn() -> Fetching, seeds: std::ops::Range<u64>) {
    let pass = |seed: u64| {
        let fetching = make();
        fetching.server.set(|settings| {
            settings.gzip = seed.is_multiple_of(2);
            settings.chunked = seed.is_multiple_of(3);
        });
        fetching.server.flaky(seed, 0.3);
        fetching.fetch(&["--raw", "--window", "3650d", "--page-size", "2"]);
        fetching.assert_all_once();
        assert!(fetching.server.faults().len() > 1, "seed {seed}");
    };
    thread::scope(|scope| {
        for seed in seeds {
            scope.spawn(move || pass(seed));
        }
    });
}

#[test]
fn a_flaky_cloud() {
    flaky(cloud, 0..6);
}

#[test]
fn a_flaky_data_center() {
    flaky(data_center, 10..16);
}

#[test]
fn a_server_that_is_silent_is_asked_again() {
    for page in [0, 2] {
        let fetching = cloud();
        on_page(&fetching, page, &Fault::Hold);
        let flags = [&PAGES[..], &["--timeout", "300ms"]].concat();
        let said = fetching.fetch(&flags);
        assert!(said.contains("timed out (--timeout)"), "{said}");
        fetching.assert_all_once();
        fetching.server.release();
    }
}

#[test]
fn a_server_that_is_silent_for_good_is_an_error() {
    let fetching = cloud();
    fetching.server.next(Fault::Hold);
    let flags = [&PAGES[..], &["--timeout", "300ms", "--retries", "0"]].concat();
    let said = fetching.fetch_ends(&flags, 1);
    assert!(said.contains("--timeout"), "{said}");
    fetching.server.release();
    fetching.fetch(&flags);
    fetching.assert_all_once();
}

#[test]
fn a_body_that_drips_for_ever_is_given_up() {
    let fetching = cloud();
    let pause = Duration::from_millis(20);
    fetching.server.next(Fault::Slow {
        pieces: 1000,
        pause,
    });
    let flags = [&PAGES[..], &["--timeout", "100ms"]].concat();
    let said = fetching.fetch(&flags);
    assert!(said.contains("--timeout"), "{said}");
    fetching.assert_all_once();
}

#[test]
fn a_daemon_outlives_its_server() {
    let mut fetching = cloud();
    let flags = [&PAGES[..], &["--interval", "50ms", "--retries", "0"]].concat();
    let mut running = Running::to_file(&fetching, &flags);
    wait_until("all records", || fetching.lines().len() == 25);
    fetching.server.go_down();
    running.wait_for("retrying at the next interval");
    fetching.server.insert(cloud_record(now() - 60_000, 100));
    fetching.server.come_back();
    wait_until("the record after it", || fetching.lines().len() == 26);
    running.terminate();
    fetching.assert_all_once();
}

#[test]
fn a_daemon_begins_before_its_server() {
    let mut fetching = cloud();
    fetching.server.go_down();
    let flags = [&PAGES[..], &["--interval", "50ms", "--retries", "0"]].concat();
    let mut running = Running::to_file(&fetching, &flags);
    running.wait_for("retrying at the next interval");
    fetching.server.come_back();
    wait_until("all records", || fetching.lines().len() == 25);
    running.terminate();
    fetching.assert_all_once();
}

#[test]
fn a_daemon_keeps_the_wait_that_it_was_asked_for() {
    let fetching = cloud();
    fetching.server.next(Fault::Wait(429, Wait::Seconds(1)));
    let flags = [&PAGES[..], &["--interval", "20ms", "--retries", "0"]].concat();
    let running = Running::to_file(&fetching, &flags);
    wait_until("all records", || fetching.lines().len() == 25);
    running.terminate();
    fetching.assert_all_once();
}

//! The rate limit, and servers that are not well.

use std::fs;
use std::time::{Duration, SystemTime};

use super::{events, organization};
use crate::fetch::running::Running;
use crate::support::atlassian::{Fault, NextCursor, Wait};
use crate::support::fetching::Fetching;
use crate::support::program::{run_command, wait_until};

#[test]
fn without_a_word_of_the_server_ten_requests_a_minute_are_sent() {
    let fetching = organization(10);
    fetching
        .server
        .set(|settings| settings.organization.rate_limit = None);
    // The stand-in fails the test if the second request comes sooner than 6 seconds after the first.
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
    assert_eq!(fetching.server.searches().len(), 2);
}

#[test]
fn when_the_requests_are_used_up_the_reset_is_waited_for() {
    let fetching = organization(60);
    fetching.server.next(Fault::UsedUp(1));
    fetching.fetch(&["--raw", "--page-size", "40"]);
    fetching.assert_events_once();
}

/// What a fault says of waiting is done, with so many retries. The page before it says that requests need no spacing,
/// which would be a wait of its own.
fn assert_heeded(fault: Fault, retries: &str) {
    let fetching = organization(60);
    fetching.server.next(Fault::ExtraKeys);
    fetching.server.next(fault);
    // The stand-in fails the test if it is asked again too soon.
    fetching.fetch(&["--raw", "--page-size", "40", "--retries", retries]);
    fetching.assert_events_once();
}

#[test]
fn too_many_requests_are_waited_for_however_the_time_is_said() {
    for wait in [Wait::Reset(1), Wait::Seconds(1), Wait::ResetEpoch(1)] {
        assert_heeded(Fault::Wait(429, wait), "0");
    }
}

#[test]
fn what_is_no_page_is_asked_for_again() {
    for text in [
        r#"{"code":500,"message":"no"}"#,
        r#"{"data":{"id":"x"}}"#,
        r#"{"meta":{"next":"x"}}"#,
    ] {
        let fetching = organization(60);
        fetching.server.next(Fault::Json(text.to_owned()));
        fetching.server.next(Fault::Status(502));
        fetching.server.next(Fault::TruncatedJson);
        fetching.server.next(Fault::Html);
        let said = fetching.fetch(&["--raw"]);
        fetching.assert_events_once();
        assert!(said.contains("retrying in"), "{said}");
    }
}

#[test]
fn an_organization_that_does_not_answer_is_an_error_and_a_daemon_goes_on() {
    let fetching = organization(60);
    for _ in 0..2 {
        fetching.server.next(Fault::Status(503));
    }
    let said = fetching.fetch_ends(&["--raw", "--retries", "1"], 1);
    assert!(said.contains("service unavailable (503)"), "{said}");
    fetching.fetch(&["--raw"]);
    fetching.server.insert_events(events(60, 1));
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

#[test]
fn what_a_server_error_says_of_waiting_is_heeded() {
    for fault in [
        Fault::Wait(500, Wait::Seconds(1)),
        Fault::Wait(502, Wait::Date(1)),
        Fault::Wait(503, Wait::Reset(1)),
        Fault::UsedUpBy(500, 1),
        Fault::UsedUpBy(504, 1),
        Fault::UsedUpBy(429, 1),
    ] {
        assert_heeded(fault, "1");
    }
}

#[test]
fn of_two_waits_that_an_answer_asks_for_the_longer_one_counts() {
    let (reset, retry_after) = (3, 1);
    assert_heeded(Fault::TwoWaits { reset, retry_after }, "0");
}

#[test]
fn the_next_process_waits_for_the_reset_that_an_earlier_one_was_told_of() {
    let fetching = organization(3);
    fetching
        .server
        .set(|settings| settings.organization.next = NextCursor::Null);
    fetching.server.next(Fault::UsedUp(2));
    let said = fetching.fetch(&["--raw"]);
    assert!(!said.contains("told an earlier run"), "{said}");
    fetching.server.insert_events(events(3, 3));
    let said = fetching.fetch(&["--raw"]);
    assert!(
        said.contains("told an earlier run to wait before the next request"),
        "{said}"
    );
    fetching.assert_events_once();
    let said = fetching.fetch(&["--raw"]);
    assert!(!said.contains("told an earlier run"), "{said}");
}

#[test]
fn check_does_not_ask_an_organization_that_told_an_earlier_run_to_wait() {
    let fetching = organization(3);
    let wait = Fault::Wait(429, Wait::Seconds(100_000));
    fetching.server.next(wait);
    fetching.fetch_ends(&["--raw"], 1);
    let asked = fetching.server.searches().len();
    let output = run_command(fetching.command("check", &[]), b"");
    let told = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(told.contains("told an earlier run to wait; 2"), "{told}");
    assert_eq!(fetching.server.searches().len(), asked);
}

#[test]
fn a_process_that_was_killed_before_its_first_page_leaves_word_of_the_rate_limit() {
    let fetching = organization(3);
    fetching.server.next(Fault::Wait(429, Wait::Reset(2)));
    let mut running = Running::to_file(&fetching, &["--raw"]);
    running.wait_for("retrying in");
    running.kill();
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
}

/// Until when the next process is to wait, from now on.
fn pause(fetching: &Fetching) -> Duration {
    let id = fetching.server.settings().organization.id;
    let text = fs::read_to_string(fetching.state().join(format!("org-{id}.pause")));
    let until = humantime::parse_rfc3339(&text.expect("a pause")).expect("a time");
    until.duration_since(SystemTime::now()).expect("later")
}

#[test]
fn absurd_waits_are_cut() {
    const YEARS: u64 = 500_000_000;
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    let fetching = organization(60);
    fetching.server.next(Fault::UsedUp(YEARS));
    let running = Running::to_file(
        &fetching,
        &["--raw", "--page-size", "40", "--interval", "1h"],
    );
    wait_until("a page", || fetching.lines().len() == 40);
    running.terminate();
    fetching.server.take_violations();
    assert!((hours(1)..=hours(2)).contains(&pause(&fetching)));

    let fetching = organization(60);
    fetching.server.next(Fault::Wait(429, Wait::Seconds(YEARS)));
    let said = fetching.fetch_ends(&["--raw"], 1);
    assert!(said.contains("longer than the limit of 2h"), "{said}");
    assert!((hours(23)..=hours(24)).contains(&pause(&fetching)));
    let requests = fetching.server.searches().len();
    let said = fetching.fetch_ends(&["--raw"], 1);
    assert!(said.contains("not asked"), "{said}");
    assert_eq!(fetching.server.searches().len(), requests);
    // As who knows better does.
    let id = fetching.server.settings().organization.id;
    fs::remove_file(fetching.state().join(format!("org-{id}.pause"))).expect("removed");
    fetching.fetch(&["--raw"]);
    fetching.assert_events_once();
    fetching.server.take_violations();
}

//! Clocks that differ.

use std::fs;

use confluence_ecs::pipeline::timestamp::Timestamp;
use confluence_ecs::state::{self, Store};
use serde_json::Value;

use super::running::{Running, now};
use crate::support::atlassian::{DateHeader, Fault, Record, Wait, cloud_record};
use crate::support::binary::command;
use crate::support::fetching::{Fetching, said};
use crate::support::program::{run_command, wait_until};

/// A daemon beside a server whose clock differs by so many seconds, records as they come.
fn with_skew(seconds: i64, said: &str, flags: &[&str]) {
    let fetching = Fetching::cloud();
    fetching.server.skew(seconds);
    let fixed = [
        "--raw",
        "--since",
        "1d",
        "--settle",
        "0s",
        "--interval",
        "20ms",
        "-o",
    ];
    let mut command = fetching.command("fetch", &fixed);
    command.arg(fetching.out()).args(flags);
    let running = Running::start(command);
    fetching.server.wait_for_pages(2);
    for number in 0..20 {
        fetching.server.insert(record(seconds, number));
        let count = usize::try_from(number).expect("small") + 1;
        wait_until("the new record", || fetching.lines().len() >= count);
    }
    let pages = fetching.server.pages();
    fetching.server.wait_for_pages(pages + 3);
    let told = running.terminate();
    assert_eq!(told.matches("clock").count(), 1, "{told}");
    assert!(told.contains(said) && told.contains("NTP"), "{told}");
    fetching.assert_raw(&fetching.server.held(), false);
}

/// A record of the server's present, or, if that is our future, of ours.
fn record(seconds: i64, number: u64) -> Record {
    cloud_record(now() + seconds.min(0) * 1000 - 50, number / 2)
}

#[test]
fn a_server_that_is_behind() {
    with_skew(-120, "s ahead of", &["--overlap", "1s"]);
    with_skew(-3600, " 360", &[]);
}

#[test]
fn a_server_that_is_ahead() {
    with_skew(120, "s behind", &["--overlap", "1s"]);
}

#[test]
fn a_small_difference_is_not_worth_a_word() {
    let fetching = Fetching::cloud();
    fetching.server.skew(-3);
    let said = fetching.fetch(&["--raw"]);
    assert!(!said.contains("clock"), "{said}");
}

/// The name of the state of the only site there is.
fn state_name(fetching: &Fetching) -> String {
    let entries = fs::read_dir(fetching.state()).expect("a folder");
    let mut names = entries.filter_map(|entry| {
        let name = entry.expect("an entry").file_name().into_string().ok()?;
        let name = name.strip_suffix(".json")?;
        name.starts_with("fetch-").then(|| name.to_owned())
    });
    names.next().expect("a state")
}

/// The saved position, in milliseconds.
fn cursor(fetching: &Fetching) -> i64 {
    let saved = state::read::<Value>(&fetching.state(), &state_name(fetching)).expect("read");
    let text = saved.expect("saved").state["cursor"].clone();
    let time = Timestamp::from_text(text.as_str().expect("text"));
    time.expect("a time").millis()
}

const HOUR: i64 = 3600;
const FLAGS: [&str; 3] = ["--raw", "--settle", "0s"];

/// From `--since` on, as no other test of clocks.
fn fetch(fetching: &Fetching, since: &str, flags: &[&str]) -> String {
    let mut program = fetching.command("fetch", &["--since", since, "-o"]);
    program.arg(fetching.out()).args(FLAGS).args(flags);
    let output = run_command(program, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    said(&output)
}

/// What happens at the server between two runs comes with the second, whatever this machine's clock shows.
fn loses_nothing_between_runs(skew: i64, since: &str) {
    let fetching = Fetching::cloud();
    fetching.server.skew(skew);
    let present = |number| cloud_record(now() + skew * 1000, number);
    fetch(&fetching, since, &["--overlap", "0s"]);
    assert!(
        cursor(&fetching) <= now() + skew * 1000,
        "{skew}: the future"
    );
    for number in 0..3 {
        fetching.server.insert(present(number));
        // Its second is over, or the next run is by the same `Date`.
        wait_until("the record", || {
            fetch(&fetching, since, &["--overlap", "0s"]);
            fetching.lines().len() > usize::try_from(number).expect("small")
        });
    }
    fetching.assert_raw(&fetching.server.held(), false);
}

#[test]
fn a_clock_that_is_wrong_by_minutes_hours_or_days_loses_nothing() {
    for skew in [-300, -25 * HOUR, -400 * HOUR, 300, 25 * HOUR, 400 * HOUR] {
        loses_nothing_between_runs(skew, "1h");
    }
}

/// A first run by a clock that is wrong, and what happened at the server so many seconds before it.
fn first_run(skew: i64, since: &str, ago: i64) -> usize {
    let fetching = Fetching::cloud();
    fetching.server.skew(skew);
    let time = now() + (skew - ago) * 1000;
    fetching.server.insert(cloud_record(time, 1));
    fetch(&fetching, since, &[]);
    fetching.lines().len()
}

#[test]
fn a_first_run_begins_by_the_servers_clock() {
    for skew in [-300, -25 * HOUR, 300, 25 * HOUR] {
        assert_eq!(first_run(skew, "1h", 3500), 1, "{skew}");
        assert_eq!(first_run(skew, "1h", 3700), 0, "{skew}");
        assert_eq!(first_run(skew, "now", 60), 0, "{skew}");
    }
}

#[test]
fn from_now_on_means_the_servers_now() {
    let fetching = Fetching::cloud();
    fetching.server.skew(-300);
    fetch(&fetching, "now", &[]);
    let record = cloud_record(now() - 300 * 1000, 1);
    fetching.server.insert(record.clone());
    wait_until("the record", || {
        fetch(&fetching, "now", &[]);
        !fetching.lines().is_empty()
    });
    fetching.assert_raw(&[record], true);
}

#[test]
fn until_is_by_the_servers_clock() {
    let fetching = Fetching::cloud();
    fetching.server.skew(-25 * HOUR);
    let time = |hours: i64| now() - 25 * HOUR * 1000 - hours * HOUR * 1000;
    fetching
        .server
        .insert_all([cloud_record(time(2), 1), cloud_record(time(4), 2)]);
    fetch(&fetching, "10h", &["--until", "3h"]);
    assert_eq!(fetching.lines().len(), 1);
    fetch(&fetching, "10h", &["--until", "now", "--interval", "10ms"]);
    assert_eq!(fetching.lines().len(), 2);
}

/// A position as a version before this one saved it by a clock that was ahead.
fn set_cursor(fetching: &Fetching, seconds: i64) {
    let store = Store::open(&fetching.state(), &state_name(fetching)).expect("free");
    let mut saved: Value = store.load().expect("read").expect("saved");
    let time = Timestamp::from_millis(now() + seconds * 1000).expect("in range");
    saved["cursor"] = time.to_string().into();
    saved["since"] = time.to_string().into();
    let fields = saved.as_object_mut().expect("an object");
    fields.remove("by_server_clock");
    store.save(&saved).expect("saved");
}

/// A saved position that is by so many seconds in the future, at a server with that clock.
fn is_corrected(position: i64, skew: i64) {
    let fetching = Fetching::cloud();
    fetching.server.skew(skew);
    fetch(&fetching, "1h", &[]);
    set_cursor(&fetching, position);
    fetching
        .server
        .insert(cloud_record(now() + skew * 1000 - 5000, 1));
    let told = fetch(&fetching, "1h", &[]);
    assert!(told.contains("is in the future"), "{told}");
    assert!(!told.contains("  "), "no run of blanks: {told}");
    assert!(!told.contains("TIME"), "a time to paste: {told}");
    assert!(told.contains("confluence-ecs state set http"), "{told}");
    assert_eq!(fetching.lines().len(), 1, "{told}");
    assert!(cursor(&fetching) <= now() + skew * 1000);
    let told = fetch(&fetching, "1h", &[]);
    assert!(!told.contains("is in the future"), "{told}");
    assert_eq!(fetching.lines().len(), 1, "{told}");
}

#[test]
fn a_position_that_was_saved_in_the_future_is_corrected() {
    is_corrected(25 * HOUR, 0);
    is_corrected(2 * HOUR, 0);
    // By the clock that is wrong still.
    is_corrected(-60, -25 * HOUR);
}

#[test]
fn one_date_that_is_behind_does_not_send_what_was_sent() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(now() - 60_000, 1));
    fetch(&fetching, "1h", &[]);
    for skew in [-2 * HOUR, -25 * HOUR] {
        fetching.server.skew(skew);
        fetch(&fetching, "1h", &[]);
    }
    fetching.server.skew(0);
    fetching.server.insert(cloud_record(now() - 5, 2));
    fetch(&fetching, "1h", &[]);
    fetching.assert_raw(&fetching.server.held(), true);
}

#[test]
fn a_date_that_is_no_time_is_none() {
    for header in [
        DateHeader::Missing,
        DateHeader::Text("Thu, 01 Jan 1970 00:00:07 GMT"),
        DateHeader::Text("yesterday"),
    ] {
        let fetching = Fetching::cloud();
        fetching
            .server
            .set(|settings| settings.date_header = header);
        fetching.server.insert(cloud_record(now() - 60_000, 1));
        let told = fetch(&fetching, "1h", &[]);
        let is_unreadable = header == DateHeader::Text("yesterday");
        let warnings = told.matches("sends a Date header that is no date").count();
        assert_eq!(warnings, usize::from(is_unreadable), "{told}");
        assert!(is_unreadable || !told.contains("clock"), "{told}");
        fetching.server.insert(cloud_record(now() - 5, 2));
        fetch(&fetching, "1h", &[]);
        fetching.assert_raw(&fetching.server.held(), true);
    }
}

#[test]
fn a_date_in_lower_case_is_a_date() {
    let fetching = Fetching::cloud();
    fetching.server.skew(-300);
    fetching
        .server
        .set(|settings| settings.date_header = DateHeader::LowerCase);
    let told = fetch(&fetching, "1h", &[]);
    assert!(told.contains("clock is 300 s ahead of"), "{told}");
}

#[test]
fn a_wait_until_a_date_is_by_the_clock_of_the_answer() {
    for skew in [-2 * HOUR, 2 * HOUR] {
        for wait in [Wait::Date(2), Wait::ResetEpoch(2)] {
            let fetching = Fetching::cloud();
            fetching.server.skew(skew);
            fetching
                .server
                .insert(cloud_record(now() + skew * 1000 - 5000, 1));
            fetching.server.next(Fault::Wait(429, wait));
            let told = fetch(&fetching, "1h", &["--retries", "0"]);
            // `Date` has whole seconds.
            let is_told = told.contains("retrying in 2s") || told.contains("retrying in 3s");
            assert!(is_told, "{told}");
            assert_eq!(fetching.lines().len(), 1);
        }
    }
}

#[test]
fn a_position_that_is_set_to_so_long_ago_is_by_the_servers_clock() {
    let fetching = Fetching::cloud();
    fetching.server.skew(-25 * HOUR);
    fetch(&fetching, "1h", &[]);
    let url = fetching.server.url();
    let mut program = command(["state", "set", &url, "--since", "now"]);
    program.arg("--state-dir").arg(fetching.state());
    let output = run_command(program, b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let server = now() - 25 * HOUR * 1000;
    assert!((cursor(&fetching) - server).abs() < 60_000);
}

/// A time so many hours after this machine's present, as `--since` takes it.
fn hours_from_now(hours: i64) -> String {
    let time = Timestamp::from_millis(now() + hours * HOUR * 1000);
    time.expect("a time").to_string()
}

/// A server whose clock differs by so many hours, and a record of an hour before its present.
fn with_record(skew: i64) -> Fetching {
    let fetching = Fetching::cloud();
    fetching.server.skew(skew * HOUR);
    let record = cloud_record(now() + (skew - 1) * HOUR * 1000, 1);
    fetching.server.insert(record);
    fetching
}

/// `--since` so many hours after this machine's present is refused.
fn is_refused(fetching: &Fetching, hours: i64, words: &str) {
    let since = hours_from_now(hours);
    let told = fetching.fetch_ends(&["--raw", "--since", &since], 2);
    assert!(told.contains("--since") && told.contains(words), "{told}");
    assert!(fetching.lines().is_empty());
    let found = command(["state", "list"])
        .arg("--state-dir")
        .arg(fetching.state())
        .output();
    let listed = found.expect("it runs").stdout;
    assert!(!String::from_utf8_lossy(&listed).contains("http"));
    // Nothing of it is left: a run without --since begins as usual.
    let output = run_command(fetching.command("fetch", &["--raw"]), b"");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
}

#[test]
fn an_absolute_start_of_the_last_day_is_no_future_for_a_clock_that_is_behind() {
    let fetching = with_record(25);
    fetch(&fetching, &hours_from_now(23), &[]);
    assert_eq!(fetching.lines().len(), 1);
}

#[test]
fn an_absolute_start_after_the_server_s_present_is_refused_by_a_clock_that_is_ahead() {
    is_refused(&with_record(-25), -10, "the server's clock");
    is_refused(&with_record(0), 10, "the server's clock");
}

#[test]
fn without_a_date_an_absolute_start_is_judged_by_this_machine_s_clock() {
    let fetching = with_record(0);
    let missing = DateHeader::Missing;
    fetching
        .server
        .set(|settings| settings.date_header = missing);
    is_refused(&fetching, 10, "this machine's clock");
}

#[test]
fn state_set_takes_a_time_of_the_server_s_present() {
    let fetching = with_record(25);
    fetch(&fetching, "1d", &[]);
    let url = fetching.server.url();
    for (hours, code) in [(23, 0), (30, 1)] {
        let since = hours_from_now(hours);
        let mut program = command(["state", "set", &url, "--since", &since]);
        program.arg("--state-dir").arg(fetching.state());
        let output = run_command(program, b"");
        let is_done = output.status.code() == Some(0);
        assert_eq!(is_done, code == 0, "{}", said(&output));
    }
}

#[test]
fn check_says_that_a_start_is_in_the_server_s_future() {
    let fetching = with_record(-25);
    let flags = ["--since", &hours_from_now(-10)];
    let output = run_command(fetching.command("check", &flags), b"");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("later than the server's clock"), "{told}");
    let fetching = with_record(25);
    let flags = ["--since", &hours_from_now(23)];
    let output = run_command(fetching.command("check", &flags), b"");
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!told.contains("later than"), "{told}");
}

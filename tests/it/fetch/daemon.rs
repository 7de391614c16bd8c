//! `fetch --interval`, and the searches that it causes itself.

use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use super::running::{Running, now};
use crate::support::atlassian::{Atlassian, Record, cloud_record, data_center_record};
use crate::support::fetching::{Fetching, START, Way};
use crate::support::program::wait_until;

#[test]
fn new_records_arrive_once() {
    for (make, record) in [
        (
            Fetching::cloud as fn() -> Fetching,
            cloud_record as fn(i64, u64) -> Record,
        ),
        (Fetching::data_center, data_center_record),
    ] {
        let fetching = make();
        let running = daemon(&fetching, &["--raw"]);
        for number in 0..20 {
            // One instant for all of them, or nearly so, and some alike.
            fetching
                .server
                .insert(record(now() / 100 * 100 - 200, number / 2));
            let count = usize::try_from(number).expect("small") + 1;
            wait_until("the new record", || fetching.lines().len() >= count);
        }
        let pages = fetching.server.pages();
        fetching.server.wait_for_pages(pages + 3);
        running.terminate();
        fetching.assert_raw(&fetching.server.held(), false);
    }
}

/// Every 20 ms, of the last hour.
fn daemon(fetching: &Fetching, flags: &[&str]) -> Running {
    Running::start(daemon_command(fetching, flags))
}

fn daemon_command(fetching: &Fetching, flags: &[&str]) -> Command {
    let fixed = ["--since", "1h", "--settle", "0s", "--interval", "20ms"];
    let mut command = fetching.command("fetch", &fixed);
    command.args(flags).arg("-o").arg(fetching.out());
    command
}

#[test]
fn systemd_is_told() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(now() - 1000, 1));
    let socket = fetching.state().with_file_name("notify");
    let manager = UnixDatagram::bind(&socket).expect("a socket");
    let patience = Some(Duration::from_secs(20));
    manager.set_read_timeout(patience).expect("set");
    let next = || {
        let mut bytes = [0; 1024];
        let length = manager.recv(&mut bytes).expect("a message");
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    };
    let mut command = daemon_command(&fetching, &[]);
    command.env("NOTIFY_SOCKET", &socket);
    let mut running = Running::start_notifying(command);
    assert_eq!(next(), "READY=1\n");
    let status = next();
    let is_told = status.starts_with("STATUS=1 records, ") && status.contains(", newest event 20");
    assert!(is_told, "{status}");
    running.signal(Signal::TERM);
    while next() != "STOPPING=1\n" {}
    running.ends_with(0);
}

/// A Data Center that records searches.
fn recording(way: Way) -> Fetching {
    let fetching = Fetching::of(Atlassian::data_center("/confluence"), way);
    let record = |number: i64| data_center_record(now() - number * 1000, number.unsigned_abs());
    fetching.server.insert_all((0..25).map(record));
    fetching
}

fn is_search(record: &Record) -> bool {
    record
        .raw
        .contains("atlassian.audit.event.action.audit.search")
}

/// The record of a search that somebody else makes at a moment.
fn search_of_another(fetching: &Fetching, ms: i64) -> Record {
    let held = fetching.server.held();
    let own = held.iter().rev().find(|record| is_search(record));
    let mut search: Value = serde_json::from_str(&own.expect("a search").raw).expect("JSON");
    let any: Value = serde_json::from_str(&data_center_record(ms, 3).raw).expect("JSON");
    search["author"] = any["author"].clone();
    search["timestamp"] = any["timestamp"].clone();
    let raw = search.to_string();
    Record { ms, raw }
}

/// Several runs, each with a search of another's beside our own; all but our own arrive.
fn leaves_out_own_searches(way: Way, page_size: &str) {
    let fetching = recording(way);
    let flags = [
        "--raw",
        "--since",
        "1h",
        "--settle",
        "0s",
        "--exclude-own-searches",
    ];
    let mut others = Vec::new();
    for _ in 0..4 {
        let mut command = fetching.command("fetch", &flags);
        command
            .args(["--page-size", page_size, "-o"])
            .arg(fetching.out());
        Running::start(command).ends_with(0);
        let other = search_of_another(&fetching, now());
        fetching.server.insert(other.clone());
        others.push(other);
    }
    let mut expected = fetching.server.held();
    expected.retain(|record| !is_search(record) || others.contains(record));
    // The last one was not asked for yet.
    expected.retain(|record| Some(record) != others.last());
    fetching.assert_raw(&expected, false);
}

#[test]
fn own_searches_are_left_out_with_a_personal_access_token() {
    leaves_out_own_searches(Way::Pat, "1000");
    leaves_out_own_searches(Way::Pat, "10");
}

#[test]
fn own_searches_are_left_out_with_a_password() {
    leaves_out_own_searches(Way::Password, "1000");
    leaves_out_own_searches(Way::Password, "10");
}

#[test]
fn a_daemon_leaves_out_its_own_searches() {
    let fetching = recording(Way::Pat);
    let running = daemon(&fetching, &["--raw", "--exclude-own-searches"]);
    fetching.server.wait_for_pages(10);
    let other = search_of_another(&fetching, now());
    fetching.server.insert(other.clone());
    let pages = fetching.server.pages();
    fetching.server.wait_for_pages(pages + 20);
    running.terminate();
    // Those of before the signal are known to the next process, too.
    let flags = [
        "--raw",
        "--since",
        "1h",
        "--settle",
        "0s",
        "--exclude-own-searches",
    ];
    let mut command = fetching.command("fetch", &flags);
    command.arg("-o").arg(fetching.out());
    Running::start(command).ends_with(0);
    let mut expected = fetching.server.held();
    expected.retain(|record| !is_search(record) || *record == other);
    fetching.assert_raw(&expected, false);
}

/// Requests that failed may have been recorded, too, or not.
#[test]
fn own_searches_that_failed_are_left_out() {
    for seed in 0..4 {
        let fetching = recording(Way::Pat);
        fetching.server.flaky(seed, 0.3);
        for _ in 0..3 {
            let flags = [
                "--raw",
                "--since",
                "1h",
                "--settle",
                "0s",
                "--page-size",
                "10",
            ];
            let mut command = fetching.command("fetch", &flags);
            command
                .arg("--exclude-own-searches")
                .arg("-o")
                .arg(fetching.out());
            Running::start(command).ends_with(0);
        }
        let mut expected = fetching.server.held();
        expected.retain(|record| !is_search(record));
        fetching.assert_raw(&expected, false);
    }
}

#[test]
fn without_the_flag_searches_are_records_like_others() {
    let fetching = recording(Way::Pat);
    let flags = ["--raw", "--since", "1h", "--settle", "0s"];
    for _ in 0..4 {
        let mut command = fetching.command("fetch", &flags);
        command.arg("-o").arg(fetching.out());
        Running::start(command).ends_with(0);
    }
    let mut expected = fetching.server.held();
    // Of the last search no run knows.
    let last = expected.iter().rposition(is_search).expect("a search");
    expected.remove(last);
    fetching.assert_raw(&expected, false);
}

#[test]
fn searches_of_long_ago_are_nobodys_own() {
    let fetching = recording(Way::Pat);
    fetching.fetch(&["--raw", "--until", "2026-01-06T00:00:00Z"]);
    let old = search_of_another(&fetching, START);
    fetching.server.insert(old.clone());
    forget(&fetching);
    fetching.fetch(&[
        "--raw",
        "--exclude-own-searches",
        "--until",
        "2026-01-06T00:00:00Z",
    ]);
    fetching.assert_raw(&[old], true);
}

/// Begins anew.
fn forget(fetching: &Fetching) {
    std::fs::remove_dir_all(fetching.state()).expect("removed");
}

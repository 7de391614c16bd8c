//! Clocks that differ.

use super::running::{Running, now};
use crate::support::atlassian::{Record, cloud_record};
use crate::support::fetching::Fetching;
use crate::support::program::wait_until;

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

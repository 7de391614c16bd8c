//! What a run advises: it holds when it is followed.

use crate::support::atlassian::{cloud_record, data_center_record};
use crate::support::fetching::{DAY, Fetching, SINCE, START};

const HOUR: i64 = DAY / 24;

/// A site with a record an hour, fetched for the first six hours.
fn fetched(flags: &[&str]) -> Fetching {
    let fetching = Fetching::data_center();
    let record = |hour: i64| data_center_record(START + hour * HOUR, hour.unsigned_abs());
    fetching.server.insert_all((0..12).map(record));
    fetching.fetch(&[flags, &["--raw", "--until", "2026-01-05T06:00:00Z"]].concat());
    fetching
}

#[test]
fn an_overlap_that_is_longer_than_before_is_warned_of_until_it_holds() {
    let fetching = fetched(&[]);
    let until = |hour: u32, overlap: &str| {
        let until = format!("2026-01-05T{hour:02}:00:00Z");
        fetching.fetch(&["--raw", "--overlap", overlap, "--until", &until])
    };
    let warning = "--overlap reaches back to 2026-01-05T04:00:00.000Z, but which records were delivered is known \
        from 2026-01-05T05:50:00.000Z on only";
    let told = until(7, "2h");
    assert!(told.contains(warning), "{told}");
    assert!(
        told.contains("holds once the position is 2026-01-05T07:50:00.000Z"),
        "{told}"
    );
    assert!(until(8, "2h").contains("--overlap reaches back"));
    assert!(!until(9, "2h").contains("--overlap reaches back"));
    // By now it looks back as far as it says.
    let late = data_center_record(START + 8 * HOUR - 1000, 77);
    fetching.server.insert(late);
    assert!(!until(10, "2h").contains("WARN"));
    assert_eq!(fetching.lines().len(), 12);
}

#[test]
fn an_overlap_that_reaches_back_before_the_first_run_is_not_warned_of() {
    let fetching = fetched(&["--overlap", "12h"]);
    let told = fetching.fetch(&[
        "--raw",
        "--overlap",
        "12h",
        "--until",
        "2026-01-05T07:00:00Z",
    ]);
    assert!(!told.contains("--overlap reaches back"), "{told}");
}

#[test]
fn another_address_goes_on_before_the_overlap_of_the_first() {
    let fetching = fetched(&[]);
    // Nobody answers there; what is said before stands all the same.
    let alias = "http://localhost:1/confluence";
    let flags = ["--raw", "--url", alias, "--retries", "0"];
    let told = fetching.fetch_ends(&flags, 1);
    let position = "fetch with --since 2026-01-05T05:50:00.000Z (where the first address ended, less --overlap";
    assert!(told.contains(position), "{told}");
    assert!(told.contains("` if this run saved a state"), "{told}");
}

#[test]
fn times_in_seconds_are_not_taken_for_local_times() {
    let fetching = Fetching::cloud();
    let mut record = cloud_record(START + HOUR, 1);
    let (millis, seconds) = (record.ms.to_string(), (record.ms / 1000).to_string());
    record.raw = record.raw.replace(&millis, &seconds);
    fetching.server.insert(record);
    let told = fetching.fetch(&["--raw", "--since", SINCE]);
    assert!(
        told.contains("in seconds where milliseconds belong"),
        "{told}"
    );
    assert!(!told.contains("local times"), "{told}");
}

//! From run to run: each record once.

use crate::support::atlassian::{Permission, cloud_record};
use crate::support::fetching::{DAY, Fetching, START};

#[test]
fn a_second_run_brings_what_is_new_and_what_came_late() {
    let fetching = Fetching::cloud();
    let now = time_now();
    let minute = 60_000;
    let record = |ago: i64, number| cloud_record(now - ago, number);
    let flags = ["--raw", "--since", "1h", "--settle", "0s"];
    fetching
        .server
        .insert_all([record(30 * minute, 1), record(5 * minute, 2)]);
    fetching.fetch(&flags);
    assert_eq!(fetching.lines().len(), 2);
    // Late within the overlap of ten minutes, one of them equal to what was delivered.
    fetching
        .server
        .insert_all([record(5 * minute, 2), record(7 * minute, 3)]);
    fetching.fetch(&flags);
    fetching.assert_raw(&fetching.server.held(), false);
    fetching.fetch(&flags);
    fetching.assert_raw(&fetching.server.held(), false);
}

#[test]
fn a_backfill_goes_slice_by_slice_oldest_first() {
    let fetching = Fetching::cloud();
    let records =
        (0..300).map(|number| cloud_record(START + number * DAY / 30, number.cast_unsigned()));
    fetching.server.insert_all(records);
    fetching.fetch(&[
        "--raw",
        "--page-size",
        "20",
        "--until",
        "2026-01-15T00:00:00Z",
    ]);
    fetching.assert_all_once();
}

#[test]
fn now_means_no_past_records() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(time_now() - 60_000, 1));
    fetching.fetch(&["--raw", "--since", "now", "--settle", "0s"]);
    assert!(fetching.lines().is_empty());
    assert_eq!(
        fetching.server.pages(),
        1,
        "credentials are tried all the same"
    );
    let new = cloud_record(time_now(), 2);
    fetching.server.insert(new.clone());
    fetching.fetch(&["--raw", "--since", "now", "--settle", "0s"]);
    fetching.assert_raw(&[new], true);
}

fn time_now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(now.expect("after 1970").as_millis()).expect("in range")
}

#[test]
fn a_site_that_shows_nothing_at_all_is_wondered_at_once() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    fetching
        .server
        .set(|settings| settings.permission = Permission::Blind);
    let range = ["--raw", "--until", "2026-01-06T00:00:00Z"];
    let said = fetching.fetch(&range);
    assert!(said.contains("confluence-ecs check"), "{said}");
    let said = fetching.fetch(&range);
    assert!(!said.contains("confluence-ecs check"), "{said}");
}

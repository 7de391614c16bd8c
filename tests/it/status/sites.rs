//! `fetch` on its own: at work, out of reach of its site, and over.

use super::{code, is_well, row, rows, status, waits_for};
use crate::support::atlassian::{Fault, cloud_record};
use crate::support::fetching::{Fetching, START};
use crate::support::follow::Place;
use crate::support::program::wait_until;

#[test]
fn a_site_out_of_reach_is_failing_until_it_answers_again() {
    let mut fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    let place = Place::new(&[]);
    let flags = ["--interval", "50ms", "--settle", "0s", "--retries", "0"];
    let fetch = place.start_command(fetching.to_file(&flags));
    let state = fetching.state();
    wait_until("the site", || rows(&state).len() == 1);
    let name = rows(&state)[0]["name"].as_str().unwrap().to_owned();
    let row_now = waits_for(&state, &name, "running");
    assert_eq!(row_now["pid"], fetch.id());
    assert_eq!(row_now["kind"], "fetch");
    wait_until("the record", || row(&state, &name)["records"] == 1);
    assert_eq!(
        row(&state, &name)["newest_event"],
        "2026-01-05T00:00:00.000Z"
    );
    is_well(&state);
    fetching.server.go_down();
    let row_now = waits_for(&state, &name, "failing");
    assert!(row_now["reason"].is_string(), "{row_now}");
    assert_eq!(code(&status(&state, &[])), 1);
    fetching.server.come_back();
    waits_for(&state, &name, "running");
    fetch.terminate();
    assert_eq!(row(&state, &name)["state"], "not running");
}

#[test]
fn a_site_has_its_name_before_anything_is_saved() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    fetching.server.next(Fault::Hold);
    let place = Place::new(&[]);
    let flags = ["--interval", "50ms", "--settle", "0s"];
    let fetch = place.start_command(fetching.to_file(&flags));
    let state = fetching.state();
    fetching.server.wait_for_pages(1);
    wait_until("the site", || rows(&state).len() == 1);
    let name = rows(&state)[0]["name"].as_str().unwrap().to_owned();
    assert_eq!(row(&state, &name)["site"], name);
    assert_eq!(row(&state, &name)["records"], 0);
    fetching.server.release();
    wait_until("the record", || row(&state, &name)["records"] == 1);
    fetch.terminate();
}

#[test]
fn a_single_fetch_is_over_and_its_site_is_named_by_any_of_its_names() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    fetching.fetch(&[]);
    let state = fetching.state();
    let output = status(&state, &[&fetching.server.url(), "--json"]);
    assert_eq!(code(&output), 1);
    let rows = rows(&state);
    assert_eq!(rows[0]["state"], "not running");
    assert_eq!(rows[0]["records"], 1);
    assert!(rows[0]["cursor"].is_string() && rows[0]["lag_bytes"].is_null());
    let id = fetching.server.settings().cloud_id;
    let output = status(&state, &[&id, "--json"]);
    assert!(!output.stdout.is_empty(), "{output:?}");
}

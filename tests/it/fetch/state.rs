//! `state` for sites.

use std::fs;

use super::running::Running;
use crate::support::atlassian::cloud_record;
use crate::support::fetching::{DAY, Fetching, START, said};
use crate::support::follow::append;
use crate::support::program::{run, wait_until};

fn state(fetching: &Fetching, arguments: &[&str], code: i32) -> String {
    let directory = fetching.state();
    let arguments = [
        arguments,
        &["--state-dir", directory.to_str().expect("UTF-8")],
    ]
    .concat();
    let output = run([&["state"], &arguments[..]].concat(), b"");
    assert_eq!(output.status.code(), Some(code), "{}", said(&output));
    String::from_utf8_lossy(&output.stdout).into_owned() + &said(&output)
}

const UNTIL: [&str; 3] = ["--raw", "--until", "2026-01-06T00:00:00Z"];

fn fetched() -> Fetching {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..5).map(record));
    fetching.fetch(&UNTIL);
    fetching
}

#[test]
fn a_site_is_listed_and_shown_by_its_name() {
    let fetching = fetched();
    let url = fetching.server.url();
    let list = state(&fetching, &["list"], 0);
    assert_eq!(
        list,
        format!("{url}\tup to 2026-01-06T00:00:00.000Z\t5 records\n")
    );
    for name in [url.clone(), format!("{url}/"), format!("{url}/wiki/")] {
        let shown = state(&fetching, &["show", &name], 0);
        assert!(
            shown.contains("\"cursor\": \"2026-01-06T00:00:00.000Z\""),
            "{shown}"
        );
    }
    assert!(state(&fetching, &["show", "http://elsewhere"], 1).contains("no saved state"));
}

#[test]
fn a_site_that_is_set_back_is_fetched_again_from_there() {
    let fetching = fetched();
    let url = fetching.server.url();
    let set = ["set", &url, "--since", "2026-01-05T00:00:03Z"];
    state(&fetching, &set, 0);
    fetching.fetch(&UNTIL);
    assert_eq!(fetching.lines().len(), 7);
    let said = state(&fetching, &["set", &url, "--offset", "1"], 2);
    assert!(said.contains("--since"), "{said}");
}

#[test]
fn a_site_is_set_to_a_time_in_each_form_that_since_takes() {
    let fetching = fetched();
    let url = fetching.server.url();
    for (since, expected) in [
        ("2026-01-05", "2026-01-05T00:00:00.000Z"),
        ("2026-01-05T02:00:00+01:00", "2026-01-05T01:00:00.000Z"),
    ] {
        let said = state(&fetching, &["set", &url, "--since", since], 0);
        assert_eq!(said, format!("{url}: from {expected} on\n"));
    }
    for since in ["24h", "7d", "now"] {
        state(&fetching, &["set", &url, "--since", since], 0);
    }
    for since in ["soon", "-1h", "2026-02-30"] {
        let said = state(&fetching, &["set", &url, "--since", since], 2);
        for form in ["2026-01-31 ", "2026-01-31T08:00:00Z", "24h", "now"] {
            assert!(said.contains(form), "{form}: {said}");
        }
    }
}

#[test]
fn a_site_that_is_forgotten_begins_anew() {
    let fetching = fetched();
    state(&fetching, &["forget", &fetching.server.url()], 0);
    let none = format!("INFO no state in {}\n", fetching.state().display());
    assert_eq!(state(&fetching, &["list"], 0), none);
    fetching.fetch(&UNTIL);
    assert_eq!(fetching.lines().len(), 10);
}

#[test]
fn a_query_has_a_state_of_its_own() {
    let fetching = fetched();
    fetching.fetch(&[&UNTIL[..], &["--search", "record 3"]].concat());
    let list = state(&fetching, &["list"], 0);
    assert!(list.contains("?search=record 3\t"), "{list}");
    assert_eq!(list.lines().count(), 2);
}

#[test]
fn queries_that_take_turns_with_one_output_do_not_cut_each_others_records() {
    let fetching = fetched();
    let search = [&UNTIL[..], &["--search", "record 3"]].concat();
    fetching.fetch(&search);
    assert_eq!(fetching.lines().len(), 6);
    fetching.fetch(&UNTIL);
    fetching.fetch(&search);
    assert_eq!(fetching.lines().len(), 6);
    // What a crash left is cut away all the same.
    let mut output = std::fs::OpenOptions::new()
        .append(true)
        .open(fetching.out())
        .expect("opened");
    std::io::Write::write_all(&mut output, b"{\"half\":").expect("written");
    fetching.fetch(&UNTIL);
    assert_eq!(fetching.lines().len(), 6);
}

#[test]
fn an_old_record_of_a_truncated_output_does_not_hide_what_a_crash_left() {
    let fetching = fetched();
    let search = [&UNTIL[..], &["--search", "record"]].concat();
    fetching.fetch(&search);
    assert_eq!(fetching.lines().len(), 10);
    // As copytruncate does; the second query is never made again.
    std::fs::write(fetching.out(), "").expect("truncated");
    fetching.server.insert(cloud_record(START + 9_000, 9));
    let url = fetching.server.url();
    state(
        &fetching,
        &["set", &url, "--since", "2026-01-05T00:00:04Z"],
        0,
    );
    fetching.fetch(&UNTIL);
    assert_eq!(fetching.lines().len(), 2);
    let mut output = std::fs::OpenOptions::new()
        .append(true)
        .open(fetching.out())
        .expect("opened");
    std::io::Write::write_all(&mut output, b"{\"half\":\n").expect("written");
    fetching.fetch(&UNTIL);
    assert_eq!(fetching.lines().len(), 2);
}

const PAGES: [&str; 5] = [
    "--raw",
    "--page-size",
    "20",
    "--until",
    "2026-01-15T00:00:00Z",
];

/// 200 records on many pages.
fn paged() -> Fetching {
    let fetching = Fetching::cloud();
    let record = |number: i64| cloud_record(START + number * DAY / 20, number.cast_unsigned());
    fetching.server.insert_all((0..200).map(record));
    fetching
}

/// A fetch that is killed in the middle, after something has happened.
fn killed(fetching: &Fetching, happens: impl Fn()) {
    let pages = fetching.server.pages() + 3;
    let mut running = Running::to_file(fetching, &PAGES);
    wait_until("pages", || {
        fetching.server.pages() >= pages || !running.is_running()
    });
    happens();
    running.kill();
}

#[test]
fn what_others_append_stays_through_a_kill() {
    let fetching = paged();
    let foreign = "{\"foreign\":1}";
    for _ in 0..3 {
        killed(&fetching, || {
            append(&fetching.out(), format!("{foreign}\n").as_bytes());
        });
    }
    fetching.fetch(&PAGES);
    let lines = fetching.lines();
    let others = lines.iter().filter(|line| *line == foreign).count();
    assert_eq!(others, 3);
    assert_eq!(lines.len(), 203, "each record once");
}

#[test]
fn a_copy_that_takes_the_place_of_the_output_after_a_kill_holds_each_record_once() {
    let fetching = paged();
    for _ in 0..3 {
        killed(&fetching, || {});
        let copy = fetching.file("copy", "");
        fs::copy(fetching.out(), &copy).expect("copied");
        fs::rename(copy, fetching.out()).expect("renamed");
    }
    fetching.fetch(&PAGES);
    assert_eq!(fetching.lines().len(), 200, "each record once");
}

#[test]
fn how_many_records_come_again_is_said_if_the_output_is_gone() {
    let fetching = paged();
    fetching.fetch(&UNTIL);
    killed(&fetching, || {});
    fs::remove_file(fetching.out()).expect("removed");
    let notes = fs::read_dir(fetching.state()).expect("a folder");
    let notes = notes.map(|entry| entry.expect("an entry").path());
    let mut notes = notes.filter(|path| path.extension().is_some_and(|end| end == "lines"));
    let notes = fs::metadata(notes.next().expect("notes")).expect("there");
    // Hashes of 16 bytes, behind that of the system's run.
    let events = notes.len() / 16 - 1;
    let told = fetching.fetch(&PAGES);
    let is_told = told.contains("is gone") && told.contains(&format!("events={events}"));
    assert_eq!(is_told, events > 0, "{told}");
}

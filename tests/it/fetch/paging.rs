//! From page to page: nothing lost, nothing doubled, and an end.

use crate::support::atlassian::{
    Atlassian, NextLink, Paging, Record, Store, cloud_record, data_center_record,
};
use crate::support::fetching::{Fetching, START, Way, said};
use crate::support::program;

fn insert(fetching: &Fetching, count: i64) {
    let records =
        (0..count).map(|number| cloud_record(START + number / 3 * 1000, number.cast_unsigned()));
    fetching.server.insert_all(records);
}

#[test]
fn every_form_of_next_link_is_followed_to_the_end() {
    for link in [
        NextLink::Path,
        NextLink::Url,
        NextLink::Cursor,
        NextLink::Nothing,
        NextLink::Never,
        NextLink::Always,
    ] {
        for count in [0, 1, 9, 10, 11, 95] {
            let fetching = Fetching::cloud();
            insert(&fetching, count);
            fetching.server.set(|settings| settings.next_link = link);
            fetching.fetch(&["--raw", "--window", "365d", "--page-size", "10"]);
            fetching.assert_all_once();
        }
    }
}

#[test]
fn any_page_size_and_any_limit_of_the_server() {
    for (page_size, maximum) in [
        ("1", 1000),
        ("2", 1000),
        ("3", 2),
        ("1000", 7),
        ("5", 1),
        ("1", 1),
    ] {
        let fetching = Fetching::cloud();
        insert(&fetching, 23);
        fetching
            .server
            .set(|settings| settings.page_maximum = maximum);
        fetching.fetch(&["--raw", "--window", "365d", "--page-size", page_size]);
        fetching.assert_all_once();
    }
}

#[test]
fn data_center_is_paged_by_cursor_and_by_offset() {
    for paging in [Paging::Cursor, Paging::Offset] {
        for count in [0, 1, 10, 11, 95] {
            let fetching = Fetching::data_center();
            fetching.server.set(|settings| settings.paging = paging);
            let record =
                |number: i64| data_center_record(START + number / 3 * 1000, number.cast_unsigned());
            fetching.server.insert_all((0..count).map(record));
            fetching.fetch(&["--raw", "--window", "365d", "--page-size", "10"]);
            fetching.assert_all_once();
        }
    }
}

#[test]
fn an_old_server_is_found_where_there_is_no_new_api() {
    let server = Atlassian::old_server("/confluence");
    server.set(|settings| {
        settings.tolerated = vec!["/confluence/rest/auditing/1.0/events".to_owned()];
    });
    let fetching = Fetching::of(server, Way::Password);
    insert(&fetching, 25);
    fetching.fetch(&["--raw", "--window", "365d", "--page-size", "10"]);
    fetching.assert_all_once();
}

#[test]
fn records_that_arrive_while_a_slice_is_paged_are_neither_lost_nor_double_others() {
    for equal in [false, true] {
        let fetching = Fetching::cloud();
        insert(&fetching, 40);
        let late = if equal {
            cloud_record(START + 13_000, 39)
        } else {
            cloud_record(START + 20_000, 1000)
        };
        fetching
            .server
            .after_request(2, move |store| store.insert(late));
        fetching.fetch(&["--raw", "--window", "365d", "--page-size", "10"]);
        fetching.assert_all_once();
    }
}

#[test]
fn equal_records_of_one_millisecond_are_all_delivered() {
    let fetching = Fetching::cloud();
    fetching
        .server
        .insert_all((0..25).map(|_| cloud_record(START, 1)));
    for page_size in ["2", "10", "1000"] {
        let state = tempfile::tempdir().expect("a folder");
        let out = state.path().join("out");
        let flags = [
            "--raw",
            "--window",
            "99d",
            "--page-size",
            page_size,
            "--state-dir",
            state.path().to_str().unwrap(),
        ];
        fetching.fetch(&[&flags[..], &["-o", out.to_str().unwrap()]].concat());
        let lines = crate::support::fetching::lines(&out);
        assert_eq!(lines.len(), 25, "--page-size {page_size}");
    }
}

#[test]
fn a_page_that_repeats_ends_the_run_with_an_error() {
    let fetching = Fetching::cloud();
    insert(&fetching, 40);
    fetching.server.set(|settings| settings.repeats = true);
    let said = fetching.fetch_ends(&["--raw", "--window", "365d", "--page-size", "10"], 1);
    assert!(said.contains("the same page twice"), "{said}");
    assert!(fetching.lines().is_empty());
    // When it is mended everything comes.
    fetching.server.set(|settings| settings.repeats = false);
    fetching.fetch(&["--raw", "--window", "365d", "--page-size", "10"]);
    fetching.assert_all_once();
}

#[test]
fn many_equal_records_on_small_pages_are_all_delivered() {
    let fetching = Fetching::cloud();
    fetching
        .server
        .insert_all((0..700).map(|_| cloud_record(START, 1)));
    fetching.server.set(|settings| settings.page_maximum = 10);
    fetching.fetch(&["--raw", "--window", "365d"]);
    fetching.assert_all_once();
    let requests = fetching.server.searches().len();
    assert!(requests < 300, "{requests} requests");
}

/// Equal records of one instant, between others.
fn insert_equal(fetching: &Fetching, count: usize, make: fn(i64, u64) -> Record) {
    let server = &fetching.server;
    server.insert_all((0..3).map(|number| make(START - 5000, number)));
    server.insert_all((0..count).map(|_| make(START, 7)));
    server.insert_all((0..3).map(|number| make(START + 5000, 10 + number)));
}

/// All equal records come, once each, though others arrive while they are paged.
fn assert_equal_once(fetching: &Fetching, page_size: &str, arrivals: &[(u64, Record)]) {
    for (page, record) in arrivals.iter().cloned() {
        let arrive = move |store: &mut Store| store.insert(record);
        fetching.server.after_request(page, arrive);
    }
    let mut flags = vec!["--raw", "--window", "365d", "--overlap", "365d"];
    flags.extend(["--since", "2026-01-04", "--page-size", page_size]);
    // What arrives too late for a run comes with the next.
    for _ in 0..3 {
        let mut command = fetching.command("fetch", &flags);
        command.arg("-o").arg(fetching.out());
        let output = program::run_command(command, b"");
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    }
    fetching.assert_raw(&fetching.server.held(), false);
}

#[test]
fn equal_records_are_counted_right_while_another_arrives() {
    for page_size in ["1", "2", "5"] {
        for page in 1..5 {
            // Newer than the equal ones, equal to them, of their instant, and older.
            for (ms, number) in [(4000, 90), (0, 7), (0, 90), (-4000, 90)] {
                let cloud = Fetching::cloud();
                insert_equal(&cloud, 3, cloud_record);
                let arrival = (page, cloud_record(START + ms, number));
                assert_equal_once(&cloud, page_size, &[arrival]);
                let own = Fetching::data_center();
                own.server.set(|settings| settings.paging = Paging::Offset);
                insert_equal(&own, 3, data_center_record);
                let arrival = (page, data_center_record(START + ms, number));
                assert_equal_once(&own, page_size, &[arrival]);
            }
        }
    }
}

#[test]
fn more_equal_records_than_a_page_holds_are_counted_right_while_others_arrive() {
    for links in [NextLink::Path, NextLink::Nothing, NextLink::Never] {
        let fetching = Fetching::cloud();
        fetching.server.set(|settings| settings.next_link = links);
        insert_equal(&fetching, 1500, cloud_record);
        let arrival = |page: u64| (page, cloud_record(START + 4000, 100 + page));
        assert_equal_once(&fetching, "1000", &[arrival(1)]);
        let fetching = Fetching::cloud();
        fetching.server.set(|settings| settings.next_link = links);
        insert_equal(&fetching, 1500, cloud_record);
        // The instant moves while it is read by itself, too.
        let equal = |page: u64| (page, cloud_record(START, 7));
        assert_equal_once(&fetching, "1000", &[arrival(1), equal(3), equal(5)]);
    }
}

#[test]
fn an_instant_that_never_stands_still_is_an_error() {
    let fetching = Fetching::cloud();
    insert_equal(&fetching, 30, cloud_record);
    for page in 1..200 {
        let record = cloud_record(START, 7);
        fetching
            .server
            .after_request(page, move |store| store.insert(record));
    }
    let said = fetching.fetch_ends(&["--raw", "--window", "365d", "--page-size", "10"], 1);
    assert!(said.contains("changed between"), "{said}");
    assert!(fetching.lines().is_empty());
}

#[test]
fn equal_records_without_a_time_are_counted_right_while_another_arrives() {
    let fetching = Fetching::cloud();
    let timeless = |ms| Record {
        ms,
        raw: r#"{"summary":"Space created"}"#.to_owned(),
    };
    fetching.server.insert_all((0..5).map(|_| timeless(START)));
    let late = timeless(START + 1);
    fetching
        .server
        .after_request(1, move |store| store.insert(late));
    for _ in 0..2 {
        fetching.fetch(&[
            "--raw",
            "--window",
            "365d",
            "--overlap",
            "365d",
            "--page-size",
            "2",
        ]);
    }
    assert_eq!(fetching.lines().len(), 6);
}

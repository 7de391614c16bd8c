//! Where paging ends: by the server's word, and never before.

use serde_json::{Value, json};

use crate::support::atlassian::{
    Atlassian, Fault, NextLink, Paging, cloud_record, data_center_record,
};
use crate::support::fetching::{Fetching, START, Way};

const PAGES: [&str; 5] = ["--raw", "--window", "365d", "--page-size", "10"];

fn cloud(count: i64) -> Fetching {
    let fetching = Fetching::cloud();
    insert(&fetching, count);
    fetching
}

fn insert(fetching: &Fetching, count: i64) {
    let record = |number: i64| cloud_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..count).map(record));
}

fn data_center(count: i64) -> Fetching {
    let fetching = Fetching::data_center();
    let record = |number: i64| data_center_record(START + number * 1000, number.cast_unsigned());
    fetching.server.insert_all((0..count).map(record));
    fetching
}

fn old_server(count: i64) -> Fetching {
    let server = Atlassian::old_server("/confluence");
    server.set(|settings| {
        settings.tolerated = vec!["/confluence/rest/auditing/1.0/events".to_owned()];
    });
    let fetching = Fetching::of(server, Way::Password);
    insert(&fetching, count);
    fetching
}

/// So many records, newest first, from that one on.
fn cloud_records(newest: i64, count: i64) -> Vec<Value> {
    let record = |back: i64| {
        let number = newest - back;
        let raw = cloud_record(START + number * 1000, number.cast_unsigned()).raw;
        serde_json::from_str(&raw).expect("JSON")
    };
    (0..count).map(record).collect()
}

fn data_center_records(newest: i64, count: i64) -> Vec<Value> {
    let record = |back: i64| {
        let number = newest - back;
        let raw = data_center_record(START + number * 1000, number.cast_unsigned()).raw;
        serde_json::from_str(&raw).expect("JSON")
    };
    (0..count).map(record).collect()
}

fn say(fetching: &Fetching, answers: impl IntoIterator<Item = Value>) {
    for answer in answers {
        fetching.server.next(Fault::Json(answer.to_string()));
    }
}

/// The answers must end the run with an error that says so, and nothing may be delivered. When they
/// are over, everything comes.
fn assert_error(fetching: &Fetching, answers: impl IntoIterator<Item = Value>, problem: &str) {
    say(fetching, answers);
    let flags = [&PAGES[..], &["--retries", "0"]].concat();
    let said = fetching.fetch_ends(&flags, 1);
    assert!(said.contains(problem), "{said}");
    assert!(fetching.lines().is_empty());
    assert_eq!(fetching.server.faults_left(), 0, "answers nobody asked for");
    fetching.fetch(&PAGES);
    fetching.assert_all_once();
}

/// After these answers the stand-in answers itself, and everything must come.
fn assert_exact(fetching: &Fetching, answers: impl IntoIterator<Item = Value>) {
    say(fetching, answers);
    fetching.fetch(&PAGES);
    assert_eq!(fetching.server.faults_left(), 0, "answers nobody asked for");
    fetching.assert_all_once();
}

#[test]
fn a_full_page_without_a_next_link_is_not_the_last() {
    for size_is_total in [true, false] {
        for (page_size, maximum) in [("2", 1000), ("1", 1000), ("10", 1000), ("1000", 5)] {
            let fetching = cloud(37);
            fetching.server.set(|settings| {
                settings.next_link = NextLink::Never;
                settings.size_is_total = size_is_total;
                settings.page_maximum = maximum;
            });
            fetching.fetch(&["--raw", "--window", "365d", "--page-size", page_size]);
            fetching.assert_all_once();
        }
    }
}

#[test]
fn a_short_page_without_a_next_link_is_the_last() {
    let fetching = cloud(25);
    let never = NextLink::Never;
    fetching.server.set(|settings| settings.next_link = never);
    fetching.fetch(&PAGES);
    fetching.assert_all_once();
    assert_eq!(fetching.server.searches().len(), 3);
}

#[test]
fn an_old_server_gives_at_most_a_thousand_records_and_does_not_say_so() {
    for link in [NextLink::Nothing, NextLink::Never] {
        let fetching = old_server(2100);
        fetching.server.set(|settings| settings.next_link = link);
        fetching.fetch(&["--raw", "--window", "365d", "--page-size", "5000"]);
        fetching.assert_all_once();
    }
}

#[test]
fn what_an_answer_calls_its_limit_may_be_anything() {
    for limit in [
        json!(0),
        json!(null),
        json!("10"),
        json!(-1),
        json!("all"),
        json!(1e1),
        json!(5000),
    ] {
        let fetching = cloud(25);
        fetching
            .server
            .set(|settings| settings.next_link = NextLink::Never);
        let page = json!({"results": cloud_records(24, 10), "limit": limit, "_links": {}});
        assert_exact(&fetching, [page]);
    }
    // A limit below the one asked for makes a full page of a short one.
    for limit in [json!(4), json!("4"), json!("?")] {
        let fetching = cloud(25);
        fetching
            .server
            .set(|settings| settings.next_link = NextLink::Never);
        assert_exact(
            &fetching,
            [json!({"results": cloud_records(24, 4), "limit": limit})],
        );
    }
}

#[test]
fn a_page_may_be_larger_than_asked_for() {
    let fetching = cloud(25);
    let page =
        json!({"results": cloud_records(24, 17), "size": 17, "_links": {"next": "/x?start=10"}});
    assert_exact(&fetching, [page]);
    let fetching = cloud(25);
    assert_exact(&fetching, [json!({"results": cloud_records(24, 17)})]);
}

#[test]
fn a_server_that_ignores_start_is_an_error() {
    for link in [NextLink::Nothing, NextLink::Never, NextLink::Path] {
        let fetching = cloud(25);
        fetching.server.set(|settings| {
            settings.next_link = link;
            settings.repeats = true;
        });
        assert_error(&fetching, [], "the same page twice");
    }
}

#[test]
fn data_center_is_paged_by_whatever_says_where_the_next_page_is() {
    for paging in [
        Paging::Cursor,
        Paging::Offset,
        Paging::Link,
        Paging::Unnamed,
    ] {
        for scan_maximum in [u64::MAX, 3, 1] {
            for count in [0, 1, 10, 25] {
                let fetching = data_center(count);
                fetching.server.set(|settings| {
                    settings.paging = paging;
                    settings.scan_maximum = scan_maximum;
                });
                fetching.fetch(&PAGES);
                fetching.assert_all_once();
            }
        }
    }
}

#[test]
fn a_page_of_data_center_that_is_not_the_last_is_followed_by_another() {
    for info in [
        json!({"lastPage": false}),
        json!({"lastPage": false, "nextPageCursor": "", "nextPageOffset": null, "nextPageLink": null}),
        json!({"lastPage": false, "nextPageCursor": 7, "nextPageLink": "/x"}),
        json!({"lastPage": false, "nextPageOffset": "4"}),
    ] {
        let fetching = data_center(25);
        fetching
            .server
            .set(|settings| settings.paging = Paging::Offset);
        let page = json!({"entities": data_center_records(24, 4), "pagingInfo": info});
        assert_exact(&fetching, [page]);
    }
}

fn empty(cursor: &str) -> Value {
    json!({"entities": [], "pagingInfo": {"lastPage": false, "size": 0, "nextPageCursor": cursor}})
}

#[test]
fn an_empty_page_that_leads_on_is_not_the_end() {
    for count in [1, 2] {
        let fetching = data_center(25);
        // The last one leads to before the first record.
        let cursors = ["9999999999998,9", "9999999999999,9"];
        assert_exact(
            &fetching,
            cursors[2 - count..].iter().map(|cursor| empty(cursor)),
        );
        let fetching = cloud(25);
        let next = "/rest/api/audit?cursor=_f_9999999999999%2B9%3D%3D_sa_&next=true";
        let before = "/rest/api/audit?cursor=_f_8888888888888%2B9%3D%3D_sa_&next=true";
        fetching
            .server
            .set(|settings| settings.next_link = NextLink::Cursor);
        let page = |next: &&str| json!({"results": [], "_links": {"next": next}});
        assert_exact(&fetching, [before, next][2 - count..].iter().map(page));
    }
}

#[test]
fn three_empty_pages_in_a_row_are_an_error() {
    let fetching = data_center(25);
    let answers = ["9,1", "8,1", "7,1"].map(empty);
    assert_error(&fetching, answers, "three empty pages in a row");
    let fetching = cloud(25);
    let page = |start: u32| json!({"results": [], "_links": {"next": format!("/rest/api/audit?start={start}")}});
    assert_error(
        &fetching,
        [10, 20, 30].map(page),
        "three empty pages in a row",
    );
}

#[test]
fn a_link_that_leads_back_is_an_error() {
    let page = |newest: i64, info: Value| json!({"entities": data_center_records(newest, 4), "pagingInfo": info});
    // To the page itself, to the one before, and to the beginning.
    let to = |offset: u32| json!({"lastPage": false, "nextPageOffset": offset});
    assert_error(&data_center(25), [page(24, to(0))], "a link back");
    assert_error(
        &data_center(25),
        [page(24, to(4)), page(21, to(2))],
        "a link back",
    );
    // Cursors that go round.
    let by = |cursor: &str| json!({"lastPage": false, "nextPageCursor": cursor});
    assert_error(
        &data_center(25),
        [page(24, by("1,1")), page(20, by("1,1"))],
        "a link back",
    );
    let round = [
        page(24, by("1,1")),
        page(20, by("2,2")),
        page(16, by("1,1")),
    ];
    assert_error(&data_center(25), round, "a link back");
}

#[test]
fn a_full_page_behind_a_cursor_that_says_nothing_is_an_error() {
    let cursor = json!({"lastPage": false, "nextPageCursor": "1,1"});
    let first = json!({"entities": data_center_records(24, 10), "pagingInfo": cursor});
    for info in [json!(null), json!({"lastPage": false})] {
        let second = json!({"entities": data_center_records(14, 10), "pagingInfo": info});
        assert_error(
            &data_center(25),
            [first.clone(), second],
            "does not say where the next one is",
        );
    }
}

#[test]
fn an_offset_without_an_end_is_an_error() {
    let page = |next: &str| json!({"results": cloud_records(24, 10), "_links": {"next": next}});
    for next in [
        "/x?start=18446744073709551615",
        "/x?start=18446744073709551616",
        "/x?start=-1",
    ] {
        let fetching = cloud(25);
        say(&fetching, [page(next)]);
        let flags = [&PAGES[..], &["--retries", "0"]].concat();
        fetching.fetch_ends(&flags, 1);
        assert!(fetching.lines().is_empty());
        let _ = fetching.server.take_violations();
    }
}

#[test]
fn an_answer_without_a_list_of_records_is_an_error() {
    for page in [
        json!({"results": null, "_links": {}}),
        json!({"_links": {}}),
        json!({"results": {}}),
        json!({"results": "none"}),
    ] {
        assert_error(&cloud(25), [page], "missing or invalid list of records");
    }
    for page in [
        json!({"entities": null, "pagingInfo": {"lastPage": true}}),
        json!({"entities": [], "pagingInfo": {"lastPage": "no"}}),
    ] {
        assert_error(&data_center(25), [page], "missing or invalid");
    }
}

#[test]
fn records_that_are_gone_from_the_next_page_are_asked_for_again() {
    // As when an index is rebuilt: the page is empty, though it must begin with a known record.
    let fetching = cloud(25);
    let first = json!({"results": cloud_records(24, 10), "limit": 10});
    let none = json!({"results": [], "limit": 10});
    assert_exact(&fetching, [first, none]);
}

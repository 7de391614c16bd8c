//! Where paging ends: by the server's word, and never before.

use serde_json::{Value, json};

use crate::support::atlassian::{
    Atlassian, Fault, NextLink, Paging, Record, cloud_record, data_center_record,
};
use crate::support::fetching::{Fetching, START, Way};

const PAGES: [&str; 5] = ["--raw", "--window", "365d", "--page-size", "10"];

fn cloud(count: i64) -> Fetching {
    let fetching = Fetching::cloud();
    insert(&fetching, count);
    fetching
}

/// A Cloud whose answers have no next link.
fn cloud_without_links(count: i64) -> Fetching {
    let fetching = cloud(count);
    let link = NextLink::Never;
    fetching.server.set(|settings| settings.next_link = link);
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

/// The list of an answer.
#[derive(Clone, Copy)]
enum List {
    Results,
    Entities,
}

use List::{Entities, Results};

/// An answer with so many records, newest first, from that one on, and the rest of its members.
fn page(list: List, newest: i64, count: i64, rest: &Value) -> String {
    let (name, make): (_, fn(i64, u64) -> Record) = match list {
        Results => ("results", cloud_record),
        Entities => ("entities", data_center_record),
    };
    let record = |back: i64| {
        let number = newest - back;
        make(START + number * 1000, number.cast_unsigned()).raw
    };
    let records: Vec<_> = (0..count).map(record).collect();
    let records = records.join(",");
    let rest = rest.to_string();
    let rest = rest.strip_prefix('{').expect("an object");
    let comma = if rest == "}" { "" } else { "," };
    format!(r#"{{"{name}":[{records}]{comma}{rest}"#)
}

fn say(fetching: &Fetching, answers: impl IntoIterator<Item = String>) {
    for answer in answers {
        fetching.server.next(Fault::Json(answer));
    }
}

/// The answers must end the run with an error that says so, and nothing may be delivered. When they
/// are over, everything comes.
fn assert_error(fetching: &Fetching, answers: impl IntoIterator<Item = String>, problem: &str) {
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
fn assert_exact(fetching: &Fetching, answers: impl IntoIterator<Item = String>) {
    say(fetching, answers);
    fetching.fetch(&PAGES);
    assert_eq!(fetching.server.faults_left(), 0, "answers nobody asked for");
    fetching.assert_all_once();
}

#[test]
fn a_full_page_without_a_next_link_is_not_the_last() {
    for size_is_total in [true, false] {
        for (page_size, maximum) in [("2", 1000), ("1", 1000), ("10", 1000), ("1000", 5)] {
            let fetching = cloud_without_links(37);
            fetching.server.set(|settings| {
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
    let fetching = cloud_without_links(25);
    fetching.fetch(&PAGES);
    fetching.assert_all_once();
    assert_eq!(fetching.server.searches().len(), 3);
}

#[test]
fn an_old_server_gives_at_most_a_thousand_records_and_need_not_say_so() {
    let server = Atlassian::old_server("/confluence");
    server.set(|settings| {
        settings.tolerated = vec!["/confluence/rest/auditing/1.0/events".to_owned()];
        settings.next_link = NextLink::Never;
    });
    let fetching = Fetching::of(server, Way::Password);
    insert(&fetching, 2100);
    say(&fetching, [page(Results, 2099, 1000, &json!({}))]);
    fetching.fetch(&["--raw", "--window", "365d", "--page-size", "5000"]);
    fetching.assert_all_once();
}

#[test]
fn what_an_answer_calls_its_limit_may_be_anything() {
    for limit in [
        json!(0),
        json!(null),
        json!("10"),
        json!(-1),
        json!("all"),
        json!(1.5),
        json!(5000),
    ] {
        let rest = json!({"limit": limit, "_links": {}});
        assert_exact(&cloud_without_links(25), [page(Results, 24, 10, &rest)]);
    }
    // A limit below the one asked for makes a full page of a short one.
    for limit in [json!(4), json!("4"), json!("?")] {
        let short = page(Results, 24, 4, &json!({"limit": limit}));
        assert_exact(&cloud_without_links(25), [short]);
    }
}

#[test]
fn a_page_may_be_larger_than_asked_for() {
    for rest in [
        json!({"size": 17, "_links": {"next": "/x?start=10"}}),
        json!({}),
    ] {
        assert_exact(&cloud(25), [page(Results, 24, 17, &rest)]);
    }
}

#[test]
fn a_server_that_ignores_start_is_an_error() {
    for link in [NextLink::Nothing, NextLink::Never, NextLink::Path] {
        let fetching = cloud(25);
        fetching.server.set(|settings| {
            settings.next_link = link;
            settings.repeats = true;
        });
        let said = fetching.fetch_ends(&PAGES, 1);
        assert!(said.contains("the same page twice"), "{said}");
        assert!(fetching.lines().is_empty());
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
        let by_offset = Paging::Offset;
        fetching.server.set(|settings| settings.paging = by_offset);
        let short = page(Entities, 24, 4, &json!({"pagingInfo": info}));
        assert_exact(&fetching, [short]);
    }
}

/// An empty page of Data Center with a cursor.
fn empty(cursor: &str) -> String {
    let info = json!({"lastPage": false, "size": 0, "nextPageCursor": cursor});
    page(Entities, 0, 0, &json!({"pagingInfo": info}))
}

/// An empty page of Cloud with a link.
fn empty_with_link(query: &str) -> String {
    let next = format!("/rest/api/audit?{query}");
    page(Results, 0, 0, &json!({"_links": {"next": next}}))
}

#[test]
fn an_empty_page_that_leads_on_is_not_the_end() {
    // These cursors lead to before the first record.
    let cursors = ["9999999999998,9", "9999999999999,9"];
    let links = [
        "next=true&cursor=_f_8888888888888%2B9%3D%3D_sa_",
        "next=true&cursor=_f_9999999999999%2B9%3D%3D_sa_",
    ];
    for count in 1..=2 {
        let pages = cursors[..count].iter().map(|cursor| empty(cursor));
        assert_exact(&data_center(25), pages);
        let fetching = cloud(25);
        let by_cursor = NextLink::Cursor;
        fetching
            .server
            .set(|settings| settings.next_link = by_cursor);
        let pages = links[..count].iter().map(|query| empty_with_link(query));
        assert_exact(&fetching, pages);
    }
}

#[test]
fn three_empty_pages_in_a_row_are_an_error() {
    let problem = "three empty pages in a row";
    assert_error(&data_center(25), ["9,1", "8,1", "7,1"].map(empty), problem);
    let links = ["start=10", "start=20", "start=30"];
    assert_error(&cloud(25), links.map(empty_with_link), problem);
}

#[test]
fn a_link_that_leads_back_is_an_error() {
    let page = |newest: i64, info: Value| page(Entities, newest, 4, &json!({"pagingInfo": info}));
    let problem = "a link back";
    // To the page itself, and to one before.
    let to = |offset: u32| json!({"lastPage": false, "nextPageOffset": offset});
    assert_error(&data_center(25), [page(24, to(0))], problem);
    assert_error(
        &data_center(25),
        [page(24, to(4)), page(21, to(2))],
        problem,
    );
    // Cursors that go round.
    let by = |cursor: &str| json!({"lastPage": false, "nextPageCursor": cursor});
    let same = [page(24, by("1,1")), page(20, by("1,1"))];
    assert_error(&data_center(25), same, problem);
    let round = [
        page(24, by("1,1")),
        page(20, by("2,2")),
        page(16, by("1,1")),
    ];
    assert_error(&data_center(25), round, problem);
}

#[test]
fn a_full_page_behind_a_cursor_that_says_nothing_is_an_error() {
    let full = |newest: i64, info: &Value| page(Entities, newest, 10, &json!({"pagingInfo": info}));
    let first = full(24, &json!({"lastPage": false, "nextPageCursor": "1,1"}));
    for info in [json!(null), json!({"lastPage": false})] {
        let answers = [first.clone(), full(14, &info)];
        let problem = "does not say where the next one is";
        assert_error(&data_center(25), answers, problem);
    }
}

#[test]
fn a_next_link_with_an_impossible_start_is_an_error() {
    for start in ["18446744073709551616", "-1", "x", ""] {
        let next = json!({"_links": {"next": format!("/x?start={start}")}});
        let answer = page(Results, 24, 10, &next);
        assert_error(&cloud(25), [answer], "its _links.next is not a link");
    }
}

#[test]
fn an_answer_without_a_list_of_records_is_an_error() {
    let problem = "missing or invalid list of records";
    for page in [
        r#"{"results":null,"_links":{}}"#,
        r#"{"_links":{}}"#,
        r#"{"results":{}}"#,
        r#"{"results":"none"}"#,
    ] {
        assert_error(&cloud(25), [page.to_owned()], problem);
    }
    for page in [
        r#"{"entities":null,"pagingInfo":{"lastPage":true}}"#,
        r#"{"entities":[],"pagingInfo":{"lastPage":"no"}}"#,
    ] {
        assert_error(&data_center(25), [page.to_owned()], problem);
    }
}

#[test]
fn records_that_are_gone_from_the_next_page_are_asked_for_again() {
    // The second page must begin with a record of the first.
    let answer = |count| page(Results, 24, count, &json!({"limit": 10}));
    assert_exact(&cloud(25), [answer(10), answer(0)]);
}

#[test]
fn a_short_page_of_a_data_center_that_does_not_say_that_it_is_the_last_is_not() {
    for info in [
        "null",
        "{}",
        r#"{"size":5}"#,
        r#"{"lastPage":null}"#,
        r#"{"lastPage":"false"}"#,
    ] {
        for count in [0, 5, 12] {
            let fetching = data_center(count);
            fetching.server.set(|settings| {
                settings.paging = Paging::Text(info);
                settings.scan_maximum = 5;
            });
            fetching.fetch(&PAGES);
            fetching.assert_all_once();
        }
    }
}

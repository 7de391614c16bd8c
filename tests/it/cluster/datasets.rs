//! Events of two data sets in one log: each goes to the data stream of its own.

use std::fs;

use serde_json::Value;

use super::world::{STREAM, Sending};
use crate::support::binary::{command, lines, stderr};
use crate::support::follow::append;
use crate::support::numbered::log_lines;
use crate::support::place::finish;
use crate::support::search::{Fault, For, Kind, Search};

const ORG_STREAM: &str = "logs-atlassian_cloud.audit-default";

/// Appends records of both data sets, of those numbers.
fn append_mixed(sending: &Sending, numbers: std::ops::RangeInclusive<u64>) {
    let mut text = Vec::new();
    for number in numbers {
        text.extend_from_slice(&log_lines(number..=number));
        let record = format!(
            "{{\"id\":\"e{number}\",\"attributes\":{{\"time\":\"2026-03-02T08:15:30Z\",\"action\":\"user_login\"}}}}\n"
        );
        text.extend_from_slice(record.as_bytes());
    }
    append(&sending.place.path("audit.log"), &text);
}

/// The ids of the organization's events in an index, in order.
fn events_in(search: &Search, name: &str) -> Vec<String> {
    let documents = search.world().documents(name);
    let id = |(_, event): &(String, Value)| Some(event["event"]["id"].as_str()?.to_owned());
    let mut ids: Vec<_> = documents.iter().filter_map(id).collect();
    ids.sort_by_key(|id| (id.len(), id.clone()));
    ids
}

fn numbered(count: u64) -> Vec<String> {
    (1..=count).map(|number| format!("e{number}")).collect()
}

/// Each of so many records is there once, where it belongs.
fn each_is_once(search: &Search, count: u64) {
    assert_eq!(Sending::arrived(search), (1..=count).collect::<Vec<_>>());
    assert_eq!(events_in(search, ORG_STREAM), numbered(count));
    assert_eq!(events_in(search, STREAM), Vec::<String>::new());
}

#[test]
fn each_event_goes_to_the_data_stream_of_its_data_set() {
    let search = Search::new(Kind::Elasticsearch);
    let sending = Sending::to(&[&search.url()]);
    append_mixed(&sending, 1..=50);
    sending.once();
    each_is_once(&search, 50);
    append_mixed(&sending, 51..=60);
    sending.once();
    each_is_once(&search, 60);
    let paths = search.world().paths();
    let looks = paths
        .iter()
        .filter(|path| path.ends_with("_index_template/logs-atlassian_cloud.audit"));
    assert_eq!(looks.count(), 2, "{paths:?}");
}

#[test]
fn with_an_index_all_go_there() {
    let search = Search::new(Kind::OpenSearch3);
    let sending = Sending::to(&[&search.url()]).with(&["--index", "audit"]);
    append_mixed(&sending, 1..=5);
    sending.once();
    assert_eq!(search.world().documents("audit").len(), 10);
    assert_eq!(search.world().documents(ORG_STREAM).len(), 0);
}

#[test]
fn a_forced_dialect_needs_its_data_stream_alone() {
    let search = Search::new(Kind::Elasticsearch);
    let sending = Sending::to(&[&search.url()]).with(&["--dialect", "org"]);
    let record = "{\"id\":\"e1\",\"attributes\":{\"time\":\"2026-03-02\"}}\nnonsense\n";
    append(&sending.place.path("audit.log"), record.as_bytes());
    sending.once();
    assert_eq!(search.world().documents(ORG_STREAM).len(), 2);
    let paths = search.world().paths();
    assert!(
        !paths.iter().any(|path| path.contains("confluence")),
        "{paths:?}"
    );
}

/// A run is killed while answers are lost and the data streams roll over; the next one finds what is there.
#[test]
fn what_a_killed_run_sent_is_looked_for_in_each_data_stream() {
    for stream in [STREAM, ORG_STREAM] {
        let search = Search::new(Kind::Elasticsearch);
        let sending = Sending::to(&[&search.url()]);
        append_mixed(&sending, 1..=5);
        sending.once();
        append_mixed(&sending, 6..=60);
        search.world().rolls_over = Some(stream);
        search.always(For::Bulk, Fault::Reset);
        let before = search.world().count(For::Bulk);
        let follower = sending.start();
        search.wait("the requests", |world| world.count(For::Bulk) >= before + 2);
        follower.kill();
        search.mend();
        sending.once();
        each_is_once(&search, 60);
    }
}

#[test]
fn a_bulk_file_names_the_data_stream_and_sending_it_adds_nothing() {
    let search = Search::new(Kind::Elasticsearch);
    let sending = Sending::to(&[&search.url()]);
    append_mixed(&sending, 1..=3);
    let normalized = sending.run_to(&search, "normalize", &sending.place.path("audit.log"));
    assert_eq!(normalized.status.code(), Some(0), "{}", stderr(&normalized));
    each_is_once(&search, 3);

    let bulk = sending.bulk_file();
    let actions = lines(&fs::read(&bulk).expect("read"));
    let index = |action: &Value| action["create"]["_index"].clone();
    assert_eq!(index(&actions[0]), Value::Null);
    assert_eq!(index(&actions[2]), ORG_STREAM);
    let sent = sending.run_to(&search, "send", &bulk);
    assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
    each_is_once(&search, 3);
}

#[test]
fn events_without_actions_are_sent_by_the_data_set_that_they_name() {
    let search = Search::new(Kind::OpenSearch2);
    let sending = Sending::to(&[&search.url()]);
    append_mixed(&sending, 1..=3);
    let mut normalize = command(["normalize"]);
    normalize.arg(sending.place.path("audit.log"));
    let path = sending.place.folder().join("events.ndjson");
    fs::write(&path, finish(normalize).stdout).expect("written");
    for _ in 0..2 {
        let sent = sending.run_to(&search, "send", &path);
        assert_eq!(sent.status.code(), Some(0), "{}", stderr(&sent));
        each_is_once(&search, 3);
    }
}

/// The data streams of other data sets that the state remembers.
fn remembered(sending: &Sending) -> Vec<String> {
    let text = fs::read(sending.place.state_dir().join("tail.json")).expect("a state");
    let saved: Value = serde_json::from_slice(&text).expect("JSON");
    let others = saved["state"]["cluster"]["others"].as_array();
    let target = |other: &Value| other["target"].as_str().expect("a name").to_owned();
    others.into_iter().flatten().map(target).collect()
}

#[test]
fn another_data_stream_is_remembered_only_while_something_is_in_doubt_there() {
    let search = Search::new(Kind::Elasticsearch);
    let sending = Sending::to(&[&search.url()]);
    append_mixed(&sending, 1..=5);
    sending.once();
    assert_eq!(remembered(&sending), [""; 0]);
    append_mixed(&sending, 6..=10);
    search.always(For::Bulk, Fault::Reset);
    let before = search.world().count(For::Bulk);
    let follower = sending.start();
    search.wait("the requests", |world| world.count(For::Bulk) >= before + 2);
    assert_eq!(remembered(&sending), [ORG_STREAM]);
    follower.kill();
    search.mend();
    // The events go to other data streams now, and nothing is asked of those before.
    let looks = search.world().count(For::Resolve);
    let moved = sending.with(&["--namespace", "moved"]);
    moved.once();
    assert_eq!(search.world().count(For::Resolve), looks + 2);
    assert_eq!(remembered(&moved), [""; 0]);
}

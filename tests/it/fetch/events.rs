//! What is made of records.

use serde_json::json;

use crate::support::atlassian::{cloud_record, data_center_record};
use crate::support::fetching::{Fetching, START};

#[test]
fn cloud_records_become_events() {
    let fetching = Fetching::cloud();
    fetching.server.insert(cloud_record(START, 1));
    fetching.fetch(&["--preserve-original-event"]);
    let events = fetching.events();
    let event = &events[0];
    assert_eq!(event["@timestamp"], "2026-01-05T00:00:00.000Z");
    assert_eq!(event["input"], json!({"type": "httpjson"}));
    let tags = json!(["preserve_original_event", "forwarded", "confluence-audit"]);
    assert_eq!(event["tags"], tags);
    assert!(event["event"]["created"].is_string());
    assert_eq!(event["event"]["original"], cloud_record(START, 1).raw);
    assert!(event.get("log").is_none());
}

#[test]
fn data_center_records_become_events() {
    let fetching = Fetching::data_center();
    fetching.server.insert(data_center_record(START, 1));
    fetching.fetch(&["--tag", "mine"]);
    let events = fetching.events();
    assert_eq!(events[0]["@timestamp"], "2026-01-05T00:00:00.000Z");
    assert_eq!(
        events[0]["tags"],
        json!(["forwarded", "confluence-audit", "mine"])
    );
    let fetching = Fetching::data_center();
    fetching.server.insert(data_center_record(START, 1));
    fetching.fetch(&["--tag", "mine", "--no-default-tags"]);
    assert_eq!(fetching.events()[0]["tags"], json!(["mine"]));
}

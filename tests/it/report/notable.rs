//! What a report says of notable events: what was granted, to whom, by whom and from where.

use std::fs;

use serde_json::{Value, json};

use super::{record, report, summary};

/// Something of each notable kind.
const DETECTIONS: &str = "testdata/detections.log";

fn shown(width: &str) -> String {
    let report = report(&["--width", width, "--top", "20", DETECTIONS], "");
    let text = String::from_utf8(report.stdout).expect("UTF-8");
    let begin = text.find("Notable events").expect("a heading");
    let end = text.find("Failed logins").expect("a heading");
    text[begin..end].to_owned()
}

#[test]
fn a_notable_event_says_what_was_granted_to_whom_and_by_whom() {
    insta::assert_snapshot!(shown("80"));
    insta::assert_snapshot!("narrow_notable", shown("44"));
}

#[test]
fn in_json_it_is_told_in_parts() {
    let told = summary(&[DETECTIONS], "");
    let notable = told["notable"].as_array().expect("a list");
    let of = |reason: &str| {
        let one = notable
            .iter()
            .find(|one| one["reason"] == reason)
            .expect(reason);
        json!([
            one["permission"],
            one["objects"],
            one["changes"],
            one["user"]["full_name"]
        ])
    };
    assert_eq!(
        of("privilege granted"),
        json!(["USECONFLUENCE", ["Group: contractors"], [], "Test Admin"])
    );
    assert_eq!(
        of("coverage, retention or exclusions changed"),
        json!([null, [], [{"name": "Retention", "from": "365", "to": "30"}], "Test Admin"])
    );
}

#[test]
fn a_grant_is_shown_however_many_newer_events_of_another_kind_there_are() {
    let mut log = record(1, "global.permission.added", "Eve", "10.0.0.6");
    for second in 2..=7 {
        log += &record(second, "space.removed", "Ada", "10.0.0.7");
    }
    let report = report(&["--width", "100", "--top", "2"], &log);
    let text = String::from_utf8(report.stdout).expect("UTF-8");
    let begin = text.find("Notable events").expect("a heading");
    let end = text.find("Top actions").expect("a heading");
    insta::assert_snapshot!(&text[begin..end]);
}

#[test]
fn a_global_permission_of_anonymous_says_so() {
    let key = "audit.logging.summary.global.permission.added";
    let reason = |object: Value| {
        let record = with_lists(key, json!([object]), json!([]), json!([]));
        summary(&[], &record)["notable"][0]["reason"].clone()
    };
    // Its name is translated, but nobody else has no id.
    assert_eq!(
        reason(json!({"type": "User", "name": "Anonym"})),
        "global permission granted to Anonymous"
    );
    assert_eq!(
        reason(json!({"type": "User", "name": "Zoë", "id": "1"})),
        "privilege granted"
    );
}

/// A record of a Data Center, with lists as they are given.
fn with_lists(key: &str, objects: Value, changed: Value, attributes: Value) -> String {
    let mut record = json!({
        "auditType": {"action": "Done", "actionI18nKey": key},
        "author": {"name": "Zoë", "type": "user"},
        "source": "2001:db8:1111:2222:3333:4444:5555:6666",
        "timestamp": {"epochSecond": 1_767_571_200, "nano": 0},
    });
    record["affectedObjects"] = objects;
    record["changedValues"] = changed;
    record["extraAttributes"] = attributes;
    record.to_string()
}

#[test]
fn what_did_not_change_and_what_was_said_already_is_left_out() {
    let record = with_lists(
        "audit.logging.summary.global.permission.added",
        json!([{"type": "Space", "name": "Finance"}, {"type": "Group", "name": "ops"}]),
        json!([
            {"key": "Group", "i18nKey": "g", "to": "ops"},
            {"key": "Typ", "i18nKey": "audit.logging.changed.value.permission.type", "to": "EXPORTSPACE"},
            {"key": "Same", "i18nKey": "s", "from": "1", "to": "1"},
            {"i18nKey": "key", "from": "old"},
        ]),
        json!([{"name": "Format", "nameI18nKey": "f", "value": "XML"}, {"name": "empty"}]),
    );
    let text = report(&["--width", "150"], &record).stdout;
    let text = String::from_utf8(text).expect("UTF-8");
    let line = text
        .lines()
        .find(|line| line.contains("Done:"))
        .expect(&text);
    assert_eq!(
        line,
        "2026-01-05 00:00  Done: EXPORTSPACE, Group: ops, key: old → nothing, Space: Finance, Format: XML"
    );
}

#[test]
fn lists_of_any_length_are_cut() {
    let many: Vec<Value> = (0..1000)
        .map(|number| json!({"type": "Page", "name": number.to_string(), "key": "k", "to": number, "value": 1}))
        .collect();
    let many = json!(many);
    let key = "audit.logging.summary.global.settings.edited";
    let record = with_lists(key, many.clone(), many.clone(), many);
    let told = &summary(&[], &record)["notable"][0];
    for list in ["objects", "changes", "attributes"] {
        assert_eq!(told[list].as_array().expect(list).len(), 8);
    }
}

#[test]
fn events_tell_the_same_as_their_records() {
    let records = fs::read_to_string(DETECTIONS).expect("read");
    let events = crate::support::program::run(["normalize", "-q"], records.as_bytes()).stdout;
    let told = |input: &str| {
        let told = summary(&[], input)["notable"].clone();
        let one = |one: &Value| {
            json!([
                one["permission"],
                one["objects"],
                one["changes"],
                one["attributes"]
            ])
        };
        told.as_array()
            .expect("a list")
            .iter()
            .map(one)
            .collect::<Vec<_>>()
    };
    let events = String::from_utf8(events).expect("UTF-8");
    assert_eq!(told(&events), told(&records));
}

//! The oracle against the spec: the sample event whole, then a case for each rule of docs/mapping.md.

mod fields;
mod organization;
mod strategies;
mod times;
mod users;

use crate::support::events::assert_same_event;
use crate::support::oracle::{Input, Options, map};
use serde_json::{Value, json};

// ---------------------------------------------------------------- the sample

const SAMPLE: &str = include_str!("../../support/sample_event.json");

#[test]
fn the_sample_event_comes_out_whole() {
    let sample: Value = serde_json::from_str(SAMPLE).expect("the sample is JSON");
    let raw = sample["event"]["original"].as_str().expect("text");
    let options = Options {
        preserve_original: true,
        namespace: "58111".to_owned(),
        input: Input::File {
            path: "/tmp/service_logs/test-audit.log".to_owned(),
            offset: 0,
        },
        add_fields: json!({
            "agent": sample["agent"],
            "elastic_agent": sample["elastic_agent"],
            "host": sample["host"],
            "event": {
                "ingested": sample["event"]["ingested"],
                "agent_id_status": sample["event"]["agent_id_status"],
            },
        }),
        geo: Box::new(|ip| (ip.to_string() == "81.2.69.143").then(london)),
        ..Options::default()
    };
    let event = map(raw, &options).expect("the sample maps");
    assert_same_event(&event, &sample, "the seed's sample");
}

fn london() -> Value {
    json!({
        "city_name": "London", "continent_name": "Europe",
        "country_iso_code": "GB", "country_name": "United Kingdom",
        "location": {"lat": 51.5142, "lon": -0.0931},
        "region_iso_code": "GB-ENG", "region_name": "England",
    })
}

// ---------------------------------------------------------------- helpers

/// Maps a record and compares dotted paths of the event; null stands for a path that is not there.
fn maps(record: &Value, expected: &[(&str, Value)]) {
    maps_with(&Options::default(), record, expected);
}

fn maps_with(options: &Options, record: &Value, expected: &[(&str, Value)]) {
    let event = map(&record.to_string(), options).expect("the record maps");
    for (path, value) in expected {
        let pointer = format!("/{}", path.replace('.', "/"));
        let actual = event.pointer(&pointer).unwrap_or(&Value::Null);
        assert_same_event(actual, value, &format!("{path} of {record}"));
    }
}

fn fails(record: &Value) {
    fails_text(&record.to_string());
}

fn fails_text(text: &str) {
    let result = map(text, &Options::default());
    assert!(result.is_err(), "{text} gave {result:?}");
}

/// A Data Center record with these members besides the time.
fn dc(members: &Value) -> Value {
    with(
        &json!({"timestamp": {"epochSecond": 1_637_624_653, "nano": 873_000_000}}),
        members,
    )
}

fn cloud(members: &Value) -> Value {
    with(&json!({"creationDate": 1_637_624_653_873_i64}), members)
}

fn with(base: &Value, members: &Value) -> Value {
    let mut record = base.clone();
    for (key, value) in members.as_object().expect("members") {
        record[key] = value.clone();
    }
    record
}

// ---------------------------------------------------------------- §2, §9

#[test]
fn constants_and_envelope() {
    maps(
        &dc(&json!({})),
        &[
            ("ecs", json!({"version": "8.11.0"})),
            (
                "event",
                json!({"kind": "event", "type": ["info"], "dataset": "atlassian_confluence.audit"}),
            ),
            (
                "data_stream",
                json!({"type": "logs", "dataset": "atlassian_confluence.audit", "namespace": "default"}),
            ),
            ("input", json!({"type": "stdin"})),
            ("tags", json!(["confluence-audit"])),
            ("log", Value::Null),
        ],
    );
}

#[test]
fn the_original_is_the_text_as_it_stood() {
    let text = r#"{ "creationDate" : 5, "summary":"\u00e9\/" }"#;
    let options = Options {
        preserve_original: true,
        tags: vec!["b".to_owned(), "a".to_owned()],
        default_tags: false,
        ..Options::default()
    };
    let event = map(text, &options).expect("it maps");
    assert_eq!(event["event"]["original"], json!(text));
    assert_eq!(event["tags"], json!(["preserve_original_event", "b", "a"]));
    assert_eq!(event["event"]["action"], json!("é/"));
}

#[test]
fn constants_win_and_replace_lists() {
    let options = Options {
        add_fields: json!({"event": {"type": ["x"], "kind": "y"}, "tags": [], "host": {"name": "h"}}),
        ..Options::default()
    };
    maps_with(
        &options,
        &dc(&json!({})),
        &[
            (
                "event",
                json!({"kind": "y", "type": ["x"], "dataset": "atlassian_confluence.audit"}),
            ),
            ("tags", Value::Null),
            ("host.name", json!("h")),
        ],
    );
}

// ---------------------------------------------------------------- the comparison

#[test]
fn equal_numbers_are_equal() {
    let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let left = read(r#"{"a":[1.0,1e3,-0,100],"b":1}"#);
    let right = read(r#"{"b":1.00,"a":[1.00,1000,0,1e2]}"#);
    assert_same_event(&left, &right, "spelling");
}

#[test]
#[should_panic(expected = "user.names[1]")]
fn different_events_are_listed_by_path() {
    let left = json!({"user": {"names": ["a", 9_007_199_254_740_993_u64]}});
    let right = json!({"user": {"names": ["a", 9_007_199_254_740_992_u64]}});
    assert_same_event(&left, &right, "numbers");
}

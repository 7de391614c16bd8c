//! The oracle against docs/org-events.md: its examples whole, then a case for each rule.

use serde_json::{Value, json};

use super::{fails, maps, maps_with};
use crate::support::events::assert_same_event;
use crate::support::oracle::{Dialect, NOW, Options, map};

/// An event of an organization with these members of its `attributes`, and a time.
fn attributes(members: &Value) -> Value {
    let mut record = json!({"attributes": {"time": "2026-03-02T08:15:30Z"}});
    for (key, value) in members.as_object().expect("members") {
        record["attributes"][key] = value.clone();
    }
    record
}

#[test]
fn the_examples_come_out_whole() {
    for line in include_str!("../../../testdata/organization-examples.ndjson").lines() {
        let example: Value = serde_json::from_str(line).expect("JSON");
        let record = example["record"].as_str().expect("text");
        let mut event = map(record, &Options::default()).expect("it maps");
        let rest = event.as_object_mut().expect("an object");
        assert_eq!(rest.remove("observer"), Some(observer()), "{record}");
        assert_eq!(rest.remove("ecs"), Some(json!({"version": "9.3.0"})));
        assert_eq!(rest.remove("tags"), Some(json!(["atlassian_cloud-audit"])));
        rest.remove("input");
        let stream =
            json!({"dataset": "atlassian_cloud.audit", "namespace": "default", "type": "logs"});
        assert_eq!(rest.remove("data_stream"), Some(stream));
        let inner = event["event"].as_object_mut().expect("an object");
        assert_eq!(inner.remove("module"), Some(json!("atlassian_cloud")));
        assert_eq!(
            inner.remove("dataset"),
            Some(json!("atlassian_cloud.audit"))
        );
        assert_same_event(&event, &example["event"], record);
    }
}

fn observer() -> Value {
    json!({"product": "Atlassian Cloud", "type": "saas", "vendor": "Atlassian"})
}

#[test]
fn the_other_dialects_come_first() {
    let record = json!({"attributes": {}, "creationDate": 5, "summary": "s"});
    let dataset = |name| [("event.dataset", json!(name))];
    maps(&record, &dataset("atlassian_confluence.audit"));
    let record = json!({"attributes": {}, "creationDate": "", "timestamp": null});
    maps(&record, &dataset("atlassian_cloud.audit"));
    for other in [json!([]), json!("x"), Value::Null] {
        fails(&json!({"attributes": other}));
    }
    let forced = Options {
        dialect: Some(Dialect::Organization),
        ..Options::default()
    };
    let record = json!({"creationDate": 5, "attributes": "x"});
    maps_with(
        &forced,
        &record,
        &[("@timestamp", json!(NOW)), ("event.kind", Value::Null)],
    );
}

#[test]
fn times() {
    let processed = json!("2026-03-02T10:00:00.5+01:00");
    for (time, expected) in [
        (json!("2026-03"), "2026-03-01T00:00:00.000Z"),
        (json!("2026-03-02"), "2026-03-02T00:00:00.000Z"),
        (Value::Null, "2026-03-02T09:00:00.500Z"),
    ] {
        let record = attributes(&json!({"time": time, "processedAt": processed}));
        let created = json!("2026-03-02T09:00:00.500Z");
        maps(
            &record,
            &[("@timestamp", json!(expected)), ("event.created", created)],
        );
    }
    for time in [
        json!(""),
        json!(1_772_439_330),
        json!("1772439330"),
        json!("2026"),
        json!({}),
    ] {
        fails(&attributes(&json!({"time": time})));
        let record = attributes(&json!({"processedAt": time}));
        maps(&record, &[("event.created", Value::Null)]);
        let record = attributes(&json!({"time": null, "processedAt": time}));
        maps(&record, &[("@timestamp", json!(NOW))]);
    }
}

#[test]
fn addresses_and_places() {
    let with = |location: Value| attributes(&json!({"location": location}));
    maps(
        &with(
            json!({"ip": "6.6.6.6, 1.2.3.4, 10.0.0.1", "countryName": null, "city": "", "regionName": {}}),
        ),
        &[
            (
                "source",
                json!({"address": "6.6.6.6, 1.2.3.4, 10.0.0.1", "ip": "1.2.3.4", "geo": {"country_name": null}}),
            ),
            ("related.ip", json!(["1.2.3.4", "6.6.6.6", "10.0.0.1"])),
        ],
    );
    for (ip, source) in [
        (json!("here"), json!({"address": "here"})),
        (json!(7), json!({"address": 7})),
        (json!(["1.2.3.4"]), Value::Null),
        (Value::Null, Value::Null),
        (json!(""), Value::Null),
    ] {
        maps(
            &with(json!({"ip": ip})),
            &[("source", source), ("related", Value::Null)],
        );
    }
    let options = Options {
        networks: vec![(
            ("10.0.0.0".parse().expect("an address"), 8),
            "office".to_owned(),
        )],
        geo: Box::new(|_| Some(json!({"city_name": "never"}))),
        asn: Box::new(|_| Some(json!({"number": 7}))),
        ..Options::default()
    };
    let expected = json!({"ip": "10.0.0.1", "geo": {"name": "office"}, "as": {"number": 7}});
    maps_with(
        &options,
        &with(json!({"ip": "10.0.0.1"})),
        &[("source", expected)],
    );
}

#[test]
fn actors() {
    let app = "atlassian_cloud.audit.actor.app";
    for (actor, user, app_of) in [
        (
            json!({"email": "a@b"}),
            json!({"email": "a@b"}),
            Value::Null,
        ),
        (
            json!({"id": ":", "name": ""}),
            json!({"id": ":", "name": ""}),
            Value::Null,
        ),
        (
            json!({"id": "0B7F6C1E-2222-4333-8444-555566667777", "email": "Atlassian app"}),
            json!({"id": "0B7F6C1E-2222-4333-8444-555566667777"}),
            Value::Null,
        ),
        (
            json!({"id": "old", "name": "N"}),
            Value::Null,
            json!({"id": "old", "name": "N"}),
        ),
        (json!({}), Value::Null, json!({})),
        (
            json!({"id": null, "app": {"id": "x", "type": null, "attributes": {}}}),
            Value::Null,
            json!({"id": "x", "type": null, "attributes": {}}),
        ),
        (json!("someone"), Value::Null, Value::Null),
        (Value::Null, Value::Null, Value::Null),
    ] {
        let record = attributes(&json!({"actor": actor}));
        maps(&record, &[("user", user), (app, app_of)]);
    }
    let named = json!({"id": ":", "name": "", "onBehalfOf": {"name": 7, "email": "", "id": null}});
    maps(
        &attributes(&json!({"actor": named})),
        &[("related.user", json!(["", "7"]))],
    );
}

#[test]
fn categories() {
    for (action, category, kind, outcome) in [
        (
            "user_login_failed",
            json!(["authentication"]),
            json!(["info"]),
            "failure",
        ),
        (
            "user_login_failed_again",
            json!(["authentication"]),
            json!(["info"]),
            "failure",
        ),
        (
            "user_login_x",
            json!(["authentication"]),
            json!(["info"]),
            "success",
        ),
        (
            "user_removed_from_group",
            json!(["iam"]),
            json!(["user", "deletion"]),
            "success",
        ),
        (
            "jira_policy_update",
            json!(["configuration"]),
            json!(["info"]),
            "success",
        ),
        (
            "x_policy_update",
            json!(["iam", "configuration"]),
            json!(["change"]),
            "success",
        ),
        ("", json!(["configuration"]), json!(["info"]), "success"),
    ] {
        let record = attributes(&json!({"action": action}));
        let expected = [
            ("event.category", category),
            ("event.type", kind),
            ("event.outcome", json!(outcome)),
            ("event.kind", json!("event")),
        ];
        maps(&record, &expected);
    }
    let none = [
        ("event.category", Value::Null),
        ("event.type", Value::Null),
        ("event.outcome", Value::Null),
    ];
    for (action, kind) in [(json!(5), json!("event")), (Value::Null, Value::Null)] {
        let record = attributes(&json!({"action": action}));
        maps(&record, &none);
        maps(&record, &[("event.kind", kind), ("event.action", action)]);
    }
}

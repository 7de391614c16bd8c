//! §3 and §4, the fields; §5, addresses; §6, categories.

use serde_json::{Value, json};

use super::{cloud, dc, maps, maps_with};
use crate::support::oracle::{Options, map};

// ---------------------------------------------------------------- §3, §4 fields

#[test]
fn self_hosted_fields() {
    let record = dc(&json!({
        "author": {"id": 42, "name": true, "uri": "http://c/x?username=a.b_C-1"},
        "auditType": {"action": "A", "actionI18nKey": "k", "other": [1, null]},
        "method": "API", "system": "http://me@Wiki.Example:80/x",
        "extraAttributes": [{"name": "n", "odd": {"x": 1.0}}, "text", null],
        "changedValues": "none", "affectedObjects": [{"name": "", "type": ""}],
    }));
    maps(
        &record,
        &[
            (
                "user",
                json!({"id": 42, "full_name": true, "name": "a.b_C-1"}),
            ),
            (
                "confluence.audit",
                json!({
                    "type": {"action": "A", "actionI18nKey": "k", "other": [1]}, "method": "API",
                    "extra_attributes": [{"name": "n", "odd": {"x": 1.0}}, "text"],
                }),
            ),
            ("event.action", json!("k")),
            ("service.address", json!("http://me@Wiki.Example:80/x")),
            (
                "related",
                json!({"hosts": ["Wiki.Example"], "user": ["a.b_C-1"]}),
            ),
        ],
    );
}

#[test]
fn wrong_types_are_skipped() {
    let record = dc(
        &json!({"author": "x", "auditType": [1], "method": {"a": 1}, "source": ["1.2.3.4", {"a": 1}], "system": 5}),
    );
    maps(
        &record,
        &[
            ("user", Value::Null),
            ("confluence", Value::Null),
            ("source", Value::Null),
            ("service.address", json!(5)),
            ("related", Value::Null),
        ],
    );
}

#[test]
fn usernames_in_uris() {
    for (uri, expected) in [
        ("?username=a", json!("a")),
        ("http://c?username=", Value::Null),
        ("http://c?a=b&username=a", Value::Null),
        ("http://c?username=a#b", Value::Null),
        ("http://c?username=a%20", Value::Null),
        ("http://c?username=é", Value::Null),
    ] {
        maps(
            &dc(&json!({"author": {"uri": uri}})),
            &[("user.name", expected)],
        );
    }
}

/// The 4,000 cases of `testdata/uri-hosts.ndjson`.
#[test]
fn hosts() {
    let cases = include_str!("../../../testdata/uri-hosts.ndjson").lines();
    let mut count = 0;
    for case in cases {
        let case: Value = serde_json::from_str(case).expect("JSON");
        let system = case["system"].as_str().expect("text");
        let host = crate::support::oracle::uri::host(system);
        assert_eq!(host.as_deref(), case["host"].as_str(), "{system}");
        count += 1;
    }
    assert_eq!(count, 4000);
    let record = dc(&json!({"system": "http://confluence.internal:8090"}));
    maps(
        &record,
        &[("related.hosts", json!(["confluence.internal"]))],
    );
}

/// A list of scalars stays one, a single object stays as it is.
#[test]
fn lists_and_objects_in_odd_places() {
    let record = dc(&json!({
        "author": {"id": ["a", 5, ""], "name": ["a", ["b"]]},
        "system": ["http://a/x", 7, "http://b/", "http://a/"],
        "source": ["1.2.3.4", "5.6.7.8"],
        "method": [true, null],
        "affectedObjects": {"name": "n", "type": ""},
        "extraAttributes": 7,
    }));
    maps(
        &record,
        &[
            ("user", json!({"id": ["a", 5]})),
            (
                "service.address",
                json!(["http://a/x", 7, "http://b/", "http://a/"]),
            ),
            (
                "source",
                json!({"address": ["1.2.3.4", "5.6.7.8"], "ip": ["1.2.3.4", "5.6.7.8"]}),
            ),
            (
                "related",
                json!({"hosts": ["a", "b"], "ip": ["1.2.3.4", "5.6.7.8"]}),
            ),
            (
                "confluence.audit",
                json!({"method": [true], "affected_objects": {"name": "n"}}),
            ),
        ],
    );
    let single = json!({"name": "n", "objectType": "User"});
    let path = "confluence.audit.affected_objects";
    let alone = cloud(&json!({"associatedObjects": single, "affectedObject": single}));
    maps(&alone, &[(path, single.clone())]);
    let two = cloud(&json!({"associatedObjects": single, "affectedObject": {"name": "m"}}));
    let renamed = json!([{"name": "n", "type": "User"}, {"name": "m"}]);
    maps(&two, &[(path, renamed)]);
}

#[test]
fn cloud_fields() {
    let record = cloud(&json!({
        "author": {"accountId": "a", "displayName": "D", "externalCollaborator": false},
        "remoteAddress": "1.2.3.4", "summary": "Space created", "category": "Spaces",
        "changedValues": [{"name": "n", "newValue": "2", "oldValue": null, "hiddenOldValue": "h", "key": "k"}],
    }));
    maps(
        &record,
        &[
            ("user", json!({"id": "a", "full_name": "D"})),
            (
                "confluence.audit",
                json!({
                    "external_collaborator": false,
                    "type": {"category": "Spaces", "action": "Space created"},
                    "changed_values": [{"key": "n", "i18nKey": "n", "to": "2", "hiddenOldValue": "h"}],
                }),
            ),
            ("event.action", json!("Space created")),
        ],
    );
    let empty = cloud(&json!({"summary": ""}));
    maps(&empty, &[("event.action", Value::Null)]);
}

#[test]
fn affected_object_is_appended_unless_it_is_there() {
    let cases = [
        (r#"{"b":[1],"a":null}"#, r#"[{"a":null,"b":[1]}]"#, 1),
        (r#"{"b":[1]}"#, r#"[{"a":null,"b":[1]}]"#, 1),
        (r#"{"b":[1,""]}"#, r#"[{"a":{},"b":[null,1]}]"#, 1),
        (
            r#"{"name":"a","objectType":""}"#,
            r#"[{"name":"a"},{"b":{}}]"#,
            1,
        ),
        (r#"{"b":[1.0],"a":null}"#, r#"[{"a":null,"b":[1]}]"#, 2),
        (r#"{"b":"\u00e9"}"#, r#"[{"b":"é"}]"#, 1),
        (
            r#"{"objectType":"User"}"#,
            r#"[{"x":1},{"type":"User"}]"#,
            3,
        ),
        (r#"{"b":1}"#, "null", 1),
        (r#"{"b":1}"#, r#""text""#, 1),
        ("null", r#"[{"b":1}]"#, 1),
    ];
    for (affected, associated, count) in cases {
        let text = format!(
            r#"{{"creationDate":1,"affectedObject":{affected},"associatedObjects":{associated}}}"#
        );
        let event = map(&text, &Options::default()).expect("it maps");
        let objects = &event["confluence"]["audit"]["affected_objects"];
        assert_eq!(objects.as_array().map(Vec::len), Some(count), "{text}");
    }
    let renamed = cloud(
        &json!({"associatedObjects": [{"objectType": "User", "type": "x"}, {"objectType": [""], "type": "y"}]}),
    );
    let path = "confluence.audit.affected_objects";
    maps(
        &renamed,
        &[(path, json!([{"type": "User"}, {"type": "y"}]))],
    );
}

// ---------------------------------------------------------------- §5

#[test]
fn addresses() {
    let cases = [
        ("1.2.3.4", json!("1.2.3.4"), json!(["1.2.3.4"])),
        ("10.0.0.1", json!("10.0.0.1"), json!(["10.0.0.1"])),
        ("2001:DB8::1", json!("2001:DB8::1"), json!(["2001:DB8::1"])),
        (
            "6.6.6.6, 1.2.3.4, 10.0.0.1",
            json!("1.2.3.4"),
            json!(["1.2.3.4", "6.6.6.6", "10.0.0.1"]),
        ),
        (
            "10.0.0.2,fe80::1,127.0.0.1",
            json!("10.0.0.2"),
            json!(["10.0.0.2", "fe80::1", "127.0.0.1"]),
        ),
        ("1.2.3.4:443", json!("1.2.3.4"), json!(["1.2.3.4"])),
        (
            "[2001:db8::1]:80",
            json!("2001:db8::1"),
            json!(["2001:db8::1"]),
        ),
        (
            "[2001:db8::1]",
            json!("2001:db8::1"),
            json!(["2001:db8::1"]),
        ),
        ("unknown, 1.2.3.4", json!("1.2.3.4"), json!(["1.2.3.4"])),
        ("1.2.3.4, 1.2.3.4", json!("1.2.3.4"), json!(["1.2.3.4"])),
        ("host.example", Value::Null, Value::Null),
        ("1.2.3.4.5", Value::Null, Value::Null),
    ];
    for (address, ip, related) in cases {
        let expected = [
            ("source.address", json!(address)),
            ("source.ip", ip),
            ("related.ip", related),
        ];
        maps(&dc(&json!({"source": address})), &expected);
        maps(&cloud(&json!({"remoteAddress": address})), &expected);
    }
    maps(&dc(&json!({"source": ""})), &[("source", Value::Null)]);
}

#[test]
fn networks_and_trusted_proxies() {
    let cidr = |address: &str, prefix| (address.parse().expect("an address"), prefix);
    let options = Options {
        trusted: vec![cidr("1.2.0.0", 16)],
        networks: vec![
            (cidr("10.1.0.0", 16), "site".to_owned()),
            (cidr("10.0.0.0", 8), "office".to_owned()),
        ],
        asn: Box::new(|_| Some(json!({"number": 7}))),
        ..Options::default()
    };
    for (address, name) in [("10.1.2.3, 1.2.3.4", "site"), ("10.2.2.3", "office")] {
        let record = dc(&json!({"source": address}));
        let expected = [
            ("source.geo", json!({"name": name})),
            ("source.as.number", json!(7)),
        ];
        maps_with(&options, &record, &expected);
    }
}

// ---------------------------------------------------------------- §6

#[test]
fn categories() {
    let cases = [
        (
            "Global permission removed",
            json!(["iam", "configuration"]),
            json!(["deletion"]),
            Value::Null,
        ),
        (
            "audit.logging.summary.global.permission.removed",
            Value::Null,
            json!(["info"]),
            Value::Null,
        ),
        (
            "audit.logging.summary.user.password.changed",
            json!(["iam"]),
            json!(["user", "change"]),
            json!("success"),
        ),
        (
            "audit.logging.summary.login.failed",
            json!(["authentication"]),
            json!(["info"]),
            json!("failure"),
        ),
        (
            "audit.logging.summary.sudo.auth.successful",
            json!(["authentication"]),
            json!(["start"]),
            Value::Null,
        ),
        ("user created", Value::Null, json!(["info"]), Value::Null),
        ("S.user.created", Value::Null, json!(["info"]), Value::Null),
    ];
    for (action, category, kind, outcome) in cases {
        let expected = [
            ("event.category", category),
            ("event.type", kind),
            ("event.outcome", outcome),
        ];
        maps(&cloud(&json!({"summary": action})), &expected);
        let record = dc(&json!({"auditType": {"actionI18nKey": action}}));
        maps(&record, &expected);
    }
}

//! docs/mapping.md 3 to 6: fields, addresses, categories.

use serde_json::{Value, json};

use super::at;
use crate::rules::{event, maps};
use crate::support::program::project;

// ---------------------------------------------------------------- docs/mapping.md 3

#[test]
fn each_field_of_a_self_hosted_record() {
    let record = |kind: &str, time: &str| {
        format!(
            r#"{{"timestamp":{time},"{kind}":{{"action":"A","actionI18nKey":"k","area":"R","category":"C","categoryI18nKey":"c","level":"L","x.y":[1,{{"z":2}}]}},"author":{{"id":"i","name":"N","type":"user","uri":"http://w/u?username=n.a_m-E9"}},"source":"1.2.3.4","system":"https://u@Wiki:8443/c","method":"M","extraAttributes":[{{"name":"n","value":"v","k":1}}],"changedValues":[{{"key":"k","from":"f","to":"t","odd":[2]}}],"affectedObjects":[{{"name":"o","type":"Space","id":"1","uri":"u","odd":3}}],"version":"1.0","node":"n"}}"#
        )
    };
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {
            "affected_objects": [{"name": "o", "type": "Space", "id": "1", "uri": "u", "odd": 3}],
            "changed_values": [{"key": "k", "from": "f", "to": "t", "odd": [2]}],
            "extra_attributes": [{"name": "n", "value": "v", "k": 1}],
            "method": "M",
            "type": {"action": "A", "actionI18nKey": "k", "area": "R", "category": "C", "categoryI18nKey": "c", "level": "L", "x.y": [1, {"z": 2}]},
        }},
        "event": {"action": "k"},
        "related": {"hosts": ["Wiki"], "ip": ["1.2.3.4"], "user": ["n.a_m-E9"]},
        "service": {"address": "https://u@Wiki:8443/c"},
        "source": {"address": "1.2.3.4", "ip": "1.2.3.4"},
        "user": {"id": "i", "full_name": "N", "name": "n.a_m-E9"},
    });
    for (kind, time) in [
        ("auditType", r#"{"epochSecond":5}"#),
        ("type", "\"5\""),
        ("type", r#"{"epochSecond":5}"#),
        ("auditType", "\"5\""),
    ] {
        maps(&[], &record(kind, time), expected.clone());
    }
}

#[test]
fn a_username_is_at_the_end_of_a_uri() {
    let cases = [
        ("http://w/u?username=a", json!("a")),
        ("?username=AZaz09._-", json!("AZaz09._-")),
        ("http://w/u?username=", Value::Null),
        ("http://w/u?a=b&username=a", Value::Null),
        ("http://w/u?username=a&b=c", Value::Null),
        ("http://w/u?username=a#b", Value::Null),
        ("http://w/u?username=a%20b", Value::Null),
        ("http://w/u?username=a@b", Value::Null),
        ("http://w/u?username=é", Value::Null),
        ("http://w/u?username=a ", Value::Null),
        ("http://w/u?Username=a", Value::Null),
        ("username=a", Value::Null),
        ("a", Value::Null),
    ];
    let records: Vec<_> = cases
        .iter()
        .map(|(uri, _)| json!({"timestamp": "5", "author": {"uri": uri}}).to_string())
        .collect();
    for ((uri, expected), name) in cases.iter().zip(at(&[], "/user/name", &records)) {
        assert_eq!(name, *expected, "{uri}");
    }
}

#[test]
fn scalars_keep_their_type() {
    let record = r#"{"timestamp":"5","author":{"id":42,"name":true},"method":1.5,"system":false,"type":{"actionI18nKey":7}}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {"method": 1.5, "type": {"actionI18nKey": 7}}},
        "event": {"action": 7},
        "service": {"address": false},
        "user": {"id": 42, "full_name": true},
    });
    maps(&[], record, expected);
}

// ---------------------------------------------------------------- docs/mapping.md 4

#[test]
fn each_field_of_a_cloud_record() {
    let record = r#"{"creationDate":5,"author":{"type":"user","accountId":"a","displayName":"D","externalCollaborator":false,"username":"u"},"remoteAddress":"1.2.3.4","category":"C","summary":"S","description":"d","sysAdmin":false,"affectedObject":{"name":"w","objectType":"Workflow"},"changedValues":[{"name":"n","oldValue":"o","newValue":"v","hiddenOldValue":"h"}],"associatedObjects":[{"name":"s","objectType":"Space","type":"replaced"},{"type":"stays","objectType":""}]}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:00.005Z",
        "confluence": {"audit": {
            "affected_objects": [{"name": "s", "type": "Space"}, {"type": "stays"}, {"name": "w", "type": "Workflow"}],
            "changed_values": [{"i18nKey": "n", "key": "n", "from": "o", "to": "v", "hiddenOldValue": "h"}],
            "external_collaborator": false,
            "type": {"action": "S", "category": "C"},
        }},
        "event": {"action": "S"},
        "related": {"ip": ["1.2.3.4"]},
        "source": {"address": "1.2.3.4", "ip": "1.2.3.4"},
        "user": {"full_name": "D", "id": "a"},
    });
    maps(&[], record, expected);
}

#[test]
fn an_affected_object_is_appended_unless_it_is_there() {
    let cases = [
        // None of one of them, or of both.
        (r#""affectedObject":{"a":1}"#, json!([{"a": 1}])),
        (r#""associatedObjects":[{"a":1}]"#, json!([{"a": 1}])),
        (
            r#""associatedObjects":[],"affectedObject":{"a":1}"#,
            json!([{"a": 1}]),
        ),
        (
            r#""associatedObjects":[{"a":1}],"affectedObject":{}"#,
            json!([{"a": 1}]),
        ),
        (r#""x":1"#, Value::Null),
        // At the end.
        (
            r#""associatedObjects":[{"a":1},{"b":2}],"affectedObject":{"c":3}"#,
            json!([{"a": 1}, {"b": 2}, {"c": 3}]),
        ),
        // Equal: whatever the order of keys and the spelling of texts, without what is empty.
        (
            r#""associatedObjects":[{"a":"é","b":2}],"affectedObject":{"b":2,"a":"\u00e9"}"#,
            json!([{"a": "é", "b": 2}]),
        ),
        (
            r#""associatedObjects":[{"a":[1,null]}],"affectedObject":{"a":[1],"b":{"c":""}}"#,
            json!([{"a": [1]}]),
        ),
        // Unequal: a number of another kind, a part, another order in a list, another type.
        (
            r#""associatedObjects":[{"a":1}],"affectedObject":{"a":1.0}"#,
            json!([{"a": 1}, {"a": 1.0}]),
        ),
        (
            r#""associatedObjects":[{"a":1,"b":2}],"affectedObject":{"a":1}"#,
            json!([{"a": 1, "b": 2}, {"a": 1}]),
        ),
        (
            r#""associatedObjects":[{"a":[1,2]}],"affectedObject":{"a":[2,1]}"#,
            json!([{"a": [1, 2]}, {"a": [2, 1]}]),
        ),
        (
            r#""associatedObjects":[{"a":1}],"affectedObject":{"a":"1"}"#,
            json!([{"a": 1}, {"a": "1"}]),
        ),
        // Before renaming: these become equal only then.
        (
            r#""associatedObjects":[{"type":"U"}],"affectedObject":{"objectType":"U"}"#,
            json!([{"type": "U"}, {"type": "U"}]),
        ),
        // A single object in the place of the list stays as it is, alone.
        (
            r#""associatedObjects":{"objectType":"U"}"#,
            json!({"objectType": "U"}),
        ),
        (
            r#""associatedObjects":{"a":1},"affectedObject":{"a":1}"#,
            json!({"a": 1}),
        ),
        (
            r#""associatedObjects":{"a":1},"affectedObject":{"a":2}"#,
            json!([{"a": 1}, {"a": 2}]),
        ),
    ];
    let records: Vec<_> = cases
        .iter()
        .map(|(members, _)| format!(r#"{{"creationDate":5,{members}}}"#))
        .collect();
    let found = at(&[], "/confluence/audit/affected_objects", &records);
    for ((members, expected), objects) in cases.iter().zip(found) {
        crate::support::events::assert_same_event(&objects, expected, members);
    }
}

#[test]
fn a_single_changed_value_stays_as_it_is() {
    let record = r#"{"creationDate":5,"changedValues":{"name":"n","newValue":"v"}}"#;
    let changed = &event(&[], record)["confluence"]["audit"]["changed_values"];
    // Renamed or not, it is no list.
    assert!(changed.is_object(), "{changed}");
    assert_eq!(*changed, json!({"name": "n", "newValue": "v"}));
}

// ---------------------------------------------------------------- docs/mapping.md 5

/// `source.ip` and `related.ip` of each address.
#[track_caller]
fn addresses(flags: &[&str], cases: &[(&str, &str, &[&str])]) {
    for (field, record) in [
        ("source", r#""timestamp":"5""#),
        ("remoteAddress", r#""creationDate":5"#),
    ] {
        let records: Vec<_> = cases
            .iter()
            .map(|(address, ..)| format!("{{{record},\"{field}\":{}}}", json!(address)))
            .collect();
        let found = at(flags, "/source", &records);
        let related = at(flags, "/related/ip", &records);
        for (((address, ip, all), source), related) in cases.iter().zip(found).zip(related) {
            assert_eq!(source["address"], *address);
            let text = |text: &str| {
                if text.is_empty() {
                    Value::Null
                } else {
                    json!(text)
                }
            };
            assert_eq!(
                source.get("ip").cloned().unwrap_or_default(),
                text(ip),
                "{address}"
            );
            let all = if all.is_empty() {
                Value::Null
            } else {
                json!(all)
            };
            assert_eq!(related, all, "{address}");
        }
    }
}

#[test]
fn an_address_is_a_literal_or_the_last_of_a_list_outside_the_trusted_networks() {
    addresses(
        &[],
        &[
            ("81.2.69.142", "81.2.69.142", &["81.2.69.142"]),
            ("2001:DB8:0:0::1", "2001:DB8:0:0::1", &["2001:DB8:0:0::1"]),
            ("10.0.0.1", "10.0.0.1", &["10.0.0.1"]),
            ("1.1.1.1, 2.2.2.2", "2.2.2.2", &["2.2.2.2", "1.1.1.1"]),
            (
                "1.1.1.1,2.2.2.2, 10.0.0.1",
                "2.2.2.2",
                &["2.2.2.2", "1.1.1.1", "10.0.0.1"],
            ),
            ("1.1.1.1, 1.1.1.1", "1.1.1.1", &["1.1.1.1"]),
            (
                "10.0.0.1, 192.168.0.1",
                "10.0.0.1",
                &["10.0.0.1", "192.168.0.1"],
            ),
            ("1.1.1.1:443", "1.1.1.1", &["1.1.1.1"]),
            ("[2001:db8::1]:443", "2001:db8::1", &["2001:db8::1"]),
            ("[2001:db8::1]", "2001:db8::1", &["2001:db8::1"]),
            ("unknown, 1.1.1.1, x", "1.1.1.1", &["1.1.1.1"]),
            ("wiki.example.com", "", &[]),
            ("1.1.1", "", &[]),
            ("1.1.1.256", "", &[]),
            (" ", "", &[]),
        ],
    );
}

/// Loopback, link-local and private ranges, to their edges.
#[test]
fn trusted_are_private_networks_unless_others_are_named() {
    let trusted = [
        "127.0.0.1",
        "127.255.255.255",
        "::1",
        "169.254.0.1",
        "169.254.255.255",
        "fe80::1",
        "febf::1",
        "10.0.0.0",
        "10.255.255.255",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.0.1",
        "192.168.255.255",
        "fc00::1",
        "fdff::1",
    ];
    let others = [
        "126.255.255.255",
        "128.0.0.1",
        "::2",
        "169.253.255.255",
        "169.255.0.1",
        "fec0::1",
        "9.255.255.255",
        "11.0.0.1",
        "172.15.255.255",
        "172.32.0.1",
        "192.167.255.255",
        "192.169.0.1",
        "fbff::1",
        "fe00::1",
        "100.64.0.1",
    ];
    let last = |flags: &[&str], address: &str| {
        let record = json!({"timestamp": "5", "source": format!("8.8.8.8, {address}")}).to_string();
        event(flags, &record)["source"]["ip"].clone()
    };
    for address in trusted {
        assert_eq!(last(&[], address), "8.8.8.8", "{address}");
    }
    for address in others {
        assert_eq!(last(&[], address), address);
    }
    let named = [
        "--trusted-proxy",
        "11.0.0.0/8",
        "--trusted-proxy",
        "2001:db8::/32",
    ];
    for (address, expected) in [
        ("11.1.1.1", "8.8.8.8"),
        ("2001:db8::9", "8.8.8.8"),
        ("10.0.0.1", "10.0.0.1"),
    ] {
        assert_eq!(last(&named, address), expected);
    }
}

#[test]
fn the_most_specific_network_gives_the_name() {
    let flags = [
        "--network",
        "10.1.0.0/16=site",
        "--network",
        "10.0.0.0/8=office",
        "--network",
        "10.1.2.0/24=floor",
        "--network",
        "81.2.69.0/24=known",
        "--geoip-city",
        "testdata/geoip/confluence-ecs-city.mmdb",
    ];
    let geo = |address: &str| {
        event(
            &flags,
            &json!({"creationDate": 5, "remoteAddress": address}).to_string(),
        )["source"]["geo"]
            .clone()
    };
    for (address, name) in [
        ("10.1.2.3", "floor"),
        ("10.1.3.3", "site"),
        ("10.2.3.3", "office"),
    ] {
        assert_eq!(geo(address), json!({"name": name}));
    }
    assert_eq!(geo("11.0.0.1"), Value::Null);
    let known = geo("81.2.69.142");
    assert_eq!(
        (&known["name"], &known["city_name"]),
        (&json!("known"), &json!("London"))
    );
}

#[test]
fn places_and_autonomous_systems_are_those_of_the_databases() {
    let flags = [
        "--geoip-city",
        "testdata/geoip/confluence-ecs-city.mmdb",
        "--geoip-asn",
        "testdata/geoip/confluence-ecs-asn.mmdb",
    ];
    let source = |address: &str| {
        event(
            &flags,
            &json!({"creationDate": 5, "remoteAddress": address}).to_string(),
        )["source"]
            .clone()
    };
    let whole = json!({
        "address": "81.2.69.142",
        "as": {"number": 20712, "organization": {"name": "Andrews & Arnold Ltd"}},
        "geo": {
            "city_name": "London", "continent_name": "Europe", "country_iso_code": "GB", "country_name": "United Kingdom",
            "location": {"lat": 51.5142, "lon": -0.0931}, "region_iso_code": "GB-ENG", "region_name": "England",
        },
        "ip": "81.2.69.142",
    });
    assert_eq!(source("81.2.69.142"), whole);
    // No match; only a registered country; one number of a location; the last of two subdivisions.
    assert_eq!(
        source("8.8.8.8"),
        json!({"address": "8.8.8.8", "ip": "8.8.8.8"})
    );
    assert_eq!(source("198.51.100.81").get("geo"), None);
    assert_eq!(source("192.0.2.17")["geo"].get("location"), None);
    assert_eq!(source("198.51.100.1")["geo"]["region_iso_code"], "GB-WBK");
}

// ---------------------------------------------------------------- docs/mapping.md 6

/// The rows of the table in docs/mapping.md: actions, and category, type and outcome as lists.
fn table() -> Vec<(Vec<String>, [Vec<String>; 3])> {
    let text = std::fs::read_to_string(project("docs/mapping.md")).expect("there");
    let (_, text) = text
        .split_once("| event.action | category | type | outcome |\n")
        .expect("the table");
    let rows = text
        .lines()
        .skip(1)
        .take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let split = |cell: &str| -> Vec<String> {
            let parts = cell.split(", ").filter(|part| !part.is_empty());
            parts.map(str::to_owned).collect()
        };
        let actions = split(cells[0])
            .iter()
            .map(|action| {
                let action = action.trim_matches('`');
                action.strip_prefix("S.").map_or(action.to_owned(), |key| {
                    format!("audit.logging.summary.{key}")
                })
            })
            .collect();
        (actions, [split(cells[1]), split(cells[2]), split(cells[3])])
    })
    .collect()
}

#[test]
fn the_table_of_categories_holds_in_every_dialect() {
    let (mut actions, mut expected) = (Vec::new(), Vec::new());
    for (names, row) in table() {
        for name in names {
            actions.push(name);
            expected.push(row.clone());
        }
    }
    assert_eq!(actions.len(), 36, "{actions:?}");
    // By exact match: none of these is in the table.
    for other in [
        "user created",
        "User created ",
        "S.user.created",
        "audit.logging.summary.global.permission.removed",
        "audit.logging.summary.sudo.auth.failed",
        "Page viewed",
    ] {
        actions.push(other.to_owned());
        expected.push([vec![], vec!["info".to_owned()], vec![]]);
    }
    for record in [
        |action: &str| json!({"creationDate": 5, "summary": action}),
        |action: &str| json!({"timestamp": "5", "type": {"actionI18nKey": action}}),
        |action: &str| json!({"timestamp": {"epochSecond": 5}, "auditType": {"actionI18nKey": action}}),
    ] {
        let records: Vec<_> = actions
            .iter()
            .map(|action| record(action).to_string())
            .collect();
        for ((action, [category, kind, outcome]), event) in
            actions
                .iter()
                .zip(&expected)
                .zip(at(&[], "/event", &records))
        {
            let list = |list: &[String]| {
                if list.is_empty() {
                    Value::Null
                } else {
                    json!(list)
                }
            };
            let found = |name: &str| event.get(name).cloned().unwrap_or_default();
            assert_eq!(found("action"), **action);
            assert_eq!(found("category"), list(category), "{action}");
            assert_eq!(found("type"), list(kind), "{action}");
            assert_eq!(
                found("outcome"),
                outcome.first().map_or(Value::Null, |one| json!(one)),
                "{action}"
            );
        }
    }
}

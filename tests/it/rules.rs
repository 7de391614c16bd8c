//! Whole records through the binary: what each rule of docs/mapping.md makes of them. One record may be
//! the case of several rules; what is not named of its event is as for any other.

use crate::support::events::assert_same_event;
use crate::support::program::{events, run};
use confluence_ecs::pipeline::timestamp::Timestamp;
use serde_json::{Value, json};

/// The event of a record, without what every event has.
pub fn event(flags: &[&str], record: &str) -> Value {
    let arguments = ["normalize", "-q"].iter().chain(flags);
    let mut events = events(arguments, record.as_bytes());
    assert_eq!(events.len(), 1, "{record}");
    let mut event = events.remove(0);
    for (field, value) in [
        (
            "data_stream",
            json!({"dataset": "atlassian_confluence.audit", "namespace": "default", "type": "logs"}),
        ),
        ("ecs", json!({"version": "8.11.0"})),
        ("input", json!({"type": "stdin"})),
    ] {
        let fields = event.as_object_mut().expect("an object");
        assert_eq!(fields.remove(field), Some(value), "{record}");
    }
    event
}

/// Checks the whole event of a record but for the constants; `expected` lacks those of
/// `event` and the tags that are as usual.
pub fn maps(flags: &[&str], record: &str, mut expected: Value) {
    let actual = event(flags, record);
    if expected.get("tags").is_none() {
        expected["tags"] = json!(["confluence-audit"]);
    }
    for (field, usual) in [
        ("dataset", json!("atlassian_confluence.audit")),
        ("kind", json!("event")),
        ("type", json!(["info"])),
    ] {
        if expected["event"].get(field).is_none() {
            expected["event"][field] = usual;
        }
    }
    assert_same_event(&actual, &expected, record);
}

/// The `pipeline_error` event of a record that cannot be mapped.
pub fn fails(flags: &[&str], record: &str) -> Value {
    let event = event(flags, record);
    assert_eq!(event["event"]["kind"], "pipeline_error", "{record}");
    assert_eq!(event["event"]["original"], record);
    assert!(event["error"]["message"].is_string(), "{record}");
    assert_is_now(&event["@timestamp"]);
    event
}

fn assert_is_now(time: &Value) {
    let time = time
        .as_str()
        .and_then(Timestamp::from_text)
        .expect("a time");
    let ago = Timestamp::now().millis() - time.millis();
    assert!((0..60_000).contains(&ago), "{ago} ms ago");
}

// ---------------------------------------------------------------- docs/mapping.md 1

#[test]
fn an_empty_marker_is_no_marker_of_a_dialect() {
    for empty in ["null", "\"\"", "{}", "[]", r#"{"a":[null,{"b":""}]}"#] {
        let record = format!(
            r#"{{"creationDate":{empty},"auditType":{empty},"timestamp":"5","type":{{"actionI18nKey":"k"}}}}"#
        );
        let expected = json!({
            "@timestamp": "1970-01-01T00:00:05.000Z",
            "confluence": {"audit": {"type": {"actionI18nKey": "k"}}},
            "event": {"action": "k"},
        });
        maps(&[], &record, expected);
        let record = format!(r#"{{"creationDate":{empty},"timestamp":{empty}}}"#);
        let error = fails(&[], &record);
        let message = error["error"]["message"].as_str().expect("text");
        let told = format!("the time in `creationDate` at byte 16 is empty: {empty}; expected ");
        assert!(message.starts_with(&told), "{message}");
    }
}

#[test]
fn times_of_the_data_center_api() {
    for (text, time) in [
        ("2021-11-22", "2021-11-22T00:00:00.000Z"),
        ("2021-11-22T23", "2021-11-22T23:00:00.000Z"),
        ("2021-11-22T23:44UTC", "2021-11-22T23:44:00.000Z"),
        ("2021-11-22T23:44:13,5+01:00:30", "2021-11-22T22:43:43.500Z"),
        (" .5 ", "1970-01-01T00:00:00.500Z"),
        ("+5", "1970-01-01T00:00:05.000Z"),
        ("1637624653.", "2021-11-22T23:44:13.000Z"),
        ("1.6E9", "2020-09-13T12:26:40.000Z"),
    ] {
        let record = format!(r#"{{"timestamp":"{text}"}}"#);
        maps(&[], &record, json!({"@timestamp": time}));
        let elastic = ["--timestamps", "elastic"];
        maps(&elastic, &record, json!({"@timestamp": time}));
    }
    for text in [
        "2021-11",
        "1637624653873",
        "NaN",
        "Infinity",
        "2021-11-22T24",
    ] {
        fails(&[], &format!(r#"{{"timestamp":"{text}"}}"#));
    }
}

#[test]
fn a_time_is_in_the_years_1_to_9999_whatever_its_form() {
    let forms: [fn(i64) -> String; 3] = [
        |second| format!(r#"{{"creationDate":{second}000}}"#),
        |second| format!(r#"{{"timestamp":{{"epochSecond":{second},"nano":0}}}}"#),
        |second| format!(r#"{{"timestamp":"{second}"}}"#),
    ];
    let (first, last) = (-62_135_596_800, 253_402_300_799);
    for record in forms {
        for flags in [&[][..], &["--timestamps", "elastic"]] {
            let time = |time: &str| json!({"@timestamp": time});
            maps(flags, &record(first), time("0001-01-01T00:00:00.000Z"));
            maps(flags, &record(last), time("9999-12-31T23:59:59.000Z"));
            fails(flags, &record(first - 1));
            fails(flags, &record(last + 1));
        }
    }
    for text in ["0000-12-31", "0001-01-01T00:00+01", "10000-01-01"] {
        fails(&[], &format!(r#"{{"timestamp":"{text}"}}"#));
    }
}

// ---------------------------------------------------------------- docs/mapping.md 2

#[test]
fn what_is_empty_is_absent_and_the_original_untouched() {
    let record = r#"{"auditType":{"action":"","actionI18nKey":[""],"category":{"a":[]},"level":0},"author":{"id":"","name":[null],"uri":""},"source":"","system":{},"method":" ","timestamp":{"epochSecond":5,"nano":""},"changedValues":[{"from":null},"",[]],"extraAttributes":{"a":""}}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {"method": " ", "type": {"level": 0}}},
        "event": {"original": record},
        "tags": ["preserve_original_event", "confluence-audit"],
    });
    maps(&["--preserve-original-event"], record, expected);
}

/// An empty `auditType` gives way to `type`, an empty element of a list goes.
#[test]
fn what_is_empty_gives_way() {
    let record = r#"{"timestamp":"5","type":{"a":""},"auditType":{"actionI18nKey":"k"},"affectedObjects":[{"name":"","type":""},{"name":"n"}]}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {"affected_objects": [{"name": "n"}], "type": {"actionI18nKey": "k"}}},
        "event": {"action": "k"},
    });
    maps(&["--dialect", "dc-api"], record, expected);
}

// ---------------------------------------------------------------- docs/mapping.md 3

#[test]
fn lists_of_scalars_and_single_objects() {
    let record = r#"{"timestamp":"5","author":{"id":["a",5,""],"name":["a",{"b":1}]},"source":["81.2.69.142","10.0.0.1"],"system":["http://a/",7,"http://b:1/","x"],"method":[true,null],"affectedObjects":{"name":"n","type":""},"changedValues":"text","extraAttributes":5,"type":{"actionI18nKey":["User created"]}}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {
            "affected_objects": {"name": "n"},
            "method": [true],
            "type": {"actionI18nKey": ["User created"]},
        }},
        "event": {"action": ["User created"]},
        "related": {"hosts": ["a", "b"], "ip": ["81.2.69.142", "10.0.0.1"]},
        "service": {"address": ["http://a/", 7, "http://b:1/", "x"]},
        "source": {"address": ["81.2.69.142", "10.0.0.1"], "ip": ["81.2.69.142", "10.0.0.1"]},
        "user": {"id": ["a", 5]},
    });
    maps(&[], record, expected);
}

#[test]
fn names_of_lists_are_related_one_by_one() {
    let record = r#"{"timestamp":"5","type":{"actionI18nKey":"audit.logging.summary.group.membership.added","category":"Users and groups"},"author":{"uri":"?username=me"},"affectedObjects":[{"type":"User","name":["me",5,true,"you"]}]}"#;
    let event = event(&[], record);
    assert_eq!(event["related"], json!({"user": ["me", "5", "you"]}));
    assert_eq!(
        event["user"]["target"],
        json!({"name": ["me", 5, true, "you"]})
    );
}

/// All cases of `testdata/uri-hosts.ndjson`.
#[test]
fn hosts_are_those_of_java() {
    let cases = include_str!("../../testdata/uri-hosts.ndjson").lines();
    let cases: Vec<Value> = cases
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let record = |case: &Value| json!({"timestamp": "5", "system": case["system"]}).to_string();
    let records: Vec<String> = cases.iter().map(record).collect();
    let events = events(["normalize", "-q"], records.join("\n").as_bytes());
    assert_eq!(events.len(), 4000);
    for (case, event) in cases.iter().zip(&events) {
        let host = event.pointer("/related/hosts/0").unwrap_or(&Value::Null);
        assert_eq!(*host, case["host"], "{case}");
    }
}

// ---------------------------------------------------------------- docs/mapping.md 4

#[test]
fn an_affected_object_is_compared_without_what_is_empty() {
    let record = r#"{"creationDate":5,"associatedObjects":[{"name":"a","x":[null]},{"objectType":"","type":"Space","n":1}],"affectedObject":{"name":"a","objectType":""}}"#;
    let objects = |objects: Value| {
        json!({
            "@timestamp": "1970-01-01T00:00:00.005Z",
            "confluence": {"audit": {"affected_objects": objects}},
            "event": {},
        })
    };
    let two = json!([{"name": "a"}, {"type": "Space", "n": 1}]);
    maps(&[], record, objects(two));
    let record = r#"{"creationDate":5,"associatedObjects":[{"n":1}],"affectedObject":{"n":1.0,"objectType":{"a":""}}}"#;
    maps(&[], record, objects(json!([{"n": 1}, {"n": 1.0}])));
    // A scalar in the place of the list is left out (§3), so what equals it is not there yet.
    let record = r#"{"creationDate":5,"associatedObjects":false,"affectedObject":false}"#;
    maps(&[], record, objects(json!([false])));
}

#[test]
fn changed_values_take_over_what_is_there_only() {
    let record = r#"{"creationDate":5,"changedValues":[{"name":"","key":"k","i18nKey":"i","newValue":[""],"to":"t","oldValue":{},"from":"f","hiddenOldValue":"h"},{"name":"n","key":"k","newValue":0,"to":"t","oldValue":false}]}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:00.005Z",
        "confluence": {"audit": {"changed_values": [
            {"key": "k", "i18nKey": "i", "to": "t", "from": "f", "hiddenOldValue": "h"},
            {"key": "n", "i18nKey": "n", "to": 0, "from": false},
        ]}},
        "event": {},
    });
    maps(&[], record, expected);
}

// ---------------------------------------------------------------- docs/mapping.md 5

#[test]
fn a_source_that_is_empty_or_a_list() {
    let located = |source: &str| {
        let city = "testdata/geoip/confluence-ecs-city.mmdb";
        let record = format!(r#"{{"creationDate":5,"remoteAddress":{source}}}"#);
        let mut event = event(&["--geoip-city", city], &record);
        let geo = event.pointer("/source/geo/city_name").cloned();
        let (source, related) = (event["source"].take(), event["related"].take());
        (source["ip"].clone(), related["ip"].clone(), geo)
    };
    let london = Some(json!("London"));
    let none = (Value::Null, Value::Null, None);
    assert_eq!(located("\"\""), none);
    assert_eq!(located("[\"\",null]"), none);
    assert_eq!(located("{\"a\":\"81.2.69.142\"}"), none);
    assert_eq!(located("[\"host\"]"), none);
    let ips = json!(["10.0.0.1", "81.2.69.142", "10.0.0.1"]);
    assert_eq!(
        located(&ips.to_string()),
        (ips, json!(["10.0.0.1", "81.2.69.142"]), london.clone())
    );
    // What is no list of addresses alone is read as a proxy chain is.
    assert_eq!(
        located(r#"["9.9.9.9",7,"81.2.69.142:80, 10.0.0.1"]"#),
        (
            json!("81.2.69.142"),
            json!(["81.2.69.142", "9.9.9.9", "10.0.0.1"]),
            london
        )
    );
}

// ---------------------------------------------------------------- docs/mapping.md 7

#[test]
fn a_user_that_is_created_has_no_old_values() {
    let record = r#"{"creationDate":5,"summary":"User created","category":"Users and groups","changedValues":[{"name":"Email","oldValue":"","newValue":"z@example.com"},{"name":"Display name","oldValue":"","newValue":"Zoë"},{"name":"Username","oldValue":[],"newValue":"zoe"}]}"#;
    let user = json!({"email": "z@example.com", "full_name": "Zoë", "name": "zoe"});
    let event = event(&[], record);
    assert_eq!(event["user"], json!({"changes": user, "target": user}));
    assert_eq!(event["related"], json!({"user": ["zoe"]}));
}

/// An absent value removes what stood there, and what is empty is absent.
#[test]
fn an_empty_value_removes_what_stood_there() {
    let record = r#"{"timestamp":"5","type":{"actionI18nKey":"audit.logging.summary.login.success","categoryI18nKey":"audit.logging.category.auth"},"author":{"id":"me","name":"Me","uri":"?username=me"},"affectedObjects":[{"type":"User","name":"N","id":"","uri":""},{"type":"","name":"no user"}]}"#;
    let event = event(&[], record);
    assert_eq!(event["user"], json!({"full_name": "N", "name": "me"}));
    let renamed = r#"{"timestamp":"5","type":{"actionI18nKey":"audit.logging.summary.user.renamed","category":"Users and groups"},"changedValues":[{"i18nKey":"audit.logging.changed.value.username","from":"","to":"new"}]}"#;
    let event = self::event(&[], renamed);
    assert_eq!(event["user"], json!({"changes": {"name": "new"}}));
}

// ---------------------------------------------------------------- docs/mapping.md 8

#[test]
fn clean_up_leaves_false_zero_and_blanks() {
    let record = r#"{"timestamp":"5","extraAttributes":[{"a":false,"b":0,"c":" ","d":-0.0,"e":9223372036854775807,"f":{"g":[[]]}},{"a":""}]}"#;
    let expected = json!({
        "@timestamp": "1970-01-01T00:00:05.000Z",
        "confluence": {"audit": {"extra_attributes": [
            {"a": false, "b": 0, "c": " ", "d": -0.0, "e": 9_223_372_036_854_775_807_i64},
        ]}},
        "event": {},
    });
    maps(&[], record, expected);
}

// ---------------------------------------------------------------- docs/mapping.md 9

#[test]
fn tags_are_added_to_the_default_ones() {
    let tags = |flags: &[&str], record: &str| event(flags, record)["tags"].clone();
    let good = r#"{"creationDate":5}"#;
    for (flags, own) in [
        (&[][..], json!(["confluence-audit"])),
        (
            &["--tag", "b", "--tag", "a"],
            json!(["confluence-audit", "b", "a"]),
        ),
        (&["--no-default-tags", "--tag", "b"], json!(["b"])),
        (&["--no-default-tags"], Value::Null),
        // Each once.
        (
            &["--tag", "confluence-audit", "--tag", "b", "--tag", "b"],
            json!(["confluence-audit", "b"]),
        ),
    ] {
        assert_eq!(tags(flags, good), own);
        let mut preserved = vec![json!("preserve_original_event")];
        preserved.extend(own.as_array().into_iter().flatten().cloned());
        let preserved = Value::Array(preserved);
        let preserving: Vec<&str> = flags
            .iter()
            .copied()
            .chain(["--preserve-original-event"])
            .collect();
        assert_eq!(tags(&preserving, good), preserved);
        // What cannot be mapped keeps its text, whatever the flag, and says so.
        assert_eq!(tags(flags, "{"), preserved);
        assert_eq!(tags(&preserving, "{"), preserved);
    }
}

#[test]
fn constant_tags_do_not_lose_the_text_of_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    for (constant, expected) in [
        (
            json!(["x", "preserve_original_event"]),
            json!(["preserve_original_event", "x"]),
        ),
        (json!("x"), json!(["preserve_original_event", "x"])),
        (
            json!([]),
            json!(["preserve_original_event", "confluence-audit"]),
        ),
    ] {
        let path = folder.path().join("fields.json");
        std::fs::write(&path, json!({"tags": constant}).to_string()).expect("written");
        let event = fails(&["--add-fields", &path.display().to_string()], "{");
        assert_eq!(event["tags"], expected);
    }
}

// ---------------------------------------------------------------- docs/mapping.md 10

#[test]
fn a_cloud_record_without_a_time_is_mapped_where_the_dialect_is_forced() {
    for record in [
        r#"{"summary":"Space created","remoteAddress":"1.2.3.4"}"#,
        r#"{"summary":"Space created","remoteAddress":"1.2.3.4","creationDate":null}"#,
        r#"{"summary":"Space created","remoteAddress":"1.2.3.4","creationDate":{"a":""},"timestamp":"5"}"#,
    ] {
        let event = event(&["--dialect", "cloud"], record);
        assert_is_now(&event["@timestamp"]);
        assert_eq!(event["event"]["kind"], "event");
        assert_eq!(event["event"]["action"], "Space created");
        assert_eq!(event["source"]["ip"], "1.2.3.4");
        if !record.contains("timestamp") {
            fails(&[], record);
        }
        if !record.contains("\"5\"") {
            fails(&["--dialect", "dc-api"], record);
        }
    }
    // One that is there must be a time.
    for date in [
        "true",
        "\"soon\"",
        "[5]",
        "99999999999999999999",
        "{\"a\":1}",
    ] {
        let record = format!(r#"{{"summary":"Space created","creationDate":{date}}}"#);
        fails(&["--dialect", "cloud"], &record);
    }
    // Counted like any other.
    let output = run(
        ["normalize", "--strict", "--dialect", "cloud"],
        b"{\"summary\":\"s\"}\n",
    );
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_page_is_no_record_without_a_time() {
    let times = |input: &str, flags: &[&str]| -> Vec<String> {
        let arguments = ["normalize", "-q"].iter().chain(flags);
        let events = events(arguments, input.as_bytes());
        let time = |event: &Value| match event["event"]["kind"].as_str() {
            Some("pipeline_error") => "error".to_owned(),
            _ => event["@timestamp"].as_str().unwrap_or_default()[20..23].to_owned(),
        };
        events.iter().map(time).collect()
    };
    let cloud = &["--dialect", "cloud"][..];
    let record = r#"{"creationDate":1}"#;
    let page = r#"{"results":[{"creationDate":2},{"creationDate":3}],"size":2}"#;
    let empty = r#"{"results":[],"start":0,"limit":25,"size":0}"#;
    for flags in [cloud, &[]] {
        for (input, expected) in [
            (format!("{record}\n{page}\n"), &["001", "002", "003"][..]),
            (format!("{page}\n{page}\n"), &["002", "003", "002", "003"]),
            // An array may hold pages.
            (
                format!("{record}\n[{page},{record}]\n"),
                &["001", "002", "003", "001"],
            ),
            (format!("[{page}]"), &["002", "003"]),
            (format!("{record}\n{empty}\n"), &["001"]),
        ] {
            assert_eq!(times(&input, flags), expected, "{input} {flags:?}");
        }
    }
    // Nesting without end is an error, not the end of the program.
    let nested = r#"{"results":["#.repeat(500_000);
    let events = times(&format!("{record}\n{nested}\n"), cloud);
    assert_eq!(events[0], "001");
    assert!(
        events[1..].iter().all(|event| event == "error"),
        "{events:?}"
    );
}

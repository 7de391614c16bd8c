//! Validating events: each kind of violation, and every event that the binary makes.

use confluence_ecs::pipeline::dataset::Dataset;
use std::path::{Path, PathBuf};

use crate::support::program::{project, run, stderr};
use confluence_ecs::schema::fields;
use confluence_ecs::schema::fields::Exception;
use confluence_ecs::schema::validate::{Validator, Violation};
use serde_json::{Value, json};

fn told(violations: &[Violation]) -> Vec<String> {
    violations.iter().map(Violation::to_string).collect()
}

/// An event has exactly these violations.
#[track_caller]
fn check(event: &Value, expected: &[&str]) {
    assert_eq!(told(&Validator::new().validate(event)), expected, "{event}");
}

#[test]
fn the_sample_event_of_the_documentation_is_valid() {
    check(&sample(), &[]);
}

fn sample() -> Value {
    let text = std::fs::read(project("testdata/sample/event.json")).expect("the sample event");
    serde_json::from_slice(&text).expect("JSON")
}

#[test]
fn unknown_fields() {
    check(&json!({"messages": "x"}), &["messages: unknown field"]);
    check(
        &json!({"host": {"os": {"fool": "x"}}}),
        &["host.os.fool: unknown field"],
    );
    check(
        &json!({"confluence": {"audit": {"types": {}}}}),
        &["confluence.audit.types: unknown field"],
    );
    check(
        &json!({"event.kind": "event"}),
        &["[\"event.kind\"]: unknown field"],
    );
    check(
        &json!({"user": {"name.text": 1}}),
        &["user[\"name.text\"]: unknown field"],
    );
    check(
        &json!({"source": {"geo": {"location": {"lat": 1, "lon": 2, "alt": 3}}}}),
        &["source.geo.location.alt: unknown field"],
    );
}

#[test]
fn other_keys_of_the_audit_type_may_hold_anything() {
    let odd = json!({"new": [1, {"a": null}], "a.b": {"c": 1}, "action": 5, "level": true});
    check(&json!({"confluence": {"audit": {"type": odd}}}), &[]);
    check(
        &json!({"confluence": {"audit": {"type": {"level": {"a": 1}}}}}),
        &["confluence.audit.type.level: expected a text, a number or a boolean, found an object"],
    );
    check(
        &json!({"confluence": {"audit": {"type": "x"}}}),
        &["confluence.audit.type: expected an object, found \"x\""],
    );
}

#[test]
fn objects_and_lists() {
    check(&json!([]), &["the event: expected an object, found a list"]);
    check(
        &json!({"host": "x"}),
        &["host: expected an object, found \"x\""],
    );
    check(
        &json!({"tags": "x"}),
        &["tags: expected a list, found \"x\""],
    );
    check(
        &json!({"tags": ["x", 1, null, ["y"]]}),
        &[
            "tags[2]: expected a text, a number or a boolean, found null",
            "tags[3]: expected a text, a number or a boolean, found a list",
        ],
    );
    check(
        &json!({"user": {"name": ["x"]}}),
        &["user.name: expected a text, a number or a boolean, found a list"],
    );
    // A field of a record is a list where the record has one.
    check(
        &json!({"user": {"id": ["x", 1, {}]}}),
        &["user.id[2]: expected a text, a number or a boolean, found an object"],
    );
    check(
        &json!({"host": {"ip": ["10.0.0.1", "ten"]}}),
        &["host.ip[1]: expected an IP address, found \"ten\""],
    );
}

/// Values of each type, and values that are not.
#[test]
fn types() {
    let scalars = [json!("x"), json!(42), json!(1.5), json!(true)];
    accepts("/user/name", &scalars);
    accepts("/error/message", &scalars);
    refuses(
        "/user/name",
        "a text, a number or a boolean",
        &[json!(null), json!({}), json!([])],
    );

    accepts("/elastic_agent/snapshot", &[json!(true), json!(false)]);
    refuses(
        "/elastic_agent/snapshot",
        "true or false",
        &[json!("true"), json!(1)],
    );

    accepts(
        "/log/offset",
        &[
            json!(0),
            json!(-1),
            json!(i64::MAX),
            json!(i64::MIN),
            json!(2.0),
        ],
    );
    refuses(
        "/log/offset",
        "a whole number of 64 bits",
        &[json!("0"), json!(1.5), json!(u64::MAX), json!(9.3e18)],
    );

    accepts(
        "/source/ip",
        &[
            json!("81.2.69.143"),
            json!("2001:db8::1"),
            json!("::ffff:1.2.3.4"),
        ],
    );
    refuses(
        "/source/ip",
        "an IP address",
        &[
            json!("1.2.3"),
            json!("1.2.3.4:80"),
            json!("[::1]"),
            json!("fe80::1%eth0"),
            json!(16_909_060),
        ],
    );

    accepts(
        "/confluence/audit/changed_values",
        &[json!([{"a": [{}]}]), json!(["x", 1, null]), json!({"a": 1})],
    );
    refuses(
        "/confluence/audit/changed_values",
        "a list of objects, or an object",
        &[json!(1), json!("x")],
    );
}

#[test]
fn dates() {
    accepts(
        "/@timestamp",
        &[
            json!("2021-11-22T23:44:13.873Z"),
            json!("2021-11-22T23:44:13Z"),
            json!("2021-11-22T23:44:13.123456789Z"),
            json!("2021-11-22T23:44:13+05:30"),
            json!("2021-11-22T23:44:13.5-00:00"),
            json!("2020-02-29T00:00:00Z"),
            json!("2000-02-29T00:00:00Z"),
        ],
    );
    let wrong = [
        "",
        "Z",
        "2021-11-22",
        "2021-11-22T23:44:13",
        "2021-11-22 23:44:13Z",
        "2021-11-22t23:44:13Z",
        "2021-11-22T23:44Z",
        "2021-11-22T23:44:13.Z",
        "2021-11-22T23:44:13.1234567890Z",
        "2021-11-22T23:44:13.1Z ",
        "2021-11-22T24:00:00Z",
        "2021-11-22T23:60:00Z",
        "2021-11-22T23:59:60Z",
        "2021-11-22T23:59:59+5:30",
        "2021-11-22T23:59:59+0530",
        "2021-11-22T23:59:59+24:00",
        "2021-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2021-00-10T00:00:00Z",
        "2021-13-10T00:00:00Z",
        "2021-04-31T00:00:00Z",
        "2021-04-00T00:00:00Z",
        "21-004-10T00:00:00Z",
        "2021-+4-10T00:00:00Z",
        "-021-04-10T00:00:00Z",
        "2021-11-22T23:44:1\u{663}Z",
        "2021-11-2\u{663}T23:44:13Z",
        "+12021-11-22T23:44:13Z",
    ];
    refuses(
        "/@timestamp",
        "a time such as 2021-11-22T23:44:13.873Z",
        &wrong.map(Value::from),
    );
    refuses(
        "/@timestamp",
        "a time such as 2021-11-22T23:44:13.873Z",
        &[json!(1_637_624_653)],
    );
}

#[track_caller]
fn accepts(pointer: &str, values: &[Value]) {
    for value in values {
        check(&event_with(pointer, value), &[]);
    }
}

#[track_caller]
fn refuses(pointer: &str, expected: &str, values: &[Value]) {
    let path = pointer[1..].replace('/', ".");
    for value in values {
        let violations = told(&Validator::new().validate(&event_with(pointer, value)));
        let begin = format!("{path}: expected {expected}, found ");
        assert!(
            violations.len() == 1 && violations[0].starts_with(&begin),
            "{violations:?}"
        );
    }
}

fn event_with(pointer: &str, value: &Value) -> Value {
    let names = pointer[1..].rsplit('/');
    names.fold(value.clone(), |value, name| json!({name: value}))
}

#[test]
fn geo_points() {
    accepts(
        "/source/geo/location",
        &[
            json!({"lat": 51.5142, "lon": -0.0931}),
            json!({"lat": -90, "lon": 180}),
        ],
    );
    let at = |location: Value| json!({"source": {"geo": {"location": location}}});
    check(
        &at(json!({"lat": 90.1, "lon": -180.5})),
        &[
            "source.geo.location.lat: expected a number from -90 to 90, found 90.1",
            "source.geo.location.lon: expected a number from -180 to 180, found -180.5",
        ],
    );
    check(
        &at(json!({"lat": 1})),
        &["source.geo.location: expected an object of lat and lon, found an object"],
    );
    check(
        &at(json!("1,2")),
        &["source.geo.location: expected an object of lat and lon, found \"1,2\""],
    );
    check(
        &at(json!({"lat": "1", "lon": 2})),
        &["source.geo.location.lat: expected a number from -90 to 90, found \"1\""],
    );
}

#[test]
fn values_outside_the_allowed_sets() {
    check(
        &json!({"event": {"outcome": "maybe"}}),
        &["event.outcome: expected failure, success or unknown, found \"maybe\""],
    );
    check(
        &json!({"event": {"kind": 1}}),
        &[
            "event.kind: expected alert, asset, enrichment, event, metric, pipeline_error, signal or \
         state, found 1",
        ],
    );
    check(
        &json!({"data_stream": {"type": "metrics"}}),
        &["data_stream.type: expected logs, found \"metrics\""],
    );
    let violations = Validator::new().validate(&json!({"event": {"type": ["info", "login"]}}));
    assert_eq!(violations[0].path, "event.type[1]");
    // Said once: what goes with a type or a category that ECS does not know cannot be told.
    let violations = Validator::new().validate(&json!({
        "event": {"category": ["iam"], "type": ["user", "login"]},
    }));
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].path, "event.type[1]");
    let violations = Validator::new().validate(&json!({
        "event": {"category": ["confluence"], "type": ["user"]},
    }));
    assert_eq!(violations.len(), 1);
    assert_eq!(violations[0].path, "event.category[0]");
}

#[test]
fn long_texts_are_shortened() {
    check(
        &json!({"event": {"outcome": "é".repeat(1000)}}),
        &[&format!(
            "event.outcome: expected failure, success or unknown, found \"{}\"…",
            "é".repeat(60)
        )],
    );
}

#[test]
fn categories_need_matching_types() {
    let event =
        |category: Value, kind: Value| json!({"event": {"category": category, "type": kind}});
    check(&event(json!(["iam"]), json!(["user", "creation"])), &[]);
    check(
        &event(json!(["iam", "configuration"]), json!(["deletion"])),
        &[],
    );
    check(&event(json!([]), json!(["user"])), &[]);
    check(&json!({"event": {"type": ["indicator"]}}), &[]);
    let needs = "the category authentication requires an event.type of end, info or start";
    check(
        &json!({"event": {"category": ["authentication"]}}),
        &[&format!("event.category[0]: {needs}")],
    );
    check(
        &event(json!(["iam", "authentication"]), json!(["user"])),
        &[&format!("event.category[1]: {needs}")],
    );
    check(
        &event(json!(["authentication"]), json!(["start", "user"])),
        &["event.type[1]: the type user is not allowed by any of the event's categories"],
    );
}

#[test]
fn a_known_exception_excuses_its_action_alone() {
    let mut table = fields(Dataset::Confluence).clone();
    table.known_exceptions = vec![Exception {
        category: "authentication".to_owned(),
        kind: "user".to_owned(),
        action: "User impersonated".to_owned(),
    }];
    let validator = Validator::of(Box::leak(Box::new(table)));
    let violations = |action: &str| {
        let classes = json!({"category": ["authentication"], "type": ["user"], "action": action});
        validator.validate(&json!({"event": classes})).len()
    };
    assert_eq!(violations("User impersonated"), 0);
    assert_eq!(violations("User created"), 2);
}

/// Lines of `types.log` with an object, a list or a number where the field's type has none. They are
/// copied as they are (docs/mapping.md 3); Elasticsearch would refuse the objects and the number.
const OF_A_WRONG_TYPE: &[(usize, &str)] = &[
    (93, "confluence.audit.type.action"),
    (101, "confluence.audit.type.actionI18nKey"),
    (109, "confluence.audit.type.category"),
    (117, "confluence.audit.type.categoryI18nKey"),
    (125, "confluence.audit.type.level"),
    (285, "confluence.audit.external_collaborator"),
    (288, "confluence.audit.external_collaborator[0]"),
];

#[test]
fn every_event_of_the_test_data_is_valid() {
    let validator = Validator::new();
    let mut events = 0;
    for file in test_data() {
        let mut violations = Vec::new();
        for (line, event) in events_of(&file) {
            let found = validator.validate(&event);
            violations.extend(found.into_iter().map(|violation| (line, violation)));
            events += 1;
        }
        let told: Vec<_> = violations
            .iter()
            .map(|(line, violation)| (*line, violation.path.as_str()))
            .collect();
        let expected = if file.ends_with("types.log") {
            OF_A_WRONG_TYPE
        } else {
            &[]
        };
        assert_eq!(told, expected, "{}: {violations:#?}", file.display());
    }
    assert!(events > 1500, "{events}");
}

/// The files with records: all but databases, events and documentation.
fn test_data() -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![project("testdata")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if is_input(&path) {
                files.push(path);
            }
        }
    }
    files.sort();
    assert!(files.len() >= 30, "{files:?}");
    files
}

fn is_input(path: &Path) -> bool {
    let is_of = |folder: &str| path.parent().is_some_and(|parent| parent.ends_with(folder));
    let extension = path.extension().and_then(|extension| extension.to_str());
    match extension {
        Some("log" | "ndjson" | "gz") => true,
        Some("json") => is_of("pages"),
        _ => false,
    }
}

/// The numbers, from 1, and events that the binary makes of a file, with every field that an option
/// adds.
fn events_of(file: &Path) -> Vec<(usize, Value)> {
    let arguments = [
        "normalize",
        "--quiet",
        "--preserve-original-event",
        "--geoip-city=testdata/geoip/confluence-ecs-city.mmdb",
        "--geoip-asn=testdata/geoip/confluence-ecs-asn.mmdb",
        "--network=10.0.0.0/8=office",
        "--add-fields=testdata/sample/add-fields.json",
    ];
    let file = file.to_str().expect("UTF-8");
    let output = run(arguments.into_iter().chain([file]), b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let lines = (1..).zip(text.lines());
    lines
        .map(|(line, text)| (line, serde_json::from_str(text).expect("JSON")))
        .collect()
}

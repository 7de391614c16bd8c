//! `schema validate` over what events come in: compressed, pretty-printed, in arrays; raw records; labels and other
//! fields of ECS; namespaces.

use confluence_ecs::pipeline::dataset::Dataset;
use std::io::Write as _;

use crate::support::program::{project, run, stderr};
use confluence_ecs::schema::ecs;
use confluence_ecs::schema::fields::fields;
use confluence_ecs::schema::validate::Validator;
use serde_json::{Value, json};

/// Validates stdin; returns the exit code, the violations and the diagnostics.
fn validate(input: &[u8]) -> (i32, String, String) {
    let output = run(["schema", "validate"], input);
    let report = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    (
        output.status.code().expect("an exit code"),
        report,
        stderr(&output),
    )
}

/// An input has exactly these violations.
#[track_caller]
fn reports(input: &str, expected: &str) {
    let (code, report, told) = validate(input.as_bytes());
    assert_eq!(report, expected, "{told}");
    assert_eq!(code, i32::from(!expected.is_empty()), "{told}");
}

const GOOD: &str = r#"{"event":{"kind":"event"}}"#;
const BAD: &str = r#"{"user":{"nmae":"x"}}"#;

#[test]
fn compressed_events_are_read() {
    let text = format!("{GOOD}\n{BAD}\n");
    let gzip = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).expect("memory");
        encoder.finish().expect("memory")
    };
    let zstd = zstd::encode_all(text.as_bytes(), 1).expect("memory");
    for compressed in [&gzip, &zstd] {
        let (code, report, told) = validate(compressed);
        assert_eq!(
            (code, &*report),
            (1, "stdin:2: user.nmae: unknown field\n"),
            "{told}"
        );
        assert!(told.contains("events=2 invalid=1"), "{told}");
    }
    // Cut off: what was read is checked, and the rest is an error.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.gz");
    std::fs::write(&path, &gzip[..gzip.len() - 4]).expect("written");
    let output = run(["schema", "validate", &path.display().to_string()], b"");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(
        told.contains("cannot read") && told.contains("events.gz"),
        "{told}"
    );
}

#[test]
fn pretty_printed_events_and_arrays_are_read() {
    let pretty = |event: &str| {
        let event: Value = serde_json::from_str(event).expect("JSON");
        serde_json::to_string_pretty(&event).expect("JSON")
    };
    reports(&format!("{}\n{GOOD}\n", pretty(GOOD)), "");
    reports(
        &format!("{}\n{}\n{BAD}\n", pretty(GOOD), pretty(BAD)),
        "stdin:6: user.nmae: unknown field\nstdin:11: user.nmae: unknown field\n",
    );
    reports(
        &format!("[\n  {GOOD},\n  {BAD}\n]\n"),
        "stdin:3: user.nmae: unknown field\n",
    );
    reports(
        "{\n  \"event\": {}\n  \"user\": {}\n}\n{\"x\":1}\n",
        "stdin:3: not JSON: expected `,` or `}` at column 3\nstdin:5: x: unknown field\n",
    );
    reports(
        &format!("{{\"event\":\n{GOOD}\n7\n"),
        "stdin:1: not JSON: EOF while parsing a value at column 9\nstdin:3: not a JSON object\n",
    );
}

#[test]
fn a_raw_record_is_named_as_one() {
    let raw = "a raw audit record, not an event: use `confluence-ecs normalize - | confluence-ecs schema validate`";
    reports(
        &format!("{GOOD}\n{GOOD}\n{{\"creationDate\":1,\"summary\":\"s\"}}\n"),
        &format!("stdin:3: {raw}\n"),
    );
    reports("{\"timestamp\":\"5\"}", &format!("stdin:1: {raw}\n"));
    for file in ["sample/record.log", "records/cloud-actions.ndjson"] {
        let text = std::fs::read(project(&format!("testdata/{file}"))).expect("there");
        let (_, report, _) = validate(&text);
        assert!(report.lines().all(|line| line.ends_with(raw)), "{report}");
    }
    let page = "a page of raw audit records, not an event: use `confluence-ecs normalize - | confluence-ecs schema validate`";
    reports("{\"results\":[]}", &format!("stdin:1: {page}\n"));
}

#[test]
fn labels_and_other_fields_of_ecs_are_allowed() {
    let event = json!({
        "labels": {"team": "wiki", "cost_centre": 7, "is_test": true},
        "message": "m",
        "event": {"kind": "event", "code": "c", "duration": 5, "risk_score": 1.5, "start": "2021-11-22T23:44:13Z"},
        "host": {"os": {"full": "x"}, "uptime": 5, "geo": {"country_iso_code": "NL"}},
        "agent": {"build": {"original": "x"}},
        "cloud": {"provider": "p", "origin": {"region": "r"}},
        "organization": {"id": "1", "name": "Acme"},
        "observer": {"name": "o", "ip": ["10.0.0.1"], "vendor": "v"},
        "container": {"id": "c", "image": {"name": "n"}},
        "orchestrator": {"cluster": {"name": "n"}},
        "source": {"port": 443, "geo": {"timezone": "Europe/London"}},
        "user": {"email": "e", "roles": ["a", "b"], "target": {"roles": ["a"]}},
        "tags": ["t"],
        "trace": {"id": "t"},
    });
    reports(&event.to_string(), "");
    let wrong = json!({
        "labels": {"a": {"b": 1}, "c": ["x"]},
        "event": {"duration": "long", "risk_score": "high", "reasons": "r"},
        "organization": {"nmae": "x"},
        "observer": {"ip": "ten"},
        "container": "c",
        "acme": {"custom": 1},
    });
    reports(
        &wrong.to_string(),
        "stdin:1: acme: unknown field\n\
         stdin:1: container: expected an object, found \"c\"\n\
         stdin:1: event.duration: expected a whole number of 64 bits, found \"long\"\n\
         stdin:1: event.reasons: unknown field\n\
         stdin:1: event.risk_score: expected a number, found \"high\"\n\
         stdin:1: labels.a: expected a text, a number or a boolean, found an object\n\
         stdin:1: labels.c: expected a text, a number or a boolean, found a list\n\
         stdin:1: observer.ip: expected an IP address, found \"ten\"\n\
         stdin:1: organization.nmae: unknown field\n",
    );
}

#[test]
fn the_other_fields_of_ecs_are_none_of_the_mapping() {
    for other in ecs::others() {
        let name = &other.name;
        let below = |one: &str, other: &str| one == other || one.starts_with(&format!("{other}."));
        for field in &fields(Dataset::Confluence).fields {
            assert!(
                !below(&field.name, name) && !below(name, &field.name),
                "{name}: {}",
                field.name
            );
        }
    }
}

#[test]
fn namespaces_follow_the_rules_of_data_streams() {
    let long = "ü".repeat(50) + "x";
    for (namespace, fault) in [
        ("Prod", "a namespace is lower case"),
        ("Äpfel", "a namespace is lower case"),
        (
            "a-b",
            "a namespace has no -, which separates the parts of a data stream's name",
        ),
        (&long, "a namespace has at most 100 bytes"),
        ("", "a namespace is not empty"),
    ] {
        refused(namespace, fault);
    }
    for special in "\\/*?\"<>|,#: \t\n\u{a0}\u{1}".chars() {
        refused(
            &format!("a{special}b"),
            r#"a namespace has none of \ / * ? " < > | , # : and no blanks"#,
        );
    }
    for namespace in ["default", "58111", "a.b_c", "äpfel", &"x".repeat(100)] {
        let output = run(["normalize", "--namespace", namespace], b"");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        reports(
            &json!({"data_stream": {"namespace": namespace}}).to_string(),
            "",
        );
    }
    // As a constant field, too.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    std::fs::write(&path, r#"{"data_stream":{"namespace":"Prod"}}"#).expect("written");
    let path = path.display().to_string();
    let output = run(["normalize", "--add-fields", &path], b"");
    assert_eq!(output.status.code(), Some(2));
    let told = stderr(&output);
    assert!(told.contains("a namespace is lower case"), "{told}");
}

/// By the flag, which names the rule, and in an event.
#[track_caller]
fn refused(namespace: &str, fault: &str) {
    let output = run(["normalize", "--namespace", namespace], b"");
    let told = stderr(&output);
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(
        told.contains("--namespace") && told.contains(fault),
        "{told}"
    );
    let event = json!({"data_stream": {"namespace": namespace}});
    let violations = Validator::new().validate(&event);
    assert_eq!(violations.len(), 1, "{violations:?}");
    let begin = format!("data_stream.namespace: {fault}, found ");
    assert!(
        violations[0].to_string().starts_with(&begin),
        "{violations:?}"
    );
}

#[test]
fn an_input_in_another_format_is_one_error() {
    let units = GOOD.encode_utf16().flat_map(u16::to_le_bytes);
    let utf_16: Vec<u8> = [0xFF, 0xFE].into_iter().chain(units).collect();
    let mut all = String::new();
    for input in [
        &utf_16[..],
        b"\x7FELF\x02\x01\x01\n\n\0\n",
        b"PK\x03\x04\n\0\0\0\n",
    ] {
        let (code, report, told) = validate(input);
        assert_eq!((code, &*report), (1, ""), "{told}");
        all += &told;
    }
    insta::assert_snapshot!(all);
}

#[test]
fn golden_files_and_bulk_requests_are_read() {
    reports(&format!("{{\"expected\":[{GOOD},null]}}"), "");
    reports(
        &format!("{{\n \"expected\": [\n  {GOOD},\n  {BAD}\n ]\n}}\n"),
        "stdin:4: user.nmae: unknown field\n",
    );
    reports(
        &format!("{{\"create\":{{\"_id\":\"a\"}}}}\n{GOOD}\n{{\"index\":{{}}}}\n{BAD}\n"),
        "stdin:4: user.nmae: unknown field\n",
    );
}

#[test]
fn a_pipe_of_valid_events_needs_no_summary() {
    assert_eq!(validate(GOOD.as_bytes()), (0, String::new(), String::new()));
}

#[test]
fn a_pattern_that_no_shell_has_expanded_is_explained_to_schema_validate() {
    let output = run(["schema", "validate", "no-such*.log"], b"");
    insta::assert_snapshot!(stderr(&output));
}

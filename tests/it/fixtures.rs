//! Golden files: layouts, configuration, differences, and what `regenerate` writes.

use std::fs;
use std::path::Path;

use crate::support::program::{project, run, stderr};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const RECORD: &str = r#"{"creationDate":1637624602054,"summary":"User created"}"#;

/// A folder with those files.
pub fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        fs::write(folder.path().join(name), text).expect("written");
    }
    folder
}

pub fn read(folder: &TempDir, name: &str) -> String {
    fs::read_to_string(folder.path().join(name)).expect(name)
}

/// Runs `fixtures TASK FLAGS FOLDER`; returns the exit code and the report.
pub fn fixtures(task: &str, flags: &[&str], folder: &Path) -> (i32, String) {
    let folder = folder.display().to_string();
    let arguments = [&["fixtures", task], flags, &[&folder]].concat();
    let output = run(arguments, b"");
    let report = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let report = format!("{report}{}", stderr(&output)).replace(&folder, "DIR");
    (output.status.code().expect("an exit code"), report)
}

pub fn expected(folder: &TempDir, name: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(&read(folder, name)).expect("JSON");
    golden["expected"].as_array().expect("a list").clone()
}

#[test]
fn our_own_folders_are_as_expected() {
    let output = run(
        [
            "fixtures",
            "check",
            "testdata/fixtures/cloud",
            "testdata/fixtures/data-center",
        ],
        b"",
    );
    let report = String::from_utf8(output.stdout).expect("UTF-8");
    assert_eq!(output.status.code(), Some(0), "{report}");
    assert!(report.ends_with("as expected\n"), "{report}");
}

#[test]
fn the_layout_is_byte_for_byte_that_of_elastic_package() {
    let record = r#"{"creationDate":1,"summary":"<a> & \u2028","author":{"displayName":"Zoë"}}"#;
    let folder = folder(&[("a.log", record)]);
    assert_eq!(
        fixtures("regenerate", &[], folder.path()),
        (0, "DIR/a.log: written\n0 as expected, 1 written\n".into())
    );
    let layout = r#"{
    "expected": [
        {
            "@timestamp": "1970-01-01T00:00:00.001Z",
            "confluence": {
                "audit": {
                    "type": {
                        "action": "\u003ca\u003e \u0026 \u2028"
                    }
                }
            },
            "ecs": {
                "version": "8.11.0"
            },
            "event": {
                "action": "\u003ca\u003e \u0026 \u2028",
                "kind": "event",
                "original": "{\"creationDate\":1,\"summary\":\"\u003ca\u003e \u0026 \\u2028\",\"author\":{\"displayName\":\"Zoë\"}}",
                "type": [
                    "info"
                ]
            },
            "user": {
                "full_name": "Zoë"
            }
        }
    ]
}"#;
    assert_eq!(read(&folder, "a.log-expected.json"), layout);
}

#[test]
fn a_golden_file_keeps_its_escapes_and_its_final_newline() {
    let plain = "{\"expected\": [{\"x\": \"<&>\"}]}\n";
    let folder = folder(&[
        ("a.log", r#"{"creationDate":1,"summary":"<&>"}"#),
        ("a.log-expected.json", plain),
    ]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let golden = read(&folder, "a.log-expected.json");
    assert!(golden.contains("\"action\": \"<&>\""), "{golden}");
    assert!(golden.ends_with("}\n"), "{golden}");
}

#[test]
fn regenerating_twice_changes_nothing() {
    let input = format!("{RECORD}\nnonsense\n{{\"results\":[]}}\n[{RECORD},{RECORD}]\n");
    let folder = folder(&[("a.log", &input)]);
    let flags = &["--allow-errors"];
    assert_eq!(fixtures("regenerate", flags, folder.path()).0, 0);
    let path = folder.path().join("a.log-expected.json");
    let (text, written) = (
        fs::read(&path).expect("there"),
        fs::metadata(&path)
            .expect("there")
            .modified()
            .expect("a time"),
    );
    let (code, report) = fixtures("regenerate", flags, folder.path());
    assert_eq!((code, &*report), (0, "1 as expected\n"));
    assert_eq!(fs::read(&path).expect("there"), text);
    assert_eq!(
        fs::metadata(&path)
            .expect("there")
            .modified()
            .expect("a time"),
        written
    );
    assert_eq!(fixtures("check", &[], folder.path()).0, 0);
    // An empty page is dropped, a page is as many events as it has records.
    let kinds: Vec<_> = expected(&folder, "a.log-expected.json")
        .iter()
        .map(|event| event["event"]["kind"].clone())
        .collect();
    assert_eq!(
        kinds,
        [
            json!("event"),
            json!("pipeline_error"),
            Value::Null,
            json!("event"),
            json!("event")
        ]
    );
}

#[test]
fn a_single_changed_value_is_a_small_diff_and_is_mended_byte_for_byte() {
    let folder = folder(&[("a.log", &format!("{RECORD}\n{RECORD}\n"))]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let path = folder.path().join("a.log-expected.json");
    let good = fs::read_to_string(&path).expect("there");
    let at = good.rfind("\"iam\"").expect("there");
    fs::write(&path, format!("{}\"web\"{}", &good[..at], &good[at + 5..])).expect("written");

    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    insta::assert_snapshot!("diff-pretty", report);
    let (code, report) = fixtures("check", &["--format", "github"], folder.path());
    assert_eq!(code, 1);
    let line = 1 + fs::read_to_string(&path).expect("there")[..at]
        .matches('\n')
        .count();
    let place = format!("::error file=DIR/a.log-expected.json,line={line},title=event 1 differs::");
    assert!(report.starts_with(&place), "{report}");
    let (code, report) = fixtures("check", &["--format", "junit"], folder.path());
    assert_eq!(code, 1);
    assert!(report.contains("errors=\"0\" failures=\"1\""), "{report}");
    assert!(report.contains("-            &quot;web&quot;"), "{report}");

    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    assert_eq!(fs::read_to_string(&path).expect("there"), good);
}

#[test]
fn events_that_are_too_many_or_missing() {
    let folder = folder(&[("a.log", &format!("{RECORD}\n{RECORD}\n"))]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    fs::write(folder.path().join("a.log"), RECORD).expect("written");
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    assert!(report.contains("-    \"@timestamp\""), "{report}");
    fs::write(folder.path().join("a.log"), format!("{RECORD}\n").repeat(3)).expect("written");
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    assert!(report.contains("+++ actual event 2"), "{report}");
}

#[test]
fn numbers_are_compared_as_numbers() {
    let record =
        r#"{"creationDate":1,"associatedObjects":[{"a":1.50,"b":1e2,"c":12345678901234567890}]}"#;
    let folder = folder(&[("a.log", record)]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let golden = read(&folder, "a.log-expected.json");
    // The list, not the original.
    let other = golden
        .replace("\"a\": 1.50", "\"a\": 1.5")
        .replace("\"b\": 1e+2", "\"b\": 100.0")
        .replace("\"b\": 1e2", "\"b\": 100.0");
    assert_ne!(golden, other);
    fs::write(folder.path().join("a.log-expected.json"), &other).expect("written");
    assert_eq!(fixtures("check", &[], folder.path()).0, 0);
    let wrong = other.replace("12345678901234567890\n", "12345678901234567891\n");
    assert_ne!(wrong, other);
    fs::write(folder.path().join("a.log-expected.json"), wrong).expect("written");
    assert_eq!(fixtures("check", &[], folder.path()).0, 1);
}

#[test]
fn every_layout_of_inputs() {
    let event = json!({"events": [
        {"message": RECORD, "observer": {"name": "one"}},
        {"event": {"original": RECORD, "ingested": "2024-01-01T00:00:00Z"}},
        {"event.original": RECORD},
    ]});
    let carried = json!({"message": RECORD}).to_string();
    let folder = folder(&[
        ("a.log", &format!("{RECORD}\r\n\n{RECORD}")),
        ("b.json", &event.to_string()),
        ("c.ndjson", &format!("{RECORD}\n{carried}\n")),
        ("d.txt", "no input"),
    ]);
    let (_, report) = fixtures("regenerate", &["--allow-errors"], folder.path());
    assert!(report.ends_with("0 as expected, 3 written\n"), "{report}");
    let counts = ["a.log", "b.json", "c.ndjson"].map(|name| {
        let events = expected(&folder, &format!("{name}-expected.json"));
        assert!(
            events
                .iter()
                .all(|event| event["event"]["original"] == RECORD),
            "{events:?}"
        );
        events.len()
    });
    assert_eq!(counts, [2, 3, 2]);
    let listed = expected(&folder, "b.json-expected.json");
    assert_eq!(listed[0]["observer"]["name"], "one");
    assert_eq!(listed[0].get("message"), None);
    assert_eq!(listed[1]["event"]["ingested"], "2024-01-01T00:00:00Z");
    // What only an agent adds is not there.
    for field in ["data_stream", "input", "log", "tags"] {
        assert_eq!(listed[0].get(field), None);
    }
    assert_eq!(listed[0]["event"].get("dataset"), None);
}

#[test]
fn broken_files_are_named_with_their_line_and_the_others_are_done() {
    let folder = folder(&[
        ("a.log", RECORD),
        ("a.log-config.yml", "fields:\n  a: b\n c: d\n"),
        ("b.log", RECORD),
        ("b.log-expected.json", "{\n\"expected\": [\n}"),
        ("c.json", "{\"events\":\n[{]}"),
        ("d.json", "{\"events\":[{\"x\":1}]}"),
        ("e.log", RECORD),
        (
            "e.log-config.yml",
            "fields: {}\ndynamic_fields:\n  event.created: '['\n",
        ),
        ("f.log", RECORD),
        ("f.log-expected.json", "[]"),
        ("g.log", RECORD),
    ]);
    let _ = fixtures("regenerate", &[], folder.path());
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    for named in [
        "DIR/a.log-config.yml:3: ",
        "DIR/b.log-expected.json:3: not JSON",
        "DIR/c.json:2: not JSON",
        "DIR/d.json:1: event 0 has its record neither in `message` nor in `event.original`",
        "DIR/e.log-config.yml:3: event.created: `[` is no regular expression",
        "DIR/f.log-expected.json:1: expected {\"expected\": […]}",
        "1 as expected, 6 failed",
    ] {
        assert!(report.contains(named), "{named} is not in: {report}");
    }
}

#[test]
fn an_error_or_an_invalid_event_fails_unless_allowed() {
    let folder = folder(&[
        ("a.log", "nonsense"),
        ("b.log", RECORD),
        ("b.log-config.yml", "fields:\n  mystery: 1\n"),
    ]);
    let (code, report) = fixtures("regenerate", &[], folder.path());
    assert_eq!(code, 1);
    assert!(
        report.contains("event 0: error.message: \"not JSON"),
        "{report}"
    );
    assert!(
        report.contains("event 0: mystery: unknown field"),
        "{report}"
    );
    // It says so again, though the files are as they should be.
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 1);
    assert_eq!(
        fixtures("regenerate", &["--allow-errors"], folder.path()).0,
        0
    );
    assert_eq!(fixtures("check", &[], folder.path()).0, 0);
}

#[test]
fn a_folder_without_inputs_is_a_failure() {
    let empty = folder(&[("README.md", "")]);
    let (code, report) = fixtures("check", &[], empty.path());
    assert_eq!(code, 1);
    assert!(report.contains("no inputs in DIR"), "{report}");
    let output = run(
        [
            "fixtures",
            "check",
            "no-such-folder",
            "testdata/fixtures/cloud",
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    let report = String::from_utf8(output.stdout).expect("UTF-8");
    let told = "cannot list no-such-folder: No such file or directory (os error 2)\n";
    assert!(report.contains(told), "{report}");
    assert!(report.ends_with("as expected, 1 failed\n"), "{report}");
    assert_eq!(run(["fixtures", "check"], b"").status.code(), Some(2));
    assert_eq!(run(["fixtures", "mend", "."], b"").status.code(), Some(2));
}

#[test]
fn a_thousand_records_take_no_time_and_times_may_be_those_of_elastic() {
    let log = fs::read_to_string(project("testdata/20260101.00000.audit.log")).expect("there");
    let folder = folder(&[
        ("a.log", &log),
        ("b.log", &log),
        ("c.log", &log),
        ("d.log", &log),
    ]);
    assert_eq!(
        fixtures("regenerate", &["--timestamps", "elastic"], folder.path()).0,
        0
    );
    assert_eq!(
        fixtures("check", &["--timestamps", "elastic"], folder.path()).0,
        0
    );
    assert_eq!(fixtures("check", &[], folder.path()).0, 1);
    assert_eq!(expected(&folder, "a.log-expected.json").len(), 300);
}

#[test]
fn strict_exits_with_3_for_records_that_could_not_be_mapped() {
    let folder = folder(&[("a.log", "nonsense")]);
    assert_eq!(
        fixtures("regenerate", &["--allow-errors"], folder.path()).0,
        0
    );
    assert_eq!(fixtures("check", &[], folder.path()).0, 0);
    assert_eq!(fixtures("check", &["--strict"], folder.path()).0, 3);
}

#[test]
fn links_are_followed_and_stay_links() {
    let folder = folder(&[("a.log", RECORD)]);
    let (link, real) = (
        folder.path().join("a.log-expected.json"),
        folder.path().join("real"),
    );
    fs::write(&real, "{\"expected\": null}").expect("written");
    std::os::unix::fs::symlink(&real, &link).expect("linked");
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    assert!(link.is_symlink());
    assert!(
        fs::read_to_string(&real)
            .expect("there")
            .contains("User created")
    );
    std::os::unix::fs::symlink("nowhere", folder.path().join("b.log")).expect("linked");
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    assert!(report.contains("FAIL cannot read DIR/b.log"), "{report}");
}

#[test]
fn a_junit_report_is_xml_whatever_the_texts() {
    let folder = folder(&[
        (
            "a.log",
            "{\"creationDate\":1,\"summary\":\"\u{FFFF}\\u0001<\"}",
        ),
        ("a.log-expected.json", "{\"expected\":[]}"),
    ]);
    let (code, report) = fixtures("check", &["--format", "junit"], folder.path());
    assert_eq!(code, 1);
    assert!(
        report.contains("\u{FFFD}") && !report.contains(['\u{FFFF}', '\u{1}']),
        "{report}"
    );
}

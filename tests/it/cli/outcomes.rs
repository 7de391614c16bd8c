//! What becomes of records and files that are not as they should be: events, exit codes, diagnostics.

use serde_json::json;

use super::{CLOUD, DC_API, DC_FILE, normalize};
use crate::support::outcome::{filtered, outcome};
use crate::support::program::{events, lines, run, stderr};

#[test]
fn records_that_cannot_be_mapped_are_events_and_counted() {
    let input = format!("{CLOUD}\nnonsense\n{CLOUD}\n");
    let output = run(["normalize"], input.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let events = lines(&output.stdout);
    assert_eq!(events.len(), 3);
    assert_eq!(events[1]["event"]["kind"], "pipeline_error");
    assert_eq!(events[1]["event"]["original"], "nonsense");
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn strict_exits_with_3_when_all_is_written() {
    let input = format!("nonsense\n{CLOUD}\n");
    let output = run(["normalize", "--strict"], input.as_bytes());
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(lines(&output.stdout).len(), 2);
    assert_eq!(
        run(["normalize", "--strict"], CLOUD.as_bytes())
            .status
            .code(),
        Some(0)
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_the_others_are_done() {
    let output = run(
        [
            "normalize",
            "--strict",
            "no-such.log",
            "testdata",
            "testdata/sample/record.log",
        ],
        b"",
    );
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(lines(&output.stdout).len(), 1);
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn quiet_says_nothing_and_verbose_names_each_record() {
    let input = format!("nonsense\n{CLOUD}\n");
    assert!(run(["normalize", "-q"], input.as_bytes()).stderr.is_empty());
    insta::assert_snapshot!(outcome(&run(["normalize", "-v"], input.as_bytes())));
    let told = run(["normalize", "--log-format", "json"], input.as_bytes());
    let told = lines(&told.stderr);
    assert_eq!(told[0]["failed"], 1);
    assert_eq!(told[0]["level"], "WARN");
}

#[test]
fn a_summary_is_for_people_and_for_trouble() {
    let told = |arguments: &[&str], input: &str| {
        let arguments = ["normalize"].iter().chain(arguments);
        let output = run(arguments, input.as_bytes());
        assert_eq!(output.status.code(), Some(0));
        filtered(&stderr(&output))
    };
    assert_eq!(told(&[], CLOUD), "");
    let done = "INFO done records=1 failed=0 bytes=405 seconds=[SECONDS]\n";
    assert_eq!(told(&["-v"], CLOUD), done);
    let input = format!("{CLOUD}\nnonsense");
    assert!(told(&[], &input).contains("records=2 failed=1 bytes="));
    let json = run(
        ["normalize", "-v", "--log-format", "json"],
        CLOUD.as_bytes(),
    );
    let json = &lines(&json.stderr)[0];
    assert_eq!(json["bytes"], 405);
    assert!(json["seconds"].is_f64());
}

#[test]
fn records_over_the_limit() {
    let long = format!(
        r#"{{"creationDate":1,"summary":"{}"}}"#,
        "x".repeat(100_000)
    );
    let input = format!("{CLOUD}\n{long}\r\n{CLOUD}\n[{CLOUD},{long},{CLOUD}]\n");
    let events = normalize(&["--max-line-bytes", "1000"], &input);
    let kinds: Vec<_> = events.iter().map(|event| &event["event"]["kind"]).collect();
    assert_eq!(
        kinds,
        [
            "event",
            "pipeline_error",
            "event",
            "event",
            "pipeline_error",
            "event"
        ]
    );
    for (event, what) in [(&events[1], "line"), (&events[4], "record")] {
        let original = event["event"]["original"].as_str().expect("text");
        assert_eq!(original, &long[..64 << 10]);
        let message = event["error"]["message"].as_str().expect("text");
        let begins = format!("{what} of {} bytes at byte", long.len());
        assert!(message.starts_with(&begins), "{message}");
        assert!(message.contains("65536"), "{message}");
    }
    assert_eq!(
        normalize(&["--max-line-bytes", "100031"], &long)[0]["event"]["kind"],
        "event"
    );
    for (size, kind) in [
        ("98KiB", "event"),
        ("97K", "pipeline_error"),
        ("100KB", "pipeline_error"),
    ] {
        let events = normalize(&["--max-line-bytes", size], &long);
        assert_eq!(events[0]["event"]["kind"], kind, "{size}");
    }
    let long = &normalize(&["--max-line-bytes", "100030"], &long)[0];
    assert_eq!(long["event"]["kind"], "pipeline_error");
}

#[test]
fn errors_carry_what_mapping_md_asks_for() {
    let bytes = b"{\"creationDate\":1,\"summary\":\"\xFF\"}\n";
    let event = &events(["normalize"], bytes)[0];
    let expected = json!({
        "@timestamp": event["@timestamp"],
        "data_stream": {"dataset": "atlassian_confluence.audit", "namespace": "default", "type": "logs"},
        "ecs": {"version": "8.11.0"},
        "error": {"message": "invalid UTF-8 at byte 29 (of the record at byte 0 of the input)"},
        "event": {
            "dataset": "atlassian_confluence.audit",
            "kind": "pipeline_error",
            "original": "{\"creationDate\":1,\"summary\":\"\u{FFFD}\"}",
        },
        "input": {"type": "stdin"},
        "tags": ["preserve_original_event", "confluence-audit"],
    });
    assert_eq!(*event, expected);
}

#[test]
fn files_and_stdin_in_the_order_given() {
    let input = DC_API.as_bytes();
    let events = events(["normalize", "testdata/sample/record.log", "-"], input);
    assert_eq!(events[0]["input"]["type"], "log");
    assert_eq!(
        events[0]["log"],
        json!({"file": {"path": "testdata/sample/record.log"}, "offset": 0})
    );
    assert_eq!(events[1]["input"]["type"], "stdin");
    assert_eq!(events[1].get("log"), None);
}

#[test]
fn offsets_are_those_of_the_lines() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.log");
    std::fs::write(
        &path,
        format!("\u{FEFF}{CLOUD}\r\n\n  \n{DC_FILE}\n[{CLOUD}, {CLOUD}]\n{CLOUD}"),
    )
    .expect("written");
    let path = path.display().to_string();
    let offsets: Vec<_> = normalize(&[&path], "")
        .iter()
        .map(|event| {
            usize::try_from(event["log"]["offset"].as_u64().expect("an offset")).expect("small")
        })
        .collect();
    let second = 3 + CLOUD.len() + 2 + 1 + 3;
    let array = second + DC_FILE.len() + 1;
    let last = array + 2 * CLOUD.len() + 5;
    assert_eq!(offsets, [3, second, array, array, last]);
}

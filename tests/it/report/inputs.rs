//! What a report reads, and how it ends.

use std::fs;

use serde_json::Value;

use super::{SAMPLE, record, report, summary};
use crate::support::follow::{gzip, zstd};
use crate::support::outcome::outcome;
use crate::support::program::stderr;

fn one(name: &str) -> String {
    record(1, "page.viewed", name, "10.0.0.1")
}

/// A folder with two logs, one of them compressed, and others that no pattern is to match.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write =
        |name: &str, text: &[u8]| fs::write(folder.path().join(name), text).expect("written");
    write("a.log", one("a").as_bytes());
    write("b.log.gz", &gzip(one("b").as_bytes()));
    write("c.txt", one("c").as_bytes());
    write(".d.log", one("d").as_bytes());
    fs::create_dir(folder.path().join("e.log")).expect("made");
    folder
}

#[test]
fn quoted_patterns_are_expanded() {
    let folder = folder();
    let pattern = folder.path().join("*.log*");
    let report = summary(&[pattern.to_str().expect("UTF-8")], "");
    let users = report["users"].as_array().expect("a list");
    let names: Vec<_> = users
        .iter()
        .map(|user| user["full_name"].as_str())
        .collect();
    assert_eq!(names, [Some("a"), Some("b")]);
}

#[test]
fn a_pattern_without_a_match_and_a_missing_file_are_named_and_the_others_are_done() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let (pattern, missing, there) = (path("*.ndjson"), path("missing.log"), path("a.log"));
    let output = report(&["--json", &pattern, &missing, &there], "");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(
        told.contains("no file matches the pattern") && told.contains("*.ndjson"),
        "{told}"
    );
    assert!(told.contains("missing.log"), "{told}");
    assert!(String::from_utf8_lossy(&output.stdout).contains(r#""events": 1"#));
}

#[test]
fn compressed_input_and_stdin_give_the_report_of_the_file() {
    let of_file = report(&[SAMPLE], "").stdout;
    let text = fs::read(SAMPLE).expect("read");
    for packed in [gzip(&text), zstd(&text), text] {
        let of_stdin = crate::support::program::run(["report", "-"], &packed);
        assert_eq!(of_stdin.stdout, of_file);
    }
}

#[test]
fn an_api_page_is_read_record_by_record() {
    let records: Vec<_> = (0..3).map(|_| one("a").trim_end().to_owned()).collect();
    let page = format!(
        r#"{{"entities":[{}],"pagingInfo":{{}}}}"#,
        records.join(",")
    );
    assert_eq!(summary(&[], &page)["totals"]["events"], 3);
}

#[test]
fn a_dead_letter_is_the_event_in_it() {
    let event = crate::support::program::run(["normalize", "-q"], one("a").as_bytes());
    let event = String::from_utf8(event.stdout).expect("UTF-8");
    let letter = format!(
        r#"{{"time":"t","index":"i","_id":"1x","status":400,"error":{{}},"event":{}}}"#,
        event.trim_end()
    );
    assert_eq!(summary(&[], &letter)["users"][0]["full_name"], "a");
}

#[test]
fn events_may_be_pretty_in_an_array_and_behind_a_byte_order_mark() {
    let events = crate::support::program::events(["normalize", "-q", SAMPLE], b"");
    let pretty = |event| serde_json::to_string_pretty(event).expect("JSON") + "\n";
    let array = serde_json::to_string(&events).expect("JSON");
    let lines: String = events
        .iter()
        .map(Value::to_string)
        .collect::<Vec<_>>()
        .join("\r\n");
    for input in [
        events.iter().map(pretty).collect(),
        array,
        format!("\u{feff}{lines}"),
    ] {
        let totals = &summary(&[], &input)["totals"];
        assert_eq!(totals["events"], 300, "{totals}");
        assert_eq!(totals["not_mapped"], 0, "{totals}");
    }
}

#[test]
fn a_record_that_is_nested_as_deep_as_can_be_is_in_the_report() {
    let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    for depth in 110..130 {
        let nested = nested(depth);
        let record = format!(
            r#"{{"changedValues":[{{"key":{nested}}}],"timestamp":{{"epochSecond":1,"nano":0}}}}"#
        );
        let totals = &summary(&[], &record)["totals"];
        assert_eq!(totals["records"], 1, "{depth}: {totals}");
    }
}

#[test]
fn the_mapping_of_the_configuration_file_holds() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    fs::write(&config, "[mapping]\nnetwork = [\"10.0.0.0/8=office\"]\n").expect("written");
    let config = config.to_str().expect("UTF-8");
    let report = summary(&["--config", config], &one("a"));
    assert_eq!(report["addresses"][0]["network"], "office");
}

#[test]
fn without_events_there_is_a_report_that_says_so() {
    insta::assert_snapshot!(outcome(&report(&[], "")));
}

#[test]
fn what_cannot_be_mapped_is_shown_with_samples_and_strict_says_so() {
    let input = format!("{}{}", one("a"), "nonsense\n".repeat(7));
    let output = report(&["--strict"], &input);
    assert_eq!(output.status.code(), Some(3));
    let report = summary(&[], &input);
    assert_eq!(report["totals"]["not_mapped"], 7);
    assert_eq!(
        report["not_mapped"]["samples"].as_array().map(Vec::len),
        Some(5)
    );
    assert_eq!(report["not_mapped"]["samples"][0]["record"], "nonsense");
}

#[test]
fn an_input_without_any_record_is_named() {
    let output = report(&["-q"], "nonsense\n");
    assert!(
        stderr(&output).contains("not an audit record"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn wrong_usage_names_the_flag() {
    let mut told = String::new();
    for arguments in [
        &["--fields", "user.name"][..],
        &["--format", "csv", "--top", "3"],
        &["--format", "csv", "--width", "80"],
        &["--format", "csv", "--json"],
        &["--since", "2026-01-02", "--until", "2026-01-01"],
        &["--top", "0"],
        &["--width", "3"],
        &["--since", "yesterday"],
        &["--admin-groups", "("],
        &["--format", "csv", "--fields", "user.name,,source.ip"],
    ] {
        let output = report(arguments, "");
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        told += &stderr(&output);
    }
    insta::assert_snapshot!(told);
}

//! What a report reads, and how it ends.

use std::fs;

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

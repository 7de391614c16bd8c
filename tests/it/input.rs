//! What `normalize` makes of whole inputs: other layouts than a record a line, and what is no text.

use crate::support::program::{events, lines, project, run};
use serde_json::Value;

fn log() -> Vec<u8> {
    std::fs::read(project("testdata/20260101.00000.audit.log")).expect("the test data")
}

/// The events without what depends on where in the input the record stands.
fn bare(input: &[u8]) -> Vec<Value> {
    let mut events = events(["normalize", "-q", "--preserve-original-event"], input);
    for event in &mut events {
        event["event"]["original"] = Value::Null;
        event["log"] = Value::Null;
    }
    events
}

#[test]
fn pretty_printed_records_are_as_those_on_lines() {
    let records = lines(&log());
    let pretty: Vec<_> = records
        .iter()
        .map(|record| serde_json::to_string_pretty(record).expect("JSON"))
        .collect();
    let expected = bare(&log());
    assert_eq!(expected.len(), records.len());
    assert!(bare(pretty.join("\n").as_bytes()) == expected, "jq .");
    let slurped = serde_json::to_string_pretty(&records).expect("JSON");
    assert!(bare(slurped.as_bytes()) == expected, "jq -s .");
    let (first, second) = records.split_at(3);
    let pages = serde_json::json!([{"size": 3, "results": first}, {"results": second}]);
    let pages = serde_json::to_string_pretty(&pages).expect("JSON");
    assert!(bare(pages.as_bytes()) == expected, "jq -s . of pages");
    assert!(run(["normalize"], pages.as_bytes()).status.success());
}

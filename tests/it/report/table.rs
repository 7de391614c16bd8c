//! `--format csv`: events as a table.

use serde_json::{Value, json};

use super::{SAMPLE, record, report};
use crate::support::outcome::outcome;
use crate::support::program::{events, stderr};

fn table(fields: &str, input: &str) -> Vec<Vec<String>> {
    let output = report(&["--format", "csv", "--fields", fields], input);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .from_reader(&*output.stdout);
    let rows = reader.records().map(|row| row.expect("a row"));
    rows.map(|row| row.iter().map(str::to_owned).collect())
        .collect()
}

/// The cell of a field whose value is this.
fn cell(value: &Value) -> String {
    let event = json!({"@timestamp": "2026-01-01T00:00:00.000Z", "ecs": {"version": "8.11.0"}, "event": {"action": "x"}, "x": {"y": value}});
    let mut rows = table("x.y", &event.to_string());
    assert_eq!(rows.len(), 2);
    rows.remove(1).remove(0)
}

#[test]
fn no_cell_is_a_formula() {
    for text in ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1"] {
        assert_eq!(cell(&json!(text)), format!("'{text}"));
        assert_eq!(cell(&json!([text, "b"])), format!("'{text}; b"));
    }
    for text in ["1", "a=b", " =1", "'=1", "a\"b", "a,b\nc", "Zoë"] {
        assert_eq!(cell(&json!(text)), text);
    }
}

#[test]
fn values_are_cells() {
    assert_eq!(cell(&json!(-1.5)), "-1.5");
    assert_eq!(cell(&json!(false)), "false");
    assert_eq!(cell(&json!(["a", 1, "b"])), "a; 1; b");
    assert_eq!(cell(&json!({"z": 1})), r#"{"z":1}"#);
    assert_eq!(cell(&json!("")), "");
}

#[test]
fn each_event_is_a_row_in_the_order_of_the_input() {
    let rows = table(
        "@timestamp,source.ip,confluence.audit.affected_objects.name",
        &std::fs::read_to_string(SAMPLE).expect("read"),
    );
    let events = events(["normalize", "-q", SAMPLE], b"");
    assert_eq!(rows.len(), events.len() + 1);
    for (row, event) in rows[1..].iter().zip(&events) {
        let objects = event["confluence"]["audit"]["affected_objects"].as_array();
        let names = objects
            .into_iter()
            .flatten()
            .filter_map(|object| object["name"].as_str());
        let expected = [
            event["@timestamp"].as_str().expect("a time"),
            event["source"]["ip"].as_str().unwrap_or_default(),
            &names.collect::<Vec<_>>().join("; "),
        ];
        assert_eq!(row, &expected);
    }
}

#[test]
fn the_usual_fields_make_a_table_for_people() {
    let input: String = (0..3)
        .map(|second| record(second, "login.failed", "Zoë", "10.0.0.1"))
        .collect();
    let output = report(
        &["--format", "csv", "--until", "1970-01-01T00:00:02Z"],
        &format!("{input}nonsense\n"),
    );
    insta::assert_snapshot!(outcome(&output));
}

#[test]
fn a_field_that_no_event_has_is_named() {
    let output = report(
        &["--format", "csv", "--fields", "user.nme,user.full_name"],
        &record(1, "x", "a", ""),
    );
    assert!(
        stderr(&output).contains("no event has a field user.nme"),
        "{}",
        stderr(&output)
    );
    assert!(
        !stderr(&output).contains("full_name"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn an_event_without_an_action_has_its_cells() {
    let record = json!({"timestamp": {"epochSecond": 1}, "auditType": {}, "method": "Browser"});
    let rows = table("event.kind,confluence.audit.method", &record.to_string());
    assert_eq!(rows[1], ["event", "Browser"]);
}

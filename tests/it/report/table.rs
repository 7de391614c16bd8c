//! `--format csv`: events as a table.

use serde_json::{Value, json};

use super::{SAMPLE, record, report};
use crate::support::outcome::outcome;
use crate::support::program::{command, events, run, stderr};
use crate::support::terminal::{shown, terminal};

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
    for begin in [
        "=", "+", "-", "@", "＝", "＋", "－", "＠", "﹦", "﹢", "﹣", "﹫",
    ] {
        for before in [
            "",
            " ",
            "\"",
            "\u{a0}",
            "\u{3000} \"",
            "\u{feff}",
            "\u{202e}",
            "\0",
        ] {
            let text = format!("{before}{begin}1");
            assert_eq!(cell(&json!(text)), format!("'{text}"));
            assert_eq!(cell(&json!([text, "b"])), format!("'{text}; b"));
        }
    }
    for text in [
        "1", "a=b", "'=1", "a\"b", "a,b\nc", "Zoë", "a, -b", "a ;b=c", "a\tb",
    ] {
        assert_eq!(cell(&json!(text)), text);
    }
}

/// Where the delimiter is a semicolon, Excel begins a cell behind one however the text is quoted, and a row behind a line end.
#[test]
fn no_part_of_a_cell_is_a_formula_by_another_delimiter() {
    for (text, expected) in [
        ("a;=1", "a;'=1"),
        ("a; \"@b;c;-d", "a;' \"@b;c;'-d"),
        ("a\n=1", "a\n'=1"),
        ("a\r\n+1", "a\r\n'+1"),
        ("a\t＝1", "a\t'＝1"),
        (";=1", ";'=1"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("\n1", "'\n1"),
    ] {
        assert_eq!(cell(&json!(text)), expected);
    }
    assert_eq!(cell(&json!(["a", "=1"])), "a;' =1");
    assert_eq!(cell(&json!({"z": ";=1"})), r#"{"z":";'=1"}"#);
}

/// `LibreOffice` takes semicolons and tabs for delimiters, too, unless they are quoted.
#[test]
fn a_row_with_another_delimiter_in_it_is_quoted() {
    let event = |text: &str| {
        let event = json!({"@timestamp": "2026-01-01T00:00:00.000Z", "ecs": {"version": "8.11.0"}, "event": {"action": "x"}, "x": text});
        event.to_string() + "\n"
    };
    let input = ["a", "a;b", "a\tb", "a,b"].map(event).concat();
    let output = report(&["--format", "csv", "--fields", "event.action,x"], &input);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    let expected = "event.action,x\nx,a\n\"x\",\"a;b\"\n\"x\",\"a\tb\"\nx,\"a,b\"\n";
    assert_eq!(text, expected);
}

#[test]
fn excel_gets_a_byte_order_mark_and_no_heading_that_is_a_formula() {
    let fields = ["--format", "csv", "--fields", "@timestamp,user.full_name"];
    let rest = "user.full_name\n1970-01-01T00:00:01.000Z,Zoë\n";
    let input = record(1, "login.failed", "Zoë", "10.0.0.1");
    let plain = report(&fields, &input);
    assert_eq!(
        String::from_utf8_lossy(&plain.stdout),
        format!("@timestamp,{rest}")
    );
    let excel = report(&[&fields[..], &["--excel"]].concat(), &input);
    assert_eq!(
        String::from_utf8_lossy(&excel.stdout),
        format!("\u{feff}'@timestamp,{rest}")
    );
    let misplaced = report(&["--excel"], &input);
    assert_eq!(misplaced.status.code(), Some(2));
    assert_eq!(
        stderr(&misplaced),
        "error: --excel: expected --format csv with it\n"
    );
}

#[test]
fn a_terminal_gets_texts_escaped_and_a_pipe_as_they_are() {
    let name = "\u{1b}[2J\u{202e}Zoë\n\u{9b}";
    let input = record(1, "login.failed", name, "10.0.0.1");
    let arguments = ["report", "--format", "csv", "--fields", "user.full_name"];
    let piped = run(arguments, input.as_bytes());
    let plain = format!("user.full_name\n\"{name}\"\n");
    assert_eq!(String::from_utf8_lossy(&piped.stdout), plain);

    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(&file, &input).expect("written");
    let (terminal, end) = terminal();
    let mut report = command(arguments);
    report.arg(file.path()).stdout(end);
    let mut child = report.spawn().expect("it starts");
    drop(report);
    let text = shown(terminal);
    child.wait().expect("it ends");
    let expected = "user.full_name\r\n\\x1b[2J\\u{202e}Zoë\\x0a\\u{9b}\r\n";
    assert_eq!(text, expected);
}

#[test]
fn a_table_for_excel_is_not_written_to_a_terminal() {
    let (_terminal, end) = terminal();
    // A terminal that nobody reads holds a line, but not the sample.
    let file = tempfile::NamedTempFile::new().expect("a file");
    let input = record(1, "login.failed", "Zoë", "10.0.0.1");
    std::fs::write(&file, input).expect("written");
    let mut report = command(["report", "--format", "csv", "--excel"]);
    report.arg(file.path());
    let output = report.stdout(end).output().expect("it runs");
    let expected =
        "error: --excel: stdout is a terminal: redirect it to a file, as with > events.csv\n";
    assert_eq!(stderr(&output), expected);
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn an_address_that_is_none_is_in_the_usual_columns() {
    let input = record(1, "login.failed", "Zoë", "proxy.example:80");
    let output = report(&["--format", "csv"], &input);
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(text.contains(",,proxy.example:80,"), "{text}");
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

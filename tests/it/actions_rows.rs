//! The rows of the tables of actions in the code, and how they are made from the files in `schemas`.

use serde_json::Value;

use crate::actions::texts;
use crate::support::program::project;

/// A name of `schemas/actions.json` as that of a variant: `user_created` is `UserCreated`.
fn variant(name: &str) -> String {
    let words = name
        .split('_')
        .map(|word| word[..1].to_uppercase() + &word[1..]);
    words.collect()
}

/// A row as a literal of Rust.
fn literal(row: &Value) -> String {
    let members = row.as_object().expect("an object").keys();
    let unknown: Vec<_> = members.filter(|key| !MEMBERS.contains(&&***key)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let list = |value: &Value| format!("&{:?}", texts(value));
    let optional = |value: &Value| format!("{:?}", value.as_str());
    let raw = |value: &Value| match value {
        Value::Null => r#""""#.to_owned(),
        value => format!("r#\"{value}\"#"),
    };
    let one_of = |kind: &str, value: &Value| {
        let name = value.as_str().unwrap_or("none");
        format!("{kind}::{}", variant(name))
    };
    let [category, kind, outcome] = [&row["category"], &row["type"], &row["outcome"]];
    let condition = match &row["condition"] {
        Value::Null => "None".to_owned(),
        condition => format!("Some({})", one_of("Condition", condition)),
    };
    let place = &row["where"];
    let categorization = format!(
        "Categorization {{ category: {}, kind: {}, outcome: {}, subject: {} }}",
        raw(category),
        raw(kind),
        raw(outcome),
        one_of("Subject", &row["subject"])
    );
    let place = format!(
        "Place {{ category: {}, area: {}, level: {} }}",
        list(&place["category"]),
        optional(&place["area"]),
        optional(&place["level"])
    );
    format!(
        "Action {{ section: {}, key: {}, text: {}, elastic: {}, category: {}, kind: {}, outcome: {}, notable: {}, \
         reason: {}, condition: {condition}, place: {place}, source: {}, confidence: {}, categorization: {categorization} }}",
        row["section"],
        optional(&row["key"]),
        optional(&row["text"]),
        one_of("Names", &row["elastic"]),
        list(category),
        list(kind),
        optional(outcome),
        one_of("Notability", &row["notable"]),
        row["reason"],
        row["source"],
        one_of("Confidence", &row["confidence"]),
    )
}

const MEMBERS: [&str; 14] = [
    "section",
    "key",
    "text",
    "elastic",
    "category",
    "type",
    "outcome",
    "subject",
    "notable",
    "reason",
    "condition",
    "where",
    "source",
    "confidence",
];

/// The rows are in the code as data, so that a run need not read them first.
#[test]
fn the_rows_in_the_code_are_those_of_the_file() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../schemas/actions.json")).expect("JSON");
    let uses = "use super::{Action, Condition, Confidence, Names, Notability, Place};\n\
                use crate::pipeline::event::{Categorization, Subject};\n";
    let table = table(
        "Every row, in the order of the file.",
        "ACTIONS: [Action",
        &rows,
        literal,
    );
    assert_generated(
        "pipeline/actions/rows.rs",
        "actions.json",
        &format!("{uses}{table}"),
    );
}

#[test]
fn the_rows_of_an_organization_in_the_code_are_those_of_the_file() {
    let text = include_str!("../../schemas/organization-actions.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let rows = |rows: &Value| rows.as_array().expect("rows").clone();
    let [elastic, extended, failures] = [
        &file["rows"],
        &file["extended"]["rows"],
        &file["extended"]["failures"],
    ]
    .map(rows);
    let tables = [
        table(
            "The rows for every action: the last fits all.",
            "ELASTIC: [Row",
            &elastic,
            organization_literal,
        ),
        table(
            "What `--categories extended` tries before them.",
            "EXTENDED: [Row",
            &extended,
            organization_literal,
        ),
        table(
            "Actions that have failed by `--categories extended`, whatever row they fit.",
            "FAILURES: [Pattern",
            &failures,
            pattern,
        ),
    ];
    let uses = "use super::{Pattern, Row};\nuse crate::pipeline::event::OrganizationRow;\n";
    let content = format!("{uses}{}", tables.concat());
    assert_generated(
        "pipeline/actions/organization/rows.rs",
        "organization-actions.json",
        &content,
    );
}

#[test]
fn the_notable_actions_of_an_organization_in_the_code_are_those_of_the_file() {
    let text = include_str!("../../schemas/organization-notable.json");
    let file: Value = serde_json::from_str(text).expect("JSON");
    let rows = file["rows"].as_array().expect("rows");
    let literal = |row: &Value| {
        let pattern = pattern(&row["action"]);
        format!("Row {{ pattern: {pattern}, reason: {} }}", row["reason"])
    };
    let table = table(
        "The first row that fits an action counts.",
        "ROWS: [Row",
        rows,
        literal,
    );
    let uses = "use super::Row;\nuse crate::pipeline::actions::organization::Pattern;\n";
    assert_generated(
        "schema/notable/organization/rows.rs",
        "organization-notable.json",
        &format!("{uses}{table}"),
    );
}

/// A row of an organization's actions as a literal of Rust.
fn organization_literal(row: &Value) -> String {
    let [category, kind, outcome] = [&row["category"], &row["type"], &row["outcome"]];
    format!(
        "Row {{ pattern: {}, category: &{:?}, kind: &{:?}, outcome: {outcome}, \
         json: OrganizationRow {{ category: r#\"{category}\"#, kind: r#\"{kind}\"#, outcome: r#\"{outcome}\"# }} }}",
        pattern(&row["action"]),
        texts(category),
        texts(kind),
    )
}

fn pattern(text: &Value) -> String {
    let text = text.as_str().expect("text");
    let parts: Vec<_> = text.split('*').collect();
    format!("Pattern {{ text: {text:?}, parts: &{parts:?} }}")
}

/// A table as an array of Rust.
fn table(comment: &str, start: &str, rows: &[Value], literal: fn(&Value) -> String) -> String {
    let lines: Vec<_> = rows
        .iter()
        .map(|row| format!("    {},\n", literal(row)))
        .collect();
    let (count, lines) = (rows.len(), lines.concat());
    format!("\n/// {comment}\n#[rustfmt::skip]\npub static {start}; {count}] = [\n{lines}];\n")
}

/// Holds a file of the code against what is made of a file in `schemas`, or writes it.
fn assert_generated(path: &str, from: &str, content: &str) {
    let path = project("src").join(path);
    let text = format!(
        "//! The rows of `schemas/{from}`, made by `UPDATE_ACTIONS=1 cargo test --test it actions`.\n\n{content}"
    );
    let current = std::fs::read_to_string(&path).expect("text");
    if std::env::var_os("UPDATE_ACTIONS").is_some() {
        std::fs::write(&path, &text).expect("written");
    }
    assert!(
        current == text,
        "UPDATE_ACTIONS=1 cargo test --test it actions"
    );
}

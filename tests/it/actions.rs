//! The table of actions (docs/events.md): its rows, how they are printed, and `--categories`.

use confluence_ecs::pipeline::dataset::Dataset;
use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::atlassian::cloud_record;
use crate::support::fetching::{Fetching, START};
use crate::support::follow::{Place, finish};
use crate::support::oracle::categories::{extended_notable, extended_rows};
use crate::support::program::{events, project, run, stderr};

/// What `schema actions` prints.
fn printed(format: &str) -> String {
    let output = run(["schema", "actions", "--format", format], b"");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn rows() -> Vec<Value> {
    serde_json::from_str(&printed("json")).expect("JSON")
}

pub fn texts(value: &Value) -> Vec<&str> {
    let elements = value.as_array().into_iter().flatten();
    elements.filter_map(Value::as_str).collect()
}

/// The names of a row, key before text.
fn names(row: &Value) -> Vec<&str> {
    let names = [&row["key"], &row["text"]];
    names.into_iter().filter_map(Value::as_str).collect()
}

/// How many rows have a member, by its values.
fn counts(rows: &[Value], member: &str) -> Vec<(String, usize)> {
    let values: BTreeSet<_> = rows.iter().filter_map(|row| row[member].as_str()).collect();
    let count = |value: &&str| rows.iter().filter(|row| row[member] == **value).count();
    let counts = values
        .iter()
        .map(|value| ((*value).to_owned(), count(value)));
    counts.collect()
}

#[test]
fn the_rows_are_those_of_the_specification() {
    let rows = rows();
    let has = |member: &str| rows.iter().filter(|row| row[member].is_string()).count();
    let both = rows.iter().filter(|row| names(row).len() == 2).count();
    assert_eq!(
        (rows.len(), has("key"), has("text"), both),
        (207, 195, 39, 27)
    );
    let count = |value: &str, rows| (value.to_owned(), rows);
    assert_eq!(
        counts(&rows, "confidence"),
        [count("high", 34), count("low", 8), count("medium", 165)]
    );
    assert_eq!(
        counts(&rows, "notable"),
        [count("if", 2), count("no", 152), count("yes", 53)]
    );
    let listed: Vec<_> = rows
        .iter()
        .flat_map(|row| {
            let cells = [&row["category"], &row["type"], &row["outcome"]];
            let [category, kind, outcome] = cells.map(|cell| match cell {
                Value::String(text) => vec![text.clone()],
                list => texts(list).into_iter().map(str::to_owned).collect(),
            });
            let what = [category, kind, outcome];
            names(row)
                .into_iter()
                .map(move |name| (name.to_owned(), what.clone()))
        })
        .collect();
    let expected: Vec<_> = extended_rows()
        .into_iter()
        .map(|(name, what)| {
            (
                name,
                what.map(|list| list.iter().map(|&cell| cell.to_owned()).collect()),
            )
        })
        .collect();
    assert_eq!(listed, expected);
    let notable: Vec<_> = rows.iter().map(|row| row["notable"].as_str()).collect();
    let expected: Vec<_> = extended_notable().into_iter().map(Some).collect();
    assert_eq!(notable, expected);
}

/// By ECS 8.11, as `schema fields` has it.
#[test]
fn the_rows_are_of_allowed_and_expected_values() {
    let table = confluence_ecs::schema::fields(Dataset::Confluence);
    let allowed = |name: &str, value: &str| {
        let field = table.fields.iter().find(|field| field.name == name);
        let values = &field.expect("a field").allowed_values;
        values.iter().any(|allowed| allowed == value)
    };
    for row in rows() {
        let (categories, kinds) = (texts(&row["category"]), texts(&row["type"]));
        assert!(!categories.is_empty() && !kinds.is_empty(), "{row}");
        for category in &categories {
            assert!(allowed("event.category", category), "{row}");
        }
        for kind in kinds {
            assert!(allowed("event.type", kind), "{row}");
            let mut expecting = categories.iter();
            assert!(
                expecting.any(|category| table.expects(category, kind, None)),
                "{row}"
            );
        }
        let outcome = row["outcome"].as_str();
        assert!(
            outcome.is_none_or(|outcome| allowed("event.outcome", outcome)),
            "{row}"
        );
        assert!(
            !row["reason"].as_str().unwrap_or_default().is_empty(),
            "{row}"
        );
        assert_eq!(
            row["notable"] == "if",
            row["condition"].is_string(),
            "{row}"
        );
    }
}

#[test]
fn no_name_stands_for_two_rows() {
    let rows = rows();
    let mut seen = BTreeSet::new();
    for row in &rows {
        let names: BTreeSet<_> = names(row).into_iter().collect();
        assert!(!names.is_empty(), "{row}");
        for name in names {
            assert!(seen.insert(name), "{name}");
        }
    }
}

#[test]
fn each_format_holds_each_row() {
    let rows = rows();
    let [table, markdown, csv] = ["table", "markdown", "csv"].map(printed);
    assert_eq!(printed("json"), include_str!("../../schemas/actions.json"));
    assert_eq!(table.lines().count(), rows.len() + 1);
    let csv: Vec<_> = csv::Reader::from_reader(csv.as_bytes())
        .into_records()
        .map(|row| row.expect("a row"))
        .collect();
    assert_eq!(csv.len(), rows.len());
    let markdown: Vec<_> = markdown
        .lines()
        .filter(|line| line.starts_with("| "))
        .collect();
    let markdown: Vec<_> = markdown
        .into_iter()
        .filter(|line| !line.contains("| Text |"))
        .collect();
    assert_eq!(markdown.len(), rows.len());
    for (at, row) in rows.iter().enumerate() {
        let notable = format!(
            "{}: {}",
            row["notable"].as_str().unwrap(),
            row["reason"].as_str().unwrap()
        );
        for line in [table.lines().nth(at + 1), markdown.get(at).copied()] {
            let line = line.expect("a line");
            assert!(names(row).iter().all(|name| line.contains(name)), "{line}");
            assert!(line.contains(&notable), "{line}");
        }
        let cells: Vec<_> = csv[at].iter().collect();
        let text = |name: &str| row[name].as_str().unwrap_or_default();
        let category = texts(&row["category"]).join(", ");
        let kind = texts(&row["type"]).join(", ");
        let expected = [text("key"), text("text"), &category, &kind, text("outcome")];
        assert_eq!(cells[..5], expected);
        assert_eq!(cells[6..8], [text("notable"), text("reason")]);
    }
}

#[test]
fn the_first_rows_of_each_format() {
    let first = |format: &str| {
        let lines: Vec<_> = printed(format).lines().take(6).map(str::to_owned).collect();
        lines.join("\n")
    };
    insta::assert_snapshot!(["table", "markdown", "csv"].map(first).join("\n\n"));
}

/// Records of each dialect with that action, in the shapes of docs/mapping.md 3 and 4.
fn records(action: &str) -> [Value; 3] {
    [
        json!({"creationDate": 5, "summary": action}),
        json!({"timestamp": "5", "type": {"actionI18nKey": action}}),
        json!({"timestamp": {"epochSecond": 5}, "auditType": {"actionI18nKey": action}}),
    ]
}

/// Every action of the extended set, and some that are in none, in every dialect.
#[test]
fn extended_categories_hold_in_every_dialect() {
    let others = [
        "app enabled",
        "App enabled ",
        "S.space.export",
        "Page viewed",
    ];
    let unlisted = || [vec![], vec!["info"], vec![]];
    let others = others.map(|name| (name.to_owned(), unlisted()));
    let mut input = Vec::new();
    let mut expected = Vec::new();
    for (action, what) in extended_rows().into_iter().chain(others) {
        for record in records(&action) {
            input.push(record.to_string());
            expected.push((action.clone(), what.clone()));
        }
    }
    let made = events(
        ["normalize", "--categories", "extended"],
        input.join("\n").as_bytes(),
    );
    assert_eq!(made.len(), expected.len());
    for ((action, [category, kind, outcome]), event) in expected.iter().zip(&made) {
        let event = &event["event"];
        assert_eq!(event["action"], **action);
        assert_eq!(texts(&event["category"]), *category, "{action}");
        assert_eq!(texts(&event["type"]), *kind, "{action}");
        assert_eq!(
            event["outcome"].as_str(),
            outcome.first().copied(),
            "{action}"
        );
    }
}

/// What is in the default set is the same in both, users and groups included.
#[test]
fn an_action_of_the_default_set_is_the_same_in_the_extended_one() {
    for data in [
        "dc-file-users.log",
        "dc-api-users.ndjson",
        "cloud-users.ndjson",
    ] {
        let path = project("testdata/records").join(data);
        let path = path.to_str().expect("UTF-8");
        let made = |set| events(["normalize", "--categories", set, path], b"");
        for (elastic, extended) in made("elastic").into_iter().zip(made("extended")) {
            if elastic["event"].get("category").is_some() {
                assert_eq!(elastic, extended);
            } else {
                assert_eq!(elastic["user"], extended["user"]);
                assert_eq!(elastic.get("group"), extended.get("group"));
            }
        }
    }
}

#[test]
fn events_of_extended_categories_are_valid() {
    let rows = extended_rows();
    let records = rows.iter().flat_map(|(action, _)| records(action));
    let input: Vec<_> = records.map(|record| record.to_string()).collect();
    let made = run(
        ["normalize", "--categories", "extended"],
        input.join("\n").as_bytes(),
    );
    let output = run(["schema", "validate"], &made.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

/// Golden files are made with either set.
#[test]
fn fixtures_take_the_set_of_categories() {
    let folder = tempfile::tempdir().expect("a folder");
    let [record, ..] = records("Space export");
    std::fs::write(folder.path().join("test.log"), format!("{record}\n")).expect("written");
    let folder_name = folder.path().to_str().expect("UTF-8");
    let code = |arguments: &[&str]| {
        run(
            ["fixtures"].iter().chain(arguments).chain([&folder_name]),
            b"",
        )
        .status
        .code()
    };
    assert_eq!(code(&["regenerate", "--categories", "extended"]), Some(0));
    assert_eq!(code(&["check", "--categories", "extended"]), Some(0));
    assert_eq!(code(&["check"]), Some(1));
}

/// The category of an event that only the extended set has a category for.
fn assert_extended(event: &Value) {
    assert_eq!(event["event"]["action"], "Space created", "{event}");
    assert_eq!(
        event["event"]["category"],
        json!(["configuration"]),
        "{event}"
    );
}

#[test]
fn a_configuration_file_chooses_the_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = folder.path().join("config.toml");
    std::fs::write(&config, "[mapping]\ncategories = \"extended\"\n").expect("written");
    let record = json!({"creationDate": 5, "summary": "Space created"}).to_string();
    let config = config.to_str().expect("UTF-8");
    let with_file = ["normalize", "--config", config];
    assert_extended(&events(with_file, record.as_bytes())[0]);
    let flag_wins = ["normalize", "--config", config, "--categories", "elastic"];
    let event = &events(flag_wins, record.as_bytes())[0];
    assert_eq!(event["event"].get("category"), None, "{event}");
}

#[test]
fn tail_and_fetch_take_the_set() {
    let place = Place::new(&["*.log"]);
    let record = json!({"creationDate": 5, "summary": "Space created"});
    place.append_bytes("audit.log", format!("{record}\n"));
    let output = finish(place.tail_to_file(&["--once", "--categories", "extended"]));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_extended(&place.events()[0]);

    let fetching = Fetching::cloud();
    fetching.server.make_up(1, START, 1, cloud_record);
    fetching.fetch(&["--categories", "extended"]);
    assert_extended(&fetching.events()[0]);
}

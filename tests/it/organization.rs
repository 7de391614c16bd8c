//! Events of an organization (docs/org-events.md), through the binary.

use serde_json::{Value, json};

use crate::support::events::assert_same_event;
use crate::support::program::{events, run};

const EXAMPLES: &str = include_str!("../../testdata/organization-examples.ndjson");
/// Records of Confluence, as few as are needed to be told.
const CLOUD: &str = r#"{"creationDate":1,"summary":"s"}"#;
const ORG: &str =
    r#"{"id":"e1","attributes":{"time":"2026-03-02T08:15:30Z","action":"user_login"}}"#;

/// The events of a text.
fn normalized(flags: &[&str], text: &str) -> Vec<Value> {
    let arguments = ["normalize", "-q"].iter().chain(flags);
    events(arguments, text.as_bytes())
}

fn event(flags: &[&str], text: &str) -> Value {
    let mut events = normalized(flags, text);
    assert_eq!(events.len(), 1, "{text}");
    events.remove(0)
}

/// What stands at a path of an event, null where nothing does.
fn at(event: &Value, path: &str) -> Value {
    let pointer = format!("/{}", path.replace('.', "/"));
    event.pointer(&pointer).cloned().unwrap_or_default()
}

fn has(flags: &[&str], record: &str, expected: &[(&str, Value)]) {
    let event = event(flags, record);
    for (path, value) in expected {
        assert_same_event(&at(&event, path), value, &format!("{path} of {record}"));
    }
}

#[test]
fn the_examples_of_the_documentation_come_out_whole() {
    for line in EXAMPLES.lines() {
        let example: Value = serde_json::from_str(line).expect("JSON");
        let record = example["record"].as_str().expect("text");
        let mut expected = example["event"].clone();
        for (name, value) in [
            (
                "observer",
                json!({"product": "Atlassian Cloud", "type": "saas", "vendor": "Atlassian"}),
            ),
            ("ecs", json!({"version": "9.3.0"})),
            (
                "tags",
                json!(["preserve_original_event", "atlassian_cloud-audit"]),
            ),
            ("input", json!({"type": "stdin"})),
            (
                "data_stream",
                json!({"dataset": "atlassian_cloud.audit", "namespace": "default", "type": "logs"}),
            ),
        ] {
            expected[name] = value;
        }
        expected["event"]["module"] = json!("atlassian_cloud");
        expected["event"]["dataset"] = json!("atlassian_cloud.audit");
        expected["event"]["original"] = json!(record);
        for dialect in ["auto", "org"] {
            let flags = ["--preserve-original-event", "--dialect", dialect];
            assert_same_event(&event(&flags, record), &expected, record);
        }
    }
}

#[test]
fn data_set_and_version_go_by_the_record() {
    let told = |events: Vec<Value>| -> Vec<_> {
        let of = |event: &Value| {
            let paths = [
                "event.dataset",
                "data_stream.dataset",
                "event.module",
                "ecs.version",
                "tags.0",
            ];
            paths.map(|path| at(event, path))
        };
        events.iter().map(of).collect()
    };
    let confluence = [
        "atlassian_confluence.audit",
        "atlassian_confluence.audit",
        "",
        "8.11.0",
        "confluence-audit",
    ];
    let organization = [
        "atlassian_cloud.audit",
        "atlassian_cloud.audit",
        "atlassian_cloud",
        "9.3.0",
        "atlassian_cloud-audit",
    ];
    let row = |names: [&str; 5]| {
        names.map(|name| {
            if name.is_empty() {
                Value::Null
            } else {
                json!(name)
            }
        })
    };
    let mixed = format!("{CLOUD}\n{ORG}\nnonsense\n{CLOUD}\n");
    assert_eq!(
        told(normalized(&[], &mixed))
            .into_iter()
            .map(|mut row| {
                // That of an error is `preserve_original_event`.
                if row[4] == "preserve_original_event" {
                    row[4] = json!("confluence-audit");
                }
                row
            })
            .collect::<Vec<_>>(),
        [
            row(confluence),
            row(organization),
            row(confluence),
            row(confluence)
        ]
    );
    // What cannot be mapped is of the organization only where that is said.
    let unreadable = r#"{"attributes":{"time":"soon"}}"#;
    let error = event(&[], unreadable);
    assert_eq!(error["event"]["dataset"], "atlassian_confluence.audit");
    let error = event(&["--dialect", "org"], unreadable);
    assert_eq!(told(vec![error.clone()])[0][..4], row(organization)[..4]);
    assert_eq!(
        error["tags"],
        json!(["preserve_original_event", "atlassian_cloud-audit"])
    );
    assert_eq!(error["event"]["kind"], "pipeline_error");
    let message = error["error"]["message"].as_str().expect("text");
    assert!(
        message.contains("`attributes.time` at byte 22 cannot be read: \"soon\""),
        "{message}"
    );
}

#[test]
fn default_tags_can_be_left_out() {
    has(&["--no-default-tags"], ORG, &[("tags", Value::Null)]);
    has(
        &["--tag", "a"],
        ORG,
        &[("tags", json!(["atlassian_cloud-audit", "a"]))],
    );
}

#[test]
fn a_single_record_that_fails_is_kept_without_the_answer_around_it() {
    let record = r#"{"id":"e1","attributes":{"time":"never"}}"#;
    for (before, after) in [("{\"data\":", "}"), ("{\n  \"data\": ", "\n}\n")] {
        for dialect in ["auto", "org"] {
            let answer = format!("{before}{record}{after}");
            let failed = [
                ("event.kind", json!("pipeline_error")),
                ("event.original", json!(record)),
            ];
            has(&["--dialect", dialect], &answer, &failed);
        }
    }
}

#[test]
fn pages_are_split_and_a_single_record_is_unwrapped() {
    let pretty = |text: &str| {
        let value: Value = serde_json::from_str(text).expect("JSON");
        format!("{value:#}")
    };
    for (text, originals) in [
        (
            format!("{{\"data\":[{ORG}, {ORG}],\"meta\":{{\"next\":null}}}}"),
            vec![ORG, ORG],
        ),
        (
            format!("{{\"meta\":{{}},\"data\":[{ORG}]}}\n{CLOUD}"),
            vec![ORG, CLOUD],
        ),
        (
            format!("[{{\"data\":[{ORG}]}},{{\"data\":{ORG}}},{ORG}]"),
            vec![ORG, ORG, ORG],
        ),
        (format!("{{ \"data\" : {ORG} }}"), vec![ORG]),
        ("{\"data\":[],\"meta\":{\"next\":null}}".to_owned(), vec![]),
    ] {
        let original = |event: &Value| event["event"]["original"].clone();
        for dialect in ["auto", "org"] {
            if dialect == "org" && text.contains(CLOUD) {
                continue;
            }
            let flags = [
                "--strict",
                "--preserve-original-event",
                "--dialect",
                dialect,
            ];
            let found: Vec<_> = normalized(&flags, &text).iter().map(original).collect();
            assert_eq!(found, originals, "{text}");
        }
        if !text.contains('\n') {
            let spread = normalized(&["--strict"], &pretty(&text));
            assert_eq!(spread.len(), originals.len(), "{text}");
        }
    }
}

#[test]
fn other_dialects_are_told_as_before() {
    // Neither is a page nor a wrapped record what another dialect is.
    for record in [
        r#"{"creationDate":1,"attributes":{"time":"2026-03"}}"#,
        r#"{"creationDate":1,"data":[{"attributes":{}}]}"#,
        r#"{"timestamp":"2","attributes":{},"data":{"attributes":{}}}"#,
    ] {
        has(&["--strict"], record, &[("ecs.version", json!("8.11.0"))]);
    }
    let forced = r#"{"data":{"attributes":{}},"summary":"s"}"#;
    has(
        &["--dialect", "cloud"],
        forced,
        &[("event.action", json!("s"))],
    );
    has(
        &[],
        r#"{"data":{"creationDate":1}}"#,
        &[("event.kind", json!("pipeline_error"))],
    );
}

#[test]
fn a_record_without_a_time_is_an_event_of_when_it_was_processed() {
    let processed = r#"{"attributes":{"processedAt":"2026-03-02T09:15:31+01:00","action":"x"}}"#;
    let time = json!("2026-03-02T08:15:31.000Z");
    has(
        &["--strict"],
        processed,
        &[("@timestamp", time.clone()), ("event.created", time)],
    );
    let now = event(&["--strict"], r#"{"attributes":{}}"#);
    assert!(now["@timestamp"].is_string(), "{now}");
    assert_eq!(at(&now, "event.kind"), Value::Null);
}

#[test]
fn only_the_asn_database_and_named_networks_are_looked_up() {
    let record = r#"{"attributes":{"location":{"ip":"81.2.69.143","city":"Oslo"}}}"#;
    let databases = [
        "--geoip-city",
        "testdata/geoip/confluence-ecs-city.mmdb",
        "--geoip-asn",
        "testdata/geoip/confluence-ecs-asn.mmdb",
        "--network",
        "81.2.69.0/24=office",
    ];
    let found = event(&databases, record);
    assert_eq!(
        at(&found, "source.geo"),
        json!({"city_name": "Oslo", "name": "office"})
    );
    assert!(at(&found, "source.as.number").is_u64(), "{found}");
}

#[test]
fn constants_are_merged_into_what_stays_as_it_is() {
    let record = r#"{"attributes":{"context":{"b":"","a":null},"actor":{"id":"x","app":{"attributes":[]}}}}"#;
    let constants = json!({
        "atlassian_cloud": {"audit": {"context": {"a": 1, "c": {"d": 2}}, "actor": {"app": {"name": "n", "attributes": {"e": 1}}}}},
        "observer": {"name": "o"}, "message": "m", "event": {"created": "c"},
    });
    has(
        &["--add-fields", &constants.to_string()],
        record,
        &[
            (
                "atlassian_cloud.audit.context",
                json!({"a": 1, "b": "", "c": {"d": 2}}),
            ),
            (
                "atlassian_cloud.audit.actor.app",
                json!({"attributes": {"e": 1}, "id": "x", "name": "n"}),
            ),
            (
                "observer",
                json!({"name": "o", "product": "Atlassian Cloud", "type": "saas", "vendor": "Atlassian"}),
            ),
            ("message", json!("m")),
            ("event.created", json!("c")),
        ],
    );
}

#[test]
fn extended_categories_mend_the_table() {
    let of = |action: &str, flags: &[&str]| {
        let record = format!(r#"{{"attributes":{{"action":"{action}"}}}}"#);
        let event = event(flags, &record);
        ["category", "type", "outcome"].map(|name| event["event"][name].clone())
    };
    for (action, elastic, extended) in [
        (
            "user_removed_from_group",
            json!([["iam"], ["user", "deletion"], "success"]),
            json!([["iam"], ["group", "change"], "success"]),
        ),
        (
            "auth_policy_created",
            json!([["configuration"], ["info"], "success"]),
            json!([["iam", "configuration"], ["creation"], "success"]),
        ),
        (
            "confluence_export_space_finished",
            json!([["configuration"], ["info"], "success"]),
            json!([["file"], ["access"], "success"]),
        ),
        (
            "upp_confluence_page_export_deny",
            json!([["configuration"], ["info"], "success"]),
            json!([["configuration"], ["info"], "failure"]),
        ),
        (
            "user_login",
            json!([["authentication"], ["info"], "success"]),
            json!([["authentication"], ["info"], "success"]),
        ),
    ] {
        assert_eq!(json!(of(action, &[])), elastic, "{action}");
        let flags = ["--categories", "extended"];
        assert_eq!(json!(of(action, &flags)), extended, "{action}");
    }
}

#[test]
fn every_row_of_the_table_is_valid_by_ecs() {
    let text = include_str!("../../schemas/organization-actions.json");
    let table: Value = serde_json::from_str(text).expect("JSON");
    let rows = |rows: &Value| rows.as_array().expect("rows").clone();
    let patterns = rows(&table["rows"])
        .into_iter()
        .chain(rows(&table["extended"]["rows"]));
    let records: Vec<String> = patterns
        .map(|row| row["action"].as_str().expect("text").replace('*', "x"))
        .map(|action| format!("{{\"attributes\":{{\"action\":\"{action}\"}}}}\n"))
        .collect();
    let records = records.concat();
    for set in ["elastic", "extended"] {
        let output = run(["normalize", "-q", "--categories", set], records.as_bytes());
        let output = run(["schema", "validate", "-q"], &output.stdout);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        assert_eq!(output.status.code(), Some(0));
    }
}

#[test]
fn records_and_pages_are_no_events_to_validate_or_send() {
    for (text, what) in [
        (ORG, "a raw audit record, not an event"),
        (
            r#"{"data":[]}"#,
            "a page of raw audit records, not an event",
        ),
    ] {
        let output = run(["schema", "validate", "-q"], text.as_bytes());
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(told.contains(what), "{told}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn an_output_of_such_events_is_written_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("events.ndjson").display().to_string();
    for _ in 0..2 {
        let output = run(["normalize", "-q", "-o", &path], ORG.as_bytes());
        assert_eq!(output.status.code(), Some(0), "{output:?}");
    }
}

#[test]
fn the_document_has_every_row_of_the_tables() {
    let table: Value =
        serde_json::from_str(include_str!("../../schemas/organization-actions.json"))
            .expect("JSON");
    let document = include_str!("../../docs/org-events.md");
    let words = |list: &Value| {
        let words = list.as_array().expect("a list").iter();
        words
            .map(|word| word.as_str().expect("text"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut before = 0;
    for rows in [&table["rows"], &table["extended"]["rows"]] {
        for row in rows.as_array().expect("rows") {
            let action = row["action"].as_str().expect("text");
            let outcome = row["outcome"].as_str().expect("text");
            let (category, kind) = (words(&row["category"]), words(&row["type"]));
            let line = format!("\n| `{action}` | {category} | {kind} | {outcome} |\n");
            let at = document[before..].find(&line);
            before += at.unwrap_or_else(|| panic!("no row, or in another place: {line}"));
        }
    }
    let notable: Value =
        serde_json::from_str(include_str!("../../schemas/organization-notable.json"))
            .expect("JSON");
    for row in notable["rows"].as_array().expect("rows") {
        let [action, reason] = ["action", "reason"].map(|name| row[name].as_str().expect("text"));
        let line = format!("\n| `{action}` | {reason} |\n");
        let at = document[before..].find(&line);
        before += at.unwrap_or_else(|| panic!("no row, or in another place: {line}"));
    }
    for failure in table["extended"]["failures"].as_array().expect("a list") {
        assert!(document.contains(&format!("`{}`", failure.as_str().expect("text"))));
    }
}

#[test]
fn the_table_of_actions_is_printed() {
    let printed = |format: &str| {
        let arguments = ["schema", "actions", "--dataset", "org", "--format", format];
        let output = run(arguments, b"");
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let file = include_str!("../../schemas/organization-actions.json");
    assert_eq!(printed("json"), file);
    let table: Value = serde_json::from_str(file).expect("JSON");
    let count = |rows: &Value| rows.as_array().expect("rows").len();
    let extended = &table["extended"];
    let rows = count(&table["rows"]) + count(&extended["rows"]) + count(&extended["failures"]);
    // With a line of headings, and another below it.
    for (format, headings) in [("table", 1), ("csv", 1), ("markdown", 2)] {
        assert_eq!(printed(format).lines().count(), rows + headings, "{format}");
    }
    let csv = printed("csv");
    for line in [
        "action,category,type,outcome,set",
        "org_settings_update,\"iam, configuration\",change,success,elastic",
        "*,configuration,info,success,elastic",
        "saml_*,\"iam, configuration\",change,success,extended",
        "*_deny,,,failure,extended",
    ] {
        assert!(csv.lines().any(|found| found == line), "{line}");
    }
}

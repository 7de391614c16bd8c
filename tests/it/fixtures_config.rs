//! `fixtures`: what the configuration of a file or folder does, and which flags there are.

use std::fs;

use serde_json::json;

use crate::fixtures::{RECORD, expected, fixtures, folder, read};

#[test]
fn the_configuration_of_a_file_wins_over_that_of_its_folder() {
    let both = r#"{"creationDate":1,"timestamp":"2","summary":"User created"}"#;
    let folder = folder(&[
        ("a.log", both),
        ("b.log", both),
        (
            "test-common-config.yml",
            "fields:\n  tags: [one, two]\n  observer.name: common\n  event:\n    kind: wrong\n",
        ),
        (
            "a.log-config.yml",
            "# its own\nfields:\n  tags:\n    - three\n  observer:\n    vendor: own\n",
        ),
    ]);
    assert_eq!(
        fixtures(
            "regenerate",
            &["--allow-errors", "--tag", "flag"],
            folder.path()
        )
        .0,
        0
    );
    let own = &expected(&folder, "a.log-expected.json")[0];
    assert_eq!(own["tags"], json!(["three", "flag"]));
    assert_eq!(own["observer"], json!({"name": "common", "vendor": "own"}));
    assert_eq!(own["event"]["kind"], "event");
    assert_eq!(
        expected(&folder, "b.log-expected.json")[0]["tags"],
        json!(["one", "two", "flag"])
    );
}

#[test]
fn the_cloud_dialect_is_forced_by_the_configuration() {
    // Read as Cloud's it has no time, and no author with an `accountId`.
    let dc = r#"{"timestamp":"2","author":{"id":"1"},"summary":"of Cloud"}"#;
    for (config, is_cloud) in [
        ("fields:\n  _config:\n    atlassian_cloud: true\n", true),
        ("fields:\n  _config:\n    atlassian_cloud: false\n", true),
        ("fields:\n  _config:\n    atlassian_cloud: ~\n", false),
        ("fields:\n  _config.atlassian_cloud: {}\n", true),
        ("fields:\n  _config: {}\n", false),
        ("", false),
    ] {
        let folder = folder(&[("a.log", dc), ("a.log-config.yml", config)]);
        let _ = fixtures("regenerate", &["--allow-errors"], folder.path());
        let event = &expected(&folder, "a.log-expected.json")[0];
        assert_eq!(event["event"]["kind"], "event", "{config}");
        let (action, time) = (&event["event"]["action"], &event["@timestamp"]);
        assert_eq!(*action == "of Cloud", is_cloud, "{config}");
        assert_eq!(*time == "1970-01-01T00:00:02.000Z", !is_cloud, "{config}");
        assert_eq!(event.get("_config"), None);
    }
}

#[test]
fn when_a_record_without_a_time_was_processed_is_not_compared() {
    let folder = folder(&[
        ("a.log", "{\"summary\":\"x\",\"creationDate\":null}\n"),
        (
            "a.log-config.yml",
            "fields:\n  _config:\n    atlassian_cloud: true\n",
        ),
    ]);
    let (code, told) = fixtures("regenerate", &[], folder.path());
    assert_eq!(code, 0, "{told}");
    let before = read(&folder, "a.log-expected.json");
    let (code, told) = fixtures("check", &[], folder.path());
    assert_eq!(code, 0, "{told}");
    fixtures("regenerate", &[], folder.path());
    assert_eq!(read(&folder, "a.log-expected.json"), before);
}

#[test]
fn dynamic_fields_are_compared_by_pattern() {
    let config = "dynamic_fields:\n  event.ingested: '^2024-'\n  '@timestamp': ^20\nfields:\n  event.ingested: 2024-01-01T00:00:00Z\n";
    let golden = |ingested: &str| {
        json!({"expected": [{
            "@timestamp": "2000-01-01T00:00:00.000Z",
            "confluence": {"audit": {"type": {"action": "User created"}}},
            "ecs": {"version": "8.11.0"},
            "event": {"action": "User created", "category": ["iam"], "ingested": ingested, "kind": "event",
                "original": RECORD, "type": ["user", "creation"]},
        }]})
        .to_string()
    };
    let folder = folder(&[
        ("a.log", RECORD),
        ("a.log-config.yml", config),
        ("a.log-expected.json", &golden("2024-12-31T00:00:00Z")),
    ]);
    assert_eq!(
        fixtures("check", &[], folder.path()),
        (0, "1 as expected\n".into())
    );
    // Nothing else changed: the file is left as it is.
    assert_eq!(
        fixtures("regenerate", &[], folder.path()),
        (0, "1 as expected\n".into())
    );
    fs::write(
        folder.path().join("a.log-config.yml"),
        config.replace("^2024-", "^2025-"),
    )
    .expect("written");
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    assert!(
        report.contains("event.ingested: \"2024-01-01T00:00:00Z\" does not match `^2025-`"),
        "{report}"
    );
}

#[test]
fn numeric_keywords_may_be_texts_in_the_golden_file() {
    let record = r#"{"creationDate":1,"author":{"accountId":42}}"#;
    let folder = folder(&[("a.log", record)]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let golden = read(&folder, "a.log-expected.json").replace("\"id\": 42", "\"id\": \"42\"");
    fs::write(folder.path().join("a.log-expected.json"), golden).expect("written");
    assert_eq!(fixtures("check", &[], folder.path()).0, 1);
    fs::write(
        folder.path().join("a.log-config.yml"),
        "numeric_keyword_fields: [user.id]\n",
    )
    .expect("written");
    assert_eq!(fixtures("check", &[], folder.path()).0, 0);
}

#[test]
fn records_on_several_lines() {
    let input = "{\n\"creationDate\":1,\n\"summary\":\"User created\"}\n{\n\"creationDate\":2}\n";
    let folder = folder(&[
        ("a.log", input),
        (
            "a.log-config.yml",
            "multiline:\n  first_line_pattern: '^\\{'\n",
        ),
    ]);
    assert_eq!(fixtures("regenerate", &[], folder.path()).0, 0);
    let events = expected(&folder, "a.log-expected.json");
    assert_eq!(events.len(), 2);
    assert_eq!(
        events[0]["event"]["original"],
        "{\n\"creationDate\":1,\n\"summary\":\"User created\"}"
    );
    assert_eq!(events[1]["@timestamp"], "1970-01-01T00:00:00.002Z");
}

#[test]
fn a_skipped_input_shows_its_reason() {
    let folder = folder(&[
        ("a.log", RECORD),
        (
            "a.log-config.yml",
            "skip:\n  reason: not yet\n  link: https://example.com/1\n",
        ),
    ]);
    let report = "DIR/a.log: skipped: not yet, https://example.com/1\n0 as expected, 1 skipped\n";
    assert_eq!(fixtures("check", &[], folder.path()), (0, report.into()));
    let (_, report) = fixtures("check", &["--format", "github"], folder.path());
    assert!(
        report.starts_with("::notice file=DIR/a.log,line=1,title=skipped::not yet"),
        "{report}"
    );
}

#[test]
fn flags_that_change_nothing_in_a_golden_file_are_refused() {
    let folder = folder(&[("a.log", RECORD)]);
    for (flags, reason) in [
        (
            &["--namespace", "default"][..],
            "golden files have no data_stream fields",
        ),
        (&["--no-default-tags"], "golden files have no default tags"),
        (
            &["--preserve-original-event"],
            "golden files always have event.original",
        ),
    ] {
        for task in ["check", "regenerate"] {
            let message = format!(
                "error: {} cannot be used with fixtures: {reason}; leave it out\n",
                flags[0]
            );
            assert_eq!(fixtures(task, flags, folder.path()), (2, message));
        }
        assert!(!folder.path().join("a.log-expected.json").exists());
    }
}

#[test]
fn what_is_wrong_with_a_configuration_is_said_for_who_writes_it() {
    let config = "multiline:\n  first_line_pattern: ~\n";
    let folder = folder(&[("a.log", RECORD), ("a.log-config.yml", config)]);
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1, "{report}");
    assert!(report.contains("a.log-config.yml:2: "), "{report}");
    assert!(
        report.contains("cannot deserialize null into string\n"),
        "{report}"
    );
}

#[test]
fn a_missing_golden_file_is_created_by_what_is_advised() {
    let folder = folder(&[("a b.log", RECORD)]);
    let (code, report) = fixtures("check", &[], folder.path());
    assert_eq!(code, 1);
    let advised = "`confluence-ecs fixtures regenerate 'DIR/a b.log'`";
    assert!(report.contains(advised), "{report}");
    let input = folder.path().join("a b.log");
    assert_eq!(fixtures("regenerate", &[], &input).0, 0);
    assert_eq!(fixtures("check", &[], folder.path()).0, 0);
}

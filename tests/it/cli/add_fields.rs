//! `--add-fields`.

use serde_json::{Value, json};

use super::{CLOUD, one, usage};
use crate::support::program::run;

#[test]
fn constant_fields_win() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    let fields = json!({
        "observer": {"name": "wiki", "empty": ""},
        "event": {"module": "confluence", "kind": "alert"},
        "source": {"geo": {"name": "here"}},
        "confluence": {"audit": {"type": {"action": "x"}}},
        "zone": [1, null],
    });
    std::fs::write(&path, fields.to_string()).expect("written");
    let path = path.display().to_string();
    let city = "testdata/geoip/confluence-ecs-city.mmdb";
    let record =
        r#"{"timestamp":"1","auditType":{"area":"A","action":"y"},"source":"81.2.69.143"}"#;
    let event = one(&["--add-fields", &path, "--geoip-city", city], record);
    assert_eq!(event["observer"], json!({"name": "wiki"}));
    assert_eq!(event["event"]["module"], "confluence");
    assert_eq!(event["event"]["kind"], "alert");
    assert_eq!(event["event"]["type"], json!(["info"]));
    assert_eq!(event["source"]["geo"]["name"], "here");
    assert_eq!(event["source"]["geo"]["city_name"], "London");
    assert_eq!(
        event["confluence"]["audit"]["type"],
        json!({"action": "x", "area": "A"})
    );
    assert_eq!(event["zone"], json!([1]));

    // But a record that could not be mapped is not lost under them.
    let fields =
        json!({"event": {"kind": "x", "original": "y", "module": "m"}, "error": {"message": "z"}});
    std::fs::write(&path, fields.to_string()).expect("written");
    let failed = one(&["--add-fields", &path], "nonsense");
    assert_eq!(failed["event"]["original"], "nonsense");
    assert_eq!(failed["event"]["kind"], "pipeline_error");
    assert_eq!(failed["event"]["module"], "m");
    let message = failed["error"]["message"].as_str().expect("text");
    assert!(message.starts_with("not JSON"), "{message}");
}

#[test]
fn constant_fields_may_be_given_inline_with_dotted_keys() {
    let fields = r#" {"host.name":"a","host":{"os.type":"linux"},"event.module":"m","zone":"z"}"#;
    let event = one(&["--add-fields", fields], CLOUD);
    assert_eq!(event["host"], json!({"name": "a", "os": {"type": "linux"}}));
    assert_eq!(event["event"]["module"], "m");
    assert_eq!(event["event"]["kind"], "event");
    assert_eq!(event["zone"], "z");
}

#[test]
fn constant_fields_that_cannot_be_merged_are_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    std::fs::write(&path, r#"{"log":{"file":1}}"#).expect("written");
    let path = path.display().to_string();
    let mut told = String::new();
    for fields in [
        r#"{"event":"x"}"#,
        r#"{"confluence":null}"#,
        r#"{"confluence.audit":[{}]}"#,
        r#"{"user":{"target":""}}"#,
        r#"{"host.name":"a","host":"b"}"#,
        r#"{"host.name":"a","host.name":"b"}"#,
        r#"{"host":{"name":"a"},"host":{"id":"b"}}"#,
        r#"{"host":{"name":1,"name":1}}"#,
        r#"{"host.name":"a","host":{"name":"a"}}"#,
        r#"{"host.name":"a","host.name.text":"a"}"#,
        r#"{"a..b":1}"#,
        r#"{"":1}"#,
        r#"{"a":{".b":1}}"#,
        r#"{"a":1"#,
        "[1]",
        &path,
    ] {
        told += &usage(&["normalize", "--add-fields", fields]);
    }
    insta::assert_snapshot!(told);
}

#[test]
fn constant_fields_are_read_from_a_file_with_a_byte_order_mark() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fields.json");
    std::fs::write(&path, "\u{FEFF}{\"host\":{\"id\":1}}").expect("written");
    let event = one(&["--add-fields", &path.display().to_string()], CLOUD);
    assert_eq!(event["host"], json!({"id": 1}));
}

/// Every object that the table of fields has is kept.
#[test]
fn no_object_of_the_event_can_be_removed() {
    let table = run(["schema", "fields", "--format", "json"], b"");
    let table: Value = serde_json::from_slice(&table.stdout).expect("JSON");
    let fields = table["fields"].as_array().expect("a list").iter();
    let own = fields.filter(|field| !field.to_string().contains("--add-fields"));
    let names: Vec<_> = own
        .map(|field| field["name"].as_str().expect("a name"))
        .collect();
    assert!(names.len() > 40);
    for name in names {
        for (dot, _) in name.match_indices('.') {
            let fields = json!({&name[..dot]: 1}).to_string();
            let told = usage(&["normalize", "--add-fields", &fields]);
            assert!(
                told.contains(&format!("the object {} of", &name[..dot])),
                "{told}"
            );
        }
    }
}

//! The index template on each product: it is taken, and so are the events of all fixtures; what does not fit
//! is there in its plain form.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::node::{Elasticsearch8, Elasticsearch9, Kind, Node, OpenSearch2, OpenSearch3};
use super::support::binary;
use super::support::numbered::record;
use super::world::{World, install_template};

/// Every event of the test data is stored as it is.
fn takes_all_fixtures(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let mut files = raw_records(Path::new("testdata/fixtures"));
    assert!(files.len() > 3, "{files:?}");
    files.push("testdata/20260101.00000.audit.log".into());
    let world = World::new("fixtures", node.url());
    let mut command = world.tail(&["--once"]);
    command.args(&files);
    let output = command.output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
    let documents = node.documents(&world.stream());
    assert!(documents.len() > 300, "{}", documents.len());
    let is_plain = |event: &Value| {
        event["tags"]
            .as_array()
            .is_some_and(|tags| tags.contains(&json!("_refused")))
    };
    let plain: Vec<_> = documents
        .iter()
        .filter(|(_, event)| is_plain(event))
        .collect();
    assert!(plain.is_empty(), "refused: {plain:#?}");
}

/// Inputs of the golden files.
fn raw_records(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("read").flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(raw_records(&path));
        } else if [".log", ".ndjson", ".json"]
            .iter()
            .any(|end| name.ends_with(end))
            && !name.contains("-expected")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Records that a mapping refuses, by what is odd about them.
fn odd_records() -> Vec<(&'static str, Value)> {
    let with = |key: &str, value: Value| {
        let mut record = record(1);
        record[key] = value;
        record
    };
    let mut nested = json!("deep");
    for _ in 0..40 {
        nested = json!({"inner": nested});
    }
    let keys: Map<_, _> = (0..1500)
        .map(|key| (format!("key{key}"), json!("value")))
        .collect();
    let mut kind = record(1)["auditType"].clone();
    kind.as_object_mut().expect("an object").extend(keys);
    vec![
        (
            "40 KB",
            with(
                "changedValues",
                json!([{"key": "text", "to": "x".repeat(40_000)}]),
            ),
        ),
        (
            "40 KB key",
            with("changedValues", json!([{"x".repeat(40_000): "to"}])),
        ),
        (
            "nested",
            with("extraAttributes", json!([{"name": "n", "value": nested}])),
        ),
        (
            "scalar",
            with("extraAttributes", json!(["scalar", {"name": "n"}])),
        ),
        (
            "scalars",
            with("affectedObjects", json!([1, [2], {"name": "n"}])),
        ),
        (
            "empty key",
            with("auditType", json!({"": "empty", "action": "a"})),
        ),
        ("dot", with("auditType", json!({".": "dot", "action": "a"}))),
        (
            "object",
            with("auditType", json!({"action": {"is": "an object"}})),
        ),
        ("1500 keys", with("auditType", kind)),
        ("NUL", with("extraAttributes", json!([{"n\0": "value"}]))),
        (
            "NUL in the type",
            with("auditType", json!({"action": "a", "n\0": "value"})),
        ),
        (
            "blank key",
            with("auditType", json!({" ": "blank", "action": "a"})),
        ),
        ("40 KB method", with("method", json!("x".repeat(40_000)))),
    ]
}

/// Each of them is in the index, as itself or in its plain form with all that is known of it, and no
/// neighbour is missing.
fn has_odd_records(kind: Kind) {
    let Some(node) = Node::start(kind, &[]) else {
        return;
    };
    install_template(&node);
    let mut world = World::new("odd", node.url()).with(&["--preserve-original-event"]);
    world.append(10);
    let odd = odd_records();
    for (_, record) in &odd {
        world.append_line(record);
        world.append(1);
    }
    world.once();
    let documents = node.documents(&world.stream());
    assert_eq!(documents.len(), 10 + 2 * odd.len());
    for (name, record) in &odd {
        let original = record.to_string();
        let is_it = |(_, event): &&(String, Value)| event["event"]["original"] == json!(original);
        let found: Vec<_> = documents.iter().filter(is_it).collect();
        assert_eq!(found.len(), 1, "{name}: {found:#?}");
    }
    assert!(!world.path("state/dead-letter.ndjson").exists());
    // The same again adds nothing.
    let mut again = world.tail(&["--once"]);
    again.arg("--state-dir").arg(world.path("other-state"));
    assert_eq!(again.output().expect("run").status.code(), Some(0));
    assert_eq!(node.documents(&world.stream()).len(), documents.len());
}

#[test]
fn elasticsearch_9_takes_the_template_and_all_fixtures() {
    takes_all_fixtures(Elasticsearch9);
}

#[test]
fn elasticsearch_8_takes_the_template_and_all_fixtures() {
    takes_all_fixtures(Elasticsearch8);
}

#[test]
fn opensearch_3_takes_the_template_and_all_fixtures() {
    takes_all_fixtures(OpenSearch3);
}

#[test]
fn opensearch_2_takes_the_template_and_all_fixtures() {
    takes_all_fixtures(OpenSearch2);
}

#[test]
fn elasticsearch_9_has_odd_records_in_their_plain_form() {
    has_odd_records(Elasticsearch9);
}

#[test]
fn opensearch_3_has_odd_records_in_their_plain_form() {
    has_odd_records(OpenSearch3);
}

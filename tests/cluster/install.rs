//! The index template in a real cluster: installed, replaced, compared at the start of a run and by `check`.

use serde_json::{Value, json};

use super::node::{Node, OpenSearch3};
use super::support::binary;
use super::world::World;

const TEMPLATE: &str = "_index_template/logs-atlassian_confluence.audit";

fn install(node: &Node, more: &[&str]) -> (Option<i32>, String) {
    let mut command = binary::command(["schema", "index-template", "--install"]);
    command
        .args(["--elasticsearch-url", &node.url()])
        .args(more);
    let output = command.output().expect("run");
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &binary::stderr(&output);
    (output.status.code(), said)
}

/// A step of `check`, which must not fail.
fn check(node: &Node, world: &World, name: &str) -> Value {
    let namespace = world.stream();
    let namespace = namespace.rsplit('-').next().expect("one");
    let mut command = binary::command(["check", "--json", "--namespace", namespace]);
    command.args(["--elasticsearch-url", &node.url(), "--state-dir"]);
    let output = command.arg(world.path("state")).output().expect("run");
    assert_eq!(output.status.code(), Some(0), "{}", binary::stderr(&output));
    let steps: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    let found = steps.iter().find(|step| step["step"] == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {steps:#?}"))
        .clone()
}

fn warning(node: &Node, world: &World, name: &str, words: &str) {
    let step = check(node, world, name);
    assert_eq!(step["status"], "warn", "{step}");
    assert!(step.to_string().contains(words), "{step}");
}

#[test]
fn opensearch_has_the_template_and_its_version_is_compared() {
    let Some(node) = Node::start(OpenSearch3, &[]) else {
        return;
    };
    let mut world = World::new("install", node.url());
    let command = format!(
        "confluence-ecs schema index-template --install --elasticsearch-url {}",
        node.url()
    );
    // Missing.
    warning(&node, &world, "index-template", &command);
    world.append(1);
    let said = binary::stderr(&world.once());
    assert!(said.contains("is not installed"), "{said}");
    assert!(said.contains(&command), "{said}");
    node.must("DELETE", &world.stream(), "");
    // Installed.
    let (code, said) = install(&node, &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.contains("(OpenSearch 3.8.0); there was none before\n"),
        "{said}"
    );
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(check(&node, &world, "index-template")["status"], "ok");
    world.append(1);
    let said = binary::stderr(&world.once());
    assert!(!said.contains("WARN"), "{said}");
    let step = check(&node, &world, "data-stream");
    let detail = step["detail"].as_str().expect("text");
    assert!(detail.contains("1 backing index; .ds-logs-"), "{detail}");
    // Older.
    let mut template = node.get(TEMPLATE).1["index_templates"][0]["index_template"].take();
    template["version"] = json!(0);
    node.must("PUT", TEMPLATE, &template.to_string());
    warning(&node, &world, "index-template", "version 0, older");
    world.append(1);
    let said = binary::stderr(&world.once());
    assert!(said.contains("older than this program's version"), "{said}");
    let (code, said) = install(&node, &["--for", "opensearch"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("replaced version 0"), "{said}");
    assert!(
        said.contains(&format!("POST {}/_rollover", world.stream())),
        "{said}"
    );
    // Another of the same priority, and one for the other product.
    let (code, said) = install(&node, &["--index", "logs-atlassian*"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("another priority"), "{said}");
    let (code, said) = install(&node, &["--for", "elasticsearch"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains("is OpenSearch 3.8.0, not Elasticsearch"),
        "{said}"
    );
    pipelines_are_named(&node, &world);
}

/// Those that are not run, and those that are whatever a request says.
fn pipelines_are_named(node: &Node, world: &World) {
    assert_eq!(check(node, world, "ingest-pipeline")["status"], "ok");
    node.must(
        "PUT",
        "_ingest/pipeline/mine",
        &json!({"processors": []}).to_string(),
    );
    for (key, words) in [
        ("index.default_pipeline", "pipeline=_none"),
        ("index.final_pipeline", "final pipeline mine runs"),
    ] {
        let settings = json!({key: "mine"}).to_string();
        node.must("PUT", &format!("{}/_settings", world.stream()), &settings);
        warning(node, world, "ingest-pipeline", words);
    }
    // Before there is a data stream, by its template.
    let other = World::new("later", node.url());
    assert_eq!(check(node, &other, "ingest-pipeline")["status"], "ok");
    assert!(
        check(node, &other, "data-stream")
            .to_string()
            .contains("will be created")
    );
}

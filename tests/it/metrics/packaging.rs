//! What is made for the metrics: their table in the documentation, alerts, the dashboard.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use regex::Regex;
use serde_json::Value;

use crate::support::metrics::ask;
use crate::support::program::project;

use super::world::{Service, wait_for};

/// Type and labels of each metric.
type Table = BTreeMap<String, (String, BTreeSet<String>)>;

/// The table of docs/monitoring.md: ``| `confluence_ecs_name` | type | `label`, `label` | meaning |``.
fn documented() -> Table {
    let text = fs::read_to_string(project("docs/monitoring.md")).expect("the document");
    let rows = text
        .lines()
        .filter(|line| line.starts_with("| `confluence_ecs_"));
    let row = |line: &str| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let labels = cells[3].split('`').skip(1).step_by(2);
        let labels = labels.map(str::to_owned).collect();
        let name = cells[1].trim_matches('`').to_owned();
        (name, (cells[2].to_owned(), labels))
    };
    rows.map(row).collect()
}

/// What a service with a log, a site with a login, and a cluster exposes.
fn exposed() -> (Table, String) {
    let service = Service::new();
    service.configure("", "");
    service.place.append("audit.log", 1..=3);
    let (follower, address) = service.start();
    let metrics = wait_for(&address, "all records", |metrics| {
        let of = |name, source| metrics.get(name, &[("source", source)]);
        of("records_total", "wiki") == Some(3.0)
            && of("records_total", "cloud") == Some(10.0)
            && of("fetch_last_success_timestamp_seconds", "cloud").is_some()
            && of("last_save_timestamp_seconds", "wiki").is_some()
    });
    let text = ask(&address, "/metrics").text();
    follower.terminate();
    let families = metrics.families.iter();
    let table = families
        .map(|(name, kind)| (name.clone(), (kind.clone(), metrics.labels(name))))
        .collect();
    (table, text)
}

/// Has `promtool` check something, where it is installed.
fn promtool(arguments: &[&str], input: &str) {
    let mut command = Command::new("promtool");
    command.args(arguments).stdin(Stdio::piped());
    let Ok(mut child) = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
    else {
        eprintln!(
            "left out: `promtool {}` (Debian: prometheus)",
            arguments.join(" ")
        );
        return;
    };
    let mut stdin = child.stdin.take().expect("a pipe");
    std::io::Write::write_all(&mut stdin, input.as_bytes()).expect("written");
    drop(stdin);
    let output = child.wait_with_output().expect("ended");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        output.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&output.stdout)
    );
}

#[test]
fn the_document_has_all_metrics_and_no_others() {
    let (exposed, text) = exposed();
    assert_eq!(documented(), exposed);
    promtool(&["check", "metrics"], &text);
}

/// The metrics in an expression, each with the labels that it is asked for.
fn used(expression: &str) -> Vec<(String, BTreeSet<String>)> {
    let metric = Regex::new(r"(confluence_ecs_[a-z_]+)(?:\{([^}]*)\})?").expect("a pattern");
    let label = Regex::new(r#"([a-z_]+)(?:=|!=|=~|!~)""#).expect("a pattern");
    let grouping = Regex::new(r"(?:by|on) \(([^)]*)\)").expect("a pattern");
    let grouped = grouping.captures_iter(expression);
    let grouped: BTreeSet<_> = grouped
        .flat_map(|found| found[1].split(", ").map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let found = metric.captures_iter(expression).map(|found| {
        let matchers = found.get(2).map(|it| it.as_str()).unwrap_or_default();
        let labels = label
            .captures_iter(matchers)
            .map(|found| found[1].to_owned());
        (found[1].to_owned(), labels.chain(grouped.clone()).collect())
    });
    found.collect()
}

/// Each metric of an expression exists, and has the labels.
fn assert_known(expression: &str, texts: &[&str]) -> BTreeSet<String> {
    let known = documented();
    let template = Regex::new(r"\{\{ ?(?:\$labels\.)?([a-z_]+) ?\}\}").expect("a pattern");
    let shown = texts.iter().flat_map(|text| template.captures_iter(text));
    let shown: BTreeSet<_> = shown.map(|found| found[1].to_owned()).collect();
    let mut names = BTreeSet::new();
    for (name, labels) in used(expression) {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|ending| {
            name.strip_suffix(ending)
                .filter(|it| known.contains_key(*it))
        });
        let family = family.unwrap_or(&name).to_owned();
        let Some((_, has)) = known.get(&family) else {
            panic!("{expression}: there is no {name}");
        };
        // Those of the scrape, and of a histogram's buckets.
        let is_known =
            |label: &String| has.contains(label) || ["instance", "job", "le"].contains(&&**label);
        assert!(labels.iter().all(is_known), "{expression}: {labels:?}");
        assert!(shown.iter().all(is_known), "{expression}: {texts:?}");
        names.insert(family);
    }
    names
}

#[test]
fn the_alerts_use_metrics_that_there_are() {
    let path = project("packaging/prometheus-alerts.yml");
    let text = fs::read_to_string(&path).expect("the rules");
    let rules: Value = serde_saphyr::from_str(&text).expect("YAML");
    let rules = rules["groups"][0]["rules"].as_array().expect("rules");
    assert_eq!(rules.len(), 12);
    for rule in rules {
        let expression = rule["expr"].as_str().expect("an expression");
        let annotations = &rule["annotations"];
        let texts = ["summary", "description"].map(|key| annotations[key].as_str().expect(key));
        let names = assert_known(expression, &texts);
        assert!(!names.is_empty(), "{expression}");
    }
    promtool(&["check", "rules", path.to_str().expect("text")], "");
    let tests = project("tests/it/metrics/alerts.yml");
    promtool(&["test", "rules", tests.to_str().expect("text")], "");
}

#[test]
fn the_dashboard_shows_each_metric() {
    let path = project("packaging/grafana-dashboard.json");
    let text = fs::read_to_string(path).expect("the dashboard");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let mut shown = BTreeSet::new();
    for panel in dashboard["panels"].as_array().expect("panels") {
        for target in panel["targets"].as_array().into_iter().flatten() {
            let of = |key: &str| target[key].as_str().expect("text");
            shown.extend(assert_known(of("expr"), &[of("legendFormat")]));
        }
    }
    let all: BTreeSet<_> = documented().into_keys().collect();
    assert_eq!(shown, all);
}

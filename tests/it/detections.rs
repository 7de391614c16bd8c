//! The queries of docs/detections.md for clusters name fields and actions that exist; `tests/cluster` asks a node for their
//! conditions. The others are run as examples of a document (`readme`).

use confluence_ecs::pipeline::dataset::Dataset;
use std::collections::BTreeSet;

use confluence_ecs::schema::fields::{Field, Type};
use regex::Regex;
use serde_json::Value;

const DOCUMENT: &str = include_str!("../../docs/detections.md");

/// The queries in one language.
fn queries(language: &str) -> Vec<&'static str> {
    let begin = format!("```{language}\n");
    let blocks = DOCUMENT.split(&*begin).skip(1);
    blocks
        .filter_map(|block| Some(block.split_once("\n```")?.0))
        .collect()
}

/// The fields that an index has; below one of the type `flattened` any.
fn is_indexed(name: &str) -> bool {
    let fields = &confluence_ecs::schema::fields(Dataset::Confluence).fields;
    let is_it = |field: &Field| {
        let below = name.strip_prefix(&field.name);
        below.is_some_and(|rest| {
            rest.is_empty() || field.kind == Type::Flattened && rest.starts_with('.')
        })
    };
    fields.iter().any(is_it)
}

#[test]
fn queries_for_clusters_name_fields_that_exist() {
    let quoted = Regex::new(r#""[^"]*""#).expect("a pattern");
    let name = Regex::new(r"@?[a-z_]+(\.[a-z_]+)+|@[a-z]+").expect("a pattern");
    let queries = [queries("kql"), queries("esql")].concat();
    assert!(queries.len() >= 9, "{queries:?}");
    let mut fields = BTreeSet::new();
    for query in queries {
        let lines = query.lines().filter(|line| !line.starts_with("FROM "));
        for line in lines {
            let line = quoted.replace_all(line, "").into_owned();
            fields.extend(name.find_iter(&line).map(|found| found.as_str().to_owned()));
        }
    }
    assert!(fields.contains("event.action") && fields.contains("@timestamp"));
    let unknown: Vec<_> = fields.iter().filter(|name| !is_indexed(name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn every_query_names_actions_of_the_table() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../schemas/actions.json")).expect("JSON");
    let names = rows
        .iter()
        .flat_map(|row| [row["key"].as_str(), row["text"].as_str()]);
    let names: BTreeSet<_> = names.flatten().collect();
    let quoted = Regex::new(r#"["']([a-z.]+\.[a-z.]+\.[a-z.]+|[A-Z][a-z]+ [a-zA-Z ]+)["']"#);
    let quoted = quoted.expect("a pattern");
    let found = quoted
        .captures_iter(DOCUMENT)
        .map(|found| found.extract::<1>().1[0]);
    let found: BTreeSet<_> = found.collect();
    assert!(found.len() >= 10, "{found:?}");
    let unknown: Vec<_> = found.difference(&names).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// To ES|QL, what has several values equals nothing.
#[test]
fn what_queries_in_esql_compare_has_one_value_in_every_row_that_has_it() {
    let rows: Vec<Value> =
        serde_json::from_str(include_str!("../../schemas/actions.json")).expect("JSON");
    let compared = Regex::new(r#"event\.(category|type) == "([a-z]+)""#).expect("a pattern");
    let queries = queries("esql").join("\n");
    let found: Vec<_> = compared
        .captures_iter(&queries)
        .map(|found| found.extract().1)
        .collect();
    assert!(found.len() >= 3, "{found:?}");
    for [member, value] in found {
        let lists = rows.iter().filter_map(|row| row[member].as_array());
        for list in lists.filter(|list| list.contains(&Value::from(value))) {
            assert_eq!(list.len(), 1, "{list:?}");
        }
    }
}

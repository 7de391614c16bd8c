//! The table of fields, how it is printed, and the index template made of it.

use confluence_ecs::pipeline::dataset::Dataset;
use std::collections::BTreeSet;

use confluence_ecs::schema::fields::{self, Field, FieldsFormat, Level, Type};
use confluence_ecs::schema::template::{Product, TemplateTarget, index_template};
use serde_json::{Value, json};

fn table() -> &'static fields::Table {
    confluence_ecs::schema::fields(Dataset::Confluence)
}

fn field(name: &str) -> &'static Field {
    let field = table().fields.iter().find(|field| field.name == name);
    field.unwrap_or_else(|| panic!("no {name}"))
}

fn printed(format: FieldsFormat) -> String {
    let mut out = Vec::new();
    fields::write(table(), format, &mut out).expect("memory takes everything");
    let text = String::from_utf8(out).expect("UTF-8");
    anstream::adapter::strip_str(&text).to_string()
}

/// The exported fields of Elastic's integration, with its types.
const EXPORTED: &[(&str, Type)] = &[
    ("@timestamp", Type::Date),
    ("cloud.image.id", Type::Keyword),
    ("confluence.audit.affected_objects", Type::Flattened),
    ("confluence.audit.changed_values", Type::Flattened),
    ("confluence.audit.external_collaborator", Type::Boolean),
    ("confluence.audit.extra_attributes", Type::Flattened),
    ("confluence.audit.method", Type::Keyword),
    ("confluence.audit.type.action", Type::Keyword),
    ("confluence.audit.type.actionI18nKey", Type::Keyword),
    ("confluence.audit.type.area", Type::Keyword),
    ("confluence.audit.type.category", Type::Keyword),
    ("confluence.audit.type.categoryI18nKey", Type::Keyword),
    ("confluence.audit.type.level", Type::Keyword),
    ("data_stream.dataset", Type::ConstantKeyword),
    ("data_stream.namespace", Type::ConstantKeyword),
    ("data_stream.type", Type::ConstantKeyword),
    ("event.dataset", Type::ConstantKeyword),
    ("event.module", Type::ConstantKeyword),
    ("host.containerized", Type::Boolean),
    ("host.os.build", Type::Keyword),
    ("host.os.codename", Type::Keyword),
    ("input.type", Type::Keyword),
    ("log.offset", Type::Long),
];

#[test]
fn the_exported_fields_of_the_integration_are_there_with_its_types() {
    for (name, kind) in EXPORTED {
        assert_eq!(field(name).kind, *kind, "{name}");
    }
}

#[test]
fn rows_are_sorted_complete_and_consistent() {
    let names: Vec<_> = table()
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    for field in &table().fields {
        let name = &field.name;
        let filled = |text: &str| !text.trim().is_empty() && !text.contains(['|', '\n']);
        assert!(
            filled(&field.description) && field.description.ends_with('.'),
            "{name}"
        );
        assert!(filled(&field.source), "{name}");
        let above = names
            .iter()
            .filter(|above| name.starts_with(&format!("{above}.")));
        let above: Vec<_> = above.copied().collect();
        assert!(
            above.is_empty() || above == ["confluence.audit.type"],
            "{name}: {above:?}"
        );
        let bounded = field.kind == Type::Keyword && !field.unindexed;
        assert_eq!(field.ignore_above, bounded.then_some(1024), "{name}");
        if field.level == Level::Integration {
            let ours = [
                "cloud.image.id",
                "confluence.",
                "elastic_agent.",
                "host.",
                "input.",
                "log.",
            ];
            assert!(ours.iter().any(|ours| name.starts_with(ours)), "{name}");
        }
    }
}

#[test]
fn lists_multi_fields_and_constants_are_those_of_ecs_and_the_integration() {
    let names = |is_so: fn(&Field) -> bool| -> Vec<_> {
        let fields = table().fields.iter().filter(|field| is_so(field));
        fields.map(|field| field.name.as_str()).collect()
    };
    assert_eq!(
        names(|field| field.array),
        [
            "event.category",
            "event.type",
            "host.ip",
            "host.mac",
            "related.hosts",
            "related.ip",
            "related.user",
            "tags",
        ]
    );
    assert_eq!(
        names(|field| !field.multi_fields.is_empty()),
        [
            "host.os.name",
            "source.as.organization.name",
            "user.changes.full_name",
            "user.changes.name",
            "user.full_name",
            "user.name",
            "user.target.full_name",
            "user.target.name",
        ]
    );
    assert_eq!(
        names(|field| field.value.is_some()),
        [
            "data_stream.dataset",
            "data_stream.type",
            "event.dataset",
            "event.module",
        ]
    );
    assert_eq!(
        names(|field| field.kind == Type::Ip),
        ["host.ip", "related.ip", "source.ip"]
    );
    assert_eq!(names(|field| field.unindexed), ["event.original"]);
}

#[test]
fn expected_types_are_of_allowed_categories_and_types() {
    let categories: Vec<_> = table().expected_types.keys().collect();
    assert_eq!(
        categories,
        field("event.category")
            .allowed_values
            .iter()
            .collect::<Vec<_>>()
    );
    let expected: BTreeSet<_> = table().expected_types.values().flatten().collect();
    assert_eq!(
        expected,
        field("event.type").allowed_values.iter().collect()
    );
    assert_eq!(
        field("event.outcome").allowed_values,
        ["failure", "success", "unknown"]
    );
    assert_eq!(field("event.kind").allowed_values.len(), 8);
}

/// An exception that ECS allows, or that names what ECS does not know, hides a mistake.
#[test]
fn known_exceptions_are_needed() {
    for known in &table().known_exceptions {
        assert!(
            !table().expects(&known.category, &known.kind, None),
            "{known:?}"
        );
        assert!(
            field("event.category")
                .allowed_values
                .contains(&known.category),
            "{known:?}"
        );
        assert!(
            field("event.type").allowed_values.contains(&known.kind),
            "{known:?}"
        );
    }
}

#[test]
fn each_format_holds_each_field() {
    let [columns, markdown, json] = [
        FieldsFormat::Table,
        FieldsFormat::Markdown,
        FieldsFormat::Json,
    ]
    .map(printed);
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        json,
        serde_json::from_str::<Value>(include_str!("../../schemas/fields.json")).expect("JSON")
    );
    let rows = table().fields.len();
    assert_eq!(columns.lines().count(), rows + 1);
    assert_eq!(markdown.lines().count(), rows + 2);
    for (at, field) in table().fields.iter().enumerate() {
        let line = columns.lines().nth(at + 1).expect("a line");
        assert!(line.starts_with(&format!("{} ", field.name)), "{line}");
        let line = markdown.lines().nth(at + 2).expect("a line");
        assert!(
            line.starts_with(&format!("| `{}` | {}", field.name, field.kind.name())),
            "{line}"
        );
        assert_eq!(line.matches('|').count(), 6, "{line}");
    }
    assert!(markdown.starts_with(
        "| Field | Type | Level | Description | Where it comes from |\n|---|---|---|---|---|\n"
    ));
    let outcome = "| `event.outcome` | keyword | ecs | Whether the action succeeded, where the action \
        tells. Allowed: `failure`, `success`, `unknown`. | cloud, data center: from `event.action` |";
    assert!(markdown.lines().any(|line| line == outcome), "{markdown}");
    assert!(!columns.contains('`'));
}

#[test]
fn the_template_is_for_the_data_stream_above_other_templates() {
    let template = index_template(
        Product::Elasticsearch,
        &TemplateTarget::usual(Dataset::Confluence),
    );
    let keys: Vec<_> = template.as_object().expect("an object").keys().collect();
    assert_eq!(
        keys,
        [
            "_meta",
            "data_stream",
            "index_patterns",
            "priority",
            "template",
            "version"
        ]
    );
    assert_eq!(template["data_stream"], json!({}));
    assert_eq!(
        template["index_patterns"],
        json!(["logs-atlassian_confluence.audit-*"])
    );
    assert_eq!(template["priority"], 250);
    assert_eq!(template["_meta"]["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(template["_meta"]["ecs_version"], "8.11.0");
    assert_eq!(template["template"]["mappings"]["date_detection"], false);
}

#[test]
fn the_template_maps_every_field_and_no_other() {
    let mut mapped = Vec::new();
    leaves(
        "",
        &index_template(
            Product::Elasticsearch,
            &TemplateTarget::usual(Dataset::Confluence),
        )["template"]["mappings"],
        &mut mapped,
    );
    let mut expected: Vec<_> = table()
        .fields
        .iter()
        .map(|field| (field.name.clone(), field.kind.name().to_owned()))
        .collect();
    for field in &table().fields {
        let multi_fields = field.multi_fields.iter();
        expected.extend(multi_fields.map(|multi| {
            (
                format!("{}.{}", field.name, multi.name),
                multi.kind.name().to_owned(),
            )
        }));
    }
    mapped.sort();
    expected.sort();
    assert_eq!(mapped, expected);
}

/// Dotted paths and types of everything that has a type.
fn leaves(path: &str, mapping: &Value, found: &mut Vec<(String, String)>) {
    if let Some(kind) = mapping["type"].as_str() {
        found.push((path.to_owned(), kind.to_owned()));
    }
    for below in ["properties", "fields"] {
        for (name, mapping) in mapping[below].as_object().into_iter().flatten() {
            let path = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            leaves(&path, mapping, found);
        }
    }
}

#[test]
fn the_template_maps_each_type_as_the_integration_does() {
    let template = index_template(
        Product::Elasticsearch,
        &TemplateTarget::usual(Dataset::Confluence),
    );
    let mapping = |name: &str| {
        let path = name.replace('.', "/properties/");
        let pointer = format!("/template/mappings/properties/{path}");
        template
            .pointer(&pointer)
            .unwrap_or_else(|| panic!("no {name}"))
            .clone()
    };
    let keyword = json!({"type": "keyword", "ignore_above": 1024});
    let flattened = json!({"type": "flattened", "depth_limit": 100, "ignore_above": 7000});
    let with_text = json!({
        "type": "keyword",
        "ignore_above": 1024,
        "fields": {"text": {"type": "match_only_text"}},
    });
    for (name, expected) in [
        ("@timestamp", json!({"type": "date"})),
        ("confluence.audit.affected_objects", flattened.clone()),
        ("confluence.audit.changed_values", flattened.clone()),
        ("confluence.audit.extra_attributes", flattened.clone()),
        (
            "confluence.audit.external_collaborator",
            json!({"type": "boolean"}),
        ),
        ("confluence.audit.method", keyword.clone()),
        ("confluence.audit.type.actionI18nKey", keyword.clone()),
        (
            "data_stream.type",
            json!({"type": "constant_keyword", "value": "logs"}),
        ),
        ("data_stream.namespace", json!({"type": "constant_keyword"})),
        (
            "event.dataset",
            json!({"type": "constant_keyword", "value": "atlassian_confluence.audit"}),
        ),
        (
            "event.module",
            json!({"type": "constant_keyword", "value": "atlassian_confluence"}),
        ),
        (
            "event.original",
            json!({"type": "keyword", "index": false, "doc_values": false}),
        ),
        ("error.message", json!({"type": "match_only_text"})),
        ("event.category", keyword),
        ("host.ip", json!({"type": "ip"})),
        ("host.os.name", with_text.clone()),
        ("log.offset", json!({"type": "long"})),
        ("source.geo.location", json!({"type": "geo_point"})),
        ("source.ip", json!({"type": "ip"})),
        ("user.name", with_text.clone()),
        ("user.target.full_name", with_text),
    ] {
        assert_eq!(mapping(name), expected, "{name}");
    }
    assert_eq!(mapping("confluence.audit.type")["dynamic"], false);
}

#[test]
fn the_template_makes_keywords_of_unknown_texts() {
    let template = index_template(
        Product::Elasticsearch,
        &TemplateTarget::usual(Dataset::Confluence),
    );
    let dynamic = template["template"]["mappings"]["dynamic_templates"]
        .as_array()
        .expect("a list");
    let rules: Vec<_> = dynamic
        .iter()
        .flat_map(|rule| rule.as_object().expect("an object").values())
        .collect();
    let matched: Vec<_> = rules
        .iter()
        .map(|rule| rule["match_mapping_type"].as_str())
        .collect();
    assert_eq!(matched, [Some("string")]);
    for rule in &rules {
        assert_eq!(
            rule["mapping"],
            json!({"type": "keyword", "ignore_above": 1024})
        );
    }
    assert!(rules[0].get("path_match").is_none());
}

//! The index template for the data stream that the events go to.

use serde_json::{Map, Value, json};

use super::fields::{Field, Type, fields};
use super::tree::{Members, TreeNode, members};

/// The data streams that it is for: any namespace (docs/mapping.md 9).
const PATTERN: &str = "logs-atlassian_confluence.audit-*";

/// Above Elasticsearch's own template for `logs-*-*` (100) and those of Fleet's integrations (200),
/// since two templates of one priority may not match the same stream.
const PRIORITY: u32 = 250;

/// Keywords that no row of the table bounds: unknown keys (ECS's usual bound).
const IGNORE_ABOVE: u32 = 1024;

/// The composable index template, for `PUT _index_template/logs-atlassian_confluence.audit`.
///
/// Dates are not guessed, so that a text which looks like one stays a keyword. Other keys of
/// `confluence.audit.type` become keywords, whatever scalar they hold first, so that a later record
/// with another type there is not refused.
#[must_use]
pub fn index_template() -> Value {
    let table = fields();
    json!({
        "_meta": {
            "description": "Confluence audit events, as confluence-ecs makes them",
            "ecs_version": table.ecs_version,
            "managed_by": env!("CARGO_PKG_NAME"),
            "version": env!("CARGO_PKG_VERSION"),
        },
        "data_stream": {},
        "index_patterns": [PATTERN],
        "priority": PRIORITY,
        "template": {
            "mappings": {
                "date_detection": false,
                "dynamic_templates": dynamic_templates(),
                "properties": properties(&members(table)),
            },
        },
    })
}

fn dynamic_templates() -> Value {
    let keyword = json!({"ignore_above": IGNORE_ABOVE, "type": Type::Keyword.name()});
    let audit_types = ["string", "long", "double", "boolean"].map(|found| {
        let name = format!("confluence_audit_type_{found}");
        json!({name: {
            "mapping": keyword,
            "match_mapping_type": found,
            "path_match": "confluence.audit.type.*",
        }})
    });
    let strings = json!({"strings_as_keyword": {
        "mapping": keyword,
        "match_mapping_type": "string",
    }});
    audit_types.into_iter().chain([strings]).collect()
}

fn properties(members: &Members<'_>) -> Value {
    let property = |(name, node): (&&str, &TreeNode<'_>)| ((*name).to_owned(), mapping(node));
    members.iter().map(property).collect()
}

fn mapping(node: &TreeNode<'_>) -> Value {
    match node {
        TreeNode::Field(field) => field_mapping(field),
        TreeNode::Object {
            open: None,
            members,
        } => json!({"properties": properties(members)}),
        TreeNode::Object {
            open: Some(_),
            members,
        } => json!({
            "dynamic": true,
            "properties": properties(members),
            "type": "object",
        }),
        // Not among the fields of the mapping.
        TreeNode::Labels => json!({"type": "object"}),
    }
}

fn field_mapping(field: &Field) -> Value {
    let mut mapping = Map::new();
    mapping.insert("type".to_owned(), field.kind.name().into());
    if let Some(ignore_above) = field.ignore_above {
        mapping.insert("ignore_above".to_owned(), ignore_above.into());
    }
    if field.unindexed {
        mapping.insert("index".to_owned(), false.into());
        mapping.insert("doc_values".to_owned(), false.into());
    }
    if let Some(value) = &field.value {
        mapping.insert("value".to_owned(), value.as_str().into());
    }
    if !field.multi_fields.is_empty() {
        let multi_fields: Map<_, _> = field
            .multi_fields
            .iter()
            .map(|multi| (multi.name.clone(), json!({"type": multi.kind.name()})))
            .collect();
        mapping.insert("fields".to_owned(), multi_fields.into());
    }
    mapping.into()
}

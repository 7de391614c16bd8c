//! The JSON Schema of one event (<https://json-schema.org/draft/2020-12/schema>).

use serde_json::{Map, Value, json};

use super::fields::{Exception, Field, Table, Type, fields};
use super::tree::{Members, TreeNode, allowed_members};
use super::validate::NAMESPACE;
use crate::pipeline::dataset::Dataset;

/// The schema, draft 2020-12. It is closed: a field that neither the table nor ECS has is an error, except in
/// `confluence.audit.type`, whose other keys are kept whatever they hold (docs/mapping.md 3), and in the field sets
/// that the mapping does not write to.
///
/// It says what [`super::validate`] checks. `format` is an assertion only where a validator is told
/// so; the patterns beside it hold everywhere.
#[must_use]
pub fn json_schema(dataset: Dataset) -> Value {
    let mut schema = of(fields(dataset));
    schema["title"] = match dataset {
        Dataset::Confluence => "Confluence audit event",
        Dataset::Organization => "Audit event of an Atlassian organization",
    }
    .into();
    schema
}

/// The schema of another table.
#[must_use]
pub fn of(table: &Table) -> Value {
    let mut schema = object(&allowed_members(table), false);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["$comment"] = concat!("Made by confluence-ecs ", env!("CARGO_PKG_VERSION")).into();
    schema["$defs"] = definitions();
    schema["properties"]["event"]["allOf"] = classes(table);
    schema
}

fn object(members: &Members<'_>, open: bool) -> Value {
    let property = |(name, node): (&&str, &TreeNode<'_>)| {
        let schema = match node {
            TreeNode::Field(field) => property(field),
            TreeNode::Object {
                open: None,
                members,
            } => object(members, false),
            TreeNode::Object {
                open: Some(_),
                members,
            } if members.is_empty() => json!({"type": "object"}),
            TreeNode::Labels => json!({
                "type": "object",
                "additionalProperties": {"$ref": "#/$defs/scalar"},
            }),
            TreeNode::Object {
                open: Some(field),
                members,
            } => {
                let mut schema = object(members, true);
                schema["description"] = field.description.as_str().into();
                schema
            }
        };
        ((*name).to_owned(), schema)
    };
    json!({
        "type": "object",
        "properties": members.iter().map(property).collect::<Map<_, _>>(),
        "additionalProperties": open,
    })
}

fn property(field: &Field) -> Value {
    let mut schema = value(field);
    let list = json!({"type": "array", "items": schema});
    if field.array {
        schema = list;
    } else if field.may_be_list {
        schema = json!({"anyOf": [schema, list]});
    }
    if field.nullable {
        schema = json!({"anyOf": [schema, {"type": "null"}]});
    }
    schema["description"] = field.description.as_str().into();
    schema
}

fn value(field: &Field) -> Value {
    if let Some(constant) = &field.value {
        return json!({"const": constant});
    }
    if !field.allowed_values.is_empty() {
        return json!({"enum": field.allowed_values});
    }
    if field.name == NAMESPACE {
        return json!({"$ref": "#/$defs/namespace"});
    }
    let definition = match field.kind {
        Type::Boolean => return json!({"type": "boolean"}),
        Type::Flattened => return json!({"type": ["array", "object"]}),
        Type::Float | Type::ScaledFloat => return json!({"type": "number"}),
        Type::Object => return json!({"type": "object"}),
        Type::ConstantKeyword | Type::Keyword | Type::MatchOnlyText | Type::Wildcard => "scalar",
        Type::Date => "date",
        Type::GeoPoint => "geo_point",
        Type::Ip => "ip",
        Type::Long => "long",
    };
    json!({"$ref": format!("#/$defs/{definition}")})
}

/// The types that take more than a word to say.
fn definitions() -> Value {
    json!({
        "scalar": {
            "$comment": "Elasticsearch takes numbers and booleans for keywords and texts.",
            "type": ["string", "number", "boolean"],
        },
        "namespace": {
            "$comment": "The rules of data streams; they count bytes, not characters.",
            "type": ["string", "number", "boolean"],
            "pattern": r#"^[^\\/*?"<>|,#:\s\p{Lu}\p{Lt}\p{Cc}-]+$"#,
            "maxLength": 100,
        },
        "date": {
            "type": "string",
            "format": "date-time",
            "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])\
                T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?\
                (Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$",
        },
        "geo_point": {
            "type": "object",
            "properties": {
                "lat": {"type": "number", "minimum": -90, "maximum": 90},
                "lon": {"type": "number", "minimum": -180, "maximum": 180},
            },
            "required": ["lat", "lon"],
            "additionalProperties": false,
        },
        "ip": {
            "type": "string",
            "anyOf": [{"format": "ipv4"}, {"format": "ipv6"}],
            "pattern": "^[0-9A-Fa-f:.]+$",
        },
        "long": {"type": "integer", "minimum": i64::MIN, "maximum": i64::MAX},
    })
}

/// What `event.category` and `event.type` ask of each other: a category has a type that is expected
/// for it, and a type, where there are categories, is expected for one of them.
fn classes(table: &Table) -> Value {
    let excused = |known: &Exception, list: &str, other: &str| {
        let mut schema = has(list, &json!({"const": other}));
        schema["properties"]["action"] = match known.action.strip_suffix('*') {
            // Actions are words: nothing in them has a meaning in a pattern.
            Some(beginning) => json!({"type": "string", "pattern": format!("^{beginning}")}),
            None => json!({"const": known.action}),
        };
        schema["required"] = json!([list, "action"]);
        schema
    };
    let of_categories = table.expected_types.iter().map(|(category, expected)| {
        let known = table
            .known_exceptions
            .iter()
            .filter(|known| known.category == *category);
        let known = known.map(|known| excused(known, "type", &known.kind));
        let ways: Vec<_> = known
            .chain([has("type", &json!({"enum": expected}))])
            .collect();
        json!({"if": has("category", &json!({"const": category})), "then": {"anyOf": ways}})
    });
    let types = table
        .fields
        .iter()
        .filter(|field| field.name == "event.type");
    let of_types = types.flat_map(|field| &field.allowed_values).map(|kind| {
        let known = table
            .known_exceptions
            .iter()
            .filter(|known| known.kind == *kind);
        let known = known.map(|known| excused(known, "category", &known.category));
        let expecting = table
            .expected_types
            .iter()
            .filter(|(_, types)| types.contains(kind));
        let expecting: Vec<_> = expecting.map(|(category, _)| category).collect();
        let ways = known.chain([has("category", &json!({"enum": expecting}))]);
        let ways: Vec<_> = ways.collect();
        let mut condition = has("type", &json!({"const": kind}));
        condition["required"] = json!(["type", "category"]);
        condition["properties"]["category"] = json!({"minItems": 1});
        json!({"if": condition, "then": {"anyOf": ways}})
    });
    of_categories.chain(of_types).collect()
}

/// A list of `event` has an element of that schema.
fn has(list: &str, element: &Value) -> Value {
    json!({"properties": {list: {"contains": element}}, "required": [list]})
}

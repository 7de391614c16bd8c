//! What ECS 8.11 defines besides the fields of the mapping, and later versions have as well: allowed in an event, since `--add-fields`, and what
//! comes behind in an Elastic stack, may set it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::fields::{Field, Level, Type, fields};
use crate::pipeline::dataset::Dataset;

/// Content of `schemas/ecs.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EcsFile {
    /// The version of ECS that the fields were compared with: names, types, and that none is missing.
    ecs_version: String,
    /// Fields with their types: all that ECS has in the field sets that the mapping writes to, and small sets.
    fields: BTreeMap<String, Type>,
    /// Field sets that are taken as they are: objects, whatever is in them.
    field_sets: Vec<String>,
}

/// The fields besides those of the table; a field set is an object that may hold anything.
///
/// # Panics
/// When the file that was compiled in is broken, which a test rules out.
#[must_use]
pub fn others() -> &'static [Field] {
    static OTHERS: LazyLock<Vec<Field>> = LazyLock::new(|| {
        let file: EcsFile = serde_json::from_str(include_str!("../../schemas/ecs.json"))
            .unwrap_or_else(|error| unreachable!("schemas/ecs.json: {error}"));
        let compared = &fields(Dataset::Confluence).ecs_version;
        debug_assert_eq!(file.ecs_version, *compared, "schemas/*.json");
        let sets = file.field_sets.into_iter().map(|name| (name, Type::Object));
        file.fields.into_iter().chain(sets).map(field).collect()
    });
    &OTHERS
}

fn field((name, kind): (String, Type)) -> Field {
    Field {
        description: "Defined by ECS, and not set by the mapping.".to_owned(),
        source: "envelope: --add-fields".to_owned(),
        level: Level::Ecs,
        array: false,
        // Any field of Elasticsearch may hold several values.
        may_be_list: kind != Type::Object,
        nullable: false,
        ignore_above: None,
        unindexed: false,
        value: None,
        multi_fields: Vec::new(),
        allowed_values: Vec::new(),
        name,
        kind,
    }
}

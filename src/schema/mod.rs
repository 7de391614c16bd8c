//! What an event may hold: every field that the mapping (docs/mapping.md 2 to 10, docs/org-events.md) can emit.
//!
//! One file for each data set, `schemas/fields.json` for that of Confluence, is the source of all of it: the field reference ([`mod@fields`]),
//! the index template ([`template`]), the JSON Schema ([`json_schema`]) and the checks of
//! [`validate`]. Its facts come from two places. Fields of the level `integration`, and the types
//! that the integration gives to ECS fields, are those of the exported-fields table of Elastic's
//! Confluence integration. Fields of the level `ecs` are those of ECS 8.11: types, multi-fields,
//! `ignore_above`, which fields are arrays, the allowed values of `event.kind`, `.category`, `.type`
//! and `.outcome`, and the types expected for each category
//! (<https://www.elastic.co/guide/en/ecs/8.11/ecs-allowed-values-event-category.html>). What else ECS defines, and an
//! event may therefore hold, is in `schemas/ecs.json` ([`ecs`]).

pub mod actions;
pub mod document;
pub mod ecs;
pub mod fields;
pub mod json_schema;
pub mod notable;
pub mod template;
mod tree;
pub mod validate;
mod value;

pub use fields::{Table, fields};

//! The table's dotted names as the objects that an event is made of.

use std::collections::BTreeMap;

use super::ecs;
use super::fields::{Field, Table, Type};

/// The members of an object, by name.
pub(super) type Members<'t> = BTreeMap<&'t str, TreeNode<'t>>;

/// A place in an event.
#[derive(Debug)]
pub(super) enum TreeNode<'t> {
    /// A field that holds a value.
    Field(&'t Field),
    /// An object of fields.
    Object {
        /// The row of an object that may hold other members, too.
        open: Option<&'t Field>,
        /// The fields in it.
        members: Members<'t>,
    },
    /// `labels`: names that the operator chooses, and a scalar of each.
    Labels,
}

impl<'t> TreeNode<'t> {
    fn object() -> Self {
        Self::Object {
            open: None,
            members: Members::new(),
        }
    }

    fn insert(&mut self, path: &'t str, field: &'t Field) {
        // A field below a field that is no object: a broken table, which a test rules out.
        let Self::Object { members, open } = self else {
            return;
        };
        let object_itself = path.is_empty();
        if object_itself {
            *open = Some(field);
            return;
        }
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        if rest.is_empty() && field.kind != Type::Object {
            members.insert(name, Self::Field(field));
        } else {
            members
                .entry(name)
                .or_insert_with(Self::object)
                .insert(rest, field);
        }
    }
}

/// The objects and fields of an event.
pub(super) fn members(table: &Table) -> Members<'_> {
    let mut root = TreeNode::object();
    for field in &table.fields {
        root.insert(&field.name, field);
    }
    match root {
        TreeNode::Object { members, .. } => members,
        TreeNode::Field(_) | TreeNode::Labels => Members::new(),
    }
}

/// The same, with what ECS allows besides the fields of the table: what an event may hold.
pub(super) fn allowed_members(table: &Table) -> Members<'_> {
    let mut root = TreeNode::object();
    for field in ecs::others().iter().chain(&table.fields) {
        root.insert(&field.name, field);
    }
    let TreeNode::Object { mut members, .. } = root else {
        return Members::new();
    };
    members.insert("labels", TreeNode::Labels);
    members
}

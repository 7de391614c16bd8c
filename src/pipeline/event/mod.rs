//! One ECS event, still pointing into its record, and how it is written.

#![expect(
    clippy::inline_always,
    reason = "seven per cent of the whole mapping, measured"
)]

mod add_fields;
mod categorization;
mod envelope;
mod id;
mod namespace;
mod object;
mod objects;
mod organization;
mod write;
mod write_organization;

pub(crate) use add_fields::cleaned;
pub use add_fields::{AddFields, AddFieldsError};
pub(crate) use categorization::{Categorization, Subject, UNLISTED};
pub(crate) use envelope::PRESERVE_ORIGINAL;
pub use envelope::{DefaultTags, Envelope, Origin};
pub use id::{
    BEFORE_ID, BEFORE_INDEX, EventId, IdSource, begins_action, count_events, event_ends, is_action,
    whole_events, write_action, write_action_of,
};
pub(crate) use namespace::namespace_fault;
pub(crate) use objects::{Objects, Rename};
pub(crate) use organization::{
    Actor, App, Auth, Class, Location, OrganizationEvent, OrganizationRow, OrganizationUser,
};
pub(crate) use write::{write_event, write_pipeline_error, write_source};
pub(crate) use write_organization::write_organization_event;

use std::borrow::Cow;

use crate::pipeline::enrich::source::Enrichment;
use crate::pipeline::json::{Kind, Value};
use crate::pipeline::timestamp::Timestamp;

/// The event in a document that this program wrote: the document itself, or what a dead letter holds.
#[must_use]
pub fn event_in(document: Value<'_>) -> Option<Value<'_>> {
    let dead_letter = document.get("_id").and_then(|_| document.get("event"));
    let candidates = [Some(document), dead_letter].into_iter().flatten();
    candidates.into_iter().find(|value| is_event(*value))
}

/// Whether an object has what every event of this program has.
fn is_event(object: Value<'_>) -> bool {
    let [time, ecs, event] = object.pick(["@timestamp", "ecs", "event"]);
    let is_object = |value: Option<Value<'_>>| value.and_then(Value::object).is_some();
    time.is_some() && is_object(ecs) && is_object(event)
}

/// What a record says, under the names of ECS. Everything borrows from the record's text.
#[derive(Debug)]
pub(crate) struct Event<'a> {
    pub timestamp: Timestamp,
    pub action: Option<Scalar<'a>>,
    /// `event.category`, `event.type`, `event.outcome`
    pub row: &'static Categorization,
    pub audit: Audit<'a>,
    pub source_address: Option<Value<'a>>,
    /// `source.ip`, `.geo`, `.as` and `related.ip`
    pub source: Option<&'a Enrichment>,
    pub service_address: Option<Value<'a>>,
    pub related_hosts: Hosts<'a>,
    pub user: User<'a>,
    /// `user.target`
    pub target: User<'a>,
    /// `user.changes`
    pub changes: User<'a>,
    pub group: Group<'a>,
}

/// An event with nothing in it, to be filled in where it is: it is large, and moving it would cost more
/// than most steps of the mapping.
impl Default for Event<'_> {
    fn default() -> Self {
        Self {
            timestamp: Timestamp::default(),
            action: None,
            row: &UNLISTED,
            audit: Audit::default(),
            source_address: None,
            source: None,
            service_address: None,
            related_hosts: Hosts::None,
            user: User::default(),
            target: User::default(),
            changes: User::default(),
            group: Group::default(),
        }
    }
}

/// `user`, or a part of it of the same shape.
#[derive(Debug, Default)]
pub(crate) struct User<'a> {
    pub email: Option<Scalar<'a>>,
    pub full_name: Option<Scalar<'a>>,
    pub group: Group<'a>,
    pub id: Option<Scalar<'a>>,
    pub name: Option<Scalar<'a>>,
}

/// `group`
#[derive(Debug, Default)]
pub(crate) struct Group<'a> {
    pub id: Option<Scalar<'a>>,
    pub name: Option<Scalar<'a>>,
}

/// `related.hosts`
#[derive(Debug, Default)]
pub(crate) enum Hosts<'a> {
    /// No hosts.
    #[default]
    None,
    /// The host of a `system`.
    One(Cow<'a, str>),
    /// Those of a list of systems.
    Several(Vec<Cow<'a, str>>),
}

/// `confluence.audit`
#[derive(Debug, Default)]
pub(crate) struct Audit<'a> {
    pub affected_objects: Objects<'a>,
    pub changed_values: Objects<'a>,
    pub external_collaborator: Option<Value<'a>>,
    pub extra_attributes: Objects<'a>,
    pub method: Option<Value<'a>>,
    pub kind: AuditType<'a>,
}

/// `confluence.audit.type`
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum AuditType<'a> {
    /// The record has none.
    #[default]
    Absent,
    /// A self-hosted record's object, every key of it.
    Object(Value<'a>),
    /// Made from two fields of a Cloud record.
    Cloud {
        /// `category`
        category: Option<Value<'a>>,
        /// `summary`
        action: Option<Value<'a>>,
    },
}

impl<'a> AuditType<'a> {
    /// `confluence.audit.type.action`
    #[must_use]
    pub fn action(self) -> Option<Value<'a>> {
        match self {
            Self::Absent => None,
            Self::Object(value) => value.get("action"),
            Self::Cloud { action, .. } => action,
        }
    }
}

/// A string, number or boolean on its way through.
#[derive(Debug, Clone)]
pub(crate) enum Scalar<'a> {
    /// As it stands in the record.
    Json(Value<'a>),
    /// A part of a text of the record, decoded.
    Text(Cow<'a, str>),
}

impl<'a> Scalar<'a> {
    /// It as text; none of a list.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Json(value) => value.to_text(),
            Self::Text(text) => Some(Cow::Borrowed(&**text)),
        }
    }

    /// Whether it is a list of scalars.
    #[must_use]
    pub fn is_list(&self) -> bool {
        matches!(self, Self::Json(value) if value.kind() == Kind::Array)
    }

    /// The strings and numbers of a list, as texts; none of a scalar that is no list.
    pub fn texts_of_list(&self) -> impl Iterator<Item = Cow<'a, str>> {
        let list = match self {
            Self::Json(value) => value.array(),
            Self::Text(_) => None,
        };
        let elements = list.into_iter().flat_map(Value::elements);
        elements
            .filter(|element| element.kind() != Kind::Boolean && !element.is_empty())
            .filter_map(Value::to_text)
    }
}

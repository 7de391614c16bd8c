//! An event of an organization's audit log (docs/org-events.md), still pointing into its record.
//!
//! Otherwise than in [`Event`](super::Event), what is empty in the record stays.

use crate::pipeline::enrich::source::Enrichment;
use crate::pipeline::json::Value;
use crate::pipeline::timestamp::Timestamp;

/// What a record says, under the names of ECS. A value that is not there sets nothing; null is a value.
#[derive(Debug)]
pub(crate) struct OrganizationEvent<'a> {
    pub timestamp: Timestamp,
    /// `event.created`
    pub created: Option<Timestamp>,
    /// `event.id`
    pub id: Option<Value<'a>>,
    /// `event.action`
    pub action: Option<Value<'a>>,
    pub class: Class,
    pub message: Option<Value<'a>>,
    /// `atlassian_cloud.audit.message.format`
    pub message_format: Option<Value<'a>>,
    /// `atlassian_cloud.audit.context`
    pub context: Option<Value<'a>>,
    /// `atlassian_cloud.audit.container`
    pub container: Option<Value<'a>>,
    pub location: Location<'a>,
    /// `source.ip`, `.as` and `related.ip`
    pub source: Option<&'a Enrichment>,
    pub actor: Actor<'a>,
    pub user: OrganizationUser<'a>,
}

/// `event.kind`, `.category`, `.type` and `.outcome`, as far as the action tells them.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) enum Class {
    /// There is no action.
    #[default]
    None,
    /// The action is no text: only the kind is set.
    Kind,
    /// A row of the table fits it.
    Row {
        /// The row.
        row: &'static OrganizationRow,
        /// `event.outcome`, as JSON: that of the row, or another.
        outcome: &'static str,
    },
}

/// What an action means; each as JSON.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct OrganizationRow {
    /// `event.category`
    pub category: &'static str,
    /// `event.type`
    pub kind: &'static str,
    /// `event.outcome`
    pub outcome: &'static str,
}

/// Where it was done from.
#[derive(Debug, Default)]
pub(crate) struct Location<'a> {
    /// What stands where an address belongs.
    pub ip: Option<Value<'a>>,
    /// `atlassian_cloud.audit.location.geo`
    pub geo: Option<Value<'a>>,
    /// `source.geo.country_name`
    pub country: Option<Value<'a>>,
    /// `source.geo.region_name`
    pub region: Option<Value<'a>>,
    /// `source.geo.city_name`
    pub city: Option<Value<'a>>,
}

/// `atlassian_cloud.audit.actor`
#[derive(Debug, Default)]
pub(crate) struct Actor<'a> {
    /// `app`; an actor that is no user has it even if nothing is in it.
    pub app: Option<App<'a>>,
    /// `auth`
    pub auth: Auth<'a>,
    /// `on_behalf_of`
    pub on_behalf_of: OrganizationUser<'a>,
}

/// `atlassian_cloud.audit.actor.app`
#[derive(Debug, Default)]
pub(crate) struct App<'a> {
    pub attributes: Option<Value<'a>>,
    pub id: Option<Value<'a>>,
    pub name: Option<Value<'a>>,
    pub kind: Option<Value<'a>>,
}

/// `atlassian_cloud.audit.actor.auth`
#[derive(Debug, Default)]
pub(crate) struct Auth<'a> {
    /// `auth_type`
    pub kind: Option<Value<'a>>,
    pub token_id: Option<Value<'a>>,
    pub token_label: Option<Value<'a>>,
}

/// `user`, or whom it acted for.
#[derive(Debug, Default)]
pub(crate) struct OrganizationUser<'a> {
    pub email: Option<Value<'a>>,
    pub id: Option<Value<'a>>,
    pub name: Option<Value<'a>>,
}

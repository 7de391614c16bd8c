//! The mapping of docs/mapping.md, sections 3, 4 and 7, and that of docs/org-events.md: a raw record into an
//! [`Event`] or an [`OrganizationEvent`]. No I/O here.

pub mod cloud;
pub mod data_center;
pub mod organization;
pub mod users;

use std::borrow::Cow;

use crate::pipeline::dialect::UnreadableTime;
use crate::pipeline::event;
use crate::pipeline::json::{Kind, Value};

#[cfg(doc)]
use crate::pipeline::event::{Event, OrganizationEvent};

/// Why a record cannot be mapped (docs/mapping.md 10).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unmappable {
    /// JSON, but a list, a text or a number.
    #[error("a record is a JSON object, this is {0}")]
    NotAnObject(&'static str),
    /// None of the members that tell a dialect.
    #[error(
        "no `creationDate`, no `timestamp` and no `attributes`: not an audit record of Confluence or of an organization"
    )]
    NoDialect,
    /// What this program writes: an event, or the action line of one in bulk format.
    #[error(
        "an ECS event already, not a raw audit record: `report`, `explain`, `send` and `schema validate` take events; \
         the raw record is in `event.original`, if that was kept (--preserve-original-event)"
    )]
    Event,
    /// The time field of a self-hosted record is missing.
    #[error("the record has no time: `{0}` is missing or empty; expected {expected}", expected = expected(.0))]
    NoTime(&'static str),
    /// The time field holds nothing.
    #[error("the time in `{field}` at byte {at} is empty: {text}; expected {}", expected(.field))]
    EmptyTime {
        /// Name of the time field.
        field: &'static str,
        /// Position of the value in the record.
        at: usize,
        /// The value's text, shortened.
        text: String,
    },
    /// The time field cannot be read as a time.
    #[error("the time in `{field}` at byte {at} cannot be read: {text}; expected {}", expected(.field))]
    UnreadableTime {
        /// Name of the time field.
        field: &'static str,
        /// Position of the value in the record.
        at: usize,
        /// The value's text, shortened.
        text: String,
    },
}

/// What a time field should hold.
fn expected(field: &str) -> &'static str {
    match field {
        "creationDate" => "milliseconds since 1970, such as 1637624653873",
        "attributes.time" => "a text such as \"2021-11-22T23:44:13.873Z\"",
        _ => {
            "{\"epochSecond\":1637624653,\"nano\":873000000}, or a text such as \"2021-11-22T23:44:13.873Z\" or \
             \"1637624653.873\""
        }
    }
}

impl Unmappable {
    /// The error for a record whose dialect cannot be told: what its time fields hold, if it has them.
    #[must_use]
    pub fn no_dialect(record: Value<'_>) -> Self {
        // Empty ones, too.
        let held = |field| {
            let members = record.all_members();
            let last = members.filter(|(key, _)| key.is_str(field)).last();
            last.map(|(_, value)| (field, value))
        };
        let Some((field, value)) = held("creationDate").or_else(|| held("timestamp")) else {
            let is_event = event::event_in(record).is_some();
            let is_action = || event::is_action(record.raw().as_bytes());
            return if is_event || is_action() {
                Self::Event
            } else {
                Self::NoDialect
            };
        };
        // A `timestamp` that could be read would tell the dialect.
        match record.get("timestamp") {
            Some(value) => UnreadableTime {
                field: "timestamp",
                value,
            }
            .into(),
            None => Self::EmptyTime {
                field,
                at: value.start(),
                text: shortened(value),
            },
        }
    }

    /// The error for a record that is no object.
    #[must_use]
    pub fn not_an_object(kind: Kind) -> Self {
        Self::NotAnObject(match kind {
            Kind::Null => "null",
            Kind::Boolean => "a boolean",
            Kind::Integer | Kind::Float => "a number",
            Kind::String => "a string",
            Kind::Array => "an array",
            Kind::Object => "an object",
        })
    }
}

impl From<UnreadableTime<'_>> for Unmappable {
    fn from(UnreadableTime { field, value }: UnreadableTime<'_>) -> Self {
        Self::UnreadableTime {
            field,
            at: value.start(),
            text: shortened(value),
        }
    }
}

fn shortened(value: Value<'_>) -> String {
    const LONGEST: usize = 100;
    let mut text: String = value.raw().chars().take(LONGEST).collect();
    if text.len() < value.raw().len() {
        text.push('…');
    }
    text
}

/// A field that holds a scalar, or a list of them; anything else there is left out (docs/mapping.md 3).
fn scalar(field: Option<Value<'_>>) -> Option<Value<'_>> {
    field.and_then(Value::scalar)
}

/// The username at the end of a user's URI (docs/mapping.md 3, `user.name`).
fn username(uri: Value<'_>) -> Option<Cow<'_, str>> {
    let uri = uri.as_str()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-');
    let start = uri.bytes().rposition(|byte| !allowed(byte))? + 1;
    if start == uri.len() || !uri.as_bytes()[..start].ends_with(b"?username=") {
        return None;
    }
    Some(match uri {
        Cow::Borrowed(uri) => Cow::Borrowed(&uri[start..]),
        Cow::Owned(uri) => Cow::Owned(uri[start..].to_owned()),
    })
}

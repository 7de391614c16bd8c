//! Records of Confluence Cloud, and of old Server's API (mapping.md §4).

use crate::dialect::Record;
use crate::event::{AuditType, Event, Objects, Rename, Scalar};
use crate::json::{Pattern, Value};
use crate::timestamp::Timestamp;

use super::{Unmappable, scalar};

/// Maps a Cloud record.
///
/// # Errors
/// Where the record has no `creationDate`, or one that cannot be read.
pub fn map<'a>(record: &Record<'a>) -> Result<Event<'a>, Unmappable> {
    let creation_date = record
        .creation_date
        .ok_or(Unmappable::NoTime("creationDate"))?;
    let mut event = Event::at(
        Timestamp::from_creation_date(creation_date)
            .ok_or_else(|| Unmappable::unreadable_time("creationDate", creation_date))?,
    );
    event.source_address = scalar(record.remote_address);

    let [id, name, external] = record.author.map_or([None; 3], |author| {
        author.pick(["accountId", "displayName", "externalCollaborator"])
    });
    event.user.id = scalar(id).map(Scalar::Json);
    event.user.full_name = scalar(name).map(Scalar::Json);
    event.audit.external_collaborator = scalar(external);

    let summary = scalar(record.summary);
    event.action = summary
        .filter(|summary| !summary.is_str(""))
        .map(Scalar::Json);
    event.audit.kind = AuditType::Cloud {
        category: scalar(record.category),
        action: summary,
    };
    event.audit.affected_objects = Objects {
        list: record.associated_objects.and_then(Value::array),
        last: affected_object(record),
        rename: Rename::AffectedObject,
    };
    event.audit.changed_values = Objects {
        list: record.changed_values.and_then(Value::array),
        last: None,
        rename: Rename::ChangedValue,
    };
    Ok(event)
}

/// The `affectedObject`, unless it is among the `associatedObjects` already.
fn affected_object<'a>(record: &Record<'a>) -> Option<Value<'a>> {
    let affected = record.affected_object?;
    let associated = record.associated_objects.and_then(Value::array);
    let mut elements = associated.into_iter().flat_map(Value::elements);
    let pattern = Pattern::new(affected);
    let is_there = elements.any(|element| pattern.equals(element));
    (!is_there).then_some(affected)
}

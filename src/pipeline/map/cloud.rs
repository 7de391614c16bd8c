//! Records of Confluence Cloud, and of old Server's API (docs/mapping.md 4).

use crate::pipeline::dialect::{Dialect, Record};
use crate::pipeline::event::{AuditType, Event, Objects, Rename, Scalar};
use crate::pipeline::json::{Kind, Pattern, Value};
use crate::pipeline::timestamp::{TimeMode, Timestamp};

use super::{Unmappable, scalar};

/// Maps a Cloud record into an empty event; one without a `creationDate`, which only a flag or the source can have called
/// one, happens now (docs/mapping.md 10).
///
/// # Errors
/// Where the record has a `creationDate` that cannot be read.
pub fn map<'a>(event: &mut Event<'a>, record: &Record<'a>) -> Result<(), Unmappable> {
    let time = record.time(Dialect::CLOUD, TimeMode::Exact)?;
    event.timestamp = time.unwrap_or_else(Timestamp::now);
    event.source_address = scalar(record.remote_address);

    let [id, name, external] = record.author.map_or([None; 3], |author| {
        author.pick(["accountId", "displayName", "externalCollaborator"])
    });
    event.user.id = scalar(id).map(Scalar::Json);
    event.user.full_name = scalar(name).map(Scalar::Json);
    event.audit.external_collaborator = scalar(external);

    let summary = scalar(record.summary);
    event.action = summary.map(Scalar::Json);
    event.audit.kind = AuditType::Cloud {
        category: scalar(record.category),
        action: summary,
    };
    event.audit.affected_objects = Objects::new(
        record.associated_objects,
        affected_object(record),
        Rename::AffectedObject,
    );
    event.audit.changed_values = Objects::new(record.changed_values, None, Rename::ChangedValue);
    Ok(())
}

/// The `affectedObject`, unless it is among the `associatedObjects` already.
fn affected_object<'a>(record: &Record<'a>) -> Option<Value<'a>> {
    let affected = record.affected_object?;
    let pattern = Pattern::new(affected);
    let is_there = match record.associated_objects {
        Some(list) if list.kind() == Kind::Array => {
            list.elements().any(|element| pattern.equals(element))
        }
        // A scalar in the place of the list is left out, and so is no element of it.
        Some(single) => single.object().is_some_and(|object| pattern.equals(object)),
        None => false,
    };
    (!is_there).then_some(affected)
}

//! Self-hosted records, from files and from the API (docs/mapping.md 3).

use crate::pipeline::dialect::{ConfluenceDialect, Dialect, Record, SelfHostedDialect};
use crate::pipeline::event::{AuditType, Event, Objects, Rename, Scalar};
use crate::pipeline::json::Value;
use crate::pipeline::timestamp::TimeMode;

use super::{Unmappable, scalar, username};

/// Maps a self-hosted record into an empty event. Both dialects are one mapping: which of `auditType` and `type` is
/// there, and the time's shape, differ.
///
/// # Errors
/// Where the record has no time, or one that cannot be read.
pub fn map<'a>(
    event: &mut Event<'a>,
    record: &Record<'a>,
    dialect: SelfHostedDialect,
    mode: TimeMode,
) -> Result<(), Unmappable> {
    let own = Dialect::Confluence(ConfluenceDialect::SelfHosted(dialect));
    let time = record.time(own, mode)?;
    event.timestamp = time.ok_or(Unmappable::NoTime("timestamp"))?;
    event.source_address = scalar(record.source);
    event.service_address = scalar(record.system);

    let author = record.author;
    let [id, name, uri] = author.map_or([None; 3], |author| author.pick(["id", "name", "uri"]));
    event.user.id = scalar(id).map(Scalar::Json);
    event.user.full_name = scalar(name).map(Scalar::Json);
    event.user.name = uri.and_then(username).map(Scalar::Text);

    let (first, second) = match dialect {
        SelfHostedDialect::Api => (record.kind, record.audit_type),
        SelfHostedDialect::File => (record.audit_type, record.kind),
    };
    let audit_type = first
        .and_then(Value::object)
        .or(second.and_then(Value::object));
    event.action =
        scalar(audit_type.and_then(|audit_type| audit_type.get("actionI18nKey"))).map(Scalar::Json);
    event.audit.kind = match audit_type {
        Some(object) => AuditType::Object(object),
        None => AuditType::Absent,
    };
    event.audit.method = scalar(record.method);
    event.audit.affected_objects = Objects::new(record.affected_objects, None, Rename::None);
    event.audit.changed_values = Objects::new(record.changed_values, None, Rename::None);
    event.audit.extra_attributes = Objects::new(record.extra_attributes, None, Rename::None);
    Ok(())
}

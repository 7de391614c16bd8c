//! An event as one line of JSON, its keys in order.

use std::io::Write as _;

use super::envelope::DATASET;
use super::object::Object;
use super::{Audit, AuditType, Envelope, Event, Group, Origin, Scalar, User};
use crate::json::{copy_cleaned, write_string};
use crate::timestamp::Timestamp;

const ECS_VERSION: &str = "\"8.11.0\"";

/// Appends an event and a line end. `original` is the record's text; `offset` is where in the stream
/// its line begins.
pub fn write_event(
    out: &mut Vec<u8>,
    event: &Event<'_>,
    envelope: &Envelope,
    origin: &Origin,
    offset: u64,
    original: &str,
) {
    let mut root = Object::open(out, Some(&envelope.overlay));
    timestamp(&mut root, event.timestamp);
    root.object("confluence", |confluence| {
        confluence.object("audit", |object| audit(object, &event.audit));
    });
    data_stream(&mut root, envelope);
    root.object("ecs", |ecs| ecs.json("version", ECS_VERSION));
    root.object("event", |object| {
        scalar(object, "action", event.action.as_ref());
        list(object, "category", event.row.category);
        object.json("dataset", DATASET);
        object.json("kind", "\"event\"");
        if envelope.preserve_original {
            object.value("original", |out| {
                write_string(out, original);
                true
            });
        }
        if let Some(outcome) = event.row.outcome {
            object.value("outcome", |out| {
                write_string(out, outcome);
                true
            });
        }
        list(object, "type", event.row.kind);
    });
    root.object("group", |object| group(object, &event.group));
    where_from(&mut root, origin, offset);
    root.object("related", |object| related(object, event));
    root.object("service", |service| {
        let address = event.service_address;
        service.value("address", |out| {
            address.is_some_and(|address| copy_cleaned(out, address))
        });
    });
    root.object("source", |object| source(object, event));
    tags(&mut root, envelope);
    root.object("user", |object| users(object, event));
    root.close();
    out.push(b'\n');
}

/// Appends the event of something that could not be mapped (mapping.md §10), and a line end.
pub fn write_pipeline_error(
    out: &mut Vec<u8>,
    message: &str,
    envelope: &Envelope,
    origin: &Origin,
    offset: u64,
    original: &[u8],
) {
    let mut root = Object::open(out, Some(&envelope.overlay));
    timestamp(&mut root, Timestamp::now());
    data_stream(&mut root, envelope);
    root.object("ecs", |ecs| ecs.json("version", ECS_VERSION));
    root.object("error", |error| {
        error.value("message", |out| {
            write_string(out, message);
            true
        });
    });
    root.object("event", |event| {
        event.json("dataset", DATASET);
        event.json("kind", "\"pipeline_error\"");
        event.value("original", |out| {
            write_string(out, &String::from_utf8_lossy(original));
            !original.is_empty()
        });
    });
    where_from(&mut root, origin, offset);
    tags(&mut root, envelope);
    root.close();
    out.push(b'\n');
}

fn timestamp(root: &mut Object<'_, '_>, timestamp: Timestamp) {
    root.value("@timestamp", |out| {
        out.push(b'"');
        timestamp.write(out);
        out.push(b'"');
        true
    });
}

fn data_stream(root: &mut Object<'_, '_>, envelope: &Envelope) {
    root.object("data_stream", |object| {
        object.json("dataset", DATASET);
        object.value("namespace", |out| {
            out.extend_from_slice(envelope.namespace.as_bytes());
            envelope.namespace.len() > 2
        });
        object.json("type", "\"logs\"");
    });
}

fn where_from(root: &mut Object<'_, '_>, origin: &Origin, offset: u64) {
    root.object("input", |input| input.json("type", origin.input));
    root.object("log", |log| {
        let Some(path) = &origin.path else { return };
        log.object("file", |file| file.json("path", path));
        log.value("offset", |out| write!(out, "{offset}").is_ok());
    });
}

fn tags(root: &mut Object<'_, '_>, envelope: &Envelope) {
    root.value("tags", |out| {
        out.extend_from_slice(envelope.tags.as_bytes());
        !envelope.tags.is_empty()
    });
}

fn scalar(object: &mut Object<'_, '_>, name: &'static str, scalar: Option<&Scalar<'_>>) {
    object.value(name, |out| scalar.is_some_and(|scalar| scalar.write(out)));
}

/// A list of words that need no escapes.
fn list(object: &mut Object<'_, '_>, name: &'static str, words: &[&str]) {
    object.value(name, |out| {
        let mut separator = b'[';
        for word in words {
            out.push(separator);
            write_string(out, word);
            separator = b',';
        }
        out.push(b']');
        !words.is_empty()
    });
}

fn audit(object: &mut Object<'_, '_>, audit: &Audit<'_>) {
    object.value("affected_objects", |out| audit.affected_objects.write(out));
    object.value("changed_values", |out| audit.changed_values.write(out));
    object.value("external_collaborator", |out| {
        audit
            .external_collaborator
            .is_some_and(|value| copy_cleaned(out, value))
    });
    object.value("extra_attributes", |out| audit.extra_attributes.write(out));
    object.value("method", |out| {
        audit.method.is_some_and(|method| copy_cleaned(out, method))
    });
    match audit.kind {
        AuditType::Object(value) => object.copy("type", value),
        AuditType::Absent => object.object("type", |_| {}),
        AuditType::Cloud { category, action } => object.object("type", |object| {
            object.value("action", |out| {
                action.is_some_and(|action| copy_cleaned(out, action))
            });
            object.value("category", |out| {
                category.is_some_and(|category| copy_cleaned(out, category))
            });
        }),
    }
}

fn group(object: &mut Object<'_, '_>, group: &Group<'_>) {
    scalar(object, "id", group.id.as_ref());
    scalar(object, "name", group.name.as_ref());
}

fn users(object: &mut Object<'_, '_>, event: &Event<'_>) {
    object.object("changes", |object| user(object, &event.changes));
    scalar(object, "full_name", event.user.full_name.as_ref());
    scalar(object, "id", event.user.id.as_ref());
    scalar(object, "name", event.user.name.as_ref());
    object.object("target", |object| user(object, &event.target));
}

fn user(object: &mut Object<'_, '_>, user: &User<'_>) {
    scalar(object, "email", user.email.as_ref());
    scalar(object, "full_name", user.full_name.as_ref());
    object.object("group", |object| group(object, &user.group));
    scalar(object, "id", user.id.as_ref());
    scalar(object, "name", user.name.as_ref());
}

/// `related.hosts`, `.ip` and `.user`; each user name once, as text (mapping.md §7).
fn related(object: &mut Object<'_, '_>, event: &Event<'_>) {
    object.value("hosts", |out| {
        let Some(host) = &event.related_hosts else {
            return false;
        };
        out.push(b'[');
        write_string(out, host);
        out.push(b']');
        true
    });
    object.value("ip", |out| {
        let Some(located) = &event.source else {
            return false;
        };
        out.extend_from_slice(located.related_ip.as_bytes());
        !located.related_ip.is_empty()
    });
    object.value("user", |out| {
        let names = [&event.user.name, &event.target.name, &event.changes.name];
        let names = names.map(|name| name.as_ref().and_then(Scalar::text));
        let mut separator = b'[';
        for (at, name) in names.iter().enumerate() {
            let Some(text) = name else { continue };
            if !names[..at].contains(name) {
                out.push(separator);
                write_string(out, text);
                separator = b',';
            }
        }
        out.push(b']');
        separator == b','
    });
}

fn source(object: &mut Object<'_, '_>, event: &Event<'_>) {
    let address = event.source_address;
    object.value("address", |out| {
        address.is_some_and(|address| copy_cleaned(out, address))
    });
    let Some(located) = &event.source else { return };
    object.fragment("as", &located.autonomous_system);
    object.fragment("geo", &located.geo);
    object.fragment("ip", &located.ip);
}
